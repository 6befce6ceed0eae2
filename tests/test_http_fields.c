/* SPDX-License-Identifier: MIT */
/* test_http_fields.c - one walk over the header lines, many bytes a step. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "http.h"
#include "http_fields.h"
#include "kernels/kernels_text.h"
#include "support/guard.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const names[UPF_FIELDS] = {
    [UPF_FIELD_CONNECTION]        = "Connection",
    [UPF_FIELD_CONTENT_LENGTH]    = "Content-Length",
    [UPF_FIELD_HOST]              = "Host",
    [UPF_FIELD_ORIGIN]            = "Origin",
    [UPF_FIELD_KEY]               = "Sec-WebSocket-Key",
    [UPF_FIELD_VERSION]           = "Sec-WebSocket-Version",
    [UPF_FIELD_EXTENSIONS]        = "Sec-WebSocket-Extensions",
    [UPF_FIELD_PROTOCOL]          = "Sec-WebSocket-Protocol",
    [UPF_FIELD_ACCEPT]            = "Sec-WebSocket-Accept",
    [UPF_FIELD_TRANSFER_ENCODING] = "Transfer-Encoding",
    [UPF_FIELD_UPGRADE]           = "Upgrade",
};

/* Take the fields of text[0, len), which ends at an unreadable page. */
static bool take(const char *text, size_t len, struct upf_fields *fields)
{
    enum { CAP = 4096 };
    static uint8_t *memory; /* the same each time: a map costs a system call */

    if (memory == NULL)
        memory = guard_end(CAP);
    char *at = (char *)memory + CAP - len;
    memcpy(at, text, len);
    upf_str rest = {at, len};
    const bool taken = upf_fields_take(&rest, fields);
    if (taken)
        assert_int_equal(rest.len, 0);
    return taken;
}

static bool is(upf_str text, const char *expected)
{
    return upf_str_equals(text, expected);
}

/* ---- Control characters ------------------------------------------------- */

static void a_control_character_is_found_wherever_it_stands(void **state)
{
    (void)state;
    enum { MOST = 80 };
    uint8_t *begun = guard_begin(MOST), *ended = guard_end(MOST);

    for (int c = 0; c < 256; c++) {
        const bool control = c < 0x20 || c == 0x7F;
        for (size_t len = 1; len <= MOST; len += 1 + len / 20) {
            char *at = (char *)ended + MOST - len;
            for (size_t i = 0; i < len; i++) {
                memset(at, i % 2 ? '~' : 0xFF, len);
                at[i] = (char)c;
                memcpy(begun, at, len);
                assert_int_equal(upf_span_without_controls(at, len),
                                 control ? i : len);
                assert_int_equal(upf_span_without_controls((char *)begun, len),
                                 control ? i : len);
            }
        }
    }
    guard_free(begun, MOST);
    guard_free(ended, MOST);
}

static void the_first_of_two_control_characters_is_found(void **state)
{
    (void)state;
    char text[48];

    for (size_t i = 0; i < sizeof text; i++) {
        for (size_t k = i; k < sizeof text; k++) {
            memset(text, ' ', sizeof text);
            text[i] = '\r';
            text[k] = '\n';
            assert_int_equal(upf_span_without_controls(text, sizeof text), i);
        }
    }
}

static void a_line_holds_no_control_character_but_a_tab(void **state)
{
    (void)state;
    struct upf_fields fields;

    for (int c = 0; c < 256; c++) {
        const bool fits = (c >= 0x20 && c != 0x7F) || c == '\t';
        for (size_t i = 0; i <= 80; i++) {
            char text[128] = "A:";
            memset(text + 2, 'x', 81);
            text[2 + i] = (char)c;
            memcpy(text + 83, "\r\n\r\n", 4);
            assert_int_equal(take(text, 87, &fields), fits);
        }
    }
}

/* ---- Lines -------------------------------------------------------------- */

static void lines_of_every_length_are_walked_to_the_blank_one(void **state)
{
    (void)state;
    struct upf_fields fields;
    char text[512];

    for (size_t a = 0; a <= 70; a++) {
        for (size_t b = 0; b <= 35; b++) {
            size_t len = 0;
            memcpy(text, "A:", 2);
            memset(text + 2, 'a', a);
            len = 2 + a;
            memcpy(text + len, "\r\nHost:", 7);
            len += 7;
            memset(text + len, 'b', b);
            len += b;
            memcpy(text + len, "\r\n\r\n", 4);
            len += 4;
            assert_true(take(text, len, &fields));
            assert_int_equal(fields.lines, 2);
            assert_int_equal(fields.all.len, len - 2);
            assert_int_equal(upf_field(&fields, UPF_FIELD_HOST).len, b);
        }
    }
}

