/* SPDX-License-Identifier: MIT */
/* compiler.h - an attribute beyond C11; whether the build is to be small. */
#ifndef UPF_COMPILER_H
#define UPF_COMPILER_H

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

#endif
