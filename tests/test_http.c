/* SPDX-License-Identifier: MIT */
/* test_http.c - the lines, fields and lists of an HTTP head. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "http.h"
#include "support/blob.h"
#include "support/text.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- Characters ------------------------------------------------------- */

static void a_token_has_the_characters_of_rfc_9110(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        const bool valid = c != 0 && c < 128 &&
            strchr("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ", c) != NULL;
        const char text[] = {'a', (char)c, 'z'};
        const upf_str token = exact(text, 3);

        assert_int_equal(upf_is_token((upf_str){(char[]){(char)c}, 1}), valid);
        assert_int_equal(upf_is_token(token), valid);
        exact_free(token);
    }
    assert_false(upf_is_token((upf_str){"", 0}));
    assert_false(upf_is_token((upf_str){NULL, 0}));
}

/* Eight bytes are looked at together: each value in each place, beside those
 * that a carry or a borrow could make something of. */
static void a_value_has_no_control_character_but_tab(void **state)
{
    (void)state;
    static const char beside[] = {'\x1F', ' ', '~', '\x7E', '\x80', '\xFF'};

    for (size_t len = 1; len <= 20; len++) {
        for (size_t b = 0; b < sizeof beside; b++) {
            char text[20];
            const bool clean = beside[b] != '\x1F';

            memset(text, beside[b], sizeof text);
            const upf_str value = exact(text, len);
            char *bytes = (char *)(uintptr_t)value.data;
            for (size_t at = 0; at < len; at++) {
                for (int c = 0; c < 256; c++) {
                    bytes[at] = (char)c;
                    const bool valid = (c >= 0x20 && c != 0x7F) || c == '\t';
                    assert_int_equal(upf_is_field_value(value),
                                     valid && (clean || len == 1));
                }
                bytes[at] = beside[b];
            }
            exact_free(value);
        }
    }
    assert_true(upf_is_field_value((upf_str){NULL, 0}));
}

static void text_is_compared_and_trimmed_within_its_length(void **state)
{
    (void)state;
    const upf_str text = exact("WebSocket", 9);
    const upf_str spaced = exact("\t  a b \t", 8);
    const upf_str blank = exact(" \t ", 3);

    assert_true(upf_str_equals_nocase(text, "websocket"));
    assert_true(upf_str_equals_nocase(text, "WEBSOCKET"));
    assert_false(upf_str_equals_nocase(text, "websocket2"));
    assert_false(upf_str_equals_nocase(text, "websocke"));
    assert_false(upf_str_equals_nocase(text, ""));
    assert_true(upf_str_equals_nocase((upf_str){NULL, 0}, ""));
    assert_false(upf_str_equals_nocase((upf_str){"a\0b", 3}, "a"));

    /* '@' and '`', '[' and '{' differ by the bit that case does */
    assert_false(upf_str_equals_nocase((upf_str){"@[", 2}, "`{"));
    assert_false(upf_str_equals_nocase((upf_str){"\xC4", 1}, "\xE4"));

    assert_true(upf_str_same(text, (upf_str){"WebSocket", 9}));
    assert_false(upf_str_same(text, (upf_str){"websocket", 9}));
    assert_true(upf_str_same_nocase(text, (upf_str){"wEBsOCKET", 9}));
    assert_false(upf_str_same_nocase(text, (upf_str){"wEBsOCKE", 8}));
    assert_true(upf_str_equals((upf_str){NULL, 0}, ""));

    assert_true(upf_str_same(upf_str_trim(spaced), (upf_str){"a b", 3}));
    assert_int_equal(upf_str_trim(blank).len, 0);
    assert_non_null(upf_str_trim(blank).data);
    assert_int_equal(upf_str_trim((upf_str){NULL, 0}).len, 0);

    assert_null(upf_str_of(NULL).data);
    assert_int_equal(upf_str_of("abc").len, 3);
    exact_free(blank);
    exact_free(spaced);
    exact_free(text);
}

/* ---- Lines and fields ------------------------------------------------- */

static void lines_end_with_cr_lf_and_with_nothing_else(void **state)
{
    (void)state;
    upf_str text = exact("one\r\n\r\na\rb\nc\r\nrest\r", 19);
    const upf_str whole = text;
    upf_str line;

    assert_true(upf_http_line(&text, &line));
    assert_true(upf_str_equals(line, "one"));
    assert_true(upf_http_line(&text, &line));
    assert_int_equal(line.len, 0);
    assert_true(upf_http_line(&text, &line));
    assert_true(upf_str_equals(line, "a\rb\nc"));
    assert_false(upf_http_line(&text, &line));
    assert_true(upf_str_equals(text, "rest\r"));
    exact_free(whole);

    upf_str none = {NULL, 0};
    assert_false(upf_http_line(&none, &line));
}

