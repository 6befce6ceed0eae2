/* SPDX-License-Identifier: MIT */
/* test_conn_request.c - a server reads a request: its target, its lists, its
 * first line. */

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

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool is(upf_str text, const char *expected)
{
    return text.data != NULL && text.len == strlen(expected) &&
           memcmp(text.data, expected, text.len) == 0;
}

/* ---- Targets ---------------------------------------------------------- */

/* What an application sees of a target: user of the session. */
struct sight {
    const char *target, *as_sent, *host;
};

static void check_target(struct session *session, const upf_event *event)
{
    const struct sight *sight = session->user;
    upf_request request;

    if (event->type != UPF_EVENT_REQUEST)
        return;
    assert_status(upf_conn_request(&session->conn, &request), UPF_OK);
    for (int i = 0; i < 2; i++) {
        const upf_request *r = i == 0 ? &event->request : &request;

        assert_true(is(r->target, sight->target));
        assert_true(is(r->target_as_sent, sight->as_sent));
        assert_true(is(r->host, sight->host));
    }
}

/* RFC 9112, section 3.2: which server counts, and whose page may connect. */
static void a_target_is_a_path_however_it_was_sent(void **state)
{
    (void)state;
    static const struct {
        struct sight sight;
        const char  *host, *origin; /* the fields */
        upf_status   status;
    } cases[] = {
        {{"/foo", "/foo", "h"}, "h", "http://h", UPF_OK},
        {{"/foo", "ws://localhost:80/foo", "localhost:80"}, "localhost",
         "http://localhost", UPF_OK},
        {{"/foo", "ws://h:80/foo", "h:80"}, "h", "http://h:80", UPF_OK},
        {{"/foo?a=b", "wss://h/foo?a=b", "h"}, "h:443", "https://h", UPF_OK},
        {{"/", "http://H", "H"}, "h", "http://h", UPF_OK},
        {{"?q", "https://h:443?q", "h:443"}, "h", "https://h:443", UPF_OK},
        /* a port that is left out is that of the origin's scheme */
        {{"/foo", "ws://h:80/foo", "h:80"}, "h", "https://h", UPF_ERR_ORIGIN},
        {{"/foo", "wss://h:443/foo", "h:443"}, "h", "http://h",
         UPF_ERR_ORIGIN},
        {{"/foo", "/foo", "h:443"}, "h:443", "http://h", UPF_ERR_ORIGIN},
        {{"/foo", "/foo", "h:80"}, "h:80", "https://h", UPF_ERR_ORIGIN},
        {{"/", "/", "localhost"}, "localhost", "capacitor://localhost",
         UPF_ERR_ORIGIN},
        {{"/", "/", "localhost"}, "localhost", "file://localhost",
         UPF_ERR_ORIGIN},
        {{"/", "/", "example.com"}, "example.com", "foo://example.com",
         UPF_ERR_ORIGIN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scene   scene = {.role = SERVER, .app = check_target,
                                .user = (void *)&cases[i].sight};
        struct outcome outcome;
        char           line[64];

        blob_printf(&scene.bytes, "GET %s HTTP/1.1\r\nHost: %s\r\n"
                    "Origin: %s\r\n%s", cases[i].sight.as_sent,
                    cases[i].host, cases[i].origin,
                    strstr(HEAD_REQUEST, "Upgrade:"));
        scene_run(&scene, &outcome);
        snprintf(line, sizeof line, "REQUEST GET %s status=%s\n",
                 cases[i].sight.target, upf_status_name(cases[i].status));
        if (strncmp(blob_str(&outcome.log), line, strlen(line)) != 0)
            fail_msg("%s: %s", cases[i].sight.as_sent, blob_str(&outcome.log));
        outcome_free(&outcome);
        blob_free(&scene.bytes);
    }
}

/* ---- Answers ---------------------------------------------------------- */

static void answer(upf_conn *conn, int how)
{
    switch (how) {
    case 0: assert_status(upf_accept(conn, NULL, NULL, 0), UPF_OK); break;
    case 1:
        assert_status(upf_refuse(conn, 404, NULL, 0, "no", 2), UPF_OK);
        break;
    case 2: assert_status(upf_close(conn, 1001, NULL), UPF_OK); break;
    case 3: upf_conn_lost(conn); break;
    default: upf_conn_tick(conn, 1); upf_conn_tick(conn, UINT64_MAX); break;
    }
}

/* user: int[2], how it is answered, and whether that is put off. */
static void answer_and_look(struct session *session, const upf_event *event)
{
    const int  *how = session->user;
    upf_request again;

    if (event->type != UPF_EVENT_REQUEST)
        return;
    if (how[1] != 0)
        assert_status(upf_defer(&session->conn), UPF_OK);
    assert_status(upf_conn_request(&session->conn, &again), UPF_OK);
    answer(&session->conn, how[0]);
    assert_true(is(event->request.target, "/chat"));
    assert_true(is(event->request.host, "server.example.com"));
    assert_true(is(again.target, "/chat"));
    assert_true(is(again.host, "server.example.com"));
}

/* The event stays until the next one is asked for. Whole, the head lies in the
 * input; cut in two, in a block of the connection's. */
static void a_request_can_be_read_after_its_answer(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        int            how[2] = {i / 2, i % 2};
        struct scene   scene  = {.role = SERVER, .app = answer_and_look,
                                 .user = how};
        struct outcome outcome;

        blob_text(&scene.bytes, HEAD_REQUEST);
        scene_run(&scene, &outcome);
        outcome_free(&outcome);
        blob_free(&scene.bytes);
    }
}

