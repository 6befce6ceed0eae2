/* SPDX-License-Identifier: MIT */
/* deflate_rows.c - messages encoded: by upframe, zlib and libdeflate. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deflate/deflate.h"
#include "deflate_rows.h"
#include "workloads.h"

#ifdef BENCH_ZLIB
#include <zlib.h>
#endif
#ifdef BENCH_LIBDEFLATE
#include <libdeflate.h>
#endif

enum { ROOM = 2 * 65536, LINES = 20 };

/* An encoder, at a level, with a window; 0: without context. */
struct encoder {
    const struct workload *plain;
    unsigned               level, window, memory_level;

    struct upf_deflate_scratch *scratch;
    struct upf_deflate_history  history;
    void                       *memory; /* of the history */
#ifdef BENCH_ZLIB
    z_stream zlib;
#endif
    void    *libdeflate;
    uint8_t *out;
    size_t   became; /* bytes in one pass; what does not shrink is as it is */
};

static struct encoder *encoder(const struct workload *plain, unsigned level,
                               unsigned window)
{
    struct encoder *e = bench_alloc(sizeof *e);

    e->plain   = plain;
    e->level   = level;
    e->window  = window;
    e->out     = bench_alloc(ROOM);
    e->scratch = bench_alloc(sizeof *e->scratch);
    e->scratch->links =
        bench_alloc(UPF_DEFLATE_LINKS * sizeof *e->scratch->links);
    if (window > 0)
        e->memory = bench_alloc(upf_deflate_history_size(window, level));
    return e;
}

static size_t encode_alone(struct encoder *e, size_t i)
{
    const size_t len = e->plain->len[i];
    const struct upf_deflate_source source = {e->plain->text[i], len, len - 1,
                                              true, e->level};
    const size_t got = upf_deflate_alone(e->scratch, &source, 15, e->out);

    return got > 0 ? got : len;
}

static size_t encode_after(struct encoder *e, size_t i)
{
    const size_t len = e->plain->len[i];
    const struct upf_deflate_source source = {
        e->plain->text[i], len, upf_deflate_most(len), true, e->level};
    const size_t got =
        upf_deflate_after(&e->history, e->scratch, &source, e->out);

    upf_deflate_commit(&e->history, e->plain->text[i], len);
    return got;
}

static double run_upframe(void *state, uint64_t passes)
{
    struct encoder *e     = state;
    const double    start = bench_cpu_now();

    for (uint64_t n = 0; n < passes; n++) {
        e->became = 0;
        if (e->window > 0)
            upf_deflate_history_init(&e->history, e->window, e->level,
                                     e->memory);
        for (size_t i = 0; i < e->plain->count; i++)
            e->became += e->window > 0 ? encode_after(e, i)
                                       : encode_alone(e, i);
    }
    return bench_cpu_now() - start;
}

#ifdef BENCH_ZLIB

static double run_zlib(void *state, uint64_t passes)
{
    struct encoder *e = state;
    z_stream       *z = &e->zlib;

    if (z->state == NULL &&
        deflateInit2(z, (int)e->level, Z_DEFLATED,
                     e->window > 0 ? -(int)e->window : -15,
                     (int)e->memory_level, Z_DEFAULT_STRATEGY) != Z_OK)
        bench_die("zlib does not begin");
    const double start = bench_cpu_now();
    for (uint64_t n = 0; n < passes; n++) {
        e->became = 0;
        for (size_t i = 0; i < e->plain->count; i++) {
            const size_t len = e->plain->len[i];
            if (e->window == 0 || i == 0)
                deflateReset(z);
            z->next_in   = e->plain->text[i];
            z->avail_in  = (uInt)len;
            z->next_out  = e->out;
            z->avail_out = ROOM;
            if (deflate(z, Z_SYNC_FLUSH) != Z_OK)
                bench_die("zlib does not compress");
            const size_t got = ROOM - z->avail_out - 4;
            e->became += e->window > 0 || got < len ? got : len;
        }
    }
    return bench_cpu_now() - start;
}

static struct encoder *zlib_encoder(const struct workload *plain,
                                    unsigned level, unsigned window)
{
    struct encoder *e = encoder(plain, level, 0);

    e->window       = window;
    e->memory_level = window > 0 && window < 15 ? 5 : 8;
    return e;
}

#endif

#ifdef BENCH_LIBDEFLATE

/* One byte more: the block that ends on a byte. */
static double run_libdeflate(void *state, uint64_t passes)
{
    struct encoder *e = state;

    if (e->libdeflate == NULL)
        e->libdeflate = libdeflate_alloc_compressor((int)e->level);
    const double start = bench_cpu_now();
    for (uint64_t n = 0; n < passes; n++) {
        e->became = 0;
        for (size_t i = 0; i < e->plain->count; i++) {
            const size_t len = e->plain->len[i];
            const size_t got =
                1 + libdeflate_deflate_compress(
                        e->libdeflate, e->plain->text[i], len, e->out, ROOM);
            e->became += got < len ? got : len;
        }
    }
    return bench_cpu_now() - start;
}

