/* SPDX-License-Identifier: MIT */
/* conn_put.c - put a frame into the output; the high-water mark. */

#include <assert.h>
#include <string.h>

#include "buf.h"
#include "conn_impl.h"
#include "ext.h"
#include "frame.h"
#include "mask.h"
#include "output.h"
#include "output_add.h"

/* ---- The high-water mark ------------------------------------------------ */

/* Set `flag` if `bytes` are over the mark, and clear it if they are down to
 * half of the mark. */
static void note_mark(upf_conn *conn, size_t bytes, unsigned flag)
{
    if (bytes > conn->config->high_water)
        upf_set(conn, flag);
    else if (bytes <= conn->config->high_water / 2)
        upf_clear(conn, flag);
}

/* The bytes of output that count towards pausing reading. */
static size_t pausing(const upf_conn *conn)
{
    switch (conn->config->pause_reading) {
    case UPF_PAUSE_BY_ROLE:
        return upf_has(conn, UPF_IS_CLIENT) ? 0 : upf_output_replies(conn);
    case UPF_PAUSE_REPLIES:
        return upf_output_replies(conn);
    case UPF_PAUSE_ALWAYS:
        return conn->out.len;
    case UPF_PAUSE_NEVER:
        break;
    }
    return 0;
}

void upf_conn_note_output(upf_conn *conn)
{
    if (conn->out.len <= conn->config->high_water / 2) { /* the usual case */
        upf_clear(conn, UPF_CONGESTED | UPF_PAUSED);
        return;
    }
    note_mark(conn, conn->out.len, UPF_CONGESTED);
    note_mark(conn, pausing(conn), UPF_PAUSED);
    if (upf_has(conn, UPF_PAUSED))
        upf_set(conn, UPF_WAS_WITHHELD);
}

/* ---- One frame ---------------------------------------------------------- */

static size_t header_size(const upf_conn *conn, uint64_t payload_len)
{
    return upf_frame_header_size(payload_len, upf_has(conn, UPF_IS_CLIENT));
}

void upf_conn_trace_frame(upf_conn *conn, unsigned bits, size_t len,
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
    assert(len <= SIZE_MAX - header_len); /* the payload is in memory */
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
    upf_conn_note_frame(conn, bits, len, masked ? key : NULL);
    return UPF_OK;
}

upf_status upf_conn_queue_frame(upf_conn *conn, unsigned bits, size_t len,
                                const upf_slice *slices, size_t count)
{
    const upf_status status =
        upf_conn_judge_queue(conn, header_size(conn, len), len);

    return status != UPF_OK ? status
                            : upf_conn_put_frame(conn, bits, len, slices,
                                                 count, upf_output_reserve);
}

/* ---- Through an extension ----------------------------------------------- */

/* The bytes of a message that one frame is to carry. */
struct piece {
    const upf_slice *slices;
    size_t           count; /* at least 1 */
    bool             first, fin;
};

/* Encode into `block`. *encoded is false if the message is sent as it is. */
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
 * Queue a frame with the payload in `block`: a copy if it is small and there is
 * memory, else the block itself, for which there is a slot already. So this
 * cannot fail.
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
    upf_conn_note_frame(conn, bits, payload_len, key);
}

/*
 * Queue a frame through the extension that was agreed on. All that can fail is
 * done before `settle` tells the extension that the frame was sent: the peer's
 * decoder does not see a refused frame, so our encoder must forget it.
 */
upf_status upf_conn_queue_encoded(upf_conn *conn, unsigned bits, size_t len,
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
        return upf_conn_queue_frame(conn, bits, len, slices, count);
    if (count == 0) {
        piece.slices = &empty;
        piece.count  = 1;
    }
    const bool masked = upf_has(conn, UPF_IS_CLIENT);
    if (masked &&
        !conn->config->random(conn->config->random_user, key, sizeof key))
        return UPF_ERR_RANDOM;
    /* At least one byte is reserved, so that there is a block to write the
     * header in even if the payload is empty. */
    upf_status status = upf_output_ensure_slot(conn) &&
                                upf_buf_reserve(&block, conn->config, 1)
                            ? UPF_OK : UPF_ERR_NO_MEMORY;
    if (status == UPF_OK)
        status = encode(conn, &piece, &block, &encoded);
    if (status == UPF_OK && encoded)
        status = upf_conn_judge_queue(conn, header_size(conn, block.len),
                                      block.len);
    else if (status == UPF_OK)
        status = upf_conn_queue_frame(conn, bits, len, slices, count);
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
