/* SPDX-License-Identifier: MIT */
/* output.c - bytes that wait for the transport, in order. */

#include <assert.h>
#include <string.h>

#include "buf.h"
#include "output.h"
#include "output_add.h"
#include "shared.h"

enum {
    FIRST_SLOTS    = 16,        /* of a queue; a power of two */
    CONTROL_SLOTS  = 4,         /* of a queue made for a control frame */
    FIRST_OWNED    = 448,       /* the smallest single block */
    OWNED_MAX      = 24 * 1024, /* a single block grows up to this */
    QUEUE_BLOCK    = 1024,      /* a queue's smallest block for small frames */
    QUEUE_BLOCK_MAX = 16 * 1024, /* and the largest */
    MOVE_MAX       = 4096,      /* moving this much is cheaper than a slice */
    EXPECTED_MAX   = 24 * 1024, /* the most that first_capacity() expects */
    CONTROL_BUDGET = 2048       /* bytes of control frames that may wait */
};

/* ---- Blocks ------------------------------------------------------------- */

/* How many slots use a block; a queue counts as one for the block it fills. */
static uint16_t users_of(const uint8_t *block)
{
    uint16_t users;

    memcpy(&users, block - UPF_BUF_BYTES_AT + UPF_BUF_USERS_AT, sizeof users);
    return users;
}

static void set_users(uint8_t *block, unsigned count)
{
    const uint16_t users = (uint16_t)count;

    memcpy(block - UPF_BUF_BYTES_AT + UPF_BUF_USERS_AT, &users, sizeof users);
}

static size_t capacity_of(uint8_t *block)
{
    const struct upf_buf buf = {block, 0};

    return upf_buf_capacity(&buf);
}

/* A block with one user, or NULL. */
static uint8_t *new_block(upf_conn *conn, size_t capacity)
{
    struct upf_buf block = {NULL, 0};

    if (!upf_buf_reserve(&block, conn->config, capacity))
        return NULL;
    set_users(block.data, 1);
    return block.data;
}

/* Take one user off the block. After the last, a block that the assembly lent
 * is the assembly's again; any other is freed. */
static void leave_block(upf_conn *conn, uint8_t *block)
{
    struct upf_buf buf   = {block, 0};
    const uint16_t users = users_of(block);

    if (users > 1)
        set_users(block, users - 1u);
    else if (upf_has(conn, UPF_BLOCK_LENT) && block == conn->assembly.data)
        upf_clear(conn, UPF_BLOCK_LENT);
    else
        upf_buf_free(&buf, conn->config);
}

/* ---- Slots -------------------------------------------------------------- */

static size_t queue_size(size_t capacity)
{
    return sizeof(struct upf_queue) + capacity * sizeof(struct upf_queued);
}

/* Make what waits, a single thing, the first slot of the queue. */
static void put_first(upf_conn *conn, struct upf_queue *queue)
{
    struct upf_queued *first = &queue->slots[0];

    *first = (struct upf_queued){conn->out, 0, conn->out_kind};
    if (upf_has(conn, UPF_OUT_IS_REPLY)) {
        first->replies = conn->out.len < UINT32_MAX ? (uint32_t)conn->out.len
                                                    : UINT32_MAX;
        queue->replies = first->replies;
    }
    queue->count = 1;
    queue->kept  = conn->out_kind != UPF_SLOT_BORROWED;
    /* Later small frames are added to this block. But a large block is left to
     * its frame, and freed with it. */
    if (conn->out_kind == UPF_SLOT_OWNED &&
        capacity_of(conn->out.of.block) <= OWNED_MAX) {
        queue->block = conn->out.of.block;
        queue->used  = (size_t)(conn->out.data + conn->out.len - queue->block);
        queue->small = queue->used;
        set_users(queue->block, users_of(queue->block) + 1u);
    }
}

/* The queue; a new one of that capacity if there is none. NULL if there is no
 * memory. */
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
    if (conn->out_kind != UPF_SLOT_NONE)
        put_first(conn, queue);
    conn->out.of.queue = queue;
    conn->out_kind     = UPF_SLOT_QUEUE;
    upf_output_close_block(conn);
    return queue;
}

/* The queue, with room for one more slot; NULL if there is no memory. */
static struct upf_queue *need_slot(upf_conn *conn)
{
    struct upf_queue *queue = need_queue(conn, FIRST_SLOTS);

