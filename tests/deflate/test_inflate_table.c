/* SPDX-License-Identifier: MIT */
/* test_inflate_table.c - decoding tables against codes that are counted. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "deflate/inflate.h"
#include "deflate/inflate_fixed.h"
#include "deflate/inflate_table.h"

enum { CANARY = 0x5A5A5A5A };

/* The symbol whose code the bits begin with, and its length. */
static unsigned decode(const uint8_t *lengths, unsigned symbols, unsigned bits,
                       unsigned *length)
{
    unsigned code = 0, first = 0;

    for (*length = 1;; ++*length, bits >>= 1) {
        code = 2 * code + (bits & 1);
        first *= 2;
        for (unsigned i = 0; i < symbols; i++)
            if (lengths[i] == *length && first++ == code)
                return i;
    }
}

static uint32_t entry_of(const uint32_t *table, unsigned index, unsigned bits,
                         unsigned *used)
{
    uint32_t entry = table[upf_low_bits(bits, index)];

    *used = 0;
    if (entry & UPF_ENTRY_TABLE) {
        *used = upf_entry_drop(entry);
        entry = table[(entry >> 16) +
                      upf_low_bits(bits >> index, upf_entry_bits(entry))];
    }
    *used += upf_entry_drop(entry);
    return entry;
}

/* The table of a code is right. Returns how many entries it has. */
static unsigned assert_table(const uint8_t *lengths, unsigned symbols,
                             unsigned most)
{
    static uint32_t table[4096], sorted[288];
    uint16_t used[288];
    unsigned count = 0, longest = 0, size = 4096;

    for (unsigned i = 0; i < symbols; i++) {
        used[count] = (uint16_t)i;
        count += lengths[i] > 0;
        longest = lengths[i] > longest ? lengths[i] : longest;
    }
    for (unsigned i = 0; i < 4096; i++)
        table[i] = CANARY;
    const struct upf_codebook code = {.lengths = lengths, .used = used,
                                      .count = count, .plain = 288};
    const unsigned bits = upf_inflate_table(table, most, &code, sorted);
    assert_int_equal(bits, longest < most ? longest : most);
    while (table[size - 1] == CANARY)
        size--;
    assert_in_range(size, 1u << bits, 2048);
    for (unsigned i = 0; i < 1u << 15; i++) {
        unsigned length, drop;
        const unsigned symbol = decode(lengths, symbols, i, &length);
        assert_int_equal(entry_of(table, bits, i, &drop) >> 16, symbol);
        assert_int_equal(drop, length);
    }
    return size;
}

/* So many codes of each length. */
static void lengths_of(uint8_t *lengths, const unsigned count[16])
{
    for (unsigned length = 1; length < 16; length++)
        for (unsigned i = 0; i < count[length]; i++)
            *lengths++ = (uint8_t)length;
}

static void codes_of_any_shape_have_their_table(void **state)
{
    uint8_t lengths[288];

    (void)state;
    for (unsigned most = 7; most <= 10; most++) {
        for (unsigned flat = 1; flat <= 8; flat++) {
            memset(lengths, (int)flat, 1u << flat);
            assert_table(lengths, 1u << flat, most);
        }
        for (unsigned deep = 2; deep <= 15; deep++) {
            unsigned count[16] = {0};
            for (unsigned i = 1; i <= deep; i++)
                count[i] = 1;
            count[deep] = 2;
            lengths_of(lengths, count);
            assert_table(lengths, deep + 1, most);
        }
    }
}

/* Found by a search over all codes of so many symbols. */
static void the_largest_tables_have_room(void **state)
{
    static const unsigned literals_10[16] = {[2] = 3, [3] = 1, [11] = 233,
                                             [12] = 45, [13] = 1, [14] = 1,
                                             [15] = 2};
    static const unsigned literals_9[16] = {[2] = 3, [10] = 233, [11] = 45,
                                            [12] = 1, [13] = 1, [14] = 1,
                                            [15] = 2};
    static const unsigned distances_8[16] = {[2] = 3, [3] = 1, [4] = 1, [5] = 1,
                                             [9] = 13, [10] = 5, [11] = 1,
                                             [12] = 1, [13] = 1, [14] = 1,
                                             [15] = 2};
    uint8_t lengths[286];

    (void)state;
    lengths_of(lengths, UPF_LITERAL_BITS == 10 ? literals_10 : literals_9);
    assert_int_equal(assert_table(lengths, 286, UPF_LITERAL_BITS),
                     UPF_LITERAL_ENTRIES);
    lengths_of(lengths, distances_8);
    assert_int_equal(assert_table(lengths, 30, UPF_DISTANCE_BITS),
                     UPF_DISTANCE_ENTRIES);
}

#if !UPF_SMALL

/* The meanings, from the lists of RFC 1951. */
#define MEANING(base, extra) (uint32_t)(base) << 16 | (extra),
#define NOTHING              UPF_ENTRY_OTHER | UPF_ENTRY_BAD

static const uint32_t length_meanings[] = {
    UPF_ENTRY_OTHER, UPF_LENGTH_CODES(MEANING) NOTHING, NOTHING
};
static const uint32_t distance_meanings[] = {
    UPF_DISTANCE_CODES(MEANING) NOTHING, NOTHING
};

static void the_fixed_tables_are_those_of_the_fixed_code(void **state)
{
    uint32_t table[1 << UPF_FIXED_LONGEST], sorted[UPF_FIXED_LITERALS];
    uint8_t  lengths[UPF_FIXED_LITERALS];
    uint16_t used[UPF_FIXED_LITERALS];
    struct upf_codebook code = {.lengths = lengths, .used = used};

    (void)state;
    for (unsigned i = 0; i < UPF_FIXED_LITERALS; i++) {
        lengths[i] = UPF_FIXED_LENGTH(i);
        used[i] = (uint16_t)i;
    }
    code.count = UPF_FIXED_LITERALS;
    code.plain = UPF_END_OF_BLOCK;
    code.flags = UPF_ENTRY_LITERAL;
    code.meanings = length_meanings;
    assert_int_equal(upf_inflate_table(table, 15, &code, sorted),
                     UPF_FIXED_LONGEST);
    assert_memory_equal(table, upf_fixed_literals, sizeof upf_fixed_literals);
    memset(lengths, UPF_FIXED_DISTANCE_BITS, UPF_FIXED_DISTANCES);
    code.count = UPF_FIXED_DISTANCES;
    code.plain = 0;
    code.meanings = distance_meanings;
    assert_int_equal(upf_inflate_table(table, 15, &code, sorted),
                     UPF_FIXED_DISTANCE_BITS);
    assert_memory_equal(table, upf_fixed_distances,
                        sizeof upf_fixed_distances);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_of_any_shape_have_their_table),
        cmocka_unit_test(the_largest_tables_have_room),
#if !UPF_SMALL
        cmocka_unit_test(the_fixed_tables_are_those_of_the_fixed_code),
#endif
    };
    return cmocka_run_group_tests_name("inflate_table", tests, NULL, NULL);
}
