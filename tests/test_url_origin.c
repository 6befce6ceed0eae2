/* SPDX-License-Identifier: MIT */
/* test_url_origin.c - whose pages may connect (RFC 6455, section 10.2). */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "http.h"
#include "support/text.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool is_allowed(const char *origin, const char *host,
                       const char *const *allowed)
{
    const upf_str o = exact(origin, strlen(origin));
    const upf_str h = exact(host, strlen(host));
    const bool result = upf_origin_allowed(o, h, allowed);

    exact_free(h);
    exact_free(o);
    return result;
}

static void the_page_of_the_same_host_and_port_may_connect(void **state)
{
    (void)state;
    static const struct { const char *origin, *host; } allowed[] = {
        {"http://example.com", "example.com"},
        {"https://example.com", "example.com"},
        {"HTTP://EXAMPLE.com", "example.COM"},
        {"http://example.com", "example.com:80"},
        {"http://example.com:80", "example.com"},
        {"http://example.com:80", "example.com:80"},
        {"http://example.com:080", "example.com:"},
        {"https://example.com", "example.com:443"},
        {"https://example.com:443", "example.com"},
        {"https://example.com:8443", "example.com:8443"},
        {"http://example.com:443", "example.com:443"},
        {"http://[::1]:9001", "[::1]:9001"},
        {"http://[::1]", "[::1]:80"},
        {"http://127.0.0.1:9001", "127.0.0.1:9001"},
    };
    for (size_t i = 0; i < COUNT(allowed); i++)
        if (!is_allowed(allowed[i].origin, allowed[i].host, NULL))
            fail_msg("refused: %s at %s", allowed[i].origin, allowed[i].host);
}

static void every_other_page_may_not(void **state)
{
    (void)state;
    static const struct { const char *origin, *host; } refused[] = {
        {"http://attacker.com.example", "example"},
        {"http://attacker.example.com", "example.com"},
        {"http://exampleattacker.com", "example.com"},
        {"http://attackerexample.com", "example.com"},
        {"http://example.com.evil", "example.com"},
        {"http://example.com.evil", "example.com.evil2"},
        {"http://example.co", "example.com"},
        {"http://example.com.", "example.com"},
        {"http://evil.com", "example.com"},
        {"http://example.com:81", "example.com"},
        {"http://example.com", "example.com:81"},
        {"http://example.com:443", "example.com"},
        {"http://example.com", "example.com:443"},
        {"https://example.com:80", "example.com"},
        {"https://example.com", "example.com:80"},
        {"http://example.com:8080", "example.com:80801"},
        {"http://example.com:65616", "example.com"}, /* 80 + 2^16 */
        /* not of HTTP: what has their host's name is somebody else */
        {"capacitor://localhost", "localhost"},
        {"capacitor://localhost", "localhost:80"},
        {"ionic://localhost", "localhost"},
        {"file://localhost", "localhost"},
        {"foo://example.com", "example.com"},
        {"foo://example.com:80", "example.com:80"},
        {"foo://example.com:80", "example.com"},
        {"httpx://example.com", "example.com"},
        {"http+x://example.com", "example.com"},
        {"ws://example.com", "example.com"},
        {"wss://example.com", "example.com"},
        {"chrome-extension://abc", "abc"},
        {"chrome-extension://abc", "abc:80"},
        {"null", "null"},
        {"null", "example.com"},
        {"", ""},
        {"", "example.com"},
        {"example.com", "example.com"},
        {"//example.com", "example.com"},
        {"://example.com", "example.com"},
        {"http:example.com", "example.com"},
        {"http:/example.com", "example.com"},
        {"http://", ""},
        {"http://", "example.com"},
        {"1http://example.com", "example.com"},
        {"ht tp://example.com", "example.com"},
        {"http://example.com/", "example.com"},
        {"http://example.com/path", "example.com"},
        {"http://example.com?q", "example.com"},
        {"http://example.com#f", "example.com"},
        {"http://user@example.com", "example.com"},
        {"http://evil.com@example.com", "example.com"},
        {"http://example.com@evil.com", "example.com"},
        {"http://example.com http://example.com", "example.com"},
        {"http://evil.com http://example.com", "example.com"},
        {"http://example.com, http://example.com", "example.com"},
        {" http://example.com", "example.com"},
        {"http://example.com ", "example.com"},
        {"http://example.com\x80", "example.com\x80"},
        {"http://example.com", ""},
        {"http://example.com", "example.com/"},
        {"http://example.com", "a example.com"},
        {"http://[::1]", "[::2]"},
        {"http://::1", "::1"},
        {"http://127.0.0.1:9001", "127.0.0.1:9002"},
        {"http://localhost", "127.0.0.1"},
    };
    static const char *const list[] = {"https://app.other", NULL};

    for (size_t i = 0; i < COUNT(refused); i++)
        if (is_allowed(refused[i].origin, refused[i].host, NULL) ||
            is_allowed(refused[i].origin, refused[i].host, list))
            fail_msg("allowed: \"%s\" at \"%s\"", refused[i].origin,
                     refused[i].host);
    assert_false(upf_origin_allowed((upf_str){"http://a\0", 9},
                                    upf_str_of("a"), NULL));
}

