/* SPDX-License-Identifier: MIT */
/* test_url.c - WebSocket URLs, authorities and request-targets. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "http.h"
#include "url.h"
#include "support/text.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- URLs ------------------------------------------------------------- */

static void a_sound_url_is_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool        secure;
        const char *host, *authority, *target;
        int         port;
    } cases[] = {
        {"ws://a", false, "a", "a", "", 80},
        {"wss://a", true, "a", "a", "", 443},
        {"WS://a", false, "a", "a", "", 80},
        {"wSs://a", true, "a", "a", "", 443},
        {"ws://a/", false, "a", "a", "/", 80},
        {"ws://a/b/c", false, "a", "a", "/b/c", 80},
        {"ws://a?q", false, "a", "a", "?q", 80},
        {"ws://a/?q=1&r=2", false, "a", "a", "/?q=1&r=2", 80},
        {"ws://a/b?q?/:@", false, "a", "a", "/b?q?/:@", 80},
        {"ws://a//b", false, "a", "a", "//b", 80},
        {"ws://a/%20%2F%ff", false, "a", "a", "/%20%2F%ff", 80},
        {"ws://a/-._~!$&'()*+,;=", false, "a", "a", "/-._~!$&'()*+,;=", 80},
        {"ws://a/b@c", false, "a", "a", "/b@c", 80},
        {"ws://a/b c", false, "a", "a", "/b c", 80},
        {"ws://a/?x[]=1", false, "a", "a", "/?x[]=1", 80},
        {"ws://a?a={\"b\":1}", false, "a", "a", "?a={\"b\":1}", 80},
        {"ws://a/\xC3\xBC?\xFF", false, "a", "a", "/\xC3\xBC?\xFF", 80},
        {"ws://a/<|>^`{}[]", false, "a", "a", "/<|>^`{}[]", 80},
        {"ws://a/?q\\", false, "a", "a", "/?q\\", 80},
        {"ws://a/%?%2g", false, "a", "a", "/%?%2g", 80},
        {"ws://a:80", false, "a", "a", "", 80},
        {"ws://a:80/b", false, "a", "a", "/b", 80},
        {"ws://a:0080/b", false, "a", "a", "/b", 80},
        {"ws://a:/b", false, "a", "a", "/b", 80},
        {"wss://a:443/b", true, "a", "a", "/b", 443},
        {"wss://a:/b", true, "a", "a", "/b", 443},
        {"ws://a:443", false, "a", "a:443", "", 443},
        {"wss://a:80", true, "a", "a:80", "", 80},
        {"ws://a:1", false, "a", "a:1", "", 1},
        {"ws://a:65535/", false, "a", "a:65535", "/", 65535},
        {"ws://a:8080?q", false, "a", "a:8080", "?q", 8080},
        {"ws://Example.COM/", false, "Example.COM", "Example.COM", "/", 80},
        {"ws://127.0.0.1:9001/", false, "127.0.0.1", "127.0.0.1:9001", "/",
         9001},
        {"ws://999.1.1.1", false, "999.1.1.1", "999.1.1.1", "", 80},
        {"ws://a_b-c.d.", false, "a_b-c.d.", "a_b-c.d.", "", 80},
        {"ws://xn--bcher-kva.example", false, "xn--bcher-kva.example",
         "xn--bcher-kva.example", "", 80},
        {"ws://a%41b", false, "a%41b", "a%41b", "", 80},
        {"ws://[::1]", false, "::1", "[::1]", "", 80},
        {"ws://[::1]:80/", false, "::1", "[::1]", "/", 80},
        {"wss://[2001:DB8::1]:8443/x", true, "2001:DB8::1",
         "[2001:DB8::1]:8443", "/x", 8443},
        {"ws://[::ffff:192.0.2.1]?", false, "::ffff:192.0.2.1",
         "[::ffff:192.0.2.1]", "?", 80},
        {"ws://[::]:/", false, "::", "[::]", "/", 80},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const size_t size = strlen(cases[i].url) + 1;
        const upf_str copy = exact(cases[i].url, size);
        upf_url url;

        if (upf_url_parse(copy.data, &url) != UPF_OK)
            fail_msg("%s is refused", cases[i].url);
        assert_int_equal(url.secure, cases[i].secure);
        assert_int_equal(url.port, cases[i].port);
        assert_true(upf_str_equals(url.host, cases[i].host));
        assert_true(upf_str_equals(url.target, cases[i].target));
        if (!upf_str_equals(url.authority, cases[i].authority))
            fail_msg("%s: %.*s", cases[i].url, (int)url.authority.len,
                     url.authority.data);
        exact_free(copy);
    }
}

