/* SPDX-License-Identifier: MIT */
/* test_conn_client.c - a client opens, or does not (RFC 6455, section 4.1). */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "support/heads.h"
#include "support/split.h"

static const char *const chat_protocols[] = {"chat", "superchat", NULL};

static void offer_chat(upf_config *config)
{
    config->subprotocols = chat_protocols;
}

/* What a session sends first: the key in it is the same each time. */
static void get_request(struct blob *request, void (*configure)(upf_config *))
{
    struct session session;

    session_prepare(&session);
    if (configure != NULL)
        configure(&session.config);
    session_begin(&session, CLIENT);
    session_give(&session, NULL, 0);
    blob_add(request, session.output.data, session.output.len);
    session_free(&session);
}

/* A scene of a client that reads a 101 with further lines. */
static struct scene reads_101(const char *more,
                              void (*configure)(upf_config *))
{
    struct scene scene = {.role = CLIENT, .configure = configure};
    struct blob  request = {0};

    get_request(&request, configure);
    put_101(&scene.bytes, &request, more);
    blob_free(&request);
    return scene;
}

/* ---- The request ------------------------------------------------------ */

static void the_request_is_these_bytes(void **state)
{
    (void)state;
    struct blob request = {0}, expected = {0};
    char        key[256] = "";

    get_request(&request, NULL);
    assert_int_equal(head_field(&request, "Sec-WebSocket-Key", key), 1);
    assert_int_equal(strlen(key), 24);
    assert_non_null(strchr("AQgw", key[21]));
    assert_string_equal(key + 22, "==");
    blob_printf(&expected, "GET /chat HTTP/1.1\r\nHost: example.com\r\n"
                "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n",
                key);
    assert_text(blob_str(&request), blob_str(&expected));
    blob_free(&request);
    blob_free(&expected);
}

static void the_request_has_what_was_asked_for(void **state)
{
    (void)state;
    static const upf_header headers[] = {{"Authorization", "Basic eDp5"},
                                         {"Cookie", "a=b"}};
    struct session session;

    session_prepare(&session);
    session.config.subprotocols = chat_protocols;
    session.request = (upf_client_request){
        .url = "wss://[::1]:9001?room=1", .origin = "https://a.example",
        .headers = headers, .header_count = 2,
    };
    session_begin(&session, CLIENT);
    session_give(&session, NULL, 0);
    assert_status_line(&session.output, "GET /?room=1 HTTP/1.1");
    assert_field(&session.output, "Host", "[::1]:9001");
    assert_field(&session.output, "Origin", "https://a.example");
    assert_field(&session.output, "Authorization", "Basic eDp5");
    assert_field(&session.output, "Cookie", "a=b");
    assert_field(&session.output, "Sec-WebSocket-Protocol", "chat, superchat");
    session_free(&session);
}

/* A setting that nobody made is no programmer's mistake: it is judged. */
static void a_missing_url_is_refused(void **state)
{
    (void)state;
    const upf_client_request request = {.url = NULL};
    upf_conn conn;

    assert_status(upf_conn_init_client(&conn, NULL, &request), UPF_ERR_URL);
    assert_int_equal(upf_conn_queued(&conn), 0);
    upf_conn_free(&conn);
}

static void what_would_inject_is_refused(void **state)
{
    (void)state;
    static const upf_header wrong[] = {
        {"X-Bad", "a\r\nInjected: yes"}, {"X\r\n", "x"}, {"Bad name", "x"},
        {"", "x"}, {"Host", "other"}, {"Upgrade", "x"}, {"Connection", "x"},
        {"Sec-WebSocket-Key", "x"},
    };
    static const char *const lists[][3] = {
        {"bad protocol", NULL}, {"", NULL}, {"a\r\nb", NULL}, {"a,b", NULL},
        {"chat", "chat", NULL},
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const upf_client_request request = {
            .url = "ws://a/", .headers = &wrong[i], .header_count = 1,
        };
        upf_conn conn;

        if (upf_conn_init_client(&conn, NULL, &request) != UPF_ERR_ARGUMENT)
            fail_msg("sent header %s: %s", wrong[i].name, wrong[i].value);
        assert_int_equal(upf_conn_queued(&conn), 0);
        upf_conn_free(&conn);
    }
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const upf_client_request request = {.url = "ws://a/"};
        upf_config config = upf_config_default();
        upf_conn   conn;

        config.subprotocols = lists[i];
        if (upf_conn_init_client(&conn, &config, &request) != UPF_ERR_ARGUMENT)
            fail_msg("offered %s", lists[i][0]);
        upf_conn_free(&conn);
    }
    const upf_client_request origin = {.url = "ws://a/", .origin = "a\r\nb"};
    upf_conn conn;
    assert_status(upf_conn_init_client(&conn, NULL, &origin),
                  UPF_ERR_ARGUMENT);
    upf_conn_free(&conn);
    const upf_client_request url = {.url = "http://a/"};
    assert_status(upf_conn_init_client(&conn, NULL, &url), UPF_ERR_URL);
    upf_conn_free(&conn);
}

