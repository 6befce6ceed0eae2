/* SPDX-License-Identifier: MIT */
/* test_conn_control.c - pings, pongs, floods of them (RFC 6455, 5.5). */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "buf.h"
#include "support/split.h"

/* "About 2 KiB": what pongs may take of the queue. */
enum { PONG_BUDGET = 2048, ALLOWANCE = 1024 };

static const unsigned control[] = {CLOSE, PING, PONG};
static const size_t   lengths[] = {0, 1, 2, 124, 125, 126};

enum { CONTROLS = 3, LENGTHS = 6 };

static void start_open(struct session *session, enum role role)
{
    session_start(session, role);
    session_give(session, NULL, 0);
}

/* What has happened when the frame comes. */
enum situation { IDLE, INSIDE_A_MESSAGE, CLOSE_SENT, CLOSE_RECEIVED };

/* Send our Close as soon as the connection is open. */
static void close_at_once(struct session *session, const upf_event *event)
{
    if (event->type == UPF_EVENT_OPEN)
        assert_status(upf_close(&session->conn, 1000, "bye"), UPF_OK);
}

/* A control frame with a payload that a Close can have. */
static void put_control(struct blob *to, enum sender peer, unsigned opcode,
                        size_t len)
{
    uint8_t payload[126];

    memset(payload, 'r', sizeof payload);
    payload[0] = 0x03; /* 1000 */
    payload[1] = 0xE8;
    put_frame(to, peer, FIN | opcode, payload, len);
}

static void check_control(enum role role, enum situation situation,
                          unsigned opcode, size_t len)
{
    const enum sender peer = role_peer(role);
    struct scene   scene = {.role = role, .eof = true};
    struct outcome outcome;
    char line[64];

    if (situation == CLOSE_SENT)
        scene.app = close_at_once;
    if (situation == INSIDE_A_MESSAGE)
        put_text(&scene.bytes, peer, TEXT, "begun");
    if (situation == CLOSE_RECEIVED)
        put_close(&scene.bytes, peer, 1001, "first");
    put_control(&scene.bytes, peer, opcode, len);
    if (situation == INSIDE_A_MESSAGE)
        put_text(&scene.bytes, peer, FIN | CONT, " and ended");
    scene_run(&scene, &outcome);

    const char *log = blob_str(&outcome.log);
    const bool  whole = strstr(log, "\"begun and ended\"") != NULL;
    struct blob sent = {0};

    show_frames(&sent, outcome.output.data, outcome.output.len,
                role_self(role), 0);
    if (situation == CLOSE_RECEIVED) {
        assert_text(log, "OPEN\nCLOSE 1001 sent=1001 clean=1 status=UPF_OK "
                         "reason=\"first\"\n");
    } else if (len > 125) {
        assert_non_null(strstr(log, "status=UPF_ERR_CONTROL"));
        assert_false(whole);
    } else if (opcode == CLOSE) {
        assert_non_null(strstr(log, len == 1 ? "status=UPF_ERR_CLOSE_LENGTH"
                                             : "clean=1 status=UPF_OK"));
        assert_false(whole);
    } else {
        snprintf(line, sizeof line, "\n%s %zu ",
                 opcode == PING ? "PING" : "PONG", len);
        assert_non_null(strstr(log, line));
        assert_int_equal(whole, situation == INSIDE_A_MESSAGE);
        snprintf(line, sizeof line, "fin PONG %zu ", len);
        assert_int_equal(strstr(blob_str(&sent), line) != NULL,
                         opcode == PING && situation != CLOSE_SENT);
    }
    blob_free(&sent);
    outcome_free(&outcome);
    blob_free(&scene.bytes);
}

static void check_controls(enum situation situation)
{
    for (size_t i = 0; i < CONTROLS; i++)
        for (size_t j = 0; j < LENGTHS; j++) {
            check_control(OPEN_SERVER, situation, control[i], lengths[j]);
            check_control(OPEN_CLIENT, situation, control[i], lengths[j]);
        }
}

static void every_length_of_control_frame_is_right_when_idle(void **state)
{
    (void)state;
    check_controls(IDLE);
}

static void every_length_is_right_inside_a_message(void **state)
{
    (void)state;
    check_controls(INSIDE_A_MESSAGE);
}

static void every_length_is_right_after_our_close(void **state)
{
    (void)state;
    check_controls(CLOSE_SENT);
}

