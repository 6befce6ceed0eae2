/* SPDX-License-Identifier: MIT */
/*
 * conn_quick.c - a message out, at one glance if it can be.
 *
 * Most messages are sent on an open connection far below its limits, and nobody
 * watches. conn->quick_send says so: how many KiB may wait before any of the
 * questions of conn_send.c has to be asked. Whatever is not like that is left
 * to that file.
 */

#include <assert.h>
#include <string.h>

#include "conn_impl.h"
#include "frame.h"
#include "mask.h"
#include "output.h"

/* A message of `len` bytes may be sent, stays below the high-water mark, and
 * nobody is to be told. */
static inline bool is_quick(const upf_conn *conn, upf_opcode opcode, size_t len)
{
    return conn->out.len / 1024 + len / 1024 < conn->quick_send &&
           (opcode == UPF_OP_BINARY ||
            (opcode == UPF_OP_TEXT && conn->config->trust_sent_text));
}

/* Where is_quick(): what upf_conn_put_frame() would do. */
static inline upf_status send_quickly(upf_conn *conn, upf_opcode opcode,
                                      const void *data, size_t len)
{
    uint32_t key = 0;

    if (!upf_has(conn, UPF_IS_CLIENT)) {
        uint8_t *out =
            upf_output_reserve(conn, upf_frame_header_size(len, false) + len);
        if (out == NULL)
            return UPF_ERR_NO_MEMORY;
        out += upf_frame_header_put(out, UPF_FIN | opcode, 0, len);
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
    out += upf_frame_header_put(out, UPF_FIN | opcode, 0x80, len);
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

upf_status upf_send_in_place(upf_conn *conn, upf_opcode opcode, void *data,
                             size_t len)
{
    uint8_t *payload = data;

    assert(data != NULL || len == 0);
    if (!is_quick(conn, opcode, len) || data == NULL ||
        upf_has(conn, UPF_IS_CLIENT | UPF_EVENT_IN_BLOCK))
        return upf_conn_send_in_place(conn, opcode, payload, len);

    uint8_t *header = upf_output_in_place(
        conn, upf_frame_header_size(len, false), payload, len);
    if (header == NULL)
        return UPF_ERR_NO_MEMORY;
    upf_frame_header_put(header, UPF_FIN | opcode, 0, len);
    return UPF_OK;
}
