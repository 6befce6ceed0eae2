/* SPDX-License-Identifier: MIT */
/*
 * output.h - bytes that wait for the transport, in order.
 *
 * A slot is one stretch of bytes: the caller's memory, a block of our own or a
 * shared frame. Mostly a single one waits, and upf_conn.out is that slot.
 * Replies in place to one input are moved together and stay one slot, which
 * takes no memory. When there are several stretches, upf_conn.out is a queue of
 * slots, on the heap. When the last byte has been written, there is neither.
 *
 * What was offered to the transport is not moved before upf_output_advance().
 *
 * In a queue, small frames lie one after the other in blocks, even if other
 * slots stand between them in the queue. So memory stays below twice the bytes
 * that wait. Such a slot is a stretch of a block, and a block is freed with the
 * last slot that uses it.
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
    size_t   kept;    /* slots[0, kept) of the ring borrow nothing; the others
                         may borrow memory */
    size_t   replies; /* bytes of replies that wait */
    uint8_t *block;   /* where the next small frame goes, or NULL */
    size_t   used;    /* bytes of `block` in use */
    size_t   small;   /* bytes of all small frames so far, written or not */
    uint64_t since;   /* no byte was written since then; 0: not yet known */
    bool     moved;   /* a byte was written after all: `since` is out of date */
    bool     excused; /* `since` was moved once: see upf_output_excuse() */
    bool     late_waits;
    uint8_t  late_len;
    struct {
        size_t until; /* bytes to write up to the end of the last of them */
        size_t bytes;
    } control[2];     /* control frames that wait: older ones, newer ones */
    uint8_t  late[UPF_CONTROL_PAYLOAD_MAX]; /* a pong that was put off: its
                                               payload, late_len bytes */
    struct upf_queued {
        struct upf_slot slot;
        uint32_t        replies; /* how many of its bytes are replies */
        uint8_t         kind;
    } slots[];
};

static inline struct upf_queue *upf_queue_of(const upf_conn *conn)
{
    return conn->out_kind == UPF_SLOT_QUEUE ? conn->out.of.queue : NULL;
}

/* Keep the fast path of conn_send.c from adding to the block that waits. */
static inline void upf_output_close_block(upf_conn *conn)
{
    conn->block_limit = 0;
}

/*
 * Replies are told apart from what is sent unasked. From the first event that
 * may be replied to until the input is used up, what is queued is a reply
 * (UPF_REPLYING). A single slot holds one kind only (UPF_OUT_IS_REPLY). So when
 * the other kind begins, this function keeps the slot from being extended: by
 * further replies, if it is a run of borrowed ones, or on the fast path of
 * conn_send.c, if it is a block.
 */
static inline void upf_output_end_run(upf_conn *conn)
{
    upf_output_close_block(conn);
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

/* Whether the next bytes that are queued are of another kind (replies, or not)
 * than the single slot that waits. */
static inline bool upf_output_is_mixed(const upf_conn *conn)
{
    return upf_has(conn, UPF_REPLYING) != upf_has(conn, UPF_OUT_IS_REPLY);
}

/* How many bytes of replies wait. In a slot of a queue that has both kinds, the
 * replies count as the last to be written. */
size_t upf_output_replies(const upf_conn *conn);

/* Whether there is a queue that may have borrowed memory. */
static inline bool upf_output_queue_borrows(const upf_conn *conn)
{
    const struct upf_queue *queue = upf_queue_of(conn);

    return queue != NULL && queue->kept < queue->count;
}

/*
 * Whether the new input data[0, len) lies apart from the output. A reply in
 * place borrows memory of an earlier input: until the reply is written or
 * copied, no new input may be read over it. For asserts only. Just the first
 * slot that may be borrowed is compared, which is cheap.
 */
bool upf_output_is_apart(const upf_conn *conn, const uint8_t *data, size_t len);

/* Note that the connection has taken the input's bytes [start, end). A run of
 * borrowed replies goes on only as long as all of them lie in one input: if
 * these bytes do not follow those taken before, the run ends. */
static inline void upf_output_note_taken(upf_conn *conn, const uint8_t *start,
                                         uint8_t *end)
{
    if (conn->out_kind != UPF_SLOT_BORROWED)
        return;
    if (conn->out.of.taken == start) {
        conn->out.of.taken = end;
    } else {
        /* This is another input. It must not have been read over what waits. */
        assert((uintptr_t)start >=
                   (uintptr_t)conn->out.data + conn->out.len ||
               (uintptr_t)conn->out.data >= (uintptr_t)end);
        conn->out.of.taken = NULL;
    }
}

/* Write the first slices of what waits, at most `max`, in order. Returns their
 * number. */
size_t upf_output_slices(const upf_conn *conn, upf_slice *slices, size_t max);

/* Copy all borrowed memory. False if there is no memory for that: then the
 * output has a gap, and may only be freed. */
bool upf_output_keep(upf_conn *conn);

/* The transport has written the first `written` bytes, at most all that wait,
 * and will not read the rest from where it was offered. Forget the written
 * bytes, and copy what the rest borrows (upf_output_keep()). False if there is
 * no memory for the copy: then the rest has a gap, and must not be written. */
bool upf_output_advance(upf_conn *conn, size_t written);

/* Forget all output, and free its memory. */
void upf_output_free(upf_conn *conn);

/* The output has a gap, and its memory has to stay for now: let it count as
 * empty, so that nobody looks at the borrowed part of it. */
void upf_output_hide(upf_conn *conn);

/*
 * Since when output waits: the time since which no byte of it was written.
 * upf_output_note_wait() is called at each tick. It returns that time, or `now`
 * if the time is not known yet. upf_output_stuck_since() returns the time, or 0
 * if it is not known.
 */
uint64_t upf_output_note_wait(upf_conn *conn, uint64_t now);
uint64_t upf_output_stuck_since(const upf_conn *conn);

/* Let the output count as waiting since `since`, which is later than the time
 * noted. False if this was done before, and no byte was written after that. */
bool upf_output_excuse(upf_conn *conn, uint64_t since);

/*
 * Control frames have a budget of their own. upf_output_reserve_control() takes
 * `frame_len` bytes of it, for which upf_output_control_fits() must hold. The
 * control frames that wait are counted in two groups, older and newer ones: a
 * group's bytes are given back when the last frame of it was written.
 */
static inline bool upf_output_has_control(const upf_conn *conn)
{
    const struct upf_queue *queue = upf_queue_of(conn);

    return queue != NULL && queue->control[0].bytes > 0;
}

bool     upf_output_control_fits(const upf_conn *conn, size_t frame_len);
uint8_t *upf_output_reserve_control(upf_conn *conn, size_t frame_len);

/*
 * The late pong: the payload of the newest ping whose pong found no room in the
 * budget (RFC 6455, section 5.5.3: only the most recent ping need be answered).
 * upf_output_late_pong() takes it out; false if there is none or no room yet.
 */
void upf_output_keep_late_pong(upf_conn *conn, const uint8_t *payload,
                               size_t len);
void upf_output_drop_late_pong(upf_conn *conn);
bool upf_output_late_pong(upf_conn *conn, uint8_t *payload, size_t *len);

#endif
