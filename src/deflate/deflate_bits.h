/* SPDX-License-Identifier: MIT */
/* deflate_bits.h - write bits, the lowest first (RFC 1951, section 3.1.1). */
#ifndef UPF_DEFLATE_BITS_H
#define UPF_DEFLATE_BITS_H

#include <stdint.h>

#include "../bytes.h"

/*
 * Bits wait in a word until they are flushed, which writes the whole word: up
 * to UPF_BITS_SLACK bytes behind what is done are overwritten.
 */
enum { UPF_BITS_SLACK = 8 };

struct upf_bit_writer {
    uint64_t bits;  /* those above `count` are 0 */
    unsigned count; /* below 8 after a flush, and always below 64 */
    uint8_t *out;   /* where the next whole byte goes */
};

/* A code as the writer takes it: its bits in reverse, and how many. */
#define UPF_CODE(bits, count) ((uint32_t)(bits) | (uint32_t)(count) << 16)

static inline void upf_put_bits(struct upf_bit_writer *w, uint32_t value,
                                unsigned count)
{
    w->bits |= (uint64_t)value << w->count;
    w->count += count;
}

static inline void upf_put_code(struct upf_bit_writer *w, uint32_t code)
{
    upf_put_bits(w, code & 0xFFFF, code >> 16);
}

static inline void upf_flush_bits(struct upf_bit_writer *w)
{
    upf_store_le64(w->out, w->bits);
    w->out += w->count >> 3;
    w->bits >>= w->count & ~7u;
    w->count &= 7;
}

/* Fill the last byte with zeros, and flush; at most 56 bits wait. */
static inline void upf_align_bits(struct upf_bit_writer *w)
{
    w->count = (w->count + 7) & ~7u;
    upf_flush_bits(w);
}

#endif
