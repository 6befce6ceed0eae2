/* SPDX-License-Identifier: MIT */
/* inflate_table.h - tables that decode a Huffman code. */
#ifndef UPF_INFLATE_TABLE_H
#define UPF_INFLATE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "deflate_tables.h"

/*
 * An entry says what the bits mean that are its index. From the lowest bit on:
 *
 *   0-7    bits to drop: the code's, and the extra bits that follow it
 *   8-11   bits of the code alone
 *   12-15  flags
 *   16-31  the literal, or the base to which the extra bits are added
 *
 * A code that is longer than the index is looked up in a table of its own,
 * which lies behind the main one. The entry of its first bits then has
 *
 *   0-7    the bits of the main table's index, to drop
 *   8-11   the bits of that table's index
 *   16-31  where that table begins
 */
enum {
    UPF_ENTRY_LITERAL = 0x8000,
    UPF_ENTRY_OTHER   = 0x4000, /* alone: the end of the block; or with */
    UPF_ENTRY_TABLE   = 0x2000,
    UPF_ENTRY_BAD     = 0x1000  /* what nothing stands for */
};

/* The bits to drop. */
static inline unsigned upf_entry_drop(uint32_t entry)
{
    return (uint8_t)entry;
}

/* The bits of the code alone, or of a table's index. */
static inline unsigned upf_entry_bits(uint32_t entry)
{
    return entry >> 8 & 15;
}

/* The entry of a code of so many bits. */
static inline uint32_t upf_entry(uint32_t meaning, unsigned bits)
{
    return meaning + (bits << 8) + bits;
}

static inline uint64_t upf_low_bits(uint64_t bits, unsigned count)
{
    return bits & (((uint64_t)1 << count) - 1);
}

/*
 * A code. Symbols below `plain` mean themselves, with `flags`, the others what
 * stands in `meanings`: entries of codes without bits.
 */
struct upf_codebook {
    const uint8_t  *lengths;  /* of a symbol's code */
    const uint16_t *used;     /* symbols whose length is not 0, ascending; */
    unsigned        count;    /* so many, */
    unsigned        first;    /* and each that much too high */
    unsigned        plain;
    uint32_t        flags;
    const uint32_t *meanings;
    bool            lax;      /* one symbol, of one bit, will do, or none */
};

/*
 * Make the table of a code; its main part has an index of `most` bits at most.
 * Returns how many it has, or 0 if there is no such code: if bits are left that
 * no code has, or more codes than bits for them. `sorted` is for the call, of
 * `count` entries.
 */
unsigned upf_inflate_table(uint32_t *table, unsigned most,
                           const struct upf_codebook *code, uint32_t *sorted);

#endif
