/* SPDX-License-Identifier: MIT */
/* conn_message.c - a message's payload in. */

#include <assert.h>
#include <string.h>

#include "buf.h"
#include "bytes.h"
#include "compiler.h"
#include "conn_assembly.h"
#include "conn_recv.h"
#include "message.h"

/* A read of less than this is not worth a system call of its own. */
enum { ROOM_MIN = 2048 };

/* ---- Memory ------------------------------------------------------------- */

/* How many bytes the present message may have in the end: the length that its
 * frames have declared if this frame is the last, otherwise max_message. */
static uint64_t most_of_message(const upf_conn *conn)
{
    return is_fin(&conn->in.open.frame) ? conn->in.open.message.len
                                        : conn->config->max_message;
}

uint8_t *upf_conn_room(upf_conn *conn, size_t *len)
{
    const union upf_frame_in *frame   = &conn->in.open.frame;
    const struct upf_buf     *message = &conn->assembly;

    if (conn->state != UPF_STATE_OPEN || upf_has(conn, UPF_EVENT_IN_BLOCK) ||
        frame->payload.phase != PHASE_PAYLOAD ||
        upf_frame_is_control((upf_opcode)frame->payload.opcode) ||
        conn->config->stream || frame->payload.left < ROOM_MIN ||
        upf_message_is_encoded(&conn->in.open.message))
        return NULL;

    const size_t kept = message->len;
    if (!upf_assembly_reserve(conn, kept, kept + ROOM_MIN, kept,
                              most_of_message(conn)))
        return NULL;
    const size_t room = upf_buf_capacity(message) - message->len;
    *len = upf_lesser(frame->payload.left, room);
    return message->data + message->len;
}

/* ---- Payload ------------------------------------------------------------ */

/* Unmask the next `len` bytes of the payload from src to dst, and check their
 * UTF-8; on failure conn->offset is at the byte at fault. */
static upf_status unmask_message(upf_conn *conn, uint8_t *dst,
                                 const uint8_t *src, size_t len, bool end)
{
    const uint32_t key = turn_key(&conn->in.open.frame, len);
    size_t bad = 0;
    const upf_status status = upf_message_unmask(
        &conn->in.open.message, dst, src, len, key, end, &bad);

    if (status != UPF_OK)
        upf_conn_blame(conn, conn->offset + bad);
    return status;
}

/* `len` bytes of the payload were unmasked: take them off the input, and end
 * the frame if they were its last. */
static void take_payload(upf_conn *conn, upf_input *input, size_t len)
{
    upf_conn_take(conn, input, len);
    if (conn->in.open.frame.payload.left == 0)
        end_frame(conn);
}

static upf_status deliver(upf_conn *conn, upf_event *event, uint8_t *data,
                          size_t len)
{
    event->type   = UPF_EVENT_MESSAGE;
    event->opcode = (upf_opcode)conn->in.open.message.opcode;
    event->data   = data;
    event->len    = len;
    upf_message_end(&conn->in.open.message);
    if (data == conn->assembly.data)
        upf_set(conn, UPF_EVENT_IN_BLOCK);
    return UPF_OK;
}

/* Whether the input was read into what upf_conn_room() gave. */
static bool is_room(const struct upf_buf *message, const uint8_t *data,
                    size_t len)
{
    return message->data != NULL && data == message->data + message->len &&
           len <= upf_buf_capacity(message) - message->len;
}

/*
 * Fragments mostly come many at a time. Those that lie whole in the input are
 * appended here one after the other. The first that ends the message, is wrong
 * or needs more memory is left in the input, for conn_recv.c to read and judge.
 */
