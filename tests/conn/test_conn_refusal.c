/* SPDX-License-Identifier: MIT */
/* test_conn_refusal.c - what a client reads of a response other than 101. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "support/heads.h"
#include "support/split.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define CLOSE_START \
    "CLOSE 1006 sent=0 clean=0 status=UPF_ERR_RESPONSE response="

/* "status|reason|header lines|body", of CLOSE. */
static void note_refusal(struct session *session, const upf_event *event)
{
    const upf_response *r = &event->response;
    struct blob text = {0};

    if (event->type != UPF_EVENT_CLOSE || r->status == 0)
        return;
    assert_status(event->status, UPF_ERR_RESPONSE);
    assert_null(event->data);
    assert_int_equal(event->len, 0);
    const upf_str *slices[] = {&r->reason, &r->headers, &r->body};
    for (size_t i = 0; i < COUNT(slices); i++) /* as it is cut in every way */
        assert_int_equal(slices[i]->data == NULL, slices[i]->len == 0);
    blob_printf(&text, "%d|%.*s|%.*s|%.*s", r->status, (int)r->reason.len,
                r->reason.data ? r->reason.data : "", (int)r->headers.len,
                r->headers.data ? r->headers.data : "", (int)r->body.len,
                r->body.data ? r->body.data : "");
    eventlog_note(&session->log, blob_str(&text));
    blob_free(&text);
}

/* Run the bytes, cut in every way, and compare the note. */
static void assert_refusal(const char *bytes, size_t len, bool eof,
                           void (*configure)(upf_config *), const char *note)
{
    struct scene   scene = {.role = CLIENT, .eof = eof, .app = note_refusal,
                            .configure = configure};
    struct outcome outcome;

    blob_add(&scene.bytes, bytes, len);
    scene_run(&scene, &outcome);
    const char *log = blob_str(&outcome.log), *noted = strchr(log, '\n') + 1;
    if (strncmp(log, CLOSE_START, strlen(CLOSE_START)) != 0 ||
        strncmp(noted, note, strlen(note)) != 0 ||
        strcmp(noted + strlen(note), "\n") != 0)
        fail_msg("%s came to\n%snot %s", bytes, log, note);
    /* Nothing is sent in reply. */
    assert_int_equal(head_len(&outcome.output), outcome.output.len);
    outcome_free(&outcome);
    blob_free(&scene.bytes);
}

