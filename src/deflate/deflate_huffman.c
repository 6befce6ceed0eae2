/* SPDX-License-Identifier: MIT */
/* deflate_huffman.c - code lengths after Moffat and Katajainen; codes. */

#include <assert.h>
#include <string.h>

#include "deflate_bits.h"
#include "deflate_huffman.h"

enum {
    SYMBOL_BITS = 9,  /* of a key: the frequency is above them */
    RARE        = 64, /* frequencies below it are sorted by counting */
    DEPTHS      = 32  /* no tree over a sum below 2^23 is deeper than 31 */
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
 * Moffat and Katajainen, "In-place calculation of minimum-redundancy codes":
 * `a` holds the weights in order, at least two. First each inner node's weight,
 * then its parent's index takes the place of what is no longer needed; at last
 * a[0, count - 1) are the depths of the inner nodes, the root's 0 at the end.
 */
static void inner_depths(uint32_t *a, unsigned count)
{
    unsigned root = 0, leaf = 0;

    for (unsigned next = 0; next + 1 < count; next++) {
        uint32_t weight = 0;

        for (unsigned child = 0; child < 2; child++)
            if (leaf >= count || (root < next && a[root] < a[leaf])) {
                weight += a[root];
                a[root++] = next;
            } else {
                weight += a[leaf++];
            }
        a[next] = weight;
    }
    a[count - 2] = 0;
    for (unsigned next = count - 2; next-- > 0;)
        a[next] = a[a[next]] + 1;
}

/* How many leaves there are at each depth, from the depths of inner nodes. */
static void count_leaves(const uint32_t *a, unsigned count,
                         unsigned leaves[DEPTHS])
{
    unsigned nodes = 1, inner = count - 1;

    for (unsigned depth = 0; nodes > 0; depth++) {
        unsigned parents = 0;

        assert(depth < DEPTHS);
        for (; inner > 0 && a[inner - 1] == depth; inner--)
            parents++;
        leaves[depth] = nodes - parents;
        nodes = 2 * parents;
    }
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
    for (unsigned i = 0; i < used; i++)
        work->keys[i] = WEIGHT(work->sorted[i]);
    inner_depths(work->keys, used);
    count_leaves(work->keys, used, leaves);
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

void upf_huffman_codes(const uint8_t *lengths, unsigned count,
                       uint32_t *codes)
{
    unsigned counts[UPF_LONGEST_CODE + 1] = {0};
    unsigned next[UPF_LONGEST_CODE + 1];
    unsigned first = 0;

    for (unsigned i = 0; i < count; i++)
        counts[lengths[i]]++;
    next[0] = counts[0] = 0;
    for (unsigned length = 1; length <= UPF_LONGEST_CODE; length++)
        next[length] = first = (first + counts[length - 1]) << 1;
    for (unsigned i = 0; i < count; i++) {
        const unsigned length = lengths[i];
        codes[i] = UPF_CODE(reverse(next[length], length), length);
        next[length]++;
    }
}
