/* SPDX-License-Identifier: MIT */
/* inflate_table.c - make the table that decodes a Huffman code. */

#include <string.h>

#include "inflate_table.h"

/* Codes while they are entered: by length, then by symbol (section 3.2.2). */
struct entering {
    uint16_t        count[UPF_LONGEST_CODE + 1]; /* codes of each length */
    unsigned        longest;
    const uint32_t *sorted; /* the meaning of the next code */
    unsigned        length; /* its bits, */
    unsigned        left;   /* codes of that length that are left, with it */
    unsigned        code;   /* and itself: its first bit is the highest */
};

/* Count the codes of each length. Returns how many codes of the longest length
 * are missing to use all bits; below 0: there are too many. */
static int count_lengths(struct entering *e, const struct upf_codebook *code)
{
    /* Two counts, since one has to wait whenever the same is counted again. */
    uint16_t odd[UPF_LONGEST_CODE + 1];
    unsigned i;
    int missing = 1;

    memset(e->count, 0, sizeof e->count);
    memset(odd, 0, sizeof odd);
    for (i = 0; i + 1 < code->count; i += 2) {
        e->count[code->lengths[code->used[i]]]++;
        odd[code->lengths[code->used[i + 1]]]++;
    }
    if (i < code->count)
        e->count[code->lengths[code->used[i]]]++;
    e->longest = 0;
    for (unsigned length = 1; length <= UPF_LONGEST_CODE; length++) {
        e->count[length] = (uint16_t)(e->count[length] + odd[length]);
        missing = 2 * missing - e->count[length];
        if (missing < 0)
            return missing;
        if (e->count[length] > 0)
            e->longest = length;
    }
    return missing;
}

static uint32_t meaning(const struct upf_codebook *code, unsigned symbol)
{
    return symbol < code->plain ? (uint32_t)symbol << 16 | code->flags
                                : code->meanings[symbol - code->plain];
}

/* From both ends, as places have to wait for each other like counts do. One in
 * the middle is sorted twice, to the same place. */
static void sort(const struct entering *e, const struct upf_codebook *code,
                 uint32_t *sorted)
{
    uint16_t front[UPF_LONGEST_CODE + 1], back[UPF_LONGEST_CODE + 1];
    unsigned i = 0, end = code->count, place = 0;

    for (unsigned length = 1; length <= e->longest; length++) {
        front[length] = (uint16_t)place;
        place += e->count[length];
        back[length] = (uint16_t)place;
    }
    while (i < end) {
        const unsigned first = code->used[i++], last = code->used[--end];
        sorted[front[code->lengths[first]]++] =
            meaning(code, first - code->first);
        sorted[--back[code->lengths[last]]] = meaning(code, last - code->first);
    }
}

/* A code from its first bit on, which comes first and so is the lowest of an
 * index. Each is reversed alone: then no code waits for the one before. */
static unsigned reversed(unsigned code, unsigned length)
{
#define FOUR(n)    (n), (n) + 128, (n) + 64, (n) + 192
#define SIXTEEN(n) FOUR(n), FOUR((n) + 32), FOUR((n) + 16), FOUR((n) + 48)
#define MANY(n) \
    SIXTEEN(n), SIXTEEN((n) + 8), SIXTEEN((n) + 4), SIXTEEN((n) + 12)
    static const uint8_t byte[256] = {MANY(0), MANY(2), MANY(1), MANY(3)};

    return ((unsigned)byte[code & 0xFF] << 8 | byte[code >> 8]) >>
           (16 - length);
}

/* Go on to the codes that have one bit more. */
static void longer(struct entering *e)
{
    e->length++;
    e->code *= 2;
    e->left = e->count[e->length];
}

/*
 * Enter codes of at most `bits` bits: a table of as many bits as the codes so
 * far is doubled whenever they become longer. Returns whether these were all.
 */
static bool enter_short(struct entering *e, uint32_t *table, unsigned bits)
{
    unsigned size = 1u << e->length;

    while (e->length <= bits) {
        for (; e->left > 0; e->left--, e->code++)
            table[reversed(e->code, e->length)] =
                upf_entry(*e->sorted++, e->length);
        if (e->code == size)
            return true;
        while (e->left == 0) {
            longer(e);
            if (e->length <= bits) {
                memcpy(table + size, table, size * sizeof *table);
                size *= 2;
            }
        }
    }
    return false;
}

/* How many bits the index of a table needs for codes that begin with `bits`
 * bits in common, of which the next code is the first and shortest. */
static unsigned table_bits(const struct entering *e, unsigned bits)
{
    unsigned index = e->length - bits, codes = e->left;

    while (codes < 1u << index) {
        index++;
        codes = 2 * codes + e->count[bits + index];
    }
    return index;
}

/* Enter the codes of more than `bits` bits into tables behind the main one. */
static void enter_long(struct entering *e, uint32_t *table, unsigned bits)
{
    const unsigned mask = (1u << bits) - 1;
    unsigned prefix = mask + 1, start = 0, end = mask + 1;

    for (;; longer(e)) {
        for (; e->left > 0; e->left--, e->code++) {
            const unsigned index = reversed(e->code, e->length);
            const unsigned rest  = e->length - bits;
            const uint32_t entry = upf_entry(*e->sorted++, rest);
            if ((index & mask) != prefix) {
                const unsigned more = table_bits(e, bits);
                prefix = index & mask;
                start  = end;
                end    = start + (1u << more);
                table[prefix] = start << 16 | UPF_ENTRY_OTHER |
                                UPF_ENTRY_TABLE | more << 8 | bits;
            }
            for (unsigned i = start + (index >> bits); i < end; i += 1u << rest)
                table[i] = entry;
        }
        if (e->length == e->longest)
            return;
    }
}

/* As zlib has it: one code has one bit, and leaves the other to none. */
static unsigned enter_one(uint32_t *table, const struct upf_codebook *code)
{
    if (!code->lax || (code->count == 1 && code->lengths[code->used[0]] != 1))
        return 0;
    table[0] = table[1] = UPF_ENTRY_OTHER | UPF_ENTRY_BAD | 1;
    if (code->count == 1)
        table[0] = upf_entry(meaning(code, code->used[0] - code->first), 1);
    return 1;
}

unsigned upf_inflate_table(uint32_t *table, unsigned most,
                           const struct upf_codebook *code, uint32_t *sorted)
{
    struct entering e;

    if (code->count < 2)
        return enter_one(table, code);
    if (count_lengths(&e, code) != 0)
        return 0;
    sort(&e, code, sorted);
    e.sorted = sorted;
    e.code   = 0;
    e.length = 1;
    while (e.count[e.length] == 0)
        e.length++;
    e.left = e.count[e.length];
    const unsigned bits = e.longest < most ? e.longest : most;
    if (!enter_short(&e, table, bits))
        enter_long(&e, table, bits);
    return bits;
}
