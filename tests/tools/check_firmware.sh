#!/bin/sh
# SPDX-License-Identifier: MIT
# check_firmware.sh - built for firmware, the library refers to no heap, no
# operating system, no thread and no atomics of a library: only to <string.h>
# (docs/guide.md), here and on small processors that clang compiles for.
set -u

cc=${CC:-cc}
allowed='memchr|memcmp|memcpy|memmove|memset|strchr|strlen|strcmp|bcmp'
# What a compiler calls by itself: arithmetic, moving, jump tables.
allowed="$allowed|__aeabi_.*|__gnu_thumb1_.*|__(u?div|u?mod|mul|a?sh)[a-z]*[0-9]"
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
bad=0
done=

# judge NAME COMPILER...: compile all, look at the symbols.
judge()
{
    name=$1
    shift
    rm -f "$tmp"/*.o
    for source in src/*.c src/*/*.c; do
        object=${source##*/}
        "$@" -std=c11 -Os -Wall -Wextra -Wpedantic -Werror -DNDEBUG \
            -DUPF_SCALAR_ONLY -DUPF_NO_MALLOC \
            -DUPF_NO_OS_ENTROPY -fno-stack-protector -Iinclude -c "$source" \
            -o "$tmp/${object%.c}.o" || exit 1
    done
    if size -A "$tmp"/*.o | grep -E '^\.t(bss|data)' >&2; then
        echo "$name: firmware would need threads"
        bad=1
    fi
    nm -P "$tmp"/*.o | awk -v allowed="^_?($allowed)\$" -v name="$name" '
    $2 == "U"       { wanted[$1] = 1; next }
    $2 ~ /^[A-Z]$/  { defined[$1] = 1 }
    END {
        for (symbol in defined)
            count++
        if (!count) {
            print name ": no symbol found"
            exit 1
        }
        for (symbol in wanted)
            if (!(symbol in defined) && symbol != "_GLOBAL_OFFSET_TABLE_" &&
                symbol !~ allowed) {
                print name ": firmware would need " symbol
                bad = 1
            }
        exit bad
    }' || bad=1
    done="$done $name"
}

# There is no C library for these: as much of one as is allowed.
mkdir "$tmp/libc" || exit 1
echo '#define assert(condition) ((void)0)' >"$tmp/libc/assert.h"
cat >"$tmp/libc/string.h" <<'HEADER'
#include <stddef.h>
void  *memchr(const void *, int, size_t);
int    memcmp(const void *, const void *, size_t);
void  *memcpy(void *, const void *, size_t);
void  *memmove(void *, const void *, size_t);
void  *memset(void *, int, size_t);
char  *strchr(const char *, int);
size_t strlen(const char *);
int    strcmp(const char *, const char *);
HEADER

# $cc is split into words.
# shellcheck disable=SC2086
judge "${cc##*/}" $cc
# shellcheck disable=SC2086
judge UPF_NO_ATOMICS $cc -DUPF_NO_ATOMICS
for target in thumbv6m-none-eabi riscv32-none-elf; do
    clang --target=$target -c -x c -o "$tmp/probe.o" /dev/null 2>/dev/null ||
        continue
    judge "$target" clang --target=$target -ffreestanding -isystem "$tmp/libc"
done
[ "$bad" -eq 0 ] && echo "nothing but <string.h> is needed:$done"
exit "$bad"