static void an_unsound_url_is_refused_and_nothing_is_written(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "", "w", "ws", "ws:", "ws:/", "ws://", "wss://", "://a", "//a", "a",
        "http://a", "https://a", "ftp://a", "wsss://a", "xws://a", " ws://a",
        "ws ://a", "ws:a", "ws:/a", "ws:\\\\a", "ws://a\\b", "ws//a",
        /* host */
        "ws:///b", "ws://?q", "ws://:80", "ws://:80/b", "ws://a b",
        "ws://a /b", "ws://\t", "ws://a\x80", "ws://\xC3\xBC", "ws://a<b>",
        "ws://a\"", "ws://a|b", "ws://a^b", "ws://a`b", "ws://{a}", "ws://a%",
        "ws://a%4", "ws://a%4g", "ws://a\r\nHost: b", "ws://a\x7F",
        /* user information */
        "ws://u@a", "ws://u:p@a", "ws://@a", "ws://u:80@a/",
        "ws://a@", "ws://a:80@b",
        /* port */
        "ws://a:0", "ws://a:00", "ws://a:65536", "ws://a:99999",
        "ws://a:4294967376", "ws://a:18446744073709551696", "ws://a:-1",
        "ws://a:+80", "ws://a:8 0", "ws://a:80a", "ws://a:80:80", "ws://a::80",
        "ws://a:0x50", "ws://a: 80",
        /* IPv6 */
        "ws://[", "ws://[]", "ws://[::1", "ws://::1", "ws://[::1]x",
        "ws://[::1]80", "ws://[1]", "ws://[:]", "ws://[:::]", "ws://[1::2::3]",
        "ws://[1:2:3:4:5:6:7]", "ws://[1:2:3:4:5:6:7:8:9]",
        "ws://[1:2:3:4:5:6:7:8::]", "ws://[12345::]", "ws://[::g]",
        "ws://[::1%25eth0]", "ws://[fe80::1%eth0]", "ws://[v1.x]",
        "ws://[::1.2.3]", "ws://[::1.2.3.256]",
        "ws://[::1.2.3.4294967297]", "ws://[::01.2.3.4]",
        "ws://[1.2.3.4]", "ws://[::1.2.3.4:5]", "ws://[[::1]]", "ws://a[::1]",
        "ws://[::1]]", "ws://[::1 ]",
        /* path, query, fragment */
        "ws://a#", "ws://a#f", "ws://a/#f", "ws://a/b?q#f",
        "ws://a/b\tc", "ws://a/b\r\n", "ws://a/b\n", "ws://a/\x01",
        "ws://a/\x7F", "ws://a/?\x7F", "ws://a/\\", "ws://a/b\\c?d",
        "ws://a/ ", "ws://a/b?c ", "ws://a? ", "ws://a/\xC3\xBC#",
    };
    for (size_t i = 0; i < COUNT(refused); i++) {
        const upf_str copy = exact(refused[i], strlen(refused[i]) + 1);
        upf_url url, before;

        memset(&url, 0xEE, sizeof url);
        memcpy(&before, &url, sizeof url);
        if (upf_url_parse(copy.data, &url) != UPF_ERR_URL)
            fail_msg("accepted: \"%s\"", refused[i]);
        assert_memory_equal(&url, &before, sizeof url);
        exact_free(copy);
    }
}

