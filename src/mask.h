/* SPDX-License-Identifier: MIT */
/* mask.h - payload masking on a running key, below upf_mask(). */
#ifndef UPF_MASK_H
#define UPF_MASK_H

#include <stddef.h>
#include <stdint.h>

/*
 * The masking key turned so that its first byte belongs to the payload byte
 * at `offset`. Four bytes in memory order: the number itself means nothing.
 */
uint32_t upf_mask_key_at(const uint8_t mask_key[4], uint64_t offset);

/*
 * XOR src[0, len) with a turned key, repeated, into dst[0, len). Neither reads
 * nor writes outside of them. dst == src is allowed, other overlap is not.
 */
void upf_mask_turned(uint8_t *dst, const uint8_t *src, size_t len,
                     uint32_t key);

#endif
