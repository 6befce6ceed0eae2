/* SPDX-License-Identifier: MIT */
/* strict_inflate.c - the words of RFC 1951, and nothing that is quick. */

#include <stdlib.h>
#include <string.h>

#include "strict_inflate.h"

enum { SYMBOLS = 288, DISTANCES = 30, END = 256, LONGEST = 15 };

struct reader {
    const uint8_t *in;
    size_t         bit, bits;
    const char    *fault; /* the first */
};

/* Codes of one length are consecutive numbers, and begin at `first`. */
struct code {
    unsigned count[LONGEST + 1];
    unsigned symbol[SYMBOLS]; /* by length, then by value */
};

static void fail(struct reader *r, const char *what)
{
    if (r->fault == NULL)
        r->fault = what;
}

static unsigned get_bit(struct reader *r)
{
    if (r->bit == r->bits) {
        fail(r, "the input ends within a block");
        return 0;
    }
    const unsigned bit = (unsigned)r->in[r->bit / 8] >> r->bit % 8 & 1;
    r->bit++;
    return bit;
}

/* 3.1.1: a number's lowest bit comes first. */
static unsigned get_bits(struct reader *r, unsigned count)
{
    unsigned value = 0;

    for (unsigned i = 0; i < count; i++)
        value |= get_bit(r) << i;
    return value;
}

/* 3.2.2. Of distances there may be one alone, or none (3.2.7). */
static void make_code(struct reader *r, struct code *code,
                      const unsigned *lengths, unsigned symbols,
                      bool of_distances)
{
    unsigned used = 0, room = 1;

    memset(code, 0, sizeof *code);
    for (unsigned length = 1; length <= LONGEST; length++)
        for (unsigned s = 0; s < symbols; s++)
            if (lengths[s] == length) {
                code->count[length]++;
                code->symbol[used++] = s;
            }
    for (unsigned length = 1; length <= LONGEST; length++) {
        room *= 2;
        if (code->count[length] > room)
            fail(r, "more codes than there are");
        room -= code->count[length];
    }
    if (room != 0 &&
        (!of_distances || used > 1 || code->count[1] != used))
        fail(r, "a code is not complete");
}

static unsigned get_symbol(struct reader *r, const struct code *code)
{
    unsigned value = 0, first = 0, index = 0;

    for (unsigned length = 1; length <= LONGEST; length++) {
        value = value << 1 | get_bit(r);
        first <<= 1;
        if (value >= first && value - first < code->count[length])
            return code->symbol[index + (value - first)];
        index += code->count[length];
        first += code->count[length];
    }
    fail(r, "no such code");
    return END;
}

static void put(struct reader *r, struct strict_inflate *s, uint8_t byte)
{
    if (s->len == s->cap)
        fail(r, "too much comes out");
    else
        s->out[s->len++] = byte;
}

static void get_stored(struct reader *r, struct strict_inflate *s)
{
    r->bit = (r->bit + 7) / 8 * 8;
    const unsigned len = get_bits(r, 16);
    if (get_bits(r, 16) != (len ^ 0xFFFF))
        fail(r, "LEN and NLEN do not fit");
    for (unsigned i = 0; i < len && r->fault == NULL; i++)
        put(r, s, (uint8_t)get_bits(r, 8));
}

/* 3.2.5, as rules: the lengths and distances that a symbol begins with. */
static unsigned get_length(struct reader *r, unsigned symbol)
{
    unsigned base = 3;

    if (symbol == 285)
        return 258;
    if (symbol > 285)
        fail(r, "no such length");
    for (unsigned s = 257; s < symbol; s++)
        base += 1u << (s < 265 ? 0 : (s - 261) / 4);
    return base + get_bits(r, symbol < 265 ? 0 : (symbol - 261) / 4);
}

static unsigned get_distance(struct reader *r, unsigned symbol)
{
    unsigned base = 1;

    if (symbol >= DISTANCES)
        fail(r, "no such distance");
    for (unsigned s = 0; s < symbol; s++)
        base += 1u << (s < 4 ? 0 : (s - 2) / 2);
    return base + get_bits(r, symbol < 4 ? 0 : (symbol - 2) / 2);
}

static void get_match(struct reader *r, struct strict_inflate *s,
                      unsigned symbol, const struct code *distances)
{
    const unsigned length   = get_length(r, symbol);
    const unsigned distance = get_distance(r, get_symbol(r, distances));

    if (distance > s->len || distance > s->window)
        fail(r, "a distance goes too far");
    for (unsigned i = 0; i < length && r->fault == NULL; i++)
        put(r, s, s->out[s->len - distance]);
    s->farthest = distance > s->farthest ? distance : s->farthest;
    s->longest  = length > s->longest ? length : s->longest;
}