static void what_the_list_names_may_connect_and_nothing_like_it(void **state)
{
    (void)state;
    static const char *const list[] = {
        "https://app.example.com", "http://a:8080", "null", "file://",
        "https://b:443", "http://c:80", "http://d:", "https://e:80",
        "capacitor://localhost", "foo://f:443", "https://path/", NULL
    };
    static const char *const allowed[] = {
        "https://app.example.com", "HTTPS://App.Example.Com", "http://a:8080",
        "null", "file://", "http://here",
        /* a scheme's default port may be left out on either side */
        "https://app.example.com:443", "https://app.example.com:0443",
        "https://b", "https://B:443", "https://b:", "http://c", "http://c:80",
        "http://d", "http://d:80", "https://e:80",
        "capacitor://localhost", "Capacitor://LocalHost", "foo://f:443",
        "https://path/", /* not what a browser sends; but it is listed */
    };
    static const char *const refused[] = {
        "http://app.example.com", "https://app.example.com:80",
        "http://app.example.com:443", "https://app.example.com:4430",
        "http://b", "http://b:443", "https://b:80", "https://c", "http://c:443",
        "https://c:80", "https://d", "https://e", "https://e:443", "http://e",
        "http://e:80", "capacitor://localhost:80", "capacitor://localhos",
        "ionic://localhost", "file://localhost", "foo://f", "foo://f:80",
        "https://path", "HTTPS://path/",
        "https://app.example.com.evil", "https://xapp.example.com",
        "https://app.example.co", "https://app.example.com/", "http://a",
        "http://a:808", "http://a:80800", "NULL", "nul", "FILE://", "file:///",
        "*", "",
    };
    for (size_t i = 0; i < COUNT(allowed); i++)
        if (!is_allowed(allowed[i], "here", list))
            fail_msg("refused: %s", allowed[i]);
    for (size_t i = 0; i < COUNT(refused); i++)
        if (is_allowed(refused[i], "here", list))
            fail_msg("allowed: %s", refused[i]);
}

static void a_star_allows_every_origin_that_there_is(void **state)
{
    (void)state;
    static const char *const list[] = {"https://b", "*", NULL};
    static const char *const origins[] = {
        "http://a", "https://evil.example:1", "null", "file://", "x",
    };
    static const char *const almost[] = {"**", "*.example", "http://*", NULL};

    for (size_t i = 0; i < COUNT(origins); i++)
        assert_true(is_allowed(origins[i], "here", list));
    assert_false(is_allowed("", "here", list)); /* as of two Origin fields */
    assert_false(is_allowed("http://b.example", "here", almost));
}

static void no_origin_is_no_page_and_may_connect(void **state)
{
    (void)state;
    const upf_str none = {NULL, 0};
    static const char *const list[] = {"https://b", NULL};
    static const char *const empty[] = {NULL};

    assert_true(upf_origin_allowed(none, upf_str_of("here"), NULL));
    assert_true(upf_origin_allowed(none, upf_str_of("here"), list));
    assert_true(upf_origin_allowed(none, none, empty));
    assert_false(upf_origin_allowed(upf_str_of("http://a"), none, empty));
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
        cmocka_unit_test(the_page_of_the_same_host_and_port_may_connect),
        cmocka_unit_test(every_other_page_may_not),
        cmocka_unit_test(what_the_list_names_may_connect_and_nothing_like_it),
        cmocka_unit_test(a_star_allows_every_origin_that_there_is),
        cmocka_unit_test(no_origin_is_no_page_and_may_connect),
        cmocka_unit_test(an_origins_scheme_is_of_those_characters_only),
    };
    return cmocka_run_group_tests_name("url_origin", tests, NULL, NULL);
}
