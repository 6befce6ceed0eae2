/* SPDX-License-Identifier: MIT */
/* conn_recv.c - bytes in, events out. */

#include <assert.h>
#include <string.h>

#include "buf.h"
#include "close.h"
#include "conn_impl.h"
#include "ext.h"
#include "mask.h"
#include "message.h"
#include "output.h"

enum phase { PHASE_HEADER = 0, PHASE_PAYLOAD };

enum frame_flag {
    IS_LAST      = 1, /* fin */
    HEADER_APART = 2  /* it is not in front of the payload in the input */
};

/* What the memory for a message may exceed the bytes received by. */
enum { AHEAD_MAX = 4096 };

/* How much is to come, if other frames may add to it. */
#define UNDECLARED UINT64_MAX

/* A read of less than this is not worth a system call of its own. */
enum { ROOM_MIN = 2048 };

static size_t lesser(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

static bool is_control(upf_opcode opcode) { return (opcode & 0x8) != 0; }

static bool is_last(const union upf_frame_in *frame)
{
    return (frame->payload.flags & IS_LAST) != 0;
}

/* ---- Memory ------------------------------------------------------------- */

/*
 * How much more than `len` to ask for, when so many bytes of an assembly are
 * needed and `more` are declared to follow: at most 4 KiB. A peer that has sent
 * a larger message before is trusted, once payload comes, to send one of that
 * size again: then the cost of moving stays linear. What fragments will come to
 * is not declared; for them the steps double.
 */
static size_t ahead(const upf_conn *conn, size_t len, uint64_t more)
{
    const uint64_t trusted = (uint64_t)1 << conn->trusted;
    size_t         size    = AHEAD_MAX - UPF_BUF_OVERHEAD;
    size_t         known   = 0;

    if (len > 0 && trusted > len)
        known = lesser(trusted - len, more == UNDECLARED ? len : SIZE_MAX);
    size = lesser(more, known > size ? known : size);
    return size > SIZE_MAX - len ? 0 : size;
}

static void trust(upf_conn *conn, size_t message_len)
{
    while (message_len >> 1 >> conn->trusted > 0)
        conn->trusted++;
}

bool upf_conn_grow(upf_conn *conn, size_t len, uint64_t more)
{
    return len <= upf_buf_capacity(&conn->assembly) ||
           upf_buf_reserve(&conn->assembly, conn->config,
                           len + ahead(conn, len, more));
}

/* Fragments behind this frame may still add to the message. */
static uint64_t more_than_this_frame(const upf_conn *conn, uint64_t left)
{
    return is_last(&conn->in.open.frame) ? left : UNDECLARED;
}

uint8_t *upf_conn_room(upf_conn *conn, size_t *len)
{
    const union upf_frame_in *frame   = &conn->in.open.frame;
    struct upf_buf           *message = &conn->assembly;

    if (conn->state != UPF_STATE_OPEN || upf_has(conn, UPF_EVENT_IN_BLOCK) ||
        frame->payload.phase != PHASE_PAYLOAD ||
        is_control((upf_opcode)frame->payload.opcode) ||
        conn->config->stream || frame->payload.left < ROOM_MIN ||
        upf_message_is_encoded(&conn->in.open.message))
        return NULL;

    const uint64_t more = more_than_this_frame(conn, frame->payload.left);
    if (upf_buf_capacity(message) - message->len < ROOM_MIN &&
        !upf_buf_reserve(message, conn->config,
                         message->len + ahead(conn, message->len, more)))
        return NULL;
    const size_t room = upf_buf_capacity(message) - message->len;
    *len = lesser(frame->payload.left, room);
    return message->data + message->len;
}

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
    if (!is_control(opcode)) {
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
    if (!is_control(header->opcode)) {
        const upf_status status =
            upf_message_take_frame(&conn->in.open.message, conn->config,
                                   header, header->rsv != 0);
        if (status != UPF_OK)
            return status;
    }
    frame->payload.left        = header->payload_len;
    frame->payload.key         = upf_mask_key_at(header->mask_key, 0);
    frame->payload.opcode      = (uint8_t)header->opcode;
    frame->payload.flags       = (uint8_t)((header->fin ? IS_LAST : 0) |
                                           (is_split ? HEADER_APART : 0));
    frame->payload.control_len = 0;
    frame->payload.phase       = PHASE_PAYLOAD;
    return UPF_OK;
}

/* UPF_OK: the payload begins; UPF_NEED_MORE: the input is used up. */
static upf_status read_header(upf_conn *conn, upf_input *input)
{
    union upf_frame_in *frame = &conn->in.open.frame;
    upf_frame_header    header;
    size_t     header_len;
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
            conn->offset -= frame->header.len;
    }
    if (status != UPF_OK)
        return status;
    const uint64_t start = conn->offset - header_len;
    status = begin_payload(conn, &header, frame->header.len > 0);
    if (status != UPF_OK)
        conn->offset = start;
    return status;
}

