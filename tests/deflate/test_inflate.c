/* SPDX-License-Identifier: MIT */
/* test_inflate.c - what inflate takes and refuses; each case however cut. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "deflate/inflate.h"
#include "support/bit_writer.h"
#include "support/inflating.h"

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, \
                   sizeof((const uint8_t[]){__VA_ARGS__})

/* A stream that was written decodes to this text. */
static void assert_written(const struct bit_writer *w, const void *text,
                           size_t len)
{
    assert_inflated(w->data, bytes_put(w), text, len);
}

/* It is wrong in this bit. */
static void assert_wrong(const struct bit_writer *w, size_t bit)
{
    assert_not_inflated(w->data, bytes_put(w), bit / 8);
}

/* ---- RFC 7692 ----------------------------------------------------------- */

static void the_examples_of_section_7_2_3_are_decoded(void **state)
{
    (void)state;
    assert_inflated(BYTES(0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00),
                    "Hello", 5);
    /* 7.2.3.3: no compression */
    assert_inflated(BYTES(0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C,
                          0x6F, 0x00), "Hello", 5);
    /* 7.2.3.4: BFINAL */
    assert_inflated(BYTES(0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00),
                    "Hello", 5);
    /* 7.2.3.5: two blocks */
    assert_inflated(BYTES(0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA,
                          0xC9, 0xC9, 0x07, 0x00), "Hello", 5);
    /* 7.2.3.6: an empty message */
    assert_inflated(BYTES(0x00), "", 0);
}

static void the_window_of_the_message_before_is_used(void **state)
{
    /* 7.2.3.2 */
    static const uint8_t again[] = {0xF2, 0x00, 0x11, 0x00, 0x00};
    const struct message message = {
        .in = again, .len = sizeof again, .history = (const uint8_t *)"Hello",
        .history_len = 5, .room = 5,
    };
    const struct inflated got = inflate_every_way(&message);

    (void)state;
    assert_int_equal(got.result, UPF_INFLATE_END);
    assert_int_equal(got.len, 10);
    assert_memory_equal(got.out, "HelloHello", 10);
    free(got.out);
}

static void an_empty_payload_is_no_message(void **state)
{
    (void)state;
    assert_not_inflated(NULL, 0, 0);
}

static void a_truncated_message_is_bad(void **state)
{
    static const uint8_t hello[] = {0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00};
    static const uint8_t stored[] = {0x00, 0x05, 0x00, 0xFA, 0xFF, 'H', 'e'};

    (void)state;
    for (size_t len = 0; len < sizeof hello; len++) {
        const struct message message = {.in = hello, .len = len, .room = 300};
        const struct inflated got = inflate_every_way(&message);
        assert_int_equal(got.result, UPF_INFLATE_BAD);
        free(got.out);
    }
    /* What decides is where blocks end: the tail may be of a block. */
    assert_not_inflated(stored, 5, 5);
    assert_inflated(stored, 6, "H\x00\x00\xFF\xFF", 5);
    assert_not_inflated(stored, 7, 7);
}

static void a_final_block_may_come_anywhere(void **state)
{
    (void)state;
    /* The 00 behind it is missing. */
    assert_inflated(BYTES(0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00),
                    "Hello", 5);
    assert_inflated(BYTES(0x01, 0x02, 0x00, 0xFD, 0xFF, 'H', 'i'), "Hi", 2);
    assert_inflated(BYTES(0x01, 0x02, 0x00, 0xFD, 0xFF, 'H', 'i', 0x00),
                    "Hi", 2);
    /* Another message's data follow, with its window. */
    assert_inflated(BYTES(0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0xF2, 0x00,
                          0x11, 0x00, 0x00), "HelloHello", 10);
    /* Final blocks only; the last one is empty. */
    assert_inflated(BYTES(0x03, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0xFF, 0xFF),
                    "", 0);
    assert_inflated(BYTES(0x03, 0x00), "", 0);
    /* 7 bits of it lie in the tail, and the rest of that is no block. */
    assert_not_inflated(BYTES(0x03), 1);
    /* What follows is none. */
    assert_not_inflated(BYTES(0x03, 0x00, 0x06), 2);
    assert_not_inflated(BYTES(0x03, 0x00, 0x00, 0x00), 3);
}

static void a_block_that_is_not_final_needs_one_behind_it(void **state)
{
    (void)state;
    assert_not_inflated(BYTES(0x00, 0x02, 0x00, 0xFD, 0xFF, 'H', 'i'), 7);
    /* The zeros that end the last byte begin it here. */
    assert_inflated(BYTES(0x02, 0x00), "", 0);
}

