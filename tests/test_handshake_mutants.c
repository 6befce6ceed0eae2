/* SPDX-License-Identifier: MIT */
/* test_handshake_mutants.c - two million broken requests, each judged
 * by a naive server, too. */

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
#include "http_scan.h"
#include "support/naive.h"
#include "support/text.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const seeds[] = {
    BASE,
    PAGE,
    "\r\n" BASE,
    "GET http://[::1]:80/?q HTTP/1.1\r\nhost: [::1]:80\r\n"
    "upgrade: h2c,WebSocket\r\nconnection: close,Upgrade\r\n"
    "sec-websocket-key:AQIDBAUGBwgJCgsMDQ4PEC==\r\n"
    "sec-websocket-version:13\r\ncontent-length:0\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a.example:8443\r\nConnection: keep-alive\r\n"
    "Connection: Upgrade\r\nUpgrade: websocket\r\nOrigin: https://a.example\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: ab, ac\r\nSec-WebSocket-Protocol: bb\r\n"
    "Sec-WebSocket-Extensions: p-d; c=\"15\"; s, x\r\n\r\n",
    "POST / HTTP/1.0\r\nContent-Length: 10\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "OPTIONS http://a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
    "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n",
    "PUT /x HTTP/1.1\r\nHost:\r\nTransfer-Encoding: chunked\r\n\r\n",
    "GET /1 HTTP/1.0\r\nHost: a\r\nUpgrade: webxsocket\r\n\r\n",
};

/* The first handshake, otherwise written. */
static const struct { const char *find, *replace; } variants[] = {
    {"/chat", "/"},
    {"/chat", "/?a=b&c=%20|[]"},
    {"/chat", "wss://EXAMPLE.com/chat?x"},
    {"/chat HTTP/1.1\r\nHost: example.com",
     "ws://a:80/x HTTP/1.1\r\nHost: a:8"},
    {"/chat HTTP/1.1\r\nHost: example.com",
     "https://a HTTP/1.1\r\nHost: a:443"},
    {"/chat", "/\xC3\xBC"},
    {"HTTP/1.1", "HTTP/1.9"},
    {"Host: example.com", "HOST:\texample.com:65535 \t"},
    {"example.com", "[::ffff:1.2.3.4]:8"},
    {"example.com", "a%41,b;c=d"},
    {"example.com", "example.com:"},
    {"websocket", "h2c, websocket"},
    {"websocket", "websocket ,"},
    {"Upgrade: websocket", "Upgrade: h2c\r\nUpgrade: websocket"},
    {"Connection: Upgrade", "connection: a, UPGRADE"},
    {"Connection: Upgrade", "Connection: a\r\nX: y\r\nConnection: upgrade"},
    {"Host", "Content-Length: 00\r\nHost"},
    {"Host", "X:\r\nY: \x80\r\nHost"},
    {"Host", "Origin: http://example.com\r\nHost"},
    {"Host", "Origin: a\r\nOrigin: a\r\nHost"},
    {"Host", "Sec-WebSocket-Protocol: aa,ab\t,b\r\nHost"},
    {"Host", "Sec-WebSocket-Protocol: aa\r\nSec-WebSocket-Protocol: b\r\nHost"},
    {"Host", "Sec-WebSocket-Extensions: a; b=\"c\", a\r\nHost"},
    {"Host", "Sec-WebSocket-Extensions: a;b\r\n"
             "Sec-WebSocket-Extensions:c\r\nHost"},
    {"Host", "Sec-WebSocket-Protocol: a,,b,\r\nSec-WebSocket-Protocol:\r\nHost"},
    {"Host", "Sec-WebSocket-Extensions: ,a;b ,, c\r\n"
             "Sec-WebSocket-Extensions:,\r\nHost"},
    /* and those that break one rule */
    {"GET", "get"},
    {"GET", "PUT"},
    {"HTTP/1.1", "HTTP/1.0"},
    {"example.com", ""},
    {"Host", "Host: a\r\nHost"},
    {"Host", "Content-Length: 1\r\nHost"},
    {"Host", "Transfer-Encoding: x\r\nHost"},
    {"Connection: Upgrade", "Connection: close"},
    {": 13", ": 12"},
    {"Host", "Sec-WebSocket-Version: 13\r\nHost"},
    {"Host", "Sec-WebSocket-Key: " KEY "\r\nHost"},
    {"Host", "Sec-WebSocket-Protocol: a,a\r\nHost"},
    {"Host", "Sec-WebSocket-Extensions: a;\r\nHost"},
};

enum { SEEDS = COUNT(seeds) + COUNT(variants) };

static const char *seed(size_t i)
{
    static char text[1024];

    if (i < COUNT(seeds))
        return seeds[i];
    i -= COUNT(seeds);
    const struct text *head =
        text_edit(BASE, variants[i].find, variants[i].replace);
    memcpy(text, head->data, head->len);
    text[head->len] = '\0';
    return text;
}

static bool scans(const char *text, size_t len)
{
    const struct upf_head_limits limits = {TEXT_CAP, TEXT_CAP, 1000};
    struct upf_head_scan scan = {0};
    size_t taken;

    return upf_head_scan(&scan, &limits, (const uint8_t *)text, len, &taken) ==
               UPF_OK && taken == len;
}