static void a_field_is_a_token_a_colon_and_a_trimmed_value(void **state)
{
    (void)state;
    static const struct { const char *line, *name, *value; } cases[] = {
        {"Host: example.com", "Host", "example.com"},
        {"Host:example.com", "Host", "example.com"},
        {"Host: \t example.com \t ", "Host", "example.com"},
        {"A:", "A", ""},
        {"A: \t", "A", ""},
        {"A::", "A", ":"},
        {"A: b: c", "A", "b: c"},
        {"A: \"b, c\"", "A", "\"b, c\""},
        {"A: \x80\xFF", "A", "\x80\xFF"},
        {"!#$%&'*+-.^_`|~09azAZ: x", "!#$%&'*+-.^_`|~09azAZ", "x"},
        {"", NULL, NULL},
        {":", NULL, NULL},
        {": b", NULL, NULL},
        {"A", NULL, NULL},
        {"A b", NULL, NULL},
        {"A : b", NULL, NULL},
        {"A\t: b", NULL, NULL},
        {" A: b", NULL, NULL},
        {"A b: c", NULL, NULL},
        {"A(b): c", NULL, NULL},
        {"A\x80: b", NULL, NULL},
        {"A\x01: b", NULL, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const upf_str line = exact(cases[i].line, strlen(cases[i].line));
        upf_str name, value;
        const bool found = upf_http_field(line, &name, &value);

        if (found != (cases[i].name != NULL))
            fail_msg("\"%s\"", cases[i].line);
        if (found) {
            assert_true(upf_str_equals(name, cases[i].name));
            assert_true(upf_str_equals(value, cases[i].value));
            assert_non_null(value.data);
        }
        exact_free(line);
    }
    upf_str name, value;
    assert_false(upf_http_field((upf_str){"A\0: b", 5}, &name, &value));
}

/* Each byte in each place of a line, eight of which are looked at together. */
static void a_header_line_has_no_control_character_but_tab(void **state)
{
    (void)state;
    static const char text[] = "Name: some \xFF~\xFF~ value\r\nNext: value\r\n";
    enum { LINE = 21 };
    const upf_str whole = exact(text, sizeof text - 1);
    char *bytes = (char *)(uintptr_t)whole.data;

    assert_int_equal(bytes[LINE - 1], 'e');
    for (size_t len = LINE + 2; len <= whole.len; len++) {
        for (size_t at = 0; at < LINE; at++) {
            for (int c = 0; c < 256; c++) {
                const bool valid = (c >= 0x20 && c != 0x7F) || c == '\t';
                upf_str rest = {bytes, len}, line = {NULL, 0};

                bytes[at] = (char)c;
                assert_int_equal(upf_http_field_line(&rest, &line), valid);
                assert_ptr_equal(line.data, valid ? bytes : NULL);
                assert_int_equal(line.len, valid ? LINE : 0);
                assert_ptr_equal(rest.data, valid ? bytes + LINE + 2 : bytes);
                assert_int_equal(rest.len, valid ? len - LINE - 2 : len);
            }
            bytes[at] = text[at];
        }
    }
    for (size_t len = 0; len < LINE + 2; len++) {
        upf_str rest = {len > 0 ? bytes : NULL, len}, line;
        assert_false(upf_http_field_line(&rest, &line));
    }
    exact_free(whole);
}

static void a_version_is_http_digit_dot_digit(void **state)
{
    (void)state;
    int major, minor;

    assert_true(upf_http_version("HTTP/1.1", &major, &minor));
    assert_true(major == 1 && minor == 1);
    assert_true(upf_http_version("HTTP/9.0", &major, &minor));
    assert_true(major == 9 && minor == 0);
    for (size_t at = 0; at < 8; at++) {
        for (int c = 0; c < 256; c++) {
            char version[8];
            memcpy(version, "HTTP/1.1", 8);
            version[at] = (char)c;
            const bool valid = at == 5 || at == 7 ? c >= '0' && c <= '9'
                                                  : c == "HTTP/1.1"[at];
            assert_int_equal(upf_http_version(version, &major, &minor), valid);
        }
    }
}

static void headers_are_walked_in_order_and_found_in_any_case(void **state)
{
    (void)state;
    static const char lines[] = "Host: a\r\nX-Y:\r\nx-y: 2\r\nB: 3 \r\n";
    const upf_str headers = exact(lines, sizeof lines - 1);
    static const char *const expected[][2] = {
        {"Host", "a"}, {"X-Y", ""}, {"x-y", "2"}, {"B", "3"},
    };
    upf_str rest = headers, name, value;

    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(upf_header_next(&rest, &name, &value));
        assert_true(upf_str_equals(name, expected[i][0]));
        assert_true(upf_str_equals(value, expected[i][1]));
    }
    assert_false(upf_header_next(&rest, &name, &value));
    assert_false(upf_header_next(&rest, &name, &value));

    assert_true(upf_header_find(headers, "b", &value));
    assert_true(upf_str_equals(value, "3"));
    assert_true(upf_header_find(headers, "X-y", &value)); /* the first one */
    assert_int_equal(value.len, 0);
    assert_false(upf_header_find(headers, "Hos", &value));
    assert_false(upf_header_find(headers, "", &value));
    assert_false(upf_header_find((upf_str){NULL, 0}, "Host", &value));
    exact_free(headers);
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

/* ---- Lists ------------------------------------------------------------ */

static void a_list_is_cut_at_its_commas(void **state)
{
    (void)state;
    static const struct { const char *list, *next; } cases[] = {
        {"", ""},
        {"a", "[a]"},
        {"a,b", "[a][b]"},
        {" a , b\t,\tc d ", "[a][b][c d]"},
        {",", ""},
        {",, a,,b ,", "[a][b]"},
        {"a,", "[a]"},
        {" \t", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const upf_str whole = exact(cases[i].list, strlen(cases[i].list));
        char next[64] = "";
        upf_str element;

        for (upf_str list = whole; upf_list_next(&list, &element);)
            sprintf(next + strlen(next), "[%.*s]", (int)element.len,
                    element.data);
        assert_string_equal(next, cases[i].next);
        exact_free(whole);
    }
    upf_str none = {NULL, 0}, element;
    assert_false(upf_list_next(&none, &element));
}

static void a_list_has_a_token_only_as_a_whole_element(void **state)
{
    (void)state;
    static const struct { const char *list; bool has; } cases[] = {
        {"upgrade", true},
        {"Upgrade", true},
        {"keep-alive, Upgrade", true},
        {",UPGRADE,", true},
        {"a,\tupgrade ,b", true},
        {"", false},
        {"upgraded", false},
        {"xupgrade", false},
        {"upgrade/1", false},
        {"upgrade close", false},
        {"upgrade;q=1", false},
        {"up,grade", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const upf_str list = exact(cases[i].list, strlen(cases[i].list));
        assert_int_equal(upf_list_has(list, "upgrade"), cases[i].has);
        exact_free(list);
    }
}

static void fields_of_one_name_are_one_list(void **state)
{
    (void)state;
    static const char lines[] =
        "L: a, b\r\nM: x\r\nl:\r\nL: ,\r\nL: c\r\nL: \t\r\n";
    const upf_str whole = exact(lines, sizeof lines - 1);
    upf_str headers = whole, list = {NULL, 0}, element;
    char all[64] = "";

    while (upf_header_list_next(&headers, &list, "L", &element))
        sprintf(all + strlen(all), "[%.*s]", (int)element.len, element.data);
    assert_string_equal(all, "[a][b][c]");
    assert_false(upf_header_list_next(&headers, &list, "L", &element));
    exact_free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_has_the_characters_of_rfc_9110),
        cmocka_unit_test(a_value_has_no_control_character_but_tab),
        cmocka_unit_test(text_is_compared_and_trimmed_within_its_length),
        cmocka_unit_test(lines_end_with_cr_lf_and_with_nothing_else),
        cmocka_unit_test(a_field_is_a_token_a_colon_and_a_trimmed_value),
        cmocka_unit_test(a_header_line_has_no_control_character_but_tab),
        cmocka_unit_test(a_version_is_http_digit_dot_digit),
        cmocka_unit_test(headers_are_walked_in_order_and_found_in_any_case),
        cmocka_unit_test(a_list_is_cut_at_its_commas),
        cmocka_unit_test(a_list_has_a_token_only_as_a_whole_element),
        cmocka_unit_test(fields_of_one_name_are_one_list),
        cmocka_unit_test(a_line_that_is_no_header_field_ends_them),
    };
    return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