    if (queue == NULL || queue->count < queue->capacity)
        return queue;
    const size_t old = queue->capacity;
    queue = upf_mem_resize(conn->config, queue, queue_size(old),
                           queue_size(2 * old));
    if (queue == NULL)
        return NULL;
    /* The ring was full: the slots that had wrapped to its start now follow its
     * old end. */
    memcpy(queue->slots + old, queue->slots,
           queue->first * sizeof *queue->slots);
    queue->capacity    = 2 * old;
    conn->out.of.queue = queue;
    return queue;
}

bool upf_output_ensure_slot(upf_conn *conn)
{
    return conn->out_kind == UPF_SLOT_NONE || need_slot(conn) != NULL;
}

bool upf_output_add_any(upf_conn *conn, enum upf_slot_kind kind,
                        const struct upf_slot *slot)
{
    return need_slot(conn) != NULL && upf_output_push(conn, kind, slot);
}

static void release(upf_conn *conn, unsigned kind, struct upf_slot *slot)
{
    if (kind == UPF_SLOT_OWNED)
        leave_block(conn, slot->of.block);
    else if (kind == UPF_SLOT_SHARED)
        upf_shared_free(slot->of.shared);
}

size_t upf_output_replies(const upf_conn *conn)
{
    const struct upf_queue *queue = upf_queue_of(conn);

    if (queue != NULL)
        return queue->replies;
    return upf_has(conn, UPF_OUT_IS_REPLY) ? conn->out.len : 0;
}

/* ---- One block ---------------------------------------------------------- */

/*
 * The size of a first block that begins with `len` bytes. Usually the output
 * becomes about as long as it was when it was last written out. A block of that
 * length and a quarter more then need not be enlarged.
 */
static size_t first_capacity(const upf_conn *conn, size_t len)
{
    size_t capacity = FIRST_OWNED;

    if (conn->out.of.expected > capacity) {
        capacity = conn->out.of.expected + conn->out.of.expected / 4;
        if (capacity > EXPECTED_MAX)
            capacity = EXPECTED_MAX;
    }
    return len > capacity ? len : capacity;
}

/* If nothing waits: begin a block with `len` bytes. If there is no memory for
 * as much as is expected to follow, the expectation is dropped, and a smaller
 * block is begun. NULL if there is no memory for that either. */
static uint8_t *begin_block(upf_conn *conn, size_t len)
{
    uint8_t *block = new_block(conn, first_capacity(conn, len));

    if (block == NULL && conn->out.of.expected > FIRST_OWNED) {
        conn->out.of.expected = 0;
        block = new_block(conn, first_capacity(conn, len));
    }
    if (block == NULL)
        return NULL;
    conn->out      = (struct upf_slot){block, len, {.block = block}};
    conn->out_kind = UPF_SLOT_OWNED;
    return block;
}

/* Make room for `len` more bytes in the single block that waits. False if its
 * bytes must stay where they are, if the block would become too large, or if
 * there is no memory. */
static bool grow_block(upf_conn *conn, size_t len)
{
    struct upf_buf  block    = {conn->out.of.block, 0};
    const size_t    capacity = upf_buf_capacity(&block);
    /* Below 0 if a frame's header lies in front of the block's bytes. */
    const ptrdiff_t start    = conn->out.data - block.data;
    const size_t    used     = (size_t)(start + (ptrdiff_t)conn->out.len);

    assert(len > capacity - used);
    /* The transport may be writing from the block, or the event at hand may lie
     * in it. */
    if (upf_has(conn, UPF_OFFERED | UPF_BLOCK_LENT))
        return false;
    /* Move what waits to the start of the block, if its old and its new place
     * do not overlap. */
    if (start > 0 && (size_t)start >= conn->out.len &&
        len <= capacity - conn->out.len) {
        memcpy(block.data, conn->out.data, conn->out.len);
        conn->out.data = block.data;
        return true;
    }
    if (used > OWNED_MAX || len > OWNED_MAX - used)
        return false;
    /* Grow in large steps at first, as each step copies the block. */
    size_t more = capacity * (capacity <= FIRST_OWNED ? 8
                              : capacity <= 4096      ? 4 : 2);
    if (more > OWNED_MAX)
        more = OWNED_MAX;
    if (!upf_buf_reserve(&block, conn->config,
                         used + len > more ? used + len : more))
        return false;
    conn->out.of.block = block.data;
    conn->out.data     = block.data + start;
    return true;
}

/* Copy the borrowed memory that waits, a single thing, into a block. */
static bool own(upf_conn *conn, size_t capacity)
{
    uint8_t *block = new_block(conn, capacity);

    if (block == NULL)
        return false;
    memcpy(block, conn->out.data, conn->out.len);
    conn->out.data     = block;
    conn->out.of.block = block;
    conn->out_kind     = UPF_SLOT_OWNED;
    return true;
}

/* ---- Blocks of a queue -------------------------------------------------- */

