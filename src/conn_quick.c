/* SPDX-License-Identifier: MIT */
/*
 * conn_quick.c - a message out, at one glance if it can be.
 *
 * Most messages are sent on an open connection far below its limits, and nobody
 * watches. conn->quick_send says so: how many pages may wait before any of the
 * questions of conn_send.c has to be asked. And most messages follow each other:
 * conn->block_until says how far they fit into the block that waits already.
 * Whatever is not like that is left to conn_send.c.
 */

#include <assert.h>
#include <string.h>

#include "compiler.h"
#include "conn_impl.h"
#include "frame.h"
#include "kernels.h"
#include "mask.h"
#include "move.h"
#include "output.h"
#include "random.h"
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

enum {
    HEADER     = 2, /* of a frame up to 125 bytes */
    HEADER_MAX = 4, /* up to 65,535 */
    KEY        = 4  /* a client's, behind it */
};

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

/* Without a call, which would have registers saved. */
static inline bool draw_quickly(const upf_config *config, uint32_t *key)
{
    return config->random == upf_random && upf_random_has_key(key);
}

static inline bool draw(const upf_config *config, uint32_t *key)
{
    return config->random(config->random_user, key, sizeof *key);
}

/* Where is_quick(): what upf_conn_put_frame() would do. */
static upf_status send_quickly(upf_conn *conn, upf_opcode opcode,
                               const void *data, size_t len)
{
    const bool masked = upf_has(conn, UPF_IS_CLIENT);
    uint32_t   key    = 0;

    if (masked && !draw_quickly(conn->config, &key) &&
        !draw(conn->config, &key))
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

/* Where not is_next(): a block has to be begun or to grow, or more. */
UPF_APART static upf_status send_anew(upf_conn *conn, upf_opcode opcode,
                                      const void *data, size_t len)
{
    const upf_slice slice = {(void *)data, len};

    assert(data != NULL || len == 0);
    return is_quick(conn, len) && is_sound(conn, opcode, data, len)
               ? send_quickly(conn, opcode, data, len)
               : upf_sendv(conn, opcode, &slice, 1);
}

/*
 * Where is_next(): take the room, and return where the header is to be. The sum
 * is written in this way because the next message waits for it.
 */
static inline uint8_t *take_next(upf_conn *conn, size_t len, size_t key)
{
    uint8_t *out = conn->out.data + conn->out.len;

    conn->out.len += upf_frame_header_size(len, false) + key + len;
    return out;
}

/* Where is_next(), by a client. */
static inline upf_status put_masked(upf_conn *conn, upf_opcode opcode,
                                    const void *data, size_t len, uint32_t key)
{
    uint8_t *out = take_next(conn, len, KEY);

    out += upf_frame_header_put(out, UPF_FIN | opcode, 0x80, len);
    memcpy(out, &key, KEY);
    out += KEY;
    if (len >= 8 && len <= 16)
        upf_mask_8_to_16(out, data, len, key, false);
    else
        upf_kernels()->mask(out, data, len, key);
    return UPF_OK;
}

UPF_APART static upf_status draw_and_put(upf_conn *conn, upf_opcode opcode,
                                         const void *data, size_t len)
{
    uint32_t key;

    return draw(conn->config, &key)
               ? put_masked(conn, opcode, data, len, key)
               : UPF_ERR_RANDOM;
}

UPF_APART static upf_status send_masked(upf_conn *conn, upf_opcode opcode,
                                        const void *data, size_t len)
{
    uint32_t key;

    return draw_quickly(conn->config, &key)
               ? put_masked(conn, opcode, data, len, key)
               : draw_and_put(conn, opcode, data, len);
}

/* Whether a frame of it follows in the block that waits already. */
static inline bool is_next(const upf_conn *conn, size_t len)
{
    return len <= UINT16_MAX &&
           conn->out.len + HEADER_MAX + KEY + len <= conn->block_until;
}

UPF_APART static upf_status copy(uint8_t *out, const void *data, size_t len)
{
    if (len > 0)
        memcpy(out, data, len);
    return UPF_OK;
}

/* Where is_next(). */
static inline upf_status send_next(upf_conn *conn, upf_opcode opcode,
                                   const void *data, size_t len)
{
    if (upf_has(conn, UPF_IS_CLIENT))
        return send_masked(conn, opcode, data, len);
    uint8_t *out = take_next(conn, len, 0);
    out += upf_frame_header_put(out, UPF_FIN | opcode, 0, len);
    if (!upf_is_short(len))
        return copy(out, data, len);
    upf_move_short(out, data, len);
    return UPF_OK;
}

UPF_APART static upf_status send_text(upf_conn *conn, upf_opcode opcode,
                                      const void *data, size_t len)
{
    return is_next(conn, len) && is_sound(conn, opcode, data, len)
               ? send_next(conn, opcode, data, len)
               : send_anew(conn, opcode, data, len);
}

upf_status upf_send(upf_conn *conn, upf_opcode opcode, const void *data,
                    size_t len)
{
    if (opcode != UPF_OP_BINARY)
        return send_text(conn, opcode, data, len);
    return is_next(conn, len) ? send_next(conn, opcode, data, len)
                              : send_anew(conn, opcode, data, len);
}

UPF_APART static upf_status send_in_place(upf_conn *conn, upf_opcode opcode,
                                          uint8_t *data, size_t len)
{
    assert(data != NULL || len == 0);
    if (!is_quick(conn, len) || len == 0 ||
        !is_sound(conn, opcode, data, len) ||
        upf_has(conn, UPF_IS_CLIENT | UPF_EVENT_IS_OURS))
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
    if (len <= UPF_COPY_MAX && is_next(conn, len)) /* cheaper than a slot */
        return opcode == UPF_OP_BINARY ? send_next(conn, opcode, data, len)
                                       : send_text(conn, opcode, data, len);
    if (opcode != UPF_OP_BINARY || !is_quick(conn, len) ||
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

#endif
