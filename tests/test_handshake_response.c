/* SPDX-License-Identifier: MIT */
/* test_handshake_response.c - what a client says to a response. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <cmocka.h>

#include "handshake.h"
#include "http.h"
#include "support/text.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" /* of KEY: section 1.3 */

#define SWITCHING                                   \
    "HTTP/1.1 101 Switching Protocols\r\n"          \
    "Upgrade: websocket\r\n"                        \
    "Connection: Upgrade\r\n"                       \
    "Sec-WebSocket-Accept: " ACCEPT "\r\n"          \
    "\r\n"

static const char *const offer[] = {"chat", "b", NULL};

/* Parse, and judge if it is a 101; UPF_ERR_RESPONSE if it is not. */
static upf_status judge(const char *text, size_t len, upf_response *response)
{
    const char *head = text_at_edge(text, len);
    uint8_t digest[UPF_SHA1_SIZE];

    memset(response, 0xEE, sizeof *response);
    const upf_status status = upf_response_parse(head, len, response);
    if (status != UPF_OK)
        return status;
    if (response->status != 101)
        return UPF_ERR_RESPONSE;
    upf_accept_digest(KEY, digest);
    return upf_response_judge(response, digest, offer);
}

struct edit {
    const char *find, *replace;
    upf_status  expected;
};

static void assert_edits(const struct edit *edits, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct text *head =
            text_edit(SWITCHING, edits[i].find, edits[i].replace);
        upf_response response;
        const upf_status status = judge(head->data, head->len, &response);

        if (status != edits[i].expected)
            fail_msg("%s, not %s: \"%s\" for \"%s\"", upf_status_name(status),
                     upf_status_name(edits[i].expected), edits[i].replace,
                     edits[i].find);
    }
}

static bool same(upf_str text, const char *expected)
{
    return upf_str_equals(text, expected);
}

static void a_response_is_taken_apart(void **state)
{
    (void)state;
    upf_response response;

    assert_int_equal(judge(SWITCHING, strlen(SWITCHING), &response), UPF_OK);
    assert_int_equal(response.status, 101);
    assert_true(same(response.reason, "Switching Protocols"));
    assert_int_equal(response.headers.len, strlen(SWITCHING) - 34 - 2);
    assert_null(response.subprotocol.data);

    const struct text *head =
        text_edit(SWITCHING, "\r\n\r\n",
                  "\r\nSec-WebSocket-Protocol: chat \r\n\r\n");
    assert_int_equal(judge(head->data, head->len, &response), UPF_OK);
    assert_true(same(response.subprotocol, "chat"));
}

