/* SPDX-License-Identifier: MIT */
/* session.c - one connection under test, with all that surrounds it. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "guard.h"
#include "session.h"

enum { MANY = 64 }; /* slices */

bool role_is_client(enum role role)
{
    return role == CLIENT || role == OPEN_CLIENT;
}

enum sender role_peer(enum role role)
{
    return role_is_client(role) ? FROM_SERVER : FROM_CLIENT;
}

enum sender role_self(enum role role)
{
    return role_is_client(role) ? FROM_CLIENT : FROM_SERVER;
}

void session_prepare(struct session *session)
{
    *session = (struct session){
        .config  = upf_config_default(),
        .request = {.url = "ws://example.com/chat"},
        .random  = {.state = 6455},
    };
    session->config.alloc       = fake_alloc;
    session->config.alloc_user  = &session->alloc;
    session->config.random      = fake_random;
    session->config.random_user = &session->random;
}

static upf_status init(struct session *session)
{
    upf_conn         *conn   = &session->conn;
    const upf_config *config = &session->config;

    switch (session->role) {
    case SERVER:
        return upf_conn_init_server(conn, config);
    case CLIENT:
        return upf_conn_init_client(conn, config, &session->request);
    default:
        return upf_conn_init_open(conn, config, session->role == OPEN_CLIENT,
                                  NULL);
    }
}

upf_status session_try(struct session *session, enum role role)
{
    session->role = role;
    memset(&session->conn, 0xA5, sizeof session->conn);
    eventlog_begin(&session->log, role_is_client(role),
                   session->config.stream);
    return init(session);
}

void session_begin(struct session *session, enum role role)
{
    assert_status(session_try(session, role), UPF_OK);
}

void session_start(struct session *session, enum role role)
{
    session_prepare(session);
    session_begin(session, role);
}

void session_input(struct session *session, upf_input *input)
{
    for (;;) {
        upf_event event;
        const upf_input before = *input;

        memset(&event, 0xA5, sizeof event);
        if (session->in_steps)
            session->conn.glance = 0;
        session->last = upf_conn_next(&session->conn, input, &event);
        assert_true(input->len <= before.len);
        if (before.data != NULL)
            assert_ptr_equal(input->data + input->len,
                             before.data + before.len);
        if (session->last != UPF_OK) {
            if (session->last == UPF_WANT_READ)
                assert_int_equal(input->len, 0);
            else if (session->last == UPF_WANT_ANSWER ||
                     session->last == UPF_DONE)
                assert_int_equal(input->len, before.len);
            else
                fail_msg("upf_conn_next() returned %s",
                         upf_status_name(session->last));
            assert_int_equal(session->last == UPF_DONE,
                             eventlog_closed(&session->log));
            return;
        }
        eventlog_add(&session->log, &event);
        if (session->app != NULL)
            session->app(session, &event);
    }
}

/* Copy `len` bytes of the slices. */
static void take(struct blob *to, const upf_slice *slices, size_t count,
                 size_t len)
{
    for (size_t i = 0; i < count && len > 0; i++) {
        const size_t part = slices[i].len < len ? slices[i].len : len;

        blob_add(to, slices[i].data, part);
        len -= part;
    }
}

void session_write(struct session *session)
{
    const size_t most = session->slices == 0 ? MANY : session->slices;

    for (;;) {
        upf_slice slices[MANY];
        const size_t queued = upf_conn_queued(&session->conn);
        const size_t count  = upf_conn_output(&session->conn, slices, most);
        size_t       len    = 0;

        assert_true(count <= most);
        for (size_t i = 0; i < count; i++)
            len += slices[i].len;
        assert_true(len <= queued);
        if (count < most)
            assert_int_equal(len, queued);
        if (count == 0)
            return;
        if (session->hold) {
            (void)upf_conn_output_done(&session->conn, 0);
            assert_int_equal(upf_conn_queued(&session->conn), queued);
            return;
        }
        if (session->write_step != 0 && len > session->write_step)
            len = session->write_step;
        take(&session->output, slices, count, len);
        if (upf_conn_output_done(&session->conn, (ptrdiff_t)len) != UPF_OK)
            return;
        /* A pong that found no room may follow at once. */
        assert_in_range(upf_conn_queued(&session->conn), queued - len,
                        queued - len + 6 + 125);
    }
}

void session_give(struct session *session, const void *bytes, size_t len)
{
    struct blob  unread = session->unread;
    const size_t all    = unread.len + len;
    uint8_t     *memory = guard_end(all);
    upf_input    input  = {memory, all};

    if (unread.len > 0)
        memcpy(memory, unread.data, unread.len);
    if (len > 0)
        memcpy(memory + unread.len, bytes, len);
    session->unread = (struct blob){0};
    blob_free(&unread);

    session_input(session, &input);
    session_write(session);
    if (session->last == UPF_WANT_ANSWER)
        blob_add(&session->unread, input.data, input.len);
    if (all > 0)
        memset(memory, 0xDD, all);
    guard_free(memory, all);
}

void session_give_blob(struct session *session, const struct blob *bytes)
{
    session_give(session, bytes->data, bytes->len);
}

void session_eof(struct session *session)
{
    upf_conn_eof(&session->conn);
    session_give(session, NULL, 0);
}

void session_tick(struct session *session, uint64_t now)
{
    upf_conn_tick(&session->conn, now);
    session_give(session, NULL, 0);
}

void session_end(struct session *session)
{
    uint8_t   byte   = 0x81;
    upf_input input  = {&byte, 1};
    upf_event event;
    upf_slice slice;

    upf_conn_free(&session->conn);
    if (session->alloc.live != 0 || session->alloc.blocks != 0)
        fail_msg("%zu bytes in %zu blocks were kept", session->alloc.live,
                 session->alloc.blocks);
    assert_status(upf_conn_next(&session->conn, &input, &event), UPF_DONE);
    assert_int_equal(input.len, 1);
    assert_int_equal(upf_conn_output(&session->conn, &slice, 1), 0);
    assert_int_equal(upf_conn_queued(&session->conn), 0);
    assert_int_equal(session->alloc.live, 0);
}

void session_free(struct session *session)
{
    session_end(session);
    eventlog_free(&session->log);
    blob_free(&session->output);
    blob_free(&session->unread);
}

/* ---- Applications ----------------------------------------------------- */

static bool is_data(const upf_event *event)
{
    return event->type == UPF_EVENT_MESSAGE || event->type == UPF_EVENT_CHUNK;
}

void app_echo(struct session *session, const upf_event *event)
{
    if (is_data(event))
        assert_status(upf_send(&session->conn, event->opcode, event->data,
                               event->len), UPF_OK);
}

void app_echo_in_place(struct session *session, const upf_event *event)
{
    if (is_data(event))
        assert_status(upf_send_in_place(&session->conn, event->opcode,
                                        event->data, event->len), UPF_OK);
}

void app_echo_parts(struct session *session, const upf_event *event)
{
    if (event->type == UPF_EVENT_CHUNK) {
        assert_status(upf_send_part(&session->conn, event->opcode, event->data,
                                    event->len, event->last), UPF_OK);
        return;
    }
    if (event->type != UPF_EVENT_MESSAGE)
        return;
    for (size_t i = 0; i < event->len; i++)
        assert_status(upf_send_part(&session->conn, event->opcode,
                                    event->data + i, 1, false), UPF_OK);
    assert_status(upf_send_part(&session->conn, event->opcode, NULL, 0, true),
                  UPF_OK);
}
