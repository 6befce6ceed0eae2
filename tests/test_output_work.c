/* SPDX-License-Identifier: MIT */
/* test_output_work.c - a long queue costs no more a frame than a short one. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "support/session.h"

/*
 * CPU time is the one measure here that needs nothing of the library. What has
 * to take some 50 ms is given 2 s, and four times what as many frames take in
 * queues that are 32 times shorter, so that a slow machine is no fault. Work
 * that grows with the square of the queue takes minutes.
 */
enum {
    MIB       = 1024 * 1024,
    PAYLOAD   = 62,                    /* in frames of 64 bytes */
    LONG      = 300,                   /* no copy: a slot for each frame */
    SHORT     = MIB / (2 + PAYLOAD),   /* frames */
    TIMES     = 32,                    /* that a long queue is longer */
    SLICES    = 16,
    PATIENCE  = 2                      /* seconds */
};

typedef void queue_fn(upf_conn *conn, upf_shared *shared, size_t frames);
typedef size_t amount_fn(const upf_slice *slices, size_t count);

struct limit {
    clock_t from;
    double  seconds;
};

static double since(clock_t from)
{
    return (double)(clock() - from) / CLOCKS_PER_SEC;
}

static void assert_within(const struct limit *limit)
{
    if (limit->seconds > 0 && since(limit->from) > limit->seconds)
        fail_msg("it took more than %.1f s", limit->seconds);
}

/* ---- What is queued, and how it leaves ----------------------------------- */

static void queue_shared(upf_conn *conn, upf_shared *shared, size_t frames)
{
    for (size_t i = 0; i < frames; i++)
        assert_status(upf_send_shared(conn, shared), UPF_OK);
}

/* What is short is copied, and lies side by side in few slots. */
static void queue_slots(upf_conn *conn, upf_shared *shared, size_t frames)
{
    static const uint8_t bytes[LONG];
    upf_shared *own = upf_shared_new(conn->config, UPF_OP_BINARY, bytes, LONG);

    (void)shared;
    assert_non_null(own);
    queue_shared(conn, own, frames);
    upf_shared_free(own);
}

/* Replies in place, each to an input of its own, and nobody reads. */
static void queue_in_place(upf_conn *conn, upf_shared *shared, size_t frames)
{
    uint8_t memory[UPF_FRAME_HEADER_MAX + LONG] = {0};

    (void)shared;
    for (size_t i = 0; i < frames / 8; i++) {
        assert_status(upf_send_in_place(conn, UPF_OP_BINARY,
                                        memory + UPF_FRAME_HEADER_MAX, LONG),
                      UPF_OK);
        assert_status(upf_conn_output_done(conn, 0), UPF_OK);
    }
}

static void queue_mixed(upf_conn *conn, upf_shared *shared, size_t frames)
{
    static const uint8_t bytes[300];

    for (size_t i = 0; i < frames / 2; i++) {
        assert_status(upf_send_shared(conn, shared), UPF_OK);
        assert_status(upf_send(conn, UPF_OP_BINARY, bytes, i % 300), UPF_OK);
    }
}

static size_t everything(const upf_slice *slices, size_t count)
{
    size_t all = 0;

    for (size_t i = 0; i < count; i++)
        all += slices[i].len;
    return all;
}

/* One frame, but for a byte of it or two: what was begun stays first. */
static size_t about_a_frame(const upf_slice *slices, size_t count)
{
    const size_t all = everything(slices, count);

    return all < 63 ? all : 63;
}

static void fill_and_drain(const struct limit *limit, queue_fn *queue,
                           amount_fn *amount, size_t frames)
{
    struct session session;
    upf_conn      *conn = &session.conn;
    upf_slice      slices[SLICES];
    size_t         count, calls = 0;
    static const uint8_t bytes[PAYLOAD];

    session_prepare(&session);
    session.config.alloc      = upf_config_default().alloc;
    session.config.max_queued = 1024 * MIB;
    session_begin(&session, OPEN_SERVER);
    session_give(&session, NULL, 0);
    upf_shared *shared = upf_shared_new(&session.config, UPF_OP_BINARY, bytes,
                                        PAYLOAD);
    assert_non_null(shared);
    queue(conn, shared, frames);
    while ((count = upf_conn_output(conn, slices, SLICES)) > 0) {
        assert_status(upf_conn_output_done(
                          conn, (ptrdiff_t)amount(slices, count)), UPF_OK);
        if (calls++ % 64 == 0)
            assert_within(limit);
    }
    assert_int_equal(upf_conn_queued(conn), 0);
    upf_shared_free(shared);
    session_free(&session);
}

static void check(queue_fn *queue, amount_fn *amount)
{
    const struct limit none  = {.seconds = 0};
    const clock_t      start = clock();

    for (int i = 0; i < TIMES; i++)
        fill_and_drain(&none, queue, amount, SHORT);
    const struct limit limit = {clock(), PATIENCE + 2 * since(start)};
    fill_and_drain(&limit, queue, amount, (size_t)SHORT * TIMES);
    assert_within(&limit);
}

static void a_long_queue_of_shared_frames_drains_in_linear_time(void **state)
{
    (void)state;
    check(queue_shared, everything);
}

static void a_long_queue_drains_in_linear_time_frame_by_frame(void **state)
{
    (void)state;
    check(queue_shared, about_a_frame);
}

static void a_long_queue_of_slots_drains_in_linear_time(void **state)
{
    (void)state;
    check(queue_slots, everything);
    check(queue_slots, about_a_frame);
}

static void replies_that_nobody_reads_are_kept_in_linear_time(void **state)
{
    (void)state;
    check(queue_in_place, everything);
}

static void a_long_queue_of_all_sorts_drains_in_linear_time(void **state)
{
    (void)state;
    check(queue_mixed, everything);
    check(queue_mixed, about_a_frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_queue_of_shared_frames_drains_in_linear_time),
        cmocka_unit_test(a_long_queue_drains_in_linear_time_frame_by_frame),
        cmocka_unit_test(a_long_queue_of_slots_drains_in_linear_time),
        cmocka_unit_test(replies_that_nobody_reads_are_kept_in_linear_time),
        cmocka_unit_test(a_long_queue_of_all_sorts_drains_in_linear_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