static void nothing_is_read_after_the_peers_close(void **state)
{
    (void)state;
    check_controls(CLOSE_RECEIVED);
}

static void a_fragmented_control_frame_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONTROLS; i++) {
        struct scene   scene = {.role = OPEN_SERVER};
        struct outcome outcome;

        put_text(&scene.bytes, FROM_CLIENT, control[i], "");
        scene_run(&scene, &outcome);
        assert_non_null(strstr(blob_str(&outcome.log),
                               "sent=1002 clean=0 status=UPF_ERR_CONTROL"));
        outcome_free(&outcome);
        blob_free(&scene.bytes);
    }
}

/* FR7: the second byte of an oversized ping is enough. */
static void two_bytes_of_a_long_ping_are_enough_to_fail(void **state)
{
    (void)state;
    struct session session;

    session_start(&session, OPEN_SERVER);
    session_give(&session, "\x89\xFE", 2);
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 1);
    assert_status(session.log.status, UPF_ERR_CONTROL);
    session_free(&session);
}

/* ---- Pongs ------------------------------------------------------------ */

static void ten_pings_in_one_input_get_ten_pongs_in_order(void **state)
{
    (void)state;
    struct scene scene = {.role = OPEN_SERVER};
    struct blob  log = {0}, sent = {0};

    blob_text(&log, "OPEN\n");
    for (unsigned i = 0; i < 10; i++) {
        const char digit[2] = {(char)('0' + i), '\0'};

        put_text(&scene.bytes, FROM_CLIENT, FIN | PING, digit);
        blob_printf(&log, "PING 1 \"%u\"\n", i);
        blob_printf(&sent, "fin PONG 1 \"%u\"\n", i);
    }
    assert_scene(&scene, blob_str(&log), blob_str(&sent));
    blob_free(&log);
    blob_free(&sent);
}

static void a_pong_is_queued_before_its_ping_is_delivered(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};
    upf_event      event;

    put_text(&bytes, FROM_CLIENT, FIN | PING, "now");
    upf_input input = {bytes.data, bytes.len};

    session_start(&session, OPEN_SERVER);
    assert_status(upf_conn_next(&session.conn, &input, &event), UPF_OK);
    assert_int_equal(event.type, UPF_EVENT_OPEN);
    assert_status(upf_conn_next(&session.conn, &input, &event), UPF_OK);
    assert_int_equal(event.type, UPF_EVENT_PING);
    assert_int_equal(upf_conn_queued(&session.conn), 2 + 3);
    session_write(&session);
    assert_sent(&session, "fin PONG 3 \"now\"\n");
    session_free(&session);
    blob_free(&bytes);
}

/* The payload of the n-th ping of a flood. */
static void put_numbered_ping(struct blob *to, enum sender peer, unsigned n)
{
    char text[16];

    snprintf(text, sizeof text, "%08u", n);
    put_text(to, peer, FIN | PING, text);
}

static void flood(enum role role)
{
    struct session session;
    struct blob    ping = {0}, sent = {0};
    size_t         most = 0;

    session_prepare(&session);
    session.hold = true;
    session_begin(&session, role);
    session_give(&session, NULL, 0);
    for (unsigned i = 0; i < 100000; i++) {
        upf_input input;
        upf_event event;

        blob_clear(&ping);
        put_numbered_ping(&ping, role_peer(role), i);
        input = (upf_input){ping.data, ping.len};
        assert_status(upf_conn_next(&session.conn, &input, &event), UPF_OK);
        assert_int_equal(event.type, UPF_EVENT_PING);
        if (upf_conn_queued(&session.conn) > most)
            most = upf_conn_queued(&session.conn);
    }
    assert_true(most <= PONG_BUDGET + ALLOWANCE);
    assert_true(session.alloc.peak <= PONG_BUDGET + 2 * ALLOWANCE);

    session.hold = false;
    session_write(&session);
    session_give(&session, NULL, 0);
    show_frames(&sent, session.output.data, session.output.len,
                role_self(role), 0);
    assert_non_null(strstr(blob_str(&sent), "fin PONG 8 \"00000000\"\n"));
    assert_non_null(strstr(blob_str(&sent), "fin PONG 8 \"00000001\"\n"));

    /* The last line is the pong to the newest ping. */
    const char newest[] = "fin PONG 8 \"00099999\"\n";
    assert_true(sent.len > sizeof newest);
    assert_text(blob_str(&sent) + sent.len - (sizeof newest - 1), newest);
    session_free(&session);
    blob_free(&ping);
    blob_free(&sent);
}