/* user: int, whether it is to be put off. No result is looked at. */
static void refuse_without_memory(struct session *session,
                                  const upf_event *event)
{
    static const upf_header bad = {"Connection", "keep-alive"};
    const int *how = session->user;

    if (event->type != UPF_EVENT_REQUEST)
        return;
    session->alloc.fault = (struct fault){session->alloc.calls + 1, false};
    if (*how == 0)
        (void)upf_refuse(&session->conn, 401, NULL, 0, "who?", 4);
    else if (*how == 1)
        (void)upf_defer(&session->conn);
    else
        (void)upf_refuse(&session->conn, 401, &bad, 1, NULL, 0);
    session->alloc.fault = (struct fault){0, false};
}

/* Who does not look whether its refusal was queued lets nobody in. */
static void a_refusal_that_fails_is_no_acceptance(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        struct session session;

        session_prepare(&session);
        session.app  = refuse_without_memory;
        session.user = &how;
        session_begin(&session, SERVER);
        session_give(&session, HEAD_REQUEST, strlen(HEAD_REQUEST));
        assert_int_equal(session.log.count[UPF_EVENT_OPEN], 0);
        assert_status(session.log.status, UPF_ERR_REFUSED);
        assert_status_line(&session.output, "HTTP/1.1 503 Service Unavailable");
        session_free(&session);
    }
}

/* A target, Host or Origin; 0: it has no scheme, or no port. */
struct place {
    const char *text;
    int         scheme, port; /* the scheme's port, and the one that is named */
};

static int port_of(const struct place *place, int standard)
{
    return place->port != 0 ? place->port : standard;
}

static upf_status judged(const struct place *target, const struct place *host,
                         const struct place *origin)
{
    const bool is_url = target->scheme != 0;
    const int  ours   = is_url ? port_of(target, target->scheme)
                               : port_of(host, origin->scheme);

    if (is_url && port_of(host, target->scheme) != ours)
        return UPF_ERR_AUTHORITY;
    return port_of(origin, origin->scheme) == ours ? UPF_OK : UPF_ERR_ORIGIN;
}

