/* SPDX-License-Identifier: MIT */
/* inflating.h - a message decoded in pieces of any sizes, in exact memory. */
#ifndef INFLATING_H
#define INFLATING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deflate/inflate.h"

/* A message and what was decoded before it. */
struct message {
    const uint8_t *in;
    size_t         len;
    const uint8_t *history;
    size_t         history_len;
    size_t         room;   /* for what is decoded */
    unsigned       window; /* 0: 15 bits */
};

/* How it is cut. Sizes of 0: all that is left. */
struct cuts {
    size_t first_in, in;   /* the first piece, and each after it */
    size_t first_out, out; /* the first limit, and each step after it */
    bool   late_end;       /* the end comes behind the last byte */
    bool   foreign;        /* the scratch is used in between by others */
    bool   moved;          /* output and state are elsewhere after each call */
};

struct inflated {
    enum upf_inflate_result result; /* no MORE; FULL: of all the room */
    uint8_t *out;
    size_t   len;
    uint64_t offset;                /* BAD */
};

/*
 * Decode it. Pieces and the output lie in blocks of exactly their size. The
 * test fails if anything else is written than what the contract names, if an
 * answer makes no sense, or if the state is not zero after END. The caller
 * frees `out`.
 */
struct inflated inflate_cut(const struct message *message,
                            const struct cuts *cuts,
                            struct upf_inflate_scratch *scratch);

/*
 * Decode it whole, byte by byte, and cut in two wherever input and output can
 * be (if it is long: in fewer places), with scratch kept, used by others,
 * and cleared. The test fails unless all agree with plain_inflate(). What
 * comes of it is the caller's to free.
 */
struct inflated inflate_every_way(const struct message *message);

/* The same, of payload without history; it ends so and is this text. */
void assert_inflated(const uint8_t *in, size_t len, const void *text,
                     size_t text_len);
void assert_not_inflated(const uint8_t *in, size_t len, size_t offset);

#endif