/* The payload is complete: a header comes next. */
static void end_frame(upf_conn *conn)
{
    conn->in.open.frame.header.len   = 0;
    conn->in.open.frame.header.phase = PHASE_HEADER;
}

/* ---- A frame's payload -------------------------------------------------- */

/* The next `len` bytes of the payload are taken. Returns their masking key. */
static uint32_t turn_key(union upf_frame_in *frame, size_t len)
{
    const uint32_t key = frame->payload.key;
    uint8_t bytes[4];

    memcpy(bytes, &key, sizeof key);
    frame->payload.key   = upf_mask_key_at(bytes, len);
    frame->payload.left -= len;
    return key;
}

/* Unmask the next `len` bytes of the payload from src to dst. */
static void unmask(upf_conn *conn, uint8_t *dst, const uint8_t *src, size_t len)
{
    upf_mask_turned(dst, src, len, turn_key(&conn->in.open.frame, len));
}

/* The same for a message, whose UTF-8 is checked as it arrives; on failure
 * conn->offset is at the byte at fault. */
static upf_status unmask_message(upf_conn *conn, uint8_t *dst,
                                 const uint8_t *src, size_t len, bool end)
{
    const uint32_t key = turn_key(&conn->in.open.frame, len);
    size_t bad = 0;
    const upf_status status = upf_message_unmask(
        &conn->in.open.message, dst, src, len, key, end, &bad);

    if (status != UPF_OK)
        conn->offset += bad;
    return status;
}

static upf_status deliver(upf_conn *conn, upf_event *event, uint8_t *data,
                          size_t len)
{
    event->type   = UPF_EVENT_MESSAGE;
    event->opcode = (upf_opcode)conn->in.open.message.opcode;
    event->data   = data;
    event->len    = len;
    upf_message_end(&conn->in.open.message);
    return UPF_OK;
}

/* Likewise, the message that was put together. */
static upf_status deliver_assembly(upf_conn *conn, upf_event *event)
{
    upf_set(conn, UPF_EVENT_IN_BLOCK);
    trust(conn, conn->assembly.len);
    return deliver(conn, event, conn->assembly.data, conn->assembly.len);
}

/* Whether the input was read into what upf_conn_room() gave. */
static bool is_room(const struct upf_buf *message, const uint8_t *data,
                    size_t len)
{
    return message->data != NULL && data == message->data + message->len &&
           len <= upf_buf_capacity(message) - message->len;
}

