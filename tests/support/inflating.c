/* SPDX-License-Identifier: MIT */
/* inflating.c - a message decoded in pieces of any sizes, in exact memory. */

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "support/inflating.h"
#include "support/plain_inflate.h"

enum { CANARY = 0xA5 };

static void *exact(const void *data, size_t len)
{
    void *copy = malloc(len > 0 ? len : 1);

    assert_non_null(copy);
    if (len > 0)
        memcpy(copy, data, len);
    return copy;
}

/* One message on its way. */
struct way {
    const struct message       *message;
    const struct cuts          *cuts;
    struct upf_inflate_scratch *scratch;
    struct upf_inflater         *state;
    struct upf_inflate_io       io;
    uint8_t                    *piece; /* holds what io.in is of */
    size_t                      given; /* bytes of input */
    size_t                      size;  /* of io.history */
};

static size_t lesser(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* A block with the history, and canaries behind. */
static void begin(struct way *way)
{
    const struct message *message = way->message;

    way->size = message->history_len + message->room + UPF_INFLATE_SLACK;
    way->io.history = malloc(way->size > 0 ? way->size : 1);
    way->state = calloc(1, sizeof *way->state);
    assert_true(way->io.history != NULL && way->state != NULL);
    memset(way->io.history, CANARY, way->size);
    if (message->history_len > 0)
        memcpy(way->io.history, message->history, message->history_len);
    way->io.pos    = message->history_len;
    way->io.window = message->window > 0 ? message->window : 15;
    way->io.limit  = message->history_len +
                     (way->cuts->first_out > 0
                          ? lesser(way->cuts->first_out, message->room)
                          : message->room);
}

/* The next piece, behind what was not taken of the last one. */
static void next_piece(struct way *way, size_t size)
{
    const size_t left = way->message->len - way->given;

    if (size == 0 || size > left)
        size = left;
    free(way->piece);
    way->piece     = exact(way->message->in + way->given, size);
    way->io.in     = way->piece;
    way->io.in_len = size;
    way->given += size;
    way->io.end = way->given == way->message->len &&
                  !(way->cuts->late_end && size > 0);
}

/* Another message uses the scratch, and is left in a header, or behind one; or
 * it is whole. */
static void use_scratch(struct upf_inflate_scratch *scratch)
{
    static const uint8_t other[] = {
        0x0C, 0x8E, 0x41, 0x12, 0x84, 0x20, 0x10, 0xC4, 0xBE, 0xD2,
        0x5F, 0x1B, 0xA8, 0x5E, 0x04, 0x4B, 0x47, 0xB1, 0x45, 0xC7,
        0xD7, 0x2F, 0xB7, 0x1C, 0x52, 0xA9, 0x1C, 0x62, 0x7D, 0x05,
        0x13, 0x65, 0x38, 0xE9, 0x1B, 0x48, 0x7C, 0xD6, 0xDC, 0x1A,
        0xC3, 0x9C, 0xAB, 0xB2, 0x52, 0x87, 0x02, 0x9F, 0x50, 0xDF,
        0x92, 0x2B, 0xF6, 0x73, 0xEA, 0x60, 0xE8, 0xA1, 0x20, 0x1F,
        0xA9, 0xCB, 0xD7, 0x9B, 0x52, 0xF1, 0xDD, 0xD4, 0xAF, 0x85,
        0x30, 0xFC, 0x1E, 0xA2, 0xA5, 0x0B, 0x58, 0xB2, 0x2C, 0x87,
        0x06, 0x3B, 0x8F, 0x89, 0x2C, 0x62, 0xDE, 0x70, 0xD9, 0xD9,
        0xF2, 0xB8, 0xDF, 0x1A, 0x31, 0x4B, 0x2E, 0x16, 0x63, 0x87,
    };
    static const uint8_t whole[] = {
        0x04, 0xC1, 0x01, 0x01, 0x00, 0x00, 0x00, 0x82, 0xA0, 0xAD,
        0xD2, 0xFF, 0x0F, 0x41, 0x92, 0x24, 0x49, 0x92, 0x24, 0x49,
        0x92, 0xEC, 0x00,
    };
    static const struct { const uint8_t *in; size_t len; bool end; } uses[] = {
        {other, 30, false}, {other, sizeof other, false},
        {whole, sizeof whole, true},
    };
    static unsigned use;
    uint8_t out[256 + UPF_INFLATE_SLACK];
    struct upf_inflater state = {0};
    use = (use + 1) % 3;
    struct upf_inflate_io io = {.in = uses[use].in, .in_len = uses[use].len,
                                .history = out, .limit = 256, .window = 8,
                                .end = uses[use].end};

    assert_int_equal(upf_inflate(&state, scratch, &io),
                     io.end ? UPF_INFLATE_END : UPF_INFLATE_MORE);
}

/* Everything is in other memory, as it is after a reallocation. */
static void move(struct way *way)
{
    uint8_t *history = exact(way->io.history, way->size);
    struct upf_inflater *state = exact(way->state, sizeof *state);

    memset(way->io.history, 0, way->size);
    memset(way->state, 0xFF, sizeof *way->state);
    free(way->io.history);
    free(way->state);
    way->io.history = history;
    way->state      = state;
}

static enum upf_inflate_result call(struct way *way)
{
    const size_t pos = way->io.pos, in_len = way->io.in_len;
    const uint8_t *in = way->io.in;

    const enum upf_inflate_result result =
        upf_inflate(way->state, way->scratch, &way->io);
    assert_true(way->io.pos >= pos && way->io.pos <= way->io.limit);
    assert_true(way->io.in_len <= in_len);
    assert_ptr_equal(way->io.in, in + (in_len - way->io.in_len));
    assert_true(result != UPF_INFLATE_MORE || way->io.in_len == 0);
    assert_true(result != UPF_INFLATE_MORE || !way->io.end);
    assert_true(result != UPF_INFLATE_FULL || way->io.pos == way->io.limit);
    for (size_t i = way->io.limit + UPF_INFLATE_SLACK; i < way->size; i++)
        assert_int_equal(way->io.history[i], CANARY);
    return result;
}

static struct inflated finish(struct way *way, enum upf_inflate_result result)
{
    static const struct upf_inflater zero;
    struct inflated inflated = {result, way->io.history, way->io.pos,
                                way->state->offset};

    if (result == UPF_INFLATE_END)
        assert_memory_equal(way->state, &zero, sizeof zero);
    if (way->message->history_len > 0)
        assert_memory_equal(way->io.history, way->message->history,
                            way->message->history_len);
    free(way->piece);
    free(way->state);
    return inflated;
}

struct inflated inflate_cut(const struct message *message,
                            const struct cuts *cuts,
                            struct upf_inflate_scratch *scratch)
{
    struct way way = {.message = message, .cuts = cuts, .scratch = scratch};
    const size_t whole = message->history_len + message->room;

    begin(&way);
    next_piece(&way, cuts->first_in);
    for (;;) {
        const enum upf_inflate_result result = call(&way);
        if (result == UPF_INFLATE_MORE)
            next_piece(&way, cuts->in);
        else if (result == UPF_INFLATE_FULL && way.io.limit < whole)
            way.io.limit += cuts->out > 0
                                ? lesser(cuts->out, whole - way.io.limit)
                                : whole - way.io.limit;
        else
            return finish(&way, result);
        if (cuts->foreign)
            use_scratch(scratch);
        if (cuts->moved)
            move(&way);
    }
}

/* ---- Every way ---------------------------------------------------------- */

static void assert_same(const struct inflated *a, const struct inflated *b)
{
    assert_int_equal(a->result, b->result);
    assert_int_equal(a->len, b->len);
    if (a->len > 0)
        assert_memory_equal(a->out, b->out, a->len);
    if (a->result == UPF_INFLATE_BAD)
        assert_true(a->offset == b->offset);
}

/* What the oracle says. */
static struct inflated plainly(const struct message *message)
{
    const size_t size = message->history_len + message->room;
    struct inflated inflated = {.out = malloc(size > 0 ? size : 1)};

    assert_non_null(inflated.out);
    if (message->history_len > 0)
        memcpy(inflated.out, message->history, message->history_len);
    const struct plain_result plain = plain_inflate(
        message->in, message->len, inflated.out, message->history_len, size,
        message->window > 0 ? message->window : 15);
    inflated.result = plain.verdict == PLAIN_END    ? UPF_INFLATE_END
                      : plain.verdict == PLAIN_FULL ? UPF_INFLATE_FULL
                                                    : UPF_INFLATE_BAD;
    inflated.len    = plain.pos;
    inflated.offset = plain.offset;
    return inflated;
}

struct inflated inflate_every_way(const struct message *message)
{
    static struct upf_inflate_scratch scratch;
    static const struct cuts ways[] = {
        {0},
        {.first_in = 1, .in = 1},
        {.first_in = 1, .in = 1, .late_end = true, .foreign = true},
        {.first_in = 1, .in = 1, .first_out = 1, .out = 1, .moved = true},
        {.first_out = 1, .out = 1},
        {.first_in = 7, .in = 3, .first_out = 5, .out = 2, .foreign = true},
        {.first_in = 40, .in = 33, .first_out = 100, .out = 300,
         .late_end = true, .moved = true},
    };
    const struct inflated expected = plainly(message);
    struct inflated       got;

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        got = inflate_cut(message, &ways[i], &scratch);
        assert_same(&got, &expected);
        free(got.out);
    }
    const size_t in_step = message->len / 200 + 1;
    for (size_t at = 1; at <= message->len; at += in_step) {
        const struct cuts cuts = {.first_in = at, .late_end = at % 2 == 0,
                                  .foreign = at % 3 == 0};
        got = inflate_cut(message, &cuts, &scratch);
        assert_same(&got, &expected);
        free(got.out);
    }
    const size_t len      = expected.len - message->history_len;
    const size_t out_step = len / 200 + 1;
    for (size_t at = 1; at <= len; at += out_step) {
        const struct cuts cuts = {.first_out = at, .foreign = at % 3 == 0,
                                  .first_in = at % 2 ? 0 : message->len / 2};
        got = inflate_cut(message, &cuts, &scratch);
        assert_same(&got, &expected);
        free(got.out);
    }
    return expected;
}

void assert_inflated(const uint8_t *in, size_t len, const void *text,
                     size_t text_len)
{
    const struct message message = {.in = in, .len = len,
                                    .room = text_len + 300};
    const struct inflated got = inflate_every_way(&message);

    assert_int_equal(got.result, UPF_INFLATE_END);
    assert_int_equal(got.len, text_len);
    assert_memory_equal(got.out, text, text_len);
    free(got.out);
}

void assert_not_inflated(const uint8_t *in, size_t len, size_t offset)
{
    const struct message message = {.in = in, .len = len, .room = 1000};
    const struct inflated got = inflate_every_way(&message);

    assert_int_equal(got.result, UPF_INFLATE_BAD);
    assert_int_equal(got.offset, offset);
    free(got.out);
}
