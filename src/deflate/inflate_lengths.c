/* SPDX-License-Identifier: MIT */
/* inflate_lengths.c - the codes of a block: their lengths, and their tables. */

#include <string.h>

#include "inflate_fixed.h"
#include "inflate_impl.h"

#define MEANING(base, extra) (uint32_t)(base) << 16 | (extra),
#define NOTHING              (UPF_ENTRY_OTHER | UPF_ENTRY_BAD)

/* From the end of the block on. */
static const uint32_t length_meanings[] = {
    UPF_ENTRY_OTHER, UPF_LENGTH_CODES(MEANING) NOTHING, NOTHING
};

static const uint32_t distance_meanings[UPF_FIXED_DISTANCES] = {
    UPF_DISTANCE_CODES(MEANING) NOTHING, NOTHING
};

static const uint8_t precode_order[UPF_DEFLATE_PRECODES] = {UPF_PRECODE_ORDER};

/* ---- Windows ------------------------------------------------------------ */

/* Entries of codes of so many bits, without those that reach too far back. */
static void narrow(uint32_t to[UPF_FIXED_DISTANCES],
                   const uint32_t from[UPF_FIXED_DISTANCES], unsigned bits,
                   unsigned window)
{
    for (unsigned i = 0; i < UPF_FIXED_DISTANCES; i++)
        to[i] = from[i] >> 16 <= 1u << window ? from[i]
                                              : upf_entry(NOTHING, bits);
}

/* Have the two arrays of distances that are as the window is. */
static void have_window(const struct upf_inflate_run *run)
{
    struct upf_inflate_scratch *t = run->scratch;

    if (t->window == run->window)
        return;
    narrow(t->distance_meanings, distance_meanings, 0, run->window);
    if (!UPF_SMALL)
        narrow(t->fixed_distances, upf_fixed_distances, UPF_FIXED_DISTANCE_BITS,
               run->window);
    t->window = (uint8_t)run->window;
}

/* ---- Tables ------------------------------------------------------------- */

/* Make the table of the precode, where that of the distances will be. */
static bool make_precode(const struct upf_inflate_run *run)
{
    struct upf_inflate_scratch *t = run->scratch;
    uint64_t precode = run->state->code.precode;
    uint8_t  lengths[UPF_DEFLATE_PRECODES];
    uint16_t used[UPF_DEFLATE_PRECODES];
    unsigned count = 0;

    for (unsigned i = 0; i < UPF_DEFLATE_PRECODES; i++, precode >>= 3) {
        lengths[i] = precode & 7;
        used[count] = (uint16_t)i;
        count += lengths[i] > 0;
    }
    const struct upf_codebook code = {
        .lengths = lengths, .used = used, .count = count,
        .plain = UPF_DEFLATE_PRECODES,
    };
    t->distance_bits = (uint8_t)upf_inflate_table(
        t->distances, UPF_LONGEST_PRECODE, &code, t->sorted);
    return t->distance_bits > 0;
}

/* Make the tables of the block's two codes, whose lengths are all there. */
static bool make_tables(const struct upf_inflate_run *run)
{
    struct upf_inflate_scratch *t = run->scratch;
    const unsigned literals = run->state->code.literals;
    unsigned split = t->used_count;

    while (split > 0 && t->used[split - 1] >= literals)
        split--;
    have_window(run);
    const struct upf_codebook of_literals = {
        .lengths = t->lengths, .used = t->used, .count = split,
        .plain = UPF_END_OF_BLOCK, .flags = UPF_ENTRY_LITERAL,
        .meanings = length_meanings, .lax = true,
    };
    const struct upf_codebook of_distances = {
        .lengths = t->lengths, .used = t->used + split,
        .count = t->used_count - split, .first = literals,
        .meanings = t->distance_meanings, .lax = true,
    };
    t->literal_bits = (uint8_t)upf_inflate_table(
        t->literals, UPF_LITERAL_BITS, &of_literals, t->sorted);
    t->distance_bits = (uint8_t)upf_inflate_table(
        t->distances, UPF_DISTANCE_BITS, &of_distances, t->sorted);
    return t->literal_bits > 0 && t->distance_bits > 0;
}

static void use_tables(struct upf_inflate_run *run)
{
    const struct upf_inflate_scratch *t = run->scratch;

    run->literals      = t->literals;
    run->literal_bits  = t->literal_bits;
    run->distances     = t->distances;
    run->distance_bits = t->distance_bits;
    run->state->phase  = UPF_AT_SYMBOLS;
}

