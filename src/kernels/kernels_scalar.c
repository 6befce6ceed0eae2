/* SPDX-License-Identifier: MIT */
/* kernels_scalar.c - kernels for every processor; they define the others. */

#include <string.h>

#include "kernels.h"
#include "kernels_text.h"

#define KERNEL       static inline
#define KERNEL_ENTRY static

/* ---- Masking, eight bytes at a time ------------------------------------- */

static void mask(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key)
{
    uint8_t  pad[8];
    uint64_t pad_word, word;

    memcpy(pad, &key, 4);
    memcpy(pad + 4, &key, 4);
    memcpy(&pad_word, pad, sizeof pad_word);

    /* A word has the key twice, so the same word fits everywhere. */
    size_t i = 0;
    for (; len - i >= sizeof word; i += sizeof word) {
        memcpy(&word, src + i, sizeof word);
        word ^= pad_word;
        memcpy(dst + i, &word, sizeof word);
    }
    for (; i < len; i++)
        dst[i] = src[i] ^ pad[i % 4];
}

/* ---- UTF-8, a code point at a time (RFC 3629, section 4) ---------------- */

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

/* The length of the code point at `p`, which is not ASCII; 0 if it is wrong or
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

static size_t check(uint8_t *dst, const uint8_t *data, size_t len,
                    bool is_masked, uint32_t key)
{
    const uint64_t high_bits = UINT64_C(0x8080808080808080);
    size_t i = 0;

    if (is_masked) {
        mask(dst, data, len, key);
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

/* ---- Text --------------------------------------------------------------- */

static size_t span(const char *text, size_t len, const uint8_t set[16])
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

/* ---- SHA-1 -------------------------------------------------------------- */

#undef KERNEL
#define KERNEL
#include "kernels_sha1.h"

void upf_sha1_block(uint32_t h[5], const uint8_t block[64])
{
    sha1_block(h, block);
}

#ifndef UPF_SCALAR_ONLY

void upf_sha1_of_60(const uint8_t head[24], const uint8_t tail[36],
                    uint8_t digest[20])
{
    sha1_of_60(head, tail, digest);
}

const uint32_t upf_sha1_second[SHA1_STEPS] = {
    0x5A827999, 0x5A827999, 0x5A827999, 0x5A827999, 0x5A827999,
    0x5A827999, 0x5A827999, 0x5A827999, 0x5A827999, 0x5A827999,
    0x5A827999, 0x5A827999, 0x5A827999, 0x5A827999, 0x5A827999,
    0x5A827B79, 0x5A827999, 0x5A827999, 0x5A827D59, 0x5A827999,
    0x6ED9EBA1, 0x6ED9F321, 0x6ED9EBA1, 0x6ED9EF61, 0x6ED9FAA1,
    0x6ED9EBA1, 0x6ED9EBA1, 0x6EDA09A1, 0x6ED9EBA1, 0x6ED9F861,
    0x6EDA27A1, 0x6ED9EFE1, 0x6ED9EBA1, 0x6EDA63A1, 0x6ED9FAA1,
    0x6EDA1EA1, 0x6EDADBA1, 0x6ED9FAA1, 0x6ED9EBA1, 0x6EDBDAA1,
    0x8F1BBCDC, 0x8F1C88DC, 0x8F1F7CDC, 0x8F1C005C, 0x8F1BBCDC,
    0x8F234BDC, 0x8F1CBBDC, 0x8F1EE35C, 0x8F2ABCDC, 0x8F1CACDC,
    0x8F1BEFDC, 0x8F3ABBDC, 0x8F1BBCDC, 0x8F2874DC, 0x8F57BCDC,
    0x8F1FC7DC, 0x8F1CACDC, 0x8F94BBDC, 0x8F2BACDC, 0x8F4F43DC,
    0xCB52C1D6, 0xCA7284D6, 0xCA63B1D6, 0xCC527CD6, 0xCA62C1D6,
    0xCB2EC1D6, 0xCE23B1D6, 0xCAA641D6, 0xCA62C1D6, 0xD1F1C1D6,
    0xCB61C1D6, 0xCD895FD6, 0xD962C1D6, 0xCB53B1D6, 0xCA95FDD6,
    0xE96249D6, 0xCA62C1D6, 0xD71B49D6, 0x0663B1D6, 0xCE6D0BD6,
};

#endif

/* ---- The set ------------------------------------------------------------ */

const struct upf_kernels upf_kernels_scalar =
    UPF_KERNEL_SET("scalar", .span = span, .fields = fields,
                   .sha1_60 = upf_sha1_of_60);

const struct upf_kernels *upf_choose_scalar(void)
{
    return &upf_kernels_scalar;
}