/* A message that lies whole in the input, or a piece for the assembly. */
static upf_status read_whole(upf_conn *conn, upf_input *input, upf_event *event)
{
    union upf_frame_in *frame   = &conn->in.open.frame;
    struct upf_buf     *message = &conn->assembly;
    const size_t   len  = lesser(frame->payload.left, input->len);
    const uint64_t left = frame->payload.left - len;
    const bool     end  = is_last(frame) && left == 0;
    uint8_t       *data = input->data;

    /* Where it lies, unless a reply in place had no room for its header. */
    const bool in_place = end && message->len == 0 &&
                          !(frame->payload.flags & HEADER_APART);
    if (!in_place) {
        if (!is_room(message, data, len)) {
            if (!upf_conn_grow(conn, message->len + len,
                               more_than_this_frame(conn, left)))
                return UPF_ERR_NO_MEMORY;
            data = message->data ? message->data + message->len : NULL;
        }
        message->len += len;
    }
    const upf_status status =
        unmask_message(conn, data, input->data, len, end);
    if (status != UPF_OK)
        return status;
    upf_conn_take(conn, input, len);
    if (left == 0)
        end_frame(conn);
    if (!end)
        return UPF_NEED_MORE;
    return in_place ? deliver(conn, event, data, len)
                    : deliver_assembly(conn, event);
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
 * that, data[0, len), is delivered, and the connection fails behind it.
 */
static upf_status deliver_good(upf_conn *conn, upf_event *event,
                               uint8_t *data, size_t len, upf_status status)
{
    const size_t whole = upf_message_cut(&conn->in.open.message, data, len);

    if (whole == 0)
        return status;
    conn->status = (int8_t)status;
    upf_set(conn, UPF_FAILS_NEXT);
    return deliver_chunk(conn, event, data, whole, false);
}

/* Streaming: what is here of the payload, where it lies. */
static upf_status read_chunk(upf_conn *conn, upf_input *input, upf_event *event)
{
    union upf_frame_in *frame   = &conn->in.open.frame;
    struct upf_message *message = &conn->in.open.message;
    const size_t carry = upf_message_carry_wants(message);
    uint8_t     *data  = input->data;
    size_t       len   = lesser(frame->payload.left, input->len);

    if (carry > 0 && len > carry)
        len = carry; /* first the code point that was cut, by itself */
    const bool     end   = is_last(frame) && frame->payload.left == len;
    const uint64_t start = conn->offset;
    const upf_status status = unmask_message(conn, data, data, len, end);
    if (status != UPF_OK)
        return carry > 0 ? status
                         : deliver_good(conn, event, data,
                                        (size_t)(conn->offset - start),
                                        status);
    upf_conn_take(conn, input, len);
    if (frame->payload.left == 0)
        end_frame(conn);

    if (carry > 0) {
        upf_message_carry(message, data, len);
        if (len < carry)
            return UPF_NEED_MORE;
        data = message->carry;
        len  = message->carry_len;
        message->carry_len = 0;
    } else {
        len = upf_message_cut(message, data, len);
    }
    if (len == 0 && !end)
        return UPF_NEED_MORE;
    return deliver_chunk(conn, event, data, len, end);
}

/* Check what was decoded behind the first `old` bytes; *good are good. */
static upf_status check_decoded(struct upf_message   *message,
                                const struct upf_buf *block, size_t old,
                                bool end, size_t *good)
{
    const size_t len = block->len - old;
    size_t       bad = len;

    message->len += len;
    const upf_status status = upf_message_check(
        message, len > 0 ? block->data + old : NULL, len, end, &bad);
    *good = old + bad;
    return status;
}

/* A piece of an encoded message, decoded into the assembly. */
static upf_status read_encoded(upf_conn *conn, upf_input *input,
                               upf_event *event)
{
    const upf_config   *config  = conn->config;
    union upf_frame_in *frame   = &conn->in.open.frame;
    struct upf_message *message = &conn->in.open.message;
    struct upf_buf     *block   = &conn->assembly;
    const size_t        len     = lesser(frame->payload.left, input->len);

    if (message->carry_len > 0) { /* it came from this block */
        assert(upf_buf_capacity(block) >= message->carry_len);
        memcpy(block->data, message->carry, message->carry_len);
        block->len = message->carry_len;
        message->carry_len = 0;
    }
    unmask(conn, input->data, input->data, len);
    const bool   end = is_last(frame) && frame->payload.left == 0;
    const size_t old = block->len;
    size_t       good;
    upf_status status = config->ext->decode(
        conn->ext, config, input->data, len, end, block,
        config->max_message - message->len + old);
    const upf_status text = check_decoded(message, block, old,
                                          end && status == UPF_OK, &good);
    if (text != UPF_OK)
        status = text;
    if (status != UPF_OK) {
        conn->offset -= message->taken; /* to the start of the payload */
        return config->stream
                   ? deliver_good(conn, event, block->data, good, status)
                   : status;
    }
    message->taken += (uint32_t)len;
    upf_conn_take(conn, input, len);
    if (frame->payload.left == 0)
        end_frame(conn);

    if (!config->stream)
        return end ? deliver_assembly(conn, event) : UPF_NEED_MORE;
    const size_t whole = upf_message_cut(message, block->data, block->len);
    if (whole == 0 && !end) {
        block->len = 0;
        return UPF_NEED_MORE;
    }
    return deliver_chunk(conn, event, block->data, whole, end);
}

/* ---- Control frames (section 5.5) --------------------------------------- */

static upf_status receive_close(upf_conn *conn, upf_event *event,
                                uint8_t *payload, size_t len)
{
    int code;
    const upf_status status = upf_close_parse(payload, len, &code);

    if (status != UPF_OK)
        return status;
    conn->close_code = (uint16_t)code;
    upf_set(conn, UPF_CLOSE_RECEIVED);
    if (!upf_has(conn, UPF_CLOSE_SENT)) {
        const upf_status sent = upf_conn_send_close(
            conn, code == UPF_CLOSE_NO_STATUS ? 0 : code, NULL, 0);
        if (sent != UPF_OK)
            conn->status = (int8_t)sent;
    }
    upf_conn_deliver_close(conn, event);
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
    union upf_frame_in *frame = &conn->in.open.frame;
    struct upf_buf     *block = &conn->assembly;
    const size_t  len     = lesser(frame->payload.left, input->len);
    const uint8_t already = frame->payload.control_len;
    uint8_t      *payload = input->data;

    /* A split one is put together behind the message that it interrupts. */
    if (already > 0 || len < frame->payload.left) {
        if (!upf_conn_grow(conn, block->len + already + len,
                           frame->payload.left - len))
            return UPF_ERR_NO_MEMORY;
        payload = block->data + block->len + already;
        frame->payload.control_len = (uint8_t)(already + len);
    }
    unmask(conn, payload, input->data, len);
    const uint64_t start = conn->offset - already;
    upf_conn_take(conn, input, len);
    if (frame->payload.left > 0)
        return UPF_NEED_MORE;
    if (block->len == 0 && block->data != NULL)
        upf_set(conn, UPF_EVENT_IN_BLOCK);
    const upf_status status =
        receive_control(conn, event, payload - already, already + len);
    if (status != UPF_OK)
        conn->offset = start;
    return status;
}

/* ---- The open connection ------------------------------------------------ */

static upf_status read_payload(upf_conn *conn, upf_input *input,
                               upf_event *event)
{
    if (is_control((upf_opcode)conn->in.open.frame.payload.opcode))
        return read_control(conn, input, event);
    if (upf_message_is_encoded(&conn->in.open.message))
        return read_encoded(conn, input, event);
    if (conn->config->stream)
        return read_chunk(conn, input, event);
    return read_whole(conn, input, event);
}

/* UPF_OK: an event; UPF_NEED_MORE: the input is used up. */
static upf_status read_frames(upf_conn *conn, upf_input *input,
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
            frame->payload.flags |= HEADER_APART;
        if (status == UPF_OK && input->len == 0 && frame->payload.left > 0)
            return UPF_NEED_MORE;
        if (status == UPF_OK)
            status = read_payload(conn, input, event);
    }
    return status;
}

