/* SPDX-License-Identifier: MIT */
/* test_conn_quick.c - messages that are sent at one glance, among others that
 * are not. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <upframe/conn.h>

#include "support/blob.h"
#include "support/frames.h"
#include "support/session.h"

static void start(struct session *session, enum role role)
{
    session->hold = true;
    session_begin(session, role);
    session_give(session, NULL, 0);
}

/* Whatever is seen at one glance is seen anew when a limit, a part or a Close
 * comes between two messages. */
static void check_limits(enum role role, size_t len)
{
    static uint8_t room[UPF_FRAME_HEADER_MAX + 1024];
    struct session session;
    upf_conn      *conn    = &session.conn;
    uint8_t       *data    = room + UPF_FRAME_HEADER_MAX;
    const size_t   frame   = len + (len > 125 ? 4 : 2) +
                             (role == OPEN_CLIENT ? 4 : 0);
    size_t         refused = 0;

    session_prepare(&session);
    session.config.max_queued = 40 * 1024;
    session.config.high_water = 24 * 1024;
    start(&session, role);
    for (size_t i = 0; i < 40 * 1024 / len; i++) {
        const size_t     before = upf_conn_queued(conn);
        const upf_status status =
            i % 8 ? upf_send(conn, UPF_OP_BINARY, data, len)
                  : upf_send_in_place(conn, UPF_OP_BINARY, data, len);

        assert_int_equal(status == UPF_OK,
                         before + frame <= session.config.max_queued);
        assert_int_equal(upf_conn_queued(conn) - before,
                         status == UPF_OK ? frame : 0);
        assert_int_equal(upf_conn_congested(conn),
                         upf_conn_queued(conn) > session.config.high_water);
        refused += status != UPF_OK;
    }
    assert_in_range(refused, 1, 40);
    session.hold = false;
    session_write(&session);

    session.hold = true;
    for (int i = 0; i < 2; i++)
        assert_status(upf_send(conn, UPF_OP_BINARY, "x", 1), UPF_OK);
    assert_status(upf_send(conn, UPF_OP_TEXT, "\xC3", 1), UPF_ERR_UTF8);
    assert_status(upf_send(conn, UPF_OP_CONTINUATION, "x", 1),
                  UPF_ERR_ARGUMENT);
    assert_status(upf_send_part(conn, UPF_OP_TEXT, "a", 1, false), UPF_OK);
    assert_status(upf_send(conn, UPF_OP_BINARY, "x", 1), UPF_ERR_STATE);
    assert_status(upf_send_in_place(conn, UPF_OP_BINARY, data, 1),
                  UPF_ERR_STATE);
    assert_status(upf_send_part(conn, UPF_OP_TEXT, "b", 1, true), UPF_OK);
    for (int i = 0; i < 2; i++)
        assert_status(upf_send(conn, UPF_OP_BINARY, "x", 1), UPF_OK);
    assert_status(upf_close(conn, 1000, NULL), UPF_OK);
    assert_status(upf_send(conn, UPF_OP_BINARY, "x", 1), UPF_ERR_STATE);
    assert_status(upf_send_in_place(conn, UPF_OP_BINARY, data, 1),
                  UPF_ERR_STATE);
    session_free(&session);
}

static void messages_after_quick_ones_are_judged_as_strictly(void **state)
{
    (void)state;
    for (int role = OPEN_SERVER; role <= OPEN_CLIENT; role++)
        for (size_t len = 100; len <= 1024; len += 924)
            check_limits((enum role)role, len);
}

/* The default mark, to the byte: what is seen at one glance counts in pages. */
static void a_mark_of_a_mebibyte_is_kept_to_the_byte(void **state)
{
    (void)state;
    enum { MARK = 1 << 20, FIRST = 235 * 4096 - 1, SECOND = 21 * 4096 - 1 };
    static uint8_t block[MARK];

    for (int i = 0; i < 4; i++) {
        const enum role role   = i % 2 ? OPEN_CLIENT : OPEN_SERVER;
        const size_t    header = i % 2 ? 14 : 10;
        struct session  session;

        session_prepare(&session);
        if (i / 2)
            session.config.max_queued = MARK;
        start(&session, role);
        assert_status(upf_send(&session.conn, UPF_OP_BINARY, block,
                               FIRST - header), UPF_OK);
        assert_status(upf_send(&session.conn, UPF_OP_BINARY, block, SECOND),
                      i / 2 ? UPF_ERR_QUEUE_FULL : UPF_OK);
        assert_int_equal(upf_conn_congested(&session.conn), i / 2 == 0);
        session_free(&session);
    }
}

