/* SPDX-License-Identifier: MIT */
/* deflate_dynamic.c - run lengths of code lengths, and the code of those. */

#include <string.h>

#include "deflate_dynamic.h"

enum { LEAST_LITERALS = 257, LEAST_DISTANCES = 1, LEAST_PRECODES = 4 };

static const uint8_t precode_order[] = {UPF_PRECODE_ORDER};

/* How many bits follow a symbol of the precode. */
static unsigned extra_bits(unsigned symbol)
{
    switch (symbol) {
    case UPF_REPEAT_LENGTH:    return 2;
    case UPF_REPEAT_ZERO:      return 3;
    case UPF_REPEAT_ZERO_LONG: return 7;
    default:                   return 0;
    }
}

static void add_item(struct upf_dynamic *d, unsigned symbol, unsigned extra)
{
    d->item[d->items]  = (uint8_t)symbol;
    d->extra[d->items] = (uint8_t)extra;
    d->items++;
    d->precode_counts[symbol]++;
}

/* As much of `run` zeros as can be said by repeating; returns the rest. */
static unsigned add_zeros(struct upf_dynamic *d, unsigned run)
{
    while (run >= 11) {
        const unsigned part = run < 138 ? run : 138;
        add_item(d, UPF_REPEAT_ZERO_LONG, part - 11);
        run -= part;
    }
    if (run >= 3) {
        add_item(d, UPF_REPEAT_ZERO, run - 3);
        run = 0;
    }
    return run;
}

/* The same for a length that was said once. */
static unsigned add_repeats(struct upf_dynamic *d, unsigned run)
{
    while (run >= 3) {
        const unsigned part = run < 6 ? run : 6;
        add_item(d, UPF_REPEAT_LENGTH, part - 3);
        run -= part;
    }
    return run;
}

/* The lengths of both codes as one list; a run may go from one to the other. */
static void add_items(struct upf_dynamic *d)
{
    const unsigned count = d->literals + d->distances;
    const uint8_t *all   = d->all_lengths;

    memset(d->precode_counts, 0, sizeof d->precode_counts);
    d->items = 0;
    for (unsigned i = 0; i < count;) {
        const uint8_t length = all[i];
        unsigned      run    = 1;

        while (i + run < count && all[i + run] == length)
            run++;
        i += run;
        if (length == 0) {
            run = add_zeros(d, run);
        } else if (run >= 4) {
            add_item(d, length, 0);
            run = add_repeats(d, run - 1);
        }
        for (; run > 0; run--)
            add_item(d, length, 0);
    }
}

/* How many lengths are written: not the zeros at the end. */
static unsigned without_zeros(const uint8_t *lengths, unsigned count,
                              unsigned least)
{
    while (count > least && lengths[count - 1] == 0)
        count--;
    return count;
}

uint32_t upf_dynamic_plan(struct upf_dynamic *d)
{
    upf_huffman_lengths(&d->huffman, d->literal_counts, UPF_DEFLATE_LITERALS,
                        UPF_LONGEST_CODE, d->literal_lengths);
    upf_huffman_lengths(&d->huffman, d->distance_counts,
                        UPF_DEFLATE_DISTANCES, UPF_LONGEST_CODE,
                        d->distance_lengths);
    d->literals  = without_zeros(d->literal_lengths, UPF_DEFLATE_LITERALS,
                                 LEAST_LITERALS);
    d->distances = without_zeros(d->distance_lengths, UPF_DEFLATE_DISTANCES,
                                 LEAST_DISTANCES);
    memcpy(d->all_lengths, d->literal_lengths, d->literals);
    memcpy(d->all_lengths + d->literals, d->distance_lengths, d->distances);
    add_items(d);

    /* Two symbols at least: 257 equal lengths would be no code. So it is
     * complete, as many decoders want it. */
    upf_huffman_lengths(&d->huffman, d->precode_counts, UPF_DEFLATE_PRECODES,
                        UPF_LONGEST_PRECODE, d->precode_lengths);
    d->precodes = UPF_DEFLATE_PRECODES;
    while (d->precodes > LEAST_PRECODES &&
           d->precode_lengths[precode_order[d->precodes - 1]] == 0)
        d->precodes--;

    uint32_t bits = 5 + 5 + 4 + 3 * d->precodes;
    for (unsigned i = 0; i < UPF_DEFLATE_PRECODES; i++)
        bits += d->precode_counts[i] *
                (d->precode_lengths[i] + extra_bits(i));
    return bits;
}

void upf_dynamic_write(const struct upf_dynamic *d,
                       struct upf_bit_writer    *writer)
{
    struct upf_bit_writer w = *writer;
    uint32_t              codes[UPF_DEFLATE_PRECODES];

    upf_put_bits(&w, d->literals - LEAST_LITERALS, 5);
    upf_put_bits(&w, d->distances - LEAST_DISTANCES, 5);
    upf_put_bits(&w, d->precodes - LEAST_PRECODES, 4);
    for (unsigned i = 0; i < d->precodes; i++) {
        upf_flush_bits(&w);
        upf_put_bits(&w, d->precode_lengths[precode_order[i]], 3);
    }
    upf_huffman_codes(d->precode_lengths, UPF_DEFLATE_PRECODES, codes);
    for (unsigned i = 0; i < d->items; i++) {
        upf_flush_bits(&w);
        upf_put_code(&w, codes[d->item[i]]);
        upf_put_bits(&w, d->extra[i], extra_bits(d->item[i]));
    }
    upf_flush_bits(&w);
    *writer = w;
}
