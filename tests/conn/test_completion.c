/* SPDX-License-Identifier: MIT */
/* test_completion.c - loops that hand out a write or a read, and go on. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "support/session.h"

/*
 * What upf_conn_output() offered stays where it is, whole, through every call
 * but upf_conn_output_done(), upf_conn_lost() and upf_conn_free(); what
 * upf_conn_room() gave stays until the next upf_conn_next(). The allocator
 * moves all that it resizes, and fills what it takes back.
 */

/* ---- A write that is on its way ------------------------------------------ */

enum { SLICES_MAX = 16 };

struct flight {
    upf_slice   slices[SLICES_MAX];
    size_t      count;
    struct blob bytes; /* as they were when they were offered */
};

/* Begin a write of what is offered; false if there is nothing. */
static bool take_off(struct flight *flight, upf_conn *conn, size_t most)
{
    flight->count = upf_conn_output(conn, flight->slices, most);
    blob_clear(&flight->bytes);
    for (size_t i = 0; i < flight->count; i++)
        blob_add(&flight->bytes, flight->slices[i].data,
                 flight->slices[i].len);
    return flight->count > 0;
}

static void assert_aloft(const struct flight *flight, const char *call)
{
    size_t at = 0;

    for (size_t i = 0; i < flight->count; i++) {
        if (memcmp(flight->slices[i].data, flight->bytes.data + at,
                   flight->slices[i].len) != 0)
            fail_msg("%s changed what was offered (slice %zu of %zu)", call,
                     i, flight->count);
        at += flight->slices[i].len;
    }
}

/* Of what was offered, `len` bytes were written. */
static void land(struct flight *flight, upf_conn *conn, struct blob *output,
                 size_t len)
{
    assert_aloft(flight, "something");
    blob_add(output, flight->bytes.data, len);
    blob_clear(&flight->bytes);
    flight->count = 0;
    assert_status(upf_conn_output_done(conn, (ptrdiff_t)len), UPF_OK);
}

static void land_all(struct flight *flight, upf_conn *conn,
                     struct blob *output)
{
    do
        land(flight, conn, output, flight->bytes.len);
    while (take_off(flight, conn, SLICES_MAX));
    blob_free(&flight->bytes);
}

static void start(struct session *session, enum role role)
{
    session_start(session, role);
    session_give(session, NULL, 0);
}

/* ---- What may be offered, and what may be called ------------------------- */

static void reply_in_place(struct session *session, const upf_event *event)
{
    if (event->type == UPF_EVENT_MESSAGE)
        assert_status(upf_send_in_place(&session->conn, event->opcode,
                                        event->data, event->len), UPF_OK);
}

/* Input stays where it is until the test is over. */
static void receive(struct session *session, struct blob *bytes, size_t cut)
{
    upf_input one = {bytes->data, cut};
    upf_input two = {bytes->data + cut, bytes->len - cut};

    session->app = reply_in_place;
    session_input(session, &one);
    session_input(session, &two);
    session->app = NULL;
}

static void send_shared(struct session *session, size_t len)
{
    static const uint8_t zeros[5000];
    upf_shared *shared = upf_shared_new(&session->config, UPF_OP_BINARY, zeros,
                                        len);

    assert_non_null(shared);
    (void)upf_send_shared(&session->conn, shared);
    upf_shared_free(shared);
}

static void send_run(struct session *session, unsigned value, size_t len)
{
    static uint8_t bytes[70000];

    memset(bytes, (int)value, len);
    assert_status(upf_send(&session->conn, UPF_OP_BINARY, bytes, len),
                  UPF_OK);
}

enum offer {
    ONE_SMALL, SEVERAL_SMALL, ONE_LARGE, BORROWED, BORROWED_RUN, ASSEMBLED,
    REFERENCE, CONTROL, MIXED, PARTLY_WRITTEN, OFFERS
};

/* Have something to offer; `input` is what it may lie in. */
static void make_offer(struct session *session, enum offer offer,
                       struct blob *input)
{
    const enum sender peer = role_peer(session->role);

