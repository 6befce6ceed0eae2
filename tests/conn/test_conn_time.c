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
    assert_deadline(&session, 9000 + 27000);
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
        assert_deadline(&session, 28000);
        session_tick(&session, 27999);
        assert_int_equal(session.output.len, 0);
        session_tick(&session, 28000);
        assert_sent(&session, "fin PING 0 \"\"\n");
        assert_deadline(&session, 28000 + 20000);
        session_tick(&session, 47999);
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
        assert_deadline(&session, now + 27000);
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
        assert_deadline(&session, now + 27000);
    }
    assert_int_equal(session.output.len, 0);
    session_free(&session);
    blob_free(&bytes);
}

/* A tick between two messages of one input: the second has arrived after it. */
static void each_message_counts_as_activity(void **state)
{
    for (size_t i = 0; i < 4; i++) {
        const bool       masked = i % 2 == 0;
        upf_config       config = upf_config_default();
        upf_conn         conn;
        upf_input        in = {0};
        upf_event        ev;
        uint8_t          bytes[2 * (UPF_FRAME_HEADER_MAX + 16)];
        upf_frame_header header = {.opcode = UPF_OP_BINARY, .fin = true,
                                   .masked = masked, .payload_len = 10};

        (void)state;
        config.stream = i / 2 == 1;
        memset(bytes, 0, sizeof bytes);
        const size_t len = upf_frame_header_write(&header, bytes) + 10;
        memcpy(bytes + len, bytes, len);
        assert_status(upf_conn_init_open(&conn, &config, !masked, NULL),
                      UPF_OK);
        assert_status(upf_conn_next(&conn, &in, &ev), UPF_OK); /* OPEN */
        upf_conn_tick(&conn, 1000);
        in = (upf_input){bytes, 2 * len};
        for (uint64_t now = 2000; now <= 3000; now += 1000) {
            assert_status(upf_conn_next(&conn, &in, &ev), UPF_OK);
            assert_true(upf_conn_deadline(&conn) == now - 1000 + 3000);
            upf_conn_tick(&conn, now);
            assert_true(upf_conn_deadline(&conn) == now + 27000);
        }
        upf_conn_free(&conn);
    }
}

static void without_memory_for_a_ping_the_connection_fails(void **state)
{
    (void)state;
    struct session session;

    start_open(&session, OPEN_SERVER);
    session.alloc.fault = (struct fault){session.alloc.calls + 1, false};
    session_tick(&session, 31000);
    assert_status(session.last, UPF_DONE);
    assert_status(session.log.status, UPF_ERR_NO_MEMORY);
    assert_sent(&session, "fin CLOSE 1011 \"out of memory\"\n");
    session_free(&session);
}

static void pings_that_do_not_leave_are_as_good_as_one_more(void **state)
{
    (void)state;
    struct session session;
    upf_conn      *conn  = &session.conn;
    size_t         count = 0;

    start_open(&session, OPEN_SERVER);
    session.hold = true;
    while (upf_ping(conn, NULL, 0) == UPF_OK)
        count++;
    assert_in_range(count, 500, 2000); /* the budget is used up */
    const size_t queued = upf_conn_queued(conn);
    assert_true(upf_conn_deadline(conn) == 1000 + 3000);
    session_tick(&session, 4000); /* from here on, nothing leaves */
    session_tick(&session, 28000);
    assert_int_equal(upf_conn_queued(conn), queued);
    assert_true(upf_conn_deadline(conn) == 28000 + 20000);
    session_tick(&session, 48000); /* the question was never written */
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
    assert_true(upf_conn_deadline(conn) == 4000 + 50000);
    session_tick(&session, 53999);
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
    session_tick(&session, 54000);
    assert_status(session.log.status, UPF_ERR_WRITE_TIMEOUT);
    session_free(&session);
}

static void a_byte_ends_the_wait_for_a_pong_at_the_next_tick(void **state)
{
    (void)state;
    struct session session;

    start_open(&session, OPEN_SERVER);
    session_tick(&session, 28000); /* the ping; 20 s for its pong */
    assert_true(upf_conn_deadline(&session.conn) == 48000);
    session_give(&session, "\x81", 1);
    assert_true(upf_conn_deadline(&session.conn) == 31000);
    session_tick(&session, 31000);
    assert_true(upf_conn_deadline(&session.conn) == 58000);
    session_free(&session);
}

/* ---- What counts as a sign of life --------------------------------------- */

