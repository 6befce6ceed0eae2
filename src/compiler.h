/* SPDX-License-Identifier: MIT */
/* compiler.h - what a compiler is told that goes beyond C11, if it listens. */
#ifndef UPF_COMPILER_H
#define UPF_COMPILER_H

/*
 * Not to be made part of its caller: what is seldom done would otherwise have
 * its registers saved each time.
 */
#ifdef __GNUC__
#define UPF_APART __attribute__((noinline))
#else
#define UPF_APART
#endif

#endif
