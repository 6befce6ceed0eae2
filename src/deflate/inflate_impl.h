/* SPDX-License-Identifier: MIT */
/* inflate_impl.h - what the files of inflate share: one call, and its bits. */
#ifndef UPF_INFLATE_IMPL_H
#define UPF_INFLATE_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../bytes.h"
#include "inflate.h"
#include "inflate_table.h"

/* What comes next of a message: `phase`. A state of zeros is before a block. */
enum {
    UPF_AT_BLOCK,
    UPF_AT_NEXT_BYTE, /* behind a final block */
    UPF_AT_STORED_LENGTH,
    UPF_AT_STORED,
    UPF_AT_COUNTS,    /* of codes, in the header of a dynamic block */
    UPF_AT_PRECODE,
    UPF_AT_LENGTHS,
    UPF_AT_SYMBOLS
};

/* How a step ended. */
enum upf_step {
    UPF_STEP_DONE, /* on to the next one */
    UPF_STEP_MORE, /* input is missing; nothing is taken of what needs it */
    UPF_STEP_FULL,
    UPF_STEP_END,
    UPF_STEP_BAD   /* what is wrong was not taken */
};

enum {
    UPF_TAIL = 4, /* bytes that a sender cuts off */

    /*
     * The fast loop may look at so many bytes from where it begins. So it ends
     * before the input does, and the last bytes are copied, with the tail, to
     * where as many follow them.
     */
    UPF_FAST_IN = 24,
    UPF_LAST    = 192, /* no less than it leaves; a short message whole */

    /* Bytes that it puts out without a look at the limit. */
    UPF_FAST_OUT = 3
};

/* Input, bit by bit. Loops work on a copy, which a compiler can keep in
 * registers. */
struct upf_bits {
    uint64_t       bits; /* above `count` they are 0, or those of in[0] on */
    unsigned       count;
    const uint8_t *in, *stop;
};

/* One call. */
struct upf_inflate_run {
    struct upf_inflater         *state;
    struct upf_inflate_scratch *scratch;

    struct upf_bits b;
    uint64_t        stop_offset; /* of b.stop, in the message */

    uint8_t        *out, *limit;
    const uint8_t  *history;
    unsigned        window;
    unsigned        packed; /* so many of the code's lengths the state has */
    bool            end;    /* the message's end is known, */
    bool            tailed; /* and the input is now its last bytes and tail */
    bool            quick;  /* the fast loop may be tried */

    /* The tables of the block, and the bits of their indexes. */
    const uint32_t *literals, *distances;
    unsigned        literal_bits, distance_bits;

    uint8_t last[UPF_LAST + UPF_TAIL + UPF_FAST_IN];
};

/* ---- Bits --------------------------------------------------------------- */

/* Have at least 56 bits, or all that there are. */
static inline void upf_fill(struct upf_bits *b)
{
    if (b->stop - b->in >= 8) {
        b->bits |= upf_load_le64(b->in) << b->count;
        b->in += (63 - b->count) >> 3;
        b->count |= 56;
        return;
    }
    while (b->count < 56 && b->in < b->stop) {
        b->bits |= (uint64_t)*b->in++ << b->count;
        b->count += 8;
    }
}

/* Whether so many bits, at most 56, are there. */
static inline bool upf_need(struct upf_bits *b, unsigned count)
{
    if (b->count < count)
        upf_fill(b);
    return b->count >= count;
}

static inline void upf_drop(struct upf_bits *b, unsigned count)
{
    b->bits >>= count;
    b->count -= count;
}

/* ---- inflate_lengths.c: the codes of a block ---------------------------- */

/* Steps: the phases COUNTS, PRECODE and LENGTHS. */
enum upf_step upf_inflate_counts(struct upf_inflate_run *run);
enum upf_step upf_inflate_precode(struct upf_inflate_run *run);
enum upf_step upf_inflate_lengths(struct upf_inflate_run *run);

/* Use the fixed code. */
void upf_inflate_fixed(struct upf_inflate_run *run);

/* Before a piece: have what the state's phase needs in the scratch. */
void upf_inflate_recall(struct upf_inflate_run *run);

/* After a piece: keep in the state what the next one needs. */
void upf_inflate_keep(struct upf_inflate_run *run);

/* ---- inflate_fast.c ----------------------------------------------------- */

enum upf_fast {
    UPF_FAST_LEFT,  /* there is no more room, or input */
    UPF_FAST_BLOCK, /* the block has ended */
    UPF_FAST_BAD    /* something is wrong, somewhere */
};

/*
 * Decode symbols while there is room for UPF_FAST_OUT bytes, and rounds begin
 * at `in_stop` or before. UPF_FAST_IN bytes can be read from where the first
 * one begins, 16 from `in_stop` on; if these are not the message's, the input
 * may be past its end afterwards. `out` may be past `limit` by a part of the
 * last match, whose distance *distance then is.
 */
enum upf_fast upf_inflate_fast(struct upf_inflate_run *run,
                               const uint8_t *in_stop, size_t *distance);

#endif
