/* SPDX-License-Identifier: MIT */
/* test_random.c - the operating system's random bytes, in batches. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <upframe/conn.h>

#include "random.h"

enum { BATCH = 1024, KEYS = 1 << 20 };

static int by_value(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/*
 * Of n = 2^20 draws out of 2^32 about n^2 / 2^33 = 128 pairs are equal, give or
 * take 11 (one standard deviation). Eight of them stay far inside.
 */
static void masking_keys_repeat_only_by_chance(void **state)
{
    (void)state;
    uint32_t *keys  = malloc(KEYS * sizeof *keys);
    size_t    equal = 0;
    size_t    counts[4][256] = {{0}};

    assert_non_null(keys);
    for (size_t i = 0; i < KEYS; i++) {
        assert_true(upf_random(NULL, &keys[i], sizeof keys[i]));
        const uint8_t *bytes = (const uint8_t *)&keys[i];
        for (size_t j = 0; j < 4; j++)
            counts[j][bytes[j]]++;
    }
    qsort(keys, KEYS, sizeof *keys, by_value);
    for (size_t i = 1; i < KEYS; i++)
        equal += keys[i] == keys[i - 1];
    assert_in_range(equal, 128 - 90, 128 + 90);
    free(keys);

    /* Chi-squared with 255 degrees of freedom: mean 255, deviation 22.6. */
    for (size_t j = 0; j < 4; j++) {
        double chi = 0;
        for (size_t b = 0; b < 256; b++) {
            const double off = (double)counts[j][b] - KEYS / 256.0;
            chi += off * off / (KEYS / 256.0);
        }
        assert_in_range((long)chi, 255 - 180, 255 + 180);
    }
}

static void any_amount_is_filled_to_its_last_byte(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 3 * BATCH; len += 7) {
        uint8_t *bytes = malloc(len + 1);
        uint8_t  seen  = 0; /* of the last byte, bits that were ever set */

        assert_non_null(bytes);
        for (int i = 0; i < 64; i++) {
            bytes[len] = 0xA5;
            assert_true(upf_random(NULL, bytes, len));
            assert_int_equal(bytes[len], 0xA5);
            if (len > 0)
                seen |= bytes[len - 1];
        }
        assert_int_equal(seen, len > 0 ? 0xFF : 0);
        free(bytes);
    }
}

/* What was sent cannot be read back from here. */
static void what_was_drawn_is_wiped(void **state)
{
    (void)state;
    static const uint8_t zeros[BATCH];
    const struct upf_random_batch *batch = &upf_random_batch;
    uint8_t drawn[400];

    for (size_t len = 1; len <= sizeof drawn; len += 3) {
        assert_true(upf_random(NULL, drawn, len));
        assert_memory_equal(batch->bytes + UPF_CHACHA20_KEY + batch->left,
                            zeros, len);
    }
}

static void it_is_what_a_connection_draws_from(void **state)
{
    (void)state;
    assert_ptr_equal(upf_config_default().random, upf_random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masking_keys_repeat_only_by_chance),
        cmocka_unit_test(any_amount_is_filled_to_its_last_byte),
        cmocka_unit_test(what_was_drawn_is_wiped),
        cmocka_unit_test(it_is_what_a_connection_draws_from),
    };

    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