    switch (offer) {
    case ONE_SMALL:
        send_run(session, 's', 10);
        break;
    case SEVERAL_SMALL:
        for (unsigned i = 0; i < 30; i++)
            send_run(session, 'a' + i % 26, 10);
        break;
    case ONE_LARGE:
        send_run(session, 'l', 70000);
        break;
    case BORROWED:
        put_run(input, peer, FIN | BINARY, 'b', 300);
        receive(session, input, 0);
        break;
    case BORROWED_RUN:
        for (unsigned i = 0; i < 5; i++)
            put_run(input, peer, FIN | BINARY, 'r', 5);
        receive(session, input, 0);
        break;
    case ASSEMBLED:
        put_run(input, peer, FIN | BINARY, 'm', 10000);
        receive(session, input, 5000);
        break;
    case REFERENCE:
        send_shared(session, 5000);
        break;
    case CONTROL:
        assert_status(upf_ping(&session->conn, "ping", 4), UPF_OK);
        break;
    case PARTLY_WRITTEN:
        send_run(session, 'p', 100);
        assert_status(upf_conn_output_done(&session->conn, 50), UPF_OK);
        break;
    case MIXED:
        send_run(session, 'x', 100);
        send_shared(session, 300);
        assert_status(upf_pong(&session->conn, "pong", 4), UPF_OK);
        put_run(input, peer, FIN | BINARY, 'b', 300);
        put_run(input, peer, FIN | BINARY, 'c', 3000);
        receive(session, input, 0);
        send_run(session, 'y', 100);
        break;
    case OFFERS:
        break;
    }
    if (upf_conn_queued(&session->conn) == 0) /* a client's shared frame */
        send_run(session, 's', 10);
}

/* Every call that must leave the offer alone, again and again. */
static void call_all(struct session *session, const struct flight *flight,
                     struct blob *inputs, uint64_t now)
{
    upf_conn          *conn = &session->conn;
    const enum sender  peer = role_peer(session->role);
    upf_slice          slices[SLICES_MAX];
    size_t             len;
    static const char  text[] = "some text";
    const upf_slice    parts[] = {{(void *)(uintptr_t)text, 4},
                                  {(void *)(uintptr_t)(text + 4), 5}};

    send_run(session, 'n', 0);
    send_run(session, 'n', 100);
    assert_aloft(flight, "upf_send()");
    send_run(session, 'n', 500);
    assert_aloft(flight, "upf_send()");
    send_run(session, 'n', 5000);
    assert_aloft(flight, "upf_send()");
    assert_status(upf_sendv(conn, UPF_OP_TEXT, parts, 2), UPF_OK);
    assert_aloft(flight, "upf_sendv()");
    assert_status(upf_send_part(conn, UPF_OP_TEXT, text, 5, false), UPF_OK);
    assert_aloft(flight, "upf_send_part()");
    assert_status(upf_send_part(conn, UPF_OP_TEXT, text, 5, true), UPF_OK);
    assert_aloft(flight, "upf_send_part()");
    send_shared(session, 3);
    send_shared(session, 3000);
    assert_aloft(flight, "upf_send_shared()");
    (void)upf_ping(conn, text, 9);
    (void)upf_pong(conn, text, 9);
    assert_aloft(flight, "upf_ping()");

    put_text(&inputs[0], peer, FIN | TEXT, "short");
    put_run(&inputs[0], peer, FIN | BINARY, 'i', 300);
    put_text(&inputs[0], peer, FIN | PING, "ping");
    receive(session, &inputs[0], 0);
    assert_aloft(flight, "upf_send_in_place()");
    put_run(&inputs[1], peer, FIN | BINARY, 'j', 10000);
    receive(session, &inputs[1], 6000);
    assert_aloft(flight, "a message in pieces");

