/* SPDX-License-Identifier: MIT */
/* test_conn_server.c - a server opens, or refuses (RFC 6455, section 4.2). */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "buf.h"
#include "support/heads.h"
#include "support/split.h"

static const char *const chat_protocols[] = {"chat", "superchat", NULL};

static void give_text(struct session *session, const char *text)
{
    session_give(session, text, strlen(text));
}

/* ---- Accepting -------------------------------------------------------- */

static void the_example_of_the_rfc_is_accepted(void **state)
{
    (void)state;
    struct session session;

    session_start(&session, SERVER);
    give_text(&session, HEAD_REQUEST);
    assert_log(&session, "REQUEST GET /chat status=UPF_OK\nOPEN\n");
    assert_status_line(&session.output,
                       "HTTP/1.1 101 Switching Protocols");
    assert_field(&session.output, "Upgrade", "websocket");
    assert_field(&session.output, "Connection", "Upgrade");
    assert_field(&session.output, "Sec-WebSocket-Accept", HEAD_ACCEPT);
    assert_int_equal(head_field(&session.output, "Sec-WebSocket-Protocol",
                                NULL), 0);
    assert_int_equal(head_field(&session.output, "Sec-WebSocket-Extensions",
                                NULL), 0);
    assert_int_equal(head_field(&session.output, "Content-Length", NULL), 0);
    assert_int_equal(head_len(&session.output), session.output.len);
    assert_true(upf_conn_is_open(&session.conn));
    assert_int_equal(session.alloc.live, 0);
    session_free(&session);
}

/* The bytes, written down once and for all. */
static void the_answer_is_these_bytes(void **state)
{
    (void)state;
    static const char golden[] =
        "HTTP/1.1 101 Switching Protocols\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " HEAD_ACCEPT "\r\n\r\n";
    struct session session;

    session_start(&session, SERVER);
    give_text(&session, HEAD_REQUEST);
    assert_text(blob_str(&session.output), golden);
    session_free(&session);
}

static void frames_behind_the_head_are_frames_at_any_cut(void **state)
{
    (void)state;
    struct scene   scene = {.role = SERVER, .app = app_echo};
    struct outcome outcome;
    struct blob    frames = {0};

    blob_text(&scene.bytes, HEAD_REQUEST);
    put_text(&scene.bytes, FROM_CLIENT, FIN | TEXT, "eager");
    put_text(&scene.bytes, FROM_CLIENT, FIN | PING, "ping");
    put_close(&scene.bytes, FROM_CLIENT, 1000, NULL);
    scene_run(&scene, &outcome);
    assert_text(blob_str(&outcome.log),
                "REQUEST GET /chat status=UPF_OK\nOPEN\n"
                "MESSAGE text 5 \"eager\"\nPING 4 \"ping\"\n"
                "CLOSE 1000 sent=1000 clean=1 status=UPF_OK reason=\"\"\n");

    const size_t len = head_len(&outcome.output);
    blob_add(&frames, outcome.output.data + len, outcome.output.len - len);
    assert_frames(&frames, FROM_SERVER, "fin TEXT 5 \"eager\"\n"
                  "fin PONG 4 \"ping\"\nfin CLOSE 1000 \"\"\n");
    outcome_free(&outcome);
    blob_free(&scene.bytes);
    blob_free(&frames);
}

static void our_preferred_subprotocol_is_chosen(void **state)
{
    (void)state;
    struct session session;

    session_prepare(&session);
    session.config.subprotocols = chat_protocols;
    session_begin(&session, SERVER);
    give_text(&session, HEAD_START
              "Sec-WebSocket-Protocol: mqtt, superchat\r\n"
              "Sec-WebSocket-Protocol: chat\r\n\r\n");
    assert_log(&session, "REQUEST GET /chat status=UPF_OK\n"
               "OPEN subprotocol=\"chat\"\n");
    assert_field(&session.output, "Sec-WebSocket-Protocol", "chat");
    session_free(&session);
}

static void without_a_common_subprotocol_none_is_named(void **state)
{
    (void)state;
    struct session session;

    session_prepare(&session);
    session.config.subprotocols = chat_protocols;
    session_begin(&session, SERVER);
    give_text(&session, HEAD_START
              "Sec-WebSocket-Protocol: Chat, mqtt\r\n\r\n");
    assert_log(&session, "REQUEST GET /chat status=UPF_OK\nOPEN\n");
    assert_int_equal(head_field(&session.output, "Sec-WebSocket-Protocol",
                                NULL), 0);
    session_free(&session);
}

static void accept_with_cookie(struct session *session, const upf_event *event)
{
    static const upf_header headers[] = {{"Set-Cookie", "id=7; HttpOnly"},
                                         {"X-Served-By", "test"}};

    if (event->type == UPF_EVENT_REQUEST)
        assert_status(upf_accept(&session->conn, "superchat", headers, 2),
                      UPF_OK);
}

