/* SPDX-License-Identifier: MIT */
/* test_trace.c - the trace hook sees every frame header, either way. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "support/heads.h"
#include "support/session.h"
#include "support/testext.h"

/* What was seen, one line a frame. */
struct tracer {
    struct blob     text;
    const upf_conn *conn;
    uint8_t         key[4]; /* of the last frame that was masked */
};

static void trace(void *user, const upf_conn *conn, bool sent,
                  const upf_frame_header *header)
{
    struct tracer *tracer = user;

    assert_ptr_equal(conn, tracer->conn);
    blob_printf(&tracer->text, "%s %d fin=%d masked=%d rsv=%d %llu\n",
                sent ? "sent" : "read", (int)header->opcode, header->fin,
                header->masked, header->rsv,
                (unsigned long long)header->payload_len);
    if (header->masked)
        memcpy(tracer->key, header->mask_key, sizeof tracer->key);
}

static void start(struct session *session, struct tracer *tracer,
                  enum role role)
{
    session_prepare(session);
    *tracer = (struct tracer){.conn = &session->conn};
    session->config.trace      = trace;
    session->config.trace_user = tracer;
    session_begin(session, role);
    session_give(session, NULL, 0);
}

static void each_frame_is_seen_once(void **state)
{
    (void)state;
    static const char expected[] =
        "read 1 fin=0 masked=1 rsv=0 3\n"
        "read 9 fin=1 masked=1 rsv=0 1\n"
        "sent 10 fin=1 masked=0 rsv=0 1\n"
        "read 0 fin=1 masked=1 rsv=0 200\n"
        "sent 2 fin=1 masked=0 rsv=0 5\n"
        "sent 1 fin=0 masked=0 rsv=0 1\n"
        "sent 0 fin=1 masked=0 rsv=0 0\n"
        "sent 2 fin=1 masked=0 rsv=0 4\n"
        "sent 1 fin=1 masked=0 rsv=0 6\n"
        "sent 9 fin=1 masked=0 rsv=0 2\n"
        "sent 10 fin=1 masked=0 rsv=0 0\n"
        "read 8 fin=1 masked=1 rsv=0 2\n"
        "sent 8 fin=1 masked=0 rsv=0 2\n";

    for (int bytewise = 0; bytewise < 2; bytewise++) {
        struct session session;
        struct tracer  tracer;
        struct blob    bytes = {0};
        upf_conn      *conn = &session.conn;
        uint8_t        room[32];

        put_text(&bytes, FROM_CLIENT, TEXT, "abc");
        put_text(&bytes, FROM_CLIENT, FIN | PING, "p");
        put_run(&bytes, FROM_CLIENT, FIN | CONT, 'd', 200);
        start(&session, &tracer, OPEN_SERVER);
        for (size_t at = 0; at < bytes.len; at += bytewise ? 1 : bytes.len)
            session_give(&session, bytes.data + at, bytewise ? 1 : bytes.len);

        upf_shared *shared = upf_shared_new(NULL, UPF_OP_TEXT, "shared", 6);
        assert_status(upf_send(conn, UPF_OP_BINARY, "12345", 5), UPF_OK);
        assert_status(upf_send_part(conn, UPF_OP_TEXT, "1", 1, false), UPF_OK);
        assert_status(upf_send_part(conn, UPF_OP_TEXT, "", 0, true), UPF_OK);
        assert_status(upf_send_in_place(conn, UPF_OP_BINARY, room + 16, 4),
                      UPF_OK);
        assert_status(upf_send_shared(conn, shared), UPF_OK);
        assert_status(upf_ping(conn, "hi", 2), UPF_OK);
        assert_status(upf_pong(conn, NULL, 0), UPF_OK);
        session_write(&session);
        blob_clear(&bytes);
        put_close(&bytes, FROM_CLIENT, 1000, NULL);
        session_give_blob(&session, &bytes);
        assert_text(blob_str(&tracer.text), expected);
        upf_shared_free(shared);
        blob_free(&tracer.text);
        blob_free(&bytes);
        session_free(&session);
    }
}

/* Each RSV bit, either way, on the first frame of a message and not on the
 * others, and for a connection that did not agree on it. */
