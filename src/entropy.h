/* SPDX-License-Identifier: MIT */
/* entropy.h - random bytes of the operating system, and whether we forked. */
#ifndef UPF_ENTROPY_H
#define UPF_ENTROPY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fill `out` with `len` bytes, or return false: there is no weaker fallback. */
bool upf_entropy(uint8_t *out, size_t len);

/* Changes in a forked child, which must not repeat what its parent draws; never
 * 0. Only to be relied on where upf_forks_are_seen() has returned true. */
extern atomic_uint upf_forks;
bool               upf_forks_are_seen(void);

static inline unsigned upf_fork_count(void)
{
    return atomic_load_explicit(&upf_forks, memory_order_relaxed);
}

#endif
