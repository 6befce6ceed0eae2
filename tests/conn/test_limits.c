/* SPDX-License-Identifier: MIT */
/* test_limits.c - memory follows what was received, not what was declared. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "support/session.h"

enum { SLACK = 4096, MIB = 1024 * 1024 };

static void assert_follows(size_t memory, uint64_t received)
{
    if (memory > 2 * received + SLACK)
        fail_msg("%zu bytes of memory for %zu bytes", memory,
                 (size_t)received);
}

/* ---- Each limit at its edge ------------------------------------------- */

static void start_limited(struct session *session, enum role role,
                          uint64_t max_frame, uint64_t max_message,
                          uint32_t max_fragments, bool stream)
{
    session_prepare(session);
    session->config.max_frame     = max_frame;
    session->config.max_message   = max_message;
    session->config.max_fragments = max_fragments;
    session->config.stream        = stream;
    session_begin(session, role);
}

/* Give the bytes; they must be refused with `status` and 1009 or 1008, or
 * taken if it is UPF_OK. */
static void check_verdict(struct session *session, struct blob *bytes,
                          upf_status status, int code)
{
    session_give_blob(session, bytes);
    if (status == UPF_OK) {
        assert_int_equal(session->log.count[UPF_EVENT_CLOSE], 0);
        assert_status(session->last, UPF_WANT_READ);
    } else {
        assert_int_equal(session->log.count[UPF_EVENT_CLOSE], 1);
        assert_status(session->log.status, status);
        assert_int_equal(session->log.close.sent_code, code);
    }
    session_free(session);
    blob_free(bytes);
}

static void check_frame_limit(enum role role, uint64_t limit, bool stream)
{
    for (int over = -1; over <= 1; over++) {
        struct session session;
        struct blob    bytes = {0};

        start_limited(&session, role, limit, 10 * MIB, 100, stream);
        put_run(&bytes, role_peer(role), FIN | BINARY, 'b',
                (size_t)limit + (size_t)over);
        put_run(&bytes, role_peer(role), BINARY, 'b', (size_t)limit);
        put_run(&bytes, role_peer(role), FIN | CONT, 'b', (size_t)limit);
        check_verdict(&session, &bytes,
                      over > 0 ? UPF_ERR_FRAME_TOO_BIG : UPF_OK, 1009);
    }
}

static void a_frame_may_have_max_frame_bytes_and_no_more(void **state)
{
    (void)state;
    static const uint64_t limits[] = {1, 2, 124, 125, 126, 127, 65535, 65536,
                                      100000};

    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        for (int stream = 0; stream < 2; stream++) {
            check_frame_limit(OPEN_SERVER, limits[i], stream);
            check_frame_limit(OPEN_CLIENT, limits[i], stream);
        }
}

static void check_message_limit(uint64_t limit, size_t fragment, bool stream)
{
    for (int over = -1; over <= 1; over++) {
        struct session session;
        struct blob    bytes = {0};
        size_t         left = (size_t)limit + (size_t)over;
        unsigned       opcode = BINARY;

        start_limited(&session, OPEN_SERVER, 10 * MIB, limit, 1000000, stream);
        put_run(&bytes, FROM_CLIENT, FIN | BINARY, 'a', (size_t)limit);
        while (left > fragment) {
            put_run(&bytes, FROM_CLIENT, opcode, 'b', fragment);
            left -= fragment;
            opcode = CONT;
        }
        put_run(&bytes, FROM_CLIENT, FIN | opcode, 'b', left);
        check_verdict(&session, &bytes,
                      over > 0 ? UPF_ERR_MESSAGE_TOO_BIG : UPF_OK, 1009);
    }
}

static void a_message_may_have_max_message_bytes_and_no_more(void **state)
{
    (void)state;
    static const uint64_t limits[] = {1, 10, 125, 126, 65536, 100000};

    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        for (int stream = 0; stream < 2; stream++) {
            check_message_limit(limits[i], 1000000, stream);
            check_message_limit(limits[i], 1000, stream);
            check_message_limit(limits[i], 7, stream);
        }
}

/* A Ping in pieces takes room behind the message that it interrupts. None of it
 * becomes room for fragments. */
