/* SPDX-License-Identifier: MIT */
/* conn_send.c - messages in, bytes out. */

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "buf.h"
#include "bytes.h"
#include "close.h"
#include "conn_impl.h"
#include "ext.h"
#include "mask.h"
#include "output.h"
#include "utf8.h"

/* ---- What may be sent --------------------------------------------------- */

static upf_status judge_text(const upf_conn *conn, upf_opcode opcode,
                             uint8_t *utf8, const upf_slice *slices,
                             size_t count, bool end)
{
    if (opcode != UPF_OP_TEXT || conn->config->trust_sent_text)
        return UPF_OK;
    for (size_t i = 0; i < count; i++)
        if (upf_utf8_check(utf8, slices[i].data, slices[i].len) <
            slices[i].len)
            return UPF_ERR_UTF8;
    return end && *utf8 != UPF_UTF8_START ? UPF_ERR_UTF8 : UPF_OK;
}

/* What a frame's header takes (section 5.2). */
static size_t header_size(const upf_conn *conn, uint64_t payload_len)
{
    const size_t extended = payload_len > UINT16_MAX ? 8u
                          : payload_len > 125        ? 2u : 0u;

    return 2 + extended + (upf_has(conn, UPF_IS_CLIENT) ? 4u : 0u);
}

/* Whether a message may begin, but for its content. */
static upf_status judge_message(const upf_conn *conn, upf_opcode opcode)
{
    if (opcode != UPF_OP_TEXT && opcode != UPF_OP_BINARY)
        return UPF_ERR_ARGUMENT;
    if (!upf_conn_is_open(conn) || upf_has(conn, UPF_SEND_BEGUN))
        return UPF_ERR_STATE;
    return UPF_OK;
}

static upf_status judge_queue(const upf_conn *conn, uint64_t len)
{
    const size_t queued = upf_output_bytes(conn);
    const size_t max    = conn->config->max_queued;
    const size_t header = header_size(conn, len);

    if (queued > max || header > max - queued || len > max - queued - header)
        return UPF_ERR_QUEUE_FULL;
    return UPF_OK;
}

/* The bytes in all slices; false if no memory could hold them. */
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

/* ---- One frame ---------------------------------------------------------- */

static upf_frame_header header_of(upf_opcode opcode, bool fin, uint8_t rsv,
                                  uint64_t len)
{
    return (upf_frame_header){.opcode      = opcode,
                              .fin         = fin,
                              .rsv         = rsv,
                              .payload_len = len};
}

static void note_frame(upf_conn *conn, const upf_frame_header *header)
{
    if (conn->config->trace)
        conn->config->trace(conn->config->trace_user, conn, true, header);
    upf_conn_note_output(conn);
}

/*
 * Queue a frame with the payload that `slices` hold, copied or, by a client,
 * masked with a fresh key (section 5.3).
 */
static upf_status queue_frame(upf_conn *conn, const upf_frame_header *plain,
                              const upf_slice *slices, size_t count)
{
    upf_frame_header header = *plain;
    uint8_t          head[UPF_FRAME_HEADER_MAX];
    uint64_t         done = 0;

    if (upf_has(conn, UPF_IS_CLIENT)) {
        header.masked = true;
        if (!conn->config->random(conn->config->random_user, header.mask_key,
                                  sizeof header.mask_key))
            return UPF_ERR_RANDOM;
    }
    const size_t head_len = upf_frame_header_write(&header, head);
    assert(header.payload_len <= SIZE_MAX - head_len); /* it is in memory */
    uint8_t *out =
        upf_output_reserve(conn, head_len + (size_t)header.payload_len);
    if (out == NULL)
        return UPF_ERR_NO_MEMORY;
    memcpy(out, head, head_len);
    out += head_len;
    for (size_t i = 0; i < count; i++) {
        if (slices[i].len == 0)
            continue;
        if (header.masked)
            upf_mask(out, slices[i].data, slices[i].len, header.mask_key,
                     done);
        else
            memcpy(out, slices[i].data, slices[i].len);
        out  += slices[i].len;
        done += slices[i].len;
    }
    note_frame(conn, &header);
    return UPF_OK;
}

