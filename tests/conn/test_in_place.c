/* SPDX-License-Identifier: MIT */
/* test_in_place.c - replies written over their requests, without a copy. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "support/guard.h"
#include "support/split.h"

static void start_open(struct session *session, enum role role)
{
    session_prepare(session);
    session_begin(session, role);
    session_give(session, NULL, 0);
}

/* Work off the input, answering in place; nothing is written. */
static void echo(struct session *session, uint8_t *data, size_t len)
{
    upf_input input = {data, len};

    session->app = app_echo_in_place;
    session_input(session, &input);
}

static bool inside(const upf_slice *slice, const uint8_t *data, size_t len)
{
    const uint8_t *p = slice->data;

    return p >= data && p + slice->len <= data + len;
}

/* ---- Without a copy --------------------------------------------------- */

static void an_echo_leaves_from_where_its_request_arrived(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 125, 126, 65535, 65536};

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct session session;
        struct blob    bytes = {0};
        upf_slice      slices[4];

        put_run(&bytes, FROM_CLIENT, FIN | BINARY, 'e', lengths[i]);
        start_open(&session, OPEN_SERVER);
        echo(&session, bytes.data, bytes.len);
        assert_int_equal(session.alloc.calls, 0);
        assert_int_equal(upf_conn_output(&session.conn, slices, 4), 1);
        assert_true(inside(&slices[0], bytes.data, bytes.len));
        assert_int_equal(slices[0].len, bytes.len - 4);
        session_write(&session);
        assert_int_equal(session.alloc.calls, 0);

        struct blob expected = {0};
        put_run(&expected, FROM_SERVER, FIN | BINARY, 'e', lengths[i]);
        assert_true(blob_equal(&session.output, &expected));
        blob_free(&expected);
        session_free(&session);
        blob_free(&bytes);
    }
}

/* An empty message has no memory: what stands in front of `data` may be
 * anybody's. */
static void nothing_needs_no_room_in_front_of_it(void **state)
{
    (void)state;
    for (int waiting = 0; waiting < 3; waiting++)
        for (int text = 0; text < 2; text++) {
            struct session session;
            uint8_t       *exact = malloc(1);
            const size_t   first = waiting == 1 ? 5 : 300;

            assert_non_null(exact);
            start_open(&session, OPEN_SERVER);
            uint8_t *before = calloc(1, UPF_FRAME_HEADER_MAX + first);
            assert_non_null(before);
            if (waiting > 0)
                assert_status(upf_send_in_place(&session.conn, UPF_OP_BINARY,
                                                before + UPF_FRAME_HEADER_MAX,
                                                first), UPF_OK);
            assert_status(upf_send_in_place(&session.conn,
                                            text ? UPF_OP_TEXT : UPF_OP_BINARY,
                                            exact, 0), UPF_OK);
            session_write(&session);
            const uint8_t *end = session.output.data + session.output.len - 2;
            assert_int_equal(end[0], text ? 0x81 : 0x82);
            assert_int_equal(end[1], 0);
            free(before);
            free(exact);
            session_free(&session);
        }
}

static void pipelined_echoes_leave_as_one_stretch(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0}, expected = {0};
    upf_slice      slices[4];

    for (int i = 0; i < 500; i++) {
        char text[32];
        const int len = snprintf(text, sizeof text, "message %d", i * i);

        put_frame(&bytes, FROM_CLIENT, FIN | TEXT, text, (size_t)len);
        put_frame(&expected, FROM_SERVER, FIN | TEXT, text, (size_t)len);
    }
    start_open(&session, OPEN_SERVER);
    echo(&session, bytes.data, bytes.len);
    assert_int_equal(session.alloc.calls, 0);
    assert_int_equal(upf_conn_output(&session.conn, slices, 4), 1);
    assert_true(inside(&slices[0], bytes.data, bytes.len));
    session_write(&session);
    assert_true(blob_equal(&session.output, &expected));
    session_free(&session);
    blob_free(&bytes);
    blob_free(&expected);
}

/* Frames that are read one by one do not end the stretch: pongs, fragments
 * without payload, what is not the usual message. */
static void other_frames_between_do_not_cut_the_stretch(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0}, expected = {0};
    upf_slice      slices[4];

    for (size_t len = 1; len < 41; len += 13)
        for (int i = 0; i < 4; i++) {
            put_run(&bytes, FROM_CLIENT, i == 3 ? BINARY : FIN | BINARY, 's',
                    i == 3 ? 0 : len);
            if (i == 1)
                put_text(&bytes, FROM_CLIENT, FIN | PONG, "pong");
            if (i == 3)
                put_run(&bytes, FROM_CLIENT, FIN | CONT, 's', len);
            put_run(&expected, FROM_SERVER, FIN | BINARY, 's', len);
        }
    start_open(&session, OPEN_SERVER);
    echo(&session, bytes.data, bytes.len);
    assert_int_equal(session.alloc.calls, 0);
    assert_int_equal(upf_conn_output(&session.conn, slices, 4), 1);
    assert_true(inside(&slices[0], bytes.data, bytes.len));
    session_write(&session);
    assert_true(blob_equal(&session.output, &expected));
    session_free(&session);
    blob_free(&bytes);
    blob_free(&expected);
}