static void each_rsv_bit_is_seen(void **state)
{
    (void)state;
    static const unsigned bits[] = {UPF_RSV1, UPF_RSV2, UPF_RSV3};

    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
        struct session session;
        struct tracer  tracer;
        struct blob    bytes = {0}, payload = {0}, expected = {0};
        struct upf_ext ext = test_ext;

        ext.rsv = (uint8_t)bits[i];
        session_prepare(&session);
        tracer = (struct tracer){.conn = &session.conn};
        session.config.trace      = trace;
        session.config.trace_user = &tracer;
        session.config.ext        = &ext;
        session_begin(&session, SERVER);
        blob_text(&bytes, HEAD_START
                  "Sec-WebSocket-Extensions: x-runs\r\n\r\n");
        test_ext_encode(&payload, "ab", 2);
        put_frame(&bytes, FROM_CLIENT, TEXT | bits[i] << 4, payload.data,
                  payload.len);
        put_frame(&bytes, FROM_CLIENT, FIN | CONT, payload.data, payload.len);
        session_give_blob(&session, &bytes);
        assert_status(upf_send(&session.conn, UPF_OP_TEXT, "ab", 2), UPF_OK);
        assert_status(upf_send_part(&session.conn, UPF_OP_TEXT, "ab", 2,
                                    false), UPF_OK);
        assert_status(upf_send_part(&session.conn, UPF_OP_TEXT, "ab", 2,
                                    true), UPF_OK);
        assert_status(upf_ping(&session.conn, NULL, 0), UPF_OK);
        blob_printf(&expected,
                    "read 1 fin=0 masked=1 rsv=%u 4\n"
                    "read 0 fin=1 masked=1 rsv=0 4\n"
                    "sent 1 fin=1 masked=0 rsv=%u 4\n"
                    "sent 1 fin=0 masked=0 rsv=%u 4\n"
                    "sent 0 fin=1 masked=0 rsv=0 4\n"
                    "sent 9 fin=1 masked=0 rsv=0 0\n",
                    bits[i], bits[i], bits[i]);
        assert_text(blob_str(&tracer.text), blob_str(&expected));
        session_write(&session);
        session_free(&session);
        blob_free(&tracer.text);
        blob_free(&bytes);
        blob_free(&payload);
        blob_free(&expected);
    }
}

/* The usual messages, of every length that has a path of its own, whole in the
 * input. */
static void ordinary_messages_are_seen_too(void **state)
{
    (void)state;
    static const size_t lens[] = {0, 1, 7, 8, 16, 17, 125, 126, 300, 65535,
                                  65536};

    for (int client = 0; client < 2; client++) {
        const enum role role = client ? OPEN_CLIENT : OPEN_SERVER;
        struct session  session;
        struct tracer   tracer;
        struct blob     bytes = {0}, expected = {0};

        start(&session, &tracer, role);
        session.app = app_echo;
        for (size_t i = 0; i < sizeof lens / sizeof *lens; i++)
            for (unsigned opcode = TEXT; opcode <= BINARY; opcode++) {
                put_run(&bytes, role_peer(role), FIN | opcode, 'o', lens[i]);
                blob_printf(&expected, "read %u fin=1 masked=%d rsv=0 %zu\n"
                            "sent %u fin=1 masked=%d rsv=0 %zu\n",
                            opcode, !client, lens[i], opcode, client,
                            lens[i]);
            }
        session_give_blob(&session, &bytes);
        assert_text(blob_str(&tracer.text), blob_str(&expected));
        session_free(&session);
        blob_free(&tracer.text);
        blob_free(&bytes);
        blob_free(&expected);
    }
}

static void a_frame_that_is_refused_is_not_seen_as_sent(void **state)
{
    (void)state;
    struct session session;
    struct tracer  tracer;

    start(&session, &tracer, OPEN_CLIENT);
    session.random.fault = (struct fault){session.random.calls + 1, true};
    assert_status(upf_send(&session.conn, UPF_OP_TEXT, "x", 1),
                  UPF_ERR_RANDOM);
    session.random.fault = (struct fault){0};
    session.alloc.fault = (struct fault){session.alloc.calls + 1, true};
    assert_status(upf_send(&session.conn, UPF_OP_TEXT, "x", 1),
                  UPF_ERR_NO_MEMORY);
    session.alloc.fault = (struct fault){0};
    assert_text(blob_str(&tracer.text), "");
    blob_free(&tracer.text);
    session_free(&session);
}

static void what_a_client_sends_is_seen_with_its_key(void **state)
{
    (void)state;
    struct session session;
    struct tracer  tracer;
    struct frame   frame;

    start(&session, &tracer, OPEN_CLIENT);
    assert_status(upf_send(&session.conn, UPF_OP_TEXT, "seen", 4), UPF_OK);
    session_write(&session);
    assert_text(blob_str(&tracer.text), "sent 1 fin=1 masked=1 rsv=0 4\n");
    assert_true(get_frame(session.output.data, session.output.len, &frame));
    assert_memory_equal(tracer.key, frame.key, sizeof frame.key);
    assert_memory_not_equal(tracer.key, "\0\0\0", 4);
    blob_free(&tracer.text);
    session_free(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_frame_is_seen_once),
        cmocka_unit_test(ordinary_messages_are_seen_too),
        cmocka_unit_test(each_rsv_bit_is_seen),
        cmocka_unit_test(what_a_client_sends_is_seen_with_its_key),
        cmocka_unit_test(a_frame_that_is_refused_is_not_seen_as_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
