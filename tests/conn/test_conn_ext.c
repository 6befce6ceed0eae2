/* SPDX-License-Identifier: MIT */
/* test_conn_ext.c - an extension, agreed on and used (RFC 6455, section 9). */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "buf.h"

#include "support/heads.h"
#include "support/split.h"
#include "support/testext.h"

static void with_ext(upf_config *config)
{
    config->ext = &test_ext;
}

static void with_ext_in_a_stream(upf_config *config)
{
    config->ext    = &test_ext;
    config->stream = true;
}

/* A head that agrees on the extension, for the connection of `role` to read. */
static void put_agreement(struct blob *to, enum role role)
{
    struct session session;

    if (role == SERVER) {
        blob_text(to, HEAD_START "Sec-WebSocket-Extensions: x-runs\r\n\r\n");
        return;
    }
    session_prepare(&session);
    with_ext(&session.config);
    session_begin(&session, CLIENT);
    session_give(&session, NULL, 0);
    put_101(to, &session.output, "Sec-WebSocket-Extensions: x-runs\r\n");
    session_free(&session);
}

/* A frame whose payload is encoded. */
static void put_encoded(struct blob *to, enum sender sender, unsigned first,
                        const char *text)
{
    struct blob payload = {0};

    test_ext_encode(&payload, text, strlen(text));
    put_frame(to, sender, first, payload.data, payload.len);
    blob_free(&payload);
}

/* A connection that has agreed; its output so far is forgotten. */
static void start_agreed_as(struct session *session, enum role role,
                            void (*configure)(upf_config *))
{
    struct blob head = {0};

    put_agreement(&head, role);
    session_prepare(session);
    configure(&session->config);
    session_begin(session, role);
    session_give_blob(session, &head);
    assert_true(upf_conn_is_open(&session->conn));
    blob_clear(&session->output);
    blob_free(&head);
}

static void start_agreed(struct session *session, enum role role)
{
    start_agreed_as(session, role, with_ext);
}

static struct scene agreed(enum role role)
{
    struct scene scene = {.role = role, .configure = with_ext};

    put_agreement(&scene.bytes, role);
    return scene;
}

/* Run the scene; its log ends so. */
static void check_log_end(struct scene *scene, const char *end)
{
    struct outcome outcome;

    scene_run(scene, &outcome);
    const char  *log = blob_str(&outcome.log);
    const size_t len = strlen(end);

    if (outcome.log.len < len || strcmp(log + outcome.log.len - len, end) != 0)
        fail_msg("does not end with\n%sbut is\n%s", end, log);
    assert_int_equal(test_ext_alive, 0);
    outcome_free(&outcome);
    blob_free(&scene->bytes);
}

/* ---- Agreement -------------------------------------------------------- */

static const struct {
    const char *offer;  /* header lines of a request */
    const char *answer; /* the response's value; NULL: none; "": refused */
} offers[] = {
    /* empty elements are ignored (RFC 9110, section 5.6.1.2) */
    {"Sec-WebSocket-Extensions:\r\n"
     "Sec-WebSocket-Extensions: , x-runs,\r\n", "x-runs"},
    {"Sec-WebSocket-Extensions: x-other,, x-runs\r\n", "x-runs"},
    {"", NULL},
    {"Sec-WebSocket-Extensions: x-runs\r\n", "x-runs"},
    {"Sec-WebSocket-Extensions: x-runs; level=3\r\n", "x-runs; level=3"},
    {"Sec-WebSocket-Extensions: x-runs;level=3\r\n", "x-runs; level=3"},
    {"Sec-WebSocket-Extensions: x-runs; level=\"4\"\r\n", "x-runs; level=4"},
    {"Sec-WebSocket-Extensions: x-runs; level=10\r\n", NULL},
    {"Sec-WebSocket-Extensions: x-runs; level\r\n", NULL},
    {"Sec-WebSocket-Extensions: x-runs; other\r\n", NULL},
    {"Sec-WebSocket-Extensions: x-runs; level=1; level=2\r\n", NULL},
    {"Sec-WebSocket-Extensions: x-runs; level=0, x-runs; level=2\r\n",
     "x-runs; level=2"},
    {"Sec-WebSocket-Extensions: permessage-deflate\r\n", NULL},
    {"Sec-WebSocket-Extensions: permessage-deflate, x-runs\r\n", "x-runs"},
    {"Sec-WebSocket-Extensions: permessage-deflate\r\n"
     "Sec-WebSocket-Extensions: x-runs; level=5\r\n", "x-runs; level=5"},
    {"Sec-WebSocket-Extensions: x-runs, x-runs; level=2\r\n", "x-runs"},
    {"Sec-WebSocket-Extensions: x-runs;\r\n", ""},
    {"Sec-WebSocket-Extensions: x-runs; level=\r\n", ""},
    {"Sec-WebSocket-Extensions: x-runs; level=\"a b\"\r\n", ""},
    {"Sec-WebSocket-Extensions: x runs\r\n", ""},
    {"Sec-WebSocket-Extensions: ; x-runs\r\n", ""},
};

static void a_server_answers_the_first_offer_that_it_can_use(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof offers / sizeof *offers; i++) {
        struct scene   scene = {.role = SERVER, .configure = with_ext};
        struct outcome outcome;
        const char    *answer = offers[i].answer;

        blob_printf(&scene.bytes, "%s%s\r\n", HEAD_START, offers[i].offer);
        scene_run(&scene, &outcome);
        if (answer != NULL && *answer == '\0') {
            if (strstr(blob_str(&outcome.log), "UPF_ERR_EXTENSION") == NULL)
                fail_msg("%scame to\n%s", offers[i].offer,
                         blob_str(&outcome.log));
            assert_status_line(&outcome.output, "HTTP/1.1 400 Bad Request");
        } else {
            char   got[256] = "";
            size_t lines = head_field(&outcome.output,
                                      "Sec-WebSocket-Extensions", got);

            if (lines != (answer != NULL) ||
                (answer != NULL && strcmp(got, answer) != 0))
                fail_msg("%swas answered\n%s", offers[i].offer,
                         blob_str(&outcome.output));
            assert_non_null(strstr(blob_str(&outcome.log), "OPEN"));
        }
        outcome_free(&outcome);
        blob_free(&scene.bytes);
        assert_int_equal(test_ext_alive, 0);
    }
}

