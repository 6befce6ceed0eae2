/* SPDX-License-Identifier: MIT */
/* stream.h - what a peer sends: frames of one size and one script. */
#ifndef BENCH_STREAM_H
#define BENCH_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stream_kind {
    STREAM_BINARY,
    STREAM_ASCII,
    STREAM_CYRILLIC, /* two bytes a letter */
    STREAM_CHINESE,  /* three */
    STREAM_EMOJI,    /* four */
    STREAM_KINDS
};

const char *stream_kind_name(enum stream_kind kind);

/*
 * Write `len` bytes of that kind, different for each *seed: words with spaces
 * or punctuation between them; what no character fits into is filled with '.'.
 */
void stream_fill(uint8_t *out, size_t len, enum stream_kind kind,
                 uint32_t *seed);

/* How it is sent. */
struct stream_form {
    bool   to_client; /* not masked */
    bool   in_chunks; /* the reader takes it with config.stream */
    size_t fragments; /* frames of a message; 0 is 1 */
    bool   traced;    /* the reader has a trace hook, which does nothing */
    bool   extended;  /* it has agreed on an extension, which nothing uses */
};

struct stream {
    struct stream_form form;
    size_t           payload; /* bytes in each frame */
    enum stream_kind kind;
    size_t           chunk;  /* bytes that a read gives at most */
    uint8_t         *bytes;  /* whole frames */
    size_t           len;
    size_t           frames;
    uint8_t         *plain;  /* their payloads, one behind the other */
    uint8_t         *buffer; /* `chunk` bytes: what a read is made into */
    uint8_t         *memory; /* where bytes and buffer are */
};

/* Whole messages, `least` bytes in all or somewhat more. */
struct stream stream_new(size_t payload, enum stream_kind kind, size_t chunk,
                         size_t least, struct stream_form form);
void stream_free(struct stream *stream);

/* What a reader of a stream saw. */
struct tally {
    uint64_t messages;
    uint64_t bytes;
    uint64_t text; /* messages that were text */
};

/* End the program if `tally` is not what `passes` over the stream hold. */
void stream_check(const struct stream *stream, const char *reader,
                  struct tally tally, uint64_t passes);

/* Likewise if data[0, len) is not the payload of message number `index`. */
void stream_check_payload(const struct stream *stream, const char *reader,
                          uint64_t index, const uint8_t *data, size_t len);

#endif
