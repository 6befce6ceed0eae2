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
 * Measure a frame of which two bytes and the key, if one is due, are in the
 * input: *header and *len are the bytes of its header, key included, and of its
 * payload. False: not all of it is in the input, its payload is not shorter
 * than glance_limit, or its length is not in its shortest form.
 *
 *   mask  what is due, MASKED or 0. In a frame that has the other, the length
 *         byte seems to be immense, or over 127: false, too.
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
