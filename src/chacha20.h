/* SPDX-License-Identifier: MIT */
/* chacha20.h - the ChaCha20 stream, from which random bytes are drawn. */
#ifndef UPF_CHACHA20_H
#define UPF_CHACHA20_H

#include <stdint.h>

enum {
    UPF_CHACHA20_KEY   = 32, /* bytes */
    UPF_CHACHA20_BYTES = 256 /* of one call: four blocks */
};

/*
 * Write blocks 4 * `index` and the next three of the stream that `key` gives
 * with a nonce of zero (RFC 8439, section 2.3). They are interleaved: the first
 * words of all four come first, then the second words, and so on, in the byte
 * order of the machine. As a stream to encrypt with it would be another one; to
 * whom only randomness matters it is the same.
 */
void upf_chacha20(const uint8_t key[UPF_CHACHA20_KEY], uint32_t index,
                  uint8_t out[UPF_CHACHA20_BYTES]);

#endif
