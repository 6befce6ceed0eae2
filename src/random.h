/* SPDX-License-Identifier: MIT */
/* random.h - random bytes for masking keys, drawn from batches. */
#ifndef UPF_RANDOM_H
#define UPF_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "entropy.h"
#include "kernels/kernels.h"

/*
 * Fill `out` with `len` unpredictable bytes (RFC 6455, section 10.3). A
 * upf_random_fn, which ignores `user`. False if the operating system's
 * generator fails.
 *
 * The bytes come from a batch, which each thread has of its own and a forked
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
    size_t         left;    /* bytes to draw, after the next ChaCha20 key */
    upf_fork_word *word;    /* of the process that made the batch, or NULL */
    unsigned       batches; /* how many more this seed is good for */
    uint8_t        bytes[UPF_CHACHA20_BYTES];
} upf_random_batch;

/* Whether the batch has `len` bytes, at least 1, that no other process has. */
static inline bool upf_random_has(const struct upf_random_batch *batch,
                                  size_t len)
{
    return batch->left >= len && upf_atomic_load(batch->word) != 0;
}

/* Draw a masking key as upf_random() does, if the current batch has one. */
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
