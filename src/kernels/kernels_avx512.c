/* SPDX-License-Identifier: MIT */
/* kernels_avx512.c - kernels on 64-byte vectors (AVX-512 F, BW, VL, VBMI). */

#include "kernels.h"

#if UPF_KERNELS_X86

#include <immintrin.h>

#define TARGET \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,bmi2")))
#define KERNEL       static inline __attribute__((always_inline)) TARGET
#define KERNEL_ENTRY static __attribute__((noinline)) TARGET
#define VEC          64

typedef __m512i vec;

KERNEL vec vec_load(const uint8_t *p)
{
    return _mm512_loadu_si512(p);
}

KERNEL void vec_store(uint8_t *p, vec v)
{
    _mm512_storeu_si512(p, v);
}

KERNEL vec vec_fill32(uint32_t x) { return _mm512_set1_epi32((int)x); }
KERNEL vec vec_fill8(unsigned x)  { return _mm512_set1_epi8((char)x); }
KERNEL vec vec_xor(vec a, vec b)  { return _mm512_xor_si512(a, b); }
KERNEL vec vec_and(vec a, vec b)  { return _mm512_and_si512(a, b); }
KERNEL vec vec_or(vec a, vec b)   { return _mm512_or_si512(a, b); }
KERNEL vec vec_subs(vec a, vec b) { return _mm512_subs_epu8(a, b); }
KERNEL bool vec_is_zero(vec v)    { return _mm512_test_epi8_mask(v, v) == 0; }
KERNEL bool vec_is_ascii(vec v)   { return _mm512_movepi8_mask(v) == 0; }

#define VEC_PARTS

KERNEL __mmask64 first(size_t n) { return _bzhi_u64(UINT64_MAX, (unsigned)n); }

/* Bytes that are masked off are not read, so they need not be readable. */
KERNEL vec vec_load_part(const uint8_t *p, size_t n)
{
    return _mm512_maskz_loadu_epi8(first(n), p);
}

KERNEL vec vec_keep(vec v, size_t n)
{
    return _mm512_maskz_mov_epi8(first(n), v);
}

/* vec_lookup() uses six bits of the index, and the table of 16 is there four
 * times: so the two bits above each half need not be cleared. */
KERNEL vec vec_low4(vec v)  { return v; }
KERNEL vec vec_high4(vec v) { return _mm512_srli_epi16(v, 4); }

KERNEL vec vec_table(const uint8_t *p)
{
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)p));
}

KERNEL vec vec_lookup(vec table, vec half)
{
    return _mm512_permutexvar_epi8(half, table);
}

/* alignr shifts each 16-byte lane by itself: it needs, for each lane of v, the
 * lane that comes before it. */
KERNEL vec lane_before(vec v, vec prev)
{
    return _mm512_alignr_epi64(v, prev, 6);
}

#define vec_before(v, prev, n) \
    _mm512_alignr_epi8(v, lane_before(v, prev), 16 - (n))

#define ASCII_16(v)   (_mm_movemask_epi8((__m128i)(v)) == 0)
#define ASCII_WORD(v) (_mm256_movemask_epi8((__m256i)(v)) == 0)

#include "kernels_vector.h"
#include "kernels_chacha20.h"

#define SET(sixty) \
    UPF_KERNEL_SET("avx512", .span = upf_span_sse, .fields = upf_fields_avx2, \
                   .sha1_60 = sixty)

static const struct upf_kernels sets[2] = {
    SET(upf_sha1_of_60_bmi2),
    SET(upf_sha1_of_60_sha),
};

const struct upf_kernels *upf_choose_avx512(void)
{
    __builtin_cpu_init();
    const bool runs = __builtin_cpu_supports("bmi") && /* fields */
                      __builtin_cpu_supports("bmi2") &&
                      __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512vbmi");
    return runs ? &sets[upf_has_sha()] : NULL;
}

#else

const struct upf_kernels *upf_choose_avx512(void) { return NULL; }

#endif
