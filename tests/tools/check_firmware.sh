#!/bin/sh
# SPDX-License-Identifier: MIT
# check_firmware.sh - built for firmware, the library refers to no heap, no
# operating system and no thread: only to <string.h> (docs/guide.md).
set -u

cc=${CC:-cc}
allowed='memchr|memcmp|memcpy|memmove|memset|strchr|strlen|strcmp|bcmp'
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

for source in src/*.c; do
    name=${source##*/}
    $cc -std=c11 -Os -DNDEBUG -DUPF_SCALAR_ONLY -DUPF_NO_MALLOC \
        -DUPF_NO_OS_ENTROPY -fno-stack-protector -Iinclude -c "$source" \
        -o "$tmp/${name%.c}.o" || exit 1
done
if size -A "$tmp"/*.o | grep -E '^\.t(bss|data)' >&2; then
    echo "firmware would need threads"
    exit 1
fi
nm -P "$tmp"/*.o | awk -v allowed="^_?($allowed)\$" '
$2 == "U"       { wanted[$1] = 1; next }
$2 ~ /^[A-Z]$/  { defined[$1] = 1 }
END {
    for (name in defined)
        count++
    if (!count) {
        print "no symbol found"
        exit 1
    }
    for (name in wanted)
        if (!(name in defined) && name != "_GLOBAL_OFFSET_TABLE_" &&
            name !~ allowed) {
            print "firmware would need " name
            bad = 1
        }
    if (!bad)
        printf "%d symbols need nothing but <string.h>\n", count
    exit bad
}'
