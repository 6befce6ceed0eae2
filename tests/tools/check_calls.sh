#!/bin/sh
# SPDX-License-Identifier: MIT
# check_calls.sh - no file calls upward, as the symbols of the objects have it.
#
# Each file of src/ is compiled by itself. What its object leaves undefined, a
# function or a table, another one defines: that file has to stand above it in
# floor_plan. As the plan is one order, there is no circle either.
set -u

plan=tests/tools/floor_plan
CC=${CC:-cc}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

for source in src/*.c src/*/*.c; do
    object=$tmp/$(basename "$source" .c).o
    # Inlining hides calls; SIMD needs some optimisation to compile at all.
    $CC -std=c11 -O1 -fno-inline -Iinclude -c "$source" -o "$object" || exit 1
    ${NM:-nm} "$object" | sed "s/^/$(basename "$source") /"
done >"$tmp/symbols" || exit 1

awk '
FNR == NR {
    if (!/^[# ]/ && NF > 0)
        place[$1] = ++rows
    next
}
NF == 4 && $3 ~ /^[TDBRCV]$/ { home[$4] = $1 }
NF == 3 && $2 == "U"         { caller[++uses] = $1; name[uses] = $3 }
END {
    for (i = 1; i <= uses; i++) {
        if (!(name[i] in home) || home[name[i]] == caller[i])
            continue
        calls++
        if (place[home[name[i]]] < place[caller[i]])
            continue
        printf "%s calls upward: %s() of %s\n", caller[i], name[i],
            home[name[i]]
        bad = 1
    }
    if (calls == 0) {
        print "no calls seen: what does nm print here?"
        bad = 1
    }
    if (!bad)
        printf "%d calls between files point down\n", calls
    exit bad
}' "$plan" "$tmp/symbols"
