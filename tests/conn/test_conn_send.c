/* SPDX-License-Identifier: MIT */
/* test_conn_send.c - messages in, bytes out: each form, all or nothing. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "support/session.h"

/* A connection that is open and has nothing queued. */
static void make_open(struct session *session, enum role role)
{
    session->hold = true;
    session_begin(session, role);
    session_give(session, NULL, 0);
}

static void start_open(struct session *session, enum role role)
{
    session_prepare(session);
    make_open(session, role);
}

static void write_out(struct session *session)
{
    session->hold = false;
    session_write(session);
    session->hold = true;
}

/* What is queued, without writing it. */
static void peek(const struct session *session, struct blob *bytes)
{
    upf_slice    slices[64];
    const size_t count = upf_conn_output((upf_conn *)&session->conn, slices,
                                         64);

    blob_clear(bytes);
    for (size_t i = 0; i < count; i++)
        blob_add(bytes, slices[i].data, slices[i].len);
}

static void assert_bytes(const struct session *session, const char *expected,
                         size_t len)
{
    assert_int_equal(session->output.len, len);
    assert_memory_equal(session->output.data, expected, len);
}

/* ---- The bytes -------------------------------------------------------- */

static void a_server_sends_the_examples_of_the_rfc(void **state)
{
    (void)state;
    struct session session;
    upf_conn      *conn = &session.conn;
    upf_slice      parts[] = {{(char[]){"He"}, 2}, {NULL, 0},
                              {(char[]){"llo"}, 3}};

    start_open(&session, OPEN_SERVER);
    assert_status(upf_send(conn, UPF_OP_TEXT, "Hello", 5), UPF_OK);
    assert_status(upf_send_part(conn, UPF_OP_TEXT, "Hel", 3, false), UPF_OK);
    assert_status(upf_send_part(conn, UPF_OP_TEXT, "lo", 2, true), UPF_OK);
    assert_status(upf_sendv(conn, UPF_OP_TEXT, parts, 3), UPF_OK);
    assert_status(upf_ping(conn, "Hello", 5), UPF_OK);
    assert_status(upf_pong(conn, "Hello", 5), UPF_OK);
    assert_status(upf_close(conn, 1000, "done"), UPF_OK);
    write_out(&session);

    static const char expected[] =
        "\x81\x05Hello" "\x01\x03Hel" "\x80\x02lo" "\x81\x05Hello"
        "\x89\x05Hello" "\x8A\x05Hello" "\x88\x06\x03\xE8" "done";
    assert_bytes(&session, expected, sizeof expected - 1);
    session_free(&session);
}

/* The key is what the random source gives next; j = i mod 4 (5.3). */
static void put_expected(struct blob *to, struct fake_random *random,
                         unsigned first, const char *payload)
{
    uint8_t key[4];

    assert_true(fake_random(random, key, sizeof key));
    put_keyed(to, first, key, payload, strlen(payload));
}

static void a_client_masks_each_frame_with_a_key_of_its_own(void **state)
{
    (void)state;
    struct session session;
    upf_conn      *conn = &session.conn;
    struct blob    expected = {0};
    upf_slice      parts[] = {{(char[]){"He"}, 2}, {(char[]){"l"}, 1},
                              {(char[]){"lo"}, 2}};
    char           in_place[64] = "0123456789ABCDEFHello";
    struct fake_random random = {.state = 6455};

    start_open(&session, OPEN_CLIENT);
    assert_int_equal(session.random.calls, 0);
    assert_status(upf_send(conn, UPF_OP_TEXT, "Hello", 5), UPF_OK);
    assert_status(upf_send_part(conn, UPF_OP_TEXT, "Hel", 3, false), UPF_OK);
    assert_status(upf_ping(conn, "between", 7), UPF_OK);
    assert_status(upf_send_part(conn, UPF_OP_TEXT, "lo", 2, true), UPF_OK);
    assert_status(upf_sendv(conn, UPF_OP_BINARY, parts, 3), UPF_OK);
    assert_status(upf_send_in_place(conn, UPF_OP_TEXT, in_place + 16, 5),
                  UPF_OK);
    assert_status(upf_send(conn, UPF_OP_TEXT, NULL, 0), UPF_OK);
    assert_status(upf_pong(conn, "Hello", 5), UPF_OK);
    assert_status(upf_close(conn, 1000, NULL), UPF_OK);
    assert_int_equal(session.random.calls, 9);
    assert_int_equal(session.random.last, 4);
    write_out(&session);

    put_expected(&expected, &random, FIN | TEXT, "Hello");
    put_expected(&expected, &random, TEXT, "Hel");
    put_expected(&expected, &random, FIN | PING, "between");
    put_expected(&expected, &random, FIN | CONT, "lo");
    put_expected(&expected, &random, FIN | BINARY, "Hello");
    put_expected(&expected, &random, FIN | TEXT, "Hello");
    put_expected(&expected, &random, FIN | TEXT, "");
    put_expected(&expected, &random, FIN | PONG, "Hello");
    put_expected(&expected, &random, FIN | CLOSE, "\x03\xE8");
    assert_bytes(&session, (char *)expected.data, expected.len);
    session_free(&session);
    blob_free(&expected);
}

