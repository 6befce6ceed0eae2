/* SPDX-License-Identifier: MIT */
/*
 * conn_send.c - messages out.
 *
 * The first half of this file makes every check. The second half has fast paths
 * for most messages. They are sent on an open connection that is far below its
 * limits and has no trace hook: conn->leeway is the number of pages of output
 * up to which no check but that of the content is needed. Most of these fit
 * into the block of output that is waiting already: conn->block_limit is the
 * output's length up to which they do. All other messages are left to the first
 * half.
 */

#include <assert.h>
#include <string.h>

#include "buf.h"
#include "compiler.h"
#include "conn_impl.h"
#include "frame.h"
#include "kernels/kernels.h"
#include "mask.h"
#include "output.h"
#include "output_add.h"
#include "random.h"
#include "shared.h"
#include "utf8.h"

/* in conn->send_utf8: the message sent in parts is binary */
enum { NOT_TEXT = UINT8_MAX };

/* ---- What may be sent --------------------------------------------------- */

static upf_status check_text(uint8_t *utf8, const upf_slice *slices,
                             size_t count, bool end)
{
    for (size_t i = 0; i < count; i++)
        if (upf_utf8_check(utf8, slices[i].data, slices[i].len) <
            slices[i].len)
            return UPF_ERR_UTF8;
    return end && *utf8 != UPF_UTF8_START ? UPF_ERR_UTF8 : UPF_OK;
}

static inline bool is_to_check(const upf_conn *conn, upf_opcode opcode)
{
    return opcode == UPF_OP_TEXT && !conn->config->trust_sent_text;
}

static upf_status judge_text(const upf_conn *conn, upf_opcode opcode,
                             uint8_t *utf8, const upf_slice *slices,
                             size_t count, bool end)
{
    return is_to_check(conn, opcode) ? check_text(utf8, slices, count, end)
                                     : UPF_OK;
}

/* Whether a message may begin; its content is not checked. */
static inline upf_status judge_message(const upf_conn *conn, upf_opcode opcode)
{
    if (opcode != UPF_OP_TEXT && opcode != UPF_OP_BINARY)
        return UPF_ERR_ARGUMENT;
    return upf_conn_may_send(conn, UPF_SEND_BEGUN) ? UPF_OK : UPF_ERR_STATE;
}

/* The length of all slices together; false if it is over SIZE_MAX. */
static bool total_of(const upf_slice *slices, size_t count, size_t *total)
{
    *total = 0;
    for (size_t i = 0; i < count; i++) {
        if (slices[i].len > SIZE_MAX - *total)
            return false;
        *total += slices[i].len;
    }
    return true;
}

/* ---- Messages ----------------------------------------------------------- */

upf_status upf_sendv(upf_conn *conn, upf_opcode opcode,
                     const upf_slice *slices, size_t count)
{
    uint8_t utf8 = UPF_UTF8_START;
    size_t  len  = 0;

    upf_status status = judge_message(conn, opcode);
    if (status == UPF_OK && !total_of(slices, count, &len))
        status = UPF_ERR_QUEUE_FULL;
    if (status == UPF_OK)
        status = judge_text(conn, opcode, &utf8, slices, count, true);
    if (status != UPF_OK)
        return status;
    if (conn->ext == NULL)
        return upf_conn_queue_frame(conn, UPF_FIN | opcode, len, slices, count);
    status = upf_conn_queue_encoded(conn, UPF_FIN | opcode, len, slices, count);
    upf_clear(conn, UPF_SEND_ENCODED);
    return status;
}

upf_status upf_send_part(upf_conn *conn, upf_opcode opcode, const void *data,
                         size_t len, bool fin)
{
    const upf_slice slice = {(void *)data, len};
    const bool      first = !upf_has(conn, UPF_SEND_BEGUN);
    upf_status      status;

    assert(data != NULL || len == 0);
    if (first) {
        status = judge_message(conn, opcode);
    } else {
        opcode = conn->send_utf8 == NOT_TEXT ? UPF_OP_BINARY : UPF_OP_TEXT;
        status = upf_conn_may_send(conn, 0) ? UPF_OK : UPF_ERR_STATE;
    }
    uint8_t utf8 = first ? UPF_UTF8_START : conn->send_utf8;
    if (status == UPF_OK)
        status = judge_text(conn, opcode, &utf8, &slice, 1, fin);
    if (status != UPF_OK)
        return status;

    const unsigned bits = (first ? opcode : UPF_OP_CONTINUATION) |
                          (fin ? UPF_FIN : 0u);
    status = conn->ext ? upf_conn_queue_encoded(conn, bits, len, &slice, 1)
                       : upf_conn_queue_frame(conn, bits, len, &slice, 1);
    if (status != UPF_OK)
        return status;
    conn->send_utf8 = opcode == UPF_OP_TEXT ? utf8 : NOT_TEXT;
    if (fin)
        upf_clear(conn, UPF_SEND_BEGUN | UPF_SEND_ENCODED);
    else
        upf_set(conn, UPF_SEND_BEGUN);
    upf_conn_permit(conn);
    return UPF_OK;
}