/* Every form of target with every Host and Origin, held against the ports. */
static void a_whole_url_weakens_no_check_of_the_origin(void **state)
{
    (void)state;
    static const struct place targets[] = {
        {"/", 0, 0}, {"ws://h/", 80, 0}, {"ws://h:80/", 80, 80},
        {"ws://h:443/", 80, 443}, {"http://h", 80, 0}, {"wss://h/", 443, 0},
        {"WSS://h:443/", 443, 443}, {"wss://h:80/", 443, 80},
        {"https://h?q", 443, 0},
    };
    static const struct place hosts[] = {
        {"h", 0, 0}, {"h:80", 0, 80}, {"h:443", 0, 443},
    };
    static const struct place origins[] = {
        {"http://h", 80, 0}, {"http://h:80", 80, 80}, {"http://h:443", 80, 443},
        {"https://h", 443, 0}, {"https://h:80", 443, 80},
        {"https://h:443", 443, 443},
    };
    enum { TARGETS = COUNT(targets), HOSTS = COUNT(hosts),
           ORIGINS = COUNT(origins) };

    for (size_t i = 0; i < TARGETS * HOSTS * ORIGINS; i++) {
        const struct place *target = &targets[i / ORIGINS / HOSTS];
        const struct place *host   = &hosts[i / ORIGINS % HOSTS];
        const struct place *origin = &origins[i % ORIGINS];
        struct session session;
        struct blob    bytes = {0};
        char           expected[64];

        blob_printf(&bytes, "GET %s HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\n%s",
                    target->text, host->text, origin->text,
                    strstr(HEAD_REQUEST, "Upgrade:"));
        snprintf(expected, sizeof expected, "status=%s",
                 upf_status_name(judged(target, host, origin)));
        session_start(&session, SERVER);
        session_give_blob(&session, &bytes);
        if (strstr(blob_str(&session.log.text), expected) == NULL)
            fail_msg("%s at %s, %s: not %s but %s", target->text, host->text,
                     origin->text, expected, blob_str(&session.log.text));
        session_free(&session);
        blob_free(&bytes);
    }
}

/* ---- Lists ------------------------------------------------------------ */

static void offer_chat(upf_config *config)
{
    static const char *const ours[] = {"chat", "superchat", NULL};

    config->subprotocols = ours;
}