static const struct {
    const char *answer; /* header lines of a response */
    upf_status  status; /* of CLOSE; UPF_OK: it opens */
} answers[] = {
    {"", UPF_OK},
    {"Sec-WebSocket-Extensions: x-runs\r\n", UPF_OK},
    {"Sec-WebSocket-Extensions: x-runs; level=7\r\n", UPF_OK},
    {"Sec-WebSocket-Extensions: x-runs; level=77\r\n",
     UPF_ERR_EXTENSION_PARAMETERS},
    {"Sec-WebSocket-Extensions: x-runs; other\r\n",
     UPF_ERR_EXTENSION_PARAMETERS},
    {"Sec-WebSocket-Extensions: x-other\r\n",
     UPF_ERR_EXTENSION_NOT_OFFERED},
    {"Sec-WebSocket-Extensions: x-runs, x-other\r\n",
     UPF_ERR_EXTENSION_NOT_OFFERED},
    {"Sec-WebSocket-Extensions: x-runs, x-runs\r\n",
     UPF_ERR_EXTENSION_REPEATED},
    {"Sec-WebSocket-Extensions: x-runs\r\n"
     "Sec-WebSocket-Extensions: x-runs\r\n", UPF_ERR_EXTENSION_REPEATED},
    {"Sec-WebSocket-Extensions: x-runs;\r\n", UPF_ERR_EXTENSION},
};

static void a_client_fails_on_what_it_did_not_offer(void **state)
{
    (void)state;
    struct session session;
    struct blob    request = {0};

    session_prepare(&session);
    session.config.ext = &test_ext;
    session_begin(&session, CLIENT);
    session_give(&session, NULL, 0);
    assert_field(&session.output, "Sec-WebSocket-Extensions",
                 "x-runs; level=7");
    blob_add(&request, session.output.data, session.output.len);
    session_free(&session);

    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct scene   scene = {.role = CLIENT, .configure = with_ext};
        struct outcome outcome;
        char           wanted[64];

        put_101(&scene.bytes, &request, answers[i].answer);
        scene_run(&scene, &outcome);
        const char *log = blob_str(&outcome.log);
        snprintf(wanted, sizeof wanted, "status=%s ",
                 upf_status_name(answers[i].status));
        if (answers[i].status == UPF_OK ? strcmp(log, "OPEN\n") != 0
                                        : strstr(log, wanted) == NULL)
            fail_msg("%scame to\n%s", answers[i].answer, log);
        outcome_free(&outcome);
        blob_free(&scene.bytes);
        assert_int_equal(test_ext_alive, 0);
    }
    blob_free(&request);
}

static void without_memory_for_its_state_the_handshake_fails(void **state)
{
    (void)state;
    struct session session;
    struct blob    head = {0};

    put_agreement(&head, SERVER);
    session_prepare(&session);
    session.config.ext = &test_ext;
    session.alloc.fault.at = 1;
    session_begin(&session, SERVER);
    session_give_blob(&session, &head);
    assert_int_equal(session.log.count[UPF_EVENT_OPEN], 0);
    assert_status(session.log.status, UPF_ERR_NO_MEMORY);
    session_free(&session);
    assert_int_equal(test_ext_alive, 0);
    blob_free(&head);
}

/* ---- Reading ---------------------------------------------------------- */

static const enum role roles[] = {SERVER, CLIENT};

static void encoded_and_plain_messages_are_read_at_any_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const enum sender peer = role_peer(roles[i]);
        struct scene scene = agreed(roles[i]);

        put_encoded(&scene.bytes, peer, FIN | RSV1 | TEXT, "aaaaaabbbbcc");
        put_text(&scene.bytes, peer, FIN | TEXT, "plain");
        put_text(&scene.bytes, peer, FIN | PING, "ping");
        put_encoded(&scene.bytes, peer, FIN | RSV1 | BINARY, "");
        check_log_end(&scene, "OPEN\nMESSAGE text 12 \"aaaaaabbbbcc\"\n"
                      "MESSAGE text 5 \"plain\"\nPING 4 \"ping\"\n"
                      "MESSAGE binary 0 \"\"\n");
    }
}

/* Encoded fragments, cut inside a pair, with a ping between. */
static void put_cut_message(struct blob *to, enum sender peer)
{
    struct blob payload = {0};

    test_ext_encode(&payload, "\xC3\xA9\xE2\x82\xAC!!!", 8);
    put_frame(to, peer, RSV1 | TEXT, payload.data, 3);
    put_text(to, peer, FIN | PING, "p");
    put_frame(to, peer, CONT, payload.data + 3, 4);
    put_frame(to, peer, CONT, NULL, 0);
    put_frame(to, peer, FIN | CONT, payload.data + 7, payload.len - 7);
    blob_free(&payload);
}

static void encoded_fragments_may_be_cut_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scene scene = agreed(roles[i]);

        put_cut_message(&scene.bytes, role_peer(roles[i]));
        check_log_end(&scene, "OPEN\nPING 1 \"p\"\n"
                      "MESSAGE text 8 c3a9e282ac212121\n");
    }
}

