/* SPDX-License-Identifier: MIT */
/* test_conn_close.c - each way to the end (RFC 6455, sections 5.5.1 and 7). */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "support/split.h"

static const enum role roles[] = {OPEN_SERVER, OPEN_CLIENT};

static unsigned wants(const struct session *session)
{
    return upf_conn_wants(&session->conn);
}

static bool wants_shutdown(const struct session *session)
{
    const unsigned all = wants(session);

    return (all & UPF_WANTS_SHUTDOWN) != 0 &&
           (all & (UPF_WANTS_WRITE | UPF_WANTS_CLOSE)) == 0;
}

/* A connection that is open, and writes only when told. */
static void start_open(struct session *session, enum role role)
{
    session_prepare(session);
    session->hold = true;
    session_begin(session, role);
    session_give(session, NULL, 0);
    assert_true(upf_conn_is_open(&session->conn));
}

static void give_close(struct session *session, int code, const char *reason)
{
    struct blob bytes = {0};

    put_close(&bytes, role_peer(session->role), code, reason);
    session_give_blob(session, &bytes);
    blob_free(&bytes);
}

static void write_out(struct session *session)
{
    session->hold = false;
    session_write(session);
    session->hold = true;
}

/* Whatever is called now that all is over, nothing comes of it. */
static void check_all_is_over(struct session *session)
{
    upf_conn    *conn = &session->conn;
    const size_t queued = upf_conn_queued(conn);
    uint8_t      bytes[20] = {0x81};
    upf_input    input = {bytes, sizeof bytes};
    upf_event    event;

    for (int i = 0; i < 3; i++) {
        assert_status(upf_conn_next(conn, &input, &event), UPF_DONE);
        assert_int_equal(input.len, sizeof bytes);
    }
    assert_false(upf_conn_is_open(conn));
    assert_status(upf_send(conn, UPF_OP_TEXT, "x", 1), UPF_ERR_STATE);
    assert_status(upf_sendv(conn, UPF_OP_TEXT, NULL, 0), UPF_ERR_STATE);
    assert_status(upf_send_part(conn, UPF_OP_TEXT, "x", 1, true),
                  UPF_ERR_STATE);
    assert_status(upf_send_in_place(conn, UPF_OP_TEXT, bytes + 14, 1),
                  UPF_ERR_STATE);
    assert_status(upf_ping(conn, NULL, 0), UPF_ERR_STATE);
    assert_status(upf_pong(conn, NULL, 0), UPF_ERR_STATE);
    assert_status(upf_close(conn, 1000, NULL), UPF_ERR_STATE);
    assert_status(upf_accept(conn, NULL, NULL, 0), UPF_ERR_STATE);
    assert_status(upf_refuse(conn, 404, NULL, 0, NULL, 0), UPF_ERR_STATE);
    assert_status(upf_defer(conn), UPF_ERR_STATE);
    assert_int_equal(upf_conn_queued(conn), queued);
}

/* ---- Orders ----------------------------------------------------------- */

static void a_server_is_closed_by_its_client(void **state)
{
    (void)state;
    struct session session;

    start_open(&session, OPEN_SERVER);
    assert_int_equal(wants(&session), UPF_WANTS_READ);
    give_close(&session, 1001, "leaving");
    assert_log(&session, "OPEN\nCLOSE 1001 sent=1001 clean=1 status=UPF_OK "
               "reason=\"leaving\"\n");
    assert_int_equal(wants(&session) & UPF_WANTS_WRITE, UPF_WANTS_WRITE);
    assert_int_equal(wants(&session) & UPF_WANTS_CLOSE, 0);
    write_out(&session);
    assert_true(wants_shutdown(&session));
    upf_conn_eof(&session.conn);
    assert_int_equal(wants(&session), UPF_WANTS_CLOSE);
    check_all_is_over(&session);
    session_free(&session);
}

