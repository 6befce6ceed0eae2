/* SPDX-License-Identifier: MIT */
/*
 * output_add.h - add a frame to the output. Mostly inline, as that takes only a
 * few instructions for most frames. The rest is in output.c.
 *
 * The functions return where the caller has to write the frame's bytes, before
 * any other call; or NULL (false) if there is no memory, with nothing changed
 * that is visible outside.
 */
#ifndef UPF_OUTPUT_ADD_H
#define UPF_OUTPUT_ADD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <upframe/conn.h>
#include "buf.h"
#include "conn_state.h"
#include "output.h"

/* ---- Moving a few bytes ------------------------------------------------- */

/* The lengths that upf_move_short() takes. */
static inline bool upf_is_short(size_t len)
{
    return len >= 8 && len <= 32;
}

/*
 * memmove(dst, src, len) if upf_is_short(len), as two pieces that overlap. The
 * payload was unmasked in the same two pieces (mask.h, kernels_vector.h): a
 * load of bytes from two recent stores would have to wait until both stores are
 * complete.
 */
static inline void upf_move_short(uint8_t *dst, const uint8_t *src, size_t len)
{
    uint64_t head[2], tail[2];

    if (len <= sizeof head) {
        memcpy(head, src, sizeof *head);
        memcpy(tail, src + len - sizeof *tail, sizeof *tail);
        memcpy(dst, head, sizeof *head);
        memcpy(dst + len - sizeof *tail, tail, sizeof *tail);
    } else {
        memcpy(head, src, sizeof head);
        memcpy(tail, src + len - sizeof tail, sizeof tail);
        memcpy(dst, head, sizeof head);
        memcpy(dst + len - sizeof tail, tail, sizeof tail);
    }
}

/* A payload up to this length is copied behind other output, rather than given
 * a slot of its own. */
enum { UPF_COPY_MAX = 256 };

/* ---- A slot ------------------------------------------------------------- */

/* Whether there is a queue with room for another slot. */
static inline bool upf_output_has_slot(const upf_conn *conn)
{
    const struct upf_queue *queue = upf_queue_of(conn);

    return queue != NULL && queue->count < queue->capacity;
}

static inline struct upf_queued *upf_queue_slot(struct upf_queue *queue,
                                                size_t            i)
{
    return &queue->slots[(queue->first + i) & (queue->capacity - 1)];
}

/* `len` more bytes wait in this slot of the queue. */
static inline void upf_output_count(upf_conn *conn, struct upf_queued *queued,
                                    size_t len)
{
    conn->out.len += len;
    if (upf_has(conn, UPF_REPLYING)) {
        const uint32_t room = UINT32_MAX - queued->replies;
        const uint32_t n    = len < room ? (uint32_t)len : room;

        queued->replies += n;
        conn->out.of.queue->replies += n;
    }
}

/* Add a slot, if upf_output_has_slot(). */
static inline bool upf_output_push(upf_conn *conn, enum upf_slot_kind kind,
                                   const struct upf_slot *slot)
{
    struct upf_queue  *queue  = conn->out.of.queue;
    struct upf_queued *queued = upf_queue_slot(queue, queue->count++);

    *queued = (struct upf_queued){*slot, 0, (uint8_t)kind};
    upf_output_count(conn, queued, slot->len);
    return true;
}

/* Add a slot, with more memory if needed. */
bool upf_output_add_any(upf_conn *conn, enum upf_slot_kind kind,
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
                                     : upf_output_add_any(conn, kind, slot);
}

/* ---- Copied, into a block ----------------------------------------------- */

/* upf_output_reserve() for when no single block waits that has room. */
uint8_t *upf_output_reserve_any(upf_conn *conn, size_t len);

/* Add `len` bytes, at least 1, which the caller has to write. */
static inline uint8_t *upf_output_reserve(upf_conn *conn, size_t len)
{
    if (conn->out_kind == UPF_SLOT_OWNED && !upf_output_is_mixed(conn)) {
        const struct upf_buf block = {conn->out.of.block, 0};
        uint8_t *end = conn->out.data + conn->out.len;

        if (len <= upf_buf_capacity(&block) - (size_t)(end - block.data)) {
            conn->out.len += len;
            return end;
        }
    }
    return upf_output_reserve_any(conn, len);
}

/* If `out` is a single block, let conn_send.c add frames to it on its fast
 * path, until it is full or `max` bytes wait. */