static void each_connection_has_a_key_of_its_own(void **state)
{
    (void)state;
    char last[256] = "", key[256];
    struct fake_random random = {.state = 99};

    for (int i = 0; i < 1000; i++) {
        struct session session;

        session_prepare(&session);
        session.config.random_user = &random;
        session_begin(&session, CLIENT);
        session_give(&session, NULL, 0);
        assert_int_equal(head_field(&session.output, "Sec-WebSocket-Key", key),
                         1);
        assert_string_not_equal(key, last);
        strcpy(last, key);
        assert_int_equal(random.last, 16);
        session_free(&session);
    }
    assert_int_equal(random.calls, 1000);
}

static void without_random_bytes_there_is_no_request(void **state)
{
    (void)state;
    struct session session;

    session_prepare(&session);
    session.random.fault.at = 1;
    assert_status(upf_conn_init_client(&session.conn, &session.config,
                                       &session.request), UPF_ERR_RANDOM);
    assert_int_equal(upf_conn_queued(&session.conn), 0);
    session_free(&session);
}

static void without_memory_there_is_no_request(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 5; n++) {
        struct session session;

        session_prepare(&session);
        session.alloc.fault.at = n;
        const upf_status status = upf_conn_init_client(
            &session.conn, &session.config, &session.request);
        assert_true(n > 1 || status == UPF_ERR_NO_MEMORY);
        if (status != UPF_OK) {
            assert_status(status, UPF_ERR_NO_MEMORY);
            assert_int_equal(upf_conn_queued(&session.conn), 0);
        }
        session_free(&session);
    }
}

static void nothing_else_is_sent_before_the_response(void **state)
{
    (void)state;
    struct session session;
    struct blob    request = {0};

    session_start(&session, CLIENT);
    assert_int_equal(upf_conn_wants(&session.conn),
                     UPF_WANTS_READ | UPF_WANTS_WRITE);
    assert_status(upf_send(&session.conn, UPF_OP_TEXT, "x", 1), UPF_ERR_STATE);
    assert_status(upf_ping(&session.conn, NULL, 0), UPF_ERR_STATE);
    session_give(&session, NULL, 0);
    assert_status(upf_send(&session.conn, UPF_OP_TEXT, "x", 1), UPF_ERR_STATE);
    assert_false(upf_conn_is_open(&session.conn));
    session_write(&session);
    assert_int_equal(head_len(&session.output), session.output.len);
    session_free(&session);
    blob_free(&request);
}

/* ---- The response ----------------------------------------------------- */

static void frames_behind_the_101_are_frames_at_any_cut(void **state)
{
    (void)state;
    struct scene   scene = reads_101("X-Other: y\r\n", NULL);
    struct outcome outcome;
    struct blob    frames = {0};

    scene.app = app_echo;
    put_text(&scene.bytes, FROM_SERVER, FIN | TEXT, "welcome");
    put_text(&scene.bytes, FROM_SERVER, FIN | PING, "ping");
    put_close(&scene.bytes, FROM_SERVER, 1001, NULL);
    scene_run(&scene, &outcome);
    assert_text(blob_str(&outcome.log),
                "OPEN\nMESSAGE text 7 \"welcome\"\nPING 4 \"ping\"\n"
                "CLOSE 1001 sent=1001 clean=1 status=UPF_OK reason=\"\"\n");

    const size_t len = head_len(&outcome.output);
    blob_add(&frames, outcome.output.data + len, outcome.output.len - len);
    assert_frames(&frames, FROM_CLIENT, "fin TEXT 7 \"welcome\"\n"
                  "fin PONG 4 \"ping\"\nfin CLOSE 1001 \"\"\n");
    outcome_free(&outcome);
    blob_free(&scene.bytes);
    blob_free(&frames);
}

