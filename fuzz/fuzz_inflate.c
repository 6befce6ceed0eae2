/* SPDX-License-Identifier: MIT */
/*
 * fuzz_inflate.c - compressed data, whole and in pieces, against an oracle.
 *
 * The first byte is the window (3 bits) and whether there is history, the
 * second chooses the cuts; a message without its 00 00 FF FF follows.
 */

#include <string.h>

#include "bytes.h"
#include "check.h"
#include "deflate/inflate.h"
#include "support/plain_inflate.h"

#ifdef FUZZ_ZLIB
#include <zlib.h>
#endif

enum { HISTORY = 700, ROOM = 1 << 16, CANARY = 0xC3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct input {
    const uint8_t *in;
    size_t         len;
    unsigned       window;
    size_t         history;
    uint32_t       random;
};

struct outcome {
    enum plain_verdict verdict;
    size_t             pos;
    uint64_t           offset;
    uint8_t           *out;
};

/* Old output, which is then gone on with; as large as it may become. */
static uint8_t *begin_output(const struct input *input)
{
    uint8_t *out = malloc(HISTORY + ROOM + UPF_INFLATE_SLACK);

    CHECK(out != NULL, "no memory");
    memset(out, CANARY, HISTORY + ROOM + UPF_INFLATE_SLACK);
    for (size_t i = 0; i < input->history; i++)
        out[i] = (uint8_t)(i * 7);
    return out;
}

static struct outcome plainly(const struct input *input)
{
    struct outcome o = {.out = begin_output(input)};
    const struct plain_result plain =
        plain_inflate(input->in, input->len, o.out, input->history,
                      input->history + ROOM, input->window);

    o.verdict = plain.verdict;
    o.pos     = plain.pos;
    o.offset  = plain.offset;
    return o;
}

/* How much of what is left comes at once. */
static size_t some(uint32_t *random, size_t left)
{
    static const uint32_t most[] = {2, 2, 10, 80, 4000};
    const size_t n = chance(random, most[chance(random, 5)]);

    return n < left ? n : left;
}

/* Another message makes tables of its own. */
static void use_scratch(struct upf_inflate_scratch *scratch)
{
    static const uint8_t other[] = {
        0x04, 0xC1, 0x01, 0x01, 0x00, 0x00, 0x00, 0x82, 0xA0, 0xAD,
        0xD2, 0xFF, 0x0F, 0x41, 0x92, 0x24, 0x49, 0x92, 0x24, 0x49,
        0x92, 0xEC, 0x00,
    };
    uint8_t              out[64 + UPF_INFLATE_SLACK];
    struct upf_inflater  state = {0};
    struct upf_inflate_io io = {.in = other, .in_len = sizeof other,
                                .history = out, .limit = 64, .window = 15,
                                .end = true};

    CHECK(upf_inflate(&state, scratch, &io) == UPF_INFLATE_END, "not whole");
}

/* Decode in pieces, or whole. */
static struct outcome decode(const struct input *input, bool pieces)
{
    static struct upf_inflate_scratch scratch;
    struct upf_inflater state = {0};
    struct outcome o = {.out = begin_output(input)};
    const size_t limit = input->history + ROOM;
    uint32_t random = input->random;
    size_t   given = 0;
    uint8_t *piece = NULL;
    enum upf_inflate_result result = UPF_INFLATE_MORE;
    struct upf_inflate_io io = {.history = o.out, .pos = input->history,
                                .limit = pieces ? input->history : limit,
                                .window = input->window};

