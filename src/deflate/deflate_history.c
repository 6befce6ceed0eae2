/* SPDX-License-Identifier: MIT */
/* deflate_history.c - a window that grows, and slides when it is full. */

#include <assert.h>
#include <string.h>

#include "deflate_history.h"

enum { LEAST_HASH_BITS = 8, MOST_HASH_BITS = 13 };

static size_t window_size(unsigned bits) { return (size_t)2 << bits; }

static unsigned hash_bits_of(unsigned bits)
{
    const unsigned hash_bits = bits < 15 ? bits - 1 : MOST_HASH_BITS;

    return hash_bits < LEAST_HASH_BITS  ? LEAST_HASH_BITS
           : hash_bits > MOST_HASH_BITS ? MOST_HASH_BITS : hash_bits;
}

static size_t heads_size(unsigned bits)
{
    return sizeof(uint16_t) << hash_bits_of(bits);
}

static size_t links_size(unsigned bits, enum upf_deflate_level level)
{
    return level == UPF_DEFLATE_BEST ? sizeof(uint16_t) << bits : 0;
}

size_t upf_deflate_history_size(unsigned bits, enum upf_deflate_level level)
{
    return window_size(bits) + heads_size(bits) + links_size(bits, level);
}

void upf_deflate_history_init(struct upf_deflate_history *h, unsigned bits,
                              enum upf_deflate_level level, void *memory)
{
    assert(bits >= 8 && bits <= 15);
    h->heads     = memory;
    h->hash_bits = (uint8_t)hash_bits_of(bits);
    h->links     = level == UPF_DEFLATE_BEST ? h->heads + (1u << h->hash_bits)
                                             : NULL;
    h->window    = (uint8_t *)memory + heads_size(bits) +
                   links_size(bits, level);
    h->bits      = (uint8_t)bits;
    upf_deflate_history_drop(h);
}

void upf_deflate_history_drop(struct upf_deflate_history *h)
{
    h->used = 0;
    h->slid = 0;
    memset(h->heads, 0, heads_size(h->bits));
}

/* Keep a whole window, and move it to the beginning. */
static void slide(struct upf_deflate_history *h)
{
    const uint32_t keep = 1u << h->bits;
    const uint32_t cut  = h->used - keep;

    memmove(h->window, h->window + cut, keep);
    for (size_t i = 0; i < (size_t)1 << h->hash_bits; i++) {
        const unsigned head = h->heads[i];
        h->heads[i] = head > cut ? (uint16_t)(head - cut) : 0;
    }
    h->used = keep;
    h->slid = (uint16_t)(h->slid + cut);
}

void upf_deflate_history_hold(struct upf_deflate_history *h,
                              const uint8_t *data, size_t len)
{
    assert(len <= (size_t)1 << h->bits);
    if (len > window_size(h->bits) - h->used)
        slide(h);
    if (len > 0)
        memcpy(h->window + h->used, data, len);
}

struct upf_finder upf_deflate_history_finder(
    const struct upf_deflate_history *h, enum upf_deflate_level level)
{
    if (level == UPF_DEFLATE_BEST && h->links == NULL)
        level = UPF_DEFLATE_LAZY;
    return (struct upf_finder){
        .data      = h->window,
        .heads     = h->heads,
        .links     = h->links,
        .base      = 1,
        .link_base = h->slid,
        .window    = 1u << h->bits,
        .hash_bits = h->hash_bits,
        .level     = (uint8_t)level,
    };
}

void upf_deflate_history_feed(struct upf_deflate_history *h,
                              const uint8_t *data, size_t len)
{
    const size_t size = (size_t)1 << h->bits;

    if (len >= size) {
        upf_deflate_history_drop(h);
        data += len - size;
        len = size;
    }
    upf_deflate_history_hold(h, data, len);
    const struct upf_finder finder =
        upf_deflate_history_finder(h, UPF_DEFLATE_QUICK);
    upf_note_narrow(&finder, h->used, h->used + len);
    h->used += (uint32_t)len;
}
