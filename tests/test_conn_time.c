/* SPDX-License-Identifier: MIT */
/* test_conn_time.c - deadlines and ticks: time is an argument. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "support/heads.h"
#include "support/session.h"

static uint64_t deadline(const struct session *session)
{
    return upf_conn_deadline(&session->conn);
}

#define assert_deadline(session, expected) \
    assert_true(deadline(session) == (uint64_t)(expected))

/* Open, and it is one second past the beginning of time. */
static void start_open(struct session *session, enum role role)
{
    session_prepare(session);
    session_begin(session, role);
    session_give(session, NULL, 0);
    session_tick(session, 1000);
}

/* ---- The opening handshake -------------------------------------------- */

static void a_server_waits_for_the_request_for_so_long(void **state)
{
    (void)state;
    struct session session;

    session_start(&session, SERVER);
    assert_deadline(&session, 0);
    session_tick(&session, 1000);
    assert_deadline(&session, 11000);
    session_give(&session, HEAD_REQUEST, 30);
    session_tick(&session, 10999);
    assert_deadline(&session, 11000);
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
    session_tick(&session, 11000);
    assert_log(&session, "CLOSE 1006 sent=0 clean=0 "
               "status=UPF_ERR_HANDSHAKE_TIMEOUT reason=\"\"\n");
    assert_status_line(&session.output, "HTTP/1.1 408 Request Timeout");
    session_free(&session);
}

static void a_client_waits_for_the_response_for_so_long(void **state)
{
    (void)state;
    struct session session;

    session_start(&session, CLIENT);
    session_give(&session, "HTTP/1.1", 8);
    const size_t sent = session.output.len;
    session_tick(&session, 5);
    assert_deadline(&session, 10005);
    session_tick(&session, 10005);
    assert_log(&session, "CLOSE 1006 sent=0 clean=0 "
               "status=UPF_ERR_HANDSHAKE_TIMEOUT reason=\"\"\n");
    assert_int_equal(session.output.len, sent);
    session_free(&session);
}

static void a_slow_request_does_not_win_time(void **state)
{
    (void)state;
    struct session session;
    uint64_t       now = 1000;

    session_start(&session, SERVER);
    session_tick(&session, now);
    for (size_t i = 0; session.last != UPF_DONE; i++) {
        assert_true(i < 100);
        assert_deadline(&session, 11000);
        session_give(&session, &HEAD_REQUEST[i], 1);
        now += 500;
        session_tick(&session, now);
    }
    assert_int_equal(now, 11000);
    assert_status(session.log.status, UPF_ERR_HANDSHAKE_TIMEOUT);
    session_free(&session);
}

static void the_handshakes_deadline_ends_with_it(void **state)
{
    (void)state;
    struct session session;

    session_start(&session, SERVER);
    session_tick(&session, 1000);
    session_give(&session, HEAD_REQUEST, sizeof HEAD_REQUEST - 1);
    session_tick(&session, 9000);
    assert_deadline(&session, 9000 + 30000);
    session_tick(&session, 11000);
    session_tick(&session, 20000);
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
    session_free(&session);
}

/* ---- Keepalive -------------------------------------------------------- */

static void silence_is_answered_by_a_ping(void **state)
{
    (void)state;
    for (int client = 0; client < 2; client++) {
        struct session session;

        start_open(&session, client ? OPEN_CLIENT : OPEN_SERVER);
        assert_deadline(&session, 31000);
        session_tick(&session, 30999);
        assert_int_equal(session.output.len, 0);
        session_tick(&session, 31000);
        assert_sent(&session, "fin PING 0 \"\"\n");
        assert_deadline(&session, 31000 + 20000);
        session_tick(&session, 50999);
        assert_sent(&session, "fin PING 0 \"\"\n");
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
        session_free(&session);
    }
}

