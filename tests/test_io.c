/* SPDX-License-Identifier: MIT */
/* test_io.c - the pump: a connection over read and write callbacks. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/io.h>

#include "support/heads.h"
#include "support/session.h"
#include "support/transport.h"

/* A session whose bytes go through a pump and a scripted transport. */
struct pumped {
    struct session   session;
    struct transport transport;
    upf_io           io;
    struct blob      bytes; /* what the peer sends */
    size_t           waits; /* times that the transport would have blocked */
};

static void start(struct pumped *pumped, enum role role)
{
    memset(pumped, 0, sizeof *pumped);
    session_prepare(&pumped->session);
    pumped->session.app = app_echo;
    session_begin(&pumped->session, role);
    pumped->io = upf_io_callbacks(transport_read, transport_write,
                                  &pumped->transport);
}

static void end(struct pumped *pumped)
{
    session_free(&pumped->session);
    blob_free(&pumped->transport.out);
    blob_free(&pumped->bytes);
}

/* One event, or what there is in place of it. */
static upf_status next(struct pumped *pumped)
{
    upf_event event;
    struct session *session = &pumped->session;

    pumped->transport.in     = pumped->bytes.data;
    pumped->transport.in_len = pumped->bytes.len;
    memset(&event, 0xA5, sizeof event);
    session->last = upf_io_next(&pumped->io, &session->conn, &event);
    if (session->last == UPF_OK) {
        eventlog_add(&session->log, &event);
        if (session->app != NULL)
            session->app(session, &event);
    }
    return session->last;
}

/* Until the end, as an event loop that always finds the transport ready. */
static void run(struct pumped *pumped)
{
    for (size_t i = 0; i < 1000000; i++) {
        const upf_status status = next(pumped);

        if (status == UPF_DONE)
            return;
        if (status == UPF_WANT_READ || status == UPF_WANT_WRITE) {
            const unsigned wants = upf_io_wants(&pumped->io,
                                                &pumped->session.conn);

            assert_true(wants & (status == UPF_WANT_READ ? UPF_WANTS_READ
                                                         : UPF_WANTS_WRITE));
            pumped->waits++;
        } else {
            assert_status(status, UPF_OK);
        }
    }
    fail_msg("the pump does not come to its end");
}

/* A conversation of a client's with each kind of frame. */
static void put_conversation(struct blob *to)
{
    put_text(to, FROM_CLIENT, FIN | TEXT, "one");
    put_text(to, FROM_CLIENT, FIN | PING, "ping");
    put_text(to, FROM_CLIENT, TEXT, "two ");
    put_text(to, FROM_CLIENT, FIN | CONT, "three");
    put_run(to, FROM_CLIENT, FIN | BINARY, 'b', 300);
    put_close(to, FROM_CLIENT, 1000, "bye");
}

static const char conversation_log[] =
    "OPEN\nMESSAGE text 3 \"one\"\nPING 4 \"ping\"\n"
    "MESSAGE text 9 \"two three\"\nMESSAGE binary 300 #";

static void check_conversation(struct pumped *pumped)
{
    struct blob expected = {0};

    put_text(&expected, FROM_SERVER, FIN | TEXT, "one");
    put_text(&expected, FROM_SERVER, FIN | PONG, "ping");
    put_text(&expected, FROM_SERVER, FIN | TEXT, "two three");
    put_run(&expected, FROM_SERVER, FIN | BINARY, 'b', 300);
    put_close(&expected, FROM_SERVER, 1000, NULL);
    assert_int_equal(strncmp(eventlog_text(&pumped->session.log),
                             conversation_log, sizeof conversation_log - 1),
                     0);
    assert_true(pumped->session.log.close.clean);
    assert_true(blob_equal(&pumped->transport.out, &expected));
    assert_status(next(pumped), UPF_DONE);
    blob_free(&expected);
}

/* ---- Transports of all kinds ------------------------------------------ */

static void reads_and_writes_may_be_of_any_size(void **state)
{
    (void)state;
    for (size_t read = 1; read < 400; read = read * 2 + 1)
        for (size_t write = 1; write < 400; write = write * 2 + 1) {
            struct pumped pumped;

            start(&pumped, OPEN_SERVER);
            put_conversation(&pumped.bytes);
            pumped.transport.read_max  = read;
            pumped.transport.write_max = write;
            run(&pumped);
            check_conversation(&pumped);
            assert_int_equal(pumped.waits, 0);
            end(&pumped);
        }
}

