/* SPDX-License-Identifier: MIT */
/* compiler.h - an attribute beyond C11; whether the build is to be small. */
#ifndef UPF_COMPILER_H
#define UPF_COMPILER_H

#include <stdint.h>

/*
 * For what is seldom called: inlined, it would make its caller save registers
 * on every call.
 */
#ifdef __GNUC__
#define UPF_NOINLINE __attribute__((noinline))
#else
#define UPF_NOINLINE
#endif

/*
 * Whether the build is to be small, at the price of speed: only scalar kernels,
 * and a compiler that was told to save space (-Os). Code that exists only to be
 * quicker is then left out: where `if (UPF_SMALL)` stands, the general code
 * does all that the quick code does.
 */
#if defined(UPF_SCALAR_ONLY) && defined(__OPTIMIZE_SIZE__)
#define UPF_SMALL 1
#else
#define UPF_SMALL 0
#endif

/*
 * Where bits are in a word. A small processor has no instruction for that, and
 * what a compiler has in its place is a function of its own library.
 */

/* The number of the highest bit that is set in x, which is not 0. */
static inline unsigned upf_high_bit(unsigned x)
{
#if defined(__GNUC__) && !UPF_SMALL
    return 8 * (unsigned)sizeof x - 1 - (unsigned)__builtin_clz(x);
#else
    unsigned n = 0;

    while (x >>= 1)
        n++;
    return n;
#endif
}

/* The number of the lowest byte that is not 0 in x, which is not 0. */
static inline unsigned upf_low_byte(uint64_t x)
{
#if defined(__GNUC__) && !UPF_SMALL
    return (unsigned)__builtin_ctzll(x) / 8;
#else
    unsigned n = 0;

    for (; (x & 0xFF) == 0; x >>= 8)
        n++;
    return n;
#endif
}

#endif
