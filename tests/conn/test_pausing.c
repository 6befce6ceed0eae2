/* SPDX-License-Identifier: MIT */
/* test_pausing.c - when a connection does not want to read: replies, holding. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/io.h>

#include "support/session.h"
#include "support/transport.h"

enum { HIGH_WATER = 1000, FRAME = 100 };

static const uint8_t payload[5000];

/* Open, with nothing written from here on. */
static void start(struct session *session, enum role role, upf_pause pause,
                  app_fn *app)
{
    session_prepare(session);
    session->config.high_water    = HIGH_WATER;
    session->config.pause_reading = pause;
    session->app                  = app;
    session_begin(session, role);
    session_give(session, NULL, 0);
    session->hold = true;
}

static bool reads(const struct session *session)
{
    return (upf_conn_wants(&session->conn) & UPF_WANTS_READ) != 0;
}

/* A frame of FRAME bytes, unasked. */
static void push(struct session *session)
{
    assert_status(upf_send(&session->conn, UPF_OP_BINARY, payload, FRAME - 2),
                  UPF_OK);
}

/* The peer sends `count` messages, which are echoed as FRAME bytes each. */
static void ask(struct session *session, size_t count)
{
    struct blob bytes = {0};

    for (size_t i = 0; i < count; i++)
        put_run(&bytes, role_peer(session->role), FIN | BINARY, 'q',
                FRAME - (role_is_client(session->role) ? 6 : 2));
    session_give_blob(session, &bytes);
    blob_free(&bytes);
}

static void written(struct session *session, size_t len)
{
    upf_slice slices[64];

    assert_true(upf_conn_output(&session->conn, slices, 64) > 0);
    assert_status(upf_conn_output_done(&session->conn, (ptrdiff_t)len),
                  UPF_OK);
}

static void what_is_sent_unasked_is_no_reason_not_to_read(void **state)
{
    (void)state;
    for (enum role role = OPEN_SERVER; role <= OPEN_CLIENT; role++) {
        struct session session;

        start(&session, role, UPF_PAUSE_BY_ROLE, NULL);
        while (upf_conn_queued(&session.conn) < 20 * HIGH_WATER)
            push(&session);
        assert_true(reads(&session));
        assert_true(upf_conn_congested(&session.conn)); /* it is told */
        ask(&session, 3);
        assert_true(reads(&session));
        session_free(&session);
    }
}

static app_fn *const echoes[] = {app_echo, app_echo_in_place, app_echo_parts};

static void a_server_reads_no_further_over_its_replies(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct session session;

        start(&session, OPEN_SERVER, UPF_PAUSE_BY_ROLE, echoes[i]);
        ask(&session, 10);
        assert_int_equal(upf_conn_queued(&session.conn), HIGH_WATER);
        assert_true(reads(&session));
        ask(&session, 1);
        assert_false(reads(&session));
        written(&session, 599);
        assert_false(reads(&session)); /* until half is left */
        written(&session, 1);
        assert_true(reads(&session));
        session_free(&session);
    }
}

/* Writes what there is, then replies; while reading is held, or is not. */
static void app_writes_within_its_reply(struct session *session,
                                        const upf_event *event)
{
    if (event->type != UPF_EVENT_MESSAGE)
        return;
    push(session);
    upf_conn_hold(&session->conn, session->user != NULL);
    written(session, upf_conn_queued(&session->conn));
    for (int i = 0; i <= HIGH_WATER / FRAME; i++)
        push(session);
    upf_conn_hold(&session->conn, false);
}

static void what_is_sent_after_a_write_within_a_reply_is_one(void **state)
{
    (void)state;
    for (int held = 0; held < 2; held++) {
        struct session session;

        start(&session, OPEN_SERVER, UPF_PAUSE_BY_ROLE,
              app_writes_within_its_reply);
        session.user = held ? &session : NULL;
        ask(&session, 1);
        assert_false(reads(&session));
        session_free(&session);
    }
}