static void a_buffer_may_be_of_any_size(void **state)
{
    (void)state;
    for (size_t size = 1; size < 600; size += size < 20 ? 1 : 97) {
        struct pumped pumped;
        uint8_t       buffer[600];

        start(&pumped, OPEN_SERVER);
        put_conversation(&pumped.bytes);
        upf_io_use_buffer(&pumped.io, buffer, size);
        run(&pumped);
        check_conversation(&pumped);
        end(&pumped);
    }
}

/* Something else than bytes on each n-th call, in either direction. */
static void check_trouble(ptrdiff_t read, ptrdiff_t write, bool blocks)
{
    for (size_t every = 2; every < 6; every++)
        for (size_t size = 1; size < 100; size = size * 3 + 1) {
            struct pumped pumped;

            start(&pumped, OPEN_SERVER);
            put_conversation(&pumped.bytes);
            pumped.transport.read_max  = size;
            pumped.transport.write_max = size;
            pumped.transport.read_trouble =
                (struct trouble){.every = every, .result = read};
            pumped.transport.write_trouble =
                (struct trouble){.every = every, .result = write};
            run(&pumped);
            check_conversation(&pumped);
            assert_int_equal(pumped.waits > 0, blocks);
            end(&pumped);
        }
}

static void an_interrupted_call_is_made_again(void **state)
{
    (void)state;
    check_trouble(UPF_IO_INTERRUPTED, UPF_IO_INTERRUPTED, false);
}

/* Shared frames are slices of their own. */
static void interrupted_writes_of_many_slices_skip_none(void **state)
{
    (void)state;
    for (size_t every = 2; every < 5; every++) {
        struct pumped pumped;
        struct blob   expected = {0};
        upf_conn     *conn = &pumped.session.conn;

        start(&pumped, OPEN_SERVER);
        pumped.transport.write_max = 5;
        pumped.transport.write_trouble =
            (struct trouble){.every = every, .result = UPF_IO_INTERRUPTED};
        assert_status(next(&pumped), UPF_OK); /* OPEN */
        for (int i = 0; i < 30; i++) {
            const char  text[2] = {(char)('a' + i % 26), '\0'};
            upf_shared *shared  = upf_shared_new(NULL, UPF_OP_TEXT, text, 1);

            assert_status(upf_send_shared(conn, shared), UPF_OK);
            upf_shared_free(shared);
            put_text(&expected, FROM_SERVER, FIN | TEXT, text);
        }
        assert_status(upf_io_flush(&pumped.io, conn), UPF_OK);
        assert_true(blob_equal(&pumped.transport.out, &expected));
        end(&pumped);
        blob_free(&expected);
    }
}

static void a_transport_may_block(void **state)
{
    (void)state;
    check_trouble(UPF_IO_WANT_READ, UPF_IO_WANT_WRITE, true);
}

static void a_tls_transport_may_want_the_other_direction(void **state)
{
    (void)state;
    check_trouble(UPF_IO_WANT_WRITE, UPF_IO_WANT_READ, true);
}

static void what_a_tls_transport_wants_is_what_is_polled_for(void **state)
{
    (void)state;
    struct pumped pumped;

    /* A read that waits for writing. */
    start(&pumped, OPEN_SERVER);
    put_conversation(&pumped.bytes);
    assert_status(next(&pumped), UPF_OK); /* OPEN */
    pumped.transport.read_trouble =
        (struct trouble){.fault = {1, false}, .result = UPF_IO_WANT_WRITE};
    assert_status(next(&pumped), UPF_WANT_WRITE);
    assert_int_equal(upf_io_wants(&pumped.io, &pumped.session.conn),
                     UPF_WANTS_WRITE);
    assert_status(next(&pumped), UPF_OK);
    end(&pumped);

    /* A write that waits for reading. */
    start(&pumped, OPEN_SERVER);
    assert_status(next(&pumped), UPF_OK);
    assert_status(upf_send(&pumped.session.conn, UPF_OP_TEXT, "x", 1), UPF_OK);
    pumped.transport.at_end = UPF_IO_WANT_READ;
    pumped.transport.write_trouble =
        (struct trouble){.fault = {1, false}, .result = UPF_IO_WANT_READ};
    assert_status(next(&pumped), UPF_WANT_READ);
    assert_int_equal(upf_io_wants(&pumped.io, &pumped.session.conn),
                     UPF_WANTS_READ);
    assert_status(next(&pumped), UPF_WANT_READ);
    assert_int_equal(pumped.transport.out.len, 3);
    end(&pumped);
}