static void one_that_fails_for_want_of_random_bytes_leaves_nothing(void **state)
{
    (void)state;
    struct session session;
    upf_conn      *conn = &session.conn;
    uint32_t       other;

    /* The default source has some; it is not asked. */
    assert_true(upf_config_default().random(NULL, &other, sizeof other));
    session_prepare(&session);
    start(&session, OPEN_CLIENT);
    for (int i = 0; i < 2; i++)
        assert_status(upf_send(conn, UPF_OP_BINARY, "x", 1), UPF_OK);
    const size_t before = upf_conn_queued(conn);
    session.random.fault = (struct fault){session.random.calls + 1, true};
    assert_status(upf_send(conn, UPF_OP_BINARY, "x", 1), UPF_ERR_RANDOM);
    assert_int_equal(upf_conn_queued(conn), before);
    session_free(&session);
}

/* A server's frames have no key (section 5.1). */
static void a_server_draws_no_random_bytes(void **state)
{
    (void)state;
    static uint8_t room[UPF_FRAME_HEADER_MAX + 1024];
    struct session session;
    upf_conn      *conn = &session.conn;
    uint8_t       *data = room + UPF_FRAME_HEADER_MAX;

    session_prepare(&session);
    start(&session, OPEN_SERVER);
    session.random.calls = 0;
    session.random.fault = (struct fault){1, true};
    for (size_t len = 1; len <= 1024; len += 1023)
        for (int i = 0; i < 2; i++) {
            assert_status(upf_send(conn, UPF_OP_BINARY, data, len), UPF_OK);
            assert_status(upf_send(conn, UPF_OP_TEXT, data, len), UPF_OK);
            assert_status(upf_send_in_place(conn, UPF_OP_BINARY, data, len),
                          UPF_OK);
            session_write(&session);
        }
    assert_int_equal(session.random.calls, 0);
    session_free(&session);
}

/* Its read side has ended, or it was lost. */
static void on_a_connection_that_is_over_nothing_is_sent(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        const enum role role = i % 2 ? OPEN_CLIENT : OPEN_SERVER;
        struct session session;
        upf_conn      *conn  = &session.conn;
        upf_input      input = {NULL, 0};
        upf_event      event;

        session_prepare(&session);
        start(&session, role);
        for (int n = 0; n < 2; n++)
            assert_status(upf_send(conn, UPF_OP_BINARY, "x", 1), UPF_OK);
        (i < 2 ? upf_conn_eof : upf_conn_lost)(conn);
        assert_status(upf_conn_next(conn, &input, &event), UPF_OK);
        assert_int_equal(event.type, UPF_EVENT_CLOSE);
        assert_status(upf_send(conn, UPF_OP_BINARY, "x", 1), UPF_ERR_STATE);
        session_free(&session);
    }
}

/* One message, echoed in place and written, and the input is asked for more: so
 * goes a turn of most servers. The next one is again taken at one glance. */
static void a_turn_of_one_reply_in_place_leaves_the_fast_way_open(void **state)
{
    struct session session;
    struct blob    bytes = {0};

    (void)state;
    session_prepare(&session);
    session.app = app_echo_in_place;
    session_begin(&session, OPEN_SERVER);
    session_give(&session, NULL, 0);
    put_run(&bytes, role_peer(OPEN_SERVER), FIN | BINARY, 'q', 16);
    for (int turn = 0; turn < 3; turn++) {
        session.hold = true;
        session_give_blob(&session, &bytes);
        assert_int_not_equal(session.conn.glance, 0);
        session.hold = false;
        session_write(&session);
        assert_int_equal(upf_conn_queued(&session.conn), 0);
        assert_int_not_equal(session.conn.glance, 0);
    }
    blob_free(&bytes);
    session_free(&session);
}

