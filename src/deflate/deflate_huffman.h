/* SPDX-License-Identifier: MIT */
/* deflate_huffman.h - Huffman codes of limited length, from frequencies. */
#ifndef UPF_DEFLATE_HUFFMAN_H
#define UPF_DEFLATE_HUFFMAN_H

#include <stdint.h>

#include "deflate_tables.h"

/* Memory for the call only. */
struct upf_huffman_work {
    uint32_t keys[UPF_DEFLATE_LITERALS];
    uint32_t sorted[UPF_DEFLATE_LITERALS + 1];
    uint32_t nodes[UPF_DEFLATE_LITERALS];
    uint16_t parents[UPF_DEFLATE_LITERALS];
};

/*
 * The code lengths for `count` symbols, of which symbol i occurs
 * frequencies[i] times: at most `longest` bits, 0 for what does not occur. The
 * code is the shortest there is, unless that would exceed `longest`; then it is
 * near that. It is complete (every sequence of bits can be read), but that of a
 * single symbol has one bit.
 *
 *   count    at most UPF_DEFLATE_LITERALS, and at most 2^longest
 *   longest  at most UPF_LONGEST_CODE
 *
 * The frequencies are below 2^23 in sum.
 */
void upf_huffman_lengths(struct upf_huffman_work *work,
                         const uint32_t *frequencies, unsigned count,
                         unsigned longest, uint8_t *lengths);

/*
 * The codes of these lengths (RFC 1951, section 3.2.2), for upf_put_code().
 * What has no code is left as it is.
 */
void upf_huffman_codes(const uint8_t *lengths, unsigned count,
                       uint32_t *codes);

#endif