static void assert_judged_like_the_naive_server(const char *text, size_t len)
{
    upf_request request;
    const upf_status status = text_parse_request(text, len, &request);
    const enum naive_verdict expected = naive_judge(text, len);
    const enum naive_verdict got =
        status == UPF_OK                ? NAIVE_WEBSOCKET
        : status == UPF_ERR_NOT_UPGRADE ? NAIVE_PAGE
        : status == UPF_ERR_UPGRADE_STRIPPED ? NAIVE_PAGE
                                             : NAIVE_REFUSED;

    if (got != expected)
        fail_msg("%s, but the naive server says %d: %.*s",
                 upf_status_name(status), expected, (int)len, text);
    /* Nothing is accepted here that the scanner would not let through. */
    if (got != NAIVE_REFUSED)
        assert_true(scans(text, len));
}

static void every_substitution_is_judged_like_the_naive_server(void **state)
{
    (void)state;
    for (size_t s = 0; s < SEEDS; s++) {
        const char *const whole = seed(s);
        const size_t len = strlen(whole);
        char text[1024];

        memcpy(text, whole, len + 1);
        for (size_t at = 0; at < len; at++) {
            for (int c = 0; c < 256; c++) {
                text[at] = (char)c;
                assert_judged_like_the_naive_server(text, len);
            }
            text[at] = whole[at];
        }
    }
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t s = 0; s < SEEDS; s++) {
        const char *const whole = seed(s);
        const size_t len = strlen(whole);
        upf_request request;

        for (size_t cut = 0; cut < len; cut++)
            assert_int_equal(text_parse_request(whole, cut, &request),
                             UPF_ERR_HTTP);
        assert_judged_like_the_naive_server(whole, len);
    }
}

static void what_is_left_out_or_doubled_is_judged_like_the_naive_server(
    void **state)
{
    (void)state;
    for (size_t s = 0; s < SEEDS; s++) {
        const char *const whole = seed(s);
        const size_t len = strlen(whole);
        for (size_t from = 0; from < len; from++) {
            const size_t line = strcspn(whole + from, "\n") + 1;
            const size_t skips[] = {1, line};
            struct text head;

            for (size_t i = 0; i < COUNT(skips); i++) {
                head.len = 0;
                text_add(&head, whole, from);
                text_add(&head, whole + from + skips[i], len - from - skips[i]);
                assert_judged_like_the_naive_server(head.data, head.len);
            }
            head.len = 0;
            text_add(&head, whole, from + line);
            text_add(&head, whole + from, len - from);
            assert_judged_like_the_naive_server(head.data, head.len);
        }
    }
}

/* Everything wrong that can be done to one header line. */
static void every_mutant_of_every_header_line_is_refused(void **state)
{
    (void)state;
    static const struct { const char *text; size_t len; } bad[] = {
        {"\r", 1}, {"\n", 1}, {"\0", 1}, {"\x01", 1}, {"\x08", 1},
        {"\x0B", 1}, {"\x0C", 1}, {"\x0E", 1}, {"\x1F", 1}, {"\x7F", 1},
        {" ", 1}, {"\t", 1}, {"(", 1}, {")", 1}, {"<", 1}, {">", 1}, {"@", 1},
        {",", 1}, {";", 1}, {"\\", 1}, {"\"", 1}, {"/", 1}, {"[", 1}, {"]", 1},
        {"?", 1}, {"=", 1}, {"{", 1}, {"}", 1}, {"\x80", 1}, {"\xFF", 1},
        {"\r\n", 2}, {"\r\n ", 3}, {"\r\n\t", 3}, {"\r\r\n ", 4},
    };
    enum { IN_VALUE = 10 }; /* so many of these are bad in a value, too */
    size_t mutants = 0;

    for (const char *line = strchr(BASE, '\n') + 1; *line != '\r';
         line = strchr(line, '\n') + 1) {
        const char *colon = strchr(line, ':'), *end = strchr(line, '\r');
        const char *places[] = {line, line + 2, colon, colon + 4, end};

        for (size_t p = 0; p < COUNT(places); p++) {
            for (size_t b = 0; b < COUNT(bad); b++) {
                const bool in_name = places[p] <= colon;
                if (!in_name && b >= IN_VALUE && bad[b].len < 3)
                    continue;

                struct text head = {.len = 0};
                upf_request request;
                text_add(&head, BASE, (size_t)(places[p] - (const char *)BASE));
                text_add(&head, bad[b].text, bad[b].len);
                text_add(&head, places[p], strlen(places[p]));
                if (text_parse_request(head.data, head.len, &request) !=
                    UPF_ERR_HTTP)
                    fail_msg("%.*s", (int)head.len, head.data);
                mutants++;
            }
        }
        /* no colon, and ends of a line that are none */
        for (size_t end_form = 0; end_form < 4; end_form++) {
            static const char *const ends[] = {"\n", "\r", "\r\r\n", "\n\r"};
            struct text head = {.len = 0};
            upf_request request;

            text_add(&head, BASE, (size_t)(end - (const char *)BASE));
            text_add(&head, ends[end_form], strlen(ends[end_form]));
            text_add(&head, end + 2, strlen(end + 2));
            assert_int_equal(text_parse_request(head.data, head.len, &request),
                             UPF_ERR_HTTP);

            head.len = 0;
            text_add(&head, BASE, (size_t)(colon - (const char *)BASE));
            text_add(&head, colon + 1, strlen(colon + 1));
            assert_int_equal(text_parse_request(head.data, head.len, &request),
                             UPF_ERR_HTTP);
            mutants += 2;
        }
    }
    assert_in_range(mutants, 300, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mutant_of_every_header_line_is_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_substitution_is_judged_like_the_naive_server),
        cmocka_unit_test(
            what_is_left_out_or_doubled_is_judged_like_the_naive_server),
    };
    return cmocka_run_group_tests_name("handshake_mutants", tests,
                                       naive_setup, naive_teardown);
}
