/* SPDX-License-Identifier: MIT */
/* deflate_parse_narrow.c - heads of 16 bits, for a connection's window. */

#include <stdint.h>

typedef uint16_t head;

#define PARSE upf_parse_narrow
#define NOTE  upf_note_narrow

#include "deflate_search.h"