    upf_conn_tick(conn, now);
    assert_aloft(flight, "upf_conn_tick()");
    assert_true(upf_conn_output(conn, slices, 1) > 0);
    assert_true(upf_conn_output(conn, slices, SLICES_MAX) > 0);
    assert_aloft(flight, "upf_conn_output()");
    assert_status(upf_conn_output_keep(conn), UPF_OK);
    assert_aloft(flight, "upf_conn_output_keep()");
    (void)upf_conn_room(conn, &len);
    (void)upf_conn_wants(conn);
    (void)upf_conn_deadline(conn);
    assert_aloft(flight, "a question");
}

enum { ROUNDS = 40 };

enum ending { CLOSED, FAILED, TIMED_OUT, ENDINGS };

static void check_stays(enum role role, enum offer offer, enum ending ending)
{
    struct session session;
    struct flight  flight = {.count = 0};
    struct blob    inputs[1 + 2 * ROUNDS] = {{0}};

    start(&session, role);
    make_offer(&session, offer, &inputs[2 * ROUNDS]);
    assert_true(take_off(&flight, &session.conn, SLICES_MAX));
    for (uint64_t i = 0; i < ROUNDS; i++)
        call_all(&session, &flight, &inputs[2 * i], 1000 + 500 * i);

    if (ending == FAILED) /* by a reserved opcode */
        session_input(&session, &(upf_input){(uint8_t[]){0x83, 0x80}, 2});
    else if (ending == CLOSED)
        assert_status(upf_close(&session.conn, 1000, "bye"), UPF_OK);
    else
        for (uint64_t now = 100000; now < 1000000; now += 100000)
            upf_conn_tick(&session.conn, now);
    assert_aloft(&flight, "closing");
    upf_conn_eof(&session.conn);
    session_input(&session, &(upf_input){NULL, 0});
    assert_status(session.last, UPF_DONE);
    assert_aloft(&flight, "CLOSE");
    land_all(&flight, &session.conn, &session.output);
    assert_int_equal(session.alloc.live, 0);
    for (size_t i = 0; i < 1 + 2 * ROUNDS; i++)
        blob_free(&inputs[i]);
    session_free(&session);
}

static void what_was_offered_stays_through_every_call(void **state)
{
    (void)state;
    for (int offer = 0; offer < OFFERS; offer++)
        for (int ending = 0; ending < ENDINGS; ending++) {
            check_stays(OPEN_SERVER, (enum offer)offer, (enum ending)ending);
            check_stays(OPEN_CLIENT, (enum offer)offer, (enum ending)ending);
        }
}

/* It stays for who is still writing it; nobody begins to. */
static void what_was_given_up_is_not_offered_again(void **state)
{
    (void)state;
    struct session session;
    upf_slice      slice;

    session_start(&session, OPEN_SERVER);
    session_give(&session, NULL, 0);
    session.hold = true;
    assert_status(upf_send(&session.conn, UPF_OP_TEXT, "out", 3), UPF_OK);
    assert_int_equal(upf_conn_output(&session.conn, &slice, 1), 1);
    assert_status(upf_close(&session.conn, UPF_CLOSE_NORMAL, NULL), UPF_OK);
    upf_conn_tick(&session.conn, 1000);
    upf_conn_tick(&session.conn, 6000);
    session_input(&session, &(upf_input){NULL, 0});
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 1);
    assert_int_equal(upf_conn_wants(&session.conn), UPF_WANTS_CLOSE);
    assert_memory_equal((uint8_t *)slice.data + 2, "out", 3);
    assert_int_equal(upf_conn_output(&session.conn, &slice, 1), 0);
    assert_status(upf_conn_output_done(&session.conn, 0), UPF_OK);
    assert_int_equal(session.alloc.live, 0);
    session_free(&session);
}

enum action { SENDS, SENDS_LONG, SHARES, PINGS, REPLIES, REPLIES_LONG, TICKS,
              ACTIONS };

static void act(struct session *session, enum action action,
                struct blob *input)
{
    const enum sender peer = role_peer(session->role);