static void a_server_survives_a_flood_of_pings(void **state)
{
    (void)state;
    flood(OPEN_SERVER);
}

static void a_client_survives_a_flood_of_pings(void **state)
{
    (void)state;
    flood(OPEN_CLIENT);
}

static void a_flood_in_one_input_is_answered_within_the_budget(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0}, sent = {0};

    for (unsigned i = 0; i < 1000; i++)
        put_numbered_ping(&bytes, FROM_CLIENT, i);
    session_start(&session, OPEN_SERVER);
    session_give_blob(&session, &bytes);
    session_give(&session, NULL, 0);
    assert_int_equal(session.log.count[UPF_EVENT_PING], 1000);
    assert_in_range(session.output.len, PONG_BUDGET / 2,
                    PONG_BUDGET + ALLOWANCE);
    show_frames(&sent, session.output.data, session.output.len, FROM_SERVER,
                0);
    assert_non_null(strstr(blob_str(&sent), "fin PONG 8 \"00000999\"\n"));
    session_free(&session);
    blob_free(&bytes);
    blob_free(&sent);
}

/*
 * The queue is never empty, since the application sends as fast as the
 * transport drains; the pongs must come out all the same, in order.
 */
static void pongs_are_not_starved_by_a_queue_that_never_empties(void **state)
{
    (void)state;
    struct session session;
    struct blob    ping = {0}, sent = {0};
    uint8_t        load[1000] = {0};
    size_t         at = 0;

    session_prepare(&session);
    session.hold = true;
    session_begin(&session, OPEN_SERVER);
    session_give(&session, NULL, 0);
    for (int i = 0; i < 4; i++)
        assert_status(upf_send(&session.conn, UPF_OP_BINARY, load,
                               sizeof load), UPF_OK);
    for (unsigned i = 0; i < 3000; i++) {
        upf_slice slices[8];
        size_t    left = sizeof load + 4 + 10; /* what comes in */

        blob_clear(&ping);
        put_numbered_ping(&ping, FROM_CLIENT, i);
        session_give_blob(&session, &ping);
        assert_status(upf_send(&session.conn, UPF_OP_BINARY, load,
                               sizeof load), UPF_OK);

        const size_t count = upf_conn_output(&session.conn, slices, 8);
        const size_t want  = left;
        for (size_t j = 0; j < count && left > 0; j++) {
            const size_t len = slices[j].len < left ? slices[j].len : left;

            blob_add(&session.output, slices[j].data, len);
            left -= len;
        }
        upf_conn_output_done(&session.conn, (ptrdiff_t)(want - left));
        assert_true(upf_conn_queued(&session.conn) > 0);
    }
    session.hold = false;
    session_write(&session);
    show_frames(&sent, session.output.data, session.output.len, FROM_SERVER,
                0);
    for (unsigned i = 0; i < 3000; i++) {
        char line[32];

        snprintf(line, sizeof line, "fin PONG 8 \"%08u\"\n", i);
        const char *found = strstr(blob_str(&sent) + at, line);
        if (found == NULL)
            fail_msg("ping %u was not answered, or not in order", i);
        at = (size_t)(found - blob_str(&sent));
    }
    session_free(&session);
    blob_free(&ping);
    blob_free(&sent);
}

static void our_own_pings_have_the_same_budget(void **state)
{
    (void)state;
    struct session session;
    size_t sent = 0;

    session_prepare(&session);
    session.hold = true;
    session_begin(&session, OPEN_SERVER);
    session_give(&session, NULL, 0);
    while (sent < 1000 &&
           upf_ping(&session.conn, "0123456789", 10) == UPF_OK)
        sent++;
    assert_in_range(sent, PONG_BUDGET / 2 / 12, (PONG_BUDGET + ALLOWANCE) / 12);
    assert_status(upf_ping(&session.conn, "0123456789", 10),
                  UPF_ERR_QUEUE_FULL);
    assert_status(upf_pong(&session.conn, "0123456789", 10),
                  UPF_ERR_QUEUE_FULL);
    /* A Close always has room. */
    assert_status(upf_close(&session.conn, 1000, NULL), UPF_OK);
    session.hold = false;
    session_write(&session);
    assert_int_equal(session.output.len, 12 * sent + 4);
    session_free(&session);
}

