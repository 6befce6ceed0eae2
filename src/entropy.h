/* SPDX-License-Identifier: MIT */
/* entropy.h - random bytes of the operating system. */
#ifndef UPF_ENTROPY_H
#define UPF_ENTROPY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Fill `out` with `len` bytes of the operating system's generator; a
 * upf_random_fn, whose `user` is not looked at. False if the system has none
 * to give: there is no weaker fallback.
 *
 * Small amounts come from a batch that each thread has of its own and that a
 * forked child never shares with its parent.
 */
bool upf_entropy(void *user, void *out, size_t len);

#endif