static void a_transport_that_has_no_bytes_is_waited_for(void **state)
{
    (void)state;
    struct pumped pumped;

    start(&pumped, OPEN_SERVER);
    pumped.transport.at_end = UPF_IO_WANT_READ;
    assert_status(next(&pumped), UPF_OK); /* OPEN */
    for (int i = 0; i < 3; i++) {
        assert_status(next(&pumped), UPF_WANT_READ);
        assert_int_equal(upf_io_wants(&pumped.io, &pumped.session.conn),
                         UPF_WANTS_READ);
    }
    assert_int_equal(pumped.transport.writes, 0);
    end(&pumped);
}

/* ---- Ends ------------------------------------------------------------- */

static void the_stream_may_end_anywhere(void **state)
{
    (void)state;
    struct blob all = {0};

    put_conversation(&all);
    for (size_t len = 0; len < all.len; len++) {
        struct pumped pumped;

        start(&pumped, OPEN_SERVER);
        blob_add(&pumped.bytes, all.data, len);
        run(&pumped);
        assert_int_equal(pumped.session.log.count[UPF_EVENT_CLOSE], 1);
        assert_status(pumped.session.log.status, UPF_ERR_EOF);
        assert_status(next(&pumped), UPF_DONE);
        /* The echoes were written all the same. */
        assert_int_equal(pumped.transport.out.len > 0, len >= 9);
        end(&pumped);
    }
    blob_free(&all);
}

static void a_read_may_fail_at_any_call(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 12; n++) {
        struct pumped pumped;

        start(&pumped, OPEN_SERVER);
        put_conversation(&pumped.bytes);
        pumped.transport.read_max = 40;
        pumped.transport.read_trouble =
            (struct trouble){.fault = {n, true}, .result = UPF_IO_ERROR};
        run(&pumped);
        assert_int_equal(pumped.session.log.count[UPF_EVENT_CLOSE], 1);
        if (pumped.transport.dead)
            assert_status(pumped.session.log.status, UPF_ERR_IO);
        assert_int_equal(upf_conn_wants(&pumped.session.conn),
                         pumped.transport.dead
                             ? UPF_WANTS_CLOSE
                             : upf_conn_wants(&pumped.session.conn));
        assert_status(next(&pumped), UPF_DONE);
        end(&pumped);
    }
}

static void a_write_may_fail_at_any_call(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 12; n++) {
        struct pumped pumped;

        start(&pumped, OPEN_SERVER);
        put_conversation(&pumped.bytes);
        pumped.transport.read_max  = 40;
        pumped.transport.write_max = 40;
        pumped.transport.write_trouble =
            (struct trouble){.fault = {n, true}, .result = UPF_IO_ERROR};
        /* An echo may come too late: it is refused then. */
        pumped.session.app = NULL;
        for (size_t i = 0; i < 1000; i++) {
            upf_event event;
            upf_conn *conn = &pumped.session.conn;

            pumped.transport.in     = pumped.bytes.data;
            pumped.transport.in_len = pumped.bytes.len;
            if (upf_io_next(&pumped.io, conn, &event) != UPF_OK)
                break;
            eventlog_add(&pumped.session.log, &event);
            if (event.type == UPF_EVENT_MESSAGE)
                (void)upf_send_in_place(conn, event.opcode, event.data,
                                        event.len);
        }
        assert_int_equal(pumped.session.log.count[UPF_EVENT_CLOSE], 1);
        if (pumped.transport.dead && !pumped.session.log.close.clean)
            assert_status(pumped.session.log.status, UPF_ERR_IO);
        assert_int_equal(upf_conn_queued(&pumped.session.conn), 0);
        end(&pumped);
    }
}

static void a_failed_connection_writes_its_close(void **state)
{
    (void)state;
    struct pumped pumped;

    start(&pumped, OPEN_SERVER);
    put_text(&pumped.bytes, FROM_CLIENT, FIN | TEXT, "good");
    blob_add(&pumped.bytes, "\x83\x80????", 6);
    run(&pumped);
    blob_add(&pumped.session.output, pumped.transport.out.data,
             pumped.transport.out.len);
    struct blob text = {0};
    show_frames(&text, pumped.session.output.data, pumped.session.output.len,
                FROM_SERVER, 0);
    assert_int_equal(strncmp(blob_str(&text), "fin TEXT 4 \"good\"\n"
                             "fin CLOSE 1002 ", 33), 0);
    blob_free(&text);
    end(&pumped);
}

