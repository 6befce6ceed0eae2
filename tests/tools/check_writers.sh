#!/bin/sh
# SPDX-License-Identifier: MIT
# check_writers.sh - the fields of a connection have the writers that private.h
# names, and no others.
#
# In upframe/private.h stands "by FILE ..." over each group of fields. For each
# list of files there, the fields of that list are made const, and all files of
# src/ that name one of them are compiled: then a write, or a pointer through
# which somebody could write, is an error of the compiler, and is let pass only
# in the files of the list. A field of upf_conn without a list is an error, too,
# unless the fields of its own struct have one.
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
    /\/\* by / {
        by = $0
        sub(/.*\/\* by /, "", by)
        sub(/ *\*\/.*/, "", by)
        lists[by] = 1
        if (in_type != "")
            has_list[in_type] = 1
    }
    /^(struct|union) [a-z_]+ \{/ { in_type = $2 }
    /\{/ && !/\/\* by /          { by = "" }
    /^ *\}/                      { by = "" }
    /^\}/                        { in_type = "" }
    {
        code = $0
        sub(/ *\/\*.*/, "", code)
    }
    code ~ /^ +[a-z].*[a-z0-9_\]];$/ {
        if (by == "" && in_type == "upf_conn" &&
            !(code ~ /^ +(struct|union) / && has_list[$2]))
            wrong("who writes this field?")
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
    }' $private
}

# The files that know the struct at all.
for source in src/*.[ch]; do
    $CC -MM -Iinclude -xc "$source" | grep -q "$private" && echo "$source"
done >"$tmp/sources"

mkdir "$tmp/upframe"
fields /dev/null >"$tmp/lists" || exit 1
bad=0
compiled=0
while read -r list; do
    fields "$tmp/upframe/private.h" "$list" >"$tmp/names" || exit 1
    for file in $list; do
        [ -e "src/$file" ] || { echo "$private: no file src/$file"; bad=1; }
    done
    for source in $(xargs grep -lwFf "$tmp/names" <"$tmp/sources"); do
        case " $list " in *" ${source#src/} "*) continue ;; esac
        compiled=$((compiled + 1))
        $CC -std=c11 -Werror -fsyntax-only -I"$tmp" -Iinclude -xc "$source" \
            2>"$tmp/errors" && continue
        if ! grep -q 'error:' "$tmp/errors"; then # no compiler, no memory
            cat "$tmp/errors"
            exit 1
        fi
        grep 'error:' "$tmp/errors" | while IFS=: read -r file line _ rest; do
            case " $list " in *" ${file##*/} "*) continue ;; esac
            echo "$file:$line: may write what $private says is by $list:$rest"
        done >"$tmp/found"
        [ -s "$tmp/found" ] || continue
        cat "$tmp/found"
        bad=1
    done
done <"$tmp/lists"
[ $bad -eq 0 ] || exit 1
if [ $compiled -lt 50 ]; then
    echo "only $compiled compilations"
    exit 1
fi
echo "$(wc -l <"$tmp/lists") lists of writers hold, in $compiled compilations"
