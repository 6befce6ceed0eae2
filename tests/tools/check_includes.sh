#!/bin/sh
# SPDX-License-Identifier: MIT
# check_includes.sh - includes point down or right only (docs/architecture.md).
#
# The table below is the whole description. A row names a module, that is
# src/NAME.c and src/NAME.h, or <NAME>, the public header upframe/NAME.h; then
# what it may include: NAME for "NAME.h", <NAME> for <upframe/NAME.h>. A long
# row goes on in a second one for the same module.
# Not in the table because every module may: its own two headers, <status>,
# and the libc headers in `libc`. A file without a row is an error.
set -u

table='
<status>
<frame>
<backoff>
<handshake>
<conn>       <frame> <handshake>
<io>         <conn>
<arena>      <conn>
<upframe>    <status> <frame> <handshake> <conn> <io> <arena> <backoff>

bytes
small
compiler
atomics
move
sha1         bytes kernels kernels_sha1
base64       kernels
utf8         kernels
mask         kernels <frame>
entropy      atomics
random       atomics entropy kernels small
buf          <conn>
ext          <conn>
http         kernels kernels_text <handshake>
http_fields  http kernels_fields
http_scan    http kernels_text
http_write   http <handshake>
url          http <handshake>
close        bytes utf8 <frame>
output       buf conn_state move shared <conn>
status_rows
status       status_rows <status>
status_name  status_rows <status>
status_advice  status_rows <status>
frame        bytes <frame>
handshake    base64 http http_write sha1 <handshake>
handshake_request   handshake http http_write url
handshake_response  base64 handshake http http_write status_advice
request_fields      http <handshake>
message      mask utf8 <conn>
conn_state   <conn>
conn_impl    conn_state small <conn>
config_rules
config       buf config_rules conn_impl http random
config_check config_rules http url <conn>
conn         buf close conn_impl ext http output
conn_open    base64 buf conn_impl ext handshake http http_write output url
conn_refusal buf conn_impl http
conn_next    bytes compiler conn_impl kernels mask output <conn>
conn_recv    buf close conn_impl conn_recv ext mask message output
conn_message buf conn_recv ext message
conn_send    buf conn_impl ext frame mask output shared utf8
conn_quick   compiler conn_impl frame kernels mask move output random utf8
conn_control bytes close conn_impl frame output
shared       atomics buf conn_impl frame utf8 <conn>
kernels             atomics kernels_chacha20 kernels_text small
kernels_text        kernels
kernels_fields      http kernels kernels_text
kernels_vector      kernels
kernels_chacha20    kernels kernels_vector
kernels_sse         kernels kernels_chacha20 kernels_fields kernels_vector
kernels_avx2        kernels kernels_chacha20 kernels_fields kernels_vector
kernels_avx512      kernels kernels_chacha20 kernels_vector
kernels_neon        kernels kernels_chacha20 kernels_fields kernels_vector
kernels_sha1        bytes kernels
kernels_base64_x86  kernels
kernels_sha_x86     bytes kernels kernels_sha1
io           <io>
backoff
arena        <conn>
'

libc='assert limits stdalign stdatomic stdbool stddef stdint stdlib string'

# Headers of a platform or a processor, and the only files that may use them.
# Platform conditionals (_WIN32, __linux__, ...) are for `platform` alone, those
# of a processor or compiler (__x86_64__, __GNUC__, ...) for `simd`.
platform='src/entropy.c'
simd='src/kernels*.[ch] src/compiler.h'
simd_headers='immintrin arm_neon cpuid'

# awk compares whole names, so the wildcards of `simd` are expanded here.
# shellcheck disable=SC2086
set -- $simd
simd=$*
set -- src/*.[ch] include/upframe/*.h
[ -e "$1" ] || { echo "no sources here"; exit 1; }

TABLE=$table awk -v libc="$libc" -v platform="$platform" \
    -v simd="$simd" -v simd_headers="$simd_headers" '
function words(list, set, n, i, w) {
    n = split(list, w, " ")
    for (i = 1; i <= n; i++)
        set[w[i]] = 1
}
function wrong(what) {
    printf "%s:%d: %s\n", FILENAME, FNR, what
    bad = 1
}
BEGIN {
    rows = split(ENVIRON["TABLE"], line, "\n")
    for (i = 1; i <= rows; i++) {
        n = split(line[i], w, " ")
        if (n > 0)
            known[w[1]] = 1
        for (j = 2; j <= n; j++)
            may[w[1], w[j]] = 1
    }
    words(libc, is_libc)
    words(platform, is_platform)
    words(simd, is_simd)
    words(simd_headers, is_simd_header)
}
FNR == 1 {
    files++
    module = FILENAME
    sub(/.*\//, "", module)
    sub(/\.[ch]$/, "", module)
    public = FILENAME ~ /^include\//
    row = public ? "<" module ">" : module
    if (!(row in known))
        wrong("no row for " row " in the table of check_includes.sh")
}
/^[ \t]*#[ \t]*include/ {
    includes++
    name = $0
    sub(/^[ \t]*#[ \t]*include[ \t]*/, "", name)
    angle = name ~ /^</
    sub(/^[<"]/, "", name)
    sub(/[>"].*/, "", name)
    path = name
    sub(/\.h$/, "", name)

    if (angle && name !~ /^upframe\//) {
        if (!(name in is_libc) && !(FILENAME in is_platform) &&
            !(FILENAME in is_simd && name in is_simd_header))
            wrong("<" path "> is not for this file")
        next
    }
    if (!angle && public)
        wrong("a public header names the others as <upframe/...>")
    if (name ~ /^upframe\//)
        name = "<" substr(name, 9) ">"
    if (name == module || name == "<" module ">" || name == "<status>")
        next
    if (!((row, name) in may))
        wrong(row " may not include " name)
}
/^[ \t]*#[ \t]*(el)?if.*(_WIN32|_MSC_VER|__linux__|__APPLE__|__unix__|BSD__)/ {
    if (!(FILENAME in is_platform))
        wrong("a platform conditional outside " platform)
}
/^[ \t]*#[ \t]*(el)?if.*__(GNUC|x86_64|i386|aarch64|AARCH64|arm|ARM|SSE|AVX)/ {
    if (!(FILENAME in is_simd))
        wrong("a conditional on the processor outside src/kernels*")
}
END {
    if (!bad)
        printf "%d includes in %d files point down or right\n", includes, files
    exit bad
}' "$@"
