/* SPDX-License-Identifier: MIT */
/* mask.h - payload masking with a key that can be rotated, for upf_mask(). */
#ifndef UPF_MASK_H
#define UPF_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * A masking key is four bytes in memory order; its value as a number has no
 * meaning. To turn a key is to rotate it, so that it begins with the byte for
 * the place `by` bytes further on: to the right on a little-endian machine.
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

/* upf_mask_turn() of a key that is an array of bytes, as in a frame header. */
static inline uint32_t upf_mask_key_at(const uint8_t mask_key[4],
                                       uint64_t      offset)
{
    uint32_t key;

    memcpy(&key, mask_key, sizeof key);
    return upf_mask_turn(key, offset);
}

/*
 * XOR src[0, len) with the key, repeated, into dst[0, len). The key must be
 * turned to src[0]. dst == src is allowed, other overlap is not.
 */
void upf_mask_turned(uint8_t *dst, const uint8_t *src, size_t len,
                     uint32_t key);

/*
 * upf_mask_turned() of 8 to 16 bytes, as two words that overlap. The second
 * ends where the payload ends, so that nothing after it is written. If `ascii`
 * is true and the result is not ASCII, returns false, with nothing written.
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
