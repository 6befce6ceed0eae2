/* SPDX-License-Identifier: MIT */
/*
 * conn_next.h - the next event, at one glance if it can be.
 *
 * Nearly every frame that a server reads is a whole message in the input, with
 * nothing to remember before or after it. Such a frame is judged, unmasked and
 * delivered here, in a few dozen instructions and without a call. Everything
 * else, and all that is wrong, is left for conn_recv.c to find out: this file
 * knows no errors.
 *
 * Each set of kernels includes it, behind its own functions:
 *   turned(key, by), mask_any(dst, src, len, key)
 *   check(dst, src, len, mask, key)   as `utf8` and `mask_utf8` of kernels.h
 */
#ifndef UPF_CONN_NEXT_H
#define UPF_CONN_NEXT_H

#include <string.h>

#include "bytes.h"
#include "conn_impl.h"

enum {
    FIN_TEXT   = 0x80 | UPF_OP_TEXT,
    FIN_BINARY = 0x80 | UPF_OP_BINARY,
    MASKED     = 0x80,
    SHORT_MAX  = 16
};

/*
 * Unmask at most SHORT_MAX bytes, as two words that overlap: the second ends
 * where the payload ends, so that no store overlaps the next frame's header.
 * Returns whether all of them are ASCII.
 */
KERNEL bool unmask_short(uint8_t *data, size_t len, uint32_t key)
{
    if (len >= 8) {
        const uint32_t tail_key = turned(key, len);
        uint64_t head, tail;

        memcpy(&head, data, 8);
        memcpy(&tail, data + len - 8, 8);
        head ^= (uint64_t)key << 32 | key;
        tail ^= (uint64_t)tail_key << 32 | tail_key;
        memcpy(data, &head, 8);
        memcpy(data + len - 8, &tail, 8);
        return ((head | tail) & UINT64_C(0x8080808080808080)) == 0;
    }
    if (len >= 4) {
        uint32_t head, tail;

        memcpy(&head, data, 4);
        memcpy(&tail, data + len - 4, 4);
        head ^= key;
        tail ^= turned(key, len);
        memcpy(data, &head, 4);
        memcpy(data + len - 4, &tail, 4);
        return ((head | tail) & 0x80808080) == 0;
    }
    uint8_t bytes[4], seen = 0;
    memcpy(bytes, &key, 4);
    for (size_t i = 0; i < len; i++)
        seen |= data[i] ^= bytes[i];
    return seen < 0x80;
}

/* Unmask a whole payload in place; whether it is what `first` says. */
KERNEL bool unmask(uint8_t first, uint8_t *data, size_t len, uint32_t key)
{
    if (len <= SHORT_MAX)
        return unmask_short(data, len, key) || first == FIN_BINARY ||
               check(data, data, len, false, 0) == len;
    if (first == FIN_BINARY) {
        mask_any(data, data, len, key);
        return true;
    }
    return check(data, data, len, true, key) == len;
}

KERNEL_ENTRY upf_status next(upf_conn *conn, upf_input *input,
                             upf_event *event)
{
    uint8_t     *data = input->data;
    const size_t left = input->len;

    if (left < 6)
        return upf_conn_next_slowly(conn, input, event);
    const uint8_t first = data[0];
    size_t header = 6;
    size_t len    = data[1] ^ MASKED; /* over 127 if there is no mask */
    if (first != FIN_TEXT && first != FIN_BINARY)
        return upf_conn_next_slowly(conn, input, event);
    if (len > 125) {
        if (len != 126 || left < 8)
            return upf_conn_next_slowly(conn, input, event);
        len    = upf_load_be16(data + 2);
        header = 8;
        if (len < 126)
            return upf_conn_next_slowly(conn, input, event);
    }
    /* `quick` is 0 unless all is at rest; an empty message goes the slow way
     * then, too. */
    if (len >= conn->quick || len > left - header)
        return upf_conn_next_slowly(conn, input, event);

    uint32_t key;
    memcpy(&key, data + header - 4, sizeof key);
    data += header;
    if (!unmask(first, data, len, key)) {
        mask_any(data, data, len, key); /* as it was */
        return upf_conn_next_slowly(conn, input, event);
    }
    event->type   = UPF_EVENT_MESSAGE;
    event->opcode = (upf_opcode)(first & 0x0F);
    event->data   = data;
    event->len    = len;
    input->data   = data + len;
    input->len    = left - header - len;
    conn->offset += header + len;
    upf_set(conn, UPF_ACTIVE);
    /* The run of in-place output goes on as long as the input does. */
    if (conn->out.run_len > 0)
        conn->out.at.taken = conn->out.at.taken == data - header
                                 ? input->data : NULL;
    return UPF_OK;
}

#endif
