/* SPDX-License-Identifier: MIT */
/*
 * output.h - bytes that wait for the transport, in order.
 *
 * What waits is mostly one thing, and upf_conn.out is that slot: a stretch of
 * the caller's memory, a block of our own, a shared frame. Replies in place to
 * one input move together and stay one slot, which takes no memory. When there
 * are several things, upf_conn.out is a queue of slots, on the heap. When the
 * last byte has been written there is neither.
 */
#ifndef UPF_OUTPUT_H
#define UPF_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <upframe/conn.h>
#include "buf.h"
#include "move.h"

/* A payload up to this is copied, rather than have a slot among others. */
enum { UPF_COPY_MAX = 256 };

/* conn->out_kind */
enum upf_slot_kind {
    UPF_SLOT_NONE = 0,
    UPF_SLOT_BORROWED,
    UPF_SLOT_OWNED,
    UPF_SLOT_SHARED,
    UPF_SLOT_QUEUE
};

struct upf_queue {
    size_t   first, count, capacity; /* slots[first, first + count) */
    size_t   held; /* at most so many of them hold memory */
    struct {
        size_t until; /* bytes up to the end of the last of them */
        size_t bytes;
    } control[2];     /* control frames that wait: the older, the newer ones */
    bool     late_waits;
    uint8_t  late_len;
    uint8_t  late[UPF_CONTROL_PAYLOAD_MAX];
    struct upf_queued {
        struct upf_slot    slot;
        enum upf_slot_kind kind;
    } slots[];
};

static inline struct upf_queue *upf_queue_of(const upf_conn *conn)
{
    return conn->out_kind == UPF_SLOT_QUEUE ? conn->out.of.queue : NULL;
}

/*
 * The functions that add return where the bytes of a frame are to be written,
 * before all else is done; or NULL (false) if there is no memory, and have then
 * changed nothing that is seen outside.
 */

/* Whether there is a queue with room for another slot. */
static inline bool upf_output_has_slot(const upf_conn *conn)
{
    const struct upf_queue *queue = upf_queue_of(conn);

    return queue != NULL && queue->first + queue->count < queue->capacity;
}

/* Add a slot where upf_output_has_slot(). */
static inline bool upf_output_push(upf_conn *conn, enum upf_slot_kind kind,
                                   const struct upf_slot *slot)
{
    struct upf_queue *queue = conn->out.of.queue;

    queue->slots[queue->first + queue->count++] =
        (struct upf_queued){*slot, kind};
    queue->held   += kind != UPF_SLOT_BORROWED;
    conn->out.len += slot->len;
    return true;
}

/* Add a slot. */
bool upf_output_add_slowly(upf_conn *conn, enum upf_slot_kind kind,
                           const struct upf_slot *slot);

static inline bool upf_output_add(upf_conn *conn, enum upf_slot_kind kind,
                                  const struct upf_slot *slot)
{
    if (conn->out_kind == UPF_SLOT_NONE) {
        conn->out      = *slot;
        conn->out_kind = (uint8_t)kind;
        return true;
    }
    return upf_output_has_slot(conn) ? upf_output_push(conn, kind, slot)
                                     : upf_output_add_slowly(conn, kind, slot);
}

/* Add `len` bytes, at least 1. */
uint8_t *upf_output_reserve_slowly(upf_conn *conn, size_t len);

static inline uint8_t *upf_output_reserve(upf_conn *conn, size_t len)
{
    if (conn->out_kind == UPF_SLOT_OWNED) {
        const struct upf_buf block = {conn->out.of.block, 0};
        uint8_t *end = conn->out.data + conn->out.len;

        if (len <= upf_buf_capacity(&block) - (size_t)(end - block.data)) {
            conn->out.len += len;
            return end;
        }
    }
    return upf_output_reserve_slowly(conn, len);
}

/* If `out` is one block: it takes frames until it is full, or `max` bytes
 * wait. */
