/* SPDX-License-Identifier: MIT */
/* test_bytes.c - integers at every alignment. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "bytes.h"
#include "support/guard.h"

/* No two bytes alike, and the top bit set: a sign or a swap would show. */
static const uint8_t wire[8] = {
    0xF1, 0xE2, 0xD3, 0xC4, 0x85, 0x96, 0xA7, 0xB8
};
#define VALUE_16 UINT16_C(0xF1E2)
#define VALUE_32 UINT32_C(0xF1E2D3C4)
#define VALUE_64 UINT64_C(0xF1E2D3C48596A7B8)

static void a_load_reads_the_first_byte_as_the_highest(void **state)
{
    (void)state;
    for (size_t at = 0; at < 8; at++) {
        uint8_t buf[16] = {0};
        memcpy(buf + at, wire, sizeof wire);
        assert_int_equal(upf_load_be16(buf + at), VALUE_16);
        assert_int_equal(upf_load_be32(buf + at), VALUE_32);
        assert_true(upf_load_be64(buf + at) == VALUE_64);
    }
}

static void a_little_endian_load_begins_with_the_lowest_byte(
    void **state)
{
    (void)state;
    for (size_t at = 0; at < 8; at++) {
        uint8_t buf[16] = {0}, back[16] = {0};
        memcpy(buf + at, wire, sizeof wire);
        assert_true(upf_load_le64(buf + at) == UINT64_C(0xB8A79685C4D3E2F1));
        assert_int_equal(upf_load_le32(buf + at), 0xC4D3E2F1);
        upf_store_le64(back + at, UINT64_C(0xB8A79685C4D3E2F1));
        assert_memory_equal(back, buf, sizeof back);
    }
}

/* What was written at `at`, and the bytes round it, which were all 0x5A. */
static void assert_written(const uint8_t buf[24], size_t at, size_t size)
{
    for (size_t i = 0; i < 24; i++) {
        const bool inside = i >= at && i - at < size;
        assert_int_equal(buf[i], inside ? wire[i - at] : 0x5A);
    }
}

static void a_store_writes_its_own_bytes_and_no_others(void **state)
{
    (void)state;
    for (size_t at = 0; at < 16; at++) {
        uint8_t buf[24];
        memset(buf, 0x5A, sizeof buf);
        upf_store_be16(buf + at, VALUE_16);
        assert_written(buf, at, 2);
        memset(buf, 0x5A, sizeof buf);
        upf_store_be32(buf + at, VALUE_32);
        assert_written(buf, at, 4);
        memset(buf, 0x5A, sizeof buf);
        upf_store_be64(buf + at, VALUE_64);
        assert_written(buf, at, 8);
    }
}

static void what_was_stored_is_loaded_again(void **state)
{
    (void)state;
    uint8_t buf[8];
    for (unsigned bit = 0; bit < 64; bit++) {
        const uint64_t v = UINT64_C(1) << bit;
        upf_store_be64(buf, v);
        assert_true(upf_load_be64(buf) == v);
        assert_int_equal(buf[7 - bit / 8], 1u << bit % 8);
        upf_store_be32(buf, (uint32_t)v);
        assert_int_equal(upf_load_be32(buf), (uint32_t)v);
        upf_store_be16(buf, (uint16_t)v);
        assert_int_equal(upf_load_be16(buf), (uint16_t)v);
    }
}

static void nothing_beyond_the_integer_is_touched(void **state)
{
    (void)state;
    static const size_t sizes[] = {2, 4, 8};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const size_t size = sizes[i];
        uint8_t *edges[] = {guard_end(size), guard_begin(size)};
        for (size_t e = 0; e < 2; e++) {
            uint8_t *p = edges[e];
            if (size == 2) {
                upf_store_be16(p, VALUE_16);
                assert_int_equal(upf_load_be16(p), VALUE_16);
            } else if (size == 4) {
                upf_store_be32(p, VALUE_32);
                assert_int_equal(upf_load_be32(p), VALUE_32);
            } else {
                upf_store_be64(p, VALUE_64);
                assert_true(upf_load_be64(p) == VALUE_64);
            }
            assert_memory_equal(p, wire, size);
            guard_free(p, size);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_load_reads_the_first_byte_as_the_highest),
        cmocka_unit_test(a_little_endian_load_begins_with_the_lowest_byte),
        cmocka_unit_test(a_store_writes_its_own_bytes_and_no_others),
        cmocka_unit_test(what_was_stored_is_loaded_again),
        cmocka_unit_test(nothing_beyond_the_integer_is_touched),
    };
    return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