static void check_open(struct session *session, const upf_event *event)
{
    upf_str value;

    (void)session;
    if (event->type != UPF_EVENT_OPEN)
        return;
    assert_int_equal(event->response.status, 101);
    assert_true(upf_header_find(event->response.headers, "set-cookie",
                                &value));
    assert_int_equal(value.len, 4);
    assert_memory_equal(value.data, "id=7", 4);
    assert_int_equal(event->subprotocol.len, 9);
}

static void the_response_is_readable_when_it_opens(void **state)
{
    (void)state;
    struct scene   scene = reads_101("Set-Cookie: id=7\r\n"
                                     "Sec-WebSocket-Protocol: superchat\r\n",
                                     offer_chat);
    struct outcome outcome;

    scene.app = check_open;
    scene_run(&scene, &outcome);
    assert_text(blob_str(&outcome.log), "OPEN subprotocol=\"superchat\"\n");
    outcome_free(&outcome);
    blob_free(&scene.bytes);
}

static void the_handshake_leaves_no_memory_behind(void **state)
{
    (void)state;
    struct scene   scene = reads_101("", NULL);
    struct session session;

    session_start(&session, CLIENT);
    session_give(&session, NULL, 0);
    for (size_t i = 0; i < scene.bytes.len; i++)
        session_give(&session, scene.bytes.data + i, 1);
    assert_log(&session, "OPEN\n");
    assert_int_equal(session.alloc.live, 0);
    session_free(&session);
    blob_free(&scene.bytes);
}

/* Any other answer reaches the application with its headers. */
static void check_refusal(struct session *session, const upf_event *event)
{
    upf_str value;

    if (event->type != UPF_EVENT_CLOSE)
        return;
    assert_int_equal(event->response.status, *(const int *)session->user);
    assert_true(upf_header_find(event->response.headers, "x-why", &value));
    assert_int_equal(value.len, 7);
    assert_memory_equal(value.data, "because", 7);
}

static void any_other_status_closes_and_is_readable(void **state)
{
    (void)state;
    static const int statuses[] = {200, 204, 301, 302, 400, 401, 403, 404,
                                   407, 426, 500, 503, 599};

    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct scene   scene = {.role = CLIENT, .app = check_refusal,
                                .user = (void *)&statuses[i]};
        struct outcome outcome;
        struct blob    log = {0};

        blob_printf(&scene.bytes, "HTTP/1.1 %d What\r\nX-Why: because\r\n"
                    "Location: ws://b.example/\r\nContent-Length: 4\r\n\r\n"
                    "body", statuses[i]);
        scene_run(&scene, &outcome);
        blob_printf(&log, "CLOSE 1006 sent=0 clean=0 status=UPF_ERR_RESPONSE "
                    "response=%d%s reason=\"\"\n", statuses[i],
                    statuses[i] == 204 ? "" : " body=\"body\"");
        assert_text(blob_str(&outcome.log), blob_str(&log));
        /* Nothing more is sent. */
        assert_int_equal(head_len(&outcome.output), outcome.output.len);
        outcome_free(&outcome);
        blob_free(&scene.bytes);
        blob_free(&log);
    }
}

/* A 101 in which one line is another. */
static void put_changed_101(struct blob *to, const char *name,
                            const char *lines)
{
    struct blob request = {0}, right = {0};

    get_request(&request, NULL);
    put_101(&right, &request, "");

    const char *line = strstr(blob_str(&right), name);
    assert_non_null(line);
    const char *next = strstr(line, "\r\n") + 2;
    blob_add(to, right.data, (size_t)(line - blob_str(&right)));
    blob_text(to, lines);
    blob_text(to, next);
    blob_free(&request);
    blob_free(&right);
}