static void get_symbols(struct reader *r, struct strict_inflate *s,
                        const struct code *literals,
                        const struct code *distances)
{
    while (r->fault == NULL) {
        const unsigned symbol = get_symbol(r, literals);

        if (symbol == END)
            return;
        if (symbol < END)
            put(r, s, (uint8_t)symbol);
        else
            get_match(r, s, symbol, distances);
    }
}

static void get_fixed(struct reader *r, struct strict_inflate *s)
{
    struct code literals, distances;
    unsigned    lengths[SYMBOLS];

    for (unsigned i = 0; i < SYMBOLS; i++)
        lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    make_code(r, &literals, lengths, SYMBOLS, false);
    for (unsigned i = 0; i < 32; i++)
        lengths[i] = 5;
    make_code(r, &distances, lengths, 32, true);
    get_symbols(r, s, &literals, &distances);
}

/* 3.2.7: the lengths of both codes, themselves in a code. */
static void get_lengths(struct reader *r, unsigned *lengths, unsigned count,
                        const struct code *precode)
{
    unsigned at = 0;

    while (at < count && r->fault == NULL) {
        const unsigned symbol = get_symbol(r, precode);
        unsigned       repeat = 1, length = symbol < 16 ? symbol : 0;

        if (symbol == 16 && at == 0)
            fail(r, "there is no length to repeat");
        else if (symbol == 16)
            length = lengths[at - 1];
        if (symbol >= 16)
            repeat = symbol == 16   ? 3 + get_bits(r, 2)
                     : symbol == 17 ? 3 + get_bits(r, 3)
                                    : 11 + get_bits(r, 7);
        if (repeat > count - at)
            fail(r, "too many lengths");
        for (; repeat > 0 && r->fault == NULL; repeat--)
            lengths[at++] = length;
    }
}

static void get_dynamic(struct reader *r, struct strict_inflate *s)
{
    static const uint8_t order[19] = {16, 17, 18, 0,  8, 7,  9, 6,  10, 5,
                                      11, 4,  12, 3, 13, 2, 14, 1, 15};
    struct code precode, literals, distances;
    unsigned    lengths[SYMBOLS + 32] = {0};
    const unsigned hlit = 257 + get_bits(r, 5), hdist = 1 + get_bits(r, 5);
    const unsigned hclen = 4 + get_bits(r, 4);

    if (hlit > 286 || hdist > DISTANCES)
        fail(r, "too many codes");
    for (unsigned i = 0; i < hclen; i++)
        lengths[order[i]] = get_bits(r, 3);
    make_code(r, &precode, lengths, 19, false);
    memset(lengths, 0, sizeof lengths);
    get_lengths(r, lengths, hlit + hdist, &precode);
    if (lengths[END] == 0)
        fail(r, "a block without end");
    make_code(r, &literals, lengths, hlit, false);
    make_code(r, &distances, lengths + hlit, hdist, true);
    get_symbols(r, s, &literals, &distances);
}

const char *strict_inflate(struct strict_inflate *s, const uint8_t *in,
                          size_t in_len)
{
    struct reader r = {in, 0, 8 * in_len, NULL};

    while (r.fault == NULL && r.bit + 7 < r.bits) {
        if (get_bit(&r) == 1)
            fail(&r, "a block is final");
        const unsigned kind = get_bits(&r, 2);
        if (kind == 3 || r.fault != NULL) {
            fail(&r, "no such block");
            break;
        }
        s->blocks[kind]++;
        if (kind == 0)
            get_stored(&r, s);
        else if (kind == 1)
            get_fixed(&r, s);
        else
            get_dynamic(&r, s);
    }
    if (r.bit != r.bits)
        fail(&r, "the last block does not end with the input");
    return r.fault;
}

const char *strict_inflate_message(struct strict_inflate *s, const uint8_t *in,
                                  size_t in_len)
{
    uint8_t *whole = malloc(in_len + 4);
    const char *fault;

    if (whole == NULL)
        return "no memory";
    if (in_len > 0)
        memcpy(whole, in, in_len);
    memcpy(whole + in_len, "\x00\x00\xFF\xFF", 4);
    fault = strict_inflate(s, whole, in_len + 4);
    free(whole);
    return fault;
}