/* Where and why, for who wrote it. */
static void a_refusal_names_its_place_and_its_reason(void **state)
{
    (void)state;
    static const struct { const char *url; int at; const char *why; } cases[] = {
        {"", 0, "ws://"},
        {"http://a/", 0, "ws://"},
        {"a/b", 0, "ws://"},
        {"ws:///b", 5, "no host"},
        {"wss://", 6, "no host"},
        {"ws://:80/", 5, "no host"},
        {"ws://u:p@a/", 5, "password"},
        {"ws://[fe80::1%25eth0]/", 13, "zone"},
        {"ws://[fe80::1%eth0]:80/", 13, "zone"},
        {"ws://[fe80::1%eth0", 13, "zone"},
        {"ws://[::g]/", 5, "IPv6"},
        {"ws://[::1", 5, "IPv6"},
        {"ws://[::1]x/", 10, "host"},
        {"ws://b\xC3\xBC" "cher.example/", 6, "xn--"},
        {"ws://a b/", 6, "host"},
        {"ws://a%4g/", 6, "host"},
        {"ws://a\\b", 6, "backslash"},
        {"ws://a:0/", 7, "port"},
        {"ws://a:65536", 7, "port"},
        {"ws://[::1]:x", 11, "port"},
        {"ws://a#f", 6, "fragment"},
        {"ws://a/b#", 8, "fragment"},
        {"ws://a/b?c#d", 10, "fragment"},
        {"ws://a/\xC3\xBC\t", 9, "control"},
        {"ws://a/b\r\nHost: c", 8, "control"},
        {"ws://a?\x7F", 7, "control"},
        {"ws://a/b\\c", 8, "backslash"},
        {"ws://a/b c ", 10, "blank"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const upf_str copy = exact(cases[i].url, strlen(cases[i].url) + 1);
        size_t at = 12345;
        const char *why = upf_url_fault(copy.data, &at);

        if (why == NULL || strstr(why, cases[i].why) == NULL ||
            (int)at != cases[i].at)
            fail_msg("%s: at %zu: %s", cases[i].url, at, why ? why : "sound");
        assert_ptr_equal(upf_url_fault(copy.data, NULL), why);
        exact_free(copy);
    }
    upf_url none;
    size_t  at = 12345;
    assert_int_equal(upf_url_parse(NULL, &none), UPF_ERR_URL);
    assert_string_equal(upf_url_fault(NULL, &at), upf_url_fault("", NULL));
    assert_int_equal(at, 0);
    at = 12345;
    assert_null(upf_url_fault("ws://a/?x[]=1 2", &at));
    assert_int_equal(at, 12345);
}

/* ---- Authorities ------------------------------------------------------ */

static void an_authority_is_read_within_its_length(void **state)
{
    (void)state;
    static const struct { const char *text; bool valid; int port; } cases[] = {
        {"a", true, 0},          {"a:", true, 0},
        {"a:1", true, 1},        {"a:65535", true, 65535},
        {"a:65536", false, 0},   {"a:0", false, 0},
        {"", false, 0},          {":", false, 0},
        {":1", false, 0},        {"a b", false, 0},
        {"[::1]", true, 0},      {"[::1]:7", true, 7},
        {"[::1", false, 0},      {"[", false, 0},
        {"[]", false, 0},        {"[:", false, 0},
        {"[::1]7", false, 0},    {"a%", false, 0},
        {"a%4", false, 0},       {"a%41", true, 0},
        {"a,b", true, 0},        {"a/", false, 0},
        {"u@a", false, 0},       {"1.2.3.4:5", true, 5},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const upf_str text = exact(cases[i].text, strlen(cases[i].text));
        struct upf_authority a = {{NULL, 7}, 7};

        if (upf_authority_parse(text, &a) != cases[i].valid)
            fail_msg("\"%s\"", cases[i].text);
        assert_int_equal(a.port, cases[i].valid ? cases[i].port : 7);
        exact_free(text);
    }
    struct upf_authority a;
    assert_false(upf_authority_parse((upf_str){NULL, 0}, &a));
    assert_false(upf_authority_parse((upf_str){"a\0b", 3}, &a));
    assert_false(upf_authority_parse((upf_str){"\0", 1}, &a));
}

/* ---- Request-targets -------------------------------------------------- */

static void assert_split(const char *target, const char *host, bool is_options,
                         upf_status expected, const char *path,
                         const char *authority)
{
    const upf_str sent = exact(target, strlen(target));
    const upf_str field = exact(host, strlen(host));
    upf_str left = sent, named = field;
    const upf_status status = upf_target_split(&left, &named, is_options);

    if (status != expected)
        fail_msg("\"%s\" at \"%s\": %s, not %s", target, host,
                 upf_status_name(status), upf_status_name(expected));
    if (!upf_str_equals(left, path) ||
        !upf_str_equals(named, authority))
        fail_msg("\"%s\" at \"%s\" became \"%.*s\" at \"%.*s\"", target, host,
                 (int)left.len, left.data, (int)named.len, named.data);
    exact_free(field);
    exact_free(sent);
}

/* RFC 9112, sections 3.2.1 and 3.2.2. */
static void a_target_is_a_path_or_a_url_of_this_host(void **state)
{
    (void)state;
    static const struct { const char *sent, *host, *target, *named; } cases[] = {
        {"/", "a.b:8", "/", "a.b:8"},
        {"/chat?room=1", "a.b:8", "/chat?room=1", "a.b:8"},
        {"//other/x", "a.b:8", "//other/x", "a.b:8"},
        {"/http://other/x", "a.b:8", "/http://other/x", "a.b:8"},
        {"/|[]^\"{}<>\\`%", "a.b:8", "/|[]^\"{}<>\\`%", "a.b:8"},
        {"/x", "", "/x", ""},
        {"http://a.b:8", "a.b:8", "/", "a.b:8"},
        {"https://A.B:8/x", "a.b:8", "/x", "A.B:8"},
        {"ws://a.b:8?q", "a.b:8", "?q", "a.b:8"},
        {"ws://a.b:8/?q", "a.b:8", "/?q", "a.b:8"},
        {"WSS://a.b:8/", "a.b:8", "/", "a.b:8"},
        /* the scheme's port may be left out on either side */
        {"ws://localhost:80/foo", "localhost", "/foo", "localhost:80"},
        {"ws://localhost/foo", "localhost:80", "/foo", "localhost"},
        {"http://localhost:80", "localhost:", "/", "localhost:80"},
        {"http://localhost:", "localhost:80", "/", "localhost:"},
        {"wss://localhost:443/foo?a=b", "LOCALHOST", "/foo?a=b",
         "localhost:443"},
        {"https://[::1]/", "[::1]:443", "/", "[::1]"},
        {"ws://a:0080/b", "a", "/b", "a:0080"},
        {"ws://a:443/", "a:443", "/", "a:443"},
        {"wss://a:80/", "a:80", "/", "a:80"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_split(cases[i].sent, cases[i].host, false, UPF_OK,
                     cases[i].target, cases[i].named);
}

static void a_target_of_another_form_is_refused_by_its_cause(void **state)
{
    (void)state;
    static const struct { const char *sent, *host; upf_status status; } cases[] = {
        {"", "a.b:8", UPF_ERR_TARGET},
        {"*", "a.b:8", UPF_ERR_TARGET},
        {"x", "a.b:8", UPF_ERR_TARGET},
        {"?q", "a.b:8", UPF_ERR_TARGET},
        {"a.b:8", "a.b:8", UPF_ERR_TARGET},
        {"http:/a.b:8/", "a.b:8", UPF_ERR_TARGET},
        {"http://u@a.b:8/", "a.b:8", UPF_ERR_TARGET},
        {"http://u:p@a.b:8/", "a.b:8", UPF_ERR_TARGET},
        {"http://@a.b:8/", "a.b:8", UPF_ERR_TARGET},
        {"http:///", "a.b:8", UPF_ERR_TARGET},
        {"http://", "a.b:8", UPF_ERR_TARGET},
        {"http://a.b:0/", "a.b", UPF_ERR_TARGET},
        {"http://a.b:65616/", "a.b", UPF_ERR_TARGET}, /* 80 + 2^16 */
        {"http://[::1/", "[::1]", UPF_ERR_TARGET},
        {"ftp://a.b:8/", "a.b:8", UPF_ERR_TARGET},
        {"://a.b:8/", "a.b:8", UPF_ERR_TARGET},
        {"x/http://a.b:8/", "a.b:8", UPF_ERR_TARGET},
        {"http://\xC3\xBC/", "\xC3\xBC", UPF_ERR_TARGET},
        {"http://a.b/", "a.b:8", UPF_ERR_AUTHORITY},
        {"http://a.b:80/", "a.b:8", UPF_ERR_AUTHORITY},
        {"http://a.b:8/", "a.b", UPF_ERR_AUTHORITY},
        {"http://other/", "a.b:8", UPF_ERR_AUTHORITY},
        {"http://a.b:8.evil/", "a.b:8", UPF_ERR_TARGET},
        {"http://a.b.evil/", "a.b", UPF_ERR_AUTHORITY},
        {"ws://a:443/", "a", UPF_ERR_AUTHORITY},
        {"wss://a/", "a:80", UPF_ERR_AUTHORITY},
        {"ws://a/", "a:443", UPF_ERR_AUTHORITY},
        {"http://a/", "", UPF_ERR_HOST},
        {"/#", "a.b:8", UPF_ERR_TARGET_FRAGMENT},
        {"/x#y", "a.b:8", UPF_ERR_TARGET_FRAGMENT},
        {"http://a.b:8/#", "a.b:8", UPF_ERR_TARGET_FRAGMENT},
        {"/ x", "a.b:8", UPF_ERR_TARGET_CHARACTER},
        {"/\t", "a.b:8", UPF_ERR_TARGET_CHARACTER},
        {"/\x01", "a.b:8", UPF_ERR_TARGET_CHARACTER},
        {"/\xC3\xBC\x7F", "a.b:8", UPF_ERR_TARGET_CHARACTER},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_split(cases[i].sent, cases[i].host, false, cases[i].status,
                     cases[i].sent, cases[i].host);

    upf_str nul = {"/\0", 2}, url = upf_str_of("http://a/"), none = {NULL, 0};
    assert_int_equal(upf_target_split(&nul, &none, false),
                     UPF_ERR_TARGET_CHARACTER);
    assert_int_equal(upf_target_split(&url, &none, false),
                     UPF_ERR_HOST_MISSING);
}

/* nginx and Apache take them as they are, and so do we. */
static void a_target_may_have_raw_bytes_of_any_other_encoding(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        const char target[] = {'/', 'a', (char)c, (char)c, 'b', '\0'};
        const bool taken = c > ' ' && c != '#' && c != 0x7F;
        upf_str left = {target, 5}, host = upf_str_of("a");

        assert_int_equal(upf_target_split(&left, &host, false) == UPF_OK,
                         taken);
    }
    assert_split("/r\xC3\xA4um\xE9?\xF0\x9F\x98\x80", "a", false, UPF_OK,
                 "/r\xC3\xA4um\xE9?\xF0\x9F\x98\x80", "a");
    assert_split("\x80", "a", false, UPF_ERR_TARGET, "\x80", "a");
}

/* RFC 9112, section 3.2.4. */
static void an_asterisk_is_for_options_alone(void **state)
{
    (void)state;
    assert_split("*", "a", true, UPF_OK, "*", "a");
    assert_split("*", "", true, UPF_OK, "*", "");
    assert_split("http://a:80", "a", true, UPF_OK, "*", "a:80");
    assert_split("http://a:80/", "a", true, UPF_OK, "/", "a:80");
    assert_split("/x", "a", true, UPF_OK, "/x", "a");
    assert_split("*", "a", false, UPF_ERR_TARGET, "*", "a");
    assert_split("**", "a", true, UPF_ERR_TARGET, "**", "a");
    assert_split("*/", "a", true, UPF_ERR_TARGET, "*/", "a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_url_is_taken_apart),
        cmocka_unit_test(an_unsound_url_is_refused_and_nothing_is_written),
        cmocka_unit_test(a_refusal_names_its_place_and_its_reason),
        cmocka_unit_test(an_authority_is_read_within_its_length),
        cmocka_unit_test(a_target_is_a_path_or_a_url_of_this_host),
        cmocka_unit_test(a_target_of_another_form_is_refused_by_its_cause),
        cmocka_unit_test(a_target_may_have_raw_bytes_of_any_other_encoding),
        cmocka_unit_test(an_asterisk_is_for_options_alone),
    };
    return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
