/* SPDX-License-Identifier: MIT */
/*
 * kernels_vector.h - masking and UTF-8 on vectors of any width, written once.
 *
 * A file that includes it has defined, for its instructions: KERNEL (the
 * attributes of an inline function), vec, VEC (its size in bytes) and
 *
 *   vec_load(p), vec_store(p, v)    without alignment
 *   vec_fill32(x), vec_fill8(x)     four bytes or one byte, repeated
 *   vec_xor(a, b), vec_and(a, b), vec_or(a, b)
 *   vec_subs(a, b)                  a - b by bytes, 0 where negative
 *   vec_high4(v), vec_low4(v)       each byte's halves, for vec_lookup
 *   vec_table(p)                    16 bytes, as vec_lookup wants them
 *   vec_lookup(table, half)         table[half[i]]
 *   vec_before(v, prev, n)          for each byte of v, the byte n before it;
 *                                   prev is the vector before v; n: 1 to 3
 *   vec_is_zero(v), vec_is_ascii(v)
 *   ASCII_16(v), ASCII_WORD(v)      vec_is_ascii of a word16 or a word (below)
 *
 * and, if it has them, VEC_PARTS and
 *
 *   vec_load_part(p, n)             n bytes, then zeros
 *   vec_keep(v, n)                  n bytes of v, then zeros
 *
 * The machine is little-endian and allows unaligned loads and stores.
 */
#ifndef UPF_KERNELS_VECTOR_H
#define UPF_KERNELS_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels.h"
#include "kernels_utf8.h"

/* ---- Masking (RFC 6455, section 5.3) ------------------------------------ */

/* The key, turned by that many bytes (mask.h). */
KERNEL uint32_t turned(uint32_t key, size_t by)
{
    const unsigned bits = (unsigned)(by & 3) * 8;

    return key >> bits | key << ((32 - bits) & 31);
}

/* Short payloads are masked in words of 32 bytes at most, because most words of
 * 64 bytes would lie across two cache lines. */
typedef uint32_t word __attribute__((vector_size(VEC < 32 ? VEC : 32)));
typedef uint32_t word16 __attribute__((vector_size(16)));
typedef word word_at __attribute__((aligned(1), may_alias)); /* in memory */

/*
 * Mask a payload of one to two times sizeof(type) bytes, as two values of
 * `type` that overlap. Both are read before either is written. The second ends
 * where the payload ends. A longer store, even one that leaves the bytes after
 * the payload as they are, would delay the load of the next header.
 */
