/* SPDX-License-Identifier: MIT */
/* test_deflate_huffman.c - codes against Huffman's own way of making them. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "deflate/deflate_huffman.h"
#include "support/samples.h"

enum { SYMBOLS = UPF_DEFLATE_LITERALS };

static struct upf_huffman_work work;
static uint8_t                 lengths[SYMBOLS];

/* What Huffman's tree costs, in bits: the sum of its inner nodes' weights. A
 * subtree is as deep as the deeper of the two that it is made of. */
static uint64_t naive_cost(const uint32_t *frequencies, unsigned count,
                           unsigned *deepest)
{
    uint64_t weight[SYMBOLS], cost = 0;
    unsigned depth[SYMBOLS] = {0}, trees = 0;

    for (unsigned i = 0; i < count; i++)
        if (frequencies[i] > 0)
            weight[trees++] = frequencies[i];
    while (trees > 1) {
        for (unsigned n = 0; n < 2; n++) { /* the lightest to the end */
            unsigned least = 0;
            for (unsigned i = 1; i < trees - n; i++)
                if (weight[i] < weight[least] ||
                    (weight[i] == weight[least] && depth[i] < depth[least]))
                    least = i;
            const uint64_t w = weight[least];
            const unsigned d = depth[least];
            weight[least] = weight[trees - n - 1];
            depth[least]  = depth[trees - n - 1];
            weight[trees - n - 1] = w;
            depth[trees - n - 1]  = d;
        }
        trees--;
        weight[trees - 1] += weight[trees];
        if (depth[trees] > depth[trees - 1])
            depth[trees - 1] = depth[trees];
        depth[trees - 1]++;
        cost += weight[trees - 1];
    }
    *deepest = trees == 1 ? depth[0] : 0;
    return cost;
}

/* The lengths are a complete code, of which no bit too many is spent. */
static void assert_code(const uint32_t *frequencies, unsigned count,
                        unsigned longest)
{
    unsigned kraft = 0, used = 0, deepest;
    uint64_t cost = 0;

    memset(lengths, 0xFF, sizeof lengths);
    upf_huffman_lengths(&work, frequencies, count, longest, lengths);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(lengths[i] != 0, frequencies[i] != 0);
        assert_true(lengths[i] <= longest);
        for (unsigned j = 0; j < count; j++)
            assert_true(frequencies[i] <= frequencies[j] ||
                        frequencies[j] == 0 || lengths[i] <= lengths[j]);
        if (lengths[i] == 0)
            continue;
        used++;
        kraft += 1u << (longest - lengths[i]);
        cost += (uint64_t)frequencies[i] * lengths[i];
    }
    if (used < 2)
        return;
    assert_int_equal(kraft, 1u << longest);
    const uint64_t least = naive_cost(frequencies, count, &deepest);
    if (deepest <= longest)
        assert_int_equal(cost, least);
    else
        assert_true(cost > least);
}

static void what_does_not_occur_has_no_code(void **state)
{
    (void)state;
    uint32_t frequencies[SYMBOLS] = {0};

    assert_code(frequencies, SYMBOLS, 15);
    assert_code(frequencies, 0, 15);
}

static void a_single_symbol_has_one_bit(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 30; i++) {
        uint32_t frequencies[30] = {0};

        frequencies[i] = 1 + i * 1000;
        assert_code(frequencies, 30, 15);
        assert_int_equal(lengths[i], 1);
    }
}

static void two_symbols_have_one_bit_each(void **state)
{
    (void)state;
    const uint32_t frequencies[] = {0, 1, 0, 100000};

    assert_code(frequencies, 4, 7);
    assert_int_equal(lengths[1], 1);
    assert_int_equal(lengths[3], 1);
}

static void equal_frequencies_have_equal_lengths(void **state)
{
    (void)state;
    static const uint32_t which[] = {1, 63, 64, 65, 20000};
    uint32_t frequencies[256];

    for (unsigned i = 0; i < 5; i++) {
        for (unsigned s = 0; s < 256; s++)
            frequencies[s] = which[i];
        assert_code(frequencies, 256, 15);
        for (unsigned s = 0; s < 256; s++)
            assert_int_equal(lengths[s], 8);
    }
}