enum { TEN_MINUTES = 600 };

/*
 * The peer says nothing for ten minutes. Each second we tick; each twelve, so
 * much of what waits is written. How long that was, in seconds.
 */
static uint64_t seconds_of_silence(size_t queued, size_t each_time)
{
    static uint8_t bytes[100000];
    struct session session;
    upf_slice      slices[8];
    uint64_t       second = 1;

    session_prepare(&session);
    session.hold = true;
    session_begin(&session, OPEN_SERVER);
    session_give(&session, NULL, 0);
    session_tick(&session, 1000);
    if (queued > 0)
        assert_status(upf_send(&session.conn, UPF_OP_BINARY, bytes, queued),
                      UPF_OK);
    while (session.last != UPF_DONE && second < TEN_MINUTES) {
        second++;
        if (second % 12 == 0) {
            const size_t count = upf_conn_output(&session.conn, slices, 8);
            size_t       all   = 0;

            for (size_t i = 0; i < count; i++)
                all += slices[i].len;
            assert_status(upf_conn_output_done(
                &session.conn,
                (ptrdiff_t)(each_time < all ? each_time : all)), UPF_OK);
        }
        session_tick(&session, 1000 * second);
    }
    session_free(&session);
    return second;
}

/* A peer that reads bit by bit lives, though it says nothing; one that reads
 * nothing, or all of it (which may only have gone into a buffer), may not. */
static void output_that_drains_bit_by_bit_puts_the_pong_off(void **state)
{
    (void)state;
    assert_int_equal(seconds_of_silence(100000, 1), TEN_MINUTES);
    assert_int_equal(seconds_of_silence(100000, 1000), TEN_MINUTES);
    assert_in_range(seconds_of_silence(100000, 0), 45, 60);
    assert_in_range(seconds_of_silence(10, 1000000), 45, 60);
    assert_in_range(seconds_of_silence(0, 1000000), 45, 60);
    /* It stops to drain after some 120 s: the wait begins then. */
    assert_in_range(seconds_of_silence(100000, 10500), 110 + 40, 120 + 65);
}

/* The same of a peer that was asked before: the pong lies behind what it has
 * yet to read. One byte each twelve seconds is enough. */
static void output_that_drains_bit_by_bit_puts_an_asked_pong_off(void **state)
{
    static uint8_t bytes[100000];
    struct session session;
    upf_slice      slice;

    (void)state;
    session_prepare(&session);
    session.hold = true;
    session_begin(&session, OPEN_SERVER);
    session_give(&session, NULL, 0);
    session_tick(&session, 1000);
    session_tick(&session, 1000 + 30000); /* a ping, which leaves */
    assert_int_equal(upf_conn_output(&session.conn, &slice, 1), 1);
    assert_status(upf_conn_output_done(&session.conn, (ptrdiff_t)slice.len),
                  UPF_OK);
    assert_status(upf_send(&session.conn, UPF_OP_BINARY, bytes, sizeof bytes),
                  UPF_OK);
    for (uint64_t second = 32; second < TEN_MINUTES; second++) {
        if (second % 12 == 0) {
            assert_true(upf_conn_output(&session.conn, &slice, 1) == 1);
            assert_status(upf_conn_output_done(&session.conn, 1), UPF_OK);
        }
        session_tick(&session, 1000 * second);
        assert_int_not_equal(session.last, UPF_DONE);
    }
    session_free(&session);
}

enum loop {
    EACH_SECOND,      /* ticks so often, then writes */
    AT_DEADLINE,      /* ticks then, and when the socket opens, then writes */
    WRITES_FIRST,     /* before and after a tick, which is at the deadline */
    WRITES_WHEN_TOLD, /* likewise, but only if poll() says that it can */
    LOOPS
};

/* Under such a loop, with a socket that is full until `opens`: when the
 * connection ended, the peer being silent. */
static uint64_t end_of_silence(struct session *session, uint32_t pong_timeout,
                               uint64_t opens, enum loop loop)
{
    uint64_t now   = 1000;
    int      turns = 0;

    session_prepare(session);
    session->config.pong_timeout = pong_timeout;
    session->hold = true;
    session_begin(session, OPEN_SERVER);
    session_give(session, NULL, 0);
    session_tick(session, now);
    while (session->last != UPF_DONE && turns++ < 1000) {
        upf_input none = {NULL, 0};
        uint64_t  next = loop == EACH_SECOND ? now + 1000 : deadline(session);

        if (now < opens && next > opens)
            next = opens;
        if (next > now)
            now = next;
        session->hold = now < opens;
        if (loop == WRITES_FIRST ||
            (loop == WRITES_WHEN_TOLD && !session->hold))
            session_write(session);
        if (loop < WRITES_FIRST || deadline(session) <= now)
            upf_conn_tick(&session->conn, now);
        session_input(session, &none);
        if (loop != WRITES_WHEN_TOLD)
            session_write(session);
    }
    return now;
}

