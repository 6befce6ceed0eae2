/* SPDX-License-Identifier: MIT */
/* test_request_fields.c - cookies, the query, percent-encoding, bearer tokens:
 * what a stranger wrote, in memory that ends where the text does. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/handshake.h>

#include "support/guard.h"
#include "support/text.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef bool find_fn(upf_str text, const char *name, upf_str *value);

static bool find_token(upf_str headers, const char *name, upf_str *value)
{
    (void)name;
    return upf_bearer_token(headers, value);
}

/* What is found must lie in the text; what is not, leaves the value alone. */
static bool find(find_fn *fn, upf_str text, const char *name, upf_str *value)
{
    const upf_str untouched = {"untouched", 9};

    *value = untouched;
    const bool found = fn(text, name, value);
    if (!found) {
        assert_true(value->data == untouched.data && value->len == 9);
        return false;
    }
    assert_true(value->data >= text.data && value->len <= text.len);
    assert_true((size_t)(value->data - text.data) <= text.len - value->len);
    return true;
}

/* `expected` NULL: it is not there. */
static void check(find_fn *fn, const char *text, const char *name,
                  const char *expected)
{
    const upf_str t = exact(text, strlen(text));
    upf_str value;
    const bool found = find(fn, t, name, &value);

    if (found != (expected != NULL) ||
        (found && !upf_str_equals(value, expected)))
        fail_msg("%s in \"%s\": \"%.*s\"", name, text,
                 found ? (int)value.len : 0, found ? value.data : "");
    exact_free(t);
}

/* Every beginning and every end of `text`, between pages that fault. */
static void cut_everywhere(find_fn *fn, const char *text, const char *name)
{
    const size_t all = strlen(text);
    upf_str value;

    for (size_t len = 0; len <= all; len++) {
        const upf_str first = exact(text, len);
        const upf_str last  = exact(text + all - len, len);
        uint8_t *behind = guard_begin(len);

        memcpy(behind, text + all - len, len);
        find(fn, first, name, &value);
        find(fn, last, name, &value);
        find(fn, (upf_str){(char *)behind, len}, name, &value);
        guard_free(behind, len);
        exact_free(last);
        exact_free(first);
    }
    assert_false(find(fn, (upf_str){NULL, 0}, name, &value));
}

/* ---- Cookies ------------------------------------------------------------ */