static const struct refusal {
    const char *bytes;
    const char *note;
} whole[] = {
    /* As it should be. What lies behind the end is not looked at. */
    {"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n"
     "Content-Length: 4\r\n\r\nbusyHTTP/1.1 200 OK\r\n",
     "503|Service Unavailable|Retry-After: 5\r\nContent-Length: 4\r\n|busy"},
    {"HTTP/1.0 404\r\nContent-Length: 0\r\n\r\n",
     "404||Content-Length: 0\r\n|"},
    {"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nbody",
     "204|No Content|Content-Length: 4\r\n|"},
    {"HTTP/1.1 304 Not Modified\r\n\r\nbody", "304|Not Modified||"},
    /* Lines that end with LF */
    {"HTTP/1.1 302 Found\nLocation: ws://b.example/\nContent-Length: 2\n\nhi",
     "302|Found|Location: ws://b.example/\r\nContent-Length: 2\r\n|hi"},
    {"HTTP/1.1 401\nWWW-Authenticate: Basic\r\nContent-Length: 2\n\r\nno",
     "401||WWW-Authenticate: Basic\r\nContent-Length: 2\r\n|no"},
    {"HTTP/1.1 403 \r\nA: b\nContent-Length: 1\r\n\n!",
     "403||A: b\r\nContent-Length: 1\r\n|!"},
    {"HTTP/1.1 304\n\n", "304|||"},
    /* Bad lines are dropped, and only they */
    {"HTTP/1.1 500 Oh\r\nBad Name: x\r\nno colon\r\n: x\r\nA : b\r\n"
     "C: \x01\r\nD: e\rf\r\nG: h\r\r\nContent-Length: 2\r\nI: j\r\n\r\nok",
     "500|Oh|Content-Length: 2\r\nI: j\r\n|ok"},
    {"HTTP/1.1 500 O\x1Bh\r\nContent-Length: 0\r\n\r\n",
     "500||Content-Length: 0\r\n|"},
    /* A folded field is dropped as a whole, and nothing is joined to it. */
    {"HTTP/1.1 301 x\r\nLocation: ws://a\r\n .example/\r\n\t/x\r\n"
     "Content-Length: 1\r\n\r\n.", "301|x|Content-Length: 1\r\n|."},
    {"HTTP/1.1 301 x\r\n folded: x\r\nA: b\r\nbad\r\n c: d\r\n"
     "Content-Length: 1\r\n\r\n.",
     "301|x|A: b\r\nContent-Length: 1\r\n|."},
    {"HTTP/1.1 304 x\r\nA: b\r\nC: d\r\n \r\n\r\n", "304|x|A: b\r\n|"},
    /* Chunks */
    {"HTTP/1.1 502 x\r\nTransfer-Encoding: chunked\r\n\r\n"
     "4\r\nfour\r\nA;name=value\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nmore",
     "502|x|Transfer-Encoding: chunked\r\n|four0123456789"},
    {"HTTP/1.1 502 x\nTransfer-Encoding: gzip, Chunked\nContent-Length: 1\n\n"
     "4\nfour\n00\n\nmore",
     "502|x|Transfer-Encoding: gzip, Chunked\r\nContent-Length: 1\r\n|four"},
    {"HTTP/1.1 502 x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour?",
     "502|x|Transfer-Encoding: chunked\r\n|four"},
    {"HTTP/1.1 502 x\r\nTransfer-Encoding: chunked\r\n\r\n<html>",
     "502|x|Transfer-Encoding: chunked\r\n|"},
    {"HTTP/1.1 502 x\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
     "502|x|Transfer-Encoding: chunked\r\n|"},
    /* Behind interim responses */
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nA: b\r\n\r\n"
     "HTTP/1.1 417 no\nContent-Length: 1\n\n!",
     "417|no|Content-Length: 1\r\n|!"},
};

/* The stream ends before they do, or is what ends them. */
static const struct refusal ended[] = {
    {"HTTP/1.1 503 ", "503|||"},
    {"HTTP/1.1 503 Service Unavail", "503|||"},
    {"HTTP/1.1 503 Busy\nA: b\nContent-Le", "503|Busy|A: b\r\n|"},
    {"HTTP/1.1 503 Busy\r\nA: b\r\n", "503|Busy|A: b\r\n|"},
    {"HTTP/1.1 503 Busy\r\nA: b\r\n\r", "503|Busy|A: b\r\n|"},
    {"HTTP/1.1 503\n\n", "503|||"},
    {"HTTP/1.1 503\n\n<h1>Busy</h1>", "503|||<h1>Busy</h1>"},
    {"HTTP/1.1 503\r\nContent-Length: 9\r\n\r\nbusy",
     "503||Content-Length: 9\r\n|busy"},
    {"HTTP/1.1 503\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nbusy",
     "503||Transfer-Encoding: chunked\r\n|busy"},
    {"HTTP/1.1 503\r\nTransfer-Encoding: chunked\r\n\r\n"
     "FFFFFFFFFFFFFFFFFFFFFFFFF\r\nbusy",
     "503||Transfer-Encoding: chunked\r\n|busy"},
    {"HTTP/1.1 503\r\nTransfer-Encoding: gzip\r\n\r\nbusy",
     "503||Transfer-Encoding: gzip\r\n|busy"},
    /* Lengths that cannot be trusted */
    {"HTTP/1.1 503\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nbusy",
     "503||Content-Length: 1\r\nContent-Length: 2\r\n|busy"},
    {"HTTP/1.1 503\r\nContent-Length: -1\r\n\r\nbusy",
     "503||Content-Length: -1\r\n|busy"},
    {"HTTP/1.1 503\r\nContent-Length: 99999999999999999999\r\n\r\nbusy",
     "503||Content-Length: 99999999999999999999\r\n|busy"},
    {"HTTP/1.1 503\r\nContent-Length:\r\n\r\nbusy",
     "503||Content-Length:\r\n|busy"},
};