static void encoded_messages_come_in_chunks(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const enum sender peer = role_peer(roles[i]);
        struct scene scene = agreed(roles[i]);

        scene.configure = with_ext_in_a_stream;
        put_cut_message(&scene.bytes, peer);
        put_encoded(&scene.bytes, peer, FIN | RSV1 | BINARY, "whole");
        put_text(&scene.bytes, peer, FIN | TEXT, "plain");

        struct outcome outcome;
        struct blob    all = {0};
        scene_run(&scene, &outcome);
        assert_non_null(strstr(blob_str(&outcome.log),
                               "CHUNK binary first last 5 \"whole\"\n"
                               "CHUNK text first last 5 \"plain\"\n"));
        assert_non_null(strstr(blob_str(&outcome.log), "last"));
        outcome_free(&outcome);
        blob_free(&scene.bytes);
        blob_free(&all);
    }
}

static void check_rsv(unsigned first, bool inside, upf_status status)
{
    for (size_t i = 0; i < 2; i++) {
        const enum sender peer = role_peer(roles[i]);
        struct scene   scene = agreed(roles[i]);
        struct outcome outcome;
        char           line[64];

        if (inside)
            put_encoded(&scene.bytes, peer, RSV1 | TEXT, "in");
        put_encoded(&scene.bytes, peer, first, "x");
        scene_run(&scene, &outcome);
        snprintf(line, sizeof line, "sent=1002 clean=0 status=%s",
                 upf_status_name(status));
        if (strstr(blob_str(&outcome.log), line) == NULL)
            fail_msg("%02x came to\n%s", first, blob_str(&outcome.log));
        outcome_free(&outcome);
        blob_free(&scene.bytes);
    }
}

static void other_rsv_bits_fail(void **state)
{
    (void)state;
    check_rsv(FIN | RSV1 | CONT, true, UPF_ERR_RSV);
    check_rsv(RSV1 | CONT, true, UPF_ERR_RSV);
    check_rsv(FIN | RSV1 | PING, false, UPF_ERR_RSV);
    check_rsv(FIN | RSV1 | PONG, true, UPF_ERR_RSV);
    check_rsv(FIN | RSV1 | CLOSE, false, UPF_ERR_RSV);
    check_rsv(FIN | RSV2 | TEXT, false, UPF_ERR_RSV);
    check_rsv(FIN | RSV3 | TEXT, false, UPF_ERR_RSV);
    check_rsv(FIN | RSV1 | RSV2 | TEXT, false, UPF_ERR_RSV);
    check_rsv(FIN | RSV1 | RSV3 | BINARY, false, UPF_ERR_RSV);
}

static void with_rsv3(upf_config *config)
{
    config->ext = &test_ext_rsv3;
}

static void an_extension_claims_its_own_bit_only(void **state)
{
    (void)state;
    for (int wrong_bit = 0; wrong_bit < 2; wrong_bit++) {
        struct scene   scene = {.role = SERVER, .configure = with_rsv3};
        struct outcome outcome;

        put_agreement(&scene.bytes, SERVER);
        put_encoded(&scene.bytes, FROM_CLIENT,
                    FIN | TEXT | (wrong_bit ? RSV1 : RSV3), "mine");
        scene_run(&scene, &outcome);
        assert_non_null(strstr(blob_str(&outcome.log),
                               wrong_bit ? "UPF_ERR_RSV"
                                         : "MESSAGE text 4 \"mine\""));
        outcome_free(&outcome);
        blob_free(&scene.bytes);
    }
}

static void without_agreement_rsv1_fails(void **state)
{
    (void)state;
    struct scene   scene = {.role = SERVER, .configure = with_ext};
    struct outcome outcome;

    blob_text(&scene.bytes, HEAD_REQUEST);
    put_encoded(&scene.bytes, FROM_CLIENT, FIN | RSV1 | TEXT, "x");
    scene_run(&scene, &outcome);
    assert_non_null(strstr(blob_str(&outcome.log),
                           "sent=1002 clean=0 status=UPF_ERR_RSV"));
    outcome_free(&outcome);
    blob_free(&scene.bytes);
}

static void text_is_judged_when_it_is_decoded(void **state)
{
    (void)state;
    static const char *const wrong[] = {"ab\xFF", "\xED\xA0\x80", "cut \xC3"};

    for (int stream = 0; stream < 2; stream++)
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
            struct scene   scene = agreed(SERVER);
            struct outcome outcome;

            if (stream)
                scene.configure = with_ext_in_a_stream;
            put_encoded(&scene.bytes, FROM_CLIENT, FIN | RSV1 | TEXT,
                        wrong[i]);
            scene_run(&scene, &outcome);
            assert_non_null(strstr(blob_str(&outcome.log),
                                   "sent=1007 clean=0 status=UPF_ERR_UTF8"));
            outcome_free(&outcome);
            blob_free(&scene.bytes);
        }
}

static void payload_that_cannot_be_decoded_fails(void **state)
{
    (void)state;
    static const struct { const char *bytes; size_t len; } wrong[] = {
        {"\x00" "a", 2}, {"\x01", 1}, {"\x02" "a\x03", 3},
        {"\x02" "a\x00" "b", 4},
    };

    for (int stream = 0; stream < 2; stream++)
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
            struct scene   scene = agreed(CLIENT);
            struct outcome outcome;
            char           line[64];

            if (stream)
                scene.configure = with_ext_in_a_stream;
            put_frame(&scene.bytes, FROM_SERVER, FIN | RSV1 | BINARY,
                      wrong[i].bytes, wrong[i].len);
            scene_run(&scene, &outcome);
            snprintf(line, sizeof line,
                     "sent=%d clean=0 status=UPF_ERR_EXTENSION_DATA",
                     upf_status_close_code(UPF_ERR_EXTENSION_DATA));
            assert_non_null(strstr(blob_str(&outcome.log), line));
            outcome_free(&outcome);
            blob_free(&scene.bytes);
        }
}