static void an_application_may_choose_and_add_headers(void **state)
{
    (void)state;
    struct scene   scene = {.role = SERVER, .app = accept_with_cookie};
    struct outcome outcome;

    blob_text(&scene.bytes, HEAD_START
              "Sec-WebSocket-Protocol: chat, superchat\r\n\r\n");
    scene_run(&scene, &outcome);
    assert_text(blob_str(&outcome.log), "REQUEST GET /chat status=UPF_OK\n"
                "OPEN subprotocol=\"superchat\"\n");
    assert_field(&outcome.output, "Sec-WebSocket-Protocol", "superchat");
    assert_field(&outcome.output, "Set-Cookie", "id=7; HttpOnly");
    assert_field(&outcome.output, "X-Served-By", "test");
    assert_field(&outcome.output, "Sec-WebSocket-Accept", HEAD_ACCEPT);
    outcome_free(&outcome);
    blob_free(&scene.bytes);
}

/* Everything that may not be accepted; then what may. */
static void accept_wrongly(struct session *session, const upf_event *event)
{
    static const upf_header wrong[] = {
        {"X-Bad", "a\r\nInjected: yes"}, {"X-Bad", "a\nb"}, {"X-Bad", "a\rb"},
        {"Bad name", "x"}, {"", "x"}, {"X:Y", "x"}, {"X\r\nY", "x"},
        {"Connection", "close"}, {"upgrade", "h2c"}, {"Content-Length", "1"},
        {"Transfer-Encoding", "chunked"}, {"Sec-WebSocket-Accept", "x"},
        {"sec-websocket-protocol", "chat"}, {"Sec-WebSocket-Extensions", "x"},
    };
    upf_conn *conn = &session->conn;

    if (event->type != UPF_EVENT_REQUEST)
        return;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (upf_accept(conn, NULL, &wrong[i], 1) != UPF_ERR_ARGUMENT)
            fail_msg("accepted with header %s", wrong[i].name);
        if (upf_refuse(conn, 403, &wrong[i], 1, NULL, 0) != UPF_ERR_ARGUMENT)
            fail_msg("refused with header %s", wrong[i].name);
    }
    assert_status(upf_accept(conn, "mqtt", NULL, 0), UPF_ERR_ARGUMENT);
    assert_status(upf_accept(conn, "", NULL, 0), UPF_ERR_ARGUMENT);
    assert_status(upf_accept(conn, "CHAT", NULL, 0), UPF_ERR_ARGUMENT);
    assert_int_equal(upf_conn_queued(conn), 0);
    assert_status(upf_accept(conn, "chat", NULL, 0), UPF_OK);
    assert_status(upf_accept(conn, NULL, NULL, 0), UPF_ERR_STATE);
    assert_status(upf_refuse(conn, 404, NULL, 0, NULL, 0), UPF_ERR_STATE);
    assert_status(upf_defer(conn), UPF_ERR_STATE);
}

static void nothing_can_be_injected_into_an_answer(void **state)
{
    (void)state;
    struct session session;

    session_prepare(&session);
    session.app = accept_wrongly;
    session_begin(&session, SERVER);
    give_text(&session, HEAD_START "Sec-WebSocket-Protocol: chat\r\n\r\n");
    assert_log(&session, "REQUEST GET /chat status=UPF_OK\n"
               "OPEN subprotocol=\"chat\"\n");
    session_free(&session);
}

/* ---- What the request event holds ------------------------------------- */

static bool is(upf_str text, const char *expected)
{
    return text.data != NULL && text.len == strlen(expected) &&
           memcmp(text.data, expected, text.len) == 0;
}

static void check_request(struct session *session, const upf_event *event)
{
    upf_request request;
    upf_str     value;

    if (event->type != UPF_EVENT_REQUEST)
        return;
    assert_status(upf_conn_request(&session->conn, &request), UPF_OK);
    for (int i = 0; i < 2; i++) {
        const upf_request *r = i == 0 ? &event->request : &request;

        assert_true(is(r->method, "GET"));
        assert_true(is(r->target, "/chat?room=1"));
        assert_true(is(r->host, "example.com:8080"));
        assert_true(is(r->origin, "http://example.com:8080"));
        assert_true(is(r->key, "dGhlIHNhbXBsZSBub25jZQ=="));
        assert_int_equal(r->http_minor, 1);
        assert_true(upf_header_find(r->headers, "cookie", &value));
        assert_true(is(value, "a=b"));
    }
}

static void the_request_is_readable_in_its_event(void **state)
{
    (void)state;
    struct scene scene = {.role = SERVER, .app = check_request};

    blob_text(&scene.bytes, "GET /chat?room=1 HTTP/1.1\r\n"
              "Host: example.com:8080\r\nUpgrade: WebSocket\r\n"
              "Connection: keep-alive, Upgrade\r\n"
              "Origin: http://example.com:8080\r\nCookie:  a=b \r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
              "Sec-WebSocket-Version: 13\r\n\r\n");
    scene_run(&scene, NULL);
    blob_free(&scene.bytes);
}

/* ---- Refusing --------------------------------------------------------- */

/* How the application refuses: user of the session. */
struct refusal {
    int         status;
    const char *name, *value; /* a header, or NULL */
    const char *body;
};

static void refuse(struct session *session, const upf_event *event)
{
    const struct refusal *refusal = session->user;
    const upf_header header = {refusal->name, refusal->value};

    if (event->type == UPF_EVENT_REQUEST)
        assert_status(upf_refuse(&session->conn, refusal->status, &header,
                                 refusal->name != NULL, refusal->body,
                                 strlen(refusal->body)), UPF_OK);
}

