/* SPDX-License-Identifier: MIT */
/* test_deflate_block.c - blocks of sequences made by hand, read bit by bit. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "deflate/deflate_block.h"
#include "support/strict_inflate.h"
#include "support/samples.h"

enum { FAR = 32768, ROOM = FAR + 4 * UPF_BLOCK_BYTES };

static struct upf_block_work work;
static struct upf_sequences  found;
static uint8_t               out[2 * UPF_BLOCK_BYTES + 64];
static uint8_t               decoded[ROOM];
static uint8_t               data[UPF_BLOCK_BYTES];
static size_t                data_len;

static void begin(void)
{
    found.count = 0;
    data_len    = 0;
}

/* A sequence whose literals are in data[data_len...] already. Before the data
 * come zeros, as far as a match reaches. */
static void add(unsigned literals, unsigned length, unsigned distance)
{
    found.at[found.count++] = (struct upf_sequence){
        (uint16_t)literals, (uint16_t)length, (uint16_t)distance};
    data_len += literals;
    for (; length > 0; length--, data_len++)
        data[data_len] = distance <= data_len ? data[data_len - distance] : 0;
}

/* Bits before the block, so that it begins anywhere in a byte. */
static struct upf_bit_writer writer_at(unsigned waiting)
{
    struct upf_bit_writer w = {0, 0, out};

    if (waiting % 2 == 1) /* a fixed block of 23 bits: eleven zeros */
        upf_put_bits(&w, 2 | 0x48 << 3, 23);
    upf_flush_bits(&w);
    while (w.count != waiting) { /* an empty one of ten */
        upf_put_bits(&w, 2, 10);
        upf_flush_bits(&w);
    }
    return w;
}

typedef void write_fn(struct upf_bit_writer *, struct upf_block_work *,
                      const struct upf_sequences *, const uint8_t *, size_t);

/* Write it, and read it behind 32 KiB of zeros; returns its bits. */
static size_t round_trip(write_fn *write, unsigned waiting, size_t blocks[3])
{
    struct upf_bit_writer w      = writer_at(waiting);
    const size_t          before = 8 * (size_t)(w.out - out) + w.count;
    struct strict_inflate  reader = {decoded, FAR, ROOM, FAR, {0}, 0, 0};

    memset(decoded, 0, FAR);
    write(&w, &work, &found, data, data_len);
    const size_t bits = 8 * (size_t)(w.out - out) + w.count - before;
    upf_block_write_end(&w, false);
    const char *fault = strict_inflate(&reader, out, (size_t)(w.out - out));
    if (fault != NULL)
        fail_msg("%s", fault);
    const size_t zeros = FAR + (waiting % 2 == 1 ? 11 : 0);
    assert_int_equal(reader.len, zeros + data_len);
    assert_memory_equal(decoded + zeros, data, data_len);
    for (unsigned i = 0; i < 3 && blocks != NULL; i++)
        blocks[i] = reader.blocks[i];
    return bits;
}

static void every_byte_is_written_by_the_fixed_code(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        begin();
        add(1, 0, 0);
        data[0] = (uint8_t)byte;
        const size_t bits = round_trip(upf_block_write_fixed, 0, NULL);
        assert_int_equal(bits, 3 + (byte < 144 ? 8 : 9) + 7);
    }
}

static void every_length_and_every_distance_can_be_written(void **state)
{
    (void)state;
    for (unsigned length = 3; length <= 258; length++) {
        begin();
        add(0, length, 1 + length % 7);
        round_trip(upf_block_write_fixed, length % 8, NULL);
    }
    /* All distances, in a dynamic block each 1000. */
    for (unsigned first = 1; first <= FAR; first += 1000) {
        begin();
        for (unsigned i = 0; i < 1000 && first + i <= FAR; i++)
            add(0, 3 + i % 20, first + i);
        round_trip(upf_block_write, 0, NULL);
    }
    /* And at their edges by the fixed code. */
    for (unsigned edge = 1; edge <= FAR; edge *= 2)
        for (unsigned near = edge; near <= edge + 1 && near <= FAR; near++) {
            begin();
            add(0, 258, near);
            round_trip(upf_block_write_fixed, 0, NULL);
        }
}

