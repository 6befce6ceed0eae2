/* SPDX-License-Identifier: MIT */
/* memory.h - the allocator and the random source of a connection under test. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Counts, fails at a chosen call, moves each block that it resizes, and aborts
 * if it is told a wrong size, or if more is asked for than is allowed.
 */
struct memory {
    size_t live, blocks;
    size_t calls;        /* that asked for memory */
    size_t fail_at;      /* the n-th of them fails; 0: none */
    bool   fail_for_ever; /* and all that follow */
    size_t allowed;      /* bytes, in all */
    bool   failed;
};

void *memory_alloc(void *user, void *ptr, size_t old_size, size_t new_size);

/* Random bytes that are the same in each run. */
struct randomness {
    uint32_t state;
    size_t   calls;
    size_t   fail_at;
    bool     failed;
};

bool randomness_fill(void *user, void *out, size_t len);

#endif
