/* SPDX-License-Identifier: MIT */
/* test_status.c - every outcome against a table written out by hand. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <limits.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/status.h>

/* What the peer is told, of each outcome there is. */
static const struct {
    upf_status  status;
    const char *name;
    int         close, http;
} expected[] = {
    {UPF_OK, "UPF_OK", 0, 0},
    {UPF_NEED_MORE, "UPF_NEED_MORE", 0, 0},
    {UPF_WANT_READ, "UPF_WANT_READ", 0, 0},
    {UPF_WANT_WRITE, "UPF_WANT_WRITE", 0, 0},
    {UPF_WANT_ANSWER, "UPF_WANT_ANSWER", 0, 0},
    {UPF_DONE, "UPF_DONE", 0, 0},
    {UPF_ERR_OPCODE, "UPF_ERR_OPCODE", 1002, 0},
    {UPF_ERR_CONTROL, "UPF_ERR_CONTROL", 1002, 0},
    {UPF_ERR_LENGTH, "UPF_ERR_LENGTH", 1002, 0},
    {UPF_ERR_RSV, "UPF_ERR_RSV", 1002, 0},
    {UPF_ERR_MASK, "UPF_ERR_MASK", 1002, 0},
    {UPF_ERR_CONTINUATION, "UPF_ERR_CONTINUATION", 1002, 0},
    {UPF_ERR_INTERLEAVED, "UPF_ERR_INTERLEAVED", 1002, 0},
    {UPF_ERR_UTF8, "UPF_ERR_UTF8", 1007, 0},
    {UPF_ERR_FRAME_TOO_BIG, "UPF_ERR_FRAME_TOO_BIG", 1009, 0},
    {UPF_ERR_MESSAGE_TOO_BIG, "UPF_ERR_MESSAGE_TOO_BIG", 1009, 0},
    {UPF_ERR_FRAGMENTS, "UPF_ERR_FRAGMENTS", 1008, 0},
    {UPF_ERR_EXTENSION_DATA, "UPF_ERR_EXTENSION_DATA", 1007, 0},
    {UPF_ERR_CLOSE_LENGTH, "UPF_ERR_CLOSE_LENGTH", 1002, 0},
    {UPF_ERR_CLOSE_CODE, "UPF_ERR_CLOSE_CODE", 1002, 0},
    {UPF_ERR_CLOSE_REASON, "UPF_ERR_CLOSE_REASON", 1007, 0},
    {UPF_ERR_HTTP, "UPF_ERR_HTTP", 0, 400},
    {UPF_ERR_HTTP_VERSION, "UPF_ERR_HTTP_VERSION", 0, 400},
    {UPF_ERR_HEAD_TOO_BIG, "UPF_ERR_HEAD_TOO_BIG", 0, 431},
    {UPF_ERR_METHOD, "UPF_ERR_METHOD", 0, 405},
    {UPF_ERR_TARGET, "UPF_ERR_TARGET", 0, 400},
    {UPF_ERR_HOST, "UPF_ERR_HOST", 0, 400},
    {UPF_ERR_BODY, "UPF_ERR_BODY", 0, 400},
    {UPF_ERR_NOT_UPGRADE, "UPF_ERR_NOT_UPGRADE", 0, 426},
    {UPF_ERR_CONNECTION, "UPF_ERR_CONNECTION", 0, 400},
    {UPF_ERR_KEY, "UPF_ERR_KEY", 0, 400},
    {UPF_ERR_VERSION, "UPF_ERR_VERSION", 0, 426},
    {UPF_ERR_ORIGIN, "UPF_ERR_ORIGIN", 0, 403},
    {UPF_ERR_SUBPROTOCOL, "UPF_ERR_SUBPROTOCOL", 0, 400},
    {UPF_ERR_EXTENSION, "UPF_ERR_EXTENSION", 0, 400},
    {UPF_ERR_REFUSED, "UPF_ERR_REFUSED", 0, 0},
    {UPF_ERR_RESPONSE, "UPF_ERR_RESPONSE", 0, 0},
    {UPF_ERR_UPGRADE, "UPF_ERR_UPGRADE", 0, 0},
    {UPF_ERR_ACCEPT, "UPF_ERR_ACCEPT", 0, 0},
    {UPF_ERR_EOF, "UPF_ERR_EOF", 0, 0},
    {UPF_ERR_IO, "UPF_ERR_IO", 0, 0},
    {UPF_ERR_HANDSHAKE_TIMEOUT, "UPF_ERR_HANDSHAKE_TIMEOUT", 0, 408},
    {UPF_ERR_PONG_TIMEOUT, "UPF_ERR_PONG_TIMEOUT", 1011, 0},
    {UPF_ERR_CLOSE_TIMEOUT, "UPF_ERR_CLOSE_TIMEOUT", 0, 0},
    {UPF_ERR_NO_MEMORY, "UPF_ERR_NO_MEMORY", 1011, 500},
    {UPF_ERR_RANDOM, "UPF_ERR_RANDOM", 1011, 500},
    {UPF_ERR_STATE, "UPF_ERR_STATE", 0, 0},
    {UPF_ERR_ARGUMENT, "UPF_ERR_ARGUMENT", 0, 0},
    {UPF_ERR_QUEUE_FULL, "UPF_ERR_QUEUE_FULL", 0, 0},
    {UPF_ERR_URL, "UPF_ERR_URL", 0, 0},
    {UPF_ERR_WRITE_TIMEOUT, "UPF_ERR_WRITE_TIMEOUT", 0, 0},
    {UPF_ERR_REQUEST_LINE, "UPF_ERR_REQUEST_LINE", 0, 400},
    {UPF_ERR_TARGET_TOO_BIG, "UPF_ERR_TARGET_TOO_BIG", 0, 414},
    {UPF_ERR_TARGET_CHARACTER, "UPF_ERR_TARGET_CHARACTER", 0, 400},
    {UPF_ERR_TARGET_FRAGMENT, "UPF_ERR_TARGET_FRAGMENT", 0, 400},
    {UPF_ERR_AUTHORITY, "UPF_ERR_AUTHORITY", 0, 400},
    {UPF_ERR_NO_PROXY, "UPF_ERR_NO_PROXY", 0, 405},
    {UPF_ERR_BODY_LENGTH, "UPF_ERR_BODY_LENGTH", 0, 400},
    {UPF_ERR_UPGRADE_STRIPPED, "UPF_ERR_UPGRADE_STRIPPED", 0, 426},
    {UPF_ERR_VERSION_REPEATED, "UPF_ERR_VERSION_REPEATED", 0, 400},
    {UPF_ERR_SUBPROTOCOL_REPEATED, "UPF_ERR_SUBPROTOCOL_REPEATED", 0, 400},
    {UPF_ERR_SUBPROTOCOL_COUNT, "UPF_ERR_SUBPROTOCOL_COUNT", 0, 400},
    {UPF_ERR_NO_REQUEST, "UPF_ERR_NO_REQUEST", 0, 0},
    {UPF_ERR_NO_RESPONSE, "UPF_ERR_NO_RESPONSE", 0, 0},
    {UPF_ERR_HOST_MISSING, "UPF_ERR_HOST_MISSING", 0, 400},
    {UPF_ERR_HOST_REPEATED, "UPF_ERR_HOST_REPEATED", 0, 400},
    {UPF_ERR_KEY_MISSING, "UPF_ERR_KEY_MISSING", 0, 400},
    {UPF_ERR_KEY_REPEATED, "UPF_ERR_KEY_REPEATED", 0, 400},
    {UPF_ERR_ORIGIN_REPEATED, "UPF_ERR_ORIGIN_REPEATED", 0, 403},
    {UPF_ERR_SUBPROTOCOL_NOT_OFFERED, "UPF_ERR_SUBPROTOCOL_NOT_OFFERED", 0, 0},
    {UPF_ERR_SUBPROTOCOL_LINES, "UPF_ERR_SUBPROTOCOL_LINES", 0, 0},
    {UPF_ERR_EXTENSION_NOT_OFFERED, "UPF_ERR_EXTENSION_NOT_OFFERED", 0, 0},
    {UPF_ERR_EXTENSION_REPEATED, "UPF_ERR_EXTENSION_REPEATED", 0, 0},
    {UPF_ERR_EXTENSION_PARAMETERS, "UPF_ERR_EXTENSION_PARAMETERS", 0, 0},
};