static void a_server_asks_for_no_random_bytes(void **state)
{
    (void)state;
    struct session session;

    start_open(&session, OPEN_SERVER);
    assert_status(upf_send(&session.conn, UPF_OP_TEXT, "x", 1), UPF_OK);
    assert_status(upf_ping(&session.conn, "x", 1), UPF_OK);
    assert_status(upf_close(&session.conn, 1000, NULL), UPF_OK);
    assert_int_equal(session.random.calls, 0);
    session_free(&session);
}

static void every_length_gets_its_shortest_header(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 124, 125, 126, 127, 128, 1000,
                                     65534, 65535, 65536, 65537, 200000};
    char *payload = calloc(1, 200001);

    assert_non_null(payload);
    for (size_t i = 0; i < 200000; i++)
        payload[i] = (char)('a' + i % 26);
    for (int client = 0; client < 2; client++)
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            struct session session;
            struct blob    expected = {0};
            struct fake_random random = {.state = 6455};
            uint8_t key[4];

            start_open(&session, client ? OPEN_CLIENT : OPEN_SERVER);
            for (int form = 0; form < 3; form++) {
                upf_slice parts[2] = {{payload, lengths[i] / 3},
                                      {payload + lengths[i] / 3,
                                       lengths[i] - lengths[i] / 3}};

                if (form == 0)
                    assert_status(upf_send(&session.conn, UPF_OP_BINARY,
                                           payload, lengths[i]), UPF_OK);
                if (form == 1)
                    assert_status(upf_sendv(&session.conn, UPF_OP_BINARY,
                                            parts, 2), UPF_OK);
                if (form == 2)
                    assert_status(upf_send_part(&session.conn, UPF_OP_BINARY,
                                                payload, lengths[i], true),
                                  UPF_OK);
                fake_random(&random, key, 4);
                put_keyed(&expected, FIN | BINARY, client ? key : NULL,
                          payload, lengths[i]);
            }
            assert_int_equal(upf_conn_queued(&session.conn), expected.len);
            write_out(&session);
            assert_true(blob_equal(&session.output, &expected));
            session_free(&session);
            blob_free(&expected);
        }
    free(payload);
}

static void the_caller_may_change_its_bytes_at_once(void **state)
{
    (void)state;
    for (int client = 0; client < 2; client++) {
        struct session session;
        char      text[] = "as it was";
        upf_slice slice = {text, 4};

        start_open(&session, client ? OPEN_CLIENT : OPEN_SERVER);
        assert_status(upf_send(&session.conn, UPF_OP_TEXT, text, 9), UPF_OK);
        assert_status(upf_sendv(&session.conn, UPF_OP_TEXT, &slice, 1),
                      UPF_OK);
        assert_status(upf_send_part(&session.conn, UPF_OP_TEXT, text, 9, true),
                      UPF_OK);
        assert_status(upf_ping(&session.conn, text, 9), UPF_OK);
        memset(text, '?', sizeof text);
        write_out(&session);
        assert_sent(&session, "fin TEXT 9 \"as it was\"\n"
                    "fin TEXT 4 \"as i\"\nfin TEXT 9 \"as it was\"\n"
                    "fin PING 9 \"as it was\"\n");
        session_free(&session);
    }
}

