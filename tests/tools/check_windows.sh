#!/bin/sh
# SPDX-License-Identifier: MIT
# check_windows.sh - the library compiles for Windows, and so do its tests.
#
# Compiled and not run: cmocka's headers are this machine's. A test or helper
# is left out if it includes one of
#
#   <sys/wait.h>       it forks
#   <sys/socket.h>     its transport is a socketpair, or its peer a server
#   <regex.h>          its oracle is made of POSIX's regular expressions
#   support/naive.h    so is this one
#   support/child.h    it starts our servers and clients, which call poll()
#   guide/...          it runs the guide's programs, which are for POSIX
set -u

posix='<(poll|sys/wait|sys/socket|regex)\.h>|"support/(naive|child)\.h"|"guide/|apps/.*\.c"'
cc=${WINDOWS_CC:-x86_64-w64-mingw32-gcc}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
bad=0

if ! command -v "$cc" >/dev/null; then
    echo "SKIP: there is no $cc"
    exit 77
fi
# Only cmocka's headers, not those beside them.
# shellcheck disable=SC2086
for name in cmocka.h cmocka_pbc.h; do
    header=$(printf '#include <cmocka.h>\n' | ${CC:-cc} ${CMOCKA_CFLAGS:-} \
        -include stdarg.h -include stddef.h -include setjmp.h -M -x c - |
        tr ' ' '\n' | grep "/$name\$") && cp "$header" "$tmp"
done

# compile FLAG... FILE...: no object is kept.
compile()
{
    if ! "$cc" -std=c11 -Iinclude -Wall -Wextra -Wpedantic -Wconversion \
        -Wshadow -Wundef -Werror -fsyntax-only "$@"; then
        bad=1
    fi
}

# What is copied into another tree compiles without flags.
compile src/*.c src/*/*.c

set -- tests/test_*.c tests/*/test_*.c tests/support/*.c
tests=$(grep -LE "$posix" "$@")
out=$(grep -lE "$posix" "$@" | tr '\n' ' ')

# gcc judges formats by an old C library of Windows, which had no %zu.
# shellcheck disable=SC2086
compile -D_POSIX_C_SOURCE=200809L -Wno-format -Wno-format-extra-args \
    -isystem "$tmp" -Isrc -Itests -Iexamples/common $tests

# shellcheck disable=SC2086
set -- src/*.c src/*/*.c $tests
[ "$bad" -eq 0 ] && echo "$# sources; left out: $out"
exit "$bad"
