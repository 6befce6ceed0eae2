/* SPDX-License-Identifier: MIT */
/* test_handshake_request.c - what a server says to a request. */

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

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- Judging ---------------------------------------------------------- */

struct edit {
    const char *find, *replace;
    upf_status  expected;
};

static void assert_edits(const char *text, const struct edit *edits, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct text *head =
            text_edit(text, edits[i].find, edits[i].replace);
        upf_request request;
        const upf_status status =
            text_parse_request(head->data, head->len, &request);

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

static void a_handshake_is_taken_apart(void **state)
{
    (void)state;
    const struct text *head =
        text_edit(BASE, "\r\n\r\n", "\r\nOrigin: http://a\r\nX:y\r\n\r\n");
    upf_request request;

    assert_int_equal(text_parse_request(head->data, head->len, &request),
                     UPF_OK);
    assert_true(same(request.method, "GET"));
    assert_true(same(request.target, "/chat"));
    assert_true(same(request.host, "example.com"));
    assert_true(same(request.origin, "http://a"));
    assert_true(same(request.key, KEY));
    assert_int_equal(request.http_minor, 1);
    assert_int_equal(request.headers.len, head->len - 22);
    assert_memory_equal(request.headers.data, head->data + 20,
                        request.headers.len);

    assert_int_equal(text_parse_request(BASE, strlen(BASE), &request), UPF_OK);
    assert_null(request.origin.data);
}

static void a_request_for_a_page_is_taken_apart_too(void **state)
{
    (void)state;
    upf_request request;

    assert_int_equal(text_parse_request(PAGE, strlen(PAGE), &request),
                     UPF_ERR_NOT_UPGRADE);
    assert_true(same(request.method, "GET"));
    assert_true(same(request.target, "/page"));
    assert_true(same(request.host, "example.com"));
    assert_null(request.key.data);
    assert_null(request.origin.data);
    assert_int_equal(request.headers.len, strlen(PAGE) - 22);

    const struct text *old = text_edit("HEAD / HTTP/1.0\r\n\r\n", "", "");
    assert_int_equal(text_parse_request(old->data, old->len, &request),
                     UPF_ERR_NOT_UPGRADE);
    assert_int_equal(request.http_minor, 0);
    assert_int_equal(request.headers.len, 0);
    assert_null(request.host.data);
}

static void what_is_http_and_asks_rightly_is_accepted(void **state)
{
    (void)state;
    static const struct edit edits[] = {
        {"GET", "\r\nGET", UPF_OK},
        {"HTTP/1.1", "HTTP/1.2", UPF_OK},
        {"HTTP/1.1", "HTTP/1.9", UPF_OK},
        {"/chat", "/", UPF_OK},
        {"/chat", "/?a=b&c=%20|[]", UPF_OK},
        {"/chat", "/r\xC3\xA4um\xE9", UPF_OK}, /* as nginx, Apache */
        {"/chat", "http://example.com", UPF_OK},
        {"/chat", "http://example.com:80/chat", UPF_OK},
        {"/chat", "wss://EXAMPLE.com/chat?x", UPF_OK},
        {"/chat HTTP/1.1\r\nHost: example.com",
         "ws://localhost:80/foo HTTP/1.1\r\nHost: localhost", UPF_OK},
        {"Host: example.com", "HOST:\texample.com:8080 \t", UPF_OK},
        {"example.com", "[2001:db8::1]:8080", UPF_OK},
        {"example.com", "127.0.0.1", UPF_OK},
        {"example.com", "example.com:", UPF_OK},
        {"Upgrade: websocket", "UPGRADE: WebSocket", UPF_OK},
        {"websocket", "h2c, websocket", UPF_OK},
        {"Upgrade: websocket", "Upgrade: h2c\r\nUpgrade: websocket", UPF_OK},
        {"Upgrade: websocket", "Upgrade: websocket\r\nUpgrade: h2c", UPF_OK},
        {"websocket", "websocket,websocket,", UPF_OK},
        {"Connection: Upgrade", "connection: keep-alive, UPGRADE", UPF_OK},
        {"Connection: Upgrade",
         "Connection: keep-alive\r\nX: y\r\nConnection: upgrade", UPF_OK},
        {"Connection: Upgrade", "Connection: upgrade\r\nConnection: close",
         UPF_OK},
        {"ZQ==", "ZR==", UPF_OK}, /* bits that belong to no byte */
        {"\r\n\r\n", "\r\nContent-Length: 0\r\n\r\n", UPF_OK},
        {"\r\n\r\n", "\r\nContent-Length: 000\r\n\r\n", UPF_OK},
        {"\r\n\r\n", "\r\nX:\r\nX: \x80\xFF\r\nCookie: a=\"b\"\r\n\r\n",
         UPF_OK},
        {"\r\n\r\n", "\r\nOrigin: null\r\n\r\n", UPF_OK},
        {"\r\n\r\n", "\r\nSec-WebSocket-Foo: bar\r\n\r\n", UPF_OK},
        {"\r\n\r\n", "\r\nSec-WebSocket-Protocol: a, B,b\t,c\r\n\r\n", UPF_OK},
        {"\r\n\r\n", "\r\nSec-WebSocket-Protocol: a\r\n"
                     "Sec-WebSocket-Protocol: b\r\n\r\n", UPF_OK},
        {"\r\n\r\n", "\r\nSec-WebSocket-Extensions: a; b=\"c\", a\r\n"
                     "Sec-WebSocket-Extensions: d;e\r\n\r\n", UPF_OK},
        /* empty elements of two lists (RFC 9110, section 5.6.1.2) */
        {"Host:", "Sec-WebSocket-Protocol:\r\nHost:", UPF_OK},
        {"Host:", "Sec-WebSocket-Protocol: \t\r\nHost:", UPF_OK},
        {"Host:", "Sec-WebSocket-Protocol: ,\r\nHost:", UPF_OK},
        {"Host:", "Sec-WebSocket-Protocol: gabbo, \r\nHost:", UPF_OK},
        {"Host:", "Sec-WebSocket-Protocol: ,, a,,b\t,\r\nHost:", UPF_OK},
        {"\r\n\r\n", "\r\nSec-WebSocket-Protocol: a\r\n"
                     "Sec-WebSocket-Protocol:\r\n\r\n", UPF_OK},
        {"Host:", "Sec-WebSocket-Extensions:\r\nHost:", UPF_OK},
        {"Host:", "Sec-WebSocket-Extensions: , ,\r\nHost:", UPF_OK},
        {"Host:", "Sec-WebSocket-Extensions: permessage-deflate,\r\nHost:",
         UPF_OK},
        {"\r\n\r\n", "\r\nSec-WebSocket-Extensions:\r\nX: y\r\n"
                     "Sec-WebSocket-Extensions: ,a;b,\r\n\r\n", UPF_OK},
    };
    assert_edits(BASE, edits, COUNT(edits));
}

static void what_breaks_section_4_2_1_is_refused_by_its_name(void **state)
{
    (void)state;
    static const struct edit edits[] = {
        /* request line */
        {"HTTP/1.1", "HTTP/1.0", UPF_ERR_HTTP_VERSION},
        {"HTTP/1.1", "HTTP/2.0", UPF_ERR_HTTP_VERSION},
        {"HTTP/1.1", "HTTP/0.9", UPF_ERR_HTTP_VERSION},
        {"HTTP/1.1", "HTTP/1.10", UPF_ERR_REQUEST_LINE},
        {"HTTP/1.1", "HTTP/11.1", UPF_ERR_REQUEST_LINE},
        {"HTTP/1.1", "HTTP/1", UPF_ERR_REQUEST_LINE},
        {"HTTP/1.1", "HTTP/2", UPF_ERR_REQUEST_LINE},
        {"HTTP/1.1", "HTTP/1.x", UPF_ERR_REQUEST_LINE},
        {"HTTP/1.1", "HTTP/1,1", UPF_ERR_REQUEST_LINE},
        {"HTTP/1.1", "http/1.1", UPF_ERR_REQUEST_LINE},
        {"HTTP/1.1", "HTTPS/1.1", UPF_ERR_REQUEST_LINE},
        {"HTTP/1.1", "HTTP/1.1 ", UPF_ERR_REQUEST_LINE},
        {" HTTP/1.1", "\tHTTP/1.1", UPF_ERR_REQUEST_LINE},
        {" HTTP/1.1", "", UPF_ERR_REQUEST_LINE},
        {"/chat HTTP/1.1", "HTTP/1.1", UPF_ERR_REQUEST_LINE},
        {"/chat HTTP/1.1", " HTTP/1.1", UPF_ERR_REQUEST_LINE},
        {"GET /chat HTTP/1.1", "HTTP/1.1", UPF_ERR_REQUEST_LINE},
        {"GET /chat HTTP/1.1", " HTTP/1.1", UPF_ERR_REQUEST_LINE},
        {"GET /chat HTTP/1.1", "", UPF_ERR_REQUEST_LINE},
        {"GET /chat HTTP/1.1\r\n", "", UPF_ERR_REQUEST_LINE},
        {"GET", "\r\n\r\nGET", UPF_ERR_REQUEST_LINE},
        {"GET", " GET", UPF_ERR_REQUEST_LINE},
        {"GET ", "/", UPF_ERR_REQUEST_LINE},
        {"GET", "", UPF_ERR_REQUEST_LINE},
        {"GET", "G@T", UPF_ERR_REQUEST_LINE},
        {"GET", "GE\x80", UPF_ERR_REQUEST_LINE},
        {"GET", "get", UPF_ERR_REQUEST_LINE},
        {"GET", "Get", UPF_ERR_REQUEST_LINE},
        {"GET", "GaT", UPF_ERR_REQUEST_LINE},
        {"GET", "GzT", UPF_ERR_REQUEST_LINE},
        {"GET", "POST", UPF_ERR_METHOD},
        {"GET", "HEAD", UPF_ERR_METHOD},
        {"GET", "CONNECT", UPF_ERR_NO_PROXY},
        {"GET", "OPTIONS", UPF_ERR_METHOD},
        {"GET", "GETS", UPF_ERR_METHOD},
        {"GET", "GE", UPF_ERR_METHOD},
        {"GET", "M-SEARCH", UPF_ERR_METHOD},
        {"GET ", "GET  ", UPF_ERR_TARGET_CHARACTER},
        {"/chat", "/chat ", UPF_ERR_TARGET_CHARACTER},
        {"/chat", "/cha t", UPF_ERR_TARGET_CHARACTER},
        {"/chat", "/cha\tt", UPF_ERR_TARGET_CHARACTER},
        {"/chat", "/cha\x01t", UPF_ERR_TARGET_CHARACTER},
        {"/chat", "/cha\x7Ft", UPF_ERR_TARGET_CHARACTER},
        {"/chat", "/chat#x", UPF_ERR_TARGET_FRAGMENT},
        {"/chat", "chat", UPF_ERR_TARGET},
        {"/chat", "*", UPF_ERR_TARGET},
        {"/chat", "example.com:80", UPF_ERR_TARGET},
        {"/chat", "http://other.example/chat", UPF_ERR_AUTHORITY},
        {"/chat", "http://example.com:443/chat", UPF_ERR_AUTHORITY},
        {"/chat", "https://example.com:80/chat", UPF_ERR_AUTHORITY},
        {"/chat", "http://example.com.evil/chat", UPF_ERR_AUTHORITY},
        {"/chat HTTP/1.1\r\nHost: example.com\r\n",
         "http://example.com/chat HTTP/1.1\r\n", UPF_ERR_HOST_MISSING},
        {"/chat HTTP/1.1\r\n",
         "http://example.com/chat HTTP/1.1\r\nHost: example.com\r\n",
         UPF_ERR_HOST_REPEATED},
        {"/chat", "http://u@example.com/chat", UPF_ERR_TARGET},
        {"/chat", "ftp://example.com/chat", UPF_ERR_TARGET},
        /* Host */
        {"Host: example.com\r\n", "", UPF_ERR_HOST_MISSING},
        {"Host", "Hos", UPF_ERR_HOST_MISSING},
        {"Host", "Hostt", UPF_ERR_HOST_MISSING},
        {"example.com", "", UPF_ERR_HOST},
        {"example.com", "a b", UPF_ERR_HOST},
        {"example.com", "a, b", UPF_ERR_HOST},
        {"example.com", "a/b", UPF_ERR_HOST},
        {"example.com", "u@a", UPF_ERR_HOST},
        {"example.com", "http://a", UPF_ERR_HOST},
        {"example.com", ":80", UPF_ERR_HOST},
        {"example.com", "a:b", UPF_ERR_HOST},
        {"example.com", "a:65536", UPF_ERR_HOST},
        {"example.com", "a:80:80", UPF_ERR_HOST},
        {"example.com", "[::1", UPF_ERR_HOST},
        {"example.com", "::1", UPF_ERR_HOST},
        {"example.com", "[::1]x", UPF_ERR_HOST},
        {"example.com", "[x]", UPF_ERR_HOST},
        {"example.com", "a\x80", UPF_ERR_HOST},
        {"example.com", "a%", UPF_ERR_HOST},
        {"example.com", "a\"b", UPF_ERR_HOST},
        {"Upgrade:", "Host: example.com\r\nUpgrade:", UPF_ERR_HOST_REPEATED},
        {"Upgrade:", "host: other.example\r\nUpgrade:", UPF_ERR_HOST_REPEATED},
        {"Upgrade:", "Host:\r\nUpgrade:", UPF_ERR_HOST_REPEATED},
        /* body */
        {"Host:", "Content-Length: 1\r\nHost:", UPF_ERR_BODY},
        {"Host:", "Content-Length: 10\r\nHost:", UPF_ERR_BODY},
        {"Host:", "Content-Length:\r\nHost:", UPF_ERR_BODY},
        {"Host:", "Content-Length: +0\r\nHost:", UPF_ERR_BODY},
        {"Host:", "Content-Length: -0\r\nHost:", UPF_ERR_BODY},
        {"Host:", "Content-Length: 0, 0\r\nHost:", UPF_ERR_BODY},
        {"Host:", "Content-Length: 0x0\r\nHost:", UPF_ERR_BODY},
        {"Host:", "content-length: 0\r\nContent-Length: 0\r\nHost:",
         UPF_ERR_BODY},
        {"Host:", "Transfer-Encoding: chunked\r\nHost:", UPF_ERR_BODY},
        {"Host:", "TRANSFER-ENCODING: identity\r\nHost:", UPF_ERR_BODY},
        {"Host:", "Transfer-Encoding:\r\nHost:", UPF_ERR_BODY},
        /* Upgrade and Connection */
        {"Upgrade: websocket\r\n", "", UPF_ERR_UPGRADE_STRIPPED},
        {"Upgrade:", "Upgrad:", UPF_ERR_UPGRADE_STRIPPED},
        {"websocket", "", UPF_ERR_UPGRADE_STRIPPED},
        {"websocket", "websockets", UPF_ERR_UPGRADE_STRIPPED},
        {"websocket", "websocke", UPF_ERR_UPGRADE_STRIPPED},
        {"websocket", "web socket", UPF_ERR_UPGRADE_STRIPPED},
        {"websocket", "websocket/13", UPF_ERR_UPGRADE_STRIPPED},
        {"websocket", "\"websocket\"", UPF_ERR_UPGRADE_STRIPPED},
        {"websocket", "h2c", UPF_ERR_UPGRADE_STRIPPED},

        {"websocket", "web,socket", UPF_ERR_UPGRADE_STRIPPED},
        {"Connection: Upgrade\r\n", "", UPF_ERR_CONNECTION},
        {"Connection: Upgrade", "Connection:", UPF_ERR_CONNECTION},
        {"Connection: Upgrade", "Connection: close", UPF_ERR_CONNECTION},
        {"Connection: Upgrade", "Connection: upgraded", UPF_ERR_CONNECTION},
        {"Connection: Upgrade", "Connection: xupgrade", UPF_ERR_CONNECTION},
        {"Connection: Upgrade", "Connection: up grade", UPF_ERR_CONNECTION},
        {"Connection: Upgrade", "Connection: a;upgrade", UPF_ERR_CONNECTION},
        {"Connection:", "Connectio:", UPF_ERR_CONNECTION},
        /* version, which comes before the key */
        {"Sec-WebSocket-Version: 13\r\n", "", UPF_ERR_VERSION},
        {": 13", ": 12", UPF_ERR_VERSION},
        {": 13", ": 8", UPF_ERR_VERSION},
        {": 13", ": 0", UPF_ERR_VERSION},
        {": 13", ":", UPF_ERR_VERSION},
        {": 13", ": 013", UPF_ERR_VERSION},
        {": 13", ": 13.0", UPF_ERR_VERSION},
        {": 13", ": +13", UPF_ERR_VERSION},
        {": 13", ": 13, 8", UPF_ERR_VERSION},
        {": 13", ": 13 13", UPF_ERR_VERSION},
        {": 13", ": 256", UPF_ERR_VERSION},
        {": 13", ": 4294967309", UPF_ERR_VERSION},
        {": 13", ": 13\x80", UPF_ERR_VERSION},
        {"Host:", "Sec-WebSocket-Version: 13\r\nHost:",
         UPF_ERR_VERSION_REPEATED},
        {"Host:", "Sec-WebSocket-Version: 8\r\nHost:",
         UPF_ERR_VERSION_REPEATED},
        {"Host:", "Sec-WebSocket-Version:\r\nHost:",
         UPF_ERR_VERSION_REPEATED},
        {"Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n", "",
         UPF_ERR_VERSION},
        /* key */
        {"Sec-WebSocket-Key: " KEY "\r\n", "", UPF_ERR_KEY_MISSING},
        {KEY, "", UPF_ERR_KEY},
        {KEY, "AAAAAAAAAAAAAAAAAAAA", UPF_ERR_KEY},
        {KEY, "AAAAAAAAAAAAAAAAAAAAAAA=", UPF_ERR_KEY},
        {KEY, "AAAAAAAAAAAAAAAAAAAAAAAA", UPF_ERR_KEY},
        {KEY, "dGhlIHNhbXBsZSBub25jZQ", UPF_ERR_KEY},
        {KEY, "dGhlIHNhbXBsZSBub25jZQ=", UPF_ERR_KEY},
        {KEY, "dGhlIHNhbXBsZSBub25j ZQ==", UPF_ERR_KEY},
        {KEY, "dGhlIHNhbXBsZSB-b25jZQ==", UPF_ERR_KEY},
        {KEY, "dGhlIHNhbXBsZSB\x80" "b25jZQ==", UPF_ERR_KEY},
        {KEY, KEY "," KEY, UPF_ERR_KEY},
        {"Host:", "Sec-WebSocket-Key: " KEY "\r\nHost:",
         UPF_ERR_KEY_REPEATED},
        {"Host:", "sec-websocket-key:\r\nHost:", UPF_ERR_KEY_REPEATED},
        /* subprotocols */
        {"Host:", "Sec-WebSocket-Protocol: a, a\r\nHost:",
         UPF_ERR_SUBPROTOCOL_REPEATED},
        {"Host:", "Sec-WebSocket-Protocol: a, b,, c, a\r\nHost:",
         UPF_ERR_SUBPROTOCOL_REPEATED},
        {"Host:", "Sec-WebSocket-Protocol: a;,b\r\nHost:",
         UPF_ERR_SUBPROTOCOL},
        {"Host:", "Sec-WebSocket-Protocol: a b\r\nHost:", UPF_ERR_SUBPROTOCOL},
        {"Host:", "Sec-WebSocket-Protocol: a/b\r\nHost:", UPF_ERR_SUBPROTOCOL},
        {"Host:", "Sec-WebSocket-Protocol: \"a\"\r\nHost:",
         UPF_ERR_SUBPROTOCOL},
        {"Host:", "Sec-WebSocket-Protocol: a\x80\r\nHost:",
         UPF_ERR_SUBPROTOCOL},
        {"\r\n\r\n", "\r\nSec-WebSocket-Protocol: a\r\nX: y\r\n"
                     "sec-websocket-protocol: b, a\r\n\r\n",
         UPF_ERR_SUBPROTOCOL_REPEATED},
        /* extensions */
        {"Host:", "Sec-WebSocket-Extensions: a;\r\nHost:", UPF_ERR_EXTENSION},
        {"Host:", "Sec-WebSocket-Extensions: a; b=\r\nHost:",
         UPF_ERR_EXTENSION},
        {"Host:", "Sec-WebSocket-Extensions: a b\r\nHost:", UPF_ERR_EXTENSION},
        {"Host:", "Sec-WebSocket-Extensions: a; b=\"c d\"\r\nHost:",
         UPF_ERR_EXTENSION},
        {"\r\n\r\n", "\r\nSec-WebSocket-Extensions: a\r\nX: y\r\n"
                     "Sec-WebSocket-Extensions: =\r\n\r\n", UPF_ERR_EXTENSION},
        /* the end */
        {"\r\n\r\n", "\r\n", UPF_ERR_HTTP},
        {"\r\n\r\n", "\r\n\r\n\r\n", UPF_ERR_HTTP},
        {"\r\n\r\n", "\r\n\r\nx", UPF_ERR_HTTP},
        {"\r\n\r\n", "\r\n\r", UPF_ERR_HTTP},
        {"\r\n\r\n", "\r\n\n", UPF_ERR_HTTP},
        {"\r\n\r\n", "\r\n\rX", UPF_ERR_HTTP},
    };
    assert_edits(BASE, edits, COUNT(edits));
}

static void a_request_for_a_page_must_be_sound_http_as_well(void **state)
{
    (void)state;
    static const struct edit edits[] = {
        {"GET", "POST", UPF_ERR_NOT_UPGRADE},
        {"GET", "get", UPF_ERR_NOT_UPGRADE},
        {"HTTP/1.1", "HTTP/1.0", UPF_ERR_NOT_UPGRADE},
        {"HTTP/1.1", "HTTP/2.0", UPF_ERR_HTTP_VERSION},
        {"example.com", "", UPF_ERR_NOT_UPGRADE},
        {"example.com", "a b", UPF_ERR_HOST},
        {"Host: example.com\r\n", "", UPF_ERR_HOST_MISSING},
        {"Accept", "Host: b\r\nAccept", UPF_ERR_HOST_REPEATED},
        {"/page", "page", UPF_ERR_TARGET},
        {"/page", "*", UPF_ERR_TARGET},
        {"/page", "http://evil.example/", UPF_ERR_AUTHORITY},
        {"/page", "http://example.com:80/", UPF_ERR_NOT_UPGRADE},
        {"GET /page", "OPTIONS *", UPF_ERR_NOT_UPGRADE},
        {"GET /page HTTP/1.1\r\nHost: example.com\r\n",
         "OPTIONS * HTTP/1.0\r\n", UPF_ERR_NOT_UPGRADE},
        {"GET /page", "options *", UPF_ERR_TARGET},
        {"GET /page", "POST *", UPF_ERR_TARGET},
        {"GET /page", "HEAD *", UPF_ERR_TARGET},
        {"GET /page", "CONNECT example.com:80", UPF_ERR_NO_PROXY},
        {"GET /page", "CONNECT /page", UPF_ERR_NO_PROXY},
        {"GET /page", "GET example.com:80", UPF_ERR_TARGET},
        {"GET /page HTTP/1.1\r\nHost: example.com\r\n",
         "GET http://example.com/ HTTP/1.0\r\n", UPF_ERR_HOST_MISSING},
        {"GET /page HTTP/1.1\r\nHost: example.com\r\n",
         "GET http://example.com/ HTTP/1.1\r\nHost:\r\n", UPF_ERR_HOST},
        {"Accept", "Content-Length: 12\r\nAccept", UPF_ERR_NOT_UPGRADE},
        {"Accept", "Content-Length:\r\nAccept", UPF_ERR_BODY_LENGTH},
        {"Accept", "Content-Length: 1a\r\nAccept", UPF_ERR_BODY_LENGTH},
        {"Accept", "Content-Length: 1, 1\r\nAccept", UPF_ERR_BODY_LENGTH},
        {"Accept", "Content-Length: 1\r\nContent-Length: 1\r\nAccept",
         UPF_ERR_BODY_LENGTH},
        {"Accept", "Transfer-Encoding: chunked\r\nAccept",
         UPF_ERR_NOT_UPGRADE},
        {"Accept", "Transfer-Encoding: chunked\r\nContent-Length: 1\r\nAccept",
         UPF_ERR_BODY_LENGTH},
        {"HTTP/1.1", "HTTP/1.0\r\nTransfer-Encoding: chunked", UPF_ERR_BODY_LENGTH},
        {"HTTP/1.1", "HTTP/1.0\r\nHost: a", UPF_ERR_HOST_REPEATED},
        {"Accept", "Upgrade: websocket\r\nAccept", UPF_ERR_CONNECTION},
        /* what proxies make of a handshake (nginx's default: HTTP/1.0) */
        {"Accept", "Sec-WebSocket-Key: " KEY "\r\nAccept",
         UPF_ERR_UPGRADE_STRIPPED},
        {"HTTP/1.1\r\n", "HTTP/1.0\r\nSec-WebSocket-Key: x\r\n",
         UPF_ERR_UPGRADE_STRIPPED},
    };
    assert_edits(PAGE, edits, COUNT(edits));
}

static void a_request_line_is_read_within_its_length(void **state)
{
    (void)state;
    static const char line[] = "GET / HTTP/1.0";
    upf_request request;

    for (size_t n = 0; n < sizeof line; n++) {
        char head[32];
        memcpy(head, line, n);
        memcpy(head + n, "\r\n\r\n", 4);
        assert_int_equal(text_parse_request(head, n + 2, &request),
                         n == 0 || n == strlen(line) ? UPF_ERR_HTTP
                                                     : UPF_ERR_REQUEST_LINE);
        assert_int_equal(text_parse_request(head, n + 4, &request),
                         n == strlen(line) ? UPF_ERR_NOT_UPGRADE
                                           : UPF_ERR_REQUEST_LINE);
    }
}

/* CVE-2025-14523 and others: where lines disagree, none of them is believed. */
static void two_origins_are_present_and_refused(void **state)
{
    (void)state;
    static const char *const origins[] = {
        "Origin: http://example.com\r\norigin: http://example.com\r\n",
        "Origin: http://example.com\r\nOrigin: http://evil.example\r\n",
        "Origin:\r\nOrigin: http://example.com\r\n",
        "Origin:\r\n",
    };
    static const char *const all[] = {"*", NULL};

    for (size_t i = 0; i < COUNT(origins); i++) {
        char with[128];
        upf_request request;

        snprintf(with, sizeof with, "\r\n%s\r\n", origins[i]);
        const struct text *head = text_edit(BASE, "\r\n\r\n", with);
        assert_int_equal(text_parse_request(head->data, head->len, &request),
                         UPF_OK);
        assert_non_null(request.origin.data);
        assert_false(upf_origin_allowed(request.origin, request.host, NULL));
        assert_false(upf_origin_allowed(request.origin, request.host, all));
    }
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void a_request_line_has_two_spaces_in_their_places(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "GET/chatHTTP/1.1",    /* no space at all */
        "GET /chatHTTP/1.1",   /* none in front of the version */
        "GET/chat HTTP/1.1",   /* none behind the method */
        "GET HTTP/1.1",        "GET  HTTP/1.1", " /chat HTTP/1.1",
        "/chat HTTP/1.1",      " HTTP/1.1",     "HTTP/1.1",
    };

    for (size_t i = 0; i < COUNT(lines); i++) {
        const struct text *head =
            text_edit(BASE, "GET /chat HTTP/1.1", lines[i]);
        upf_request request;

        if (upf_request_parse(head->data, head->len, &request) !=
            UPF_ERR_REQUEST_LINE)
            fail_msg("\"%s\" is read as a request line", lines[i]);
    }
}

/* ---- Subprotocols ----------------------------------------------------- */

static void thirty_two_subprotocols_are_taken_and_one_more_is_not(void **state)
{
    (void)state;
    for (int n = 31; n <= 33; n++) {
        struct text head = {.len = 0};
        upf_request request;

        text_add(&head, BASE, strlen(BASE) - 2);
        for (int i = 0; i < n; i++) {
            char text[64];
            /* empty elements do not count */
            snprintf(text, sizeof text, "%sproto%d",
                     i % 20 == 0 ? "Sec-WebSocket-Protocol: " : ",, ,", i);
            text_add(&head, text, strlen(text));
            if (i % 20 == 19 || i == n - 1)
                text_add(&head, "\r\n", 2);
        }
        text_add(&head, "\r\n", 2);
        assert_int_equal(text_parse_request(head.data, head.len, &request),
                         n <= 32 ? UPF_OK : UPF_ERR_SUBPROTOCOL_COUNT);
        assert_true(upf_request_offers(&request, "proto30"));
    }
}

static void a_subprotocol_is_offered_by_its_exact_name(void **state)
{
    (void)state;
    static const char *const ours[] = {"x", "chat", "b", "a", NULL};
    static const char *const theirs_not[] = {"A", "ab", "c", "", NULL};
    static const char *const none[] = {NULL};
    const struct text *head =
        text_edit(BASE, "Host", "Sec-WebSocket-Protocol: a ,b\r\n"
                             "sec-websocket-protocol: chat\r\nHost");
    upf_request request;

    assert_int_equal(text_parse_request(head->data, head->len, &request),
                     UPF_OK);
    for (size_t i = 1; ours[i] != NULL; i++)
        assert_true(upf_request_offers(&request, ours[i]));
    assert_false(upf_request_offers(&request, ours[0]));
    for (size_t i = 0; theirs_not[i] != NULL; i++)
        assert_false(upf_request_offers(&request, theirs_not[i]));

    /* The first of ours, in our order. */
    assert_string_equal(upf_subprotocol_choose(&request, ours), "chat");
    assert_null(upf_subprotocol_choose(&request, theirs_not));
    assert_null(upf_subprotocol_choose(&request, none));
    assert_null(upf_subprotocol_choose(&request, NULL));

    assert_int_equal(text_parse_request(BASE, strlen(BASE), &request), UPF_OK);
    assert_null(upf_subprotocol_choose(&request, ours));
    assert_false(upf_request_offers(&request, ""));

    /* Nothing is no subprotocol; and a broken list may be asked, too. */
    static const char *const nothing[] = {"", "b", NULL};
    head = text_edit(BASE, "Host", "Sec-WebSocket-Protocol: a,, b,\r\n"
                                   "Sec-WebSocket-Protocol:\r\nHost");
    assert_int_equal(text_parse_request(head->data, head->len, &request),
                     UPF_OK);
    assert_true(upf_request_offers(&request, "b"));
    assert_false(upf_request_offers(&request, ""));
    assert_string_equal(upf_subprotocol_choose(&request, nothing), "b");
    head = text_edit(BASE, "Host", "Sec-WebSocket-Protocol: a b, c\r\nHost");
    assert_int_equal(text_parse_request(head->data, head->len, &request),
                     UPF_ERR_SUBPROTOCOL);
    assert_true(upf_request_offers(&request, "c"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handshake_is_taken_apart),
        cmocka_unit_test(a_request_for_a_page_is_taken_apart_too),
        cmocka_unit_test(what_is_http_and_asks_rightly_is_accepted),
        cmocka_unit_test(what_breaks_section_4_2_1_is_refused_by_its_name),
        cmocka_unit_test(a_request_for_a_page_must_be_sound_http_as_well),
        cmocka_unit_test(a_request_line_is_read_within_its_length),
        cmocka_unit_test(two_origins_are_present_and_refused),
        cmocka_unit_test(thirty_two_subprotocols_are_taken_and_one_more_is_not),
        cmocka_unit_test(a_subprotocol_is_offered_by_its_exact_name),
        cmocka_unit_test(a_request_line_has_two_spaces_in_their_places),
    };
    return cmocka_run_group_tests_name("handshake_request", tests, NULL, NULL);
}
