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
    HEADER_ELSEWHERE = 2  /* the header is not in front of the payload */
};

static inline bool is_fin(const union upf_frame_in *frame)
{
    return (frame->payload.flags & FRAME_FIN) != 0;
}

/* Count the next `len` bytes of the payload as taken. Returns the masking key,
 * turned to the first of them. */
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
 * Measure a frame: set *header to the bytes of its header, key included, and
 * *len to those of its payload. False if not all of the frame is in the input,
 * if its payload is not shorter than glance_limit, if its length is not in the
 * shortest form, or if its mask bit is not `mask`. (Such a mask bit makes the
 * length byte less `mask` wrap around, or come to more than 127.)
 *
 *   input  at least 2 bytes, or 2 + KEY_LEN if `mask` is MASKED
 *   mask   MASKED if the peer has to mask, otherwise 0
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

/* Read frames up to the next event. Returns UPF_OK if there is one,
 * UPF_NEED_MORE if the input is used up, or an error. */
upf_status upf_conn_read_frames(upf_conn *conn, upf_input *input,
                                upf_event *event);

/* ---- conn_message.c ----------------------------------------------------- */

/* Take what the input has of the payload of a message's frame. Returns UPF_OK
 * if there is an event, UPF_NEED_MORE if there is none yet, or an error. */
upf_status upf_conn_read_message(upf_conn *conn, upf_input *input,
                                 upf_event *event);

#endif
