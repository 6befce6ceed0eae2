/* SPDX-License-Identifier: MIT */
/* kernels_avx2.c - kernels on 32-byte vectors (AVX2). */

#include "kernels.h"

#if UPF_KERNELS_X86

#include <immintrin.h>

#define TARGET       __attribute__((target("avx2")))
#define KERNEL       static inline __attribute__((always_inline)) TARGET
#define KERNEL_ENTRY static __attribute__((noinline)) TARGET
#define VEC          32
#define FIELDS \
    __attribute__((target("avx2,bmi,bmi2"))) size_t upf_fields_avx2

typedef __m256i vec;

KERNEL vec vec_load(const uint8_t *p)
{
    return _mm256_loadu_si256((const vec *)p);
}

KERNEL void vec_store(uint8_t *p, vec v)
{
    _mm256_storeu_si256((vec *)p, v);
}

KERNEL vec vec_fill32(uint32_t x) { return _mm256_set1_epi32((int)x); }
KERNEL vec vec_fill8(unsigned x)  { return _mm256_set1_epi8((char)x); }
KERNEL vec vec_xor(vec a, vec b)  { return _mm256_xor_si256(a, b); }
KERNEL vec vec_and(vec a, vec b)  { return _mm256_and_si256(a, b); }
KERNEL vec vec_or(vec a, vec b)   { return _mm256_or_si256(a, b); }
KERNEL vec vec_subs(vec a, vec b) { return _mm256_subs_epu8(a, b); }
KERNEL vec vec_min(vec a, vec b)  { return _mm256_min_epu8(a, b); }
KERNEL vec vec_same(vec a, vec b) { return _mm256_cmpeq_epi8(a, b); }
KERNEL bool vec_has(vec a, vec b) { return _mm256_testc_si256(a, b); }
KERNEL bool vec_is_zero(vec v)    { return _mm256_testz_si256(v, v); }
KERNEL bool vec_is_ascii(vec v)   { return _mm256_movemask_epi8(v) == 0; }

KERNEL vec vec_pick(vec table, vec v)
{
    return _mm256_shuffle_epi8(table, v);
}

KERNEL uint64_t vec_bits(vec v)
{
    return (unsigned)_mm256_movemask_epi8(v);
}

KERNEL vec vec_low4(vec v)
{
    return vec_and(v, vec_fill8(0x0F));
}

KERNEL vec vec_high4(vec v)
{
    return vec_low4(_mm256_srli_epi16(v, 4));
}

KERNEL vec vec_table(const uint8_t *p)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)p));
}

KERNEL vec vec_lookup(vec table, vec half)
{
    return _mm256_shuffle_epi8(table, half);
}

/* alignr shifts each 16-byte lane by itself: it needs, for each lane of v, the
 * lane that comes before it. */
KERNEL vec lane_before(vec v, vec prev)
{
    return _mm256_permute2x128_si256(prev, v, 0x21);
}

#define vec_before(v, prev, n) \
    _mm256_alignr_epi8(v, lane_before(v, prev), 16 - (n))

#define ASCII_16(v)   (_mm_movemask_epi8((__m128i)(v)) == 0)
#define ASCII_WORD(v) vec_is_ascii((vec)(v))

#include "kernels_vector.h"
#include "kernels_chacha20.h"
#include "kernels_fields.h"

#define SET(sixty) \
    UPF_KERNEL_SET("avx2", .span = upf_span_sse, .fields = upf_fields_avx2, \
                   .sha1_60 = sixty)

static const struct upf_kernels sets[2] = {
    SET(upf_sha1_of_60_bmi2),
    SET(upf_sha1_of_60_sha),
};

const struct upf_kernels *upf_choose_avx2(void)
{
    __builtin_cpu_init();
    const bool runs = __builtin_cpu_supports("avx2") &&
                      __builtin_cpu_supports("bmi") &&
                      __builtin_cpu_supports("bmi2");
    return runs ? &sets[upf_has_sha()] : NULL;
}

#else

const struct upf_kernels *upf_choose_avx2(void) { return NULL; }

#endif
