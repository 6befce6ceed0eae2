/* SPDX-License-Identifier: MIT */
/* compiler.h - what a compiler is told beyond C11, and what it tells. */
#ifndef UPF_COMPILER_H
#define UPF_COMPILER_H

/*
 * Not to be made part of its caller: what is seldom done would otherwise have
 * its registers saved each time.
 */
#ifdef __GNUC__
#define UPF_NOINLINE __attribute__((noinline))
#else
#define UPF_NOINLINE
#endif

/*
 * Whether the build is to be small, at the price of speed: there is nothing but
 * scalar code to choose, and the compiler was told to save space (-Os). Then
 * what is there only because it is quicker is left out: as `if (UPF_SMALL)`
 * says, the general way does all that the quick one does.
 */
#if defined(UPF_SCALAR_ONLY) && defined(__OPTIMIZE_SIZE__)
#define UPF_SMALL 1
#else
#define UPF_SMALL 0
#endif

#endif
