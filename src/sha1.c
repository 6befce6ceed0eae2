/* SPDX-License-Identifier: MIT */
/* sha1.c - SHA-1, RFC 3174. */

#include <assert.h>
#include <string.h>

#include "bytes.h"
#include "kernels/kernels.h"
#include "sha1.h"

enum { LENGTH_FIELD = 8 }; /* bytes, at the end of the last block */

#define KERNEL
#include "kernels/kernels_sha1.h"

void upf_sha1(const void *data, size_t len, uint8_t digest[UPF_SHA1_SIZE])
{
    assert(data != NULL || len == 0);
    assert(digest != NULL);

    const uint8_t *in = data;
    size_t   left = len;
    uint32_t h[SHA1_WORDS];

    sha1_begin(h);
    for (; left >= SHA1_BLOCK; in += SHA1_BLOCK, left -= SHA1_BLOCK)
        upf_sha1_block(h, in);

    /* Section 4: a 1 bit, zeros to the end of a block, the length in bits */
    uint8_t last[SHA1_BLOCK] = {0};
    if (left > 0)
        memcpy(last, in, left);
    last[left++] = 0x80;
    if (left > SHA1_BLOCK - LENGTH_FIELD) {
        upf_sha1_block(h, last);
        memset(last, 0, sizeof last);
    }
    upf_store_be64(last + SHA1_BLOCK - LENGTH_FIELD, (uint64_t)len * 8);
    upf_sha1_block(h, last);
    sha1_put_digest(h, digest);
}

void upf_sha1_60(const uint8_t head[24], const uint8_t tail[36],
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