static void a_client_is_closed_by_its_server_and_waits_for_it(void **state)
{
    (void)state;
    struct session session;

    start_open(&session, OPEN_CLIENT);
    give_close(&session, 1001, NULL);
    assert_log(&session, "OPEN\nCLOSE 1001 sent=1001 clean=1 status=UPF_OK "
               "reason=\"\"\n");
    assert_int_equal(wants(&session) & UPF_WANTS_WRITE, UPF_WANTS_WRITE);
    write_out(&session);
    assert_int_equal(wants(&session), UPF_WANTS_READ);
    upf_conn_eof(&session.conn);
    assert_int_equal(wants(&session), UPF_WANTS_CLOSE);
    check_all_is_over(&session);
    session_free(&session);
}

static void our_close_comes_first_and_messages_still_arrive(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct session session;
        struct blob    bytes = {0};

        start_open(&session, roles[i]);
        assert_status(upf_close(&session.conn, 4000, "enough"), UPF_OK);
        assert_false(upf_conn_is_open(&session.conn));
        assert_int_equal(wants(&session), UPF_WANTS_READ | UPF_WANTS_WRITE);
        write_out(&session);
        assert_int_equal(wants(&session), UPF_WANTS_READ);
        assert_status(upf_send(&session.conn, UPF_OP_TEXT, "x", 1),
                      UPF_ERR_STATE);
        assert_status(upf_ping(&session.conn, NULL, 0), UPF_ERR_STATE);
        assert_status(upf_close(&session.conn, 1000, NULL), UPF_ERR_STATE);

        put_text(&bytes, role_peer(roles[i]), FIN | TEXT, "still");
        put_text(&bytes, role_peer(roles[i]), TEXT, "here");
        put_text(&bytes, role_peer(roles[i]), FIN | CONT, "");
        session_give_blob(&session, &bytes);
        give_close(&session, 4000, "so be it");
        assert_log(&session, "OPEN\nMESSAGE text 5 \"still\"\n"
                   "MESSAGE text 4 \"here\"\n"
                   "CLOSE 4000 sent=4000 clean=1 status=UPF_OK "
                   "reason=\"so be it\"\n");
        assert_sent(&session, "fin CLOSE 4000 \"enough\"\n");
        if (roles[i] == OPEN_SERVER)
            assert_true(wants_shutdown(&session));
        else
            assert_int_equal(wants(&session), UPF_WANTS_READ);
        upf_conn_eof(&session.conn);
        assert_int_equal(wants(&session), UPF_WANTS_CLOSE);
        check_all_is_over(&session);
        session_free(&session);
        blob_free(&bytes);
    }
}

static void both_close_at_once_and_each_sends_one_close(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct session session;

        start_open(&session, roles[i]);
        assert_status(upf_close(&session.conn, 1000, NULL), UPF_OK);
        give_close(&session, 1001, NULL);
        write_out(&session);
        assert_log(&session, "OPEN\nCLOSE 1001 sent=1000 clean=1 "
                   "status=UPF_OK reason=\"\"\n");
        assert_sent(&session, "fin CLOSE 1000 \"\"\n");
        check_all_is_over(&session);
        session_free(&session);
    }
}

static void a_close_without_a_code_is_answered_by_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scene scene = {.role = roles[i]};

        put_close(&scene.bytes, role_peer(roles[i]), 0, NULL);
        assert_scene(&scene, "OPEN\nCLOSE 1005 sent=1005 clean=1 "
                     "status=UPF_OK reason=\"\"\n", "fin CLOSE 0 \"\"\n");
    }
}

static void our_close_may_be_without_a_code(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct session session;

        start_open(&session, roles[i]);
        assert_status(upf_close(&session.conn, 0, NULL), UPF_OK);
        write_out(&session);
        give_close(&session, 1000, NULL);
        assert_sent(&session, "fin CLOSE 0 \"\"\n");
        assert_log(&session, "OPEN\nCLOSE 1000 sent=1005 clean=1 "
                   "status=UPF_OK reason=\"\"\n");
        session_free(&session);
    }
}

