#!/bin/sh
# SPDX-License-Identifier: MIT
# deps.sh - install cmocka, all that `make test` needs beside a C compiler.
#
#   deps.sh          install it unless a program compiles and links with it
#   deps.sh --check  install nothing; fail with advice when it is missing
#
# CC: the compiler, arguments and all (cc). CMOCKA_CFLAGS, CMOCKA_LIBS: where
# cmocka is, if pkg-config does not know it.
set -u

CC=${CC:-cc}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

cat >"$tmp/probe.c" <<'PROBE'
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
int main(void) { return _cmocka_run_group_tests == NULL; }
PROBE

# $CC may carry arguments (`gcc -m32`), so it is split into words.
have_cmocka()
{
    cflags=${CMOCKA_CFLAGS-$(pkg-config --cflags cmocka 2>/dev/null)}
    libs=${CMOCKA_LIBS-$(pkg-config --libs cmocka 2>/dev/null || echo -lcmocka)}
    # shellcheck disable=SC2086
    $CC $cflags -o "$tmp/probe" "$tmp/probe.c" $libs 2>"$tmp/errors"
}

as_root()
{
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "deps: not root and no sudo; as root, run: $*" >&2
        return 1
    fi
}

install_cmocka()
{
    if command -v apt-get >/dev/null; then
        echo "deps: apt-get install libcmocka-dev"
        set -- env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
            --no-install-recommends libcmocka-dev
        as_root "$@" || { as_root apt-get update -qq && as_root "$@"; }
    elif command -v dnf >/dev/null; then
        echo "deps: dnf install libcmocka-devel"
        as_root dnf install -y libcmocka-devel
    elif command -v apk >/dev/null; then
        echo "deps: apk add cmocka-dev"
        as_root apk add cmocka-dev
    elif command -v pacman >/dev/null; then
        echo "deps: pacman -S cmocka"
        as_root pacman -S --noconfirm --needed cmocka
    elif command -v brew >/dev/null; then
        echo "deps: brew install cmocka"
        brew install cmocka
    else
        echo "deps: no package manager I know; install cmocka by hand" >&2
        return 1
    fi
}

if ! $CC --version >/dev/null 2>&1; then
    echo "deps: no C compiler: '$CC' does not run" >&2
    exit 1
fi
if [ "${1:-}" = --check ]; then
    have_cmocka && exit 0
    cat "$tmp/errors" >&2
    echo "cmocka is missing; run: make deps" >&2
    exit 1
fi
if have_cmocka; then
    echo "deps: cmocka is there, nothing to install"
    exit 0
fi
install_cmocka || exit 1
if ! have_cmocka; then
    cat "$tmp/errors" >&2
    echo "deps: cmocka was installed, but '$CC' cannot compile with it" >&2
    exit 1
fi
echo "deps: done"
