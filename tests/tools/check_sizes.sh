#!/bin/sh
# SPDX-License-Identifier: MIT
# check_sizes.sh - the sizes that the documents name are those of the structs.
#
# clang knows the layout of each machine without its headers; the sizes of
# x86-64 are also $CC's, where that compiles for it.
set -u

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
root=$(pwd)
bad=0
done=0

# says FILE PATTERN: the number at \( \) in the document, whose line breaks are
# blanks here.
says()
{
    document=$1
    number=$(tr '\n' ' ' <"$1" | sed -n "s/.*[^0-9]$2.*/\1/p" | tr -d ,)
    [ -n "$number" ] && return
    echo "$1 no longer says: $2"
    bad=1
    return 1
}

# is EXPRESSION COMPILER...: its value is $number.
is()
{
    expression=$1
    shift
    printf '%s\n' '#include <upframe/upframe.h>' '#include "random.h"' \
        "_Static_assert($expression == $number, \"other\");" >"$tmp/size.c"
    if ! "$@" -std=c11 -ffreestanding -Iinclude -Isrc -fsyntax-only \
        "$tmp/size.c" 2>"$tmp/errors"; then
        grep -q 'other' "$tmp/errors" || cat "$tmp/errors"
        echo "$expression is not $number, as $document says: $*"
        bad=1
    fi
    done=$((done + 1))
}

# on TARGET FILE PATTERN EXPRESSION
on()
{
    says "$2" "$3" || return
    # shellcheck disable=SC2086
    case $1,$(${CC:-cc} -dumpmachine 2>/dev/null) in
    x86_64*,x86_64*) is "$4" ${CC:-cc} -m64 ;;
    esac
    if clang --target="$1" -fsyntax-only -x c /dev/null 2>/dev/null; then
        is "$4" clang --target="$1" -isystem "$tmp"
    fi
}

# As much of a C library as the headers ask for.
echo 'void *memcpy(void *, const void *, __SIZE_TYPE__);
void *memset(void *, int, __SIZE_TYPE__);' >"$tmp/string.h"

conn='sizeof(upf_conn)'
x64=x86_64-linux-gnu
on $x64 README.md 'struct of \([0-9]*\) bytes (x86-64)' "$conn"
on $x64 docs/architecture.md "struct, \([0-9]*\) bytes on x86-64" "$conn"
on $x64 docs/guide.md 'it is \([0-9]*\) bytes on 64-bit machines' "$conn"
on $x64 docs/limits.md "$conn. is \([0-9]*\) bytes on x86-64" "$conn"
on i686-linux-gnu docs/limits.md '\([0-9]*\) on 32-bit x86' "$conn"
on thumbv6m-none-eabi README.md 'a connection is \([0-9]*\) bytes' "$conn"
on armv7-none-eabi docs/limits.md '\([0-9]*\) on 32-bit ARM' "$conn"
on thumbv6m-none-eabi docs/limits.md '\([0-9]*\) on 32-bit ARM' "$conn"
on $x64 docs/limits.md '(`upf_io`) is \([0-9,]*\) bytes on x86-64' \
    'sizeof(upf_io)'
on $x64 docs/limits.md 'draws random bytes holds \([0-9,]*\) bytes' \
    'sizeof(struct upf_random_batch)'

# Code, in KiB, to a tenth: another version of gcc makes a little more or less.
says README.md 'the library is then \([0-9]*\) KiB'
if command -v arm-none-eabi-gcc >/dev/null; then
    (cd "$tmp" && arm-none-eabi-gcc -mthumb -mcpu=cortex-m0 -std=c11 -Os \
        -DNDEBUG -DUPF_SCALAR_ONLY -DUPF_NO_MALLOC -DUPF_NO_OS_ENTROPY \
        -I"$root/include" -c "$root"/src/*.c "$root"/src/*/*.c) || bad=1
    bytes=$(arm-none-eabi-size "$tmp"/*.o |
        awk '$1 ~ /^[0-9]/ { sum += $1 + $2 + $3 } END { print sum }')
    if [ $((bytes * 10)) -gt $((number * 1024 * 11)) ] ||
        [ $((bytes * 10)) -lt $((number * 1024 * 9)) ]; then
        echo "$bytes bytes for a Cortex-M0, not $number KiB as documented"
        bad=1
    fi
    done=$((done + 1))
fi

if [ "$done" -eq 0 ]; then
    echo 'SKIP: neither clang nor a compiler for x86-64 to ask'
    exit 77
fi
[ "$bad" -eq 0 ] && echo "$done sizes are as documented"
exit "$bad"
