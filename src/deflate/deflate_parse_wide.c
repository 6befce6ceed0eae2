/* SPDX-License-Identifier: MIT */
/* deflate_parse_wide.c - heads of 32 bits, for one message after another. */

#include <stdint.h>

typedef uint32_t head;

#define HISTORY 0
#define PARSE   upf_parse_wide

#include "deflate_search.h"
