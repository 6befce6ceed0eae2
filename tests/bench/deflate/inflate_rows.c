/* SPDX-License-Identifier: MIT */
/* inflate_rows.c - messages decoded: by upframe, zlib and libdeflate. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deflate/inflate.h"
#include "deflate_rows.h"
#include "workloads.h"

#ifdef BENCH_ZLIB
#include <zlib.h>
#endif
#ifdef BENCH_LIBDEFLATE
#include <libdeflate.h>
#endif

#ifdef BENCH_ZLIB

enum {
    WINDOW = 1 << 15,
    ROOM   = 2 * 65536, /* for a message */
    TAIL   = 4,
    FINAL  = 2          /* an empty final block, which libdeflate wants */
};

/* A workload as zlib compressed it; behind each payload, its tail. */
struct packed {
    const struct workload *plain;
    uint8_t **payload;
    size_t   *len;
};

static struct packed pack(const struct workload *plain, bool takeover)
{
    static const uint8_t tail[TAIL + FINAL] = {0, 0, 0xFF, 0xFF, 3, 0};
    struct packed packed = {plain, bench_alloc(plain->count * sizeof(void *)),
                            bench_alloc(plain->count * sizeof(size_t))};
    z_stream z = {0};

    if (deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        bench_die("zlib does not begin");
    for (size_t i = 0; i < plain->count; i++) {
        const size_t room = plain->len[i] + plain->len[i] / 8 + 64;
        packed.payload[i] = malloc(room);
        if (packed.payload[i] == NULL)
            bench_die("no memory");
        if (!takeover)
            deflateReset(&z);
        z.next_in   = plain->text[i];
        z.avail_in  = (uInt)plain->len[i];
        z.next_out  = packed.payload[i];
        z.avail_out = (uInt)room;
        if (deflate(&z, Z_SYNC_FLUSH) != Z_OK || z.avail_out < FINAL)
            bench_die("zlib does not compress");
        packed.len[i] = room - z.avail_out - TAIL;
        memcpy(packed.payload[i] + packed.len[i], tail, sizeof tail);
    }
    deflateEnd(&z);
    return packed;
}

/* ---- Columns ------------------------------------------------------------ */

struct column {
    struct packed packed;
    bool          takeover;
    struct upf_inflate_scratch scratch;
    z_stream      zlib;
    void         *libdeflate;
    uint8_t      *out;
    size_t        pos;
};

static struct column *column(struct packed packed, bool takeover)
{
    struct column *c = bench_alloc(sizeof *c);

