/* SPDX-License-Identifier: MIT */
/* hostile_rows.c - what a byte costs of input that is made to be costly. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deflate/inflate.h"
#include "deflate_rows.h"
#include "support/bit_writer.h"

#ifdef BENCH_ZLIB
#include <zlib.h>
#endif
#ifdef BENCH_LIBDEFLATE
#include <libdeflate.h>
#endif

enum { ROOM = 1 << 23, BYTES = 1 << 14 };

/* A stream of blocks, written anew by each function below. */
struct hostile {
    uint8_t *in[2];  /* with the tail, and a final block for libdeflate */
    size_t   len;
    size_t   piece;  /* bytes at a time; 0: whole */
    unsigned owners; /* that have pieces in turn, with one scratch */
    struct upf_inflate_scratch scratch;
    uint8_t *out;
    void    *zlib, *libdeflate;
};

/* ---- Streams ------------------------------------------------------------ */

/* Write blocks; those of another variant have other codes. */
typedef void put_fn(struct bit_writer *w, unsigned variant);

/* The smallest header there is: one code of one bit, by a precode of two. */
static void put_tiny(struct bit_writer *w, unsigned variant)
{
    put_bits(w, 4, 3);
    put_bits(w, 0, 10);
    put_bits(w, 14, 4);
    for (unsigned i = 0; i < 18; i++)
        put_bits(w, i == 2 || i == 17 ? 1 : 0, 3); /* 18, and 1 */
    put_bits(w, 1, 1);
    put_bits(w, 127, 7); /* 138 zeros */
    put_bits(w, 1, 1);
    put_bits(w, 118 - 11 - variant, 7);
    for (unsigned i = 0; i <= variant; i++)
        put_bits(w, 0, 1); /* 1 bit, the last one for the end */
    put_bits(w, 0, 1);     /* a distance: 1 bit */
    put_bits(w, variant, 1);
}

static void put_empty_fixed(struct bit_writer *w, unsigned variant)
{
    (void)variant;
    put_bits(w, 2, 3);
    put_fixed(w, 256);
}

/* So many codes of a length: one, and repetitions, which have one bit. */
static void put_run(struct bit_writer *w, const uint8_t *precode,
                    unsigned length, unsigned count)
{
    put_symbol(w, precode, length);
    for (count--; count >= 3;) {
        const unsigned n = count < 6 || count == 7 || count == 8 ? 3 : 6;
        put_symbol(w, precode, 16);
        put_bits(w, n - 3, 2);
        count -= n;
    }
    while (count-- > 0)
        put_symbol(w, precode, length);
}

/* The most work that few bytes can ask for: all symbols have codes, the tables
 * are the largest there are, and repetitions say so. Returns the lengths. */
static const uint8_t *put_full_header(struct bit_writer *w, unsigned variant)
{
    static const unsigned lengths[][2] = {
        {11, 233}, {12, 23}, {2, 3}, {3, 1}, {12, 22}, {13, 1}, {14, 1},
        {15, 2}, {2, 3}, {3, 1}, {4, 1}, {5, 1}, {9, 13}, {10, 5}, {11, 1},
        {12, 1}, {13, 1}, {14, 1}, {15, 2}
    };
    static const unsigned order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4,
                                       12, 3, 13, 2, 14, 1, 15};
    static const uint8_t precode[288] = {
        [16] = 1, [2] = 4, [3] = 4, [11] = 4, [12] = 4, [9] = 5, [10] = 5,
        [4] = 5, [5] = 5, [13] = 5, [14] = 5, [15] = 5, [18] = 5,
    };
    static uint8_t literals[288];
    unsigned n = 0;

    put_bits(w, 4, 3);
    put_bits(w, 286 - 257, 5);
    put_bits(w, 30 - 1, 5);
    put_bits(w, 19 - 4, 4);
    for (unsigned i = 0; i < 19; i++)
        put_bits(w, precode[order[i]], 3);
    for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const unsigned swap = variant > 0 && i < 2 ? 1 - i : i;
        put_run(w, precode, lengths[swap][0], lengths[swap][1]);
        for (unsigned k = 0; k < lengths[swap][1] && n < 286; k++)
            literals[n++] = (uint8_t)lengths[swap][0];
    }
    return literals;
}

