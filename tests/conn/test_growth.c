/* SPDX-License-Identifier: MIT */
/* test_growth.c - the memory of a message that arrives follows what came. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "support/session.h"

/*
 * The block of a message under way holds at most what is declared (while other
 * fragments may follow: max_message), and at most twice the payload that came
 * of this message and 4 KiB more; before payload, 4 KiB. A block that moves
 * keeps its old place until it is copied.
 */
enum {
    AHEAD    = 4096,
    OVERHEAD = 32,        /* of a block, which knows its capacity */
    READ     = 64 * 1024, /* bytes that the transport has ready each time */
    LARGE    = 16 * 1024 * 1024
};

/* ---- A message that is read ---------------------------------------------- */

struct growth {
    upf_conn          conn;
    upf_config        config;
    struct fake_alloc heap; /* moves what it resizes, and spoils the old */
    size_t            moved;     /* bytes that a block had when it moved */
    uint64_t          received;  /* payload of the message at hand */
    uint64_t          declared;  /* what it can come to, as far as is known */
    size_t            reads;
    size_t            messages;
    uint64_t          payload; /* in all of them */
    bool              use_room;
    uint8_t           buffer[READ];
};

static size_t bound(const struct growth *growth)
{
    const uint64_t twice = 2 * growth->received + AHEAD;

    return (size_t)(twice < growth->declared ? twice : growth->declared);
}

static void assert_in_bound(const struct growth *growth, size_t size,
                            const char *what)
{
    if (size > bound(growth) + OVERHEAD)
        fail_msg("%s %zu bytes for %llu received and %llu declared", what,
                 size, (unsigned long long)growth->received,
                 (unsigned long long)growth->declared);
}

static void *growing_alloc(void *user, void *ptr, size_t old_size,
                           size_t new_size)
{
    struct growth *growth = user;

    if (new_size > old_size)
        assert_in_bound(growth, new_size, "asked for");
    if (ptr != NULL && new_size > 0)
        growth->moved += old_size < new_size ? old_size : new_size;
    return fake_alloc(&growth->heap, ptr, old_size, new_size);
}

static struct growth *begin(bool use_room)
{
    struct growth *growth = calloc(1, sizeof *growth);
    upf_input      none   = {NULL, 0};
    upf_event      event;

    assert_non_null(growth);
    growth->config            = upf_config_default();
    growth->config.alloc      = growing_alloc;
    growth->config.alloc_user = growth;
    growth->use_room          = use_room;
    assert_status(upf_conn_init_open(&growth->conn, &growth->config, false,
                                     NULL), UPF_OK);
    assert_status(upf_conn_next(&growth->conn, &none, &event), UPF_OK);
    return growth;
}

static void end(struct growth *growth)
{
    upf_conn_free(&growth->conn);
    assert_int_equal(growth->heap.live, 0);
    free(growth);
}

/* All of the input; no event but messages. */
static void take(struct growth *growth, uint8_t *data, size_t len)
{
    upf_input  input = {data, len};
    upf_event  event;
    upf_status status;

    while ((status = upf_conn_next(&growth->conn, &input, &event)) == UPF_OK) {
        assert_int_equal(event.type, UPF_EVENT_MESSAGE);
        growth->messages++;
        growth->payload += event.len;
        for (size_t i = 0; i < event.len; i += 1 + event.len / 1000)
            assert_int_equal(event.data[i], 'g');
    }
    assert_status(status, UPF_WANT_READ);
    assert_int_equal(input.len, 0);
}

/* One read of what is there, where it belongs. `payload` of it is the
 * message's, if it all fits. Returns the bytes read. */
static size_t read_once(struct growth *growth, const uint8_t *bytes,
                        size_t len, size_t payload)
{
    size_t   room_len = 0;
    uint8_t *room = growth->use_room ? upf_conn_room(&growth->conn, &room_len)
                                     : NULL;

    assert_in_bound(growth, growth->heap.live, "there was room of");
    growth->reads++;
    if (len > READ)
        len = READ;
    if (room != NULL) {
        if (room_len < len)
            len = room_len;
        payload = len; /* room is for payload alone */
    } else {
        room = growth->buffer;
    }
    memcpy(room, bytes, len);
    growth->received += payload;
    take(growth, room, len);
    if (growth->messages == 0)
        assert_in_bound(growth, growth->heap.live, "it holds");
    return len;
}

/* ---- Messages ------------------------------------------------------------ */

struct message {
    struct blob bytes;
    size_t      fragment; /* payload of each frame */
    size_t      header;   /* bytes of its header */
    size_t      len;      /* payload of all */
};

static void make_message(struct message *message, size_t len, size_t fragment)
{
    *message = (struct message){.fragment = fragment, .len = len,
                                .header   = fragment < 126     ? 6
                                            : fragment < 65536 ? 8 : 14};
    for (size_t at = 0; at < len; at += fragment)
        put_run(&message->bytes, FROM_CLIENT,
                (at == 0 ? BINARY : CONT) | (at + fragment >= len ? FIN : 0),
                'g', fragment);
}

