/* SPDX-License-Identifier: MIT */
/* test_io_corners.c - the pump, where a transport or its user is odd. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/io.h>

#include "support/session.h"
#include "support/transport.h"

/* A server over a transport whose peer has said `bytes`, and then waits. */
struct pumped {
    struct session   session;
    struct transport transport;
    struct blob      bytes;
    upf_io           io;
};

static void start(struct pumped *pumped)
{
    session_start(&pumped->session, OPEN_SERVER);
    pumped->transport = (struct transport){.in     = pumped->bytes.data,
                                           .in_len = pumped->bytes.len,
                                           .at_end = UPF_IO_WANT_READ};
    pumped->io = upf_io_callbacks(transport_read, transport_write,
                                  &pumped->transport);
}

static upf_status next(struct pumped *pumped, upf_event *event)
{
    return upf_io_next(&pumped->io, &pumped->session.conn, event);
}

static unsigned wants(const struct pumped *pumped)
{
    return upf_io_wants(&pumped->io, &pumped->session.conn);
}

static void end(struct pumped *pumped)
{
    session_free(&pumped->session);
    blob_free(&pumped->bytes);
    blob_free(&pumped->transport.out);
}

static void a_write_of_nothing_is_tried_again_when_there_is_room(void **state)
{
    (void)state;
    struct pumped pumped = {.bytes = {0}};
    upf_event     event;

    start(&pumped);
    assert_status(next(&pumped, &event), UPF_OK);
    assert_status(upf_send(&pumped.session.conn, UPF_OP_TEXT, "hi", 2),
                  UPF_OK);
    pumped.transport.write_trouble =
        (struct trouble){.fault = {1, true}, .result = 0};
    assert_status(upf_io_flush(&pumped.io, &pumped.session.conn),
                  UPF_WANT_WRITE);
    assert_int_equal(pumped.transport.writes, 1); /* it does not spin */
    assert_true(wants(&pumped) & UPF_WANTS_WRITE);
    assert_true(upf_conn_is_open(&pumped.session.conn));

    pumped.transport.write_trouble = (struct trouble){.result = 0};
    assert_status(upf_io_flush(&pumped.io, &pumped.session.conn), UPF_OK);
    assert_frames(&pumped.transport.out, FROM_SERVER, "fin TEXT 2 \"hi\"\n");
    end(&pumped);
}

/* Until it has tried, it wants what the connection wants. */
static void a_new_pump_waits_for_nothing_else(void **state)
{
    (void)state;
    struct pumped pumped = {.bytes = {0}};
    upf_event     event;

    start(&pumped);
    assert_status(next(&pumped, &event), UPF_OK); /* OPEN */
    pumped.io = upf_io_callbacks(transport_read, transport_write,
                                 &pumped.transport);
    assert_int_equal(wants(&pumped), UPF_WANTS_READ);
    upf_conn_hold(&pumped.session.conn, true);
    assert_status(upf_ping(&pumped.session.conn, NULL, 0), UPF_OK);
    assert_int_equal(wants(&pumped), UPF_WANTS_WRITE);
    end(&pumped);
}

static void what_is_sent_from_outside_wants_to_be_written(void **state)
{
    (void)state;
    struct pumped pumped = {.bytes = {0}};
    upf_event     event;

    start(&pumped);
    assert_status(next(&pumped, &event), UPF_OK);
    assert_status(next(&pumped, &event), UPF_WANT_READ);
    assert_int_equal(wants(&pumped), UPF_WANTS_READ);
    assert_status(upf_ping(&pumped.session.conn, NULL, 0), UPF_OK);
    assert_int_equal(wants(&pumped), UPF_WANTS_READ | UPF_WANTS_WRITE);

    /* As TLS in a renegotiation: to write, it has to read. */
    pumped.transport.write_trouble =
        (struct trouble){.fault = {1, true}, .result = UPF_IO_WANT_READ};
    assert_status(upf_io_flush(&pumped.io, &pumped.session.conn),
                  UPF_WANT_READ);
    assert_int_equal(wants(&pumped), UPF_WANTS_READ);

    /* That is over when it has written. */
    pumped.transport.write_trouble = (struct trouble){.result = 0};
    assert_status(upf_io_flush(&pumped.io, &pumped.session.conn), UPF_OK);
    assert_status(upf_ping(&pumped.session.conn, NULL, 0), UPF_OK);
    assert_int_equal(wants(&pumped), UPF_WANTS_READ | UPF_WANTS_WRITE);
    end(&pumped);
}