static void check_refusal(const char *request, const char *request_line,
                          const struct refusal *refusal,
                          const char *status_line, bool has_body)
{
    struct scene   scene = {.role = SERVER, .app = refuse,
                            .user = (void *)refusal};
    struct outcome outcome;
    char           length[32];
    struct blob    log = {0};

    blob_text(&scene.bytes, request);
    scene_run(&scene, &outcome);
    blob_printf(&log, "%s\nCLOSE 1006 sent=0 clean=0 status=UPF_ERR_REFUSED "
                "reason=\"\"\n", request_line);
    assert_text(blob_str(&outcome.log), blob_str(&log));
    assert_status_line(&outcome.output, status_line);
    snprintf(length, sizeof length, "%zu", strlen(refusal->body));
    assert_field(&outcome.output, "Content-Length", length);
    assert_field(&outcome.output, "Connection", "close");
    if (refusal->name != NULL)
        assert_field(&outcome.output, refusal->name, refusal->value);
    assert_text(blob_str(&outcome.output) + head_len(&outcome.output),
                has_body ? refusal->body : "");
    outcome_free(&outcome);
    blob_free(&scene.bytes);
    blob_free(&log);
}

#define PLAIN(method) method " /page HTTP/1.1\r\nHost: a.example\r\n\r\n"

static void an_application_may_refuse_in_any_way(void **state)
{
    (void)state;
    static const char ok[] = "REQUEST GET /chat status=UPF_OK";
    static const char plain[] = "REQUEST GET /page status=UPF_ERR_NOT_UPGRADE";
    static const char head[] = "REQUEST HEAD /page status=UPF_ERR_NOT_UPGRADE";

    check_refusal(HEAD_REQUEST, ok, &(struct refusal){403, NULL, NULL, ""},
                  "HTTP/1.1 403 Forbidden", true);
    check_refusal(HEAD_REQUEST, ok,
                  &(struct refusal){404, "Content-Type", "text/plain",
                                    "No such room.\n"},
                  "HTTP/1.1 404 Not Found", true);
    check_refusal(HEAD_REQUEST, ok,
                  &(struct refusal){302, "Location", "https://b.example/", ""},
                  "HTTP/1.1 302 Found", true);
    check_refusal(HEAD_REQUEST, ok,
                  &(struct refusal){401, "WWW-Authenticate", "Basic", "no"},
                  "HTTP/1.1 401 Unauthorized", true);
    check_refusal(PLAIN("GET"), plain,
                  &(struct refusal){200, "Content-Type", "text/html",
                                    "<p>A page.</p>"},
                  "HTTP/1.1 200 OK", true);
    check_refusal(PLAIN("HEAD"), head,
                  &(struct refusal){200, "Content-Type", "text/html",
                                    "<p>A page.</p>"},
                  "HTTP/1.1 200 OK", false);
}

/* HAProxy's `option httpchk OPTIONS *` wants an answer of 2xx or 3xx. */
static void an_application_may_answer_options_asterisk(void **state)
{
    (void)state;
    check_refusal("OPTIONS * HTTP/1.0\r\n\r\n",
                  "REQUEST OPTIONS * status=UPF_ERR_NOT_UPGRADE",
                  &(struct refusal){200, "Allow", "GET", ""},
                  "HTTP/1.1 200 OK", true);
    check_refusal("OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n",
                  "REQUEST OPTIONS * status=UPF_ERR_NOT_UPGRADE",
                  &(struct refusal){200, "Allow", "GET", ""},
                  "HTTP/1.1 200 OK", true);
}

static void our_own_answer_to_a_head_request_has_no_body(void **state)
{
    (void)state;
    struct scene   scene = {.role = SERVER};
    struct outcome outcome;

    blob_text(&scene.bytes, PLAIN("HEAD"));
    scene_run(&scene, &outcome);
    assert_status_line(&outcome.output, "HTTP/1.1 426 Upgrade Required");
    assert_int_equal(head_len(&outcome.output), outcome.output.len);
    outcome_free(&outcome);
    blob_free(&scene.bytes);
}

static void refuse_wrongly(struct session *session, const upf_event *event)
{
    static const int wrong[] = {-1, 0, 99, 100, 101, 199, 600, 1000, 65736};

    if (event->type != UPF_EVENT_REQUEST)
        return;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_status(upf_refuse(&session->conn, wrong[i], NULL, 0, NULL, 0),
                      UPF_ERR_ARGUMENT);
    assert_int_equal(upf_conn_queued(&session->conn), 0);
}

static void a_refusal_is_a_status_from_200_to_599(void **state)
{
    (void)state;
    struct session session;

    session_prepare(&session);
    session.app = refuse_wrongly;
    session_begin(&session, SERVER);
    give_text(&session, HEAD_REQUEST);
    assert_status_line(&session.output, "HTTP/1.1 503 Service Unavailable");
    assert_status(session.log.status, UPF_ERR_REFUSED);
    session_free(&session);
}