/* Section 3.2.6, counted again; what is stored begins on a byte. */
static size_t fixed_bits(void)
{
    size_t bits = 3 + 7, at = 0;

    for (size_t i = 0; i < found.count; i++) {
        for (unsigned n = 0; n < found.at[i].literals; n++)
            bits += data[at++] < 144 ? 8 : 9;
        if (found.at[i].length == 0)
            continue;
        unsigned base = 3, symbol = 257, extra = 0;
        for (; symbol < 284; symbol++) { /* 285, with no extra bits, is 258 */
            extra = symbol < 265 ? 0 : (symbol - 261) / 4;
            if (found.at[i].length < base + (1u << extra))
                break;
            base += 1u << extra;
        }
        if (symbol == 284)
            extra = found.at[i].length == 258 ? 0 : 5;
        bits += (symbol < 280 && found.at[i].length != 258 ? 7 : 8) + extra;
        unsigned from = 1, more = 0;
        for (unsigned d = 0; d < 30; d++) {
            more = d < 4 ? 0 : (d - 2) / 2;
            if (found.at[i].distance < from + (1u << more))
                break;
            from += 1u << more;
        }
        bits += 5 + more;
        at += found.at[i].length;
    }
    return bits;
}

static size_t stored_bits(unsigned waiting)
{
    size_t at = waiting, left = data_len;

    while (left > 0) {
        const size_t part = left < 65535 ? left : 65535;
        at = (at + 3 + 7) / 8 * 8 + 32 + 8 * part;
        left -= part;
    }
    return at - waiting;
}

static void a_fixed_block_is_stored_if_that_is_shorter(void **state)
{
    (void)state;
    size_t   forms[3] = {0};
    uint32_t random = 5;

    for (unsigned round = 0; round < 600; round++) {
        const unsigned len = 1 + sample_number(&random, UPF_FIXED_BYTES);
        size_t         blocks[3];

        begin();
        sample_fill(round % 2 ? SAMPLE_RANDOM : SAMPLE_HIGH, round, data,
                    len);
        add(len, 0, 0);
        /* A tie goes to the stored block: it is read more quickly. */
        const size_t bits = round_trip(upf_block_write_fixed, round % 8,
                                       blocks);
        const size_t fixed = fixed_bits(), stored = stored_bits(round % 8);
        assert_int_equal(bits, fixed < stored ? fixed : stored);
        forms[fixed < stored]++;
    }
    assert_true(forms[0] > 50 && forms[1] > 50);
}

/* Bits of a byte that is not full are not lost when a block is begun again. */
static void what_waits_is_kept(void **state)
{
    (void)state;
    begin();
    sample_fill(SAMPLE_HIGH, 1, data, 100);
    add(100, 0, 0);
    for (unsigned waiting = 0; waiting < 8; waiting++) {
        const unsigned        ones = (1u << waiting) - 1;
        struct upf_bit_writer w    = {ones, waiting, out};

        upf_block_write_fixed(&w, &work, &found, data, data_len);
        const size_t at = waiting + 3 > 8 ? 2 : 1;
        assert_int_equal(out[0], ones);
        assert_ptr_equal(w.out, out + at + 4 + 100);
        assert_memory_equal(out + at + 4, data, 100);
    }
}

/* One match, and so many literals that all it saves is lost again. */
static void the_bits_of_a_length_and_a_distance_count(void **state)
{
    (void)state;
    for (unsigned length = 11; length <= 34; length++)
        for (unsigned n = 8 * length - 40; n < 8 * length + 20; n++) {
            const unsigned waiting = n % 8;

            begin();
            sample_fill(SAMPLE_HIGH, length, data, n);
            add(n, length, 20000u >> n % 15);
            const size_t bits  = round_trip(upf_block_write, waiting, NULL);
            const size_t fixed = fixed_bits(), stored = stored_bits(waiting);
            assert_true(bits <= fixed && bits <= stored);
        }
}

/* The form with the fewest bits. What a dynamic block has is known from its
 * plan; that the plan is right, from its being read. */
