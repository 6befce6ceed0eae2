#!/bin/sh
# SPDX-License-Identifier: MIT
# check_install.sh - `make install`: what was built is what is installed, in a
# tree and under a prefix whose paths have a blank, and pkg-config finds it. The
# tree is one into which only the library was copied. And `make help` names what
# may be set.
set -u

cc=${CC:-cc}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
bad=0
done=0

ok()
{
    done=$((done + 1))
    [ "$1" -eq 0 ] && return
    echo "not so: $2"
    sed 's/^/    /' "$tmp/log"
    bad=1
}

tree="$tmp/a tree"
root=$(pwd)
mkdir -p "$tree" && cp -R Makefile include src "$tree" && cd "$tree" || exit 1

# What the make that runs this was told is not for the one in that tree: with
# BUILD, as `make test-small` sets it, that would build somewhere else.
unset MAKEFLAGS MFLAGS BUILD PREFIX LIBDIR INCLUDEDIR DESTDIR

run() { make "$@" >"$tmp/log" 2>&1; }

# uses PREFIX: a program compiles and runs with what pkg-config says of it.
uses()
{
    PKG_CONFIG_PATH="$1/lib/pkgconfig"
    export PKG_CONFIG_PATH
    flags=$(pkg-config --cflags --libs upframe 2>"$tmp/log") || return 1
    eval "$cc -o '$tmp/program' '$tmp/program.c' $flags" >"$tmp/log" 2>&1 &&
        "$tmp/program"
}

cat >"$tmp/program.c" <<'PROGRAM'
#include <upframe/upframe.h>
int main(void) { return upf_config_default().max_head == 0; }
PROGRAM

run CC="$cc" CFLAGS='-O0 -DTHE_SECOND_COMMAND_DOES_NOT_KNOW'
ok $? 'it builds'
cp build/libupframe.a "$tmp/built.a"
run install PREFIX="$tmp/a prefix"
ok $? 'it installs under a prefix with a blank'
cmp -s "$tmp/built.a" "$tmp/a prefix/lib/libupframe.a"
ok $? 'what was built is installed'
run install PREFIX=relative
ok $? 'and under a relative prefix'
run install PREFIX=/usr LIBDIR=/usr/lib/here DESTDIR="$tmp/a package"
ok $? 'and for a package'
grep -qx 'libdir=${prefix}/lib/here' \
    "$tmp/a package/usr/lib/here/pkgconfig/upframe.pc"
ok $? 'whose directories follow its prefix'
run install PREFIX=/opt/it LIBDIR=lib64 DESTDIR="$tmp/a package"
grep -qx 'libdir=${prefix}/lib64' \
    "$tmp/a package/opt/it/lib64/pkgconfig/upframe.pc"
ok $? 'LIBDIR may be in the prefix'
run install PREFIX= DESTDIR="$tmp/a root"
grep -qx 'prefix=' "$tmp/a root/lib/pkgconfig/upframe.pc" &&
    [ -f "$tmp/a root/include/upframe/upframe.h" ]
ok $? 'and the prefix may be the root'
if command -v pkg-config >/dev/null; then
    uses "$tmp/a prefix"
    ok $? 'pkg-config knows the prefix with a blank'
    (cd "$tmp" && uses "$tree/relative")
    ok $? 'and the relative one, from another directory'
fi

: >"$tmp/a file"
run install PREFIX="$tmp/a file"
[ $? -ne 0 ] && [ "$(grep -vc '^make' "$tmp/log")" -eq 1 ] &&
    grep -q "cannot write to $tmp/a file" "$tmp/log"
ok $? 'where it cannot write it says so, in one line'
run -C "$root" help
for name in $(sed -n 's/^ *\([A-Z_]*\) *?=.*/\1/p' "$root/Makefile" \
              "$root"/*/*.mk "$root"/tests/bench/*.mk); do
    grep -qw -e "$name" "$tmp/log"
    ok $? "make help names $name"
done
run uninstall PREFIX="$tmp/a prefix"
[ -z "$(find "$tmp/a prefix" -type f)" ]
ok $? 'uninstall takes all of it away'
[ "$bad" -eq 0 ] && echo "$done commands and results"
exit "$bad"