static void take_fragments(upf_conn *conn, upf_input *input)
{
    const upf_config     *config  = conn->config;
    struct upf_message   *message = &conn->in.open.message;
    const struct upf_buf *block   = &conn->assembly;
    const unsigned mask     = upf_has(conn, UPF_IS_CLIENT) ? 0 : MASKED;
    const size_t   shortest = mask != 0 ? 2 + KEY_LEN : 2;
    const size_t   capacity = upf_buf_capacity(block);
    size_t         header, len;

    while (input->len >= shortest && input->data[0] == UPF_OP_CONTINUATION &&
           measure(conn, input, mask, &header, &len) &&
           len <= capacity - block->len &&
           len <= config->max_message - message->len &&
           message->fragments < config->max_fragments) {
        const uint8_t *data = input->data + header;
        uint32_t       key  = 0;

        if (mask != 0)
            memcpy(&key, data - KEY_LEN, sizeof key);
        if (!upf_message_take_fragment(message, block->data + block->len, data,
                                       len, key))
            return;
        upf_assembly_add(conn, len);
        upf_conn_take(conn, input, header + len);
    }
}

/* Take a piece of a message. A message that lies whole in the input is
 * delivered in place; the pieces of any other are put together in the
 * assembly. */
static upf_status read_whole(upf_conn *conn, upf_input *input, upf_event *event)
{
    const union upf_frame_in *frame   = &conn->in.open.frame;
    const struct upf_buf     *message = &conn->assembly;
    const size_t   len  = upf_lesser(frame->payload.left, input->len);
    const uint64_t left = frame->payload.left - len;
    const bool     end  = is_fin(frame) && left == 0;
    uint8_t       *data = input->data;

    /* A whole message is delivered where it lies in the input. But a reply in
     * place needs room in front of it. If the frame's header is not there, the
     * message is copied to the assembly, which has that room. */
    const bool in_place = end && message->len == 0 &&
                          !(frame->payload.flags & HEADER_ELSEWHERE);
    if (!in_place) {
        if (!is_room(message, data, len)) {
            if (!upf_assembly_grow(conn, message->len, message->len + len,
                                   most_of_message(conn)))
                return UPF_ERR_NO_MEMORY;
            data = message->data ? message->data + message->len : NULL;
        }
        upf_assembly_add(conn, len);
    }
    const upf_status status =
        unmask_message(conn, data, input->data, len, end);
    if (status != UPF_OK)
        return status;
    take_payload(conn, input, len);
    if (!end) {
        if (message->data != NULL && !UPF_SMALL &&
            conn->config->trace == NULL)
            take_fragments(conn, input);
        return UPF_NEED_MORE;
    }
    return in_place ? deliver(conn, event, data, len)
                    : deliver(conn, event, message->data, message->len);
}

static upf_status deliver_chunk(upf_conn *conn, upf_event *event,
                                uint8_t *data, size_t len, bool last)
{
    struct upf_message *message = &conn->in.open.message;

    event->type   = UPF_EVENT_CHUNK;
    event->opcode = (upf_opcode)message->opcode;
    event->first  = upf_message_is_first_chunk(message);
    event->last   = last;
    event->data   = data;
    event->len    = len;
    if (last)
        upf_message_end(message);
    if (conn->assembly.data != NULL)
        upf_set(conn, UPF_EVENT_IN_BLOCK);
    return UPF_OK;
}

/*
 * A streamed message turned out to be wrong, at conn->offset: what came before
 * that, data[0, len), is delivered, and the connection fails after it.
 */
static upf_status deliver_good(upf_conn *conn, upf_event *event,
                               uint8_t *data, size_t len, upf_status status)
{
    const size_t whole = upf_message_cut(&conn->in.open.message, data, len);

    if (whole == 0)
        return status;
    upf_conn_fail_next(conn, status);
    return deliver_chunk(conn, event, data, whole, false);
}

/*
 * Streaming: deliver what the input has of the payload as a chunk, in place. A
 * code point that is cut at the end of the chunk is kept, and is delivered by
 * itself when it is whole. If the text has an error, the sound text before the
 * error is delivered first.
 */
