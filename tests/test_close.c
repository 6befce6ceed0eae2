/* SPDX-License-Identifier: MIT */
/* test_close.c - codes and reasons of a Close (RFC 6455, section 7.4). */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "support/oracle.h"
#include "support/split.h"

static const enum role roles[] = {OPEN_SERVER, OPEN_CLIENT};

static void check_received(enum role role, int code)
{
    const bool valid = oracle_close_code_is_taken(code);
    struct session session;
    struct blob    bytes = {0}, sent = {0}, expected = {0};
    uint8_t payload[2] = {(uint8_t)(code >> 8), (uint8_t)code};

    put_frame(&bytes, role_peer(role), FIN | CLOSE, payload, 2);
    session_start(&session, role);
    session_give_blob(&session, &bytes);
    if (valid)
        blob_printf(&expected, "OPEN\nCLOSE %d sent=%d clean=1 status=UPF_OK "
                    "reason=\"\"\n", code, code);
    else
        blob_printf(&expected, "OPEN\nCLOSE 1006 sent=1002 clean=0 "
                    "status=UPF_ERR_CLOSE_CODE offset=%d reason=\"\"\n",
                    (int)session.log.close.offset);
    assert_log(&session, blob_str(&expected));
    assert_true(session.log.close.offset <= bytes.len);

    show_frames(&sent, session.output.data, session.output.len,
                role_self(role), 0);
    blob_clear(&expected);
    blob_printf(&expected, "fin CLOSE %d ", valid ? code : 1002);
    assert_int_equal(strncmp(blob_str(&sent), blob_str(&expected),
                             expected.len), 0);
    session_free(&session);
    blob_free(&bytes);
    blob_free(&sent);
    blob_free(&expected);
}

static void every_received_code_is_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (int code = 0; code <= 5001; code++)
            check_received(roles[i], code);
        check_received(roles[i], 0x8000 + 1000);
        check_received(roles[i], 65535);
    }
}

static void check_sent(enum role role, int code)
{
    const bool valid = code == 0 ||
                       oracle_close_code(code, role_is_client(role));
    struct session session;

    session_start(&session, role);
    session_give(&session, NULL, 0);
    const upf_status status = upf_close(&session.conn, code, NULL);

    if ((status == UPF_OK) != valid ||
        (!valid && status != UPF_ERR_ARGUMENT))
        fail_msg("upf_close(%d) by a %s: %s", code,
                 role_is_client(role) ? "client" : "server",
                 upf_status_name(status));
    assert_int_equal(upf_conn_is_open(&session.conn), !valid);
    assert_int_equal(upf_conn_queued(&session.conn) == 0, !valid);
    session_free(&session);
}

static void every_sent_code_is_judged(void **state)
{
    (void)state;
    static const int odd[] = {-1, -1000, 65535, 65536, 65536 + 1000,
                              INT32_MAX, INT32_MIN};

    for (size_t i = 0; i < 2; i++) {
        for (int code = 0; code <= 5001; code++)
            check_sent(roles[i], code);
        for (size_t j = 0; j < sizeof odd / sizeof *odd; j++)
            check_sent(roles[i], odd[j]);
    }
}

static void a_payload_of_one_byte_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scene   scene = {.role = roles[i]};
        struct outcome outcome;

        put_text(&scene.bytes, role_peer(roles[i]), FIN | CLOSE, "\x03");
        scene_run(&scene, &outcome);
        assert_non_null(strstr(blob_str(&outcome.log),
                               "OPEN\nCLOSE 1006 sent=1002 clean=0 "
                               "status=UPF_ERR_CLOSE_LENGTH"));
        outcome_free(&outcome);
        blob_free(&scene.bytes);
    }
}

static void a_reason_that_is_not_utf8_fails(void **state)
{
    (void)state;
    static const char *const reasons[] = {
        "\xFF", "\xC3", "good\x80", "\xED\xA0\x80", "cut \xE2\x82",
        "\xC0\xAF", "\xF4\x90\x80\x80",
    };

    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        struct scene   scene = {.role = OPEN_SERVER};
        struct outcome outcome;

        put_close(&scene.bytes, FROM_CLIENT, 1000, reasons[i]);
        scene_run(&scene, &outcome);
        assert_non_null(strstr(blob_str(&outcome.log),
                               "OPEN\nCLOSE 1006 sent=1007 clean=0 "
                               "status=UPF_ERR_CLOSE_REASON"));
        outcome_free(&outcome);
        blob_free(&scene.bytes);
    }
}

