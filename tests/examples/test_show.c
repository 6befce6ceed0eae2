/* SPDX-License-Identifier: MIT */
/* test_show.c - a stranger's text on a terminal (examples/common/show.c). */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "show.h"

#include "support/frames.h"

static FILE *begin(void)
{
    FILE *out = tmpfile();

    assert_non_null(out);
    return out;
}

/* Closes `out`, to which `expected` was written. */
static void end(FILE *out, const char *expected)
{
    char shown[256];

    rewind(out);
    const size_t len = fread(shown, 1, sizeof shown - 1, out);
    shown[len] = '\0';
    fclose(out);
    assert_text(shown, expected);
}

static void check(const char *text, size_t len, const char *expected)
{
    FILE *out = begin();

    assert_int_equal(show_text(out, text, len, len), len);
    end(out, expected);
}

#define CHECK(text, expected) check(text, sizeof(text) - 1, expected)

static void what_can_be_read_is_shown_as_it_is(void **state)
{
    (void)state;
    CHECK("", "");
    CHECK("Hello, \"you\" ~", "Hello, \"you\" ~");
    CHECK("Grüße, 世界 🎉", "Grüße, 世界 🎉");
    CHECK("\xC2\xA0\xED\x9F\xBF\xEE\x80\x80", "\xC2\xA0\xED\x9F\xBF\xEE\x80\x80");
}

static void what_a_terminal_obeys_is_not(void **state)
{
    (void)state;
    CHECK("a\x1B[2Jb\r\n\x7F", "a\\x1b[2Jb\\x0d\\x0a\\x7f");
    CHECK("\xC2\x9B" "31m", "\\xc2\\x9b31m"); /* CSI, in one character */
    CHECK("\xC2\x80\xC2\x9F", "\\xc2\\x80\\xc2\\x9f");
    CHECK("\xE2\x80\xAE" "abc\xE2\x81\xA6",
          "\\xe2\\x80\\xaeabc\\xe2\\x81\\xa6"); /* right to left */
    CHECK("a\0b", "a\\x00b");
}

static void what_is_no_utf_8_is_not(void **state)
{
    (void)state;
    CHECK("\x9B" "31m\xFF", "\\x9b31m\\xff");
    CHECK("\xC1\x9B", "\\xc1\\x9b");             /* overlong */
    CHECK("\xE0\x82\x9B", "\\xe0\\x82\\x9b");
    CHECK("\xED\xA0\x80", "\\xed\\xa0\\x80");    /* a surrogate */
    CHECK("\xF4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
    CHECK("\xE4\xB8", "\\xe4\\xb8");             /* cut */
}

static void lines_are_kept_apart(void **state)
{
    (void)state;
    FILE *out = begin();

    show_lines(out, "one\r\n\ntwo\x1B", 10, "> ");
    show_lines(out, NULL, 0, "> ");
    end(out, "> one\n> \n> two\\x1b\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_be_read_is_shown_as_it_is),
        cmocka_unit_test(what_a_terminal_obeys_is_not),
        cmocka_unit_test(what_is_no_utf_8_is_not),
        cmocka_unit_test(lines_are_kept_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