/* Freed within the event whose block was given away: it goes once. */
static void a_block_that_was_given_is_freed_once(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};
    upf_event      event;

    put_run(&bytes, FROM_CLIENT, FIN | BINARY, 'a', 100000);
    start_open(&session, OPEN_SERVER);
    echo(&session, bytes.data, 60000);
    upf_input input = {bytes.data + 60000, bytes.len - 60000};
    assert_status(upf_conn_next(&session.conn, &input, &event), UPF_OK);
    assert_int_equal(event.len, 100000);
    assert_status(upf_send_in_place(&session.conn, UPF_OP_BINARY, event.data,
                                    event.len), UPF_OK);
    session_free(&session); /* which looks for leaks */
    blob_free(&bytes);
}

static void an_echo_of_an_assembled_message_needs_no_second_block(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0}, expected = {0};

    put_run(&bytes, FROM_CLIENT, FIN | BINARY, 'a', 100000);
    put_run(&expected, FROM_SERVER, FIN | BINARY, 'a', 100000);
    start_open(&session, OPEN_SERVER);
    echo(&session, bytes.data, 60000);
    echo(&session, bytes.data + 60000, bytes.len - 60000);
    assert_int_equal(session.log.count[UPF_EVENT_MESSAGE], 1);
    assert_true(session.alloc.peak < 150000);
    session_write(&session);
    assert_int_equal(session.alloc.live, 0);
    assert_true(blob_equal(&session.output, &expected));
    session_free(&session);
    blob_free(&bytes);
    blob_free(&expected);
}

/* ---- The same bytes as a copy, at any cut ----------------------------- */

static void put_conversation(struct blob *to, enum sender peer)
{
    put_text(to, peer, FIN | TEXT, "one");
    put_text(to, peer, FIN | TEXT, "");
    put_text(to, peer, FIN | PING, "ping");
    put_text(to, peer, BINARY, "two ");
    put_text(to, peer, FIN | PING, "inside");
    put_text(to, peer, FIN | CONT, "three");
    put_run(to, peer, FIN | BINARY, 'l', 130);
    put_text(to, peer, FIN | TEXT, "four");
    put_text(to, peer, FIN | TEXT, "five");
    put_close(to, peer, 1000, "bye");
}

static void check_same_output(enum role role, app_fn *in_place, app_fn *copying)
{
    struct scene   scene = {.role = role, .app = in_place};
    struct outcome one, other;

    put_conversation(&scene.bytes, role_peer(role));
    scene_run(&scene, &one);
    scene.app = copying;
    scene_run(&scene, &other);
    assert_text(blob_str(&one.log), blob_str(&other.log));
    assert_true(blob_equal(&one.output, &other.output));
    outcome_free(&one);
    outcome_free(&other);
    blob_free(&scene.bytes);
}

static void echoes_in_place_and_copied_are_the_same_at_any_cut(void **state)
{
    (void)state;
    check_same_output(OPEN_SERVER, app_echo_in_place, app_echo);
    check_same_output(OPEN_CLIENT, app_echo_in_place, app_echo);
}

/* Half of the message. */
static void shorter_in_place(struct session *session, const upf_event *event)
{
    if (event->type == UPF_EVENT_MESSAGE)
        assert_status(upf_send_in_place(&session->conn, UPF_OP_BINARY,
                                        event->data, event->len / 2), UPF_OK);
}

static void shorter_copied(struct session *session, const upf_event *event)
{
    if (event->type == UPF_EVENT_MESSAGE)
        assert_status(upf_send(&session->conn, UPF_OP_BINARY, event->data,
                               event->len / 2), UPF_OK);
}

static void a_reply_may_be_the_start_of_its_request(void **state)
{
    (void)state;
    check_same_output(OPEN_SERVER, shorter_in_place, shorter_copied);
    check_same_output(OPEN_CLIENT, shorter_in_place, shorter_copied);
}

/* In place, copied, in place: the order is kept. */
static void mixed_in_place(struct session *session, const upf_event *event)
{
    if (event->type != UPF_EVENT_MESSAGE)
        return;
    assert_status(upf_send(&session->conn, UPF_OP_TEXT, "before", 6), UPF_OK);
    assert_status(upf_send_in_place(&session->conn, UPF_OP_BINARY, event->data,
                                    event->len), UPF_OK);
    assert_status(upf_send(&session->conn, UPF_OP_TEXT, "after", 5), UPF_OK);
}

