/* SPDX-License-Identifier: MIT */
/*
 * conn_next.h - the next event, at one glance if it can be.
 *
 * Nearly every frame that a server reads is a whole message in the input, with
 * nothing to remember before or after it. Such a frame is judged, unmasked and
 * delivered in a few dozen instructions: up to 16 bytes in conn_next.c, longer
 * ones here, where the vectors are. Everything else, and all that is wrong, is
 * left for conn_recv.c to find out: these two know no errors.
 *
 * Each set of kernels includes this behind its own KERNEL, KERNEL_ENTRY and
 *   mask_short(dst, src, len, key)    17 to 128 bytes, inline
 *   mask_any(dst, src, len, key)
 *   check(dst, src, len, mask, key)   as `utf8` and `mask_utf8` of kernels.h
 */
#ifndef UPF_CONN_NEXT_H
#define UPF_CONN_NEXT_H

#include <string.h>

#include "bytes.h"
#include "conn_impl.h"
#include "output.h"

enum {
    FIN_TEXT   = 0x80 | UPF_OP_TEXT,
    FIN_BINARY = 0x80 | UPF_OP_BINARY,
    MASKED     = 0x80,
    KEY_LEN    = 4
};

/* A message has been unmasked: `len` bytes behind `header` bytes. */
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
    upf_set(conn, UPF_ACTIVE);
    /* The run of in-place output goes on as long as the input does. */
    if (conn->out_kind == UPF_SLOT_BORROWED)
        conn->out.of.taken =
            conn->out.of.taken == start ? input->data : NULL;
    return UPF_OK;
}

#ifdef KERNEL

KERNEL_ENTRY upf_status next_any(upf_conn *conn, upf_input *input,
                                 upf_event *event)
{
    uint8_t *data   = input->data;
    size_t   header = 2 + KEY_LEN;

    if (input->len < header)
        return upf_conn_next_slowly(conn, input, event);
    const uint8_t first = data[0];
    size_t len = data[1] ^ MASKED; /* over 127 if there is no mask */
    if (first != FIN_TEXT && first != FIN_BINARY)
        return upf_conn_next_slowly(conn, input, event);
    if (len > 125) {
        header = 4 + KEY_LEN;
        if (len != 126 || input->len < header)
            return upf_conn_next_slowly(conn, input, event);
        len = upf_load_be16(data + 2);
        if (len < 126)
            return upf_conn_next_slowly(conn, input, event);
    }
    if (len >= conn->quick || len > input->len - header)
        return upf_conn_next_slowly(conn, input, event);

    uint32_t key;
    memcpy(&key, data + header - KEY_LEN, KEY_LEN);
    data += header;
    if (first == FIN_BINARY) {
        mask_any(data, data, len, key);
    } else if (check(data, data, len, true, key) < len) {
        mask_any(data, data, len, key); /* as it was */
        return upf_conn_next_slowly(conn, input, event);
    }
    return deliver_whole(conn, input, event, first, header, len);
}

/* Alone, so that no register has to be saved for what next_any() may call. */
KERNEL_ENTRY upf_status next(upf_conn *conn, upf_input *input,
                             upf_event *event)
{
    enum { HEADER = 2 + KEY_LEN };
    uint8_t *data = input->data;

    if (input->len < HEADER || data[0] != FIN_BINARY)
        return next_any(conn, input, event);
    const size_t len = data[1] ^ MASKED;
    if (len <= 16 || len > 125 || len >= conn->quick ||
        len > input->len - HEADER)
        return next_any(conn, input, event);

    uint32_t key;
    memcpy(&key, data + 2, KEY_LEN);
    mask_short(data + HEADER, data + HEADER, len, key);
    return deliver_whole(conn, input, event, FIN_BINARY, HEADER, len);
}

#endif
#endif
