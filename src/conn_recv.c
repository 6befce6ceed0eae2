/* SPDX-License-Identifier: MIT */
/* conn_recv.c - bytes in, events out. */

#include <assert.h>
#include <string.h>

#include "bytes.h"
#include "close.h"
#include "conn_assembly.h"
#include "conn_recv.h"
#include "ext.h"
#include "message.h"
#include "output.h"

/* ---- A frame's header --------------------------------------------------- */

/*
 * Judge as much of a header as is here. An error is found at the byte that
 * makes it, so the verdict does not depend on how the stream was cut.
 */
static upf_status judge_header(const upf_conn *conn, const uint8_t *in,
                               size_t in_len, upf_frame_header *header,
                               size_t *header_len)
{
    const struct upf_message *message = &conn->in.open.message;
    const upf_status status =
        upf_frame_header_parse(in, in_len, header, header_len);

    assert(in_len > 0);
    if (status == UPF_ERR_OPCODE)
        return status;
    const upf_opcode opcode = (upf_opcode)(in[0] & 0x0F);
    const unsigned   rsv    = (in[0] >> 4) & 0x07;

    /* An extension claims its bit on the first frame of a message (RFC 7692,
     * section 6.1); every other set bit fails (RFC 6455, section 5.2). */
    const bool first = opcode == UPF_OP_TEXT || opcode == UPF_OP_BINARY;
    if (rsv != 0 && !(first && conn->ext && rsv == conn->config->ext->rsv))
        return UPF_ERR_RSV;
    if (!upf_frame_is_control(opcode)) {
        const upf_status order = upf_message_judge_order(message, opcode);
        if (order != UPF_OK)
            return order;
    }
    if (status == UPF_ERR_CONTROL || in_len < 2)
        return status;

    /* A client masks, a server does not (section 5.1). */
    const bool masked = (in[1] & 0x80) != 0;
    if (masked == upf_has(conn, UPF_IS_CLIENT) &&
        (masked || !conn->config->allow_unmasked))
        return UPF_ERR_MASK;
    return status;
}

static upf_status begin_payload(upf_conn *conn, const upf_frame_header *header,
                                bool is_split)
{
    union upf_frame_in *frame = &conn->in.open.frame;

    if (conn->config->trace)
        conn->config->trace(conn->config->trace_user, conn, false, header);
    if (!upf_frame_is_control(header->opcode)) {
        const upf_status status =
            upf_message_take_frame(&conn->in.open.message, conn->config,
                                   header, header->rsv != 0);
        if (status != UPF_OK)
            return status;
    }
    frame->payload.left        = header->payload_len;
    frame->payload.key         = upf_mask_key_at(header->mask_key, 0);
    frame->payload.opcode      = (uint8_t)header->opcode;
    frame->payload.flags       = (uint8_t)((header->fin ? FRAME_FIN : 0) |
                                           (is_split ? HEADER_ELSEWHERE : 0));
    frame->payload.control_len = 0;
    frame->payload.phase       = PHASE_PAYLOAD;
    return UPF_OK;
}

/* Read a header, or a part of it. Returns UPF_OK if the payload begins,
 * UPF_NEED_MORE if the input is used up, or an error. */
static upf_status read_header(upf_conn *conn, upf_input *input)
{
    union upf_frame_in *frame = &conn->in.open.frame;
    upf_frame_header    header;
    size_t     header_len = 0;
    upf_status status = UPF_NEED_MORE;

    if (frame->header.len == 0) {
        status = judge_header(conn, input->data, input->len, &header,
                              &header_len);
        if (status == UPF_OK)
            upf_conn_take(conn, input, header_len);
    }
    while (status == UPF_NEED_MORE && input->len > 0) {
        frame->header.bytes[frame->header.len++] = input->data[0];
        upf_conn_take(conn, input, 1);
        status = judge_header(conn, frame->header.bytes, frame->header.len,
                              &header, &header_len);
        if (status < 0) /* the frame as a whole is at fault */
            upf_conn_blame(conn, conn->offset - frame->header.len);
    }
    if (status != UPF_OK)
        return status;
    const uint64_t start = conn->offset - header_len;
    status = begin_payload(conn, &header, frame->header.len > 0);
    if (status != UPF_OK)
        upf_conn_blame(conn, start);
    return status;
}