/* The ping is asked when it leaves: until then the peer cannot answer it. */
static void a_ping_that_leaves_late_leaves_the_peer_its_time(void **state)
{
    (void)state;
    static const uint64_t opens[] = {28001, 29000, 35000, 44000, 47900, 49900};
    static const uint32_t times[] = {500, 1000, 20000};

    for (size_t i = 0; i < LOOPS * 3 * sizeof opens / sizeof *opens; i++) {
        struct session session;
        const uint32_t  time = times[i % 3];
        const enum loop loop = (enum loop)(i / 3 % LOOPS);
        const uint64_t  left = opens[i / 3 / LOOPS];
        const uint64_t  end  = end_of_silence(&session, time, left, loop);
        const uint64_t  late = loop == EACH_SECOND ? 3000 : 0;

        assert_status(session.log.status, UPF_ERR_PONG_TIMEOUT);
        assert_in_range(end, left + time, left + time + late);
        session_free(&session);
    }
}

/* The loop of the guide writes first, and ticks only at the deadline: nothing
 * tells the time when the socket opens. */
static void a_loop_that_sleeps_learns_when_a_ping_left(void **state)
{
    (void)state;
    static const uint64_t opens[] = {28002, 29000, 35000, 47900, 48000, 60000};

    for (size_t i = 0; i < 2 * sizeof opens / sizeof *opens; i++) {
        struct session session;
        const uint64_t left  = opens[i / 2];
        uint64_t       now   = 1000;
        unsigned       turns = 0;

        start_open(&session, OPEN_SERVER);
        session.hold = true;
        if (i % 2 == 1) { /* which fills the socket, not long before */
            session_tick(&session, now = 27000);
            assert_status(upf_send(&session.conn, UPF_OP_TEXT, "out", 3),
                          UPF_OK);
        }
        for (; session.last != UPF_DONE; turns++) {
            uint64_t next = deadline(&session);

            if (next < now)
                next = now;
            if (now < left && next > left)
                next = left; /* POLLOUT */
            now = next;
            const bool due = deadline(&session) <= now;
            session.hold = now < left;
            session_write(&session);
            if (due)
                upf_conn_tick(&session.conn, now);
            session_give(&session, NULL, 0);
            assert_true(turns < 20); /* nor does it go round and round */
        }
        assert_status(session.log.status, UPF_ERR_PONG_TIMEOUT);
        assert_true(now == left + 20000);
        session_free(&session);
    }
}

/* Each ping, whether the one before it left late, or had not left. */
static void every_ping_may_leave_late(void **state)
{
    (void)state;
    for (int left = 0; left < 2; left++) {
        struct session session;
        struct blob    pong = {0};
        uint64_t       now  = 28000;

        put_text(&pong, FROM_CLIENT, FIN | PONG, "");
        start_open(&session, OPEN_SERVER);
        for (int i = 0; i < 3; i++, now += 35000 + 27000) {
            session.hold = true;
            session_tick(&session, now); /* the ping */
            assert_deadline(&session, now + 20000);
            session_tick(&session, now + 10000);
            session.hold = left == 0;
            session_tick(&session, now + 15000);
            session_tick(&session, now + 20000);
            session_tick(&session, now + 34999);
            assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
            session_give_blob(&session, &pong);
            session.hold = false;
            session_tick(&session, now + 35000);
        }
        session_free(&session);
        blob_free(&pong);
    }
}

static void a_ping_that_never_leaves_is_output_that_does_not_move(void **state)
{
    (void)state;
    for (int loop = 0; loop < LOOPS; loop++) {
        struct session session;
        const uint64_t end =
            end_of_silence(&session, 20000, UINT64_MAX, (enum loop)loop);

        assert_status(session.log.status, UPF_ERR_WRITE_TIMEOUT);
        assert_int_equal(end, 28000 + 50000);
        session_free(&session);
    }
}

