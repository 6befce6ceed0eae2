/* SPDX-License-Identifier: MIT */
/* kernels_sse.c - kernels on 16-byte vectors (SSE4.1). */

#include "kernels.h"

#if UPF_KERNELS_X86

#include <immintrin.h>

#define TARGET       __attribute__((target("sse4.1")))
#define KERNEL       static inline __attribute__((always_inline)) TARGET
#define KERNEL_ENTRY static __attribute__((noinline)) TARGET
#define VEC          16
#define SPAN         TARGET size_t upf_span_sse
#define FIELDS       KERNEL_ENTRY size_t fields

typedef __m128i vec;

KERNEL vec vec_load(const uint8_t *p)
{
    return _mm_loadu_si128((const vec *)p);
}

KERNEL void vec_store(uint8_t *p, vec v)
{
    _mm_storeu_si128((vec *)p, v);
}

KERNEL vec vec_fill32(uint32_t x)       { return _mm_set1_epi32((int)x); }
KERNEL vec vec_fill8(unsigned x)        { return _mm_set1_epi8((char)x); }
KERNEL vec vec_xor(vec a, vec b)        { return _mm_xor_si128(a, b); }
KERNEL vec vec_and(vec a, vec b)        { return _mm_and_si128(a, b); }
KERNEL vec vec_or(vec a, vec b)         { return _mm_or_si128(a, b); }
KERNEL vec vec_subs(vec a, vec b)       { return _mm_subs_epu8(a, b); }
KERNEL vec vec_min(vec a, vec b)        { return _mm_min_epu8(a, b); }
KERNEL vec vec_same(vec a, vec b)       { return _mm_cmpeq_epi8(a, b); }
KERNEL bool vec_has(vec a, vec b)       { return _mm_testc_si128(a, b); }
KERNEL vec vec_table(const uint8_t *p)  { return vec_load(p); }
KERNEL vec vec_pick(vec table, vec v)   { return _mm_shuffle_epi8(table, v); }
KERNEL vec vec_lookup(vec table, vec v) { return _mm_shuffle_epi8(table, v); }
KERNEL bool vec_is_zero(vec v)          { return _mm_testz_si128(v, v); }
KERNEL bool vec_is_ascii(vec v)         { return _mm_movemask_epi8(v) == 0; }

KERNEL uint64_t vec_bits(vec v)
{
    return (unsigned)_mm_movemask_epi8(v);
}

KERNEL vec vec_low4(vec v)
{
    return vec_and(v, vec_fill8(0x0F));
}

KERNEL vec vec_high4(vec v)
{
    return vec_low4(_mm_srli_epi16(v, 4));
}

#define vec_before(v, prev, n) _mm_alignr_epi8(v, prev, 16 - (n))

#define ASCII_16(v)   vec_is_ascii((vec)(v))
#define ASCII_WORD(v) vec_is_ascii((vec)(v))

#include "kernels_vector.h"
#include "kernels_chacha20.h"
#include "kernels_fields.h"

#define SET(sixty) \
    UPF_KERNEL_SET("sse", .span = upf_span_sse, .fields = fields, \
                   .sha1_60 = sixty)

static const struct upf_kernels sets[2] = {
    SET(upf_sha1_of_60),
    SET(upf_sha1_of_60_sha),
};

const struct upf_kernels *upf_choose_sse(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.1") ? &sets[upf_has_sha()] : NULL;
}

#else

const struct upf_kernels *upf_choose_sse(void) { return NULL; }

#endif