static void long_replies_in_place_are_slices_of_their_own(void **state)
{
    (void)state;
    static const size_t lens[] = {300, 300, 257, 65535, 65536, 70000};
    enum { COUNT = sizeof lens / sizeof *lens };
    static uint8_t room[COUNT][UPF_FRAME_HEADER_MAX + 70000];
    struct session session;
    upf_conn      *conn = &session.conn;
    upf_slice      slices[COUNT + 1];

    session_prepare(&session);
    start(&session, OPEN_SERVER);
    for (size_t i = 0; i < COUNT; i++)
        assert_status(upf_send_in_place(conn, UPF_OP_BINARY,
                                        room[i] + UPF_FRAME_HEADER_MAX,
                                        lens[i]),
                      UPF_OK);
    assert_int_equal(upf_conn_output(conn, slices, COUNT + 1), COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        upf_frame_header header;
        size_t           header_len;

        assert_status(upf_frame_header_parse(slices[i].data, slices[i].len,
                                             &header, &header_len),
                      UPF_OK);
        assert_int_equal(header.payload_len, lens[i]);
        assert_int_equal(slices[i].len, header_len + lens[i]);
        assert_ptr_equal((uint8_t *)slices[i].data + header_len,
                         room[i] + UPF_FRAME_HEADER_MAX);
    }
    session_free(&session);
}

/* How many of a turn's replies in place are left where they lie. */
static size_t borrowed(upf_conn *conn, size_t replies, size_t len)
{
    static uint8_t room[16][UPF_FRAME_HEADER_MAX + 256];
    upf_slice      slices[16];
    size_t         total = 0, found = 0;

    for (size_t i = 0; i < replies; i++)
        assert_status(upf_send_in_place(conn, UPF_OP_BINARY,
                                        room[i] + UPF_FRAME_HEADER_MAX, len),
                      UPF_OK);
    const size_t count = upf_conn_output(conn, slices, 16);
    for (size_t i = 0; i < count; i++) {
        const uintptr_t at = (uintptr_t)slices[i].data;
        found += at >= (uintptr_t)room && at < (uintptr_t)(room + 16);
        total += slices[i].len;
    }
    assert_status(upf_conn_output_done(conn, (ptrdiff_t)total), UPF_OK);
    return found;
}

/* Many short ones would move into a block at the second: after a turn that did
 * so they begin there, and one that is alone never stays in that habit. */
static void short_replies_begin_as_the_turn_before_ended(void **state)
{
    (void)state;
    struct session session;
    upf_conn      *conn = &session.conn;

    session_prepare(&session);
    start(&session, OPEN_SERVER);
    assert_int_equal(borrowed(conn, 1, 100), 1);
    assert_int_equal(borrowed(conn, 16, 100), 0);
    assert_int_equal(borrowed(conn, 1, 129), 1); /* not short */
    assert_int_equal(borrowed(conn, 1, 100), 1);
    assert_int_equal(borrowed(conn, 16, 100), 0);
    assert_int_equal(borrowed(conn, 1, 125), 0);
    assert_int_equal(borrowed(conn, 1, 125), 1);
    session_free(&session);
}

/* ---- Any mixture -------------------------------------------------------- */

enum { LONGEST = 9000, STEPS = 4000, LENT = 64 * 1024 };

struct mixture {
    struct session session;
    struct blob    sent;    /* of each message: opcode, length, payload */
    struct blob    written; /* what came of them */
    uint32_t       seed;
    size_t         lent; /* of the memory that replies in place lie in */
};

static unsigned any(struct mixture *m, unsigned below)
{
    m->seed = m->seed * 1664525u + 1013904223u;
    return (m->seed >> 8) % below;
}

/* Some of what waits is written, or all. */
static void write_some(struct mixture *m)
{
    upf_conn *conn = &m->session.conn;
    upf_slice slices[4];
    const size_t count = upf_conn_output(conn, slices, 4);
    size_t    n = 0;

    assert_int_equal(count > 0, upf_conn_queued(conn) > 0);
    for (size_t i = 0; i < count; i++) {
        const size_t part =
            i + 1 < count || any(m, 3) ? slices[i].len
                                       : any(m, (unsigned)slices[i].len);
        blob_add(&m->written, slices[i].data, part);
        n += part;
    }
    assert_status(upf_conn_output_done(conn, (ptrdiff_t)n), UPF_OK);
    m->lent = 0;
}

