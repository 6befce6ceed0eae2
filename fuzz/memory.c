/* SPDX-License-Identifier: MIT */
/* memory.c - the allocator and the random source of a connection under test. */

#include <string.h>

#include "bytes.h"
#include "check.h"
#include "memory.h"

enum { MARK = 0x5AFE };

/* In front of each block; a block stays aligned for any type. */
union front {
    struct {
        size_t size;
        size_t mark;
    } of;
    max_align_t align;
};

static bool fails(struct memory *memory)
{
    memory->calls++;
    if (memory->fail_at == 0 || memory->calls < memory->fail_at ||
        (memory->calls > memory->fail_at && !memory->fail_for_ever))
        return false;
    memory->failed = true;
    return true;
}

static void release(struct memory *memory, void *ptr, size_t size)
{
    union front *front = (union front *)ptr - 1;

    CHECK(front->of.mark == MARK, "not a block, or what is before it is gone");
    CHECK(front->of.size == size, "freed as %zu, but is %zu", size,
          front->of.size);
    front->of.mark = 0;
    memory->live  -= size;
    memory->blocks--;
    free(front);
}

void *memory_alloc(void *user, void *ptr, size_t old_size, size_t new_size)
{
    struct memory *memory = user;
    union front   *front;

    CHECK(ptr != NULL || old_size == 0, "old size %zu of NULL", old_size);
    if (new_size == 0) {
        if (ptr != NULL)
            release(memory, ptr, old_size);
        return NULL;
    }
    CHECK(memory->live - old_size + new_size <= memory->allowed,
          "%zu bytes on top of %zu, but %zu are allowed", new_size,
          memory->live - old_size, memory->allowed);
    if (fails(memory))
        return NULL;
    front = malloc(sizeof *front + new_size);
    CHECK(front != NULL, "no memory for %zu", new_size);
    front->of.size = new_size;
    front->of.mark = MARK;
    memset(front + 1, 0xA5, new_size);
    memory->live += new_size;
    memory->blocks++;
    if (ptr != NULL) {
        memcpy(front + 1, ptr, old_size < new_size ? old_size : new_size);
        release(memory, ptr, old_size);
    }
    return front + 1;
}

bool randomness_fill(void *user, void *out, size_t len)
{
    struct randomness *randomness = user;
    uint8_t           *bytes = out;

    if (++randomness->calls == randomness->fail_at) {
        randomness->failed = true;
        return false;
    }
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)chance(&randomness->state, 256);
    return true;
}