    switch (action) {
    case SENDS:      send_run(session, 'a', 10); break;
    case SENDS_LONG: send_run(session, 'a', 5000); break;
    case SHARES:     send_shared(session, 3); break;
    case PINGS:      (void)upf_ping(&session->conn, "ping", 4); break;
    case REPLIES:
    case REPLIES_LONG:
        put_run(input, peer, FIN | BINARY, 'b',
                action == REPLIES ? 10 : 300);
        receive(session, input, 0);
        break;
    case TICKS:
        for (uint64_t now = 1000; now < 5000; now += 1000)
            upf_conn_tick(&session->conn, now);
        break;
    case ACTIONS: break;
    }
}

/* Who asks again is offered the same slices, the last perhaps longer. */
static void what_is_offered_again_lies_where_it_lay(void **state)
{
    (void)state;
    for (int i = 0; i < OFFERS * ACTIONS; i++) {
        struct session session;
        struct flight  flight = {.count = 0};
        struct blob    inputs[2] = {{0}};
        upf_slice      again[SLICES_MAX];

        start(&session, OPEN_SERVER);
        make_offer(&session, (enum offer)(i / ACTIONS), &inputs[0]);
        assert_true(take_off(&flight, &session.conn, SLICES_MAX));
        act(&session, (enum action)(i % ACTIONS), &inputs[1]);
        assert_true(upf_conn_output(&session.conn, again, SLICES_MAX) >=
                    flight.count);
        for (size_t j = 0; j < flight.count; j++) {
            assert_ptr_equal(again[j].data, flight.slices[j].data);
            assert_true(again[j].len >= flight.slices[j].len);
        }
        land_all(&flight, &session.conn, &session.output);
        blob_free(&inputs[0]);
        blob_free(&inputs[1]);
        session_free(&session);
    }
}

/* The 101, and a client's request, are offered as messages are. */
static void a_handshake_that_was_offered_stays(void **state)
{
    (void)state;
    struct session session;
    struct flight  flight = {.count = 0};

    session_start(&session, CLIENT);
    assert_true(take_off(&flight, &session.conn, 1));
    upf_conn_tick(&session.conn, 1000);
    upf_conn_tick(&session.conn, 20000); /* too late */
    session_input(&session, &(upf_input){NULL, 0});
    assert_status(session.last, UPF_DONE);
    assert_aloft(&flight, "a time-out");
    upf_conn_lost(&session.conn);
    blob_free(&flight.bytes);
    session_free(&session);
}

/* ---- Input that is used again while a write is on its way ---------------- */

static void assert_apart(const struct flight *flight, const struct blob *input)
{
    for (size_t i = 0; i < flight->count; i++) {
        const uintptr_t at    = (uintptr_t)flight->slices[i].data;
        const uintptr_t start = (uintptr_t)input->data;

        assert_true(at + flight->slices[i].len <= start ||
                    at >= start + input->len);
    }
}

static void after_keep_nothing_is_borrowed(void **state)
{
    (void)state;
    static const size_t lens[] = {0, 1, 100, 257, 5000, 70000};

    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++)
        for (size_t count = 1; count <= 3; count++)
            for (int between = 0; between < 2; between++) {
                struct session session;
                struct flight  flight = {.count = 0};
                struct blob    input = {0}, expected = {0};

                start(&session, OPEN_SERVER);
                if (between) {
                    send_run(&session, 'f', 20);
                    put_run(&expected, FROM_SERVER, FIN | BINARY, 'f', 20);
                }
                for (size_t n = 0; n < count; n++) {
                    put_run(&input, FROM_CLIENT, FIN | BINARY, 'k', lens[i]);
                    put_run(&expected, FROM_SERVER, FIN | BINARY, 'k',
                            lens[i]);
                }
                receive(&session, &input, 0);
                assert_status(upf_conn_output_keep(&session.conn), UPF_OK);
                assert_true(take_off(&flight, &session.conn, SLICES_MAX));
                assert_apart(&flight, &input);
                memset(input.data, 0xDD, input.len);
                land_all(&flight, &session.conn, &session.output);
                assert_true(blob_equal(&session.output, &expected));
                assert_int_equal(session.alloc.live, 0);
                session_free(&session);
                blob_free(&input);
                blob_free(&expected);
            }
}

