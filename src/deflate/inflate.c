/* SPDX-License-Identifier: MIT */
/* inflate.c - decode compressed data: blocks and symbols, in pieces. */

#include <assert.h>
#include <string.h>

#include "inflate_impl.h"

/* Bytes of input that were not used, those in the bit buffer included. */
static size_t bytes_left(const struct upf_inflate_run *run)
{
    return (size_t)(run->b.stop - run->b.in) + run->b.count / 8;
}

/* ---- Between blocks ----------------------------------------------------- */

/*
 * Behind a final block. A sender that knows what section 7.2.3.4 says adds a
 * byte of zeros, which begins the empty block whose end it cuts off. Others
 * forget that; then only what was cut off is left.
 */
static enum upf_step next_byte(struct upf_inflate_run *run)
{
    upf_drop(&run->b, run->b.count & 7);
    if (bytes_left(run) == 0 && !run->end)
        return UPF_STEP_MORE;
    if (run->tailed && bytes_left(run) == UPF_TAIL)
        return UPF_STEP_END;
    run->state->phase = UPF_AT_BLOCK;
    return UPF_STEP_DONE;
}

static enum upf_step block(struct upf_inflate_run *run)
{
    struct upf_inflater *s = run->state;

    if (run->tailed && run->b.in == run->b.stop && run->b.count == 0)
        return UPF_STEP_END;
    if (!upf_need(&run->b, 3))
        return UPF_STEP_MORE;
    s->block = run->b.bits & 7;
    switch (s->block >> 1) {
    case UPF_BLOCK_STORED:
        upf_drop(&run->b, 3 + ((run->b.count - 3) & 7));
        s->phase = UPF_AT_STORED_LENGTH;
        /* Quickly: an empty block, of which only the tail is left. */
        return run->tailed && bytes_left(run) == UPF_TAIL ? UPF_STEP_END
                                                          : UPF_STEP_DONE;
    case UPF_BLOCK_FIXED:
        upf_drop(&run->b, 3);
        upf_inflate_fixed(run);
        return UPF_STEP_DONE;
    case UPF_BLOCK_DYNAMIC:
        upf_drop(&run->b, 3);
        s->phase = UPF_AT_COUNTS;
        return UPF_STEP_DONE;
    default:
        return UPF_STEP_BAD;
    }
}

static void end_block(struct upf_inflate_run *run)
{
    run->state->phase = run->state->block & 1 ? UPF_AT_NEXT_BYTE : UPF_AT_BLOCK;
}

/* ---- Stored blocks (section 3.2.4) -------------------------------------- */

static enum upf_step stored_length(struct upf_inflate_run *run)
{
    if (!upf_need(&run->b, 32))
        return UPF_STEP_MORE;
    if ((uint16_t)(run->b.bits ^ run->b.bits >> 16) != 0xFFFF)
        return UPF_STEP_BAD;
    run->state->left = (uint16_t)run->b.bits;
    upf_drop(&run->b, 32);
    run->state->phase = UPF_AT_STORED;
    return UPF_STEP_DONE;
}

static enum upf_step stored(struct upf_inflate_run *run)
{
    struct upf_inflater *s = run->state;

    while (s->left > 0 && run->b.count > 0 && run->out < run->limit) {
        *run->out++ = (uint8_t)run->b.bits;
        upf_drop(&run->b, 8);
        s->left--;
    }
    if (run->b.count == 0) {
        size_t n = s->left;
        if (n > (size_t)(run->limit - run->out))
            n = (size_t)(run->limit - run->out);
        if (n > (size_t)(run->b.stop - run->b.in))
            n = (size_t)(run->b.stop - run->b.in);
        run->b.bits = 0; /* it may have held bytes that are now taken here */
        memcpy(run->out, run->b.in, n);
        run->out += n;
        run->b.in += n;
        s->left = (uint16_t)(s->left - n);
    }
    if (s->left > 0)
        return run->out == run->limit ? UPF_STEP_FULL : UPF_STEP_MORE;
    end_block(run);
    return UPF_STEP_DONE;
}

/* ---- Symbols ------------------------------------------------------------ */

/* Put out what is left of a match, or as much as there is room for. */
static enum upf_step put_match(struct upf_inflate_run *run)
{
    struct upf_inflater *s = run->state;
    const uint8_t *from = run->out - s->distance;
    size_t n = s->left;

    if (n > (size_t)(run->limit - run->out))
        n = (size_t)(run->limit - run->out);
    s->left = (uint16_t)(s->left - n);
    while (n-- > 0)
        *run->out++ = *from++;
    return s->left > 0 ? UPF_STEP_FULL : UPF_STEP_DONE;
}