/* List the symbols that are used, of those whose lengths are known. */
static void list_used(const struct upf_inflate_run *run)
{
    struct upf_inflate_scratch *t = run->scratch;
    const unsigned known = run->state->code.next;
    unsigned count = 0;

    for (unsigned i = 0; i < known; i++) {
        t->used[count] = (uint16_t)i;
        count += t->lengths[i] > 0;
    }
    t->used_count = (uint16_t)count;
}

/* ---- The header of a dynamic block (section 3.2.7) ---------------------- */

enum upf_step upf_inflate_counts(struct upf_inflate_run *run)
{
    struct upf_inflate_code *code = &run->state->code;

    if (!upf_need(&run->b, 14))
        return UPF_STEP_MORE;
    const unsigned literals  = 257 + (unsigned)(run->b.bits & 31);
    const unsigned distances = 1 + (unsigned)(run->b.bits >> 5 & 31);
    if (literals > UPF_DEFLATE_LITERALS || distances > UPF_DEFLATE_DISTANCES)
        return UPF_STEP_BAD;
    code->literals  = (uint16_t)literals;
    code->distances = (uint8_t)distances;
    code->precodes  = (uint8_t)(4 + (run->b.bits >> 10 & 15));
    code->precode   = 0;
    code->next      = 0;
    upf_drop(&run->b, 14);
    run->state->phase = UPF_AT_PRECODE;
    return UPF_STEP_DONE;
}

/* No length of the block's codes is known. */
static void begin_lengths(struct upf_inflate_run *run)
{
    struct upf_inflate_scratch *t = run->scratch;

    t->kept.literals = 0; /* the tables make way */
    t->used_count = 0;
    memset(t->lengths, 0, sizeof t->lengths);
    run->state->code.next = 0;
    run->packed = 0;
}

enum upf_step upf_inflate_precode(struct upf_inflate_run *run)
{
    struct upf_inflate_code *code = &run->state->code;
    struct upf_bits b = run->b;
    uint64_t precode = code->precode;
    unsigned i = code->next;

    while (i < code->precodes && upf_need(&b, 3)) {
        precode |= (b.bits & 7) << 3 * precode_order[i++];
        upf_drop(&b, 3);
    }
    run->b        = b;
    code->precode = precode;
    code->next    = (uint16_t)i;
    if (i < code->precodes)
        return UPF_STEP_MORE;
    begin_lengths(run);
    run->state->phase = UPF_AT_LENGTHS;
    return make_precode(run) ? UPF_STEP_DONE : UPF_STEP_BAD;
}

/* How many symbols have the same length, by the code of repetition and the bits
 * that follow it: *extra of them. */
static unsigned repeated(unsigned symbol, uint64_t bits, unsigned *extra)
{
    *extra = symbol == UPF_REPEAT_LENGTH ? 2
           : symbol == UPF_REPEAT_ZERO   ? 3 : 7;
    return (symbol == UPF_REPEAT_ZERO_LONG ? 11 : 3) +
           (unsigned)upf_low_bits(bits, *extra);
}

/*
 * Read lengths up to `all`, from *at on, which is moved; a length that is known
 * to be 0 is not written.
 */
static enum upf_step read_lengths(struct upf_inflate_run *run, unsigned *at,
                                  unsigned all)
{
    struct upf_inflate_scratch *t = run->scratch;
    const unsigned table_bits = t->distance_bits;
    unsigned i = *at, used = t->used_count;
    enum upf_step step = UPF_STEP_DONE;
    struct upf_bits b = run->b;

    while (i < all) {
        if (b.count < UPF_LONGEST_PRECODE + 7)
            upf_fill(&b);
        const uint32_t entry =
            t->distances[upf_low_bits(b.bits, table_bits)];
        const unsigned symbol = entry >> 16, bits = upf_entry_drop(entry);
        if (symbol < UPF_REPEAT_LENGTH) {
            if (bits > b.count) {
                step = UPF_STEP_MORE;
                break;
            }
            upf_drop(&b, bits);
            t->used[used] = (uint16_t)i;
            used += symbol > 0;
            t->lengths[i++] = (uint8_t)symbol;
            continue;
        }
        unsigned extra;
        unsigned times = repeated(symbol, b.bits >> bits, &extra);
        if (bits + extra > b.count) {
            step = UPF_STEP_MORE;
            break;
        }
        if (times > all - i || (symbol == UPF_REPEAT_LENGTH && i == 0)) {
            step = UPF_STEP_BAD;
            break;
        }
        upf_drop(&b, bits + extra);
        if (symbol != UPF_REPEAT_LENGTH || t->lengths[i - 1] == 0) {
            i += times;
            continue;
        }
        for (const uint8_t length = t->lengths[i - 1]; times > 0; times--) {
            t->used[used++] = (uint16_t)i;
            t->lengths[i++] = length;
        }
    }
    run->b = b;
    *at = i;
    t->used_count = (uint16_t)used;
    return step;
}

