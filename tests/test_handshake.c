/* SPDX-License-Identifier: MIT */
/* test_handshake.c - keys and accepts, extension lists, and a round trip. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "handshake.h"
#include "http.h"
#include "support/text.h"
#include "support/try_write.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" /* of KEY */

/* ---- Key and accept --------------------------------------------------- */

static void the_accept_value_is_that_of_the_rfc(void **state)
{
    (void)state;
    static const uint8_t digest[UPF_SHA1_SIZE] = { /* section 4.2.2 */
        0xB3, 0x7A, 0x4F, 0x2C, 0xC0, 0x62, 0x4F, 0x16, 0x90, 0xF6,
        0x46, 0x06, 0xCF, 0x38, 0x59, 0x45, 0xB2, 0xBE, 0xC4, 0xEA,
    };
    const upf_str key = exact(KEY, UPF_KEY_LEN);
    char accept[UPF_ACCEPT_LEN + 1];
    uint8_t got[UPF_SHA1_SIZE];

    assert_int_equal(upf_accept_key(key.data, key.len, accept), UPF_OK);
    assert_string_equal(accept, ACCEPT);
    upf_accept_digest(key.data, got);
    assert_memory_equal(got, digest, sizeof digest);
    exact_free(key);
}

static void a_key_is_sixteen_bytes_in_base64(void **state)
{
    (void)state;
    static const struct { const char *key; bool valid; } cases[] = {
        {KEY, true},
        {"AQIDBAUGBwgJCgsMDQ4PEC==", true}, /* section 4.1: bits to spare */
        {"AAAAAAAAAAAAAAAAAAAAAA==", true},
        {"////////////////////+/==", true},
        {"", false},
        {"AAAAAAAAAAAAAAAAAAAA", false},     /* 15 bytes */
        {"AAAAAAAAAAAAAAAAAAAAAAA=", false}, /* 17 */
        {"AAAAAAAAAAAAAAAAAAAAAAAA", false}, /* 18 */
        {"dGhlIHNhbXBsZSBub25jZQ=", false},  /* padding is missing */
        {"dGhlIHNhbXBsZSBub25jZQ", false},
        {"dGhlIHNhbXBsZSBub25jZQ===", false},
        {"dGhlIHNhbXBsZSBub25jZ===", false},
        {"dGhlIHNhbXBsZSBub25j=Q==", false},
        {"dGhlIHNhbXBsZSBub25jZQ== ", false},
        {" dGhlIHNhbXBsZSBub25jZQ=", false},
        {"dGhlIHNhbXBsZSB-b25jZQ==", false}, /* another alphabet */
        {"dGhlIHNhbXBsZSB_b25jZQ==", false},
        {"dGhlIHNhbXBsZSB,b25jZQ==", false},
        {"dGhlIHNhbXBsZSB\x80" "b25jZQ==", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const upf_str key = exact(cases[i].key, strlen(cases[i].key));
        char accept[UPF_ACCEPT_LEN + 1] = "untouched";

        if (upf_is_key(key) != cases[i].valid)
            fail_msg("\"%s\"", cases[i].key);
        assert_int_equal(upf_accept_key(key.data, key.len, accept),
                         cases[i].valid ? UPF_OK : UPF_ERR_KEY);
        if (!cases[i].valid)
            assert_string_equal(accept, "untouched");
        exact_free(key);
    }
    assert_false(upf_is_key((upf_str){NULL, 0}));
}

/* A key comes from the peer, without a NUL and as long as it likes. */
static void a_key_of_any_length_is_read_within_it(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 200; len++) {
        char text[200], accept[UPF_ACCEPT_LEN + 1];

        memset(text, 'A', sizeof text);
        if (len >= 2)
            text[len - 2] = text[len - 1] = '=';
        const upf_str key = exact(text, len);
        assert_int_equal(upf_accept_key(key.data, key.len, accept),
                         len == UPF_KEY_LEN ? UPF_OK : UPF_ERR_KEY);
        exact_free(key);
    }
}

