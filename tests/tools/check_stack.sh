#!/bin/sh
# SPDX-License-Identifier: MIT
# check_stack.sh - no function of src/ needs over 1 KiB of stack, or an amount
# that is known at run time only (a VLA, alloca). Needs gcc.
set -u

LIMIT=1024 # bytes a function, at -O2
gcc=${GCC:-gcc}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

if ! $gcc -fstack-usage -c -x c -o "$tmp/probe.o" /dev/null 2>/dev/null; then
    echo "SKIP: $gcc does not know -fstack-usage"
    exit 77
fi
for source in src/*.c src/*/*.c; do
    name=${source##*/}
    $gcc -std=c11 -O2 -Iinclude -fstack-usage -c "$source" \
        -o "$tmp/${name%.c}.o" || exit 1
done

# A line: file:line:column:function TAB bytes TAB static|dynamic[,bounded].
# "dynamic,bounded" is what arguments pushed for a call make of a function: the
# bytes are then the most it needs.
cat "$tmp"/*.su | awk -F '\t' -v limit="$LIMIT" '
$3 == "dynamic" {
    print $1 ": the stack it needs is known at run time only"
    bad = 1
}
$2 > limit {
    print $1 ": " $2 " bytes of stack, over " limit
    bad = 1
}
$2 > most { most = $2; which = $1 }
END {
    if (NR == 0) {
        print "no function found"
        exit 1
    }
    sub(/.*:/, "", which)
    if (!bad)
        printf "%d functions, the largest: %s, %d bytes\n", NR, which, most
    exit bad
}'
