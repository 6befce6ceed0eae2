/* SPDX-License-Identifier: MIT */
/* deflate_parse_narrow.c - heads of 16 bits, for data behind a history. */

#include <stdint.h>

typedef uint16_t head;

/* In the fixed code of short messages, four bytes are worth a match. */
#define HASHED  4
#define HISTORY 1
#define SHIFT(parse) ((parse)->shift)

#include "deflate_search.h"

size_t upf_parse_narrow(const struct upf_finder *finder,
                        struct upf_sequences *found, size_t from, size_t end)
{
    return parse_block(finder, found, from, end);
}

void upf_note_narrow(const struct upf_finder *finder, size_t from, size_t end)
{
    const uint8_t *at = finder->data + from;

    if (end - from < HASHED)
        return;
    const struct parse p = begin(finder, end);
    if (p.links != NULL)
        for (; at <= p.last; at++)
            (void)note_linked(&p, at);
    else
        for (; at <= p.last; at++)
            (void)note(&p, at);
}
