/* SPDX-License-Identifier: MIT */
/* inflate_fast.c - decode symbols where neither input nor room can run out. */

#include <string.h>

#include "inflate_impl.h"

#if !UPF_SMALL

/*
 * What the loop keeps in registers. Only the low byte of `count` counts: so a
 * whole entry can be subtracted, whose low byte says how many bits to drop.
 */
struct quick {
    uint64_t       bits;
    uint32_t       count;
    const uint8_t *in;
    uint8_t       *out;
};

/* Have 56 bits at least. */
static inline void refill(struct quick *q)
{
    q->bits |= upf_load_le64(q->in) << (q->count & 63);
    q->in += (63 - q->count) >> 3 & 7;
    q->count |= 56;
}

static inline void drop(struct quick *q, uint32_t entry)
{
    q->bits >>= upf_entry_drop(entry);
    q->count -= entry;
}

static inline void put(struct quick *q, uint32_t entry)
{
    drop(q, entry);
    *q->out++ = (uint8_t)(entry >> 16);
}

/* Drop a code: the base of what it means, and the extra bits behind it. */
static inline uint32_t take(struct quick *q, uint32_t entry)
{
    const uint64_t bits = q->bits;

    drop(q, entry); /* first, since the next look waits for it */
    return (entry >> 16) +
           (uint32_t)(upf_low_bits(bits, upf_entry_drop(entry)) >>
                      upf_entry_bits(entry));
}

/* The entry behind that of a table, whose index has `bits` bits. */
static inline uint32_t look_further(struct quick *q, const uint32_t *table,
                                    uint32_t entry, uint32_t bits)
{
    drop(q, bits); /* the entry has the same number, but later */
    return table[(entry >> 16) + upf_low_bits(q->bits, upf_entry_bits(entry))];
}

/* Copy eight bytes at a time to [to, end), or 7 bytes further. */
static inline void copy_by_8(uint8_t *to, const uint8_t *from,
                             const uint8_t *end, size_t step)
{
    do {
        uint64_t eight;
        memcpy(&eight, from, 8); /* they may overlap */
        memcpy(to, &eight, 8);
        to += step;
        from += step;
    } while (to < end);
}

/* Repeat a pattern of 2 to 7 bytes: what is copied at once is a multiple of it,
 * or just less than eight bytes. */
static inline void repeat(uint8_t *to, const uint8_t *end, size_t distance)
{
    static const uint8_t multiple[8] = {0, 0, 8, 6, 8, 5, 6, 7};
    const uint8_t *from = to - distance;

    for (unsigned i = 0; i < 8; i++)
        to[i] = from[i];
    copy_by_8(to + multiple[distance], to, end, multiple[distance]);
}

/* Copy `length` bytes from `distance` bytes before; up to 32 more are written,
 * at most UPF_INFLATE_SLACK in all. */
static inline void copy(uint8_t *to, size_t distance, uint32_t length)
{
    const uint8_t *from = to - distance, *const end = to + length;

    if (distance >= 16) {
        do {
            memcpy(to, from, 16);
            memcpy(to + 16, from + 16, 16);
            to += 32;
            from += 32;
        } while (to < end);
    } else if (distance >= 8) {
        copy_by_8(to, from, end, 8);
    } else if (distance == 1) {
        memset(to, *from, 32);
        if (length > 32)
            memset(to + 32, *from, (length - 1) & ~15u);
    } else {
        repeat(to, end, distance);
    }
}

enum upf_fast upf_inflate_fast(struct upf_inflate_run *run,
                               const uint8_t *in_stop, size_t *distance)
{
    struct quick q = {run->b.bits, run->b.count, run->b.in, run->out};
    uint8_t *const out_stop = run->limit - UPF_FAST_OUT;
    const uint8_t *const history = run->history;
    const uint32_t *const literals = run->literals;
    const uint32_t *const distances = run->distances;
    const uint32_t literal_bits = run->literal_bits;
    const uint32_t distance_bits = run->distance_bits;
    const uint64_t literal_mask  = ((uint64_t)1 << literal_bits) - 1;
    const uint64_t distance_mask = ((uint64_t)1 << distance_bits) - 1;
    enum upf_fast result = UPF_FAST_LEFT;
    size_t back = 0;

    refill(&q);
    uint32_t entry = literals[q.bits & literal_mask];
    do {
        if (entry & UPF_ENTRY_LITERAL) {
            put(&q, entry);
            entry = literals[q.bits & literal_mask];
            if (entry & UPF_ENTRY_LITERAL) {
                put(&q, entry);
                entry = literals[q.bits & literal_mask];
                if (entry & UPF_ENTRY_LITERAL) {
                    put(&q, entry);
                    entry = literals[q.bits & literal_mask];
                    refill(&q);
                    continue;
                }
            }
        }
        if (entry & UPF_ENTRY_OTHER) {
            if (entry & UPF_ENTRY_TABLE) {
                entry = look_further(&q, literals, entry, literal_bits);
                if (entry & UPF_ENTRY_LITERAL) {
                    put(&q, entry);
                    entry = literals[q.bits & literal_mask];
                    refill(&q);
                    continue;
                }
            }
            if (entry & UPF_ENTRY_OTHER) {
                drop(&q, entry);
                result = entry & UPF_ENTRY_BAD ? UPF_FAST_BAD : UPF_FAST_BLOCK;
                break;
            }
        }
        const uint32_t length = take(&q, entry);
        if ((uint8_t)q.count < UPF_LONGEST_CODE + 13 + UPF_LITERAL_BITS)
            refill(&q);
        entry = distances[q.bits & distance_mask];
        if (entry & UPF_ENTRY_OTHER) {
            if (entry & UPF_ENTRY_TABLE)
                entry = look_further(&q, distances, entry, distance_bits);
            if (entry & UPF_ENTRY_OTHER) {
                result = UPF_FAST_BAD;
                break;
            }
        }
        back = take(&q, entry);
        if (back > (size_t)(q.out - history)) {
            result = UPF_FAST_BAD;
            break;
        }
        entry = literals[q.bits & literal_mask];
        refill(&q);
        copy(q.out, back, length);
        q.out += length;
    } while (q.in <= in_stop && q.out <= out_stop);

    /* Give back whole bytes, but none that came before this call. */
    unsigned unused = (uint8_t)q.count >> 3;
    if (unused > (size_t)(q.in - run->b.in))
        unused = (unsigned)(q.in - run->b.in);
    run->b.in    = q.in - unused;
    run->b.count = (uint8_t)q.count - 8 * unused;
    run->b.bits  = upf_low_bits(q.bits, run->b.count);
    run->out     = q.out;
    *distance    = back;
    return result;
}

#endif