static void mixed_copied(struct session *session, const upf_event *event)
{
    if (event->type != UPF_EVENT_MESSAGE)
        return;
    assert_status(upf_send(&session->conn, UPF_OP_TEXT, "before", 6), UPF_OK);
    assert_status(upf_send(&session->conn, UPF_OP_BINARY, event->data,
                           event->len), UPF_OK);
    assert_status(upf_send(&session->conn, UPF_OP_TEXT, "after", 5), UPF_OK);
}

static void in_place_and_copied_replies_keep_their_order(void **state)
{
    (void)state;
    check_same_output(OPEN_SERVER, mixed_in_place, mixed_copied);
    check_same_output(OPEN_CLIENT, mixed_in_place, mixed_copied);
}

/* The payload of a ping is the payload of an event, too. */
static bool has_payload(const upf_event *event)
{
    return event->type == UPF_EVENT_MESSAGE ||
           event->type == UPF_EVENT_CHUNK || event->type == UPF_EVENT_PING ||
           event->type == UPF_EVENT_PONG;
}

static void all_in_place(struct session *session, const upf_event *event)
{
    if (has_payload(event))
        assert_status(upf_send_in_place(&session->conn, UPF_OP_BINARY,
                                        event->data, event->len), UPF_OK);
}

static void all_copied(struct session *session, const upf_event *event)
{
    if (has_payload(event))
        assert_status(upf_send(&session->conn, UPF_OP_BINARY, event->data,
                               event->len), UPF_OK);
}

static void control_payloads_may_be_sent_in_place_too(void **state)
{
    (void)state;
    check_same_output(OPEN_SERVER, all_in_place, all_copied);
    check_same_output(OPEN_CLIENT, all_in_place, all_copied);
}

/* The output of a streaming server, fed in pieces behind a guard page. */
static void run_streaming(app_fn *app, const struct blob *bytes, size_t step,
                          struct blob *output)
{
    struct session session;

    session_prepare(&session);
    session.config.stream = true;
    session.app = app;
    session_begin(&session, OPEN_SERVER);
    session_give(&session, NULL, 0);
    for (size_t at = 0; at < bytes->len; at += step) {
        const size_t left   = bytes->len - at;
        const size_t len    = step < left ? step : left;
        uint8_t     *memory = guard_begin(len);
        upf_input    input  = {memory, len};

        memcpy(memory, bytes->data + at, len);
        session_input(&session, &input);
        session_write(&session);
        guard_free(memory, len);
    }
    assert_true(session.log.close.clean);
    blob_add(output, session.output.data, session.output.len);
    session_free(&session);
}

static void chunks_may_be_sent_in_place_at_any_cut(void **state)
{
    (void)state;
    struct blob bytes = {0};

    put_text(&bytes, FROM_CLIENT, TEXT, "a\xE2\x82\xAC-\xE2\x82");
    put_text(&bytes, FROM_CLIENT, FIN | PING, "ping");
    put_text(&bytes, FROM_CLIENT, FIN | CONT, "\xAC.\xF0\x9F\x98\x80");
    put_run(&bytes, FROM_CLIENT, FIN | BINARY, 'b', 300);
    put_text(&bytes, FROM_CLIENT, FIN | TEXT, "");
    put_conversation(&bytes, FROM_CLIENT);
    for (size_t step = 1; step <= bytes.len; step += step < 60 ? 1 : 23) {
        struct blob one = {0}, other = {0};

        run_streaming(all_in_place, &bytes, step, &one);
        run_streaming(all_copied, &bytes, step, &other);
        if (!blob_equal(&one, &other))
            fail_msg("in pieces of %zu bytes the replies differ", step);
        blob_free(&one);
        blob_free(&other);
    }
    blob_free(&bytes);
}

/* Replies of another opcode, changed in place as an application may. */
static void upper_case(struct session *session, const upf_event *event)
{
    if (event->type != UPF_EVENT_MESSAGE)
        return;
    for (size_t i = 0; i < event->len; i++)
        event->data[i] ^= 0x20;
    if (session->user != NULL)
        assert_status(upf_send_in_place(&session->conn, UPF_OP_BINARY,
                                        event->data, event->len), UPF_OK);
    else
        assert_status(upf_send(&session->conn, UPF_OP_BINARY, event->data,
                               event->len), UPF_OK);
}

static void a_message_may_be_changed_before_it_is_sent_back(void **state)
{
    (void)state;
    static int yes;
    struct scene   scene = {.role = OPEN_SERVER, .app = upper_case};
    struct outcome one, other;

    put_conversation(&scene.bytes, FROM_CLIENT);
    scene_run(&scene, &one);
    scene.user = &yes;
    scene_run(&scene, &other);
    assert_true(blob_equal(&one.output, &other.output));
    outcome_free(&one);
    outcome_free(&other);
    blob_free(&scene.bytes);
}

