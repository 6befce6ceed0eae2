/* SPDX-License-Identifier: MIT */
/* test_sha1.c - SHA-1 against FIPS 180, RFC 6455 and another implementation. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sha1.h"
#include "support/guard.h"

static void assert_digest(const void *data, size_t len, const char *hex)
{
    uint8_t digest[UPF_SHA1_SIZE];
    char text[2 * UPF_SHA1_SIZE + 1];

    upf_sha1(data, len, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(text + 2 * i, 3, "%02x", (unsigned)digest[i]);
    assert_string_equal(text, hex);
}

static void assert_text_digest(const char *text, const char *hex)
{
    assert_digest(text, strlen(text), hex);
}

static void the_fips_examples_give_their_digests(void **state)
{
    (void)state;
    assert_text_digest("abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_text_digest(
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    assert_text_digest(
        "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
        "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
        "a49b2446a02c645bf419f995b67091253a04a259");
}

static void no_bytes_have_a_digest_too(void **state)
{
    (void)state;
    assert_digest("", 0, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    assert_digest(NULL, 0, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

static void a_million_letters_give_their_digest(void **state)
{
    (void)state;
    const size_t million = 1000000;
    char *a = malloc(million);

    assert_non_null(a);
    memset(a, 'a', million);
    assert_digest(a, million, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    free(a);
}

/* RFC 6455, section 1.3: the accept value before base64. */
static void the_handshake_example_gives_its_digest(void **state)
{
    (void)state;
    assert_text_digest(
        "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
        "b37a4f2cc0624f1690f64606cf385945b2bec4ea");
}

/*
 * Message n is the bytes (31 i + 7 n + 1) mod 256, i from 0 to n - 1. The
 * digests of messages 0 to 200, put together, have the digest below according
 * to Python's hashlib:
 *   m = lambda n: bytes((i * 31 + n * 7 + 1) % 256 for i in range(n))
 *   sha1(b''.join(sha1(m(n)).digest() for n in range(201))).hexdigest()
 */
static void every_length_is_padded_right(void **state)
{
    (void)state;
    enum { LENGTHS = 201 };
    uint8_t digests[LENGTHS][UPF_SHA1_SIZE];

    for (size_t n = 0; n < LENGTHS; n++) {
        uint8_t *message = guard_end(n);
        for (size_t i = 0; i < n; i++)
            message[i] = (uint8_t)(31 * i + 7 * n + 1);
        upf_sha1(message, n, digests[n]);
        guard_free(message, n);
    }
    assert_digest(digests, sizeof digests,
                  "b6c308ee7f14ed482a650f09ade69629b4e0dfa5");
}

static void the_digest_may_replace_its_data(void **state)
{
    (void)state;
    uint8_t data[UPF_SHA1_SIZE] = "abc";
    uint8_t digest[UPF_SHA1_SIZE];

    upf_sha1("abc", 3, digest);
    upf_sha1(data, 3, data);
    assert_memory_equal(data, digest, sizeof digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fips_examples_give_their_digests),
        cmocka_unit_test(no_bytes_have_a_digest_too),
        cmocka_unit_test(a_million_letters_give_their_digest),
        cmocka_unit_test(the_handshake_example_gives_its_digest),
        cmocka_unit_test(every_length_is_padded_right),
        cmocka_unit_test(the_digest_may_replace_its_data),
    };
    return cmocka_run_group_tests_name("sha1", tests, NULL, NULL);
}
