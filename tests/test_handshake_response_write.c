/* SPDX-License-Identifier: MIT */
/* test_handshake_response_write.c - the responses that a server writes, and
 * what its caller cannot smuggle into them. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "handshake.h"
#include "http.h"
#include "support/guard.h"
#include "support/try_write.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- 101 -------------------------------------------------------------- */

static const uint8_t digest[UPF_SHA1_SIZE] = { /* RFC 6455, section 4.2.2 */
    0xB3, 0x7A, 0x4F, 0x2C, 0xC0, 0x62, 0x4F, 0x16, 0x90, 0xF6,
    0x46, 0x06, 0xCF, 0x38, 0x59, 0x45, 0xB2, 0xBE, 0xC4, 0xEA,
};

#define SWITCHING                                          \
    "HTTP/1.1 101 Switching Protocols\r\n"                 \
    "Upgrade: websocket\r\n"                               \
    "Connection: Upgrade\r\n"                              \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

static void an_acceptance_has_these_bytes(void **state)
{
    (void)state;
    static const upf_header headers[] = {{"Set-Cookie", "a=b"}, {"X", "y"}};
    static const struct {
        const char *subprotocol, *extension;
        size_t      headers;
        const char *bytes;
    } cases[] = {
        {"", "", 0, SWITCHING "\r\n"},
        {NULL, NULL, 0, SWITCHING "\r\n"},
        {"chat", "", 0, SWITCHING "Sec-WebSocket-Protocol: chat\r\n\r\n"},
        {"", "pmd; x=1", 0,
         SWITCHING "Sec-WebSocket-Extensions: pmd; x=1\r\n\r\n"},
        {"chat", "pmd", 2,
         SWITCHING "Sec-WebSocket-Protocol: chat\r\n"
                   "Sec-WebSocket-Extensions: pmd\r\n"
                   "Set-Cookie: a=b\r\nX: y\r\n\r\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const size_t needed = strlen(cases[i].bytes);
        for (size_t cap = 0; cap <= needed + 1; cap++) {
            uint8_t *out = guard_end(cap);
            size_t len = 999;

            assert_int_equal(
                try_accept_write(digest, upf_str_of(cases[i].subprotocol),
                                 upf_str_of(cases[i].extension), headers,
                                 cases[i].headers, (char *)out, cap, &len),
                cap < needed ? UPF_NEED_MORE : UPF_OK);
            assert_int_equal(len, needed);
            if (cap >= needed)
                assert_memory_equal(out, cases[i].bytes, needed);
            else
                for (size_t at = 0; at < cap; at++)
                    assert_int_equal(out[at], 0);
            guard_free(out, cap);
        }
    }
}

static void no_field_of_an_answer_can_inject(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        const char text[] = {'a', (char)c, 'b', '\0'};
        const upf_str with = {text, 3}, none = {NULL, 0};
        const bool is_text = (c >= 0x20 && c != 0x7F) || c == '\t';
        const bool is_token = upf_is_token((upf_str){(char[]){(char)c}, 1});
        const upf_header name = {text, "x"}, value = {"X", text};
        char out[512] = "untouched";
        size_t len;

        /* A header ends at its NUL: nothing behind it can get in. */
        const struct { upf_status got; bool valid; } cases[] = {
            {try_accept_write(digest, with, none, NULL, 0, out, 0, &len),
             is_token},
            {try_accept_write(digest, none, with, NULL, 0, out, 0, &len),
             is_text},
            {try_accept_write(digest, none, none, &name, 1, out, 0, &len),
             is_token || c == 0},
            {try_accept_write(digest, none, none, &value, 1, out, 0, &len),
             is_text || c == 0},
            {try_refusal_write(404, &name, 1, NULL, 0, false, out, 0, &len),
             is_token || c == 0},
            {try_refusal_write(404, &value, 1, NULL, 0, false, out, 0, &len),
             is_text || c == 0},
        };
        for (size_t i = 0; i < COUNT(cases); i++)
            assert_int_equal(cases[i].got, cases[i].valid ? UPF_NEED_MORE
                                                          : UPF_ERR_ARGUMENT);
        assert_string_equal(out, "untouched");
        if (!is_text) {
            assert_int_equal(try_accept_write(digest, none, with, NULL, 0, out,
                                              sizeof out, &len),
                             UPF_ERR_ARGUMENT);
            assert_string_equal(out, "untouched");
            assert_int_equal(len, 0);
        }
    }
}