/* The half waits in the block that the first piece was decoded to. */
static void half_a_code_point_waits_without_further_memory(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};

    start_agreed_as(&session, SERVER, with_ext_in_a_stream);
    put_encoded(&bytes, FROM_CLIENT, RSV1 | TEXT, "euro \xE2\x82");
    session_give_blob(&session, &bytes);
    blob_clear(&bytes);
    put_encoded(&bytes, FROM_CLIENT, FIN | CONT, "\xAC");
    session.alloc.fault = (struct fault){session.alloc.calls + 1, true};
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

    start_agreed_as(&session, SERVER, with_ext_in_a_stream);
    put_encoded(&bytes, FROM_CLIENT, RSV1 | TEXT, "all of it");
    put_encoded(&bytes, FROM_CLIENT, CONT, "");
    put_encoded(&bytes, FROM_CLIENT, FIN | CONT, "");
    put_encoded(&bytes, FROM_CLIENT, FIN | RSV1 | BINARY, "");
    session_give_blob(&session, &bytes);
    assert_log(&session, "REQUEST GET /chat status=UPF_OK\nOPEN\n"
               "CHUNK text first last 9 \"all of it\"\n"
               "CHUNK binary first last 0 \"\"\n");
    session_free(&session);
    blob_free(&bytes);
}

/* ---- Limits (A4) ------------------------------------------------------ */

static void the_message_limit_is_of_what_was_decoded(void **state)
{
    (void)state;
    for (int over = -1; over <= 1; over++)
        for (int stream = 0; stream < 2; stream++) {
            struct session session;
            struct blob    bytes = {0}, text = {0};

            put_agreement(&bytes, SERVER);
            blob_fill(&text, 'a', (size_t)(1000 + over));
            put_encoded(&bytes, FROM_CLIENT, FIN | RSV1 | TEXT,
                        blob_str(&text));
            session_prepare(&session);
            session.config.ext         = &test_ext;
            session.config.stream      = stream;
            session.config.max_message = 1000;
            session_begin(&session, SERVER);
            session_give_blob(&session, &bytes);
            assert_int_equal(session.log.count[UPF_EVENT_CLOSE], over > 0);
            if (over > 0) {
                assert_status(session.log.status, UPF_ERR_MESSAGE_TOO_BIG);
                assert_int_equal(session.log.close.sent_code, 1009);
            } else {
                assert_int_equal(session.log.payload, 1000 + over);
            }
            session_free(&session);
            blob_free(&bytes);
            blob_free(&text);
        }
}

static void the_limit_is_of_all_fragments_together(void **state)
{
    (void)state;
    for (int stream = 0; stream < 2; stream++) {
        struct session session;
        struct blob    bytes = {0}, text = {0};

        put_agreement(&bytes, CLIENT);
        blob_fill(&text, 'a', 300);
        for (int i = 0; i < 4; i++)
            put_encoded(&bytes, FROM_SERVER, i == 0 ? RSV1 | BINARY : CONT,
                        blob_str(&text));
        session_prepare(&session);
        session.config.ext         = &test_ext;
        session.config.stream      = stream;
        session.config.max_message = 1000;
        session_begin(&session, CLIENT);
        session_give_blob(&session, &bytes);
        assert_status(session.log.status, UPF_ERR_MESSAGE_TOO_BIG);
        assert_in_range(session.log.payload, 0, 1000);
        session_free(&session);
        blob_free(&bytes);
        blob_free(&text);
    }
}

/* Half a mebibyte that says it is 64. */
static void a_bomb_is_refused_within_the_limit_of_memory(void **state)
{
    (void)state;
    enum { LIMIT = 100000 };
    for (int fragments = 0; fragments < 2; fragments++) {
        struct session session;
        struct blob    bytes = {0}, payload = {0};

        for (int i = 0; i < 256 * 1024; i++)
            blob_add(&payload, "\xFF" "a", 2);
        put_agreement(&bytes, SERVER);
        for (size_t at = 0; at < payload.len; at += 1000)
            if (fragments)
                put_frame(&bytes, FROM_CLIENT, at ? CONT : RSV1 | BINARY,
                          payload.data + at,
                          payload.len - at < 1000 ? payload.len - at : 1000);
        if (!fragments)
            put_frame(&bytes, FROM_CLIENT, FIN | RSV1 | BINARY, payload.data,
                      payload.len);
        session_prepare(&session);
        session.config.ext         = &test_ext;
        session.config.max_message = LIMIT;
        session_begin(&session, SERVER);
        for (size_t at = 0; at < bytes.len; at += 4096)
            session_give(&session, bytes.data + at,
                         bytes.len - at < 4096 ? bytes.len - at : 4096);
        assert_status(session.log.status, UPF_ERR_MESSAGE_TOO_BIG);
        assert_true(session.alloc.peak <= LIMIT + 64 * 1024);
        session_free(&session);
        blob_free(&bytes);
        blob_free(&payload);
    }
}

/* ---- Sending ---------------------------------------------------------- */

/* What was sent is these frames, masked with the session's own keys. */
static void assert_sent_bytes(struct session *session,
                              const struct blob *expected)
{
    struct blob  text = {0}, right = {0};
    const enum sender self = role_self(session->role);

    show_frames(&text, session->output.data, session->output.len, self, RSV1);
    show_frames(&right, expected->data, expected->len, self, RSV1);
    assert_text(blob_str(&text), blob_str(&right));
    blob_free(&text);
    blob_free(&right);
}