static void a_close_leaves_behind_what_was_queued(void **state)
{
    (void)state;
    struct session session;

    start_open(&session, OPEN_SERVER);
    assert_status(upf_send(&session.conn, UPF_OP_TEXT, "last", 4), UPF_OK);
    assert_status(upf_ping(&session.conn, "p", 1), UPF_OK);
    assert_status(upf_close(&session.conn, 1000, NULL), UPF_OK);
    write_out(&session);
    assert_sent(&session, "fin TEXT 4 \"last\"\nfin PING 1 \"p\"\n"
                "fin CLOSE 1000 \"\"\n");
    session_free(&session);
}

static void close_on_an_event(struct session *session, const upf_event *event)
{
    if (event->type == UPF_EVENT_MESSAGE)
        (void)upf_close(&session->conn, 1000, "seen");
}

static void a_close_in_answer_to_a_message_is_the_same_at_any_cut(void **state)
{
    (void)state;
    struct scene scene = {.role = OPEN_SERVER, .app = close_on_an_event};

    put_text(&scene.bytes, FROM_CLIENT, FIN | TEXT, "one");
    put_text(&scene.bytes, FROM_CLIENT, FIN | TEXT, "two");
    put_close(&scene.bytes, FROM_CLIENT, 1000, "seen");
    put_text(&scene.bytes, FROM_CLIENT, FIN | TEXT, "three");
    blob_add(&scene.bytes, "\xFF\xFF\xFF", 3);
    assert_scene(&scene,
                 "OPEN\nMESSAGE text 3 \"one\"\nMESSAGE text 3 \"two\"\n"
                 "CLOSE 1000 sent=1000 clean=1 status=UPF_OK "
                 "reason=\"seen\"\n", "fin CLOSE 1000 \"seen\"\n");
}

/* Also the last one, before the end and behind it. */
static void every_byte_wants_to_be_written(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};
    upf_conn      *conn  = &session.conn;
    upf_slice      slice;

    session_start(&session, OPEN_SERVER);
    session_give(&session, NULL, 0);
    session.hold = true;
    assert_status(upf_send(conn, UPF_OP_TEXT, "out", 3), UPF_OK);
    assert_int_equal(upf_conn_output(conn, &slice, 1), 1);
    assert_status(upf_conn_output_done(conn, 4), UPF_OK);
    assert_int_equal(upf_conn_wants(conn), UPF_WANTS_READ | UPF_WANTS_WRITE);
    put_close(&bytes, FROM_CLIENT, 1000, NULL);
    session_give_blob(&session, &bytes);
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 1);
    assert_int_equal(upf_conn_output(conn, &slice, 1), 1);
    assert_status(upf_conn_output_done(conn, (ptrdiff_t)slice.len - 1), UPF_OK);
    assert_int_equal(upf_conn_queued(conn), 1);
    assert_int_equal(upf_conn_wants(conn), UPF_WANTS_WRITE);
    blob_free(&bytes);
    session_free(&session);
}

static void data_after_the_peers_close_is_left_alone(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};
    upf_event      event;

    put_close(&bytes, FROM_CLIENT, 1000, NULL);
    const size_t close_len = bytes.len;
    put_text(&bytes, FROM_CLIENT, FIN | TEXT, "late");
    upf_input input = {bytes.data, bytes.len};

    start_open(&session, OPEN_SERVER);
    assert_status(upf_conn_next(&session.conn, &input, &event), UPF_OK);
    assert_int_equal(event.type, UPF_EVENT_CLOSE);
    assert_int_equal(input.len, bytes.len - close_len);
    assert_status(upf_conn_next(&session.conn, &input, &event), UPF_DONE);
    assert_int_equal(input.len, bytes.len - close_len);
    session_free(&session);
    blob_free(&bytes);
}

/* ---- Ends without a Close --------------------------------------------- */

static void the_end_of_the_stream_is_a_close_event(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scene scene = {.role = roles[i], .eof = true};

        put_text(&scene.bytes, role_peer(roles[i]), FIN | TEXT, "hi");
        put_text(&scene.bytes, role_peer(roles[i]), TEXT, "cut");
        assert_scene(&scene, "OPEN\nMESSAGE text 2 \"hi\"\nCLOSE 1006 sent=0 "
                     "clean=0 status=UPF_ERR_EOF reason=\"\"\n", "");
    }
}