static void silence_after_the_ping_fails(void **state)
{
    (void)state;
    struct session session;
    const int code = upf_status_close_code(UPF_ERR_PONG_TIMEOUT);

    start_open(&session, OPEN_SERVER);
    session_tick(&session, 31000);
    session_tick(&session, 51000);
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 1);
    assert_status(session.log.status, UPF_ERR_PONG_TIMEOUT);
    assert_int_equal(session.log.close.code, 1006);
    assert_int_equal(session.log.close.sent_code, code);
    assert_false(session.log.close.clean);
    assert_status(session.last, UPF_DONE);
    session_free(&session);
}

static void any_byte_keeps_a_connection_alive(void **state)
{
    (void)state;
    struct blob bytes = {0};
    uint64_t    now = 1000;

    put_text(&bytes, FROM_CLIENT, FIN | PONG, "");
    put_run(&bytes, FROM_CLIENT, FIN | BINARY, 'x', 200);

    struct session session;
    start_open(&session, OPEN_SERVER);
    for (size_t i = 0; i < bytes.len; i++) {
        now += 30000;
        session_tick(&session, now); /* the ping */
        now += 19999;
        session_give(&session, bytes.data + i, 1);
        session_tick(&session, now);
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
        assert_deadline(&session, now + 30000);
    }
    assert_int_equal(session.output.len, 2 * bytes.len);
    session_free(&session);
    blob_free(&bytes);
}

static void what_arrives_puts_the_ping_off(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};

    put_text(&bytes, FROM_CLIENT, FIN | TEXT, "here");
    start_open(&session, OPEN_SERVER);
    for (uint64_t now = 2000; now < 200000; now += 20000) {
        session_give_blob(&session, &bytes);
        session_tick(&session, now);
        assert_deadline(&session, now + 30000);
    }
    assert_int_equal(session.output.len, 0);
    session_free(&session);
    blob_free(&bytes);
}

/* ---- Closing ---------------------------------------------------------- */

static void a_peer_that_does_not_answer_our_close_is_given_up(void **state)
{
    (void)state;
    for (int client = 0; client < 2; client++) {
        struct session session;
        struct blob    bytes = {0};

        start_open(&session, client ? OPEN_CLIENT : OPEN_SERVER);
        assert_status(upf_close(&session.conn, 1000, NULL), UPF_OK);
        session_give(&session, NULL, 0);
        session_tick(&session, 2000);
        assert_deadline(&session, 7000);
        /* Messages still arrive, but win no time. */
        put_text(&bytes, role_peer(session.role), FIN | TEXT, "busy");
        for (uint64_t now = 3000; now < 7000; now += 500) {
            session_give_blob(&session, &bytes);
            session_tick(&session, now);
            assert_deadline(&session, 7000);
        }
        session_tick(&session, 7000);
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 1);
        assert_status(session.log.status, UPF_ERR_CLOSE_TIMEOUT);
        assert_int_equal(session.log.close.sent_code, 1000);
        assert_false(session.log.close.clean);
        assert_sent(&session, "fin CLOSE 1000 \"\"\n");
        session_free(&session);
        blob_free(&bytes);
    }
}

static void the_end_of_the_stream_is_awaited_for_so_long(void **state)
{
    (void)state;
    for (int client = 0; client < 2; client++) {
        struct session session;
        struct blob    bytes = {0};

        start_open(&session, client ? OPEN_CLIENT : OPEN_SERVER);
        put_close(&bytes, role_peer(session.role), 1000, NULL);
        session_give_blob(&session, &bytes);
        assert_status(session.last, UPF_DONE);
        session_tick(&session, 2000);
        assert_deadline(&session, 7000);
        session_tick(&session, 6999);
        assert_int_equal(upf_conn_wants(&session.conn) & UPF_WANTS_CLOSE, 0);
        session_tick(&session, 7000);
        assert_int_equal(upf_conn_wants(&session.conn), UPF_WANTS_CLOSE);
        assert_true(deadline(&session) == UINT64_MAX);
        session_free(&session);
        blob_free(&bytes);
    }
}

