/* SPDX-License-Identifier: MIT */
/* test_handshake_request_write.c - the request that a client writes, and
 * what its caller cannot smuggle into it. */

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
#include "support/guard.h"
#include "support/text.h"
#include "support/try_write.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* One request, written to memory of each size up to the one it needs. */
static upf_status write_request(const upf_client_request *request,
                                const char *const *subprotocols,
                                const char *extension, struct text *head)
{
    upf_url url;
    size_t len = 999;

    assert_int_equal(upf_url_parse(request->url, &url), UPF_OK);
    const upf_status status =
        try_request_write(request, &url, KEY, subprotocols,
                          upf_str_of(extension), NULL, 0, &len);
    if (status != UPF_NEED_MORE) {
        assert_int_equal(len, 0);
        return status;
    }
    for (size_t cap = len - 2; cap <= len + 1; cap++) {
        uint8_t *out = guard_end(cap);
        size_t again;

        const upf_status result =
            try_request_write(request, &url, KEY, subprotocols,
                              upf_str_of(extension), (char *)out, cap, &again);
        assert_int_equal(result, cap < len ? UPF_NEED_MORE : UPF_OK);
        assert_int_equal(again, len);
        for (size_t i = result == UPF_OK ? len : 0; i < cap; i++)
            assert_int_equal(out[i], 0);
        if (result == UPF_OK) {
            head->len = 0;
            text_add(head, (char *)out, len);
            text_add(head, "", 1);
            head->len--;
        }
        guard_free(out, cap);
    }
    return UPF_OK;
}

static void a_request_has_these_bytes(void **state)
{
    (void)state;
    static const struct { const char *url, *target, *host; } urls[] = {
        {"ws://a", "/", "a"},
        {"wss://a:443/", "/", "a"},
        {"ws://a:443/b?c=d", "/b?c=d", "a:443"},
        {"wss://a:80?c", "/?c", "a:80"},
        {"ws://[::1]:80", "/", "[::1]"},
        {"ws://[::1]:9001/x", "/x", "[::1]:9001"},
        /* Percent-encoded as by browsers, and not twice */
        {"ws://a?x[]=1", "/?x[]=1", "a"},
        {"ws://a/?a={\"b\":1}", "/?a={%22b%22:1}", "a"},
        {"ws://a/Gr\xC3\xBC\xC3\x9F" "e?q=\xE2\x82\xAC",
         "/Gr%C3%BC%C3%9Fe?q=%E2%82%AC", "a"},
        {"ws://a/ b\"c<d>e^f`g{h}i|j[k]l'm",
         "/%20b%22c%3Cd%3Ee%5Ef%60g%7Bh%7Di|j[k]l'm", "a"},
        {"ws://a/? b\"c<d>e^f`g{h}i|j[k]l'm\\n?o",
         "/?%20b%22c%3Cd%3Ee^f`g{h}i|j[k]l%27m\\n?o", "a"},
        {"ws://a/100%?50%&%20%C3%zz", "/100%?50%&%20%C3%zz", "a"},
    };
    for (size_t i = 0; i < COUNT(urls); i++) {
        const upf_client_request request = {.url = urls[i].url};
        struct text head;
        char expected[512];

        assert_int_equal(write_request(&request, NULL, NULL, &head), UPF_OK);
        snprintf(expected, sizeof expected,
                 "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
                 "Connection: Upgrade\r\nSec-WebSocket-Key: " KEY "\r\n"
                 "Sec-WebSocket-Version: 13\r\n\r\n",
                 urls[i].target, urls[i].host);
        assert_string_equal(head.data, expected);
    }

    static const char *const offer[] = {"chat", "b.2", NULL};
    const upf_header headers[] = {{"Cookie", "a=b"}, {"X", ""}};
    const upf_client_request request = {
        "ws://a/", "http://o.example", headers, COUNT(headers)
    };
    struct text head;
    assert_int_equal(write_request(&request, offer, "pmd; x=1", &head), UPF_OK);
    assert_string_equal(head.data,
                        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Key: " KEY "\r\n"
                        "Sec-WebSocket-Version: 13\r\n"
                        "Origin: http://o.example\r\n"
                        "Sec-WebSocket-Protocol: chat, b.2\r\n"
                        "Sec-WebSocket-Extensions: pmd; x=1\r\n"
                        "Cookie: a=b\r\nX: \r\n\r\n");
}

static void a_subprotocol_to_offer_is_a_token_and_not_repeated(void **state)
{
    (void)state;
    static const char *const refused[][4] = {
        {""}, {"a", ""}, {"a", "a"}, {"a", "b", "a"}, {"a b"}, {"a,b"},
        {"a;b"}, {"\"a\""}, {"a\r\nX: y"}, {"a\x80"}, {" a"}, {"a/b"},
    };
    static const char *const none[] = {NULL};
    static const char *const case_counts[] = {"a", "A", NULL};
    const upf_client_request request = {.url = "ws://a"};
    struct text head;

    for (size_t i = 0; i < COUNT(refused); i++)
        assert_int_equal(write_request(&request, refused[i], NULL, &head),
                         UPF_ERR_ARGUMENT);
    assert_int_equal(write_request(&request, case_counts, NULL, &head), UPF_OK);
    assert_int_equal(write_request(&request, none, NULL, &head), UPF_OK);
    assert_null(strstr(head.data, "Protocol"));
}

