/* SPDX-License-Identifier: MIT */
/* kernels_sha_x86.c - SHA-1 on x86, with BMI2 or with the SHA instructions. */

#include "../bytes.h"
#include "kernels.h"

#if UPF_KERNELS_X86

#include <cpuid.h>
#include <immintrin.h>

#define KERNEL __attribute__((target("avx2,bmi,bmi2")))
#include "kernels_sha1.h"

KERNEL void upf_sha1_of_60_bmi2(const uint8_t head[24], const uint8_t tail[36],
                                uint8_t digest[20])
{
    sha1_of_60(head, tail, digest);
}

bool upf_has_sha(void)
{
    unsigned a, b, c, d;

    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & 1u << 29) != 0 &&
           __builtin_cpu_supports("sse4.1");
}

#define SHA __attribute__((target("sha,sse4.1")))

struct state {
    __m128i abcd, e;
};

SHA static inline struct state load_state(const uint32_t h[5])
{
    return (struct state){
        _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)h), 0x1B),
        _mm_set_epi32((int)h[4], 0, 0, 0)
    };
}

/* Reverse sixteen bytes: it changes the byte order of each word, and puts the
 * first word highest, as the SHA instructions need it. */
SHA static inline __m128i reversed(__m128i bytes)
{
    return _mm_shuffle_epi8(bytes, _mm_set_epi64x(0x0001020304050607,
                                                  0x08090A0B0C0D0E0F));
}

SHA static inline struct state add_block(struct state before, __m128i w[4])
{
    __m128i abcd = before.abcd, e = before.e;

#undef ROUND
#define ROUND(i, f)                                                         \
    do {                                                                    \
        __m128i *const now = &w[(i) % 4];                                   \
        if ((i) >= 4)                                                       \
            *now = _mm_sha1msg2_epu32(                                      \
                _mm_xor_si128(_mm_sha1msg1_epu32(*now, w[((i) + 1) % 4]),   \
                              w[((i) + 2) % 4]),                            \
                w[((i) + 3) % 4]);                                          \
        const __m128i with_w = (i) == 0 ? _mm_add_epi32(e, *now)            \
                                        : _mm_sha1nexte_epu32(e, *now);     \
        e    = abcd;                                                        \
        abcd = _mm_sha1rnds4_epu32(abcd, with_w, f);                        \
    } while (0)

    ROUND(0, 0);  ROUND(1, 0);  ROUND(2, 0);  ROUND(3, 0);  ROUND(4, 0);
    ROUND(5, 1);  ROUND(6, 1);  ROUND(7, 1);  ROUND(8, 1);  ROUND(9, 1);
    ROUND(10, 2); ROUND(11, 2); ROUND(12, 2); ROUND(13, 2); ROUND(14, 2);
    ROUND(15, 3); ROUND(16, 3); ROUND(17, 3); ROUND(18, 3); ROUND(19, 3);

    return (struct state){_mm_add_epi32(abcd, before.abcd),
                          _mm_sha1nexte_epu32(e, before.e)};
}

SHA void upf_sha1_of_60_sha(const uint8_t head[24], const uint8_t tail[36],
                            uint8_t digest[20])
{
    const __m128i zero = _mm_setzero_si128();
    __m128i last[4] = {zero, zero, zero, _mm_set_epi32(0, 0, 0, 480)};
    const __m128i end = _mm_loadu_si128((const __m128i *)(tail + 20));
    /* The block is put together in registers. In memory, a load of bytes from
     * two recent stores would have to wait for both. */
    __m128i w[4] = {
        reversed(_mm_loadu_si128((const __m128i *)head)),
        reversed(_mm_unpacklo_epi64(_mm_loadu_si64(head + 16),
                                    _mm_loadu_si64(tail))),
        reversed(_mm_loadu_si128((const __m128i *)(tail + 8))),
        reversed(_mm_or_si128(_mm_srli_si128(end, 4),
                              _mm_set_epi32(0x80, 0, 0, 0)))
    };
    uint32_t h[SHA1_WORDS];

    sha1_begin(h);
    const struct state s = add_block(add_block(load_state(h), w), last);
    _mm_storeu_si128((__m128i *)digest, reversed(s.abcd));
    upf_store_be32(digest + 16, (uint32_t)_mm_extract_epi32(s.e, 3));
}
#endif