/* ---- Few calls, no copies --------------------------------------------- */

static void replies_to_one_read_leave_in_one_write(void **state)
{
    (void)state;
    struct pumped pumped;

    start(&pumped, OPEN_SERVER);
    for (int i = 0; i < 20; i++) {
        put_text(&pumped.bytes, FROM_CLIENT, FIN | TEXT, "message");
        put_text(&pumped.bytes, FROM_CLIENT, FIN | PING, "");
    }
    pumped.transport.at_end = UPF_IO_WANT_READ;
    while (next(&pumped) == UPF_OK)
        assert_int_equal(pumped.transport.writes, 0);
    assert_int_equal(pumped.transport.writes, 1);
    assert_int_equal(pumped.transport.reads, 2);
    assert_int_equal(pumped.transport.out.len, 20 * (9 + 2));
    end(&pumped);
}

static void input_is_kept_when_the_loop_is_left_early(void **state)
{
    (void)state;
    struct pumped pumped;

    start(&pumped, OPEN_SERVER);
    put_conversation(&pumped.bytes);
    while (pumped.session.log.count[UPF_EVENT_MESSAGE] == 0)
        assert_status(next(&pumped), UPF_OK);
    assert_int_equal(pumped.transport.reads, 1);

    /* The loop does something else: it sends, and flushes. */
    assert_status(upf_io_flush(&pumped.io, &pumped.session.conn), UPF_OK);
    assert_int_equal(pumped.transport.out.len, 5);
    assert_int_equal(pumped.transport.reads, 1);
    run(&pumped);
    assert_int_equal(pumped.transport.reads, 1);
    check_conversation(&pumped);
    end(&pumped);
}

static void a_large_message_is_read_with_few_calls(void **state)
{
    (void)state;
    enum { LEN = 1024 * 1024 };
    static uint8_t buffer[65536];

    for (int own = 0; own < 2; own++) {
        struct pumped pumped;
        start(&pumped, OPEN_SERVER);
        pumped.session.app = NULL;
        put_run(&pumped.bytes, FROM_CLIENT, FIN | BINARY, 'L', LEN);
        if (!own)
            upf_io_use_buffer(&pumped.io, buffer, sizeof buffer);
        run(&pumped);
        assert_int_equal(pumped.session.log.payload, LEN);
        assert_in_range(pumped.transport.reads, 1,
                        LEN / UPF_IO_BUFFER_SIZE + 16);
        end(&pumped);
    }
}

/* ---- Sending from outside --------------------------------------------- */

static void flush_writes_without_reading(void **state)
{
    (void)state;
    struct pumped pumped;
    upf_conn     *conn = &pumped.session.conn;

    start(&pumped, OPEN_SERVER);
    put_conversation(&pumped.bytes);
    assert_status(next(&pumped), UPF_OK); /* OPEN */
    const size_t reads = pumped.transport.reads;
    assert_status(upf_io_flush(&pumped.io, conn), UPF_OK);
    assert_status(upf_send(conn, UPF_OP_TEXT, "Hello", 5), UPF_OK);
    pumped.transport.write_max = 3;
    pumped.transport.write_trouble =
        (struct trouble){.fault = {2, false}, .result = UPF_IO_WANT_WRITE};
    assert_status(upf_io_flush(&pumped.io, conn), UPF_WANT_WRITE);
    assert_int_equal(pumped.transport.out.len, 3);
    assert_true(upf_io_wants(&pumped.io, conn) & UPF_WANTS_WRITE);
    assert_status(upf_io_flush(&pumped.io, conn), UPF_OK);
    assert_int_equal(pumped.transport.out.len, 7);
    assert_memory_equal(pumped.transport.out.data, "\x81\x05Hello", 7);
    assert_int_equal(pumped.transport.reads, reads);
    end(&pumped);
}