/* ---- Borrowed memory -------------------------------------------------- */

/* Write `some` bytes, spoil the input, write the rest. */
static void check_borrow(size_t some, bool split)
{
    struct session session;
    struct blob    bytes = {0}, expected = {0};

    put_text(&bytes, FROM_CLIENT, FIN | TEXT, "the first message");
    put_text(&bytes, FROM_CLIENT, FIN | PING, "ping");
    put_text(&bytes, FROM_CLIENT, FIN | TEXT, "and the second");
    put_text(&expected, FROM_SERVER, FIN | TEXT, "the first message");
    put_text(&expected, FROM_SERVER, FIN | PONG, "ping");
    put_text(&expected, FROM_SERVER, FIN | TEXT, "and the second");

    upf_slice    slices[8];
    const size_t cut = split ? 10 : 0;
    const size_t len = bytes.len - cut;
    uint8_t     *memory = guard_begin(len);

    start_open(&session, OPEN_SERVER);
    session_give(&session, bytes.data, cut);
    memcpy(memory, bytes.data + cut, len);
    echo(&session, memory, len);

    const size_t count = upf_conn_output(&session.conn, slices, 8);
    size_t left = some;
    for (size_t i = 0; i < count && left > 0; i++) {
        const size_t part = slices[i].len < left ? slices[i].len : left;

        blob_add(&session.output, slices[i].data, part);
        left -= part;
    }
    assert_int_equal(left, 0);
    assert_status(upf_conn_output_done(&session.conn, (ptrdiff_t)some), UPF_OK);
    guard_free(memory, len);

    assert_int_equal(upf_conn_queued(&session.conn), expected.len - some);
    session_write(&session);
    assert_true(blob_equal(&session.output, &expected));
    assert_int_equal(session.alloc.live, 0);
    session_free(&session);
    blob_free(&bytes);
    blob_free(&expected);
}

static void what_was_not_written_is_copied_by_output_done(void **state)
{
    (void)state;
    for (size_t some = 0; some <= 19 + 6 + 16; some++) {
        check_borrow(some, false);
        check_borrow(some, true);
    }
}

static void without_memory_for_that_copy_the_connection_fails(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};
    upf_slice      slices[2];

    put_run(&bytes, FROM_CLIENT, FIN | BINARY, 'x', 10000);
    start_open(&session, OPEN_SERVER);
    echo(&session, bytes.data, bytes.len);
    assert_int_equal(upf_conn_output(&session.conn, slices, 2), 1);
    session.alloc.fault = (struct fault){session.alloc.calls + 1, true};
    assert_status(upf_conn_output_done(&session.conn, 100),
                  UPF_ERR_NO_MEMORY);
    memset(bytes.data, 0xDD, bytes.len);
    blob_free(&bytes);
    session_give(&session, NULL, 0);
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 1);
    assert_status(session.log.status, UPF_ERR_NO_MEMORY);
    assert_status(session.last, UPF_DONE);
    session_free(&session);
}

static void a_user_may_send_from_memory_of_its_own(void **state)
{
    (void)state;
    for (int client = 0; client < 2; client++) {
        struct session session;
        enum { FRONT = UPF_FRAME_HEADER_MAX, LEN = 70000 };
        uint8_t    *memory = guard_begin(FRONT + LEN);
        struct blob text = {0}, expected = {0};

        start_open(&session, client ? OPEN_CLIENT : OPEN_SERVER);
        memset(memory, 'm', FRONT + LEN);
        blob_fill(&text, 'm', LEN);
        assert_status(upf_send_in_place(&session.conn, UPF_OP_TEXT,
                                        memory + FRONT, LEN), UPF_OK);
        if (!client)
            assert_int_equal(session.alloc.calls, 0);
        session_write(&session);
        blob_printf(&expected, "fin TEXT %d ", LEN);
        blob_show(&expected, text.data, text.len);
        blob_text(&expected, "\n");
        assert_sent(&session, blob_str(&expected));
        session_free(&session);
        guard_free(memory, FRONT + LEN);
        blob_free(&text);
        blob_free(&expected);
    }
}

static void what_is_refused_in_place_leaves_the_data_alone(void **state)
{
    (void)state;
    struct session session;
    uint8_t        memory[UPF_FRAME_HEADER_MAX + 3];
    uint8_t       *data = memory + UPF_FRAME_HEADER_MAX;

    session_prepare(&session);
    session.config.max_queued = 1;
    session_begin(&session, OPEN_SERVER);
    session_give(&session, NULL, 0);
    memset(memory, 0x11, sizeof memory);
    memcpy(data, "\xFF\xFE\xFD", 3);
    assert_status(upf_send_in_place(&session.conn, UPF_OP_TEXT, data, 3),
                  UPF_ERR_UTF8);
    assert_status(upf_send_in_place(&session.conn, UPF_OP_BINARY, data, 3),
                  UPF_ERR_QUEUE_FULL);
    assert_memory_equal(data, "\xFF\xFE\xFD", 3);
    assert_int_equal(upf_conn_queued(&session.conn), 0);
    session_free(&session);
}