enum upf_step upf_inflate_lengths(struct upf_inflate_run *run)
{
    struct upf_inflate_code *code = &run->state->code;
    unsigned at = code->next;

    run->scratch->kept.literals = 0;
    const enum upf_step step =
        read_lengths(run, &at, code->literals + code->distances);

    code->next = (uint16_t)at;
    if (step != UPF_STEP_DONE)
        return step;
    if (run->scratch->lengths[UPF_END_OF_BLOCK] == 0 || !make_tables(run))
        return UPF_STEP_BAD;
    use_tables(run);
    return UPF_STEP_DONE;
}

/* ---- The fixed code ----------------------------------------------------- */

#if UPF_SMALL

/* As if a header had had it. */
void upf_inflate_fixed(struct upf_inflate_run *run)
{
    struct upf_inflate_scratch *t = run->scratch;
    struct upf_inflate_code *code = &run->state->code;

    begin_lengths(run);
    code->literals  = UPF_FIXED_LITERALS;
    code->distances = UPF_FIXED_DISTANCES;
    code->next      = UPF_FIXED_LITERALS + UPF_FIXED_DISTANCES;
    for (unsigned i = 0; i < code->next; i++)
        t->lengths[i] = i < UPF_FIXED_LITERALS ? UPF_FIXED_LENGTH(i)
                                               : UPF_FIXED_DISTANCE_BITS;
    list_used(run);
    (void)make_tables(run);
    use_tables(run);
}

#else

void upf_inflate_fixed(struct upf_inflate_run *run)
{
    have_window(run);
    run->literals      = upf_fixed_literals;
    run->literal_bits  = UPF_FIXED_LONGEST;
    run->distances     = run->scratch->fixed_distances;
    run->distance_bits = UPF_FIXED_DISTANCE_BITS;
    run->state->phase  = UPF_AT_SYMBOLS;
}

#endif

/* ---- Pieces ------------------------------------------------------------- */

/* Whether the state is within a block with a code of its own, all of it or a
 * part known. */
static bool has_code(const struct upf_inflater *s)
{
    return s->phase == UPF_AT_LENGTHS ||
           (s->phase == UPF_AT_SYMBOLS &&
            (UPF_SMALL || s->block >> 1 == UPF_BLOCK_DYNAMIC));
}

static void unpack(uint8_t lengths[], const struct upf_inflate_code *code)
{
    memset(lengths, 0, sizeof code->lengths * 2);
    for (unsigned i = 0; i < (code->next + 1u) / 2; i++) {
        lengths[2 * i]     = code->lengths[i] & 15;
        lengths[2 * i + 1] = code->lengths[i] >> 4;
    }
}

void upf_inflate_recall(struct upf_inflate_run *run)
{
    struct upf_inflate_scratch *t = run->scratch;
    const struct upf_inflate_code *code = &run->state->code;

    if (!has_code(run->state)) {
        if (run->state->phase == UPF_AT_SYMBOLS)
            upf_inflate_fixed(run);
        return;
    }
    if (t->kept_window != run->window ||
        memcmp(&t->kept, code, sizeof *code) != 0) {
        unpack(t->lengths, code);
        list_used(run);
        (void)(run->state->phase == UPF_AT_LENGTHS ? make_precode(run)
                                                   : make_tables(run));
        t->kept_window = (uint8_t)run->window;
        memcpy(&t->kept, code, sizeof *code);
    }
    run->packed = code->next;
    if (run->state->phase == UPF_AT_SYMBOLS)
        use_tables(run);
}

void upf_inflate_keep(struct upf_inflate_run *run)
{
    struct upf_inflate_scratch *t = run->scratch;
    struct upf_inflate_code *code = &run->state->code;

    if (!has_code(run->state) ||
        (t->kept.literals > 0 && run->packed == code->next))
        return;
    for (unsigned i = run->packed / 2; i < (code->next + 1u) / 2; i++)
        code->lengths[i] =
            (uint8_t)(t->lengths[2 * i] | t->lengths[2 * i + 1] << 4);
    t->kept_window = (uint8_t)run->window;
    memcpy(&t->kept, code, sizeof *code);
}