static void a_long_name_of_any_characters_is_a_name(void **state)
{
    (void)state;
    static const char tokens[] = "!#$%&'*+-.^_`|~09azAZ";
    struct upf_fields fields;

    for (size_t len = 1; len <= 70; len++) {
        for (size_t i = 0; i < len; i++) {
            for (size_t t = 0; t < sizeof tokens; t++) { /* and the NUL */
                char text[128];
                memset(text, 'a', len);
                text[i] = tokens[t];
                memcpy(text + len, ": b\r\n\r\n", 7);
                assert_int_equal(take(text, len + 7, &fields),
                                 tokens[t] != '\0');
            }
        }
    }
}

static void a_head_that_is_cut_off_is_no_head(void **state)
{
    (void)state;
    static const char text[] =
        "Host: example.com\r\n"
        "User-Agent: something that is longer than two vectors of bytes\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "X:\r\n"
        "\r\n";
    struct upf_fields fields;

    for (size_t len = 0; len < sizeof text - 1; len++)
        assert_false(take(text, len, &fields));
    assert_true(take(text, sizeof text - 1, &fields));
    assert_int_equal(fields.lines, 4);
    assert_false(take(text, sizeof text - 3, &fields)); /* no blank line */
    assert_int_equal(fields.lines, 4);
    assert_int_equal(fields.all.len, sizeof text - 3);
    assert_true(is(upf_field(&fields, UPF_FIELD_HOST), "example.com"));
    assert_false(take("", 0, &fields));
    assert_int_equal(fields.seen, 0);
    assert_int_equal(fields.all.len, 0);
    assert_true(take("\r\n", 2, &fields));
    assert_int_equal(fields.lines, 0);
    assert_int_equal(fields.seen, 0);
}

static void what_is_no_field_ends_the_walk(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        ":", ": v", "a", "a b: c", "a : b", " a: b", "\ta: b", "a\t: b",
        "Host", "Host :", "H\x80st: a", "a\rb: c", "a\nb: c", "(a): b",
        "a:\r", "a:\n", "\r", "Sec-WebSocket-Key", "Upgrade ",
    };
    struct upf_fields fields;

    for (size_t i = 0; i < COUNT(wrong); i++) {
        char text[128] = "Host: a\r\n";
        strcat(strcat(text, wrong[i]), "\r\nb: c\r\n\r\n");
        if (take(text, strlen(text), &fields))
            fail_msg("taken: %s", wrong[i]);
    }
}

/* ---- Names -------------------------------------------------------------- */

/* Whether a line of this name is taken as `field`, and as no other, both at the
 * end of a head and far from it. */
static bool is_taken_as(const char *name, enum upf_field field)
{
    static const char *const behind[] = {
        "\r\n\r\n",
        "\r\nX-Filler: a line that is longer than one look at a name takes, "
        "and than a block\r\n\r\n",
    };
    unsigned taken = 0;

    for (unsigned i = 0; i < COUNT(behind); i++) {
        struct upf_fields fields;
        char text[256] = "";

        strcat(strcat(strcat(text, name), ": value"), behind[i]);
        assert_true(take(text, strlen(text), &fields));
        if (fields.seen == 0)
            continue;
        assert_int_equal(fields.seen, 1u << field);
        assert_true(is(upf_field(&fields, field), "value"));
        taken++;
    }
    assert_int_equal(taken % COUNT(behind), 0);
    return taken > 0;
}

static void a_known_name_is_known_in_either_case(void **state)
{
    (void)state;
    for (unsigned f = 0; f < UPF_FIELDS; f++) {
        char name[64];
        const size_t len = strlen(names[f]);

        assert_true(is_taken_as(names[f], (enum upf_field)f));
        for (size_t i = 0; i < len; i++) {
            strcpy(name, names[f]);
            if (name[i] != '-')
                name[i] ^= 0x20;
            assert_true(is_taken_as(name, (enum upf_field)f));
            assert_int_equal(upf_field_called(upf_str_of(name)), f);
        }
    }
}