static void a_refusal_is_read_however_it_is_written_and_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(whole); i++)
        assert_refusal(whole[i].bytes, strlen(whole[i].bytes), false, NULL,
                       whole[i].note);
    for (size_t i = 0; i < COUNT(ended); i++)
        assert_refusal(ended[i].bytes, strlen(ended[i].bytes), true, NULL,
                       ended[i].note);
}

/* Of one that is whole, CLOSE comes at its last byte and not before. */
static void close_comes_at_the_end_of_the_body(void **state)
{
    (void)state;
    static const char *const bytes[] = {
        "HTTP/1.1 404 x\r\nContent-Length: 4\r\n\r\nbody",
        "HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 404 x\nTransfer-Encoding: chunked\n\n4\r\nbody\r\n0\r\n\r\n",
        "HTTP/1.1 204 x\r\n\r\n",
        "HTTP/1.1 304 x\n\n",
    };

    for (size_t i = 0; i < COUNT(bytes); i++) {
        struct session session;
        const size_t len = strlen(bytes[i]);

        session_start(&session, CLIENT);
        session_give(&session, bytes[i], len - 1);
        assert_status(session.last, UPF_WANT_READ);
        assert_int_equal(upf_conn_wants(&session.conn), UPF_WANTS_READ);
        session_give(&session, bytes[i] + len - 1, 1);
        assert_status(session.last, UPF_DONE);
        assert_int_equal(session.unread.len, 0);
        assert_int_equal(upf_conn_wants(&session.conn), UPF_WANTS_CLOSE);
        session_free(&session);
    }
}

/* ---- Bounds ------------------------------------------------------------- */

static void tight(upf_config *config)
{
    config->max_head       = 64;
    config->max_head_line  = 20;
    config->max_head_lines = 3;
    config->max_body       = 8;
}

static void no_body(upf_config *config)
{
    config->max_body = 0;
}

static void what_is_over_a_limit_is_dropped(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        /* A line of 20 characters, and one of 21 */
        {"HTTP/1.1 500 A\r\nB: 45678901234567890\r\nC: 456789012345678901\r\n"
         "\r\n", "500|A|B: 45678901234567890\r\n|"},
        {"HTTP/1.1 304 345678901234567890123\r\nA: b\r\n\r\n",
         "304||A: b\r\n|"},
        /* One whose first 20 look whole, as far as they are kept */
        {"HTTP/1.1 304 x\r\nB: 45678901234567890\rC: d\r\n\r\n",
         "304|x||"},
        /* A folded line over the limit is folded all the same. */
        {"HTTP/1.1 304 x\r\nA: b\r\n 2345678901234567890123456\r\n\r\n",
         "304|x||"},
        {"HTTP/1.1 304 x\nA: b\nC: d\nE: f\nG: h\n\n",
         "304|x|A: b\r\nC: d\r\nE: f\r\n|"},
        /* The body, whatever its length */
        {"HTTP/1.1 500 A\r\n\r\n0123456789", "500|A||01234567"},
        {"HTTP/1.1 500\r\nContent-Length: 9\r\n\r\n012345678",
         "500||Content-Length: 9\r\n|01234567"},
        {"HTTP/1.1 500\nTransfer-Encoding: chunked\n\n8\n01234567",
         "500|||8\n012345"},
        {"HTTP/1.1 500\nTransfer-encoding:x\n\n8\n01234567",
         "500||Transfer-encoding:x\r\n|8\n012345"},
    };
    static const char body[] = "HTTP/1.1 500 A\r\nB: c\r\n\r\nbody";

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refusal(cases[i].bytes, strlen(cases[i].bytes), true, tight,
                       cases[i].note);
    assert_refusal(body, sizeof body - 1, false, no_body, "500|A|B: c\r\n|");
}

