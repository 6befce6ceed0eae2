/* SPDX-License-Identifier: MIT */
/* plain_inflate.h - inflate as RFC 1951 tells it: whole, and bit by bit. */
#ifndef PLAIN_INFLATE_H
#define PLAIN_INFLATE_H

#include <stddef.h>
#include <stdint.h>

enum plain_verdict { PLAIN_END, PLAIN_BAD, PLAIN_FULL };

struct plain_result {
    enum plain_verdict verdict;
    size_t             pos;    /* history[0, pos) is filled */
    size_t             offset; /* PLAIN_BAD: where the fault begins */
};

/*
 * Decode a message without its 00 00 FF FF to history[pos, limit). It shares
 * no code and no table with the library.
 */
struct plain_result plain_inflate(const uint8_t *in, size_t len,
                                  uint8_t *history, size_t pos, size_t limit,
                                  unsigned window);

#endif
