/* SPDX-License-Identifier: MIT */
/* random.h - random bytes for masking keys, by the thousand. */
#ifndef UPF_RANDOM_H
#define UPF_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "entropy.h"
#include "kernels.h"

/*
 * Fill `out` with `len` bytes that nobody can foresee (RFC 6455, section 10.3);
 * a upf_random_fn, whose `user` is not looked at. False if the operating system
 * has no seed to give.
 *
 * They come from a batch that each thread has of its own and that a forked
 * child never shares with its parent.
 */
bool upf_random(void *user, void *out, size_t len);

#if defined(UPF_NO_OS_ENTROPY)

static inline bool upf_random_has_key(uint32_t *key)
{
    (void)key;
    return false;
}

#else

extern _Thread_local struct upf_random_batch {
    size_t   left;    /* undrawn, at the end of `bytes` */
    unsigned forks;   /* when it was drawn */
    unsigned batches; /* that this seed still has */
    uint8_t  bytes[UPF_CHACHA20_BYTES];
} upf_random_batch;

/* A masking key by upf_random(), if the batch at hand has one. */
static inline bool upf_random_has_key(uint32_t *key)
{
    struct upf_random_batch *batch = &upf_random_batch;

    if (batch->left < sizeof *key || batch->forks != upf_fork_count())
        return false;
    uint8_t *bytes = batch->bytes + sizeof batch->bytes - batch->left;
    memcpy(key, bytes, sizeof *key);
    memset(bytes, 0, sizeof *key);
    batch->left -= sizeof *key;
    return true;
}

#endif
#endif