static void any_status_reaches_the_caller_with_its_headers(void **state)
{
    (void)state;
    static const struct { const char *line; int status; const char *reason; }
    cases[] = {
        {"HTTP/1.1 200 OK", 200, "OK"},
        {"HTTP/1.1 301 Moved Permanently", 301, "Moved Permanently"},
        {"HTTP/1.1 401 Unauthorized", 401, "Unauthorized"},
        {"HTTP/1.0 426 x", 426, "x"},
        {"HTTP/1.0 503 Service Unavailable", 503, "Service Unavailable"},
        {"HTTP/1.9 404 ", 404, ""},
        {"HTTP/1.1 404", 404, ""},
        {"HTTP/1.1 500  two  spaces ", 500, " two  spaces "},
        {"HTTP/1.1 500 \xC3\xBC\t", 500, "\xC3\xBC\t"},
        {"HTTP/1.1 100 Continue", 100, "Continue"},
        {"HTTP/1.1 999 x", 999, "x"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char head[128];
        upf_response response;
        upf_str value;

        snprintf(head, sizeof head, "%s\r\nRetry-After: 5\r\nX:\r\n\r\n",
                 cases[i].line);
        assert_int_equal(judge(head, strlen(head), &response),
                         UPF_ERR_RESPONSE);
        assert_int_equal(response.status, cases[i].status);
        assert_true(same(response.reason, cases[i].reason));
        assert_true(upf_header_find(response.headers, "retry-after", &value));
        assert_true(same(value, "5"));
        assert_null(response.subprotocol.data);
    }
    upf_response response;
    static const char bare[] = "HTTP/1.1 404 Not Found\r\n\r\n";
    assert_int_equal(judge(bare, strlen(bare), &response), UPF_ERR_RESPONSE);
    assert_int_equal(response.headers.len, 0);
}

static void what_answers_our_key_is_accepted(void **state)
{
    (void)state;
    static const struct edit edits[] = {
        {"HTTP/1.1", "HTTP/1.2", UPF_OK},
        {" Switching Protocols", " ", UPF_OK},
        {" Switching Protocols", "", UPF_OK},
        {"websocket", "Websocket", UPF_OK},
        {"websocket", "WEBSOCKET", UPF_OK},
        {"Upgrade: websocket", "upgrade:websocket \t", UPF_OK},
        {"Connection: Upgrade", "Connection: keep-alive, upgrade", UPF_OK},
        {"Connection: Upgrade", "Connection: a\r\nconnection: UPGRADE", UPF_OK},
        {"Connection: Upgrade", "Connection: upgrade\r\nConnection: a", UPF_OK},
        {" " ACCEPT, "\t" ACCEPT " \t ", UPF_OK},
        {"Sec-WebSocket-Accept", "SEC-WEBSOCKET-ACCEPT", UPF_OK},
        {"Connection", "Sec-WebSocket-Protocol: b\r\nConnection", UPF_OK},
        {"Connection", "Server: x\r\nDate: y\r\nConnection", UPF_OK},
    };
    assert_edits(edits, COUNT(edits));
}

static void what_breaks_section_4_1_is_refused_by_its_name(void **state)
{
    (void)state;
    static const struct edit edits[] = {
        /* status line */
        {"HTTP/1.1", "HTTP/1.0", UPF_ERR_HTTP_VERSION},
        {"HTTP/1.1", "HTTP/2.0", UPF_ERR_HTTP_VERSION},
        {"HTTP/1.1 101", "HTTP/2.0 200", UPF_ERR_HTTP_VERSION},
        {"HTTP/1.1", "HTTP/2", UPF_ERR_HTTP},
        {"HTTP/1.1", "http/1.1", UPF_ERR_HTTP},
        {"HTTP/1.1", "ICY/1.1", UPF_ERR_HTTP},
        {"HTTP/1.1", " HTTP/1.1", UPF_ERR_HTTP},
        {"HTTP/1.1", "\r\nHTTP/1.1", UPF_ERR_HTTP},
        {"HTTP/1.1 ", "HTTP/1.1\t", UPF_ERR_HTTP},
        {"HTTP/1.1 ", "HTTP/1.1  ", UPF_ERR_HTTP},
        {"101", "10", UPF_ERR_HTTP},
        {"101", "1011", UPF_ERR_HTTP},
        {"101", "099", UPF_ERR_HTTP},
        {"101", "000", UPF_ERR_HTTP},
        {"101", "1a1", UPF_ERR_HTTP},
        {"101", "+01", UPF_ERR_HTTP},
        {"101 S", "101S", UPF_ERR_HTTP},
        {"101 S", "101\tS", UPF_ERR_HTTP},
        {"Switching", "\x01", UPF_ERR_HTTP},
        {"Switching", "\x7F", UPF_ERR_HTTP},
        {"Switching", "\r", UPF_ERR_HTTP},
        {"HTTP/1.1 101 Switching Protocols\r\n", "", UPF_ERR_HTTP},
        {"HTTP/1.1 101 Switching Protocols", "", UPF_ERR_HTTP},
        {"HTTP/1.1 101 Switching Protocols", "HTTP/1.1", UPF_ERR_HTTP},
        {"HTTP/1.1 101 Switching Protocols", "GET / HTTP/1.1", UPF_ERR_HTTP},
        /* header lines */
        {"Upgrade:", "Upgrade :", UPF_ERR_HTTP},
        {"Upgrade:", " Upgrade:", UPF_ERR_HTTP},
        {"Upgrade:", "Up grade:", UPF_ERR_HTTP},
        {"Upgrade:", ":", UPF_ERR_HTTP},
        {"Upgrade:", "Upgrade", UPF_ERR_HTTP},
        {"websocket\r\n", "websocket\n", UPF_ERR_HTTP},
        {"websocket\r\n", "websocket\r", UPF_ERR_HTTP},
        {"websocket\r\n", "websocket\r\n folded\r\n", UPF_ERR_HTTP},
        {"websocket", "web\x1Fsocket", UPF_ERR_HTTP},
        {"\r\n\r\n", "\r\n\r\nx", UPF_ERR_HTTP},
        {"\r\n\r\n", "\r\n", UPF_ERR_HTTP},
        {"\r\n\r\n", "\r\n\n", UPF_ERR_HTTP},
        /* Upgrade */
        {"Upgrade: websocket\r\n", "", UPF_ERR_UPGRADE},
        {"websocket", "", UPF_ERR_UPGRADE},
        {"websocket", "websocket2", UPF_ERR_UPGRADE},
        {"websocket", "websocke", UPF_ERR_UPGRADE},
        {"websocket", "h2c", UPF_ERR_UPGRADE},
        {"websocket", "websocket, h2c", UPF_ERR_UPGRADE},
        {"websocket", "h2c, websocket", UPF_ERR_UPGRADE},
        {"websocket", "websocket,", UPF_ERR_UPGRADE},
        {"websocket", "websocket/13", UPF_ERR_UPGRADE},
        {"Connection", "Upgrade: websocket\r\nConnection", UPF_ERR_UPGRADE},
        {"Connection", "upgrade: h2c\r\nConnection", UPF_ERR_UPGRADE},
        /* Connection */
        {"Connection: Upgrade\r\n", "", UPF_ERR_CONNECTION},
        {"Connection: Upgrade", "Connection:", UPF_ERR_CONNECTION},
        {"Connection: Upgrade", "Connection: upgraded", UPF_ERR_CONNECTION},
        {"Connection: Upgrade", "Connection: close", UPF_ERR_CONNECTION},
        /* Accept */
        {"Sec-WebSocket-Accept: " ACCEPT "\r\n", "", UPF_ERR_ACCEPT},
        {ACCEPT, "", UPF_ERR_ACCEPT},
        {ACCEPT, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo", UPF_ERR_ACCEPT},
        {ACCEPT, "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=", UPF_ERR_ACCEPT},
        {ACCEPT, "s3pPLMBiTxaQ9kYGzzhZRbK+xOp=", UPF_ERR_ACCEPT},
        {ACCEPT, KEY, UPF_ERR_ACCEPT},
        {ACCEPT, ACCEPT "=", UPF_ERR_ACCEPT},
        {ACCEPT, "\"" ACCEPT "\"", UPF_ERR_ACCEPT},
        {ACCEPT, "s3pPLMBiTxaQ9kYG zzhZRbK+xOo=", UPF_ERR_ACCEPT},
        {"Connection", "Sec-WebSocket-Accept: " ACCEPT "\r\nConnection",
         UPF_ERR_ACCEPT},
        {"Connection", "Sec-WebSocket-Accept: x\r\nConnection", UPF_ERR_ACCEPT},
        /* subprotocol */
        {"Connection", "Sec-WebSocket-Protocol:\r\nConnection",
         UPF_ERR_SUBPROTOCOL_NOT_OFFERED},
        {"Connection", "Sec-WebSocket-Protocol: other\r\nConnection",
         UPF_ERR_SUBPROTOCOL_NOT_OFFERED},
        {"Connection", "Sec-WebSocket-Protocol: Chat\r\nConnection",
         UPF_ERR_SUBPROTOCOL_NOT_OFFERED},
        {"Connection", "Sec-WebSocket-Protocol: cha\r\nConnection",
         UPF_ERR_SUBPROTOCOL_NOT_OFFERED},
        {"Connection", "Sec-WebSocket-Protocol: chat, b\r\nConnection",
         UPF_ERR_SUBPROTOCOL_NOT_OFFERED},
        {"Connection", "Sec-WebSocket-Protocol: chat\r\n"
                       "Sec-WebSocket-Protocol: chat\r\nConnection",
         UPF_ERR_SUBPROTOCOL_LINES},
    };
    assert_edits(edits, COUNT(edits));
}

static void a_subprotocol_that_nobody_asked_for_is_refused(void **state)
{
    (void)state;
    static const char *const none[] = {NULL};
    const struct text *head =
        text_edit(SWITCHING, "\r\n\r\n",
                  "\r\nSec-WebSocket-Protocol: chat\r\n\r\n");
    uint8_t digest[UPF_SHA1_SIZE];
    upf_response response;

    upf_accept_digest(KEY, digest);
    assert_int_equal(upf_response_parse(head->data, head->len, &response),
                     UPF_OK);
    assert_int_equal(upf_response_judge(&response, digest, NULL),
                     UPF_ERR_SUBPROTOCOL_NOT_OFFERED);
    assert_int_equal(upf_response_judge(&response, digest, none),
                     UPF_ERR_SUBPROTOCOL_NOT_OFFERED);
    assert_null(response.subprotocol.data);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    upf_response response;

    for (size_t cut = 0; cut < strlen(SWITCHING); cut++)
        assert_int_equal(judge(SWITCHING, cut, &response), UPF_ERR_HTTP);
}

static void a_line_is_read_within_its_length(void **state)
{
    (void)state;
    static const char line[] = "HTTP/1.1 101";
    upf_response response;

    for (size_t n = 0; n < sizeof line; n++) {
        char head[32];
        memcpy(head, line, n);
        memcpy(head + n, "\r\n\r\n", 4);
        assert_int_equal(judge(head, n + 2, &response), UPF_ERR_HTTP);
        assert_int_equal(judge(head, n + 4, &response),
                         n == strlen(line) ? UPF_ERR_UPGRADE : UPF_ERR_HTTP);
    }
}

/* One byte of the acceptance changed: what it may be is soon written down. */
static bool may_be(size_t at, char c)
{
    static const char text[] = SWITCHING;
    const char *const reason = strstr(text, "Switching");
    const char *const accept = strstr(text, ACCEPT);
    const char *const here = text + at;
    const bool is_space = c == ' ' || c == '\t';
    const bool is_text = is_space || (unsigned char)c > 0x20;

    if (c == *here)
        return true;
    if (at == 7) /* HTTP/1.x */
        return c >= '1' && c <= '9';
    if (here >= reason && here < reason + strlen("Switching Protocols"))
        return is_text && c != 0x7F;
    if (here < reason || *here == '\r' || *here == '\n' || *here == ':')
        return false;
    if (*here == ' ') /* behind a colon; an empty element in a list */
        return is_space || (c == ',' && here == strstr(text, " Upgrade\r"));
    if (here >= accept && here < accept + strlen(ACCEPT))
        return false;
    return strncasecmp(here, &c, 1) == 0;
}

static void every_substitution_is_judged_right(void **state)
{
    (void)state;
    char text[] = SWITCHING;

    for (size_t at = 0; at < sizeof text - 1; at++) {
        for (int c = 0; c < 256; c++) {
            upf_response response;

            text[at] = (char)c;
            const bool got = judge(text, sizeof text - 1, &response) == UPF_OK;
            if (got != may_be(at, (char)c))
                fail_msg("%s: %02X at %zu", got ? "accepted" : "refused",
                         (unsigned)c, at);
        }
        text[at] = SWITCHING[at];
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_response_is_taken_apart),
        cmocka_unit_test(any_status_reaches_the_caller_with_its_headers),
        cmocka_unit_test(what_answers_our_key_is_accepted),
        cmocka_unit_test(what_breaks_section_4_1_is_refused_by_its_name),
        cmocka_unit_test(a_subprotocol_that_nobody_asked_for_is_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(a_line_is_read_within_its_length),
        cmocka_unit_test(every_substitution_is_judged_right),
    };
    return cmocka_run_group_tests_name("handshake_response", tests, NULL, NULL);
}