static upf_status read_chunk(upf_conn *conn, upf_input *input, upf_event *event)
{
    const union upf_frame_in *frame   = &conn->in.open.frame;
    struct upf_message       *message = &conn->in.open.message;
    const size_t carry = upf_message_carry_wants(message);
    uint8_t     *data  = input->data;
    size_t       len   = upf_lesser(frame->payload.left, input->len);

    if (carry > 0 && len > carry)
        len = carry; /* the rest of the code point that was cut, alone */
    const bool     end   = is_fin(frame) && frame->payload.left == len;
    const uint64_t start = conn->offset;
    const upf_status status = unmask_message(conn, data, data, len, end);
    if (status != UPF_OK)
        return carry > 0 ? status
                         : deliver_good(conn, event, data,
                                        (size_t)(conn->offset - start),
                                        status);
    take_payload(conn, input, len);

    if (carry > 0) {
        upf_message_carry(message, data, len);
        if (len < carry)
            return UPF_NEED_MORE;
        data = upf_message_end_carry(message, &len);
    } else {
        len = upf_message_cut(message, data, len);
    }
    if (len == 0 && !end)
        return UPF_NEED_MORE;
    return deliver_chunk(conn, event, data, len, end);
}

/* Count what was decoded after the first `old` bytes of the block, and check
 * it. *good becomes the number of bytes of the block that are sound. */
static upf_status take_decoded(struct upf_message   *message,
                               const struct upf_buf *block, size_t old,
                               bool end, size_t *good)
{
    const size_t len  = block->len - old;
    uint8_t     *data = len > 0 ? block->data + old : NULL;
    size_t       bad  = len;
    const upf_status status =
        upf_message_take_decoded(message, data, len, end, &bad);

    *good = old + bad;
    return status;
}

/* Decode a piece of an encoded message into the assembly. Deliver the message
 * when it is complete or, when streaming, what was decoded as a chunk. */
static upf_status read_encoded(upf_conn *conn, upf_input *input,
                               upf_event *event)
{
    const upf_config         *config  = conn->config;
    const union upf_frame_in *frame   = &conn->in.open.frame;
    struct upf_message       *message = &conn->in.open.message;
    const struct upf_buf     *block   = &conn->assembly;
    const size_t len = upf_lesser(frame->payload.left, input->len);

    /* The code point that was cut comes first. It was kept outside the block,
     * because a Ping may have used the block since. */
    if (message->carry_len > 0) {
        size_t         cut;
        const uint8_t *start = upf_message_end_carry(message, &cut);
        if (!upf_assembly_hold(conn, start, cut))
            return UPF_ERR_NO_MEMORY;
    }
    unmask(conn, input->data, input->data, len);
    const bool   end = is_fin(frame) && frame->payload.left == 0;
    const size_t old = block->len;
    size_t       good;
    upf_status status =
        upf_assembly_decode(conn, input->data, len, end,
                            config->max_message - message->len + old);
    const upf_status text = take_decoded(message, block, old,
                                         end && status == UPF_OK, &good);
    if (text != UPF_OK)
        status = text;
    if (status != UPF_OK) {
        /* the start of the payload */
        upf_conn_blame(conn, conn->offset - message->taken);
        return config->stream
                   ? deliver_good(conn, event, block->data, good, status)
                   : status;
    }
    upf_message_note_taken(message, len);
    take_payload(conn, input, len);

    if (!config->stream)
        return end ? deliver(conn, event, block->data, block->len)
                   : UPF_NEED_MORE;
    const size_t whole = upf_message_cut(message, block->data, block->len);
    if (whole == 0 && !end) {
        upf_assembly_cut(conn, 0);
        return UPF_NEED_MORE;
    }
    return deliver_chunk(conn, event, block->data, whole, end);
}

upf_status upf_conn_read_message(upf_conn *conn, upf_input *input,
                                 upf_event *event)
{
    if (upf_message_is_encoded(&conn->in.open.message))
        return read_encoded(conn, input, event);
    if (conn->config->stream)
        return read_chunk(conn, input, event);
    return read_whole(conn, input, event);
}