static void a_pong_that_waits_does_not_follow_a_close(void **state)
{
    (void)state;
    for (int theirs = 0; theirs < 2; theirs++) {
        struct session session;
        struct blob    bytes = {0}, sent = {0};

        for (unsigned i = 0; i < 1000; i++)
            put_numbered_ping(&bytes, FROM_CLIENT, i);
        if (theirs)
            put_close(&bytes, FROM_CLIENT, 1000, NULL);
        session_prepare(&session);
        session.hold = true;
        session_begin(&session, OPEN_SERVER);
        session_give_blob(&session, &bytes);
        if (!theirs)
            assert_status(upf_close(&session.conn, 1000, NULL), UPF_OK);
        session.hold = false;
        session.write_step = 100;
        session_write(&session);
        show_frames(&sent, session.output.data, session.output.len,
                    FROM_SERVER, 0);
        assert_non_null(strstr(blob_str(&sent), "fin CLOSE 1000 \"\"\n"));
        session_free(&session);
        blob_free(&bytes);
        blob_free(&sent);
    }
}

static void the_budget_is_whole_again_after_writing(void **state)
{
    (void)state;
    struct session session;

    session_start(&session, OPEN_SERVER);
    session_give(&session, NULL, 0);
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 10; i++)
            assert_status(upf_ping(&session.conn, "0123456789", 10), UPF_OK);
        session_write(&session);
    }
    assert_int_equal(session.output.len, 50 * 10 * 12);
    session_free(&session);
}

static void pings_are_not_refused_for_a_full_queue(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};
    uint8_t        load[100] = {0};

    session_prepare(&session);
    session.hold = true;
    session.config.max_queued = 150;
    session.config.high_water = 10;
    session_begin(&session, OPEN_SERVER);
    session_give(&session, NULL, 0);
    assert_status(upf_send(&session.conn, UPF_OP_BINARY, load, 100), UPF_OK);
    assert_status(upf_send(&session.conn, UPF_OP_BINARY, load, 100),
                  UPF_ERR_QUEUE_FULL);
    for (int i = 0; i < 10; i++)
        assert_status(upf_ping(&session.conn, "0123456789", 10), UPF_OK);
    put_text(&bytes, FROM_CLIENT, FIN | PING, "peer");
    put_close(&bytes, FROM_CLIENT, 1000, NULL);
    session_give_blob(&session, &bytes);
    session.hold = false;
    session_write(&session);
    assert_int_equal(session.output.len, 102 + 120 + 6 + 4);
    session_free(&session);
    blob_free(&bytes);
}

static void unsolicited_pongs_are_delivered_and_not_answered(void **state)
{
    (void)state;
    struct scene scene = {.role = OPEN_CLIENT};

    put_text(&scene.bytes, FROM_SERVER, FIN | PONG, "I am here");
    assert_scene(&scene, "OPEN\nPONG 9 \"I am here\"\n", "");
}

/* ---- In pieces --------------------------------------------------------- */

static void without_memory_a_split_control_frame_fails(void **state)
{
    (void)state;
    static const unsigned opcodes[] = {PING, PONG, CLOSE};

    for (size_t i = 0; i < 3; i++) {
        struct session session;
        struct blob    bytes = {0};

        put_text(&bytes, FROM_CLIENT, FIN | opcodes[i], "\x03\xE8 split");
        start_open(&session, OPEN_SERVER);
        session.alloc.fault = (struct fault){session.alloc.calls + 1, false};
        session_give(&session, bytes.data, 8);
        assert_log(&session, "OPEN\nCLOSE 1006 sent=1011 clean=0 "
                   "status=UPF_ERR_NO_MEMORY reason=\"\"\n");
        assert_sent(&session, "fin CLOSE 1011 \"out of memory\"\n");
        session_free(&session);
        blob_free(&bytes);
    }
}