static void a_cookie_is_found_by_its_name(void **state)
{
    (void)state;
    static const struct { const char *headers, *value; } cases[] = {
        {"Cookie: sid=42\r\n", "42"},
        {"cOOKIE:sid=42\r\n", "42"},
        {"Cookie: a=1; sid=42; b=2\r\n", "42"},
        {"Cookie: a=1;sid=42;b=2\r\n", "42"},
        {"Cookie: a=1;  \tsid \t= \t42\t ; b=2\r\n", "42"},
        {"Cookie: a=1\r\nX: sid=0\r\nCookie: b=2; sid=42\r\n", "42"},
        {"Cookie: sid=42; sid=43\r\nCookie: sid=44\r\n", "42"},
        {"Cookie: sid\r\nCookie: sid=42\r\n", "42"}, /* no name, no cookie */
        {"Cookie: sid; sid=42\r\n", "42"},
        {"Cookie: =sid=1; sid=42\r\n", "42"},
        {"Cookie: ; ;; sid=42;\r\n", "42"},
        {"Cookie: sid=\r\n", ""},
        {"Cookie: sid=; sid=42\r\n", ""},
        {"Cookie: sid= ;a=b\r\n", ""},
        {"Cookie: sid=\"4 2\"\r\n", "\"4 2\""}, /* quotes are the value's */
        {"Cookie: sid=\"4;2\"\r\n", "\"4"},
        {"Cookie: a=\"; sid=42; b=\"\r\n", "42"},
        {"Cookie: sid=a=b==\r\n", "a=b=="},
        {"Cookie: sid=%41+\xC3\xBC,\r\n", "%41+\xC3\xBC,"},
        {"", NULL},
        {"Cookie:\r\n", NULL},
        {"Cookie: \r\n", NULL},
        {"Cookie: sid\r\n", NULL},
        {"Cookie: SID=42\r\n", NULL},
        {"Cookie: xsid=42; sidx=42; si=42; s id=42\r\n", NULL},
        {"Cookie: a=sid=42\r\n", NULL},
        {"Cookie: a=1, sid=42\r\n", NULL}, /* no comma parts them */
        {"Cookie: \"sid\"=42\r\n", NULL},
        {"Cookies: sid=42\r\nSet-Cookie: sid=42\r\n", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        check(upf_cookie_find, cases[i].headers, "sid", cases[i].value);
        cut_everywhere(upf_cookie_find, cases[i].headers, "sid");
    }
}

/* ---- The query ---------------------------------------------------------- */

static void a_parameter_is_found_by_its_name(void **state)
{
    (void)state;
    static const struct { const char *target, *name, *value; } cases[] = {
        {"/chat?room=7", "room", "7"},
        {"?room=7", "room", "7"},
        {"/?a=1&room=7&b=2", "room", "7"},
        {"/?room=7&room=8", "room", "7"},
        {"/?&&room=7&", "room", "7"},
        {"/?room", "room", ""},
        {"/?room=", "room", ""},
        {"/?room&room=7", "room", ""},
        {"/?a&room=7", "room", "7"},
        {"/?room=a=b", "room", "a=b"},
        {"/?room=a?b/c;d", "room", "a?b/c;d"},
        {"/?room=a+b%20c%", "room", "a+b%20c%"}, /* as sent */
        {"/?r%6Fo%6d=7", "room", "7"},
        {"/?the+room=7", "the room", "7"},
        {"/?the%20room=7", "the room", "7"},
        {"/?a%2Bb=7", "a+b", "7"},
        {"/?a%26b=7", "a&b", "7"},
        {"/?x[]=7", "x[]", "7"},
        {"/?x%5B%5D=7", "x[]", "7"},
        {"/?%=1&roo%6=2&room%=3&room=7", "room", "7"},
        {"/?=7", "", "7"},
        {"/?room%00=7", "room", NULL},
        {"/?room%00x=7", "room", NULL},
        {"/?roo=7&rooms=7&ROOM=7&+room=7", "room", NULL},
        {"/?a=room=7", "room", NULL},
        {"/?a=1;room=7", "room", NULL}, /* '&' alone */
        {"/?room%3D7", "room", NULL},
        {"/?&&", "", NULL},
        {"/room=7", "room", NULL},
        {"/a&room=7", "room", NULL},
        {"/", "room", NULL},
        {"/?", "room", NULL},
        {"?", "", NULL},
        {"", "room", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        check(upf_query_find, cases[i].target, cases[i].name, cases[i].value);
        cut_everywhere(upf_query_find, cases[i].target, cases[i].name);
    }
}

/* ---- Percent-encoding --------------------------------------------------- */

typedef bool decode_fn(upf_str text, char *out, size_t size, size_t *len);

static const struct {
    const char *text, *percent, *form; /* NULL: refused */
} encoded[] = {
    {"", "", ""},
    {"plain", "plain", "plain"},
    {"a%20b+c%2Bd", "a b+c+d", "a b c+d"},
    {"%41%5a%5A%7e", "AZZ~", "AZZ~"},
    {"%C3%BC%ff\xC3\xBC", "\xC3\xBC\xFF\xC3\xBC", "\xC3\xBC\xFF\xC3\xBC"},
    {"%2541%25", "%41%", "%41%"}, /* once, and not twice */
    {"%0d%0A%01\t", "\r\n\1\t", "\r\n\1\t"},
    {"++", "++", "  "},
    {"%", NULL, NULL},
    {"%4", NULL, NULL},
    {"a%", NULL, NULL},
    {"a%4", NULL, NULL},
    {"%%41", NULL, NULL},
    {"%4%31", NULL, NULL},
    {"%4g", NULL, NULL},
    {"%G4", NULL, NULL},
    {"%@4", NULL, NULL},
    {"%4`", NULL, NULL},
    {"%:4", NULL, NULL},
    {"%/4", NULL, NULL},
    {"% 4", NULL, NULL},
    {"%+4", NULL, NULL},
    {"%-1", NULL, NULL},
    {"%x4", NULL, NULL},
    {"%u0041", NULL, NULL},
    {"%\xC1\xC1", NULL, NULL},
    {"%00", NULL, NULL},
    {"admin%00", NULL, NULL},
    {"admin%00x", NULL, NULL},
};

static void check_decoding(decode_fn *fn, const char *text,
                           const char *expected)
{
    const upf_str t = exact(text, strlen(text));
    const size_t  need = expected != NULL ? strlen(expected) + 1 : SIZE_MAX;

    for (size_t size = 0; size <= t.len + 2; size++) {
        char  *out = (char *)guard_end(size);
        size_t len = 12345;

        memset(out, 'x', size);
        const bool good = fn(t, out, size, &len);
        assert_int_equal(fn(t, out, size, NULL), good);
        if (good != (size >= need))
            fail_msg("\"%s\" in %zu bytes", text, size);
        if (size > 0)
            assert_string_equal(out, good ? expected : "");
        assert_int_equal(len, good ? need - 1 : 12345);
        guard_free((uint8_t *)out, size);
    }
    exact_free(t);
}

static void percent_encoding_is_undone_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(encoded); i++) {
        check_decoding(upf_percent_decode, encoded[i].text, encoded[i].percent);
        check_decoding(upf_form_decode, encoded[i].text, encoded[i].form);
    }
}