/* Likewise, but through the extension that was agreed on. */
static upf_status queue_encoded(upf_conn *conn, upf_opcode opcode,
                                const upf_slice *slices, size_t count,
                                bool first, bool fin)
{
    const struct upf_ext *ext   = conn->config->ext;
    struct upf_buf        block = {NULL, 0};
    bool       encoded = upf_has(conn, UPF_SEND_ENCODED);
    upf_status status  = UPF_OK;
    size_t     len;

    upf_frame_header header = header_of(opcode, fin, 0, 0);
    (void)total_of(slices, count, &len); /* was judged */
    header.payload_len = len;
    if (!first && !encoded)
        return queue_frame(conn, &header, slices, count);

    /* `fin` and `first` belong to the last and the first slice. */
    const upf_slice empty = {NULL, 0};
    if (count == 0) {
        slices = &empty;
        count  = 1;
    }
    for (size_t i = 0; i < count && status == UPF_OK; i++) {
        status = ext->encode(conn->ext, conn->config, slices[i].data,
                             slices[i].len, first && i == 0,
                             fin && i == count - 1, &block, &encoded);
        if (status == UPF_OK && !encoded)
            break;
    }
    if (status == UPF_OK && !encoded)
        status = queue_frame(conn, &header, slices, count);
    else if (status == UPF_OK) {
        const upf_slice out = {block.data, block.len};
        header.rsv         = first ? ext->rsv : 0;
        header.payload_len = block.len;
        status = queue_frame(conn, &header, &out, 1);
    }
    upf_buf_free(&block, conn->config);
    if (status == UPF_OK && encoded)
        upf_set(conn, UPF_SEND_ENCODED);
    return status;
}

/* ---- Messages ----------------------------------------------------------- */

upf_status upf_sendv(upf_conn *conn, upf_opcode opcode,
                     const upf_slice *slices, size_t count)
{
    uint8_t utf8 = UPF_UTF8_START;
    size_t  len;

    upf_status status = judge_message(conn, opcode);
    if (status == UPF_OK && !total_of(slices, count, &len))
        status = UPF_ERR_QUEUE_FULL;
    if (status == UPF_OK)
        status = judge_text(conn, opcode, &utf8, slices, count, true);
    if (status == UPF_OK)
        status = judge_queue(conn, len);
    if (status != UPF_OK)
        return status;
    const upf_frame_header header = header_of(opcode, true, 0, len);
    if (conn->ext == NULL)
        return queue_frame(conn, &header, slices, count);
    status = queue_encoded(conn, opcode, slices, count, true, true);
    upf_clear(conn, UPF_SEND_ENCODED);
    return status;
}

upf_status upf_send(upf_conn *conn, upf_opcode opcode, const void *data,
                    size_t len)
{
    const upf_slice slice = {(void *)data, len};

    assert(data != NULL || len == 0);
    return upf_sendv(conn, opcode, &slice, 1);
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
        opcode = (upf_opcode)conn->send_message;
        status = upf_conn_is_open(conn) ? UPF_OK : UPF_ERR_STATE;
    }
    uint8_t utf8 = first ? UPF_UTF8_START : conn->send_utf8;
    if (status == UPF_OK)
        status = judge_text(conn, opcode, &utf8, &slice, 1, fin);
    if (status == UPF_OK)
        status = judge_queue(conn, len);
    if (status != UPF_OK)
        return status;

    const upf_frame_header header =
        header_of(first ? opcode : UPF_OP_CONTINUATION, fin, 0, len);
    status = conn->ext
        ? queue_encoded(conn, header.opcode, &slice, 1, first, fin)
        : queue_frame(conn, &header, &slice, 1);
    if (status != UPF_OK)
        return status;
    conn->send_message = (uint8_t)opcode;
    conn->send_utf8    = utf8;
    if (fin)
        upf_clear(conn, UPF_SEND_BEGUN | UPF_SEND_ENCODED);
    else
        upf_set(conn, UPF_SEND_BEGUN);
    return UPF_OK;
}

/* Whether data[0, len) is of an event that lies in the connection's block. */
static bool is_in_block(const upf_conn *conn, const uint8_t *data, size_t len)
{
    const uintptr_t start = (uintptr_t)conn->assembly.data;
    const uintptr_t at    = (uintptr_t)data;
    const size_t    size  = upf_buf_capacity(&conn->assembly);

    return upf_has(conn, UPF_EVENT_IN_BLOCK) && at >= start &&
           at - start <= size && len <= size - (at - start);
}

upf_status upf_send_in_place(upf_conn *conn, upf_opcode opcode, void *data,
                             size_t len)
{
    const upf_slice slice = {data, len};
    uint8_t utf8 = UPF_UTF8_START;

    assert(data != NULL || len == 0);
    upf_status status = judge_message(conn, opcode);
    if (status != UPF_OK)
        return status;
    /* A client masks, an extension encodes, and a chunk may lie where the
     * input begins: with no room in front of it. */
    if (upf_has(conn, UPF_IS_CLIENT) || conn->ext != NULL || data == NULL ||
        conn->config->stream)
        return upf_sendv(conn, opcode, &slice, 1);
    status = judge_text(conn, opcode, &utf8, &slice, 1, true);
    if (status == UPF_OK)
        status = judge_queue(conn, len);
    if (status != UPF_OK)
        return status;

    const upf_frame_header header = header_of(opcode, true, 0, len);
    uint8_t      head[UPF_FRAME_HEADER_MAX];
    const size_t head_len = upf_frame_header_write(&header, head);
    const bool   queued =
        is_in_block(conn, data, len)
            ? upf_output_give(conn, head, head_len, data, len, &conn->assembly)
            : upf_output_in_place(conn, head, head_len, data, len);
    if (!queued)
        return UPF_ERR_NO_MEMORY;
    note_frame(conn, &header);
    return UPF_OK;
}