#endif

/* ---- Rows ---------------------------------------------------------------- */

/* What each column makes of a workload: the time says little without. */
static struct {
    char   row[BENCH_NAME];
    char   text[160];
    size_t len;
} ratios[LINES];
static size_t ratio_lines;

static struct bench_row *begin(struct bench *bench, const char *name,
                               unsigned window)
{
    const struct workload *plain = workload(name);
    char text[BENCH_NAME];

    snprintf(text, sizeof text, window > 0 ? "%s, %zu B, %u bits" : "%s, %zu B",
             name, plain->size, window);
    struct bench_row *row =
        bench_row(bench, "deflate", text, plain->size, plain->count);
    if (row != NULL && ratio_lines < LINES)
        snprintf(ratios[ratio_lines].row, BENCH_NAME, "%s", text);
    return row;
}

static void add(struct bench_row *row, const char *name, bench_run_fn *run,
                struct encoder *e)
{
    bench_add(row, name, run, e);
    run(e, 1);
    if (ratio_lines == LINES)
        return;
    size_t all = 0;
    for (size_t i = 0; i < e->plain->count; i++)
        all += e->plain->len[i];
    const size_t at = ratios[ratio_lines].len;
    const int    n  = snprintf(ratios[ratio_lines].text + at,
                               sizeof ratios[0].text - at, "  %s %.3f", name,
                               (double)all / (double)e->became);
    ratios[ratio_lines].len += n > 0 ? (size_t)n : 0;
}

/* A figure to reach: `column` is so many times as quick as `peer`. */
static void times(struct bench_row *row, const char *column, const char *peer,
                  double factor)
{
    if (factor > 0)
        bench_target(row, column, peer, 1 / factor);
}

static void alone(struct bench *bench, const char *name, double of_zlib_1)
{
    const struct workload *plain = workload(name);
    struct bench_row      *row   = begin(bench, name, 0);

    if (row == NULL)
        return;
    add(row, "quick", run_upframe, encoder(plain, UPF_DEFLATE_QUICK, 0));
    add(row, "lazy", run_upframe, encoder(plain, UPF_DEFLATE_LAZY, 0));
    add(row, "best", run_upframe, encoder(plain, UPF_DEFLATE_BEST, 0));
#ifdef BENCH_ZLIB
    add(row, "zlib-1", run_zlib, zlib_encoder(plain, 1, 0));
    add(row, "zlib-6", run_zlib, zlib_encoder(plain, 6, 0));
    times(row, "quick", "zlib-1", of_zlib_1);
    times(row, "best", "zlib-6", 1);
#endif
#ifdef BENCH_LIBDEFLATE
    add(row, "libdeflate-1", run_libdeflate, encoder(plain, 1, 0));
#endif
    (void)of_zlib_1;
    bench_measure(bench, row);
    ratio_lines += ratio_lines < LINES;
}

static void after(struct bench *bench, const char *name, unsigned window,
                  double quick_of_zlib_1, double lazy_of_zlib_6)
{
    const struct workload *plain = workload(name);
    struct bench_row      *row   = begin(bench, name, window);

    if (row == NULL)
        return;
    add(row, "quick", run_upframe, encoder(plain, UPF_DEFLATE_QUICK, window));
    add(row, "lazy", run_upframe, encoder(plain, UPF_DEFLATE_LAZY, window));
    add(row, "best", run_upframe, encoder(plain, UPF_DEFLATE_BEST, window));
#ifdef BENCH_ZLIB
    add(row, "zlib-1", run_zlib, zlib_encoder(plain, 1, window));
    add(row, "zlib-6", run_zlib, zlib_encoder(plain, 6, window));
    times(row, "quick", "zlib-1", quick_of_zlib_1);
    times(row, "lazy", "zlib-6", lazy_of_zlib_6);
    times(row, "best", "zlib-6", 1);
#endif
    (void)quick_of_zlib_1;
    (void)lazy_of_zlib_6;
    bench_measure(bench, row);
    ratio_lines += ratio_lines < LINES;
}

void rows_of_deflate(struct bench *bench)
{
    alone(bench, "chat", 2.4);
    alone(bench, "ticks", 0);
    alone(bench, "game", 0);
    alone(bench, "json", 1.9);
    alone(bench, "english", 0);
    alone(bench, "chinese", 0);
    alone(bench, "json 64", 1.8);
    alone(bench, "english 64", 0);
    alone(bench, "noise", 0);
    after(bench, "chat", 15, 6, 0);
    after(bench, "chat", 12, 0, 7);
    after(bench, "ticks", 15, 0, 0);
    after(bench, "ticks", 12, 0, 0);
    after(bench, "game", 15, 0, 0);
    after(bench, "json", 15, 0, 0);
    if (ratio_lines > 0)
        printf("\nhow many times shorter\n");
    for (size_t i = 0; i < ratio_lines; i++)
        printf("%-24s%s\n", ratios[i].row, ratios[i].text);
}