/* What waits behind a ping that left is no excuse for its answer. */
static void a_ping_that_left_is_to_be_answered_in_time(void **state)
{
    (void)state;
    for (int lives = 0; lives < 2; lives++) {
        struct session session;
        struct blob    pong = {0};

        put_text(&pong, FROM_CLIENT, FIN | PONG, "");
        start_open(&session, OPEN_SERVER);
        session_tick(&session, 28000);
        session.hold = true;
        if (lives) { /* this one is late, and the next one is not */
            session_give_blob(&session, &pong);
            session_tick(&session, 30000);
            session_tick(&session, 57000);
            session_tick(&session, 58000);
            session.hold = false;
            session_give_blob(&session, &pong);
            session_tick(&session, 59000);
            session_tick(&session, 86000);
            session.hold = true;
        }
        const uint64_t asked = lives ? 86000 : 28000;
        assert_status(upf_send(&session.conn, UPF_OP_TEXT, "out", 3), UPF_OK);
        for (uint64_t now = asked + 1000; now < asked + 20000; now += 1000)
            session_tick(&session, now);
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
        session_tick(&session, asked + 20000);
        assert_status(session.log.status, UPF_ERR_PONG_TIMEOUT);
        session_free(&session);
        blob_free(&pong);
    }
}

/* An application's own pings, which wait at most of the ticks, or are queued
 * just before each and leave after it, win a silent peer no more than one such
 * delay. */
static void an_applications_pings_keep_nobody_alive(void **state)
{
    (void)state;
    for (int phase = 0; phase <= 5; phase++) {
        struct session session;
        const bool     each_tick = phase == 5;
        uint64_t       second    = 1;

        start_open(&session, OPEN_SERVER);
        for (; session.last != UPF_DONE && second < TEN_MINUTES; second++) {
            const int at = (int)(second % 5);

            session.hold = !each_tick && at != phase;
            if (each_tick || at == (phase + 2) % 5)
                assert_status(upf_ping(&session.conn, "app", 3), UPF_OK);
            session_tick(&session, 1000 * second);
        }
        assert_status(session.log.status, UPF_ERR_PONG_TIMEOUT);
        assert_in_range(second, 45, 80);
        session_free(&session);
    }
}

/* A process that stood still while its ping waited: that is asked when it
 * leaves, all the same. */
static void a_ping_that_waits_through_a_standstill_is_asked_late(void **state)
{
    (void)state;
    struct session session;

    start_open(&session, OPEN_SERVER);
    session.hold = true;
    session_tick(&session, 28000);
    session_tick(&session, 200000);
    session_tick(&session, 219000);
    session.hold = false;
    session_write(&session);
    session_tick(&session, 219000);
    session_tick(&session, 238999);
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
    session_tick(&session, 239000);
    assert_status(session.log.status, UPF_ERR_PONG_TIMEOUT);
    session_free(&session);
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

/* CLOSE is the end of the same wait that began with our Close. */
static void one_time_out_bounds_the_close_and_what_follows(void **state)
{
    (void)state;
    for (int reads = 0; reads < 2; reads++) {
        struct session session;
        static uint8_t much[100000];

        start_open(&session, OPEN_SERVER);
        session.hold = !reads;
        assert_status(upf_send(&session.conn, UPF_OP_BINARY, much,
                               sizeof much), UPF_OK);
        assert_status(upf_close(&session.conn, 1000, NULL), UPF_OK);
        session_tick(&session, 2000);
        session_tick(&session, 6999);
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
        session_tick(&session, 7000);
        assert_status(session.log.status, UPF_ERR_CLOSE_TIMEOUT);
        assert_int_equal(upf_conn_wants(&session.conn), UPF_WANTS_CLOSE);
        assert_int_equal(session.alloc.live, 0); /* nothing is held */
        session_free(&session);
    }
}

static void a_late_close_of_the_peer_leaves_the_rest_of_the_wait(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};

    start_open(&session, OPEN_SERVER);
    assert_status(upf_close(&session.conn, 1000, NULL), UPF_OK);
    session_tick(&session, 2000);
    session_tick(&session, 6000);
    put_close(&bytes, FROM_CLIENT, 1000, NULL);
    session_give_blob(&session, &bytes);
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 1);
    session_tick(&session, 6999);
    assert_int_equal(upf_conn_wants(&session.conn) & UPF_WANTS_CLOSE, 0);
    session_tick(&session, 7000);
    assert_int_equal(upf_conn_wants(&session.conn), UPF_WANTS_CLOSE);
    session_free(&session);
    blob_free(&bytes);
}

