/* SPDX-License-Identifier: MIT */
/* test_output.c - bytes that wait for the transport, in order. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "buf.h"
#include "output.h"
#include "output_add.h"
#include "shared.h"

#include "support/session.h"

enum {
    SLICES    = 256,
    OWNED_MAX = 24 * 1024, /* small frames share a slice up to this */
    MOVE_MAX  = 4096,      /* payload up to this is moved within its input */
    COPY_MAX  = 256,       /* and up to this copied, not borrowed */
    SLOTS     = 16         /* a queue's, at first */
};

static const uint8_t header[4] = {'h', 'e', 'a', 'd'};

/* ---- Helpers ------------------------------------------------------------ */

static void start(struct session *session)
{
    session_start(session, OPEN_SERVER);
    session_give(session, NULL, 0);
    assert_int_equal(session->alloc.calls, 0);
}

static void fail_call(struct session *session, size_t n)
{
    session->alloc.fault = (struct fault){session->alloc.calls + n, false};
}

static void fail_from_now_on(struct session *session)
{
    session->alloc.fault = (struct fault){session->alloc.calls + 1, true};
}

static void fail_no_more(struct session *session)
{
    session->alloc.fault = (struct fault){0, false};
}

static size_t slices_of(const upf_conn *conn)
{
    upf_slice slices[SLICES];

    return upf_output_slices(conn, slices, SLICES);
}

/* What waits is these bytes. */
static void assert_waits(const upf_conn *conn, const struct blob *expected)
{
    upf_slice    slices[SLICES];
    const size_t count = upf_output_slices(conn, slices, SLICES);
    size_t       at    = 0;

    assert_int_equal(conn->out.len, expected->len);
    for (size_t i = 0; i < count; i++) {
        assert_in_range(slices[i].len, 1, expected->len - at);
        assert_memory_equal(slices[i].data, expected->data + at,
                            slices[i].len);
        at += slices[i].len;
    }
    assert_int_equal(at, expected->len);
}

/* Bytes that differ from one another and from one call to the next. */
static void fill(uint8_t *out, size_t len)
{
    static struct fake_random random;

    assert_true(fake_random(&random, out, len));
}

static void add(struct session *session, struct blob *expected, size_t len)
{
    uint8_t *out = upf_output_reserve(&session->conn, len);

    assert_non_null(out);
    fill(out, len);
    blob_add(expected, out, len);
}

static void add_shared(struct session *session, struct blob *expected,
                       upf_shared *shared)
{
    assert_true(upf_output_share(&session->conn, shared));
    blob_add(expected, shared->frame, shared->len);
}

/* The header goes where the output wants it; false: there is no memory. */
static bool head_put(uint8_t *at)
{
    if (at != NULL)
        memcpy(at, header, sizeof header);
    return at != NULL;
}

static bool put_in_place(upf_conn *conn, uint8_t *data, size_t len)
{
    return head_put(upf_output_in_place(conn, sizeof header, data, len));
}

static bool give(upf_conn *conn, uint8_t *data, size_t len,
                 struct upf_buf *block)
{
    conn->assembly = *block;
    const bool given =
        head_put(upf_output_give(conn, sizeof header, data, len));
    if (upf_has(conn, UPF_BLOCK_LENT)) /* the event is over at once */
        *block = (struct upf_buf){NULL, 0};
    upf_clear(conn, UPF_BLOCK_LENT);
    conn->assembly = (struct upf_buf){NULL, 0};
    return given;
}

/* In place, from `data`, which is filled first. */
static void add_in_place(struct session *session, struct blob *expected,
                         uint8_t *data, size_t len)
{
    fill(data, len);
    blob_add(expected, header, sizeof header);
    blob_add(expected, data, len);
    assert_true(put_in_place(&session->conn, data, len));
}

static void written(struct session *session, struct blob *expected, size_t len)
{
    assert_true(upf_output_advance(&session->conn, len));
    memmove(expected->data, expected->data + len, expected->len - len);
    expected->len -= len;
}

static void end(struct session *session, struct blob *expected)
{
    session_free(session);
    blob_free(expected);
}

static upf_shared *share(struct session *session, size_t len)
{
    uint8_t    *data   = malloc(len);
    upf_shared *shared = NULL;

    if (data != NULL) {
        fill(data, len);
        shared = upf_shared_new(&session->config, UPF_OP_BINARY, data, len);
    }
    assert_non_null(shared);
    free(data);
    return shared;
}

/* ---- Nothing, and small frames ------------------------------------------ */

static void at_first_nothing_waits_and_nothing_is_held(void **state)
{
    (void)state;
    struct session session;
    upf_slice      slice;
    uint8_t        pong[UPF_CONTROL_PAYLOAD_MAX];
    size_t         len;

    start(&session);
    assert_int_equal(session.conn.out.len, 0);
    assert_int_equal(upf_output_slices(&session.conn, &slice, 1), 0);
    assert_true(upf_output_advance(&session.conn, 0));
    assert_false(upf_output_late_pong(&session.conn, pong, &len));
    upf_output_drop_late_pong(&session.conn);
    upf_output_free(&session.conn);
    assert_true(upf_output_control_fits(&session.conn, 2 + 125));
    assert_int_equal(session.alloc.calls, 0);
    session_free(&session);
}

