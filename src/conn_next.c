/* SPDX-License-Identifier: MIT */
/*
 * conn_next.c - the next event: step by step, or on a fast path.
 *
 * Nearly every frame is a whole message in the input, with nothing to remember
 * before or after it. The second half of this file takes such a frame if
 * conn->glance says so and its payload is shorter than conn->glance_limit. It
 * leaves everything else, and all that is wrong, unchanged to the first half.
 */

#include <string.h>

#include "bytes.h"
#include "compiler.h"
#include "conn_assembly.h"
#include "conn_open.h"
#include "conn_recv.h"
#include "kernels/kernels.h"
#include "mask.h"
#include "output.h"
#include "utf8.h"

/* ---- A step ------------------------------------------------------------- */

/* One step of the present state. UPF_NEED_MORE: no event came of it. */
static upf_status step(upf_conn *conn, upf_input *input, upf_event *event)
{
    switch ((enum upf_conn_state)conn->state) {
    case UPF_STATE_REQUEST:
        return upf_conn_read_request(conn, input, event);
    case UPF_STATE_ANSWER:
        return upf_conn_answer(conn);
    case UPF_STATE_RESPONSE:
        return upf_conn_read_response(conn, input, event);
    case UPF_STATE_REFUSAL:
        return upf_conn_read_refusal(conn, input);
    case UPF_STATE_OPENING:
        return upf_conn_open_next(conn, event);
    case UPF_STATE_OPEN:
        return upf_has(conn, UPF_FAILS_NEXT)
                   ? (upf_status)conn->status
                   : upf_conn_read_frames(conn, input, event);
    case UPF_STATE_CLOSING:
        return upf_conn_deliver_close(conn, event);
    case UPF_STATE_DEFERRED:
        return UPF_WANT_ANSWER;
    case UPF_STATE_OVER:
        break;
    }
    return UPF_DONE;
}

/* What the end of the stream means now. */
static upf_status end_of_stream(const upf_conn *conn)
{
    switch ((enum upf_conn_state)conn->state) {
    case UPF_STATE_REQUEST:
        return UPF_ERR_NO_REQUEST;
    case UPF_STATE_DEFERRED:
    case UPF_STATE_RESPONSE:
        return UPF_ERR_NO_RESPONSE;
    default:
        return UPF_ERR_EOF;
    }
}

static upf_status next(upf_conn *conn, upf_input *input, upf_event *event)
{
    for (;;) {
        const uint8_t    state  = conn->state;
        const upf_status status = step(conn, input, event);

        if (status < 0)
            upf_conn_fail(conn, status);
        else if (status != UPF_NEED_MORE && status != UPF_WANT_ANSWER)
            return status;
        if (conn->state != state)
            continue;
        if (!upf_has(conn, UPF_AT_EOF))
            return status == UPF_WANT_ANSWER ? status : UPF_WANT_READ;
        upf_conn_fail(conn, end_of_stream(conn));
    }
}

/* Whether the block is only left over from an earlier message: nothing of the
 * message or control frame that is arriving is in it or will return to it. */
static bool is_block_empty(const upf_conn *conn)
{
    const union upf_frame_in *frame = &conn->in.open.frame;

    return conn->state == UPF_STATE_OPEN && conn->assembly.len == 0 &&
           conn->in.open.message.carry_len == 0 &&
           (frame->payload.phase == PHASE_HEADER ||
            frame->payload.control_len == 0);
}

UPF_NOINLINE static upf_status next_any(upf_conn *conn, upf_input *input,
                                        upf_event *event)
{
    const uint8_t *start = input->data;

    assert(event != NULL && (start != NULL || input->len == 0));
    assert(conn->out.len == 0 || upf_output_is_apart(conn, start, input->len));
    upf_clear(conn, UPF_UNTOLD); /* conn_recv.c tells */
    upf_assembly_end_event(conn);
    const upf_status status = next(conn, input, event);
    if (status != UPF_OK)
        upf_output_end_replies(conn);
    else if (event->type == UPF_EVENT_MESSAGE || event->type == UPF_EVENT_CHUNK)
        upf_output_begin_replies(conn);
    if (status != UPF_OK && conn->assembly.data != NULL &&
        (conn->state == UPF_STATE_OVER || is_block_empty(conn)))
        upf_assembly_free(conn);
    upf_output_note_taken(conn, start, input->data);
    upf_conn_permit(conn);
    return status;
}

/* ---- At one glance ------------------------------------------------------ */

enum {
    FIN_TEXT   = 0x80 | UPF_OP_TEXT,
    FIN_BINARY = 0x80 | UPF_OP_BINARY,
    SHORT      = 2 + KEY_LEN /* a masked header, for up to 125 bytes */
};

