#!/bin/sh
# SPDX-License-Identifier: MIT
# check_headers.sh - every public header compiles alone, as C99 and as C++11,
# and the sources compile bare: `cc -Iinclude -c src/*.c src/*/*.c`. What
# comes out needs no more to be linked: no -pthread (a library of its own in
# glibc before 2.34), no -latomic.
set -u

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
root=$(pwd)
warn='-pedantic-errors -Wall -Wextra -Werror'
libraries='pthread_|thrd_|mtx_|cnd_|tss_|call_once|sem_|__atomic_'
bad=0
done=0

there() { command -v "$1" >/dev/null; }

# $1: suffix, the rest: compiler and flags. Twice, for the include guard.
each_header()
{
    suffix=$1
    shift
    for header in include/upframe/*.h; do
        name=upframe/${header##*/}
        printf '#include <%s>\n#include <%s>\n' "$name" "$name" \
            >"$tmp/alone.$suffix"
        done=$((done + 1))
        if ! "$@" -Iinclude -fsyntax-only "$tmp/alone.$suffix"; then
            echo "$header does not compile alone: $*"
            bad=1
        fi
    done
}

bare()
{
    done=$((done + 1))
    if ! (cd "$tmp" && "$@" -I"$root/include" -c "$root"/src/*.c \
            "$root"/src/*/*.c); then
        echo "src/*.c does not compile bare: $*"
        bad=1
    fi
    if nm -P "$tmp"/*.o | grep -E "^_?($libraries)[^ ]* U"; then
        echo "the library would need a flag to be linked: $*"
        bad=1
    fi
    # What users build with: char of either sign, macros that must be defined.
    strict='-O2 -Wall -Wextra -Wconversion -Wundef -Werror'
    case $1 in clang*) strict="$strict -Wconditional-uninitialized" ;; esac
    # shellcheck disable=SC2086
    if ! "$@" $strict -funsigned-char -Iinclude -fsyntax-only src/*.c \
        src/*/*.c; then
        echo "src/*.c is not free of warnings: $* $strict -funsigned-char"
        bad=1
    fi
    if ! "$@" -DUPF_NO_ATOMICS -Iinclude -Wall -Wextra -Werror -fsyntax-only \
        src/*.c src/*/*.c; then
        echo "src/*.c does not compile without atomics: $*"
        bad=1
    fi
}

# shellcheck disable=SC2086
for cc in gcc clang; do
    there $cc || continue
    each_header c $cc -std=c99 $warn
    bare $cc
done
# shellcheck disable=SC2086
for cxx in g++ clang++; do
    there $cxx || continue
    each_header cpp $cxx -std=c++11 $warn
done
if [ "$done" -eq 0 ]; then
    # shellcheck disable=SC2086
    each_header c ${CC:-cc} -std=c99 $warn
    # shellcheck disable=SC2086
    bare ${CC:-cc}
fi
[ "$bad" -eq 0 ] && echo "$done compilations"
exit "$bad"