/* The same, the other way round. */
static void what_a_read_waited_for_is_over_when_it_has_read(void **state)
{
    (void)state;
    struct pumped pumped = {.bytes = {0}};
    upf_event     event;

    put_run(&pumped.bytes, FROM_CLIENT, FIN | TEXT, 'a', 10);
    start(&pumped);
    pumped.transport.read_trouble =
        (struct trouble){.fault = {1, true}, .result = UPF_IO_WANT_WRITE};
    assert_status(next(&pumped, &event), UPF_OK); /* OPEN */
    assert_status(next(&pumped, &event), UPF_WANT_WRITE);
    assert_int_equal(wants(&pumped), UPF_WANTS_WRITE);
    pumped.transport.read_trouble = (struct trouble){.result = 0};
    assert_status(next(&pumped, &event), UPF_OK);
    assert_int_equal(event.type, UPF_EVENT_MESSAGE);
    assert_int_equal(wants(&pumped), UPF_WANTS_READ);
    end(&pumped);
}

static void a_peer_that_never_reads_the_last_words_is_left(void **state)
{
    (void)state;
    struct pumped pumped = {.bytes = {0}};
    upf_conn     *conn   = &pumped.session.conn;
    upf_event     event;

    put_close(&pumped.bytes, FROM_CLIENT, 1000, NULL);
    start(&pumped);
    pumped.transport.write_trouble =
        (struct trouble){.fault = {1, true}, .result = UPF_IO_WANT_WRITE};
    assert_status(next(&pumped, &event), UPF_OK);
    assert_status(next(&pumped, &event), UPF_OK);
    assert_int_equal(event.type, UPF_EVENT_CLOSE);
    upf_conn_tick(conn, 1000);
    assert_status(next(&pumped, &event), UPF_WANT_WRITE);
    upf_conn_tick(conn, 5999);
    assert_status(next(&pumped, &event), UPF_WANT_WRITE);
    assert_int_equal(wants(&pumped), UPF_WANTS_WRITE);
    upf_conn_tick(conn, 6000);
    assert_status(next(&pumped, &event), UPF_DONE);
    assert_int_equal(wants(&pumped), UPF_WANTS_CLOSE);
    end(&pumped);
}

/* ---- A long text turns out to be wrong ---------------------------------- */

enum { LONG = 400000 };

/* It is read into the connection's own block, and ends it there. */
static void put_bad_text(struct blob *to)
{
    const size_t start = to->len;

    put_run(to, FROM_CLIENT, FIN | TEXT, 'a', LONG);
    to->data[start + 14 + LONG / 2] ^= 0x80;
}

static void start_bad_text(struct pumped *pumped, upf_event *event)
{
    put_bad_text(&pumped->bytes);
    start(pumped);
    assert_status(next(pumped, event), UPF_OK);
    assert_int_equal(event->type, UPF_EVENT_OPEN);
    assert_status(next(pumped, event), UPF_OK);
    assert_int_equal(event->type, UPF_EVENT_CLOSE);
    assert_status(event->status, UPF_ERR_UTF8);
}

static void the_pump_forgets_input_in_a_block_that_is_given_back(void **state)
{
    (void)state;
    struct pumped pumped = {.bytes = {0}};
    upf_event     event;

    start_bad_text(&pumped, &event);
    for (int i = 0; i < 3; i++)
        assert_status(next(&pumped, &event), UPF_DONE);
    end(&pumped);
}

static void the_pump_goes_on_after_a_connection_that_was_freed(void **state)
{
    (void)state;
    struct pumped pumped = {.bytes = {0}};
    upf_event     event;

    start_bad_text(&pumped, &event);
    upf_conn_free(&pumped.session.conn);
    for (int i = 0; i < 3; i++)
        assert_status(next(&pumped, &event), UPF_DONE);

    /* The next one begins with nothing of the last one's input. */
    session_begin(&pumped.session, OPEN_SERVER);
    assert_status(next(&pumped, &event), UPF_OK);
    assert_int_equal(event.type, UPF_EVENT_OPEN);
    end(&pumped);
}