/* Several clients send empty elements, or an empty list for none. */
static void empty_elements_of_an_offer_are_ignored(void **state)
{
    (void)state;
    static const struct { const char *fields, *subprotocol; } cases[] = {
        {"Sec-WebSocket-Protocol: chat, \r\n", "chat"},
        {"Sec-WebSocket-Protocol: ,,mqtt,\t, chat\r\n", "chat"},
        {"Sec-WebSocket-Protocol:\r\nSec-WebSocket-Protocol: chat\r\n",
         "chat"},
        {"Sec-WebSocket-Protocol:\r\n", NULL},
        {"Sec-WebSocket-Protocol: , ,\r\n", NULL},
        {"Sec-WebSocket-Extensions: permessage-deflate,\r\n", NULL},
        {"Sec-WebSocket-Extensions: permessage-deflate; "
         "client_max_window_bits\r\n", NULL}, /* as browsers write it */
        {"Sec-WebSocket-Extensions: permessage-deflate; "
         "client_max_window_bits\r\nSec-WebSocket-Extensions: a,\r\n", NULL},
        {"Sec-WebSocket-Extensions: \r\nSec-WebSocket-Protocol: \r\n", NULL},
        {"Sec-WebSocket-Extensions: ,\r\nSec-WebSocket-Extensions: a,\r\n",
         NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scene   scene = {.role = SERVER, .configure = offer_chat};
        struct outcome outcome;
        struct blob    log = {0};

        blob_printf(&scene.bytes, HEAD_START "%s\r\n", cases[i].fields);
        scene_run(&scene, &outcome);
        blob_text(&log, "REQUEST GET /chat status=UPF_OK\nOPEN");
        if (cases[i].subprotocol != NULL)
            blob_printf(&log, " subprotocol=\"%s\"", cases[i].subprotocol);
        blob_text(&log, "\n");
        assert_text(blob_str(&outcome.log), blob_str(&log));
        assert_int_equal(head_field(&outcome.output, "Sec-WebSocket-Protocol",
                                    NULL), cases[i].subprotocol != NULL);
        outcome_free(&outcome);
        blob_free(&scene.bytes);
        blob_free(&log);
    }
}

/* ---- The first line --------------------------------------------------- */

enum { LIMIT = 300 };

static void short_lines(upf_config *config)
{
    config->max_head_line = LIMIT;
}

static void short_heads(upf_config *config)
{
    config->max_head = LIMIT;
}

/* The scene ends so, is answered so, and is freed. */
static void check_end(struct scene *scene, upf_status expected)
{
    struct outcome outcome;
    char           text[96];

    scene_run(scene, &outcome);
    snprintf(text, sizeof text, "HTTP/1.1 %d ",
             expected == UPF_OK ? 101 : upf_status_http(expected));
    if (strncmp(blob_str(&outcome.output), text, strlen(text)) != 0)
        fail_msg("answered %s", blob_str(&outcome.output));
    snprintf(text, sizeof text, "CLOSE 1006 sent=0 clean=0 status=%s reason",
             upf_status_name(expected));
    if (expected != UPF_OK)
        assert_int_equal(strncmp(blob_str(&outcome.log), text, strlen(text)),
                         0);
    outcome_free(&outcome);
    blob_free(&scene->bytes);
}

/* RFC 9110, section 15.5.15: the request line is over a limit, be it that of
 * lines or, before the line ends, that of the head. */
static void a_request_line_over_a_limit_is_414(void **state)
{
    (void)state;
    for (int over = -1; over <= 1; over++) {
        const upf_status expected = over > 0 ? UPF_ERR_TARGET_TOO_BIG : UPF_OK;
        struct scene     scene = {.role = SERVER, .configure = short_lines};

        blob_text(&scene.bytes, "GET /");
        blob_fill(&scene.bytes, 'x', (size_t)(LIMIT - 14 + over));
        blob_text(&scene.bytes, " HTTP/1.1");
        blob_text(&scene.bytes, strchr(HEAD_REQUEST, '\r'));
        check_end(&scene, expected);

        /* up to its LF the line is at fault, then the fields are */
        scene = (struct scene){.role = SERVER, .configure = short_heads};
        blob_text(&scene.bytes, "\r\nGET /");
        blob_fill(&scene.bytes, 'x', (size_t)(LIMIT - 18 + over));
        blob_text(&scene.bytes, " HTTP/1.1");
        blob_text(&scene.bytes, strchr(HEAD_REQUEST, '\r'));
        check_end(&scene, over > 0 ? expected : UPF_ERR_HEAD_TOO_BIG);
    }
}

/* A target may take up all that the head may have. */
static void an_endless_request_line_is_414_and_takes_bounded_memory(void **state)
{
    (void)state;
    struct session session;

    session_prepare(&session);
    session.config.max_head_line = session.config.max_head;
    session_begin(&session, SERVER);
    session_give(&session, "GET /", 5);
    for (int i = 0; i < 100000 && session.last != UPF_DONE; i++)
        session_give(&session, "0123456789", 10);
    assert_status(session.log.status, UPF_ERR_TARGET_TOO_BIG);
    assert_status_line(&session.output, "HTTP/1.1 414 URI Too Long");
    assert_non_null(strstr(blob_str(&session.output), "Shorten the URL"));
    assert_true(session.alloc.peak < 16 * 1024 + 4096 + 1024); /* the answer */
    session_free(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_is_a_path_however_it_was_sent),
        cmocka_unit_test(a_request_can_be_read_after_its_answer),
        cmocka_unit_test(a_refusal_that_fails_is_no_acceptance),
        cmocka_unit_test(a_whole_url_weakens_no_check_of_the_origin),
        cmocka_unit_test(empty_elements_of_an_offer_are_ignored),
        cmocka_unit_test(a_request_line_over_a_limit_is_414),
        cmocka_unit_test(
            an_endless_request_line_is_414_and_takes_bounded_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
