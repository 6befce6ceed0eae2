/* SPDX-License-Identifier: MIT */
/* test_memory.c - what a connection weighs, busy and idle. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "support/heads.h"
#include "support/session.h"

static void a_connection_has_at_most_128_bytes(void **state)
{
    (void)state;
    if (sizeof(void *) > 8)
        skip(); /* the bound is for pointers of up to 64 bits */
    assert_true(sizeof(upf_conn) <= 128);
}

/* So of a million connections, visited at random, each costs one cache line, or
 * two if it is not aligned. */
static void a_short_message_touches_64_bytes(void **state)
{
    enum { LINE = 64 };
    static const size_t ends[] = {
#define END(field) (offsetof(upf_conn, field) + sizeof ((upf_conn *)0)->field)
        END(config), END(out), END(offset), END(flags), END(glance_limit),
        END(glance), END(leeway), END(block_limit), END(out_kind), END(state),
        END(timer)
    };
    struct session session;
    struct blob    echo = {0};
    upf_event      ev;
    upf_slice      slice;

    (void)state;
    if (sizeof(void *) > 8)
        skip(); /* the bound is for pointers of up to 64 bits */
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        assert_true(ends[i] <= LINE);

    /* In, out, and in time: nothing is written to the rest. */
    session_start(&session, SERVER);
    session_give(&session, HEAD_REQUEST, sizeof HEAD_REQUEST - 1);
    upf_conn *conn = &session.conn;
    uint8_t   rest[sizeof *conn - LINE];
    put_text(&echo, role_peer(SERVER), FIN | TEXT, "Hello");
    put_text(&echo, role_peer(SERVER), FIN | BINARY, "Hello again");
    memcpy(rest, (uint8_t *)conn + LINE, sizeof rest);
    upf_input in = {echo.data, echo.len};
    while (upf_conn_next(conn, &in, &ev) == UPF_OK) {
        assert_int_equal(ev.type, UPF_EVENT_MESSAGE);
        assert_status(upf_send_in_place(conn, ev.opcode, ev.data, ev.len),
                      UPF_OK);
    }
    assert_int_equal(upf_conn_output(conn, &slice, 1), 1);
    upf_conn_output_done(conn, (ptrdiff_t)slice.len);
    upf_conn_tick(conn, 1000);
    assert_int_equal(upf_conn_queued(conn), 0);
    assert_memory_equal(rest, (uint8_t *)conn + LINE, sizeof rest);
    blob_free(&echo);
    session_free(&session);
}

/* A handshake, each kind of traffic in pieces, and no memory is left. */
static void check_idle(enum role role, bool stream)
{
    struct session session;
    struct blob    bytes = {0};

    session_prepare(&session);
    session.config.stream = stream;
    session.app = app_echo_parts;
    session_begin(&session, role);
    if (role == SERVER) {
        blob_text(&bytes, HEAD_REQUEST);
    } else {
        session_give(&session, NULL, 0);
        put_101(&bytes, &session.output, "");
    }
    for (size_t i = 0; i < bytes.len; i++)
        session_give(&session, bytes.data + i, 1);
    assert_true(upf_conn_is_open(&session.conn));
    assert_int_equal(session.alloc.live, 0);

    blob_clear(&bytes);
    put_text(&bytes, role_peer(role), TEXT, "some text \xE2\x82");
    put_text(&bytes, role_peer(role), FIN | PING, "ping");
    put_text(&bytes, role_peer(role), FIN | CONT, "\xAC.");
    put_run(&bytes, role_peer(role), FIN | BINARY, 'b', 9000);
    put_text(&bytes, role_peer(role), FIN | PONG, "in pieces, and the last");
    for (size_t step = 1; step < 100000; step = step * 7 + 2) {
        for (size_t at = 0; at < bytes.len; at += step)
            session_give(&session, bytes.data + at,
                         step < bytes.len - at ? step : bytes.len - at);
        session_give(&session, NULL, 0);
        assert_int_equal(session.alloc.live, 0);
        assert_int_equal(session.alloc.blocks, 0);
    }
    assert_true(session.alloc.calls > 0);
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
    session_free(&session);
    blob_free(&bytes);
}

