/* SPDX-License-Identifier: MIT */
/*
 * kernels_chacha20.h - the ChaCha20 stream, from which random bytes are drawn.
 *
 * Included once by each set of kernels, after its KERNEL and KERNEL_ENTRY, and
 * after kernels_vector.h if the set has vectors (VEC). A vector then holds the
 * same word of several blocks.
 */
#ifndef UPF_KERNELS_CHACHA20_H
#define UPF_KERNELS_CHACHA20_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels.h"

enum { BLOCKS = UPF_CHACHA20_BYTES / 64, ROUNDS = 20 };

/* The same word of each of the blocks that are computed together. These are
 * eight blocks at most, because the vectors of all sixteen words may have to
 * lie on the stack. */
#ifdef VEC
typedef word lanes; /* of kernels_vector.h */
#define LANE(vector, i) ((vector)[i])
#else
typedef uint32_t lanes;
#define LANE(vector, i) (vector)
#endif

enum { LANES = sizeof(lanes) / sizeof(uint32_t) };

KERNEL lanes rotated(lanes x, int bits)
{
    return x << bits | x >> (32 - bits);
}

/* RFC 8439, section 2.1. */
KERNEL void quarter_round(lanes *a, lanes *b, lanes *c, lanes *d)
{
    *a += *b;
    *d = rotated(*d ^ *a, 16);
    *c += *d;
    *b = rotated(*b ^ *c, 12);
    *a += *b;
    *d = rotated(*d ^ *a, 8);
    *c += *d;
    *b = rotated(*b ^ *c, 7);
}

/* The four columns, then the four diagonals (section 2.3). */
KERNEL void double_round(lanes x[16])
{
#ifdef __OPTIMIZE_SIZE__
    for (int i = 0; i < 8; i++) {
        const int turn = i / 4;
        quarter_round(&x[i % 4], &x[4 + (i + turn) % 4],
                      &x[8 + (i + 2 * turn) % 4], &x[12 + (i + 3 * turn) % 4]);
    }
#else
    quarter_round(&x[0], &x[4], &x[8], &x[12]);
    quarter_round(&x[1], &x[5], &x[9], &x[13]);
    quarter_round(&x[2], &x[6], &x[10], &x[14]);
    quarter_round(&x[3], &x[7], &x[11], &x[15]);
    quarter_round(&x[0], &x[5], &x[10], &x[15]);
    quarter_round(&x[1], &x[6], &x[11], &x[12]);
    quarter_round(&x[2], &x[7], &x[8], &x[13]);
    quarter_round(&x[3], &x[4], &x[9], &x[14]);
#endif
}

/* Word i of the initial state (section 2.3) of the blocks from number `first`
 * on; the nonce is 0. */
KERNEL lanes begin(const uint32_t input[12], uint32_t first, int i)
{
    lanes x;

    memset(&x, 0, sizeof x);
    if (i < 12)
        x += input[i];
    for (uint32_t lane = 0; lane < LANES && i == 12; lane++)
        LANE(x, lane) = first + lane;
    return x;
}

KERNEL void put_blocks(const uint32_t input[12], uint32_t first, uint8_t *out)
{
    lanes x[16];

    for (int i = 0; i < 16; i++)
        x[i] = begin(input, first, i);
    for (int round = 0; round < ROUNDS; round += 2)
        double_round(x);
    for (int i = 0; i < 16; i++) {
        x[i] += begin(input, first, i);
        memcpy(out + i * (int)sizeof(uint32_t) * BLOCKS, &x[i], sizeof *x);
    }
}

KERNEL_ENTRY void chacha20(const uint8_t key[UPF_CHACHA20_KEY],
                           uint8_t out[UPF_CHACHA20_BYTES])
{
    static const uint32_t constants[4] = {0x61707865, 0x3320646E, 0x79622D32,
                                          0x6B206574};
    uint32_t input[12];

    memcpy(input, constants, sizeof constants);
    memcpy(input + 4, key, UPF_CHACHA20_KEY);
    for (uint32_t i = 0; i < BLOCKS; i += LANES)
        put_blocks(input, i, out + sizeof(uint32_t) * i);
}

#endif