/* ---- Before OPEN is delivered ------------------------------------------ */

static void a_tick_before_open_changes_nothing(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        struct session session;

        session_start(&session, how < 2 ? how ? OPEN_CLIENT : OPEN_SERVER
                                        : SERVER);
        if (how >= 2) {
            upf_input input;
            upf_event event;
            char      head[] = HEAD_REQUEST;

            input = (upf_input){(uint8_t *)head, sizeof head - 1};
            assert_status(upf_conn_next(&session.conn, &input, &event),
                          UPF_OK);
            if (how == 3)
                assert_status(upf_defer(&session.conn), UPF_OK);
            upf_conn_tick(&session.conn, 500);
            assert_status(upf_accept(&session.conn, NULL, NULL, 0), UPF_OK);
        }
        assert_deadline(&session, 0); /* OPEN waits */
        upf_conn_tick(&session.conn, 1000);
        upf_conn_tick(&session.conn, 100000);
        session_give(&session, NULL, 0);
        assert_log(&session, "OPEN\n");
        session_tick(&session, 100001);
        assert_deadline(&session, 100001 + 27000);
        session_free(&session);
    }
}

static void an_event_that_is_due_is_due_now(void **state)
{
    (void)state;
    struct session session;

    session_start(&session, OPEN_SERVER); /* OPEN is due */
    upf_conn_tick(&session.conn, 1000);
    assert_true(upf_conn_deadline(&session.conn) == 0);
    session_give(&session, NULL, 0);
    assert_true(upf_conn_deadline(&session.conn) == 0);
    session_free(&session);

    session_start(&session, SERVER); /* CLOSE is */
    assert_status(upf_close(&session.conn, 1000, NULL), UPF_OK);
    upf_conn_tick(&session.conn, 1000);
    assert_true(upf_conn_deadline(&session.conn) == 0);
    session_give(&session, NULL, 0);
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 1);
    session_free(&session);
}

/* ---- How exactly silence is known --------------------------------------- */

/* Ticks where the deadline wants them, `late` each, until there is a ping. */
static uint64_t first_ping_after(struct session *session, uint64_t late)
{
    const size_t written = session->output.len;
    uint64_t     now     = 0;

    for (int i = 0; i < 10 && session->output.len == written; i++) {
        now = upf_conn_deadline(&session->conn) + late;
        session_tick(session, now);
    }
    return now;
}

static void a_ping_comes_within_a_tenth_of_its_interval(void **state)
{
    (void)state;
    static const uint64_t heard[] = {1001, 1500, 3999, 4000, 9000, 27999};
    struct blob bytes = {0};

    put_text(&bytes, FROM_CLIENT, FIN | TEXT, "hello");
    for (size_t i = 0; i < sizeof heard / sizeof *heard; i++) {
        struct session session;

        start_open(&session, OPEN_SERVER); /* at 1000 */
        session_give_blob(&session, &bytes);
        assert_true(deadline(&session) <= 4000);
        /* A loop asks after each turn, and ticks if it is past. */
        session_tick(&session, heard[i] > 4000 ? heard[i] : 4000);
        const uint64_t ping = first_ping_after(&session, 0);
        assert_in_range(ping, heard[i] + 27000, heard[i] + 30000);
        session_free(&session);
    }
    blob_free(&bytes);
}

static void an_idle_connection_is_ticked_once_an_interval(void **state)
{
    (void)state;
    struct session session;
    struct blob    pong  = {0};
    int            ticks = 0;

    put_text(&pong, FROM_CLIENT, FIN | PONG, "");
    start_open(&session, OPEN_SERVER);
    while (deadline(&session) < 1000 + 3000000) {
        const size_t written = session.output.len;

        session_tick(&session, deadline(&session));
        ticks++;
        if (session.output.len > written)
            session_give_blob(&session, &pong);
    }
    assert_in_range(ticks, 150, 2 * 100 + 2); /* the ping, and its pong */
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
    session_free(&session);
    blob_free(&pong);
}

/* ---- A process that stood still ------------------------------------------ */

