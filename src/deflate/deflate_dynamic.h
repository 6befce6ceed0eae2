/* SPDX-License-Identifier: MIT */
/* deflate_dynamic.h - a dynamic block's codes, and its header (3.2.7). */
#ifndef UPF_DEFLATE_DYNAMIC_H
#define UPF_DEFLATE_DYNAMIC_H

#include <stdint.h>

#include "deflate_bits.h"
#include "deflate_huffman.h"
#include "deflate_tables.h"

enum { UPF_CODE_LENGTHS = UPF_DEFLATE_LITERALS + UPF_DEFLATE_DISTANCES };

struct upf_dynamic {
    /* The caller's: how often each symbol occurs in the block. */
    uint32_t literal_counts[UPF_DEFLATE_LITERALS + 2]; /* and two to spare */
    uint32_t distance_counts[UPF_DEFLATE_DISTANCES];

    /* By upf_dynamic_plan(): both codes. */
    uint8_t literal_lengths[UPF_DEFLATE_LITERALS];
    uint8_t distance_lengths[UPF_DEFLATE_DISTANCES];

    /* And the header: how many lengths it has, and these as symbols of the
     * precode, each with the bits that follow it. */
    unsigned literals, distances, precodes, items;
    uint32_t precode_counts[UPF_DEFLATE_PRECODES];
    uint8_t  precode_lengths[UPF_DEFLATE_PRECODES];
    uint8_t  item[UPF_CODE_LENGTHS];
    uint8_t  extra[UPF_CODE_LENGTHS];
    uint8_t  all_lengths[UPF_CODE_LENGTHS];

    struct upf_huffman_work huffman;
};

/*
 * Make the codes, and the header that tells them. Returns how many bits that
 * has, behind the three of every block.
 */
uint32_t upf_dynamic_plan(struct upf_dynamic *dynamic);

/* Write the header, as planned. */
void upf_dynamic_write(const struct upf_dynamic *dynamic,
                       struct upf_bit_writer    *writer);

#endif