static void the_shortest_form_is_chosen(void **state)
{
    (void)state;
    size_t   forms[3] = {0};
    uint32_t random = 9;

    for (unsigned round = 0; round < 900; round++) {
        const unsigned kind = sample_number(&random, SAMPLES);
        const unsigned most = round % 20 == 0 ? 60000 : 1500;
        const unsigned len  = 1 + sample_number(&random, most);
        const unsigned waiting = sample_number(&random, 8);
        const unsigned matches = sample_number(&random, 30);
        size_t         blocks[3];

        begin();
        sample_fill(kind, round, data, len);
        for (unsigned i = 0; i < matches && data_len + 400 < len; i++)
            add(sample_number(&random, 30),
                round % 2 ? 3 + sample_number(&random, 30)
                          : 3 + sample_number(&random, 256),
                1 + sample_number(&random, FAR));
        add(len - (unsigned)data_len, 0, 0);
        const size_t bits = round_trip(upf_block_write, waiting, blocks);
        const size_t fixed = fixed_bits(), stored = stored_bits(waiting);
        assert_true(bits <= fixed && bits <= stored);
        forms[bits == stored ? 0 : bits == fixed ? 1 : 2]++;
        if (bits < stored && bits < fixed)
            assert_int_equal(blocks[2], 1);
    }
    assert_true(forms[0] > 50 && forms[1] > 50 && forms[2] > 50);
}

/* The header's own run lengths: every number of equal lengths in a row. */
static void every_run_of_code_lengths_is_told(void **state)
{
    (void)state;
    for (unsigned gap = 0; gap <= 250; gap++) {
        begin();
        for (unsigned i = 0; i < 900; i++)
            data[i] = (uint8_t)(i % 3 == 0 ? 0 : i % 3 == 1 ? gap : gap + 1);
        add(900, 0, 0);
        for (unsigned i = 0; i < gap % 4; i++)
            add(0, 3 + gap, 1u << gap % 15);
        size_t blocks[3];
        round_trip(upf_block_write, 0, blocks);
        assert_int_equal(blocks[2], 1);
    }
    for (unsigned used = 2; used <= 256; used++) { /* of lengths that occur */
        begin();
        for (unsigned i = 0; i < 4096; i++)
            data[i] = (uint8_t)(i % used);
        add(4096, 0, 0);
        round_trip(upf_block_write, 0, NULL);
    }
}

static void a_block_of_the_most_bytes_is_stored_in_two(void **state)
{
    (void)state;
    size_t blocks[3];

    begin();
    sample_fill(SAMPLE_RANDOM, 1, data, UPF_BLOCK_BYTES);
    add(65535, 0, 0);
    add(65535, 0, 0);
    assert_int_equal(data_len, UPF_BLOCK_BYTES);
    const size_t bits = round_trip(upf_block_write, 3, blocks);
    assert_int_equal(bits, stored_bits(3));
    assert_int_equal(blocks[0], 2 + 1); /* and the empty one behind it */
    assert_true(bits <= 8 * (UPF_BLOCK_BYTES + UPF_BLOCK_OVERHEAD));
}

/* RFC 7692, section 7.2.1 */
static void the_end_is_an_empty_stored_block(void **state)
{
    (void)state;
    for (unsigned waiting = 0; waiting < 8; waiting++) {
        struct upf_bit_writer whole = writer_at(waiting);
        upf_block_write_end(&whole, false);
        assert_memory_equal(whole.out - 4, "\x00\x00\xFF\xFF", 4);
        assert_int_equal(whole.count, 0);

        struct upf_bit_writer cut = writer_at(waiting);
        upf_block_write_end(&cut, true);
        assert_ptr_equal(cut.out, whole.out - 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_written_by_the_fixed_code),
        cmocka_unit_test(every_length_and_every_distance_can_be_written),
        cmocka_unit_test(a_fixed_block_is_stored_if_that_is_shorter),
        cmocka_unit_test(what_waits_is_kept),
        cmocka_unit_test(the_bits_of_a_length_and_a_distance_count),
        cmocka_unit_test(the_shortest_form_is_chosen),
        cmocka_unit_test(every_run_of_code_lengths_is_told),
        cmocka_unit_test(a_block_of_the_most_bytes_is_stored_in_two),
        cmocka_unit_test(the_end_is_an_empty_stored_block),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