static void small_frames_share_one_slice_up_to_24_KiB(void **state)
{
    (void)state;
    struct session session;
    struct blob    expected = {0};

    start(&session);
    while (expected.len < OWNED_MAX)
        add(&session, &expected, 128);
    assert_int_equal(slices_of(&session.conn), 1);
    assert_waits(&session.conn, &expected);
    /* A block that grows in long steps, from 448 bytes on. */
    assert_in_range(session.alloc.calls, 2, 7);

    /* Beyond that there is another slice, and no endless block. */
    while (expected.len < 10 * OWNED_MAX)
        add(&session, &expected, 128);
    assert_in_range(slices_of(&session.conn), 10, 20);
    assert_in_range(session.alloc.largest, OWNED_MAX,
                    OWNED_MAX + UPF_BUF_OVERHEAD);
    assert_waits(&session.conn, &expected);
    written(&session, &expected, expected.len);
    assert_int_equal(session.alloc.live, 0);
    end(&session, &expected);
}

static void a_large_frame_has_a_slice_of_its_own_size(void **state)
{
    (void)state;
    struct session session;
    struct blob    expected = {0};

    start(&session);
    add(&session, &expected, 1000);
    add(&session, &expected, OWNED_MAX);
    assert_int_equal(slices_of(&session.conn), 2);
    assert_int_equal(session.alloc.calls, 3);
    assert_in_range(session.alloc.largest, OWNED_MAX,
                    OWNED_MAX + UPF_BUF_OVERHEAD);
    add(&session, &expected, 1); /* it is full */
    add(&session, &expected, 1);
    assert_int_equal(slices_of(&session.conn), 3);
    assert_waits(&session.conn, &expected);
    end(&session, &expected);
}

/* A turn: so many frames of 200 bytes, some of it written, then the rest. */
static void take_turn(struct session *session, size_t count)
{
    struct blob expected = {0};

    session->alloc.calls = session->alloc.largest = 0;
    for (size_t i = 0; i < count; i++)
        add(session, &expected, 200);
    written(session, &expected, 99);
    assert_waits(&session->conn, &expected);
    written(session, &expected, expected.len);
    assert_int_equal(session->alloc.live, 0);
    blob_free(&expected);
}

static void a_turn_like_the_one_before_moves_nothing(void **state)
{
    (void)state;
    struct session session;
    struct blob    nothing = {0};

    start(&session);
    take_turn(&session, 40);
    assert_true(session.alloc.calls > 1);
    take_turn(&session, 48); /* a little more */
    assert_int_equal(session.alloc.calls, 1);
    assert_in_range(session.alloc.largest, 9600, 10000 + UPF_BUF_OVERHEAD);
    take_turn(&session, 1);
    assert_int_equal(session.alloc.calls, 1);
    /* One that sent little expects little, */
    take_turn(&session, 1);
    assert_in_range(session.alloc.largest, 200, 600);
    /* and no more than so much is expected. */
    take_turn(&session, 300);
    take_turn(&session, 1);
    assert_in_range(session.alloc.largest, 20 * 1024,
                    24 * 1024 + UPF_BUF_OVERHEAD);
    end(&session, &nothing);
}

/* Of a queue, it is what small frames took that is expected again. */
static void a_queue_is_followed_by_a_block_for_its_small_frames(void **state)
{
    (void)state;
    static uint8_t memory[UPF_FRAME_HEADER_MAX + 5000];
    struct session session;
    struct blob    nothing = {0};

    start(&session);
    assert_status(upf_send_in_place(&session.conn, UPF_OP_BINARY,
                                    memory + UPF_FRAME_HEADER_MAX, 5000),
                  UPF_OK);
    for (int i = 0; i < 40; i++)
        assert_status(upf_send(&session.conn, UPF_OP_BINARY, memory, 198),
                      UPF_OK);
    session_write(&session);
    assert_int_equal(session.alloc.live, 0);
    take_turn(&session, 1);
    assert_in_range(session.alloc.largest, 10100, 10100 + UPF_BUF_OVERHEAD);
    end(&session, &nothing);
}

/* The rows of docs/limits.md. */
static void a_small_reply_takes_a_small_block(void **state)
{
    (void)state;
    for (size_t len = 1; len < 500; len++) {
        static const uint8_t bytes[500];
        const size_t   frame = len + (len < 126 ? 2 : 4);
        struct session session;
        struct blob    nothing = {0};

        start(&session);
        assert_status(upf_send(&session.conn, UPF_OP_BINARY, bytes, len),
                      UPF_OK);
        assert_int_equal(session.alloc.live,
                         UPF_BUF_BYTES_AT + (frame < 448 ? 448 : frame));
        session.hold = false;
        session_write(&session);
        end(&session, &nothing);
    }
}

static void a_shared_frame_up_to_256_bytes_is_copied_behind_others(void **state)
{
    (void)state;
    for (size_t len = 252; len <= 253; len++) {
        static const uint8_t bytes[253];
        struct session session;
        struct blob    nothing = {0};
        upf_slice      slices[3];

        start(&session);
        upf_shared *shared = upf_shared_new(&session.config, UPF_OP_BINARY,
                                            bytes, len);
        assert_status(upf_send(&session.conn, UPF_OP_BINARY, bytes, 1), UPF_OK);
        assert_status(upf_send_shared(&session.conn, shared), UPF_OK);
        assert_int_equal(upf_conn_output(&session.conn, slices, 3),
                         4 + len <= 256 ? 1 : 2);
        upf_shared_free(shared);
        session.hold = false;
        session_write(&session);
        end(&session, &nothing);
    }
}

