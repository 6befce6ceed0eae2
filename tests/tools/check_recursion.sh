#!/bin/sh
# SPDX-License-Identifier: MIT
# check_recursion.sh - no function of src/ calls itself, directly or through
# others. Needs gcc 10 or later.
#
# Calls through a pointer are out of its sight: the allocator, the random
# source, the trace hook and the extension are the caller's code, and by their
# contracts do not call back into the library.
set -u

gcc=${GCC:-gcc}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

if ! $gcc -fcallgraph-info -c -x c -o "$tmp/probe.o" /dev/null 2>/dev/null
then
    echo "SKIP: $gcc does not know -fcallgraph-info"
    exit 77
fi
rm -f "$tmp"/probe.*

# At -O0: the optimizer would inline calls away, or turn them into loops.
for source in src/*.c src/*/*.c; do
    name=${source##*/}
    $gcc -std=c11 -O0 -Iinclude -fcallgraph-info -c "$source" \
        -o "$tmp/${name%.c}.o" || exit 1
done

# edge: { sourcename: "caller" targetname: "callee" label: "file:line:column" }
# A static function is "file:name", so equal names in two files stay apart.
# What calls nobody is in no cycle, and what nobody calls is in none: take
# these away until nothing changes; cycles, and what joins them, are left.
cat "$tmp"/*.ci | awk -F '"' '
/^node:/ { nodes++ }
/^edge:/ { from[++n] = $2; to[n] = $4; at[n] = $6 }
END {
    if (nodes == 0) {
        print "no function found"
        exit 1
    }
    edges = n
    do {
        split("", calls)
        split("", called)
        for (i = 1; i <= n; i++) {
            calls[from[i]] = 1
            called[to[i]] = 1
        }
        kept = 0
        for (i = 1; i <= n; i++)
            if (from[i] in called && to[i] in calls) {
                kept++
                from[kept] = from[i]
                to[kept] = to[i]
                at[kept] = at[i]
            }
        changed = kept < n
        n = kept
    } while (changed)
    for (i = 1; i <= n; i++)
        print at[i] ": part of a cycle: " from[i] " calls " to[i]
    if (n == 0)
        printf "%d calls, no cycle\n", edges
    exit n > 0
}'
