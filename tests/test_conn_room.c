/* SPDX-License-Identifier: MIT */
/* test_conn_room.c - states, sizes and shortages that seldom meet. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "buf.h"
#include "support/heads.h"
#include "support/session.h"
#include "support/testext.h"

/* ---- Helpers ------------------------------------------------------------ */

static void start_open(struct session *session, enum role role)
{
    session_start(session, role);
    session_give(session, NULL, 0);
    assert_true(upf_conn_is_open(&session->conn));
}

/* A server's, which has agreed on the extension and said so. */
static void start_encoded(struct session *session, bool stream)
{
    session_prepare(session);
    session->config.ext    = &test_ext;
    session->config.stream = stream;
    session_begin(session, SERVER);
    session_give(session, HEAD_START "Sec-WebSocket-Extensions: x-runs\r\n\r\n",
                 strlen(HEAD_START "Sec-WebSocket-Extensions: x-runs\r\n\r\n"));
    assert_true(upf_conn_is_open(&session->conn));
    blob_clear(&session->output);
}

static void put_encoded(struct blob *to, unsigned first, const char *text)
{
    struct blob payload = {0};

    test_ext_encode(&payload, text, strlen(text));
    put_frame(to, FROM_CLIENT, first, payload.data, payload.len);
    blob_free(&payload);
}

static void fail_call(struct session *session, size_t n)
{
    session->alloc.fault = (struct fault){session->alloc.calls + n, false};
}

static void fail_from_now_on(struct session *session)
{
    session->alloc.fault = (struct fault){session->alloc.calls + 1, true};
}

static void fail_no_more(struct session *session)
{
    session->alloc.fault = (struct fault){0, false};
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

/* ---- Configurations that are refused ------------------------------------ */

static void assert_dead(upf_conn *conn)
{
    uint8_t   byte  = 0x81;
    upf_input input = {&byte, 1};
    upf_event event;

    assert_status(upf_conn_next(conn, &input, &event), UPF_DONE);
    assert_int_equal(input.len, 1);
    assert_status(upf_send(conn, UPF_OP_TEXT, "x", 1), UPF_ERR_STATE);
    assert_int_equal(upf_conn_wants(conn), UPF_WANTS_CLOSE);
    assert_int_equal(upf_conn_queued(conn), 0);
    assert_true(upf_conn_deadline(conn) == UINT64_MAX);
    upf_conn_tick(conn, 1);
    upf_conn_lost(conn);
    upf_conn_free(conn);
    assert_status(upf_conn_next(conn, &input, &event), UPF_DONE);
}

static void check_refused(const upf_config *config)
{
    const upf_client_request request = {.url = "ws://example.com/"};
    upf_conn conn;

    memset(&conn, 0xA5, sizeof conn);
    assert_status(upf_conn_init_server(&conn, config), UPF_ERR_ARGUMENT);
    assert_dead(&conn);
    memset(&conn, 0xA5, sizeof conn);
    assert_status(upf_conn_init_client(&conn, config, &request),
                  UPF_ERR_ARGUMENT);
    assert_dead(&conn);
    for (int client = 0; client < 2; client++) {
        memset(&conn, 0xA5, sizeof conn);
        assert_status(upf_conn_init_open(&conn, config, client != 0, NULL),
                      UPF_ERR_ARGUMENT);
        assert_dead(&conn);
    }
}

static void no_allocator_or_no_random_source_is_refused(void **state)
{
    (void)state;
    upf_config config = upf_config_default();

    config.alloc = NULL;
    check_refused(&config);
    config = upf_config_default();
    config.random = NULL;
    check_refused(&config);
}

/* Every way for an init to fail: the struct's old content is not looked at,
 * and what is left is safe in every call. */
static void after_any_init_that_failed_all_calls_are_safe(void **state)
{
    (void)state;
    static const char *const bad_tokens[] = {"", "two words", "a,b", "\r\n"};
    static const char *const bad_urls[]   = {"", "http://h/", "ws://", "ws:///",
                                             "ws://h/#f", "ws://h:0x/"};
    const upf_header bad_header = {"X-A", "b\r\nX-C: d"};
    upf_conn conn;

    for (size_t i = 0; i < sizeof bad_tokens / sizeof *bad_tokens; i++)
        for (int client = 0; client < 2; client++) {
            memset(&conn, 0xA5, sizeof conn);
            assert_status(upf_conn_init_open(&conn, NULL, client != 0,
                                             bad_tokens[i]),
                          UPF_ERR_ARGUMENT);
            assert_dead(&conn);
        }
    for (size_t i = 0; i < sizeof bad_urls / sizeof *bad_urls; i++) {
        memset(&conn, 0xA5, sizeof conn);
        assert_status(upf_conn_init_client(&conn, NULL,
                          &(upf_client_request){.url = bad_urls[i]}),
                      UPF_ERR_URL);
        assert_dead(&conn);
    }
    memset(&conn, 0xA5, sizeof conn);
    assert_status(upf_conn_init_client(&conn, NULL,
                      &(upf_client_request){.url = "ws://h/",
                                            .headers = &bad_header,
                                            .header_count = 1}),
                  UPF_ERR_ARGUMENT);
    assert_dead(&conn);
    for (int random = 0; random < 2; random++) {
        struct session session;

        session_prepare(&session);
        *(random ? &session.random.fault : &session.alloc.fault) =
            (struct fault){1, true};
        assert_status(session_try(&session, CLIENT),
                      random ? UPF_ERR_RANDOM : UPF_ERR_NO_MEMORY);
        assert_dead(&session.conn);
        session_free(&session);
    }
}

static void a_malformed_subprotocol_of_ours_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "two words", "a\r\nb: c", "chat,v2",
                                      "caf\xC3\xA9"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (size_t at = 0; at < 2; at++) {
            const char *list[] = {"chat", "v2.chat", NULL};
            upf_config  config = upf_config_default();

            list[at] = bad[i];
            config.subprotocols = list;
            check_refused(&config);
        }
}

