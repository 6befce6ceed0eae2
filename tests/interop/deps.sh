#!/bin/sh
# SPDX-License-Identifier: MIT
# deps.sh - install the other implementations that run.sh talks to.
#
# Only what is missing is installed: Debian's python3-websockets, nodejs, npm,
# chromium, firefox-esr, nginx, haproxy, redis-server and openssl by apt-get;
# the npm packages of package.json into $BUILD/interop (BUILD: build). No
# browser is downloaded: playwright drives Debian's, Firefox through WebDriver
# BiDi. From 1.65 on it wants of every Firefox a command that 153 (ESR) does not
# know, emulation.setMediaFeaturesOverride: so package.json stays at 1.64.
# Where the system starts nginx, haproxy and redis-server by itself, they need
# not run: systemctl disable --now nginx haproxy redis-server
set -u

here=$(dirname "$0")
work=${BUILD:-build}/interop
. "$here/peers.sh"

as_root()
{
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "deps-interop: not root and no sudo; as root, run: $*" >&2
        return 1
    fi
}

apt_install()
{
    echo "deps-interop: apt-get install $*"
    if ! command -v apt-get >/dev/null; then
        echo "deps-interop: no apt-get here; install these by hand" >&2
        return 1
    fi
    set -- env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends "$@"
    as_root "$@" || { as_root apt-get update -qq && as_root "$@"; }
}

npm_install()
{
    echo "deps-interop: npm install into $work"
    mkdir -p "$work" && cp "$here/package.json" "$work/" &&
        npm install --prefix "$work" --no-package-lock --ignore-scripts \
            --no-audit --no-fund --loglevel=error
}

set --
[ -n "$(find_python)" ] || set -- "$@" python3-websockets
command -v node >/dev/null || set -- "$@" nodejs
command -v npm >/dev/null || set -- "$@" npm
command -v openssl >/dev/null || set -- "$@" openssl
command -v redis-server >/dev/null || set -- "$@" redis-server
[ -n "$(find_chromium)" ] || set -- "$@" chromium
[ -n "$(find_firefox)" ] || set -- "$@" firefox-esr
[ -n "$(find_proxy nginx)" ] || set -- "$@" nginx
[ -n "$(find_proxy haproxy)" ] || set -- "$@" haproxy
[ $# -eq 0 ] || apt_install "$@" || exit 1

if ! cmp -s "$here/package.json" "$work/package.json" ||
    ! has_npm_package ws || ! has_npm_package playwright-core; then
    npm_install || exit 1
fi

missing=
[ -n "$(find_python)" ] || missing="$missing python3-websockets"
[ -n "$(find_chromium)" ] || missing="$missing chromium"
[ -n "$(find_firefox)" ] || missing="$missing firefox-esr"
[ -n "$(find_proxy nginx)" ] || missing="$missing nginx"
[ -n "$(find_proxy haproxy)" ] || missing="$missing haproxy"
command -v openssl >/dev/null || missing="$missing openssl"
command -v redis-server >/dev/null || missing="$missing redis-server"
has_npm_package ws || missing="$missing ws"
has_npm_package playwright-core || missing="$missing playwright-core"
if [ -n "$missing" ]; then
    echo "deps-interop: still missing:$missing" >&2
    exit 1
fi
echo "deps-interop: everything is there"