/* ---- Blocks ------------------------------------------------------------- */

static void block_type_3_is_bad(void **state)
{
    struct bit_writer w = {0};

    (void)state;
    assert_not_inflated(BYTES(0x06, 0x00, 0x00), 0);
    put_bits(&w, 2, 3);
    for (int i = 0; i < 7; i++)
        put_fixed(&w, 'a');
    put_fixed(&w, 256);
    const size_t at = w.bits;
    put_bits(&w, 6, 3);
    put_bits(&w, 0, 20);
    assert_wrong(&w, at);
}

static void a_stored_block_has_its_length_twice(void **state)
{
    (void)state;
    assert_not_inflated(BYTES(0x00, 0x01, 0x00, 0xFF, 0xFF, 'a', 0x00), 1);
    assert_not_inflated(BYTES(0x00, 0x01, 0x00, 0xFE, 0xFE, 'a', 0x00), 1);
    assert_inflated(BYTES(0x00, 0x01, 0x00, 0xFE, 0xFF, 'a', 0x00), "a", 1);
}

/* What lies in the bit buffer comes first, and nothing of it twice. */
static void a_stored_block_follows_bits_of_others(void **state)
{
    struct bit_writer w = {0};
    uint8_t text[3 * 41];
    size_t  len = 0;

    (void)state;
    for (unsigned size = 0; size < 20; size += 1 + size / 4) {
        put_bits(&w, 2, 3);
        put_fixed(&w, text[len++] = (uint8_t)(200 + size));
        put_fixed(&w, 256);
        put_bits(&w, 0, 3);
        put_padding(&w);
        put_bits(&w, size, 16);
        put_bits(&w, size ^ 0xFFFF, 16);
        for (unsigned i = 0; i < size; i++)
            put_bits(&w, text[len++] = (uint8_t)(size * 16 + i), 8);
    }
    put_end(&w);
    assert_written(&w, text, len);
}

static void the_longest_stored_block_is_taken(void **state)
{
    uint8_t *in = calloc(1, 65535 + 6), *text = malloc(65535);

    (void)state;
    assert_true(in != NULL && text != NULL);
    memcpy(in, "\x00\xFF\xFF\x00\x00", 5);
    for (unsigned i = 0; i < 65535; i++)
        in[5 + i] = text[i] = (uint8_t)(i * i >> 3);
    const struct message message = {.in = in, .len = 65535 + 6, .room = 65535};
    struct upf_inflate_scratch scratch = {0};
    static const struct cuts ways[] = {{0}, {.in = 1000, .out = 777},
                                       {.in = 1, .out = 1}};
    for (size_t i = 0; i < 3; i++) {
        const struct inflated got = inflate_cut(&message, &ways[i], &scratch);
        assert_int_equal(got.result, UPF_INFLATE_END);
        assert_int_equal(got.len, 65535);
        assert_memory_equal(got.out, text, 65535);
        free(got.out);
    }
    free(in);
    free(text);
}

/* Bytes that were loaded and not used are given back, but none of the piece
 * before: empty blocks show that, since many of them are in one load. */
static void empty_blocks_are_decoded(void **state)
{
    struct bit_writer w = {0};

    (void)state;
    for (int i = 0; i < 40; i++) {
        put_bits(&w, 2, 3);
        put_fixed(&w, 256);
    }
    put_end(&w);
    assert_written(&w, "", 0);

    static const uint8_t one[286] = {[256] = 1}, none[1] = {0};
    struct bit_writer d = {0};
    for (int i = 0; i < 3; i++) {
        put_dynamic(&d, one, 257, none, 1);
        put_symbol(&d, one, 256);
    }
    put_end(&d);
    assert_written(&d, "", 0);
}

/* ---- The fixed code ----------------------------------------------------- */

static void every_literal_and_length_has_its_fixed_code(void **state)
{
    static const unsigned base[] = {
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59,
        67, 83, 99, 115, 131, 163, 195, 227, 258
    };
    struct bit_writer w = {0};
    uint8_t text[256 + 3 * 29 * 258];
    size_t  len = 0;

    (void)state;
    put_bits(&w, 2, 3);
    for (unsigned i = 0; i < 256; i++)
        put_fixed(&w, text[len++] = (uint8_t)i);
    for (unsigned i = 0; i < 29; i++) {
        const unsigned bits = i < 8 || i == 28 ? 0 : i / 4 - 1;
        for (unsigned extra = 0;; extra = (1u << bits) - 1) {
            put_fixed(&w, 257 + i);
            put_bits(&w, extra, bits);
            put_fixed_distance(&w, 4); /* 5 or 6 */
            put_bits(&w, i % 2, 1);
            for (unsigned n = base[i] + extra; n > 0; n--, len++)
                text[len] = text[len - 5 - i % 2];
            if (extra == (1u << bits) - 1)
                break;
        }
    }
    put_fixed(&w, 256);
    put_end(&w);
    assert_written(&w, text, len);
}