/* Two bytes a character, so that every other length ends inside one. */
static void fill_reason(char reason[130], size_t len)
{
    for (size_t i = 0; i + 1 < len; i += 2)
        memcpy(reason + i, "\xC3\xA9", 2);
    if (len % 2)
        reason[len - 1] = '!';
    reason[len] = '\0';
}

static void reasons_of_every_length_are_received(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 123; len++) {
        struct session session;
        struct blob    bytes = {0}, expected = {0};
        char           reason[130];

        fill_reason(reason, len);
        put_close(&bytes, FROM_CLIENT, 3000, reason);
        blob_text(&expected, "OPEN\nCLOSE 3000 sent=3000 clean=1 "
                  "status=UPF_OK reason=");
        blob_show(&expected, reason, len);
        blob_text(&expected, "\n");
        for (int bytewise = 0; bytewise < 2; bytewise++) {
            session_start(&session, OPEN_SERVER);
            for (size_t i = 0; bytewise && i + 1 < bytes.len; i++)
                session_give(&session, bytes.data + i, 1);
            session_give(&session, bytes.data + (bytewise ? bytes.len - 1 : 0),
                         bytewise ? 1 : bytes.len);
            assert_log(&session, blob_str(&expected));
            session_free(&session);
        }
        blob_free(&bytes);
        blob_free(&expected);
    }
}

static void reasons_up_to_123_bytes_are_sent(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 125; len++) {
        struct session session;
        struct blob    expected = {0};
        char           reason[130];

        fill_reason(reason, len);
        session_start(&session, OPEN_CLIENT);
        session_give(&session, NULL, 0);
        assert_status(upf_close(&session.conn, 1000, reason),
                      len <= 123 ? UPF_OK : UPF_ERR_ARGUMENT);
        session_write(&session);
        if (len <= 123) {
            blob_text(&expected, "fin CLOSE 1000 ");
            blob_show(&expected, reason, len);
            blob_text(&expected, "\n");
        }
        assert_sent(&session, blob_str(&expected));
        session_free(&session);
        blob_free(&expected);
    }
}

static void reasons_that_are_not_utf8_are_not_sent(void **state)
{
    (void)state;
    struct session session;

    session_start(&session, OPEN_SERVER);
    session_give(&session, NULL, 0);
    assert_status(upf_close(&session.conn, 1000, "\xFF"), UPF_ERR_ARGUMENT);
    assert_status(upf_close(&session.conn, 1000, "\xC3"), UPF_ERR_ARGUMENT);
    assert_true(upf_conn_is_open(&session.conn));
    assert_int_equal(upf_conn_queued(&session.conn), 0);
    session_free(&session);
}

/* A reason needs a code in front of it. */
static void a_reason_without_a_code_is_never_sent(void **state)
{
    (void)state;
    struct session session;

    session_start(&session, OPEN_SERVER);
    session_give(&session, NULL, 0);
    const upf_status status = upf_close(&session.conn, 0, "why");
    session_write(&session);
    assert_true(status == UPF_ERR_ARGUMENT || status == UPF_OK);
    assert_sent(&session, status == UPF_OK ? "fin CLOSE 0 \"\"\n" : "");
    session_free(&session);
}

static void our_own_tables_agree_on_the_code_for_each_status(void **state)
{
    (void)state;
    for (int status = 0; status >= UPF_ERR_CLOSE_REASON; status--)
        if (status != UPF_ERR_EXTENSION_DATA &&
            !oracle_code_tells(upf_status_close_code((upf_status)status),
                               (upf_status)status))
            fail_msg("%s is told by %d", upf_status_name((upf_status)status),
                     upf_status_close_code((upf_status)status));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_received_code_is_judged),
        cmocka_unit_test(every_sent_code_is_judged),
        cmocka_unit_test(a_payload_of_one_byte_fails),
        cmocka_unit_test(a_reason_that_is_not_utf8_fails),
        cmocka_unit_test(reasons_of_every_length_are_received),
        cmocka_unit_test(reasons_up_to_123_bytes_are_sent),
        cmocka_unit_test(reasons_that_are_not_utf8_are_not_sent),
        cmocka_unit_test(a_reason_without_a_code_is_never_sent),
        cmocka_unit_test(our_own_tables_agree_on_the_code_for_each_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