static void a_tick_that_comes_late_asks_once_more(void **state)
{
    (void)state;
    for (int lives = 0; lives < 2; lives++) {
        struct session session;
        struct blob    pong = {0};

        put_text(&pong, FROM_CLIENT, FIN | PONG, "");
        start_open(&session, OPEN_SERVER);
        session_tick(&session, 28000); /* the ping */
        session_tick(&session, 100000); /* a deep sleep */
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
        assert_sent(&session, "fin PING 0 \"\"\nfin PING 0 \"\"\n");
        assert_deadline(&session, 120000);
        if (lives)
            session_give_blob(&session, &pong); /* it lay in the socket */
        session_tick(&session, 120000);
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], !lives);
        if (lives) { /* and the next silence has a second ping again */
            session_tick(&session, 147000);
            session_tick(&session, 200000);
            assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
            session_tick(&session, 300000); /* but not a third */
        }
        assert_status(session.log.status, UPF_ERR_PONG_TIMEOUT);
        session_free(&session);
        blob_free(&pong);
    }
}

static void a_tick_that_is_hardly_late_does_not(void **state)
{
    (void)state;
    struct session session;

    start_open(&session, OPEN_SERVER);
    session_tick(&session, 28000);
    session_tick(&session, 28000 + 22000);
    assert_status(session.log.status, UPF_ERR_PONG_TIMEOUT);
    session_free(&session);
}

/* More than a tenth of the time-out: by one millisecond. */
static void a_tick_is_late_behind_a_tenth(void **state)
{
    (void)state;
    struct session session;

    start_open(&session, OPEN_SERVER);
    session_tick(&session, 28000);
    session_tick(&session, 28000 + 22001);
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
    assert_sent(&session, "fin PING 0 \"\"\nfin PING 0 \"\"\n");
    session_free(&session);

    start_open(&session, OPEN_SERVER);
    session.hold = true;
    assert_status(upf_send(&session.conn, UPF_OP_TEXT, "out", 3), UPF_OK);
    session_tick(&session, 2000);
    session_tick(&session, 2001);
    session_tick(&session, 2001 + 55001);
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
    session_free(&session);
}

/* ---- Output that nobody reads -------------------------------------------- */

/* The peer goes on to send, but takes nothing. */
static void output_that_does_not_move_ends_the_connection(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        struct session session;
        struct blob    bytes = {0};
        uint64_t       now;

        put_text(&bytes, FROM_CLIENT, FIN | TEXT, "busy");
        start_open(&session, OPEN_SERVER);
        session.hold = true;
        for (int i = 0; i <= kind / 2; i++)
            assert_status(upf_send(&session.conn, UPF_OP_TEXT, "out", 3),
                          UPF_OK);
        if (kind % 2)
            assert_status(upf_ping(&session.conn, NULL, 0), UPF_OK);
        for (now = 2000; now < 60000; now += 1000) {
            session_give_blob(&session, &bytes);
            session_tick(&session, now);
            if (session.log.count[UPF_EVENT_CLOSE] > 0)
                break;
        }
        assert_status(session.log.status, UPF_ERR_WRITE_TIMEOUT);
        assert_in_range(now, 51000, 55000);
        assert_int_equal(session.log.close.sent_code, 0);
        assert_int_equal(upf_conn_wants(&session.conn), UPF_WANTS_CLOSE);
        assert_int_equal(session.alloc.live, 0);
        session_free(&session);
        blob_free(&bytes);
    }
}

static void output_that_moves_a_byte_lives(void **state)
{
    (void)state;
    struct session session;

    start_open(&session, OPEN_SERVER);
    session.write_step = 1;
    session.hold       = true;
    for (int i = 0; i < 100; i++)
        assert_status(upf_send(&session.conn, UPF_OP_TEXT, "out", 3), UPF_OK);
    for (uint64_t now = 2000; now < 400000; now += 40000) {
        upf_slice slice;

        session_tick(&session, now);
        assert_int_equal(upf_conn_output(&session.conn, &slice, 1), 1);
        assert_status(upf_conn_output_done(&session.conn, 1), UPF_OK);
    }
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
    session_free(&session);
}

