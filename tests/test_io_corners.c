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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_of_nothing_is_tried_again_when_there_is_room),
        cmocka_unit_test(what_is_sent_from_outside_wants_to_be_written),
        cmocka_unit_test(a_peer_that_never_reads_the_last_words_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
