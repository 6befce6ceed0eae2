/* SPDX-License-Identifier: MIT */
/* deflate_sequences.h - a block as literals and matches, not yet in codes. */
#ifndef UPF_DEFLATE_SEQUENCES_H
#define UPF_DEFLATE_SEQUENCES_H

#include <stddef.h>
#include <stdint.h>

enum {
    UPF_SEQUENCES = 3072, /* of a block, at most */
    /* Bytes of a block, at most: what two stored blocks hold. All numbers of a
     * block are far below 2^23. */
    UPF_BLOCK_BYTES = 2 * 65535
};

/* So many literals, which are not repeated here, and then a match. */
struct upf_sequence {
    uint16_t literals;
    uint16_t length;   /* 0: no match follows */
    uint16_t distance; /* at least 1, if there is a match */
};

struct upf_sequences {
    size_t count;
    struct upf_sequence at[UPF_SEQUENCES];
};

#endif
