/* SPDX-License-Identifier: MIT */
/* deflate.h - encode a message, or a part of one (RFC 1951, RFC 7692). */
#ifndef UPF_DEFLATE_ENCODE_H
#define UPF_DEFLATE_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deflate_block.h"
#include "deflate_history.h"
#include "deflate_parse.h"
#include "deflate_sequences.h"

enum { UPF_DEFLATE_LINKS = 1 << 15 }; /* of a scratch, for the level BEST */

/*
 * Memory for the call: any number of connections may use one in turn. `base` is
 * 0 before it is first used, and again when its memory was used for anything
 * else; the rest may hold anything. What is encoded never depends on what was
 * encoded before with the same scratch.
 */
struct upf_deflate_scratch {
    struct upf_sequences  found;
    struct upf_block_work block;

    uint16_t *links; /* UPF_DEFLATE_LINKS; NULL: BEST is LAZY, or is where a
                      * history has links of its own */
    uint32_t  base;  /* places grow from message to message: what the heads
                      * hold of former ones is below, so none is cleared */
    uint32_t  heads[1 << UPF_WIDE_HASH_BITS];
};

/* What is to be encoded. */
struct upf_deflate_source {
    const uint8_t *data; /* may be NULL if len is 0 */
    size_t         len;  /* at most SIZE_MAX / 2 */
    size_t         most; /* bytes that it may become: see below */
    bool           ends; /* the message ends with it: no 00 00 FF FF follows */
    enum upf_deflate_level level;
};

/*
 * How many bytes an output array needs for `len` bytes: some of them are
 * written though they belong to no encoding. Nothing is written beyond.
 */
size_t upf_deflate_bound(size_t len);

/*
 * Encode without context: whoever has a window of 1 << window_bits (8 to 15)
 * bytes can read it, and needs to know nothing of former messages. `out` has
 * upf_deflate_bound(len) bytes, and does not overlap the data.
 *
 * Returns the length, which is never 0; or 0 if that would be over
 * source->most. A whole message pays if it becomes shorter: `most` is len - 1
 * then (0 if len is 0), and after a 0 it is sent as it is. Of a message in
 * parts each is encoded, whatever comes of it: SIZE_MAX. No block is final
 * (BFINAL), so encodings can follow each other in any order.
 */
size_t upf_deflate_alone(struct upf_deflate_scratch      *scratch,
                         const struct upf_deflate_source *source,
                         unsigned window_bits, uint8_t *out);

/*
 * Encode with what the peer got before (context takeover). The same, but:
 *
 * - What was encoded becomes part of the history by upf_deflate_commit(), with
 *   the same data, when nothing can fail any more. That is the next call with
 *   this history, if it is called at all; if not, the history is as before.
 *   (But hints may be lost where matches are, so a next message may become
 *   a little longer than it would have been.)
 * - A message that does not shrink is better sent encoded all the same, or the
 *   next ones have nothing to refer to: upf_deflate_most() is the `most` for
 *   that.
 */
size_t upf_deflate_after(struct upf_deflate_history      *history,
                         struct upf_deflate_scratch      *scratch,
                         const struct upf_deflate_source *source,
                         uint8_t                         *out);

void upf_deflate_commit(struct upf_deflate_history *history,
                        const uint8_t *data, size_t len);

static inline size_t upf_deflate_most(size_t len) { return len + len / 8 + 8; }

#endif
