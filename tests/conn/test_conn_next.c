/* SPDX-License-Identifier: MIT */
/* test_conn_next.c - frames that lie whole in the input are taken at one glance,
 * on each set of kernels: they come to what they come to otherwise. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernels/kernels.h"
#include "support/fakes.h"
#include "support/frames.h"
#include "support/session.h"

/* What the peer sends, and what is done about it. */
struct stream {
    struct blob bytes;
    bool        to_client;
    bool        in_chunks;
    size_t      max_frame, max_message; /* 0: the default */
    app_fn     *app;
};

static enum sender sender_of(const struct stream *stream)
{
    return stream->to_client ? FROM_SERVER : FROM_CLIENT;
}

enum manner { IN_STEPS, TRACED, FAST };

/* A run, and the headers that its trace hook saw. */
struct run {
    struct session session;
    struct blob    headers;
};

static void trace(void *user, const upf_conn *conn, bool sent,
                  const upf_frame_header *header)
{
    struct blob *headers = user;

    (void)conn;
    blob_printf(headers, "%d %d %d %d %d %llu %02x%02x%02x%02x\n", sent,
                header->fin, header->rsv, (int)header->opcode, header->masked,
                (unsigned long long)header->payload_len, header->mask_key[0],
                header->mask_key[1], header->mask_key[2], header->mask_key[3]);
}

static void run_free(struct run *run)
{
    session_free(&run->session);
    blob_free(&run->headers);
}

/* Run it in inputs of `step` bytes, each in memory of exactly its size. */
static void run(struct run *run, const struct stream *stream,
                const struct upf_kernels *set, size_t step, enum manner manner)
{
    struct session *session = &run->session;

    upf_kernels_force(set);
    session_prepare(session);
    run->headers = (struct blob){0};
    session->in_steps = manner == IN_STEPS;
    session->config.stream = stream->in_chunks;
    session->config.trace      = manner == FAST ? NULL : trace;
    session->config.trace_user = &run->headers;
    if (stream->max_frame > 0)
        session->config.max_frame = stream->max_frame;
    if (stream->max_message > 0)
        session->config.max_message = stream->max_message;
    session->app = stream->app;
    session_begin(session, stream->to_client ? OPEN_CLIENT : OPEN_SERVER);
    session_give(session, NULL, 0);

    for (size_t at = 0; at < stream->bytes.len; at += step) {
        const size_t left = stream->bytes.len - at;
        upf_input    input = {NULL, left < step ? left : step};
        uint8_t     *memory = malloc(input.len);

        assert_non_null(memory);
        memcpy(memory, stream->bytes.data + at, input.len);
        input.data = memory;
        session_input(session, &input);
        session_write(session);
        free(memory);
    }
    session_eof(session);
}

static void assert_same(struct run *fast, struct run *slow,
                        const struct upf_kernels *set, size_t step)
{
    const char *log = eventlog_text(&slow->session.log);

    if (strcmp(eventlog_text(&fast->session.log), log) != 0)
        print_error("with the set %s, %zu bytes at a time:\n", set->name,
                    step);
    assert_text(eventlog_text(&fast->session.log), log);
    assert_true(blob_equal(&fast->session.output, &slow->session.output));
    if (fast->session.config.trace != NULL)
        assert_text(blob_str(&fast->headers), blob_str(&slow->headers));
}

/* Byte by byte nothing is ever whole: that run says what is right. In chunks it
 * is one in the same pieces. */
static void assert_same_with_each_set(struct stream *stream)
{
    static const size_t steps[] = {1u << 24, 700, 64};
    struct run slow, fast;
    const struct upf_kernels *set;

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (i == 0 || stream->in_chunks)
            run(&slow, stream, &upf_kernels_scalar,
                stream->in_chunks ? steps[i] : 1, IN_STEPS);
        for (size_t n = 0; (set = upf_kernels_at(n)) != NULL; n++)
            for (enum manner manner = TRACED; manner <= FAST; manner++) {
                run(&fast, stream, set, steps[i], manner);
                assert_same(&fast, &slow, set, steps[i]);
                run_free(&fast);
            }
        if (i + 1 == sizeof steps / sizeof *steps || stream->in_chunks)
            run_free(&slow);
    }
    blob_free(&stream->bytes);
    upf_kernels_force(NULL);
}

