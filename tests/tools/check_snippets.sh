#!/bin/sh
# SPDX-License-Identifier: MIT
# check_snippets.sh - the C code in README.md and docs/guide.md compiles.
#
# Every block fenced with ```c is compiled by itself, warnings as errors. A
# block that includes an upframe header is compiled as it stands, without even
# a macro that the reader would not have: whole programs are such blocks. All
# others are fragments, and get the lines above them that the guide says they
# assume (its block "fragments.c"), and nothing else. A fragment is complete at
# file level: statements stand in a function, and what a reader would supply is
# declared. Code that is not to be compiled is fenced with another word.
set -u

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
bad=0
total=0

sh tests/tools/guide_block.sh docs/guide.md fragments.c >"$tmp/above" || exit 1

for doc in README.md docs/guide.md; do
    [ -f "$doc" ] || { echo "$doc is missing"; bad=1; continue; }

    rm -f "$tmp"/*.c
    awk -v dir="$tmp" '
    /^[ \t]*```/ && out != "" { close(out); out = ""; next }
    /^[ \t]*```/ && other     { other = 0; next }
    /^[ \t]*```c[ \t]*$/      { out = sprintf("%s/%05d.c", dir, FNR + 1); next }
    /^[ \t]*```/              { other = 1; next }
    out != ""                 { print >out }
    ' "$doc"

    count=0
    for block in "$tmp"/*.c; do
        [ -e "$block" ] || continue
        count=$((count + 1))
        # A #line gives each message the line of the document.
        line=$(basename "$block" .c | sed 's/^0*//')
        {
            grep -q '^#include <upframe/' "$block" || cat "$tmp/above"
            echo "#line $line \"$doc\""
            cat "$block"
        } >"$tmp/block"
        # shellcheck disable=SC2086
        ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Wconversion -Wshadow \
            -Werror -Wno-unused-function -Iinclude -fsyntax-only \
            -x c "$tmp/block" || bad=1
    done
    if [ "$count" -eq 0 ]; then
        echo "$doc: no block fenced with \`\`\`c"
        bad=1
    fi
    total=$((total + count))
done
[ "$bad" -eq 0 ] && echo "$total blocks compile"
exit "$bad"
