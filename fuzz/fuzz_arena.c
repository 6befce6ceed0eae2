/* SPDX-License-Identifier: MIT */
/*
 * fuzz_arena.c - blocks of an arena: apart, aligned, whole, all given back.
 *
 *   0-1    the arena's size
 *   2      by how much its memory is out of alignment
 *   then   three bytes a call: which of 16 blocks, and its new size
 */

#include <string.h>

#include <upframe/arena.h>

#include "check.h"
#include "script.h"

enum { BLOCKS = 16, ALIGNMENT = _Alignof(max_align_t) };

struct block {
    uint8_t *data;
    size_t   len;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Each block is full of its own number. */
static void check_block(const struct block *blocks, size_t number, size_t len)
{
    const struct block *block = &blocks[number];

    CHECK((uintptr_t)block->data % ALIGNMENT == 0, "not aligned");
    for (size_t i = 0; i < len; i++)
        CHECK(block->data[i] == number + 1, "block %zu was written to", number);
}

static void resize(upf_arena *arena, struct block *blocks, size_t number,
                   size_t len)
{
    struct block *block   = &blocks[number];
    const size_t  largest = upf_arena_largest(arena);
    uint8_t      *data = upf_arena_alloc(arena, block->data, block->len, len);

    if (len > 0 && data == NULL) {
        CHECK(block->data == NULL || len > block->len, "no room to shrink");
        CHECK(block->data != NULL || len > largest, "%zu, but no room for %zu",
              largest, len);
        return;
    }
    CHECK((data == NULL) == (len == 0), "freed, but there");
    CHECK(len == 0 || len > block->len || data == block->data ||
              block->data == NULL,
          "it moved, to shrink");
    const size_t kept = block->len < len ? block->len : len;
    *block = (struct block){data, len};
    check_block(blocks, number, kept);
    if (len > 0)
        memset(data, (int)number + 1, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct script script           = {data, len, 0};
    struct block  blocks[BLOCKS]   = {0};
    const size_t  high = script_byte(&script);
    const size_t  size = high << 8 | script_byte(&script);
    const size_t  apart = script_byte(&script) % ALIGNMENT;
    uint8_t      *memory = exact_copy("", 0);
    upf_arena     arena;

    memory = realloc(memory, size + apart + 1);
    CHECK(memory != NULL, "no memory for %zu", size);
    upf_arena_init(&arena, size > 0 ? memory + apart : NULL, size);
    while (script.at < len) {
        const size_t number = script_byte(&script);
        const size_t large  = script_byte(&script);
        const size_t wanted = large << 8 | script_byte(&script);

        resize(&arena, blocks, number % BLOCKS,
               number < 0xF0 ? wanted : SIZE_MAX - wanted);
        for (size_t i = 0; i < BLOCKS; i++)
            check_block(blocks, i, blocks[i].len);
        CHECK(upf_arena_used(&arena) <= upf_arena_peak(&arena) &&
                  upf_arena_peak(&arena) <= size &&
                  upf_arena_largest(&arena) <= size,
              "more than there is");
    }
    for (size_t i = 0; i < BLOCKS; i++)
        resize(&arena, blocks, i, 0);
    CHECK(upf_arena_used(&arena) == 0, "%zu bytes are kept",
          upf_arena_used(&arena));
    free(memory);
    return 0;
}