static void an_idle_server_connection_holds_no_heap(void **state)
{
    (void)state;
    check_idle(SERVER, false);
    check_idle(SERVER, true);
}

static void an_idle_client_connection_holds_no_heap(void **state)
{
    (void)state;
    check_idle(CLIENT, false);
    check_idle(CLIENT, true);
}

static void a_connection_that_has_closed_holds_no_heap(void **state)
{
    (void)state;
    static const enum role roles[] = {OPEN_SERVER, OPEN_CLIENT};

    for (size_t i = 0; i < 2; i++) {
        struct session session;
        struct blob    bytes = {0};

        put_text(&bytes, role_peer(roles[i]), TEXT, "unfinished");
        put_close(&bytes, role_peer(roles[i]), 1000, "bye");
        session_start(&session, roles[i]);
        for (size_t at = 0; at < bytes.len; at++)
            session_give(&session, bytes.data + at, 1);
        session_give(&session, NULL, 0);
        assert_status(session.last, UPF_DONE);
        assert_int_equal(session.alloc.live, 0);
        session_free(&session);
        blob_free(&bytes);
    }
}

/* What lies whole in the input is looked at there: each frame but the reply. */
static void what_comes_in_one_piece_takes_no_memory(void **state)
{
    (void)state;
    static const unsigned opcodes[] = {TEXT, BINARY, PONG, PING, CLOSE};

    for (size_t i = 0; i < sizeof opcodes / sizeof *opcodes; i++)
        for (int stream = 0; stream < 2; stream++)
            for (int client = 0; client < 2; client++) {
                struct session session;
                struct blob    bytes = {0};
                upf_event      event;

                session_prepare(&session);
                session.config.stream = stream != 0;
                session_begin(&session, client ? OPEN_CLIENT : OPEN_SERVER);
                session_give(&session, NULL, 0);
                put_text(&bytes, role_peer(session.role), FIN | opcodes[i],
                         opcodes[i] == CLOSE ? "\x0F\xA0 bye" : "whole");
                upf_input input = {bytes.data, bytes.len};
                assert_status(upf_conn_next(&session.conn, &input, &event),
                              UPF_OK);
                assert_true(event.data >= bytes.data &&
                            event.data + event.len ==
                                bytes.data + bytes.len);
                if (opcodes[i] != PING && opcodes[i] != CLOSE)
                    assert_int_equal(session.alloc.calls, 0);
                session_free(&session);
                blob_free(&bytes);
            }
}

static void a_thousand_messages_leave_nothing_behind(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};
    size_t         peak;

    put_text(&bytes, FROM_CLIENT, FIN | TEXT, "in two pieces");
    session_prepare(&session);
    session.app = app_echo;
    session_begin(&session, OPEN_SERVER);
    session_give(&session, bytes.data, 8);
    session_give(&session, bytes.data + 8, bytes.len - 8);
    peak = session.alloc.peak;
    for (int i = 0; i < 1000; i++) {
        session_give(&session, bytes.data, 8);
        session_give(&session, bytes.data + 8, bytes.len - 8);
        assert_int_equal(session.alloc.live, 0);
    }
    assert_int_equal(session.alloc.peak, peak);
    session_free(&session);
    blob_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_has_at_most_128_bytes),
        cmocka_unit_test(a_short_message_touches_64_bytes),
        cmocka_unit_test(an_idle_server_connection_holds_no_heap),
        cmocka_unit_test(an_idle_client_connection_holds_no_heap),
        cmocka_unit_test(a_connection_that_has_closed_holds_no_heap),
        cmocka_unit_test(what_comes_in_one_piece_takes_no_memory),
        cmocka_unit_test(a_thousand_messages_leave_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