static void what_is_sent_is_encoded(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const enum sender self = role_self(roles[i]);
        struct session session;
        struct blob    expected = {0};
        upf_conn      *conn = &session.conn;
        upf_slice      slices[] = {{(char[]){"gat"}, 3}, {(char[]){"her"}, 3}};
        char           room[32] = "................in place";

        start_agreed(&session, roles[i]);
        assert_status(upf_send(conn, UPF_OP_TEXT, "whole", 5), UPF_OK);
        assert_status(upf_send(conn, UPF_OP_TEXT, "!plain", 6), UPF_OK);
        assert_status(upf_send(conn, UPF_OP_BINARY, "", 0), UPF_OK);
        assert_status(upf_sendv(conn, UPF_OP_TEXT, slices, 2), UPF_OK);
        assert_status(upf_send_in_place(conn, UPF_OP_TEXT, room + 16, 8),
                      UPF_OK);
        assert_status(upf_ping(conn, "ping", 4), UPF_OK);
        assert_status(upf_send_part(conn, UPF_OP_TEXT, "one", 3, false),
                      UPF_OK);
        assert_status(upf_pong(conn, "pong", 4), UPF_OK);
        assert_status(upf_send_part(conn, UPF_OP_TEXT, "two", 3, true),
                      UPF_OK);
        assert_status(upf_send_part(conn, UPF_OP_TEXT, "!one", 4, false),
                      UPF_OK);
        assert_status(upf_send_part(conn, UPF_OP_TEXT, "two", 3, true),
                      UPF_OK);
        assert_status(upf_close(conn, 1000, "end"), UPF_OK);
        session_write(&session);

        put_encoded(&expected, self, FIN | RSV1 | TEXT, "whole");
        put_text(&expected, self, FIN | TEXT, "!plain");
        put_encoded(&expected, self, FIN | RSV1 | BINARY, "");

        /* Gathered pieces may be encoded one by one. */
        struct blob pairs = {0};
        test_ext_encode(&pairs, "gather", 6);
        put_frame(&expected, self, FIN | RSV1 | TEXT, pairs.data, pairs.len);
        blob_free(&pairs);

        put_encoded(&expected, self, FIN | RSV1 | TEXT, "in place");
        put_text(&expected, self, FIN | PING, "ping");
        put_encoded(&expected, self, RSV1 | TEXT, "one");
        put_text(&expected, self, FIN | PONG, "pong");
        put_encoded(&expected, self, FIN | CONT, "two");
        put_text(&expected, self, TEXT, "!one");
        put_text(&expected, self, FIN | CONT, "two");
        put_close(&expected, self, 1000, "end");
        assert_sent_bytes(&session, &expected);
        session_free(&session);
        blob_free(&expected);
        assert_int_equal(test_ext_alive, 0);
    }
}

static void what_is_sent_reads_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scene scene = agreed(roles[i]);

        scene.app = app_echo;
        put_encoded(&scene.bytes, role_peer(roles[i]), FIN | RSV1 | TEXT,
                    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");

        struct outcome outcome;
        scene_run(&scene, &outcome);
        const size_t len = head_len(&outcome.output);
        struct frame frame;
        assert_true(get_frame(outcome.output.data + len,
                              outcome.output.len - len, &frame));
        assert_int_equal(frame.first, FIN | RSV1 | TEXT);
        assert_int_equal(frame.len, 4);
        outcome_free(&outcome);
        blob_free(&scene.bytes);
    }
}

static void a_shared_message_is_sent_plain(void **state)
{
    (void)state;
    struct session session;
    struct blob    expected = {0};

    start_agreed(&session, SERVER);
    upf_shared *shared = upf_shared_new(NULL, UPF_OP_TEXT, "to all", 6);
    assert_status(upf_send_shared(&session.conn, shared), UPF_OK);
    upf_shared_free(shared);
    session_write(&session);
    put_text(&expected, FROM_SERVER, FIN | TEXT, "to all");
    assert_sent_bytes(&session, &expected);
    session_free(&session);
    blob_free(&expected);
}

static void without_memory_to_encode_nothing_is_sent(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (size_t n = 1; n <= 8; n++) {
            struct session session;
            struct blob    expected = {0};

            start_agreed(&session, roles[i]);
            session.alloc.fault = (struct fault){session.alloc.calls + n,
                                                 true};
            const upf_status status =
                upf_send(&session.conn, UPF_OP_TEXT, "some text", 9);
            session.alloc.fault = (struct fault){0};
            assert_true(n > 1 || status == UPF_ERR_NO_MEMORY);
            if (status == UPF_OK)
                put_encoded(&expected, role_self(roles[i]),
                            FIN | RSV1 | TEXT, "some text");
            else
                assert_status(status, UPF_ERR_NO_MEMORY);
            session_write(&session);
            assert_sent_bytes(&session, &expected);
            session_free(&session);
            blob_free(&expected);
        }
}

/* A long message, and in the same input the beginning of a short one. */
static void a_large_block_does_not_stay_for_an_encoded_message(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0}, payload = {0};

    for (int i = 0; i < 400; i++) /* 255 bytes each */
        blob_add(&payload, "\xFF\x2B", 2);
    put_frame(&bytes, FROM_CLIENT, FIN | RSV1 | BINARY, payload.data,
              payload.len);
    put_frame(&bytes, FROM_CLIENT, FIN | RSV1 | BINARY, "\x01\x2B\x01\x2B", 4);
    start_agreed(&session, SERVER);
    session_give(&session, bytes.data, bytes.len - 2);
    assert_int_equal(session.log.count[UPF_EVENT_MESSAGE], 1);
    assert_int_equal(session.log.payload, 400 * 255);
    assert_in_range(session.alloc.live, 1, 4096 + 2 * 1 + 100);
    session_give(&session, bytes.data + bytes.len - 2, 2);
    assert_int_equal(session.log.count[UPF_EVENT_MESSAGE], 2);
    session_free(&session);
    blob_free(&bytes);
    blob_free(&payload);
}

