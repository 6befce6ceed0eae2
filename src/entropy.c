/* SPDX-License-Identifier: MIT */
/* entropy.c - random bytes of the operating system, and forks. The only file
 * with code for single platforms. */

#if defined(_WIN32) && !defined(_CRT_RAND_S)
#define _CRT_RAND_S /* declares rand_s(), the system's generator */
#endif
#if defined(__linux__) && !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE /* declares madvise() with -std=c11, too */
#endif

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "entropy.h"

#if !defined(UPF_NO_OS_ENTROPY) /* firmware: see random.c */

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

/* The word of this process, or after a fork still that of its parent. NULL
 * before the first call, and &unseen if forks cannot be seen. */
static UPF_ATOMIC(upf_fork_word *) watched;
static upf_fork_word unseen;

enum { PAGE = 4096 }; /* the system may round it up to its own */

#if defined(_WIN32)

static upf_fork_word *new_page(void) /* there are no forks */
{
    static upf_fork_word word;

    return &word;
}

static void give_back(upf_fork_word *page) { (void)page; }

#else

/*
 * The kernel fills the page of the word with zeros in a child. Handlers set by
 * pthread_atfork() would do, too, but older C libraries have that function in a
 * library of its own, and neither clone() nor _Fork() runs the handlers.
 */
#include <sys/mman.h>

#if defined(__linux__) && !defined(MADV_WIPEONFORK)
#define MADV_WIPEONFORK 18 /* this C library's headers are older */
#endif

#if defined(MADV_WIPEONFORK)

/* An emulator may accept any advice and follow none. So the advice -1, which
 * does not exist, must be refused. */
static bool is_wiped_on_fork(void *page)
{
    return madvise(page, PAGE, -1) != 0 &&
           madvise(page, PAGE, MADV_WIPEONFORK) == 0;
}

#elif defined(INHERIT_ZERO)

static bool is_wiped_on_fork(void *page)
{
    return minherit(page, PAGE, INHERIT_ZERO) == 0;
}

#elif defined(__APPLE__)

#include <pthread.h> /* in the C library itself on this system */

/* NULL: another thread was about to store the page when this one forked. */
static void wipe(void)
{
    upf_fork_word *word = upf_atomic_load(&watched);

    if (word != NULL)
        upf_atomic_store(word, 0);
}

static bool is_wiped_on_fork(void *page)
{
    return page != NULL && pthread_atfork(NULL, NULL, wipe) == 0;
}

#else

static bool is_wiped_on_fork(void *page) { return page == NULL; }

#endif

static void give_back(upf_fork_word *page)
{
    if (page != NULL)
        (void)munmap((void *)page, PAGE);
}

static upf_fork_word *new_page(void)
{
    void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page != MAP_FAILED && is_wiped_on_fork(page))
        return page;
    give_back(page == MAP_FAILED ? NULL : page);
    return NULL;
}

#endif

/* The word after `word` in the same page. NULL if `word` is NULL or the last. A
 * child takes the next word, because its parent's batches name `word`. */
static upf_fork_word *next_word(upf_fork_word *word)
{
    return word == NULL || (uintptr_t)(word + 1) % PAGE == 0 ? NULL : word + 1;
}

upf_fork_word *upf_forks_watch(void)
{
    upf_fork_word *word = upf_atomic_load_seen(&watched);

    if (word == &unseen)
        return NULL;
    if (word != NULL && upf_atomic_load(word) != 0)
        return word;

    /* This is the first call, or `word` is the parent's: the fork has set it to
     * 0. Several threads may get here at once. */
    upf_fork_word *next = next_word(word), *page = NULL;
    if (next == NULL)
        next = page = new_page();
    if (next == NULL)
        next = &unseen;
    else
        upf_atomic_store(next, 1);
    const bool first = upf_atomic_exchange_if(&watched, &word, next);
    give_back(first ? NULL : page);
    word = first ? next : word;
    return word == &unseen ? NULL : word;
}

#endif /* UPF_NO_OS_ENTROPY */