static const char *const scripts[] = {
    "a", "\xD0\xB6", "\xE4\xB8\xAD", "\xF0\x9F\x98\x80"
};

/* Text of `len` bytes, as many of one script as fit, ASCII in front. */
static void text_of(uint8_t *text, size_t len, const char *script)
{
    const size_t size = strlen(script);
    size_t at = len % size;

    memset(text, 'x', at);
    for (; at < len; at += size)
        memcpy(text + at, script, size);
}

static const uint8_t no_key[4] = {0};

/* ---- Every length ------------------------------------------------------- */

enum { LONGEST = 300 };

/* Between frames that show whether all was taken and nothing more. */
static void put_between(struct stream *stream, unsigned first,
                        const uint8_t *key, const uint8_t *payload, size_t len)
{
    struct blob       *to     = &stream->bytes;
    const enum sender  sender = sender_of(stream);

    put_text(to, sender, FIN | TEXT, "before");
    put_keyed(to, first, key, payload, len);
    put_keyed(to, first, key, payload, len);
    put_text(to, sender, FIN | BINARY, "a few more bytes after it");
}

/* To a server, masked with `key`; to a client; each in messages and chunks. */
static void try_length(unsigned first, size_t len, const uint8_t *key,
                       size_t bad, app_fn *app)
{
    for (int i = 0; i < 4; i++) {
        struct stream stream = {.app = app, .to_client = i % 2 == 1,
                                .in_chunks = i / 2 == 1};
        uint8_t payload[LONGEST + 1];

        text_of(payload, len, scripts[len / 3 % 4]);
        if (bad < len)
            payload[bad] = 0xFF;
        put_between(&stream, first, stream.to_client ? NULL : key, payload,
                    len);
        assert_same_with_each_set(&stream);
    }
}

/* A mask that is not due, or none where one is. */
static void a_wrong_mask_of_every_length_fails_the_same(void **state)
{
    (void)state;
    static const uint8_t payload[LONGEST + 1];

    for (size_t len = 0; len <= LONGEST; len++)
        for (int i = 0; i < 2; i++) {
            struct stream stream = {.to_client = i == 1};

            put_between(&stream, FIN | (len % 2 ? TEXT : BINARY),
                        stream.to_client ? frame_key : NULL, payload, len);
            assert_same_with_each_set(&stream);
        }
}

static void every_length_comes_to_the_same(void **state)
{
    (void)state;
    for (size_t len = 0; len <= LONGEST; len++) {
        app_fn *app = len % 2 ? app_echo_in_place : app_echo;
        try_length(FIN | TEXT, len, frame_key, len, app);
        try_length(FIN | TEXT, len, no_key, len, NULL);
        try_length(FIN | BINARY, len, frame_key, len / 2, app);
        try_length(FIN | BINARY, len, no_key, 0, NULL);
        try_length(BINARY, len, frame_key, 0, NULL);
        try_length(FIN | RSV1 | BINARY, len, frame_key, 0, NULL);
    }
}

static void bad_text_of_every_length_fails_at_the_same_byte(void **state)
{
    (void)state;
    for (size_t len = 1; len <= LONGEST; len++) {
        try_length(FIN | TEXT, len, frame_key, 0, NULL);
        try_length(FIN | TEXT, len, frame_key, len / 2, app_echo_in_place);
        try_length(FIN | TEXT, len, no_key, len - 1, NULL);
    }
}

/* A code point that the message does not finish, at every length. */
static void text_cut_short_of_every_length_fails_the_same(void **state)
{
    (void)state;
    for (size_t len = 1; len <= LONGEST; len++) {
        uint8_t payload[LONGEST + 1];

        text_of(payload, len + 1, scripts[1 + len % 3]);
        for (int i = 0; i < 4; i++) {
            struct stream stream = {.to_client = i % 2 == 1,
                                    .in_chunks = i / 2 == 1};

            put_between(&stream, FIN | TEXT,
                        stream.to_client ? NULL : frame_key, payload, len);
            assert_same_with_each_set(&stream);
        }
    }
}

/* ---- Limits ------------------------------------------------------------- */