/* Take a message from the input, a header of `header` bytes and a payload of
 * `len` bytes, and deliver it. The caller has unmasked the payload, or does so
 * right after this. */
static inline upf_status deliver_whole(upf_conn *conn, upf_input *input,
                                       upf_event *event, uint8_t first,
                                       size_t header, size_t len)
{
    uint8_t *start = input->data;

    event->type   = UPF_EVENT_MESSAGE;
    event->opcode = (upf_opcode)(first & 0x0F);
    event->data   = start + header;
    event->len    = len;
    upf_conn_take(conn, input, header + len);
    /* Mostly these three flags are so already that the calls would change
     * nothing. One test avoids their stores, which cost most on this path. */
    if ((conn->flags & (UPF_ACTIVE | UPF_REPLYING | UPF_EVENT_IN_BLOCK)) !=
        (UPF_ACTIVE | UPF_REPLYING)) {
        upf_assembly_end_event(conn);
        upf_set(conn, UPF_ACTIVE);
        upf_output_begin_replies(conn);
    }
    if (upf_has(conn, UPF_STREAMS)) {
        event->type  = UPF_EVENT_CHUNK;
        event->first = true;
        event->last  = true;
    }
    upf_output_note_taken(conn, start, input->data);
    return UPF_OK;
}

/* The input is used up, or begins with anything but a message in one frame. If
 * it is used up, there is mostly no memory to give back: then the last three
 * statements do all that next_any() would do. */
UPF_NOINLINE static upf_status next_rest(upf_conn *conn, upf_input *input,
                                         upf_event *event)
{
    if (input->len > 0 || conn->out_kind == UPF_SLOT_QUEUE ||
        upf_has(conn, UPF_AT_EOF | UPF_BLOCK_KEPT))
        return next_any(conn, input, event);
    upf_output_end_replies(conn);
    upf_output_note_taken(conn, input->data, input->data);
    return UPF_WANT_READ;
}

UPF_NOINLINE static upf_status next_text(upf_conn *conn, upf_input *input,
                                         upf_event *event, size_t header,
                                         size_t len)
{
    if (upf_kernels()->utf8(input->data + header, len) < len)
        return next_any(conn, input, event);
    return deliver_whole(conn, input, event, FIN_TEXT, header, len);
}

/* To a client: a message of any length. */
UPF_NOINLINE static upf_status next_unmasked_any(upf_conn *conn,
                                                 upf_input *input,
                                                 upf_event *event)
{
    const uint8_t first = input->data[0];
    size_t        header, len;

    if (!measure(conn, input, 0, &header, &len))
        return next_any(conn, input, event);
    return first == FIN_TEXT
               ? next_text(conn, input, event, header, len)
               : deliver_whole(conn, input, event, FIN_BINARY, header, len);
}

/* To a server: a text message of any length. */
UPF_NOINLINE static upf_status next_masked_text(upf_conn  *conn,
                                                upf_input *input,
                                                upf_event *event)
{
    size_t   header, len;
    uint32_t key;

    if (!measure(conn, input, MASKED, &header, &len))
        return next_any(conn, input, event);
    uint8_t *data = input->data + header;
    memcpy(&key, data - KEY_LEN, sizeof key);
    if (upf_kernels()->mask_utf8(data, data, len, key) < len) {
        upf_kernels()->mask(data, data, len, key); /* mask it again */
        return next_any(conn, input, event);
    }
    return deliver_whole(conn, input, event, FIN_TEXT, header, len);
}

/* To a server: a binary message of any length. The event is filled in before
 * the payload is unmasked, so that no value has to be kept across the call of
 * the kernel. */
UPF_NOINLINE static upf_status next_masked_binary(upf_conn *conn,
                                                  upf_input *input,
                                                  upf_event *event)
{
    size_t   header, len;
    uint32_t key;

    if (!measure(conn, input, MASKED, &header, &len))
        return next_any(conn, input, event);
    uint8_t *data = input->data + header;
    memcpy(&key, data - KEY_LEN, sizeof key);
    deliver_whole(conn, input, event, FIN_BINARY, header, len);
    upf_kernels()->mask(data, data, len, key);
    return UPF_OK;
}

static upf_status next_of_any_length(upf_conn *conn, upf_input *input,
                                     upf_event *event)
{
    const bool    masked   = !upf_has(conn, UPF_IS_CLIENT);
    const size_t  shortest = masked ? SHORT : 2;
    const uint8_t first    = input->len < shortest ? 0 : input->data[0];

    if (first != FIN_BINARY && first != FIN_TEXT)
        return next_rest(conn, input, event);
    if (!masked)
        return next_unmasked_any(conn, input, event);
    return first == FIN_TEXT ? next_masked_text(conn, input, event)
                             : next_masked_binary(conn, input, event);
}