/* ---- Control frames (section 5.5) --------------------------------------- */

static upf_status receive_close(upf_conn *conn, upf_event *event,
                                uint8_t *payload, size_t len)
{
    int code;
    const upf_status status = upf_close_parse(payload, len, &code);

    if (status != UPF_OK)
        return status;
    upf_set(conn, UPF_CLOSE_RECEIVED);
    if (!upf_has(conn, UPF_CLOSE_SENT)) {
        const upf_status sent = upf_conn_send_close(
            conn, code == UPF_CLOSE_NO_STATUS ? 0 : code, NULL, 0);
        if (sent != UPF_OK)
            upf_conn_set_outcome(conn, sent);
    }
    upf_conn_deliver_close(conn, event);
    event->close.code  = code;
    event->close.clean = upf_has(conn, UPF_CLOSE_SENT);
    if (len > 2) {
        event->data = payload + 2;
        event->len  = len - 2;
    }
    return UPF_OK;
}

static upf_status receive_control(upf_conn *conn, upf_event *event,
                                  uint8_t *payload, size_t len)
{
    const uint8_t opcode = conn->in.open.frame.payload.opcode;

    end_frame(conn);
    if (opcode == UPF_OP_CLOSE)
        return receive_close(conn, event, payload, len);
    if (opcode == UPF_OP_PING) {
        upf_output_begin_replies(conn);
        const upf_status status = upf_conn_send_pong(conn, payload, len);
        if (status != UPF_OK)
            return status;
    }
    event->type = opcode == UPF_OP_PING ? UPF_EVENT_PING : UPF_EVENT_PONG;
    event->data = payload;
    event->len  = len;
    return UPF_OK;
}

static upf_status read_control(upf_conn *conn, upf_input *input,
                               upf_event *event)
{
    union upf_frame_in   *frame = &conn->in.open.frame;
    const struct upf_buf *block = &conn->assembly;
    const size_t  len     = upf_lesser(frame->payload.left, input->len);
    const uint8_t already = frame->payload.control_len;
    uint8_t      *payload = input->data;

    /* The pieces of a control frame are put together in the block, after the
     * message that the frame interrupts. */
    if (already > 0 || len < frame->payload.left) {
        const size_t kept = block->len + already;
        if (!upf_assembly_grow(conn, kept, kept + len,
                               kept + frame->payload.left))
            return UPF_ERR_NO_MEMORY;
        payload = block->data + block->len + already;
        frame->payload.control_len = (uint8_t)(already + len);
    }
    unmask(conn, payload, input->data, len);
    const uint64_t start = conn->offset - already;
    upf_conn_take(conn, input, len);
    if (frame->payload.left > 0)
        return UPF_NEED_MORE;
    if (block->data != NULL)
        upf_set(conn, block->len == 0 ? UPF_EVENT_IN_BLOCK : UPF_EVENT_BEHIND);
    const upf_status status =
        receive_control(conn, event, payload - already, already + len);
    if (status != UPF_OK)
        upf_conn_blame(conn, start);
    return status;
}

/* ---- The open connection ------------------------------------------------ */

upf_status upf_conn_read_frames(upf_conn *conn, upf_input *input,
                                upf_event *event)
{
    union upf_frame_in *frame = &conn->in.open.frame;
    upf_status status = UPF_NEED_MORE;

    while (status == UPF_NEED_MORE && input->len > 0) {
        upf_set(conn, UPF_ACTIVE);
        status = UPF_OK;
        if (frame->header.phase == PHASE_HEADER)
            status = read_header(conn, input);
        else
            frame->payload.flags |= HEADER_ELSEWHERE;
        if (status == UPF_OK && input->len == 0 && frame->payload.left > 0)
            return UPF_NEED_MORE;
        if (status == UPF_OK)
            status = upf_frame_is_control((upf_opcode)frame->payload.opcode)
                         ? read_control(conn, input, event)
                         : upf_conn_read_message(conn, input, event);
    }
    return status;
}