/* ---- The opening handshake ---------------------------------------------- */

static void a_client_whose_handshake_failed_closes_at_once(void **state)
{
    (void)state;
    static const char response[] =
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    struct session session;

    session_start(&session, CLIENT);
    session_write(&session);
    session_give(&session, response, sizeof response - 1);
    assert_status(session.log.status, UPF_ERR_RESPONSE);
    assert_int_equal(upf_conn_wants(&session.conn), UPF_WANTS_CLOSE);
    session_free(&session);
}

static void defer_it(struct session *session, const upf_event *event)
{
    if (event->type == UPF_EVENT_REQUEST)
        assert_status(upf_defer(&session->conn), UPF_OK);
}

static void start_deferred(struct session *session)
{
    session_prepare(session);
    session->app = defer_it;
    session_begin(session, SERVER);
    session_tick(session, 1000);
    session_give(session, HEAD_REQUEST, strlen(HEAD_REQUEST));
    assert_status(session->last, UPF_WANT_ANSWER);
}

static void a_deferred_request_has_all_the_time_it_wants(void **state)
{
    (void)state;
    struct session session;
    upf_conn      *conn = &session.conn;

    start_deferred(&session);
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
    fail_from_now_on(&session);
    assert_status(upf_defer(conn), UPF_ERR_NO_MEMORY);
    assert_status(upf_conn_request(conn, &request), UPF_OK);
    assert_memory_equal(request.target.data, "/chat", 5);
    fail_no_more(&session);
    assert_status(upf_defer(conn), UPF_OK);
    free(memory); /* from here on the request is a copy */
    assert_status(upf_conn_request(conn, &request), UPF_OK);
    assert_memory_equal(request.target.data, "/chat", 5);
    assert_status(upf_accept(conn, NULL, NULL, 0), UPF_OK);
    session_give(&session, NULL, 0);
    assert_true(upf_conn_is_open(conn));
    session_free(&session);
}

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
        fail_call(&session, fails);
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