/* Payload bytes in the first `at` bytes of the message. */
static size_t payload_before(const struct message *message, size_t at)
{
    const size_t frame = message->header + message->fragment;
    const size_t rest  = at % frame;

    return at / frame * message->fragment +
           (rest > message->header ? rest - message->header : 0);
}

/* What is declared by the first `at` bytes. */
static uint64_t declared_by(const struct message *message, size_t at,
                            const upf_config *config)
{
    const size_t frame = message->header + message->fragment;
    const size_t whole = message->bytes.len / frame - 1; /* but the last */

    return at >= whole * frame + message->header ? message->len
                                                 : config->max_message;
}

static void read_message(struct growth *growth, const struct message *message)
{
    growth->reads = growth->messages = growth->moved = 0;
    growth->received = growth->payload = 0;
    for (size_t at = 0; at < message->bytes.len;) {
        const size_t left = message->bytes.len - at;
        const size_t len  = left < READ ? left : READ;

        /* The input at hand may still say less, and asks for more at once. */
        growth->declared = declared_by(message, at, &growth->config);
        at += read_once(growth, message->bytes.data + at, len,
                        payload_before(message, at + len) -
                            payload_before(message, at));
    }
    assert_int_equal(growth->messages, 1);
    assert_int_equal(growth->payload, message->len);
    assert_int_equal(growth->heap.live, 0);
}

static void check_large(size_t fragment, bool use_room, size_t most_reads)
{
    struct growth *growth = begin(use_room);
    struct message message;

    make_message(&message, LARGE, fragment);
    for (int i = 0; i < 2; i++) { /* the second one has no more trust */
        read_message(growth, &message);
        if (growth->reads > most_reads)
            fail_msg("fragments of %zu bytes: %zu reads", fragment,
                     growth->reads);
        if (growth->moved > 3 * (size_t)LARGE)
            fail_msg("fragments of %zu bytes: %zu bytes were moved", fragment,
                     growth->moved);
    }
    end(growth);
    blob_free(&message.bytes);
}

static void a_large_message_grows_by_doubling_and_moves_little(void **state)
{
    (void)state;
    check_large(LARGE, false, 300);
    check_large(LARGE / 16, false, 300);
    check_large(16384, false, 300);
    check_large(1024, false, 300);
}

static void room_for_a_large_message_takes_few_reads(void **state)
{
    (void)state;
    check_large(LARGE, true, 300);
    check_large(LARGE / 16, true, 300);
    check_large(1024, true, 300);
    /* The room ends with the frame: at worst it halves a read. */
    check_large(16384, true, 600);
}

/* Byte by byte at first, and any size of read. */
static void no_cut_makes_the_block_exceed_what_came(void **state)
{
    (void)state;
    static const size_t lens[]  = {1, 4095, 4096, 4097, 20000, 70000};
    static const size_t steps[] = {1, 3, 100, 1000, 4095, 4097, 20000};

    for (size_t l = 0; l < sizeof lens / sizeof *lens; l++)
        for (size_t s = 0; s < sizeof steps / sizeof *steps; s++)
            for (int room = 0; room < 2; room++) {
                struct growth *growth = begin(room != 0);
                struct message message;
                size_t         at = 0;

                make_message(&message, lens[l], lens[l]);
                growth->declared = 0; /* for a header, nothing */
                while (at < message.bytes.len) {
                    const size_t left = message.bytes.len - at;
                    const size_t len  = steps[s] < left ? steps[s] : left;
                    const size_t paid = payload_before(&message, at + len) -
                                        payload_before(&message, at);

                    if (at + len >= message.header)
                        growth->declared = lens[l];
                    at += read_once(growth, message.bytes.data + at, len,
                                    paid);
                }
                assert_int_equal(growth->payload, lens[l]);
                end(growth);
                blob_free(&message.bytes);
            }
}

/* ---- What is declared, and what is not ----------------------------------- */

static void a_header_alone_is_worth_4_KiB(void **state)
{
    (void)state;
    for (int fin = 0; fin < 2; fin++) {
        struct growth *growth = begin(true);
        struct blob    bytes  = {0};
        size_t         len    = 0;

        put_header(&bytes, BINARY | (fin ? FIN : 0), 127, LARGE, frame_key);
        growth->declared = LARGE;
        read_once(growth, bytes.data, bytes.len, 0);
        for (int i = 0; i < 3; i++) {
            assert_non_null(upf_conn_room(&growth->conn, &len));
            assert_in_range(len, 2048, AHEAD);
            assert_in_range(growth->heap.live, len, AHEAD + OVERHEAD);
        }
        end(growth);
        blob_free(&bytes);
    }
}

