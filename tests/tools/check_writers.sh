#!/bin/sh
# SPDX-License-Identifier: MIT
# check_writers.sh - the fields of a connection have the writers that private.h
# names, and no others.
#
# In upframe/private.h stands "by FILE ..." over each group of fields. For each
# list of files there, the fields of that list are made const, and all files of
# src/ that name one of them are compiled: then a write, or a pointer through
# which somebody could write, is an error of the compiler. Each file of the list
# must have such an error, and no other file may. That does not stop memset(),
# which takes any pointer; but what sets all of a connection, or of its `in`, is
# looked for in the text. Not seen is what stands in `#if UPF_SMALL`.
#
# All fields of upf_conn, and all of a struct that has a list, must have one; a
# field whose own struct has lists needs no other.
set -u

CC=${CC:-cc}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
private=include/upframe/private.h

# fields COPY LIST: write the names of the list's fields, and to COPY private.h
# with these made const. Without LIST, write all lists.
fields() {
    awk -v copy="$1" -v of="${2-}" '
    function wrong(what) {
        printf "%s:%d: %s\n", FILENAME, FNR, what >"/dev/stderr"
        bad = 1
    }
    NR == FNR {
        if (/^(struct|union) [a-z_]+ \{/)
            in_type = $2
        if (/\/\* by /)
            has_list[in_type] = 1
        if (/^\}/)
            in_type = ""
        next
    }
    /\/\* by / {
        by = $0
        sub(/.*\/\* by /, "", by)
        sub(/ *\*\/.*/, "", by)
        lists[by] = 1
    }
    /^(struct|union) [a-z_]+ \{/ { in_type = $2 }
    /\{/ && !/\/\* by /          { by = "" }
    /^ *\}/                      { by = "" }
    /^\}/                        { in_type = "" }
    {
        code = $0
        sub(/ *\/\*.*/, "", code)
    }
    code ~ /;$/ && code !~ /^ *\}/ && has_list[in_type] {
        if (code !~ /^ +[a-z][a-z0-9_ *]*(\[[^]]*\])?;$/)
            wrong("not understood: declare one field a line")
        if (by == "" && !(code ~ /^ +(struct|union) / && has_list[$2]))
            wrong("no list of its writers over this field: /* by FILE */")
        if (by != "")
            fields++
        if (by != "" && by == of) {
            match($0, /[a-z0-9_]+(\[[^]]*\])?;/)
            name = substr($0, RSTART)
            sub(/[[;].*/, "", name)
            print name
            $0 = substr($0, 1, RSTART - 1) "const " substr($0, RSTART)
        }
    }
    { print >copy }
    END {
        if (fields < 20)
            wrong("only " fields + 0 " fields seen")
        if (of == "")
            for (list in lists)
                print list
        exit bad
    }' $private $private
}

# compile FILE [DIRECTORY]: with the private.h of that directory.
compile() {
    $CC -std=c11 -Werror -Wcast-qual -fsyntax-only ${2:+-I"$2"} -Iinclude \
        -xc "$1"
}

# The files that know the struct at all, and the casts that are no matter of it.
for source in src/*.[ch]; do
    $CC -MM -Iinclude -xc "$source" | grep -q "$private" && echo "$source"
done >"$tmp/sources"
while read -r source; do
    compile "$source" 2>&1 | grep 'error:'
done <"$tmp/sources" >"$tmp/before"

mkdir "$tmp/upframe"
fields /dev/null >"$tmp/lists" || exit 1
bad=0
compiled=0
while read -r list; do
    fields "$tmp/upframe/private.h" "$list" >"$tmp/names" || exit 1
    : >"$tmp/errors"
    for source in $(xargs grep -lwFf "$tmp/names" <"$tmp/sources"); do
        compiled=$((compiled + 1))
        compile "$source" "$tmp" 2>"$tmp/said" && continue
        if ! grep 'error:' "$tmp/said" >>"$tmp/errors"; then
            cat "$tmp/said" # no compiler, no memory
            exit 1
        fi
    done
    for file in $list; do
        grep -vxFf "$tmp/before" "$tmp/errors" | grep -q "^src/$file:" &&
            continue
        echo "$private: src/$file writes nothing that is said to be by $list"
        bad=1
    done
    grep -vxFf "$tmp/before" "$tmp/errors" | sort -u | while IFS=: read -r file line _ rest; do
        case " $list " in *" ${file#src/} "*) continue ;; esac
        echo "$file:$line: may write what $private says is by $list:$rest"
    done >"$tmp/found"
    [ -s "$tmp/found" ] || continue
    cat "$tmp/found"
    bad=1
done <"$tmp/lists"

# Only upf_conn_zero() may, and upf_conn_enter() with `in`.
if grep -nE 'mem(set|cpy|move)\((\([^)]*\) *)?&?conn(->in)?[ ,]' src/*.[ch] |
    grep -v -e '^src/conn_impl\.h:.*HALF' -e '^src/conn\.c:.*&conn->in,'; then
    echo "$private says what may set all of a connection to 0"
    bad=1
fi
[ $bad -eq 0 ] || exit 1
if [ $compiled -lt 50 ]; then
    echo "only $compiled compilations"
    exit 1
fi
echo "$(wc -l <"$tmp/lists") lists of writers hold, in $compiled compilations"
