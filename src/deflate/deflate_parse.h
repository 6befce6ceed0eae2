/* SPDX-License-Identifier: MIT */
/* deflate_parse.h - find what a block can repeat of the data before it. */
#ifndef UPF_DEFLATE_PARSE_H
#define UPF_DEFLATE_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "deflate_sequences.h"

/* How much is done to find matches. */
enum upf_deflate_level {
    UPF_DEFLATE_QUICK, /* the first that is found */
    UPF_DEFLATE_LAZY,  /* a longer one that begins a byte later, if any */
    UPF_DEFLATE_BEST   /* the longest of many, and lazily */
};

/*
 * Where matches are looked for. A hash of the four bytes at a place is the
 * index of a head: the last place with this hash. Heads are hints: each is
 * judged by the bytes at its place. They hold base + place, so that all those
 * below `base` are of former data, and never taken.
 */
struct upf_finder {
    const uint8_t *data;      /* matches lie in data[0, end of the block) */
    void          *heads;     /* 1 << hash_bits of them */
    uint16_t      *links;     /* NULL: none, and never the level BEST */
    uint32_t       base;      /* of the place 0; not 0 */
    uint32_t       link_base; /* the same for the index of a link */
    uint32_t       window;    /* distances are at most so many bytes */
    uint8_t        hash_bits;
    uint8_t        level;
};

/*
 * A link belongs to a place in the window: how far before it is the last one
 * with the same hash; 0 if there is none. So links need not be cleared, either:
 * they are read only from places of which the heads know.
 */

/*
 * The literals and matches of the next block, which begins at `from`, and ends
 * at `end` or before. Returns where it ends. Nothing is read at `end` or after.
 *
 * _wide: heads are uint32_t, and base + end is below 2^32.
 * _narrow: they are uint16_t, base is 1, and `end` is at most 65536.
 */
size_t upf_parse_wide(const struct upf_finder *finder,
                      struct upf_sequences *found, size_t from, size_t end);
size_t upf_parse_narrow(const struct upf_finder *finder,
                        struct upf_sequences *found, size_t from, size_t end);

/* Only note what is in data[from, end), for what comes after it. */
void upf_note_wide(const struct upf_finder *finder, size_t from, size_t end);
void upf_note_narrow(const struct upf_finder *finder, size_t from, size_t end);

#endif