static void a_server_too_keeps_some_headers_to_itself(void **state)
{
    (void)state;
    static const char *const ours[] = {
        "Connection", "UPGRADE", "content-length", "Transfer-Encoding",
        "Sec-WebSocket-Accept", "sec-websocket-protocol", "", "a b", NULL,
    };
    static const char *const theirs[] = {
        "Set-Cookie", "Host", "Origin", "Date",
    };
    const upf_str none = {NULL, 0};
    char out[512];
    size_t len;

    for (size_t i = 0; i < COUNT(ours); i++) {
        const upf_header header = {ours[i], "x"};
        assert_int_equal(try_accept_write(digest, none, none, &header, 1, out,
                                          sizeof out, &len), UPF_ERR_ARGUMENT);
        assert_int_equal(try_refusal_write(404, &header, 1, "", 0, false, out,
                                           sizeof out, &len),
                         UPF_ERR_ARGUMENT);
    }
    for (size_t i = 0; i < COUNT(theirs); i++) {
        const upf_header header = {theirs[i], "x"};
        assert_int_equal(try_accept_write(digest, none, none, &header, 1, out,
                                          sizeof out, &len), UPF_OK);
    }
}

/* ---- Refusals --------------------------------------------------------- */

/* Compare with `expected`, in memory of exactly the size and of one less. */
static void assert_refusal(int status, const upf_header *headers, size_t count,
                           const char *body, bool omit, const char *expected)
{
    const size_t needed = strlen(expected);
    uint8_t *out = guard_end(needed);
    size_t len = 999;

    assert_int_equal(try_refusal_write(status, headers, count, body,
                                       strlen(body), omit, (char *)out + 1,
                                       needed - 1, &len), UPF_NEED_MORE);
    assert_int_equal(len, needed);
    assert_int_equal(out[1], 0);
    assert_int_equal(try_refusal_write(status, headers, count, body,
                                       strlen(body), omit, (char *)out,
                                       needed, &len), UPF_OK);
    assert_int_equal(len, needed);
    if (memcmp(out, expected, needed) != 0)
        fail_msg("%.*s", (int)len, (char *)out);
    guard_free(out, needed);
}

static void a_refusal_has_these_bytes(void **state)
{
    (void)state;
    static const upf_header type = {"Content-Type", "text/html"};

    assert_refusal(404, &type, 1, "<p>no", false,
                   "HTTP/1.1 404 Not Found\r\nConnection: close\r\n"
                   "Content-Length: 5\r\nContent-Type: text/html\r\n\r\n"
                   "<p>no");
    assert_refusal(404, &type, 1, "<p>no", true, /* a HEAD request */
                   "HTTP/1.1 404 Not Found\r\nConnection: close\r\n"
                   "Content-Length: 5\r\nContent-Type: text/html\r\n\r\n");
    assert_refusal(200, NULL, 0, "", false,
                   "HTTP/1.1 200 OK\r\nConnection: close\r\n"
                   "Content-Length: 0\r\n\r\n");
    assert_refusal(599, NULL, 0, "0123456789", false,
                   "HTTP/1.1 599 \r\nConnection: close\r\n"
                   "Content-Length: 10\r\n\r\n0123456789");
    assert_refusal(204, NULL, 0, "x", false,
                   "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    assert_refusal(304, NULL, 0, "x", false,
                   "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n");
    assert_refusal(205, NULL, 0, "x", false,
                   "HTTP/1.1 205 Reset Content\r\nConnection: close\r\n"
                   "Content-Length: 0\r\n\r\n");
    assert_refusal(426, NULL, 0, "", false,
                   "HTTP/1.1 426 Upgrade Required\r\n"
                   "Connection: Upgrade, close\r\nUpgrade: websocket\r\n"
                   "Sec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n");
}

static void a_refusal_is_from_200_to_599_and_readable(void **state)
{
    (void)state;
    for (int status = -1; status <= 1000; status++) {
        char out[512];
        size_t len;
        upf_response response;
        const bool valid = status >= 200 && status <= 599;

        assert_int_equal(try_refusal_write(status, NULL, 0, NULL, 0, false,
                                           out, sizeof out, &len),
                         valid ? UPF_OK : UPF_ERR_ARGUMENT);
        if (!valid)
            continue;
        assert_int_equal(upf_response_parse(out, len, &response), UPF_OK);
        assert_int_equal(response.status, status);
    }
    size_t len;
    assert_int_equal(try_refusal_write(200, NULL, 0, NULL, 1, false, NULL, 0,
                                       &len), UPF_ERR_ARGUMENT);
}

