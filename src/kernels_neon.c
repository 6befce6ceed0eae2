/* SPDX-License-Identifier: MIT */
/* kernels_neon.c - kernels on 16-byte vectors (AArch64). */

#include "kernels.h"

#if UPF_KERNELS_NEON

#include <arm_neon.h>

#define KERNEL       static inline __attribute__((always_inline))
#define KERNEL_ENTRY static __attribute__((noinline))
#define VEC          16

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
#include "conn_next.h"

const struct upf_kernels upf_kernels_neon = {
    .name      = "neon",
    .mask      = mask,
    .utf8      = utf8,
    .mask_utf8 = mask_utf8,
    .next      = next,
    .sha1      = upf_sha1_block,
    .sha1_two  = upf_sha1_two,
    .chacha20  = chacha20,
};

#else

typedef int upf_no_neon_here; /* ISO C wants a declaration in each file */

#endif
