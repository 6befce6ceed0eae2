/* SPDX-License-Identifier: MIT */
/* output.c - bytes that wait for the transport, in order. */

#include <assert.h>
#include <string.h>

#include "buf.h"
#include "output.h"

enum {
    FIRST_SLOTS    = 4,
    FIRST_OWNED    = 224,       /* a small block, for one small message */
    OWNED_MAX      = 64 * 1024, /* own bytes go into one slice up to this */
    MOVE_MAX       = 4096,      /* a copy of so much is cheaper than a slice */
    CONTROL_BUDGET = 2048
};

enum slot_kind { OWNED, BORROWED, SHARED };

struct slot {
    uint8_t *data; /* first byte that is not written */
    size_t   len;
    union {
        uint8_t    *block; /* OWNED: the upf_buf that data lies in */
        upf_shared *shared;
    } of;
    enum slot_kind kind;
};

struct upf_queue {
    size_t   bytes;                  /* in all slots */
    size_t   first, count, capacity; /* slots[first, first + count) */
    struct {
        size_t until; /* bytes up to the end of the last of them */
        size_t bytes;
    } control[2];     /* control frames that wait: the older, the newer ones */
    bool     late_waits;
    uint8_t  late_len;
    uint8_t  late[UPF_CONTROL_PAYLOAD_MAX];
    struct slot slots[];
};

static struct upf_queue *queue_of(const upf_conn *conn)
{
    return conn->out.run_len ? NULL : conn->out.at.queue;
}

size_t upf_output_bytes(const upf_conn *conn)
{
    const struct upf_queue *queue = queue_of(conn);

    return queue ? queue->bytes : conn->out.run_len;
}

/* ---- Slots -------------------------------------------------------------- */

static size_t queue_size(size_t capacity)
{
    return sizeof(struct upf_queue) + capacity * sizeof(struct slot);
}

/* The queue, made if there is none; a run becomes its first slot. */
static struct upf_queue *need_queue(upf_conn *conn)
{
    struct upf_queue *queue = queue_of(conn);

    if (queue != NULL)
        return queue;
    queue = upf_mem_alloc(conn->config, queue_size(FIRST_SLOTS));
    if (queue == NULL)
        return NULL;
    memset(queue, 0, offsetof(struct upf_queue, late));
    queue->capacity = FIRST_SLOTS;
    if (conn->out.run_len) {
        queue->slots[0] = (struct slot){.data = conn->out.run,
                                        .len  = conn->out.run_len,
                                        .kind = BORROWED};
        queue->count = 1;
        queue->bytes = conn->out.run_len;
    }
    conn->out.run      = NULL;
    conn->out.run_len  = 0;
    conn->out.at.queue = queue;
    return queue;
}

/* A queue with room for one more slot. */
static struct upf_queue *need_slot(upf_conn *conn)
{
    struct upf_queue *queue = need_queue(conn);

    if (queue == NULL || queue->first + queue->count < queue->capacity)
        return queue;
    if (queue->first >= queue->capacity / 2) {
        memmove(queue->slots, queue->slots + queue->first,
                queue->count * sizeof *queue->slots);
        queue->first = 0;
        return queue;
    }
    const size_t capacity = 2 * queue->capacity;
    queue = upf_mem_resize(conn->config, queue, queue_size(queue->capacity),
                           queue_size(capacity));
    if (queue == NULL)
        return NULL;
    queue->capacity    = capacity;
    conn->out.at.queue = queue;
    return queue;
}

static void push(struct upf_queue *queue, struct slot slot)
{
    queue->slots[queue->first + queue->count++] = slot;
    queue->bytes += slot.len;
}

static struct slot *last_slot(struct upf_queue *queue)
{
    return queue->count ? &queue->slots[queue->first + queue->count - 1] : NULL;
}

static void release(upf_conn *conn, struct slot *slot)
{
    struct upf_buf block = {slot->of.block, 0};

    if (slot->kind == OWNED)
        upf_buf_free(&block, conn->config);
    else if (slot->kind == SHARED)
        upf_shared_free(slot->of.shared);
}

/* ---- Adding ------------------------------------------------------------- */

/* Make an owned slot able to take `len` more bytes; false: begin another. */
static bool grow_owned(upf_conn *conn, struct slot *slot, size_t len)
{
    struct upf_buf  block    = {slot->of.block, 0};
    const size_t    capacity = upf_buf_capacity(&block);
    const ptrdiff_t start    = slot->data - block.data; /* < 0: a header */
    const size_t    used     = (size_t)(start + (ptrdiff_t)slot->len);

    if (len <= capacity - used)
        return true;
    if (used > OWNED_MAX || len > OWNED_MAX - used)
        return false;
    const size_t wanted = used + len > 2 * capacity ? used + len : 2 * capacity;
    if (!upf_buf_reserve(&block, conn->config, wanted))
        return false;
    slot->of.block = block.data;
    slot->data     = block.data + start;
    return true;
}

