/* SPDX-License-Identifier: MIT */
/* entropy.c - random bytes: the only file that asks which platform this is. */

#if defined(_WIN32) && !defined(_CRT_RAND_S)
#define _CRT_RAND_S /* rand_s is the system's generator, rand is not */
#endif

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "entropy.h"

#if !defined(UPF_NO_OS_ENTROPY) /* firmware has none: see random.c */

atomic_uint upf_forks = 1;

/* ---- The system's generator: all of `len` bytes, or false --------------- */

#if defined(_WIN32)

#include <stdlib.h>

bool upf_entropy(uint8_t *out, size_t len)
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

bool upf_entropy(uint8_t *out, size_t len)
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

bool upf_forks_are_seen(void) { return true; } /* there are none */

#else

#include <pthread.h>

static pthread_once_t watch_once = PTHREAD_ONCE_INIT;
static atomic_bool    watching;

static void count_fork(void)
{
    atomic_fetch_add_explicit(&upf_forks, 1, memory_order_relaxed);
}

static void watch_forks(void)
{
    atomic_store(&watching, pthread_atfork(NULL, NULL, count_fork) == 0);
}

bool upf_forks_are_seen(void)
{
    return pthread_once(&watch_once, watch_forks) == 0 &&
           atomic_load_explicit(&watching, memory_order_relaxed);
}

#endif

#endif /* UPF_NO_OS_ENTROPY */