static size_t room_in_queue(const struct upf_queue *queue)
{
    if (queue->block == NULL || users_of(queue->block) == UINT16_MAX)
        return 0;
    return capacity_of(queue->block) - queue->used;
}

/* The size of the next block for small frames: proportional to what waits, so
 * that the unused part of it is, too. */
static size_t next_capacity(const upf_conn *conn)
{
    const size_t part = conn->out.len / 4;

    return part < QUEUE_BLOCK       ? QUEUE_BLOCK
           : part > QUEUE_BLOCK_MAX ? QUEUE_BLOCK_MAX : part;
}

/*
 * Memory for a slot of `len` bytes, in *block, which gets one more user. Small
 * frames lie side by side in one block. A large frame has a block of its own,
 * so that the room in the present one is left to later small frames.
 */
static uint8_t *take_bytes(upf_conn *conn, size_t len, uint8_t **block)
{
    struct upf_queue *queue = conn->out.of.queue;

    if (len > room_in_queue(queue)) {
        const size_t capacity = next_capacity(conn);
        const bool   is_large = len >= capacity / 4;

        *block = new_block(conn, is_large ? len : capacity);
        if (is_large || *block == NULL)
            return *block;
        if (queue->block != NULL)
            leave_block(conn, queue->block);
        queue->block = *block;
        queue->used  = 0;
    }
    *block = queue->block;
    set_users(*block, users_of(*block) + 1u);
    queue->used  += len;
    queue->small += len;
    return *block + queue->used - len;
}

/* The queue's last slot, if `len` bytes that are added to the queue's block
 * would follow the slot's bytes. */
static struct upf_queued *last_in_block(struct upf_queue *queue, size_t len)
{
    if (queue->count == 0 || len > room_in_queue(queue))
        return NULL;
    struct upf_queued *last = upf_queue_slot(queue, queue->count - 1);
    return last->kind == UPF_SLOT_OWNED &&
                   last->slot.of.block == queue->block &&
                   last->slot.data + last->slot.len ==
                       queue->block + queue->used
               ? last : NULL;
}

static uint8_t *reserve_in_queue(upf_conn *conn, size_t len)
{
    struct upf_queue  *queue = conn->out.of.queue;
    struct upf_queued *last  = last_in_block(queue, len);
    struct upf_slot    slot  = {NULL, len, {.block = NULL}};

    if (last != NULL) {
        queue->used    += len;
        queue->small   += len;
        last->slot.len += len;
        upf_output_count(conn, last, len);
        return last->slot.data + last->slot.len - len;
    }
    if (need_slot(conn) == NULL)
        return NULL;
    slot.data = take_bytes(conn, len, &slot.of.block);
    if (slot.data == NULL)
        return NULL;
    upf_output_push(conn, UPF_SLOT_OWNED, &slot);
    return slot.data;
}

/* Copy the memory that a slot of the queue borrows. */
static bool own_queued(upf_conn *conn, struct upf_queued *queued)
{
    struct upf_slot *slot = &queued->slot;
    uint8_t *block, *copy = take_bytes(conn, slot->len, &block);

    if (copy == NULL)
        return false;
    memcpy(copy, slot->data, slot->len);
    slot->data     = copy;
    slot->of.block = block;
    queued->kind   = UPF_SLOT_OWNED;
    return true;
}

/* ---- Adding ------------------------------------------------------------- */

uint8_t *upf_output_reserve_any(upf_conn *conn, size_t len)
{
    assert(len > 0);
    if (conn->out_kind == UPF_SLOT_NONE)
        return begin_block(conn, len);
    if (conn->out_kind == UPF_SLOT_OWNED && !upf_output_is_mixed(conn) &&
        grow_block(conn, len)) {
        conn->out.len += len;
        return conn->out.data + conn->out.len - len;
    }
    return need_queue(conn, FIRST_SLOTS) ? reserve_in_queue(conn, len) : NULL;
}

/* Add a frame to a block, with a copy of its payload data[0, len). Returns
 * where to write the header. */
static uint8_t *copy_frame(upf_conn *conn, size_t header_len,
                           const uint8_t *data, size_t len)
{
    uint8_t *out = upf_output_reserve(conn, header_len + len);

    if (out != NULL && len > 0)
        memcpy(out + header_len, data, len);
    return out;
}

