/* SPDX-License-Identifier: MIT */
/* fakes.h - an allocator and a random source that count, and that fail. */
#ifndef FAKES_H
#define FAKES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which calls fail: the n-th (1 is the first, 0: none), or all from there. */
struct fault {
    size_t at;
    bool   for_ever;
};

bool fault_hits(const struct fault *fault, size_t call);

/*
 * An allocator for upf_config.alloc, that is handed one of these as its user.
 * It fails the test if it is told a wrong old size, and moves every block
 * that it resizes, so that a stale pointer shows.
 */
struct fake_alloc {
    struct fault fault;
    size_t calls;   /* that asked for memory, failed ones included */
    size_t blocks;  /* not yet freed */
    size_t live;    /* bytes */
    size_t peak;    /* bytes, at most */
    size_t largest; /* bytes asked for in one call, failed ones included */
};

void *fake_alloc(void *user, void *ptr, size_t old_size, size_t new_size);

/* A random source that always gives the same bytes, never twice a key. */
struct fake_random {
    struct fault fault;
    uint64_t state; /* the seed */
    size_t   calls;
    size_t   last; /* bytes of the last call */
};

bool fake_random(void *user, void *out, size_t len);

/* A number below `limit`, for a test's own choices. */
size_t fake_choice(struct fake_random *random, size_t limit);

#endif