static void connections_may_take_turns_with_one_buffer(void **state)
{
    (void)state;
    enum { CONNECTIONS = 20, ROUNDS = 30 };
    static struct session sessions[CONNECTIONS];
    struct blob           expected[CONNECTIONS] = {{0}};
    uint8_t               shared[256];

    for (int i = 0; i < CONNECTIONS; i++)
        start_open(&sessions[i], OPEN_SERVER);
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < CONNECTIONS; i++) {
            struct blob bytes = {0};
            upf_slice   slices[4];
            char        text[32];
            const int   len = snprintf(text, sizeof text, "%d says %d", i,
                                       round);

            put_frame(&bytes, FROM_CLIENT, FIN | TEXT, text, (size_t)len);
            put_frame(&expected[i], FROM_SERVER, FIN | TEXT, text,
                      (size_t)len);
            memcpy(shared, bytes.data, bytes.len);
            echo(&sessions[i], shared, bytes.len);
            assert_true(upf_conn_output(&sessions[i].conn, slices, 4) > 0);

            /* The transport takes some of it, or nothing. */
            const size_t some = (size_t)(round % 5) < slices[0].len
                                    ? (size_t)(round % 5) : 0;
            blob_add(&sessions[i].output, slices[0].data, some);
            assert_status(upf_conn_output_done(&sessions[i].conn,
                                               (ptrdiff_t)some), UPF_OK);
            blob_free(&bytes);
        }
    for (int i = 0; i < CONNECTIONS; i++) {
        session_write(&sessions[i]);
        assert_true(blob_equal(&sessions[i].output, &expected[i]));
        session_free(&sessions[i]);
        blob_free(&expected[i]);
    }
}

/* ---- A reply waits, and another input comes -----------------------------
 *
 * What waits is of each kind, the second input of each way to be read, and it
 * lies right behind the first, apart from it, or in front of it. What lies
 * between is the caller's. Nothing is written between the two.
 */

enum waiting { NOTHING, REPLY, TWO_REPLIES, COPY, SHARED_FRAME, A_QUEUE,
               WAITINGS };

enum second { EMPTY, TINY, SHORT, SHORT_TEXT, MIDDLE, LONG, FRAGMENTS,
              EMPTY_FRAGMENT, PING_FIRST, PONG_FIRST, IN_PIECES, SECONDS };

static void put_second(struct blob *to, struct blob *expected,
                       enum second second)
{
    static const size_t lens[] = {[EMPTY] = 0, [TINY] = 12, [SHORT] = 50,
                                  [SHORT_TEXT] = 50, [MIDDLE] = 200,
                                  [LONG] = 66000, [PING_FIRST] = 12,
                                  [PONG_FIRST] = 12, [IN_PIECES] = 200};
    const unsigned opcode = second == SHORT_TEXT ? TEXT : BINARY;
    const size_t   len    = lens[second];

    if (second == FRAGMENTS) {
        put_text(to, FROM_CLIENT, BINARY, "frag");
        put_text(to, FROM_CLIENT, FIN | CONT, "ments");
        put_text(expected, FROM_SERVER, FIN | BINARY, "fragments");
        return;
    }
    if (second == EMPTY_FRAGMENT) { /* the message lies in the input */
        put_text(to, FROM_CLIENT, BINARY, "");
        put_text(to, FROM_CLIENT, FIN | CONT, "fragment");
        put_text(expected, FROM_SERVER, FIN | BINARY, "fragment");
        return;
    }
    if (second == PONG_FIRST)
        put_text(to, FROM_CLIENT, FIN | PONG, "pong");
    if (second == PING_FIRST) {
        put_text(to, FROM_CLIENT, FIN | PING, "ping");
        put_text(expected, FROM_SERVER, FIN | PONG, "ping");
    }
    for (int i = 0; i < 2; i++) {
        put_run(to, FROM_CLIENT, FIN | opcode, '2', len);
        put_run(expected, FROM_SERVER, FIN | opcode, '2', len);
    }
}