static void put_full(struct bit_writer *w, unsigned variant)
{
    put_symbol(w, put_full_header(w, variant), 256);
}

/* Behind such a header, symbols that are looked up twice. */
static void put_long_codes(struct bit_writer *w, unsigned variant)
{
    const uint8_t *literals = put_full_header(w, variant);

    for (unsigned i = 0; i < 5000; i++)
        put_symbol(w, literals, i % 40 + 10);
    put_symbol(w, literals, 256);
}

/* The symbols of one bit: eight of them in a byte. */
static void put_short_codes(struct bit_writer *w, unsigned variant)
{
    uint8_t literals[288] = {['b'] = 2, [256] = 2};
    uint8_t distances[32] = {1, 1};

    literals['c' + variant] = 1;
    put_dynamic(w, literals, 257, distances, 2);
    for (unsigned i = 0; i < 60000; i++)
        put_symbol(w, literals, 'c' + variant);
    put_symbol(w, literals, 256);
}

/* The least input for the most output. */
static void put_bomb(struct bit_writer *w, unsigned variant)
{
    uint8_t literals[288] = {['a'] = 2, [256] = 2, [285] = 1};
    uint8_t distances[32] = {1, 1};

    (void)variant;
    put_dynamic(w, literals, 286, distances, 2);
    put_symbol(w, literals, 'a');
    for (unsigned i = 0; i < 4000; i++) {
        put_symbol(w, literals, 285);
        put_bits(w, 0, 1);
    }
    put_symbol(w, literals, 256);
}

static void put_both(struct bit_writer *w, unsigned variant)
{
    put_tiny(w, variant);
    put_empty_fixed(w, variant);
}

static struct hostile *hostile(put_fn *put, size_t piece, unsigned owners)
{
    struct hostile *h = bench_alloc(sizeof *h);

    h->piece  = piece;
    h->owners = owners;
    h->out    = bench_alloc(owners * (size_t)ROOM + UPF_INFLATE_SLACK);
    for (unsigned variant = 0; variant < owners; variant++) {
        struct bit_writer *w = bench_alloc(sizeof *w);
        do {
            put(w, variant);
        } while (bytes_put(w) < BYTES / 2);
        put_end(w);
        h->in[variant] = w->data;
        if (variant == 0 || h->len > bytes_put(w))
            h->len = bytes_put(w);
        memcpy(w->data + bytes_put(w), "\x00\x00\xFF\xFF\x03\x00", 6);
    }
    return h;
}

/* ---- Columns ------------------------------------------------------------ */

static double run_upframe(void *state, uint64_t passes)
{
    struct hostile *h = state;
    const double start = bench_cpu_now();

    for (uint64_t n = 0; n < passes; n++) {
        struct upf_inflater s[2] = {0};
        struct upf_inflate_io io[2] = {0};
        const size_t piece = h->piece > 0 ? h->piece : h->len;
        for (size_t at = 0; at < h->len; at += piece)
            for (unsigned i = 0; i < h->owners; i++) {
                io[i].in      = h->in[i] + at;
                io[i].in_len  = piece < h->len - at ? piece : h->len - at;
                io[i].end     = h->owners == 1 && at + io[i].in_len == h->len;
                io[i].history = h->out + i * (size_t)ROOM;
                io[i].limit   = ROOM;
                io[i].window  = 15;
                if (upf_inflate(&s[i], &h->scratch, &io[i]) !=
                    (io[i].end ? UPF_INFLATE_END : UPF_INFLATE_MORE))
                    bench_die("a hostile stream is not decoded");
            }
    }
    return bench_cpu_now() - start;
}

