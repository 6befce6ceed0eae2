/* SPDX-License-Identifier: MIT */
/* test_url_oracle.c - URLs, beside what POSIX makes of the same grammar. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "http.h"
#include "url.h"
#include "support/text.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* RFC 3986 in one expression, but for what is percent-encoded; an IPv6 address
 * is the C library's to judge. */
#define PCT "%[0-9A-Fa-f][0-9A-Fa-f]"
static const char grammar[] =
    "^[wW][sS][sS]?://"
    "(\\[([0-9A-Fa-f:.]+)\\]|([A-Za-z0-9._~!$&'()*+,;=-]|" PCT ")+)"
    "(:0*([0-9]{0,5}))?"
    "(/[^\x01-\x1F\x7F#?\\]*)?(\\?[^\x01-\x1F\x7F#]*)?$";

static bool is_url(const regex_t *regex, const char *text)
{
    regmatch_t m[6];
    struct in6_addr address;
    char literal[128];

    if (regexec(regex, text, COUNT(m), m, 0) != 0 ||
        text[strlen(text) - 1] == ' ')
        return false;
    if (m[2].rm_so >= 0) {
        const size_t len = (size_t)(m[2].rm_eo - m[2].rm_so);
        memcpy(literal, text + m[2].rm_so, len);
        literal[len] = '\0';
        if (inet_pton(AF_INET6, literal, &address) != 1)
            return false;
    }
    if (m[4].rm_so >= 0 && m[4].rm_eo - m[4].rm_so > 1) {
        const long port = atol(text + m[4].rm_so + 1);
        return port >= 1 && port <= 65535;
    }
    return true;
}

static void every_substitution_in_a_url_is_judged_like_the_oracle(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "wss://example.com:8080/chat?room=1",
        "ws://[2001:db8::7:1]:443/%41b",
        "ws://[1:2:3:4:5:6:1.20.3.4]",
        "ws://u%20.x:65535?a",
    };
    regex_t regex;

    assert_int_equal(regcomp(&regex, grammar, REG_EXTENDED), 0);
    for (size_t u = 0; u < COUNT(urls); u++) {
        const size_t size = strlen(urls[u]) + 1;
        const upf_str copy = exact(urls[u], size);
        char *text = (char *)(uintptr_t)copy.data;

        assert_true(is_url(&regex, text));
        for (size_t at = 0; at < size - 1; at++) {
            for (int c = 0; c < 256; c++) {
                upf_url url;
                text[at] = (char)c;
                const bool expected = is_url(&regex, text);
                if ((upf_url_parse(text, &url) == UPF_OK) != expected ||
                    (upf_url_fault(text, NULL) == NULL) != expected)
                    fail_msg("\"%s\": %s expected", text,
                             expected ? "OK" : "refusal");
                text[at] = urls[u][at];
            }
        }
        exact_free(copy);
    }
    regfree(&regex);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 16;
}

static void an_ipv6_address_is_what_inet_pton_takes(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        ":", "::", "0", "1", "a:", "ffff", "12345", "7:", "1.2.3.4",
        "255.", "0.0.0.0", "256", ".", "00", "g", "1:2:3:4", "F:",
    };
    uint32_t seed = 6455;
    size_t valid = 0;

    for (int i = 0; i < 200000; i++) {
        char text[128] = "[";
        struct upf_authority a;
        struct in6_addr address;

        for (uint32_t n = next_random(&seed) % 9; n > 0; n--)
            strcat(text, pieces[next_random(&seed) % COUNT(pieces)]);
        const bool expected = inet_pton(AF_INET6, text + 1, &address) == 1;
        strcat(text, "]");
        if (upf_authority_parse(upf_str_of(text), &a) != expected)
            fail_msg("%s", text);
        valid += expected;
    }
    assert_in_range(valid, 1000, 150000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_substitution_in_a_url_is_judged_like_the_oracle),
        cmocka_unit_test(an_ipv6_address_is_what_inet_pton_takes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