static void all_that_is_sent_in_one_turn_is_one_slice(void **state)
{
    (void)state;
    struct session session;
    upf_slice      slices[8];

    start_open(&session, OPEN_SERVER);
    for (int i = 0; i < 20; i++)
        assert_status(upf_send(&session.conn, UPF_OP_TEXT, "reply", 5),
                      UPF_OK);
    assert_int_equal(upf_conn_output(&session.conn, slices, 8), 1);
    assert_int_equal(slices[0].len, 20 * 7);
    session_free(&session);
}

/* ---- All or nothing --------------------------------------------------- */

/* Each way to send; the payload is 13 bytes of text. */
enum form { WHOLE, GATHERED, PART, IN_PLACE, SHARED, FORM_PING, FORM_PONG,
            FORM_CLOSE, FORMS };

static upf_status send_form(struct session *session, enum form form,
                            const char *text)
{
    upf_conn    *conn = &session->conn;
    const size_t len  = strlen(text);
    static char  room[16 + 200]; /* stays while it is borrowed */
    upf_slice    slices[2];
    char         copy[200];

    memcpy(copy, text, len + 1);
    slices[0] = (upf_slice){copy, len / 2};
    slices[1] = (upf_slice){copy + len / 2, len - len / 2};
    switch (form) {
    case WHOLE:
        return upf_send(conn, UPF_OP_TEXT, text, len);
    case GATHERED:
        return upf_sendv(conn, UPF_OP_TEXT, slices, 2);
    case PART:
        return upf_send_part(conn, UPF_OP_TEXT, text, len, true);
    case IN_PLACE:
        memcpy(room + 16, text, len);
        return upf_send_in_place(conn, UPF_OP_TEXT, room + 16, len);
    case SHARED: {
        upf_shared *shared = upf_shared_new(NULL, UPF_OP_TEXT, text, len);
        if (shared == NULL)
            return UPF_ERR_UTF8;
        const upf_status status = upf_send_shared(conn, shared);
        upf_shared_free(shared);
        return status;
    }
    case FORM_PING:
        return upf_ping(conn, text, len);
    case FORM_PONG:
        return upf_pong(conn, text, len);
    default:
        return upf_close(conn, 1000, text);
    }
}

static bool works_for(enum form form, enum role role)
{
    return form != SHARED || !role_is_client(role);
}

/* Begin with something in the queue, as it would be in life. */
static void make_busy(struct session *session, enum role role)
{
    make_open(session, role);
    assert_status(upf_send(&session->conn, UPF_OP_TEXT, "queued", 6), UPF_OK);
}

static void start_busy(struct session *session, enum role role)
{
    session_prepare(session);
    make_busy(session, role);
}

/* The form fails so, nothing is queued; then it succeeds. */
static void check_refusal(struct session *session, enum form form,
                          upf_status status)
{
    struct blob before = {0}, after = {0};

    peek(session, &before);
    const upf_status got = send_form(session, form, "thirteen byte");
    if (got != status)
        fail_msg("form %d: %s, not %s", (int)form, upf_status_name(got),
                 upf_status_name(status));
    peek(session, &after);
    assert_true(blob_equal(&before, &after));
    assert_int_equal(upf_conn_queued(&session->conn), before.len);

    session->alloc.fault  = (struct fault){0};
    session->random.fault = (struct fault){0};
    assert_status(send_form(session, form, "thirteen byte"), UPF_OK);
    peek(session, &after);
    assert_true(after.len > before.len + 13);
    assert_memory_equal(after.data, before.data, before.len);
    blob_free(&before);
    blob_free(&after);
}