static void no_slices_make_an_empty_message(void **state)
{
    (void)state;
    for (int encoded = 0; encoded < 2; encoded++) {
        struct session session;
        struct blob    text = {0};

        if (encoded) {
            start_agreed(&session, SERVER);
        } else {
            session_start(&session, OPEN_SERVER);
            session_give(&session, NULL, 0);
        }
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

/* ---- An encoder that has a memory ---------------------------------------- */

/* Puts a number in front of each message: how many were sent so far. */
struct counter {
    uint8_t sent, next;
};

static struct counter counter;

static upf_status count_encode(struct upf_ext_state *ext_state,
                               const upf_config *config, const uint8_t *data,
                               size_t len, bool first, bool end,
                               struct upf_buf *out, bool *encoded)
{
    (void)ext_state;
    (void)end;
    *encoded = true;
    if (first && !upf_buf_append(out, config, &(uint8_t){++counter.next}, 1))
        return UPF_ERR_NO_MEMORY;
    return upf_buf_append(out, config, data, len) ? UPF_OK
                                                  : UPF_ERR_NO_MEMORY;
}

static void count_settle(struct upf_ext_state *ext_state,
                         const upf_config *config, bool sent)
{
    (void)ext_state;
    (void)config;
    if (sent)
        counter.sent = counter.next;
    else
        counter.next = counter.sent;
}

/* Refuse a message by `hurt`, then see that the next one is in step. */
static void check_in_step(enum role role, size_t len,
                          void hurt(struct session *session, size_t n),
                          upf_status why)
{
    for (size_t n = 1; n < 10; n++) {
        struct upf_ext  ext = test_ext;
        struct session  session;
        struct blob     head = {0};
        static uint8_t  text[6000];
        struct frame    frame;

        ext.encode = count_encode;
        ext.settle = count_settle;
        counter    = (struct counter){0, 0};
        memset(text, 'x', sizeof text);
        put_agreement(&head, role);
        session_prepare(&session);
        session.config.ext        = &ext;
        session.config.max_queued = 7000;
        session_begin(&session, role);
        session_give_blob(&session, &head);
        blob_clear(&session.output);

        assert_status(upf_send(&session.conn, UPF_OP_TEXT, "a", 1), UPF_OK);
        hurt(&session, n);
        const upf_status status =
            upf_send(&session.conn, UPF_OP_TEXT, text, len);
        session.alloc.fault = session.random.fault = (struct fault){0, false};
        assert_status(status, n == 1 || status != UPF_OK ? why : UPF_OK);
        session_write(&session);
        assert_status(upf_send(&session.conn, UPF_OP_TEXT, "b", 1), UPF_OK);
        session_write(&session);

        const uint8_t *at   = session.output.data;
        size_t         left = session.output.len;
        for (uint8_t i = 1; left > 0; i++) {
            assert_true(get_frame(at, left, &frame));
            const uint8_t *payload = at + frame.header_len;
            assert_int_equal(payload[0] ^ (frame.masked ? frame.key[0] : 0),
                             i);
            at   += frame.header_len + frame.len;
            left -= frame.header_len + (size_t)frame.len;
        }
        session_free(&session);
        blob_free(&head);
    }
}

static void fail_memory(struct session *session, size_t n)
{
    session->alloc.fault = (struct fault){session->alloc.calls + n, true};
}

static void fail_random(struct session *session, size_t n)
{
    session->random.fault =
        (struct fault){session->random.calls + 1, n % 2 == 0};
}

/* One byte fewer than the encoded message takes. */
static void fill_queue(struct session *session, size_t n)
{
    static uint8_t filler[1000];

    (void)n;
    assert_status(upf_send(&session->conn, UPF_OP_BINARY, filler,
                           sizeof filler - 6), UPF_OK);
}

static void a_send_that_is_refused_leaves_the_encoder_in_step(void **state)
{
    (void)state;
    static const size_t lens[] = {0, 1, 200, 300, 5000};

    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        check_in_step(SERVER, lens[i], fail_memory, UPF_ERR_NO_MEMORY);
        check_in_step(CLIENT, lens[i], fail_memory, UPF_ERR_NO_MEMORY);
        check_in_step(CLIENT, lens[i], fail_random, UPF_ERR_RANDOM);
    }
    check_in_step(SERVER, 5994, fill_queue, UPF_ERR_QUEUE_FULL);
    check_in_step(CLIENT, 5990, fill_queue, UPF_ERR_QUEUE_FULL);
}

/* The limit is held to the byte by what is on the wire. */
static void the_encoded_length_is_judged(void **state)
{
    (void)state;
    struct session session;
    char           text[100];

    start_agreed(&session, SERVER);
    session.hold = true;
    session.config.max_queued = 60;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i % 2); /* no runs: it doubles */
    assert_status(upf_send(&session.conn, UPF_OP_TEXT, text, 30),
                  UPF_ERR_QUEUE_FULL);
    assert_int_equal(upf_conn_queued(&session.conn), 0);
    assert_status(upf_send(&session.conn, UPF_OP_TEXT, text, 29), UPF_OK);
    assert_int_equal(upf_conn_queued(&session.conn), 60);
    session_write(&session);
    session.hold = false;
    session_write(&session);
    memset(text, 'a', sizeof text); /* one run: two bytes */
    assert_status(upf_send(&session.conn, UPF_OP_TEXT, text, sizeof text),
                  UPF_OK);
    assert_int_equal(upf_conn_queued(&session.conn), 4);
    session_free(&session);
}