/* What was offered from the input stays there, as long as the caller leaves
 * it there; the rest is the library's to remember. */
static void keep_leaves_alone_what_is_on_its_way(void **state)
{
    (void)state;
    for (size_t written = 0; written <= 304; written += 38) {
        struct session session;
        struct flight  flight = {.count = 0};
        struct blob    input = {0}, expected = {0};

        start(&session, OPEN_SERVER);
        put_run(&input, FROM_CLIENT, FIN | BINARY, 'k', 300);
        put_run(&expected, FROM_SERVER, FIN | BINARY, 'k', 300);
        receive(&session, &input, 0);
        assert_true(take_off(&flight, &session.conn, 1));
        assert_status(upf_conn_output_keep(&session.conn), UPF_OK);
        assert_aloft(&flight, "upf_conn_output_keep()");
        land(&flight, &session.conn, &session.output, written);
        memset(input.data, 0xDD, input.len);
        session_write(&session);
        assert_true(blob_equal(&session.output, &expected));
        blob_free(&flight.bytes);
        blob_free(&input);
        blob_free(&expected);
        session_free(&session);
    }
}

static void keep_costs_nothing_where_nothing_is_borrowed(void **state)
{
    (void)state;
    struct session session;

    start(&session, OPEN_SERVER);
    assert_status(upf_conn_output_keep(&session.conn), UPF_OK);
    send_run(&session, 'o', 300);
    send_shared(&session, 300);
    const size_t calls = session.alloc.calls;
    assert_status(upf_conn_output_keep(&session.conn), UPF_OK);
    assert_int_equal(session.alloc.calls, calls);
    session_end(&session);
    assert_status(upf_conn_output_keep(&session.conn), UPF_OK);
    session_free(&session);
}

static void without_memory_keep_says_so(void **state)
{
    (void)state;
    struct session session;
    struct blob    input = {0};

    start(&session, OPEN_SERVER);
    put_run(&input, FROM_CLIENT, FIN | BINARY, 'k', 5000);
    receive(&session, &input, 0);
    session.alloc.fault = (struct fault){session.alloc.calls + 1, true};
    assert_status(upf_conn_output_keep(&session.conn), UPF_ERR_NO_MEMORY);
    session_free(&session);
    blob_free(&input);
}

/* What is on its way stays until it has landed, even if there is a gap. */
static void what_cannot_be_kept_goes_when_it_has_landed(void **state)
{
    (void)state;
    struct session session;
    struct blob    input = {0};
    upf_slice      slice;

    start(&session, OPEN_SERVER);
    send_run(&session, 'o', 10);
    put_run(&input, FROM_CLIENT, FIN | BINARY, 'k', 5000);
    receive(&session, &input, 0);
    assert_int_equal(upf_conn_output(&session.conn, &slice, 1), 1);
    session.alloc.fault = (struct fault){session.alloc.calls + 1, false};
    assert_status(upf_conn_output_keep(&session.conn), UPF_ERR_NO_MEMORY);
    assert_true(session.alloc.live > 0);
    assert_int_equal(((uint8_t *)slice.data)[2], 'o');
    /* Not offered, so it is ours again: nothing looks at it any more. */
    session_input(&session, &(upf_input){input.data, input.len});
    assert_status(session.last, UPF_DONE);
    blob_free(&input);
    assert_status(upf_conn_output_keep(&session.conn), UPF_OK);
    assert_status(upf_conn_output_done(&session.conn, 0), UPF_OK);
    assert_int_equal(session.alloc.live, 0);
    session_free(&session);
}

/* A reply that joined the slot of one that is on its way was not offered
 * either. */
