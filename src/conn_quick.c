/* SPDX-License-Identifier: MIT */
/*
 * conn_quick.c - a message out, at one glance if it can be.
 *
 * Most messages are sent on an open connection far below its limits, and nobody
 * watches. conn->quick_send says so: how many pages may wait before any of the
 * questions of conn_send.c has to be asked. And most messages are short and
 * follow each other: conn->short_until says how far they fit into the block
 * that waits already. Whatever is not like that is left to conn_send.c.
 */

#include <assert.h>
#include <string.h>

#include "compiler.h"
#include "conn_impl.h"
#include "frame.h"
#include "kernels.h"
#include "mask.h"
#include "output.h"
#include "utf8.h"

#ifdef UPF_SMALL

upf_status upf_send(upf_conn *conn, upf_opcode opcode, const void *data,
                    size_t len)
{
    const upf_slice slice = {(void *)data, len};

    assert(data != NULL || len == 0);
    return upf_sendv(conn, opcode, &slice, 1);
}

upf_status upf_send_in_place(upf_conn *conn, upf_opcode opcode, void *data,
                             size_t len)
{
    assert(data != NULL || len == 0);
    return upf_conn_send_in_place(conn, opcode, data, len);
}

#else

enum { HEADER = 2, KEY = 4 }; /* of a short frame; of a client's */

/* A message that may be sent, as far as its content goes. What is wrong with
 * another is found out by conn_send.c. */
static inline bool is_sound(const upf_conn *conn, upf_opcode opcode,
                            const void *data, size_t len)
{
    return opcode == UPF_OP_BINARY ||
           (opcode == UPF_OP_TEXT && (conn->config->trust_sent_text ||
                                      upf_utf8_is_valid(data, len)));
}

/* `len` bytes more stay below the high-water mark, and nobody is to be told. */
static inline bool is_quick(const upf_conn *conn, size_t len)
{
    return conn->out.len / UPF_QUICK_PAGE + len / UPF_QUICK_PAGE <
           conn->quick_send;
}

/* Where is_quick(): what upf_conn_put_frame() would do. */
static upf_status send_quickly(upf_conn *conn, upf_opcode opcode,
                               const void *data, size_t len)
{
    const bool masked = upf_has(conn, UPF_IS_CLIENT);
    uint32_t   key    = 0;

    if (masked &&
        !conn->config->random(conn->config->random_user, &key, sizeof key))
        return UPF_ERR_RANDOM;
    uint8_t *out =
        upf_output_reserve(conn, upf_frame_header_size(len, masked) + len);
    if (out == NULL)
        return UPF_ERR_NO_MEMORY;
    upf_output_note_room(conn, conn->quick_send * (size_t)UPF_QUICK_PAGE);
    out += upf_frame_header_put(out, UPF_FIN | opcode, masked ? 0x80 : 0, len);
    if (masked) {
        memcpy(out, &key, sizeof key);
        upf_mask_turned(out + sizeof key, data, len, key);
    } else if (len > 0) {
        memcpy(out, data, len);
    }
    return UPF_OK;
}

UPF_APART static upf_status send_longer(upf_conn *conn, upf_opcode opcode,
                                        const void *data, size_t len)
{
    const upf_slice slice = {(void *)data, len};

    assert(data != NULL || len == 0);
    return is_quick(conn, len) && is_sound(conn, opcode, data, len)
               ? send_quickly(conn, opcode, data, len)
               : upf_sendv(conn, opcode, &slice, 1);
}

UPF_APART static upf_status send_masked(upf_conn *conn, upf_opcode opcode,
                                        const void *data, size_t len)
{
    const upf_config *config = conn->config;
    uint8_t *out = conn->out.data + conn->out.len;
    uint32_t key;

    /* What is written behind the output's end is not there until its length
     * says so. */
    out[0] = (uint8_t)(UPF_FIN | opcode);
    out[1] = (uint8_t)(0x80 | len);
    if (!config->random(config->random_user, out + HEADER, KEY))
        return UPF_ERR_RANDOM;
    memcpy(&key, out + HEADER, KEY);
    conn->out.len += HEADER + KEY + len;
    if (len >= 8 && len <= 16)
        upf_mask_8_to_16(out + HEADER + KEY, data, len, key);
    else
        upf_kernels()->mask(out + HEADER + KEY, data, len, key);
    return UPF_OK;
}

/* Whether a frame of it follows in the block that waits already. */
static inline bool is_next(const upf_conn *conn, size_t len)
{
    return len < UPF_LEN7_THEN_16_BITS &&
           conn->out.len + HEADER + KEY + len <= conn->short_until;
}

/* Where is_next(). */
static inline upf_status send_next(upf_conn *conn, upf_opcode opcode,
                                   const void *data, size_t len)
{
    if (upf_has(conn, UPF_IS_CLIENT))
        return send_masked(conn, opcode, data, len);
    uint8_t *out = conn->out.data + conn->out.len;
    conn->out.len += HEADER + len;
    out[0] = (uint8_t)(UPF_FIN | opcode);
    out[1] = (uint8_t)len;
    if (len > 0)
        memcpy(out + HEADER, data, len);
    return UPF_OK;
}

UPF_APART static upf_status send_text(upf_conn *conn, upf_opcode opcode,
                                      const void *data, size_t len)
{
    return is_next(conn, len) && is_sound(conn, opcode, data, len)
               ? send_next(conn, opcode, data, len)
               : send_longer(conn, opcode, data, len);
}

upf_status upf_send(upf_conn *conn, upf_opcode opcode, const void *data,
                    size_t len)
{
    if (opcode != UPF_OP_BINARY)
        return send_text(conn, opcode, data, len);
    return is_next(conn, len) ? send_next(conn, opcode, data, len)
                              : send_longer(conn, opcode, data, len);
}

UPF_APART static upf_status send_in_place(upf_conn *conn, upf_opcode opcode,
                                          uint8_t *data, size_t len)
{
    assert(data != NULL || len == 0);
    if (!is_quick(conn, len) || data == NULL ||
        !is_sound(conn, opcode, data, len) ||
        upf_has(conn, UPF_IS_CLIENT | UPF_EVENT_IN_BLOCK))
        return upf_conn_send_in_place(conn, opcode, data, len);

    uint8_t *header = upf_output_in_place(
        conn, upf_frame_header_size(len, false), data, len);
    if (header == NULL)
        return UPF_ERR_NO_MEMORY;
    upf_output_note_room(conn, conn->quick_send * (size_t)UPF_QUICK_PAGE);
    upf_frame_header_put(header, UPF_FIN | opcode, 0, len);
    return UPF_OK;
}

upf_status upf_send_in_place(upf_conn *conn, upf_opcode opcode, void *data,
                             size_t len)
{
    if (is_next(conn, len)) /* a copy is cheaper than a slot */
        return upf_send(conn, opcode, data, len);
    if (opcode != UPF_OP_BINARY || !is_quick(conn, len) ||
        upf_has(conn, UPF_IS_CLIENT | UPF_EVENT_IN_BLOCK))
        return send_in_place(conn, opcode, data, len);
    if (conn->out_kind == UPF_SLOT_BORROWED &&
        len < UPF_LEN7_THEN_16_BITS &&
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

#endif
