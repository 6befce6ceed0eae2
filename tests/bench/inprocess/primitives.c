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

struct work {
    uint8_t *src, *dst;
    size_t   len;
    size_t   kernel;
};

static const uint8_t key[4] = {0x37, 0xFA, 0x21, 0x3D};

static double run_floor(void *state, uint64_t passes)
{
    const struct work *w     = state;
    const double       start = bench_now();

    for (uint64_t p = 0; p < passes; p++) {
        memcpy(w->dst, w->src, w->len);
        BENCH_CLOBBER();
    }
    return bench_now() - start;
}

static double run_unmask(const struct work *w, uint8_t *dst, uint64_t passes)
{
    kernel_use(w->kernel);
    const double start = bench_now();
    for (uint64_t p = 0; p < passes; p++) {
        upf_mask(dst, w->src, w->len, key, 0);
        BENCH_CLOBBER();
    }
    const double took = bench_now() - start;
    kernel_use(0);
    return took;
}

static double run_in_place(void *state, uint64_t passes)
{
    const struct work *w     = state;
    const uint8_t      first = w->src[0];
    const double       took  = run_unmask(w, w->src, passes);

    if (w->src[0] != (passes % 2 ? first ^ key[0] : first))
        bench_die("upf_mask in place is wrong");
    return took;
}

static double run_copy(void *state, uint64_t passes)
{
    const struct work *w    = state;
    const double       took = run_unmask(w, w->dst, passes);
    const size_t       last = w->len - 1;

    if (w->dst[last] != (w->src[last] ^ key[last % 4]))
        bench_die("upf_mask is wrong");
    return took;
}

static double run_utf8(void *state, uint64_t passes)
{
    const struct work *w   = state;
    size_t             sum = 0;

    kernel_use(w->kernel);
    const double start = bench_now();
    for (uint64_t p = 0; p < passes; p++) {
        uint8_t utf8 = UPF_UTF8_START;

        sum += upf_utf8_check(&utf8, w->src, w->len) + utf8;
        BENCH_CLOBBER();
    }
    const double took = bench_now() - start;
    kernel_use(0);
    if (sum != passes * w->len)
        bench_die("upf_utf8_check refused good text");
    return took;
}

/* NULL, or the row with its floor and a column for each kernel. */
static void add_row(struct bench *bench, const char *group, const char *what,
                    size_t len, enum stream_kind kind, bench_run_fn *run,
                    const struct bench_target *targets, size_t count)
{
    struct work works[BENCH_COLUMNS];
    char        size[24], name[BENCH_NAME];
    uint32_t    seed = 3629;

    snprintf(name, sizeof name, "%s %s", bench_size_text(len, size), what);
    struct bench_row *row = bench_row(bench, group, name, len, 1);
    if (row == NULL)
        return;
    for (size_t k = 0; k < kernel_count(); k++) {
        works[k] = (struct work){bench_alloc(len), bench_alloc(len), len, k};
        stream_fill(works[k].src, len, kind, &seed);
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

void bench_primitives(struct bench *bench)
{
    static const size_t sizes[] = {16, 125, KIB, 16 * KIB, 64 * KIB, MIB};
    /* Speeds against memcpy's are given as times: 0.85 of it is 1/0.85. */
    static const struct bench_target unmask[] = {
        {"avx512", "floor", 1 / 0.85}, {"avx2", "floor", 1 / 0.6}};
    static const struct bench_target ascii[] = {{NULL, "floor", 1 / 0.4}};
    static const struct bench_target words[] = {{NULL, "floor", 1 / 0.08}};
    static const struct bench_target tiny[] = {{NULL, NULL, 16 / 16.0}};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        add_row(bench, "unmask", "in place", sizes[i], STREAM_BINARY,
                run_in_place, unmask, sizes[i] == KIB ? 2 : 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        add_row(bench, "unmask", "copy", sizes[i], STREAM_BINARY, run_copy,
                NULL, 0);
    for (enum stream_kind kind = STREAM_ASCII; kind < STREAM_KINDS; kind++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            const bool is_ascii = kind == STREAM_ASCII;
            const bool tiny_row = is_ascii && sizes[i] == 16;
            const bool kib_row  = kind != STREAM_EMOJI && sizes[i] == KIB;

            add_row(bench, "UTF-8", stream_kind_name(kind), sizes[i], kind,
                    run_utf8, tiny_row ? tiny : is_ascii ? ascii : words,
                    tiny_row || kib_row);
        }
}