    while (result == UPF_INFLATE_MORE ||
           (result == UPF_INFLATE_FULL && io.limit < limit)) {
        if (result == UPF_INFLATE_FULL) {
            io.limit += 1 + some(&random, limit - io.limit - 1);
        } else {
            const size_t left = input->len - given;
            const size_t n = pieces ? some(&random, left) : left;
            CHECK(io.in_len == 0 && !io.end, "MORE, and input was left");
            free(piece);
            io.in     = piece = exact_copy(input->in + given, n);
            io.in_len = n;
            given += n;
            io.end = given == input->len;
        }
        result = upf_inflate(&state, &scratch, &io);
        CHECK(result != UPF_INFLATE_FULL || io.pos == io.limit,
              "FULL at %zu of %zu", io.pos, io.limit);
        for (size_t i = io.limit + UPF_INFLATE_SLACK;
             i < io.limit + UPF_INFLATE_SLACK + 64 && i < limit; i++)
            CHECK(o.out[i] == CANARY, "written far behind the limit");
        if (pieces && chance(&random, 4) == 0)
            use_scratch(&scratch);
    }
    free(piece);
    o.pos     = io.pos;
    o.offset  = state.offset;
    o.verdict = result == UPF_INFLATE_END    ? PLAIN_END
                : result == UPF_INFLATE_FULL ? PLAIN_FULL : PLAIN_BAD;
    return o;
}

static void must_equal(const struct outcome *a, const struct outcome *b,
                       const char *what)
{
    CHECK(a->verdict == b->verdict, "%s: verdict %d, not %d", what, a->verdict,
          b->verdict);
    CHECK(a->pos == b->pos && memcmp(a->out, b->out, a->pos) == 0,
          "%s: other output, %zu and %zu bytes", what, a->pos, b->pos);
    CHECK(a->verdict != PLAIN_BAD || a->offset == b->offset,
          "%s: wrong at %u, not %u", what, (unsigned)a->offset,
          (unsigned)b->offset);
}

#ifdef FUZZ_ZLIB

/* zlib's judgement, which goes on behind a final block as we do. */
static void zlib_must_agree(const struct input *input, const struct outcome *o)
{
    static uint8_t out[HISTORY + ROOM + 1];
    uint8_t *in = malloc(input->len + 4);
    z_stream z = {.next_out = out, .avail_out = sizeof out};
    int      status;

    CHECK(in != NULL && inflateInit2(&z, -15) == Z_OK, "no memory");
    if (input->len > 0)
        memcpy(in, input->in, input->len);
    memcpy(in + input->len, "\x00\x00\xFF\xFF", 4);
    memcpy(out, o->out, input->history);
    z.next_out += input->history;
    z.avail_out -= (uInt)input->history;
    z.next_in  = in;
    z.avail_in = (uInt)input->len + 4;
    inflateSetDictionary(&z, out, (uInt)input->history);
    while ((status = inflate(&z, Z_SYNC_FLUSH)) == Z_STREAM_END &&
           z.avail_in != 4 && z.avail_in != 0) {
        const size_t done = (size_t)(z.next_out - out);
        inflateReset(&z);
        inflateSetDictionary(&z, done > 32768 ? z.next_out - 32768 : out,
                             (uInt)(done > 32768 ? 32768 : done));
    }
    const bool whole =
        status == Z_STREAM_END ||
        (status >= 0 && z.avail_in == 0 && (z.data_type & 0xBF) == 128);
    const size_t len = (size_t)(z.next_out - out);
    CHECK(o->verdict == PLAIN_FULL || whole == (o->verdict == PLAIN_END),
          "zlib says %d (%s), type %d", status, z.msg ? z.msg : "",
          z.data_type);
    CHECK(o->verdict != PLAIN_END ||
              (len == o->pos && memcmp(out, o->out, len) == 0),
          "zlib's output is another");
    inflateEnd(&z);
    free(in);
}

#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 2)
        return 0;
    const struct input input = {
        .in = data + 2, .len = len - 2, .window = 8 + (data[0] & 7),
        .history = data[0] & 8 ? HISTORY : 0, .random = data[1],
    };
    struct outcome expected = plainly(&input);
    struct outcome whole    = decode(&input, false);
    struct outcome pieces   = decode(&input, true);

    must_equal(&whole, &expected, "whole");
    must_equal(&pieces, &expected, "in pieces");
#ifdef FUZZ_ZLIB
    if (input.window == 15)
        zlib_must_agree(&input, &whole);
#endif
    free(expected.out);
    free(whole.out);
    free(pieces.out);
    return 0;
}