/* A queue that never runs empty stays in the block that it began with. */
static void what_was_written_of_a_block_is_room_again(void **state)
{
    (void)state;
    struct session session;
    struct blob    expected = {0};

    start(&session);
    add(&session, &expected, 10000);
    const size_t calls = session.alloc.calls;
    for (int i = 0; i < 50; i++) {
        written(&session, &expected, expected.len - 100);
        add(&session, &expected, 4000);
        assert_int_equal(slices_of(&session.conn), 1);
        assert_waits(&session.conn, &expected);
    }
    assert_int_equal(session.alloc.calls, calls);
    end(&session, &expected);
}

/* But not where the transport may be writing from it. */
static void what_was_offered_stays_where_it_is(void **state)
{
    (void)state;
    struct session session;
    struct blob    expected = {0};
    upf_slice      slice;

    start(&session);
    add(&session, &expected, 400);
    assert_int_equal(upf_conn_output(&session.conn, &slice, 1), 1);
    for (int i = 0; i < 50; i++)
        add(&session, &expected, 1000);
    assert_memory_equal(slice.data, expected.data, 400);
    assert_waits(&session.conn, &expected);
    assert_int_equal(upf_conn_output(&session.conn, &slice, 1), 1);
    assert_memory_equal(slice.data, expected.data, 400);
    end(&session, &expected);
}

static void a_slice_over_24_KiB_takes_what_fits_and_no_more(void **state)
{
    (void)state;
    struct session session;
    struct blob    expected = {0};

    start(&session);
    add(&session, &expected, OWNED_MAX + 1);
    add(&session, &expected, 1);
    assert_int_equal(slices_of(&session.conn), 2);
    add(&session, &expected, 1);
    assert_int_equal(slices_of(&session.conn), 2);
    assert_waits(&session.conn, &expected);
    end(&session, &expected);
}

/* ---- Slots -------------------------------------------------------------- */

static void slots_grow_and_keep_their_order(void **state)
{
    (void)state;
    struct session session;
    struct blob    expected = {0};

    start(&session);
    upf_shared *shared[3] = {share(&session, 270), share(&session, 300),
                             share(&session, 1000)};
    for (size_t i = 0; i < 100; i++) {
        add_shared(&session, &expected, shared[i % 3]);
        if (i % 7 == 0)
            add(&session, &expected, 5);
        assert_waits(&session.conn, &expected);
    }
    assert_int_equal(slices_of(&session.conn), 100 + 15);

    /* As many as are asked for, from the first on. */
    for (size_t max = 0; max < 20; max++) {
        upf_slice slices[20];

        assert_int_equal(upf_output_slices(&session.conn, slices, max), max);
        if (max > 0)
            assert_memory_equal(slices[0].data, expected.data, slices[0].len);
    }
    for (size_t i = 0; i < 3; i++)
        upf_shared_free(shared[i]);
    while (expected.len > 0) {
        written(&session, &expected, expected.len < 77 ? expected.len : 77);
        assert_waits(&session.conn, &expected);
    }
    assert_int_equal(session.alloc.live, 0);
    end(&session, &expected);
}

/* A slot is more than an empty frame: a limit in bytes would bound nothing. */
static void short_shared_frames_take_no_more_memory_than_bytes(void **state)
{
    (void)state;
    struct session session;
    struct blob    expected = {0};

    start(&session);
    upf_shared *shared[2] = {share(&session, 0), share(&session, 61)};
    for (size_t i = 0; i < 30000; i++)
        add_shared(&session, &expected, shared[i % 2]);
    assert_waits(&session.conn, &expected);
    assert_in_range(session.alloc.live, expected.len, 2 * expected.len);

    fail_from_now_on(&session); /* as many as there is room for, then none */
    size_t more = 0;
    while (upf_output_share(&session.conn, shared[0])) {
        blob_add(&expected, shared[0]->frame, shared[0]->len);
        more++;
    }
    assert_in_range(more, 0, OWNED_MAX);
    assert_waits(&session.conn, &expected);
    for (size_t i = 0; i < 2; i++)
        upf_shared_free(shared[i]);
    written(&session, &expected, expected.len);
    assert_int_equal(session.alloc.live, 0);
    end(&session, &expected);
}

static void slots_that_are_written_make_room_without_an_allocation(void **state)
{
    (void)state;
    struct session session;
    struct blob    expected = {0};

    start(&session);
    upf_shared  *shared = share(&session, 300);
    const size_t len    = shared->len;
    for (int i = 0; i < SLOTS; i++)
        add_shared(&session, &expected, shared);
    const size_t calls = session.alloc.calls;
    for (int i = 0; i < 50; i++) {
        written(&session, &expected, SLOTS / 2 * len);
        for (int j = 2; j < SLOTS / 2; j++)
            add_shared(&session, &expected, shared);
        add_shared(&session, &expected, shared);
        add_shared(&session, &expected, shared);
        assert_waits(&session.conn, &expected);
        assert_int_equal(session.alloc.calls, calls);
    }
    upf_shared_free(shared);
    end(&session, &expected);
}