static upf_status deliver_open(upf_conn *conn, upf_event *event)
{
    const char *subprotocol = conn->in.handshake.subprotocol;

    event->type        = UPF_EVENT_OPEN;
    event->data        = NULL;
    event->len         = 0;
    event->status      = UPF_OK;
    event->response    = (upf_response){0};
    event->subprotocol = (upf_str){subprotocol,
                                   subprotocol ? strlen(subprotocol) : 0};
    upf_conn_enter(conn, UPF_STATE_OPEN);
    return UPF_OK;
}

/* One step of the present state. UPF_NEED_MORE: no event came of it. */
static upf_status step(upf_conn *conn, upf_input *input, upf_event *event)
{
    switch ((enum upf_conn_state)conn->state) {
    case UPF_STATE_REQUEST:
        return upf_conn_read_request(conn, input, event);
    case UPF_STATE_ANSWER:
        upf_conn_answer(conn);
        return UPF_NEED_MORE;
    case UPF_STATE_RESPONSE:
        return upf_conn_read_response(conn, input, event);
    case UPF_STATE_OPENING:
        return deliver_open(conn, event);
    case UPF_STATE_OPEN:
        return upf_has(conn, UPF_FAILS_NEXT) ? (upf_status)conn->status
                                             : read_frames(conn, input, event);
    case UPF_STATE_CLOSING:
        return upf_conn_deliver_close(conn, event);
    case UPF_STATE_DEFERRED:
        return UPF_WANT_ANSWER;
    case UPF_STATE_OVER:
        break;
    }
    return UPF_DONE;
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
        upf_conn_fail(conn, UPF_ERR_EOF);
    }
}

/* Between two frames and two messages. */
static bool is_at_rest(const upf_conn *conn)
{
    return conn->state == UPF_STATE_OPEN &&
           conn->in.open.frame.header.phase == PHASE_HEADER &&
           conn->in.open.frame.header.len == 0 &&
           conn->in.open.message.opcode == 0;
}

/* So that conn_next.h may take the next frame. */
static bool may_be_quick(const upf_conn *conn)
{
    return is_at_rest(conn) && !upf_has(conn, UPF_IS_CLIENT | UPF_FAILS_NEXT) &&
           conn->config->trace == NULL && !conn->config->stream;
}

upf_status upf_conn_next_slowly(upf_conn *conn, upf_input *input,
                                upf_event *event)
{
    const uint8_t *start = input->data;

    /* The block stays for the next message that comes in pieces, as long as
     * there is input: an idle connection holds none. */
    conn->assembly.len = upf_has(conn, UPF_EVENT_IN_BLOCK)
                             ? 0 : conn->assembly.len;
    upf_clear(conn, UPF_EVENT_IN_BLOCK);
    const upf_status status = next(conn, input, event);
    if (status != UPF_OK && conn->assembly.data != NULL &&
        (is_at_rest(conn) || conn->state == UPF_STATE_OVER))
        upf_conn_drop_assembly(conn);

    /* The run of in-place output goes on as long as the input does. */
    if (conn->out_kind == UPF_SLOT_BORROWED)
        conn->out.of.taken = conn->out.of.taken == start ? input->data : NULL;
    conn->quick = 0;
    if (may_be_quick(conn))
        conn->quick = (uint16_t)(1 + lesser(conn->config->max_frame,
                                            lesser(conn->config->max_message,
                                                   UINT16_MAX - 1)));
    return status;
}
