/* SPDX-License-Identifier: MIT */
/* output.c - bytes that wait for the transport, in order. */

#include <assert.h>
#include <string.h>

#include "output.h"
#include "shared.h"

enum {
    FIRST_SLOTS    = 16,
    CONTROL_SLOTS  = 4,         /* with pongs, which are copied into one */
    FIRST_OWNED    = 448,       /* a small block, for one small message */
    OWNED_MAX      = 64 * 1024, /* own bytes go into one slice up to this */
    MOVE_MAX       = 4096,      /* a move of so much is cheaper than a slice */
    EXPECTED_MAX   = 24 * 1024, /* a block begins no larger for what came before */
    SHARED_MIN     = 64,        /* a reference to less would take more */
    CONTROL_BUDGET = 2048
};

/* ---- Slots -------------------------------------------------------------- */

static size_t queue_size(size_t capacity)
{
    return sizeof(struct upf_queue) + capacity * sizeof(struct upf_queued);
}

/* The queue, made if there is none; what waits becomes its first slot. */
static struct upf_queue *need_queue(upf_conn *conn, size_t capacity)
{
    struct upf_queue *queue = upf_queue_of(conn);

    if (queue != NULL)
        return queue;
    queue = upf_mem_alloc(conn->config, queue_size(capacity));
    if (queue == NULL)
        return NULL;
    memset(queue, 0, offsetof(struct upf_queue, late));
    queue->capacity = capacity;
    if (conn->out_kind != UPF_SLOT_NONE) {
        queue->slots[queue->count++] =
            (struct upf_queued){conn->out, (enum upf_slot_kind)conn->out_kind};
        queue->held = conn->out_kind != UPF_SLOT_BORROWED;
    }
    conn->out.of.queue = queue;
    conn->out_kind     = UPF_SLOT_QUEUE;
    conn->block_until  = 0;
    return queue;
}

/* A queue with room for one more slot. */
static struct upf_queue *need_slot(upf_conn *conn)
{
    struct upf_queue *queue = need_queue(conn, FIRST_SLOTS);

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
    conn->out.of.queue = queue;
    return queue;
}

bool upf_output_add_slowly(upf_conn *conn, enum upf_slot_kind kind,
                           const struct upf_slot *slot)
{
    return need_slot(conn) != NULL && upf_output_push(conn, kind, slot);
}

static void release(upf_conn *conn, enum upf_slot_kind kind,
                    struct upf_slot *slot)
{
    struct upf_buf block = {slot->of.block, 0};

    if (kind == UPF_SLOT_OWNED)
        upf_buf_free(&block, conn->config);
    else if (kind == UPF_SLOT_SHARED)
        upf_shared_free(slot->of.shared);
}

/* ---- Adding ------------------------------------------------------------- */

/* The slot that own bytes can be added to, or NULL. */
static struct upf_slot *last_owned(upf_conn *conn)
{
    struct upf_queue *queue = upf_queue_of(conn);

    if (conn->out_kind == UPF_SLOT_OWNED)
        return &conn->out;
    if (queue == NULL || queue->count == 0)
        return NULL;
    struct upf_queued *last = &queue->slots[queue->first + queue->count - 1];
    return last->kind == UPF_SLOT_OWNED ? &last->slot : NULL;
}

/* Make an owned slot able to take `len` more bytes; false: begin another. */
static bool grow_owned(upf_conn *conn, struct upf_slot *slot, size_t len)
{
    struct upf_buf  block    = {slot->of.block, 0};
    const size_t    capacity = upf_buf_capacity(&block);
    const ptrdiff_t start    = slot->data - block.data; /* < 0: a header */
    const size_t    used     = (size_t)(start + (ptrdiff_t)slot->len);

    if (len <= capacity - used)
        return true;
    if (used > OWNED_MAX || len > OWNED_MAX - used)
        return false;
    /* In long steps at first, as each copies what is there. */
    size_t more = capacity * (capacity <= FIRST_OWNED ? 8
                              : capacity <= 8192      ? 4 : 2);
    if (more > OWNED_MAX)
        more = OWNED_MAX;
    if (!upf_buf_reserve(&block, conn->config,
                         used + len > more ? used + len : more))
        return false;
    slot->of.block = block.data;
    slot->data     = block.data + start;
    return true;
}

/*
 * A turn mostly sends about as much as the one before it: with a block for all
 * of that, and a quarter more, nothing has to be moved into a larger one.
 */