/* ---- What an event says of a handshake ----------------------------------- */

static upf_event first_event(struct session *session, upf_event_type type)
{
    upf_input input = {NULL, 0};
    upf_event event;

    memset(&event, 0xA5, sizeof event);
    assert_status(upf_conn_next(&session->conn, &input, &event), UPF_OK);
    assert_int_equal(event.type, type);
    assert_null(event.data);
    assert_int_equal(event.len, 0);
    return event;
}

/* OPEN and CLOSE name a response only if one arrived: for a connection that
 * was adopted, timed out, cut off, refused, lost or closed, there is none. */
static void without_a_response_its_status_is_0(void **state)
{
    (void)state;
    for (int role = SERVER; role <= OPEN_CLIENT; role++)
        for (int how = 0; how < 4; how++) {
            struct session session;
            upf_event      event;

            session_start(&session, (enum role)role);
            if (role >= OPEN_SERVER) {
                event = first_event(&session, UPF_EVENT_OPEN);
                assert_status(event.status, UPF_OK);
                assert_int_equal(event.response.status, 0);
                assert_null(event.response.headers.data);
                assert_null(event.subprotocol.data);
            }
            if (how == 0)
                upf_conn_eof(&session.conn);
            if (how == 1)
                upf_conn_lost(&session.conn);
            if (how == 2)
                assert_status(upf_close(&session.conn, 1000, NULL), UPF_OK);
            if (how == 2 || how == 3)
                for (uint64_t now = 1000; now < 2000000; now += 1000)
                    upf_conn_tick(&session.conn, now);
            event = first_event(&session, UPF_EVENT_CLOSE);
            assert_int_equal(event.response.status, 0);
            assert_null(event.response.headers.data);
            session_free(&session);
        }
}

/* ---- Keepalive ---------------------------------------------------------- */

static void without_memory_for_a_ping_the_connection_fails(void **state)
{
    (void)state;
    struct session session;

    start_open(&session, OPEN_SERVER);
    session_tick(&session, 1000);
    fail_call(&session, 1);
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
    session_tick(&session, 1000);
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
    session_tick(&session, 1000);
    session_tick(&session, 28000); /* the ping; 20 s for its pong */
    assert_true(upf_conn_deadline(&session.conn) == 48000);
    session_give(&session, "\x81", 1);
    assert_true(upf_conn_deadline(&session.conn) == 31000);
    session_tick(&session, 31000);
    assert_true(upf_conn_deadline(&session.conn) == 58000);
    session_free(&session);
}

/* ---- Sending ------------------------------------------------------------ */

static void no_slices_make_an_empty_message(void **state)
{
    (void)state;
    for (int encoded = 0; encoded < 2; encoded++) {
        struct session session;
        struct blob    text = {0};

        if (encoded)
            start_encoded(&session, false);
        else
            start_open(&session, OPEN_SERVER);
        assert_status(upf_sendv(&session.conn, UPF_OP_TEXT, NULL, 0), UPF_OK);
        assert_status(upf_send(&session.conn, UPF_OP_TEXT, NULL, 0), UPF_OK);
        session_write(&session);
        show_frames(&text, session.output.data, session.output.len,
                    FROM_SERVER, RSV1);
        assert_text(blob_str(&text),
                    encoded ? "fin rsv1 TEXT 0 \"\"\nfin rsv1 TEXT 0 \"\"\n"
                            : "fin TEXT 0 \"\"\nfin TEXT 0 \"\"\n");
        blob_free(&text);
        session_free(&session);
    }
}

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

