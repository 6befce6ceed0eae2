/* SPDX-License-Identifier: MIT */
/*
 * upframe/arena.h - an allocator in one block of memory that you give.
 *
 * For machines without a heap: what connections take and give back comes from
 * a fixed array. upf_arena_alloc() is a upf_alloc_fn (upframe/conn.h):
 *
 *   static unsigned char memory[32 * 1024];
 *   static upf_arena     arena;
 *
 *   upf_arena_init(&arena, memory, sizeof memory);
 *   config.alloc      = upf_arena_alloc;
 *   config.alloc_user = &arena;
 *
 * When the arena is full, the one operation that asked for more fails
 * (UPF_ERR_NO_MEMORY); nothing else is disturbed. The library compiled with
 * -DUPF_NO_MALLOC does not refer to malloc() at all.
 *
 * An arena belongs to one thread at a time, and so do all its connections.
 */
#ifndef UPFRAME_ARENA_H
#define UPFRAME_ARENA_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Caller-owned. The fields are private. */
typedef struct upf_arena {
    unsigned char *begin; /* the first block's header */
    unsigned char *end;   /* behind the last block */
    size_t         used;
    size_t         peak;
} upf_arena;

/*
 * Begin, with all memory free. To give everything back at once, call it again.
 *
 *   memory  `size` bytes that are the arena's as long as it is used; of any
 *           alignment; may be NULL if size is 0
 *   size    any. What alignment and the first header cost is at most
 *           2 * alignof(max_align_t) + sizeof(size_t) bytes; a smaller arena
 *           is valid and always full.
 */
void upf_arena_init(upf_arena *arena, void *memory, size_t size);

/*
 * Allocate, resize or free, as realloc does.
 *
 *   arena     a upf_arena
 *   ptr       a block of this arena, or NULL to allocate
 *   old_size  the size last asked for that block; 0 if ptr is NULL
 *   new_size  bytes wanted; 0 frees the block and returns NULL
 *
 * Returns a block aligned for any type, holding the old one's first bytes, or
 * NULL if there is no room; the old block is then untouched. A block stays
 * where it is when it shrinks, and when it grows into free memory behind it.
 *
 * Each block costs sizeof(size_t) bytes more, rounded up to the alignment.
 * Its time is proportional to the number of blocks: an arena of tens of KiB
 * is what it is made for. A pointer that is not a block of this arena, or was
 * freed already, is the caller's error.
 */
void *upf_arena_alloc(void *arena, void *ptr, size_t old_size,
                      size_t new_size);

/*
 * Bytes, for choosing an arena's size.
 *
 *   used      taken now, with what the blocks themselves cost; 0 when all is
 *             freed
 *   peak      the most that `used` has been since upf_arena_init()
 *   largest   what one allocation could still get; less than the rest, where
 *             blocks in use divide it
 */
size_t upf_arena_used(const upf_arena *arena);
size_t upf_arena_peak(const upf_arena *arena);
size_t upf_arena_largest(const upf_arena *arena);

#ifdef __cplusplus
}
#endif

#endif
