/* SPDX-License-Identifier: MIT */
/* sha1.c - SHA-1, RFC 3174. */

#include <assert.h>
#include <string.h>

#include "bytes.h"
#include "kernels.h"
#include "sha1.h"

enum {
    BLOCK_SIZE   = 64,
    LENGTH_FIELD = 8, /* bytes at the end of the last block */
    STATE_WORDS  = UPF_SHA1_SIZE / 4
};

static uint32_t rotl(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

/* f(t; B, C, D) of section 5, each in the form with the fewest operations. */
static uint32_t choose(uint32_t b, uint32_t c, uint32_t d)
{
    return d ^ (b & (c ^ d));
}

static uint32_t parity(uint32_t b, uint32_t c, uint32_t d)
{
    return b ^ c ^ d;
}

static uint32_t majority(uint32_t b, uint32_t c, uint32_t d)
{
    return (b & c) | (d & (b | c));
}

/*
 * W(t) of section 6.1, method 2: the schedule never looks back further than
 * 16 words, so 16 words hold it.
 */
static uint32_t scheduled(uint32_t w[16], unsigned t)
{
    if (t >= 16)
        w[t % 16] = rotl(w[(t + 13) % 16] ^ w[(t + 8) % 16] ^
                         w[(t + 2) % 16] ^ w[t % 16], 1);
    return w[t % 16];
}

/* One step: s is A to E of section 6.1, f and k what the round defines. */
static void step(uint32_t s[STATE_WORDS], uint32_t f, uint32_t k, uint32_t w)
{
    const uint32_t a = rotl(s[0], 5) + f + s[4] + k + w;

    s[4] = s[3];
    s[3] = s[2];
    s[2] = rotl(s[1], 30);
    s[1] = s[0];
    s[0] = a;
}

void upf_sha1_block(uint32_t h[STATE_WORDS], const uint8_t block[BLOCK_SIZE])
{
    uint32_t s[STATE_WORDS];
    uint32_t w[16];
    unsigned t;

    memcpy(s, h, sizeof s);
    for (t = 0; t < 16; t++)
        w[t] = upf_load_be32(block + 4 * t);

    for (t = 0; t < 20; t++)
        step(s, choose(s[1], s[2], s[3]), 0x5A827999, scheduled(w, t));
    for (; t < 40; t++)
        step(s, parity(s[1], s[2], s[3]), 0x6ED9EBA1, scheduled(w, t));
    for (; t < 60; t++)
        step(s, majority(s[1], s[2], s[3]), 0x8F1BBCDC, scheduled(w, t));
    for (; t < 80; t++)
        step(s, parity(s[1], s[2], s[3]), 0xCA62C1D6, scheduled(w, t));

    for (unsigned i = 0; i < STATE_WORDS; i++)
        h[i] += s[i];
}

void upf_sha1(const void *data, size_t len, uint8_t digest[UPF_SHA1_SIZE])
{
    assert(data != NULL || len == 0);
    assert(digest != NULL);

    uint32_t h[STATE_WORDS] = {
        0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0
    };
    const uint8_t *in = data;
    size_t left = len;

    for (; left >= BLOCK_SIZE; in += BLOCK_SIZE, left -= BLOCK_SIZE)
        upf_kernels()->sha1(h, in);

    /* Section 4: a 1 bit, zeros to the end of a block, the length in bits */
    uint8_t last[BLOCK_SIZE] = {0};
    if (left > 0)
        memcpy(last, in, left);
    last[left++] = 0x80;
    if (left > BLOCK_SIZE - LENGTH_FIELD) {
        upf_kernels()->sha1(h, last);
        memset(last, 0, sizeof last);
    }
    upf_store_be64(last + BLOCK_SIZE - LENGTH_FIELD, (uint64_t)len * 8);
    upf_kernels()->sha1(h, last);

    for (unsigned i = 0; i < STATE_WORDS; i++)
        upf_store_be32(digest + 4 * i, h[i]);
}