/* ---- Extensions ------------------------------------------------------- */

typedef upf_status next_fn(upf_str *headers, upf_str *list, upf_str *name,
                           upf_str *params);

/* All extensions of these header lines, as "name(param)(param=value)". */
static upf_status read_extensions(next_fn *next, const char *lines, char *out)
{
    const upf_str whole = exact(lines, strlen(lines));
    upf_str headers = whole, list = {NULL, 0};
    upf_str name, params, param, value;
    upf_status status;

    *out = '\0';
    while ((status = next(&headers, &list, &name, &params)) == UPF_OK) {
        out += sprintf(out, " %.*s", (int)name.len, name.data);
        while (upf_param_next(&params, &param, &value)) {
            out += sprintf(out, "(%.*s", (int)param.len, param.data);
            if (value.data != NULL)
                out += sprintf(out, "=%.*s", (int)value.len, value.data);
            out += sprintf(out, ")");
        }
    }
    exact_free(whole);
    return status;
}

#define EXT "Sec-WebSocket-Extensions: "

static void extensions_come_in_order_from_all_their_lines(void **state)
{
    (void)state;
    static const struct { const char *lines, *all; } cases[] = {
        {"", ""},
        {"Host: a\r\n", ""},
        {EXT "a\r\n", " a"},
        {EXT "a, b\r\n", " a b"},
        {EXT "a\r\nHost: x\r\nsec-websocket-EXTENSIONS:b,c\r\n", " a b c"},
        {EXT "permessage-deflate; client_max_window_bits\r\n",
         " permessage-deflate(client_max_window_bits)"},
        {EXT "a;b=1;c;d=e, a\r\n", " a(b=1)(c)(d=e) a"},
        {EXT " a\t;  b = 1 ; c\t,d \r\n", " a(b=1)(c) d"},
        {EXT "a; b=\"10\"; c=\"x\"\r\n", " a(b=10)(c=x)"},
        {EXT "constructor, __proto__; toString\r\n",
         " constructor __proto__(toString)"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char all[256];
        assert_int_equal(read_extensions(upf_extension_next, cases[i].lines,
                                         all), UPF_DONE);
        assert_string_equal(all, cases[i].all);
        assert_int_equal(read_extensions(upf_extension_next_offer,
                                         cases[i].lines, all), UPF_DONE);
        assert_string_equal(all, cases[i].all);
    }
}

/* RFC 9110, section 5.6.1.2: a server ignores them; a client is to the letter,
 * as browsers are. */
static void empty_elements_are_ignored_in_an_offer_only(void **state)
{
    (void)state;
    static const struct { const char *lines, *all; } cases[] = {
        {EXT "\r\n", ""},
        {EXT ",\r\n", ""},
        {EXT " , ,\t,, \r\n", ""},
        {EXT "a,\r\n", " a"},
        {EXT "a, \r\n", " a"},
        {EXT ",a\r\n", " a"},
        {EXT ", ,a;b=c ,,\t, d,,\r\n", " a(b=c) d"},
        {EXT "\r\n" EXT "a,\r\nX: y\r\n" EXT ",\r\n" EXT ",b\r\n", " a b"},
        {EXT "a\r\n" EXT "\r\n", " a"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char all[256];
        assert_int_equal(read_extensions(upf_extension_next_offer,
                                         cases[i].lines, all), UPF_DONE);
        assert_string_equal(all, cases[i].all);
        assert_int_equal(read_extensions(upf_extension_next, cases[i].lines,
                                         all), UPF_ERR_EXTENSION);
    }
}

static void what_is_off_the_grammar_of_section_9_1_is_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "a b", "a;", ";", "a;,b", "a;b=,c", "a b,", "a;;b", ";a", "a;b=", "a;=1",
        "a;b=1=2", "a;b==1", "a=1", "a;b c", "a;b=1 2", "a;b=\"\"",
        "a;b=\"1 2\"", "a;b=\"1;2\"", "a;b=\"1,2\"", "a;b=\"1\\\"\"",
        "a;b=\"\\1\"", "a;b=\"", "a;b=\"1", "a;b=1\"", "a;b=\"1\"2",
        "a;b=\"\"1\"\"", "a;\"b\"=1", "\"a\"", "a/b", "a;b/c", "a;b=c/d",
        "a\x80", "a;b\x80", "a;b=\x80", "a;b=\"\x80\"", "a\tb", "(a)", "a:b",
        "a;b=(c)", "a; b=c; ", "a, b; c=, d",
    };
    for (size_t i = 0; i < COUNT(refused); i++) {
        char lines[128], all[256];
        sprintf(lines, EXT "%s\r\n", refused[i]);
        if (read_extensions(upf_extension_next, lines, all) !=
                UPF_ERR_EXTENSION ||
            read_extensions(upf_extension_next_offer, lines, all) !=
                UPF_ERR_EXTENSION)
            fail_msg("accepted: \"%s\" as%s", refused[i], all);
    }
}

