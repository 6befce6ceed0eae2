/* SPDX-License-Identifier: MIT */
/* deflate_history.h - a sender's window, for context takeover. */
#ifndef UPF_DEFLATE_HISTORY_H
#define UPF_DEFLATE_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "deflate_parse.h"

/* What a sender keeps of what it sent. */
struct upf_deflate_history {
    uint8_t  *window; /* the last 1 << bits bytes and some more */
    uint16_t *heads;  /* 1 << hash_bits */
    uint16_t *links;  /* 1 << bits; NULL: none */
    uint32_t  used;   /* window[0, used) is known to the peer, too */
    uint16_t  sent;   /* bytes, modulo 65536 */
    uint8_t   bits;   /* 8 to 15 */
    uint8_t   hash_bits;
};

/*
 * How much memory a history of a window of `bits` needs: 12 KiB and 448 bytes
 * for 12 bits, 56 KiB for 15. The level BEST needs two bytes more for each byte
 * of the window.
 */
size_t upf_deflate_history_size(unsigned bits, enum upf_deflate_level level);

/*
 * Begin, empty, in that much memory, which is aligned for uint16_t. It may hold
 * anything, and is the history's until the end; nothing else has to be freed.
 */
void upf_deflate_history_init(struct upf_deflate_history *history,
                              unsigned bits, enum upf_deflate_level level,
                              void *memory);

/*
 * Forget everything. That is always right: a peer may know more than its sender
 * remembers.
 */
void upf_deflate_history_drop(struct upf_deflate_history *history);

/*
 * Take data[0, len) as sent. For what the peer decompresses, but was not
 * encoded with this history: a message that was encoded for many. Not for
 * messages without RSV1, which are in nobody's window.
 */
void upf_deflate_history_feed(struct upf_deflate_history *history,
                              const uint8_t *data, size_t len);

/* ---- For deflate.c ------------------------------------------------------- */

/* How matches of `data` are found, which would be sent next. */
struct upf_finder upf_deflate_history_finder(
    const struct upf_deflate_history *history, const uint8_t *data,
    enum upf_deflate_level level);

/* Take data[0, len) as sent; what can be noted of it is noted. */
void upf_deflate_history_add(struct upf_deflate_history *history,
                             const uint8_t *data, size_t len);

#endif