static void a_body_of_any_size_has_its_length(void **state)
{
    (void)state;
    static char body[100001], out[sizeof body + 200];

    memset(body, '\xEE', sizeof body);
    for (size_t n = 1; n <= sizeof body; n = n * 10 - n % 10) {
        for (size_t size = n - 1; size <= n; size++) {
            char expected[64];
            size_t len;

            assert_int_equal(try_refusal_write(200, NULL, 0, body, size, false,
                                               out, sizeof out, &len), UPF_OK);
            snprintf(expected, sizeof expected,
                     "\r\nContent-Length: %zu\r\n\r\n", size);
            const char *found = strstr(out, expected);
            assert_non_null(found);
            assert_int_equal(len, (size_t)(found - out) + strlen(expected) +
                                      size);
            assert_memory_equal(out + len - size, body, size);
        }
    }
}

/* ---- Our own answer to what failed ------------------------------------ */

static void every_failure_is_answered_with_its_status_and_its_reason(
    void **state)
{
    (void)state;
    for (int i = UPF_STATUS_LAST; i <= UPF_DONE; i++) {
        const upf_status why = (upf_status)i;
        char out[1024];
        size_t len;
        const upf_status got = try_failure_write(why, false, out, sizeof out, &len);

        if (upf_status_http(why) == 0) {
            assert_int_equal(got, UPF_ERR_ARGUMENT);
            assert_int_equal(len, 0);
            continue;
        }
        assert_int_equal(got, UPF_OK);
        out[len] = '\0';

        const char *body = strstr(out, "\r\n\r\n") + 4;
        upf_response response;
        upf_str value;
        assert_int_equal(upf_response_parse(out, (size_t)(body - out),
                                            &response), UPF_OK);
        assert_int_equal(response.status, upf_status_http(why));
        assert_int_not_equal(response.reason.len, 0);
        assert_true(upf_header_find(response.headers, "Content-Length",
                                    &value));
        assert_int_equal(strtoul(value.data, NULL, 10), strlen(body));
        assert_true(upf_header_find(response.headers, "Content-Type", &value));
        assert_true(upf_str_equals_nocase(value, "text/plain; charset=utf-8"));
        assert_true(upf_header_find(response.headers, "X-Content-Type-Options",
                                    &value));
        assert_true(upf_str_equals_nocase(value, "nosniff"));
        assert_true(upf_header_find(response.headers, "Connection", &value));
        assert_true(upf_list_has(value, "close"));
        assert_non_null(strstr(body, upf_status_text(why)));
        assert_non_null(strstr(body, upf_status_section(why)));

        const bool upgrade = response.status == 426;
        assert_int_equal(upf_list_has(value, "upgrade"), upgrade);
        assert_int_equal(upf_header_find(response.headers, "Upgrade", &value),
                         upgrade);
        assert_int_equal(upf_header_find(response.headers,
                                         "Sec-WebSocket-Version", &value),
                         upgrade);
        assert_int_equal(upf_header_find(response.headers, "Allow", &value),
                         response.status == 405);

        for (size_t cap = 0; cap < len; cap += 7) {
            char small[1024] = "untouched";
            size_t again;
            assert_int_equal(try_failure_write(why, false, small, cap, &again),
                             UPF_NEED_MORE);
            assert_int_equal(again, len);
            assert_string_equal(small, "untouched");
        }
    }
}

/* What to do, behind what is wrong; "" if there is no such answer. */
static const char *advice_of(upf_status why, char *out, size_t cap)
{
    size_t len;

    if (upf_status_http(why) == 0)
        return "";
    assert_int_equal(try_failure_write(why, false, out, cap, &len), UPF_OK);
    out[len] = '\0';
    return strstr(strstr(out, "\r\n\r\n"), ". ") + 2;
}

