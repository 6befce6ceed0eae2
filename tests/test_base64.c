/* SPDX-License-Identifier: MIT */
/* test_base64.c - base64 against RFC 4648 and a decoder written bit by bit. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "../src/base64.h"
#include "support/guard.h"

/* The key of RFC 6455, section 1.3, and what it stands for. */
#define KEY       "dGhlIHNhbXBsZSBub25jZQ=="
#define KEY_BYTES "the sample nonce"

enum { KEY_LEN = 24, NONCE_LEN = 16, LEN_MAX = 200 };

/*
 * The oracle: a string of bits, six for each character, of which each full
 * eight are a byte. `out` has room for len bytes.
 */
static bool oracle(const char *text, size_t len, uint8_t *out, size_t *out_len)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t letters = len, bits = 0;

    while (letters > 0 && len - letters < 2 && text[letters - 1] == '=')
        letters--;
    if (len % 4 != 0)
        return false;

    memset(out, 0, len);
    for (size_t i = 0; i < letters; i++) {
        const char *at = text[i] ? strchr(alphabet, text[i]) : NULL;
        if (at == NULL)
            return false;
        for (int b = 5; b >= 0; b--, bits++)
            if ((at - alphabet) >> b & 1)
                out[bits / 8] |= (uint8_t)(0x80 >> bits % 8);
    }
    *out_len = bits / 8;
    return true;
}

/* Decode from and into memory of the exact size, and ask the oracle. */
static void assert_judged_like_the_oracle(const char *text, size_t len)
{
    uint8_t expected[UPF_BASE64_LEN(LEN_MAX)];
    size_t expected_len = 0, got_len = 999;
    const bool valid = oracle(text, len, expected, &expected_len);
    const size_t cap = valid ? expected_len : len / 4 * 3;

    char *in = (char *)guard_end(len);
    uint8_t *out = guard_end(cap);
    memcpy(in, text, len);

    assert_int_equal(upf_base64_decode(in, len, out, cap, &got_len), valid);
    if (valid) {
        assert_int_equal(got_len, expected_len);
        assert_memory_equal(out, expected, expected_len);
    } else {
        assert_int_equal(got_len, 999);
    }
    guard_free(out, cap);
    guard_free((uint8_t *)in, len);
}

static bool decodes(const char *text)
{
    uint8_t out[64];
    size_t out_len;

    return upf_base64_decode(text, strlen(text), out, sizeof out, &out_len);
}

static void the_rfc_4648_vectors_hold_both_ways(void **state)
{
    (void)state;
    static const struct { const char *bytes, *text; } vectors[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xFB\xFF\xBE", "+/++"},
        {KEY_BYTES, KEY},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const size_t bytes = strlen(vectors[i].bytes);
        const size_t chars = strlen(vectors[i].text);
        char text[32] = {0};
        uint8_t out[32];
        size_t out_len;

        assert_int_equal(upf_base64_encode((const uint8_t *)vectors[i].bytes,
                                           bytes, text), chars);
        assert_string_equal(text, vectors[i].text);
        assert_true(upf_base64_decode(text, chars, out, sizeof out, &out_len));
        assert_int_equal(out_len, bytes);
        assert_memory_equal(out, vectors[i].bytes, bytes);
    }
}

static void nothing_may_be_given_as_null(void **state)
{
    (void)state;
    size_t out_len = 999;

    assert_int_equal(upf_base64_encode(NULL, 0, NULL), 0);
    assert_true(upf_base64_decode(NULL, 0, NULL, 0, &out_len));
    assert_int_equal(out_len, 0);
}

static void every_length_survives_the_round_trip(void **state)
{
    (void)state;
    for (size_t len = 0; len <= LEN_MAX; len++) {
        const size_t chars = UPF_BASE64_LEN(len);
        uint8_t *data = guard_end(len), *back = guard_end(len);
        char *text = (char *)guard_end(chars);
        size_t back_len;

        for (size_t i = 0; i < len; i++)
            data[i] = (uint8_t)(167 * i + 59 * len + 3);
        assert_int_equal(upf_base64_encode(data, len, text), chars);
        assert_true(upf_base64_decode(text, chars, back, len, &back_len));
        assert_int_equal(back_len, len);
        assert_memory_equal(back, data, len);
        assert_judged_like_the_oracle(text, chars);

        guard_free((uint8_t *)text, chars);
        guard_free(back, len);
        guard_free(data, len);
    }
}