upf_status upf_send_shared(upf_conn *conn, upf_shared *shared)
{
    if (!upf_conn_may_send(conn, UPF_SEND_BEGUN) ||
        upf_has(conn, UPF_IS_CLIENT)) /* a client masks each frame anew */
        return UPF_ERR_STATE;
    const upf_status status = upf_conn_judge_queue(conn, 0, shared->len);
    if (status != UPF_OK)
        return status;
    if (!upf_output_share(conn, shared))
        return UPF_ERR_NO_MEMORY;
    upf_conn_note_frame(conn, shared->frame[0], shared->payload_len, NULL);
    return UPF_OK;
}

/* ---- One message, with every check -------------------------------------- */

static upf_status send_copy(upf_conn *conn, upf_opcode opcode, const void *data,
                            size_t len)
{
    const upf_slice slice = {(void *)data, len};

    assert(data != NULL || len == 0);
    return upf_sendv(conn, opcode, &slice, 1);
}

/* Whether data[0, len) lies in conn->assembly, as a part of the event. */
static bool is_in_block(const upf_conn *conn, const uint8_t *data, size_t len)
{
    const uintptr_t start = (uintptr_t)conn->assembly.data;
    const uintptr_t at    = (uintptr_t)data;

    if (!upf_has(conn, UPF_EVENT_IS_OURS))
        return false;
    const size_t size = upf_buf_capacity(&conn->assembly);
    return at >= start && at - start <= size && len <= size - (at - start);
}

/* Whether that block may become output: it holds nothing but the event, and was
 * not lent to the output before. What is sent next may be written after
 * data[0, len), so nothing of the event may follow there. */
static bool may_be_given(const upf_conn *conn, const uint8_t *data, size_t len)
{
    const struct upf_buf *block = &conn->assembly;

    return upf_has(conn, UPF_EVENT_IN_BLOCK) &&
           !upf_has(conn, UPF_BLOCK_LENT) &&
           data + len == block->data + block->len;
}

/*
 * Whether the payload has to be copied: a client masks, an extension encodes,
 * and a chunk may lie at the start of the input, with no room in front of it.
 */
static inline bool must_copy(const upf_conn *conn)
{
    return upf_has(conn, UPF_IS_CLIENT) || conn->ext != NULL ||
           conn->config->stream;
}

static upf_status judge_and_send_in_place(upf_conn *conn, upf_opcode opcode,
                                          uint8_t *data, size_t len)
{
    const size_t header_len = upf_frame_header_size(len, false);

    assert(data != NULL || len == 0);
    upf_status status = judge_message(conn, opcode);
    if (status != UPF_OK)
        return status;
    const bool in_block = is_in_block(conn, data, len);
    if (must_copy(conn) || len == 0 || /* perhaps without room for a header */
        (in_block && !may_be_given(conn, data, len)))
        return send_copy(conn, opcode, data, len);
    if (is_to_check(conn, opcode) && !upf_utf8_is_valid(data, len))
        return UPF_ERR_UTF8;
    status = upf_conn_judge_queue(conn, header_len, len);
    if (status != UPF_OK)
        return status;

    uint8_t *header =
        in_block
            ? upf_output_give(conn, header_len, data, len)
            : upf_output_in_place(conn, header_len, data, len);
    if (header == NULL)
        return UPF_ERR_NO_MEMORY;
    upf_frame_header_put(header, UPF_FIN | opcode, 0, len);
    upf_conn_note_frame(conn, UPF_FIN | opcode, len, NULL);
    return UPF_OK;
}

/* ---- One message, on a fast path ---------------------------------------- */