/* What waits when the second input comes; replies, to what `to` says. */
static void put_waiting(struct session *session, struct blob *to,
                        struct blob *expected, enum waiting waiting)
{
    for (int i = 0; i < (waiting == REPLY ? 1 : waiting == TWO_REPLIES ? 2 : 0);
         i++) {
        put_text(to, FROM_CLIENT, FIN | TEXT, "first");
        put_text(expected, FROM_SERVER, FIN | TEXT, "first");
    }
    if (waiting == COPY || waiting == A_QUEUE) {
        assert_status(upf_send(&session->conn, UPF_OP_TEXT, "copy", 4),
                      UPF_OK);
        put_text(expected, FROM_SERVER, FIN | TEXT, "copy");
    }
    if (waiting == SHARED_FRAME || waiting == A_QUEUE) {
        static char text[300];
        upf_shared *shared = upf_shared_new(&session->config, UPF_OP_BINARY,
                                            text, sizeof text);

        assert_non_null(shared);
        assert_status(upf_send_shared(&session->conn, shared), UPF_OK);
        upf_shared_free(shared);
        put_frame(expected, FROM_SERVER, FIN | BINARY, text, sizeof text);
    }
}

static void check_two_inputs(enum waiting waiting, enum second second,
                             ptrdiff_t gap)
{
    struct session session;
    struct blob    one = {0}, two = {0}, expected = {0};

    start_open(&session, OPEN_SERVER);
    put_waiting(&session, &one, &expected, waiting);
    put_second(&two, &expected, second);

    const size_t between = gap < 0 ? 100 : (size_t)gap;
    const size_t size    = one.len + between + two.len;
    uint8_t     *memory  = guard_end(size);
    uint8_t     *first   = gap < 0 ? memory + two.len + between : memory;
    uint8_t     *next    = gap < 0 ? memory : memory + one.len + between;
    uint8_t     *space   = gap < 0 ? memory + two.len : memory + one.len;

    memset(space, 0x33, between);
    if (one.len > 0)
        memcpy(first, one.data, one.len);
    memcpy(next, two.data, two.len);
    if (one.len > 0)
        echo(&session, first, one.len);
    if (second == IN_PIECES) {
        echo(&session, next, 20);
        echo(&session, next + 20, two.len - 20);
    } else {
        echo(&session, next, two.len);
    }
    for (size_t i = 0; i < between; i++)
        if (space[i] != 0x33)
            fail_msg("%d, %d: byte %zu between two inputs was changed",
                     waiting, second, i);
    session_write(&session);
    if (!blob_equal(&session.output, &expected))
        fail_msg("%d, %d, apart by %d: the replies are not as they were sent",
                 waiting, second, (int)gap);
    session_free(&session);
    guard_free(memory, size);
    blob_free(&one);
    blob_free(&two);
    blob_free(&expected);
}

static void a_second_input_leaves_alone_what_waits_of_the_first(void **state)
{
    (void)state;
    static const ptrdiff_t gaps[] = {0, 1, 2, 4, 100, 5000, -1};

    for (int waiting = 0; waiting < WAITINGS; waiting++)
        for (int second = 0; second < SECONDS; second++)
            for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++)
                check_two_inputs((enum waiting)waiting, (enum second)second,
                                 gaps[i]);
}

/* A block that was lent to the output is the event's again, once written. */
static void what_was_echoed_and_written_can_be_looked_at(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};
    upf_event      event;
    upf_slice      slices[4];

    put_run(&bytes, FROM_CLIENT, FIN | BINARY, 'e', 10000);
    put_text(&bytes, FROM_CLIENT, FIN | TEXT, "next");
    session_start(&session, OPEN_SERVER);
    session_give(&session, bytes.data, 5000);
    upf_input input = {bytes.data + 5000, bytes.len - 5000};
    for (int i = 0; i < 2; i++) {
        assert_status(upf_conn_next(&session.conn, &input, &event), UPF_OK);
        assert_int_equal(event.type, UPF_EVENT_MESSAGE);
        assert_status(upf_send_in_place(&session.conn, event.opcode,
                                        event.data, event.len), UPF_OK);
        const size_t count = upf_conn_output(&session.conn, slices, 4);
        assert_int_equal(count, 1);
        assert_status(upf_conn_output_done(&session.conn,
                                           (ptrdiff_t)slices[0].len), UPF_OK);
        memset(event.data, 0xDD, event.len); /* it is there, and ours */
    }
    assert_status(upf_conn_next(&session.conn, &input, &event), UPF_WANT_READ);
    assert_int_equal(session.alloc.live, 0);
    session_free(&session);
    blob_free(&bytes);
}

/* A message of `len` bytes that came in two pieces, and is at hand. */
static upf_event hear_in_pieces(struct session *session, size_t len)
{
    struct blob bytes = {0};
    upf_event   event;

    put_run(&bytes, FROM_CLIENT, FIN | BINARY, 'e', len);
    session_give(session, bytes.data, bytes.len / 2);
    upf_input input = {bytes.data + bytes.len / 2, bytes.len - bytes.len / 2};
    assert_status(upf_conn_next(&session->conn, &input, &event), UPF_OK);
    assert_int_equal(event.type, UPF_EVENT_MESSAGE);
    blob_free(&bytes);
    return event;
}

