/* SPDX-License-Identifier: MIT */
/*
 * arena.c - first fit in one block of memory.
 *
 * Blocks lie side by side and fill the arena. Each begins with a header, a
 * size_t: the block's size, header included, with the lowest bit set while the
 * block is in use. Sizes are multiples of ALIGN, so that payloads are aligned:
 *
 *     begin                                                       end
 *     | header | payload      | header | payload | header | ... |
 *              ^ aligned               ^ aligned
 *     |<------- block ------->|<---- block ----->|
 *
 * The search for room joins free neighbours as it passes them: it visits each
 * block anyway, and so no block needs to know the one before it.
 */

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <upframe/arena.h>

#define HEADER sizeof(size_t)
#define ALIGN  (_Alignof(max_align_t) > HEADER ? _Alignof(max_align_t) : HEADER)
#define USED   ((size_t)1)

_Static_assert((ALIGN & (ALIGN - 1)) == 0 && ALIGN > USED,
               "a block's size leaves its lowest bit for the flag");

/* memcpy, because the caller's memory may be of any type. */
static size_t load(const unsigned char *block)
{
    size_t header;
    memcpy(&header, block, HEADER);
    return header;
}

static void store(unsigned char *block, size_t header)
{
    memcpy(block, &header, HEADER);
}

static bool is_used(const unsigned char *block)
{
    return (load(block) & USED) != 0;
}

static size_t size_of(const unsigned char *block)
{
    return load(block) & ~USED;
}

/* The block's size and that of the free blocks right after it. */
static size_t reach(const upf_arena *arena, const unsigned char *block)
{
    const unsigned char *next = block + size_of(block);

    while (next != arena->end && !is_used(next))
        next += size_of(next);
    return (size_t)(next - block);
}

/*
 * Mark `block` as used, with the size `need`, if it and the free blocks right
 * after it have that many bytes. What is left over becomes a free block.
 */
static bool fit(upf_arena *arena, unsigned char *block, size_t need)
{
    const size_t room = reach(arena, block);
    const size_t held = is_used(block) ? size_of(block) : 0;

    if (room < need) {
        if (held == 0)
            store(block, room); /* joined, so that the next search is shorter */
        return false;
    }
    if (room > need)
        store(block + need, room - need);
    store(block, need | USED);
    arena->used = arena->used - held + need;
    if (arena->used > arena->peak)
        arena->peak = arena->used;
    return true;
}

static void *allocate(upf_arena *arena, size_t need)
{
    for (unsigned char *block = arena->begin; block != arena->end;
         block += size_of(block))
        if (!is_used(block) && fit(arena, block, need))
            return block + HEADER;
    return NULL;
}

static void release(upf_arena *arena, unsigned char *block)
{
    arena->used -= size_of(block);
    store(block, size_of(block));
}

void upf_arena_init(upf_arena *arena, void *memory, size_t size)
{
    /* The first payload has to be aligned, not the header in front of it. */
    const size_t payload = (size_t)((uintptr_t)memory + HEADER);
    const size_t skip    = (0 - payload) % ALIGN;

    *arena = (upf_arena){.begin = memory, .end = memory};
    if (size < skip || size - skip < ALIGN)
        return;
    size -= skip;
    size -= size % ALIGN;
    arena->begin += skip;
    arena->end = arena->begin + size;
    store(arena->begin, size);
}

void *upf_arena_alloc(void *user, void *ptr, size_t old_size, size_t new_size)
{
    upf_arena     *arena = user;
    unsigned char *block = ptr != NULL ? (unsigned char *)ptr - HEADER : NULL;

    assert(block == NULL || (block >= arena->begin && block < arena->end));
    assert(block == NULL || is_used(block));
    assert(old_size <= (block != NULL ? size_of(block) - HEADER : 0));

    if (new_size == 0) {
        if (block != NULL)
            release(arena, block);
        return NULL;
    }

    const size_t total = (size_t)(arena->end - arena->begin);
    if (total == 0 || new_size > total - HEADER)
        return NULL;
    size_t need = new_size + HEADER;
    need += (0 - need) % ALIGN; /* at most `total`, a multiple of ALIGN */
    if (block != NULL && fit(arena, block, need))
        return ptr;

    void *moved = allocate(arena, need);
    if (moved != NULL && block != NULL) {
        memcpy(moved, ptr, old_size);
        release(arena, block);
    }
    return moved;
}

size_t upf_arena_used(const upf_arena *arena)
{
    return arena->used;
}

size_t upf_arena_peak(const upf_arena *arena)
{
    return arena->peak;
}

size_t upf_arena_largest(const upf_arena *arena)
{
    size_t room = HEADER;

    for (const unsigned char *block = arena->begin; block != arena->end;
         block += size_of(block))
        if (!is_used(block) && reach(arena, block) > room)
            room = reach(arena, block);
    return room - HEADER;
}