uint8_t *upf_output_reserve(upf_conn *conn, size_t len)
{
    struct upf_queue *queue = queue_of(conn);
    struct slot *slot = queue ? last_slot(queue) : NULL;

    assert(len > 0);
    if (slot == NULL || slot->kind != OWNED || !grow_owned(conn, slot, len)) {
        struct upf_buf block = {NULL, 0};
        const bool had_queue = queue != NULL || conn->out.run_len;

        queue = need_slot(conn);
        if (queue == NULL)
            return NULL;
        if (!upf_buf_reserve(&block, conn->config,
                             len > FIRST_OWNED ? len : FIRST_OWNED)) {
            if (!had_queue)
                upf_output_free(conn);
            return NULL;
        }
        push(queue, (struct slot){.data = block.data, .of.block = block.data,
                                  .kind = OWNED});
        slot = last_slot(queue);
    }
    slot->len    += len;
    queue->bytes += len;
    return slot->data + slot->len - len;
}

/*
 * Whether a frame of data[0, len) can be moved up to the run: the bytes from
 * the run's end to the payload's are all of one input, and worked off.
 */
static bool follows_run(const upf_conn *conn, size_t header_len,
                        const uint8_t *data, size_t len)
{
    const uintptr_t taken = (uintptr_t)conn->out.at.taken; /* or 0 */
    const uintptr_t end   = (uintptr_t)conn->out.run + conn->out.run_len;
    const uintptr_t start = (uintptr_t)data;

    return len <= MOVE_MAX && start >= end && start - end >= header_len &&
           start <= taken && len <= taken - start;
}

/* Small enough for a copy to be cheaper than a slot of its own. */
static bool copy_frame(upf_conn *conn, const uint8_t *header,
                       size_t header_len, const uint8_t *data, size_t len)
{
    uint8_t *out = upf_output_reserve(conn, header_len + len);

    if (out == NULL)
        return false;
    memcpy(out, header, header_len);
    if (len > 0)
        memcpy(out + header_len, data, len);
    return true;
}

bool upf_output_in_place(upf_conn *conn, const uint8_t *header,
                         size_t header_len, uint8_t *data, size_t len)
{
    if (upf_output_bytes(conn) == 0 && queue_of(conn) == NULL) {
        conn->out.run      = data - header_len;
        conn->out.run_len  = header_len + len;
        conn->out.at.taken = data + len;
        memcpy(conn->out.run, header, header_len);
        return true;
    }
    if (conn->out.run_len && follows_run(conn, header_len, data, len)) {
        uint8_t *run_end = conn->out.run + conn->out.run_len;
        memmove(run_end + header_len, data, len);
        memcpy(run_end, header, header_len);
        conn->out.run_len += header_len + len;
        return true;
    }
    if (len <= MOVE_MAX)
        return copy_frame(conn, header, header_len, data, len);
    struct upf_queue *queue = need_slot(conn);
    if (queue == NULL)
        return false;
    memcpy(data - header_len, header, header_len);
    push(queue, (struct slot){.data = data - header_len,
                              .len  = header_len + len,
                              .kind = BORROWED});
    return true;
}

bool upf_output_give(upf_conn *conn, const uint8_t *header, size_t header_len,
                     uint8_t *data, size_t len, struct upf_buf *block)
{
    if (len <= MOVE_MAX) /* a block may be much larger than what it holds */
        return copy_frame(conn, header, header_len, data, len);
    struct upf_queue *queue = need_slot(conn);
    if (queue == NULL)
        return false;
    memcpy(data - header_len, header, header_len);
    push(queue, (struct slot){.data     = data - header_len,
                              .len      = header_len + len,
                              .of.block = block->data,
                              .kind     = OWNED});
    *block = (struct upf_buf){NULL, 0};
    return true;
}

bool upf_output_share(upf_conn *conn, upf_shared *shared)
{
    struct upf_queue *queue = need_slot(conn);
    struct slot slot = {.of.shared = shared, .kind = SHARED};

    if (queue == NULL)
        return false;
    slot.data = (uint8_t *)upf_shared_frame(shared, &slot.len);
    upf_shared_keep(shared);
    push(queue, slot);
    return true;
}

/* ---- Leaving ------------------------------------------------------------ */

