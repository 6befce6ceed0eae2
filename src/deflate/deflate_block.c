/* SPDX-License-Identifier: MIT */
/* deflate_block.c - count a block's symbols, choose its form, write it. */

#include <assert.h>
#include <string.h>

#include "../bytes.h"
#include "../compiler.h"
#include "deflate_block.h"

enum {
    STORED_BYTES     = 65535,
    FIRST_LONG_EXTRA = 8,
    FIRST_FAR_EXTRA  = 4,
    FEW              = 3, /* literals: no more than a match has bytes */
    MOST_CHI_SQUARE  = 355
};

/* ---- Codes, slots, extra bits -------------------------------------------- */

/* A length or a distance as a code of a list, and the bits that follow it. */
struct symbol {
    unsigned code, extra, extra_bits;
};

/* Section 3.2.5: from the length 11 on, four codes share a number of bits. */
static inline struct symbol length_symbol(unsigned length)
{
    const unsigned over = length - UPF_SHORTEST_MATCH;
    const unsigned bits = upf_high_bit(over | 7) - 2;

    if (length == UPF_LONGEST_MATCH)
        return (struct symbol){UPF_DEFLATE_LITERALS - 1, 0, 0};
    return (struct symbol){UPF_FIRST_LENGTH + 4 * bits + (over >> bits),
                           over & ((1u << bits) - 1), bits};
}

/* From the distance 5 on, two do. */
static inline struct symbol distance_symbol(unsigned distance)
{
    const unsigned over = distance - 1;
    const unsigned bits = upf_high_bit(over | 3) - 1;

    return (struct symbol){2 * bits + (over >> bits),
                           over & ((1u << bits) - 1), bits};
}

/* Section 3.2.6: the fixed code, as upf_huffman_codes() would make it. */
#if UPF_SMALL

static const uint32_t *fixed_literals(struct upf_block_work *work)
{
    uint8_t lengths[UPF_FIXED_LITERALS];

    for (unsigned i = 0; i < UPF_FIXED_LITERALS; i++)
        lengths[i] = UPF_FIXED_LENGTH(i);
    upf_huffman_codes(lengths, UPF_FIXED_LITERALS, work->literal_codes);
    return work->literal_codes;
}

static const uint32_t *fixed_distances(struct upf_block_work *work)
{
    uint8_t lengths[UPF_FIXED_DISTANCES];

    memset(lengths, UPF_FIXED_DISTANCE_BITS, sizeof lengths);
    upf_huffman_codes(lengths, UPF_FIXED_DISTANCES, work->distance_codes);
    return work->distance_codes;
}

#else

#define BIT(code, from, to) ((uint32_t)((code) >> (from) & 1) << (to))
#define REVERSE_9(code)                                                  \
    (BIT(code, 0, 8) | BIT(code, 1, 7) | BIT(code, 2, 6) |               \
     BIT(code, 3, 5) | BIT(code, 4, 4) | BIT(code, 5, 3) |               \
     BIT(code, 6, 2) | BIT(code, 7, 1) | BIT(code, 8, 0))
#define CODE(code, bits) UPF_CODE(REVERSE_9(code) >> (9 - (bits)), bits)
#define CODES_2(code, bits)  CODE(code, bits), CODE((code) + 1, bits)
#define CODES_4(code, bits)  CODES_2(code, bits), CODES_2((code) + 2, bits)
#define CODES_8(code, bits)  CODES_4(code, bits), CODES_4((code) + 4, bits)
#define CODES_16(code, bits) CODES_8(code, bits), CODES_8((code) + 8, bits)
#define CODES_32(code, bits) CODES_16(code, bits), CODES_16((code) + 16, bits)
#define CODES_48(code, bits) CODES_16(code, bits), CODES_32((code) + 16, bits)

static const uint32_t *fixed_literals(struct upf_block_work *work)
{
    static const uint32_t codes[] = {
        CODES_48(0x30, 8),  CODES_48(0x60, 8),  CODES_48(0x90, 8),
        CODES_48(0x190, 9), CODES_48(0x1C0, 9), CODES_16(0x1F0, 9),
        CODES_16(0, 7),     CODES_8(16, 7),     CODES_8(0xC0, 8)};

    _Static_assert(sizeof codes == UPF_FIXED_LITERALS * sizeof *codes,
                   "a code for every symbol");
    (void)work;
    return codes;
}

static const uint32_t *fixed_distances(struct upf_block_work *work)
{
    static const uint32_t codes[] = {CODES_32(0, UPF_FIXED_DISTANCE_BITS)};

    (void)work;
    return codes;
}

#endif

/* ---- What each form would cost, in bits ---------------------------------- */

