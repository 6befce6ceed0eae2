/* SPDX-License-Identifier: MIT */
/*
 * kernels_text.h - text: control characters, sets, lines of fields.
 *
 * A head is a few hundred bytes in lines of a few dozen: a call through the
 * table of kernels would cost what wider vectors save. So this is inline, and
 * uses only instructions that every processor of the target has.
 */
#ifndef UPF_KERNELS_TEXT_H
#define UPF_KERNELS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <upframe/str.h>
#include "kernels.h"

#if UPF_KERNELS_X86
#include <immintrin.h>
#endif

static inline bool upf_is_control_char(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7F;
}

/* Whether `c` is in `set`, which has the form of upf_kernels.span. */
static inline bool upf_is_in(const uint8_t set[16], char c)
{
    const unsigned code = (unsigned char)c;

    return (set[code & 15] >> (code >> 4) & 1) != 0;
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

#endif

/*
 * Whether one of eight bytes may be a control character. If a byte's top bit is
 * clear, subtracting 0x20 sets that bit if the byte is below 0x20, and adding 1
 * sets it if the byte is 0x7F. A carry out of 0xFF can make a '~' look like
 * 0x7F: the caller then looks at each byte. No control character is missed.
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
static inline size_t upf_span_without_controls(const char *text, size_t len)
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
    while (n < len && !upf_is_control_char(text[n]))
        n++;
    return n;
}

/* ---- Lines "name: value" ------------------------------------------------ */

enum { UPF_FIELDS_MAX = 16 };

/* The names of fields that are looked for. */
struct upf_field_names {
    char           known[UPF_FIELDS_MAX][32]; /* in lower case */
    uint8_t        at[32];     /* by UPF_NAME_PLACE(): the index in `known` of
                                  the only name that can have this place */
    const uint8_t *characters; /* of names: a set as for upf_kernels.span */
};

/*
 * The place of a name in `at`: the lowest five bits of the sum of its first
 * letter and its length. They are the same for a capital and a small letter. No
 * two known names have the same place.
 */
#define UPF_NAME_PLACE(letter, len) (((letter) + (len)) & 0x1F)

/* What was found in a number of lines. The i-th name is known[i] of struct
 * upf_field_names. */
struct upf_fields {
    upf_str  all;      /* all the lines */
    size_t   lines;    /* how many lines */
    unsigned seen;     /* bit i: there is a field with the i-th name */
    unsigned repeated; /* bit i: there are several */
    upf_str  value[UPF_FIELDS_MAX]; /* of the first field with the i-th name */
};

static inline void upf_note_field(struct upf_fields *fields, unsigned name,
                                  upf_str value)
{
    const unsigned bit = 1u << name;

    if ((fields->seen & bit) != 0) {
        fields->repeated |= bit;
    } else {
        fields->seen |= bit;
        fields->value[name] = value;
    }
}

#endif