enum { COUNT = sizeof expected / sizeof *expected };

static void every_status_has_its_name_and_tells_the_peer_the_right_code(
    void **state)
{
    (void)state;
    assert_int_equal(COUNT, UPF_DONE - UPF_STATUS_LAST + 1);
    for (size_t i = 0; i < COUNT; i++) {
        const upf_status status = expected[i].status;
        assert_string_equal(upf_status_name(status), expected[i].name);
        assert_int_equal(upf_status_close_code(status), expected[i].close);
        assert_int_equal(upf_status_http(status), expected[i].http);
    }
}

static void every_text_is_a_clause_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        const char *text = upf_status_text(expected[i].status);
        const size_t len = strlen(text);

        assert_in_range(len, 5, 70);
        assert_true(text[len - 1] != '.' && text[len - 1] != ' ');
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(text, upf_status_text(expected[j].status));
    }
}

/* "RFC 6455, 5.5.1", or nothing. */
static bool is_citation(const char *text)
{
    const char *const section = text + strlen("RFC 6455, ");

    return strspn(text, "RFC") == 3 && text[3] == ' ' &&
           strspn(text + 4, "0123456789") == 4 &&
           strncmp(text + 8, ", ", 2) == 0 && *section != '\0' &&
           section[strspn(section, "0123456789.")] == '\0' &&
           section[strlen(section) - 1] != '.';
}

