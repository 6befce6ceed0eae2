/* SPDX-License-Identifier: MIT */
/* test_failures.c - the n-th call of a seam fails, for every n. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>
#include <upframe/io.h>

#include "support/heads.h"
#include "support/session.h"
#include "support/testext.h"
#include "support/transport.h"

/* Which seam fails. */
enum seam { MEMORY, RANDOM, READER, WRITER, SEAMS };

/* What is run. */
struct plan {
    enum role role;
    bool      stream;
    bool      ext;
    app_fn   *app;
    size_t    step; /* bytes of each read */
};

/* ---- Applications that take a refusal as it comes --------------------- */

static bool is_data(const upf_event *event)
{
    return event->type == UPF_EVENT_MESSAGE || event->type == UPF_EVENT_CHUNK;
}

static void echo(struct session *session, const upf_event *event)
{
    if (is_data(event))
        (void)upf_send(&session->conn, event->opcode, event->data, event->len);
}

static void echo_in_place(struct session *session, const upf_event *event)
{
    if (is_data(event))
        (void)upf_send_in_place(&session->conn, event->opcode, event->data,
                                event->len);
}

static void echo_all_forms(struct session *session, const upf_event *event)
{
    upf_conn *conn = &session->conn;
    static char first[6000];

    if (event->type == UPF_EVENT_REQUEST) {
        static const upf_header header = {"Set-Cookie", "a=b"};

        (void)upf_accept(conn, NULL, &header, 1);
    }
    if (event->type == UPF_EVENT_OPEN)
        (void)upf_send(conn, UPF_OP_BINARY, first, sizeof first);
    if (!is_data(event))
        return;

    const upf_slice slices[] = {{event->data, event->len / 2},
                                {event->data + event->len / 2,
                                 event->len - event->len / 2}};
    (void)upf_sendv(conn, UPF_OP_BINARY, slices, 2);
    if (upf_send_part(conn, UPF_OP_BINARY, event->data, event->len, false) ==
        UPF_OK)
        while (upf_send_part(conn, UPF_OP_BINARY, "end", 3, true) ==
               UPF_ERR_NO_MEMORY)
            session->alloc.fault.for_ever = false;
    (void)upf_ping(conn, "p", 1);

    upf_shared *shared = upf_shared_new(&session->config, UPF_OP_BINARY,
                                        event->data, event->len);
    if (shared != NULL) {
        (void)upf_send_shared(conn, shared);
        upf_shared_free(shared);
    }
    (void)upf_send_in_place(conn, UPF_OP_BINARY, event->data, event->len);
}

static void defer_and_refuse(struct session *session, const upf_event *event)
{
    if (event->type != UPF_EVENT_REQUEST)
        return;
    (void)upf_defer(&session->conn);
    if (upf_refuse(&session->conn, 404, NULL, 0, "gone", 4) != UPF_OK)
        upf_conn_lost(&session->conn);
}

/* ---- One run ---------------------------------------------------------- */

static void put_frames(struct blob *to, enum sender peer, bool ext)
{
    struct blob payload = {0};

    put_text(to, peer, FIN | TEXT, "one");
    put_text(to, peer, FIN | PING, "ping");
    put_text(to, peer, TEXT, "two \xE2\x82");
    put_text(to, peer, FIN | PONG, "pong");
    put_text(to, peer, FIN | CONT, "\xAC three");
    if (ext) {
        test_ext_encode(&payload, "encoded and in pieces", 21);
        put_frame(to, peer, RSV1 | TEXT, payload.data, 11);
        put_frame(to, peer, FIN | CONT, payload.data + 11, payload.len - 11);
        blob_free(&payload);
    }
    put_run(to, peer, FIN | BINARY, 'b', 9000);
    put_close(to, peer, 1000, "bye");
}

static void put_input(struct blob *to, const struct plan *plan)
{
    const char *more = plan->ext ? "Sec-WebSocket-Extensions: x-runs\r\n" : "";

    if (plan->role == SERVER)
        blob_printf(to, "%s%s\r\n", HEAD_START, more);
    if (plan->role == CLIENT) {
        struct session session;

        session_prepare(&session);
        session.config.ext = plan->ext ? &test_ext : NULL;
        session_begin(&session, CLIENT);
        session_give(&session, NULL, 0);
        put_101(to, &session.output, more);
        session_free(&session);
    }
    put_frames(to, role_peer(plan->role), plan->ext);
}

/* What a run of the plan reached. */
struct reach {
    size_t calls[SEAMS];
};

