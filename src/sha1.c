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
    STATE_WORDS  = UPF_SHA1_SIZE / 4,
    STEPS        = 80
};

static uint32_t rotl(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

/* f(t; B, C, D) of section 5, each in the form with the fewest operations. */
#define CHOOSE(b, c, d)   ((d) ^ ((b) & ((c) ^ (d))))
#define PARITY(b, c, d)   ((b) ^ (c) ^ (d))
#define MAJORITY(b, c, d) (((b) & (c)) | ((d) & ((b) | (c))))

/* One step of section 6.1. What it computes is A afterwards, and stands where
 * E stood: the names move on, not the values. */
#define STEP(a, b, c, d, e, f, k, w)           \
    do {                                       \
        e += rotl(a, 5) + f(b, c, d) + k + (w); \
        b = rotl(b, 30);                       \
    } while (0)

/* A round of twenty; after five steps the names are back where they were. */
#define ROUND(f, k, w)                             \
    for (unsigned t = 0; t < 20; t += 5) {         \
        STEP(a, b, c, d, e, f, k, (w)[t]);         \
        STEP(e, a, b, c, d, f, k, (w)[t + 1]);     \
        STEP(d, e, a, b, c, f, k, (w)[t + 2]);     \
        STEP(c, d, e, a, b, f, k, (w)[t + 3]);     \
        STEP(b, c, d, e, a, f, k, (w)[t + 4]);     \
    }

static void add_schedule(uint32_t h[STATE_WORDS], const uint32_t w[STEPS])
{
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

    ROUND(CHOOSE, 0x5A827999, w)
    ROUND(PARITY, 0x6ED9EBA1, w + 20)
    ROUND(MAJORITY, 0x8F1BBCDC, w + 40)
    ROUND(PARITY, 0xCA62C1D6, w + 60)

    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

void upf_sha1_block(uint32_t h[STATE_WORDS], const uint8_t block[BLOCK_SIZE])
{
    uint32_t w[STEPS];

    for (unsigned t = 0; t < 16; t++)
        w[t] = upf_load_be32(block + 4 * t);
    for (unsigned t = 16; t < STEPS; t++)
        w[t] = rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    add_schedule(h, w);
}

/*
 * A handshake hashes 60 bytes, key and GUID. Their padding does not fit into
 * their block, so a second one follows that never changes: zeros, and 480 bits
 * as the length. This is its schedule.
 */
enum { HANDSHAKE_LEN = 60 };

static const uint32_t after_handshake[STEPS] = {
    0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000,
    0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000,
    0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000,
    0x000001E0, 0x00000000, 0x00000000, 0x000003C0, 0x00000000,
    0x00000000, 0x00000780, 0x00000000, 0x000003C0, 0x00000F00,
    0x00000000, 0x00000000, 0x00001E00, 0x00000000, 0x00000CC0,
    0x00003C00, 0x00000440, 0x00000000, 0x00007800, 0x00000F00,
    0x00003300, 0x0000F000, 0x00000F00, 0x00000000, 0x0001EF00,
    0x00000000, 0x0000CC00, 0x0003C000, 0x00004380, 0x00000000,
    0x00078F00, 0x0000FF00, 0x00032680, 0x000F0000, 0x0000F000,
    0x00003300, 0x001EFF00, 0x00000000, 0x000CB800, 0x003C0000,
    0x00040B00, 0x0000F000, 0x0078FF00, 0x000FF000, 0x00338700,
    0x00F00000, 0x000FC300, 0x0000F000, 0x01EFBB00, 0x00000000,
    0x00CC0000, 0x03C0F000, 0x00438000, 0x00000000, 0x078F0000,
    0x00FF0000, 0x03269E00, 0x0F000000, 0x00F0F000, 0x00333C00,
    0x1EFF8800, 0x00000000, 0x0CB88800, 0x3C00F000, 0x040A4A00,
};

static void add_last_block(uint32_t h[STATE_WORDS], const uint8_t *block,
                           size_t len)
{
    if (len == HANDSHAKE_LEN && upf_kernels()->sha1 == upf_sha1_block)
        add_schedule(h, after_handshake);
    else
        upf_kernels()->sha1(h, block);
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
    add_last_block(h, last, len);

    for (unsigned i = 0; i < STATE_WORDS; i++)
        upf_store_be32(digest + 4 * i, h[i]);
}