static void nothing_fits_a_queue_that_control_frames_overfill(void **state)
{
    (void)state;
    struct session session;
    upf_conn      *conn = &session.conn;
    uint8_t        room[32] = {0};

    session_prepare(&session);
    session.config.max_queued = 20;
    session_begin(&session, OPEN_SERVER);
    session_give(&session, NULL, 0);
    upf_shared *shared = upf_shared_new(&session.config, UPF_OP_TEXT, "", 0);
    assert_non_null(shared);
    for (int i = 0; i < 3; i++)
        assert_status(upf_ping(conn, "0123456", 7), UPF_OK);
    assert_int_equal(upf_conn_queued(conn), 27);

    assert_status(upf_send(conn, UPF_OP_TEXT, NULL, 0), UPF_ERR_QUEUE_FULL);
    assert_status(upf_sendv(conn, UPF_OP_TEXT, NULL, 0), UPF_ERR_QUEUE_FULL);
    assert_status(upf_send_part(conn, UPF_OP_TEXT, NULL, 0, true),
                  UPF_ERR_QUEUE_FULL);
    assert_status(upf_send_in_place(conn, UPF_OP_TEXT, room + 16, 0),
                  UPF_ERR_QUEUE_FULL);
    assert_status(upf_send_shared(conn, shared), UPF_ERR_QUEUE_FULL);
    assert_int_equal(upf_conn_queued(conn), 27);
    session_write(&session);
    assert_status(upf_send_shared(conn, shared), UPF_OK);
    upf_shared_free(shared);
    session_free(&session);
}

static void a_shared_message_of_impossible_size_is_refused(void **state)
{
    (void)state;
    struct fake_alloc alloc  = {.calls = 0};
    upf_config        config = upf_config_default();

    config.alloc      = fake_alloc;
    config.alloc_user = &alloc;
    for (size_t less = 0; less < 16; less++)
        assert_null(upf_shared_new(&config, UPF_OP_BINARY, "x",
                                   SIZE_MAX - less));
    assert_int_equal(alloc.calls, 0);
    alloc.fault = (struct fault){1, true};
    assert_null(upf_shared_new(&config, UPF_OP_BINARY, "x", 1));
    upf_shared_free(NULL);
}

/* ---- Receiving ---------------------------------------------------------- */

static void without_memory_a_split_control_frame_fails(void **state)
{
    (void)state;
    static const unsigned opcodes[] = {PING, PONG, CLOSE};

    for (size_t i = 0; i < 3; i++) {
        struct session session;
        struct blob    bytes = {0};

        put_text(&bytes, FROM_CLIENT, FIN | opcodes[i], "\x03\xE8 split");
        start_open(&session, OPEN_SERVER);
        fail_call(&session, 1);
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
    fail_from_now_on(&session); /* the message's block has room */
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

/* The half waits in the block that the first piece was decoded to. */
static void half_a_code_point_waits_without_further_memory(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};

    start_encoded(&session, true);
    put_encoded(&bytes, RSV1 | TEXT, "euro \xE2\x82");
    session_give_blob(&session, &bytes);
    blob_clear(&bytes);
    put_encoded(&bytes, FIN | CONT, "\xAC");
    fail_from_now_on(&session);
    session_give_blob(&session, &bytes);
    assert_log(&session, "REQUEST GET /chat status=UPF_OK\nOPEN\n"
               "CHUNK text first last 8 6575726f20e282ac\n");
    session_free(&session);
    blob_free(&bytes);
}

static void an_encoded_message_may_end_with_nothing(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};

    start_encoded(&session, true);
    put_encoded(&bytes, RSV1 | TEXT, "all of it");
    put_encoded(&bytes, CONT, "");
    put_encoded(&bytes, FIN | CONT, "");
    put_encoded(&bytes, FIN | RSV1 | BINARY, "");
    session_give_blob(&session, &bytes);
    assert_log(&session, "REQUEST GET /chat status=UPF_OK\nOPEN\n"
               "CHUNK text first last 9 \"all of it\"\n"
               "CHUNK binary first last 0 \"\"\n");
    session_free(&session);
    blob_free(&bytes);
}

/* ---- Where the next bytes belong ---------------------------------------- */

static void assert_no_room(struct session *session)
{
    const size_t calls = session->alloc.calls;
    size_t       len   = 77;

    assert_null(upf_conn_room(&session->conn, &len));
    assert_int_equal(len, 77);
    assert_int_equal(session->alloc.calls, calls);
}

