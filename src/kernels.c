/* SPDX-License-Identifier: MIT */
/* kernels.c - the scalar set, and the choice among all. */

#include <string.h>

#include "kernels.h"
#include "kernels_text.h"

#define KERNEL       static inline
#define KERNEL_ENTRY static

/* ---- Masking, eight bytes at a time ------------------------------------- */

static void mask_any(uint8_t *dst, const uint8_t *src, size_t len,
                     uint32_t key)
{
    uint8_t  pad[8];
    uint64_t pad_word, word;

    memcpy(pad, &key, 4);
    memcpy(pad + 4, &key, 4);
    memcpy(&pad_word, pad, sizeof pad_word);

    /* A word is a multiple of the key, so the key never turns again. */
    size_t i = 0;
    for (; len - i >= sizeof word; i += sizeof word) {
        memcpy(&word, src + i, sizeof word);
        word ^= pad_word;
        memcpy(dst + i, &word, sizeof word);
    }
    for (; i < len; i++)
        dst[i] = src[i] ^ pad[i % 4];
}

#ifndef UPF_SMALL

/* ---- UTF-8, a code point at a time (RFC 3629, section 4) ---------------- */

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

/* The length of the code point at `p`, which is not ASCII; 0 if it is none, or
 * not complete. */
static size_t code_point(const uint8_t *p, size_t len)
{
    const uint8_t lead = p[0];

    if (lead < 0xC2 || len < 2 || !is_continuation(p[1]))
        return 0;
    if (lead < 0xE0)
        return 2;
    if (len < 3 || !is_continuation(p[2]))
        return 0;
    if (lead < 0xF0) /* not overlong, not a surrogate */
        return (lead == 0xE0 && p[1] < 0xA0) || (lead == 0xED && p[1] > 0x9F)
                   ? 0 : 3;
    if (len < 4 || !is_continuation(p[3]) || lead > 0xF4)
        return 0;
    return (lead == 0xF0 && p[1] < 0x90) || (lead == 0xF4 && p[1] > 0x8F)
               ? 0 : 4;
}

static size_t check(uint8_t *dst, const uint8_t *data, size_t len, bool mask,
                    uint32_t key)
{
    const uint64_t high_bits = UINT64_C(0x8080808080808080);
    size_t i = 0;

    if (mask) {
        mask_any(dst, data, len, key);
        data = dst;
    }
    while (i < len) {
        uint64_t word;
        size_t   n = 1;

        if (data[i] >= 0x80)
            n = code_point(data + i, len - i);
        else if (len - i >= sizeof word) {
            memcpy(&word, data + i, sizeof word);
            if ((word & high_bits) == 0)
                n = sizeof word;
        }
        if (n == 0)
            break;
        i += n;
    }
    return i;
}

static size_t utf8(const uint8_t *data, size_t len)
{
    return check(NULL, data, len, false, 0);
}

static size_t mask_utf8(uint8_t *dst, const uint8_t *src, size_t len,
                        uint32_t key)
{
    return check(dst, src, len, true, key);
}

#endif

/* ---- Text --------------------------------------------------------------- */

static size_t run(const char *text, size_t len, const uint8_t set[16])
{
    size_t n = 0;

    while (n < len && upf_is_in(set, text[n]))
        n++;
    return n;
}

static size_t fields(const char *text, size_t len,
                     const struct upf_field_names *names,
                     struct upf_fields *found)
{
    (void)text;
    (void)len;
    (void)names;
    (void)found;
    return 0;
}

#include "kernels_chacha20.h"

/* ---- The set ------------------------------------------------------------ */

const struct upf_kernels upf_kernels_scalar = {
    .name      = "scalar",
    .mask      = mask_any,
#ifndef UPF_SMALL
    .utf8      = utf8,
    .mask_utf8 = mask_utf8,
#endif
    .run       = run,
    .fields    = fields,
    .base64_20 = upf_base64_20,
    .sha1      = upf_sha1_block,
    .sha1_60   = upf_sha1_of_60,
    .chacha20  = chacha20,
};

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

/* Threads that decide at the same time decide the same. */
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

static size_t run_first(const char *text, size_t len, const uint8_t set[16])
{
    return decide()->run(text, len, set);
}

static size_t fields_first(const char *text, size_t len,
                           const struct upf_field_names *names,
                           struct upf_fields *found)
{
    return decide()->fields(text, len, names, found);
}

static void base64_20_first(const uint8_t data[20], char out[28])
{
    decide()->base64_20(data, out);
}

static void sha1_first(uint32_t h[5], const uint8_t block[64])
{
    decide()->sha1(h, block);
}

static void sha1_60_first(const uint8_t head[24], const uint8_t tail[40],
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
    .run       = run_first,
    .fields    = fields_first,
    .base64_20 = base64_20_first,
    .sha1      = sha1_first,
    .sha1_60   = sha1_60_first,
    .chacha20  = chacha20_first,
};

UPF_ATOMIC(const struct upf_kernels *) upf_kernels_in_use = &deciding;

void upf_kernels_force(const struct upf_kernels *kernels)
{
    upf_atomic_store(&upf_kernels_in_use, kernels ? kernels : &deciding);
}

#endif /* UPF_SCALAR_ONLY */