static void reply(struct session *session, upf_event *event)
{
    assert_status(upf_send_in_place(&session->conn, event->opcode, event->data,
                                    event->len), UPF_OK);
}

static void hear_no_more(struct session *session)
{
    upf_input input = {NULL, 0};
    upf_event event;

    assert_status(upf_conn_next(&session->conn, &input, &event), UPF_WANT_READ);
}

/* What is sent after it grows no block in which the event lies. */
static void a_block_that_is_lent_does_not_move(void **state)
{
    (void)state;
    static uint8_t own[UPF_FRAME_HEADER_MAX + 300];

    for (int written = 0; written < 2; written++) {
        struct session session;
        struct blob    expected = {0};

        start_open(&session, OPEN_SERVER);
        upf_event event = hear_in_pieces(&session, 5000);
        reply(&session, &event);
        assert_status(upf_send(&session.conn, UPF_OP_BINARY, "yes", 3), UPF_OK);
        if (written)
            session_write(&session);
        assert_status(upf_send_in_place(&session.conn, UPF_OP_BINARY,
                                        own + UPF_FRAME_HEADER_MAX, 300),
                      UPF_OK);
        session_write(&session);
        memset(event.data, 'z', event.len); /* ours until the next event */
        hear_no_more(&session);
        put_run(&expected, FROM_SERVER, FIN | BINARY, 'e', 5000);
        put_text(&expected, FROM_SERVER, FIN | BINARY, "yes");
        put_run(&expected, FROM_SERVER, FIN | BINARY, 0, 300);
        assert_true(blob_equal(&session.output, &expected));
        blob_free(&expected);
        session_free(&session);
    }
}

/* A second reply with the same payload, while the first waits, is a copy: the
 * block goes with the first. */
static void a_block_is_lent_once(void **state)
{
    (void)state;
    struct session session;
    struct blob    expected = {0};
    upf_slice      slices[4];

    start_open(&session, OPEN_SERVER);
    upf_event event = hear_in_pieces(&session, 5000);
    reply(&session, &event);
    assert_status(upf_conn_output_keep(&session.conn), UPF_OK);
    reply(&session, &event);
    hear_no_more(&session);
    assert_status(upf_send(&session.conn, UPF_OP_BINARY, "x", 1), UPF_OK);
    upf_conn_output(&session.conn, slices, 4);
    blob_add(&session.output, slices[0].data, slices[0].len);
    upf_conn_output_done(&session.conn, (ptrdiff_t)slices[0].len);
    session_write(&session);
    put_run(&expected, FROM_SERVER, FIN | BINARY, 'e', 5000);
    put_run(&expected, FROM_SERVER, FIN | BINARY, 'e', 5000);
    put_text(&expected, FROM_SERVER, FIN | BINARY, "x");
    assert_true(blob_equal(&session.output, &expected));
    blob_free(&expected);
    session_free(&session);
}

/* Its start may be a reply of its own; the rest is still the event's, to be read
 * until the next one, and to be sent as another message. */
static void what_follows_the_start_that_was_sent_is_left_alone(void **state)
{
    (void)state;
    enum { FIRST = 1000, SECOND = 5000, HEAD = 5000 };
    struct session session;
    struct blob    bytes = {0}, expected = {0};
    upf_event      event;

    put_run(&bytes, FROM_CLIENT, BINARY, 'e', FIRST);
    put_run(&bytes, FROM_CLIENT, FIN | CONT, 'e', SECOND);
    start_open(&session, OPEN_SERVER);
    upf_input input = {bytes.data, bytes.len};
    assert_status(upf_conn_next(&session.conn, &input, &event), UPF_OK);
    assert_int_equal(event.len, FIRST + SECOND);
    assert_status(upf_send_in_place(&session.conn, UPF_OP_BINARY, event.data,
                                    HEAD), UPF_OK);
    assert_status(upf_send(&session.conn, UPF_OP_BINARY, event.data + HEAD,
                           event.len - HEAD), UPF_OK);
    for (size_t i = HEAD; i < event.len; i++)
        assert_int_equal(event.data[i], 'e');
    session_write(&session);
    put_run(&expected, FROM_SERVER, FIN | BINARY, 'e', HEAD);
    put_run(&expected, FROM_SERVER, FIN | BINARY, 'e', FIRST + SECOND - HEAD);
    assert_true(blob_equal(&session.output, &expected));
    blob_free(&expected);
    blob_free(&bytes);
    session_free(&session);
}

/* A control frame in pieces lies behind the message that it interrupts, in
 * front of which no header may go. */