static void symbols_without_a_meaning_are_bad(void **state)
{
    (void)state;
    for (unsigned symbol = 286; symbol < 288; symbol++) {
        struct bit_writer w = {0};
        put_bits(&w, 2, 3);
        for (int i = 0; i < 5; i++)
            put_fixed(&w, 'a');
        const size_t at = w.bits;
        put_fixed(&w, symbol);
        put_fixed_distance(&w, 0);
        put_fixed(&w, 256);
        put_end(&w);
        assert_wrong(&w, at);
    }
    for (unsigned symbol = 30; symbol < 32; symbol++) {
        struct bit_writer w = {0};
        put_bits(&w, 2, 3);
        for (int i = 0; i < 6; i++)
            put_fixed(&w, 'a');
        const size_t at = w.bits;
        put_fixed(&w, 257);
        put_fixed_distance(&w, symbol);
        put_fixed(&w, 256);
        put_end(&w);
        assert_wrong(&w, at);
    }
}

/* ---- Distances ---------------------------------------------------------- */

static void a_distance_beyond_what_was_decoded_is_bad(void **state)
{
    (void)state;
    for (unsigned distance = 1; distance <= 4; distance++) {
        struct bit_writer w = {0};
        put_bits(&w, 2, 3);
        for (int i = 0; i < 3; i++)
            put_fixed(&w, 'a');
        const size_t at = w.bits;
        put_fixed(&w, 257);
        put_fixed_distance(&w, distance - 1);
        put_fixed(&w, 256);
        put_end(&w);
        if (distance < 4)
            assert_written(&w, "aaaaaa", 6);
        else
            assert_wrong(&w, at);
    }
}

/* The code of a distance, its extra bits and how many these are. */
static unsigned distance_code(unsigned distance, unsigned *extra,
                              unsigned *bits)
{
    unsigned code = 0, base = 1;

    for (;; code++) {
        *bits = code < 2 ? 0 : code / 2 - 1;
        if (distance < base + (1u << *bits))
            break;
        base += 1u << *bits;
    }
    *extra = distance - base;
    return code;
}

/* Two copies of distances behind enough history, by a code of this block. */
static void assert_window(unsigned window, unsigned distance, bool fixed,
                          bool good)
{
    static uint8_t history[1 << 15];
    static const uint8_t eight[288] = {['a'] = 2, [256] = 2, [257] = 1};
    uint8_t distances[30];
    struct bit_writer w = {0};
    unsigned extra, bits;
    const unsigned code = distance_code(distance, &extra, &bits);

    for (size_t i = 0; i < sizeof history; i++)
        history[i] = (uint8_t)(i * 7 + (i >> 8));
    memset(distances, 5, sizeof distances);
    distances[0] = distances[1] = 4;
    if (fixed)
        put_bits(&w, 2, 3);
    else
        put_dynamic(&w, eight, 258, distances, 30);
    for (int i = 0; i < 2; i++) {
        if (fixed) {
            put_fixed(&w, 257);
            put_fixed_distance(&w, code);
        } else {
            put_symbol(&w, eight, 257);
            put_code(&w, code < 2 ? code : code + 2, distances[code]);
        }
        put_bits(&w, extra, bits);
    }
    if (fixed)
        put_fixed(&w, 256);
    else
        put_symbol(&w, eight, 256);
    put_end(&w);
    const struct message message = {
        .in = w.data, .len = bytes_put(&w), .history = history,
        .history_len = sizeof history, .room = 100, .window = window,
    };
    struct upf_inflate_scratch scratch = {0};
    for (unsigned i = 0; i < 4; i++) {
        const struct cuts cuts = {.in = i % 2, .foreign = i / 2};
        const struct inflated got = inflate_cut(&message, &cuts, &scratch);
        assert_int_equal(got.result,
                         good ? UPF_INFLATE_END : UPF_INFLATE_BAD);
        if (good)
            assert_memory_equal(got.out + sizeof history,
                                history + sizeof history - distance,
                                distance < 3 ? distance : 3);
        else
            assert_int_equal(got.len, sizeof history);
        free(got.out);
    }
}