static void a_ring_of_slots_grows_wherever_it_begins(void **state)
{
    (void)state;
    struct session session;
    struct blob    expected = {0};

    start(&session);
    upf_shared *shared = share(&session, 300);
    for (int i = 0; i < SLOTS; i++)
        add_shared(&session, &expected, shared);
    written(&session, &expected, 310); /* one slot, and a bit */
    const size_t calls = session.alloc.calls;
    add_shared(&session, &expected, shared); /* in the slot that is free */
    assert_int_equal(session.alloc.calls, calls);
    add_shared(&session, &expected, shared);
    assert_int_equal(session.alloc.calls, calls + 1);
    assert_waits(&session.conn, &expected);
    for (int i = 0; i < 3 * SLOTS; i++) {
        add_shared(&session, &expected, shared);
        assert_waits(&session.conn, &expected);
    }
    upf_shared_free(shared);
    end(&session, &expected);
}

static void without_memory_for_more_slots_nothing_has_changed(void **state)
{
    (void)state;
    struct session session;
    struct blob    expected = {0};
    static uint8_t memory[10000];
    struct upf_buf block = {NULL, 0};

    start(&session);
    upf_shared *shared = share(&session, 300);
    for (int i = 0; i < SLOTS; i++)
        add_shared(&session, &expected, shared);
    assert_true(upf_buf_reserve(&block, &session.config, 5000));
    const uint8_t *data = block.data;

    fail_from_now_on(&session);
    assert_false(upf_output_share(&session.conn, shared));
    assert_null(upf_output_reserve(&session.conn, 1));
    assert_false(put_in_place(&session.conn, memory + 100, 5000));
    assert_false(put_in_place(&session.conn, memory + 100, 10));
    assert_false(give(&session.conn, block.data, 5000, &block));
    assert_false(give(&session.conn, block.data, 10, &block));
    assert_ptr_equal(block.data, data); /* still the caller's */
    for (size_t i = 0; i < sizeof memory; i++)
        assert_int_equal(memory[i], 0);
    assert_waits(&session.conn, &expected);

    fail_no_more(&session);
    add_shared(&session, &expected, shared);
    assert_waits(&session.conn, &expected);
    upf_buf_free(&block, &session.config);
    upf_shared_free(shared);
    end(&session, &expected); /* as many references as were queued */
}

static void without_memory_no_queue_is_left_behind(void **state)
{
    (void)state;
    struct session session;
    struct blob    expected = {0};

    start(&session);
    upf_shared *shared = share(&session, 300);
    const size_t live = session.alloc.live;
    fail_call(&session, 1);
    assert_null(upf_output_reserve(&session.conn, 100));
    assert_int_equal(session.alloc.live, live);
    for (size_t n = 1; n <= 2; n++) {
        fail_call(&session, n); /* the queue's block; the bytes' */
        assert_null(upf_output_reserve_control(&session.conn, 100));
        assert_int_equal(session.conn.out.len, 0);
        assert_int_equal(session.alloc.live, live);
        assert_true(upf_output_control_fits(&session.conn, 2048));
    }
    add_shared(&session, &expected, shared); /* one thing: takes no memory */
    assert_int_equal(session.alloc.live, live);
    fail_call(&session, 1);
    assert_false(upf_output_share(&session.conn, shared));
    assert_int_equal(session.alloc.live, live);
    assert_waits(&session.conn, &expected);

    fail_no_more(&session);
    add(&session, &expected, 100);
    assert_waits(&session.conn, &expected);
    upf_shared_free(shared);
    end(&session, &expected);
}

static void a_slice_that_cannot_grow_is_followed_by_another(void **state)
{
    (void)state;
    struct session session;
    struct blob    expected = {0};

    start(&session);
    add(&session, &expected, 400);
    fail_call(&session, 1); /* a larger block; a second one is to be had */
    add(&session, &expected, 100);
    assert_int_equal(slices_of(&session.conn), 2);
    assert_waits(&session.conn, &expected);
    fail_from_now_on(&session);
    assert_null(upf_output_reserve(&session.conn, 1000));
    assert_waits(&session.conn, &expected);
    add(&session, &expected, 100); /* there is room for that */
    assert_waits(&session.conn, &expected);
    end(&session, &expected);
}

/* ---- In place ----------------------------------------------------------- */

static uint8_t input[64 * 1024];

static void a_run_takes_no_memory_and_is_one_slice(void **state)
{
    (void)state;
    struct session session;
    struct blob    expected = {0};
    upf_slice      slices[2];

    start(&session);
    add_in_place(&session, &expected, input + 10, 100);
    assert_int_equal(upf_output_slices(&session.conn, slices, 2), 1);
    assert_ptr_equal(slices[0].data, input + 10 - sizeof header);
    assert_int_equal(upf_output_slices(&session.conn, slices, 0), 0);

    /* The input was worked off up to here; a second frame moves up. */
    session.conn.out.of.taken = input + 300;
    add_in_place(&session, &expected, input + 150, 100);
    assert_waits(&session.conn, &expected);
    assert_int_equal(slices_of(&session.conn), 1);
    written(&session, &expected, expected.len);
    assert_int_equal(session.alloc.calls, 0);
    end(&session, &expected);
}