/*
 * If `glance` is NONE, leave the frame to next_any(). If it is TRACED, take a
 * frame, and then tell the trace hook of it, unless the frame went through
 * next_any() after all.
 */
UPF_NOINLINE static upf_status next_watched(upf_conn *conn, upf_input *input,
                                            upf_event *event)
{
    const uint8_t   *start = input->data;
    upf_frame_header header;
    size_t           len;

    /* This test comes before any look at the input: if the connection is over,
     * the input may have lain in a block that was freed (upf_conn_room()). */
    if (conn->glance == UPF_GLANCE_NONE)
        return next_any(conn, input, event);
    upf_set(conn, UPF_UNTOLD);
    const upf_status status = next_of_any_length(conn, input, event);
    if (!upf_has(conn, UPF_UNTOLD))
        return status;
    upf_clear(conn, UPF_UNTOLD);
    if (status == UPF_OK) {
        upf_frame_header_parse(start, (size_t)((uint8_t *)event->data - start),
                               &header, &len);
        conn->config->trace(conn->config->trace_user, conn, false, &header);
    }
    return status;
}

/* To a client, whose input is not masked. The rarer cases, in which no frame
 * may be taken or a trace hook watches, pass through here, too. */
static inline upf_status next_unmasked(upf_conn *conn, upf_input *input,
                                       upf_event *event)
{
    enum { HEADER = 2 };
    const uint8_t *in = input->data;

    if (conn->glance != UPF_GLANCE_UNMASKED)
        return next_watched(conn, input, event);
    if (input->len < HEADER || (in[0] != FIN_BINARY && in[0] != FIN_TEXT))
        return next_rest(conn, input, event);
    const uint32_t len = in[1]; /* over 127 with a mask */
    if (len > 125 || len >= conn->glance_limit || len > input->len - HEADER)
        return next_unmasked_any(conn, input, event);
    if (in[0] == FIN_BINARY || upf_is_short_ascii(in + HEADER, len))
        return deliver_whole(conn, input, event, in[0], HEADER, len);
    return next_text(conn, input, event, HEADER, len);
}

/* Whether a frame to a server is whole in the input, with a payload of 0 or of
 * 8 to 16 bytes. *len is that number. At least SHORT bytes must be there. */
static inline bool is_short(const upf_conn *conn, const upf_input *input,
                            uint32_t *len)
{
    enum { WORD = 8 };

    *len = (uint32_t)input->data[1] - MASKED; /* without a mask, immense */
    return (*len - WORD <= WORD || *len == 0) && *len < conn->glance_limit &&
           *len <= input->len - SHORT;
}

/* To a server: take a message if is_short() and it is ASCII text. */
static bool take_short_text(upf_conn *conn, upf_input *input, upf_event *event)
{
    uint8_t *data = input->data + SHORT;
    uint32_t len, key;

    if (!is_short(conn, input, &len))
        return false;
    memcpy(&key, data - KEY_LEN, sizeof key);
    if (len > 0 && !upf_mask_8_to_16(data, data, len, key, true))
        return false;
    deliver_whole(conn, input, event, FIN_TEXT, SHORT, len);
    return true;
}

UPF_NOINLINE static upf_status next_other(upf_conn *conn, upf_input *input,
                                          upf_event *event)
{
    if (input->len < SHORT || input->data[0] != FIN_TEXT)
        return next_rest(conn, input, event);
    return take_short_text(conn, input, event)
               ? UPF_OK : next_masked_text(conn, input, event);
}

/* Short binary messages to a server are taken without a call, so that no
 * register has to be saved. */
upf_status upf_conn_next(upf_conn *conn, upf_input *input, upf_event *event)
{
    uint32_t len;

    if (UPF_SMALL)
        return next_any(conn, input, event);
    if (conn->glance != UPF_GLANCE_MASKED)
        return next_unmasked(conn, input, event);
    if (input->len < SHORT || input->data[0] != FIN_BINARY)
        return next_other(conn, input, event);
    if (!is_short(conn, input, &len))
        return next_masked_binary(conn, input, event);

    /* The event is filled in before the payload is written. The compiler
     * cannot know that the payload lies in none of the structs: in the other
     * order, it would read their fields again. */
    uint8_t *data = input->data + SHORT;
    deliver_whole(conn, input, event, FIN_BINARY, SHORT, len);
    if (len > 0) {
        uint32_t key;

        memcpy(&key, data - KEY_LEN, sizeof key);
        upf_mask_8_to_16(data, data, len, key, false);
    }
    return UPF_OK;
}
