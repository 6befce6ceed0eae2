#!/bin/sh
# SPDX-License-Identifier: MIT
# check_examples.sh - an example is read in one sitting: sizes have a limit.
#
# A file of an application (examples/apps/): 250 lines, all of them counted. The
# server that they share, both of its files together: 500 lines that are neither
# blank nor comment.
set -u

bad=0
files=$(find examples/apps -name '*.[ch]')

for file in $files; do
    lines=$(wc -l <"$file")
    if [ "$lines" -gt 250 ]; then
        echo "$file: $lines lines; at most 250: does it have two jobs?"
        bad=1
    fi
done

# Comments are whole lines here, from "/*" at a line's beginning to "*/".
server='examples/common/server.c examples/common/server_client.c'
# shellcheck disable=SC2086
lines=$(awk '
/^ *\/\*/           { inside = 1 }
!inside && NF > 0   { count++ }
/\*\//              { inside = 0 }
END                 { print count + 0 }' $server)
if [ "$lines" -gt 500 ] || [ "$lines" -lt 100 ]; then
    echo "$server: $lines lines of code; at most 500"
    bad=1
fi

[ "$bad" -eq 0 ] &&
    echo "$(echo "$files" | wc -l) files of applications have at most 250" \
        "lines; the server has $lines of code"
exit "$bad"
