/* SPDX-License-Identifier: MIT */
/* entropy.h - random bytes of the operating system; whether a fork happened. */
#ifndef UPF_ENTROPY_H
#define UPF_ENTROPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "atomics.h"

/* Fill `out` with `len` bytes, or return false: there is no weaker fallback. */
bool upf_entropy(uint8_t *out, size_t len);

/*
 * A word that is not 0 in this process, and that is set to 0 in each forked
 * child; a child gets another word. So a child knows that it must not draw the
 * random bytes that its parent draws. NULL if forks cannot be seen.
 */
typedef UPF_ATOMIC(unsigned) upf_fork_word;
upf_fork_word *upf_forks_watch(void);

#endif
