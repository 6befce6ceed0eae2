/* SPDX-License-Identifier: MIT */
/* deflate_parse.h - find what a block can repeat of the data before it. */
#ifndef UPF_DEFLATE_PARSE_H
#define UPF_DEFLATE_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "deflate_sequences.h"

enum { UPF_WIDE_HASH_BITS = 12 };

/* How much is done to find matches. */
enum upf_deflate_level {
    UPF_DEFLATE_QUICK, /* the first that is found */
    UPF_DEFLATE_LAZY,  /* a longer one that begins a byte later, if any */
    UPF_DEFLATE_BEST   /* the longest of many, and lazily */
};

/*
 * Where matches are looked for: in data[0, end of the block), and in a history
 * that ends where the data begins, though it lies in other memory.
 *
 * A hash of the four bytes at a place is the index of a head: the last place
 * with this hash. A link belongs to a place in the window: how far before it is
 * the one before with the same hash, or 0. Both are hints: they are judged by
 * the bytes that are there, and may be out of date, or of data that was never
 * sent.
 */
struct upf_finder {
    const uint8_t *data;
    const uint8_t *history_end;
    size_t         history_len; /* of which the last window counts */
    void          *heads;       /* 1 << hash_bits of them */
    uint16_t      *links;       /* `window` of them; NULL: not the level BEST */
    uint32_t       base;        /* what the heads have for data[0] */
    uint32_t       window;      /* distances are at most so many bytes */
    uint8_t        hash_bits; /* UPF_WIDE_HASH_BITS, for _wide */
    uint8_t        level;
};

/*
 * The literals and matches of the next block, which begins at `from`, and ends
 * at `end` or before. Returns where it ends. Nothing is read at `end` or after.
 *
 * _wide: there is no history; heads are uint32_t, all below `base` before the
 * first block, and base + end is below 2^32. So hints are never of other data,
 * and what is found depends on nothing else.
 *
 * _narrow: heads are uint16_t, of places modulo 65536.
 */
size_t upf_parse_wide(const struct upf_finder *finder,
                      struct upf_sequences *found, size_t from, size_t end);
size_t upf_parse_narrow(const struct upf_finder *finder,
                        struct upf_sequences *found, size_t from, size_t end);

/* Only note what is in data[from, end), for what comes after it. */
void upf_note_narrow(const struct upf_finder *finder, size_t from, size_t end);

#endif
