#!/bin/sh
# SPDX-License-Identifier: MIT
# check_snippets.sh - the C code in README.md and docs/guide.md compiles.
#
# Every block fenced with ```c is compiled by itself, warnings as errors,
# behind the preamble below. So a block is complete at file level: it defines
# functions and types; statements stand in a function. What a reader would
# supply (`read_fd`) is declared in the block. Code that is not to be compiled
# is fenced with another word, such as ```text.
set -u

preamble='
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <upframe/upframe.h>
'
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
bad=0
total=0

for doc in README.md docs/guide.md; do
    [ -f "$doc" ] || { echo "$doc is missing"; bad=1; continue; }

    # A #line gives each message the line of the document.
    rm -f "$tmp"/*.c
    PREAMBLE=$preamble awk -v doc="$doc" -v dir="$tmp" '
    /^[ \t]*```/ && out != "" { close(out); out = ""; next }
    /^[ \t]*```/ && other     { other = 0; next }
    /^[ \t]*```c[ \t]*$/ {
        out = sprintf("%s/%05d.c", dir, FNR)
        print ENVIRON["PREAMBLE"] >out
        printf "#line %d \"%s\"\n", FNR + 1, doc >out
        next
    }
    /^[ \t]*```/ { other = 1; next }
    out != ""    { print >out }
    ' "$doc"

    count=0
    for block in "$tmp"/*.c; do
        [ -e "$block" ] || continue
        count=$((count + 1))
        # shellcheck disable=SC2086
        ${CC:-cc} -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic \
            -Werror -Wno-unused-function -Iinclude -Iexamples -fsyntax-only \
            "$block" || bad=1
    done
    if [ "$count" -eq 0 ]; then
        echo "$doc: no block fenced with \`\`\`c"
        bad=1
    fi
    total=$((total + count))
done
[ "$bad" -eq 0 ] && echo "$total blocks compile"
exit "$bad"