static size_t first_capacity(const upf_conn *conn, size_t len)
{
    size_t capacity = FIRST_OWNED;

    if (conn->out_kind == UPF_SLOT_NONE && conn->out.of.expected > capacity) {
        capacity = conn->out.of.expected + conn->out.of.expected / 4;
        if (capacity > EXPECTED_MAX)
            capacity = EXPECTED_MAX;
    }
    return len > capacity ? len : capacity;
}

uint8_t *upf_output_reserve_slowly(upf_conn *conn, size_t len)
{
    struct upf_slot *slot = last_owned(conn);

    assert(len > 0);
    if (slot != NULL && grow_owned(conn, slot, len)) {
        slot->len += len;
        if (slot != &conn->out)
            conn->out.len += len;
        return slot->data + slot->len - len;
    }

    struct upf_buf block = {NULL, 0};
    if (!upf_buf_reserve(&block, conn->config, first_capacity(conn, len)))
        return NULL;
    const struct upf_slot slot_of_block = {block.data, len,
                                           {.block = block.data}};
    if (!upf_output_add(conn, UPF_SLOT_OWNED, &slot_of_block)) {
        upf_buf_free(&block, conn->config);
        return NULL;
    }
    return block.data;
}

/* Copy what a slot borrows into a block of its own. */
static bool own(upf_conn *conn, struct upf_slot *slot, size_t capacity)
{
    struct upf_buf block = {NULL, 0};

    if (!upf_buf_reserve(&block, conn->config, capacity))
        return false;
    memcpy(block.data, slot->data, slot->len);
    slot->data     = block.data;
    slot->of.block = block.data;
    return true;
}

/* Small enough for a copy to be cheaper than a slot of its own. */
static uint8_t *copy_frame(upf_conn *conn, size_t header_len,
                           const uint8_t *data, size_t len)
{
    uint8_t *out = upf_output_reserve(conn, header_len + len);

    if (out != NULL && len > 0)
        memcpy(out + header_len, data, len);
    return out;
}

uint8_t *upf_output_in_place_slowly(upf_conn *conn, size_t header_len,
                                    uint8_t *data, size_t len)
{
    if (conn->out_kind == UPF_SLOT_BORROWED && len <= MOVE_MAX &&
        upf_output_follows(conn, header_len, data, len))
        return upf_output_move_up(conn, header_len, data, len);
    if (len <= UPF_COPY_MAX) {
        /* Two small frames, of which more may come: one block, no queue. */
        if (conn->out_kind == UPF_SLOT_BORROWED &&
            conn->out.len <= UPF_COPY_MAX && own(conn, &conn->out, FIRST_OWNED))
            conn->out_kind = UPF_SLOT_OWNED;
        return copy_frame(conn, header_len, data, len);
    }
    return upf_output_borrow(conn, header_len, data, len);
}

uint8_t *upf_output_give(upf_conn *conn, size_t header_len, uint8_t *data,
                         size_t len, struct upf_buf *block)
{
    if (len <= MOVE_MAX) /* a block may be much larger than what it holds */
        return copy_frame(conn, header_len, data, len);
    const struct upf_slot slot = {data - header_len, header_len + len,
                                  {.block = block->data}};
    if (!upf_output_add(conn, UPF_SLOT_OWNED, &slot))
        return NULL;
    *block = (struct upf_buf){NULL, 0};
    return data - header_len;
}

bool upf_output_share(upf_conn *conn, upf_shared *shared)
{
    const struct upf_slot slot = {shared->frame, shared->len,
                                  {.shared = shared}};

    /* Else max_queued would bound bytes, but not memory. */
    if (shared->len < SHARED_MIN && conn->out_kind != UPF_SLOT_NONE) {
        uint8_t *out = upf_output_reserve(conn, shared->len);
        if (out != NULL)
            memcpy(out, shared->frame, shared->len);
        return out != NULL;
    }
    upf_shared_keep(shared);
    if (upf_output_add(conn, UPF_SLOT_SHARED, &slot))
        return true;
    upf_shared_free(shared);
    return false;
}

/* ---- Leaving ------------------------------------------------------------ */