static void a_flush_that_fails_ends_the_connection(void **state)
{
    (void)state;
    struct pumped pumped;
    upf_conn     *conn = &pumped.session.conn;

    start(&pumped, OPEN_SERVER);
    pumped.transport.at_end = UPF_IO_WANT_READ;
    assert_status(next(&pumped), UPF_OK); /* OPEN */
    assert_status(upf_send(conn, UPF_OP_TEXT, "Hello", 5), UPF_OK);
    pumped.transport.write_trouble =
        (struct trouble){.fault = {1, true}, .result = UPF_IO_ERROR};
    assert_status(upf_io_flush(&pumped.io, conn), UPF_ERR_IO);
    assert_status(next(&pumped), UPF_OK);
    assert_status(pumped.session.log.status, UPF_ERR_IO);
    assert_status(next(&pumped), UPF_DONE);
    assert_status(upf_send(conn, UPF_OP_TEXT, "Hello", 5), UPF_ERR_STATE);
    end(&pumped);
}

static void reading_pauses_while_too_much_is_queued(void **state)
{
    (void)state;
    struct pumped pumped;
    upf_conn     *conn = &pumped.session.conn;

    start(&pumped, OPEN_SERVER);
    pumped.session.config.high_water = 100;
    for (int i = 0; i < 2000; i++)
        put_run(&pumped.bytes, FROM_CLIENT, FIN | BINARY, 'x', 20);
    pumped.transport.read_max = 260;
    pumped.transport.write_trouble =
        (struct trouble){.fault = {1, true}, .result = UPF_IO_WANT_WRITE};
    upf_status status;
    while ((status = next(&pumped)) == UPF_OK)
        ;
    assert_status(status, UPF_WANT_WRITE);
    assert_int_equal(upf_io_wants(&pumped.io, conn), UPF_WANTS_WRITE);
    const size_t reads = pumped.transport.reads;
    assert_in_range(reads, 1, 2);
    for (int i = 0; i < 3; i++)
        assert_status(next(&pumped), UPF_WANT_WRITE);
    assert_int_equal(pumped.transport.reads, reads);

    pumped.transport.write_trouble = (struct trouble){0};
    run(&pumped);
    assert_int_equal(pumped.session.log.count[UPF_EVENT_MESSAGE], 2000);
    assert_int_equal(pumped.transport.out.len, 2000 * 22);
    end(&pumped);
}

/* ---- Deferral, two pumps ---------------------------------------------- */

static void defer(struct session *session, const upf_event *event)
{
    if (event->type == UPF_EVENT_REQUEST)
        assert_status(upf_defer(&session->conn), UPF_OK);
    app_echo(session, event);
}

static void a_deferred_request_stops_the_pump_until_its_answer(void **state)
{
    (void)state;
    for (size_t read = 1; read < 1000; read = read * 5 + 1) {
        struct pumped pumped;

        start(&pumped, SERVER);
        pumped.session.app = defer;
        pumped.transport.read_max = read;
        blob_text(&pumped.bytes, HEAD_REQUEST);
        put_text(&pumped.bytes, FROM_CLIENT, FIN | TEXT, "eager");
        upf_status status;
        while ((status = next(&pumped)) == UPF_OK)
            ;
        assert_status(status, UPF_WANT_ANSWER);
        assert_status(next(&pumped), UPF_WANT_ANSWER);
        assert_status(upf_accept(&pumped.session.conn, NULL, NULL, 0), UPF_OK);
        run(&pumped);
        assert_text(eventlog_text(&pumped.session.log),
                    "REQUEST GET /chat status=UPF_OK\nOPEN\n"
                    "MESSAGE text 5 \"eager\"\n"
                    "CLOSE 1006 sent=0 clean=0 status=UPF_ERR_EOF "
                    "reason=\"\"\n");
        end(&pumped);
    }
}

/* One side of a conversation through two pipes. */
struct side {
    struct session  session;
    struct pipe_end end;
    upf_io          io;
    bool            done;
};

static void start_side(struct side *side, enum role role, struct pipe *from,
                       struct pipe *to)
{
    memset(side, 0, sizeof *side);
    session_prepare(&side->session);
    side->end = (struct pipe_end){from, to};
    side->io  = upf_io_callbacks(pipe_read, pipe_write, &side->end);
    session_begin(&side->session, role);
}

/* The client says three things, awaits their echoes, and closes. */
static void talk(struct session *session, const upf_event *event)
{
    static const char *const lines[] = {"first", "second, longer",
                                        "\xE2\x82\xAC"};
    const unsigned heard = session->log.count[UPF_EVENT_MESSAGE];

    if (event->type != UPF_EVENT_OPEN && event->type != UPF_EVENT_MESSAGE)
        return;
    if (heard == 3)
        assert_status(upf_close(&session->conn, 1000, "heard all"), UPF_OK);
    else
        assert_status(upf_send(&session->conn, UPF_OP_TEXT, lines[heard],
                               strlen(lines[heard])), UPF_OK);
}