static void a_head_over_the_limit_ends_there(void **state)
{
    (void)state;
    struct session session;

    session_prepare(&session);
    tight(&session.config);
    session.app = note_refusal;
    session_begin(&session, CLIENT);
    session_give(&session, "HTTP/1.1 500 A\r\n", 16);
    for (int i = 0; i < 100 && session.last != UPF_DONE; i++)
        session_give(&session, "B: c\r\n", 6);
    assert_log(&session, CLOSE_START "500 reason=\"\"\n"
               "500|A|B: c\r\nB: c\r\nB: c\r\n|\n");
    assert_int_equal(session.log.close.offset, 64);
    session_free(&session);
}

/* Whatever comes, no more is read than all of a head and a body, nor held. */
static void a_refusal_takes_bounded_memory(void **state)
{
    (void)state;
    static const struct { const char *start, *more; } cases[] = {
        {"HTTP/1.1 500 ", "x"},
        {"HTTP/1.1 500 x\n", "A: b\n"},
        {"HTTP/1.1 500 x\n", "A:\n"},
        {"HTTP/1.1 500 x\n", "y"},
        {"HTTP/1.1 500 x\n\n", "body"},
        {"HTTP/1.1 500 x\nTransfer-Encoding: chunked\n\n", "1\nx\n"},
        {"HTTP/1.1 500 x\nTransfer-Encoding: chunked\n\n1", ";extension"},
        {"HTTP/1.1 500 x\nTransfer-Encoding: chunked\n\n0\n", "A: b\n"},
        {"HTTP/1.1 500 x\nTransfer-Encoding: chunked\n\n", "0"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const size_t len = strlen(cases[i].more);
        struct session session;
        struct blob    most = {0};

        session_prepare(&session);
        session.config.max_head_lines = UINT16_MAX;
        const size_t limit =
            session.config.max_head + session.config.max_body;
        session_begin(&session, CLIENT);
        session_give(&session, NULL, 0); /* the request has left */
        session.alloc.peak = session.alloc.live;
        blob_text(&most, cases[i].start);
        while (most.len < limit)
            blob_text(&most, cases[i].more);
        session_give_blob(&session, &most);
        assert_status(session.last, UPF_DONE);
        assert_in_range(session.log.close.offset, 0, limit);
        assert_in_range(session.alloc.peak, 0, 2 * limit);
        assert_in_range(session.alloc.largest, 0, limit + 32);
        assert_int_equal(session.alloc.live, 0);
        session_free(&session);

        session_start(&session, CLIENT);
        session_give(&session, cases[i].start, strlen(cases[i].start));
        for (size_t n = 0; n < limit && session.last != UPF_DONE; n++)
            session_give(&session, cases[i].more, len);
        assert_status(session.last, UPF_DONE);
        assert_status(session.log.status, UPF_ERR_RESPONSE);
        assert_in_range(session.log.close.offset, 0, limit);
        session_free(&session);
        blob_free(&most);
    }
}

/* With less memory there is less of it, but no other verdict. */
static void without_memory_the_status_still_arrives(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 8; n++) {
        struct session session;

        session_start(&session, CLIENT);
        session_give(&session, NULL, 0);
        session.alloc.fault = (struct fault){session.alloc.calls + n, true};
        session_give(&session, whole[0].bytes, strlen(whole[0].bytes));
        assert_status(session.log.status, UPF_ERR_RESPONSE);
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 1);
        assert_non_null(strstr(eventlog_text(&session.log), "response=503"));
        session_free(&session);
    }
}

static void note_header_bytes(struct session *session, const upf_event *event)
{
    char text[32];

    if (event->type != UPF_EVENT_CLOSE)
        return;
    snprintf(text, sizeof text, "%zu", event->response.headers.len);
    eventlog_note(&session->log, text);
}

