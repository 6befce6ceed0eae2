/* SPDX-License-Identifier: MIT */
/* test_head_corners.c - heads, origins and lines that are nearly right. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "../src/http.h"
#include "support/session.h"
#include "support/text.h"

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

static void a_line_that_is_no_header_field_ends_them(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "no colon", ": no name", "a name: with a space", "name : value",
        " folded: line", "name: v\x01lue",
    };

    for (size_t i = 0; i < COUNT(bad); i++) {
        struct blob text = {0};
        upf_str     name, value;

        blob_printf(&text, "First: 1\r\n%s\r\nLast: 2\r\n", bad[i]);
        upf_str headers = {(const char *)text.data, text.len};
        assert_true(upf_header_next(&headers, &name, &value));
        assert_true(upf_str_equals(name, "First"));
        assert_true(upf_str_equals(value, "1"));
        assert_false(upf_header_next(&headers, &name, &value));
        blob_free(&text);
    }
}

/* scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ), RFC 3986, 3.1 */
static void an_origins_scheme_is_of_those_characters_only(void **state)
{
    (void)state;
    for (int c = 1; c < 256; c++) {
        const bool in_scheme = (c >= 'a' && c <= 'z') ||
                               (c >= 'A' && c <= 'Z') ||
                               (c >= '0' && c <= '9') || c == '+' ||
                               c == '-' || c == '.';
        char origin[] = "moz?ext://host", listed[] = "moz?EXT://HOST";
        const char *const list[] = {listed, NULL};

        /* only what is one is compared without regard to case */
        origin[3] = listed[3] = (char)c;
        if (upf_origin_allowed(upf_str_of(origin), upf_str_of("host"), list) !=
            in_scheme)
            fail_msg("a scheme with character %d is%s taken", c,
                     in_scheme ? " not" : "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_line_has_two_spaces_in_their_places),
        cmocka_unit_test(a_line_that_is_no_header_field_ends_them),
        cmocka_unit_test(an_origins_scheme_is_of_those_characters_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