static void a_text_that_is_absent_decodes_to_nothing(void **state)
{
    (void)state;
    char out[1] = {'x'};
    size_t len = 1;

    assert_true(upf_form_decode((upf_str){NULL, 0}, out, 1, &len));
    assert_int_equal(len, 0);
    assert_int_equal(out[0], '\0');
    assert_false(upf_form_decode((upf_str){NULL, 0}, NULL, 0, NULL));
}

static void a_nul_is_refused_as_it_is(void **state)
{
    (void)state;
    char out[8] = "before";

    assert_false(upf_percent_decode((upf_str){"a\0b", 3}, out, sizeof out,
                                    NULL));
    assert_string_equal(out, "");
}

/* All pairs of bytes behind a '%', against what printf() writes. */
static void of_all_pairs_of_characters_only_hex_digits_are_an_escape(
    void **state)
{
    (void)state;
    char written[2][3], out[2];
    unsigned escapes = 0;

    for (unsigned i = 0; i < 256 * 256; i++) {
        const char text[] = {'%', (char)(i >> 8), (char)i};

        if (!upf_percent_decode((upf_str){text, 3}, out, 2, NULL))
            continue;
        escapes++;
        snprintf(written[0], 3, "%02x", (unsigned)(unsigned char)out[0]);
        snprintf(written[1], 3, "%02X", (unsigned)(unsigned char)out[0]);
        for (size_t at = 0; at < 2; at++)
            assert_true(text[1 + at] == written[0][at] ||
                        text[1 + at] == written[1][at]);
    }
    /* 22 characters are digits, and 00 is refused. */
    assert_int_equal(escapes, 22 * 22 - 1);
}

/* ---- Bearer tokens ------------------------------------------------------ */

