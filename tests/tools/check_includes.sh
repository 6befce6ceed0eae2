#!/bin/sh
# SPDX-License-Identifier: MIT
# check_includes.sh - files include what floor_plan says, and that is below them.
#
# floor_plan is the whole description: a file that includes more, or less, is an
# error, and so are a row that names one which is not above it (so there is no
# circle), a file without a row and a row without a file. A row is a base name,
# so no two files of src/ may have the same: whoever copies them into one
# directory needs that, too. In `libc` are the libc headers that everybody may
# use.
set -u

plan=tests/tools/floor_plan

libc='assert limits stdalign stdatomic stdbool stddef stdint stdlib string'

# Headers of a platform or a processor, and the only files that may use them.
# Platform conditionals (_WIN32, __linux__, ...) are for `platform` alone, those
# of a processor or compiler (__x86_64__, __GNUC__, ...) for `simd`.
platform='src/entropy.c'
simd='src/kernels/*.[ch] src/compiler.h'
simd_headers='immintrin arm_neon cpuid'

# awk compares whole names, so the wildcards of `simd` are expanded here.
# shellcheck disable=SC2086
set -- $simd
simd=$*
set -- src/*.[ch] src/*/*.[ch] include/upframe/*.h
[ -e "$1" ] || { echo "no sources here"; exit 1; }

awk -v libc="$libc" -v platform="$platform" \
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
# The row of a file, and of what one includes.
function row_of(path) {
    if (path ~ /^(include\/)?upframe\//) {
        sub(/^(include\/)?upframe\//, "", path)
        sub(/\.h$/, "", path)
        return "<" path ">"
    }
    sub(/.*\//, "", path)
    return path
}
function own_header(row) {
    sub(/c$/, "h", row)
    return row
}
BEGIN {
    words(libc, is_libc)
    words(platform, is_platform)
    words(simd, is_simd)
    words(simd_headers, is_simd_header)
}

# ---- The plan
FNR == NR && (/^#/ || NF == 0) { next }
FNR == NR {
    first = 1
    if (!/^ /) {
        row = $1
        if (row in place)
            wrong(row " has two rows")
        place[row] = ++rows
        line[row] = FNR
        first = 2
    }
    for (i = first; i <= NF; i++) {
        if (!($i in place) || $i == row)
            wrong(row " includes upward: " $i " is not above it")
        may[row, $i] = FNR
    }
    next
}

# ---- The files
FNR == 1 {
    files++
    row = row_of(FILENAME)
    public = row ~ /^</
    if (!(row in place))
        wrong("no row for " row " in floor_plan")
    if (row in seen)
        wrong("its base name is taken: " seen[row])
    seen[row] = FILENAME
}
/^[ \t]*#[ \t]*include/ {
    includes++
    name = $0
    sub(/^[ \t]*#[ \t]*include[ \t]*/, "", name)
    angle = name ~ /^</
    sub(/^[<"]/, "", name)
    sub(/[>"].*/, "", name)

    if (angle && name !~ /^upframe\//) {
        header = name
        sub(/\.h$/, "", header)
        if (!(header in is_libc) && !(FILENAME in is_platform) &&
            !(FILENAME in is_simd && header in is_simd_header))
            wrong("<" name "> is not for this file")
        next
    }
    if (!angle && public)
        wrong("a public header names the others as <upframe/...>")
    name = row_of(name)
    if (name == own_header(row) || name == "<status>") {
        if (name in place && place[name] > place[row])
            wrong(row " includes upward: " name " is not above it")
        next
    }
    if (!((row, name) in may))
        wrong(row " may not include " name)
    used[row, name] = 1
}
/^[ \t]*#[ \t]*(el)?if.*(_WIN32|_MSC_VER|__linux__|__APPLE__|__unix__|BSD__)/ {
    if (!(FILENAME in is_platform))
        wrong("a platform conditional outside " platform)
}
/^[ \t]*#[ \t]*(el)?if.*__(GNUC|x86_64|i386|aarch64|AARCH64|arm|ARM|SSE|AVX)/ {
    if (!(FILENAME in is_simd))
        wrong("a conditional on the processor outside src/kernels/")
}
END {
    for (row in place)
        if (!(row in seen)) {
            printf "floor_plan:%d: there is no %s\n", line[row], row
            bad = 1
        }
    for (pair in may)
        if (!(pair in used)) {
            split(pair, w, SUBSEP)
            printf "floor_plan:%d: %s does not include %s\n", may[pair], w[1],
                w[2]
            bad = 1
        }
    if (!bad)
        printf "%d includes in %d files point down\n", includes, files
    exit bad
}' "$plan" "$@"
