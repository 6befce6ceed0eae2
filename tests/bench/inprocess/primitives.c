/* SPDX-License-Identifier: MIT */
/* primitives.c - unmasking and the UTF-8 check, against a memcpy(). */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <upframe/frame.h>
#include "bench.h"
#include "kernels.h"
#include "stream.h"
#include "utf8.h"

enum { KIB = 1024, MIB = 1024 * 1024 };

/* Pieces of small size come from an area of this size, one after the other:
 * no call waits for what the one before has just stored. */
enum { AREA = 8 * KIB };

struct work {
    uint8_t *src, *dst; /* `size` bytes each */
    size_t   size;
    size_t   len; /* of a piece */
    size_t   kernel;
};

static const uint8_t key[4] = {0x37, 0xFA, 0x21, 0x3D};

/* Bytes of as many whole pieces as the area has, or as `passes` are. */
static size_t round_len(const struct work *w, uint64_t passes)
{
    const size_t pieces = w->size / w->len;

    return w->len * (passes < pieces ? (size_t)passes : pieces);
}

/* Around the area as often as it takes: `for (EACH_PIECE(w, passes, at))`. */
#define EACH_PIECE(w, passes, at)                                            \
    uint64_t left = (passes), len = 0;                                       \
    left > 0 && (len = round_len(&(w), left)) > 0; left -= len / (w).len)    \
    for (size_t at = 0; at < len; at += (w).len

static double run_floor(void *state, uint64_t passes)
{
    const struct work w     = *(const struct work *)state;
    const double      start = bench_now();

    for (EACH_PIECE(w, passes, at)) {
        memcpy(w.dst + at, w.src + at, w.len);
        BENCH_CLOBBER();
    }
    return bench_now() - start;
}

static double run_unmask(struct work w, uint8_t *dst, uint64_t passes)
{
    kernel_use(w.kernel);
    const double start = bench_now();
    for (EACH_PIECE(w, passes, at))
        upf_mask(dst + at, w.src + at, w.len, key, 0);
    const double took = bench_now() - start;
    kernel_use(0);
    return took;
}

static double run_in_place(void *state, uint64_t passes)
{
    const struct work *w = state;

    return run_unmask(*w, w->src, passes);
}

static double run_copy(void *state, uint64_t passes)
{
    const struct work *w = state;

    return run_unmask(*w, w->dst, passes);
}

static double run_utf8(void *state, uint64_t passes)
{
    const struct work w   = *(const struct work *)state;
    size_t            sum = 0;

    kernel_use(w.kernel);
    const double start = bench_now();
    for (EACH_PIECE(w, passes, at)) {
        uint8_t utf8 = UPF_UTF8_START;
        size_t  n    = w.len;

        BENCH_HIDE(n); /* its length is judged for each piece */
        sum += upf_utf8_check(&utf8, w.src + at, n) + utf8;
    }
    const double took = bench_now() - start;
    kernel_use(0);
    if (sum != passes * w.len)
        bench_die("upf_utf8_check refused good text");
    return took;
}

/* The kernel does what the definition in section 5.3 says. */
static void check_mask(const struct work *w)
{
    kernel_use(w->kernel);
    upf_mask(w->dst, w->src, w->len, key, 0);
    for (size_t i = 0; i < w->len; i++)
        if (w->dst[i] != (w->src[i] ^ key[i % 4]))
            bench_die("upf_mask is wrong at %zu of %zu", i, w->len);
    upf_mask(w->dst, w->dst, w->len, key, 0);
    if (memcmp(w->dst, w->src, w->len) != 0)
        bench_die("upf_mask in place is wrong");
    kernel_use(0);
}

static struct work work_new(size_t len, enum stream_kind kind, size_t kernel)
{
    struct work w    = {.len = len, .kernel = kernel};
    uint32_t    seed = 3629;

    w.size = len > AREA ? len : AREA;
    w.src  = bench_alloc(w.size);
    w.dst  = bench_alloc(w.size);
    for (size_t at = 0; w.size - at >= len; at += len)
        stream_fill(w.src + at, len, kind, &seed);
    check_mask(&w);
    return w;
}

/* A row with its floor and a column for each kernel. */
static void add_row(struct bench *bench, const char *group, const char *what,
                    size_t len, enum stream_kind kind, bench_run_fn *run,
                    const struct bench_target *targets, size_t count)
{
    struct work works[BENCH_COLUMNS];
    char        size[24], name[BENCH_NAME];

    snprintf(name, sizeof name, "%s %s", bench_size_text(len, size), what);
    struct bench_row *row = bench_row(bench, group, name, len, 1);
    if (row == NULL)
        return;
    for (size_t k = 0; k < kernel_count(); k++) {
        works[k] = work_new(len, kind, k);
        if (k == 0)
            bench_add(row, "floor", run_floor, &works[0]);
        bench_add(row, kernel_name(k), run, &works[k]);
    }
    for (size_t i = 0; i < count; i++)
        bench_target(row, targets[i].column, targets[i].peer, targets[i].most);
    bench_measure(bench, row);
    for (size_t k = 0; k < kernel_count(); k++) {
        free(works[k].src);
        free(works[k].dst);
    }
}

/* Speeds against memcpy's are given as times: 0.85 of it is 1 / 0.85. */
static const struct bench_target unmask_targets[] = {
    {"avx512", "floor", 1 / 0.85}, {"avx2", "floor", 1 / 0.6}};
static const struct bench_target ascii_target = {NULL, "floor", 1 / 0.4};
static const struct bench_target words_target = {NULL, "floor", 1 / 0.08};
static const struct bench_target tiny_target  = {NULL, NULL, 16 / 16.0};

static void add_utf8(struct bench *bench, enum stream_kind kind, size_t len)
{
    const struct bench_target *target = NULL;

    if (kind == STREAM_ASCII && len == 16)
        target = &tiny_target;
    if (kind == STREAM_ASCII && len == KIB)
        target = &ascii_target;
    if ((kind == STREAM_CYRILLIC || kind == STREAM_CHINESE) && len == KIB)
        target = &words_target;
    add_row(bench, "UTF-8", stream_kind_name(kind), len, kind, run_utf8,
            target, target != NULL);
}

void bench_primitives(struct bench *bench)
{
    static const size_t sizes[] = {16, 125, KIB, 16 * KIB, 64 * KIB, MIB};
    const size_t        count   = sizeof sizes / sizeof *sizes;

    for (size_t i = 0; i < count; i++)
        add_row(bench, "unmask", "in place", sizes[i], STREAM_BINARY,
                run_in_place, unmask_targets, sizes[i] == KIB ? 2 : 0);
    for (size_t i = 0; i < count; i++)
        add_row(bench, "unmask", "copy", sizes[i], STREAM_BINARY, run_copy,
                NULL, 0);
    for (enum stream_kind kind = STREAM_ASCII; kind < STREAM_KINDS; kind++)
        for (size_t i = 0; i < count; i++)
            add_utf8(bench, kind, sizes[i]);
}
