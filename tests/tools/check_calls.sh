#!/bin/sh
# SPDX-License-Identifier: MIT
# check_calls.sh - no file calls upward, and each public function is in the file
# that docs/architecture.md says, as the symbols of the objects have it.
#
# Each file of src/ is compiled by itself. What its object leaves undefined, a
# function or a table, another one defines: that file has to stand above it in
# floor_plan. As the plan is one order, there is no circle either.
#
# An object has the calls of the inline functions that it uses as its own, and
# nothing of those that nobody uses. So the headers of src/ are also read as
# text, with each macro and all branches of an #if. The functions that a header
# names have to stand above the header itself, too. Only those that it declares
# may be anywhere, as their file implements it; no other header declares them.
#
# The public functions are those that the headers declare, after preprocessing.
# Each stands in one row of the table `| source | ... | public functions |`, and
# an object of that row's sources defines it. Nothing is defined twice.
set -u

plan=tests/tools/floor_plan
table=docs/architecture.md
CC=${CC:-cc}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

for source in src/*.c src/*/*.c; do
    object=$tmp/$(basename "$source" .c).o
    # Inlining hides calls; SIMD needs some optimisation to compile at all.
    $CC -std=c11 -O1 -fno-inline -Iinclude -c "$source" -o "$object" || exit 1
    ${NM:-nm} "$object" | sed "s/^/$(basename "$source") /"
done >"$tmp/symbols" || exit 1

# What headers use, as nm would print it. A declaration or a definition begins
# its line, and is of the name before the first parenthesis.
awk '
FILENAME ~ /symbols$/ {
    if (NF == 4 && $3 ~ /^[TW]$/)
        functions[$4] = 1
    next
}
in_comment && !sub(/.*\*\//, "") { next }
{
    gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, "")
    in_comment = sub(/\/\*.*/, "")
}
match($0, /^[A-Za-z][^(]*[ *]upf_[a-z0-9_]*\(/) {
    name = substr($0, 1, RLENGTH - 1)
    sub(/.*[ *]/, "", name)
    $0 = substr($0, RLENGTH)
    if (name in header && header[name] != FILENAME) {
        print header[name] " and " FILENAME " declare " name >"/dev/stderr"
        bad = 1
    }
    header[name] = FILENAME
}
FILENAME ~ /^src/ {
    n = split($0, word, /[^A-Za-z0-9_]+/)
    for (i = 1; i <= n; i++)
        if (word[i] in functions)
            used[FILENAME " U " word[i]] = 1
}
END {
    for (use in used) {
        split(use, word, " ")
        if (header[word[3]] == word[1])
            continue
        sub(/.*\//, "", use)
        print use
    }
    exit bad
}' "$tmp/symbols" include/upframe/*.h src/*.h src/*/*.h >"$tmp/uses" || exit 1

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
}' "$plan" "$tmp/symbols" "$tmp/uses" || exit 1

cat include/upframe/*.h | $CC -std=c11 -E -P -Iinclude - |
    grep -v -e inline -e typedef | grep -o 'upf_[a-z0-9_]* *(' |
    tr -d ' (' | sort -u >"$tmp/declared"

awk '
function wrong(what) {
    printf "%s:%d: %s\n", FILENAME, FNR, what
    bad = 1
}
FILENAME ~ /declared$/ { declared[$1] = 1; next }
FILENAME ~ /symbols$/ {
    if (NF == 4 && $3 ~ /^[TW]$/) {
        if ($4 in home)
            wrong($4 " is defined in " home[$4] " and in " $1)
        home[$4] = $1
    }
    next
}
/^\| source \|/ { in_table = 1; next }
!/^\|/          { in_table = 0 }
!in_table || /^\|---/ { next }
{
    split($0, cell, "|")
    gsub(/\.\[ch\]/, ".c", cell[2])
    n = split(cell[4], name, /[` ]+/)
    for (i = 1; i <= n; i++) {
        if (name[i] == "")
            continue
        if (!(name[i] in declared))
            wrong("no public header declares " name[i])
        else if (index(cell[2], "`" home[name[i]] "`") == 0)
            wrong(name[i] " is defined in " home[name[i]])
        if (name[i] in rows)
            wrong(name[i] " has two rows")
        rows[name[i]] = FNR
    }
}
END {
    for (function_ in declared) {
        functions++
        if (!(function_ in rows))
            wrong("no row has " function_)
    }
    if (functions == 0)
        wrong("no functions seen: what does the preprocessor print here?")
    if (!bad)
        printf "%d public functions are where the table says\n", functions
    exit bad
}' "$tmp/declared" "$tmp/symbols" "$table"