/* A process that stood still did not write, either. */
static void output_gets_a_second_time_after_a_late_tick(void **state)
{
    (void)state;
    for (int moves = 0; moves < 2; moves++) {
        struct session session;

        start_open(&session, OPEN_SERVER);
        session.hold = true;
        assert_status(upf_send(&session.conn, UPF_OP_TEXT, "out", 3), UPF_OK);
        session_tick(&session, 2000);
        session_tick(&session, 2001); /* since then */
        session_tick(&session, 100000);
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
        if (moves) { /* it lay only with us */
            upf_slice slice;
            upf_conn_output(&session.conn, &slice, 1);
            upf_conn_output_done(&session.conn, 1);
        }
        session_tick(&session, 119999);
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
        session_tick(&session, 120000);
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], !moves);
        if (moves) /* and the next time there is another second one */
            session_tick(&session, 300000);
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], !moves);
        session_tick(&session, 300000 + 50000);
        assert_status(session.log.status, UPF_ERR_WRITE_TIMEOUT);
        session_free(&session);
    }
}

/* How long it waits in a loop that ticks at the deadline: docs/limits.md. The
 * first tick notes that it waits, and when bytes moved; the second since when. */
static void output_waits_up_to_two_tenths_longer(void **state)
{
    (void)state;
    enum { BEGIN = 1000, TENTH = 3000, WAIT = 50000 };

    for (int moves = 0; moves < 2; moves++)
        for (uint64_t sent = BEGIN; sent < BEGIN + TENTH; sent += 37) {
            struct session session;
            upf_slice      slice;
            uint64_t       now = BEGIN;

            start_open(&session, OPEN_SERVER);
            session.hold = true;
            session_tick(&session, now);
            assert_status(upf_send(&session.conn, UPF_OP_TEXT, "out", 3),
                          UPF_OK);
            upf_conn_output(&session.conn, &slice, 1);
            upf_conn_output_done(&session.conn, moves ? 1 : -1);
            while (session.log.count[UPF_EVENT_CLOSE] == 0) {
                const uint64_t next = upf_conn_deadline(&session.conn);
                now = next > sent ? next : sent;
                session_tick(&session, now);
            }
            assert_status(session.log.status, UPF_ERR_WRITE_TIMEOUT);
            assert_in_range(now - sent, WAIT, WAIT + 2 * TENTH);
            session_free(&session);
        }
}

static void output_that_is_hardly_late_does_not(void **state)
{
    (void)state;
    struct session session;

    start_open(&session, OPEN_SERVER);
    session.hold = true;
    assert_status(upf_send(&session.conn, UPF_OP_TEXT, "out", 3), UPF_OK);
    session_tick(&session, 2000);
    session_tick(&session, 2001);
    session_tick(&session, 28000); /* a ping: another silence is another thing */
    session_tick(&session, 2001 + 55000);
    assert_status(session.log.status, UPF_ERR_WRITE_TIMEOUT);
    session_free(&session);
}

/* Since when output waits is kept in its queue; without one, later. A loop that
 * sleeps until the deadline does not spin until there is memory. */
static void without_memory_to_know_it_output_waits_longer(void **state)
{
    (void)state;
    struct session session;

    start_open(&session, OPEN_SERVER);
    session.hold = true;
    assert_status(upf_send(&session.conn, UPF_OP_TEXT, "out", 3), UPF_OK);
    session.alloc.fault = (struct fault){session.alloc.calls + 1, true};
    session_tick(&session, 2000);
    session_tick(&session, 5000);
    session_tick(&session, 8000);
    session.alloc.fault = (struct fault){0, false};
    assert_deadline(&session, 28000);
    session_tick(&session, 11000);
    assert_deadline(&session, 28000);
    session_tick(&session, 28000);
    assert_deadline(&session, 28000 + 20000);
    session_tick(&session, 48000);
    session_tick(&session, 60999);
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
    session_tick(&session, 61000);
    assert_status(session.log.status, UPF_ERR_WRITE_TIMEOUT);
    session_free(&session);
}

static void without_pings_output_may_wait_for_ever(void **state)
{
    (void)state;
    for (int which = 0; which < 2; which++) {
        struct session session;

        session_prepare(&session);
        if (which == 0)
            session.config.ping_interval = 0;
        else
            session.config.pong_timeout = 0;
        session_begin(&session, OPEN_SERVER);
        session_give(&session, NULL, 0);
        session.hold = true;
        assert_status(upf_send(&session.conn, UPF_OP_TEXT, "out", 3), UPF_OK);
        session_tick(&session, 1000);
        assert_deadline(&session, which == 0 ? UINT64_MAX : 28000);
        for (uint64_t now = 1000; now < 1000000; now += 1000)
            session_tick(&session, now);
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
        session_free(&session);
    }
}

