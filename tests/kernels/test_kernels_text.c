/* SPDX-License-Identifier: MIT */
/* test_kernels_text.c - each set of kernels on text, against the scalar one. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "http.h"
#include "http_fields.h"
#include "kernels/kernels.h"
#include "support/fakes.h"
#include "support/guard.h"

/* Those of this machine, NULL behind them: to ask for them takes its time. */
static const struct upf_kernels *sets[16];

/* Each set in turn: `for (EACH_SET(set))`. */
#define EACH_SET(set) \
    size_t set##_at = 0; ((set) = sets[set##_at]) != NULL; set##_at++

/* Text that begins, and text that ends, where memory does. */
enum { MOST = 1024 };
static char *begun, *ended;

static int map_texts(void **state)
{
    (void)state;
    for (size_t i = 0; (sets[i] = upf_kernels_at(i)) != NULL; i++)
        assert_true(i + 1 < sizeof sets / sizeof *sets);
    begun = (char *)guard_begin(MOST);
    ended = (char *)guard_end(MOST) + MOST;
    return 0;
}

static int unmap_texts(void **state)
{
    (void)state;
    guard_free((uint8_t *)begun, MOST);
    guard_free((uint8_t *)ended - MOST, MOST);
    upf_kernels_force(NULL);
    return 0;
}

/* ---- Sets of characters ------------------------------------------------- */

/* The definitions of http.h, one character at a time. */
static bool is_in(enum upf_chars chars, int c)
{
    static const char *const further[] = {
        [UPF_TOKEN_CHARS]  = "!#$%&'*+-.^_`|~",
        [UPF_HOST_CHARS]   = "-._~!$&'()*+,;=",
        [UPF_TARGET_CHARS] = "",
        [UPF_BASE64_CHARS] = "+/",
    };

    if (chars == UPF_TARGET_CHARS)
        return c > ' ' && c < 0x7F && c != '#';
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
           (c >= 'a' && c <= 'z') ||
           (c != 0 && strchr(further[chars], c) != NULL);
}

static void assert_run(const char *text, size_t len, enum upf_chars chars,
                       size_t expected)
{
    const struct upf_kernels *set;

    for (EACH_SET(set)) {
        const size_t n = set->span(text, len, upf_chars[chars]);
        if (n != expected)
            fail_msg("%s: %zu of %zu, expected %zu, set %d", set->name, n, len,
                     expected, (int)chars);
    }
}

static void a_run_ends_at_the_first_stranger_wherever_it_stands(void **state)
{
    (void)state;
    enum { LONGEST = 70 };

    for (unsigned chars = 0; chars <= UPF_BASE64_CHARS; chars++) {
        for (int c = 0; c < 256; c++) {
            const bool fits = is_in((enum upf_chars)chars, c);
            for (size_t len = 1; len <= LONGEST; len += 1 + len / 18) {
                for (size_t i = 0; i < len; i++) {
                    memset(begun, i % 2 ? 'a' : 'Z', len);
                    begun[i] = (char)c;
                    memcpy(ended - len, begun, len);
                    assert_run(begun, len, (enum upf_chars)chars,
                               fits ? len : i);
                    assert_run(ended - len, len, (enum upf_chars)chars,
                               fits ? len : i);
                }
            }
        }
        assert_run(ended, 0, (enum upf_chars)chars, 0);
    }
}

static void of_two_strangers_the_first_ends_a_run(void **state)
{
    (void)state;
    enum { LEN = 50 };

    for (size_t i = 0; i < LEN; i++) {
        for (size_t k = i; k < LEN; k++) {
            memset(begun, 'x', LEN);
            begun[i] = ' ';
            begun[k] = '\0';
            assert_run(begun, LEN, UPF_TOKEN_CHARS, i);
        }
    }
}

/* ---- Header lines ------------------------------------------------------- */

static bool same(upf_str a, upf_str b)
{
    return a.data == b.data && a.len == b.len;
}

