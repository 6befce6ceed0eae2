/* SPDX-License-Identifier: MIT */
/* kernels_base64_x86.c - Base64 of a digest, on 16-byte vectors (SSSE3). */

#include <string.h>

#include "kernels.h"

#if UPF_KERNELS_X86

#include <immintrin.h>

#define TARGET __attribute__((target("ssse3")))

/*
 * The 16 characters of 12 bytes. `order` brings each three of them, abc, to a
 * lane of four, "bacb": each 16 bits of it have two groups of six whole, and a
 * multiplication moves each group to the end of its byte.
 */
TARGET static inline __m128i characters(__m128i bytes, __m128i order)
{
    const __m128i lanes  = _mm_shuffle_epi8(bytes, order);
    const __m128i first  = _mm_and_si128(lanes, _mm_set1_epi32(0x0FC0FC00));
    const __m128i second = _mm_and_si128(lanes, _mm_set1_epi32(0x003F03F0));
    const __m128i digits =
        _mm_or_si128(_mm_mulhi_epu16(first, _mm_set1_epi32(0x04000040)),
                     _mm_mullo_epi16(second, _mm_set1_epi32(0x01000010)));

    /* What is to be added to a digit: by 0 for a to z, 1 to 10 for 0 to 9, 11
     * and 12 for '+' and '/', 13 for A to Z. */
    static const int8_t table[16] = {
        'a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
        '0' - 52, '0' - 52, '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0};
    const __m128i addends = _mm_loadu_si128((const __m128i *)table);
    const __m128i capital = _mm_and_si128(
        _mm_cmplt_epi8(digits, _mm_set1_epi8(26)), _mm_set1_epi8(13));
    const __m128i range =
        _mm_or_si128(_mm_subs_epu8(digits, _mm_set1_epi8(51)), capital);

    return _mm_add_epi8(digits, _mm_shuffle_epi8(addends, range));
}

TARGET void upf_base64_20_ssse3(const uint8_t data[20], char out[28])
{
    /* Bytes 0 to 11; and 12 to 19, which are read as 8 to 15 of a vector, and
     * a zero behind them. */
    const __m128i head = _mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4,
                                       7, 6, 8, 7, 10, 9, 11, 10);
    static const int8_t places[16] = {9,  8,  10, 9,  12, 11, 13, 12,
                                      15, 14, -1, 15, -1, -1, -1, -1};
    const __m128i tail = _mm_loadu_si128((const __m128i *)places);
    const __m128i a = characters(
        _mm_loadu_si128((const __m128i *)data), head);
    const __m128i b = characters(
        _mm_loadu_si128((const __m128i *)(data + 4)), tail);
    const int last = _mm_cvtsi128_si32(_mm_srli_si128(b, 8));

    _mm_storeu_si128((__m128i *)out, a);
    _mm_storel_epi64((__m128i *)(out + 16), b);
    memcpy(out + 24, &last, sizeof last);
    out[27] = '=';
}

#else

typedef int upf_no_base64_here; /* ISO C wants a declaration in each file */

#endif
