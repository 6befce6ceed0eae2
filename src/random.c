/* SPDX-License-Identifier: MIT */
/* random.c - random bytes for masking keys, by the thousand. */

#include <assert.h>
#include <string.h>

#include "compiler.h"
#include "entropy.h"
#include "kernels.h"
#include "random.h"

#if defined(UPF_NO_OS_ENTROPY) /* firmware: upf_config.random is set */

bool upf_random(void *user, void *out, size_t len)
{
    (void)user;
    (void)out;
    return len == 0;
}

#else

/*
 * A masking key costs more as a system call than as a message, so the system's
 * bytes seed a stream that many keys are drawn from, as arc4random() does it.
 * Each batch of the stream begins with the key of the next one, and what was
 * drawn is wiped: what was sent cannot be read back from here.
 */
enum {
    BATCH   = UPF_CHACHA20_BYTES,
    BATCHES = 64 /* from one seed */
};

static _Thread_local struct {
    uint8_t  bytes[BATCH];
    size_t   left;    /* undrawn, at the end of `bytes` */
    unsigned batches; /* that this seed still has */
    unsigned forks;   /* when it was drawn */
} batch;

static inline unsigned fork_count(void)
{
    return atomic_load_explicit(&upf_forks, memory_order_relaxed);
}

static bool refill(void)
{
    batch.left = 0;
    if (batch.batches == 0 || batch.forks != fork_count()) {
        if (!upf_entropy(batch.bytes, UPF_CHACHA20_KEY))
            return false;
        batch.batches = BATCHES;
        batch.forks   = fork_count();
    }
    batch.batches--;
    upf_kernels()->chacha20(batch.bytes, batch.bytes);
    batch.left = BATCH - UPF_CHACHA20_KEY;
    return true;
}

UPF_APART static bool draw(uint8_t *out, size_t len)
{
    assert(out != NULL);
    if (batch.left < len || batch.forks != fork_count()) {
        if (len > BATCH - UPF_CHACHA20_KEY ||
            !(batch.forks != 0 || upf_forks_are_seen()))
            return upf_entropy(out, len);
        if (!refill())
            return false;
    }
    uint8_t *bytes = batch.bytes + BATCH - batch.left;
    memcpy(out, bytes, len);
    memset(bytes, 0, len);
    batch.left -= len;
    return true;
}

bool upf_random(void *user, void *out, size_t len)
{
    enum { KEY = 4 }; /* a masking key: nearly always */

    (void)user;
    if (len != KEY || batch.left < KEY || batch.forks != fork_count())
        return draw(out, len);
    uint8_t *bytes = batch.bytes + BATCH - batch.left;
    memcpy(out, bytes, KEY);
    memset(bytes, 0, KEY);
    batch.left -= KEY;
    return true;
}

#endif
