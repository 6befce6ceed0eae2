/* SPDX-License-Identifier: MIT */
/* upframe/frame.h - the RFC 6455 frame header: parse it, write it; masking. */
#ifndef UPFRAME_FRAME_H
#define UPFRAME_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <upframe/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UPF_FRAME_HEADER_MAX    14  /* 2 fixed + 8 length + 4 masking key */
#define UPF_CONTROL_PAYLOAD_MAX 125 /* RFC 6455, section 5.5 */
#define UPF_CLOSE_REASON_MAX    123 /* 125 less the close code */

#define UPF_RSV1 4
#define UPF_RSV2 2
#define UPF_RSV3 1

typedef enum upf_opcode {
    UPF_OP_CONTINUATION = 0x0,
    UPF_OP_TEXT         = 0x1,
    UPF_OP_BINARY       = 0x2,
    UPF_OP_CLOSE        = 0x8,
    UPF_OP_PING         = 0x9,
    UPF_OP_PONG         = 0xA
} upf_opcode;

/* One decoded frame header. Plain data, no pointers: copy it freely. */
typedef struct upf_frame_header {
    upf_opcode opcode;
    bool       fin;         /* last frame of its message */
    bool       masked;
    uint8_t    rsv;         /* UPF_RSV1, UPF_RSV2, UPF_RSV3 */
    uint8_t    mask_key[4]; /* wire order; all zero unless masked */
    uint64_t   payload_len; /* bytes, at most 2^63 - 1 */
} upf_frame_header;

/*
 * Parse the frame header at the start of `in`.
 *
 * Keeps no state: after UPF_NEED_MORE, call again with the same bytes and
 * more after them. Reads no further than the header; the payload, if any,
 * starts at in[*header_len].
 *
 *   in          start of a frame; may be NULL if in_len is 0
 *   in_len      bytes readable at `in`
 *   header      written on UPF_OK only
 *   header_len  written on UPF_OK only: 2 to UPF_FRAME_HEADER_MAX
 *
 * Returns
 *   UPF_OK           the header is complete and well formed
 *   UPF_NEED_MORE    the header is incomplete; never if in_len is at least
 *                    UPF_FRAME_HEADER_MAX
 *   UPF_ERR_OPCODE   reserved opcode (section 5.2)
 *   UPF_ERR_CONTROL  control frame fragmented or over 125 bytes (5.5)
 *   UPF_ERR_LENGTH   length not in its shortest form, or over 2^63 - 1 (5.2)
 *
 * RSV bits and masking are reported, not judged: whether they are allowed
 * depends on the connection (upframe/conn.h).
 */
upf_status upf_frame_header_parse(const uint8_t *in, size_t in_len,
                                  upf_frame_header *header,
                                  size_t           *header_len);

/*
 * Write `header` in its shortest form (section 5.2).
 *
 *   header  payload_len at most 2^63 - 1; mask_key is written if `masked`.
 *           Nothing else is checked: a test may write a forbidden frame.
 *   out     room for UPF_FRAME_HEADER_MAX bytes
 *
 * Returns the bytes written: 2, 4 or 10, and 4 more if masked.
 */
size_t upf_frame_header_write(const upf_frame_header *header, uint8_t *out);

/*
 * Mask or unmask payload (section 5.3: the same operation).
 *
 *   dst       `len` bytes are written; may equal `src`, must not overlap it
 *             otherwise
 *   src       `len` bytes are read, none before or after them
 *   mask_key  wire order
 *   offset    index of src[0] in the frame's payload, so that a payload can
 *             be masked in pieces
 */
void upf_mask(void *dst, const void *src, size_t len,
              const uint8_t mask_key[4], uint64_t offset);

#ifdef __cplusplus
}
#endif

#endif