#define MASK_AS_TWO(type, keys)                                          \
    do {                                                                 \
        type head, tail;                                                 \
        memcpy(&head, src, sizeof head);                                 \
        memcpy(&tail, src + len - sizeof tail, sizeof tail);             \
        head ^= (type)keys(key);                                         \
        tail ^= (type)keys(turned(key, len));                            \
        if (text && !IS_ASCII_##type(head | tail))                       \
            return false;                                                \
        memcpy(dst, &head, sizeof head);                                 \
        memcpy(dst + len - sizeof tail, &tail, sizeof tail);             \
        return true;                                                     \
    } while (0)

#define KEYS_4(k)  (k)
#define KEYS_8(k)  ((k) * UINT64_C(0x100000001))
#define KEYS_16(k) ((word16){0} + (k))

#define IS_ASCII_uint32_t(w) (((w) & UINT32_C(0x80808080)) == 0)
#define IS_ASCII_uint64_t(w) (((w) & UINT64_C(0x8080808080808080)) == 0)
#define IS_ASCII_word16(w)   ASCII_16(w)

/* What MASK_AS_TWO does, for one to two times `half` bytes; `half` is 32 or
 * 64. */
KERNEL bool mask_as_halves(uint8_t *dst, const uint8_t *src, size_t len,
                           uint32_t key, size_t half, bool text)
{
    enum { SIZE = sizeof(word) };
    const word keys      = (word){0} + key;
    const word tail_keys = (word){0} + turned(key, len);
    word       head[64 / SIZE], tail[64 / SIZE], all = {0};

    for (size_t i = 0; i < half / SIZE; i++) {
        head[i] = keys ^ *(const word_at *)(src + i * SIZE);
        tail[i] = tail_keys ^ *(const word_at *)(src + len - half + i * SIZE);
        all |= head[i] | tail[i];
    }
    if (text && !ASCII_WORD(all))
        return false;
    for (size_t i = 0; i < half / SIZE; i++)
        *(word_at *)(dst + i * SIZE) = head[i];
    for (size_t i = 0; i < half / SIZE; i++)
        *(word_at *)(dst + len - half + i * SIZE) = tail[i];
    return true;
}

/*
 * Mask 8 to 128 bytes. If `text` is true and the result is not ASCII, returns
 * false, with nothing written.
 */
KERNEL bool mask_short(uint8_t *dst, const uint8_t *src, size_t len,
                       uint32_t key, bool text)
{
    if (len > 64)
        return mask_as_halves(dst, src, len, key, 64, text);
    if (len > 32)
        return mask_as_halves(dst, src, len, key, 32, text);
    if (len >= 16)
        MASK_AS_TWO(word16, KEYS_16);
    MASK_AS_TWO(uint64_t, KEYS_8);
}

/* Mask up to 128 bytes. Returns true. */
KERNEL bool mask_to_128(uint8_t *dst, const uint8_t *src, size_t len,
                        uint32_t key)
{
    const bool text = false;

    if (len >= 8)
        return mask_short(dst, src, len, key, text);
    if (len >= 4)
        MASK_AS_TWO(uint32_t, KEYS_4);
    for (size_t i = 0; i < len; i++)
        dst[i] = (uint8_t)(src[i] ^ turned(key, i));
    return true;
}

/* Mask 64 bytes. */
KERNEL void mask_64(uint8_t *dst, const uint8_t *src, vec keys)
{
    for (size_t i = 0; i < 64; i += VEC)
        vec_store(dst + i, vec_xor(vec_load(src + i), keys));
}

/*
 * Mask 256 bytes. All are loaded before any is stored: a processor compares
 * only the lowest twelve bits of addresses, and a load that seems to read what
 * was just stored would have to wait.
 */
KERNEL void mask_256(uint8_t *dst, const uint8_t *src, vec keys)
{
    vec all[256 / VEC];

    for (size_t i = 0; i < 256 / VEC; i++)
        all[i] = vec_xor(vec_load(src + i * VEC), keys);
    for (size_t i = 0; i < 256 / VEC; i++)
        vec_store(dst + i * VEC, all[i]);
}

/*
 * Mask 192 bytes or more: the first vector, then vectors that are aligned in
 * dst, then the last 64 bytes. These parts overlap, and dst may be src: what
 * two of them cover is read before either is written.
 */
KERNEL void mask_long(uint8_t *dst, const uint8_t *src, size_t len,
                      uint32_t key)
{
    const size_t skip = VEC - ((uintptr_t)dst & (VEC - 1));
    const vec    keys = vec_fill32(turned(key, skip));
    const vec    head = vec_xor(vec_load(src), vec_fill32(key));
    const vec    next = vec_xor(vec_load(src + skip), keys);
    uint8_t      tail[64];

    memcpy(tail, src + len - 64, 64);
    vec_store(dst, head);
    vec_store(dst + skip, next);

    size_t i = skip + VEC;
    for (; len - i > 256; i += 256)
        mask_256(dst + i, src + i, keys);
    for (; len - i > 64; i += 64)
        mask_64(dst + i, src + i, keys);
    mask_64(dst + len - 64, tail, vec_fill32(turned(key, len)));
}

KERNEL_ENTRY void mask_any(uint8_t *dst, const uint8_t *src, size_t len,
                           uint32_t key)
{
    if (len <= 128) {
        mask_to_128(dst, src, len, key);
    } else if (len < 192) {
        mask_64(dst, src, vec_fill32(key));
        mask_to_128(dst + 64, src + 64, len - 64, key);
    } else {
        mask_long(dst, src, len, key);
    }
}

/* ---- UTF-8 (RFC 3629, section 4) ---------------------------------------- */

/*
 * The lookup method of Keiser and Lemire. There are three tables: for the high
 * half of a byte, for its low half, and for the high half of the byte after it.
 * Each gives the errors that these two bytes may have as far as the table can
 * tell. The two bytes have an error if all three tables give it. Where a third
 * or fourth byte of a code point is due is found from the lead byte two or
 * three bytes earlier.
 */
enum {
    TOO_SHORT  = 1 << 0, /* lead, then no continuation */
    TOO_LONG   = 1 << 1, /* ASCII, then a continuation */
    OVERLONG_3 = 1 << 2, /* E0, then 80 to 9F */
    TOO_LARGE  = 1 << 3, /* F4, then 90 up; F5 up, then 90 up */
    SURROGATE  = 1 << 4, /* ED, then A0 up */
    OVERLONG_2 = 1 << 5, /* C0 or C1 */
    OVERLONG_4 = 1 << 6, /* F0, then 80 to 8F; F5 up, then 80 to 8F */
    TWO_CONTS  = 1 << 7, /* two continuations: right only if the second is the
                            third or fourth byte of a code point */
    BY_HIGH    = TOO_SHORT | TOO_LONG | TWO_CONTS /* whatever the low half */
};

static const uint8_t first_high[16] = {
    TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
    TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
    TWO_CONTS, TWO_CONTS, TWO_CONTS, TWO_CONTS,
    TOO_SHORT | OVERLONG_2,
    TOO_SHORT,
    TOO_SHORT | OVERLONG_3 | SURROGATE,
    TOO_SHORT | TOO_LARGE | OVERLONG_4,
};

static const uint8_t first_low[16] = {
    BY_HIGH | OVERLONG_2 | OVERLONG_3 | OVERLONG_4,
    BY_HIGH | OVERLONG_2,
    BY_HIGH,
    BY_HIGH,
    BY_HIGH | TOO_LARGE,
    BY_HIGH | TOO_LARGE | OVERLONG_4,
    BY_HIGH | TOO_LARGE | OVERLONG_4,
    BY_HIGH | TOO_LARGE | OVERLONG_4,
    BY_HIGH | TOO_LARGE | OVERLONG_4,
    BY_HIGH | TOO_LARGE | OVERLONG_4,
    BY_HIGH | TOO_LARGE | OVERLONG_4,
    BY_HIGH | TOO_LARGE | OVERLONG_4,
    BY_HIGH | TOO_LARGE | OVERLONG_4,
    BY_HIGH | TOO_LARGE | OVERLONG_4 | SURROGATE,
    BY_HIGH | TOO_LARGE | OVERLONG_4,
    BY_HIGH | TOO_LARGE | OVERLONG_4,
};

static const uint8_t second_high[16] = {
    TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
    TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
    TOO_LONG | TWO_CONTS | OVERLONG_2 | OVERLONG_3 | OVERLONG_4,
    TOO_LONG | TWO_CONTS | OVERLONG_2 | OVERLONG_3 | TOO_LARGE,
    TOO_LONG | TWO_CONTS | OVERLONG_2 | SURROGATE | TOO_LARGE,
    TOO_LONG | TWO_CONTS | OVERLONG_2 | SURROGATE | TOO_LARGE,
    TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
};

/* The errors in `now`, which comes after `before` in the text; zero if there
 * are none. */
KERNEL vec utf8_errors(vec now, vec before)
{
    const vec first  = vec_before(now, before, 1);
    const vec pair   = vec_and(
        vec_and(vec_lookup(vec_table(first_high), vec_high4(first)),
                vec_lookup(vec_table(first_low), vec_low4(first))),
        vec_lookup(vec_table(second_high), vec_high4(now)));

    /* 80 where a third or fourth byte is due. TWO_CONTS, which is also 80,
     * cancels it if that byte is a continuation. */
    const vec third  =
        vec_subs(vec_before(now, before, 2), vec_fill8(0xE0 - 0x80));
    const vec fourth =
        vec_subs(vec_before(now, before, 3), vec_fill8(0xF0 - 0x80));
    return vec_xor(vec_and(vec_or(third, fourth), vec_fill8(0x80)), pair);
}

/* `end` less the bytes of a code point that data[0, end) does not complete. */
KERNEL size_t whole_code_points(const uint8_t *data, size_t end)
{
    return end - upf_utf8_incomplete(data, end);
}

/* Returns a vector of src[0, len), which are fewer than VEC bytes, and zeros
 * after them. If `mask` is true, the bytes are unmasked, and written to dst,
 * too. Otherwise dst is src. */
KERNEL vec check_part(uint8_t *dst, const uint8_t *src, size_t len, bool mask,
                      uint32_t key)
{
#ifdef VEC_PARTS
    const vec part = vec_load_part(src, len);

    if (!mask)
        return part;
    mask_to_128(dst, src, len, key);
    return vec_keep(vec_xor(part, vec_fill32(key)), len);
#else
    uint8_t part[VEC] = {0};

    if (mask)
        mask_to_128(dst, src, len, key);
    for (size_t i = 0; i < len; i++)
        part[i] = dst[i];
    return vec_load(part);
#endif
}

/* If `mask` is true, this is upf_kernels.mask_utf8. Otherwise it is
 * upf_kernels.utf8, and dst is src. */
KERNEL_ENTRY size_t check(uint8_t *dst, const uint8_t *src, size_t len,
                          bool mask, uint32_t key)
{
    const vec keys = vec_fill32(key);
    vec    before = vec_fill8(0);
    size_t i = 0;
    bool   good = true;

    for (; good && len - i >= 4 * VEC; i += 4 * VEC) {
        vec now[4], all = before;
        for (int j = 0; j < 4; j++) {
            now[j] = vec_load(src + i + (size_t)j * VEC);
            if (mask) {
                now[j] = vec_xor(now[j], keys);
                vec_store(dst + i + (size_t)j * VEC, now[j]);
            }
            all = vec_or(all, now[j]);
        }
        if (!vec_is_ascii(all)) {
            vec errors = utf8_errors(now[0], before);
            for (int j = 1; j < 4; j++)
                errors = vec_or(errors, utf8_errors(now[j], now[j - 1]));
            good = vec_is_zero(errors);
        }
        before = now[3];
    }
    if (!good) {
        if (mask)
            mask_any(dst + i, src + i, len - i, key);
        return whole_code_points(dst, i - 4 * VEC);
    }
    for (; good && len - i >= VEC; i += VEC) {
        vec now = vec_load(src + i);
        if (mask) {
            now = vec_xor(now, keys);
            vec_store(dst + i, now);
        }
        good = vec_is_ascii(vec_or(now, before)) ||
               vec_is_zero(utf8_errors(now, before));
        before = now;
    }
    if (!good) {
        if (mask)
            mask_any(dst + i, src + i, len - i, key);
        return whole_code_points(dst, i - VEC);
    }
    if (i < len) { /* the rest, as if zeros followed it */
        const vec now = check_part(dst + i, src + i, len - i, mask, key);
        if (!vec_is_ascii(vec_or(now, before)) &&
            !vec_is_zero(utf8_errors(now, before)))
            return whole_code_points(dst, i);
    }
    return whole_code_points(dst, len);
}

/* ---- The set ------------------------------------------------------------ */

KERNEL_ENTRY void mask(uint8_t *dst, const uint8_t *src, size_t len,
                       uint32_t key)
{
    mask_any(dst, src, len, key);
}

/* Whether 8 to 128 bytes are ASCII, as words that overlap. */
KERNEL bool is_ascii_short(const uint8_t *p, size_t len)
{
    word all = {0};

    if (len < 16) {
        uint64_t head, tail;

        memcpy(&head, p, sizeof head);
        memcpy(&tail, p + len - sizeof tail, sizeof tail);
        return IS_ASCII_uint64_t(head | tail);
    }
    if (len < 32) {
        word16 head, tail;

        memcpy(&head, p, sizeof head);
        memcpy(&tail, p + len - sizeof tail, sizeof tail);
        return IS_ASCII_word16(head | tail);
    }
    for (size_t i = 0; i < len - sizeof(word); i += sizeof(word))
        all |= *(const word_at *)(p + i);
    all |= *(const word_at *)(p + len - sizeof(word));
    return ASCII_WORD(all);
}

KERNEL_ENTRY size_t utf8(const uint8_t *data, size_t len)
{
    if (len - 8 <= 120 && is_ascii_short(data, len))
        return len;
    /* check() does not write to dst if nothing is to be masked. */
    return check((uint8_t *)(uintptr_t)data, data, len, false, 0);
}

KERNEL_ENTRY size_t mask_utf8(uint8_t *dst, const uint8_t *src, size_t len,
                              uint32_t key)
{
    if (len - 8 <= 120 && mask_short(dst, src, len, key, true))
        return len;
    return check(dst, src, len, true, key);
}

#endif