static inline void upf_output_note_room(upf_conn *conn, size_t max)
{
    const struct upf_buf block = {conn->out.of.block, 0};

    if (conn->out_kind != UPF_SLOT_OWNED)
        return;
    const size_t room =
        upf_buf_capacity(&block) - (size_t)(conn->out.data - block.data);
    max = room < max ? room : max;
    conn->block_until = (uint16_t)(max < UINT16_MAX ? max : UINT16_MAX);
}

/* The same as a slot of its own. */
static inline uint8_t *upf_output_borrow(upf_conn *conn, size_t header_len,
                                         uint8_t *data, size_t len)
{
    const struct upf_slot slot = {data - header_len, header_len + len,
                                  {.taken = data + len}};

    return upf_output_add(conn, UPF_SLOT_BORROWED, &slot) ? data - header_len
                                                          : NULL;
}

/*
 * Whether a frame of data[0, len) can be moved up to what is borrowed: the
 * bytes from there to the payload's end are all of one input, and worked off.
 */
static inline bool upf_output_follows(const upf_conn *conn, size_t header_len,
                                      const uint8_t *data, size_t len)
{
    const uintptr_t taken = (uintptr_t)conn->out.of.taken; /* or 0 */
    const uintptr_t end   = (uintptr_t)conn->out.data + conn->out.len;
    const uintptr_t start = (uintptr_t)data;

    return start >= end && start - end >= header_len && start <= taken &&
           len <= taken - start;
}

/* Where it follows. */
static inline uint8_t *upf_output_move_up(upf_conn *conn, size_t header_len,
                                          const uint8_t *data, size_t len)
{
    uint8_t *end = conn->out.data + conn->out.len;

    conn->out.len += header_len + len;
    if (upf_is_short(len))
        upf_move_short(end + header_len, data, len);
    else
        memmove(end + header_len, data, len);
    return end;
}

/* Where nothing waits: whether this is the first of many short frames, if the
 * turn is like the one before, which ended in a block of several. */
static inline bool upf_output_begins_many(const upf_conn *conn, size_t len)
{
    return len <= UPF_COPY_MAX / 2 && conn->out.of.expected > UPF_COPY_MAX;
}

/* Likewise, moved or copied where that is cheaper. */
uint8_t *upf_output_in_place_slowly(upf_conn *conn, size_t header_len,
                                    uint8_t *data, size_t len);

/*
 * Add a frame with the payload data[0, len), in front of which there is room
 * for its header of `header_len` bytes. Returns the place of that header; the
 * payload is, or was moved, behind it.
 */
static inline uint8_t *upf_output_in_place(upf_conn *conn, size_t header_len,
                                           uint8_t *data, size_t len)
{
    if ((conn->out_kind == UPF_SLOT_NONE &&
         !upf_output_begins_many(conn, len)) ||
        (conn->out_kind == UPF_SLOT_QUEUE && len > UPF_COPY_MAX))
        return upf_output_borrow(conn, header_len, data, len);
    return upf_output_in_place_slowly(conn, header_len, data, len);
}

/* Likewise, but `data` lies in `block`, which may become the output's. */
uint8_t *upf_output_give(upf_conn *conn, size_t header_len, uint8_t *data,
                         size_t len, struct upf_buf *block);

/* Add a reference to a shared frame, or a copy if it is short. */
bool upf_output_share(upf_conn *conn, upf_shared *shared);

size_t upf_output_slices(const upf_conn *conn, upf_slice *slices, size_t max);

/*
 * Forget the first `written` bytes and make copies of what is still borrowed.
 * False if there is no memory for that: output is then no longer in order.
 */
bool upf_output_advance(upf_conn *conn, size_t written);

void upf_output_free(upf_conn *conn);

/*
 * Pongs and other control frames have a budget of their own, in which
 * upf_output_reserve_control() takes `frame_len` bytes that fit. What waits is
 * known in two parts, older and newer: a part is given back when the last of
 * it was written.
 */
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