static void a_refused_connection_is_written_out_and_shut_down(void **state)
{
    (void)state;
    struct session session;
    struct refusal refusal = {404, NULL, NULL, "gone"};

    session_prepare(&session);
    session.app  = refuse;
    session.user = &refusal;
    session.hold = true;
    session_begin(&session, SERVER);
    assert_int_equal(upf_conn_wants(&session.conn), UPF_WANTS_READ);
    give_text(&session, HEAD_REQUEST);
    assert_status(session.last, UPF_DONE);
    assert_true(upf_conn_wants(&session.conn) & UPF_WANTS_WRITE);
    session.hold = false;
    session_write(&session);
    assert_true(upf_conn_wants(&session.conn) & UPF_WANTS_SHUTDOWN);
    upf_conn_eof(&session.conn);
    assert_int_equal(upf_conn_wants(&session.conn), UPF_WANTS_CLOSE);
    session_free(&session);
}

/* ---- Later ------------------------------------------------------------ */

static void defer(struct session *session, const upf_event *event)
{
    if (event->type == UPF_EVENT_REQUEST)
        assert_status(upf_defer(&session->conn), UPF_OK);
}

static void start_deferred(struct session *session, size_t step)
{
    struct blob bytes = {0};

    blob_text(&bytes, HEAD_START "Cookie: a=b\r\n\r\n");
    put_text(&bytes, FROM_CLIENT, FIN | TEXT, "eager");
    session_prepare(session);
    session->app = defer;
    session_begin(session, SERVER);
    for (size_t at = 0; at < bytes.len; at += step)
        session_give(session, bytes.data + at,
                     step < bytes.len - at ? step : bytes.len - at);
    assert_status(session->last, UPF_WANT_ANSWER);
    assert_int_equal(session->log.count[UPF_EVENT_OPEN], 0);
    assert_int_equal(session->output.len, 0);
    blob_free(&bytes);
}

static void a_deferred_request_is_kept_and_accepted_later(void **state)
{
    (void)state;
    for (size_t step = 1; step < 400; step = step * 3 + 1) {
        struct session session;
        upf_request    request;
        upf_str        cookie;

        start_deferred(&session, step);
        assert_status(upf_conn_request(&session.conn, &request), UPF_OK);
        assert_true(is(request.target, "/chat"));
        assert_true(upf_header_find(request.headers, "Cookie", &cookie));
        assert_true(is(cookie, "a=b"));
        session_give(&session, NULL, 0);
        assert_status(session.last, UPF_WANT_ANSWER);

        assert_status(upf_accept(&session.conn, NULL, NULL, 0), UPF_OK);
        assert_status(upf_conn_request(&session.conn, &request),
                      UPF_ERR_STATE);
        session_give(&session, NULL, 0);
        assert_log(&session, "REQUEST GET /chat status=UPF_OK\nOPEN\n"
                   "MESSAGE text 5 \"eager\"\n");
        assert_field(&session.output, "Sec-WebSocket-Accept", HEAD_ACCEPT);
        assert_int_equal(session.alloc.live, 0);
        session_free(&session);
    }
}

static void a_deferred_request_may_be_refused_later(void **state)
{
    (void)state;
    struct session session;

    start_deferred(&session, 1000);
    assert_status(upf_refuse(&session.conn, 403, NULL, 0, "no", 2), UPF_OK);
    session_give(&session, NULL, 0);
    assert_log(&session, "REQUEST GET /chat status=UPF_OK\n"
               "CLOSE 1006 sent=0 clean=0 status=UPF_ERR_REFUSED "
               "reason=\"\"\n");
    assert_status_line(&session.output, "HTTP/1.1 403 Forbidden");
    session_free(&session);
}

static void a_deferred_request_may_end_otherwise(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        struct session session;

        start_deferred(&session, 1000);
        blob_free(&session.unread);
        if (how == 0)
            session_eof(&session);
        if (how == 1) {
            upf_conn_lost(&session.conn);
            session_give(&session, NULL, 0);
        }
        if (how == 2) {
            assert_status(upf_close(&session.conn, 1001, NULL), UPF_OK);
            session_give(&session, NULL, 0);
            assert_status_line(&session.output,
                               "HTTP/1.1 503 Service Unavailable");
        }
        if (how > 0 && how < 3)
            assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 1);
        session_free(&session);
    }
}

static void a_deferred_request_has_all_the_time_it_wants(void **state)
{
    (void)state;
    struct session session;
    upf_conn      *conn = &session.conn;

    session_prepare(&session);
    session.app = defer;
    session_begin(&session, SERVER);
    session_tick(&session, 1000);
    give_text(&session, HEAD_REQUEST);
    assert_status(session.last, UPF_WANT_ANSWER);
    assert_true(upf_conn_deadline(conn) == UINT64_MAX);
    assert_int_equal(upf_conn_wants(conn), 0); /* the peer may wait, too */
    for (uint64_t now = 2000; now < UINT64_MAX / 4; now *= 2) {
        session_tick(&session, now);
        assert_true(upf_conn_deadline(conn) == UINT64_MAX);
    }
    assert_status(session.last, UPF_WANT_ANSWER);
    assert_status(upf_accept(conn, NULL, NULL, 0), UPF_OK);
    assert_true(upf_conn_deadline(conn) == 0); /* OPEN is due */
    assert_int_equal(upf_conn_wants(conn), UPF_WANTS_WRITE | UPF_WANTS_READ);
    session_give(&session, NULL, 0);
    assert_log(&session, "REQUEST GET /chat status=UPF_OK\nOPEN\n");
    session_free(&session);
}