/* All sets find in ended[-len, 0) what the scalar one does. */
static void assert_agreed(size_t len)
{
    const char *const text = ended - len;
    struct upf_fields expected = {0}, got = {0};
    upf_str rest = {text, len};
    const struct upf_kernels *set;

    upf_kernels_force(&upf_kernels_scalar);
    const bool taken  = upf_fields_take(&rest, &expected);
    const upf_str end = rest;

    for (EACH_SET(set)) {
        upf_kernels_force(set);
        rest = (upf_str){text, len};
        bool agreed = upf_fields_take(&rest, &got) == taken &&
                      same(rest, end) && got.lines == expected.lines &&
                      same(got.all, expected.all) &&
                      got.seen == expected.seen &&
                      got.repeated == expected.repeated;
        for (unsigned f = 0; f < UPF_FIELDS; f++)
            agreed = agreed && same(upf_field(&got, (enum upf_field)f),
                                    upf_field(&expected, (enum upf_field)f));
        if (!agreed)
            fail_msg("%s, %zu lines, not %zu: %.*s", set->name, got.lines,
                     expected.lines, (int)len, text);
    }
}

/* As nearly everybody writes them, and as hardly anybody does. */
static const char *const lines[] = {
    "Host: example.com", "Connection: Upgrade", "Pragma: no-cache",
    ("User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, "
     "like Gecko) Chrome/126.0.0.0 Safari/537.36"),
    "Upgrade: websocket", "Origin: https://example.com", "X-B3_trace.id: 1",
    "Sec-WebSocket-Version: 13", "sec-websocket-extensions: a; b=1, c",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "DNT: 1", "a:", "b: ",
    "Content-Length:0", "Transfer-Encoding:  chunked", "host: a\tb ",
    "SEC-WEBSOCKET-PROTOCOL: chat, superchat", "Sec-WebSocket-Accept: \t",
    "A-name-that-is-longer-than-what-one-look-at-a-line-sees: 1",
    "Cookie: \x80\xFF\xE4\xB8\xAD", "Hosts: no", "Upgrade-Insecure-Requests: 1"
};

enum { LINES = sizeof lines / sizeof *lines };

static size_t random_lines(char *text, struct fake_random *random)
{
    size_t len = 0;

    for (size_t n = fake_choice(random, 16); n > 0; n--) {
        const char *line = lines[fake_choice(random, LINES)];
        if (len + strlen(line) > MOST - 8)
            break;
        memcpy(text + len, line, strlen(line));
        len += strlen(line);
        memcpy(text + len, "\r\n", 2);
        len += 2;
    }
    memcpy(text + len, "\r\n", 2);
    return len + 2;
}

static void mutate(char *text, size_t len, struct fake_random *random)
{
    static const char telling[] = "\r\n\t\0 :-,a\x7F\x80\x1F\xFF\rH";
    char *c = text + fake_choice(random, len);

    if (fake_choice(random, 4) == 0)
        *c ^= (char)(1 << fake_choice(random, 8));
    else
        *c = telling[fake_choice(random, sizeof telling - 1)];
}

static void each_set_finds_the_same_fields(void **state)
{
    (void)state;
    struct fake_random random = {.state = 7};
    char text[MOST];

    for (int i = 0; i < 60000; i++) {
        size_t len = random_lines(text, &random);
        for (size_t n = fake_choice(&random, 4); n > 0; n--)
            mutate(text, len, &random);
        if (fake_choice(&random, 4) == 0) /* cut, or frames behind it */
            len = fake_choice(&random, 2) ? fake_choice(&random, len + 1)
                                          : len + fake_choice(&random, 6);
        memcpy(ended - len, text, len);
        assert_agreed(len);
    }
}

static void each_set_judges_every_byte_at_every_place_of_a_line(void **state)
{
    (void)state;
    static const char head[] =
        "Host: a\r\nX-Some-Field: value of a usual length\r\n"
        "Sec-WebSocket-Version: 13\r\nConnection: Upgrade\r\n"
        "User-Agent: something else\r\n\r\n";
    enum { LEN = sizeof head - 1 };

    for (size_t i = 0; i < LEN; i++) {
        for (int c = 0; c < 256; c++) {
            memcpy(ended - LEN, head, LEN);
            (ended - LEN)[i] = (char)c;
            assert_agreed(LEN);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_ends_at_the_first_stranger_wherever_it_stands),
        cmocka_unit_test(of_two_strangers_the_first_ends_a_run),
        cmocka_unit_test(each_set_finds_the_same_fields),
        cmocka_unit_test(each_set_judges_every_byte_at_every_place_of_a_line),
    };
    return cmocka_run_group_tests_name("kernels_text", tests, map_texts,
                                       unmap_texts);
}