static void output_may_wait_since_the_first_moment(void **state)
{
    (void)state;
    struct session session;

    session_start(&session, OPEN_SERVER);
    session_give(&session, NULL, 0);
    session.hold = true;
    assert_status(upf_send(&session.conn, UPF_OP_TEXT, "out", 3), UPF_OK);
    session_tick(&session, 1);
    session_tick(&session, 1);
    assert_deadline(&session, 27001); /* that of the ping: it is known */
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

static void the_shortest_pong_timeout_is_one(void **state)
{
    (void)state;
    struct session session;

    session_prepare(&session);
    session.config.pong_timeout = 1;
    session_begin(&session, OPEN_SERVER);
    session_give(&session, NULL, 0);
    session_tick(&session, 1000);
    session_tick(&session, 31000);
    assert_deadline(&session, 31001);
    session_tick(&session, 31001);
    assert_status(session.log.status, UPF_ERR_PONG_TIMEOUT);
    session_free(&session);
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

/* Whatever a clock says, what is switched off is off. */
static void the_end_of_time_comes_for_nobody_who_waits_for_ever(void **state)
{
    (void)state;
    struct session session;

    session_prepare(&session);
    session.config.handshake_timeout = 0;
    session_begin(&session, SERVER);
    session_tick(&session, UINT64_MAX);
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
        cmocka_unit_test(each_message_counts_as_activity),
        cmocka_unit_test(output_that_drains_bit_by_bit_puts_the_pong_off),
        cmocka_unit_test(
            output_that_drains_bit_by_bit_puts_an_asked_pong_off),
        cmocka_unit_test(
            a_ping_that_leaves_late_leaves_the_peer_its_time),
        cmocka_unit_test(a_loop_that_sleeps_learns_when_a_ping_left),
        cmocka_unit_test(every_ping_may_leave_late),
        cmocka_unit_test(
            a_ping_that_never_leaves_is_output_that_does_not_move),
        cmocka_unit_test(a_ping_that_left_is_to_be_answered_in_time),
        cmocka_unit_test(an_applications_pings_keep_nobody_alive),
        cmocka_unit_test(
            a_ping_that_waits_through_a_standstill_is_asked_late),
        cmocka_unit_test(a_peer_that_does_not_answer_our_close_is_given_up),
        cmocka_unit_test(the_end_of_the_stream_is_awaited_for_so_long),
        cmocka_unit_test(a_peer_that_does_not_read_our_last_words_is_given_up),
        cmocka_unit_test(one_time_out_bounds_the_close_and_what_follows),
        cmocka_unit_test(a_late_close_of_the_peer_leaves_the_rest_of_the_wait),
        cmocka_unit_test(a_tick_before_open_changes_nothing),
        cmocka_unit_test(a_ping_comes_within_a_tenth_of_its_interval),
        cmocka_unit_test(an_idle_connection_is_ticked_once_an_interval),
        cmocka_unit_test(a_tick_that_comes_late_asks_once_more),
        cmocka_unit_test(a_tick_that_is_hardly_late_does_not),
        cmocka_unit_test(a_tick_is_late_behind_a_tenth),
        cmocka_unit_test(output_that_does_not_move_ends_the_connection),
        cmocka_unit_test(output_that_moves_a_byte_lives),
        cmocka_unit_test(without_memory_to_know_it_output_waits_longer),
        cmocka_unit_test(without_pings_output_may_wait_for_ever),
        cmocka_unit_test(output_may_wait_since_the_first_moment),
        cmocka_unit_test(zero_switches_each_one_off),
        cmocka_unit_test(the_shortest_pong_timeout_is_one),
        cmocka_unit_test(without_a_pong_timeout_silence_does_not_fail),
        cmocka_unit_test(a_clock_at_its_end_does_not_wrap),
        cmocka_unit_test(ticks_after_the_end_change_nothing),
        cmocka_unit_test(
            the_end_of_time_comes_for_nobody_who_waits_for_ever),
        cmocka_unit_test(output_gets_a_second_time_after_a_late_tick),
        cmocka_unit_test(output_waits_up_to_two_tenths_longer),
        cmocka_unit_test(output_that_is_hardly_late_does_not),
        cmocka_unit_test(an_event_that_is_due_is_due_now),
        cmocka_unit_test(without_memory_for_a_ping_the_connection_fails),
        cmocka_unit_test(pings_that_do_not_leave_are_as_good_as_one_more),
        cmocka_unit_test(a_byte_ends_the_wait_for_a_pong_at_the_next_tick),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