static void what_joined_a_slot_on_its_way_is_ours_again(void **state)
{
    (void)state;
    struct session session;
    struct blob    input = {0};
    upf_event      event;
    upf_slice      slice;

    start(&session, OPEN_SERVER);
    put_run(&input, FROM_CLIENT, FIN | BINARY, 'k', 1000);
    put_run(&input, FROM_CLIENT, FIN | BINARY, 'l', 1000);
    upf_input in = {input.data, input.len};
    for (int i = 0; i < 2; i++) {
        assert_status(upf_conn_next(&session.conn, &in, &event), UPF_OK);
        reply_in_place(&session, &event);
        if (i == 0)
            assert_int_equal(upf_conn_output(&session.conn, &slice, 1), 1);
    }
    assert_status(upf_conn_next(&session.conn, &in, &event), UPF_WANT_READ);
    session.alloc.fault = (struct fault){session.alloc.calls + 1, false};
    assert_status(upf_conn_output_keep(&session.conn), UPF_ERR_NO_MEMORY);
    const uint8_t *rest = (uint8_t *)slice.data + slice.len;
    in = (upf_input){input.data + (rest - input.data),
                     (size_t)(input.data + input.len - rest)};
    session_input(&session, &in);
    assert_status(session.last, UPF_DONE);
    const size_t calls = session.alloc.calls;
    assert_status(upf_conn_output_keep(&session.conn), UPF_OK);
    assert_int_equal(session.alloc.calls, calls);
    assert_int_equal(((uint8_t *)slice.data)[slice.len - 1], 'k');
    assert_status(upf_conn_output_done(&session.conn, 0), UPF_OK);
    assert_int_equal(session.alloc.live, 0);
    session_free(&session);
    blob_free(&input);
}

/* The read fails first, and then the write says how far it came. */
static void a_write_may_land_when_the_transport_is_lost(void **state)
{
    (void)state;
    struct session session;
    upf_slice      slice;

    start(&session, OPEN_SERVER);
    send_run(&session, 'o', 10);
    assert_int_equal(upf_conn_output(&session.conn, &slice, 1), 1);
    upf_conn_lost(&session.conn);
    assert_status(upf_conn_output_done(&session.conn, 12), UPF_OK);
    assert_int_equal(upf_conn_queued(&session.conn), 0);
    session_free(&session);
}

/* ---- Room that a read is on its way into ---------------------------------- */

static void check_room(enum role role, size_t first)
{
    struct session session;
    struct flight  flight = {.count = 0};
    struct blob    bytes = {0};
    const size_t   len = 50000;
    size_t         at = first;
    uint64_t       now = 1000;

    start(&session, role);
    put_run(&bytes, role_peer(role), FIN | BINARY, 'r', len);
    session_give(&session, bytes.data, first);
    while (at < bytes.len) {
        size_t   room_len = bytes.len - at;
        uint8_t *room     = upf_conn_room(&session.conn, &room_len);
        uint8_t *own      = NULL;

        /* Everything but upf_conn_next(), while the read is on its way. */
        const upf_slice two[] = {{(void *)"a", 1}, {(void *)"b", 1}};
        send_run(&session, 'n', at % 1000);
        assert_status(upf_sendv(&session.conn, UPF_OP_TEXT, two, 2), UPF_OK);
        assert_status(upf_send_part(&session.conn, UPF_OP_TEXT, "c", 1, false),
                      UPF_OK);
        assert_status(upf_send_part(&session.conn, UPF_OP_TEXT, NULL, 0, true),
                      UPF_OK);
        (void)upf_ping(&session.conn, "ping", 4);
        send_shared(&session, 300);
        upf_conn_tick(&session.conn, now += 1000);
        if (take_off(&flight, &session.conn, SLICES_MAX)) {
            send_run(&session, 'm', 3000);
            land(&flight, &session.conn, &session.output,
                 flight.bytes.len / 2);
        }
        assert_status(upf_conn_output_keep(&session.conn), UPF_OK);
        size_t again = 0;
        if (room != NULL) { /* asked again, it is the same */
            assert_ptr_equal(upf_conn_room(&session.conn, &again), room);
            assert_int_equal(again, room_len);
        }
        if (room == NULL) {
            room_len = bytes.len - at < 100 ? bytes.len - at : 100;
            room = own = malloc(room_len);
            assert_non_null(own);
        }
        assert_in_range(room_len, 1, bytes.len - at);
        memcpy(room, bytes.data + at, room_len);
        at += room_len;
        session_input(&session, &(upf_input){room, room_len});
        free(own);
    }
    blob_clear(&bytes);
    blob_fill(&bytes, 'r', len);
    struct blob expected = {0};
    blob_printf(&expected, "OPEN\nMESSAGE binary %zu ", len);
    blob_show(&expected, bytes.data, len);
    blob_text(&expected, "\n");
    assert_log(&session, blob_str(&expected));
    session_write(&session);
    blob_free(&expected);
    blob_free(&bytes);
    blob_free(&flight.bytes);
    session_free(&session);
}