/* Memory follows what waits, not what the encoder took on the way. */
static void an_encoded_message_that_waits_takes_its_length(void **state)
{
    (void)state;
    struct session session;
    uint8_t        bytes[3000];

    start_agreed(&session, SERVER);
    session.hold = true;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i % 2); /* no runs: it doubles */
    const size_t before = session.alloc.live; /* the extension's own */
    for (size_t len = 300; len <= sizeof bytes; len += 300) {
        assert_status(upf_send(&session.conn, UPF_OP_BINARY, bytes, len),
                      UPF_OK);
        assert_true(session.alloc.live - before <=
                    upf_conn_queued(&session.conn) + UPF_BUF_OVERHEAD);
        session.hold = false;
        session_write(&session);
        session.hold = true;
    }
    session_free(&session);
}

/* ---- What an extension is told ------------------------------------------- */

/* Pieces that were encoded and decoded: length, and f(irst), e(nd). */
static struct blob told;

static upf_status telling_encode(struct upf_ext_state *state,
                                 const upf_config *config, const uint8_t *data,
                                 size_t len, bool first, bool end,
                                 struct upf_buf *out, bool *encoded)
{
    blob_printf(&told, "%zu%s%s ", len, first ? "f" : "", end ? "e" : "");
    return test_ext.encode(state, config, data, len, first, end, out, encoded);
}

static upf_status telling_decode(struct upf_ext_state *state,
                                 const upf_config *config, const uint8_t *data,
                                 size_t len, bool end, struct upf_buf *out,
                                 uint64_t max)
{
    blob_printf(&told, "%zu%s ", len, end ? "e" : "");
    return test_ext.decode(state, config, data, len, end, out, max);
}

static void start_telling(struct session *session, struct upf_ext *ext,
                          bool stream)
{
    struct blob head = {0};

    *ext = test_ext;
    ext->encode = telling_encode;
    ext->decode = telling_decode;
    put_agreement(&head, SERVER);
    session_prepare(session);
    session->config.ext    = ext;
    session->config.stream = stream;
    session_begin(session, SERVER);
    session_give_blob(session, &head);
    blob_clear(&told);
    blob_free(&head);
}

static void assert_told(const char *expected)
{
    assert_text(blob_str(&told), expected);
    blob_clear(&told);
}

/* Of every message exactly the first piece is the first, and the last one the
 * last, however many there are, and whether they are empty. */
static void the_last_piece_that_is_encoded_is_the_end(void **state)
{
    (void)state;
    struct session  session;
    struct upf_ext  ext;
    upf_conn       *conn = &session.conn;
    const upf_slice slices[] = {{(char[]){"one"}, 3}, {(char[]){"two"}, 3},
                                {NULL, 0}, {(char[]){"four"}, 4}, {NULL, 0}};
    const upf_slice plain[]  = {{(char[]){"!one"}, 4}, {(char[]){"two"}, 3}};

    start_telling(&session, &ext, false);
    assert_status(upf_send(conn, UPF_OP_TEXT, "x", 1), UPF_OK);
    assert_told("1fe ");
    assert_status(upf_sendv(conn, UPF_OP_TEXT, NULL, 0), UPF_OK);
    assert_told("0fe ");
    assert_status(upf_sendv(conn, UPF_OP_TEXT, slices, 1), UPF_OK);
    assert_told("3fe ");
    assert_status(upf_sendv(conn, UPF_OP_TEXT, slices, 2), UPF_OK);
    assert_told("3f 3e ");
    assert_status(upf_sendv(conn, UPF_OP_TEXT, slices, 3), UPF_OK);
    assert_told("3f 3 0e ");
    assert_status(upf_sendv(conn, UPF_OP_TEXT, slices, 4), UPF_OK);
    assert_told("3f 3 0 4e ");
    assert_status(upf_sendv(conn, UPF_OP_TEXT, slices + 2, 3), UPF_OK);
    assert_told("0f 4 0e ");
    assert_status(upf_send_part(conn, UPF_OP_TEXT, "a", 1, false), UPF_OK);
    assert_told("1f ");
    assert_status(upf_send_part(conn, UPF_OP_TEXT, "", 0, false), UPF_OK);
    assert_told("0 ");
    assert_status(upf_send_part(conn, UPF_OP_TEXT, "bc", 2, true), UPF_OK);
    assert_told("2e ");
    assert_status(upf_send_part(conn, UPF_OP_TEXT, "", 0, true), UPF_OK);
    assert_told("0fe ");
    assert_status(upf_send(conn, UPF_OP_TEXT, "!plain", 6), UPF_OK);
    assert_told("6fe ");
    /* It is not asked of the rest when the first says that. */
    assert_status(upf_sendv(conn, UPF_OP_TEXT, plain, 2), UPF_OK);
    assert_told("4f ");
    session_write(&session);
    session_free(&session);
    blob_free(&told);
}

static void the_last_piece_that_is_decoded_is_the_end(void **state)
{
    (void)state;
    for (int stream = 0; stream < 2; stream++) {
        struct session session;
        struct upf_ext ext;
        struct blob    bytes = {0};

        start_telling(&session, &ext, stream != 0);
        put_encoded(&bytes, FROM_CLIENT, FIN | RSV1 | TEXT, "ab");
        session_give_blob(&session, &bytes);
        assert_told("4e ");
        for (size_t at = 0; at < bytes.len; at++)
            session_give(&session, bytes.data + at, 1);
        assert_told("1 1 1 1e ");
        blob_clear(&bytes);
        put_encoded(&bytes, FROM_CLIENT, RSV1 | TEXT, "ab");
        put_encoded(&bytes, FROM_CLIENT, CONT, "");
        put_encoded(&bytes, FROM_CLIENT, FIN | CONT, "c");
        session_give_blob(&session, &bytes);
        assert_told("4 0 2e ");
        blob_clear(&bytes);
        put_encoded(&bytes, FROM_CLIENT, RSV1 | TEXT, "ab");
        put_encoded(&bytes, FROM_CLIENT, FIN | CONT, "");
        session_give_blob(&session, &bytes);
        assert_told("4 0e ");
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
        session_free(&session);
        blob_free(&bytes);
    }
    blob_free(&told);
}