static void a_distance_beyond_the_window_is_bad(void **state)
{
    (void)state;
    for (unsigned window = 8; window <= 15; window++) {
        for (int fixed = 0; fixed < 2; fixed++) {
            const unsigned size = 1u << window;
            assert_window(window, 1, fixed, true);
            assert_window(window, size / 2 + 1, fixed, true);
            assert_window(window, size, fixed, true);
            if (window == 15)
                continue;
            assert_window(window, size + 1, fixed, false);
            assert_window(window, 2 * size, fixed, false);
            assert_window(window, 32768, fixed, false);
        }
    }
}

/* ---- Dynamic blocks ----------------------------------------------------- */

/* Begins to be a sound block: what a case changes is what is wrong. */
struct header {
    uint8_t  literals[288], distances[32];
    unsigned literal_count, distance_count;
};

static const struct header sound = {
    .literals = {['a'] = 1, ['b'] = 2, [256] = 3, [257] = 3},
    .distances = {1, 1}, .literal_count = 258, .distance_count = 2,
};

/* The block "ab", if the header is good; *behind: the bit behind that. */
static struct bit_writer block_of(const struct header *h, size_t *behind)
{
    struct bit_writer w = {0};

    put_dynamic(&w, h->literals, h->literal_count, h->distances,
                h->distance_count);
    *behind = w.bits;
    put_symbol(&w, h->literals, 'a');
    put_symbol(&w, h->literals, 'b');
    put_symbol(&w, h->literals, 256);
    put_end(&w);
    return w;
}

static void assert_header(const struct header *h, bool good)
{
    size_t behind;
    const struct bit_writer w = block_of(h, &behind);

    if (good)
        assert_written(&w, "ab", 2);
    else
        assert_wrong(&w, behind);
}

static void a_code_uses_all_bits_and_none_twice(void **state)
{
    struct header h = sound;

    (void)state;
    assert_header(&h, true);
    h.literals['c'] = 3; /* one too many */
    assert_header(&h, false);
    h.literals['c'] = 15;
    assert_header(&h, false);
    h = sound;
    h.literals[257] = 4; /* bits are left */
    assert_header(&h, false);
    h.literals[257] = 0;
    assert_header(&h, false);
    h = sound;
    h.distances[2] = 15;
    h.distance_count = 3;
    assert_header(&h, false);
    h.distances[0] = 2;
    h.distances[2] = 3;
    assert_header(&h, false);
    h.distances[2] = 2;
    assert_header(&h, true);
}

static void a_block_needs_a_code_for_its_end(void **state)
{
    struct header h = sound;

    (void)state;
    h.literals[256] = 0;
    h.literals['c'] = 3;
    assert_header(&h, false);
}

static void a_block_has_at_most_286_literals_and_30_distances(void **state)
{
    (void)state;
    for (unsigned literals = 285; literals <= 288; literals++) {
        for (unsigned distances = 29; distances <= 32; distances++) {
            struct header h = sound;
            size_t behind;
            h.literal_count  = literals;
            h.distance_count = distances;
            const struct bit_writer w = block_of(&h, &behind);
            if (literals <= 286 && distances <= 30)
                assert_written(&w, "ab", 2);
            else
                assert_wrong(&w, 3);
        }
    }
}

/* A match of three by the distance code that has this one bit. */
static struct bit_writer match_by(const struct header *h, unsigned bit,
                                  size_t *at)
{
    struct bit_writer w = {0};

    put_dynamic(&w, h->literals, h->literal_count, h->distances,
                h->distance_count);
    put_symbol(&w, h->literals, 'a');
    *at = w.bits;
    put_symbol(&w, h->literals, 257);
    put_bits(&w, bit, 1);
    put_symbol(&w, h->literals, 256);
    put_end(&w);
    return w;
}

static void there_may_be_one_distance_code_of_one_bit_or_none(void **state)
{
    struct header h = sound;
    size_t at;

    (void)state;
    h.distances[1] = 0;
    assert_header(&h, true);
    struct bit_writer w = match_by(&h, 0, &at);
    assert_written(&w, "aaaa", 4);
    w = match_by(&h, 1, &at);
    assert_wrong(&w, at);

    h.distances[0] = 0;
    h.distance_count = 1;
    assert_header(&h, true);
    for (unsigned bit = 0; bit < 2; bit++) {
        w = match_by(&h, bit, &at);
        assert_wrong(&w, at);
    }
    h.distances[0] = 2; /* one of two bits is none of these */
    assert_header(&h, false);
}