/* ---- Shared messages ---------------------------------------------------- */

struct upf_shared {
    const upf_config *config;
    atomic_size_t     references;
    size_t            len;
    upf_frame_header  header;
    uint8_t           frame[];
};

upf_shared *upf_shared_new(const upf_config *config, upf_opcode opcode,
                           const void *data, size_t len)
{
    const upf_frame_header header = header_of(opcode, true, 0, len);
    uint8_t utf8 = UPF_UTF8_START;

    assert(data != NULL || len == 0);
    if (opcode != UPF_OP_TEXT && opcode != UPF_OP_BINARY)
        return NULL;
    if (opcode == UPF_OP_TEXT && (upf_utf8_check(&utf8, data, len) < len ||
                                  utf8 != UPF_UTF8_START))
        return NULL;
    if (config == NULL)
        config = upf_config_fallback();
    if (len > SIZE_MAX - sizeof(upf_shared) - UPF_FRAME_HEADER_MAX)
        return NULL;

    uint8_t      head[UPF_FRAME_HEADER_MAX];
    const size_t head_len = upf_frame_header_write(&header, head);
    upf_shared  *shared =
        upf_mem_alloc(config, sizeof *shared + head_len + len);
    if (shared == NULL)
        return NULL;
    shared->config = config;
    shared->len    = head_len + len;
    shared->header = header;
    atomic_init(&shared->references, 1);
    memcpy(shared->frame, head, head_len);
    if (len > 0)
        memcpy(shared->frame + head_len, data, len);
    return shared;
}

const uint8_t *upf_shared_frame(const upf_shared *shared, size_t *len)
{
    *len = shared->len;
    return shared->frame;
}

void upf_shared_keep(upf_shared *shared)
{
    atomic_fetch_add_explicit(&shared->references, 1, memory_order_relaxed);
}

void upf_shared_free(upf_shared *shared)
{
    if (shared == NULL)
        return;
    /* The last one to let go sees all that the others did with it. */
    if (atomic_fetch_sub_explicit(&shared->references, 1,
                                  memory_order_acq_rel) == 1)
        upf_mem_free(shared->config, shared, sizeof *shared + shared->len);
}

upf_status upf_send_shared(upf_conn *conn, upf_shared *shared)
{
    upf_status status = judge_message(conn, shared->header.opcode);

    if (status == UPF_OK && upf_has(conn, UPF_IS_CLIENT))
        status = UPF_ERR_STATE; /* each frame of a client has its own mask */
    if (status == UPF_OK)
        status = judge_queue(conn, shared->header.payload_len);
    if (status != UPF_OK)
        return status;
    if (!upf_output_share(conn, shared))
        return UPF_ERR_NO_MEMORY;
    note_frame(conn, &shared->header);
    return UPF_OK;
}

/* ---- Control frames (section 5.5) --------------------------------------- */

static upf_status queue_control(upf_conn *conn, upf_opcode opcode,
                                const void *payload, size_t len)
{
    const upf_slice        slice  = {(void *)payload, len};
    const upf_frame_header header = header_of(opcode, true, 0, len);

    return queue_frame(conn, &header, &slice, 1);
}

/* A ping or pong, within the budget. */
static upf_status send_control(upf_conn *conn, upf_opcode opcode,
                               const void *payload, size_t len)
{
    const size_t frame_len = header_size(conn, len) + len;

    if (!upf_output_control_fits(conn, frame_len))
        return UPF_ERR_QUEUE_FULL;
    const upf_status status = queue_control(conn, opcode, payload, len);
    if (status == UPF_OK)
        upf_output_control_added(conn, frame_len);
    return status;
}

static upf_status send_control_for_caller(upf_conn *conn, upf_opcode opcode,
                                          const void *payload, size_t len)
{
    if (len > UPF_CONTROL_PAYLOAD_MAX || (payload == NULL && len > 0))
        return UPF_ERR_ARGUMENT;
    if (!upf_conn_is_open(conn))
        return UPF_ERR_STATE;
    return send_control(conn, opcode, payload, len);
}

