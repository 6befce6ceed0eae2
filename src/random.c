/* SPDX-License-Identifier: MIT */
/* random.c - random bytes for masking keys, drawn from batches. */

#include <assert.h>
#include <string.h>

#include "entropy.h"
#include "kernels/kernels.h"
#include "random.h"
#include "compiler.h"

#if defined(UPF_NO_OS_ENTROPY) /* firmware must set upf_config.random */

bool upf_random(void *user, void *out, size_t len)
{
    (void)user;
    (void)out;
    return len == 0;
}

#else

/*
 * A system call for each masking key would cost more than the message. So the
 * system's bytes seed a ChaCha20 stream that many keys are drawn from, as in
 * arc4random(). Each batch of the stream begins with the ChaCha20 key of the
 * next one, and bytes are wiped once drawn: keys that were sent cannot be
 * computed from this memory.
 */
enum {
    BATCH   = UPF_CHACHA20_BYTES,
    BATCHES = 64 /* from one seed */
};

UPF_THREAD_LOCAL struct upf_random_batch upf_random_batch;

static bool refill(struct upf_random_batch *batch, upf_fork_word *word)
{
    batch->left = 0;
    if (batch->batches == 0 || batch->word != word) {
        if (!upf_entropy(batch->bytes, UPF_CHACHA20_KEY))
            return false;
        batch->batches = BATCHES;
        batch->word    = word;
    }
    batch->batches--;
    upf_kernels()->chacha20(batch->bytes, batch->bytes);
    batch->left = BATCH - UPF_CHACHA20_KEY;
    return true;
}

bool upf_random(void *user, void *out, size_t len)
{
    struct upf_random_batch *batch = &upf_random_batch;

    (void)user;
    assert(out != NULL);
    uint32_t key;
    if (!UPF_SMALL && len == sizeof key && upf_random_has_key(&key)) {
        memcpy(out, &key, sizeof key);
        return true;
    }
    if (len == 0)
        return true;
    if (!upf_random_has(batch, len)) {
        upf_fork_word *word = upf_forks_watch();
        if (word == NULL || len > BATCH - UPF_CHACHA20_KEY)
            return upf_entropy(out, len);
        if (!refill(batch, word))
            return false;
    }
    batch->left -= len;
    uint8_t *bytes = batch->bytes + UPF_CHACHA20_KEY + batch->left;
    memcpy(out, bytes, len);
    memset(bytes, 0, len);
    return true;
}

#endif