static void without_memory_nothing_is_sent(void **state)
{
    (void)state;
    for (int client = 0; client < 2; client++)
        for (int form = 0; form < FORMS; form++)
            for (int busy = 0; busy < 2; busy++)
                for (size_t n = 1; n <= 6; n++) {
                    const enum role role = client ? OPEN_CLIENT : OPEN_SERVER;
                    struct session session;
                    struct blob    before = {0}, after = {0};

                    if (!works_for((enum form)form, role))
                        continue;
                    start_open(&session, role);
                    if (busy)
                        for (int i = 0; i < 40; i++)
                            assert_status(upf_send(&session.conn, UPF_OP_TEXT,
                                                   "queued", 6), UPF_OK);
                    session.alloc.fault.at = session.alloc.calls + n;
                    session.alloc.fault.for_ever = true;
                    peek(&session, &before);
                    const upf_status got =
                        send_form(&session, (enum form)form, "thirteen byte");
                    peek(&session, &after);
                    if (got != UPF_OK) {
                        assert_status(got, UPF_ERR_NO_MEMORY);
                        assert_true(blob_equal(&before, &after));
                        check_refusal(&session, (enum form)form,
                                      UPF_ERR_NO_MEMORY);
                    } else {
                        assert_true(after.len > before.len);
                    }
                    session.alloc.fault = (struct fault){0};
                    write_out(&session);
                    struct blob text = {0};
                    show_frames(&text, session.output.data,
                                session.output.len, role_self(role), 0);
                    session_free(&session);
                    blob_free(&before);
                    blob_free(&after);
                    blob_free(&text);
                }
}

/* At least one of the runs above must have failed: a long message does. */
static void a_long_message_without_memory_is_refused(void **state)
{
    (void)state;
    static char text[100000];

    memset(text, 't', sizeof text);
    for (int form = WHOLE; form <= PART; form++) {
        struct session session;
        upf_slice slice = {text, sizeof text};

        start_busy(&session, OPEN_SERVER);
        session.alloc.fault.at = session.alloc.calls + 1;
        session.alloc.fault.for_ever = true;
        if (form == WHOLE)
            assert_status(upf_send(&session.conn, UPF_OP_TEXT, text,
                                   sizeof text), UPF_ERR_NO_MEMORY);
        if (form == GATHERED)
            assert_status(upf_sendv(&session.conn, UPF_OP_TEXT, &slice, 1),
                          UPF_ERR_NO_MEMORY);
        if (form == PART)
            assert_status(upf_send_part(&session.conn, UPF_OP_TEXT, text,
                                        sizeof text, false),
                          UPF_ERR_NO_MEMORY);
        session.alloc.fault = (struct fault){0};
        assert_status(upf_send(&session.conn, UPF_OP_TEXT, "ok", 2), UPF_OK);
        write_out(&session);
        assert_sent(&session, "fin TEXT 6 \"queued\"\nfin TEXT 2 \"ok\"\n");
        session_free(&session);
    }
}

static void without_random_bytes_a_client_sends_nothing(void **state)
{
    (void)state;
    for (int form = 0; form < FORMS; form++) {
        struct session session;

        if (!works_for((enum form)form, OPEN_CLIENT))
            continue;
        start_busy(&session, OPEN_CLIENT);
        session.random.fault.at = session.random.calls + 1;
        check_refusal(&session, (enum form)form, UPF_ERR_RANDOM);
        session_free(&session);
    }
}

static void over_the_queue_limit_nothing_is_sent(void **state)
{
    (void)state;
    for (int client = 0; client < 2; client++)
        for (int form = 0; form <= SHARED; form++)
            for (int over = -1; over <= 1; over++) {
                const enum role role = client ? OPEN_CLIENT : OPEN_SERVER;
                const size_t    header = client ? 6 : 2;
                struct session  session;
                struct blob     before = {0}, after = {0};

                if (!works_for((enum form)form, role))
                    continue;
                session_prepare(&session);
                session.config.max_queued = (header + 6) + (header + 13);
                session.config.max_queued -= (size_t)over;
                make_busy(&session, role);
                peek(&session, &before);
                const upf_status got =
                    send_form(&session, (enum form)form, "thirteen byte");
                if (got != (over > 0 ? UPF_ERR_QUEUE_FULL : UPF_OK))
                    fail_msg("form %d, %d bytes over the limit: %s", form,
                             over, upf_status_name(got));
                peek(&session, &after);
                assert_int_equal(after.len, before.len +
                                 (over > 0 ? 0 : header + 13));
                session_free(&session);
                blob_free(&before);
                blob_free(&after);
            }
}

