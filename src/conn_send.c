/* SPDX-License-Identifier: MIT */
/* conn_send.c - messages in, bytes out. */

#include <assert.h>
#include <string.h>

#include "buf.h"
#include "conn_impl.h"
#include "ext.h"
#include "frame.h"
#include "mask.h"
#include "output.h"
#include "shared.h"
#include "utf8.h"

/* For conn->send_utf8: the message begun by parts is binary. */
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

static size_t header_size(const upf_conn *conn, uint64_t payload_len)
{
    return upf_frame_header_size(payload_len, upf_has(conn, UPF_IS_CLIENT));
}

/* Whether a message may begin, but for its content. */
static inline upf_status judge_message(const upf_conn *conn, upf_opcode opcode)
{
    if (opcode != UPF_OP_TEXT && opcode != UPF_OP_BINARY)
        return UPF_ERR_ARGUMENT;
    return upf_conn_may_send(conn, UPF_SEND_BEGUN) ? UPF_OK : UPF_ERR_STATE;
}

static inline upf_status judge_queue(const upf_conn *conn, size_t header_len,
                                     size_t len)
{
    const size_t max  = conn->config->max_queued;
    const size_t room = max > conn->out.len ? max - conn->out.len : 0;

    return len <= room && header_len <= room - len ? UPF_OK
                                                   : UPF_ERR_QUEUE_FULL;
}

#ifndef UPF_SMALL

void upf_conn_note_sending(upf_conn *conn)
{
    const upf_config *config = conn->config;
    size_t            pages  = 0;

    if (upf_conn_may_send(conn, UPF_SEND_BEGUN) && conn->ext == NULL &&
        !config->stream && config->trace == NULL) {
        pages = config->high_water < config->max_queued ? config->high_water
                                                        : config->max_queued;
        pages /= UPF_QUICK_PAGE;
    }
    /* Two are rounded off by conn_quick.c, and a header comes on top. */
    conn->quick_send =
        (uint8_t)(pages < 2 ? 0 : pages - 2 < UINT8_MAX ? pages - 2 : UINT8_MAX);
    conn->block_until = 0;
}

#endif

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

/* `mask_key` is NULL if there is none. */
static void trace_frame(upf_conn *conn, unsigned bits, size_t len,
                        const uint8_t *mask_key)
{
    upf_frame_header header = {.opcode      = (upf_opcode)(bits & 0x0F),
                               .fin         = (bits & UPF_FIN) != 0,
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
        upf_conn_note_output(conn);
}

upf_status upf_conn_put_frame(upf_conn *conn, unsigned bits, size_t len,
                              const upf_slice *slices, size_t count,
                              uint8_t *reserve(upf_conn *conn, size_t len))
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
    const upf_status status = judge_queue(conn, header_size(conn, len), len);

    return status != UPF_OK ? status
                            : upf_conn_put_frame(conn, bits, len, slices,
                                                 count, upf_output_reserve);
}

/* ---- Through an extension ----------------------------------------------- */

/* What a message is encoded for: the next bytes of it. */
struct piece {
    const upf_slice *slices;
    size_t           count; /* at least 1 */
    bool             first, fin;
};

/* Encode into `block`; *encoded: false if the message goes out as it is. */
static upf_status encode(upf_conn *conn, const struct piece *piece,
                         struct upf_buf *block, bool *encoded)
{
    const struct upf_ext *ext    = conn->config->ext;
    upf_status            status = UPF_OK;

    *encoded = upf_has(conn, UPF_SEND_ENCODED);
    for (size_t i = 0; i < piece->count && status == UPF_OK; i++) {
        status = ext->encode(conn->ext, conn->config, piece->slices[i].data,
                             piece->slices[i].len, piece->first && i == 0,
                             piece->fin && i == piece->count - 1, block,
                             encoded);
        if (status == UPF_OK && !*encoded)
            break;
    }
    return status;
}

/*
 * Queue a frame whose payload is what `block` holds: copied if it is small, else
 * in the block itself. The slot is there already, so this cannot fail.
 */
static void queue_block(upf_conn *conn, unsigned bits, const uint8_t *key,
                        struct upf_buf *block)
{
    const size_t header_len = header_size(conn, block->len);
    const size_t len        = header_len + block->len;
    uint8_t     *frame      = NULL;

    if (block->data == NULL || len <= UPF_COPY_MAX)
        frame = upf_output_reserve(conn, len);
    const bool is_copy = frame != NULL;
    if (!is_copy) {
        upf_buf_trim(block, conn->config);
        frame = block->data - header_len;
    }
    uint8_t *payload =
        frame + upf_frame_header_put(frame, bits, key ? 0x80 : 0, block->len);
    if (key != NULL) {
        memcpy(payload, key, 4);
        payload += 4;
    }
    if (is_copy && block->len > 0)
        memcpy(payload, block->data, block->len);
    if (key != NULL)
        upf_mask_turned(payload, payload, block->len, upf_mask_key_at(key, 0));
    const size_t payload_len = block->len;
    if (!is_copy)
        upf_output_adopt(conn, frame, len, block);
    note_frame(conn, bits, payload_len, key);
}

/*
 * Queue a frame through the extension that was agreed on. All that can fail is
 * tried before it is told that the frame was sent: a peer decodes what it gets,
 * and what was refused must leave no trace in the encoder.
 */
