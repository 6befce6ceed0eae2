/* SPDX-License-Identifier: MIT */
/* plain_inflate.c - an oracle for inflate: no table, no buffer, no state. */

#include <stdbool.h>
#include <string.h>

#include "plain_inflate.h"

enum { TAIL = 4, LONGEST = 15 };

struct plain {
    const uint8_t *in;
    size_t         len;
    size_t         bit;  /* the next one */
    size_t         part; /* where the part began that is read now */
    uint8_t       *history;
    size_t         pos, limit, window;
    bool           full;
};

struct code {
    unsigned count[LONGEST + 1];
    unsigned symbols[288]; /* by length, then by themselves */
};

/* So many bits, the first the lowest; below 0: there are not so many. */
static int get(struct plain *p, unsigned count)
{
    static const uint8_t tail[TAIL] = {0, 0, 0xFF, 0xFF};
    int bits = 0;

    for (unsigned i = 0; i < count; i++, p->bit++) {
        const size_t at = p->bit / 8;
        if (at >= p->len + TAIL)
            return -1;
        const uint8_t byte = at < p->len ? p->in[at] : tail[at - p->len];
        bits |= (byte >> p->bit % 8 & 1) << i;
    }
    return bits;
}

/* What is read from here on is one part. */
static void begin_part(struct plain *p)
{
    p->part = p->bit;
}

static bool put(struct plain *p, uint8_t byte)
{
    p->full = p->pos == p->limit;
    if (!p->full)
        p->history[p->pos++] = byte;
    return !p->full;
}

/* Whether there is such a code. */
static bool make_code(struct code *code, const uint8_t *lengths, unsigned count,
                      bool lax)
{
    long     missing = 1;
    unsigned longest = 0, n = 0;

    memset(code->count, 0, sizeof code->count);
    for (unsigned length = 1; length <= LONGEST; length++) {
        for (unsigned i = 0; i < count; i++) {
            if (lengths[i] != length)
                continue;
            code->symbols[n++] = i;
            code->count[length]++;
            longest = length;
        }
        missing = 2 * missing - (long)code->count[length];
        if (missing < 0)
            return false;
    }
    return missing == 0 || (lax && longest <= 1);
}

/* The next symbol; below 0: there is none such, or no more bits. */
static int decode(struct plain *p, const struct code *code)
{
    unsigned value = 0, first = 0, index = 0;

    for (unsigned length = 1; length <= LONGEST; length++) {
        const int bit = get(p, 1);
        if (bit < 0)
            return -1;
        value |= (unsigned)bit;
        if (value - first < code->count[length])
            return (int)code->symbols[index + (value - first)];
        index += code->count[length];
        first = (first + code->count[length]) << 1;
        value <<= 1;
    }
    return -1;
}

/* The first length or distance of a symbol, and its extra bits. */
static int value_of(struct plain *p, unsigned symbol, unsigned lowest,
                    unsigned alike)
{
    unsigned base = lowest, extra = 0;

    for (unsigned i = 0; i < symbol; i++) {
        extra = i < 2 * alike ? 0 : i / alike - 1;
        base += 1u << extra;
    }
    extra = symbol < 2 * alike ? 0 : symbol / alike - 1;
    const int bits = get(p, extra);
    return bits < 0 ? bits : (int)base + bits;
}

static bool match(struct plain *p, unsigned symbol,
                  const struct code *distances)
{
    const int length = symbol == 285 ? 258 : value_of(p, symbol - 257, 3, 4);

    if (length < 0 || symbol > 285)
        return false;
    const int code = decode(p, distances);
    if (code < 0 || code > 29)
        return false;
    const int distance = value_of(p, (unsigned)code, 1, 2);
    if (distance < 0 || (size_t)distance > p->pos ||
        (size_t)distance > p->window)
        return false;
    for (int i = 0; i < length; i++)
        if (!put(p, p->history[p->pos - (size_t)distance]))
            return false;
    return true;
}

static bool symbols(struct plain *p, const struct code *literals,
                    const struct code *distances)
{
    for (;;) {
        begin_part(p);
        const int symbol = decode(p, literals);
        if (symbol == 256)
            return true;
        if (symbol < 0 ||
            (symbol < 256 ? !put(p, (uint8_t)symbol)
                          : !match(p, (unsigned)symbol, distances)))
            return false;
    }
}