static void pump(struct session *session, struct transport *transport,
                 size_t step)
{
    upf_io io = upf_io_callbacks(transport_read, transport_write, transport);

    transport->read_max  = step;
    transport->write_max = step;
    for (size_t i = 0; i < 100000; i++) {
        upf_event event;
        const upf_status status = upf_io_next(&io, &session->conn, &event);

        if (status == UPF_DONE)
            return;
        assert_status(status, UPF_OK);
        eventlog_add(&session->log, &event);
        if (session->app != NULL)
            session->app(session, &event);
    }
    fail_msg("the pump does not come to its end");
}

static void run(const struct plan *plan, enum seam seam, struct fault fault,
                struct reach *reach)
{
    struct session   session;
    struct transport transport = {.at_end = 0};
    struct blob      bytes = {0};

    put_input(&bytes, plan);
    session_prepare(&session);
    session.config.stream = plan->stream;
    session.config.ext    = plan->ext ? &test_ext : NULL;
    session.app           = plan->app;
    if (seam == MEMORY)
        session.alloc.fault = fault;
    if (seam == RANDOM)
        session.random.fault = fault;
    if (seam == READER)
        transport.read_trouble = (struct trouble){fault, 0, UPF_IO_ERROR};
    if (seam == WRITER)
        transport.write_trouble = (struct trouble){fault, 0, UPF_IO_ERROR};
    transport.in     = bytes.data;
    transport.in_len = bytes.len;

    if (session_try(&session, plan->role) == UPF_OK) {
        pump(&session, &transport, plan->step);
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 1);
        /* The log is closed, or this fails: nothing comes after it. */
        session_give(&session, "\x81\x80????", 6);
        assert_status(session.last, UPF_DONE);
    } else {
        assert_true(fault.at != 0);
    }
    if (reach != NULL)
        *reach = (struct reach){{session.alloc.calls, session.random.calls,
                                 transport.reads, transport.writes}};
    session_free(&session);
    blob_free(&transport.out);
    blob_free(&bytes);
    assert_int_equal(test_ext_alive, 0);
}

static const struct plan plans[] = {
    {SERVER, false, false, echo, 64},
    {SERVER, false, false, echo, 100000},
    {SERVER, false, false, echo_in_place, 64},
    {SERVER, false, false, echo_in_place, 100000},
    {SERVER, false, false, echo_all_forms, 333},
    {SERVER, true, false, echo_all_forms, 333},
    {SERVER, false, true, echo_all_forms, 333},
    {SERVER, true, true, echo, 333},
    {SERVER, false, false, defer_and_refuse, 64},
    {CLIENT, false, false, echo, 64},
    {CLIENT, false, false, echo_all_forms, 333},
    {CLIENT, true, false, echo, 64},
    {CLIENT, false, true, echo_all_forms, 333},
    {OPEN_CLIENT, false, false, echo_in_place, 5000},
    {OPEN_SERVER, true, false, echo_in_place, 5000},
};

static void fail_at_every_call(enum seam seam)
{
    size_t runs = 0;

    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        struct reach reach;

        run(&plans[i], seam, (struct fault){0}, &reach);
        for (size_t n = 1; n <= reach.calls[seam]; n++) {
            run(&plans[i], seam, (struct fault){n, false}, NULL);
            run(&plans[i], seam, (struct fault){n, true}, NULL);
            runs++;
        }
    }
    assert_true(runs > 20);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    fail_at_every_call(MEMORY);
}

static void every_call_for_random_bytes_may_fail(void **state)
{
    (void)state;
    fail_at_every_call(RANDOM);
}

static void every_read_may_fail(void **state)
{
    (void)state;
    fail_at_every_call(READER);
}

static void every_write_may_fail(void **state)
{
    (void)state;
    fail_at_every_call(WRITER);
}

/* Without failures the plans do what they are meant to. */
static void without_failures_the_plans_end_well(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        struct session   session;
        struct transport transport = {.at_end = 0};
        struct blob      bytes = {0};

        put_input(&bytes, &plans[i]);
        session_prepare(&session);
        session.config.stream = plans[i].stream;
        session.config.ext    = plans[i].ext ? &test_ext : NULL;
        session.app           = plans[i].app;
        transport.in     = bytes.data;
        transport.in_len = bytes.len;
        session_begin(&session, plans[i].role);
        pump(&session, &transport, plans[i].step);
        if (plans[i].app != defer_and_refuse)
            assert_true(session.log.close.clean);
        session_free(&session);
        blob_free(&transport.out);
        blob_free(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_failures_the_plans_end_well),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(every_call_for_random_bytes_may_fail),
        cmocka_unit_test(every_read_may_fail),
        cmocka_unit_test(every_write_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
