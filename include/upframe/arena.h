/* SPDX-License-Identifier: MIT */
/*
 * upframe/arena.h - an allocator that works in one block of your memory.
 *
 * For machines without a heap: connections get all their memory from a fixed
 * array. upf_arena_alloc() is a upf_alloc_fn (upframe/conn.h):
 *
 *   static unsigned char memory[32 * 1024];
 *   static upf_arena     arena;
 *
 *   upf_arena_init(&arena, memory, sizeof memory);
 *   config.alloc      = upf_arena_alloc;
 *   config.alloc_user = &arena;
 *
 * When the arena is full, only the operation that asked for more memory fails
 * (UPF_ERR_NO_MEMORY). Compiled with -DUPF_NO_MALLOC, the library does not
 * refer to malloc() at all.
 *
 * An arena and all the connections that use it belong to one thread at a time.
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
    unsigned char *end;   /* after the last block */
    size_t         used;
    size_t         peak;
} upf_arena;

/*
 * Begin, with all memory free. To free all blocks at once, call it again.
 *
 *   memory  `size` bytes, of any alignment, that nothing else uses while the
 *           arena is in use; may be NULL if size is 0
 *   size    any. Alignment and the first header cost at most
 *           2 * alignof(max_align_t) + sizeof(size_t) bytes; an arena that is
 *           smaller than that is valid, but may be too small for any block.
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
 * NULL if there is no room; the old block is then untouched. A block is not
 * moved when it shrinks, nor when the free memory after it is large enough for
 * it to grow.
 *
 * A block takes sizeof(size_t) bytes more than were asked for, rounded up to
 * the alignment. A call takes time proportional to the number of blocks, which
 * suits an arena of tens of KiB. A pointer that is not a block of this arena,
 * or that was freed already, is the caller's error.
 */
void *upf_arena_alloc(void *arena, void *ptr, size_t old_size,
                      size_t new_size);

/*
 * Numbers of bytes, to help choose an arena's size.
 *
 *   used      in use now, headers and alignment included; 0 when every block
 *             was freed
 *   peak      the most that `used` has been since upf_arena_init()
 *   largest   the largest block that could still be allocated: less than all
 *             free memory if blocks in use lie between its parts
 */
size_t upf_arena_used(const upf_arena *arena);
size_t upf_arena_peak(const upf_arena *arena);
size_t upf_arena_largest(const upf_arena *arena);

#ifdef __cplusplus
}
#endif

#endif
