/* SPDX-License-Identifier: MIT */
/* test_base64.c - base64 against RFC 4648 and a decoder written bit by bit. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base64.h"
#include "support/guard.h"

/* The key of RFC 6455, section 1.3, and what it stands for. */
#define KEY       "dGhlIHNhbXBsZSBub25jZQ=="
#define KEY_BYTES "the sample nonce"

enum { LEN_MAX = 200 };

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

static void the_rfc_4648_vectors_hold(void **state)
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

        assert_int_equal(upf_base64_encode((const uint8_t *)vectors[i].bytes,
                                           bytes, text), chars);
        assert_string_equal(text, vectors[i].text);
    }
}

static void nothing_may_be_given_as_null(void **state)
{
    (void)state;
    assert_int_equal(upf_base64_encode(NULL, 0, NULL), 0);
}

static void every_length_survives_the_round_trip(void **state)
{
    (void)state;
    for (size_t len = 0; len <= LEN_MAX; len++) {
        const size_t chars = UPF_BASE64_LEN(len);
        uint8_t *data = guard_end(len), back[UPF_BASE64_LEN(LEN_MAX)];
        char *text = (char *)guard_end(chars);
        size_t back_len;

        for (size_t i = 0; i < len; i++)
            data[i] = (uint8_t)(167 * i + 59 * len + 3);
        assert_int_equal(upf_base64_encode(data, len, text), chars);
        assert_true(oracle(text, chars, back, &back_len));
        assert_int_equal(back_len, len);
        assert_memory_equal(back, data, len);

        guard_free((uint8_t *)text, chars);
        guard_free(data, len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rfc_4648_vectors_hold),
        cmocka_unit_test(nothing_may_be_given_as_null),
        cmocka_unit_test(every_length_survives_the_round_trip),
    };
    return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