static void what_the_library_writes_itself_is_no_header_of_the_caller(
    void **state)
{
    (void)state;
    static const char *const ours[] = {
        "Host", "host", "HOST", "Origin", "Connection", "Upgrade",
        "Content-Length", "Transfer-Encoding", "transfer-encoding",
        "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol",
        "sec-websocket-extensions", "Sec-WebSocket-Accept", "Sec-WebSocket-",
        "Sec-WebSocket-Whatever", "", NULL,
    };
    static const char *const theirs[] = {
        "Authorization", "Cookie", "Hosts", "X-Host", "Sec-WebSocket", "TE",
        "Proxy-Connection", "User-Agent",
    };
    struct text head;

    for (size_t i = 0; i < COUNT(ours); i++) {
        const upf_header headers[] = {{"A", "b"}, {ours[i], "c"}};
        const upf_client_request request = {
            .url = "ws://a", .headers = headers, .header_count = 2
        };
        assert_int_equal(write_request(&request, NULL, NULL, &head),
                         UPF_ERR_ARGUMENT);
    }
    for (size_t i = 0; i < COUNT(theirs); i++) {
        const upf_header header = {theirs[i], "c"};
        const upf_client_request request = {
            .url = "ws://a", .headers = &header, .header_count = 1
        };
        assert_int_equal(write_request(&request, NULL, NULL, &head), UPF_OK);
    }
    const upf_header no_value = {"A", NULL};
    const upf_client_request request = {
        .url = "ws://a", .headers = &no_value, .header_count = 1
    };
    assert_int_equal(write_request(&request, NULL, NULL, &head),
                     UPF_ERR_ARGUMENT);
}

/* Each character in each field: refused, or the request has as many lines. */
static void no_field_of_the_caller_can_inject(void **state)
{
    (void)state;
    for (int c = 1; c < 256; c++) {
        const char text[] = {'a', (char)c, 'b', '\0'};
        const bool is_text = (c >= 0x20 && c != 0x7F) || c == '\t';
        const bool is_token = upf_is_token((upf_str){(char[]){(char)c}, 1});
        const char *const offer[] = {text, NULL};
        const upf_header name = {text, "x"}, value = {"X", text};
        const struct {
            upf_client_request request;
            const char *const *offer;
            const char        *extension;
            bool               valid;
        } cases[] = {
            {{"ws://a", text, NULL, 0}, NULL, NULL, is_text},
            {{"ws://a", NULL, &name, 1}, NULL, NULL, is_token},
            {{"ws://a", NULL, &value, 1}, NULL, NULL, is_text},
            {{"ws://a", NULL, NULL, 0}, offer, NULL, is_token},
            {{"ws://a", NULL, NULL, 0}, NULL, text, is_text},
        };
        for (size_t i = 0; i < COUNT(cases); i++) {
            struct text head;
            upf_request parsed;
            upf_str name_found, value_found;
            int lines = 0;

            const upf_status status =
                write_request(&cases[i].request, cases[i].offer,
                              cases[i].extension, &head);
            assert_int_equal(status,
                             cases[i].valid ? UPF_OK : UPF_ERR_ARGUMENT);
            if (status != UPF_OK)
                continue;
            text_parse_request(head.data, head.len, &parsed);
            while (upf_header_next(&parsed.headers, &name_found, &value_found))
                lines++;
            assert_int_equal(lines, 6);
        }
    }
}

static void a_header_that_is_not_sent_says_why(void **state)
{
    (void)state;
    static const struct {
        upf_header  header;
        bool        in_request;
        const char *why; /* NULL: it is sent */
    } cases[] = {
        {{"Authorization", "Basic eDp5"}, true, NULL},
        {{"Cookie", ""}, true, NULL},
        {{"X", "a\tb \xC3\xBC"}, true, NULL},
        {{"Host", "a"}, false, NULL},
        {{"origin", "http://a"}, false, NULL},
        {{"Sec-WebSocket", "x"}, true, NULL},
        {{"Host", "a"}, true, "itself"},
        {{"ORIGIN", "http://a"}, true, "itself"},
        {{"connection", "close"}, false, "itself"},
        {{"Upgrade", "h2c"}, true, "itself"},
        {{"Content-Length", "1"}, false, "itself"},
        {{"Transfer-Encoding", "chunked"}, true, "itself"},
        {{"Sec-WebSocket-Key", "x"}, true, "itself"},
        {{"sec-websocket-x", NULL}, false, "itself"},
        {{"X", NULL}, true, "no value"},
        {{NULL, "x"}, true, "token"},
        {{"", "x"}, true, "token"},
        {{"X:", "x"}, true, "token"},
        {{"X", "a\r\nY: b"}, true, "line break"},
        {{"X", "\x7F"}, false, "control"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *why = upf_header_fault(&cases[i].header,
                                           cases[i].in_request);
        if ((why == NULL) != (cases[i].why == NULL) ||
            (why != NULL && strstr(why, cases[i].why) == NULL))
            fail_msg("%zu: %s", i, why != NULL ? why : "sent");
        assert_int_equal(upf_headers_are_allowed(&cases[i].header, 1,
                                                 cases[i].in_request),
                         why == NULL);
    }
}

static void an_origin_to_send_is_not_blank(void **state)
{
    (void)state;
    static const char *const blank[] = {"", " ", "\t "};

    for (size_t i = 0; i < COUNT(blank); i++) {
        const upf_client_request request = {
            .url = "ws://a", .origin = blank[i]
        };
        struct text head;
        assert_int_equal(write_request(&request, NULL, NULL, &head),
                         UPF_ERR_ARGUMENT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_has_these_bytes),
        cmocka_unit_test(a_subprotocol_to_offer_is_a_token_and_not_repeated),
        cmocka_unit_test(
            what_the_library_writes_itself_is_no_header_of_the_caller),
        cmocka_unit_test(no_field_of_the_caller_can_inject),
        cmocka_unit_test(a_header_that_is_not_sent_says_why),
        cmocka_unit_test(an_origin_to_send_is_not_blank),
    };
    return cmocka_run_group_tests_name("handshake_request_write", tests, NULL,
                                       NULL);
}
