/* SPDX-License-Identifier: MIT */
/* entropy.h - random bytes of the operating system, and whether we forked. */
#ifndef UPF_ENTROPY_H
#define UPF_ENTROPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "atomics.h"

/* Fill `out` with `len` bytes, or return false: there is no weaker fallback. */
bool upf_entropy(uint8_t *out, size_t len);

/*
 * A word that is not 0 in this process, and that the system sets to 0 in each
 * forked child, which must not repeat what its parent draws: a child has
 * another word. NULL where forks cannot be seen.
 */
typedef UPF_ATOMIC(unsigned) upf_fork_word;
upf_fork_word *upf_forks_watch(void);

#endif
