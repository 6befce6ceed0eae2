/* SPDX-License-Identifier: MIT */
/* deflate_huffman.c - code lengths by Huffman's tree, cut; codes. */

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "../bytes.h"
#include "deflate_bits.h"
#include "deflate_huffman.h"

enum {
    SYMBOL_BITS = 9,  /* of a key: the frequency is above them */
    RARE        = 64, /* frequencies below it are sorted by counting */
    DEPTHS      = 32  /* no tree over a sum below 2^23 is deeper */
};

#define SYMBOL(key) ((key) & ((1u << SYMBOL_BITS) - 1))
#define WEIGHT(key) ((key) >> SYMBOL_BITS)

/* The symbols that occur, as keys; returns how many there are. */
static unsigned gather(uint32_t *keys, const uint32_t *frequencies,
                       unsigned count)
{
    unsigned used = 0;

    for (unsigned i = 0; i < count; i++) {
        keys[used] = frequencies[i] << SYMBOL_BITS | i;
        used += frequencies[i] != 0;
    }
    return used;
}

/* From `from` on, by insertion: there are few, if any. */
static void sort_frequent(uint32_t *keys, unsigned from, unsigned count)
{
    for (unsigned i = from + 1; i < count; i++) {
        const uint32_t key = keys[i];
        unsigned       at  = i;

        for (; at > from && keys[at - 1] > key; at--)
            keys[at] = keys[at - 1];
        keys[at] = key;
    }
}

/* Sort by frequency, equal ones by symbol. */
static void sort(struct upf_huffman_work *work, unsigned count)
{
    uint16_t next[RARE + 1] = {0};
    unsigned sum = 0;

    for (unsigned i = 0; i < count; i++) {
        const uint32_t weight = WEIGHT(work->keys[i]);
        next[weight < RARE ? weight : RARE]++;
    }
    for (unsigned i = 0; i <= RARE; i++) {
        const unsigned these = next[i];
        next[i] = (uint16_t)sum;
        sum += these;
    }
    const unsigned frequent = next[RARE];
    for (unsigned i = 0; i < count; i++) {
        const uint32_t weight = WEIGHT(work->keys[i]);
        work->sorted[next[weight < RARE ? weight : RARE]++] = work->keys[i];
    }
    sort_frequent(work->sorted, frequent, count);
}

/*
 * Huffman's tree over at least two leaves, the lightest first. New nodes are
 * ever heavier, so the lightest of all is the next leaf or the next node.
 * Without branches: which of them it is cannot be foreseen.
 */
static void make_tree(struct upf_huffman_work *work, unsigned count)
{
    uint32_t *leaves = work->sorted, *nodes = work->nodes;
    unsigned  leaf = 0, node = 0;

    leaves[count] = UINT32_MAX; /* heavier than any */
    for (unsigned next = 0; next + 1 < count; next++) {
        uint32_t weight = 0;

        nodes[next] = UINT32_MAX;
        for (unsigned child = 0; child < 2; child++) {
            const uint32_t as_leaf = WEIGHT(leaves[leaf]);
            const bool     inner   = nodes[node] < as_leaf;

            weight += inner ? nodes[node] : as_leaf;
            work->parents[node] = (uint16_t)next; /* or a later one's */
            node += inner;
            leaf += !inner;
        }
        nodes[next] = weight;
    }
}

/* How many leaves there are at each depth. A node lies before its parent. */
static void count_leaves(struct upf_huffman_work *work, unsigned count,
                         unsigned leaves[DEPTHS])
{
    uint32_t *depths = work->nodes;
    unsigned  inner[DEPTHS + 1] = {0};

    depths[count - 2] = 0;
    inner[0] = 1;
    for (unsigned node = count - 2; node-- > 0;) {
        depths[node] = depths[work->parents[node]] + 1;
        inner[depths[node]]++;
    }
    for (unsigned depth = 1; depth < DEPTHS; depth++)
        leaves[depth] = 2 * inner[depth - 1] - inner[depth];
}

/*
 * No leaf deeper than `longest`. Those that are too deep are moved up, and pay:
 * the deepest leaf that can becomes a node with two leaves, one of which is
 * taken from the lowest depth, until the tree is one again. Each such step
 * frees as much as one leaf of the lowest depth needs.
 */
static void limit_leaves(unsigned leaves[DEPTHS], unsigned longest)
{
    unsigned moved = 0;
    uint32_t need  = 0; /* in leaves of the lowest depth */

    for (unsigned depth = longest + 1; depth < DEPTHS; depth++)
        moved += leaves[depth];
    if (moved == 0)
        return;
    leaves[longest] += moved;
    for (unsigned depth = 1; depth <= longest; depth++)
        need += leaves[depth] << (longest - depth);
    for (; need > 1u << longest; need--) {
        unsigned depth = longest - 1;

        while (leaves[depth] == 0)
            depth--;
        leaves[depth]--;
        leaves[depth + 1] += 2;
        leaves[longest]--;
    }
}

void upf_huffman_lengths(struct upf_huffman_work *work,
                         const uint32_t *frequencies, unsigned count,
                         unsigned longest, uint8_t *lengths)
{
    unsigned leaves[DEPTHS] = {0};
    unsigned used;

    assert(count <= UPF_DEFLATE_LITERALS && longest <= UPF_LONGEST_CODE);
    used = gather(work->keys, frequencies, count);
    memset(lengths, 0, count);
    if (used < 2) {
        if (used == 1)
            lengths[SYMBOL(work->keys[0])] = 1;
        return;
    }
    sort(work, used);
    make_tree(work, used);
    count_leaves(work, used, leaves);
    limit_leaves(leaves, longest);
    for (unsigned depth = 1; depth <= longest; depth++)
        for (unsigned n = leaves[depth]; n > 0; n--)
            lengths[SYMBOL(work->sorted[--used])] = (uint8_t)depth;
}

/* The lowest `count` bits in reverse: codes begin with their highest bit. */
static unsigned reverse(unsigned bits, unsigned count)
{
    bits = (bits & 0x5555) << 1 | (bits >> 1 & 0x5555);
    bits = (bits & 0x3333) << 2 | (bits >> 2 & 0x3333);
    bits = (bits & 0x0F0F) << 4 | (bits >> 4 & 0x0F0F);
    bits = (bits & 0x00FF) << 8 | (bits >> 8 & 0x00FF);
    return bits >> (16 - count);
}

/* The symbols that have a code; most have none. */
static unsigned list_used(const uint8_t *lengths, unsigned count,
                          uint16_t *used)
{
    unsigned i = 0, n = 0;

    while (i < count) {
        if (i + 8 <= count && upf_load_le64(lengths + i) == 0) {
            i += 8;
            continue;
        }
        used[n] = (uint16_t)i;
        n += lengths[i++] != 0;
    }
    return n;
}

void upf_huffman_codes(const uint8_t *lengths, unsigned count,
                       uint32_t *codes)
{
    uint16_t used[UPF_FIXED_LITERALS];
    unsigned counts[UPF_LONGEST_CODE + 1] = {0};
    unsigned next[UPF_LONGEST_CODE + 1]   = {0};

    count = list_used(lengths, count, used);
    for (unsigned i = 0; i < count; i++)
        counts[lengths[used[i]]]++;
    for (unsigned length = 1; length <= UPF_LONGEST_CODE; length++)
        next[length] = (next[length - 1] + counts[length - 1]) << 1;
    for (unsigned i = 0; i < count; i++) {
        const unsigned symbol = used[i], length = lengths[symbol];

        codes[symbol] = UPF_CODE(reverse(next[length], length), length);
        next[length]++;
    }
}