static void room_for_a_ping_in_pieces_is_none_for_the_message(void **state)
{
    (void)state;
    for (enum role role = OPEN_SERVER; role <= OPEN_CLIENT; role++)
        for (size_t len = 1; len <= 4; len++) {
            const enum sender peer = role_peer(role);
            struct session session;
            struct blob    bytes = {0};

            start_limited(&session, role, 100, 100, 1000, false);
            put_run(&bytes, peer, BINARY, 'a', 90);
            put_run(&bytes, peer, FIN | PING, 'p', 125);
            session_give(&session, bytes.data, bytes.len - 60);
            session_give(&session, bytes.data + bytes.len - 60, 60);
            assert_int_equal(session.log.count[UPF_EVENT_PING], 1);
            bytes.len = 0;
            for (int i = 0; i < 3; i++)
                put_run(&bytes, peer, CONT, 'b', len);
            put_run(&bytes, peer, FIN | CONT, 'c', 1);
            check_verdict(&session, &bytes,
                          90 + 3 * len + 1 <= 100 ? UPF_OK
                                                  : UPF_ERR_MESSAGE_TOO_BIG,
                          1009);
        }
}

/* `pongs`: a frame in between, so that none of them follows the one before. */
static void check_fragments(uint32_t limit, uint32_t frames, bool stream,
                            bool pongs)
{
    struct session session;
    struct blob    bytes = {0};
    size_t         too_many = 0; /* where that frame begins */

    start_limited(&session, OPEN_SERVER, 100, 10000, limit, stream);
    for (uint32_t i = 0; i < frames; i++) {
        if (i == limit)
            too_many = bytes.len;
        put_text(&bytes, FROM_CLIENT,
                 (i == 0 ? TEXT : CONT) | (i == frames - 1 ? FIN : 0u),
                 i % 3 == 1 ? "" : "x");
        if (pongs)
            put_text(&bytes, FROM_CLIENT, FIN | PONG, "");
    }
    session_give_blob(&session, &bytes);
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], frames > limit);
    if (frames > limit) {
        assert_status(session.log.status, UPF_ERR_FRAGMENTS);
        assert_int_equal(session.log.close.sent_code, 1008);
        assert_int_equal(session.log.close.offset, too_many);
    }
    session_free(&session);
    blob_free(&bytes);
}

static void a_message_may_have_max_fragments_frames_and_no_more(void **state)
{
    (void)state;
    for (uint32_t limit = 1; limit <= 50; limit += 7)
        for (uint32_t frames = limit; frames <= limit + 3; frames++)
            for (unsigned how = 0; how < 4; how++)
                check_fragments(limit, frames, how & 1, how & 2);
}

static void declared_lengths_of_any_size_are_refused_at_the_header(void **state)
{
    (void)state;
    static const uint64_t huge[] = {
        (UINT64_C(1) << 31) - 1, UINT64_C(1) << 31, (UINT64_C(1) << 31) + 1,
        UINT32_MAX, (UINT64_C(1) << 32) + 5, (UINT64_C(1) << 53) + 1,
        (UINT64_C(1) << 63) - 1, UINT64_C(1) << 63, UINT64_MAX - 13,
        UINT64_MAX,
    };

    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++)
        for (int inside = 0; inside < 2; inside++) {
            struct session session;
            struct blob    bytes = {0};
            const bool     wrong = huge[i] >> 63 != 0;

            if (inside)
                put_run(&bytes, FROM_CLIENT, BINARY, 'x', 4096);
            put_header(&bytes, FIN | (inside ? CONT : BINARY), 127, huge[i],
                       frame_key);
            session_start(&session, OPEN_SERVER);
            session_give_blob(&session, &bytes);
            assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 1);
            assert_int_equal(session.log.close.sent_code, wrong ? 1002 : 1009);
            if (wrong)
                assert_status(session.log.status, UPF_ERR_LENGTH);
            assert_true(session.alloc.largest <= 3 * SLACK);
            session_free(&session);
            blob_free(&bytes);
        }
}