/* A run of [6, 110), worked off up to `taken`; then this frame in place. */
static void check_follows(size_t taken, size_t at, size_t len, bool follows)
{
    struct session session;
    struct blob    expected = {0};

    start(&session);
    add_in_place(&session, &expected, input + 10, 100);
    session.conn.out.of.taken = taken == 0 ? NULL : input + taken;
    add_in_place(&session, &expected, input + at, len);
    if ((session.alloc.calls == 0) != follows)
        fail_msg("taken %zu: %zu bytes at %zu did%s follow", taken, len, at,
                 follows ? " not" : "");
    /* Two that are small are copied into one block instead. */
    assert_int_equal(slices_of(&session.conn),
                     follows || len <= COPY_MAX ? 1 : 2);
    assert_waits(&session.conn, &expected);
    assert_true(upf_output_advance(&session.conn, 0));
    memset(input, 0xDD, sizeof input);
    assert_waits(&session.conn, &expected);
    end(&session, &expected);
}

/* The block that the output before this needed is a guess: where there is no
 * memory for one so large, there may be enough for the frame. */
static void a_guess_that_finds_no_memory_is_given_up(void **state)
{
    (void)state;
    struct session session;
    struct blob    expected = {0};

    start(&session);
    add(&session, &expected, 5000);
    written(&session, &expected, expected.len);
    fail_call(&session, 1);
    add(&session, &expected, 10);
    assert_waits(&session.conn, &expected);
    assert_in_range(session.alloc.live, 1, 512);
    written(&session, &expected, expected.len);

    add(&session, &expected, 5000);
    written(&session, &expected, expected.len);
    fail_from_now_on(&session); /* a reply in place needs none */
    add_in_place(&session, &expected, input + 10, 100);
    assert_waits(&session.conn, &expected);
    assert_int_equal(session.alloc.live, 0);
    written(&session, &expected, expected.len);
    fail_no_more(&session);
    end(&session, &expected);
}

static void only_what_lies_behind_and_is_worked_off_moves_up(void **state)
{
    (void)state;
    check_follows(400, 114, 100, true);  /* with just its header between */
    check_follows(400, 113, 100, false); /* with less */
    check_follows(400, 110, 100, false); /* with none */
    check_follows(400, 300, 100, true);  /* up to the last byte worked off */
    check_follows(400, 301, 100, false); /* and beyond */
    check_follows(400, 400, 0, true);
    check_follows(400, 401, 0, false);
    check_follows(400, 5000, 100, false); /* memory behind the input */
    check_follows(0, 300, 100, false);    /* another input */
    check_follows(20000, 200, MOVE_MAX, true);
    check_follows(20000, 200, MOVE_MAX + 1, false); /* too much to move */
}

static void memory_in_front_of_the_run_does_not_move_up(void **state)
{
    (void)state;
    struct session session;
    struct blob    expected = {0};

    start(&session);
    add_in_place(&session, &expected, input + 1000, 100);
    session.conn.out.of.taken = input + 2000;
    add_in_place(&session, &expected, input + 500, 100);
    assert_int_equal(session.alloc.calls, 1); /* copied: two small ones */
    assert_int_equal(slices_of(&session.conn), 1);
    assert_waits(&session.conn, &expected);
    add_in_place(&session, &expected, input + 14000, MOVE_MAX + 1);
    assert_int_equal(slices_of(&session.conn), 2);
    assert_waits(&session.conn, &expected);
    end(&session, &expected);
}

static void large_frames_behind_a_queue_are_borrowed_until_written(void **state)
{
    (void)state;
    struct session session;
    struct blob    expected = {0};
    upf_slice      slices[8];

    start(&session);
    add(&session, &expected, 10);
    add_in_place(&session, &expected, input + 1000, 5000);
    add(&session, &expected, 20);
    add_in_place(&session, &expected, input + 10000, 6000);
    assert_int_equal(upf_output_slices(&session.conn, slices, 8), 4);
    assert_ptr_equal(slices[1].data, input + 1000 - sizeof header);
    assert_ptr_equal(slices[3].data, input + 10000 - sizeof header);
    assert_waits(&session.conn, &expected);

    /* Then the input is the caller's again, whatever was written. */
    const size_t live = session.alloc.live;
    written(&session, &expected, 10 + 100);
    assert_in_range(session.alloc.live, live - 500 + 5000 - 100 + 6000,
                    live + 5000 + 6000 + 8 + 2 * UPF_BUF_OVERHEAD);
    memset(input, 0xDD, sizeof input);
    assert_waits(&session.conn, &expected);
    written(&session, &expected, expected.len);
    assert_int_equal(session.alloc.live, 0);
    end(&session, &expected);
}

static void a_run_becomes_a_slot_when_something_else_is_sent(void **state)
{
    (void)state;
    for (size_t some = 0; some <= 104; some++) {
        struct session session;
        struct blob    expected = {0};

        start(&session);
        add_in_place(&session, &expected, input + 10, 100);
        add(&session, &expected, 30);
        assert_int_equal(slices_of(&session.conn), 2);
        assert_waits(&session.conn, &expected);
        written(&session, &expected, some);
        memset(input, 0xDD, sizeof input);
        assert_waits(&session.conn, &expected);
        end(&session, &expected);
    }
}