static void the_stream_may_end_at_any_byte(void **state)
{
    (void)state;
    struct blob bytes = {0};

    put_text(&bytes, FROM_CLIENT, TEXT, "par");
    put_text(&bytes, FROM_CLIENT, FIN | PING, "ping");
    put_run(&bytes, FROM_CLIENT, FIN | CONT, 't', 130);
    put_close(&bytes, FROM_CLIENT, 1000, "bye");
    for (size_t len = 0; len < bytes.len; len++) {
        struct session session;

        session_start(&session, OPEN_SERVER);
        session_give(&session, bytes.data, len);
        session_eof(&session);
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 1);
        assert_status(session.log.status, UPF_ERR_EOF);
        assert_int_equal(session.log.close.code, 1006);
        assert_status(session.last, UPF_DONE);
        assert_int_equal(wants(&session), UPF_WANTS_CLOSE);
        check_all_is_over(&session);
        session_free(&session);
    }
    blob_free(&bytes);
}

static void the_end_of_the_stream_after_our_close_is_not_clean(void **state)
{
    (void)state;
    struct session session;

    start_open(&session, OPEN_CLIENT);
    assert_status(upf_close(&session.conn, 1000, NULL), UPF_OK);
    write_out(&session);
    session_eof(&session);
    assert_log(&session, "OPEN\nCLOSE 1006 sent=1000 clean=0 "
               "status=UPF_ERR_EOF reason=\"\"\n");
    check_all_is_over(&session);
    session_free(&session);
}

static void input_before_the_end_of_the_stream_is_worked_off(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};

    put_text(&bytes, FROM_CLIENT, FIN | TEXT, "last words");
    put_close(&bytes, FROM_CLIENT, 1000, NULL);
    start_open(&session, OPEN_SERVER);
    upf_conn_eof(&session.conn);
    session_give_blob(&session, &bytes);
    assert_log(&session, "OPEN\nMESSAGE text 10 \"last words\"\n"
               "CLOSE 1000 sent=1000 clean=1 status=UPF_OK reason=\"\"\n");
    session_free(&session);
    blob_free(&bytes);
}

static void a_lost_transport_is_a_close_event_and_writes_no_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (int closing = 0; closing < 2; closing++) {
            struct session session;

            start_open(&session, roles[i]);
            assert_status(upf_send(&session.conn, UPF_OP_TEXT, "x", 1),
                          UPF_OK);
            if (closing)
                assert_status(upf_close(&session.conn, 1000, NULL), UPF_OK);
            upf_conn_lost(&session.conn);
            assert_int_equal(upf_conn_queued(&session.conn), 0);
            session_give(&session, NULL, 0);
            assert_status(session.log.status, UPF_ERR_IO);
            assert_int_equal(session.log.close.code, 1006);
            assert_false(session.log.close.clean);
            assert_int_equal(wants(&session), UPF_WANTS_CLOSE);
            assert_int_equal(upf_conn_queued(&session.conn), 0);
            check_all_is_over(&session);
            session_free(&session);
        }
}

static void a_transport_lost_after_the_end_changes_nothing(void **state)
{
    (void)state;
    struct session session;

    start_open(&session, OPEN_SERVER);
    give_close(&session, 1000, NULL);
    upf_conn_lost(&session.conn);
    assert_int_equal(upf_conn_queued(&session.conn), 0);
    assert_int_equal(wants(&session), UPF_WANTS_CLOSE);
    check_all_is_over(&session);
    session_free(&session);
}

static void a_failed_connection_is_shut_down_after_its_close(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct session session;

        start_open(&session, roles[i]);
        session_give(&session, "\x83\x00", 2);
        assert_status(session.log.status, UPF_ERR_OPCODE);
        assert_int_equal(wants(&session) & UPF_WANTS_WRITE, UPF_WANTS_WRITE);
        write_out(&session);
        assert_true(wants_shutdown(&session));
        upf_conn_eof(&session.conn);
        assert_int_equal(wants(&session), UPF_WANTS_CLOSE);
        check_all_is_over(&session);
        session_free(&session);
    }
}