static void what_is_sent_after_all_replies_were_written_is_none(void **state)
{
    (void)state;
    struct session session;

    start(&session, OPEN_SERVER, UPF_PAUSE_BY_ROLE, app_echo);
    ask(&session, 1);
    written(&session, FRAME);
    for (int i = 0; i <= HIGH_WATER / FRAME; i++)
        push(&session);
    assert_true(reads(&session));
    session_free(&session);
}

static void a_client_reads_on_over_its_replies(void **state)
{
    (void)state;
    struct session session;

    start(&session, OPEN_CLIENT, UPF_PAUSE_BY_ROLE, app_echo);
    ask(&session, 50);
    assert_true(upf_conn_queued(&session.conn) > 4 * HIGH_WATER);
    assert_true(reads(&session));
    session_free(&session);
}

static void a_config_chooses_another_rule(void **state)
{
    (void)state;
    for (enum role role = OPEN_SERVER; role <= OPEN_CLIENT; role++)
        for (upf_pause pause = UPF_PAUSE_REPLIES; pause <= UPF_PAUSE_NEVER;
             pause++)
            for (int asked = 0; asked < 2; asked++) {
                struct session session;

                start(&session, role, pause, app_echo);
                for (int i = 0; i < 20 && !asked; i++)
                    push(&session);
                if (asked)
                    ask(&session, 20);
                assert_int_equal(
                    reads(&session),
                    pause == UPF_PAUSE_NEVER ||
                        (pause == UPF_PAUSE_REPLIES && !asked));
                session_free(&session);
            }
}

/* Replies wait behind what was sent unasked, and in front of it. */
static void both_sorts_are_told_apart_in_one_queue(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct session session;

        start(&session, OPEN_SERVER, UPF_PAUSE_BY_ROLE, echoes[i]);
        for (int n = 0; n < 300; n++)
            push(&session);
        ask(&session, 9);
        for (int n = 0; n < 300; n++)
            push(&session);
        ask(&session, 1);
        assert_true(reads(&session));
        ask(&session, 1);
        assert_false(reads(&session));
        /* What went unasked leaves, and nothing has changed. */
        written(&session, 300 * FRAME);
        assert_false(reads(&session));
        written(&session, 9 * FRAME);
        assert_true(reads(&session));
        session_free(&session);
    }
}

/* OPEN comes with a message in the same input: a greeting is no reply. */
static void what_answers_open_is_unasked(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};
    upf_event      event;

    session_prepare(&session);
    session.config.high_water = HIGH_WATER;
    session_begin(&session, OPEN_SERVER);
    put_run(&bytes, FROM_CLIENT, FIN | BINARY, 'q', 10);
    upf_input input = {bytes.data, bytes.len};
    assert_status(upf_conn_next(&session.conn, &input, &event), UPF_OK);
    for (int i = 0; i < 20; i++)
        push(&session);
    assert_status(upf_conn_next(&session.conn, &input, &event), UPF_OK);
    assert_int_equal(event.type, UPF_EVENT_MESSAGE);
    assert_true(reads(&session));
    assert_status(upf_send(&session.conn, UPF_OP_BINARY, payload, HIGH_WATER),
                  UPF_OK);
    assert_false(reads(&session));
    session_free(&session);
    blob_free(&bytes);
}

static void pongs_are_replies(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};

    start(&session, OPEN_SERVER, UPF_PAUSE_BY_ROLE, NULL);
    for (int i = 0; i < 40; i++)
        put_run(&bytes, FROM_CLIENT, FIN | PING, 'p', 125);
    session_give_blob(&session, &bytes);
    assert_false(reads(&session));
    session_free(&session);
    blob_free(&bytes);
}