static void turn(struct side *side)
{
    upf_event event;

    if (side->done)
        return;
    upf_status status;
    while ((status = upf_io_next(&side->io, &side->session.conn, &event)) ==
           UPF_OK) {
        eventlog_add(&side->session.log, &event);
        side->session.app(&side->session, &event);
    }
    if (status == UPF_DONE) {
        side->done = true;
        side->end.to->shut = true;
    }
}

static void two_pumps_talk_through_pipes_of_any_size(void **state)
{
    (void)state;
    for (size_t capacity = 1; capacity < 400; capacity += capacity / 4 + 1) {
        struct pipe up = {.capacity = capacity}, down = {.capacity = capacity};
        struct side server, client;

        start_side(&server, SERVER, &up, &down);
        start_side(&client, CLIENT, &down, &up);
        server.session.app = app_echo_in_place;
        client.session.app = talk;
        for (int i = 0; i < 20000 && !(server.done && client.done); i++) {
            turn(&client);
            turn(&server);
        }
        if (!server.done || !client.done)
            fail_msg("through %zu bytes:\nserver:\n%s\nclient:\n%s", capacity,
                     eventlog_text(&server.session.log),
                     eventlog_text(&client.session.log));
        assert_log(&server.session,
                   "REQUEST GET /chat status=UPF_OK\nOPEN\n"
                   "MESSAGE text 5 \"first\"\n"
                   "MESSAGE text 14 \"second, longer\"\n"
                   "MESSAGE text 3 e282ac\n"
                   "CLOSE 1000 sent=1000 clean=1 status=UPF_OK "
                   "reason=\"heard all\"\n");
        assert_true(client.session.log.close.clean);
        assert_int_equal(client.session.log.close.code, 1000);
        assert_int_equal(client.session.log.count[UPF_EVENT_MESSAGE], 3);
        session_free(&server.session);
        session_free(&client.session);
        blob_free(&up.bytes);
        blob_free(&down.bytes);
    }
}

/* ---- A transport or its user is odd ------------------------------------- */

/* Its peer has said `bytes` and waits; the test hears each event itself. */
static void start_heard(struct pumped *pumped)
{
    session_start(&pumped->session, OPEN_SERVER);
    pumped->transport = (struct transport){.in     = pumped->bytes.data,
                                           .in_len = pumped->bytes.len,
                                           .at_end = UPF_IO_WANT_READ};
    pumped->io = upf_io_callbacks(transport_read, transport_write,
                                  &pumped->transport);
}

static upf_status next_event(struct pumped *pumped, upf_event *event)
{
    return upf_io_next(&pumped->io, &pumped->session.conn, event);
}

static unsigned wants(const struct pumped *pumped)
{
    return upf_io_wants(&pumped->io, &pumped->session.conn);
}