/* max_message at its largest: sums must not wrap. */
static void lengths_that_would_wrap_are_refused(void **state)
{
    (void)state;
    for (int stream = 0; stream < 2; stream++) {
        struct session session;
        struct blob    bytes = {0};

        start_limited(&session, OPEN_SERVER, UINT64_MAX, UINT64_MAX,
                      UINT32_MAX, stream);
        put_run(&bytes, FROM_CLIENT, BINARY, 'x', 100);
        put_header(&bytes, CONT, 127, (UINT64_C(1) << 63) - 1, frame_key);
        blob_fill(&bytes, 'y', 100);
        session_give_blob(&session, &bytes);
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
        assert_true(session.alloc.peak <= 200 + SLACK);
        session_free(&session);
        blob_free(&bytes);
    }
}

static void limits_of_zero_are_refused(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        upf_config config = upf_config_default();
        upf_conn   conn;

        if (i == 0)
            config.max_message = 0;
        if (i == 1)
            config.max_frame = 0;
        if (i == 2)
            config.max_fragments = 0;
        if (i == 3)
            config.max_head = 0;
        if (i == 4)
            config.max_head_line = 0;
        if (i == 5)
            config.max_head_lines = 0;
        if (i == 6)
            config.max_queued = 0;
        if (i == 7)
            config.high_water = 0;
        assert_status(upf_conn_init_server(&conn, &config), UPF_ERR_ARGUMENT);
        upf_conn_free(&conn);
        assert_status(upf_conn_init_open(&conn, &config, true, NULL),
                      UPF_ERR_ARGUMENT);
        upf_conn_free(&conn);
        assert_status(upf_conn_init_client(&conn, &config,
                          &(upf_client_request){.url = "ws://a/"}),
                      UPF_ERR_ARGUMENT);
        upf_conn_free(&conn);
    }
}

/* The least that a limit can be is not 0's neighbour by chance: each one is
 * tried alone, and all together. */
static void limits_of_one_are_limits(void **state)
{
    (void)state;
    for (int i = 0; i <= 8; i++) {
        upf_config config = upf_config_default();
        upf_conn   conn;

        if (i == 0 || i == 8)
            config.max_message = 1;
        if (i == 1 || i == 8)
            config.max_frame = 1;
        if (i == 2 || i == 8)
            config.max_fragments = 1;
        if (i == 3 || i == 8)
            config.max_head = 1;
        if (i == 4 || i == 8)
            config.max_head_line = 1;
        if (i == 5 || i == 8)
            config.max_head_lines = 1;
        if (i == 6 || i == 8)
            config.max_queued = 1;
        if (i == 7 || i == 8)
            config.high_water = 1;
        assert_status(upf_conn_init_server(&conn, &config), UPF_OK);
        upf_conn_free(&conn);
        assert_status(upf_conn_init_open(&conn, &config, true, NULL), UPF_OK);
        upf_conn_free(&conn);
        assert_status(upf_conn_init_client(&conn, &config,
                          &(upf_client_request){.url = "ws://a/"}), UPF_OK);
        upf_conn_free(&conn);
    }
}

static void over_a_limit_of_one_byte_a_connection_still_closes(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};
    uint8_t        room[16] = {0};

    session_prepare(&session);
    session.config.max_queued = session.config.high_water = 1;
    session_begin(&session, OPEN_SERVER);
    session_give(&session, NULL, 0);
    assert_status(upf_send(&session.conn, UPF_OP_TEXT, "", 0),
                  UPF_ERR_QUEUE_FULL);
    assert_status(upf_send_in_place(&session.conn, UPF_OP_BINARY, room + 14,
                                    0), UPF_ERR_QUEUE_FULL);
    put_text(&bytes, FROM_CLIENT, FIN | PING, "x");
    put_close(&bytes, FROM_CLIENT, 1000, NULL);
    session_give_blob(&session, &bytes);
    assert_sent(&session, "fin PONG 1 \"x\"\nfin CLOSE 1000 \"\"\n");
    session_free(&session);
    blob_free(&bytes);
}

static void the_defaults_are_those_that_are_documented(void **state)
{
    (void)state;
    const upf_config config = upf_config_default();

    assert_int_equal(config.max_message, 16 * MIB);
    assert_int_equal(config.max_frame, 16 * MIB);
    assert_int_equal(config.max_fragments, 100000);
    assert_int_equal(config.max_head, 16 * 1024);
    assert_int_equal(config.max_head_line, 8 * 1024);
    assert_int_equal(config.max_head_lines, 100);
    assert_int_equal(config.max_body, 4 * 1024);
    assert_int_equal(config.max_queued, 32 * MIB);
    assert_int_equal(config.high_water, MIB);
    assert_int_equal(config.handshake_timeout, 10000);
    assert_int_equal(config.ping_interval, 30000);
    assert_int_equal(config.pong_timeout, 20000);
    assert_int_equal(config.close_timeout, 5000);
    assert_false(config.stream);
    assert_false(config.allow_unmasked);
    assert_false(config.trust_sent_text);
}