/* The next event is of this type; nothing is written. */
static upf_event next_event(struct session *session, upf_input *input,
                            upf_event_type type)
{
    upf_event event;

    assert_status(upf_conn_next(&session->conn, input, &event), UPF_OK);
    assert_int_equal(event.type, type);
    return event;
}

static void without_memory_a_request_cannot_be_deferred_but_answered(
    void **state)
{
    (void)state;
    struct session session;
    upf_conn      *conn   = &session.conn;
    uint8_t       *memory = malloc(strlen(HEAD_REQUEST));
    upf_input      input  = {memory, strlen(HEAD_REQUEST)};
    upf_request    request;

    assert_non_null(memory);
    memcpy(memory, HEAD_REQUEST, input.len);
    session_start(&session, SERVER);
    next_event(&session, &input, UPF_EVENT_REQUEST);
    session.alloc.fault = (struct fault){session.alloc.calls + 1, true};
    assert_status(upf_defer(conn), UPF_ERR_NO_MEMORY);
    assert_status(upf_conn_request(conn, &request), UPF_OK);
    assert_memory_equal(request.target.data, "/chat", 5);
    session.alloc.fault = (struct fault){0, false};
    assert_status(upf_defer(conn), UPF_OK);
    free(memory); /* from here on the request is a copy */
    assert_status(upf_conn_request(conn, &request), UPF_OK);
    assert_memory_equal(request.target.data, "/chat", 5);
    assert_status(upf_accept(conn, NULL, NULL, 0), UPF_OK);
    session_give(&session, NULL, 0);
    assert_true(upf_conn_is_open(conn));
    session_free(&session);
}

/* ---- Headers of an answer ---------------------------------------------- */

/* Headers of 200 bytes each: the fewer fit in any guess, the others do not. */
static void check_accept(size_t count, size_t fails)
{
    static char         value[201];
    static const char  *names[] = {"X-A", "X-B", "X-C", "X-D", "X-E", "X-F"};
    upf_header          headers[6];
    struct session      session;
    upf_input           input;
    struct blob         head = {0};

    memset(value, 'v', sizeof value - 1);
    for (size_t i = 0; i < count; i++)
        headers[i] = (upf_header){names[i], value};
    blob_text(&head, HEAD_REQUEST);
    input = (upf_input){head.data, head.len};
    session_start(&session, SERVER);
    next_event(&session, &input, UPF_EVENT_REQUEST);
    if (fails > 0) {
        session.alloc.fault =
            (struct fault){session.alloc.calls + fails, false};
        assert_status(upf_accept(&session.conn, NULL, headers, count),
                      UPF_ERR_NO_MEMORY);
        assert_int_equal(upf_conn_queued(&session.conn), 0);
        assert_int_equal(session.alloc.live, 0);
    }
    /* Nothing was said yet, so it can be said again. */
    assert_status(upf_accept(&session.conn, NULL, headers, count), UPF_OK);
    assert_status(upf_accept(&session.conn, NULL, headers, count),
                  UPF_ERR_STATE);
    session_write(&session);
    assert_status_line(&session.output, "HTTP/1.1 101 Switching Protocols");
    assert_int_equal(head_len(&session.output), session.output.len);
    assert_field(&session.output, "Sec-WebSocket-Accept", HEAD_ACCEPT);
    for (size_t i = 0; i < count; i++)
        assert_field(&session.output, names[i], value);
    session_give(&session, NULL, 0);
    assert_true(upf_conn_is_open(&session.conn));
    session_free(&session);
    blob_free(&head);
}

static void an_answer_may_have_headers_of_any_length(void **state)
{
    (void)state;
    for (size_t count = 0; count <= 6; count++)
        for (size_t fails = 0; fails <= 1; fails++)
            check_accept(count, fails);
}

/* ---- Our own refusals ------------------------------------------------- */