/* Wherever in a line the memory ends, also at the CR LF that is added to it:
 * the line is left out, and those before it are shown. */
static void a_line_without_memory_is_left_out(void **state)
{
    (void)state;
    enum { FROM = 4000, TO = 4100, BEFORE = sizeof "A: b\r\n" - 1 };
    static const char start[] = "HTTP/1.1 503\nA: b\nC: ";
    int shown = 0, left_out = 0;

    for (size_t width = FROM; width < TO; width++) {
        struct session session;
        struct blob    head = {0};

        blob_text(&head, start);
        for (size_t i = 0; i < width; i++)
            blob_byte(&head, 'x');
        blob_byte(&head, '\n');
        session_prepare(&session);
        session.app = note_header_bytes;
        session_begin(&session, CLIENT);
        session_give(&session, NULL, 0);
        session.alloc.fault = (struct fault){session.alloc.calls + 2, true};
        session_give_blob(&session, &head);
        session_eof(&session);
        assert_status(session.log.status, UPF_ERR_RESPONSE);
        const char *log = eventlog_text(&session.log);
        const size_t bytes = strtoul(strchr(log, '\n') + 1, NULL, 10);
        if (bytes == BEFORE + sizeof "C: \r\n" - 1 + width)
            shown++;
        else if (bytes == BEFORE)
            left_out++;
        else
            fail_msg("%zu bytes of a line of %zu", bytes - BEFORE, width);
        session_free(&session);
        blob_free(&head);
    }
    assert_in_range(shown, 1, TO - FROM - 1);
    assert_int_equal(shown + left_out, TO - FROM);
}

/* ---- Other ends --------------------------------------------------------- */

static void begin_slow_refusal(struct session *session)
{
    static const char start[] = "HTTP/1.1 503 Busy\nA: b\n\nbo";

    session_prepare(session);
    session->app = note_refusal;
    session_begin(session, CLIENT);
    session_tick(session, 1000);
    session_give(session, start, sizeof start - 1);
    assert_status(session->last, UPF_WANT_READ);
}

static const char slow_log[] =
    CLOSE_START "503 body=\"bo\" reason=\"\"\n503|Busy|A: b\r\n|bo\n";

static void the_time_for_the_handshake_ends_a_refusal_too(void **state)
{
    (void)state;
    struct session session;

    begin_slow_refusal(&session);
    session_tick(&session, 5000); /* the status was no new beginning */
    assert_int_equal(upf_conn_deadline(&session.conn), 11000);
    session_tick(&session, 10999);
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
    session_tick(&session, 11000);
    assert_log(&session, slow_log);
    session_free(&session);
}

static void a_lost_connection_does_not_lose_a_refusal(void **state)
{
    (void)state;
    struct session session;

    begin_slow_refusal(&session);
    upf_conn_lost(&session.conn); /* as by a reset */
    session_give(&session, NULL, 0);
    assert_log(&session, slow_log);
    session_free(&session);

    begin_slow_refusal(&session);
    assert_status(upf_close(&session.conn, 1000, NULL), UPF_OK);
    session_give(&session, NULL, 0);
    assert_log(&session, slow_log);
    session_free(&session);
}

static void sending_is_refused_meanwhile(void **state)
{
    (void)state;
    struct session session;

    begin_slow_refusal(&session);
    assert_status(upf_send(&session.conn, UPF_OP_TEXT, "x", 1), UPF_ERR_STATE);
    assert_status(upf_ping(&session.conn, NULL, 0), UPF_ERR_STATE);
    assert_false(upf_conn_is_open(&session.conn));
    session_free(&session);
}

/* ---- What is none ------------------------------------------------------- */