static void there_may_be_one_literal_code_of_one_bit(void **state)
{
    static const uint8_t one[257] = {[256] = 1}, two[257] = {[256] = 2},
                         none[1] = {0};
    struct bit_writer w = {0}, bad = {0}, long_one = {0};

    (void)state;
    put_dynamic(&w, one, 257, none, 1);
    put_bits(&w, 0, 1);
    put_end(&w);
    assert_written(&w, "", 0);

    put_dynamic(&bad, one, 257, none, 1);
    size_t at = bad.bits;
    put_bits(&bad, 1, 1);
    put_end(&bad);
    assert_wrong(&bad, at);

    put_dynamic(&long_one, two, 257, none, 1);
    at = long_one.bits;
    put_bits(&long_one, 0, 2);
    put_end(&long_one);
    assert_wrong(&long_one, at);
}

/* A block whose precode has these lengths, in the order of the header; zeros
 * follow. */
static struct bit_writer with_precode(const uint8_t lengths[19], size_t *behind)
{
    struct bit_writer w = {0};

    put_bits(&w, 4, 3);
    put_bits(&w, 0, 10);
    put_bits(&w, 15, 4);
    for (unsigned i = 0; i < 19; i++)
        put_bits(&w, lengths[i], 3);
    *behind = w.bits;
    put_bits(&w, 0, 30);
    return w;
}

static void a_precode_uses_all_bits_and_none_twice(void **state)
{
    static const uint8_t bad[][19] = {
        {0, 0, 0, 1},          /* one code of one bit is too few here */
        {0, 0, 0, 1, 2},
        {1, 1, 1},
        {1, 2, 2, 7},
        {7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7},
        {0},
    };
    size_t behind;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct bit_writer w = with_precode(bad[i], &behind);
        assert_wrong(&w, behind);
    }
}

/* Lengths by repetition: codes of 1 bit for 18, 2 for 1 (a length), 3 for 16
 * and 17. */
struct repeating {
    struct bit_writer w;
    uint8_t           precode[19];
};

static void begin_repeating(struct repeating *r, unsigned literals,
                            unsigned distances)
{
    static const uint8_t precode[19] = {[1] = 2, [16] = 3, [17] = 3, [18] = 1};
    static const unsigned order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4,
                                       12, 3, 13, 2, 14, 1, 15};

    memset(r, 0, sizeof *r);
    memcpy(r->precode, precode, sizeof precode);
    put_bits(&r->w, 4, 3);
    put_bits(&r->w, literals - 257, 5);
    put_bits(&r->w, distances - 1, 5);
    put_bits(&r->w, 18 - 4, 4); /* not 15, which comes last */
    for (unsigned i = 0; i < 18; i++)
        put_bits(&r->w, precode[order[i]], 3);
}

/* A code of the precode; `times` if it repeats. Returns where it is. */
static size_t put_length(struct repeating *r, unsigned symbol, unsigned times)
{
    const size_t at = r->w.bits;
    uint8_t lengths[288] = {0};

    memcpy(lengths, r->precode, sizeof r->precode);
    put_symbol(&r->w, lengths, symbol);
    if (symbol >= 16)
        put_bits(&r->w, times - (symbol == 18 ? 11 : 3),
                 symbol == 16 ? 2 : symbol == 17 ? 3 : 7);
    return at;
}

static void lengths_repeat_from_literals_to_distances(void **state)
{
    struct repeating r;

    (void)state;
    begin_repeating(&r, 257, 4);
    put_length(&r, 18, 97);
    put_length(&r, 1, 0); /* a: 0 */
    put_length(&r, 18, 138);
    put_length(&r, 18, 20);
    put_length(&r, 1, 0); /* the end: 1 */
    put_length(&r, 1, 0);
    put_length(&r, 17, 3);
    put_bits(&r.w, 0, 5);
    put_bits(&r.w, 1, 1);
    put_end(&r.w);
    assert_written(&r.w, "aaaaa", 5);

    /* 16 goes on with zeros, too, and with what the literals ended with. */
    begin_repeating(&r, 257, 2);
    put_length(&r, 18, 97);
    put_length(&r, 1, 0);
    put_length(&r, 17, 3);
    put_length(&r, 16, 4);
    put_length(&r, 18, 138);
    put_length(&r, 18, 13);
    put_length(&r, 1, 0);
    put_length(&r, 1, 0);
    put_length(&r, 1, 0);
    put_bits(&r.w, 0, 5);
    put_bits(&r.w, 1, 1);
    put_end(&r.w);
    assert_written(&r.w, "aaaaa", 5);
}

