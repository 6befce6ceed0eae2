/* SPDX-License-Identifier: MIT */
/* inflate.h - decode a message's compressed data, piece by piece (RFC 7692). */
#ifndef UPF_INFLATE_H
#define UPF_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../compiler.h"
#include "deflate_tables.h"

/*
 * Behind `limit`, this many bytes of the output buffer may be written, and hold
 * nothing afterwards. Nothing else is ever written outside of [pos, limit).
 */
enum { UPF_INFLATE_SLACK = UPF_SMALL ? 0 : 288 };

enum { UPF_LARGEST_WINDOW = 15 };

/* How many bits of a code the first look into a table decides. */
enum {
    UPF_LITERAL_BITS  = UPF_SMALL ? 9 : 10,
    UPF_DISTANCE_BITS = 8,
    /* The largest tables that codes of so many symbols can need. */
    UPF_LITERAL_ENTRIES  = UPF_SMALL ? 852 : 1332,
    UPF_DISTANCE_ENTRIES = 400
};

enum upf_inflate_result {
    UPF_INFLATE_MORE, /* all input is taken, and the message goes on */
    UPF_INFLATE_FULL, /* `limit` is reached, and there is more to put out */
    UPF_INFLATE_END,  /* the message is whole; the state is zero again */
    UPF_INFLATE_BAD   /* it cannot be decoded: `state.offset` is the place */
};

/* A code as the header of a dynamic block has it. */
struct upf_inflate_code {
    uint64_t precode;  /* 3 bits for each length */
    uint16_t literals; /* so many lengths are of literal/length codes */
    uint16_t next;     /* the lengths that are known */
    uint8_t  distances, precodes;
    uint8_t  lengths[(UPF_FIXED_LITERALS + UPF_FIXED_DISTANCES) / 2];
};

/*
 * What has to be kept between two pieces of a message; all zero at its
 * beginning, and again after UPF_INFLATE_END. So an owner needs none between
 * messages. It may be moved.
 */
struct upf_inflater {
    uint64_t bits;     /* taken and not used yet */
    uint64_t offset;   /* bytes of the message that were taken; or see BAD */
    uint16_t left;     /* bytes of a match or a stored block to put out */
    uint16_t distance; /* of that match */
    uint8_t  count;    /* of `bits` */
    uint8_t  phase;
    uint8_t  block;    /* the three bits that it began with */
    uint8_t  tail;     /* bytes of 00 00 FF FF that were taken */
    struct upf_inflate_code code;
};

/*
 * Tables, for the call only: any number of messages may use one in turn. All
 * zero before it is first used, and again when its memory was used for anything
 * else. A piece that finds it as the piece before left it need not make the
 * block's tables again: so have one for as long as pieces of a message are at
 * hand, however small. A piece that does not costs some microseconds more.
 */
struct upf_inflate_scratch {
    struct upf_inflate_code kept; /* what the tables are of */
    uint8_t  kept_window;  /* and which distances it knows */
    uint8_t  window;       /* what the next two arrays are for */
    uint8_t  literal_bits, distance_bits;
    uint16_t used_count;
    uint16_t used[UPF_FIXED_LITERALS + UPF_FIXED_DISTANCES]; /* symbols */
    uint8_t  lengths[UPF_FIXED_LITERALS + UPF_FIXED_DISTANCES];
    uint32_t distance_meanings[UPF_FIXED_DISTANCES];
    uint32_t fixed_distances[UPF_FIXED_DISTANCES];
    uint32_t sorted[UPF_FIXED_LITERALS];
    uint32_t literals[UPF_LITERAL_ENTRIES];
    uint32_t distances[UPF_DISTANCE_ENTRIES]; /* at first the precode's */
};

/* What is decoded, and where to. The first two lines move on. */
struct upf_inflate_io {
    const uint8_t *in;      /* what came of the message and was not taken */
    size_t         in_len;
    size_t         pos;     /* output goes to history[pos, limit) */
    uint8_t       *history; /* what was decoded before is history[0, pos) */
    size_t         limit;   /* pos <= limit; UPF_INFLATE_SLACK more is there */
    unsigned       window;  /* 8 to 15: distances are at most 2^window */
    bool           end;     /* the message ends behind `in` */
};

/*
 * Decode. MORE: call again with what comes next. FULL: call again with a higher
 * `limit`, or with the last 2^window bytes moved to the front of other memory;
 * input that was not taken has to be there again. The four bytes 00 00 FF FF
 * that the sender cut off (section 7.2.1) are not in the input: `end` adds
 * them. It is given with the last byte, or with no more bytes.
 *
 * Output and result are the same however input and output are cut. So is
 * `state->offset` after BAD: it says in which byte of the message the first
 * part (block header, code length, literal, match) begins that cannot be, or is
 * the message's length if its end is what is wrong.
 *
 * Blocks may be marked as final (BFINAL, section 7.2.3.4): what follows one
 * begins at the next byte, and goes on with the same window. If nothing follows
 * the last, not even the 00 that should, that is a message, too.
 *
 * Work is bounded by the bytes that come in and go out, in pieces of any size,
 * if the scratch is kept between them.
 */
enum upf_inflate_result upf_inflate(struct upf_inflater        *state,
                                    struct upf_inflate_scratch *scratch,
                                    struct upf_inflate_io      *io);

#endif