static void a_limit_is_the_same_at_every_length(void **state)
{
    (void)state;
    for (size_t len = 1; len <= LONGEST; len++) {
        for (size_t over = 0; over < 2; over++) {
            struct stream stream = {.to_client = len / 2 % 2 == 1};
            const enum sender sender = sender_of(&stream);

            if (len % 2)
                stream.max_frame = len;
            else
                stream.max_message = len;
            put_run(&stream.bytes, sender, FIN | BINARY, 'b', 1);
            put_run(&stream.bytes, sender, FIN | BINARY, 'b', len + over);
            put_run(&stream.bytes, sender, FIN | TEXT, 't', len);
            assert_same_with_each_set(&stream);
        }
    }
}

static void every_form_of_a_length_is_judged_the_same(void **state)
{
    (void)state;
    static const struct { unsigned form; uint64_t len; } forms[] = {
        {126, 0}, {126, 1}, {126, 125}, {126, 126}, {126, 65535},
        {127, 1}, {127, 126}, {127, 65535}, {127, 65536},
        {127, UINT64_C(1) << 63},
    };

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        for (unsigned masks = 0; masks < 2; masks++) {
            struct stream stream = {0};

            put_text(&stream.bytes, FROM_CLIENT, FIN | TEXT, "before");
            put_header(&stream.bytes, FIN | BINARY, forms[i].form,
                       forms[i].len, masks ? frame_key : NULL);
            blob_fill(&stream.bytes, 'b', (size_t)(forms[i].len % 100000));
            put_text(&stream.bytes, FROM_CLIENT, FIN | TEXT, "behind");
            assert_same_with_each_set(&stream);
        }
    }
}

/* ---- At random ---------------------------------------------------------- */

static void put_random_frame(struct stream *stream, struct fake_random *random)
{
    static const unsigned firsts[] = {
        FIN | TEXT, FIN | TEXT, FIN | TEXT, FIN | TEXT,
        FIN | BINARY, FIN | BINARY, FIN | BINARY, FIN | PING, FIN | PONG,
        TEXT, BINARY, CONT, FIN | CONT,
    };
    const unsigned first = firsts[fake_choice(
        random, fake_choice(random, 3) ? 9 : sizeof firsts / sizeof *firsts)];
    size_t  len = fake_choice(random, fake_choice(random, 2) ? 40 : LONGEST);
    uint8_t payload[LONGEST], key[4];

    if (first & 0x8 && len > 125)
        len = 125;
    text_of(payload, len, scripts[fake_choice(random, 4)]);
    if (len > 0 && fake_choice(random, 20) == 0)
        payload[fake_choice(random, len)] ^=
            (uint8_t)(1u << fake_choice(random, 8));
    fake_random(random, key, sizeof key);
    put_keyed(&stream->bytes, first,
              stream->to_client          ? NULL
              : fake_choice(random, 4) ? key : no_key, payload, len);
}

static void random_streams_come_to_the_same(void **state)
{
    (void)state;
    struct fake_random random = {.state = 11};

    for (int i = 0; i < 1500; i++) {
        struct stream stream = {.to_client = i % 2 == 1,
                                .in_chunks = i % 3 == 0};

        for (size_t n = fake_choice(&random, 12) + 1; n > 0; n--)
            put_random_frame(&stream, &random);
        if (fake_choice(&random, 4) == 0)
            stream.bytes.data[fake_choice(&random, stream.bytes.len)] ^=
                (uint8_t)(1u << fake_choice(&random, 8));
        if (fake_choice(&random, 4) == 0)
            stream.bytes.len = fake_choice(&random, stream.bytes.len);
        if (fake_choice(&random, 4) == 0)
            stream.max_frame = 1 + fake_choice(&random, LONGEST);
        assert_same_with_each_set(&stream);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_comes_to_the_same),
        cmocka_unit_test(bad_text_of_every_length_fails_at_the_same_byte),
        cmocka_unit_test(a_wrong_mask_of_every_length_fails_the_same),
        cmocka_unit_test(text_cut_short_of_every_length_fails_the_same),
        cmocka_unit_test(a_limit_is_the_same_at_every_length),
        cmocka_unit_test(every_form_of_a_length_is_judged_the_same),
        cmocka_unit_test(random_streams_come_to_the_same),
    };
    return cmocka_run_group_tests_name("conn_next", tests, NULL, NULL);
}