static void text_that_is_not_utf8_is_not_sent(void **state)
{
    (void)state;
    static const char *const wrong[] = {"\xFF", "ab\xC3", "\xED\xA0\x80x",
                                        "\xC0\xAF", "\xF4\x90\x80\x80"};

    for (int form = 0; form <= SHARED; form++)
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
            struct session session;
            struct blob    before = {0}, after = {0};

            start_busy(&session, OPEN_SERVER);
            peek(&session, &before);
            assert_status(send_form(&session, (enum form)form, wrong[i]),
                          UPF_ERR_UTF8);
            peek(&session, &after);
            assert_true(blob_equal(&before, &after));
            session_free(&session);
            blob_free(&before);
            blob_free(&after);
        }
}

static void text_may_be_trusted(void **state)
{
    (void)state;
    struct session session;

    session_prepare(&session);
    session.config.trust_sent_text = true;
    session_begin(&session, OPEN_SERVER);
    session_give(&session, NULL, 0);
    assert_status(upf_send(&session.conn, UPF_OP_TEXT, "\xFF", 1), UPF_OK);
    assert_status(upf_send_part(&session.conn, UPF_OP_TEXT, "\xC3", 1, true),
                  UPF_OK);
    upf_shared *shared =
        upf_shared_new(&session.config, UPF_OP_TEXT, "\xC0", 1);
    assert_non_null(shared);
    assert_status(upf_send_shared(&session.conn, shared), UPF_OK);
    upf_shared_free(shared);
    session_write(&session);
    assert_bytes(&session, "\x81\x01\xFF\x81\x01\xC3\x81\x01\xC0", 9);
    session_free(&session);
}

static void without_memory_a_shared_message_is_not_queued(void **state)
{
    (void)state;
    struct session session;
    static uint8_t data[100];

    start_open(&session, OPEN_SERVER);
    session.hold = true;
    upf_shared *shared = upf_shared_new(NULL, UPF_OP_BINARY, data, sizeof data);
    assert_non_null(shared);
    assert_status(upf_send_shared(&session.conn, shared), UPF_OK);
    session.alloc.fault = (struct fault){session.alloc.calls + 1, true};
    assert_status(upf_send_shared(&session.conn, shared), UPF_ERR_NO_MEMORY);
    session.alloc.fault = (struct fault){0};
    assert_int_equal(upf_conn_queued(&session.conn), 2 + sizeof data);
    assert_status(upf_send_shared(&session.conn, shared), UPF_OK);
    assert_int_equal(upf_conn_queued(&session.conn), 2 * (2 + sizeof data));
    upf_shared_free(shared);
    session_free(&session);
}

static void only_text_and_binary_are_opcodes_of_messages(void **state)
{
    (void)state;
    struct session session;
    char           room[32] = {0};
    upf_slice      slice = {room, 1};

    start_open(&session, OPEN_SERVER);
    for (unsigned opcode = 0; opcode < 16; opcode++) {
        const upf_opcode op = (upf_opcode)opcode;

        if (op == UPF_OP_TEXT || op == UPF_OP_BINARY)
            continue;
        assert_status(upf_send(&session.conn, op, "x", 1), UPF_ERR_ARGUMENT);
        assert_status(upf_sendv(&session.conn, op, &slice, 1),
                      UPF_ERR_ARGUMENT);
        assert_status(upf_send_part(&session.conn, op, "x", 1, true),
                      UPF_ERR_ARGUMENT);
        assert_status(upf_send_in_place(&session.conn, op, room + 16, 1),
                      UPF_ERR_ARGUMENT);
        assert_null(upf_shared_new(NULL, op, "x", 1));
    }
    assert_int_equal(upf_conn_queued(&session.conn), 0);
    session_free(&session);
}

static void control_payloads_have_at_most_125_bytes(void **state)
{
    (void)state;
    struct session session;
    char           payload[200] = {0};

    start_open(&session, OPEN_SERVER);
    assert_status(upf_ping(&session.conn, payload, 126), UPF_ERR_ARGUMENT);
    assert_status(upf_pong(&session.conn, payload, 126), UPF_ERR_ARGUMENT);
    assert_status(upf_ping(&session.conn, payload, SIZE_MAX),
                  UPF_ERR_ARGUMENT);
    assert_int_equal(upf_conn_queued(&session.conn), 0);
    assert_status(upf_ping(&session.conn, payload, 125), UPF_OK);
    assert_status(upf_pong(&session.conn, payload, 125), UPF_OK);
    assert_int_equal(upf_conn_queued(&session.conn), 2 * 127);
    session_free(&session);
}