static void assert_room(struct session *session, size_t least, size_t most)
{
    size_t   len  = 0;
    uint8_t *room = upf_conn_room(&session->conn, &len);

    assert_non_null(room);
    assert_in_range(len, least, most);
    memset(room, 0xEE, len);
}

static void there_is_no_room_before_open_and_after_close(void **state)
{
    (void)state;
    struct session session;

    session_start(&session, SERVER);
    assert_no_room(&session);
    session_give(&session, HEAD_REQUEST, 30);
    assert_no_room(&session);
    session_free(&session);
    assert_no_room(&session);

    start_deferred(&session);
    assert_no_room(&session);
    assert_status(upf_accept(&session.conn, NULL, NULL, 0), UPF_OK);
    assert_no_room(&session);
    session_free(&session);

    session_start(&session, CLIENT);
    assert_no_room(&session);
    session_give(&session, "HTTP/1.1 ", 9);
    assert_no_room(&session);
    session_eof(&session);
    assert_status(session.last, UPF_DONE);
    assert_no_room(&session);
    session_free(&session);
}

/* A server that has read so much of a frame of 10,000 bytes. */
static void start_large(struct session *session, size_t some, bool stream)
{
    struct blob bytes = {0};

    put_run(&bytes, FROM_CLIENT, FIN | BINARY, 'l', 10000);
    session_prepare(session);
    session->config.stream = stream;
    session_begin(session, OPEN_SERVER);
    session_give(session, bytes.data, some);
    blob_free(&bytes);
}

static void there_is_room_inside_a_large_payload_only(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};

    start_large(&session, 0, false);
    assert_no_room(&session);
    session_free(&session);
    for (size_t some = 1; some < 8; some++) { /* inside the header */
        start_large(&session, some, false);
        assert_no_room(&session);
        session_free(&session);
    }
    start_large(&session, 8, false);
    assert_room(&session, 2048, 4096);
    session_free(&session);
    start_large(&session, 8 + 10000 - 2048, false);
    assert_room(&session, 2048, 2048);
    session_free(&session);
    start_large(&session, 8 + 10000 - 2047, false); /* not worth a read */
    assert_no_room(&session);
    session_free(&session);

    start_large(&session, 100, true); /* chunks lie in the input */
    assert_no_room(&session);
    session_free(&session);

    start_open(&session, OPEN_SERVER);
    put_run(&bytes, FROM_CLIENT, FIN | PING, 'p', 125);
    session_give(&session, bytes.data, 20);
    assert_no_room(&session);
    session_free(&session);
    blob_free(&bytes);
}

static void a_failure_or_no_memory_leaves_no_room(void **state)
{
    (void)state;
    struct session session;
    size_t         len;

    start_large(&session, 8, false);
    fail_from_now_on(&session);
    assert_null(upf_conn_room(&session.conn, &len));
    fail_no_more(&session);
    assert_room(&session, 2048, 4096);
    upf_conn_lost(&session.conn);
    assert_no_room(&session);
    session_free(&session);
}

static void our_close_leaves_room_for_what_the_peer_still_sends(void **state)
{
    (void)state;
    struct session session;

    start_large(&session, 8, false);
    assert_status(upf_close(&session.conn, 1000, NULL), UPF_OK);
    assert_room(&session, 2048, 4096);
    session_free(&session);
}

static void an_encoded_payload_has_no_room(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};

    start_encoded(&session, false);
    put_run(&bytes, FROM_CLIENT, FIN | RSV1 | BINARY, 1, 10000);
    session_give(&session, bytes.data, 100);
    assert_no_room(&session);
    session_free(&session);
    blob_free(&bytes);
}

