/* SPDX-License-Identifier: MIT */
/* deflate_history.h - a sender's window, for context takeover. */
#ifndef UPF_DEFLATE_HISTORY_H
#define UPF_DEFLATE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deflate_parse.h"

/*
 * The window and the message that is being encoded lie one after the other in
 * memory of twice the window's size: so no match is ever cut.
 */
struct upf_deflate_history {
    uint8_t  *window;   /* 2 << bits */
    uint16_t *heads;    /* 1 << hash_bits, of place + 1; 0: none */
    uint16_t *links;    /* 1 << bits; NULL: none */
    uint32_t  used;     /* bytes that the peer has, too: window[0, used) */
    uint16_t  slid;     /* bytes that went before them, modulo 65536 */
    uint8_t   bits;     /* 8 to 15 */
    uint8_t   hash_bits;
};

/*
 * How much memory a history of a window of `bits` needs: 12 KiB for 12 bits and
 * 80 KiB for 15, three times the window for less than 15. The level BEST needs
 * two bytes more for each byte of the window.
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
 * Take data[0, len) as sent. For what the peer got decompressed otherwise: a
 * message that was encoded for many (whether or not it refers to a window). Not
 * for messages without RSV1: these are in nobody's window.
 */
void upf_deflate_history_feed(struct upf_deflate_history *history,
                              const uint8_t *data, size_t len);

/* ---- For deflate.c ------------------------------------------------------- */

/*
 * Copy data[0, len), at most 1 << bits bytes, behind the window, where it may
 * be parsed, but belongs to the window only when `used` says so.
 */
void upf_deflate_history_hold(struct upf_deflate_history *history,
                              const uint8_t *data, size_t len);

/* How matches are found in it. */
struct upf_finder upf_deflate_history_finder(
    const struct upf_deflate_history *history, enum upf_deflate_level level);

#endif
