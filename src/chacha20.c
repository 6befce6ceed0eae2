/* SPDX-License-Identifier: MIT */
/* chacha20.c - the ChaCha20 stream, from which random bytes are drawn. */

#include <string.h>

#include "chacha20.h"

enum { BLOCKS = UPF_CHACHA20_BYTES / 64, ROUNDS = 20 };

/* One word of each block: a vector where the compiler knows of such. */
#if defined(__GNUC__) && !defined(UPF_SCALAR_ONLY)
typedef uint32_t words __attribute__((vector_size(4 * BLOCKS)));
enum { AT_ONCE = BLOCKS };
#define WORD(vector, i) ((vector)[i])
#else
typedef uint32_t words;
enum { AT_ONCE = 1 };
#define WORD(vector, i) (vector)
#endif

static inline words turned(words x, int bits)
{
    return x << bits | x >> (32 - bits);
}

/* RFC 8439, section 2.1 */
static inline void quarter_round(words *a, words *b, words *c, words *d)
{
    *a += *b;
    *d = turned(*d ^ *a, 16);
    *c += *d;
    *b = turned(*b ^ *c, 12);
    *a += *b;
    *d = turned(*d ^ *a, 8);
    *c += *d;
    *b = turned(*b ^ *c, 7);
}

/* Section 2.3: four columns, then four diagonals. */
static inline void double_round(words x[16])
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

/* `first` is the number of the first block. */
static void put_blocks(const uint32_t input[12], uint32_t first, uint8_t *out)
{
    words state[16], x[16];

    memset(state, 0, sizeof state);
    for (int i = 0; i < 12; i++)
        state[i] += input[i];
    for (uint32_t i = 0; i < AT_ONCE; i++)
        WORD(state[12], i) = first + i;
    memcpy(x, state, sizeof x);
    for (int round = 0; round < ROUNDS; round += 2)
        double_round(x);
    for (int i = 0; i < 16; i++) {
        x[i] += state[i];
        memcpy(out + i * (int)sizeof(uint32_t) * BLOCKS, &x[i], sizeof *x);
    }
}

void upf_chacha20(const uint8_t key[UPF_CHACHA20_KEY], uint32_t index,
                  uint8_t out[UPF_CHACHA20_BYTES])
{
    static const uint32_t constants[4] = {0x61707865, 0x3320646E, 0x79622D32,
                                          0x6B206574};
    uint32_t input[12];

    memcpy(input, constants, sizeof constants);
    memcpy(input + 4, key, UPF_CHACHA20_KEY);
    for (uint32_t i = 0; i < BLOCKS; i += AT_ONCE)
        put_blocks(input, BLOCKS * index + i, out + sizeof(uint32_t) * i);
}
