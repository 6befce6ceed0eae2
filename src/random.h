/* SPDX-License-Identifier: MIT */
/* random.h - random bytes for masking keys, by the thousand. */
#ifndef UPF_RANDOM_H
#define UPF_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "entropy.h"
#include "kernels/kernels.h"

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

extern UPF_THREAD_LOCAL struct upf_random_batch {
    size_t         left;    /* undrawn, behind the next key in `bytes` */
    upf_fork_word *word;    /* of the process that drew it; NULL: none did */
    unsigned       batches; /* that this seed still has */
    uint8_t        bytes[UPF_CHACHA20_BYTES];
} upf_random_batch;

/* Are there `len` bytes, at least one, that no other process has? */
static inline bool upf_random_has(const struct upf_random_batch *batch,
                                  size_t len)
{
    return batch->left >= len && upf_atomic_load(batch->word) != 0;
}

/* A masking key by upf_random(), if the batch at hand has one. */
static inline bool upf_random_has_key(uint32_t *key)
{
    struct upf_random_batch *batch = &upf_random_batch;

    if (!upf_random_has(batch, sizeof *key))
        return false;
    batch->left -= sizeof *key;
    uint8_t *bytes = batch->bytes + UPF_CHACHA20_KEY + batch->left;
    memcpy(key, bytes, sizeof *key);
    memset(bytes, 0, sizeof *key);
    return true;
}

#endif
#endif