static const struct {
    const char *name;  /* the line to replace */
    const char *lines; /* by these */
    upf_status  status;
} wrong[] = {
    {"Upgrade:", "", UPF_ERR_UPGRADE},
    {"Upgrade:", "Upgrade: websocket2\r\n", UPF_ERR_UPGRADE},
    {"Upgrade:", "Upgrade: h2c\r\n", UPF_ERR_UPGRADE},
    {"Connection:", "", UPF_ERR_CONNECTION},
    {"Connection:", "Connection: upgraded\r\n", UPF_ERR_CONNECTION},
    {"Connection:", "Connection: keep-alive\r\n", UPF_ERR_CONNECTION},
    {"Sec-WebSocket-Accept:", "", UPF_ERR_ACCEPT},
    {"Sec-WebSocket-Accept:", "Sec-WebSocket-Accept: " HEAD_ACCEPT "\r\n",
     UPF_ERR_ACCEPT},
    {"Sec-WebSocket-Accept:", "Sec-WebSocket-Accept: \r\n", UPF_ERR_ACCEPT},
    {"Upgrade:", "Upgrade: websocket\r\nSec-WebSocket-Protocol: chat\r\n",
     UPF_ERR_SUBPROTOCOL_NOT_OFFERED},
    {"Upgrade:", "Upgrade: websocket\r\nSec-WebSocket-Extensions: x-runs\r\n",
     UPF_ERR_EXTENSION_NOT_OFFERED},
    {"HTTP/1.1", "HTTP/1.0 101 Switching Protocols\r\n",
     UPF_ERR_HTTP_VERSION},
    {"HTTP/1.1", "HTTP/2.0 101 Switching Protocols\r\n",
     UPF_ERR_HTTP_VERSION},
    {"HTTP/1.1", "HTTP/1.1 1O1 Switching Protocols\r\n", UPF_ERR_HTTP},
    {"HTTP/1.1", "nonsense\r\n", UPF_ERR_HTTP},
    {"Upgrade:", "Upgrade: websocket\r\nBad Name: x\r\n", UPF_ERR_HTTP},
};

static void a_101_that_is_not_right_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct scene   scene = {.role = CLIENT};
        struct outcome outcome;
        char           line[64];

        put_changed_101(&scene.bytes, wrong[i].name, wrong[i].lines);
        put_text(&scene.bytes, FROM_SERVER, FIN | TEXT, "never seen");
        scene_run(&scene, &outcome);
        snprintf(line, sizeof line, "CLOSE 1006 sent=0 clean=0 status=%s ",
                 upf_status_name(wrong[i].status));
        if (strncmp(blob_str(&outcome.log), line, strlen(line)) != 0)
            fail_msg("%s%s came to\n%s", wrong[i].lines, line,
                     blob_str(&outcome.log));
        assert_int_equal(head_len(&outcome.output), outcome.output.len);
        outcome_free(&outcome);
        blob_free(&scene.bytes);
    }
}

/* As for a server: a head that is wrong as a whole is so from its first byte.
 * (The statuses of HTTP have the byte that shows it.) */
static void a_wrong_101_is_at_fault_from_its_start(void **state)
{
    (void)state;
    static const char early[] = "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n";

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        for (size_t piece = 1; piece < 1000; piece += 30) {
            struct session session;
            struct blob    bytes = {0};

            if (strcmp(wrong[i].name, "HTTP/1.1") == 0)
                continue;
            blob_text(&bytes, early);
            put_changed_101(&bytes, wrong[i].name, wrong[i].lines);
            session_start(&session, CLIENT);
            session_give(&session, NULL, 0);
            for (size_t at = 0; at < bytes.len; at += piece)
                session_give(&session, bytes.data + at,
                             bytes.len - at < piece ? bytes.len - at : piece);
            assert_status(session.log.status, wrong[i].status);
            assert_int_equal(session.log.close.offset, sizeof early - 1);
            session_free(&session);
            blob_free(&bytes);
        }
    }
}

static const struct {
    const char *name;
    const char *lines;
} right[] = {
    {"Upgrade:", "upgrade:  WebSocket \r\n"},
    {"Upgrade:", "UPGRADE:WEBSOCKET\r\n"},
    {"Connection:", "Connection: keep-alive, upgrade\r\n"},
    {"Connection:", "Connection: keep-alive\r\nConnection: UPGRADE\r\n"},
    {"HTTP/1.1", "HTTP/1.1 101 \r\n"},
    {"HTTP/1.1", "HTTP/1.1 101 Any words\r\n"},
};

static void a_101_may_be_written_in_other_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        struct scene   scene = {.role = CLIENT};
        struct outcome outcome;

        put_changed_101(&scene.bytes, right[i].name, right[i].lines);
        scene_run(&scene, &outcome);
        if (strcmp(blob_str(&outcome.log), "OPEN\n") != 0)
            fail_msg("%scame to\n%s", right[i].lines, blob_str(&outcome.log));
        outcome_free(&outcome);
        blob_free(&scene.bytes);
    }
}