uint8_t *upf_output_in_place_any(upf_conn *conn, size_t header_len,
                                 uint8_t *data, size_t len)
{
    if (conn->out_kind == UPF_SLOT_BORROWED && len <= MOVE_MAX &&
        upf_output_follows(conn, header_len, data, len))
        return upf_output_move_up(conn, header_len, data, len);
    if (len <= UPF_COPY_MAX) {
        /* After a second small frame, more are likely to come. So the first,
         * which waits as a borrowed slot, is copied to a block: all of them lie
         * there together, and need no queue. If there is no memory for the
         * block, copy_frame() tries a queue. */
        if (conn->out_kind == UPF_SLOT_BORROWED &&
            !upf_has(conn, UPF_OFFERED) && !upf_output_is_mixed(conn) &&
            conn->out.len <= UPF_COPY_MAX)
            own(conn, FIRST_OWNED);
        uint8_t *copy = copy_frame(conn, header_len, data, len);
        if (copy != NULL || conn->out_kind != UPF_SLOT_NONE)
            return copy;
    }
    return upf_output_borrow(conn, header_len, data, len);
}

uint8_t *upf_output_give(upf_conn *conn, size_t header_len, uint8_t *data,
                         size_t len)
{
    uint8_t     *block = conn->assembly.data;
    const size_t spare = upf_buf_capacity(&conn->assembly) - len;

    /* A block that becomes output stays until it is written. So it must not be
     * much larger than what is written of it. */
    if (len <= MOVE_MAX || spare > len / 4)
        return copy_frame(conn, header_len, data, len);
    const struct upf_slot slot = {data - header_len, header_len + len,
                                  {.block = block}};
    if (!upf_output_add(conn, UPF_SLOT_OWNED, &slot))
        return NULL;
    set_users(block, 1);
    upf_set(conn, UPF_BLOCK_LENT);
    return data - header_len;
}

void upf_output_adopt(upf_conn *conn, uint8_t *frame, size_t len,
                      struct upf_buf *block)
{
    const struct upf_slot slot = {frame, len, {.block = block->data}};
    const bool added = upf_output_add(conn, UPF_SLOT_OWNED, &slot);

    assert(added);
    (void)added;
    set_users(block->data, 1);
    *block = (struct upf_buf){NULL, 0};
}