    c->packed   = packed;
    c->takeover = takeover;
    c->out      = bench_alloc(WINDOW + ROOM + UPF_INFLATE_SLACK);
    return c;
}

/* Where the next message goes: a window behind, or nothing. */
static void make_room(struct column *c, bool begins)
{
    if (!c->takeover || begins) {
        c->pos = 0;
    } else if (c->pos > ROOM) {
        memmove(c->out, c->out + c->pos - WINDOW, WINDOW);
        c->pos = WINDOW;
    }
}

static void must_be(const struct column *c, size_t i, const uint8_t *out,
                    size_t len)
{
    if (len != c->packed.plain->len[i] ||
        memcmp(out, c->packed.plain->text[i], len) != 0)
        bench_die("message %zu is not what it was", i);
}

static double run_upframe(void *state, uint64_t passes)
{
    struct column *c = state;
    const struct packed *p = &c->packed;
    const double start = bench_cpu_now();

    for (uint64_t n = 0; n < passes; n++)
        for (size_t i = 0; i < p->plain->count; i++) {
            struct upf_inflater s = {0};
            make_room(c, i == 0);
            struct upf_inflate_io io = {
                .in = p->payload[i], .in_len = p->len[i], .history = c->out,
                .pos = c->pos, .limit = WINDOW + ROOM, .window = 15,
                .end = true,
            };
            if (upf_inflate(&s, &c->scratch, &io) != UPF_INFLATE_END)
                bench_die("message %zu: not decoded", i);
            if (passes == 1)
                must_be(c, i, c->out + c->pos, io.pos - c->pos);
            c->pos = io.pos;
        }
    return bench_cpu_now() - start;
}

static double run_zlib(void *state, uint64_t passes)
{
    struct column *c = state;
    const struct packed *p = &c->packed;

    if (c->zlib.state == NULL && inflateInit2(&c->zlib, -15) != Z_OK)
        bench_die("zlib does not begin");
    const double start = bench_cpu_now();
    for (uint64_t n = 0; n < passes; n++)
        for (size_t i = 0; i < p->plain->count; i++) {
            if (!c->takeover || i == 0)
                inflateReset(&c->zlib);
            c->zlib.next_in   = p->payload[i];
            c->zlib.avail_in  = (uInt)(p->len[i] + TAIL);
            c->zlib.next_out  = c->out;
            c->zlib.avail_out = ROOM;
            if (inflate(&c->zlib, Z_SYNC_FLUSH) != Z_OK)
                bench_die("message %zu: zlib does not decode it", i);
            if (passes == 1)
                must_be(c, i, c->out, ROOM - c->zlib.avail_out);
        }
    return bench_cpu_now() - start;
}

#ifdef BENCH_LIBDEFLATE

static double run_libdeflate(void *state, uint64_t passes)
{
    struct column *c = state;
    const struct packed *p = &c->packed;

    if (c->libdeflate == NULL)
        c->libdeflate = libdeflate_alloc_decompressor();
    const double start = bench_cpu_now();
    for (uint64_t n = 0; n < passes; n++)
        for (size_t i = 0; i < p->plain->count; i++) {
            size_t len;
            if (libdeflate_deflate_decompress(
                    c->libdeflate, p->payload[i], p->len[i] + TAIL + FINAL,
                    c->out, ROOM, &len) != LIBDEFLATE_SUCCESS)
                bench_die("message %zu: libdeflate does not decode it", i);
            if (passes == 1)
                must_be(c, i, c->out, len);
        }
    return bench_cpu_now() - start;
}

#endif

/* A row; targets of 0: none. */
static void row(struct bench *bench, const char *name, bool takeover,
                double of_zlib, double of_libdeflate)
{
    const struct workload *plain = workload(name);
    char text[BENCH_NAME];

    snprintf(text, sizeof text, "%s, %zu B%s", name, plain->size,
             takeover ? ", takeover" : "");
    struct bench_row *r =
        bench_row(bench, "inflate", text, plain->size, plain->count);
    if (r == NULL)
        return;
    const struct packed packed = pack(plain, takeover);
    bench_add(r, "upframe", run_upframe, column(packed, takeover));
    bench_add(r, "zlib", run_zlib, column(packed, takeover));
#ifdef BENCH_LIBDEFLATE
    if (!takeover)
        bench_add(r, "libdeflate", run_libdeflate, column(packed, false));
#endif
    if (of_zlib > 0)
        bench_target(r, NULL, "zlib", 1 / of_zlib);
    if (of_libdeflate > 0)
        bench_target(r, NULL, "libdeflate", 1 / of_libdeflate);
    bench_measure(bench, r);
}

void rows_of_inflate(struct bench *bench)
{
    row(bench, "chat", false, 2, 3);
    row(bench, "ticks", false, 0, 0);
    row(bench, "game", false, 0, 0);
    row(bench, "chat", true, 1.8, 0);
    row(bench, "ticks", true, 0, 0);
    row(bench, "game", true, 0, 0);
    row(bench, "json", false, 1.9, 1.05);
    row(bench, "english", false, 1.9, 1.05);
    row(bench, "chinese", false, 1.9, 1.05);
    row(bench, "json", true, 0, 0);
    row(bench, "json 64", false, 2, 0.85);
    row(bench, "english 64", false, 2, 0.85);
    row(bench, "noise", false, 0, 0);
}

#else

void rows_of_inflate(struct bench *bench)
{
    (void)bench; /* nobody here compresses */
}

#endif
