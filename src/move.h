/* SPDX-License-Identifier: MIT */
/* move.h - a few bytes from here to there, without a call. */
#ifndef UPF_MOVE_H
#define UPF_MOVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What upf_move_short() moves. */
static inline bool upf_is_short(size_t len)
{
    return len >= 8 && len <= 32;
}

/*
 * memmove(dst, src, len) for such a length, as two pieces that overlap. They
 * are those as which the payload was unmasked (mask.h, kernels_vector.h): a
 * piece that lies across two stores could be loaded only when both have left
 * the processor.
 */
static inline void upf_move_short(uint8_t *dst, const uint8_t *src, size_t len)
{
    uint64_t head[2], tail[2];

    if (len <= sizeof head) {
        memcpy(head, src, sizeof *head);
        memcpy(tail, src + len - sizeof *tail, sizeof *tail);
        memcpy(dst, head, sizeof *head);
        memcpy(dst + len - sizeof *tail, tail, sizeof *tail);
    } else {
        memcpy(head, src, sizeof head);
        memcpy(tail, src + len - sizeof tail, sizeof tail);
        memcpy(dst, head, sizeof head);
        memcpy(dst + len - sizeof tail, tail, sizeof tail);
    }
}

#endif