static void count_symbols(struct upf_block_work      *work,
                          const struct upf_sequences *found,
                          const uint8_t              *data)
{
    uint32_t *even      = work->dynamic.literal_counts;
    uint32_t *odd       = work->odd_counts;
    uint32_t *distances = work->dynamic.distance_counts;

    memset(even, 0, sizeof work->dynamic.literal_counts);
    memset(odd, 0, sizeof work->odd_counts);
    memset(distances, 0, sizeof work->dynamic.distance_counts);
    for (size_t i = 0; i < found->count; i++) {
        const struct upf_sequence s = found->at[i];
        unsigned                  n = s.literals;

        for (; n > FEW; n -= 2, data += 2) {
            even[data[0]]++;
            odd[data[1]]++;
        }
        if (s.length == 0) {
            for (; n > 0; n--)
                even[*data++]++;
            continue;
        }
        /* How many are left cannot be foreseen: so there are always three, and
         * those that are of the match go to places that nobody reads. */
        even[n > 0 ? data[0] : UPF_DEFLATE_LITERALS]++;
        odd[n > 1 ? data[1] : 256]++;
        even[n > 2 ? data[2] : UPF_DEFLATE_LITERALS + 1]++;
        even[length_symbol(s.length).code]++;
        distances[distance_symbol(s.distance).code]++;
        data += n + s.length;
    }
    for (unsigned i = 0; i < 256; i++)
        even[i] += odd[i];
    even[UPF_END_OF_BLOCK] = 1;
}

static uint32_t dynamic_cost(const struct upf_dynamic *d)
{
    uint32_t bits = 0;

    for (unsigned i = 0; i < UPF_DEFLATE_LITERALS; i++)
        bits += d->literal_counts[i] * d->literal_lengths[i];
    for (unsigned i = 0; i < UPF_DEFLATE_DISTANCES; i++)
        bits += d->distance_counts[i] * d->distance_lengths[i];
    return bits;
}

static uint32_t fixed_cost(const struct upf_dynamic *d)
{
    uint32_t bits = 0;

    for (unsigned i = 0; i < UPF_DEFLATE_LITERALS; i++)
        bits += d->literal_counts[i] * UPF_FIXED_LENGTH(i);
    for (unsigned i = 0; i < UPF_DEFLATE_DISTANCES; i++)
        bits += d->distance_counts[i] * UPF_FIXED_DISTANCE_BITS;
    return bits;
}

/*
 * Whether a dynamic block is in vain, as the bytes are as even as chance makes
 * them: by the chi-square test of their counts, which is about 255 then and
 * seldom over 355. No code could save more than 355 / ln 2 = 512 bits, by the
 * inequality of Jensen, and its header has more. So noise costs no codes.
 */
static bool is_noise(const uint32_t *counts, size_t len)
{
    uint64_t squares = 0;

    for (unsigned i = 0; i < 256; i++)
        squares += (uint64_t)counts[i] * counts[i];
    return 256 * squares <= ((uint64_t)len + MOST_CHI_SQUARE) * len;
}

/* What follows the codes of lengths and distances, whichever these are. */
static uint32_t extra_cost(const struct upf_dynamic *d)
{
    const uint32_t *lengths   = d->literal_counts + UPF_FIRST_LENGTH;
    const uint32_t *distances = d->distance_counts;
    uint32_t        bits      = 0;

    for (unsigned i = FIRST_LONG_EXTRA; i < 28; i++)
        bits += lengths[i] * (i / 4 - 1);
    for (unsigned i = FIRST_FAR_EXTRA; i < UPF_DEFLATE_DISTANCES; i++)
        bits += distances[i] * (i / 2 - 1);
    return bits;
}

/* Of data of this length, where `waiting` bits of a byte are written. */
static size_t stored_cost(size_t len, unsigned waiting)
{
    const size_t blocks = (len + STORED_BYTES - 1) / STORED_BYTES;
    /* The first begins in a byte that may have room for the three bits. */
    const size_t first  = ((waiting + 3 + 7) & ~7u) - waiting;

    return 8 * len + 32 * blocks + first + 8 * (blocks - 1);
}

/* ---- Writing ------------------------------------------------------------- */

static void put_block_header(struct upf_bit_writer *w, unsigned form)
{
    upf_put_bits(w, form << 1, 3); /* BFINAL is 0, always */
    upf_flush_bits(w);
}

static void write_stored(struct upf_bit_writer *w, const uint8_t *data,
                         size_t len)
{
    while (len > 0) {
        const uint32_t part = (uint32_t)upf_lesser(len, STORED_BYTES);

        put_block_header(w, UPF_BLOCK_STORED);
        upf_align_bits(w);
        upf_put_bits(w, part | (~part & 0xFFFF) << 16, 32);
        upf_flush_bits(w);
        memcpy(w->out, data, part);
        w->out += part;
        data += part;
        len -= part;
    }
}