/* The event lies where the room would be. */
static void there_is_no_room_while_an_event_is_in_it(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};
    upf_input      input;

    put_run(&bytes, FROM_CLIENT, BINARY, 'a', 50);
    put_run(&bytes, FROM_CLIENT, FIN | PING, 'p', 5);
    start_open(&session, OPEN_SERVER);
    put_text(&bytes, FROM_CLIENT, FIN | CONT, "end");
    session_give(&session, bytes.data, 20);
    input = (upf_input){bytes.data + 20, bytes.len - 20};
    next_event(&session, &input, UPF_EVENT_PING);
    assert_no_room(&session);
    const upf_event event = next_event(&session, &input, UPF_EVENT_MESSAGE);
    assert_no_room(&session);
    assert_int_equal(event.len, 53);
    assert_memory_equal(event.data + 49, "aend", 4);
    session_free(&session);
    blob_free(&bytes);
}

/* ---- Memory that lies next to the library's ------------------------------
 *
 * An allocator over an array of the application's, which has its buffers in
 * front of each block and behind it, without a gap.
 */

enum { APART = 8192 };

static struct {
    _Alignas(max_align_t) uint8_t memory[8 * APART];
    size_t   used;
    uint8_t *first, *end; /* of the first block */
} array;

static void *array_alloc(void *user, void *ptr, size_t old_size,
                         size_t new_size)
{
    (void)user;
    if (new_size == 0)
        return NULL;
    if (array.used + APART + new_size + APART > sizeof array.memory)
        return NULL;
    uint8_t *block = array.memory + array.used + APART;
    array.used += (APART + new_size + 15) / 16 * 16;
    if (array.first == NULL) {
        array.first = block;
        array.end   = block + new_size;
    }
    if (ptr != NULL)
        memcpy(block, ptr, old_size < new_size ? old_size : new_size);
    return block;
}

static void start_array(struct session *session)
{
    memset(&array, 0, sizeof array);
    session_prepare(session);
    session->config.alloc = array_alloc;
    session_begin(session, OPEN_SERVER);
    session_give(session, NULL, 0);
}

/* Take what was sent without masking it, so that it lies as it was put. */
static void give_at(struct session *session, uint8_t *at, const uint8_t *bytes,
                    size_t len)
{
    upf_input input = {at, len};

    memmove(at, bytes, len);
    session_input(session, &input);
    memset(at, 0xDD, len);
}

static void input_behind_the_block_is_not_taken_for_room(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0}, message = {0}, expected = {0};
    uint8_t        elsewhere[APART];

    start_array(&session);
    put_run(&bytes, FROM_CLIENT, BINARY, 'a', 10);
    give_at(&session, elsewhere, bytes.data, bytes.len);
    assert_non_null(array.first);

    /* Fill the block to its last byte. */
    const size_t capacity = upf_buf_capacity(&session.conn.assembly);
    assert_in_range(capacity, 11, APART / 2);
    assert_ptr_equal(session.conn.assembly.data + capacity, array.end);
    blob_clear(&bytes);
    put_run(&bytes, FROM_CLIENT, CONT, 'b', capacity - 10);
    give_at(&session, elsewhere, bytes.data, bytes.len);

    /* The rest of the message comes in from right behind it. */
    blob_clear(&bytes);
    put_run(&bytes, FROM_CLIENT, FIN | CONT, 'c', 100);
    give_at(&session, elsewhere, bytes.data, 6);
    give_at(&session, array.end, bytes.data + 6, 50);
    give_at(&session, elsewhere, bytes.data + 56, 50);
    blob_fill(&message, 'a', 10);
    blob_fill(&message, 'b', capacity - 10);
    blob_fill(&message, 'c', 100);
    blob_printf(&expected, "OPEN\nMESSAGE binary %zu ", message.len);
    blob_show(&expected, message.data, message.len);
    blob_text(&expected, "\n");
    assert_log(&session, blob_str(&expected));
    upf_conn_free(&session.conn);
    session_free(&session);
    blob_free(&bytes);
    blob_free(&message);
    blob_free(&expected);
}