/* A code, and what it means. */
struct symbol {
    uint32_t entry;
    unsigned bits;  /* its own, and the extra ones */
    unsigned value; /* the literal, length or distance */
};

/* Look up the code with which `bits` begin. If there are fewer bits than it
 * has, it is any of those that begin so. */
static struct symbol look_up(const uint32_t *table, unsigned index,
                             uint64_t bits)
{
    uint32_t entry = table[upf_low_bits(bits, index)];
    unsigned before = 0;

    if (entry & UPF_ENTRY_TABLE) {
        before = index;
        bits >>= index;
        entry = table[(entry >> 16) +
                      upf_low_bits(bits, upf_entry_bits(entry))];
    }
    const unsigned used = upf_entry_drop(entry);
    return (struct symbol){
        entry, before + used,
        (entry >> 16) + (unsigned)(upf_low_bits(bits, used) >>
                                   upf_entry_bits(entry)),
    };
}

/* A match whose length is known, but still among the bits. */
static enum upf_step match(struct upf_inflate_run *run, struct symbol length)
{
    struct upf_inflater *s = run->state;
    const struct symbol back = look_up(run->distances, run->distance_bits,
                                       run->b.bits >> length.bits);

    if (length.bits + back.bits > run->b.count)
        return UPF_STEP_MORE;
    if (back.entry & UPF_ENTRY_OTHER ||
        back.value > (size_t)(run->out - run->history))
        return UPF_STEP_BAD;
    upf_drop(&run->b, length.bits + back.bits);
    s->left     = (uint16_t)length.value;
    s->distance = (uint16_t)back.value;
    return put_match(run);
}

/* One symbol after the other, each with all its bits or not at all. */
static enum upf_step symbols(struct upf_inflate_run *run)
{
    enum upf_step step = put_match(run);

    while (step == UPF_STEP_DONE) {
        upf_fill(&run->b);
        const struct symbol symbol =
            look_up(run->literals, run->literal_bits, run->b.bits);
        if (symbol.bits > run->b.count)
            return UPF_STEP_MORE;
        if (symbol.entry & UPF_ENTRY_LITERAL) {
            if (run->out == run->limit)
                return UPF_STEP_FULL;
            *run->out++ = (uint8_t)symbol.value;
            upf_drop(&run->b, symbol.bits);
        } else if (symbol.entry & UPF_ENTRY_OTHER) {
            if (symbol.entry & UPF_ENTRY_BAD)
                return UPF_STEP_BAD;
            upf_drop(&run->b, symbol.bits);
            end_block(run);
            break;
        } else {
            step = match(run, symbol);
        }
    }
    return step;
}

/*
 * Symbols, by the fast loop. If that finds something wrong, or has looked past
 * the end, it is all done again, slowly: that knows the place.
 */
static enum upf_step quick_symbols(struct upf_inflate_run *run)
{
    struct upf_inflater *s = run->state;
    const struct upf_bits before = run->b;
    uint8_t *const out = run->out;
    size_t distance;
    const uint8_t *const in_stop =
        run->tailed ? run->b.stop + UPF_FAST_IN - 16
                    : run->b.stop - UPF_FAST_IN;
    const enum upf_fast fast = upf_inflate_fast(run, in_stop, &distance);

    if (fast == UPF_FAST_BAD || run->b.in > run->b.stop) {
        run->b     = before;
        run->out   = out;
        run->quick = false;
    } else if (fast == UPF_FAST_BLOCK) {
        end_block(run);
    } else if (run->out > run->limit) {
        s->left     = (uint16_t)(run->out - run->limit);
        s->distance = (uint16_t)distance;
        run->out    = run->limit;
    }
    return UPF_STEP_DONE;
}

/* ---- Pieces ------------------------------------------------------------- */

/* The last bytes of the message, and those that were cut off behind them. */
static void add_tail(struct upf_inflate_run *run)
{
    static const uint8_t tail[UPF_TAIL] = {0x00, 0x00, 0xFF, 0xFF};
    const size_t left = (size_t)(run->b.stop - run->b.in);
    const size_t more = UPF_TAIL - (size_t)run->state->tail;

    memcpy(run->last, run->b.in, left);
    memcpy(run->last + left, tail + run->state->tail, more);
    memset(run->last + left + more, 0, UPF_FAST_IN);
    run->b.in = run->last;
    run->b.stop = run->last + left + more;
    run->stop_offset += UPF_TAIL;
    run->tailed = true;
}