static inline void put_match(struct upf_bit_writer *w, struct upf_sequence s,
                             const uint32_t *literals,
                             const uint32_t *distances)
{
    const struct symbol length   = length_symbol(s.length);
    const struct symbol distance = distance_symbol(s.distance);

    /* At most 15 + 5 + 15 + 13 bits. */
    upf_put_code(w, literals[length.code]);
    upf_put_bits(w, length.extra, length.extra_bits);
    upf_put_code(w, distances[distance.code]);
    upf_put_bits(w, distance.extra, distance.extra_bits);
    upf_flush_bits(w);
}

static inline void put_literals(struct upf_bit_writer *w, uint32_t a,
                                uint32_t b, uint32_t c)
{
    upf_put_code(w, a);
    upf_put_code(w, b);
    upf_put_code(w, c);
    upf_flush_bits(w);
}

static void write_symbols(struct upf_bit_writer      *writer,
                          const struct upf_sequences *found,
                          const uint8_t *data, const uint32_t *literals,
                          const uint32_t *distances)
{
    struct upf_bit_writer w = *writer;

    for (size_t i = 0; i < found->count; i++) {
        const struct upf_sequence s = found->at[i];
        unsigned                  n = s.literals;

        for (; n > FEW; n -= 3, data += 3)
            put_literals(&w, literals[data[0]], literals[data[1]],
                         literals[data[2]]);
        if (s.length == 0) {
            for (; n > 0; n--)
                put_literals(&w, literals[*data++], 0, 0);
            continue;
        }
        /* As in count_symbols(); a code of 0 is no bit. */
        put_literals(&w, n > 0 ? literals[data[0]] : 0,
                     n > 1 ? literals[data[1]] : 0,
                     n > 2 ? literals[data[2]] : 0);
        put_match(&w, s, literals, distances);
        data += n + s.length;
    }
    upf_put_code(&w, literals[UPF_END_OF_BLOCK]);
    upf_flush_bits(&w);
    *writer = w;
}

void upf_block_write(struct upf_bit_writer      *writer,
                     struct upf_block_work      *work,
                     const struct upf_sequences *found, const uint8_t *data,
                     size_t len)
{
    struct upf_dynamic *d = &work->dynamic;

    assert(len > 0 && len <= UPF_BLOCK_BYTES);
    count_symbols(work, found, data);
    const bool     no_match = found->at[0].literals == len;
    const uint32_t dynamic  = no_match && is_noise(d->literal_counts, len)
                                  ? UINT32_MAX
                                  : upf_dynamic_plan(d) + dynamic_cost(d);
    const uint32_t fixed    = fixed_cost(d);
    const uint32_t least    = dynamic < fixed ? dynamic : fixed;

    if (3 + least + extra_cost(d) >= stored_cost(len, writer->count)) {
        write_stored(writer, data, len);
    } else if (dynamic < fixed) {
        put_block_header(writer, UPF_BLOCK_DYNAMIC);
        upf_dynamic_write(d, writer);
        upf_huffman_codes(d->literal_lengths, UPF_DEFLATE_LITERALS,
                          work->literal_codes);
        upf_huffman_codes(d->distance_lengths, UPF_DEFLATE_DISTANCES,
                          work->distance_codes);
        write_symbols(writer, found, data, work->literal_codes,
                      work->distance_codes);
    } else {
        put_block_header(writer, UPF_BLOCK_FIXED);
        write_symbols(writer, found, data, fixed_literals(work),
                      fixed_distances(work));
    }
}

void upf_block_write_fixed(struct upf_bit_writer      *writer,
                           struct upf_block_work      *work,
                           const struct upf_sequences *found,
                           const uint8_t *data, size_t len)
{
    const struct upf_bit_writer before = *writer;

    assert(len > 0 && len <= UPF_FIXED_BYTES);
    put_block_header(writer, UPF_BLOCK_FIXED);
    write_symbols(writer, found, data, fixed_literals(work),
                  fixed_distances(work));
    const size_t bits = 8 * (size_t)(writer->out - before.out) +
                        writer->count - before.count;
    if (bits >= stored_cost(len, before.count)) {
        *writer = before;
        write_stored(writer, data, len);
    }
}

void upf_block_write_end(struct upf_bit_writer *w, bool message_ends)
{
    put_block_header(w, UPF_BLOCK_STORED);
    upf_align_bits(w);
    if (!message_ends) {
        upf_put_bits(w, 0xFFFF0000u, 32);
        upf_flush_bits(w);
    }
}
