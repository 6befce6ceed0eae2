/* SPDX-License-Identifier: MIT */
/* frame.h - a frame header's size and bytes, inline because each frame sent
 * needs them. Where a call is not inlined, frame.c has the function. */
#ifndef UPF_FRAME_H
#define UPF_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <upframe/frame.h>

enum { UPF_FIN = 0x80 }; /* in the first byte of a frame */

/* Control opcodes have the highest bit set (section 5.5). */
static inline bool upf_frame_is_control(upf_opcode opcode)
{
    return (opcode & 0x8) != 0;
}

/* 7-bit lengths after which an extended length follows (section 5.2). */
enum { UPF_LEN7_THEN_16_BITS = 126, UPF_LEN7_THEN_64_BITS = 127 };

inline size_t upf_frame_header_size(uint64_t payload_len, bool masked)
{
    const size_t extended = payload_len > UINT16_MAX             ? 8u
                          : payload_len >= UPF_LEN7_THEN_16_BITS ? 2u : 0u;

    return 2 + extended + (masked ? 4u : 0u);
}

/*
 * Write a header without its masking key, which the caller writes after it:
 * `bits` are FIN, RSV1-3 and the opcode, `masked` is 0x80 or 0. Returns the
 * number of bytes written.
 */
inline size_t upf_frame_header_put(uint8_t *out, unsigned bits,
                                   unsigned masked, uint64_t payload_len)
{
    out[0] = (uint8_t)bits;
    if (payload_len < UPF_LEN7_THEN_16_BITS) {
        out[1] = (uint8_t)(masked | payload_len);
        return 2;
    }
    if (payload_len <= UINT16_MAX) {
        out[1] = (uint8_t)(masked | UPF_LEN7_THEN_16_BITS);
        out[2] = (uint8_t)(payload_len >> 8);
        out[3] = (uint8_t)payload_len;
        return 4;
    }
    out[1] = (uint8_t)(masked | UPF_LEN7_THEN_64_BITS);
    for (int i = 9; i >= 2; i--, payload_len >>= 8)
        out[i] = (uint8_t)payload_len;
    return 10;
}

#endif