/* Of a long message that comes in pieces, each of which is answered. */
static void answers_to_chunks_are_replies(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};

    session_prepare(&session);
    session.config.high_water = HIGH_WATER;
    session.config.stream     = true;
    session.app               = app_echo_parts;
    session_begin(&session, OPEN_SERVER);
    session_give(&session, NULL, 0);
    session.hold = true;
    put_run(&bytes, FROM_CLIENT, FIN | BINARY, 'q', 4 * HIGH_WATER);
    for (size_t at = 0; at < 2 * HIGH_WATER; at += 100)
        session_give(&session, bytes.data + at, 100);
    assert_true(upf_conn_queued(&session.conn) > HIGH_WATER);
    assert_false(reads(&session));
    session_free(&session);
    blob_free(&bytes);
}

/* Every kind of reply, in every kind of queue, counted as it drains. */
static void replies_are_counted_whatever_they_are(void **state)
{
    (void)state;
    for (size_t before = 0; before < 3; before++) {
        struct session session;
        upf_event      event;
        struct blob    bytes = {0};

        start(&session, OPEN_SERVER, UPF_PAUSE_BY_ROLE, NULL);
        upf_shared *shared = upf_shared_new(&session.config, UPF_OP_BINARY,
                                            payload, 400);
        assert_non_null(shared);
        for (size_t i = 0; i < before; i++)
            assert_status(upf_send_shared(&session.conn, shared), UPF_OK);
        const size_t unasked = upf_conn_queued(&session.conn);

        put_run(&bytes, FROM_CLIENT, FIN | BINARY, 'q', 300);
        upf_input input = {bytes.data, bytes.len};
        assert_status(upf_conn_next(&session.conn, &input, &event), UPF_OK);
        assert_status(upf_send_in_place(&session.conn, UPF_OP_BINARY,
                                        event.data, event.len), UPF_OK);
        assert_status(upf_send_shared(&session.conn, shared), UPF_OK);
        assert_status(upf_send_part(&session.conn, UPF_OP_BINARY, payload, 90,
                                    true), UPF_OK);
        assert_true(reads(&session));
        assert_status(upf_send(&session.conn, UPF_OP_BINARY, payload, 300),
                      UPF_OK);
        assert_status(upf_conn_next(&session.conn, &input, &event),
                      UPF_WANT_READ);
        assert_false(reads(&session)); /* 304 + 404 + 92 + 304 */
        if (unasked > 0) {
            written(&session, unasked);
            assert_false(reads(&session));
        }
        written(&session, 304 + 299);
        assert_false(reads(&session));
        written(&session, 1);
        assert_true(reads(&session));
        upf_shared_free(shared);
        session_free(&session);
        blob_free(&bytes);
    }
}

/* ---- Holding ------------------------------------------------------------- */

static void reading_can_be_held(void **state)
{
    (void)state;
    struct session session;

    start(&session, OPEN_SERVER, UPF_PAUSE_NEVER, NULL);
    upf_conn_hold(&session.conn, true);
    assert_false(reads(&session));
    ask(&session, 3); /* what was read already is delivered */
    assert_int_equal(session.log.count[UPF_EVENT_MESSAGE], 3);
    upf_conn_hold(&session.conn, true);
    upf_conn_hold(&session.conn, false);
    assert_true(reads(&session));
    session_free(&session);
    upf_conn_hold(&session.conn, true); /* over: nothing happens */
    assert_int_equal(upf_conn_wants(&session.conn), UPF_WANTS_CLOSE);
}

/* Also one that had to wait for room, and is queued when output leaves. */
static void a_late_pong_is_a_reply(void **state)
{
    (void)state;
    enum { LATE = 2 + 125 };
    struct session session;
    struct blob    bytes = {0};

    start(&session, OPEN_SERVER, UPF_PAUSE_BY_ROLE, NULL);
    session.config.high_water = LATE - 1;
    for (int i = 0; i < 20; i++)
        put_run(&bytes, FROM_CLIENT, FIN | PING, 'p', 125);
    session_give_blob(&session, &bytes);
    written(&session, upf_conn_queued(&session.conn));
    assert_int_equal(upf_conn_queued(&session.conn), LATE);
    assert_false(reads(&session));
    written(&session, LATE);
    assert_true(reads(&session));
    blob_free(&bytes);
    session_free(&session);
}