static void lengths_that_would_wrap_are_refused(void **state)
{
    (void)state;
    struct session session;
    char           byte;
    upf_slice      slices[2] = {{&byte, SIZE_MAX}, {&byte, 2}};

    start_busy(&session, OPEN_SERVER);
    session.config.trust_sent_text = true;
    assert_int_not_equal(upf_sendv(&session.conn, UPF_OP_BINARY, slices, 2),
                         UPF_OK);
    assert_int_not_equal(upf_send(&session.conn, UPF_OP_BINARY, &byte,
                                  SIZE_MAX - 3), UPF_OK);
    assert_int_equal(upf_conn_queued(&session.conn), 8);
    session_free(&session);
}

/* All pairs of lengths around where a sum wraps: not the sum alone is wrong,
 * the first of them is also one that would fit. Nothing is read. */
static void slices_that_no_memory_could_hold_are_refused(void **state)
{
    (void)state;
    static const size_t lens[] = {0, 1, 10, SIZE_MAX / 2, SIZE_MAX / 2 + 1,
                                  SIZE_MAX - 11, SIZE_MAX - 10, SIZE_MAX - 9,
                                  SIZE_MAX - 1, SIZE_MAX};
    enum { COUNT = sizeof lens / sizeof *lens };
    static char bytes[10];

    for (int client = 0; client < 2; client++) {
        struct session session;

        session_prepare(&session);
        session.config.max_queued      = SIZE_MAX;
        session.config.high_water      = SIZE_MAX;
        session.config.trust_sent_text = true;
        session_begin(&session, client ? OPEN_CLIENT : OPEN_SERVER);
        session_give(&session, NULL, 0);
        for (size_t i = 0; i < COUNT * COUNT * COUNT; i++) {
            const upf_slice slices[3] = {{bytes, lens[i % COUNT]},
                                         {bytes, lens[i / COUNT % COUNT]},
                                         {bytes, lens[i / COUNT / COUNT]}};
            const size_t a = slices[0].len, b = slices[1].len,
                         c = slices[2].len;

            if (b <= SIZE_MAX - a && c <= SIZE_MAX - a - b)
                continue; /* a sum; it may fit */
            assert_status(upf_sendv(&session.conn,
                                    i % 2 ? UPF_OP_BINARY : UPF_OP_TEXT,
                                    slices, 3), UPF_ERR_QUEUE_FULL);
        }
        assert_int_equal(upf_conn_queued(&session.conn), 0);
        assert_int_equal(session.alloc.calls, 0);
        session_free(&session);
    }
}