/* Requests, what we make of them, and the first line of our answer. */
static const struct {
    const char *head;
    upf_status  status;
    int         http;
    bool        event; /* a REQUEST event comes first */
} refused[] = {
    {PLAIN("GET"), UPF_ERR_NOT_UPGRADE, 426, true},
    {PLAIN("POST"), UPF_ERR_NOT_UPGRADE, 426, true},
    {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", UPF_ERR_NOT_UPGRADE, 426, true},
    {"GET /chat HTTP/1.0\r\nHost: a\r\nConnection: close\r\n"
     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
     "Sec-WebSocket-Version: 13\r\n\r\n", UPF_ERR_UPGRADE_STRIPPED, 426, true},
    {"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", UPF_ERR_NO_PROXY, 405,
     false},
    {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", UPF_ERR_TARGET, 400, false},
    {"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", UPF_ERR_TARGET_FRAGMENT, 400,
     false},
    {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", UPF_ERR_TARGET_CHARACTER, 400,
     false},
    {"GET ws://b/ HTTP/1.1\r\nHost: a\r\n\r\n", UPF_ERR_AUTHORITY, 400,
     false},
    {"GET ws://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", UPF_ERR_TARGET, 400,
     false},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
     UPF_ERR_BODY_LENGTH, 400, false},
    {HEAD_START "Sec-WebSocket-Version: 13\r\n\r\n", UPF_ERR_VERSION_REPEATED,
     400, false},
    {HEAD_START "Sec-WebSocket-Protocol: a, a\r\n\r\n",
     UPF_ERR_SUBPROTOCOL_REPEATED, 400, false},
    {HEAD_START "Sec-WebSocket-Protocol: http://a\r\n\r\n",
     UPF_ERR_SUBPROTOCOL, 400, false},
    {HEAD_START "Sec-WebSocket-Protocol: 0,1,2,3,4,5,6,7,8,9,a,b,c,d,e,f,"
     "g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w\r\n\r\n", UPF_ERR_SUBPROTOCOL_COUNT,
     400, false},
    {HEAD_START "Origin: http://evil.example\r\n\r\n", UPF_ERR_ORIGIN, 403,
     true},
    {"GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
     "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
     "Sec-WebSocket-Version: 8\r\n\r\n", UPF_ERR_VERSION, 426, false},
    {"POST /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
     "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
     "Sec-WebSocket-Version: 13\r\n\r\n", UPF_ERR_METHOD, 405, false},
    {"GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
     "Connection: Upgrade\r\nSec-WebSocket-Key: short\r\n"
     "Sec-WebSocket-Version: 13\r\n\r\n", UPF_ERR_KEY, 400, false},
    {"GET /chat HTTP/1.1\r\nUpgrade: websocket\r\n"
     "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
     "Sec-WebSocket-Version: 13\r\n\r\n", UPF_ERR_HOST_MISSING, 400, false},
    {HEAD_START "Host: example.com\r\n\r\n", UPF_ERR_HOST_REPEATED, 400, false},
    {HEAD_START "Sec-WebSocket-Key: x\r\n\r\n", UPF_ERR_KEY_REPEATED, 400,
     false},
    {HEAD_START "Origin: http://a\r\nOrigin: http://a\r\n\r\n",
     UPF_ERR_ORIGIN_REPEATED, 403, true},
    {HEAD_START "Origin:\r\n\r\n", UPF_ERR_ORIGIN, 403, true},
    {"GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
     "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n",
     UPF_ERR_KEY_MISSING, 400, false},
    {HEAD_START "Content-Length: 5\r\n\r\n", UPF_ERR_BODY, 400, false},
    {HEAD_START "Transfer-Encoding: chunked\r\n\r\n", UPF_ERR_BODY, 400,
     false},
    {HEAD_START "Bad Name: x\r\n\r\n", UPF_ERR_HTTP, 400, false},
    {HEAD_START "Space : x\r\n\r\n", UPF_ERR_HTTP, 400, false},
    {HEAD_START "X: a\r\n folded\r\n\r\n", UPF_ERR_HTTP, 400, false},
    {HEAD_START "X: a\rb\r\n\r\n", UPF_ERR_HTTP, 400, false},
    {HEAD_START "X: a\nY: b\r\n\r\n", UPF_ERR_HTTP, 400, false},
    {"nonsense\r\n\r\n", UPF_ERR_REQUEST_LINE, 400, false},
    {"\x16\x03\x01\x02", UPF_ERR_REQUEST_LINE, 400, false}, /* TLS */
    {"GET / HTTP/1.1\nHost: a\n\n", UPF_ERR_REQUEST_LINE, 400, false},
    {"get / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
     UPF_ERR_REQUEST_LINE, 400, false},
};

static void malformed_requests_are_refused_at_any_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct scene   scene = {.role = SERVER};
        struct outcome outcome;
        char line[96];

        blob_text(&scene.bytes, refused[i].head);
        scene_run(&scene, &outcome);
        snprintf(line, sizeof line, "CLOSE 1006 sent=0 clean=0 status=%s",
                 upf_status_name(refused[i].status));
        if (strstr(blob_str(&outcome.log), line) == NULL)
            fail_msg("%s came to\n%s", refused[i].head,
                     blob_str(&outcome.log));
        if ((strstr(blob_str(&outcome.log), "REQUEST ") != NULL) !=
            refused[i].event)
            fail_msg("%s came to\n%s", refused[i].head,
                     blob_str(&outcome.log));
        snprintf(line, sizeof line, "HTTP/1.1 %d ", refused[i].http);
        if (strncmp(blob_str(&outcome.output), line, strlen(line)) != 0)
            fail_msg("%s was answered\n%s", refused[i].head,
                     blob_str(&outcome.output));
        assert_field(&outcome.output, "Connection",
                     refused[i].http == 426 ? "Upgrade, close" : "close");
        assert_int_equal(head_field(&outcome.output, "Content-Length", NULL),
                         1);
        if (refused[i].http == 426) {
            assert_field(&outcome.output, "Sec-WebSocket-Version", "13");
            assert_field(&outcome.output, "Upgrade", "websocket");
        }
        if (refused[i].http == 405)
            assert_field(&outcome.output, "Allow", "GET");
        outcome_free(&outcome);
        blob_free(&scene.bytes);
    }
}

