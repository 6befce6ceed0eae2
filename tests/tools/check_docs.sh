#!/bin/sh
# SPDX-License-Identifier: MIT
# check_docs.sh - docs/conformance.md names what exists.
#
# Its tables have the columns `| id | requirement | function(s) | test(s) |`;
# a table whose first heading is not "id" is not looked at. Per row,
#   functions  `name` or `name()`, a word of src/ or include/; or a file,
#              `close.c`
#   tests      `test_file:name`, where test_file.c (or .sh), in tests/ or one of
#              its directories, has the name, a .c twice: defined and listed; or
#              a file, `tests/interop/run.sh`
# Each row has one of each, at least, unless it says [T]: the duty of the
# application or of the transport.
set -u

DOC=docs/conformance.md
ROWS=60 # at least

[ -f "$DOC" ] || { echo "$DOC is missing"; exit 1; }
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# Every word of the sources outside comments, once.
cat src/*.[ch] src/*/*.[ch] include/upframe/*.h |
    sed -e 's|/\*.*\*/||' -e '/^ *\/\*/,/\*\//d' |
    tr -cs 'A-Za-z0-9_' '\n' | sort -u >"$tmp/words"

# One line a claim: `row N`, `function N NAME`, `test N NAME`, `empty N WHAT`.
awk '
function claims(kind, cell, count, name) {
    while (match(cell, /`[^`]+`/)) {
        name = substr(cell, RSTART + 1, RLENGTH - 2)
        cell = substr(cell, RSTART + RLENGTH)
        sub(/\(\)$/, "", name)
        print kind, FNR, name
        count++
    }
    if (!count && !duty)
        print "empty", FNR, kind
}
!/^\|/ { in_table = 0; next }
{
    gsub(/\\\|/, "\001")
    columns = split($0, cell, "|")
    first = tolower(cell[2])
    gsub(/[ \t*]/, "", first)
}
first == "id"               { in_table = 1; next }
!in_table || first ~ /^:?-+:?$/ { next }
{
    print "row", FNR
    duty = index($0, "[T]") > 0
    if (columns < 6)
        print "empty", FNR, "column"
    claims("function", cell[4])
    claims("test", cell[5])
}' "$DOC" >"$tmp/claims"

bad=0
wrong()
{
    echo "$DOC:$1: $2"
    bad=1
}

a_file()
{
    [ -f "$1" ] || [ -f "src/$1" ] || [ -f "src/kernels/$1" ] ||
        [ -f "src/deflate/$1" ] || [ -f "include/upframe/$1" ]
}

a_test()
{
    case $1 in
    *:*:* | *[!A-Za-z0-9_:]* | :* | *:) return 1 ;;
    *:*) ;;
    *) return 1 ;;
    esac
    for file in tests/"${1%%:*}".* tests/*/"${1%%:*}".*; do
        case $file in
        *\*) ;; # nothing is called so
        *.sh) grep -Fqw -- "${1#*:}" "$file" && return ;;
        *.c) [ "$(grep -Fcw -- "${1#*:}" "$file")" -ge 2 ] && return ;;
        esac
    done
    return 1
}

while read -r kind line name; do
    case $kind in
    empty) wrong "$line" "the row has no $name" ;;
    function)
        grep -Fqx -- "$name" "$tmp/words" || a_file "$name" ||
            wrong "$line" "no '$name' in src/ or include/"
        ;;
    test)
        a_test "$name" || a_file "$name" || wrong "$line" "no test '$name'"
        ;;
    esac
done <"$tmp/claims"

rows=$(grep -c '^row' "$tmp/claims")
if [ "$rows" -lt "$ROWS" ]; then
    wrong 1 "$rows rows, but $ROWS are expected"
fi
[ "$bad" -eq 0 ] && echo "$rows rows, every name exists"
exit "$bad"