/* A reply of 5,000 bytes, from next to a message that lies in the block. */
static void check_reply(ptrdiff_t from_first, ptrdiff_t from_end)
{
    struct session session;
    struct blob    bytes = {0}, expected = {0};
    upf_slice      slice;

    put_run(&bytes, FROM_CLIENT, FIN | BINARY, 'm', 100);
    put_run(&expected, FROM_SERVER, FIN | BINARY, 'r', 5000);
    start_array(&session);
    session_give(&session, bytes.data, 50);

    upf_input input = {bytes.data + 50, bytes.len - 50};
    const upf_event event = next_event(&session, &input, UPF_EVENT_MESSAGE);
    assert_in_range((uintptr_t)event.data, (uintptr_t)array.first,
                    (uintptr_t)array.end);
    uint8_t *reply = from_first != 0 ? array.first + from_first
                                     : array.end + from_end;
    memset(reply, 'r', 5000);
    assert_status(upf_send_in_place(&session.conn, UPF_OP_BINARY, reply, 5000),
                  UPF_OK);
    assert_int_equal(upf_conn_output(&session.conn, &slice, 1), 1);
    assert_ptr_equal(slice.data, reply - 4);

    /* It was borrowed, and was not the library's to keep. */
    assert_status(upf_conn_output_done(&session.conn, 0), UPF_OK);
    memset(reply, 0xDD, 5000);
    session_write(&session);
    assert_true(blob_equal(&session.output, &expected));
    upf_conn_free(&session.conn);
    session_free(&session);
    blob_free(&bytes);
    blob_free(&expected);
}

static void a_reply_next_to_the_block_is_borrowed(void **state)
{
    (void)state;
    check_reply(-5000, 0);
    check_reply(-6000, 0);
    check_reply(0, 0); /* its header is written to the end of the event */
    check_reply(0, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_allocator_or_no_random_source_is_refused),
        cmocka_unit_test(a_malformed_subprotocol_of_ours_is_refused),
        cmocka_unit_test(after_any_init_that_failed_all_calls_are_safe),
        cmocka_unit_test(a_client_whose_handshake_failed_closes_at_once),
        cmocka_unit_test(a_deferred_request_has_all_the_time_it_wants),
        cmocka_unit_test(an_event_that_is_due_is_due_now),
        cmocka_unit_test(
            without_memory_a_request_cannot_be_deferred_but_answered),
        cmocka_unit_test(an_answer_may_have_headers_of_any_length),
        cmocka_unit_test(without_a_response_its_status_is_0),
        cmocka_unit_test(without_memory_for_a_ping_the_connection_fails),
        cmocka_unit_test(pings_that_do_not_leave_are_as_good_as_one_more),
        cmocka_unit_test(a_byte_ends_the_wait_for_a_pong_at_the_next_tick),
        cmocka_unit_test(no_slices_make_an_empty_message),
        cmocka_unit_test(a_control_payload_of_nowhere_is_refused),
        cmocka_unit_test(nothing_fits_a_queue_that_control_frames_overfill),
        cmocka_unit_test(a_shared_message_of_impossible_size_is_refused),
        cmocka_unit_test(without_memory_a_split_control_frame_fails),
        cmocka_unit_test(a_split_control_frame_fits_behind_half_a_message),
        cmocka_unit_test(a_split_control_frame_takes_its_length),
        cmocka_unit_test(half_a_code_point_waits_without_further_memory),
        cmocka_unit_test(an_encoded_message_may_end_with_nothing),
        cmocka_unit_test(there_is_no_room_before_open_and_after_close),
        cmocka_unit_test(there_is_room_inside_a_large_payload_only),
        cmocka_unit_test(a_failure_or_no_memory_leaves_no_room),
        cmocka_unit_test(
            our_close_leaves_room_for_what_the_peer_still_sends),
        cmocka_unit_test(an_encoded_payload_has_no_room),
        cmocka_unit_test(there_is_no_room_while_an_event_is_in_it),
        cmocka_unit_test(input_behind_the_block_is_not_taken_for_room),
        cmocka_unit_test(a_reply_next_to_the_block_is_borrowed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