enum {
    HEADER     = 2, /* of a payload up to 125 bytes */
    HEADER_MAX = 4, /* up to 65,535 */
    KEY        = 4  /* a client's masking key, which follows */
};

/* Whether opcode and content are those of a sound message. */
static inline bool is_sendable(const upf_conn *conn, upf_opcode opcode,
                               const void *data, size_t len)
{
    return opcode == UPF_OP_BINARY ||
           (opcode == UPF_OP_TEXT && (conn->config->trust_sent_text ||
                                      upf_utf8_is_valid(data, len)));
}

/* Whether `len` more bytes stay well below all limits: no check is needed. */
static inline bool has_leeway(const upf_conn *conn, size_t len)
{
    return conn->out.len / UPF_LEEWAY_PAGE + len / UPF_LEEWAY_PAGE <
           conn->leeway;
}

/* No call here: a call would make the caller save registers. */
static inline bool draw_buffered(const upf_config *config, uint32_t *key)
{
    return config->random == upf_random && upf_random_has_key(key);
}

static inline bool draw(const upf_config *config, uint32_t *key)
{
    return config->random(config->random_user, key, sizeof *key);
}

/* Only if has_leeway(): queue a frame, as upf_conn_put_frame() does. */
static upf_status send_with_leeway(upf_conn *conn, upf_opcode opcode,
                                   const void *data, size_t len)
{
    const bool masked = upf_has(conn, UPF_IS_CLIENT);
    uint32_t   key    = 0;

    if (masked && !draw_buffered(conn->config, &key) &&
        !draw(conn->config, &key))
        return UPF_ERR_RANDOM;
    uint8_t *out =
        upf_output_reserve(conn, upf_frame_header_size(len, masked) + len);
    if (out == NULL)
        return UPF_ERR_NO_MEMORY;
    upf_output_note_room(conn, conn->leeway * (size_t)UPF_LEEWAY_PAGE);
    out += upf_frame_header_put(out, UPF_FIN | opcode, masked ? 0x80 : 0, len);
    if (masked) {
        memcpy(out, &key, sizeof key);
        upf_mask_turned(out + sizeof key, data, len, key);
    } else if (len > 0) {
        memcpy(out, data, len);
    }
    return UPF_OK;
}

/* If not fits_block(): queue the message in a way that begins or enlarges a
 * block where that is needed. */
UPF_NOINLINE static upf_status send_outside_block(upf_conn  *conn,
                                                  upf_opcode opcode,
                                                  const void *data, size_t len)
{
    assert(data != NULL || len == 0);
    return has_leeway(conn, len) && is_sendable(conn, opcode, data, len)
               ? send_with_leeway(conn, opcode, data, len)
               : send_copy(conn, opcode, data, len);
}

/*
 * Only if fits_block(): take the room for a frame, and return where to write
 * its header. How long the block is now follows from `len`, the payload's
 * length, and not from where the header ends: that is known later, and the
 * processor needs the block's length for the next message.
 */
static inline uint8_t *extend_block(upf_conn *conn, size_t len, size_t key)
{
    return upf_output_extend_block(
        conn, upf_frame_header_size(len, false) + key + len);
}

/* Only if fits_block(): write a client's frame into the block. */
static inline upf_status put_masked(upf_conn *conn, upf_opcode opcode,
                                    const void *data, size_t len, uint32_t key)
{
    uint8_t *out = extend_block(conn, len, KEY);

    out += upf_frame_header_put(out, UPF_FIN | opcode, 0x80, len);
    memcpy(out, &key, KEY);
    out += KEY;
    if (len >= 8 && len <= 16)
        upf_mask_8_to_16(out, data, len, key, false);
    else
        upf_kernels()->mask(out, data, len, key);
    return UPF_OK;
}

UPF_NOINLINE static upf_status draw_and_put(upf_conn *conn, upf_opcode opcode,
                                            const void *data, size_t len)
{
    uint32_t key;

    return draw(conn->config, &key)
               ? put_masked(conn, opcode, data, len, key)
               : UPF_ERR_RANDOM;
}

UPF_NOINLINE static upf_status send_masked(upf_conn *conn, upf_opcode opcode,
                                           const void *data, size_t len)
{
    uint32_t key;

    return draw_buffered(conn->config, &key)
               ? put_masked(conn, opcode, data, len, key)
               : draw_and_put(conn, opcode, data, len);
}