/* Nor if that was freed between two of its messages. */
static void input_behind_a_freed_connection_is_forgotten(void **state)
{
    (void)state;
    struct pumped pumped = {.bytes = {0}};
    upf_event     event;

    put_run(&pumped.bytes, FROM_CLIENT, FIN | TEXT, 'a', 10);
    put_run(&pumped.bytes, FROM_CLIENT, FIN | TEXT, 'b', 10);
    start(&pumped);
    assert_status(next(&pumped, &event), UPF_OK); /* OPEN */
    assert_status(next(&pumped, &event), UPF_OK);
    assert_int_equal(event.type, UPF_EVENT_MESSAGE);
    upf_conn_free(&pumped.session.conn);
    assert_status(next(&pumped, &event), UPF_DONE);

    session_begin(&pumped.session, OPEN_SERVER);
    assert_status(next(&pumped, &event), UPF_OK);
    assert_int_equal(event.type, UPF_EVENT_OPEN);
    assert_status(next(&pumped, &event), UPF_WANT_READ);
    end(&pumped);
}

/* Not even if it comes right behind the CLOSE of that. */
static void a_next_connection_has_none_of_the_last_ones_input(void **state)
{
    (void)state;
    struct pumped pumped = {.bytes = {0}};
    upf_event     event;

    put_close(&pumped.bytes, FROM_CLIENT, 1000, NULL);
    put_run(&pumped.bytes, FROM_CLIENT, FIN | TEXT, 'a', 10);
    start(&pumped);
    assert_status(next(&pumped, &event), UPF_OK); /* OPEN */
    assert_status(next(&pumped, &event), UPF_OK);
    assert_int_equal(event.type, UPF_EVENT_CLOSE);
    upf_conn_free(&pumped.session.conn);

    session_begin(&pumped.session, OPEN_SERVER);
    assert_status(next(&pumped, &event), UPF_OK);
    assert_int_equal(event.type, UPF_EVENT_OPEN);
    assert_status(next(&pumped, &event), UPF_WANT_READ);
    end(&pumped);
}

/* Without the pump: the caller's cursor is into a block of the connection. */
static void input_is_left_alone_when_all_is_over(void **state)
{
    (void)state;
    for (int freed = 0; freed < 2; freed++) {
        struct session session;
        struct blob    bytes = {0};
        upf_input      in;
        upf_event      event;
        size_t         len, at = 4096;

        put_bad_text(&bytes);
        session_start(&session, OPEN_SERVER);
        session_give(&session, bytes.data, at);
        do {
            in.data = upf_conn_room(&session.conn, &len);
            assert_non_null(in.data);
            in.len = len < bytes.len - at ? len : bytes.len - at;
            memcpy(in.data, bytes.data + at, in.len);
            at += in.len;
        } while (upf_conn_next(&session.conn, &in, &event) == UPF_WANT_READ);
        assert_int_equal(event.type, UPF_EVENT_CLOSE);
        assert_true(in.len > 6);
        if (freed)
            upf_conn_free(&session.conn);
        for (int i = 0; i < 3; i++)
            assert_status(upf_conn_next(&session.conn, &in, &event), UPF_DONE);
        session_free(&session);
        blob_free(&bytes);
    }
}

/* ---- A write fails the connection --------------------------------------- */

static void echo_in_place(struct pumped *pumped, const upf_event *event)
{
    assert_int_equal(event->type, UPF_EVENT_MESSAGE);
    assert_status(upf_send_in_place(&pumped->session.conn, event->opcode,
                                    event->data, event->len),
                  UPF_OK);
}

/* CLOSE is what the pump says next, and nothing is read before. */
static void assert_close_is_next(struct pumped *pumped, upf_status why)
{
    const size_t reads = pumped->transport.reads;
    upf_event    event = {.type = 0};

    assert_status(next(pumped, &event), UPF_OK);
    assert_int_equal(event.type, UPF_EVENT_CLOSE);
    assert_status(event.status, why);
    assert_int_equal(pumped->transport.reads, reads);
}