/* An Origin that is refused by default may be accepted all the same. */
/* upframe/conn.h: close.offset. What has not come yet is at no fault. */
static void a_refusal_names_a_byte_that_came(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct session session;

        session_start(&session, SERVER);
        give_text(&session, refused[i].head);
        assert_status(session.log.status, refused[i].status);
        assert_in_range(session.log.close.offset, 0,
                        strlen(refused[i].head) - 1);
        session_free(&session);
    }
}

static void accept_anyway(struct session *session, const upf_event *event)
{
    if (event->type == UPF_EVENT_REQUEST) {
        assert_status(event->status, UPF_ERR_ORIGIN);
        assert_status(upf_accept(&session->conn, NULL, NULL, 0), UPF_OK);
    }
}

static void an_application_may_accept_a_foreign_origin(void **state)
{
    (void)state;
    struct session session;

    session_prepare(&session);
    session.app = accept_anyway;
    session_begin(&session, SERVER);
    give_text(&session, HEAD_START "Origin: http://evil.example\r\n\r\n");
    assert_log(&session, "REQUEST GET /chat status=UPF_ERR_ORIGIN\nOPEN\n");
    session_free(&session);
}

static void an_origin_in_the_list_is_accepted(void **state)
{
    (void)state;
    static const char *const origins[] = {"https://app.example.com", NULL};
    struct session session;

    session_prepare(&session);
    session.config.origins = origins;
    session_begin(&session, SERVER);
    give_text(&session, HEAD_START "Origin: https://app.example.com\r\n\r\n");
    assert_log(&session, "REQUEST GET /chat status=UPF_OK\nOPEN\n");
    session_free(&session);
}

static void accept_a_page(struct session *session, const upf_event *event)
{
    if (event->type == UPF_EVENT_REQUEST)
        assert_status(upf_accept(&session->conn, NULL, NULL, 0),
                      UPF_ERR_STATE);
}

static void what_asks_for_no_websocket_cannot_be_accepted(void **state)
{
    (void)state;
    struct session session;

    session_prepare(&session);
    session.app = accept_a_page;
    session_begin(&session, SERVER);
    give_text(&session, PLAIN("GET"));
    assert_log(&session, "REQUEST GET /page status=UPF_ERR_NOT_UPGRADE\n"
               "CLOSE 1006 sent=0 clean=0 status=UPF_ERR_NOT_UPGRADE "
               "reason=\"\"\n");
    session_free(&session);
}

/* ---- Limits of the head ----------------------------------------------- */

/* A head of so many bytes, with lines of so many. */
static void put_head(struct blob *to, size_t len, size_t line)
{
    blob_text(to, HEAD_START);
    while (to->len + 2 < len) {
        const size_t left = len - 2 - to->len;
        size_t       size = left < line + 2 ? left : line + 2;

        if (left - size > 0 && left - size < 6)
            size -= 6; /* leave room for a line of its own */
        blob_text(to, "X: ");
        blob_fill(to, 'x', size - 5);
        blob_text(to, "\r\n");
    }
    blob_text(to, "\r\n");
    assert_int_equal(to->len, len);
}

static void check_head(struct session *session, const struct blob *head,
                       bool too_big)
{
    for (int bytewise = 0; bytewise < 2; bytewise++) {
        upf_config config = session->config;

        session_prepare(session);
        config.alloc_user  = &session->alloc;
        config.random_user = &session->random;
        session->config    = config;
        session_begin(session, SERVER);
        for (size_t i = 0; bytewise && i < head->len; i++)
            session_give(session, head->data + i, 1);
        if (!bytewise)
            session_give_blob(session, head);
        if (too_big) {
            assert_int_equal(session->log.count[UPF_EVENT_REQUEST], 0);
            assert_status(session->log.status, UPF_ERR_HEAD_TOO_BIG);
            assert_int_equal(strncmp(blob_str(&session->output),
                                     "HTTP/1.1 431 ", 13), 0);
        } else {
            assert_int_equal(session->log.count[UPF_EVENT_OPEN], 1);
        }
        assert_true(session->alloc.peak <= config.max_head + 4096);
        session_free(session);
    }
}

static void a_head_has_a_limit_in_bytes(void **state)
{
    (void)state;
    for (int over = -1; over <= 1; over++) {
        struct session session;
        struct blob    head = {0};

        session_prepare(&session);
        session.config.max_head = 1000;
        put_head(&head, (size_t)(1000 + over), 100);
        check_head(&session, &head, over > 0);
        blob_free(&head);
    }
}

static void a_line_of_a_head_has_a_limit(void **state)
{
    (void)state;
    for (int over = -1; over <= 1; over++) {
        struct session session;
        struct blob    head = {0};

        session_prepare(&session);
        session.config.max_head_line = 200;
        blob_text(&head, HEAD_START "X: ");
        blob_fill(&head, 'x', (size_t)(200 - 3 + over));
        blob_text(&head, "\r\n\r\n");
        check_head(&session, &head, over > 0);
        blob_free(&head);
    }
}

static void a_head_has_a_limit_in_lines(void **state)
{
    (void)state;
    for (int over = -1; over <= 1; over++) {
        struct session session;
        struct blob    head = {0};

        session_prepare(&session);
        session.config.max_head_lines = 20;
        blob_text(&head, HEAD_START); /* five */
        for (int i = 5; i < 20 + over; i++)
            blob_text(&head, "Same: x\r\n");
        blob_text(&head, "\r\n");
        check_head(&session, &head, over > 0);
        blob_free(&head);
    }
}