static void lengths_repeat_within_their_number_only(void **state)
{
    struct repeating r;

    (void)state;
    begin_repeating(&r, 257, 1); /* nothing to repeat */
    const size_t first = put_length(&r, 16, 3);
    put_end(&r.w);
    assert_wrong(&r.w, first);

    for (unsigned symbol = 16; symbol <= 18; symbol++) {
        begin_repeating(&r, 257, 1);
        put_length(&r, 18, 138);
        put_length(&r, 18, 118);
        if (symbol == 16)
            put_length(&r, 1, 0);
        const size_t at = put_length(&r, symbol, symbol == 18 ? 11 : 3);
        put_bits(&r.w, 0, 30);
        assert_wrong(&r.w, at);
    }
}

/* ---- Pieces ------------------------------------------------------------- */

static void nothing_may_come_before_the_end_is_told(void **state)
{
    struct upf_inflate_scratch scratch = {0};
    struct upf_inflater s = {0};
    uint8_t out[1 + UPF_INFLATE_SLACK];
    struct upf_inflate_io io = {.history = out, .limit = 1, .window = 15};

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(upf_inflate(&s, &scratch, &io), UPF_INFLATE_MORE);
    io.in = (const uint8_t *)"";
    io.in_len = 1;
    assert_int_equal(upf_inflate(&s, &scratch, &io), UPF_INFLATE_MORE);
    assert_int_equal(upf_inflate(&s, &scratch, &io), UPF_INFLATE_MORE);
    io.end = true;
    assert_int_equal(upf_inflate(&s, &scratch, &io), UPF_INFLATE_END);
}

/* All that can be decoded of a piece is put out with it. */
static void a_flushed_piece_is_put_out_at_once(void **state)
{
    static const uint8_t hello[] = {0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00,
                                    0x00, 0x00, 0xFF, 0xFF};
    struct upf_inflate_scratch scratch = {0};
    struct upf_inflater s = {0};
    uint8_t out[100 + UPF_INFLATE_SLACK];
    struct upf_inflate_io io = {.in = hello, .history = out, .limit = 100,
                                .window = 15};

    (void)state;
    for (size_t i = 1; i <= sizeof hello; i++) {
        io.in_len = 1;
        assert_int_equal(upf_inflate(&s, &scratch, &io), UPF_INFLATE_MORE);
        assert_int_equal(io.pos, i < 2 ? 0 : i < 6 ? i - 1 : 5);
    }
}

/* The caller need keep nothing of the output but the window. */
static void output_may_move_on_in_a_ring_of_memory(void **state)
{
    enum { STEP = 100, WINDOW = 256 };
    struct upf_inflate_scratch scratch = {0};
    struct upf_inflater s = {0};
    uint8_t out[WINDOW + STEP + UPF_INFLATE_SLACK];
    struct bit_writer w = {0};
    unsigned count = 0;

    (void)state;
    put_bits(&w, 2, 3);
    for (unsigned i = 0; i < 256; i++)
        put_fixed(&w, i);
    for (unsigned i = 0; i < 100; i++) {
        put_fixed(&w, 285);          /* 258 bytes */
        put_fixed_distance(&w, 15);  /* from 256 before */
        put_bits(&w, 63, 6);
    }
    put_fixed(&w, 256);
    put_end(&w);
    struct upf_inflate_io io = {.in = w.data, .in_len = bytes_put(&w),
                                .history = out, .limit = STEP, .window = 8,
                                .end = true};
    for (;;) {
        const size_t pos = io.pos;
        const enum upf_inflate_result result = upf_inflate(&s, &scratch, &io);
        for (size_t i = pos; i < io.pos; i++)
            assert_int_equal(out[i], count++ % 256);
        if (result == UPF_INFLATE_END)
            break;
        assert_int_equal(result, UPF_INFLATE_FULL);
        if (io.pos > WINDOW) {
            memmove(out, out + io.pos - WINDOW, WINDOW);
            io.pos = WINDOW;
        }
        io.limit = io.pos + STEP;
    }
    assert_int_equal(count, 256 + 100 * 258);
}

/* Many messages in turn, each with tables of its own or the same, in pieces or
 * not, use one scratch. */