/* ---- Memory (A2) ------------------------------------------------------ */

static void a_header_that_declares_the_limit_takes_little_memory(void **state)
{
    (void)state;
    for (int stream = 0; stream < 2; stream++)
        for (int binary = 0; binary < 2; binary++) {
            struct session session;
            struct blob    bytes = {0};

            session_prepare(&session);
            session.config.stream = stream;
            session_begin(&session, OPEN_SERVER);
            put_header(&bytes, FIN | (binary ? BINARY : TEXT), 127, 16 * MIB,
                       frame_key);
            session_give_blob(&session, &bytes);
            assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);

            size_t len = 0;
            (void)upf_conn_room(&session.conn, &len);
            assert_true(session.alloc.peak <= SLACK);
            assert_true(session.alloc.largest <= SLACK);
            session_free(&session);
            blob_free(&bytes);
        }
}

/* One byte after the other of a long frame: memory follows. */
static void dribbled_bytes_take_no_more_memory_than_they_are(void **state)
{
    (void)state;
    for (int room = 0; room < 2; room++) {
        struct session session;
        struct blob    bytes = {0};

        put_header(&bytes, FIN | BINARY, 127, 16 * MIB, frame_key);
        blob_fill(&bytes, 'x', 40000);
        session_start(&session, OPEN_SERVER);
        for (size_t i = 0; i < bytes.len; i++) {
            size_t    len;
            uint8_t  *to = room ? upf_conn_room(&session.conn, &len) : NULL;
            upf_input input = {&bytes.data[i], 1};

            if (to != NULL) {
                *to = bytes.data[i];
                input.data = to;
            }
            session_input(&session, &input);
            assert_follows(session.alloc.peak, i + 1);
        }
        session_free(&session);
        blob_free(&bytes);
    }
}

/* Reads of all sizes into upf_conn_room(): few bytes need another place. */
static void room_takes_no_more_memory_than_was_received(void **state)
{
    (void)state;
    static const size_t reads[] = {100, 1000, 4096, 5000, 65536, MIB};

    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        struct session session;
        struct blob    bytes = {0};
        size_t         at, copied = 0;

        put_run(&bytes, FROM_CLIENT, FIN | BINARY, 'x', MIB);
        session_start(&session, OPEN_SERVER);
        session_give(&session, bytes.data, 20);
        for (at = 20; at < bytes.len;) {
            size_t   room;
            uint8_t *to  = upf_conn_room(&session.conn, &room);
            size_t   len = reads[i];

            assert_follows(session.alloc.live, at);
            len = len < bytes.len - at ? len : bytes.len - at;
            if (to != NULL && len > room)
                len = room;
            if (to != NULL)
                memcpy(to, bytes.data + at, len);
            else
                copied += len;

            upf_input input = {to != NULL ? to : bytes.data + at, len};
            session_input(&session, &input);
            at += len;
        }
        assert_in_range(copied, 0, MIB / 16);
        assert_int_equal(session.log.count[UPF_EVENT_MESSAGE], 1);
        assert_int_equal(session.log.payload, MIB);
        assert_true(session.alloc.peak <= bytes.len + SLACK); /* as declared */
        session_free(&session);
        blob_free(&bytes);
    }
}

static void memory_is_given_back_after_each_message(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};

    put_run(&bytes, FROM_CLIENT, FIN | BINARY, 'x', 100000);
    session_start(&session, OPEN_SERVER);
    for (int i = 0; i < 5; i++) {
        session_give(&session, bytes.data, 50000);
        assert_true(session.alloc.live > 40000);
        session_give(&session, bytes.data + 50000, bytes.len - 50000);
        assert_int_equal(session.alloc.live, 0);
    }
    assert_int_equal(session.log.count[UPF_EVENT_MESSAGE], 5);
    session_free(&session);
    blob_free(&bytes);
}

/* ---- Fragments (A3) --------------------------------------------------- */