static void every_rule_that_an_rfc_sets_is_cited(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        const upf_status status = expected[i].status;
        const char *section = upf_status_section(status);
        const bool is_ours = status >= 0 || status == UPF_ERR_NO_MEMORY ||
                             (status <= UPF_ERR_STATE && status > UPF_ERR_URL) ||
                             status == UPF_ERR_WRITE_TIMEOUT ||
                             status == UPF_ERR_SUBPROTOCOL_COUNT;

        assert_int_equal(*section == '\0', is_ours);
        if (!is_ours && !is_citation(section))
            fail_msg("%s: \"%s\"", expected[i].name, section);
    }
    assert_string_equal(upf_status_section(UPF_ERR_UTF8), "RFC 6455, 8.1");
    assert_string_equal(upf_status_text(UPF_ERR_UTF8),
                        "text that is not UTF-8");
}

static void any_integer_may_be_asked_about(void **state)
{
    (void)state;
    static const int far[] = {INT_MIN, INT_MIN + 1, INT_MAX - 1, INT_MAX};

    for (int i = -1000; i <= 1000; i++) {
        const bool known = i >= UPF_STATUS_LAST && i <= UPF_DONE;
        const int value = i;
        upf_status status;

        memcpy(&status, &value, sizeof status);
        assert_int_equal(strcmp(upf_status_name(status), "unknown") != 0,
                         known);
    }
    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        upf_status status;

        memcpy(&status, &far[i], sizeof status);
        assert_string_equal(upf_status_name(status), "unknown");
        assert_string_equal(upf_status_text(status), "unknown status");
        assert_string_equal(upf_status_section(status), "");
        assert_int_equal(upf_status_close_code(status), 0);
        assert_int_equal(upf_status_http(status), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            every_status_has_its_name_and_tells_the_peer_the_right_code),
        cmocka_unit_test(every_text_is_a_clause_of_its_own),
        cmocka_unit_test(every_rule_that_an_rfc_sets_is_cited),
        cmocka_unit_test(any_integer_may_be_asked_about),
    };
    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