static void a_payload_behind_a_message_is_copied(void **state)
{
    (void)state;
    static const unsigned opcodes[] = {PING, PONG};

    for (size_t i = 0; i < sizeof opcodes / sizeof *opcodes; i++) {
        struct session session;
        struct blob    bytes = {0};
        upf_event      event;

        put_text(&bytes, FROM_CLIENT, TEXT, "abcd");
        put_text(&bytes, FROM_CLIENT, FIN | opcodes[i], "xyz");
        start_open(&session, OPEN_SERVER);
        session_give(&session, bytes.data, bytes.len - 1);
        upf_input input = {bytes.data + bytes.len - 1, 1};
        assert_status(upf_conn_next(&session.conn, &input, &event), UPF_OK);
        assert_status(upf_send_in_place(&session.conn, UPF_OP_BINARY,
                                        event.data, event.len), UPF_OK);
        session_write(&session);
        blob_clear(&bytes);
        put_text(&bytes, FROM_CLIENT, FIN | CONT, "e");
        session_give_blob(&session, &bytes);
        assert_non_null(strstr(eventlog_text(&session.log), "abcde"));
        blob_free(&bytes);
        session_free(&session);
    }
}

/* A reply is moved up to the one before it over what was read of the same input
 * only: between two inputs lies the caller's memory, even if one buffer holds
 * both. */
static void nothing_is_moved_up_over_what_lies_between_two_inputs(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};
    upf_event      event;

    put_run(&bytes, FROM_CLIENT, FIN | BINARY, 'a', 16);
    put_run(&bytes, FROM_CLIENT, FIN | BINARY, 'b', 40);
    const size_t first = 2 + 4 + 16, second = 2 + 4 + 40;
    start_open(&session, OPEN_SERVER);
    upf_input input = {bytes.data, bytes.len};
    assert_status(upf_conn_next(&session.conn, &input, &event), UPF_OK);
    assert_status(upf_send_in_place(&session.conn, UPF_OP_BINARY, event.data,
                                    event.len), UPF_OK);
    assert_status(upf_conn_next(&session.conn, &input, &event), UPF_OK);
    assert_int_equal(input.len, 0);

    struct blob next = {0};
    put_run(&next, FROM_CLIENT, FIN | BINARY, 'c', 16);
    uint8_t *const later = bytes.data + first + second - next.len;
    memset(bytes.data + first, 'U', (size_t)(later - (bytes.data + first)));
    memcpy(later, next.data, next.len);
    input = (upf_input){later, next.len};
    assert_status(upf_conn_next(&session.conn, &input, &event), UPF_OK);
    assert_status(upf_send_in_place(&session.conn, UPF_OP_BINARY, event.data,
                                    event.len), UPF_OK);
    for (const uint8_t *p = bytes.data + first; p < later; p++)
        assert_int_equal(*p, 'U');
    session_write(&session);
    assert_frames(&session.output, FROM_SERVER,
                  "fin BINARY 16 \"aaaaaaaaaaaaaaaa\"\n"
                  "fin BINARY 16 \"cccccccccccccccc\"\n");
    blob_free(&next);
    blob_free(&bytes);
    session_free(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_echo_leaves_from_where_its_request_arrived),
        cmocka_unit_test(nothing_needs_no_room_in_front_of_it),
        cmocka_unit_test(pipelined_echoes_leave_as_one_stretch),
        cmocka_unit_test(other_frames_between_do_not_cut_the_stretch),
        cmocka_unit_test(a_block_that_was_given_is_freed_once),
        cmocka_unit_test(
            an_echo_of_an_assembled_message_needs_no_second_block),
        cmocka_unit_test(echoes_in_place_and_copied_are_the_same_at_any_cut),
        cmocka_unit_test(a_reply_may_be_the_start_of_its_request),
        cmocka_unit_test(in_place_and_copied_replies_keep_their_order),
        cmocka_unit_test(control_payloads_may_be_sent_in_place_too),
        cmocka_unit_test(chunks_may_be_sent_in_place_at_any_cut),
        cmocka_unit_test(a_message_may_be_changed_before_it_is_sent_back),
        cmocka_unit_test(what_was_not_written_is_copied_by_output_done),
        cmocka_unit_test(without_memory_for_that_copy_the_connection_fails),
        cmocka_unit_test(a_user_may_send_from_memory_of_its_own),
        cmocka_unit_test(what_is_refused_in_place_leaves_the_data_alone),
        cmocka_unit_test(connections_may_take_turns_with_one_buffer),
        cmocka_unit_test(a_second_input_leaves_alone_what_waits_of_the_first),
        cmocka_unit_test(what_was_echoed_and_written_can_be_looked_at),
        cmocka_unit_test(a_block_that_is_lent_does_not_move),
        cmocka_unit_test(a_block_is_lent_once),
        cmocka_unit_test(what_follows_the_start_that_was_sent_is_left_alone),
        cmocka_unit_test(a_payload_behind_a_message_is_copied),
        cmocka_unit_test(
            nothing_is_moved_up_over_what_lies_between_two_inputs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