/* Of the eight combinations of RSV bits, for each bit that an extension may
 * claim: none, and the one that is claimed, pass on a first frame; on a
 * continuation and on control frames none does (section 5.2). */
static void of_all_rsv_bits_only_the_claimed_one_passes(void **state)
{
    (void)state;
    static const unsigned opcodes[] = {TEXT, BINARY, CONT, PING, PONG, CLOSE};

    for (unsigned claimed = 1; claimed <= 4; claimed *= 2)
        for (unsigned rsv = 0; rsv < 8; rsv++)
            for (size_t i = 0; i < sizeof opcodes / sizeof *opcodes; i++) {
                struct session session;
                struct upf_ext ext = test_ext;
                struct blob    bytes = {0};
                const bool     passes =
                    rsv == 0 || (rsv == claimed && opcodes[i] <= BINARY &&
                                 opcodes[i] != CONT);

                ext.rsv = (uint8_t)claimed;
                put_agreement(&bytes, SERVER);
                if (opcodes[i] == CONT)
                    put_text(&bytes, FROM_CLIENT, TEXT, "");
                put_text(&bytes, FROM_CLIENT, FIN | opcodes[i] | rsv << 4, "");
                session_prepare(&session);
                session.config.ext = &ext;
                session_begin(&session, SERVER);
                session_give_blob(&session, &bytes);
                if ((session.log.status == UPF_ERR_RSV) == passes)
                    fail_msg("claimed %u, opcode %u, RSV %u", claimed,
                             opcodes[i], rsv);
                session_free(&session);
                blob_free(&bytes);
            }
}

/* Three bytes of a code point wait for the fourth, in a block that a Ping in
 * pieces replaces by a small one. */
static void a_cut_code_point_survives_a_ping_in_pieces(void **state)
{
    (void)state;
    static const uint8_t cut[] = {0xF0, 0x9F, 0x98}, rest = 0x80;

    for (int fails = 0; fails < 2; fails++) {
        struct session session;
        struct blob    text = {0}, payload = {0}, bytes = {0};

        put_agreement(&bytes, SERVER);
        session_prepare(&session);
        with_ext_in_a_stream(&session.config);
        session_begin(&session, SERVER);
        session_give_blob(&session, &bytes);
        blob_fill(&text, 'a', 10000);
        blob_add(&text, cut, sizeof cut);
        test_ext_encode(&payload, (const char *)text.data, text.len);
        blob_clear(&bytes);
        put_frame(&bytes, FROM_CLIENT, RSV1 | TEXT, payload.data, payload.len);
        put_text(&bytes, FROM_CLIENT, FIN | PING, "xy");
        session_give(&session, bytes.data, bytes.len - 1);
        session_give(&session, bytes.data + bytes.len - 1, 1);
        blob_clear(&bytes);
        blob_clear(&payload);
        test_ext_encode(&payload, (const char *)&rest, 1);
        put_frame(&bytes, FROM_CLIENT, FIN | CONT, payload.data, payload.len);
        if (fails)
            session.alloc.fault =
                (struct fault){session.alloc.calls + 1, false};
        session_give_blob(&session, &bytes);
        if (fails)
            assert_status(session.log.status, UPF_ERR_NO_MEMORY);
        else
            assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
        blob_free(&text);
        blob_free(&payload);
        blob_free(&bytes);
        session_free(&session);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_answers_the_first_offer_that_it_can_use),
        cmocka_unit_test(a_client_fails_on_what_it_did_not_offer),
        cmocka_unit_test(without_memory_for_its_state_the_handshake_fails),
        cmocka_unit_test(encoded_and_plain_messages_are_read_at_any_cut),
        cmocka_unit_test(encoded_fragments_may_be_cut_anywhere),
        cmocka_unit_test(encoded_messages_come_in_chunks),
        cmocka_unit_test(other_rsv_bits_fail),
        cmocka_unit_test(an_extension_claims_its_own_bit_only),
        cmocka_unit_test(without_agreement_rsv1_fails),
        cmocka_unit_test(text_is_judged_when_it_is_decoded),
        cmocka_unit_test(payload_that_cannot_be_decoded_fails),
        cmocka_unit_test(the_message_limit_is_of_what_was_decoded),
        cmocka_unit_test(the_limit_is_of_all_fragments_together),
        cmocka_unit_test(a_bomb_is_refused_within_the_limit_of_memory),
        cmocka_unit_test(what_is_sent_is_encoded),
        cmocka_unit_test(what_is_sent_reads_back),
        cmocka_unit_test(a_shared_message_is_sent_plain),
        cmocka_unit_test(without_memory_to_encode_nothing_is_sent),
        cmocka_unit_test(a_large_block_does_not_stay_for_an_encoded_message),
        cmocka_unit_test(a_send_that_is_refused_leaves_the_encoder_in_step),
        cmocka_unit_test(the_encoded_length_is_judged),
        cmocka_unit_test(an_encoded_message_that_waits_takes_its_length),
        cmocka_unit_test(the_last_piece_that_is_encoded_is_the_end),
        cmocka_unit_test(the_last_piece_that_is_decoded_is_the_end),
        cmocka_unit_test(of_all_rsv_bits_only_the_claimed_one_passes),
        cmocka_unit_test(a_cut_code_point_survives_a_ping_in_pieces),
        cmocka_unit_test(no_slices_make_an_empty_message),
        cmocka_unit_test(half_a_code_point_waits_without_further_memory),
        cmocka_unit_test(an_encoded_message_may_end_with_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
