/* SPDX-License-Identifier: MIT */
/* conn_recv.h - the frame that is arriving, for conn_recv.c, which reads it,
 * and conn_message.c, which makes messages of its payload. */
#ifndef UPF_CONN_RECV_H
#define UPF_CONN_RECV_H

#include <string.h>

#include "bytes.h"
#include "conn_impl.h"
#include "frame.h"
#include "mask.h"

enum phase { PHASE_HEADER = 0, PHASE_PAYLOAD };

enum frame_flag {
    FRAME_FIN        = 1,
    HEADER_ELSEWHERE = 2  /* not in front of the payload in the input */
};

static inline bool is_fin(const union upf_frame_in *frame)
{
    return (frame->payload.flags & FRAME_FIN) != 0;
}

/* The next `len` bytes of the payload are taken. Returns their masking key. */
static inline uint32_t turn_key(union upf_frame_in *frame, size_t len)
{
    const uint32_t key = frame->payload.key;

    frame->payload.key   = upf_mask_turn(key, len);
    frame->payload.left -= len;
    return key;
}

/* Unmask the next `len` bytes of the payload from src to dst. */
static inline void unmask(upf_conn *conn, uint8_t *dst, const uint8_t *src,
                          size_t len)
{
    upf_mask_turned(dst, src, len, turn_key(&conn->in.open.frame, len));
}

/* The payload is complete: a header comes next. */
static inline void end_frame(upf_conn *conn)
{
    conn->in.open.frame.header.len   = 0;
    conn->in.open.frame.header.phase = PHASE_HEADER;
}

/* ---- A whole frame in the input ----------------------------------------- */

enum { MASKED = 0x80, KEY_LEN = 4 };

/*
 * Of a frame of which at least two bytes and the key are in the input: the
 * payload's length, and the header's, of which the key is a part. False: not
 * all of it is in the input, or its payload is not shorter than glance_limit.
 * Without the mask that is due (MASKED or 0), a length is immense; with one that
 * is not, it is over 127.
 */
static inline bool measure(const upf_conn *conn, const upf_input *input,
                           unsigned mask, size_t *header, size_t *len)
{
    const uint8_t *in  = input->data;
    const size_t   key = mask != 0 ? KEY_LEN : 0;

    *header = 2 + key;
    *len    = (size_t)in[1] - mask;
    if (*len > 125) {
        *header = 4 + key;
        if (*len != 126 || input->len < *header)
            return false;
        *len = upf_load_be16(in + 2);
        if (*len < 126)
            return false;
    }
    return *len < conn->glance_limit && *len <= input->len - *header;
}

/* ---- conn_recv.c -------------------------------------------------------- */

/* UPF_OK: an event; UPF_NEED_MORE: the input is used up. */
upf_status upf_conn_read_frames(upf_conn *conn, upf_input *input,
                                upf_event *event);

/* ---- conn_message.c ----------------------------------------------------- */

/* What is here of the payload of a message's frame. UPF_OK: an event;
 * UPF_NEED_MORE: none yet. */
upf_status upf_conn_read_message(upf_conn *conn, upf_input *input,
                                 upf_event *event);

#endif