static void messages_share_a_scratch_in_any_order(void **state)
{
    enum { MESSAGES = 6, TEXT = 40 };
    struct upf_inflate_scratch scratch = {0};
    struct upf_inflater states[MESSAGES] = {0};
    struct upf_inflate_io io[MESSAGES];
    static struct bit_writer w[MESSAGES];
    static uint8_t out[MESSAGES][300 + UPF_INFLATE_SLACK];
    uint32_t random = 1;
    unsigned ended = 0;

    (void)state;
    for (unsigned m = 0; m < MESSAGES; m++) {
        struct header h = sound;
        /* Two are alike, but not in their windows. */
        for (unsigned i = 0; i < m / 2; i++)
            h.literals['e' + i] = (uint8_t)(4 + i);
        if (m >= 2) {
            h.literals[256] = (uint8_t)(3 + m / 2);
            h.literals[257] = 3;
        }
        memset(&w[m], 0, sizeof w[m]);
        for (unsigned b = 0; b < 3; b++) {
            put_dynamic(&w[m], h.literals, 258 + (m == 1), h.distances, 2);
            for (unsigned i = 0; i < TEXT; i++)
                put_symbol(&w[m], h.literals, i % 3 ? 'a' : 'b');
            put_symbol(&w[m], h.literals, 256);
        }
        put_end(&w[m]);
        io[m] = (struct upf_inflate_io){
            .in = w[m].data, .history = out[m], .limit = 300,
            .window = 8 + m % 3,
        };
    }
    while (ended < MESSAGES) {
        random = random * 1664525 + 1013904223;
        const unsigned m = (random >> 16) % MESSAGES;
        if (io[m].end)
            continue;
        const size_t left = (size_t)(w[m].data + bytes_put(&w[m]) - io[m].in);
        const size_t n = (random >> 24) % 5;
        io[m].in_len = n < left ? n : left;
        io[m].end = n >= left;
        const enum upf_inflate_result result =
            upf_inflate(&states[m], &scratch, &io[m]);
        assert_int_equal(result, io[m].end ? UPF_INFLATE_END
                                           : UPF_INFLATE_MORE);
        ended += io[m].end;
    }
    for (unsigned m = 0; m < MESSAGES; m++) {
        assert_int_equal(io[m].pos, 3 * TEXT);
        for (unsigned i = 0; i < 3 * TEXT; i++)
            assert_int_equal(out[m][i], i % TEXT % 3 ? 'a' : 'b');
    }
}

/* Two with the same code and different windows; each is left behind its header,
 * then goes on to a distance of 257 to 384, or not. */
static void tables_are_of_one_window(void **state)
{
    static uint8_t out[2][1000 + UPF_INFLATE_SLACK];
    struct upf_inflate_scratch scratch = {0};
    struct header h = sound;
    struct bit_writer w = {0};

    (void)state;
    memset(h.distances, 0, sizeof h.distances);
    h.distances[0] = h.distances[16] = 1;
    h.distance_count = 17;
    put_dynamic(&w, h.literals, 258, h.distances, 17);
    const size_t behind = bytes_put(&w);
    for (int i = 0; i < 400; i++)
        put_symbol(&w, h.literals, 'a');
    put_symbol(&w, h.literals, 257);
    put_bits(&w, 1, 1);
    put_bits(&w, 0, 7);
    put_symbol(&w, h.literals, 256);
    put_end(&w);
    for (unsigned first = 0; first < 2; first++) {
        struct upf_inflater s[2] = {0};
        struct upf_inflate_io io[2];
        for (unsigned i = 0; i < 2; i++)
            io[i] = (struct upf_inflate_io){
                .in = w.data, .in_len = behind, .history = out[i],
                .limit = 1000, .window = i == 0 ? 8 : 9,
            };
        for (unsigned i = 0; i < 2; i++)
            assert_int_equal(upf_inflate(&s[i], &scratch, &io[i]),
                             UPF_INFLATE_MORE);
        for (unsigned n = 0; n < 2; n++) {
            const unsigned i = n ^ first;
            io[i].in_len = bytes_put(&w) - behind;
            io[i].end = true;
            assert_int_equal(upf_inflate(&s[i], &scratch, &io[i]),
                             i == 0 ? UPF_INFLATE_BAD : UPF_INFLATE_END);
        }
    }
}

/* Twice the same message, cut at the same place: one goes on to its end before
 * the other does. */