static void room_stays_until_the_next_input(void **state)
{
    (void)state;
    for (size_t first = 8; first < 8 + 10000; first += 777) {
        check_room(OPEN_SERVER, first);
        check_room(OPEN_CLIENT, first);
    }
}

/* ---- A loop of completions ------------------------------------------------
 *
 * Random events, with a write on its way at nearly all times. Another
 * connection gets the same, writes all at once and borrows nothing: what both
 * write is the same.
 */

struct loop {
    struct session     ours, plain;
    struct flight      flight;
    struct fake_random random;
    struct blob        inputs[64]; /* not yet given back, if not kept */
    size_t             input_count;
    bool               keep;
    uint64_t           now;
};

static size_t any(struct loop *loop, size_t limit)
{
    return fake_choice(&loop->random, limit);
}

static size_t any_len(struct loop *loop)
{
    static const size_t limits[] = {2, 20, 130, 300, 600, 5000, 20000};

    return any(loop, limits[any(loop, sizeof limits / sizeof *limits)]);
}

static void reply_copied(struct session *session, const upf_event *event)
{
    if (event->type == UPF_EVENT_MESSAGE)
        assert_status(upf_send(&session->conn, event->opcode, event->data,
                               event->len), UPF_OK);
}

/* Some of what the peer sends, cut anywhere; to both. */
static void hand_in(struct loop *loop, const uint8_t *bytes, size_t len)
{
    struct blob *input = &loop->inputs[loop->input_count++];
    size_t       room_len = 0;
    uint8_t     *room = upf_conn_room(&loop->ours.conn, &room_len);

    session_give(&loop->plain, bytes, len);
    *input = (struct blob){0};
    blob_add(input, bytes, len);
    if (room != NULL && room_len >= len && any(loop, 2) == 0)
        memcpy(room, bytes, len);
    else
        room = input->data;
    session_input(&loop->ours, &(upf_input){room, len});
    if (loop->keep) {
        assert_status(upf_conn_output_keep(&loop->ours.conn), UPF_OK);
        memset(input->data, 0xDD, len);
    }
}

static void peer_sends(struct loop *loop, unsigned opcode, size_t len)
{
    struct blob bytes = {0};

    put_run(&bytes, role_peer(loop->ours.role), FIN | opcode,
            (unsigned)any(loop, 256), len);
    if (any(loop, 3) == 0)
        put_run(&bytes, role_peer(loop->ours.role), FIN | opcode, 't', len);
    const size_t cut = any(loop, 2) == 0 ? any(loop, bytes.len) : 0;
    if (cut > 0)
        hand_in(loop, bytes.data, cut);
    hand_in(loop, bytes.data + cut, bytes.len - cut);
    blob_free(&bytes);
}