size_t upf_output_slices(const upf_conn *conn, upf_slice *slices, size_t max)
{
    const struct upf_queue *queue = queue_of(conn);
    size_t n = 0;

    if (conn->out.run_len && max > 0) {
        slices[0] = (upf_slice){conn->out.run, conn->out.run_len};
        return 1;
    }
    for (; queue != NULL && n < max && n < queue->count; n++) {
        const struct slot *slot = &queue->slots[queue->first + n];
        slices[n] = (upf_slice){slot->data, slot->len};
    }
    return n;
}

/* Copy a borrowed slot's bytes into a block of its own. */
static bool own(upf_conn *conn, struct slot *slot)
{
    struct upf_buf block = {NULL, 0};

    if (!upf_buf_reserve(&block, conn->config, slot->len))
        return false;
    memcpy(block.data, slot->data, slot->len);
    slot->data     = block.data;
    slot->of.block = block.data;
    slot->kind     = OWNED;
    return true;
}

/* Give the budget back what was taken for control frames that are written. */
static void forget_control(struct upf_queue *queue, size_t written)
{
    for (int i = 0; i < 2; i++)
        queue->control[i].until -= written < queue->control[i].until
                                       ? written : queue->control[i].until;
    while (queue->control[0].bytes > 0 && queue->control[0].until == 0) {
        queue->control[0] = queue->control[1];
        queue->control[1].until = queue->control[1].bytes = 0;
    }
}

bool upf_output_advance(upf_conn *conn, size_t written)
{
    assert(written <= upf_output_bytes(conn));
    if (conn->out.run_len) {
        conn->out.run     += written;
        conn->out.run_len -= written;
        if (conn->out.run_len == 0) {
            conn->out.at.queue = NULL;
            return true;
        }
        written = 0;
        if (need_queue(conn) == NULL)
            return false;
    }

    struct upf_queue *queue = queue_of(conn);
    if (queue == NULL)
        return true;
    queue->bytes -= written;
    forget_control(queue, written);
    while (written > 0) {
        struct slot *slot = &queue->slots[queue->first];
        const size_t n = written < slot->len ? written : slot->len;

        slot->data += n;
        slot->len  -= n;
        written    -= n;
        if (slot->len == 0) {
            release(conn, slot);
            queue->first++;
            queue->count--;
        }
    }
    if (queue->bytes == 0 && !queue->late_waits) {
        upf_output_free(conn);
        return true;
    }
    for (size_t i = 0; i < queue->count; i++) {
        struct slot *slot = &queue->slots[queue->first + i];
        if (slot->kind == BORROWED && !own(conn, slot))
            return false;
    }
    return true;
}

void upf_output_free(upf_conn *conn)
{
    struct upf_queue *queue = queue_of(conn);

    if (queue != NULL) {
        for (size_t i = 0; i < queue->count; i++)
            release(conn, &queue->slots[queue->first + i]);
        upf_mem_free(conn->config, queue, queue_size(queue->capacity));
    }
    conn->out.at.queue = NULL;
    conn->out.run      = NULL;
    conn->out.run_len  = 0;
}

/* ---- The budget of control frames --------------------------------------- */

static bool is_in_budget(const struct upf_queue *queue, size_t frame_len)
{
    const size_t waiting = queue->control[0].bytes + queue->control[1].bytes;

    return frame_len <= CONTROL_BUDGET - waiting;
}

bool upf_output_control_fits(const upf_conn *conn, size_t frame_len)
{
    const struct upf_queue *queue = queue_of(conn);

    return queue == NULL ||
           (!queue->late_waits && is_in_budget(queue, frame_len));
}

void upf_output_control_added(upf_conn *conn, size_t frame_len)
{
    struct upf_queue *queue = queue_of(conn);
    const int         i     = queue->control[0].bytes > 0;

    queue->control[i].bytes += frame_len;
    queue->control[i].until  = queue->bytes;
}

void upf_output_keep_late_pong(upf_conn *conn, const uint8_t *payload,
                               size_t len)
{
    struct upf_queue *queue = queue_of(conn);

    memcpy(queue->late, payload, len);
    queue->late_len   = (uint8_t)len;
    queue->late_waits = true;
}

void upf_output_drop_late_pong(upf_conn *conn)
{
    struct upf_queue *queue = queue_of(conn);

    if (queue != NULL)
        queue->late_waits = false;
}

bool upf_output_late_pong(upf_conn *conn, uint8_t *payload, size_t *len)
{
    struct upf_queue *queue = queue_of(conn);

    if (queue == NULL || !queue->late_waits ||
        !is_in_budget(queue, UPF_FRAME_HEADER_MAX + queue->late_len))
        return false;
    memcpy(payload, queue->late, queue->late_len);
    *len = queue->late_len;
    queue->late_waits = false;
    return true;
}