/* Under a mark so low that our own ping withholds reading until it has left:
 * that is no silence of ours, even if there was one before. */
static void a_ping_that_withholds_reading_is_no_sign_of_life(void **state)
{
    (void)state;
    for (int withheld = 0; withheld < 2; withheld++) {
        struct session session;
        uint64_t       now = 1000;

        start(&session, OPEN_SERVER, UPF_PAUSE_ALWAYS, NULL);
        session.config.high_water = 1;
        session_tick(&session, now);
        if (withheld) {
            push(&session);
            session_tick(&session, now += 1000);
        }
        session.hold = false;
        session_write(&session);
        while (session.last != UPF_DONE && now < 1000000)
            session_tick(&session, now = upf_conn_deadline(&session.conn));
        assert_status(session.log.status, UPF_ERR_PONG_TIMEOUT);
        assert_in_range(now, 1000 + 47000, 1000 + 53000);
        session_free(&session);
    }
}

/* A silence that is ours is not the peer's. */
static void nobody_is_declared_silent_while_we_do_not_read(void **state)
{
    (void)state;
    struct session session;
    uint64_t       now = 1000;

    start(&session, OPEN_SERVER, UPF_PAUSE_BY_ROLE, NULL);
    session.hold = false;
    session_tick(&session, now);
    upf_conn_hold(&session.conn, true);
    for (int i = 0; i < 50; i++) {
        now = upf_conn_deadline(&session.conn);
        session_tick(&session, now);
    }
    assert_true(now > 500000);
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
    /* From here on it may be. */
    upf_conn_hold(&session.conn, false);
    for (int i = 0; i < 2; i++)
        session_tick(&session, upf_conn_deadline(&session.conn));
    assert_status(session.log.status, UPF_ERR_PONG_TIMEOUT);
    session_free(&session);
}

/* An application that holds for a moment, again and again. */
static void holding_now_and_then_keeps_no_dead_peer_alive(void **state)
{
    (void)state;
    struct session session;
    uint64_t       now = 0;

    start(&session, OPEN_SERVER, UPF_PAUSE_BY_ROLE, NULL);
    session.hold = false;
    while (session.last != UPF_DONE && now < 600000) {
        now += 1000;
        upf_conn_hold(&session.conn, now % 10000 == 0);
        session_tick(&session, now);
    }
    assert_status(session.log.status, UPF_ERR_PONG_TIMEOUT);
    assert_in_range(now, 1000 + 27000 + 20000, 80000);
    session_free(&session);
}

/* Nor does what pauses reading and leaves at once, perhaps into a buffer. */
static void pausing_now_and_then_keeps_no_dead_peer_alive(void **state)
{
    (void)state;
    static const uint8_t much[2000];
    struct session session;
    uint64_t       now = 0;

    start(&session, OPEN_SERVER, UPF_PAUSE_ALWAYS, NULL);
    session.hold = false;
    while (session.last != UPF_DONE && now < 600000) {
        now += 1000;
        assert_status(upf_send(&session.conn, UPF_OP_BINARY, much,
                               now % 10000 == 0 ? sizeof much : 1), UPF_OK);
        session_tick(&session, now);
    }
    assert_status(session.log.status, UPF_ERR_PONG_TIMEOUT);
    assert_in_range(now, 1000 + 27000 + 20000, 80000);
    session_free(&session);
}

/* Reading goes on in the turn of the tick that would judge: the answer could
 * not be read yet. */