static void we_send(struct loop *loop, size_t how, size_t len)
{
    static uint8_t bytes[20000];

    memset(bytes, (int)any(loop, 256), len);
    for (int i = 0; i < 2; i++) {
        struct session *session = i == 0 ? &loop->ours : &loop->plain;

        if (how == 0) {
            assert_status(upf_send(&session->conn, UPF_OP_BINARY, bytes, len),
                          UPF_OK);
        } else if (how == 1) {
            send_shared(session, len < 5000 ? len : 5000);
        } else {
            assert_status(upf_send_part(&session->conn, UPF_OP_BINARY, bytes,
                                        len, false), UPF_OK);
            assert_status(upf_send_part(&session->conn, UPF_OP_BINARY, bytes,
                                        len / 3, true), UPF_OK);
        }
    }
    session_write(&loop->plain);
}

static void complete(struct loop *loop)
{
    const size_t len = loop->flight.bytes.len;

    if (loop->flight.count == 0) {
        take_off(&loop->flight, &loop->ours.conn, 1 + any(loop, SLICES_MAX));
        return;
    }
    land(&loop->flight, &loop->ours.conn, &loop->ours.output,
         any(loop, 3) == 0 ? any(loop, len + 1) : len);
    while (loop->input_count > 0)
        blob_free(&loop->inputs[--loop->input_count]);
}

static void take_step(struct loop *loop)
{
    switch (any(loop, 8)) {
    case 0:
        we_send(loop, any(loop, 3), any_len(loop));
        break;
    case 1: /* below the budget of control frames, so that none is late */
        if (upf_conn_queued(&loop->ours.conn) < 1500)
            peer_sends(loop, PING, any(loop, 100));
        break;
    case 2:
        upf_conn_tick(&loop->ours.conn, loop->now += 10);
        upf_conn_tick(&loop->plain.conn, loop->now);
        break;
    case 3:
    case 4:
        complete(loop);
        break;
    default:
        peer_sends(loop, BINARY, any_len(loop));
        break;
    }
    assert_aloft(&loop->flight, "a step");
    if (loop->input_count > 60) { /* give them back */
        complete(loop);
        complete(loop);
    }
}

static void run_loop(enum role role, bool keep, uint64_t seed)
{
    struct loop *loop = calloc(1, sizeof *loop);

    assert_non_null(loop);
    loop->random.state = seed;
    loop->keep         = keep;
    loop->now          = 1;
    start(&loop->ours, role);
    start(&loop->plain, role);
    loop->ours.app  = reply_in_place;
    loop->plain.app = reply_copied;
    for (int i = 0; i < 150; i++)
        take_step(loop);
    land_all(&loop->flight, &loop->ours.conn, &loop->ours.output);
    if (!blob_equal(&loop->ours.output, &loop->plain.output))
        fail_msg("seed %llu: what was written is not what was sent",
                 (unsigned long long)seed);
    while (loop->input_count > 0)
        blob_free(&loop->inputs[--loop->input_count]);
    session_free(&loop->ours);
    session_free(&loop->plain);
    free(loop);
}

static void a_loop_of_completions_writes_what_was_sent(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        run_loop(OPEN_SERVER, true, seed);
        run_loop(OPEN_SERVER, false, seed);
        run_loop(OPEN_CLIENT, seed % 2 == 0, seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_offered_stays_through_every_call),
        cmocka_unit_test(what_was_given_up_is_not_offered_again),
        cmocka_unit_test(what_is_offered_again_lies_where_it_lay),
        cmocka_unit_test(a_handshake_that_was_offered_stays),
        cmocka_unit_test(after_keep_nothing_is_borrowed),
        cmocka_unit_test(keep_leaves_alone_what_is_on_its_way),
        cmocka_unit_test(keep_costs_nothing_where_nothing_is_borrowed),
        cmocka_unit_test(without_memory_keep_says_so),
        cmocka_unit_test(what_cannot_be_kept_goes_when_it_has_landed),
        cmocka_unit_test(what_joined_a_slot_on_its_way_is_ours_again),
        cmocka_unit_test(a_write_may_land_when_the_transport_is_lost),
        cmocka_unit_test(room_stays_until_the_next_input),
        cmocka_unit_test(a_loop_of_completions_writes_what_was_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