static void a_failure_after_our_close_sends_no_second_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct session session;

        start_open(&session, roles[i]);
        assert_status(upf_close(&session.conn, 1000, "mine"), UPF_OK);
        session_give(&session, "\x83\x00", 2);
        write_out(&session);
        assert_sent(&session, "fin CLOSE 1000 \"mine\"\n");
        assert_log(&session, "OPEN\nCLOSE 1006 sent=1000 clean=0 "
                   "status=UPF_ERR_OPCODE offset=0 reason=\"\"\n");
        check_all_is_over(&session);
        session_free(&session);
    }
}

/* ---- Without a response ------------------------------------------------ */

static upf_event first_event(struct session *session, upf_event_type type)
{
    upf_input input = {NULL, 0};
    upf_event event;

    memset(&event, 0xA5, sizeof event);
    assert_status(upf_conn_next(&session->conn, &input, &event), UPF_OK);
    assert_int_equal(event.type, type);
    assert_null(event.data);
    assert_int_equal(event.len, 0);
    return event;
}

/* OPEN and CLOSE name a response only if one arrived: for a connection that
 * was adopted, timed out, cut off, refused, lost or closed, there is none. */
static void without_a_response_its_status_is_0(void **state)
{
    (void)state;
    for (int role = SERVER; role <= OPEN_CLIENT; role++)
        for (int how = 0; how < 4; how++) {
            struct session session;
            upf_event      event;

            session_start(&session, (enum role)role);
            if (role >= OPEN_SERVER) {
                event = first_event(&session, UPF_EVENT_OPEN);
                assert_status(event.status, UPF_OK);
                assert_int_equal(event.response.status, 0);
                assert_null(event.response.headers.data);
                assert_null(event.subprotocol.data);
            }
            if (how == 0)
                upf_conn_eof(&session.conn);
            if (how == 1)
                upf_conn_lost(&session.conn);
            if (how == 2)
                assert_status(upf_close(&session.conn, 1000, NULL), UPF_OK);
            if (how == 2 || how == 3)
                for (uint64_t now = 1000; now < 2000000; now += 1000)
                    upf_conn_tick(&session.conn, now);
            event = first_event(&session, UPF_EVENT_CLOSE);
            assert_int_equal(event.response.status, 0);
            assert_null(event.response.headers.data);
            session_free(&session);
        }
}

/* ---- Freeing ---------------------------------------------------------- */

static void a_connection_may_be_freed_at_any_byte(void **state)
{
    (void)state;
    struct blob bytes = {0};

    put_text(&bytes, FROM_CLIENT, TEXT, "some text");
    put_text(&bytes, FROM_CLIENT, FIN | PING, "ping");
    put_run(&bytes, FROM_CLIENT, FIN | CONT, 't', 200);
    put_run(&bytes, FROM_CLIENT, FIN | BINARY, 'b', 300);
    put_close(&bytes, FROM_CLIENT, 1000, "bye");
    for (int hold = 0; hold < 2; hold++)
        for (size_t len = 0; len <= bytes.len; len++) {
            struct session session;

            session_prepare(&session);
            session.app  = app_echo;
            session.hold = hold;
            session_begin(&session, OPEN_SERVER);
            for (size_t i = 0; i < len; i++)
                session_give(&session, bytes.data + i, 1);
            session_end(&session);
            check_all_is_over(&session);
            session_free(&session);
        }
    blob_free(&bytes);
}

static void every_call_after_free_is_safe(void **state)
{
    (void)state;
    struct session session;
    upf_shared    *shared;
    upf_request    request;
    size_t         len = 0;

    start_open(&session, OPEN_SERVER);
    shared = upf_shared_new(NULL, UPF_OP_TEXT, "x", 1);
    assert_non_null(shared);
    upf_conn_free(&session.conn);
    check_all_is_over(&session);
    assert_status(upf_send_shared(&session.conn, shared), UPF_ERR_STATE);
    assert_status(upf_conn_request(&session.conn, &request), UPF_ERR_STATE);
    assert_null(upf_conn_room(&session.conn, &len));
    upf_conn_eof(&session.conn);
    upf_conn_lost(&session.conn);
    upf_conn_tick(&session.conn, 1000);
    (void)upf_conn_deadline(&session.conn);
    assert_status(upf_conn_output_done(&session.conn, 0), UPF_OK);
    assert_false(upf_conn_congested(&session.conn));
    assert_int_equal(wants(&session) & (UPF_WANTS_READ | UPF_WANTS_WRITE), 0);
    check_all_is_over(&session);
    upf_conn_free(&session.conn);
    upf_shared_free(shared);
    session_free(&session);
}