/* Whether the fast loop can go on. */
static bool is_quick(const struct upf_inflate_run *run)
{
    return !UPF_SMALL && run->quick && run->state->left == 0 &&
           run->limit - run->out >= UPF_FAST_OUT &&
           (run->tailed || run->b.stop - run->b.in >= UPF_FAST_IN);
}

static enum upf_step one_step(struct upf_inflate_run *run)
{
    switch (run->state->phase) {
    case UPF_AT_BLOCK:         return block(run);
    case UPF_AT_NEXT_BYTE:     return next_byte(run);
    case UPF_AT_STORED_LENGTH: return stored_length(run);
    case UPF_AT_STORED:        return stored(run);
    case UPF_AT_COUNTS:        return upf_inflate_counts(run);
    case UPF_AT_PRECODE:       return upf_inflate_precode(run);
    case UPF_AT_LENGTHS:       return upf_inflate_lengths(run);
    default:
        return is_quick(run) ? quick_symbols(run) : symbols(run);
    }
}

static enum upf_step all_steps(struct upf_inflate_run *run)
{
    enum upf_step step;

    do {
        if (run->end && !run->tailed && run->b.stop - run->b.in <= UPF_LAST)
            add_tail(run);
        step = one_step(run);
        if (step == UPF_STEP_MORE && run->end)
            step = run->tailed ? UPF_STEP_BAD : UPF_STEP_DONE;
    } while (step == UPF_STEP_DONE);
    return step;
}

static void begin(struct upf_inflate_run *run, struct upf_inflater *state,
                  struct upf_inflate_scratch *scratch,
                  const struct upf_inflate_io *io)
{
    static const uint8_t nothing[1];

    run->state       = state;
    run->scratch     = scratch;
    run->b.bits      = state->bits;
    run->b.count     = state->count;
    run->b.in        = io->in_len > 0 ? io->in : nothing;
    run->b.stop      = run->b.in + io->in_len;
    run->stop_offset = state->offset + io->in_len;
    run->history     = io->history;
    run->out         = io->history + io->pos;
    run->limit       = io->history + io->limit;
    run->window      = io->window;
    run->end         = io->end;
    run->tailed      = false;
    run->quick       = true;
    if (state->phase >= UPF_AT_LENGTHS)
        upf_inflate_recall(run);
}

/* Say how far input and output are, and keep what the next piece needs. */
static void leave(struct upf_inflate_run *run, struct upf_inflate_io *io)
{
    struct upf_inflater *s = run->state;
    size_t left = (size_t)(run->b.stop - run->b.in);

    if (run->tailed) {
        const size_t tail = UPF_TAIL - (size_t)s->tail;
        s->tail = (uint8_t)(left < tail ? UPF_TAIL - left : s->tail);
        left = left < tail ? 0 : left - tail;
    }
    s->offset += io->in_len - left;
    s->bits  = upf_low_bits(run->b.bits, run->b.count);
    s->count = (uint8_t)run->b.count;
    if (io->in_len > left)
        io->in += io->in_len - left;
    io->in_len = left;
    io->pos = (size_t)(run->out - run->history);
    if (s->phase >= UPF_AT_LENGTHS)
        upf_inflate_keep(run);
}

/* The byte in which begins what comes next; no later than the message ends. */
static uint64_t place(const struct upf_inflate_run *run, uint64_t end)
{
    const uint64_t at = run->stop_offset - (run->b.count + 7) / 8 -
                        (uint64_t)(run->b.stop - run->b.in);

    return at < end ? at : end;
}

/* Between two messages, nothing is kept. */
static void end(struct upf_inflater *s)
{
    s->bits  = 0;
    s->offset = 0;
    s->count = s->phase = s->block = s->tail = 0;
    s->distance = 0;
    if (s->code.literals > 0)
        memset(&s->code, 0, sizeof s->code);
}

enum upf_inflate_result upf_inflate(struct upf_inflater        *state,
                                    struct upf_inflate_scratch *scratch,
                                    struct upf_inflate_io      *io)
{
    struct upf_inflate_run run;

    assert(io->pos <= io->limit);
    assert(io->window >= 8 && io->window <= UPF_LARGEST_WINDOW);
    const uint64_t sum = state->offset + io->in_len;
    begin(&run, state, scratch, io);
    const enum upf_step step = all_steps(&run);
    leave(&run, io);
    switch (step) {
    case UPF_STEP_MORE:
        return UPF_INFLATE_MORE;
    case UPF_STEP_FULL:
        return UPF_INFLATE_FULL;
    case UPF_STEP_END:
        end(state);
        return UPF_INFLATE_END;
    default:
        state->offset = place(&run, sum);
        return UPF_INFLATE_BAD;
    }
}