static void what_came_while_reading_was_held_is_read_first(void **state)
{
    (void)state;
    struct session session;
    struct blob    pong = {0};

    put_text(&pong, FROM_CLIENT, FIN | PONG, "");
    start(&session, OPEN_SERVER, UPF_PAUSE_BY_ROLE, NULL);
    session.hold = false;
    session_tick(&session, 1000);
    for (uint64_t asked = 28000; asked < 200000; asked += 20001 + 27000) {
        session_tick(&session, asked);
        upf_conn_hold(&session.conn, true);
        upf_conn_hold(&session.conn, false);
        session_tick(&session, asked + 20000);
        assert_true(upf_conn_deadline(&session.conn) <= asked + 20000);
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
        session_give_blob(&session, &pong);
        session_tick(&session, asked + 20001);
    }
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
    session_free(&session);
    blob_free(&pong);
}

/* All that withheld reading leaves in the turn of the tick: what the peer has
 * said meanwhile could not be read yet. */
static void reading_again_begins_a_silence_anew(void **state)
{
    (void)state;
    for (int leaves = 0; leaves < 2; leaves++) {
        struct session session;

        start(&session, OPEN_SERVER, UPF_PAUSE_BY_ROLE, app_echo);
        session_tick(&session, 1000);
        ask(&session, 11);
        assert_false(reads(&session));
        session_tick(&session, 1001);
        session_tick(&session, 28001); /* the ping waits behind the replies */
        if (leaves == 0)
            written(&session, 700);
        else
            written(&session, upf_conn_queued(&session.conn));
        assert_true(reads(&session));
        session_tick(&session, 48001);
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
        session_free(&session);
    }
}

static void the_pump_says_that_reading_is_held(void **state)
{
    (void)state;
    struct session   session;
    struct transport transport = {.at_end = UPF_IO_WANT_READ};
    upf_event        event;

    session_start(&session, OPEN_SERVER);
    upf_io io = upf_io_callbacks(transport_read, transport_write, &transport);
    assert_status(upf_io_next(&io, &session.conn, &event), UPF_OK);
    upf_conn_hold(&session.conn, true);
    assert_status(upf_io_next(&io, &session.conn, &event), UPF_WANT_ANSWER);
    assert_int_equal(transport.reads, 0);
    assert_int_equal(upf_io_wants(&io, &session.conn), 0);
    push(&session);
    assert_status(upf_io_next(&io, &session.conn, &event), UPF_WANT_ANSWER);
    assert_int_equal(transport.out.len, FRAME);
    upf_conn_hold(&session.conn, false);
    assert_status(upf_io_next(&io, &session.conn, &event), UPF_WANT_READ);
    assert_int_equal(transport.reads, 1);
    session_free(&session);
    blob_free(&transport.out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sent_unasked_is_no_reason_not_to_read),
        cmocka_unit_test(a_server_reads_no_further_over_its_replies),
        cmocka_unit_test(what_is_sent_after_a_write_within_a_reply_is_one),
        cmocka_unit_test(what_is_sent_after_all_replies_were_written_is_none),
        cmocka_unit_test(a_client_reads_on_over_its_replies),
        cmocka_unit_test(a_config_chooses_another_rule),
        cmocka_unit_test(both_sorts_are_told_apart_in_one_queue),
        cmocka_unit_test(what_answers_open_is_unasked),
        cmocka_unit_test(pongs_are_replies),
        cmocka_unit_test(answers_to_chunks_are_replies),
        cmocka_unit_test(replies_are_counted_whatever_they_are),
        cmocka_unit_test(reading_can_be_held),
        cmocka_unit_test(a_late_pong_is_a_reply),
        cmocka_unit_test(a_ping_that_withholds_reading_is_no_sign_of_life),
        cmocka_unit_test(nobody_is_declared_silent_while_we_do_not_read),
        cmocka_unit_test(holding_now_and_then_keeps_no_dead_peer_alive),
        cmocka_unit_test(pausing_now_and_then_keeps_no_dead_peer_alive),
        cmocka_unit_test(what_came_while_reading_was_held_is_read_first),
        cmocka_unit_test(the_pump_says_that_reading_is_held),
        cmocka_unit_test(reading_again_begins_a_silence_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
