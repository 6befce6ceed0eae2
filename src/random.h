/* SPDX-License-Identifier: MIT */
/* random.h - random bytes for masking keys, by the thousand. */
#ifndef UPF_RANDOM_H
#define UPF_RANDOM_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Fill `out` with `len` bytes that nobody can foresee (RFC 6455, section 10.3);
 * a upf_random_fn, whose `user` is not looked at. False if the operating system
 * has no seed to give.
 *
 * They come from a batch that each thread has of its own and that a forked
 * child never shares with its parent.
 */
bool upf_random(void *user, void *out, size_t len);

#endif
