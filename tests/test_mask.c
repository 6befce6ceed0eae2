/* SPDX-License-Identifier: MIT */
/* test_mask.c - payload masking against a loop over bytes. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/frame.h>
#include "mask.h"
#include "support/guard.h"

enum {
    LEN_MAX    = 1100,
    ALIGNMENTS = 64,
    MARGIN     = 64, /* canaries on either side */
    PLACE      = MARGIN + ALIGNMENTS + LEN_MAX + MARGIN
};

static const uint8_t key[4] = {0x37, 0xFA, 0x21, 0x3D};

static uint8_t payload[LEN_MAX];
static uint8_t masked[4][LEN_MAX]; /* what each phase makes of it */

/* Where a payload is masked, and how that place looks before. */
static struct { uint8_t bytes[PLACE]; } place, canaries;

/* The definition in section 5.3, and nothing else. */
static int define_what_is_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEN_MAX; i++) {
        payload[i] = (uint8_t)(i * 73 + (i >> 8) * 11 + 5);
        for (size_t phase = 0; phase < 4; phase++)
            masked[phase][i] = payload[i] ^ key[(phase + i) % 4];
    }
    memset(&canaries, 0x5A, sizeof canaries);
    return 0;
}

static void the_rfc_example_is_masked_as_printed(void **state)
{
    (void)state;
    static const uint8_t hello[] = {0x7F, 0x9F, 0x4D, 0x51, 0x58};
    uint8_t out[5];

    upf_mask(out, "Hello", 5, key, 0); /* section 5.7 */
    assert_memory_equal(out, hello, sizeof hello);
}

/* cmocka compares byte by byte: leave it only what is there to be shown. */
static void assert_same(const uint8_t *got, const uint8_t *expected, size_t len)
{
    if (memcmp(got, expected, len) != 0)
        assert_memory_equal(got, expected, len);
}

/* place.bytes[at, at + len) is masked, and the rest is as it was. */
static void assert_only_this_changed(size_t at, size_t len, size_t phase)
{
    const size_t behind = at + len;

    assert_same(place.bytes, canaries.bytes, at);
    assert_same(place.bytes + at, masked[phase], len);
    assert_same(place.bytes + behind, canaries.bytes, PLACE - behind);
}

static void every_length_alignment_and_phase_is_masked_right(void **state)
{
    (void)state;
    static uint8_t src[LEN_MAX + ALIGNMENTS];

    for (size_t align = 0; align < ALIGNMENTS; align++) {
        memcpy(src + align, payload, LEN_MAX);
        for (size_t len = 0; len <= LEN_MAX; len++) {
            const size_t at = MARGIN + (align * 7 + len) % ALIGNMENTS;
            for (size_t phase = 0; phase < 4; phase++) {
                place = canaries;
                upf_mask(place.bytes + at, src + align, len, key, phase);
                assert_only_this_changed(at, len, phase);
            }
        }
        assert_same(src + align, payload, LEN_MAX);
    }
}

static void masking_in_place_is_the_same(void **state)
{
    (void)state;
    for (size_t align = 0; align < ALIGNMENTS; align++) {
        const size_t at = MARGIN + align;
        for (size_t len = 0; len <= LEN_MAX; len++) {
            for (size_t phase = 0; phase < 4; phase++) {
                uint8_t *p = place.bytes + at;
                place = canaries;
                memcpy(p, payload, len);
                upf_mask(p, p, len, key, phase);
                assert_only_this_changed(at, len, phase);
            }
        }
    }
}

/* Against one guard page: all the lengths, at the end or at the beginning. */
static void assert_right_at_the_edge(uint8_t *dst, uint8_t *src, bool end)
{
    for (size_t len = 0; len <= LEN_MAX; len++) {
        const size_t at = end ? LEN_MAX - len : 0;
        for (size_t phase = 0; phase < 4; phase++) {
            memcpy(src + at, payload, len);
            upf_mask(dst + at, src + at, len, key, phase);
            assert_same(dst + at, masked[phase], len);
            upf_mask(src + at, src + at, len, key, phase);
            assert_same(src + at, masked[phase], len);
        }
    }
    guard_free(dst, LEN_MAX);
    guard_free(src, LEN_MAX);
}

static void nothing_behind_the_payload_is_touched(void **state)
{
    (void)state;
    assert_right_at_the_edge(guard_end(LEN_MAX), guard_end(LEN_MAX), true);
}

static void nothing_before_the_payload_is_touched(void **state)
{
    (void)state;
    assert_right_at_the_edge(guard_begin(LEN_MAX), guard_begin(LEN_MAX),
                             false);
}

static void masking_twice_gives_the_payload_back(void **state)
{
    (void)state;
    uint8_t buf[LEN_MAX];

    for (size_t len = 0; len <= LEN_MAX; len++) {
        memcpy(buf, payload, len);
        upf_mask(buf, buf, len, key, len);
        upf_mask(buf, buf, len, key, len);
        assert_memory_equal(buf, payload, len);
    }
}

static void the_parts_equal_the_whole(void **state)
{
    (void)state;
    enum { WHOLE = 80 };
    uint8_t buf[WHOLE];

    for (size_t a = 0; a <= WHOLE; a++) {
        for (size_t b = a; b <= WHOLE; b++) {
            upf_mask(buf, payload, a, key, 0);
            upf_mask(buf + a, payload + a, b - a, key, a);
            upf_mask(buf + b, payload + b, WHOLE - b, key, b);
            assert_memory_equal(buf, masked[0], WHOLE);
        }
    }
}

static void an_offset_counts_modulo_four_however_large(void **state)
{
    (void)state;
    static const uint64_t bases[] = {
        0, 4, 1000, UINT64_C(1) << 32, UINT64_C(1) << 62, UINT64_MAX - 3
    };
    uint8_t out[100];

    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
        for (unsigned phase = 0; phase < 4; phase++) {
            upf_mask(out, payload, sizeof out, key, bases[i] + phase);
            assert_memory_equal(out, masked[phase], sizeof out);
        }
    }
}

static void nothing_may_be_given_as_null(void **state)
{
    (void)state;
    upf_mask(NULL, NULL, 0, key, 3);
}

static void a_turned_key_masks_from_its_first_byte(void **state)
{
    (void)state;
    uint8_t out[100], in_memory[4];

    for (unsigned phase = 0; phase < 4; phase++) {
        const uint32_t turned = upf_mask_key_at(key, phase);
        memcpy(in_memory, &turned, 4);
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(in_memory[i], key[(phase + i) % 4]);
        upf_mask_turned(out, payload, sizeof out, turned);
        assert_memory_equal(out, masked[phase], sizeof out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rfc_example_is_masked_as_printed),
        cmocka_unit_test(every_length_alignment_and_phase_is_masked_right),
        cmocka_unit_test(masking_in_place_is_the_same),
        cmocka_unit_test(nothing_behind_the_payload_is_touched),
        cmocka_unit_test(nothing_before_the_payload_is_touched),
        cmocka_unit_test(masking_twice_gives_the_payload_back),
        cmocka_unit_test(the_parts_equal_the_whole),
        cmocka_unit_test(an_offset_counts_modulo_four_however_large),
        cmocka_unit_test(nothing_may_be_given_as_null),
        cmocka_unit_test(a_turned_key_masks_from_its_first_byte),
    };
    return cmocka_run_group_tests_name("mask", tests, define_what_is_right,
                                       NULL);
}