static inline void upf_output_note_room(upf_conn *conn, size_t max)
{
    const struct upf_buf block = {conn->out.of.block, 0};

    if (conn->out_kind != UPF_SLOT_OWNED)
        return;
    const size_t room =
        upf_buf_capacity(&block) - (size_t)(conn->out.data - block.data);
    max = room < max ? room : max;
    conn->block_limit = (uint16_t)(max < UINT16_MAX ? max : UINT16_MAX);
}

/* Add `len` bytes to the block that waits, and return where to write them. The
 * caller has seen that no more than conn->block_limit bytes will wait then. */
static inline uint8_t *upf_output_extend_block(upf_conn *conn, size_t len)
{
    uint8_t *end = conn->out.data + conn->out.len;

    conn->out.len += len;
    return end;
}

/* ---- In place ----------------------------------------------------------- */

/* Add a frame that stays where it is: its payload is data[0, len), with room
 * for a header of `header_len` bytes in front. */
static inline uint8_t *upf_output_borrow(upf_conn *conn, size_t header_len,
                                         uint8_t *data, size_t len)
{
    const struct upf_slot slot = {data - header_len, header_len + len,
                                  {.taken = data + len}};

    return upf_output_add(conn, UPF_SLOT_BORROWED, &slot) ? data - header_len
                                                          : NULL;
}

/*
 * Whether a frame with the payload data[0, len) can be moved to the end of the
 * borrowed memory that waits: all bytes from there to the payload's end are of
 * one input, and were taken.
 */
static inline bool upf_output_follows(const upf_conn *conn, size_t header_len,
                                      const uint8_t *data, size_t len)
{
    const uintptr_t taken = (uintptr_t)conn->out.of.taken; /* 0 if the run has
                                                              ended */
    const uintptr_t end   = (uintptr_t)conn->out.data + conn->out.len;
    const uintptr_t start = (uintptr_t)data;

    return start >= end && start - end >= header_len && start <= taken &&
           len <= taken - start;
}

/* If upf_output_follows(): add the frame by moving its payload to the end of
 * that memory. Returns where to write the header. */
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

/* If nothing waits: whether a frame with `len` bytes of payload is probably the
 * first of many short frames. It is, if it is short itself, and if the output
 * that was last written out was a block that probably had several frames. */
static inline bool upf_output_begins_many(const upf_conn *conn, size_t len)
{
    return len <= UPF_COPY_MAX / 2 && conn->out.of.expected > UPF_COPY_MAX;
}

uint8_t *upf_output_in_place_any(upf_conn *conn, size_t header_len,
                                 uint8_t *data, size_t len);

/*
 * Add a frame with the payload data[0, len), in front of which there is room
 * for a header of `header_len` bytes. The payload is borrowed, moved or copied,
 * whichever is cheapest. Returns where to write the header; the payload is
 * already in place after it.
 */
static inline uint8_t *upf_output_in_place(upf_conn *conn, size_t header_len,
                                           uint8_t *data, size_t len)
{
    if ((conn->out_kind == UPF_SLOT_NONE &&
         !upf_output_begins_many(conn, len)) ||
        (conn->out_kind == UPF_SLOT_QUEUE && len > UPF_COPY_MAX))
        return upf_output_borrow(conn, header_len, data, len);
    return upf_output_in_place_any(conn, header_len, data, len);
}

/* ---- A block of our own, a shared frame --------------------------------- */

/*
 * upf_output_in_place() for `data` in conn->assembly. That block may itself
 * become output: it is then lent (UPF_BLOCK_LENT). If the output is written
 * while the event in the block is still current, the assembly has the block
 * again. Otherwise the block is freed when the output is written.
 */
uint8_t *upf_output_give(upf_conn *conn, size_t header_len, uint8_t *data,
                         size_t len);

/* Make sure that there is a slot, so that upf_output_adopt() needs no
 * memory. */
bool upf_output_ensure_slot(upf_conn *conn);

/* Add a frame that lies in `block`, which becomes the output's. Cannot fail
 * after upf_output_ensure_slot(). */
void upf_output_adopt(upf_conn *conn, uint8_t *frame, size_t len,
                      struct upf_buf *block);

/* Add a reference to a shared frame; or, if it is short and other output waits,
 * a copy. False if there is no memory. */
bool upf_output_share(upf_conn *conn, upf_shared *shared);

#endif