static void an_endless_head_is_refused_and_takes_bounded_memory(void **state)
{
    (void)state;
    struct session session;

    session_start(&session, SERVER);
    give_text(&session, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < 100000 && session.last != UPF_DONE; i++)
        give_text(&session, "X: y\r\n");
    assert_status(session.log.status, UPF_ERR_HEAD_TOO_BIG);
    assert_true(session.alloc.peak < 16 * 1024 + 4096);
    session_free(&session);
}

/* Of a few long lines, so that it is the bytes that count. */
static void a_head_in_pieces_takes_twice_what_came_and_no_more(void **state)
{
    (void)state;
    static const char line[] = "X: 0123456789012345678901234567890123456789"
                               "01234567890123456789012345678901234567890\r\n";
    const size_t   most = 16 * 1024 + UPF_BUF_OVERHEAD;
    struct session session;
    size_t         came = 0;

    session_prepare(&session);
    session.config.max_head_lines = 1000;
    session_begin(&session, SERVER);
    give_text(&session, "GET / HTTP/1.1\r\n");
    while (came < 16 * 1024 - 100) {
        give_text(&session, line);
        came += sizeof line - 1;
        assert_true(session.alloc.live <= 2 * (came + 16) + 4096);
        assert_true(session.alloc.live <= most);
    }
    assert_true(session.alloc.live >= came);
    session_free(&session);
}

/* ---- The end before the beginning ------------------------------------- */

static void the_stream_may_end_inside_the_head(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof HEAD_REQUEST - 1; len += 11) {
        struct session session;

        session_start(&session, SERVER);
        session_give(&session, HEAD_REQUEST, len);
        session_eof(&session);
        assert_log(&session, "CLOSE 1006 sent=0 clean=0 "
                   "status=UPF_ERR_NO_REQUEST reason=\"\"\n");
        assert_int_equal(upf_conn_wants(&session.conn), UPF_WANTS_CLOSE);
        session_free(&session);
    }
}

static void a_server_that_closes_before_open_answers_503(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof HEAD_REQUEST - 1; len += 20) {
        struct session session;

        session_start(&session, SERVER);
        session_give(&session, HEAD_REQUEST, len);
        assert_status(upf_close(&session.conn, 1001, NULL), UPF_OK);
        assert_status(upf_close(&session.conn, 1001, NULL), UPF_ERR_STATE);
        session_give(&session, NULL, 0);
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 1);
        assert_int_equal(session.log.close.sent_code, 0);
        assert_status(session.last, UPF_DONE);
        assert_status_line(&session.output,
                           "HTTP/1.1 503 Service Unavailable");
        session_free(&session);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_rfc_is_accepted),
        cmocka_unit_test(the_answer_is_these_bytes),
        cmocka_unit_test(frames_behind_the_head_are_frames_at_any_cut),
        cmocka_unit_test(our_preferred_subprotocol_is_chosen),
        cmocka_unit_test(without_a_common_subprotocol_none_is_named),
        cmocka_unit_test(an_application_may_choose_and_add_headers),
        cmocka_unit_test(nothing_can_be_injected_into_an_answer),
        cmocka_unit_test(the_request_is_readable_in_its_event),
        cmocka_unit_test(an_application_may_refuse_in_any_way),
        cmocka_unit_test(an_application_may_answer_options_asterisk),
        cmocka_unit_test(our_own_answer_to_a_head_request_has_no_body),
        cmocka_unit_test(a_refusal_is_a_status_from_200_to_599),
        cmocka_unit_test(a_refused_connection_is_written_out_and_shut_down),
        cmocka_unit_test(a_deferred_request_is_kept_and_accepted_later),
        cmocka_unit_test(a_deferred_request_may_be_refused_later),
        cmocka_unit_test(a_deferred_request_may_end_otherwise),
        cmocka_unit_test(malformed_requests_are_refused_at_any_cut),
        cmocka_unit_test(a_refusal_names_a_byte_that_came),
        cmocka_unit_test(an_application_may_accept_a_foreign_origin),
        cmocka_unit_test(an_origin_in_the_list_is_accepted),
        cmocka_unit_test(what_asks_for_no_websocket_cannot_be_accepted),
        cmocka_unit_test(a_head_has_a_limit_in_bytes),
        cmocka_unit_test(a_line_of_a_head_has_a_limit),
        cmocka_unit_test(a_head_has_a_limit_in_lines),
        cmocka_unit_test(a_head_in_pieces_takes_twice_what_came_and_no_more),
        cmocka_unit_test(an_endless_head_is_refused_and_takes_bounded_memory),
        cmocka_unit_test(the_stream_may_end_inside_the_head),
        cmocka_unit_test(a_server_that_closes_before_open_answers_503),
        cmocka_unit_test(a_deferred_request_has_all_the_time_it_wants),
        cmocka_unit_test(
            without_memory_a_request_cannot_be_deferred_but_answered),
        cmocka_unit_test(an_answer_may_have_headers_of_any_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