/* What a reply borrows cannot be copied when the transport takes a part. */
static void a_rest_that_cannot_be_kept_is_a_close(void **state)
{
    (void)state;
    static const ptrdiff_t results[] = {UPF_IO_WANT_WRITE, UPF_IO_WANT_READ, 0};

    for (size_t i = 0; i < 3; i++) {
        struct pumped pumped = {.bytes = {0}};
        upf_event     event;

        put_run(&pumped.bytes, FROM_CLIENT, FIN | BINARY, 'e', 1000);
        start(&pumped);
        assert_status(next(&pumped, &event), UPF_OK); /* OPEN */
        assert_status(next(&pumped, &event), UPF_OK);
        echo_in_place(&pumped, &event);
        pumped.transport.write_max     = 10;
        pumped.transport.write_trouble =
            (struct trouble){.fault = {3, true}, .result = results[i]};
        pumped.session.alloc.fault = (struct fault){1, true};
        assert_close_is_next(&pumped, UPF_ERR_NO_MEMORY);
        assert_int_equal(wants(&pumped), UPF_WANTS_CLOSE);
        assert_status(next(&pumped, &event), UPF_DONE);
        end(&pumped);
    }
}

static void a_flush_says_that_the_rest_could_not_be_kept(void **state)
{
    (void)state;
    struct pumped pumped = {.bytes = {0}};
    upf_event     event;

    put_run(&pumped.bytes, FROM_CLIENT, FIN | BINARY, 'e', 1000);
    start(&pumped);
    assert_status(next(&pumped, &event), UPF_OK); /* OPEN */
    assert_status(next(&pumped, &event), UPF_OK);
    echo_in_place(&pumped, &event);
    pumped.transport.write_max     = 10;
    pumped.transport.write_trouble =
        (struct trouble){.fault = {2, true}, .result = UPF_IO_WANT_WRITE};
    pumped.session.alloc.fault = (struct fault){1, true};
    assert_status(upf_io_flush(&pumped.io, &pumped.session.conn),
                  UPF_ERR_NO_MEMORY);
    assert_close_is_next(&pumped, UPF_ERR_NO_MEMORY);
    end(&pumped);
}

/* A pong that waited for room in the budget cannot be masked. */
static void a_late_pong_that_fails_is_a_close(void **state)
{
    (void)state;
    struct pumped pumped = {.bytes = {0}};
    upf_event     event;

    for (int i = 0; i < 40; i++)
        put_run(&pumped.bytes, FROM_SERVER, FIN | PING, 'p', 125);
    session_start(&pumped.session, OPEN_CLIENT);
    pumped.transport = (struct transport){.in     = pumped.bytes.data,
                                          .in_len = pumped.bytes.len,
                                          .at_end = UPF_IO_WANT_READ};
    pumped.transport.write_trouble =
        (struct trouble){.fault = {1, true}, .result = UPF_IO_WANT_WRITE};
    pumped.io = upf_io_callbacks(transport_read, transport_write,
                                 &pumped.transport);
    while (next(&pumped, &event) == UPF_OK)
        ;
    pumped.transport.write_trouble = (struct trouble){.result = 0};
    pumped.session.random.fault    = (struct fault){1, true};
    assert_close_is_next(&pumped, UPF_ERR_RANDOM);
    end(&pumped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_of_nothing_is_tried_again_when_there_is_room),
        cmocka_unit_test(a_new_pump_waits_for_nothing_else),
        cmocka_unit_test(what_is_sent_from_outside_wants_to_be_written),
        cmocka_unit_test(what_a_read_waited_for_is_over_when_it_has_read),
        cmocka_unit_test(a_peer_that_never_reads_the_last_words_is_left),
        cmocka_unit_test(the_pump_forgets_input_in_a_block_that_is_given_back),
        cmocka_unit_test(the_pump_goes_on_after_a_connection_that_was_freed),
        cmocka_unit_test(input_behind_a_freed_connection_is_forgotten),
        cmocka_unit_test(a_next_connection_has_none_of_the_last_ones_input),
        cmocka_unit_test(input_is_left_alone_when_all_is_over),
        cmocka_unit_test(a_rest_that_cannot_be_kept_is_a_close),
        cmocka_unit_test(a_flush_says_that_the_rest_could_not_be_kept),
        cmocka_unit_test(a_late_pong_that_fails_is_a_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
