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
 *   mask_any(dst, src, len, key)
 *   check(dst, src, len, mask, key)   as `utf8` and `mask_utf8` of kernels.h
 * and, if it is one of vectors,
 *   mask_short(dst, src, len, key, text)   see kernels_vector.h
 *
 * What they leave alone they hand to `slowly`, which is upf_conn_next_slowly():
 * as an argument, so that a program that only masks links no connection.
 */
#ifndef UPF_CONN_NEXT_H
#define UPF_CONN_NEXT_H

#include <string.h>

#include "bytes.h"
#include "conn_impl.h"
#include "kernels.h"
#include "output.h"

enum {
    FIN_TEXT   = 0x80 | UPF_OP_TEXT,
    FIN_BINARY = 0x80 | UPF_OP_BINARY,
    MASKED     = 0x80,
    KEY_LEN    = 4
};

/* `len` bytes behind `header` bytes: unmasked already, or in a moment. */
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
    /* Asked first: stores are what is scarce here. */
    if ((conn->flags & (UPF_ACTIVE | UPF_REPLYING | UPF_EVENT_IN_BLOCK)) !=
        (UPF_ACTIVE | UPF_REPLYING)) {
        upf_conn_end_event(conn);
        upf_set(conn, UPF_ACTIVE);
        upf_output_begin_replies(conn);
    }
    upf_output_note_taken(conn, start, input->data);
    return UPF_OK;
}

#ifdef KERNEL

KERNEL_ENTRY upf_status next_text(upf_conn *conn, upf_input *input,
                                  upf_event *event, upf_next_fn *slowly,
                                  size_t header, size_t len)
{
    uint8_t *data = input->data + header;
    uint32_t key;

    memcpy(&key, data - KEY_LEN, KEY_LEN);
    if (check(data, data, len, true, key) < len) {
        mask_any(data, data, len, key); /* as it was */
        return slowly(conn, input, event);
    }
    return deliver_whole(conn, input, event, FIN_TEXT, header, len);
}

KERNEL_ENTRY upf_status next_any(upf_conn *conn, upf_input *input,
                                 upf_event *event, upf_next_fn *slowly)
{
    uint8_t *data   = input->data;
    size_t   header = 2 + KEY_LEN;
    uint32_t key;

    if (input->len < header || (data[0] != FIN_TEXT && data[0] != FIN_BINARY))
        return slowly(conn, input, event);
    size_t len = (size_t)data[1] - MASKED; /* immense without a mask */
    if (len > 125) {
        header = 4 + KEY_LEN;
        if (len != 126 || input->len < header)
            return slowly(conn, input, event);
        len = upf_load_be16(data + 2);
        if (len < 126)
            return slowly(conn, input, event);
    }
    if (len >= conn->quick || len > input->len - header)
        return slowly(conn, input, event);
    if (data[0] == FIN_TEXT)
        return next_text(conn, input, event, slowly, header, len);

    /* The event first, so that nothing has to be kept across the call. */
    data += header;
    memcpy(&key, data - KEY_LEN, KEY_LEN);
    deliver_whole(conn, input, event, FIN_BINARY, header, len);
    mask_any(data, data, len, key);
    return UPF_OK;
}

#ifdef VEC

typedef upf_status next_fn(upf_conn *conn, upf_input *input, upf_event *event,
                           upf_next_fn *slowly);

/*
 * 17 to 125 bytes of binary, 8 to 125 of ASCII. A function without a call, in
 * which no register has to be saved. What begins otherwise goes to `others`.
 */
KERNEL upf_status next_short(upf_conn *conn, upf_input *input,
                             upf_event *event, upf_next_fn *slowly,
                             uint8_t first, next_fn *others)
{
    enum { HEADER = 2 + KEY_LEN, MOST = 125 };
    const size_t least = first == FIN_TEXT ? 8 : 17;
    uint8_t *data = input->data;
    uint32_t key;

    if (input->len < HEADER || data[0] != first)
        return others(conn, input, event, slowly);
    const size_t len = data[1] ^ MASKED; /* over 127 without a mask */
    if (len < least || len > MOST || len >= conn->quick ||
        len > input->len - HEADER)
        return next_any(conn, input, event, slowly);

    data += HEADER;
    memcpy(&key, data - KEY_LEN, KEY_LEN);
    if (!mask_short(data, data, len, key, first == FIN_TEXT))
        return next_any(conn, input, event, slowly);
    return deliver_whole(conn, input, event, first, HEADER, len);
}

KERNEL_ENTRY upf_status next_ascii(upf_conn *conn, upf_input *input,
                                   upf_event *event, upf_next_fn *slowly)
{
    return next_short(conn, input, event, slowly, FIN_TEXT, next_any);
}

KERNEL_ENTRY upf_status next(upf_conn *conn, upf_input *input,
                             upf_event *event, upf_next_fn *slowly)
{
    return next_short(conn, input, event, slowly, FIN_BINARY, next_ascii);
}

#endif
#endif
#endif
