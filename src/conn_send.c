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
#include "frame.h"
#include "mask.h"
#include "output.h"
#include "utf8.h"

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

static size_t header_size(const upf_conn *conn, uint64_t payload_len)
{
    return upf_frame_header_size(payload_len, upf_has(conn, UPF_IS_CLIENT));
}

static inline bool is_open(const upf_conn *conn, unsigned unless)
{
    return conn->state == UPF_STATE_OPEN &&
           !upf_has(conn, UPF_CLOSE_SENT | unless);
}

/* Whether a message may begin, but for its content. */
static inline upf_status judge_message(const upf_conn *conn, upf_opcode opcode)
{
    if (opcode != UPF_OP_TEXT && opcode != UPF_OP_BINARY)
        return UPF_ERR_ARGUMENT;
    return is_open(conn, UPF_SEND_BEGUN) ? UPF_OK : UPF_ERR_STATE;
}

static inline upf_status judge_queue(const upf_conn *conn, size_t header_len,
                                     size_t len)
{
    const size_t max  = conn->config->max_queued;
    const size_t room = max > conn->out.len ? max - conn->out.len : 0;

    return len <= room && header_len <= room - len ? UPF_OK
                                                   : UPF_ERR_QUEUE_FULL;
}

/*
 * All of that at one glance, where nothing is special: a message of `len` bytes
 * may be sent, stays below the high-water mark, and nobody is to be told.
 */
static inline bool is_quick(const upf_conn *conn, upf_opcode opcode, size_t len)
{
    return conn->out.len / 1024 + len / 1024 < conn->quick_send &&
           (opcode == UPF_OP_BINARY ||
            (opcode == UPF_OP_TEXT && conn->config->trust_sent_text));
}