size_t upf_output_slices(const upf_conn *conn, upf_slice *slices, size_t max)
{
    const struct upf_queue *queue = upf_queue_of(conn);

    if (conn->out_kind == UPF_SLOT_NONE || max == 0)
        return 0;
    if (queue == NULL) {
        slices[0] = (upf_slice){conn->out.data, conn->out.len};
        return 1;
    }
    const struct upf_queued *first = &queue->slots[queue->first];
    const size_t         count = queue->count < max ? queue->count : max;
    for (size_t i = 0; i < count; i++)
        slices[i] = (upf_slice){first[i].slot.data, first[i].slot.len};
    return count;
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

static bool advance_queue(upf_conn *conn, size_t written)
{
    struct upf_queue *queue = conn->out.of.queue;

    conn->out.len -= written;
    forget_control(queue, written);
    while (written > 0) {
        struct upf_queued *first = &queue->slots[queue->first];
        const size_t   n = written < first->slot.len ? written
                                                     : first->slot.len;
        first->slot.data += n;
        first->slot.len  -= n;
        written          -= n;
        if (first->slot.len == 0) {
            release(conn, first->kind, &first->slot);
            queue->first++;
            queue->count--;
        }
    }
    for (size_t i = 0; i < queue->count; i++) {
        struct upf_queued *queued = &queue->slots[queue->first + i];
        if (queued->kind != UPF_SLOT_BORROWED)
            continue;
        if (!own(conn, &queued->slot, queued->slot.len))
            return false;
        queued->kind = UPF_SLOT_OWNED;
        queue->held++;
    }
    return true;
}

bool upf_output_advance(upf_conn *conn, size_t written)
{
    const struct upf_queue *queue = upf_queue_of(conn);

    assert(written <= conn->out.len);
    if (written == conn->out.len && (queue == NULL || !queue->late_waits)) {
        const size_t used = conn->out_kind == UPF_SLOT_OWNED
            ? (size_t)(conn->out.data - conn->out.of.block) + written : 0;
        upf_output_free(conn);
        conn->out.of.expected = used;
        return true;
    }
    if (queue != NULL)
        return advance_queue(conn, written);
    conn->out.data += written;
    conn->out.len  -= written;
    conn->block_until = 0;
    if (conn->out_kind == UPF_SLOT_BORROWED) {
        if (!own(conn, &conn->out, conn->out.len))
            return false;
        conn->out_kind = UPF_SLOT_OWNED;
    }
    return true;
}

void upf_output_free(upf_conn *conn)
{
    struct upf_queue *queue = upf_queue_of(conn);

    if (queue == NULL) {
        release(conn, (enum upf_slot_kind)conn->out_kind, &conn->out);
    } else {
        for (size_t i = 0; i < queue->count && queue->held > 0; i++) {
            struct upf_queued *queued = &queue->slots[queue->first + i];
            release(conn, queued->kind, &queued->slot);
        }
        upf_mem_free(conn->config, queue, queue_size(queue->capacity));
    }
    conn->out_kind    = UPF_SLOT_NONE;
    conn->out.len     = 0;
    conn->out.of.expected = 0;
    conn->block_until = 0;
}

/* ---- The budget of control frames --------------------------------------- */

static bool is_in_budget(const struct upf_queue *queue, size_t frame_len)
{
    const size_t waiting =
        queue ? queue->control[0].bytes + queue->control[1].bytes : 0;

    return frame_len <= CONTROL_BUDGET - waiting;
}

bool upf_output_control_fits(const upf_conn *conn, size_t frame_len)
{
    const struct upf_queue *queue = upf_queue_of(conn);

    return (queue == NULL || !queue->late_waits) &&
           is_in_budget(queue, frame_len);
}

uint8_t *upf_output_reserve_control(upf_conn *conn, size_t frame_len)
{
    const bool        had_queue = upf_queue_of(conn) != NULL;
    struct upf_queue *queue     = need_queue(conn, CONTROL_SLOTS);
    uint8_t *out = queue ? upf_output_reserve(conn, frame_len) : NULL;

    if (out == NULL) {
        if (!had_queue && queue != NULL && queue->count == 0)
            upf_output_free(conn);
        return NULL;
    }
    queue = conn->out.of.queue; /* it may have moved */
    const int i = queue->control[0].bytes > 0;
    queue->control[i].bytes += frame_len;
    queue->control[i].until  = conn->out.len;
    return out;
}

void upf_output_keep_late_pong(upf_conn *conn, const uint8_t *payload,
                               size_t len)
{
    struct upf_queue *queue = upf_queue_of(conn);

    memcpy(queue->late, payload, len);
    queue->late_len   = (uint8_t)len;
    queue->late_waits = true;
}

void upf_output_drop_late_pong(upf_conn *conn)
{
    struct upf_queue *queue = upf_queue_of(conn);

    if (queue != NULL)
        queue->late_waits = false;
}

bool upf_output_late_pong(upf_conn *conn, uint8_t *payload, size_t *len)
{
    struct upf_queue *queue = upf_queue_of(conn);

    if (queue == NULL || !queue->late_waits ||
        !is_in_budget(queue, UPF_FRAME_HEADER_MAX + queue->late_len))
        return false;
    memcpy(payload, queue->late, queue->late_len);
    *len = queue->late_len;
    queue->late_waits = false;
    return true;
}