static void a_subprotocol_must_be_one_that_was_offered(void **state)
{
    (void)state;
    static const struct { const char *lines; bool ok; } table[] = {
        {"", true},
        {"Sec-WebSocket-Protocol: chat\r\n", true},
        {"Sec-WebSocket-Protocol: Chat\r\n", false},
        {"Sec-WebSocket-Protocol: mqtt\r\n", false},
        {"Sec-WebSocket-Protocol: \r\n", false},
        {"Sec-WebSocket-Protocol: chat, superchat\r\n", false},
        {"Sec-WebSocket-Protocol: chat\r\n"
         "Sec-WebSocket-Protocol: superchat\r\n", false},
        {"Sec-WebSocket-Protocol: chat\r\n"
         "Sec-WebSocket-Protocol: chat\r\n", false},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct scene   scene = reads_101(table[i].lines, offer_chat);
        struct outcome outcome;

        scene_run(&scene, &outcome);
        if ((strstr(blob_str(&outcome.log), "OPEN") != NULL) != table[i].ok ||
            (!table[i].ok && strstr(blob_str(&outcome.log),
                                    "UPF_ERR_SUBPROTOCOL") == NULL))
            fail_msg("%scame to\n%s", table[i].lines, blob_str(&outcome.log));
        outcome_free(&outcome);
        blob_free(&scene.bytes);
    }
}

static void responses_before_the_101_are_skipped(void **state)
{
    (void)state;
    struct scene scene = {.role = CLIENT};
    struct blob  request = {0};

    get_request(&request, NULL);
    blob_text(&scene.bytes, "HTTP/1.1 100 Continue\r\n\r\n"
              "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n");
    put_101(&scene.bytes, &request, "");
    put_text(&scene.bytes, FROM_SERVER, FIN | TEXT, "after");

    struct outcome outcome;
    scene_run(&scene, &outcome);
    assert_text(blob_str(&outcome.log), "OPEN\nMESSAGE text 5 \"after\"\n");
    outcome_free(&outcome);
    blob_free(&scene.bytes);
    blob_free(&request);
}

/* Every status there is: 1xx but 101 is skipped, any other is the answer. */
static void only_1xx_is_skipped_before_the_101(void **state)
{
    (void)state;
    struct blob request = {0};

    get_request(&request, NULL);
    for (int status = 100; status < 600; status++) {
        struct session session;
        struct blob    bytes = {0};

        if (status == 101)
            continue;
        blob_printf(&bytes, "HTTP/1.1 %d x\r\n\r\n", status);
        put_101(&bytes, &request, "");
        session_start(&session, CLIENT);
        session_write(&session);
        session_give_blob(&session, &bytes);
        if (upf_conn_is_open(&session.conn) != (status < 200))
            fail_msg("%d was %staken for an interim response", status,
                     status < 200 ? "not " : "");
        session_free(&session);
        blob_free(&bytes);
    }
    blob_free(&request);
}

