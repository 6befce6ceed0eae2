/* SPDX-License-Identifier: MIT */
/* mask.h - payload masking on a running key, below upf_mask(). */
#ifndef UPF_MASK_H
#define UPF_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * A masking key is four bytes in memory order: as a number it means nothing.
 * Written twice, it is turned to the place `by` bytes further on by rotating
 * it. That is to the right where the lowest byte comes first.
 */
static inline uint64_t upf_mask_twice(uint32_t key)
{
    return key * UINT64_C(0x100000001);
}

static inline uint64_t upf_mask_turn_twice(uint64_t keys, uint64_t by)
{
    const uint16_t one  = 1;
    const unsigned bits = (unsigned)(by % 4) * 8;
    uint8_t        first;

    memcpy(&first, &one, sizeof first);
    return first ? keys >> bits | keys << (-bits & 63)
                 : keys << bits | keys >> (-bits & 63);
}

static inline uint32_t upf_mask_turn(uint32_t key, uint64_t by)
{
    return (uint32_t)upf_mask_turn_twice(upf_mask_twice(key), by);
}

/* The same of a key as frames carry it. */
static inline uint32_t upf_mask_key_at(const uint8_t mask_key[4],
                                       uint64_t      offset)
{
    uint32_t key;

    memcpy(&key, mask_key, sizeof key);
    return upf_mask_turn(key, offset);
}

/*
 * XOR src[0, len) with a turned key, repeated, into dst[0, len). Neither reads
 * nor writes outside of them. dst == src is allowed, other overlap is not.
 */
void upf_mask_turned(uint8_t *dst, const uint8_t *src, size_t len,
                     uint32_t key);

/*
 * upf_mask_turned() of 8 to 16 bytes, as two words that overlap. The second
 * ends where the payload ends, so that no store reaches into what follows it.
 * If it is to be `ascii` and is not: false, and nothing was written.
 */
static inline bool upf_mask_8_to_16(uint8_t *dst, const uint8_t *src,
                                    size_t len, uint32_t key, bool ascii)
{
    const uint64_t keys = upf_mask_twice(key);
    uint64_t       head, tail;

    memcpy(&head, src, sizeof head);
    memcpy(&tail, src + len - sizeof tail, sizeof tail);
    head ^= keys;
    tail ^= upf_mask_turn_twice(keys, len);
    if (ascii && ((head | tail) & UINT64_C(0x8080808080808080)) != 0)
        return false;
    memcpy(dst, &head, sizeof head);
    memcpy(dst + len - sizeof tail, &tail, sizeof tail);
    return true;
}

#endif
