/* SPDX-License-Identifier: MIT */
/* sha1.c - SHA-1, RFC 3174. */

#include <assert.h>
#include <string.h>

#include "bytes.h"
#include "kernels.h"
#include "sha1.h"

enum { LENGTH_FIELD = 8 }; /* bytes at the end of the last block */

#define KERNEL
#define NAME(function) upf_##function

#include "kernels_sha1.h"

void upf_sha1(const void *data, size_t len, uint8_t digest[UPF_SHA1_SIZE])
{
    assert(data != NULL || len == 0);
    assert(digest != NULL);

    const uint8_t *in = data;
    size_t   left = len;
    uint32_t h[SHA1_WORDS];

    sha1_begin(h);
    for (; left >= SHA1_BLOCK; in += SHA1_BLOCK, left -= SHA1_BLOCK)
        upf_kernels()->sha1(h, in);

    /* Section 4: a 1 bit, zeros to the end of a block, the length in bits */
    uint8_t last[SHA1_BLOCK] = {0};
    if (left > 0)
        memcpy(last, in, left);
    last[left++] = 0x80;
    if (left > SHA1_BLOCK - LENGTH_FIELD) {
        upf_kernels()->sha1(h, last);
        memset(last, 0, sizeof last);
    }
    upf_store_be64(last + SHA1_BLOCK - LENGTH_FIELD, (uint64_t)len * 8);
    upf_kernels()->sha1(h, last);
    sha1_put_digest(h, digest);
}

#ifndef UPF_SCALAR_ONLY

/* W(t) + K(t) of the block that follows 60 bytes and 80 00 00 00: zeros, and
 * 480 bits as the length. */
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

void upf_sha1_60(const uint8_t head[24], const uint8_t tail[40],
                 uint8_t digest[UPF_SHA1_SIZE])
{
#ifndef UPF_SCALAR_ONLY
    upf_kernels()->sha1_60(head, tail, digest);
#else
    uint8_t text[60];

    memcpy(text, head, 24);
    memcpy(text + 24, tail, 36);
    upf_sha1(text, sizeof text, digest);
#endif
}
