/* SPDX-License-Identifier: MIT */
/*
 * kernels_sha1.h - SHA-1's compression, RFC 3174, in C.
 *
 * A set's file includes it with KERNEL as the attribute that selects the
 * processor. (BMI2 saves instructions, as its rotation writes to another
 * register.) sha1.c includes it for its helpers.
 */
#ifndef UPF_KERNELS_SHA1_H
#define UPF_KERNELS_SHA1_H

#include <stdint.h>
#include <string.h>

#include "../bytes.h"
#include "kernels.h"

enum { SHA1_WORDS = 5, SHA1_BLOCK = 64, SHA1_STEPS = 80 };

KERNEL static inline uint32_t rotl(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static inline void sha1_begin(uint32_t h[SHA1_WORDS])
{
    static const uint32_t beginning[SHA1_WORDS] = {
        0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0
    };

    memcpy(h, beginning, sizeof beginning);
}

static inline void sha1_put_digest(const uint32_t h[SHA1_WORDS],
                                   uint8_t        digest[20])
{
    for (unsigned i = 0; i < SHA1_WORDS; i++) {
        const uint32_t big_endian = upf_load_be32((const uint8_t *)&h[i]);
        memcpy(digest + 4 * i, &big_endian, sizeof big_endian);
    }
}

/* f(t; B, C, D) of section 5, each written with the fewest operations. */
#define CHOOSE(b, c, d)   ((d) ^ ((b) & ((c) ^ (d))))
#define PARITY(b, c, d)   ((b) ^ (c) ^ (d))
#define MAJORITY(b, c, d) (((b) & (c)) | ((d) & ((b) | (c))))

/*
 * One step of section 6.1; `w` is W(t) + K(t). The new A is computed in the
 * variable of E, and no other value is moved: the next step uses the variables
 * under other names. After five steps the names are the same again. A round is
 * twenty steps.
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

/* Add a block to the digest; w[t] is its W(t) + K(t). */
KERNEL static inline void sha1_scheduled(uint32_t h[SHA1_WORDS],
                                  const uint32_t w[SHA1_STEPS])
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

KERNEL static inline void sha1_block(uint32_t h[SHA1_WORDS],
                                     const uint8_t block[SHA1_BLOCK])
{
    static const uint32_t k[] = {0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC,
                                 0xCA62C1D6};
    uint32_t w[SHA1_STEPS];
    unsigned t = 0;

    for (; t < 16; t++)
        w[t] = upf_load_be32(block + 4 * t);
    for (; t < 32; t++)
        w[t] = rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    /* The formula above, put into itself in place of each of its four words.
     * Now no word depends on the five words before it: so compilers can compute
     * four words at a time, in a vector. */
    for (; t < SHA1_STEPS; t++)
        w[t] = rotl(w[t - 6] ^ w[t - 16] ^ w[t - 28] ^ w[t - 32], 2);
    for (unsigned round = 0; round < 4; round++)
        for (t = 0; t < 20; t++)
            w[20 * round + t] += k[round];
    sha1_scheduled(h, w);
}

#ifndef UPF_SCALAR_ONLY

/*
 * 60 bytes and the padding that begins with the byte 0x80 (section 4) fill one
 * block. A second one holds only zeros and the length, 480 bits: its W(t) +
 * K(t) are always the same, and are in upf_sha1_second.
 */
KERNEL static inline void sha1_of_60(const uint8_t head[24],
                                     const uint8_t tail[36], uint8_t digest[20])
{
    uint8_t  block[SHA1_BLOCK] = {[60] = 0x80};
    uint32_t h[SHA1_WORDS];

    memcpy(block, head, 24);
    memcpy(block + 24, tail, 36);
    sha1_begin(h);
    sha1_block(h, block);
    sha1_scheduled(h, upf_sha1_second);
    sha1_put_digest(h, digest);
}

#endif
#endif