static void no_more_is_taken_than_is_declared(void **state)
{
    (void)state;
    struct growth *growth = begin(true);
    struct blob    bytes  = {0};
    size_t         len    = 0;

    put_run(&bytes, FROM_CLIENT, FIN | BINARY, 'g', 10000);
    growth->declared = 10000;
    read_once(growth, bytes.data, 8 + 7000, 7000);
    assert_non_null(upf_conn_room(&growth->conn, &len));
    assert_int_equal(len, 3000);
    assert_in_range(growth->heap.live, 10000, 10000 + OVERHEAD);
    end(growth);
    blob_free(&bytes);
}

static void fragments_take_no_more_than_the_largest_message(void **state)
{
    (void)state;
    struct growth *growth = begin(true);
    struct message message;

    make_message(&message, 90000, 10000);
    growth->config.max_message = 90000;
    read_message(growth, &message); /* bound() knows max_message */
    end(growth);
    blob_free(&message.bytes);
}

/* ---- After a large message ----------------------------------------------- */

static void a_large_message_earns_no_trust(void **state)
{
    (void)state;
    struct growth *growth = begin(true);
    struct message message;
    struct blob    bytes = {0};
    size_t         len   = 0;

    make_message(&message, LARGE / 4, LARGE / 4);
    read_message(growth, &message);

    growth->messages = 0;
    growth->received = 0;
    growth->declared = LARGE / 4;
    put_header(&bytes, FIN | BINARY, 127, LARGE / 4, frame_key);
    read_once(growth, bytes.data, bytes.len, 0);
    assert_non_null(upf_conn_room(&growth->conn, &len));
    assert_in_bound(growth, growth->heap.live, "before payload, room of");
    blob_clear(&bytes);
    blob_fill(&bytes, 'x', 5000);
    for (size_t at = 0; at < bytes.len; at += 500) {
        read_once(growth, bytes.data + at, 500, 500);
        assert_non_null(upf_conn_room(&growth->conn, &len));
        assert_in_bound(growth, growth->heap.live, "in a second one, room of");
    }
    end(growth);
    blob_free(&bytes);
    blob_free(&message.bytes);
}

/* The end of a large message and the start of another come in one read: its
 * block is not kept for what is only begun. */
static void a_large_block_does_not_stay_for_the_next_message(void **state)
{
    (void)state;
    for (int fin = 0; fin < 2; fin++)
        for (size_t some = 0; some < 3; some++) {
            struct growth *growth = begin(false);
            struct message message;

            make_message(&message, LARGE / 4, LARGE / 4);
            put_run(&message.bytes, FROM_CLIENT, BINARY | (fin ? FIN : 0),
                    'g', 70000);
            const size_t first = 14 + LARGE / 4;
            const size_t next  = first + 14 + some * 10;

            growth->declared = LARGE / 4;
            for (size_t at = 0; at < next;) {
                const size_t left = next - at;
                const size_t len  = left < READ ? left : READ;

                at += read_once(growth, message.bytes.data + at, len, len);
            }
            assert_int_equal(growth->messages, 1);
            growth->received = some * 10;
            growth->declared = fin ? 70000 : growth->config.max_message;
            assert_in_bound(growth, growth->heap.live, "the next one holds");
            end(growth);
            blob_free(&message.bytes);
        }
}

/* The same when a ping comes between, in pieces. */
static void a_ping_inside_a_message_finds_its_place(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};

    session_start(&session, OPEN_SERVER);
    put_run(&bytes, FROM_CLIENT, BINARY, 'g', 20000);
    put_run(&bytes, FROM_CLIENT, FIN | PING, 'p', 125);
    put_run(&bytes, FROM_CLIENT, FIN | CONT, 'g', 20000);
    for (size_t at = 0; at < bytes.len; at += 50) {
        const size_t left = bytes.len - at;

        session_give(&session, bytes.data + at, left < 50 ? left : 50);
        assert_in_range(session.alloc.live, 0,
                        2 * at + 100 + AHEAD + 125 + 1024);
    }
    assert_int_equal(session.log.count[UPF_EVENT_MESSAGE], 1);
    assert_int_equal(session.log.count[UPF_EVENT_PING], 1);
    assert_int_equal(session.alloc.live, 0);
    session_free(&session);
    blob_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_message_grows_by_doubling_and_moves_little),
        cmocka_unit_test(room_for_a_large_message_takes_few_reads),
        cmocka_unit_test(no_cut_makes_the_block_exceed_what_came),
        cmocka_unit_test(a_header_alone_is_worth_4_KiB),
        cmocka_unit_test(no_more_is_taken_than_is_declared),
        cmocka_unit_test(fragments_take_no_more_than_the_largest_message),
        cmocka_unit_test(a_large_message_earns_no_trust),
        cmocka_unit_test(a_large_block_does_not_stay_for_the_next_message),
        cmocka_unit_test(a_ping_inside_a_message_finds_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
