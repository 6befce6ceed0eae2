/* SPDX-License-Identifier: MIT */
/*
 * output.h - bytes that wait for the transport, in order.
 *
 * What waits is mostly one thing, and upf_conn.out is that slot: a stretch of
 * the caller's memory, a block of our own, a shared frame. Replies in place to
 * one input move together and stay one slot, which takes no memory. When there
 * are several things, upf_conn.out is a queue of slots, on the heap. When the
 * last byte has been written there is neither.
 *
 * What was offered to the transport is not moved before upf_output_advance().
 *
 * In a queue, small frames lie one behind the other in blocks, whatever stands
 * between them, so that memory stays below twice the bytes that wait: each
 * slot is a stretch of such a block, and a block is given back with the last
 * slot that uses it.
 */
#ifndef UPF_OUTPUT_H
#define UPF_OUTPUT_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <upframe/conn.h>
#include "conn_state.h"

/* conn->out_kind */
enum upf_slot_kind {
    UPF_SLOT_NONE = 0,
    UPF_SLOT_BORROWED,
    UPF_SLOT_OWNED,
    UPF_SLOT_SHARED,
    UPF_SLOT_QUEUE
};

struct upf_queue {
    size_t   first, count, capacity; /* a ring; capacity is a power of two */
    size_t   kept;    /* of the slots, from the first on: none borrows */
    size_t   replies; /* bytes of them that wait */
    uint8_t *block;   /* where the next small frame goes, or NULL ... */
    size_t   used;    /* ... behind so many bytes */
    size_t   small;   /* bytes that small frames took in all */
    uint64_t since;   /* no byte was written since then; 0: not yet known */
    bool     moved;   /* but one was, later */
    bool     excused; /* `since` was put off once */
    bool     late_waits;
    uint8_t  late_len;
    struct {
        size_t until; /* bytes up to the end of the last of them */
        size_t bytes;
    } control[2];     /* control frames that wait: the older, the newer ones */
    uint8_t  late[UPF_CONTROL_PAYLOAD_MAX];
    struct upf_queued {
        struct upf_slot slot;
        uint32_t        replies; /* bytes of it, at most all */
        uint8_t         kind;
    } slots[];
};

static inline struct upf_queue *upf_queue_of(const upf_conn *conn)
{
    return conn->out_kind == UPF_SLOT_QUEUE ? conn->out.of.queue : NULL;
}

/*
 * Replies wait apart from what is sent unasked: a turn begins with the first
 * event that may be replied to, and ends when the input is worked off. `out`,
 * if it is no queue, is one or the other. What changes that ends its run, or
 * its block, which from there on takes nothing at one glance.
 */
static inline void upf_output_end_run(upf_conn *conn)
{
    conn->block_limit = 0;
    if (conn->out_kind == UPF_SLOT_BORROWED)
        conn->out.of.taken = NULL;
}

static inline void upf_output_begin_replies(upf_conn *conn)
{
    if (upf_has(conn, UPF_REPLYING))
        return;
    if (conn->out.len == 0)
        upf_set(conn, UPF_REPLYING | UPF_OUT_IS_REPLY);
    else {
        upf_set(conn, UPF_REPLYING);
        if (!upf_has(conn, UPF_OUT_IS_REPLY))
            upf_output_end_run(conn);
    }
}

static inline void upf_output_end_replies(upf_conn *conn)
{
    if (!upf_has(conn, UPF_REPLYING))
        return;
    if (conn->out.len == 0)
        upf_clear(conn, UPF_REPLYING | UPF_OUT_IS_REPLY);
    else {
        upf_clear(conn, UPF_REPLYING);
        upf_output_end_run(conn);
    }
}

/* Whether what is queued now is of another sort than what waits. */
static inline bool upf_output_is_mixed(const upf_conn *conn)
{
    return upf_has(conn, UPF_REPLYING) != upf_has(conn, UPF_OUT_IS_REPLY);
}

/* Bytes of replies that wait; of a block that holds both, as if they were the
 * last to leave. */
size_t upf_output_replies(const upf_conn *conn);

/* Whether there is a queue, and it holds something of the caller's input. */
static inline bool upf_output_queue_borrows(const upf_conn *conn)
{
    const struct upf_queue *queue = upf_queue_of(conn);

    return queue != NULL && queue->kept < queue->count;
}

/*
 * What a reply in place borrows lies where the input was, and may not be read
 * into before it was written or copied. False: it was; as far as that is cheap
 * to see, which is by the oldest of what is borrowed. For asserts only.
 */
bool upf_output_is_apart(const upf_conn *conn, const uint8_t *data, size_t len);

/* The input was worked off from `start` to `end`: the run of in-place output
 * goes on as long as one input does. */
static inline void upf_output_note_taken(upf_conn *conn, const uint8_t *start,
                                         uint8_t *end)
{
    if (conn->out_kind != UPF_SLOT_BORROWED)
        return;
    if (conn->out.of.taken == start) {
        conn->out.of.taken = end;
    } else {
        /* Another input: not one that was read over what waits. */
        assert((uintptr_t)start >=
                   (uintptr_t)conn->out.data + conn->out.len ||
               (uintptr_t)conn->out.data >= (uintptr_t)end);
        conn->out.of.taken = NULL;
    }
}

/* The first `max` stretches of what waits, in order. Returns how many. */
size_t upf_output_slices(const upf_conn *conn, upf_slice *slices, size_t max);

/* Make copies of what is borrowed. False if there is no memory for all. */
bool upf_output_keep(upf_conn *conn);

/* Forget the first `written` bytes, and keep the rest. False as above: output
 * is then no longer in order. */
bool upf_output_advance(upf_conn *conn, size_t written);

/* Forget all of it, and give its memory back. */
void upf_output_free(upf_conn *conn);

/*
 * Time. `note_wait` tells that it is `now`, and returns since when no byte of
 * what waits was written: `now`, if that is not known yet. stuck_since: the same
 * as far as it is known; 0: it is not.
 */
uint64_t upf_output_note_wait(upf_conn *conn, uint64_t now);
uint64_t upf_output_stuck_since(const upf_conn *conn);

/* From here on it counts as waiting since then, which is later than it was: once
 * before bytes are written again, and false thereafter. */
bool upf_output_excuse(upf_conn *conn, uint64_t since);

/*
 * Pongs and other control frames have a budget of their own, in which
 * upf_output_reserve_control() takes `frame_len` bytes that fit. What waits is
 * known in two parts, older and newer: a part is given back when the last of
 * it was written.
 */
static inline bool upf_output_has_control(const upf_conn *conn)
{
    const struct upf_queue *queue = upf_queue_of(conn);

    return queue != NULL && queue->control[0].bytes > 0;
}

bool     upf_output_control_fits(const upf_conn *conn, size_t frame_len);
uint8_t *upf_output_reserve_control(upf_conn *conn, size_t frame_len);

/*
 * The newest ping payload that found no room in the budget, until there is
 * some (RFC 6455, section 5.5.3: only the most recent ping need be answered).
 * `late` is false if no room is back, or there is none that waits.
 */
void upf_output_keep_late_pong(upf_conn *conn, const uint8_t *payload,
                               size_t len);
void upf_output_drop_late_pong(upf_conn *conn);
bool upf_output_late_pong(upf_conn *conn, uint8_t *payload, size_t *len);

#endif