static void every_substitution_in_a_key_is_judged_right(void **state)
{
    (void)state;
    for (size_t at = 0; at < KEY_LEN; at++) {
        for (int c = 0; c < 256; c++) {
            char key[] = KEY;
            key[at] = (char)c;
            assert_judged_like_the_oracle(key, KEY_LEN);
        }
    }
}

static void every_truncation_and_extension_of_a_key_is_judged_right(
    void **state)
{
    (void)state;
    static const char ends[][5] = {"", "=", "==", "===", "====", "A", "AA=="};

    for (size_t cut = 0; cut <= KEY_LEN; cut++) {
        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
            char text[KEY_LEN + 5] = KEY;
            memcpy(text + cut, ends[i], strlen(ends[i]));
            assert_judged_like_the_oracle(text, cut + strlen(ends[i]));
        }
    }
}

/* A server reads such lengths from the peer: none may read or write astray. */
static void any_length_of_any_text_is_safe_in_exact_buffers(void **state)
{
    (void)state;
    static const char fills[] = {'A', '=', '/', '\0', '\xFF'};

    for (size_t len = 0; len <= LEN_MAX; len++) {
        for (size_t f = 0; f < sizeof fills; f++) {
            char text[LEN_MAX];
            memset(text, fills[f], sizeof text);
            assert_judged_like_the_oracle(text, len);
        }
    }
}

static void what_does_not_fit_is_refused_and_never_overruns(void **state)
{
    (void)state;
    static const char *const texts[] = {"Zg==", "Zm8=", "Zm9v", KEY};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const size_t len = strlen(texts[i]);
        uint8_t expected[32];
        size_t bytes, out_len;
        assert_true(oracle(texts[i], len, expected, &bytes));

        for (size_t cap = 0; cap <= bytes + 4; cap++) {
            uint8_t *out = guard_end(cap);
            assert_int_equal(upf_base64_decode(texts[i], len, out, cap,
                                               &out_len), cap >= bytes);
            guard_free(out, cap);
        }
    }
}

static void only_the_standard_padded_form_is_accepted(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "Z", "Zg", "Zm8", "Zg=", "Zm9vYg", "=", "==", "===", "====", "Z===",
        "Zg==Zg==", "Zm8=Zm9v", "Z=g=", "=Zg=", "Zg=v", "Zm9v====",
        " Zg==", "Zg== ", "Zm 9", "Zg==\r\n", "Zm\n9", "Zm9v\n",
        "-_-_", "+/-/", "_m9v", "Zm9~", "Zm9.", "Zm9,", "Zm9\x80",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (decodes(refused[i]))
            fail_msg("accepted: \"%s\"", refused[i]);
    assert_true(decodes("Zg=="));
}

/* The example of RFC 6455, section 4.1: an encoder would have written EA==. */
static void bits_that_belong_to_no_byte_are_ignored(void **state)
{
    (void)state;
    uint8_t out[NONCE_LEN];
    size_t out_len;

    assert_true(upf_base64_decode("AQIDBAUGBwgJCgsMDQ4PEC==", KEY_LEN,
                                  out, sizeof out, &out_len));
    assert_int_equal(out_len, NONCE_LEN);
    for (uint8_t i = 0; i < NONCE_LEN; i++)
        assert_int_equal(out[i], i + 1);
    assert_true(decodes("Zh=="));
    assert_true(decodes("Zm9="));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rfc_4648_vectors_hold_both_ways),
        cmocka_unit_test(nothing_may_be_given_as_null),
        cmocka_unit_test(every_length_survives_the_round_trip),
        cmocka_unit_test(every_substitution_in_a_key_is_judged_right),
        cmocka_unit_test(
            every_truncation_and_extension_of_a_key_is_judged_right),
        cmocka_unit_test(any_length_of_any_text_is_safe_in_exact_buffers),
        cmocka_unit_test(what_does_not_fit_is_refused_and_never_overruns),
        cmocka_unit_test(only_the_standard_padded_form_is_accepted),
        cmocka_unit_test(bits_that_belong_to_no_byte_are_ignored),
    };
    return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