bool upf_output_share(upf_conn *conn, upf_shared *shared)
{
    const struct upf_slot slot = {shared->frame, shared->len,
                                  {.shared = shared}};

    /* A slot for each short frame would let memory grow far beyond
     * max_queued. */
    if (shared->len <= UPF_COPY_MAX && conn->out_kind != UPF_SLOT_NONE) {
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
    struct upf_queue *queue = upf_queue_of(conn);

    if (conn->out_kind == UPF_SLOT_NONE || max == 0)
        return 0;
    if (queue == NULL) {
        slices[0] = (upf_slice){conn->out.data, conn->out.len};
        return 1;
    }
    const size_t count = queue->count < max ? queue->count : max;
    for (size_t i = 0; i < count; i++) {
        const struct upf_slot *slot = &upf_queue_slot(queue, i)->slot;

        slices[i] = (upf_slice){slot->data, slot->len};
    }
    return count;
}

/* Give back to the budget what the written control frames took of it. */
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

/* `n` bytes of the first slot, at most all, were written. */
static void advance_slot(upf_conn *conn, struct upf_queue *queue, size_t n)
{
    struct upf_queued *first = upf_queue_slot(queue, 0);
    const uint32_t     old   = first->replies;

    first->slot.data += n;
    first->slot.len  -= n;
    if (first->slot.len < old)
        first->replies = (uint32_t)first->slot.len;
    queue->replies -= old - first->replies;
    if (first->slot.len > 0)
        return;
    release(conn, first->kind, &first->slot);
    queue->first = (queue->first + 1) & (queue->capacity - 1);
    queue->count--;
    queue->kept -= queue->kept > 0;
}

static void advance_queue(upf_conn *conn, size_t written)
{
    struct upf_queue *queue = conn->out.of.queue;

    conn->out.len -= written;
    queue->moved = queue->moved || written > 0;
    forget_control(queue, written);
    while (written > 0) {
        const size_t len = upf_queue_slot(queue, 0)->slot.len;
        const size_t n   = written < len ? written : len;

        advance_slot(conn, queue, n);
        written -= n;
    }
}

#ifndef NDEBUG

bool upf_output_is_apart(const upf_conn *conn, const uint8_t *data, size_t len)
{
    struct upf_queue      *queue = upf_queue_of(conn);
    const struct upf_slot *slot  = &conn->out;
    unsigned               kind  = conn->out_kind;

    if (queue != NULL && queue->kept < queue->count) {
        slot = &upf_queue_slot(queue, queue->kept)->slot;
        kind = upf_queue_slot(queue, queue->kept)->kind;
    }
    const uintptr_t waits = (uintptr_t)slot->data;
    const uintptr_t start = (uintptr_t)data;
    return kind != UPF_SLOT_BORROWED || start >= waits + slot->len ||
           waits >= start + len;
}

#endif

bool upf_output_keep(upf_conn *conn)
{
    struct upf_queue *queue = upf_queue_of(conn);

    if (conn->out_kind == UPF_SLOT_BORROWED)
        return own(conn, conn->out.len);
    for (; queue != NULL && queue->kept < queue->count; queue->kept++) {
        struct upf_queued *queued = upf_queue_slot(queue, queue->kept);

        if (queued->kind == UPF_SLOT_BORROWED && !own_queued(conn, queued))
            return false;
    }
    return true;
}

bool upf_output_advance(upf_conn *conn, size_t written)
{
    const struct upf_queue *queue = upf_queue_of(conn);

    assert(written <= conn->out.len);
    if (written == conn->out.len && (queue == NULL || !queue->late_waits)) {
        const size_t used = queue != NULL ? queue->small
            : conn->out_kind == UPF_SLOT_OWNED
            ? (size_t)(conn->out.data - conn->out.of.block) + written : 0;
        upf_output_free(conn);
        conn->out.of.expected = used;
        return true;
    }
    upf_clear(conn, written > 0 ? UPF_OFFERED | UPF_WAITED : UPF_OFFERED);
    if (queue != NULL) {
        advance_queue(conn, written);
    } else {
        conn->out.data += written;
        conn->out.len  -= written;
        upf_output_close_block(conn);
    }
    return upf_output_keep(conn);
}

void upf_output_free(upf_conn *conn)
{
    struct upf_queue *queue = upf_queue_of(conn);

    if (queue == NULL) {
        release(conn, conn->out_kind, &conn->out);
    } else {
        for (size_t i = 0; i < queue->count; i++) {
            struct upf_queued *queued = upf_queue_slot(queue, i);
            release(conn, queued->kind, &queued->slot);
        }
        if (queue->block != NULL)
            leave_block(conn, queue->block);
        upf_mem_free(conn->config, queue, queue_size(queue->capacity));
    }
    conn->out_kind    = UPF_SLOT_NONE;
    conn->out.len     = 0;
    conn->out.of.expected = 0;
    upf_output_close_block(conn);
    /* Nothing waits now: then UPF_OUT_IS_REPLY must equal UPF_REPLYING. */
    const unsigned sort = upf_has(conn, UPF_REPLYING) ? UPF_OUT_IS_REPLY : 0;
    upf_clear(conn, UPF_OFFERED | UPF_WAITED | UPF_NOT_NOTED |
                        UPF_OUT_IS_REPLY);
    upf_set(conn, sort);
}

void upf_output_hide(upf_conn *conn)
{
    conn->out.len = 0;
}

/* ---- Time --------------------------------------------------------------- */

uint64_t upf_output_note_wait(upf_conn *conn, uint64_t now)
{
    struct upf_queue *queue = upf_queue_of(conn);

    if (conn->out.len == 0)
        return now;
    /* The first tick that sees output wait only sets a flag: the output may
     * have been queued just before that tick. */
    if (queue == NULL && !upf_has(conn, UPF_WAITED)) {
        upf_set(conn, UPF_WAITED);
        return now;
    }
    if (queue == NULL)
        queue = need_queue(conn, CONTROL_SLOTS);
    if (queue == NULL) { /* tried again at the next tick */
        upf_set(conn, UPF_NOT_NOTED);
        return now;
    }
    upf_clear(conn, UPF_NOT_NOTED);
    if (queue->since == 0 || queue->moved) {
        queue->since   = now;
        queue->moved   = false;
        queue->excused = false;
    }
    return queue->since;
}

bool upf_output_excuse(upf_conn *conn, uint64_t since)
{
    struct upf_queue *queue = upf_queue_of(conn);

    if (queue == NULL || queue->excused)
        return false;
    queue->excused = true;
    queue->since   = since;
    return true;
}

uint64_t upf_output_stuck_since(const upf_conn *conn)
{
    const struct upf_queue *queue = upf_queue_of(conn);

    return queue != NULL && !queue->moved ? queue->since : 0;
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
    queue = conn->out.of.queue; /* upf_output_reserve() may have moved it */
    const int i = queue->control[0].bytes > 0;
    queue->control[i].bytes += frame_len;
    queue->control[i].until  = conn->out.len;
    return out;
}

void upf_output_keep_late_pong(upf_conn *conn, const uint8_t *payload,
                               size_t len)
{
    struct upf_queue *queue = upf_queue_of(conn);

    assert(queue != NULL); /* the frames that use up the budget are in it */
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
