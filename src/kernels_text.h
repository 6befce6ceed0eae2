/* SPDX-License-Identifier: MIT */
/*
 * kernels_text.h - text without control characters, many bytes a step.
 *
 * A head is a few hundred bytes in lines of a few dozen: a call through the
 * table of kernels would cost what wider vectors save. So this is inline, and
 * takes what every processor of its kind has.
 */
#ifndef UPF_KERNELS_TEXT_H
#define UPF_KERNELS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels.h"

#if UPF_KERNELS_X86
#include <immintrin.h>
#endif

static inline bool upf_is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7F;
}

#if UPF_KERNELS_X86

/* One bit for each control character of text[0, 16). */
static inline unsigned upf_controls_of_16(const char *text)
{
    const __m128i bytes = _mm_loadu_si128((const __m128i *)text);
    const __m128i low   = _mm_subs_epu8(bytes, _mm_set1_epi8(0x1F));

    return (unsigned)_mm_movemask_epi8(
        _mm_or_si128(_mm_cmpeq_epi8(low, _mm_setzero_si128()),
                     _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7F))));
}

/* The same of text[0, 64). */
static inline uint64_t upf_controls_of_64(const char *text)
{
    const uint64_t low  = upf_controls_of_16(text + 16) << 16 |
                          upf_controls_of_16(text);
    const uint64_t high = upf_controls_of_16(text + 48) << 16 |
                          upf_controls_of_16(text + 32);

    return high << 32 | low;
}

/* One bit for each of text[0, 16) that is neither a letter nor '-'. */
static inline unsigned upf_no_letters_of_16(const char *text)
{
    const __m128i bytes  = _mm_loadu_si128((const __m128i *)text);
    const __m128i lower  = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
    /* The 26 letters become the 26 least of all signed numbers. */
    const __m128i moved  = _mm_sub_epi8(lower, _mm_set1_epi8('a' - 128));
    const __m128i letter = _mm_cmplt_epi8(moved, _mm_set1_epi8(26 - 128));
    const __m128i hyphen = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-'));

    return 0xFFFFu ^
           (unsigned)_mm_movemask_epi8(_mm_or_si128(letter, hyphen));
}

#endif

/*
 * Whether one of eight bytes may be a control character. Of a byte whose top
 * bit is clear, subtracting 0x20 sets it if the byte is below 0x20, and adding
 * 1 if it is 0x7F. A carry out of 0xFF can make a '~' look like 0x7F: that
 * costs a second look, and none is missed.
 */
static inline bool upf_may_have_control(const char *text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t eight;

    memcpy(&eight, text, sizeof eight);
    return (((eight - ones * 0x20) | (eight + ones)) & ~eight &
            ones * 0x80) != 0;
}

/* How many bytes of text[0, len) come before its first control character. */
static inline size_t upf_run_without_controls(const char *text, size_t len)
{
    size_t n = 0;

#if UPF_KERNELS_X86
    for (; n < len / 16 * 16; n += 16) {
        const unsigned controls = upf_controls_of_16(text + n);
        if (controls != 0)
            return n + (unsigned)__builtin_ctz(controls);
    }
#endif
    for (; len - n >= 8; n += 8)
        if (upf_may_have_control(text + n))
            break;
    while (n < len && !upf_is_control(text[n]))
        n++;
    return n;
}

/*
 * A walk from control character to control character. `bits` are those of
 * text[at, block), one for each byte, of which only 0 is looked at: so what is
 * found does not wait for what was made of the one before.
 */
struct upf_controls {
    const char *start, *at, *block, *end;
    uint64_t    bits;
};

static inline struct upf_controls upf_controls_in(const char *text, size_t len)
{
    return (struct upf_controls){text, text, text, text + len, 0};
}

#if UPF_KERNELS_X86

static inline void upf_next_block(struct upf_controls *walk)
{
    const size_t left = (size_t)(walk->end - walk->block);
    uint64_t bits = 0;

    if (left >= 64)
        bits = upf_controls_of_64(walk->block);
    else if (walk->end - walk->start >= 64) /* some are looked at twice */
        bits = upf_controls_of_64(walk->end - 64) >> (64 - left);
    else
        for (size_t i = 0; i < left; i++)
            bits |= (uint64_t)upf_is_control(walk->block[i]) << i;
    if (walk->at < walk->block)
        walk->at = walk->block;
    walk->bits   = bits >> (walk->at - walk->block);
    walk->block += left < 64 ? left : 64;
}

#endif

/* Go to the next one, or the end. */
static inline const char *upf_next_control(struct upf_controls *walk)
{
#if UPF_KERNELS_X86
    while (walk->bits == 0) {
        if (walk->block == walk->end)
            return walk->at = walk->end;
        upf_next_block(walk);
    }
    const int n = __builtin_ctzll(walk->bits);
    walk->bits >>= n;
    walk->at += n;
#else
    if (walk->at > walk->end) /* two bytes were skipped, and it was the last */
        walk->at = walk->end;
    walk->at += upf_run_without_controls(walk->at,
                                         (size_t)(walk->end - walk->at));
#endif
    return walk->at;
}

/* Go over the one that was found; n is 2: and over the byte behind it. */
static inline void upf_skip_control(struct upf_controls *walk, unsigned n)
{
    walk->at    += n;
    walk->bits >>= n;
}

/*
 * How many bytes of text[0, len) come before the first that is neither a letter
 * nor '-', which is the end of nearly all names. Less than `len`: 0 if they end
 * sooner than a vector, or vectors would be no faster than upf_chars_run().
 */
static inline size_t upf_run_of_letters(const char *text, size_t len)
{
#if UPF_KERNELS_X86
    for (size_t n = 0; len - n >= 16; n += 16) {
        const unsigned others = upf_no_letters_of_16(text + n);
        if (others != 0)
            return n + (unsigned)__builtin_ctz(others);
    }
#else
    (void)text;
    (void)len;
#endif
    return 0;
}

#endif