/* Something behind a run, whose n-th allocation fails; 0: all of them. */
static void check_behind_a_run(int kind, size_t n)
{
    struct session session;
    struct blob    expected = {0};
    struct upf_buf block    = {NULL, 0};
    bool           queued   = true;

    start(&session);
    upf_shared *shared = share(&session, 300);
    assert_true(upf_buf_reserve(&block, &session.config, 5000));
    add_in_place(&session, &expected, input + 10, 100);
    if (n == 0)
        fail_from_now_on(&session);
    else
        fail_call(&session, n);
    switch (kind) {
    case 0:
        queued = upf_output_reserve(&session.conn, 100) != NULL;
        break;
    case 1:
        queued = put_in_place(&session.conn, input + 5000, COPY_MAX);
        break;
    case 2:
        queued = put_in_place(&session.conn, input + 5000, 5000);
        break;
    case 3:
        queued = give(&session.conn, block.data, 5000, &block);
        break;
    case 4:
        queued = upf_output_share(&session.conn, shared);
        break;
    }
    assert_false(queued);
    assert_waits(&session.conn, &expected);
    fail_no_more(&session);
    add(&session, &expected, 100);
    assert_waits(&session.conn, &expected);
    upf_buf_free(&block, &session.config);
    upf_shared_free(shared);
    end(&session, &expected);
}

static void without_memory_nothing_comes_behind_a_run(void **state)
{
    (void)state;
    for (int kind = 0; kind <= 4; kind++)
        check_behind_a_run(kind, 0);
    check_behind_a_run(0, 1); /* the bytes' block */
    check_behind_a_run(0, 2); /* the queue's */
    for (int kind = 2; kind <= 4; kind++)
        check_behind_a_run(kind, 1);
}

/* Two small frames that no block is to be had for have a slot each. */
static void small_frames_that_cannot_share_a_block_queue(void **state)
{
    (void)state;
    struct session session;
    struct blob    expected = {0};

    start(&session);
    add_in_place(&session, &expected, input + 10, COPY_MAX);
    add_in_place(&session, &expected, input + 1000, COPY_MAX);
    assert_int_equal(slices_of(&session.conn), 2); /* the first is too long */
    written(&session, &expected, expected.len);

    add_in_place(&session, &expected, input + 10, 100);
    fail_call(&session, 1);
    add_in_place(&session, &expected, input + 1000, 100);
    assert_int_equal(slices_of(&session.conn), 2);
    assert_waits(&session.conn, &expected);
    written(&session, &expected, expected.len);
    assert_int_equal(session.alloc.live, 0);
    end(&session, &expected);
}

static void a_run_that_is_cut_without_memory_is_reported(void **state)
{
    (void)state;
    for (size_t some = 0; some < 104; some += 103) {
        struct session session;
        struct blob    expected = {0};

        start(&session);
        add_in_place(&session, &expected, input + 10, 100);
        fail_call(&session, 1);
        assert_false(upf_output_advance(&session.conn, some));
        upf_output_free(&session.conn);
        assert_int_equal(session.conn.out.len, 0);
        assert_int_equal(session.alloc.live, 0);
        end(&session, &expected);
    }
}

static void a_borrowed_slot_that_cannot_be_copied_is_reported(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 3; n++) {
        struct session session;
        struct blob    expected = {0};

        start(&session);
        add(&session, &expected, 10);
        add_in_place(&session, &expected, input + 1000, 5000);
        add_in_place(&session, &expected, input + 10000, 5000);
        fail_call(&session, n);
        assert_int_equal(upf_output_advance(&session.conn, 11), n == 3);
        fail_no_more(&session);
        end(&session, &expected); /* and what was copied is not lost */
    }
}

static void in_place_behind_a_queue_that_is_written_out_is_copied(void **state)
{
    (void)state;
    struct session session;
    struct blob    expected = {0};
    uint8_t        pong[UPF_CONTROL_PAYLOAD_MAX];
    size_t         len;

    start(&session);
    uint8_t *pong_frame = upf_output_reserve_control(&session.conn, 10);
    assert_non_null(pong_frame);
    fill(pong_frame, 10);
    blob_add(&expected, pong_frame, 10);
    upf_output_keep_late_pong(&session.conn, (const uint8_t *)"late", 4);
    written(&session, &expected, 10);
    assert_int_equal(session.conn.out.len, 0);
    add_in_place(&session, &expected, input + 10, 100);
    memset(input, 0xDD, sizeof input);
    assert_waits(&session.conn, &expected);
    assert_true(upf_output_late_pong(&session.conn, pong, &len));
    assert_int_equal(len, 4);
    assert_memory_equal(pong, "late", 4);
    end(&session, &expected);
}

/* ---- Blocks that are given, frames that are shared ----------------------- */

