/* SPDX-License-Identifier: MIT */
/* kernels.c - which sets of kernels this machine runs, and the choice. */

#include "kernels.h"

#ifndef UPF_SCALAR_ONLY

/* ---- What this machine runs --------------------------------------------- */

#define CHOOSE(name) upf_choose_##name,

const struct upf_kernels *upf_kernels_at(size_t index)
{
    static const struct upf_kernels *(*const choose[])(void) = {
        UPF_KERNEL_SETS(CHOOSE)
    };

    for (size_t i = 0; i < sizeof choose / sizeof *choose; i++) {
        const struct upf_kernels *set = choose[i]();
        if (set != NULL && index-- == 0)
            return set;
    }
    return NULL;
}

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