/* ---- Round trip ------------------------------------------------------- */

/* What a server does with a request that it accepts. */
static void answer(const upf_request *request, const char *const *ours,
                   char *out, size_t cap, size_t *len)
{
    const char *chosen = upf_subprotocol_choose(request, ours);
    uint8_t digest[UPF_SHA1_SIZE];

    upf_accept_digest(request->key.data, digest);
    assert_int_equal(try_accept_write(digest, upf_str_of(chosen),
                                      upf_str_of("ext; a=1"), NULL, 0, out,
                                      cap, len), UPF_OK);
}

static void a_client_and_a_server_of_ours_agree(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "ws://a", "wss://[::1]:8443/x?y=%20", "ws://example.com:8080?q",
    };
    static const char *const offer[] = {"one", "two", "three", NULL};
    static const char *const ours[] = {"zero", "three", "two", NULL};
    const upf_header header = {"Cookie", "a=b; c=\"d\""};

    for (size_t i = 0; i < COUNT(urls); i++) {
        const upf_client_request wish = {
            urls[i], "http://origin.example", &header, 1
        };
        upf_url url;
        upf_request request;
        upf_response response;
        char head[1024];
        size_t len;

        assert_int_equal(upf_url_parse(urls[i], &url), UPF_OK);
        assert_int_equal(try_request_write(&wish, &url, KEY, offer,
                                           upf_str_of("ext; a=1"), head,
                                           sizeof head, &len), UPF_OK);
        const upf_str asked = exact(head, len);
        assert_int_equal(upf_request_parse(asked.data, asked.len, &request),
                         UPF_OK);
        assert_true(upf_str_same(request.host, url.authority));

        answer(&request, ours, head, sizeof head, &len);
        exact_free(asked);
        const upf_str answered = exact(head, len);
        uint8_t digest[UPF_SHA1_SIZE];
        upf_accept_digest(KEY, digest);
        assert_int_equal(upf_response_parse(answered.data, answered.len,
                                            &response), UPF_OK);
        assert_int_equal(upf_response_judge(&response, digest, offer), UPF_OK);
        assert_true(upf_str_equals(response.subprotocol, "three"));
        exact_free(answered);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_accept_value_is_that_of_the_rfc),
        cmocka_unit_test(a_key_is_sixteen_bytes_in_base64),
        cmocka_unit_test(a_key_of_any_length_is_read_within_it),
        cmocka_unit_test(extensions_come_in_order_from_all_their_lines),
        cmocka_unit_test(what_is_off_the_grammar_of_section_9_1_is_refused),
        cmocka_unit_test(empty_elements_are_ignored_in_an_offer_only),
        cmocka_unit_test(a_client_and_a_server_of_ours_agree),
    };
    return cmocka_run_group_tests_name("handshake", tests, NULL, NULL);
}