static void what_is_no_status_line_is_no_refusal(void **state)
{
    (void)state;
    static const struct { const char *bytes; upf_status status; } cases[] = {
        {"<html><h1>404 Not Found</h1></html>\r\n\r\n", UPF_ERR_HTTP},
        {"\x15\x03\x03\x00\x02\x02\x28", UPF_ERR_HTTP}, /* a TLS alert */
        {"SSH-2.0-OpenSSH_9.2\r\n\r\n", UPF_ERR_HTTP},
        {"HTTP/1.1 5031 x\r\n\r\n", UPF_ERR_HTTP},
        {"HTTP/1.1 50 x\r\n\r\n", UPF_ERR_HTTP},
        {"HTTP/1.1  503 x\r\n\r\n", UPF_ERR_HTTP},
        {"HTTP/1.1 503x\r\n\r\n", UPF_ERR_HTTP},
        {"HTTP/1.1 099 x\r\n\r\n", UPF_ERR_HTTP},
        {"http/1.1 503 x\r\n\r\n", UPF_ERR_HTTP},
        {"HTTP/2.0 503 x\r\n\r\n", UPF_ERR_HTTP_VERSION},
        {"HTTP/1.1\n503", UPF_ERR_HTTP},
        /* A 101, and what comes before one, is judged to the letter. */
        {"HTTP/1.1 101 x\n\n", UPF_ERR_HTTP},
        {"HTTP/1.1 101\n\n", UPF_ERR_HTTP},
        {"HTTP/1.1 101 x\r\nBad Name: x\r\n\r\n", UPF_ERR_HTTP},
        {"HTTP/1.1 103 x\r\nBad Name: x\r\n\r\nHTTP/1.1 503 x\r\n\r\n",
         UPF_ERR_HTTP},
        {"HTTP/1.1 103 x\n\nHTTP/1.1 503 x\r\n\r\n", UPF_ERR_HTTP},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scene   scene = {.role = CLIENT, .app = note_refusal};
        struct outcome outcome;
        char           wanted[64];

        blob_text(&scene.bytes, cases[i].bytes);
        if (i == 1)
            scene.bytes.len = 0, blob_add(&scene.bytes, cases[i].bytes, 7);
        scene_run(&scene, &outcome);
        snprintf(wanted, sizeof wanted, "status=%s ",
                 upf_status_name(cases[i].status));
        if (strstr(blob_str(&outcome.log), wanted) == NULL)
            fail_msg("%s came to\n%s", cases[i].bytes, blob_str(&outcome.log));
        outcome_free(&outcome);
        blob_free(&scene.bytes);
    }
}

/* Give the bytes whole, or one by one. */
static void give(struct session *session, const char *bytes, size_t len,
                 bool at_once)
{
    const size_t step = at_once ? len : 1;

    for (size_t i = 0; i < len; i += step)
        session_give(session, bytes + i, step);
}

/* Nobody has to wait for a line to end, or for a time-out, to be told that no
 * web server is there. */
