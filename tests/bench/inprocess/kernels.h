/* SPDX-License-Identifier: MIT */
/* kernels.h - the library's kernels: each is a column where it matters. */
#ifndef BENCH_KERNELS_H
#define BENCH_KERNELS_H

#include <stddef.h>

/* Kernel 0 is what the library chooses on this machine: "upframe". */
size_t      kernel_count(void);
const char *kernel_name(size_t kernel);

/* Make the library use it from now on. */
void kernel_use(size_t kernel);

#endif