static void a_write_of_nothing_is_tried_again_when_there_is_room(void **state)
{
    (void)state;
    struct pumped pumped = {.bytes = {0}};
    upf_event     event;

    start_heard(&pumped);
    assert_status(next_event(&pumped, &event), UPF_OK);
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

    start_heard(&pumped);
    assert_status(next_event(&pumped, &event), UPF_OK); /* OPEN */
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

    start_heard(&pumped);
    assert_status(next_event(&pumped, &event), UPF_OK);
    assert_status(next_event(&pumped, &event), UPF_WANT_READ);
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
    start_heard(&pumped);
    pumped.transport.read_trouble =
        (struct trouble){.fault = {1, true}, .result = UPF_IO_WANT_WRITE};
    assert_status(next_event(&pumped, &event), UPF_OK); /* OPEN */
    assert_status(next_event(&pumped, &event), UPF_WANT_WRITE);
    assert_int_equal(wants(&pumped), UPF_WANTS_WRITE);
    pumped.transport.read_trouble = (struct trouble){.result = 0};
    assert_status(next_event(&pumped, &event), UPF_OK);
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
    start_heard(&pumped);
    pumped.transport.write_trouble =
        (struct trouble){.fault = {1, true}, .result = UPF_IO_WANT_WRITE};
    assert_status(next_event(&pumped, &event), UPF_OK);
    assert_status(next_event(&pumped, &event), UPF_OK);
    assert_int_equal(event.type, UPF_EVENT_CLOSE);
    upf_conn_tick(conn, 1000);
    assert_status(next_event(&pumped, &event), UPF_WANT_WRITE);
    upf_conn_tick(conn, 5999);
    assert_status(next_event(&pumped, &event), UPF_WANT_WRITE);
    assert_int_equal(wants(&pumped), UPF_WANTS_WRITE);
    upf_conn_tick(conn, 6000);
    assert_status(next_event(&pumped, &event), UPF_DONE);
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
    start_heard(pumped);
    assert_status(next_event(pumped, event), UPF_OK);
    assert_int_equal(event->type, UPF_EVENT_OPEN);
    assert_status(next_event(pumped, event), UPF_OK);
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
        assert_status(next_event(&pumped, &event), UPF_DONE);
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
        assert_status(next_event(&pumped, &event), UPF_DONE);

    /* The next one begins with nothing of the last one's input. */
    session_begin(&pumped.session, OPEN_SERVER);
    assert_status(next_event(&pumped, &event), UPF_OK);
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
    start_heard(&pumped);
    assert_status(next_event(&pumped, &event), UPF_OK); /* OPEN */
    assert_status(next_event(&pumped, &event), UPF_OK);
    assert_int_equal(event.type, UPF_EVENT_MESSAGE);
    upf_conn_free(&pumped.session.conn);
    assert_status(next_event(&pumped, &event), UPF_DONE);

    session_begin(&pumped.session, OPEN_SERVER);
    assert_status(next_event(&pumped, &event), UPF_OK);
    assert_int_equal(event.type, UPF_EVENT_OPEN);
    assert_status(next_event(&pumped, &event), UPF_WANT_READ);
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
    start_heard(&pumped);
    assert_status(next_event(&pumped, &event), UPF_OK); /* OPEN */
    assert_status(next_event(&pumped, &event), UPF_OK);
    assert_int_equal(event.type, UPF_EVENT_CLOSE);
    upf_conn_free(&pumped.session.conn);

    session_begin(&pumped.session, OPEN_SERVER);
    assert_status(next_event(&pumped, &event), UPF_OK);
    assert_int_equal(event.type, UPF_EVENT_OPEN);
    assert_status(next_event(&pumped, &event), UPF_WANT_READ);
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

    assert_status(next_event(pumped, &event), UPF_OK);
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
        start_heard(&pumped);
        assert_status(next_event(&pumped, &event), UPF_OK); /* OPEN */
        assert_status(next_event(&pumped, &event), UPF_OK);
        echo_in_place(&pumped, &event);
        pumped.transport.write_max     = 10;
        pumped.transport.write_trouble =
            (struct trouble){.fault = {3, true}, .result = results[i]};
        pumped.session.alloc.fault = (struct fault){1, true};
        assert_close_is_next(&pumped, UPF_ERR_NO_MEMORY);
        assert_int_equal(wants(&pumped), UPF_WANTS_CLOSE);
        assert_status(next_event(&pumped, &event), UPF_DONE);
        end(&pumped);
    }
}

static void a_flush_says_that_the_rest_could_not_be_kept(void **state)
{
    (void)state;
    struct pumped pumped = {.bytes = {0}};
    upf_event     event;

    put_run(&pumped.bytes, FROM_CLIENT, FIN | BINARY, 'e', 1000);
    start_heard(&pumped);
    assert_status(next_event(&pumped, &event), UPF_OK); /* OPEN */
    assert_status(next_event(&pumped, &event), UPF_OK);
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
    while (next_event(&pumped, &event) == UPF_OK)
        ;
    pumped.transport.write_trouble = (struct trouble){.result = 0};
    pumped.session.random.fault    = (struct fault){1, true};
    assert_close_is_next(&pumped, UPF_ERR_RANDOM);
    end(&pumped);
}

/* ---- The body of a request --------------------------------------------- */