static void what_is_not_http_fails_at_the_byte_that_shows_it(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t      at; /* the byte that shows it */
        upf_status  status;
    } cases[] = {
        {"SSH-2.0-OpenSSH_9.2\r\n", 0, UPF_ERR_HTTP},
        {"220 mail.example ESMTP\r\n", 0, UPF_ERR_HTTP},
        {"<html><h1>502 Bad Gateway</h1></html>", 0, UPF_ERR_HTTP},
        {"\x15\x03\x03\x01\x02\x02\x28", 0, UPF_ERR_HTTP}, /* TLS's alert */
        {"\r\nHTTP/1.1 101 x\r\n", 0, UPF_ERR_HTTP},
        {" HTTP/1.1 101 x\r\n", 0, UPF_ERR_HTTP},
        {"HELO\r\n", 1, UPF_ERR_HTTP},
        {"http/1.1 101 x\r\n", 0, UPF_ERR_HTTP},
        {"HTTP 1.1", 4, UPF_ERR_HTTP},
        {"HTTP/x", 5, UPF_ERR_HTTP},
        {"HTTP/2 502\r\n", 5, UPF_ERR_HTTP_VERSION},
        {"HTTP/1.x 101", 7, UPF_ERR_HTTP},
        {"HTTP/2.0 101 x\r\n", 5, UPF_ERR_HTTP_VERSION},
        {"HTTP/0.9 200 x\r\n", 5, UPF_ERR_HTTP_VERSION},
        {"HTTP/1.10 101", 8, UPF_ERR_HTTP},
        {"HTTP/1.1  101", 9, UPF_ERR_HTTP},
        {"HTTP/1.1 099 x", 9, UPF_ERR_HTTP},
        {"HTTP/1.1 1O1", 10, UPF_ERR_HTTP},
        {"HTTP/1.0 50 x", 11, UPF_ERR_HTTP},
        {"HTTP/1.1 5031 x", 12, UPF_ERR_HTTP},
        {"HTTP/1.1 101x", 12, UPF_ERR_HTTP},
        {"HTTP/1.1 100 x\r\n\r\nSSH-2.0", 18, UPF_ERR_HTTP},
        {"HTTP/1.1 100 x\r\n\r\nHTTP/2 101", 23, UPF_ERR_HTTP_VERSION},
    };

    for (size_t i = 0; i < 2 * COUNT(cases); i++) {
        const char  *bytes = cases[i / 2].bytes;
        const size_t at    = cases[i / 2].at;
        const bool   at_once = i % 2 == 0;
        struct session session;
        char           wanted[128];

        session_start(&session, CLIENT);
        give(&session, bytes, at, at_once);
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
        session_eof(&session); /* that it is none is not known yet */
        assert_status(session.log.status, UPF_ERR_NO_RESPONSE);
        session_free(&session);

        session_start(&session, CLIENT);
        give(&session, bytes, at_once ? strlen(bytes) : at + 1, at_once);
        snprintf(wanted, sizeof wanted, "CLOSE 1006 sent=0 clean=0 "
                 "status=%s reason=\"\"\n",
                 upf_status_name(cases[i / 2].status));
        if (strcmp(blob_str(&session.log.text), wanted) != 0)
            fail_msg("%s came to\n%snot\n%s", bytes,
                     blob_str(&session.log.text), wanted);
        assert_int_equal(session.log.close.offset, at);
        session_free(&session);
    }
}

/* Limits under the length of a status line leave no status to be read. */
static size_t small_limit;

static void small_head(upf_config *config)
{
    config->max_head = (uint32_t)small_limit;
}

static void small_line(upf_config *config)
{
    config->max_head_line = (uint32_t)small_limit;
}

static void the_smallest_limits_hold_at_every_cut(void **state)
{
    (void)state;
    for (int line = 0; line < 2; line++)
        for (small_limit = 1; small_limit <= 20; small_limit++) {
            struct scene   scene = {.role = CLIENT, .eof = true,
                                    .configure = line ? small_line
                                                      : small_head};
            struct outcome outcome;

            blob_text(&scene.bytes, "HTTP/1.1 503 Busy\nA: b\n\nbody");
            scene_run(&scene, &outcome);
            const bool refusal =
                strstr(blob_str(&outcome.log), "response=503") != NULL;
            assert_int_equal(refusal, small_limit >= 12);
            outcome_free(&outcome);
            blob_free(&scene.bytes);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_is_read_however_it_is_written_and_cut),
        cmocka_unit_test(close_comes_at_the_end_of_the_body),
        cmocka_unit_test(what_is_over_a_limit_is_dropped),
        cmocka_unit_test(a_head_over_the_limit_ends_there),
        cmocka_unit_test(a_refusal_takes_bounded_memory),
        cmocka_unit_test(without_memory_the_status_still_arrives),
        cmocka_unit_test(a_line_without_memory_is_left_out),
        cmocka_unit_test(the_time_for_the_handshake_ends_a_refusal_too),
        cmocka_unit_test(a_lost_connection_does_not_lose_a_refusal),
        cmocka_unit_test(sending_is_refused_meanwhile),
        cmocka_unit_test(what_is_no_status_line_is_no_refusal),
        cmocka_unit_test(what_is_not_http_fails_at_the_byte_that_shows_it),
        cmocka_unit_test(the_smallest_limits_hold_at_every_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
