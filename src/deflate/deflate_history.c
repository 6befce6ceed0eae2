/* SPDX-License-Identifier: MIT */
/* deflate_history.c - a window that grows, and slides when memory is full. */

#include <assert.h>
#include <string.h>

#include "deflate_history.h"

enum { MOST_HASH_BITS = 13 };

static size_t window_of(unsigned bits) { return (size_t)1 << bits; }

/* The more there is behind the window, the less often does it slide. Small
 * ones slide quickly, and their memory is what matters. */
static size_t room_of(unsigned bits)
{
    const size_t window = window_of(bits);

    return bits < 13 ? window + window * 7 / 64 : window + window / 4;
}

static unsigned hash_bits_of(unsigned bits)
{
    return bits < MOST_HASH_BITS ? bits : MOST_HASH_BITS;
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
    return heads_size(bits) + links_size(bits, level) + room_of(bits);
}

void upf_deflate_history_init(struct upf_deflate_history *h, unsigned bits,
                              enum upf_deflate_level level, void *memory)
{
    const size_t heads = heads_size(bits), links = links_size(bits, level);

    assert(bits >= 8 && bits <= 15);
    memset(memory, 0, heads + links);
    h->heads     = memory;
    h->links     = links > 0 ? h->heads + heads / sizeof *h->heads : NULL;
    h->window    = (uint8_t *)memory + heads + links;
    h->sent      = 0;
    h->bits      = (uint8_t)bits;
    h->hash_bits = (uint8_t)hash_bits_of(bits);
    upf_deflate_history_drop(h);
}

void upf_deflate_history_drop(struct upf_deflate_history *h)
{
    h->used = 0; /* the hints refer to nothing now, and so do no harm */
}

struct upf_finder upf_deflate_history_finder(
    const struct upf_deflate_history *h, const uint8_t *data,
    enum upf_deflate_level level)
{
    if (level == UPF_DEFLATE_BEST && h->links == NULL)
        level = UPF_DEFLATE_LAZY;
    return (struct upf_finder){
        .data        = data,
        .history_end = h->window + h->used,
        .history_len = h->used,
        .heads       = h->heads,
        .links       = h->links,
        .base        = h->sent,
        .window      = (uint32_t)window_of(h->bits),
        .hash_bits   = h->hash_bits,
        .level       = (uint8_t)level,
    };
}

void upf_deflate_history_add(struct upf_deflate_history *h,
                             const uint8_t *data, size_t len)
{
    const size_t window = window_of(h->bits);

    h->sent = (uint16_t)(h->sent + len);
    if (len >= window) {
        data += len - window;
        len     = window;
        h->used = 0;
    } else if (len > room_of(h->bits) - h->used) {
        /* Keep as much as can still be referred to. */
        const size_t keep = window - len;

        memmove(h->window, h->window + (h->used - keep), keep);
        h->used = (uint32_t)keep;
    }
    if (len > 0)
        memcpy(h->window + h->used, data, len);
    h->used += (uint32_t)len;
}

void upf_deflate_history_feed(struct upf_deflate_history *h,
                              const uint8_t *data, size_t len)
{
    const size_t window = window_of(h->bits);
    const struct upf_finder finder =
        upf_deflate_history_finder(h, data, UPF_DEFLATE_QUICK);

    /* What is a window back at the end is noted for nothing. */
    upf_note_narrow(&finder, len > window ? len - window : 0, len);
    upf_deflate_history_add(h, data, len);
}
