/* SPDX-License-Identifier: MIT */
/* fakes.c - an allocator and a random source that count, and that fail. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fakes.h"

bool fault_hits(const struct fault *fault, size_t call)
{
    return fault->at != 0 &&
           (call == fault->at || (fault->for_ever && call > fault->at));
}

/* In front of each block. */
union head {
    size_t      size;
    max_align_t align;
};

static void take_back(struct fake_alloc *alloc, union head *head)
{
    alloc->live -= head->size;
    alloc->blocks--;
    memset(head + 1, 0xDD, head->size);
    free(head);
}

void *fake_alloc(void *user, void *ptr, size_t old_size, size_t new_size)
{
    struct fake_alloc *alloc = user;
    union head *old = ptr == NULL ? NULL : (union head *)ptr - 1;

    if (old_size != (old == NULL ? 0 : old->size))
        fail_msg("a block of %zu bytes was said to have %zu",
                 old == NULL ? 0 : old->size, old_size);
    if (new_size == 0) {
        if (old != NULL)
            take_back(alloc, old);
        return NULL;
    }
    alloc->calls++;
    if (new_size > alloc->largest)
        alloc->largest = new_size;
    if (fault_hits(&alloc->fault, alloc->calls))
        return NULL;
    if (new_size > SIZE_MAX / 2)
        return NULL;

    union head *head = malloc(sizeof *head + new_size);
    if (head == NULL)
        return NULL;
    head->size = new_size;
    memset(head + 1, 0xAA, new_size);
    if (old != NULL)
        memcpy(head + 1, ptr, old_size < new_size ? old_size : new_size);
    alloc->blocks++;
    alloc->live += new_size;
    /* A realloc that grows in place needs no second block. */
    if (old != NULL)
        take_back(alloc, old);
    if (alloc->live > alloc->peak)
        alloc->peak = alloc->live;
    return head + 1;
}

/* splitmix64 (Steele, Lea, Flood 2014): each state gives another value. */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

bool fake_random(void *user, void *out, size_t len)
{
    struct fake_random *random = user;
    uint8_t *bytes = out;

    random->calls++;
    random->last = len;
    if (fault_hits(&random->fault, random->calls))
        return false;
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)next(&random->state);
    return true;
}

size_t fake_choice(struct fake_random *random, size_t limit)
{
    return (size_t)(next(&random->state) % limit);
}
