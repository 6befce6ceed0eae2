/* SPDX-License-Identifier: MIT */
/* entropy.c - random bytes: the only file that asks which platform this is. */

#if defined(_WIN32) && !defined(_CRT_RAND_S)
#define _CRT_RAND_S /* rand_s is the system's generator, rand is not */
#endif

#include <assert.h>
#include <stdint.h>
#include <string.h>

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

enum { BATCH = 512 }; /* 128 masking keys for one system call */

static _Thread_local struct {
    uint8_t  bytes[BATCH];
    size_t   left;  /* unused, at the end of `bytes` */
    unsigned forks; /* when they were drawn */
} batch;

static bool refill(void)
{
    batch.left = 0;
    if (!system_random(batch.bytes, BATCH))
        return false;
    batch.left  = BATCH;
    batch.forks = fork_count();
    return true;
}

bool upf_entropy(void *user, void *out, size_t len)
{
    (void)user;
    assert(out != NULL);

    if (len > BATCH || !(batch.forks != 0 || forks_are_seen()))
        return system_random(out, len);
    if (batch.left < len || batch.forks != fork_count())
        if (!refill())
            return false;

    /* Used bytes are wiped: what was sent cannot be read back from here. */
    uint8_t *bytes = batch.bytes + BATCH - batch.left;
    memcpy(out, bytes, len);
    memset(bytes, 0, len);
    batch.left -= len;
    return true;
}

#endif /* UPF_NO_OS_ENTROPY */
