/* SPDX-License-Identifier: MIT */
/* frames.h - write frames, forbidden ones too, and read what was sent. */
#ifndef FRAMES_H
#define FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blob.h"

/* The first byte of a frame (RFC 6455, section 5.2). */
enum {
    FIN    = 0x80,
    RSV1   = 0x40,
    RSV2   = 0x20,
    RSV3   = 0x10,
    CONT   = 0x0,
    TEXT   = 0x1,
    BINARY = 0x2,
    CLOSE  = 0x8,
    PING   = 0x9,
    PONG   = 0xA
};

/* Who sends: a client masks, a server does not. */
enum sender { FROM_CLIENT, FROM_SERVER };

/* The key that put_frame() masks with: that of section 5.7. */
extern const uint8_t frame_key[4];

/* A whole frame with the shortest length; `first` is its first byte. */
void put_frame(struct blob *to, enum sender sender, unsigned first,
               const void *payload, size_t len);

/* The same, with a C string, and with bytes of one value. */
void put_text(struct blob *to, enum sender sender, unsigned first,
              const char *payload);
void put_run(struct blob *to, enum sender sender, unsigned first,
             unsigned byte, size_t len);

/* A Close; code 0: without one. */
void put_close(struct blob *to, enum sender sender, int code,
               const char *reason);

/* A frame masked with `key`, or unmasked if it is NULL. */
void put_keyed(struct blob *to, unsigned first, const uint8_t *key,
               const void *payload, size_t len);

/*
 * A header alone. `form` is the 7-bit length: below 126 it is the length;
 * 126 and 127 are followed by `len` in 16 and 64 bits, however small it is.
 */
void put_header(struct blob *to, unsigned first, unsigned form, uint64_t len,
                const uint8_t *key);

/* One frame, read without judging it. */
struct frame {
    unsigned first; /* byte: FIN, RSV, opcode */
    bool     masked;
    unsigned form; /* 7-bit length */
    uint64_t len;
    uint8_t  key[4];
    size_t   header_len;
};

/* Read a header; false if it is not whole. */
bool get_frame(const uint8_t *bytes, size_t len, struct frame *frame);

/*
 * What `sender` sent, one line a frame: `fin TEXT 5 "Hello"`, `CONT 0 ""`,
 * `fin CLOSE 1000 "bye"`. The test fails if a frame is not as its sender must
 * write it: shortest length, no RSV but those in `rsv` (as in the first byte),
 * masked by the client only, fragments in order, text in UTF-8 (unless RSV1),
 * nothing behind a Close, no frame cut.
 */
void show_frames(struct blob *text, const uint8_t *bytes, size_t len,
                 enum sender sender, unsigned rsv);

/* Compare two texts, and print both if they differ. */
#define assert_text(got, expected) \
    assert_same_text(got, expected, __FILE__, __LINE__)
void assert_same_text(const char *got, const char *expected, const char *file,
                      int line);

/* The frames in `bytes`, written by `sender`, are those of the text. */
#define assert_frames(bytes, sender, expected) \
    assert_same_frames(bytes, sender, expected, __FILE__, __LINE__)
void assert_same_frames(const struct blob *bytes, enum sender sender,
                        const char *expected, const char *file, int line);

#endif