upf_status upf_ping(upf_conn *conn, const void *data, size_t len)
{
    return send_control_for_caller(conn, UPF_OP_PING, data, len);
}

upf_status upf_pong(upf_conn *conn, const void *data, size_t len)
{
    return send_control_for_caller(conn, UPF_OP_PONG, data, len);
}

upf_status upf_conn_send_pong(upf_conn *conn, const uint8_t *payload,
                              size_t len)
{
    if (upf_has(conn, UPF_CLOSE_SENT)) /* a Close is the last frame (5.5.1) */
        return UPF_OK;
    const upf_status status =
        send_control(conn, UPF_OP_PONG, payload, len);
    if (status != UPF_ERR_QUEUE_FULL)
        return status;
    upf_output_keep_late_pong(conn, payload, len);
    return UPF_OK;
}

upf_status upf_conn_send_late_pong(upf_conn *conn)
{
    uint8_t payload[UPF_CONTROL_PAYLOAD_MAX];
    size_t  len;

    if (!upf_output_late_pong(conn, payload, &len))
        return UPF_OK;
    return send_control(conn, UPF_OP_PONG, payload, len);
}

/* ---- Closing (sections 5.5.1 and 7.1) ----------------------------------- */

upf_status upf_conn_send_close(upf_conn *conn, int code, const char *reason,
                               size_t reason_len)
{
    uint8_t payload[UPF_CONTROL_PAYLOAD_MAX];
    size_t  len = 0;

    assert(reason_len <= UPF_CLOSE_REASON_MAX);
    if (code != 0) {
        upf_store_be16(payload, (uint16_t)code);
        if (reason_len > 0)
            memcpy(payload + 2, reason, reason_len);
        len = 2 + reason_len;
    }
    const upf_status status =
        queue_control(conn, UPF_OP_CLOSE, payload, len);
    if (status != UPF_OK)
        return status;
    upf_output_drop_late_pong(conn);
    upf_set(conn, UPF_CLOSE_SENT);
    conn->sent_code = (uint16_t)(code ? code : UPF_CLOSE_NO_STATUS);
    conn->timer     = 0; /* another wait begins */
    return UPF_OK;
}

upf_status upf_close(upf_conn *conn, int code, const char *reason)
{
    const size_t reason_len = reason ? strlen(reason) : 0;

    if (code == 0 ? reason_len > 0
                  : !upf_close_code_is_valid(code) ||
                        !upf_close_reason_is_valid(reason, reason_len))
        return UPF_ERR_ARGUMENT;
    /* Only a client misses an extension (section 7.4.1). */
    if (code == UPF_CLOSE_EXTENSION && !upf_has(conn, UPF_IS_CLIENT))
        return UPF_ERR_ARGUMENT;
    switch ((enum upf_conn_state)conn->state) {
    case UPF_STATE_OPENING: /* OPEN is still delivered, between the two */
    case UPF_STATE_OPEN:
        if (upf_has(conn, UPF_CLOSE_SENT))
            return UPF_ERR_STATE;
        return upf_conn_send_close(conn, code, reason, reason_len);
    case UPF_STATE_OVER:
    case UPF_STATE_CLOSING:
        return UPF_ERR_STATE;
    case UPF_STATE_REQUEST:
    case UPF_STATE_ANSWER:
    case UPF_STATE_DEFERRED:
    case UPF_STATE_RESPONSE:
        break;
    }
    upf_conn_fail(conn, UPF_ERR_REFUSED);
    return UPF_OK;
}

/* ---- Output ------------------------------------------------------------- */

size_t upf_conn_output(upf_conn *conn, upf_slice *slices, size_t max)
{
    return upf_output_slices(conn, slices, max);
}

upf_status upf_conn_output_done(upf_conn *conn, ptrdiff_t written)
{
    if (conn->config == NULL)
        return UPF_OK;
    if (!upf_output_advance(conn, written > 0 ? (size_t)written : 0)) {
        /* Borrowed bytes are gone: what is queued has a gap, so nothing more
         * may leave. */
        upf_set(conn, UPF_LOST);
        upf_conn_fail(conn, UPF_ERR_NO_MEMORY);
        upf_output_free(conn);
        return UPF_ERR_NO_MEMORY;
    }
    /* Output that drains bit by bit is a sign of life: somebody reads it. What
     * leaves at once may only have gone into a buffer. */
    if (written > 0 && upf_output_bytes(conn) > 0)
        upf_set(conn, UPF_ACTIVE);
    const upf_status status = upf_conn_send_late_pong(conn);
    if (status != UPF_OK)
        upf_conn_fail(conn, status);
    upf_conn_note_output(conn);
    return status;
}
