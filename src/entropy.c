/* SPDX-License-Identifier: MIT */
/* entropy.c - random bytes: the only file that asks which platform this is. */

#if defined(_WIN32) && !defined(_CRT_RAND_S)
#define _CRT_RAND_S /* rand_s is the system's generator, rand is not */
#endif

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "chacha20.h"
#include "entropy.h"

#if defined(UPF_NO_OS_ENTROPY) /* firmware: upf_config.random is set */

bool upf_entropy(void *user, void *out, size_t len)
{
    (void)user;
    (void)out;
    return len == 0;
}

#else

/* ---- The system's generator: all of `len` bytes, or false --------------- */

#if defined(_WIN32)

#include <stdlib.h>

static bool system_random(uint8_t *out, size_t len)
{
    unsigned word;

    for (size_t i = 0; i < len; i += sizeof word) {
        if (rand_s(&word) != 0)
            return false;
        memcpy(out + i, &word, len - i < sizeof word ? len - i : sizeof word);
    }
    return true;
}

#else

#include <errno.h>
#if defined(__APPLE__)
#include <sys/types.h>
#endif
#if defined(__linux__)
#include <sys/random.h>
#else
#include <unistd.h> /* getentropy, POSIX.1-2024 */
#if defined(__APPLE__)
#include <sys/random.h>
#endif
#endif

static bool system_random(uint8_t *out, size_t len)
{
    enum { GETENTROPY_MAX = 256 };

    while (len > 0) {
        size_t got = len < GETENTROPY_MAX ? len : GETENTROPY_MAX;
#if defined(__linux__)
        const long n = (long)getrandom(out, got, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        got = (size_t)n;
#else
        if (getentropy(out, got) != 0)
            return false;
#endif
        out += got;
        len -= got;
    }
    return true;
}

#endif

/* ---- Fork: a child must not repeat its parent's bytes ------------------- */

#if defined(_WIN32)

/* No fork here. */
static bool forks_are_seen(void) { return true; }
static unsigned fork_count(void) { return 1; }

#else

#include <pthread.h>
#include <stdatomic.h>

static pthread_once_t watch_once = PTHREAD_ONCE_INIT;
static atomic_bool    watching;
static atomic_uint    forks = 1; /* never 0: what a fresh batch holds */

static void count_fork(void)
{
    atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
}

static void watch_forks(void)
{
    atomic_store(&watching, pthread_atfork(NULL, NULL, count_fork) == 0);
}

static bool forks_are_seen(void)
{
    return pthread_once(&watch_once, watch_forks) == 0 &&
           atomic_load_explicit(&watching, memory_order_relaxed);
}

static unsigned fork_count(void)
{
    return atomic_load_explicit(&forks, memory_order_relaxed);
}

#endif

/* ---- The batch ---------------------------------------------------------- */

/*
 * A masking key costs more as a system call than as a message, so the system's
 * bytes seed a stream that many keys are drawn from, as arc4random() does it.
 * Each batch of the stream begins with the key of the next one, and what was
 * drawn is wiped: what was sent cannot be read back from here.
 */
enum {
    CALLS   = 4, /* of the generator, for one batch */
    BATCH   = CALLS * UPF_CHACHA20_BYTES,
    BATCHES = 64 /* from one seed */
};

static _Thread_local struct {
    uint8_t  bytes[BATCH];
    size_t   left;    /* undrawn, at the end of `bytes` */
    unsigned batches; /* that this seed still has */
    unsigned forks;   /* when it was drawn */
} batch;

static bool refill(void)
{
    batch.left = 0;
    if (batch.batches == 0 || batch.forks != fork_count()) {
        if (!system_random(batch.bytes, UPF_CHACHA20_KEY))
            return false;
        batch.batches = BATCHES;
        batch.forks   = fork_count();
    }
    batch.batches--;
    for (uint32_t i = CALLS; i-- > 0;) /* the key, which it begins with, last */
        upf_chacha20(batch.bytes, i, batch.bytes + i * UPF_CHACHA20_BYTES);
    batch.left = BATCH - UPF_CHACHA20_KEY;
    return true;
}

bool upf_entropy(void *user, void *out, size_t len)
{
    (void)user;
    assert(out != NULL);

    if (batch.left < len || batch.forks != fork_count()) {
        if (len > BATCH - UPF_CHACHA20_KEY ||
            !(batch.forks != 0 || forks_are_seen()))
            return system_random(out, len);
        if (!refill())
            return false;
    }

    uint8_t *bytes = batch.bytes + BATCH - batch.left;
    batch.left -= len;
    if (len == 4) { /* a masking key: nearly always */
        memcpy(out, bytes, 4);
        memset(bytes, 0, 4);
        return true;
    }
    memcpy(out, bytes, len);
    memset(bytes, 0, len);
    return true;
}

#endif /* UPF_NO_OS_ENTROPY */
