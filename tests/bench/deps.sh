#!/bin/sh
# SPDX-License-Identifier: MIT
# deps.sh - install what the benchmarks compare with, only what is missing.
#
# By apt-get: libwslay-dev, libboost-dev, libwebsockets-dev, zlib1g-dev,
# libdeflate-dev, valgrind, g++, nodejs and npm. By npm, into $BUILD/bench
# (BUILD: build): package.json, that is ws and bun (about 100 MB). Every
# benchmark runs without them, too.
set -u

here=$(dirname "$0")
work=${BUILD:-build}/bench

# Whether a header or a program is there.
header()
{
    printf '#include <%s>\n' "$1" | ${CXX:-c++} -E -x c++ - >/dev/null 2>&1
}

program() { command -v "$1" >/dev/null; }

package() { [ -f "$work/node_modules/$1/package.json" ]; }

as_root()
{
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif program sudo; then
        sudo "$@"
    else
        echo "bench-deps: not root and no sudo; as root, run: $*" >&2
        return 1
    fi
}

apt_install()
{
    echo "bench-deps: apt-get install $*"
    set -- env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends "$@"
    as_root "$@" || { as_root apt-get update -qq && as_root "$@"; }
}

npm_install()
{
    echo "bench-deps: npm install into $work"
    # Without scripts: bun's binary comes as a package of its own.
    mkdir -p "$work" && cp "$here/package.json" "$work/" &&
        npm install --prefix "$work" --no-package-lock --ignore-scripts \
            --no-audit --no-fund --loglevel=error
}

set --
program "${CXX:-c++}" || set -- "$@" g++
header wslay/wslay.h || set -- "$@" libwslay-dev
header boost/beast/version.hpp || set -- "$@" libboost-dev
header libwebsockets.h || set -- "$@" libwebsockets-dev
header zlib.h || set -- "$@" zlib1g-dev
header libdeflate.h || set -- "$@" libdeflate-dev
program valgrind || set -- "$@" valgrind
program node || set -- "$@" nodejs
program npm || set -- "$@" npm
status=0
if [ $# -gt 0 ]; then
    if program apt-get; then
        apt_install "$@" || status=1
    else
        echo "bench-deps: no apt-get here; install by hand: $*" >&2
        status=1
    fi
fi
if ! package ws || ! package bun ||
    ! cmp -s "$here/package.json" "$work/package.json"; then
    npm_install || status=1
fi
[ "$status" -ne 0 ] || echo "bench-deps: everything is there"
exit "$status"