/* Whether a frame with `len` bytes fits into the block that waits already. */
static inline bool fits_block(const upf_conn *conn, size_t len)
{
    return len <= UINT16_MAX &&
           conn->out.len + HEADER_MAX + KEY + len <= conn->block_limit;
}

UPF_NOINLINE static upf_status copy_payload(uint8_t *out, const void *data,
                                            size_t len)
{
    if (len > 0)
        memcpy(out, data, len);
    return UPF_OK;
}

/* Only if fits_block(): write a frame into the block. */
static inline upf_status send_in_block(upf_conn *conn, upf_opcode opcode,
                                       const void *data, size_t len)
{
    if (upf_has(conn, UPF_IS_CLIENT))
        return send_masked(conn, opcode, data, len);
    uint8_t *out = extend_block(conn, len, 0);
    out += upf_frame_header_put(out, UPF_FIN | opcode, 0, len);
    if (!upf_is_short(len))
        return copy_payload(out, data, len);
    upf_move_short(out, data, len);
    return UPF_OK;
}

UPF_NOINLINE static upf_status send_text(upf_conn *conn, upf_opcode opcode,
                                         const void *data, size_t len)
{
    return fits_block(conn, len) && is_sendable(conn, opcode, data, len)
               ? send_in_block(conn, opcode, data, len)
               : send_outside_block(conn, opcode, data, len);
}

upf_status upf_send(upf_conn *conn, upf_opcode opcode, const void *data,
                    size_t len)
{
    if (UPF_SMALL)
        return send_copy(conn, opcode, data, len);
    if (opcode != UPF_OP_BINARY)
        return send_text(conn, opcode, data, len);
    return fits_block(conn, len) ? send_in_block(conn, opcode, data, len)
                                 : send_outside_block(conn, opcode, data, len);
}

UPF_NOINLINE static upf_status send_in_place(upf_conn *conn, upf_opcode opcode,
                                             uint8_t *data, size_t len)
{
    if (!has_leeway(conn, len) || len == 0 ||
        !is_sendable(conn, opcode, data, len) ||
        upf_has(conn, UPF_IS_CLIENT | UPF_EVENT_IS_OURS))
        return len == 0 || upf_has(conn, UPF_IS_CLIENT)
                   ? upf_send(conn, opcode, data, len)
                   : judge_and_send_in_place(conn, opcode, data, len);

    uint8_t *header = upf_output_in_place(
        conn, upf_frame_header_size(len, false), data, len);
    if (header == NULL)
        return UPF_ERR_NO_MEMORY;
    upf_output_note_room(conn, conn->leeway * (size_t)UPF_LEEWAY_PAGE);
    upf_frame_header_put(header, UPF_FIN | opcode, 0, len);
    return UPF_OK;
}

upf_status upf_send_in_place(upf_conn *conn, upf_opcode opcode, void *data,
                             size_t len)
{
    if (UPF_SMALL)
        return judge_and_send_in_place(conn, opcode, data, len);
    if (len <= UPF_COPY_MAX && fits_block(conn, len)) /* a copy is cheaper */
        return opcode == UPF_OP_BINARY ? send_in_block(conn, opcode, data, len)
                                       : send_text(conn, opcode, data, len);
    if (opcode != UPF_OP_BINARY || !has_leeway(conn, len) ||
        upf_has(conn, UPF_IS_CLIENT | UPF_EVENT_IS_OURS))
        return send_in_place(conn, opcode, data, len);
    if (conn->out_kind == UPF_SLOT_BORROWED &&
        upf_is_short(len) &&
        upf_output_follows(conn, HEADER, data, len)) {
        uint8_t *out = upf_output_move_up(conn, HEADER, data, len);
        out[0] = UPF_FIN | UPF_OP_BINARY;
        out[1] = (uint8_t)len;
        return UPF_OK;
    }
    if (len <= UPF_COPY_MAX || !upf_output_has_slot(conn))
        return send_in_place(conn, opcode, data, len);

    const size_t header_len = len <= UINT16_MAX ? 4 : 10;
    uint8_t     *header     = (uint8_t *)data - header_len;
    const struct upf_slot slot = {header, header_len + len,
                                  {.taken = header + header_len + len}};
    upf_output_push(conn, UPF_SLOT_BORROWED, &slot);
    upf_frame_header_put(header, UPF_FIN | UPF_OP_BINARY, 0, len);
    return UPF_OK;
}