static bool fixed(struct plain *p)
{
    uint8_t     lengths[288];
    struct code literals, distances;

    memset(lengths, 8, 144);
    memset(lengths + 144, 9, 112);
    memset(lengths + 256, 7, 24);
    memset(lengths + 280, 8, 8);
    (void)make_code(&literals, lengths, 288, false);
    memset(lengths, 5, 32);
    (void)make_code(&distances, lengths, 32, false);
    return symbols(p, &literals, &distances);
}

/* The lengths of the codes, of which there are `all`. */
static bool read_lengths(struct plain *p, const struct code *precode,
                         uint8_t *lengths, unsigned all)
{
    for (unsigned i = 0; i < all;) {
        begin_part(p);
        const int symbol = decode(p, precode);
        if (symbol < 0)
            return false;
        if (symbol < 16) {
            lengths[i++] = (uint8_t)symbol;
            continue;
        }
        const int more = get(p, symbol == 16 ? 2 : symbol == 17 ? 3 : 7);
        const int times = (symbol == 18 ? 11 : 3) + more;
        if (more < 0 || (unsigned)times > all - i || (symbol == 16 && i == 0))
            return false;
        const uint8_t length = symbol == 16 ? lengths[i - 1] : 0;
        memset(lengths + i, length, (size_t)times);
        i += (unsigned)times;
    }
    begin_part(p);
    return lengths[256] > 0;
}

static bool dynamic(struct plain *p)
{
    static const uint8_t order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4,
                                      12, 3, 13, 2, 14, 1, 15};
    uint8_t     lengths[320] = {0};
    struct code literals, distances;

    begin_part(p);
    const int hlit = get(p, 5), hdist = get(p, 5), hclen = get(p, 4);
    if (hclen < 0 || hlit > 29 || hdist > 29)
        return false;
    for (int i = 0; i < hclen + 4; i++) {
        begin_part(p);
        const int length = get(p, 3);
        if (length < 0)
            return false;
        lengths[order[i]] = (uint8_t)length;
    }
    begin_part(p);
    if (!make_code(&literals, lengths, 19, false))
        return false;
    memset(lengths, 0, sizeof lengths);
    if (!read_lengths(p, &literals, lengths,
                      (unsigned)(257 + hlit + 1 + hdist)))
        return false;
    return make_code(&literals, lengths, (unsigned)(257 + hlit), true) &&
           make_code(&distances, lengths + 257 + hlit, (unsigned)(1 + hdist),
                     true) &&
           symbols(p, &literals, &distances);
}

static void align(struct plain *p)
{
    p->bit = (p->bit + 7) / 8 * 8;
}

static bool stored(struct plain *p)
{
    align(p);
    begin_part(p);
    const int len = get(p, 16), complement = get(p, 16);
    if (len < 0 || complement < 0 || (len ^ complement) != 0xFFFF)
        return false;
    for (int i = 0; i < len; i++) {
        begin_part(p);
        const int byte = get(p, 8);
        if (byte < 0 || !put(p, (uint8_t)byte))
            return false;
    }
    return true;
}

static bool block(struct plain *p, bool *final)
{
    begin_part(p);
    *final = get(p, 1) == 1;
    switch (get(p, 2)) {
    case 0:  return stored(p);
    case 1:  return fixed(p);
    case 2:  return dynamic(p);
    default: return false;
    }
}

struct plain_result plain_inflate(const uint8_t *in, size_t len,
                                  uint8_t *history, size_t pos, size_t limit,
                                  unsigned window)
{
    struct plain p = {.in = in, .len = len, .history = history, .pos = pos,
                      .limit = limit, .window = (size_t)1 << window};

    for (bool final; block(&p, &final);) {
        if (final)
            align(&p);
        if (p.bit == 8 * (len + TAIL) || (final && p.bit == 8 * len))
            return (struct plain_result){PLAIN_END, p.pos, 0};
    }
    const size_t at = p.part / 8;
    return (struct plain_result){p.full ? PLAIN_FULL : PLAIN_BAD, p.pos,
                                 at < len ? at : len};
}
