/* SPDX-License-Identifier: MIT */
/* small.h - whether the build is to be small, at the price of speed. */
#ifndef UPF_SMALL_H
#define UPF_SMALL_H

/*
 * It is if there is nothing but scalar code to choose and the compiler was told
 * to save space (-Os). Then whatever is there only because it is quicker is
 * left out: the slower way knows all that it knows.
 */
#if defined(UPF_SCALAR_ONLY) && defined(__OPTIMIZE_SIZE__)
#define UPF_SMALL 1
#endif

#endif
