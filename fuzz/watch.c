/* SPDX-License-Identifier: MIT */
/* watch.c - what must hold between two calls: memory, and slices offered. */

#include <string.h>

#include "buf.h"
#include "check.h"
#include "conn_recv.h"
#include "watch.h"
#include "watched_ext.h"

/* Beside a block's capacity, and what a control frame in pieces takes. */
enum { BESIDE = UPF_BUF_OVERHEAD, CONTROL = UPF_CONTROL_PAYLOAD_MAX };

/* ---- The memory for output ---------------------------------------------- */

static void check_heap(const struct watch *watch, const struct run *run)
{
    const upf_conn *conn     = run->conn;
    const size_t    capacity = upf_buf_capacity(&conn->assembly);
    size_t          others   = ext_held;

    if (capacity > 0)
        others += capacity + UPF_BUF_BYTES_AT;
    CHECK(run->memory.live - others <= 2 * watch->most_queued + 28 * 1024,
          "%zu bytes of heap for output, of which there were %zu",
          run->memory.live - others, watch->most_queued);
}

/* ---- The memory for what arrives ---------------------------------------- */

/* The bytes that the message at hand may come to: of one frame it is known from
 * the beginning. */
static uint64_t declared(const upf_conn *conn)
{
    const struct upf_message *message = &conn->in.open.message;
    const uint64_t max = conn->config->max_message;

    if (conn->in.open.frame.payload.phase != PHASE_PAYLOAD ||
        conn->ext != NULL || message->fragments > 1 ||
        upf_frame_is_control((upf_opcode)conn->in.open.frame.payload.opcode) ||
        !is_fin(&conn->in.open.frame))
        return max;
    return message->len < max ? message->len : max;
}

static void check_assembly(const struct run *run)
{
    const upf_conn *conn     = run->conn;
    const size_t    capacity = upf_buf_capacity(&conn->assembly);
    const uint64_t  most     = 2 * (uint64_t)conn->assembly.len + 4096 + CONTROL;

    if (capacity == 0 || conn->state != UPF_STATE_OPEN)
        return;
    if (conn->assembly.len == 0 && run->last == UPF_OK)
        return; /* there is input: the last message's block may serve again */
    if (conn->assembly.len == 0 && conn->in.open.message.carry_len > 0)
        return; /* a chunk's block, until the code point cut there goes on */
    CHECK(capacity <= most + BESIDE, "%zu bytes for %zu that came", capacity,
          conn->assembly.len);
    if (upf_has(conn, UPF_EVENT_IN_BLOCK) || conn->in.open.message.opcode == 0)
        return; /* none is at hand */
    /* A small block of the message before may serve again. */
    CHECK(conn->config->stream || conn->ext != NULL || capacity <= 4096 ||
              capacity - CONTROL - BESIDE <= declared(conn),
          "%zu bytes for %llu at most", capacity,
          (unsigned long long)declared(conn));
}

void watch_memory(struct watch *watch, const struct run *run)
{
    const size_t queued = upf_conn_queued(run->conn);

    if (queued > watch->most_queued)
        watch->most_queued = queued;
    if (ENFORCE_HEAP_BOUND)
        check_heap(watch, run);
    if (ENFORCE_ASSEMBLY_BOUND)
        check_assembly(run);
    if (queued == 0)
        watch->most_queued = 0;
}

/* ---- Slices ------------------------------------------------------------- */

void watch_forget(struct watch *watch)
{
    while (watch->count > 0)
        free(watch->copies[--watch->count]);
    watch->kept = false;
}

void watch_slices(const struct watch *watch)
{
    for (size_t i = 0; ENFORCE_STABLE_SLICES && i < watch->count; i++)
        CHECK(memcmp(watch->slices[i].data, watch->copies[i],
                     watch->slices[i].len) == 0,
              "slice %zu of %zu has changed", i, watch->count);
}

void watch_offer(struct watch *watch, struct run *run, size_t max)
{
    upf_slice    slices[WATCHED_SLICES];
    const size_t count = upf_conn_output(run->conn, slices, max);

    for (size_t i = 0; ENFORCE_STABLE_SLICES && !watch->kept &&
                       i < watch->count && i < count; i++)
        CHECK(slices[i].data == watch->slices[i].data &&
                  slices[i].len >= watch->slices[i].len,
              "slice %zu of %zu has moved, by %td, from %zu to %zu bytes", i,
              watch->count,
              (uint8_t *)slices[i].data - (uint8_t *)watch->slices[i].data,
              watch->slices[i].len, slices[i].len);
    watch_forget(watch);
    for (size_t i = 0; i < count; i++) {
        watch->slices[i] = slices[i];
        watch->copies[i] = exact_copy(slices[i].data, slices[i].len);
    }
    watch->count = count;
}