static void a_peer_that_does_not_read_our_last_words_is_given_up(void **state)
{
    (void)state;
    struct session session;

    session_prepare(&session);
    session.hold = true;
    session_begin(&session, OPEN_SERVER);
    session_give(&session, "\x83\x00", 2);
    assert_status(session.last, UPF_DONE);
    session_tick(&session, 1000);
    session_tick(&session, 6000);
    assert_int_equal(upf_conn_wants(&session.conn), UPF_WANTS_CLOSE);
    session_free(&session);
}

/* ---- Off, and odd ----------------------------------------------------- */

static void zero_switches_each_one_off(void **state)
{
    (void)state;
    for (int role = SERVER; role <= OPEN_CLIENT; role++) {
        struct session session;

        session_prepare(&session);
        session.config.handshake_timeout = 0;
        session.config.ping_interval     = 0;
        session.config.pong_timeout      = 0;
        session.config.close_timeout     = 0;
        session_begin(&session, (enum role)role);
        session_give(&session, NULL, 0);
        session_tick(&session, 1000);
        assert_true(deadline(&session) == UINT64_MAX);
        session_tick(&session, UINT64_MAX - 1);
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
        if (upf_conn_is_open(&session.conn)) {
            assert_int_equal(session.output.len, 0);
            assert_status(upf_close(&session.conn, 1000, NULL), UPF_OK);
            session_tick(&session, UINT64_MAX - 1);
            assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
            assert_true(deadline(&session) == UINT64_MAX);
        }
        session_free(&session);
    }
}

static void without_a_pong_timeout_silence_does_not_fail(void **state)
{
    (void)state;
    struct session session;

    session_prepare(&session);
    session.config.pong_timeout = 0;
    session_begin(&session, OPEN_SERVER);
    session_give(&session, NULL, 0);
    for (uint64_t now = 1; now < 1000000; now += 10000)
        session_tick(&session, now);
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
    assert_true(session.output.len >= 2);
    session_free(&session);
}

static void a_clock_at_its_end_does_not_wrap(void **state)
{
    (void)state;
    struct session session;

    session_start(&session, SERVER);
    session_tick(&session, UINT64_MAX - 5);
    assert_true(deadline(&session) >= UINT64_MAX - 5);
    session_tick(&session, UINT64_MAX - 4);
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
    session_free(&session);
}

static void ticks_after_the_end_change_nothing(void **state)
{
    (void)state;
    struct session session;

    start_open(&session, OPEN_SERVER);
    session_eof(&session);
    for (uint64_t now = 1; now < 1000000; now += 1000)
        session_tick(&session, now);
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 1);
    assert_int_equal(upf_conn_wants(&session.conn), UPF_WANTS_CLOSE);
    session_free(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_waits_for_the_request_for_so_long),
        cmocka_unit_test(a_client_waits_for_the_response_for_so_long),
        cmocka_unit_test(a_slow_request_does_not_win_time),
        cmocka_unit_test(the_handshakes_deadline_ends_with_it),
        cmocka_unit_test(silence_is_answered_by_a_ping),
        cmocka_unit_test(silence_after_the_ping_fails),
        cmocka_unit_test(any_byte_keeps_a_connection_alive),
        cmocka_unit_test(what_arrives_puts_the_ping_off),
        cmocka_unit_test(a_peer_that_does_not_answer_our_close_is_given_up),
        cmocka_unit_test(the_end_of_the_stream_is_awaited_for_so_long),
        cmocka_unit_test(a_peer_that_does_not_read_our_last_words_is_given_up),
        cmocka_unit_test(zero_switches_each_one_off),
        cmocka_unit_test(without_a_pong_timeout_silence_does_not_fail),
        cmocka_unit_test(a_clock_at_its_end_does_not_wrap),
        cmocka_unit_test(ticks_after_the_end_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