/* Each byte that a name may hold, in the place of each that one has. */
static void a_name_that_differs_in_one_character_is_another(void **state)
{
    (void)state;
    for (unsigned f = 0; f < UPF_FIELDS; f++) {
        const size_t len = strlen(names[f]);
        for (size_t i = 0; i < len; i++) {
            for (int c = 0x21; c < 0x7F; c++) {
                char name[64], *at = &name[i];
                const bool letter = (names[f][i] | 0x20) >= 'a';
                strcpy(name, names[f]);
                *at = (char)c;
                if (!upf_is_token(upf_str_of(name)) || c == names[f][i] ||
                    (letter && (c ^ 0x20) == names[f][i]))
                    continue;
                assert_false(is_taken_as(name, (enum upf_field)f));
                assert_int_equal(upf_field_called(upf_str_of(name)),
                                 UPF_FIELDS);
            }
        }
    }
}

static void a_longer_or_shorter_name_is_another(void **state)
{
    (void)state;
    for (unsigned f = 0; f < UPF_FIELDS; f++) {
        char name[128];

        strcpy(name, names[f]);
        name[strlen(name) - 1] = '\0';
        assert_false(is_taken_as(name, (enum upf_field)f));
        strcpy(name, names[f]);
        for (int i = 0; i < 70; i++) {
            strcat(name, "s");
            assert_false(is_taken_as(name, (enum upf_field)f));
            assert_int_equal(upf_field_called(upf_str_of(name)), UPF_FIELDS);
        }
    }
}

/* ---- Values ------------------------------------------------------------- */

static void a_value_has_no_space_around_it(void **state)
{
    (void)state;
    static const struct { const char *line, *value; } cases[] = {
        {"Host:", ""},          {"Host: ", ""},       {"Host:  \t ", ""},
        {"Host:a", "a"},        {"Host: a", "a"},     {"Host:\ta", "a"},
        {"Host:  a", "a"},      {"Host: a ", "a"},    {"Host: a\t \t", "a"},
        {"Host: a b\tc ", "a b\tc"},                  {"Host:a ", "a"},
    };
    struct upf_fields fields;

    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[64] = "";
        strcat(strcat(text, cases[i].line), "\r\n\r\n");
        assert_true(take(text, strlen(text), &fields));
        const upf_str value = upf_field(&fields, UPF_FIELD_HOST);
        assert_non_null(value.data);
        if (!is(value, cases[i].value))
            fail_msg("\"%.*s\" of \"%s\"", (int)value.len, value.data,
                     cases[i].line);
    }
}

static void of_a_repeated_field_the_first_value_is_kept(void **state)
{
    (void)state;
    static const char text[] =
        "Upgrade: a\r\nHost: one\r\nupgrade: b, WebSocket\r\n"
        "HOST: two\r\nhost: three\r\nOrigin: o\r\n\r\n";
    struct upf_fields fields;

    assert_true(take(text, sizeof text - 1, &fields));
    assert_true(is(upf_field(&fields, UPF_FIELD_HOST), "one"));
    assert_true(upf_field_is_repeated(&fields, UPF_FIELD_HOST));
    assert_false(upf_field_is_repeated(&fields, UPF_FIELD_ORIGIN));
    assert_null(upf_field(&fields, UPF_FIELD_KEY).data);
    assert_true(upf_fields_have(&fields, UPF_FIELD_UPGRADE,
                                upf_str_of("websocket")));
    assert_false(upf_fields_have(&fields, UPF_FIELD_UPGRADE,
                                 upf_str_of("web")));
    assert_false(upf_fields_have(&fields, UPF_FIELD_CONNECTION,
                                 upf_str_of("upgrade")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_control_character_is_found_wherever_it_stands),
        cmocka_unit_test(the_first_of_two_control_characters_is_found),
        cmocka_unit_test(a_line_holds_no_control_character_but_a_tab),
        cmocka_unit_test(lines_of_every_length_are_walked_to_the_blank_one),
        cmocka_unit_test(a_long_name_of_any_characters_is_a_name),
        cmocka_unit_test(a_head_that_is_cut_off_is_no_head),
        cmocka_unit_test(what_is_no_field_ends_the_walk),
        cmocka_unit_test(a_known_name_is_known_in_either_case),
        cmocka_unit_test(a_name_that_differs_in_one_character_is_another),
        cmocka_unit_test(a_longer_or_shorter_name_is_another),
        cmocka_unit_test(a_value_has_no_space_around_it),
        cmocka_unit_test(of_a_repeated_field_the_first_value_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