static void equal_messages_share_a_scratch(void **state)
{
    static uint8_t out[2][100 + UPF_INFLATE_SLACK];
    struct upf_inflate_scratch scratch = {0};
    size_t behind;
    const struct bit_writer w = block_of(&sound, &behind);
    const size_t len = bytes_put(&w);

    (void)state;
    for (size_t cut = 0; cut <= len; cut++) {
        struct upf_inflater s[2] = {0};
        struct upf_inflate_io io[2];
        for (unsigned i = 0; i < 2; i++) {
            io[i] = (struct upf_inflate_io){
                .in = w.data, .in_len = cut, .history = out[i], .limit = 100,
                .window = 15,
            };
            assert_int_equal(upf_inflate(&s[i], &scratch, &io[i]),
                             UPF_INFLATE_MORE);
        }
        for (unsigned i = 0; i < 2; i++) {
            io[i].in_len = len - cut;
            io[i].end = true;
            assert_int_equal(upf_inflate(&s[i], &scratch, &io[i]),
                             UPF_INFLATE_END);
            assert_int_equal(io[i].pos, 2);
            assert_memory_equal(out[i], "ab", 2);
        }
    }
}

/* A bomb stops at the limit, however little of it was taken. */
static void output_stops_at_the_limit(void **state)
{
    struct upf_inflate_scratch scratch = {0};
    struct bit_writer w = {0};

    (void)state;
    put_bits(&w, 2, 3);
    put_fixed(&w, 'a');
    for (unsigned i = 0; i < 1000; i++) {
        put_fixed(&w, 285);
        put_fixed_distance(&w, 0);
    }
    put_fixed(&w, 256);
    put_end(&w);
    for (size_t room = 0; room < 2000; room += 1 + room / 3) {
        const struct message message = {.in = w.data, .len = bytes_put(&w),
                                        .room = room};
        static const struct cuts ways[] = {{0}, {.in = 1}, {.out = 100}};
        for (size_t i = 0; i < 3; i++) {
            const struct inflated got =
                inflate_cut(&message, &ways[i], &scratch);
            assert_int_equal(got.result, UPF_INFLATE_FULL);
            assert_int_equal(got.len, room);
            for (size_t k = 0; k < room; k++)
                assert_int_equal(got.out[k], 'a');
            free(got.out);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_section_7_2_3_are_decoded),
        cmocka_unit_test(the_window_of_the_message_before_is_used),
        cmocka_unit_test(an_empty_payload_is_no_message),
        cmocka_unit_test(a_truncated_message_is_bad),
        cmocka_unit_test(a_final_block_may_come_anywhere),
        cmocka_unit_test(a_block_that_is_not_final_needs_one_behind_it),
        cmocka_unit_test(block_type_3_is_bad),
        cmocka_unit_test(a_stored_block_has_its_length_twice),
        cmocka_unit_test(a_stored_block_follows_bits_of_others),
        cmocka_unit_test(the_longest_stored_block_is_taken),
        cmocka_unit_test(empty_blocks_are_decoded),
        cmocka_unit_test(every_literal_and_length_has_its_fixed_code),
        cmocka_unit_test(symbols_without_a_meaning_are_bad),
        cmocka_unit_test(a_distance_beyond_what_was_decoded_is_bad),
        cmocka_unit_test(a_distance_beyond_the_window_is_bad),
        cmocka_unit_test(a_code_uses_all_bits_and_none_twice),
        cmocka_unit_test(a_block_needs_a_code_for_its_end),
        cmocka_unit_test(a_block_has_at_most_286_literals_and_30_distances),
        cmocka_unit_test(there_may_be_one_distance_code_of_one_bit_or_none),
        cmocka_unit_test(there_may_be_one_literal_code_of_one_bit),
        cmocka_unit_test(a_precode_uses_all_bits_and_none_twice),
        cmocka_unit_test(lengths_repeat_from_literals_to_distances),
        cmocka_unit_test(lengths_repeat_within_their_number_only),
        cmocka_unit_test(nothing_may_come_before_the_end_is_told),
        cmocka_unit_test(a_flushed_piece_is_put_out_at_once),
        cmocka_unit_test(output_may_move_on_in_a_ring_of_memory),
        cmocka_unit_test(messages_share_a_scratch_in_any_order),
        cmocka_unit_test(tables_are_of_one_window),
        cmocka_unit_test(equal_messages_share_a_scratch),
        cmocka_unit_test(output_stops_at_the_limit),
    };
    return cmocka_run_group_tests_name("inflate", tests, NULL, NULL);
}
