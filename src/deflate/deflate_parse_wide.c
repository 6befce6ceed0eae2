/* SPDX-License-Identifier: MIT */
/* deflate_parse_wide.c - heads of 32 bits, for one message after another. */

#include <stdint.h>

#include "deflate_parse.h"

typedef uint32_t head;

/* A match of four bytes saves nothing in a dynamic block, where most of what
 * this parse finds ends. */
#define HASHED  5
#define HISTORY 0
#define SHIFT(parse) ((void)(parse), 32 - UPF_WIDE_HASH_BITS)

#include "deflate_search.h"

size_t upf_parse_wide(const struct upf_finder *finder,
                      struct upf_sequences *found, size_t from, size_t end)
{
    return parse_block(finder, found, from, end);
}
