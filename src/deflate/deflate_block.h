/* SPDX-License-Identifier: MIT */
/* deflate_block.h - write a block in the form that is shortest. */
#ifndef UPF_DEFLATE_BLOCK_H
#define UPF_DEFLATE_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deflate_bits.h"
#include "deflate_dynamic.h"
#include "deflate_sequences.h"

/* For the call only. */
struct upf_block_work {
    struct upf_dynamic dynamic;
    uint32_t odd_counts[256 + 1]; /* of literals, too */
    uint32_t literal_codes[UPF_FIXED_LITERALS];
    uint32_t distance_codes[UPF_FIXED_DISTANCES];
};

enum {
    /* How much longer than its data a block can become: three bits, a byte's
     * rest, a length and its complement, twice. */
    UPF_BLOCK_OVERHEAD = 10,
    /* upf_block_write_fixed(): a literal can have nine bits. So many more bytes
     * than the data and UPF_BLOCK_OVERHEAD may be written in between. */
    UPF_FIXED_BYTES = 400,
    UPF_FIXED_SLACK = UPF_FIXED_BYTES / 8
};

/*
 * Write data[0, len), of which `found` are the literals and matches, as a
 * dynamic, a fixed or a stored block, whichever has the fewest bits. `len` is
 * at most UPF_BLOCK_BYTES, and not 0.
 */
void upf_block_write(struct upf_bit_writer      *writer,
                     struct upf_block_work      *work,
                     const struct upf_sequences *found, const uint8_t *data,
                     size_t len);

/* The same without a dynamic block, which is quicker; len is at most
 * UPF_FIXED_BYTES. */
void upf_block_write_fixed(struct upf_bit_writer      *writer,
                           struct upf_block_work      *work,
                           const struct upf_sequences *found,
                           const uint8_t *data, size_t len);

/*
 * An empty stored block, which ends with 00 00 FF FF on a byte boundary (RFC
 * 7692, section 7.2.1). Without these four bytes if the message ends here.
 */
void upf_block_write_end(struct upf_bit_writer *writer, bool message_ends);

#endif