/* However much of it was read with the head, and however the rest comes. */
static void what_follows_a_deferred_request_can_be_read(void **state)
{
    (void)state;
    static const char head[] =
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n";
    static const char body[] = "0123456789";
    const size_t head_len = sizeof head - 1, all = head_len + 10;

    for (size_t piece = 1; piece <= all; piece++) {
        struct pumped pumped;
        upf_event     event;
        char          got[16];
        size_t        len = 0;

        start(&pumped, SERVER);
        blob_text(&pumped.bytes, head);
        blob_text(&pumped.bytes, body);
        pumped.transport.in       = pumped.bytes.data;
        pumped.transport.in_len   = pumped.bytes.len;
        pumped.transport.read_max = piece;
        pumped.transport.at_end   = UPF_IO_WANT_READ;
        pumped.transport.read_trouble =
            (struct trouble){.every = 3, .result = UPF_IO_INTERRUPTED};
        assert_status(upf_io_next(&pumped.io, &pumped.session.conn, &event),
                      UPF_OK);
        assert_int_equal(event.type, UPF_EVENT_REQUEST);
        assert_status(upf_defer(&pumped.session.conn), UPF_OK);
        assert_status(upf_io_next(&pumped.io, &pumped.session.conn, &event),
                      UPF_WANT_ANSWER);
        ptrdiff_t n;
        while ((n = upf_io_read(&pumped.io, got + len, piece % 4 + 1)) > 0) {
            assert_true((size_t)n <= piece % 4 + 1);
            len += (size_t)n;
            assert_true(len <= 10);
        }
        assert_int_equal(n, UPF_IO_WANT_READ);
        assert_int_equal(len, 10);
        assert_memory_equal(got, body, 10);
        assert_status(upf_refuse(&pumped.session.conn, 200, NULL, 0, "ok", 2),
                      UPF_OK);
        assert_status(upf_io_next(&pumped.io, &pumped.session.conn, &event),
                      UPF_OK);
        assert_int_equal(event.type, UPF_EVENT_CLOSE);
        end(&pumped);
    }
}

/* The end of the stream, and its failure, are the reader's to tell. */
static void a_body_that_ends_too_early_is_told(void **state)
{
    (void)state;
    static const ptrdiff_t ends[] = {0, UPF_IO_ERROR, UPF_IO_WANT_READ,
                                     UPF_IO_WANT_WRITE};

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct pumped pumped;
        upf_event     event;
        char          got[16];

        start(&pumped, SERVER);
        blob_text(&pumped.bytes, "POST /x HTTP/1.1\r\nHost: a\r\n"
                                 "Content-Length: 10\r\n\r\n123");
        pumped.transport.in     = pumped.bytes.data;
        pumped.transport.in_len = pumped.bytes.len;
        pumped.transport.at_end = ends[i];
        assert_status(upf_io_next(&pumped.io, &pumped.session.conn, &event),
                      UPF_OK);
        assert_status(upf_defer(&pumped.session.conn), UPF_OK);
        assert_int_equal(upf_io_read(&pumped.io, got, sizeof got), 3);
        assert_int_equal(upf_io_read(&pumped.io, got, sizeof got), ends[i]);
        end(&pumped);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_may_be_of_any_size),
        cmocka_unit_test(a_buffer_may_be_of_any_size),
        cmocka_unit_test(an_interrupted_call_is_made_again),
        cmocka_unit_test(interrupted_writes_of_many_slices_skip_none),
        cmocka_unit_test(a_transport_may_block),
        cmocka_unit_test(a_tls_transport_may_want_the_other_direction),
        cmocka_unit_test(what_a_tls_transport_wants_is_what_is_polled_for),
        cmocka_unit_test(a_transport_that_has_no_bytes_is_waited_for),
        cmocka_unit_test(the_stream_may_end_anywhere),
        cmocka_unit_test(a_read_may_fail_at_any_call),
        cmocka_unit_test(a_write_may_fail_at_any_call),
        cmocka_unit_test(a_failed_connection_writes_its_close),
        cmocka_unit_test(replies_to_one_read_leave_in_one_write),
        cmocka_unit_test(input_is_kept_when_the_loop_is_left_early),
        cmocka_unit_test(a_large_message_is_read_with_few_calls),
        cmocka_unit_test(flush_writes_without_reading),
        cmocka_unit_test(a_flush_that_fails_ends_the_connection),
        cmocka_unit_test(reading_pauses_while_too_much_is_queued),
        cmocka_unit_test(a_deferred_request_stops_the_pump_until_its_answer),
        cmocka_unit_test(two_pumps_talk_through_pipes_of_any_size),
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
        cmocka_unit_test(what_follows_a_deferred_request_can_be_read),
        cmocka_unit_test(a_body_that_ends_too_early_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