/* Feed `count` copies of a fragment, as one long input in pieces. */
static void give_fragments(struct session *session, unsigned first,
                           const char *payload, size_t count)
{
    enum { BATCH = 1000 };
    struct blob batch = {0};

    put_text(&batch, FROM_CLIENT, first, payload);
    upf_input input = {batch.data, batch.len};
    session_input(session, &input);
    blob_clear(&batch);
    for (int i = 0; i < BATCH; i++)
        put_text(&batch, FROM_CLIENT, CONT, payload);

    struct blob copy = {0};
    for (size_t i = 1; i < count && session->last != UPF_DONE; i += BATCH) {
        blob_clear(&copy);
        blob_add(&copy, batch.data, batch.len);
        input = (upf_input){copy.data, copy.len};
        session_input(session, &input);
    }
    session_write(session);
    blob_free(&copy);
    blob_free(&batch);
}

static void a_million_empty_fragments_are_refused(void **state)
{
    (void)state;
    for (int stream = 0; stream < 2; stream++) {
        struct session session;

        session_prepare(&session);
        session.config.stream = stream;
        session_begin(&session, OPEN_SERVER);
        give_fragments(&session, TEXT, "", 1000000);
        assert_status(session.last, UPF_DONE);
        assert_status(session.log.status, UPF_ERR_FRAGMENTS);
        assert_true(session.alloc.peak <= SLACK);
        session_free(&session);
    }
}

static void four_mebibytes_in_small_fragments_pass(void **state)
{
    (void)state;
    char payload[65];
    struct session session;
    struct blob    end = {0};

    memset(payload, 'f', 64);
    payload[64] = '\0';
    session_start(&session, OPEN_SERVER);
    give_fragments(&session, BINARY, payload, 65001);
    put_text(&end, FROM_CLIENT, FIN | CONT, payload);
    session_give_blob(&session, &end);
    assert_int_equal(session.log.count[UPF_EVENT_MESSAGE], 1);
    assert_int_equal(session.log.payload, (65001 + 1) * 64);
    assert_follows(session.alloc.peak, session.log.payload);
    session_free(&session);
    blob_free(&end);
}

static void a_million_one_byte_fragments_take_a_million_bytes(void **state)
{
    (void)state;
    struct session session;
    struct blob    end = {0};

    session_prepare(&session);
    session.config.max_fragments = 2000000;
    session_begin(&session, OPEN_SERVER);
    give_fragments(&session, BINARY, "1", 1000001);
    put_text(&end, FROM_CLIENT, FIN | CONT, "");
    session_give_blob(&session, &end);
    assert_int_equal(session.log.count[UPF_EVENT_MESSAGE], 1);
    assert_int_equal(session.log.payload, 1000001);
    assert_follows(session.alloc.peak, session.log.payload);
    /* Growing one byte at a time would be quadratic. */
    assert_true(session.alloc.calls < 5000);
    session_free(&session);
    blob_free(&end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_may_have_max_frame_bytes_and_no_more),
        cmocka_unit_test(a_message_may_have_max_message_bytes_and_no_more),
        cmocka_unit_test(room_for_a_ping_in_pieces_is_none_for_the_message),
        cmocka_unit_test(a_message_may_have_max_fragments_frames_and_no_more),
        cmocka_unit_test(
            declared_lengths_of_any_size_are_refused_at_the_header),
        cmocka_unit_test(lengths_that_would_wrap_are_refused),
        cmocka_unit_test(limits_of_zero_are_refused),
        cmocka_unit_test(limits_of_one_are_limits),
        cmocka_unit_test(over_a_limit_of_one_byte_a_connection_still_closes),
        cmocka_unit_test(the_defaults_are_those_that_are_documented),
        cmocka_unit_test(a_header_that_declares_the_limit_takes_little_memory),
        cmocka_unit_test(dribbled_bytes_take_no_more_memory_than_they_are),
        cmocka_unit_test(room_takes_no_more_memory_than_was_received),
        cmocka_unit_test(memory_is_given_back_after_each_message),
        cmocka_unit_test(a_million_empty_fragments_are_refused),
        cmocka_unit_test(four_mebibytes_in_small_fragments_pass),
        cmocka_unit_test(a_million_one_byte_fragments_take_a_million_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