static void a_block_is_taken_over_if_it_is_large(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, MOVE_MAX, MOVE_MAX + 1, 100000};

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const size_t   len = lengths[i];
        struct session session;
        struct blob    expected = {0};
        struct upf_buf block    = {NULL, 0};
        upf_slice      slice;

        start(&session);
        assert_true(upf_buf_reserve(&block, &session.config, 100 + len));
        uint8_t *data = block.data + 100; /* a reply may be a part of it */
        fill(data, len);
        blob_add(&expected, header, sizeof header);
        blob_add(&expected, data, len);
        assert_true(give(&session.conn, data,
                                    len, &block));
        assert_int_equal(block.data == NULL, len > MOVE_MAX);
        assert_int_equal(upf_output_slices(&session.conn, &slice, 1), 1);
        assert_int_equal(slice.data == data - sizeof header, len > MOVE_MAX);
        upf_buf_free(&block, &session.config);
        assert_waits(&session.conn, &expected);
        written(&session, &expected, 2);
        assert_waits(&session.conn, &expected);
        written(&session, &expected, expected.len);
        assert_int_equal(session.alloc.live, 0);
        end(&session, &expected);
    }
}

static void without_memory_a_block_is_not_taken(void **state)
{
    (void)state;
    struct session session;
    struct blob    expected = {0};
    struct upf_buf block    = {NULL, 0};

    start(&session);
    assert_true(upf_buf_reserve(&block, &session.config, 5000));
    add(&session, &expected, 10);
    memset(block.data, 'x', 5000);
    const uint8_t *data = block.data;
    fail_from_now_on(&session);
    assert_false(give(&session.conn, block.data, 5000, &block));
    assert_ptr_equal(block.data, data);
    assert_int_equal(block.data[0], 'x');
    assert_int_equal(block.data[4999], 'x');
    assert_waits(&session.conn, &expected);
    upf_buf_free(&block, &session.config);
    end(&session, &expected);
}

static void a_shared_frame_lives_until_the_last_of_it_is_written(void **state)
{
    (void)state;
    struct session session;
    struct blob    expected = {0};

    start(&session);
    upf_shared  *shared = share(&session, 5000);
    const size_t len    = shared->len;
    add_shared(&session, &expected, shared);
    add_shared(&session, &expected, shared);
    upf_shared_free(shared);
    const size_t live = session.alloc.live;
    written(&session, &expected, len);
    assert_waits(&session.conn, &expected);
    written(&session, &expected, len - 1);
    assert_waits(&session.conn, &expected);
    assert_int_equal(session.alloc.live, live);
    written(&session, &expected, 1);
    assert_int_equal(session.alloc.live, 0);
    end(&session, &expected);
}

/* ---- All of it, against a model ------------------------------------------ */

struct run {
    struct session     session;
    struct fake_random random;
    struct blob        expected;
    upf_shared        *shared[2];
    size_t             at;   /* the input's first byte that is not used */
    bool               lost; /* bytes that were borrowed */
};

static size_t any_len(struct run *run)
{
    static const size_t limits[] = {10, 300, 6000, 30000};

    return fake_choice(&run->random, limits[fake_choice(&run->random, 4)]);
}

/* One frame, queued in one of four ways; false: there was no memory. */
static bool queue_one(struct run *run, struct blob *frame)
{
    upf_conn      *conn = &run->session.conn;
    struct upf_buf block = {NULL, 0};
    size_t         len  = any_len(run);
    uint8_t       *data;
    bool           queued;

    size_t kind = fake_choice(&run->random, 4);
    if (kind == 1 && sizeof input - run->at < sizeof header)
        kind = 0; /* the input is used up */
    switch (kind) {
    case 0:
        data = upf_output_reserve(conn, ++len);
        if (data != NULL)
            fill(data, len);
        blob_add(frame, data, data == NULL ? 0 : len);
        return data != NULL;
    case 1: /* the next message of the input */
        if (len > sizeof input - run->at - sizeof header)
            len = sizeof input - run->at - sizeof header;
        data    = input + run->at + sizeof header;
        run->at = (size_t)(data - input) + len;
        if (conn->out_kind == UPF_SLOT_BORROWED)
            conn->out.of.taken = input + run->at;
        fill(data, len);
        blob_add(frame, header, sizeof header);
        blob_add(frame, data, len);
        return put_in_place(conn, data, len);
    case 2:
        if (!upf_buf_reserve(&block, &run->session.config, len))
            return false;
        fill(block.data, len);
        blob_add(frame, header, sizeof header);
        blob_add(frame, block.data, len);
        queued = give(conn, block.data, len,
                                 &block);
        upf_buf_free(&block, &run->session.config);
        return queued;
    default: {
        upf_shared *shared = run->shared[fake_choice(&run->random, 2)];

        blob_add(frame, shared->frame, shared->len);
        return upf_output_share(conn, shared);
    }
    }
}

static void one_step(struct run *run, bool faults)
{
    struct session *session = &run->session;
    struct blob     frame   = {0};
    const bool      fault   = faults && fake_choice(&run->random, 3) == 0;

    fail_no_more(session);
    if (fault)
        fail_call(session, 1 + fake_choice(&run->random, 2));
    if (fake_choice(&run->random, 4) > 0) {
        if (queue_one(run, &frame))
            blob_add(&run->expected, frame.data, frame.len);
        else
            assert_true(fault);
    } else {
        const size_t len = fake_choice(&run->random, run->expected.len + 1);

        run->lost = !upf_output_advance(&session->conn, len);
        assert_true(fault || !run->lost);
        memset(input, 0xDD, sizeof input);
        run->at = 0;
        memmove(run->expected.data, run->expected.data + len,
                run->expected.len - len);
        run->expected.len -= len;
    }
    if (!run->lost)
        assert_waits(&session->conn, &run->expected);
    blob_free(&frame);
}