static upf_status queue_encoded(upf_conn *conn, unsigned bits, size_t len,
                                const upf_slice *slices, size_t count)
{
    const struct upf_ext *ext   = conn->config->ext;
    const upf_slice       empty = {NULL, 0};
    const bool            first = (bits & 0x0F) != UPF_OP_CONTINUATION;
    struct piece   piece = {slices, count, first, (bits & UPF_FIN) != 0};
    struct upf_buf block = {NULL, 0};
    uint8_t        key[4];
    bool           encoded = false;

    if (!first && !upf_has(conn, UPF_SEND_ENCODED))
        return queue_frame(conn, bits, len, slices, count);
    if (count == 0) {
        piece.slices = &empty;
        piece.count  = 1;
    }
    const bool masked = upf_has(conn, UPF_IS_CLIENT);
    if (masked &&
        !conn->config->random(conn->config->random_user, key, sizeof key))
        return UPF_ERR_RANDOM;
    /* An empty payload has a block, too, for its header. */
    upf_status status = upf_output_ensure_slot(conn) &&
                                upf_buf_reserve(&block, conn->config, 1)
                            ? UPF_OK : UPF_ERR_NO_MEMORY;
    if (status == UPF_OK)
        status = encode(conn, &piece, &block, &encoded);
    if (status == UPF_OK && encoded)
        status = judge_queue(conn, header_size(conn, block.len), block.len);
    else if (status == UPF_OK)
        status = queue_frame(conn, bits, len, slices, count);
    if (ext->settle != NULL)
        ext->settle(conn->ext, conn->config, status == UPF_OK);
    if (status == UPF_OK && encoded) {
        if (first)
            bits |= (unsigned)ext->rsv << 4;
        queue_block(conn, bits, masked ? key : NULL, &block);
        upf_set(conn, UPF_SEND_ENCODED);
    }
    upf_buf_free(&block, conn->config);
    return status;
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
        return queue_frame(conn, UPF_FIN | opcode, len, slices, count);
    status = queue_encoded(conn, UPF_FIN | opcode, len, slices, count);
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
    status = conn->ext ? queue_encoded(conn, bits, len, &slice, 1)
                       : queue_frame(conn, bits, len, &slice, 1);
    if (status != UPF_OK)
        return status;
    conn->send_utf8 = opcode == UPF_OP_TEXT ? utf8 : NOT_TEXT;
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

    if (!upf_has(conn, UPF_EVENT_IS_OURS))
        return false;
    const size_t size = upf_buf_capacity(&conn->assembly);
    return at >= start && at - start <= size && len <= size - (at - start);
}

/* That block may be given to the output: nothing else is in it, and it was not
 * given already. */
static bool may_be_given(const upf_conn *conn)
{
    return upf_has(conn, UPF_EVENT_IN_BLOCK) && !upf_has(conn, UPF_BLOCK_LENT);
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

upf_status upf_conn_send_in_place(upf_conn *conn, upf_opcode opcode,
                                  uint8_t *data, size_t len)
{
    const size_t header_len = upf_frame_header_size(len, false);

    upf_status status = judge_message(conn, opcode);
    if (status != UPF_OK)
        return status;
    const bool in_block = is_in_block(conn, data, len);
    if (must_copy(conn) || len == 0 || /* perhaps with no room in front of it */
        (in_block && !may_be_given(conn)))
        return upf_send(conn, opcode, data, len);
    if (is_to_check(conn, opcode) && !upf_utf8_is_valid(data, len))
        return UPF_ERR_UTF8;
    status = judge_queue(conn, header_len, len);
    if (status != UPF_OK)
        return status;

    uint8_t *header =
        in_block
            ? upf_output_give(conn, header_len, data, len)
            : upf_output_in_place(conn, header_len, data, len);
    if (header == NULL)
        return UPF_ERR_NO_MEMORY;
    upf_frame_header_put(header, UPF_FIN | opcode, 0, len);
    note_frame(conn, UPF_FIN | opcode, len, NULL);
    return UPF_OK;
}

upf_status upf_send_shared(upf_conn *conn, upf_shared *shared)
{
    if (!upf_conn_may_send(conn, UPF_SEND_BEGUN) ||
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

/* ---- Output ------------------------------------------------------------- */

size_t upf_conn_output(upf_conn *conn, upf_slice *slices, size_t max)
{
    if (upf_has(conn, UPF_LOST | UPF_TIMED_OUT)) /* nobody waits for it */
        return 0;
    const size_t count = upf_output_slices(conn, slices, max);
    if (count > 0)
        upf_set(conn, UPF_OFFERED);
    return count;
}

/* Borrowed bytes are gone: what is queued has a gap, so nothing more may
 * leave. */
static upf_status fail_with_gap(upf_conn *conn)
{
    upf_set(conn, UPF_LOST);
    upf_conn_fail(conn, UPF_ERR_NO_MEMORY);
    upf_conn_drop_output(conn);
    return UPF_ERR_NO_MEMORY;
}

upf_status upf_conn_output_keep(upf_conn *conn)
{
    return upf_output_keep(conn) ? UPF_OK : fail_with_gap(conn);
}

upf_status upf_conn_output_done(upf_conn *conn, ptrdiff_t written)
{
    if (conn->config == NULL)
        return UPF_OK;
    if (!upf_output_advance(conn, written > 0 ? (size_t)written : 0))
        return fail_with_gap(conn);
    if (upf_has(conn, UPF_LOST | UPF_TIMED_OUT))
        upf_output_free(conn);
    if (conn->out_kind == UPF_SLOT_NONE) {
        if (upf_has(conn, UPF_CONGESTED | UPF_PAUSED))
            upf_conn_note_output(conn);
        return UPF_OK;
    }
    /* Output that drains bit by bit is a sign of life: somebody reads it. What
     * leaves at once may only have gone into a buffer. */
    if (written > 0 && conn->out.len > 0)
        upf_set(conn, UPF_ACTIVE);
    else
        upf_conn_note_refused(conn);
    const upf_status status = upf_conn_send_late_pong(conn);
    if (status != UPF_OK)
        upf_conn_fail(conn, status);
    upf_conn_note_output(conn);
    return status;
}
