/* SPDX-License-Identifier: MIT */
/*
 * fuzz_deflate.c - messages encoded in any order, and read by two decoders.
 *
 * The first byte is the window (3 bits) and the level of the history; then
 * come operations of four bytes: what is done, and the message, which is some
 * bytes of the input, several times.
 */

#include <string.h>

#include "bytes.h"
#include "check.h"
#include "deflate/deflate.h"
#include "deflate/inflate.h"
#include "support/strict_inflate.h"

enum {
    ROOM   = 1 << 15, /* for all that is sent: the oracle is slow */
    LEVELS = UPF_DEFLATE_BEST + 1,
    REFUSE = 4, FEED, DROP, PART /* operations; those below are sent */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A sender, and a peer that reads twice. */
struct pair {
    struct upf_deflate_history history;
    struct strict_inflate      strict;
    struct upf_inflater        state;
    uint8_t                   *out;
};

static struct upf_deflate_scratch scratch;
static struct upf_inflate_scratch tables;
static uint16_t                   links[UPF_DEFLATE_LINKS];

struct message {
    uint8_t *data;
    size_t   len;
};

/* Some bytes of the input, `times` times. */
static struct message make(const uint8_t *data, size_t len, size_t from,
                           size_t size, size_t times)
{
    struct bytes all = {0};

    from = len > 0 ? from % len : 0;
    size = size < len - from ? size : len - from;
    for (; times > 0; times--)
        bytes_add(&all, data + from, size);
    const struct message m = {exact_copy(all.data, all.len), all.len};
    bytes_free(&all);
    return m;
}

static void inflate_all(struct pair *p, const uint8_t *in, size_t len,
                        bool ends)
{
    struct upf_inflate_io io = {.in = in, .in_len = len, .history = p->out,
                                .pos = p->strict.len, .limit = ROOM,
                                .window = p->history.bits, .end = ends};
    const enum upf_inflate_result result =
        upf_inflate(&p->state, &tables, &io);

    CHECK(result == (ends ? UPF_INFLATE_END : UPF_INFLATE_MORE),
          "inflate says %d", (int)result);
    p->strict.len = io.pos; /* which is where strict_inflate() comes, too */
}

/* What the peer makes of an encoding must be the message. */
static void receive(struct pair *p, const uint8_t *in, size_t len, bool ends,
                    const struct message *m)
{
    const size_t at = p->strict.len;

    inflate_all(p, in, len, ends);
    CHECK(p->strict.len - at == m->len, "%zu bytes instead of %zu",
          p->strict.len - at, m->len);
    CHECK(m->len == 0 || memcmp(p->out + at, m->data, m->len) == 0,
          "inflate reads something else");
    p->strict.len = at;
    const char *fault = ends ? strict_inflate_message(&p->strict, in, len)
                             : strict_inflate(&p->strict, in, len);
    CHECK(fault == NULL, "%s", fault);
    CHECK(p->strict.len - at == m->len, "the oracle has %zu of %zu bytes",
          p->strict.len - at, m->len);
    CHECK(m->len == 0 || memcmp(p->strict.out + at, m->data, m->len) == 0,
          "the oracle reads something else");
}

static void encode(struct pair *p, const struct message *m, unsigned what,
                   enum upf_deflate_level level)
{
    const bool  alone = what == FEED || what == DROP;
    uint8_t    *out   = malloc(upf_deflate_bound(m->len));
    struct upf_deflate_source source = {m->data, m->len, SIZE_MAX,
                                        what != PART, level};
    size_t      len;

    CHECK(out != NULL, "no memory");
    if (alone)
        len = upf_deflate_alone(&scratch, &source, p->history.bits, out);
    else
        len = upf_deflate_after(&p->history, &scratch, &source, out);
    CHECK(len > 0 && len <= upf_deflate_bound(m->len), "it has %zu bytes", len);
    CHECK(what == PART || len <= upf_deflate_most(m->len), "%zu became %zu",
          m->len, len);
    if (what == FEED)
        upf_deflate_history_feed(&p->history, m->data, m->len);
    else if (what == DROP)
        upf_deflate_history_drop(&p->history);
    else if (what != REFUSE)
        upf_deflate_commit(&p->history, m->data, m->len);
    if (what != REFUSE)
        receive(p, out, len, what != PART, m);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static uint8_t strict_out[ROOM], out[ROOM + UPF_INFLATE_SLACK];
    struct pair    p    = {.out = out};
    const unsigned plan = len > 0 ? data[0] : 0;
    const unsigned bits = 8 + plan % 8;
    const enum upf_deflate_level level =
        (enum upf_deflate_level)(plan / 8 % LEVELS);
    void *memory = malloc(upf_deflate_history_size(bits, level));

    CHECK(memory != NULL, "no memory");
    upf_deflate_history_init(&p.history, bits, level, memory);
    p.strict      = (struct strict_inflate){.out = strict_out, .cap = ROOM,
                                            .window = (size_t)1 << bits};
    scratch.links = plan & 0x80 ? links : NULL;
    if (plan & 0x40)
        scratch.base = 0;
    for (size_t at = 1; len >= 5 && at <= len - 4; at += 4) {
        const unsigned what = data[at] % 8;
        const size_t   size = (size_t)data[at + 1] << (data[at] >> 5);
        struct message m    = make(data, len, (size_t)data[at + 2] * 16, size,
                                   data[at + 3] % 32);

        if (m.len <= ROOM - p.strict.len)
            encode(&p, &m, what,
                   (enum upf_deflate_level)(data[at] / 8 % LEVELS));
        free(m.data);
    }
    free(memory);
    return 0;
}
