/* SPDX-License-Identifier: MIT */
/* kernels_neon.c - kernels on 16-byte vectors (AArch64). */

#include "kernels.h"

#if UPF_KERNELS_NEON

#include <arm_neon.h>

#define KERNEL       static inline __attribute__((always_inline))
#define KERNEL_ENTRY static __attribute__((noinline))
#define VEC          16
#define SPAN         KERNEL_ENTRY size_t span
#define FIELDS       KERNEL_ENTRY size_t fields

typedef uint8x16_t vec;

KERNEL vec vec_load(const uint8_t *p)      { return vld1q_u8(p); }
KERNEL void vec_store(uint8_t *p, vec v)   { vst1q_u8(p, v); }
KERNEL vec vec_fill8(unsigned x)           { return vdupq_n_u8((uint8_t)x); }
KERNEL vec vec_xor(vec a, vec b)           { return veorq_u8(a, b); }
KERNEL vec vec_and(vec a, vec b)           { return vandq_u8(a, b); }
KERNEL vec vec_or(vec a, vec b)            { return vorrq_u8(a, b); }
KERNEL vec vec_subs(vec a, vec b)          { return vqsubq_u8(a, b); }
KERNEL vec vec_high4(vec v)                { return vshrq_n_u8(v, 4); }
KERNEL vec vec_table(const uint8_t *p)     { return vld1q_u8(p); }
KERNEL vec vec_lookup(vec table, vec v)    { return vqtbl1q_u8(table, v); }
KERNEL bool vec_is_zero(vec v)             { return vmaxvq_u8(v) == 0; }
KERNEL bool vec_is_ascii(vec v)            { return vmaxvq_u8(v) < 0x80; }
KERNEL vec vec_min(vec a, vec b)           { return vminq_u8(a, b); }
KERNEL vec vec_same(vec a, vec b)          { return vceqq_u8(a, b); }

KERNEL vec vec_pick(vec table, vec v)
{
    return vqtbl1q_u8(table, vec_and(v, vec_fill8(0x8F)));
}

KERNEL bool vec_has(vec a, vec b)
{
    return vec_is_zero(vbicq_u8(b, a));
}

KERNEL uint64_t vec_bits(vec v)
{
    static const uint8_t places[16] = {1, 2, 4, 8, 16, 32, 64, 128,
                                       1, 2, 4, 8, 16, 32, 64, 128};
    const vec set = vec_and(vcltq_s8(vreinterpretq_s8_u8(v), vdupq_n_s8(0)),
                            vld1q_u8(places));

    return (uint64_t)vaddv_u8(vget_high_u8(set)) << 8 |
           vaddv_u8(vget_low_u8(set));
}

KERNEL vec vec_low4(vec v)
{
    return vec_and(v, vec_fill8(0x0F));
}

KERNEL vec vec_fill32(uint32_t x)
{
    return vreinterpretq_u8_u32(vdupq_n_u32(x));
}

#define vec_before(v, prev, n) vextq_u8(prev, v, 16 - (n))

#define ASCII_16(v)   vec_is_ascii((vec)(v))
#define ASCII_WORD(v) vec_is_ascii((vec)(v))

#include "kernels_vector.h"
#include "kernels_chacha20.h"
#include "kernels_fields.h"

static const struct upf_kernels set =
    UPF_KERNEL_SET("neon", .span = span, .fields = fields,
                   .sha1_60 = upf_sha1_of_60);

const struct upf_kernels *upf_choose_neon(void) { return &set; }

#else

const struct upf_kernels *upf_choose_neon(void) { return NULL; }

#endif
