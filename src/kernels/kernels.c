/* SPDX-License-Identifier: MIT */
/* kernels.c - which sets of kernels this machine runs, and the choice. */

#include "kernels.h"

#ifndef UPF_SCALAR_ONLY

/* ---- What this machine runs --------------------------------------------- */

#if UPF_KERNELS_X86

#include <cpuid.h>

static bool has_sha(void)
{
    unsigned a, b, c, d;

    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & 1u << 29) != 0 &&
           __builtin_cpu_supports("sse4.1");
}

const struct upf_kernels *upf_kernels_at(size_t index)
{
    __builtin_cpu_init();
    const bool sha = has_sha();

    if (index == 0)
        return &upf_kernels_scalar;
    if (__builtin_cpu_supports("sse4.1") && --index == 0)
        return &upf_kernels_sse[sha];
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
        __builtin_cpu_supports("bmi2") && --index == 0)
        return &upf_kernels_avx2[sha];
    if (__builtin_cpu_supports("bmi2") &&
        __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vbmi") && --index == 0)
        return &upf_kernels_avx512[sha];
    return NULL;
}

#elif UPF_KERNELS_NEON

const struct upf_kernels *upf_kernels_at(size_t index)
{
    return index == 0 ? &upf_kernels_scalar
         : index == 1 ? &upf_kernels_neon : NULL;
}

#else

const struct upf_kernels *upf_kernels_at(size_t index)
{
    return index == 0 ? &upf_kernels_scalar : NULL;
}

#endif

/* ---- The choice --------------------------------------------------------- */

/* Threads that decide at the same time all choose the same set. */
static const struct upf_kernels *decide(void)
{
    const struct upf_kernels *best = &upf_kernels_scalar, *next;

    for (size_t i = 0; (next = upf_kernels_at(i)) != NULL; i++)
        best = next;
    upf_kernels_force(best);
    return best;
}

static void mask_first(uint8_t *dst, const uint8_t *src, size_t len,
                       uint32_t key)
{
    decide()->mask(dst, src, len, key);
}

static size_t utf8_first(const uint8_t *data, size_t len)
{
    return decide()->utf8(data, len);
}

static size_t mask_utf8_first(uint8_t *dst, const uint8_t *src, size_t len,
                              uint32_t key)
{
    return decide()->mask_utf8(dst, src, len, key);
}

static size_t span_first(const char *text, size_t len, const uint8_t set[16])
{
    return decide()->span(text, len, set);
}

static size_t fields_first(const char *text, size_t len,
                           const struct upf_field_names *names,
                           struct upf_fields *found)
{
    return decide()->fields(text, len, names, found);
}

static void sha1_60_first(const uint8_t head[24], const uint8_t tail[36],
                          uint8_t digest[20])
{
    decide()->sha1_60(head, tail, digest);
}

static void chacha20_first(const uint8_t key[UPF_CHACHA20_KEY],
                           uint8_t       out[UPF_CHACHA20_BYTES])
{
    decide()->chacha20(key, out);
}

static const struct upf_kernels deciding = {
    .name      = "deciding",
    .mask      = mask_first,
    .utf8      = utf8_first,
    .mask_utf8 = mask_utf8_first,
    .span      = span_first,
    .fields    = fields_first,
    .sha1_60   = sha1_60_first,
    .chacha20  = chacha20_first,
};

UPF_ATOMIC(const struct upf_kernels *) upf_kernels_in_use = &deciding;

void upf_kernels_force(const struct upf_kernels *kernels)
{
    upf_atomic_store(&upf_kernels_in_use, kernels ? kernels : &deciding);
}

#else

typedef int upf_no_choice_here; /* ISO C wants a declaration in each file */

#endif