/* A large block takes small frames between others until its users can be
 * counted no further. */
static void a_block_has_no_more_users_than_can_be_counted(void **state)
{
    (void)state;
    enum { USERS = UINT16_MAX + 100, LARGE = 300 };
    struct session session;
    struct upf_buf block = {NULL, 0};
    size_t         small = 0;

    start(&session);
    upf_shared *large = share(&session, LARGE);
    assert_true(upf_buf_reserve(&block, &session.config, 4 << 20));
    upf_output_adopt(&session.conn, block.data, 1, &block);
    for (unsigned i = 0; i < USERS; i++) {
        assert_true(upf_output_share(&session.conn, large));
        uint8_t *byte = upf_output_reserve(&session.conn, 1);
        assert_non_null(byte);
        *byte = (uint8_t)(1 + i % 250);
    }
    while (session.conn.out_kind != UPF_SLOT_NONE) {
        upf_slice slices[SLICES];
        const size_t n = upf_output_slices(&session.conn, slices, SLICES);
        size_t written = 0;

        for (size_t i = 0; i < n; i++) {
            const uint8_t *data = slices[i].data;
            if (slices[i].len == 1 && written + small > 0)
                assert_int_equal(data[0], 1 + small++ % 250);
            written += slices[i].len;
        }
        assert_true(upf_output_advance(&session.conn, written));
    }
    assert_int_equal(small, USERS);
    upf_shared_free(large);
    session_free(&session);
}

static void check_model(bool faults)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct run run = {.random = {.state = seed}};

        start(&run.session);
        run.shared[0] = share(&run.session, 3);
        run.shared[1] = share(&run.session, 7000);
        blob_fill(&run.expected, 0, 1);
        run.expected.len = 0;
        for (int i = 0; i < 100 && !run.lost; i++)
            one_step(&run, faults);
        fail_no_more(&run.session);
        upf_shared_free(run.shared[0]);
        upf_shared_free(run.shared[1]);
        end(&run.session, &run.expected);
    }
}

static void any_mixture_leaves_in_order(void **state)
{
    (void)state;
    check_model(false);
}

static void any_mixture_is_all_or_nothing_without_memory(void **state)
{
    (void)state;
    check_model(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_first_nothing_waits_and_nothing_is_held),
        cmocka_unit_test(small_frames_share_one_slice_up_to_24_KiB),
        cmocka_unit_test(a_large_frame_has_a_slice_of_its_own_size),
        cmocka_unit_test(a_turn_like_the_one_before_moves_nothing),
        cmocka_unit_test(a_queue_is_followed_by_a_block_for_its_small_frames),
        cmocka_unit_test(a_small_reply_takes_a_small_block),
        cmocka_unit_test(
            a_shared_frame_up_to_256_bytes_is_copied_behind_others),
        cmocka_unit_test(what_was_written_of_a_block_is_room_again),
        cmocka_unit_test(what_was_offered_stays_where_it_is),
        cmocka_unit_test(a_slice_over_24_KiB_takes_what_fits_and_no_more),
        cmocka_unit_test(slots_grow_and_keep_their_order),
        cmocka_unit_test(short_shared_frames_take_no_more_memory_than_bytes),
        cmocka_unit_test(
            slots_that_are_written_make_room_without_an_allocation),
        cmocka_unit_test(a_ring_of_slots_grows_wherever_it_begins),
        cmocka_unit_test(without_memory_for_more_slots_nothing_has_changed),
        cmocka_unit_test(without_memory_no_queue_is_left_behind),
        cmocka_unit_test(a_slice_that_cannot_grow_is_followed_by_another),
        cmocka_unit_test(a_run_takes_no_memory_and_is_one_slice),
        cmocka_unit_test(a_guess_that_finds_no_memory_is_given_up),
        cmocka_unit_test(only_what_lies_behind_and_is_worked_off_moves_up),
        cmocka_unit_test(memory_in_front_of_the_run_does_not_move_up),
        cmocka_unit_test(
            large_frames_behind_a_queue_are_borrowed_until_written),
        cmocka_unit_test(a_run_becomes_a_slot_when_something_else_is_sent),
        cmocka_unit_test(without_memory_nothing_comes_behind_a_run),
        cmocka_unit_test(small_frames_that_cannot_share_a_block_queue),
        cmocka_unit_test(a_run_that_is_cut_without_memory_is_reported),
        cmocka_unit_test(a_borrowed_slot_that_cannot_be_copied_is_reported),
        cmocka_unit_test(
            in_place_behind_a_queue_that_is_written_out_is_copied),
        cmocka_unit_test(a_block_is_taken_over_if_it_is_large),
        cmocka_unit_test(without_memory_a_block_is_not_taken),
        cmocka_unit_test(a_shared_frame_lives_until_the_last_of_it_is_written),
        cmocka_unit_test(a_block_has_no_more_users_than_can_be_counted),
        cmocka_unit_test(any_mixture_leaves_in_order),
        cmocka_unit_test(any_mixture_is_all_or_nothing_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
