#!/bin/sh
# SPDX-License-Identifier: MIT
# size.sh - the library's code and read-only data, by object, at -Os.
#
# Scalar only (UPF_SCALAR_ONLY), as for a small machine. "Code" is every section
# of .text, "read-only" every one of .rodata and .data.rel.ro; unwind tables are
# off, as a C program needs none. A server and a client are linked to see which
# objects both roles need; the others cost nothing unless they are used.
#
# CC: the compiler, arguments and all (cc). SIZE: its size(1), for another
# machine's objects. SIZE_CFLAGS: further flags, "-mthumb -mcpu=cortex-m4".
#
#   --json FILE  save all figures
#   --quick      as always
#   --help       this text
set -eu

json=
while [ $# -gt 0 ]; do
    case $1 in
    --json)
        json=${2:?--json takes a file}
        shift 2
        ;;
    --quick)
        shift
        ;;
    --help)
        sed -n '/^# size.sh/,/^[^#]/s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *)
        echo "bench-size: no option '$1': see --help" >&2
        exit 2
        ;;
    esac
done

CC=${CC:-cc}
SIZE=${SIZE:-size}
LIMIT=12288 # bytes: 12 KiB
work=${BUILD:-build}/bench/size
mkdir -p "$work"
rm -f "$work"/*

# $CC and $SIZE_CFLAGS are split into words.
# shellcheck disable=SC2086
compile()
{
    $CC -std=c11 -Iinclude -Os -DNDEBUG -DUPF_SCALAR_ONLY \
        -fno-asynchronous-unwind-tables -fno-unwind-tables \
        ${SIZE_CFLAGS:-} "$@"
}

for source in src/*.c src/*/*.c; do
    compile -c -o "$work/$(basename "$source" .c).o" "$source"
done

# Both roles, with everything that an event loop calls.
cat >"$work/roles.c" <<'ROLES'
#include <upframe/conn.h>

int main(int argc, char **argv)
{
    static upf_conn conn;
    static unsigned char bytes[64];
    const upf_client_request request = {.url = argv[0]};
    upf_input input = {bytes, sizeof bytes};
    upf_event event;
    upf_slice slices[4];

    if (argc > 1)
        upf_conn_init_server(&conn, NULL);
    else
        upf_conn_init_client(&conn, NULL, &request);
    while (upf_conn_next(&conn, &input, &event) == UPF_OK) {
        upf_send(&conn, UPF_OP_TEXT, bytes, 1);
        upf_send_in_place(&conn, UPF_OP_TEXT, event.data, event.len);
        upf_ping(&conn, NULL, 0);
        upf_close(&conn, 1000, NULL);
    }
    upf_conn_output(&conn, slices, 4);
    upf_conn_output_done(&conn, 1);
    upf_conn_tick(&conn, upf_conn_deadline(&conn));
    upf_conn_eof(&conn);
    upf_conn_free(&conn);
    return (int)upf_conn_wants(&conn);
}
ROLES
compile -c -o "$work/roles.main" "$work/roles.c"

# Objects are taken as long as they define something that is still undefined.
${NM:-nm} -A -g "$work"/*.o "$work/roles.main" | awk -v roles=roles.main '
{
    file = $1; sub(/:.*/, "", file); sub(/.*\//, "", file)
    name = $NF; kind = $(NF - 1)
    if (kind == "U" || kind == "w")
        wants[file] = wants[file] " " name
    else
        where[name] = file
}
END {
    found[1] = roles; last = 1; taken[roles] = 1
    for (i = 1; i <= last; i++) {
        count = split(wants[found[i]], names, " ")
        for (k = 1; k <= count; k++) {
            object = where[names[k]]
            if (object != "" && !(object in taken)) {
                taken[object] = 1
                found[++last] = object
                print object
            }
        }
    }
}' >"$work/needed"

# What is left for a linker that drops the functions that nobody calls, as it is
# told to for a small machine: code and read-only bytes of the program, less those
# of one with an empty main().
program()
{
    name=$1
    shift
    compile -ffunction-sections -fdata-sections -Wl,--gc-sections \
        -o "$work/$name" "$@" 2>"$work/$name.log" &&
        $SIZE -A "$work/$name" | awk '
            $1 ~ /^\.(text|rodata|data\.rel\.ro)/ { sum += $2 }
            END { print sum }'
}

for object in "$work"/*.o; do
    name=$(basename "$object")
    need=-
    grep -qx "$name" "$work/needed" && need=yes
    $SIZE -A "$object" | awk -v name="$name" -v need="$need" '
        $1 ~ /^\.text/                 { code += $2 }
        $1 ~ /^\.rodata|^\.data\.rel\.ro/ { read_only += $2 }
        $1 ~ /^\.t?(data|bss)/ && $1 !~ /rel\.ro/ { writable += $2 }
        END { print name, need, code + 0, read_only + 0, writable + 0 }'
done | sort -k2,2r -k3,3nr >"$work/rows"

awk -v limit=$LIMIT '
BEGIN {
    printf "%-24s %8s %10s %8s %9s\n",
           "-Os, scalar, bytes", "code", "read-only", "sum", "writable"
}
$2 != "yes" && !others++ {
    total()
    print "not needed by the engine:"
}
{
    printf "%-24s %8d %10d %8d %9d\n", $1, $3, $4, $3 + $4, $5
    if ($2 == "yes") { code += $3; read_only += $4; writable += $5 }
}
function total() {
    printf "%-24s %8d %10d %8d %9d  <= %d %s\n\n", "both roles, handshake",
           code, read_only, code + read_only, writable, limit,
           code + read_only <= limit ? "ok" : "OVER"
}
END { if (!others) total() }' "$work/rows"

linked=
echo 'int main(void) { return 0; }' >"$work/empty.c"
if all=$(program linked "$work/roles.c" src/*.c src/*/*.c) &&
   none=$(program empty "$work/empty.c"); then
    linked=$((all - none))
    printf '\n%-24s %28d  linked with --gc-sections\n' \
        "both roles and main()" $linked
else
    echo "not linked: see $work/linked.log"
fi

[ -z "$json" ] || awk -v limit=$LIMIT -v linked=$linked '
BEGIN {
    printf "{\"benchmark\": \"size\", \"unit\": \"bytes\", \"objects\": ["
}
{
    printf "%s\n {\"name\": \"%s\", \"needed\": %s, \"code\": %d, " \
           "\"read_only\": %d, \"writable\": %d}", (NR > 1 ? "," : ""), $1,
           ($2 == "yes" ? "true" : "false"), $3, $4, $5
    if ($2 == "yes") sum += $3 + $4
}
END {
    printf "\n], \"both_roles\": %d, \"most\": %d, \"linked\": %s}\n",
           sum, limit, (linked == "" ? "null" : linked)
}' "$work/rows" >"$json"