/* The deepest trees there are: of n symbols, n - 1 deep. */
static void fibonacci_frequencies_keep_within_the_limit(void **state)
{
    (void)state;
    for (unsigned count = 2; count <= 32; count++) {
        uint32_t frequencies[32] = {1, 1};

        for (unsigned i = 2; i < count; i++)
            frequencies[i] = frequencies[i - 1] + frequencies[i - 2];
        assert_code(frequencies, count, 15);
        if (count <= 19)
            assert_code(frequencies, count, 7);
        for (unsigned i = 0; i < count / 2; i++) { /* and backwards */
            const uint32_t f = frequencies[i];
            frequencies[i] = frequencies[count - 1 - i];
            frequencies[count - 1 - i] = f;
        }
        assert_code(frequencies, count, 15);
    }
}

static void a_full_precode_has_seven_bits_at_most(void **state)
{
    (void)state;
    for (uint32_t base = 1; base <= 4; base++) {
        uint32_t frequencies[UPF_DEFLATE_PRECODES];

        for (unsigned i = 0; i < UPF_DEFLATE_PRECODES; i++)
            frequencies[i] = i < 18 ? 1u << (i * base / 4) : 77;
        assert_code(frequencies, UPF_DEFLATE_PRECODES, 7);
    }
}

static void any_frequencies_make_the_shortest_code(void **state)
{
    (void)state;
    uint32_t random = 1;

    for (unsigned round = 0; round < 400; round++) {
        static const uint32_t ranges[] = {2, 5, 100, 9000, 29000};
        uint32_t       frequencies[SYMBOLS];
        const uint32_t range = ranges[round % 5];
        const unsigned count = 1 + sample_number(&random, SYMBOLS);
        const unsigned rare  = 1 + sample_number(&random, 30);

        for (unsigned i = 0; i < count; i++) {
            frequencies[i] = sample_number(&random, range);
            if (sample_number(&random, rare) != 0 && rare > 15)
                frequencies[i] = 0;
            if (round % 3 == 0)
                frequencies[i] >>= sample_number(&random, 15);
        }
        assert_code(frequencies, count, 15);
        assert_code(frequencies, count < 19 ? count : 19, 7);
    }
}

/* RFC 1951, section 3.2.2: A to H. Codes are kept with their bits reversed. */
static void the_rfc_example_has_the_codes_that_are_printed(void **state)
{
    (void)state;
    static const uint8_t  these[]   = {3, 3, 3, 3, 3, 2, 4, 4, 0};
    static const unsigned printed[] = {2, 3, 4, 5, 6, 0, 14, 15};
    uint32_t codes[9];

    codes[8] = 77;
    upf_huffman_codes(these, 9, codes);
    for (unsigned i = 0; i < 8; i++) {
        unsigned code = 0;

        for (unsigned bit = 0; bit < these[i]; bit++)
            code = code << 1 | (codes[i] >> bit & 1);
        assert_int_equal(code, printed[i]);
        assert_int_equal(codes[i] >> 16, these[i]);
        assert_int_equal((codes[i] & 0xFFFF) >> these[i], 0);
    }
    assert_int_equal(codes[8], 77);
}

static void codes_of_fifteen_bits_are_reversed_whole(void **state)
{
    (void)state;
    uint8_t  these[16];
    uint32_t codes[16];

    for (unsigned i = 0; i < 16; i++)
        these[i] = (uint8_t)(i < 15 ? i + 1 : 15);
    upf_huffman_codes(these, 16, codes);
    for (unsigned i = 0; i < 15; i++) /* i ones, and a zero */
        assert_int_equal(codes[i], ((1u << i) - 1) | (i + 1) << 16);
    assert_int_equal(codes[15], 0x7FFF | 15u << 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_occur_has_no_code),
        cmocka_unit_test(a_single_symbol_has_one_bit),
        cmocka_unit_test(two_symbols_have_one_bit_each),
        cmocka_unit_test(equal_frequencies_have_equal_lengths),
        cmocka_unit_test(fibonacci_frequencies_keep_within_the_limit),
        cmocka_unit_test(a_full_precode_has_seven_bits_at_most),
        cmocka_unit_test(any_frequencies_make_the_shortest_code),
        cmocka_unit_test(the_rfc_example_has_the_codes_that_are_printed),
        cmocka_unit_test(codes_of_fifteen_bits_are_reversed_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