static void send_any(struct mixture *m)
{
    static uint8_t room[LENT + UPF_FRAME_HEADER_MAX + LONGEST];
    upf_conn        *conn   = &m->session.conn;
    uint8_t         *data   = room + m->lent + UPF_FRAME_HEADER_MAX;
    const size_t     len    = any(m, any(m, 4) ? 130 : any(m, 4) ? 600
                                                               : LONGEST);
    const upf_slice  slices[] = {{data, len / 2},
                                 {data + len / 2, len - len / 2}};
    const unsigned   way    = any(m, 16);
    const bool       parts  = way == 2;
    const upf_opcode opcode = way == 3 ? UPF_OP_PING
                            : any(m, 2) ? UPF_OP_TEXT : UPF_OP_BINARY;
    const uint8_t    note[] = {(uint8_t)opcode, (uint8_t)(len >> 8),
                               (uint8_t)len};

    if (way == 3 && len > UPF_CONTROL_PAYLOAD_MAX)
        return;
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)('a' + any(m, 26));
    blob_add(&m->sent, note, sizeof note);
    blob_add(&m->sent, data, len);
    upf_status status =
        way == 0   ? upf_sendv(conn, opcode, slices, 2)
        : way == 1 || way > 12
                   ? upf_send_in_place(conn, opcode, data, len)
        : parts    ? upf_send_part(conn, opcode, data, len / 2, false)
        : way == 3 ? upf_ping(conn, data, len)
                   : upf_send(conn, opcode, data, len);
    if (parts && status == UPF_OK)
        status = upf_send_part(conn, opcode, data + len / 2, len - len / 2,
                               true);
    assert_status(status, UPF_OK);
    /* It is borrowed until the next write. Often it lies near what was sent
     * before, as replies to one input do. */
    m->lent += len + UPF_FRAME_HEADER_MAX;
    if (m->lent > LENT)
        write_some(m);
}

/* What was written is what was sent, frame by frame. */
static void check_written(struct mixture *m, bool masked)
{
    const uint8_t *out = m->written.data, *end = out + m->written.len;
    size_t         at  = 0;

    while (at < m->sent.len) {
        const uint8_t   *note = m->sent.data + at;
        const size_t     len  = (size_t)note[1] << 8 | note[2];
        upf_frame_header header;
        size_t           header_len, got = 0;
        uint8_t          payload[LONGEST];
        bool             first = true;

        do {
            assert_status(upf_frame_header_parse(out, (size_t)(end - out),
                                                 &header, &header_len),
                          UPF_OK);
            assert_int_equal(header.masked, masked);
            assert_int_equal(header.opcode,
                             first ? note[0] : UPF_OP_CONTINUATION);
            assert_true(header.payload_len <= len - got);
            upf_mask(payload + got, out + header_len,
                     (size_t)header.payload_len, header.mask_key, 0);
            got += (size_t)header.payload_len;
            out += header_len + header.payload_len;
            first = false;
        } while (!header.fin);
        assert_int_equal(got, len);
        assert_memory_equal(payload, note + 3, len);
        at += 3 + len;
    }
    assert_ptr_equal(out, end);
}

static void run_mixture(enum role role, uint32_t seed)
{
    struct mixture m = {.seed = seed};

    session_prepare(&m.session);
    if (seed % 2)
        m.session.config.random = upf_config_default().random;
    start(&m.session, role);
    for (int i = 0; i < STEPS; i++) {
        send_any(&m);
        if (any(&m, 20) == 0)
            write_some(&m);
    }
    while (upf_conn_queued(&m.session.conn) > 0)
        write_some(&m);
    check_written(&m, role == OPEN_CLIENT);
    session_free(&m.session);
    blob_free(&m.sent);
    blob_free(&m.written);
}

static void any_mixture_leaves_as_it_was_sent(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 4; seed++) {
        run_mixture(OPEN_SERVER, seed);
        run_mixture(OPEN_CLIENT, seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_after_quick_ones_are_judged_as_strictly),
        cmocka_unit_test(
            one_that_fails_for_want_of_random_bytes_leaves_nothing),
        cmocka_unit_test(a_server_draws_no_random_bytes),
        cmocka_unit_test(on_a_connection_that_is_over_nothing_is_sent),
        cmocka_unit_test(
            a_turn_of_one_reply_in_place_leaves_the_fast_way_open),
        cmocka_unit_test(long_replies_in_place_are_slices_of_their_own),
        cmocka_unit_test(short_replies_begin_as_the_turn_before_ended),
        cmocka_unit_test(any_mixture_leaves_as_it_was_sent),
        cmocka_unit_test(a_mark_of_a_mebibyte_is_kept_to_the_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
