/* SPDX-License-Identifier: MIT */
/* strict_inflate.h - what an encoder writes, read bit by bit (RFC 1951). */
#ifndef STRICT_INFLATE_H
#define STRICT_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct strict_inflate {
    uint8_t *out;      /* what was decoded: out[0, len) */
    size_t   len, cap;
    size_t   window;   /* distances are at most so long */
    size_t   blocks[3]; /* stored, fixed, dynamic: seen so far */
    size_t   farthest; /* distance so far */
    size_t   longest;  /* match so far */
};

/*
 * Decode blocks up to the end of `in`, behind what was decoded before. NULL, or
 * what is wrong: also if a block is final, if the last does not end where `in`
 * does, or if a code has bits to spare. (A single distance code may.)
 */
const char *strict_inflate(struct strict_inflate *state, const uint8_t *in,
                          size_t in_len);

/* The same for a message: 00 00 FF FF comes after `in`. */
const char *strict_inflate_message(struct strict_inflate *state,
                                  const uint8_t *in, size_t in_len);

#endif
