/* SPDX-License-Identifier: MIT */
/* deflate_parse_wide.c - heads of 32 bits, for one message after another. */

#include <stdint.h>

#include "deflate_parse.h"

typedef uint32_t head;

#define HISTORY 0
#define PARSE   upf_parse_wide
#define SHIFT(parse) ((void)(parse), 32 - UPF_WIDE_HASH_BITS)

#include "deflate_search.h"