static void a_split_control_frame_fits_behind_half_a_message(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};

    start_open(&session, OPEN_SERVER);
    put_text(&bytes, FROM_CLIENT, TEXT, "half a message");
    session_give_blob(&session, &bytes);
    /* the message's block has room */
    session.alloc.fault = (struct fault){session.alloc.calls + 1, true};
    blob_clear(&bytes);
    put_text(&bytes, FROM_CLIENT, FIN | PONG, "split");
    for (size_t i = 0; i < bytes.len; i++)
        session_give(&session, bytes.data + i, 1);
    blob_clear(&bytes);
    put_text(&bytes, FROM_CLIENT, FIN | CONT, ", and the rest");
    session_give_blob(&session, &bytes);
    assert_log(&session, "OPEN\nPONG 5 \"split\"\n"
               "MESSAGE text 28 \"half a message, and the rest\"\n");
    session_free(&session);
    blob_free(&bytes);
}

/* Of a ping behind `message` bytes of a message, `cut` come before the rest. */
static void check_split_ping(size_t message, size_t cut)
{
    enum { LEN = 125, HEADER = 6 };
    struct session session;
    struct blob    bytes = {0}, pong = {0};

    start_open(&session, OPEN_SERVER);
    if (message > 0) {
        put_run(&bytes, FROM_CLIENT, BINARY, 'm', message);
        session_give(&session, bytes.data, bytes.len - message + 1);
        session_give(&session, bytes.data + bytes.len - message + 1,
                     message - 1);
        blob_clear(&bytes);
    }
    put_run(&bytes, FROM_CLIENT, FIN | PING, 'p', LEN);
    session_give(&session, bytes.data, HEADER + cut);
    assert_in_range(session.alloc.live, message + LEN,
                    message + LEN + UPF_BUF_OVERHEAD);
    session_give(&session, bytes.data + HEADER + cut, LEN - cut);
    put_run(&pong, FROM_SERVER, FIN | PONG, 'p', LEN);
    assert_int_equal(session.output.len, pong.len);
    assert_memory_equal(session.output.data, pong.data, pong.len);
    session_free(&session);
    blob_free(&bytes);
    blob_free(&pong);
}

/* Whatever has come of it, it has room for all of it and no more. */
static void a_split_control_frame_takes_its_length(void **state)
{
    (void)state;
    for (size_t cut = 1; cut < 125; cut++) {
        check_split_ping(0, cut);
        if (cut > 6) /* the message's block has 4,066 */
            check_split_ping(4060, cut);
    }
}

/* ---- Of nowhere -------------------------------------------------------- */

static void a_control_payload_of_nowhere_is_refused(void **state)
{
    (void)state;
    struct session session;

    start_open(&session, OPEN_SERVER);
    assert_status(upf_ping(&session.conn, NULL, 1), UPF_ERR_ARGUMENT);
    assert_status(upf_pong(&session.conn, NULL, 125), UPF_ERR_ARGUMENT);
    assert_int_equal(upf_conn_queued(&session.conn), 0);
    assert_status(upf_ping(&session.conn, NULL, 0), UPF_OK);
    assert_int_equal(upf_conn_queued(&session.conn), 2);
    session_free(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_of_control_frame_is_right_when_idle),
        cmocka_unit_test(every_length_is_right_inside_a_message),
        cmocka_unit_test(every_length_is_right_after_our_close),
        cmocka_unit_test(nothing_is_read_after_the_peers_close),
        cmocka_unit_test(a_fragmented_control_frame_fails),
        cmocka_unit_test(two_bytes_of_a_long_ping_are_enough_to_fail),
        cmocka_unit_test(ten_pings_in_one_input_get_ten_pongs_in_order),
        cmocka_unit_test(a_pong_is_queued_before_its_ping_is_delivered),
        cmocka_unit_test(a_server_survives_a_flood_of_pings),
        cmocka_unit_test(a_client_survives_a_flood_of_pings),
        cmocka_unit_test(a_flood_in_one_input_is_answered_within_the_budget),
        cmocka_unit_test(pongs_are_not_starved_by_a_queue_that_never_empties),
        cmocka_unit_test(our_own_pings_have_the_same_budget),
        cmocka_unit_test(a_pong_that_waits_does_not_follow_a_close),
        cmocka_unit_test(the_budget_is_whole_again_after_writing),
        cmocka_unit_test(pings_are_not_refused_for_a_full_queue),
        cmocka_unit_test(unsolicited_pongs_are_delivered_and_not_answered),
        cmocka_unit_test(without_memory_a_split_control_frame_fails),
        cmocka_unit_test(a_split_control_frame_fits_behind_half_a_message),
        cmocka_unit_test(a_split_control_frame_takes_its_length),
        cmocka_unit_test(a_control_payload_of_nowhere_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