static void endless_responses_before_the_101_are_given_up(void **state)
{
    (void)state;
    static const char early[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct session session;

    session_start(&session, CLIENT);
    for (int i = 0; i < 100000 && session.last != UPF_DONE; i++)
        session_give(&session, early, sizeof early - 1);
    assert_status(session.last, UPF_DONE);
    session_free(&session);
}

static void a_response_has_limits_too(void **state)
{
    (void)state;
    struct session session;

    session_start(&session, CLIENT);
    session_give(&session, "HTTP/1.1 101 x\r\n", 16);
    for (int i = 0; i < 100000 && session.last != UPF_DONE; i++)
        session_give(&session, "X: y\r\n", 6);
    assert_status(session.log.status, UPF_ERR_HEAD_TOO_BIG);
    assert_true(session.alloc.peak < 16 * 1024 + 4096);
    session_free(&session);
}

/* ---- Other ends ------------------------------------------------------- */

static void the_stream_may_end_inside_the_response(void **state)
{
    (void)state;
    struct scene scene = reads_101("", NULL);

    for (size_t len = 0; len < scene.bytes.len; len += 9) {
        struct session session;

        session_start(&session, CLIENT);
        session_give(&session, scene.bytes.data, len);
        session_eof(&session);
        assert_log(&session, "CLOSE 1006 sent=0 clean=0 "
                   "status=UPF_ERR_NO_RESPONSE reason=\"\"\n");
        assert_int_equal(upf_conn_wants(&session.conn), UPF_WANTS_CLOSE);
        session_free(&session);
    }
    blob_free(&scene.bytes);
}

static void a_client_may_give_up_its_handshake(void **state)
{
    (void)state;
    struct scene scene = reads_101("", NULL);

    for (size_t len = 0; len < scene.bytes.len; len += 9) {
        struct session session;

        session_start(&session, CLIENT);
        session_give(&session, scene.bytes.data, len);
        assert_status(upf_close(&session.conn, 1000, NULL), UPF_OK);
        assert_status(upf_close(&session.conn, 1000, NULL), UPF_ERR_STATE);
        session_give(&session, NULL, 0);
        assert_int_equal(session.log.count[UPF_EVENT_OPEN], 0);
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 1);
        assert_int_equal(session.log.close.code, 1006);
        assert_int_equal(session.log.close.sent_code, 0);
        assert_int_equal(head_len(&session.output), session.output.len);
        session_free(&session);
    }
    blob_free(&scene.bytes);
}

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

/* ---- Adoption --------------------------------------------------------- */

static void an_adopted_connection_reports_its_subprotocol(void **state)
{
    (void)state;
    for (int client = 0; client < 2; client++) {
        struct session session;
        struct blob    bytes = {0};

        session_prepare(&session);
        session.role = client ? OPEN_CLIENT : OPEN_SERVER;
        eventlog_begin(&session.log, client, false);
        assert_status(upf_conn_init_open(&session.conn, &session.config,
                                         client, "chat"), UPF_OK);
        put_text(&bytes, role_peer(session.role), FIN | TEXT, "left over");
        session_give_blob(&session, &bytes);
        assert_log(&session, "OPEN subprotocol=\"chat\"\n"
                   "MESSAGE text 9 \"left over\"\n");
        assert_int_equal(session.output.len, 0);
        session_free(&session);
        blob_free(&bytes);
    }
}

static void an_adopted_subprotocol_must_be_a_token(void **state)
{
    (void)state;
    upf_conn conn;

    assert_status(upf_conn_init_open(&conn, NULL, false, "a b"),
                  UPF_ERR_ARGUMENT);
    upf_conn_free(&conn);
    assert_status(upf_conn_init_open(&conn, NULL, false, ""),
                  UPF_ERR_ARGUMENT);
    upf_conn_free(&conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_is_these_bytes),
        cmocka_unit_test(the_request_has_what_was_asked_for),
        cmocka_unit_test(a_missing_url_is_refused),
        cmocka_unit_test(what_would_inject_is_refused),
        cmocka_unit_test(each_connection_has_a_key_of_its_own),
        cmocka_unit_test(without_random_bytes_there_is_no_request),
        cmocka_unit_test(without_memory_there_is_no_request),
        cmocka_unit_test(nothing_else_is_sent_before_the_response),
        cmocka_unit_test(frames_behind_the_101_are_frames_at_any_cut),
        cmocka_unit_test(the_response_is_readable_when_it_opens),
        cmocka_unit_test(the_handshake_leaves_no_memory_behind),
        cmocka_unit_test(any_other_status_closes_and_is_readable),
        cmocka_unit_test(a_101_that_is_not_right_fails),
        cmocka_unit_test(a_wrong_101_is_at_fault_from_its_start),
        cmocka_unit_test(a_101_may_be_written_in_other_ways),
        cmocka_unit_test(a_subprotocol_must_be_one_that_was_offered),
        cmocka_unit_test(responses_before_the_101_are_skipped),
        cmocka_unit_test(only_1xx_is_skipped_before_the_101),
        cmocka_unit_test(endless_responses_before_the_101_are_given_up),
        cmocka_unit_test(a_response_has_limits_too),
        cmocka_unit_test(the_stream_may_end_inside_the_response),
        cmocka_unit_test(a_client_may_give_up_its_handshake),
        cmocka_unit_test(an_adopted_connection_reports_its_subprotocol),
        cmocka_unit_test(an_adopted_subprotocol_must_be_a_token),
        cmocka_unit_test(a_client_whose_handshake_failed_closes_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