void upf_conn_note_sending(upf_conn *conn)
{
    const upf_config *config = conn->config;
    size_t            kib    = 0;

    if (is_open(conn, UPF_SEND_BEGUN) && conn->ext == NULL &&
        !config->stream && config->trace == NULL) {
        kib = config->high_water < config->max_queued ? config->high_water
                                                      : config->max_queued;
        kib /= 1024;
    }
    /* Two are rounded off by is_quick(), and a header comes on top. */
    conn->quick_send =
        (uint16_t)(kib < 2 ? 0 : kib > UINT16_MAX ? UINT16_MAX : kib - 2);
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

enum { FIN = 0x80 };

/* The first byte of a frame, and what a trace says of it. */
static void trace_frame(upf_conn *conn, unsigned bits, size_t len,
                        const uint8_t *mask_key)
{
    upf_frame_header header = {.opcode      = (upf_opcode)(bits & 0x0F),
                               .fin         = (bits & FIN) != 0,
                               .rsv         = bits >> 4 & 0x07,
                               .masked      = mask_key != NULL,
                               .payload_len = len};

    if (mask_key != NULL)
        memcpy(header.mask_key, mask_key, sizeof header.mask_key);
    conn->config->trace(conn->config->trace_user, conn, true, &header);
}

static inline void note_frame(upf_conn *conn, unsigned bits, size_t len,
                              const uint8_t *mask_key)
{
    if (conn->config->trace)
        trace_frame(conn, bits, len, mask_key);
    if (conn->out.len > conn->config->high_water)
        upf_set(conn, UPF_CONGESTED);
}

typedef uint8_t *reserve_fn(upf_conn *conn, size_t len);

/*
 * Queue a frame with the payload that `slices` hold, `len` bytes in all: copied
 * or, by a client, masked with a fresh key (section 5.3).
 */
static upf_status put_frame(upf_conn *conn, unsigned bits, size_t len,
                            const upf_slice *slices, size_t count,
                            reserve_fn *reserve)
{
    const bool masked = upf_has(conn, UPF_IS_CLIENT);
    uint8_t    key[4];
    size_t     done = 0;

    if (masked &&
        !conn->config->random(conn->config->random_user, key, sizeof key))
        return UPF_ERR_RANDOM;
    const size_t header_len = upf_frame_header_size(len, masked);
    assert(len <= SIZE_MAX - header_len); /* it is in memory */
    uint8_t *out = reserve(conn, header_len + len);
    if (out == NULL)
        return UPF_ERR_NO_MEMORY;
    out += upf_frame_header_put(out, bits, masked ? 0x80 : 0, len);
    if (masked) {
        memcpy(out, key, sizeof key);
        out += sizeof key;
    }
    for (size_t i = 0; i < count; i++) {
        const size_t n = slices[i].len;

        if (masked && n > 0)
            upf_mask(out + done, slices[i].data, n, key, done);
        else if (n > 0)
            memcpy(out + done, slices[i].data, n);
        done += n;
    }
    note_frame(conn, bits, len, masked ? key : NULL);
    return UPF_OK;
}

static upf_status queue_frame(upf_conn *conn, unsigned bits, size_t len,
                              const upf_slice *slices, size_t count)
{
    return put_frame(conn, bits, len, slices, count, upf_output_reserve);
}

/* Likewise, but through the extension that was agreed on. */
static upf_status queue_encoded(upf_conn *conn, unsigned bits, size_t len,
                                const upf_slice *slices, size_t count,
                                bool first)
{
    const struct upf_ext *ext   = conn->config->ext;
    const bool            fin   = (bits & FIN) != 0;
    struct upf_buf        block = {NULL, 0};
    bool       encoded = upf_has(conn, UPF_SEND_ENCODED);
    upf_status status  = UPF_OK;

    if (!first && !encoded)
        return queue_frame(conn, bits, len, slices, count);

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
        status = queue_frame(conn, bits, len, slices, count);
    else if (status == UPF_OK) {
        const upf_slice out = {block.data, block.len};
        if (first)
            bits |= (unsigned)ext->rsv << 4;
        status = queue_frame(conn, bits, block.len, &out, 1);
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
        status = judge_queue(conn, header_size(conn, len), len);
    if (status != UPF_OK)
        return status;
    if (conn->ext == NULL)
        return queue_frame(conn, FIN | opcode, len, slices, count);
    status = queue_encoded(conn, FIN | opcode, len, slices, count, true);
    upf_clear(conn, UPF_SEND_ENCODED);
    return status;
}

/* Where is_quick(): what put_frame() would do. */
static inline upf_status send_quickly(upf_conn *conn, upf_opcode opcode,
                                      const void *data, size_t len)
{
    uint32_t key = 0;

    if (!upf_has(conn, UPF_IS_CLIENT)) {
        uint8_t *out =
            upf_output_reserve(conn, upf_frame_header_size(len, false) + len);
        if (out == NULL)
            return UPF_ERR_NO_MEMORY;
        out += upf_frame_header_put(out, FIN | opcode, 0, len);
        if (len > 0)
            memcpy(out, data, len);
        return UPF_OK;
    }
    if (!conn->config->random(conn->config->random_user, &key, sizeof key))
        return UPF_ERR_RANDOM;
    uint8_t *out =
        upf_output_reserve(conn, upf_frame_header_size(len, true) + len);
    if (out == NULL)
        return UPF_ERR_NO_MEMORY;
    out += upf_frame_header_put(out, FIN | opcode, 0x80, len);
    memcpy(out, &key, sizeof key);
    upf_mask_turned(out + sizeof key, data, len, key);
    return UPF_OK;
}

upf_status upf_send(upf_conn *conn, upf_opcode opcode, const void *data,
                    size_t len)
{
    const upf_slice slice = {(void *)data, len};

    assert(data != NULL || len == 0);
    return is_quick(conn, opcode, len)
               ? send_quickly(conn, opcode, data, len)
               : upf_sendv(conn, opcode, &slice, 1);
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
        status = is_open(conn, 0) ? UPF_OK : UPF_ERR_STATE;
    }
    uint8_t utf8 = first ? UPF_UTF8_START : conn->send_utf8;
    if (status == UPF_OK)
        status = judge_text(conn, opcode, &utf8, &slice, 1, fin);
    if (status == UPF_OK)
        status = judge_queue(conn, header_size(conn, len), len);
    if (status != UPF_OK)
        return status;

    const unsigned bits = (first ? opcode : UPF_OP_CONTINUATION) |
                          (fin ? FIN : 0u);
    status = conn->ext ? queue_encoded(conn, bits, len, &slice, 1, first)
                       : queue_frame(conn, bits, len, &slice, 1);
    if (status != UPF_OK)
        return status;
    conn->send_message = (uint8_t)opcode;
    conn->send_utf8    = utf8;
    if (fin)
        upf_clear(conn, UPF_SEND_BEGUN | UPF_SEND_ENCODED);
    else
        upf_set(conn, UPF_SEND_BEGUN);
    upf_conn_note_sending(conn);
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

/*
 * What has to be copied: a client masks, an extension encodes, and a chunk may
 * lie where the input begins, with no room in front of it.
 */
static inline bool must_copy(const upf_conn *conn)
{
    return upf_has(conn, UPF_IS_CLIENT) || conn->ext != NULL ||
           conn->config->stream;
}

/* Likewise, but not at one glance. */
static upf_status send_in_place(upf_conn *conn, upf_opcode opcode,
                                uint8_t *data, size_t len)
{
    const size_t header_len = upf_frame_header_size(len, false);

    upf_status status = judge_message(conn, opcode);
    if (status != UPF_OK)
        return status;
    if (must_copy(conn) || data == NULL)
        return upf_send(conn, opcode, data, len);
    if (is_to_check(conn, opcode) && !upf_utf8_is_valid(data, len))
        return UPF_ERR_UTF8;
    status = judge_queue(conn, header_len, len);
    if (status != UPF_OK)
        return status;

    uint8_t *header =
        is_in_block(conn, data, len)
            ? upf_output_give(conn, header_len, data, len, &conn->assembly)
            : upf_output_in_place(conn, header_len, data, len);
    if (header == NULL)
        return UPF_ERR_NO_MEMORY;
    upf_frame_header_put(header, FIN | opcode, 0, len);
    note_frame(conn, FIN | opcode, len, NULL);
    return UPF_OK;
}

upf_status upf_send_in_place(upf_conn *conn, upf_opcode opcode, void *data,
                             size_t len)
{
    assert(data != NULL || len == 0);
    if (!is_quick(conn, opcode, len) || data == NULL ||
        upf_has(conn, UPF_IS_CLIENT | UPF_EVENT_IN_BLOCK))
        return send_in_place(conn, opcode, data, len);

    uint8_t *header = upf_output_in_place(
        conn, upf_frame_header_size(len, false), data, len);
    if (header == NULL)
        return UPF_ERR_NO_MEMORY;
    upf_frame_header_put(header, FIN | opcode, 0, len);
    return UPF_OK;
}

/* ---- Shared messages ---------------------------------------------------- */

struct upf_shared {
    const upf_config *config;
    atomic_size_t     references;
    size_t            len;
    size_t            payload_len;
    uint8_t           frame[]; /* of a server: header, payload */
};

upf_shared *upf_shared_new(const upf_config *config, upf_opcode opcode,
                           const void *data, size_t len)
{
    const size_t header_len = upf_frame_header_size(len, false);

    assert(data != NULL || len == 0);
    if (opcode != UPF_OP_TEXT && opcode != UPF_OP_BINARY)
        return NULL;
    if (config == NULL)
        config = upf_config_fallback();
    if (opcode == UPF_OP_TEXT && !config->trust_sent_text &&
        !upf_utf8_is_valid(data, len))
        return NULL;
    if (len > SIZE_MAX - sizeof(upf_shared) - header_len)
        return NULL;

    upf_shared *shared =
        upf_mem_alloc(config, sizeof *shared + header_len + len);
    if (shared == NULL)
        return NULL;
    shared->config      = config;
    shared->len         = header_len + len;
    shared->payload_len = len;
    atomic_init(&shared->references, 1);
    upf_frame_header_put(shared->frame, FIN | opcode, 0, len);
    if (len > 0)
        memcpy(shared->frame + header_len, data, len);
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
    if (!is_open(conn, UPF_SEND_BEGUN) ||
        upf_has(conn, UPF_IS_CLIENT)) /* each of its frames has its own mask */
        return UPF_ERR_STATE;
    const upf_status status = judge_queue(conn, 0, shared->len);
    if (status != UPF_OK)
        return status;
    if (!upf_output_share(conn, shared))
        return UPF_ERR_NO_MEMORY;
    note_frame(conn, shared->frame[0], shared->payload_len, NULL);
    return UPF_OK;
}

/* ---- Control frames (section 5.5) --------------------------------------- */

/* A ping or pong, within the budget. */
static upf_status send_control(upf_conn *conn, upf_opcode opcode,
                               const void *payload, size_t len)
{
    const upf_slice slice = {(void *)payload, len};

    if (!upf_output_control_fits(conn, header_size(conn, len) + len))
        return UPF_ERR_QUEUE_FULL;
    return put_frame(conn, FIN | opcode, len, &slice, 1,
                     upf_output_reserve_control);
}

static upf_status send_control_for_caller(upf_conn *conn, upf_opcode opcode,
                                          const void *payload, size_t len)
{
    if (len > UPF_CONTROL_PAYLOAD_MAX || (payload == NULL && len > 0))
        return UPF_ERR_ARGUMENT;
    if (!is_open(conn, 0))
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
    const upf_slice  slice = {payload, len};
    const upf_status status =
        queue_frame(conn, FIN | UPF_OP_CLOSE, len, &slice, 1);
    if (status != UPF_OK)
        return status;
    upf_output_drop_late_pong(conn);
    upf_set(conn, UPF_CLOSE_SENT);
    upf_conn_note_sending(conn);
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
    if (conn->out_kind == UPF_SLOT_NONE) {
        upf_clear(conn, UPF_CONGESTED);
        return UPF_OK;
    }
    /* Output that drains bit by bit is a sign of life: somebody reads it. What
     * leaves at once may only have gone into a buffer. */
    if (written > 0 && conn->out.len > 0)
        upf_set(conn, UPF_ACTIVE);
    const upf_status status = upf_conn_send_late_pong(conn);
    if (status != UPF_OK)
        upf_conn_fail(conn, status);
    upf_conn_note_output(conn);
    return status;
}