#ifdef BENCH_ZLIB

static double run_zlib(void *state, uint64_t passes)
{
    struct hostile *h = state;

    if (h->zlib == NULL) {
        h->zlib = bench_alloc(sizeof(z_stream));
        if (inflateInit2((z_stream *)h->zlib, -15) != Z_OK)
            bench_die("zlib does not begin");
    }
    z_stream *z = h->zlib;
    const double start = bench_cpu_now();
    for (uint64_t n = 0; n < passes; n++) {
        const size_t len = h->len + 4;
        const size_t piece = h->piece > 0 ? h->piece : len;
        inflateReset(z);
        z->next_out  = h->out;
        z->avail_out = ROOM;
        for (size_t at = 0; at < len; at += piece) {
            z->next_in  = h->in[0] + at;
            z->avail_in = (uInt)(piece < len - at ? piece : len - at);
            if (inflate(z, Z_SYNC_FLUSH) != Z_OK)
                bench_die("zlib does not decode a hostile stream");
        }
    }
    return bench_cpu_now() - start;
}

#endif
#ifdef BENCH_LIBDEFLATE

static double run_libdeflate(void *state, uint64_t passes)
{
    struct hostile *h = state;

    if (h->libdeflate == NULL)
        h->libdeflate = libdeflate_alloc_decompressor();
    const double start = bench_cpu_now();
    for (uint64_t n = 0; n < passes; n++) {
        size_t len;
        if (libdeflate_deflate_decompress(h->libdeflate, h->in[0], h->len + 6,
                                          h->out, ROOM, &len) !=
            LIBDEFLATE_SUCCESS)
            bench_die("libdeflate does not decode a hostile stream");
    }
    return bench_cpu_now() - start;
}

#endif

static void row(struct bench *bench, const char *name, put_fn *put,
                size_t piece, unsigned owners, double most)
{
    if (!bench_wants(bench, "hostile", name))
        return;
    struct hostile *h = hostile(put, piece, owners);
    struct bench_row *r =
        bench_row(bench, "hostile", name, 0, h->len * owners);
    bench_add(r, "upframe", run_upframe, h);
#ifdef BENCH_ZLIB
    if (owners == 1)
        bench_add(r, "zlib", run_zlib, h);
#endif
#ifdef BENCH_LIBDEFLATE
    if (piece == 0)
        bench_add(r, "libdeflate", run_libdeflate, h);
#endif
    if (most > 0)
        bench_target(r, NULL, NULL, most);
    bench_measure(bench, r);
    free(h->out);
}

void rows_of_hostile_input(struct bench *bench)
{
    row(bench, "tiny dynamic blocks", put_tiny, 0, 1, 12);
    row(bench, "fixed and dynamic in turn", put_both, 0, 1, 12);
    row(bench, "empty fixed blocks", put_empty_fixed, 0, 1, 50);
    row(bench, "full headers", put_full, 0, 1, 50);
    row(bench, "long codes", put_long_codes, 0, 1, 50);
    row(bench, "short codes", put_short_codes, 0, 1, 50);
    row(bench, "long matches, a byte out", put_bomb, 0, 1, 0);
    row(bench, "tiny blocks, by 1 B", put_tiny, 1, 1, 50);
    row(bench, "full headers, by 1 B", put_full, 1, 1, 50);
    row(bench, "long codes, by 1 B", put_long_codes, 1, 1, 50);
    row(bench, "short codes, by 1 B", put_short_codes, 1, 1, 50);
    row(bench, "two in turn, tiny blocks, by 1 B", put_tiny, 1, 2, 0);
    row(bench, "two in turn, full headers, by 1 B", put_full, 1, 2, 0);
    row(bench, "two in turn, long codes, by 1 B", put_long_codes, 1, 2, 0);
}