static void before_open_nothing_can_be_sent(void **state)
{
    (void)state;
    for (int role = SERVER; role <= OPEN_CLIENT; role++) {
        struct session session;

        session_start(&session, (enum role)role);
        const size_t queued = upf_conn_queued(&session.conn);
        for (int form = 0; form < FORM_CLOSE; form++)
            assert_status(send_form(&session, (enum form)form, "early"),
                          UPF_ERR_STATE);
        assert_int_equal(upf_conn_queued(&session.conn), queued);
        session_free(&session);
    }
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

/* ---- Parts ------------------------------------------------------------ */

static void only_control_frames_go_out_between_parts(void **state)
{
    (void)state;
    struct session session;
    upf_conn      *conn = &session.conn;

    start_open(&session, OPEN_SERVER);
    assert_status(upf_send_part(conn, UPF_OP_TEXT, "one", 3, false), UPF_OK);
    for (int form = 0; form <= SHARED; form++)
        if (form != PART)
            assert_status(send_form(&session, (enum form)form, "no"),
                          UPF_ERR_STATE);
    assert_status(upf_ping(conn, "p", 1), UPF_OK);
    assert_status(upf_pong(conn, "q", 1), UPF_OK);
    /* The opcode counts on the first part only. */
    assert_status(upf_send_part(conn, UPF_OP_BINARY, "two", 3, false), UPF_OK);
    assert_status(upf_send_part(conn, UPF_OP_TEXT, NULL, 0, true), UPF_OK);
    assert_status(upf_send(conn, UPF_OP_TEXT, "after", 5), UPF_OK);
    write_out(&session);
    assert_sent(&session, "TEXT 3 \"one\"\nfin PING 1 \"p\"\n"
                "fin PONG 1 \"q\"\nCONT 3 \"two\"\nfin CONT 0 \"\"\n"
                "fin TEXT 5 \"after\"\n");
    session_free(&session);
}

static void a_code_point_may_be_cut_between_parts(void **state)
{
    (void)state;
    struct session session;
    upf_conn      *conn = &session.conn;

    start_open(&session, OPEN_SERVER);
    assert_status(upf_send_part(conn, UPF_OP_TEXT, "\xF0\x9F", 2, false),
                  UPF_OK);
    assert_status(upf_send_part(conn, UPF_OP_TEXT, "\x98", 1, false), UPF_OK);
    assert_status(upf_send_part(conn, UPF_OP_TEXT, "\x80", 1, true), UPF_OK);
    write_out(&session);
    assert_sent(&session, "TEXT 2 f09f\nCONT 1 98\nfin CONT 1 80\n");
    session_free(&session);
}

static void a_part_that_was_refused_can_be_sent_right(void **state)
{
    (void)state;
    struct session session;
    upf_conn      *conn = &session.conn;

    start_open(&session, OPEN_SERVER);
    assert_status(upf_send_part(conn, UPF_OP_TEXT, "\xFF", 1, false),
                  UPF_ERR_UTF8);
    /* Nothing has begun. */
    assert_status(upf_send(conn, UPF_OP_TEXT, "whole", 5), UPF_OK);
    assert_status(upf_send_part(conn, UPF_OP_TEXT, "\xE2\x82", 2, false),
                  UPF_OK);
    assert_status(upf_send_part(conn, UPF_OP_TEXT, "bad", 3, false),
                  UPF_ERR_UTF8);
    assert_status(upf_send_part(conn, UPF_OP_TEXT, NULL, 0, true),
                  UPF_ERR_UTF8);
    assert_status(upf_send_part(conn, UPF_OP_TEXT, "\xAC\xC3", 2, true),
                  UPF_ERR_UTF8);
    assert_status(upf_send_part(conn, UPF_OP_TEXT, "\xAC\xC3", 2, false),
                  UPF_OK);
    session.alloc.fault.at = session.alloc.calls + 1;
    session.alloc.fault.for_ever = true;
    static char long_text[10000];
    memset(long_text, 'x', sizeof long_text);
    long_text[0] = '\xA9';
    assert_status(upf_send_part(conn, UPF_OP_TEXT, long_text,
                                sizeof long_text, true), UPF_ERR_NO_MEMORY);
    session.alloc.fault = (struct fault){0};
    assert_status(upf_send_part(conn, UPF_OP_TEXT, "\xA9", 1, true), UPF_OK);
    write_out(&session);
    assert_sent(&session, "fin TEXT 5 \"whole\"\nTEXT 2 e282\nCONT 2 acc3\n"
                "fin CONT 1 a9\n");
    session_free(&session);
}

static void a_close_may_end_a_message_begun_by_parts(void **state)
{
    (void)state;
    struct session session;
    upf_conn      *conn = &session.conn;

    start_open(&session, OPEN_SERVER);
    assert_status(upf_send_part(conn, UPF_OP_TEXT, "never", 5, false), UPF_OK);
    assert_status(upf_close(conn, 1001, NULL), UPF_OK);
    assert_status(upf_send_part(conn, UPF_OP_TEXT, "ended", 5, true),
                  UPF_ERR_STATE);
    write_out(&session);
    assert_sent(&session, "TEXT 5 \"never\"\nfin CLOSE 1001 \"\"\n");
    session_free(&session);
}

/* ---- High water ------------------------------------------------------- */

static void reading_pauses_over_high_water_until_half_is_left(void **state)
{
    (void)state;
    struct session session;
    upf_conn      *conn = &session.conn;
    upf_slice      slice;
    char           load[98] = {0};

    session_prepare(&session);
    session.config.high_water    = 1000;
    session.config.pause_reading = UPF_PAUSE_ALWAYS;
    session.hold = true;
    session_begin(&session, OPEN_SERVER);
    session_give(&session, NULL, 0);
    for (int i = 1; i <= 11; i++) {
        assert_false(upf_conn_congested(conn));
        assert_true(upf_conn_wants(conn) & UPF_WANTS_READ);
        assert_status(upf_send(conn, UPF_OP_BINARY, load, 98), UPF_OK);
    }
    assert_int_equal(upf_conn_queued(conn), 1100);
    assert_true(upf_conn_congested(conn));
    assert_int_equal(upf_conn_wants(conn), UPF_WANTS_WRITE);
    while (upf_conn_queued(conn) > 501) {
        assert_true(upf_conn_output(conn, &slice, 1) == 1);
        assert_status(upf_conn_output_done(conn, 1), UPF_OK);
        assert_true(upf_conn_congested(conn));
    }
    assert_true(upf_conn_output(conn, &slice, 1) == 1);
    assert_status(upf_conn_output_done(conn, 1), UPF_OK);
    assert_int_equal(upf_conn_queued(conn), 500);
    assert_false(upf_conn_congested(conn));
    assert_int_equal(upf_conn_wants(conn), UPF_WANTS_READ | UPF_WANTS_WRITE);
    /* Not before it is over the mark again. */
    assert_status(upf_send(conn, UPF_OP_BINARY, load, 98), UPF_OK);
    assert_false(upf_conn_congested(conn));
    session_free(&session);
}

static void nothing_written_leaves_the_output_as_it_is(void **state)
{
    (void)state;
    struct session session;
    struct blob    before = {0}, after = {0};

    start_busy(&session, OPEN_SERVER);
    peek(&session, &before);
    assert_status(upf_conn_output_done(&session.conn, 0), UPF_OK);
    assert_status(upf_conn_output_done(&session.conn, -1), UPF_OK);
    peek(&session, &after);
    assert_true(blob_equal(&before, &after));
    session_free(&session);
    blob_free(&before);
    blob_free(&after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_sends_the_examples_of_the_rfc),
        cmocka_unit_test(a_client_masks_each_frame_with_a_key_of_its_own),
        cmocka_unit_test(a_server_asks_for_no_random_bytes),
        cmocka_unit_test(every_length_gets_its_shortest_header),
        cmocka_unit_test(the_caller_may_change_its_bytes_at_once),
        cmocka_unit_test(all_that_is_sent_in_one_turn_is_one_slice),
        cmocka_unit_test(without_memory_nothing_is_sent),
        cmocka_unit_test(a_long_message_without_memory_is_refused),
        cmocka_unit_test(without_random_bytes_a_client_sends_nothing),
        cmocka_unit_test(over_the_queue_limit_nothing_is_sent),
        cmocka_unit_test(text_that_is_not_utf8_is_not_sent),
        cmocka_unit_test(text_may_be_trusted),
        cmocka_unit_test(without_memory_a_shared_message_is_not_queued),
        cmocka_unit_test(only_text_and_binary_are_opcodes_of_messages),
        cmocka_unit_test(control_payloads_have_at_most_125_bytes),
        cmocka_unit_test(lengths_that_would_wrap_are_refused),
        cmocka_unit_test(slices_that_no_memory_could_hold_are_refused),
        cmocka_unit_test(before_open_nothing_can_be_sent),
        cmocka_unit_test(only_control_frames_go_out_between_parts),
        cmocka_unit_test(a_code_point_may_be_cut_between_parts),
        cmocka_unit_test(a_part_that_was_refused_can_be_sent_right),
        cmocka_unit_test(a_close_may_end_a_message_begun_by_parts),
        cmocka_unit_test(reading_pauses_over_high_water_until_half_is_left),
        cmocka_unit_test(nothing_written_leaves_the_output_as_it_is),
        cmocka_unit_test(nothing_fits_a_queue_that_control_frames_overfill),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
