#!/bin/sh
# SPDX-License-Identifier: MIT
# check_spdx.sh - every source file names its licence in its first 3 lines,
# only LICENSE holds the text, and no file holds a path of somebody's machine.
set -u

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
bad=0

# With git: what is tracked, and what would be. Without: all but the build.
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files --cached --others --exclude-standard
else
    find . -path ./build -prune -o -name .git -prune -o -type f -print |
        sed 's|^\./||'
fi | sort -u | while IFS= read -r file; do
    [ -f "$file" ] && printf '%s\n' "$file"
done >"$tmp/files"

while IFS= read -r file; do
    case $file in
    *.c | *.h | *.sh | *.py | *.js | *.mjs | *.html | *.yml | *.yaml | \
        Makefile | *.mk | .ci/run)
        sed -n 1,3p "$file" | grep -q 'SPDX-License-Identifier: MIT' || {
            echo "$file: no SPDX line in its first 3 lines"
            bad=1
        }
        ;;
    esac
done <"$tmp/files"

# The brackets keep these patterns from matching themselves.
text='Permission is [h]ereby granted|WITHOUT [W]ARRANTY OF ANY KIND'
paths='/[w]ork/|/[r]oot/|/[t]mp/bash'

if grep -vx LICENSE "$tmp/files" | xargs grep -El "$text" /dev/null; then
    echo "^ holds licence text, which is for LICENSE"
    bad=1
fi
if xargs grep -Ean "$paths" /dev/null <"$tmp/files"; then
    echo "^ names a path of one machine"
    bad=1
fi

[ -f LICENSE ] || { echo "LICENSE is missing"; bad=1; }
[ "$bad" -eq 0 ] && echo "$(wc -l <"$tmp/files") files"
exit "$bad"
