/* SPDX-License-Identifier: MIT */
/* inflate_fixed.h - the tables of the fixed code (RFC 1951, section 3.2.6). */
#ifndef UPF_INFLATE_FIXED_H
#define UPF_INFLATE_FIXED_H

#include <stdint.h>

#include "deflate_tables.h"

/* What upf_inflate_table() makes of it; a test compares. In a small build the
 * tables are made whenever they are needed. */
extern const uint32_t upf_fixed_literals[1 << UPF_FIXED_LONGEST];
extern const uint32_t upf_fixed_distances[1 << UPF_FIXED_DISTANCE_BITS];

#endif