static void a_connection_may_be_moved(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};
    upf_event      event;
    upf_slice      slice;

    put_text(&bytes, FROM_CLIENT, FIN | TEXT, "in two pieces");
    start_open(&session, OPEN_SERVER);
    assert_status(upf_send(&session.conn, UPF_OP_TEXT, "out", 3), UPF_OK);
    session_give(&session, bytes.data, 10);

    upf_conn *moved = malloc(sizeof *moved);
    assert_non_null(moved);
    *moved = session.conn;
    memset(&session.conn, 0xA5, sizeof session.conn);

    upf_input input = {bytes.data + 10, bytes.len - 10};
    assert_status(upf_conn_next(moved, &input, &event), UPF_OK);
    assert_int_equal(event.type, UPF_EVENT_MESSAGE);
    assert_int_equal(event.len, 13);
    assert_memory_equal(event.data, "in two pieces", 13);
    assert_int_equal(upf_conn_output(moved, &slice, 1), 1);
    assert_int_equal(slice.len, 5);
    assert_memory_equal(slice.data, "\x81\x03out", 5);

    session.conn = *moved;
    free(moved);
    session_free(&session);
    blob_free(&bytes);
}

/* Only a client misses an extension (section 7.4.1). */
static void only_a_client_closes_with_1010(void **state)
{
    (void)state;
    struct session session;

    start_open(&session, OPEN_SERVER);
    assert_status(upf_close(&session.conn, 1010, NULL), UPF_ERR_ARGUMENT);
    assert_true(upf_conn_is_open(&session.conn));
    write_out(&session);
    assert_int_equal(session.output.len, 0);
    session_free(&session);

    start_open(&session, OPEN_CLIENT);
    assert_status(upf_close(&session.conn, 1010, "x-runs"), UPF_OK);
    write_out(&session);
    assert_sent(&session, "fin CLOSE 1010 \"x-runs\"\n");
    session_free(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_is_closed_by_its_client),
        cmocka_unit_test(a_client_is_closed_by_its_server_and_waits_for_it),
        cmocka_unit_test(our_close_comes_first_and_messages_still_arrive),
        cmocka_unit_test(both_close_at_once_and_each_sends_one_close),
        cmocka_unit_test(a_close_without_a_code_is_answered_by_one),
        cmocka_unit_test(our_close_may_be_without_a_code),
        cmocka_unit_test(a_close_leaves_behind_what_was_queued),
        cmocka_unit_test(
            a_close_in_answer_to_a_message_is_the_same_at_any_cut),
        cmocka_unit_test(every_byte_wants_to_be_written),
        cmocka_unit_test(data_after_the_peers_close_is_left_alone),
        cmocka_unit_test(the_end_of_the_stream_is_a_close_event),
        cmocka_unit_test(the_stream_may_end_at_any_byte),
        cmocka_unit_test(the_end_of_the_stream_after_our_close_is_not_clean),
        cmocka_unit_test(input_before_the_end_of_the_stream_is_worked_off),
        cmocka_unit_test(a_lost_transport_is_a_close_event_and_writes_no_more),
        cmocka_unit_test(a_transport_lost_after_the_end_changes_nothing),
        cmocka_unit_test(a_failed_connection_is_shut_down_after_its_close),
        cmocka_unit_test(a_failure_after_our_close_sends_no_second_one),
        cmocka_unit_test(a_connection_may_be_freed_at_any_byte),
        cmocka_unit_test(every_call_after_free_is_safe),
        cmocka_unit_test(a_connection_may_be_moved),
        cmocka_unit_test(only_a_client_closes_with_1010),
        cmocka_unit_test(without_a_response_its_status_is_0),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