static void a_bearer_token_is_taken_to_the_letter(void **state)
{
    (void)state;
    static const struct { const char *headers, *token; } cases[] = {
        {"Authorization: Bearer mF_9.B5f-4.1JqM\r\n", "mF_9.B5f-4.1JqM"},
        {"authorization:bearer a\r\n", "a"},
        {"A: b\r\nAUTHORIZATION: BEARER   AZaz09-._~+/==\r\nC: d\r\n",
         "AZaz09-._~+/=="},
        {"Authorization: Bearer a====\r\n", "a===="},
        {"", NULL},
        {"Authorization:\r\n", NULL},
        {"Authorization: Bearer\r\n", NULL},
        {"Authorization: Bearer \r\n", NULL},
        {"Authorization: Bearer =\r\n", NULL},
        {"Authorization: Bearer a=b\r\n", NULL},
        {"Authorization: Bearer a b\r\n", NULL},
        {"Authorization: Bearer a, Bearer b\r\n", NULL},
        {"Authorization: Bearer \"a\"\r\n", NULL},
        {"Authorization: Bearer\ta\r\n", NULL},
        {"Authorization: Bearer \ta\r\n", NULL},
        {"Authorization: Bearer a\xC3\xBC\r\n", NULL},
        {"Authorization: Bearer @\r\n", NULL},
        {"Authorization: Bearer [a]\r\n", NULL},
        {"Authorization: Bearer `\r\n", NULL},
        {"Authorization: Bearer {a}\r\n", NULL},
        {"Authorization: Bearera\r\n", NULL},
        {"Authorization: Bear a\r\n", NULL},
        {"Authorization: XBearer a\r\n", NULL},
        {"Authorization: Basic YTpi\r\n", NULL},
        {"Authorization: a\r\n", NULL},
        {"Proxy-Authorization: Bearer a\r\n", NULL},
        {"Authorization: Bearer a\r\nAuthorization: Bearer a\r\n", NULL},
        {"Authorization: Bearer a\r\nX: y\r\nauthorization: Basic b\r\n", NULL},
        {"Authorization: Basic b\r\nAuthorization: Bearer a\r\n", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        check(find_token, cases[i].headers, "token", cases[i].token);
        cut_everywhere(find_token, cases[i].headers, "token");
    }
}

/* ---- Comparing ---------------------------------------------------------- */

static void text_equals_a_literal_byte_for_byte(void **state)
{
    (void)state;
    const upf_str text = exact("WebSocket", 9);

    assert_true(upf_str_equals(text, "WebSocket"));
    assert_false(upf_str_equals(text, "websocket"));
    assert_false(upf_str_equals(text, "WebSocke"));
    assert_false(upf_str_equals(text, "WebSockets"));
    assert_false(upf_str_equals(text, ""));
    assert_false(upf_str_equals((upf_str){"a\0b", 3}, "a"));
    assert_true(upf_str_equals((upf_str){NULL, 0}, ""));
    assert_false(upf_str_equals((upf_str){NULL, 0}, "a"));
    exact_free(text);
}

static void a_secret_is_equal_whole_and_never_if_it_is_empty(void **state)
{
    (void)state;
    enum { LEN = 40 };
    uint8_t *secret = guard_end(LEN);
    uint8_t *guess  = guard_end(LEN);
    const upf_str text = {(char *)guess, LEN};

    for (uint8_t i = 0; i < LEN; i++)
        secret[i] = guess[i] = (uint8_t)(i * 37); /* NUL and all */
    assert_true(upf_str_equals_secret(text, secret, LEN));
    for (size_t i = 0; i < LEN; i++)
        for (unsigned bit = 1; bit < 256; bit <<= 1) {
            guess[i] ^= (uint8_t)bit;
            assert_false(upf_str_equals_secret(text, secret, LEN));
            guess[i] ^= (uint8_t)bit;
        }
    for (size_t len = 0; len < LEN; len++) {
        const upf_str shorter = {text.data, len};

        assert_false(upf_str_equals_secret(shorter, secret, LEN));
        assert_false(upf_str_equals_secret(text, secret, len));
        assert_int_equal(upf_str_equals_secret(shorter, secret, len), len > 0);
    }
    assert_false(upf_str_equals_secret((upf_str){NULL, 0}, NULL, 0));
    assert_false(upf_str_equals_secret((upf_str){NULL, 0}, "a", 1));
    guard_free(guess, LEN);
    guard_free(secret, LEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cookie_is_found_by_its_name),
        cmocka_unit_test(a_parameter_is_found_by_its_name),
        cmocka_unit_test(percent_encoding_is_undone_or_refused),
        cmocka_unit_test(a_text_that_is_absent_decodes_to_nothing),
        cmocka_unit_test(a_nul_is_refused_as_it_is),
        cmocka_unit_test(
            of_all_pairs_of_characters_only_hex_digits_are_an_escape),
        cmocka_unit_test(a_bearer_token_is_taken_to_the_letter),
        cmocka_unit_test(text_equals_a_literal_byte_for_byte),
        cmocka_unit_test(a_secret_is_equal_whole_and_never_if_it_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
