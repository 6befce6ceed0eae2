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

/*
 * One step of section 6.1, of which `w` is W(t) + K(t). What it computes is A
 * afterwards, and stands where E stood: the names move on, not the values. A
 * round is twenty; after five steps the names are back where they were.
 */
#define STEP(a, b, c, d, e, f, w)         \
    do {                                  \
        e += rotl(a, 5) + f(b, c, d) + (w); \
        b = rotl(b, 30);                  \
    } while (0)

#ifdef __OPTIMIZE_SIZE__
#define ROUND(f, w)                                  \
    for (unsigned t = 0; t < 20; t++) {              \
        STEP(a, b, c, d, e, f, (w)[t]);              \
        const uint32_t next = e;                     \
        e = d; d = c; c = b; b = a; a = next;        \
    }
#else
#define ROUND(f, w)                            \
    for (unsigned t = 0; t < 20; t += 5) {     \
        STEP(a, b, c, d, e, f, (w)[t]);        \
        STEP(e, a, b, c, d, f, (w)[t + 1]);    \
        STEP(d, e, a, b, c, f, (w)[t + 2]);    \
        STEP(c, d, e, a, b, f, (w)[t + 3]);    \
        STEP(b, c, d, e, a, f, (w)[t + 4]);    \
    }
#endif

static void add_schedule(uint32_t h[STATE_WORDS], const uint32_t w[STEPS])
{
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

    ROUND(CHOOSE, w)
    ROUND(PARITY, w + 20)
    ROUND(MAJORITY, w + 40)
    ROUND(PARITY, w + 60)

    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

void upf_sha1_block(uint32_t h[STATE_WORDS], const uint8_t block[BLOCK_SIZE])
{
    static const uint32_t k[] = {0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC,
                                 0xCA62C1D6};
    uint32_t w[STEPS];
    unsigned t = 0;

    for (; t < 16; t++)
        w[t] = upf_load_be32(block + 4 * t);
    for (; t < 32; t++)
        w[t] = rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    /* The same, put into itself: compilers do this four at a time. */
    for (; t < STEPS; t++)
        w[t] = rotl(w[t - 6] ^ w[t - 16] ^ w[t - 28] ^ w[t - 32], 2);
    for (unsigned round = 0; round < 4; round++)
        for (t = 0; t < 20; t++)
            w[20 * round + t] += k[round];
    add_schedule(h, w);
}

#ifdef __OPTIMIZE_SIZE__
#define add_last_block(h, block, len) upf_kernels()->sha1(h, block)
#else

/*
 * A handshake hashes 60 bytes, key and GUID. Their padding does not fit into
 * their block, so a second one follows that never changes: zeros, and 480 bits
 * as the length. This is its W(t) + K(t).
 */
enum { HANDSHAKE_LEN = 60 };

static const uint32_t after_handshake[STEPS] = {
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

static void add_last_block(uint32_t h[STATE_WORDS], const uint8_t *block,
                           size_t len)
{
    if (len == HANDSHAKE_LEN && upf_kernels()->sha1 == upf_sha1_block)
        add_schedule(h, after_handshake);
    else
        upf_kernels()->sha1(h, block);
}

#endif

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

    for (unsigned i = 0; i < STATE_WORDS; i++) {
        const uint32_t big_endian = upf_load_be32((const uint8_t *)&h[i]);
        memcpy(digest + 4 * i, &big_endian, sizeof big_endian);
    }
}