/* Who reads an answer is not sent to look for the wrong thing. */
static void every_cause_has_its_own_advice(void **state)
{
    (void)state;
    static const struct { upf_status why; const char *hint; } cases[] = {
        {UPF_ERR_HTTP, "CR LF"},
        {UPF_ERR_REQUEST_LINE, "GET /path HTTP/1.1"},
        {UPF_ERR_REQUEST_LINE, "TLS"},
        {UPF_ERR_HTTP_VERSION, "proxy"},
        {UPF_ERR_HEAD_TOO_BIG, "cookies"},
        {UPF_ERR_TARGET_TOO_BIG, "URL"},
        {UPF_ERR_TARGET, "slash"},
        {UPF_ERR_TARGET_CHARACTER, "%20"},
        {UPF_ERR_TARGET_FRAGMENT, "#"},
        {UPF_ERR_AUTHORITY, "Host"},
        {UPF_ERR_NO_PROXY, "CONNECT"},
        {UPF_ERR_UPGRADE_STRIPPED, "proxy"},
        {UPF_ERR_ORIGIN, "Host"},
        {UPF_ERR_ORIGIN, "origin"},
        {UPF_ERR_VERSION_REPEATED, "one line"},
        {UPF_ERR_SUBPROTOCOL_REPEATED, "once"},
        {UPF_ERR_SUBPROTOCOL_COUNT, "fewer"},
        {UPF_ERR_HOST, "brackets"},
        {UPF_ERR_HOST_MISSING, "Send a Host"},
        {UPF_ERR_HOST_REPEATED, "one Host"},
        {UPF_ERR_KEY, "24 characters"},
        {UPF_ERR_KEY_MISSING, "removed"},
        {UPF_ERR_KEY_REPEATED, "one Sec-WebSocket-Key"},
        {UPF_ERR_ORIGIN_REPEATED, "one Origin"},
    };
    char one[1024], two[1024];

    for (size_t i = 0; i < COUNT(cases); i++)
        if (strstr(advice_of(cases[i].why, one, sizeof one), cases[i].hint) ==
            NULL)
            fail_msg("%s: %s", upf_status_name(cases[i].why), one);
    for (int i = UPF_STATUS_LAST; i < 0; i++) {
        const char *mine = advice_of((upf_status)i, one, sizeof one);
        if (*mine == '\0' || strcmp(mine, "Try again.\n") == 0)
            continue;
        for (int j = UPF_STATUS_LAST; j < i; j++)
            assert_string_not_equal(
                mine, advice_of((upf_status)j, two, sizeof two));
    }
    /* Again is worth a try only where nothing was wrong with the request. */
    assert_string_equal(advice_of(UPF_ERR_NO_MEMORY, one, sizeof one),
                        "Try again.\n");
    for (int i = UPF_STATUS_LAST; i < 0; i++)
        if (upf_status_http((upf_status)i) / 100 == 4 &&
            i != UPF_ERR_HANDSHAKE_TIMEOUT)
            assert_string_not_equal(
                advice_of((upf_status)i, one, sizeof one), "Try again.\n");
}

static void a_wrong_version_is_answered_to_the_letter(void **state)
{
    (void)state;
    static const char expected[] =
        "HTTP/1.1 426 Upgrade Required\r\n"
        "Connection: Upgrade, close\r\n"
        "Upgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Content-Length: 92\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "\r\n"
        "426: Sec-WebSocket-Version other than 13 (RFC 6455, 4.4). "
        "Send \"Sec-WebSocket-Version: 13\".\n";
    char out[1024];
    size_t len;

    assert_int_equal(try_failure_write(UPF_ERR_VERSION, false, out, sizeof out,
                                       &len), UPF_OK);
    out[len] = '\0';
    assert_string_equal(out, expected);
}

static void a_failed_head_request_is_answered_without_the_body(void **state)
{
    (void)state;
    char whole[1024], head[1024];
    size_t whole_len, head_len;

    assert_int_equal(try_failure_write(UPF_ERR_NOT_UPGRADE, false, whole,
                                       sizeof whole, &whole_len), UPF_OK);
    assert_int_equal(try_failure_write(UPF_ERR_NOT_UPGRADE, true, head,
                                       sizeof head, &head_len), UPF_OK);
    assert_true(head_len < whole_len);
    assert_memory_equal(head, whole, head_len);
    assert_memory_equal(head + head_len - 4, "\r\n\r\n", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_acceptance_has_these_bytes),
        cmocka_unit_test(no_field_of_an_answer_can_inject),
        cmocka_unit_test(a_server_too_keeps_some_headers_to_itself),
        cmocka_unit_test(a_refusal_has_these_bytes),
        cmocka_unit_test(a_refusal_is_from_200_to_599_and_readable),
        cmocka_unit_test(a_body_of_any_size_has_its_length),
        cmocka_unit_test(
            every_failure_is_answered_with_its_status_and_its_reason),
        cmocka_unit_test(every_cause_has_its_own_advice),
        cmocka_unit_test(a_wrong_version_is_answered_to_the_letter),
        cmocka_unit_test(a_failed_head_request_is_answered_without_the_body),
    };
    return cmocka_run_group_tests_name("handshake_response_write", tests, NULL,
                                       NULL);
}
