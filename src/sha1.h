/* SPDX-License-Identifier: MIT */
/* sha1.h - SHA-1 (RFC 3174), for the handshake only. */
#ifndef UPF_SHA1_H
#define UPF_SHA1_H

#include <stddef.h>
#include <stdint.h>

enum { UPF_SHA1_SIZE = 20 }; /* bytes of a digest */

/*
 * Write the SHA-1 digest of data[0, len) to `digest`.
 *
 *   data    may be NULL if len is 0
 *   len     bytes, below 2^61: SHA-1 counts bits in 64 bits
 *   digest  may lie within `data`
 *
 * RFC 6455 uses it to show that a server understood the request (section
 * 4.2.2), not for a secret or a signature: that SHA-1 is broken for these does
 * not matter. Nothing else may use it.
 */
void upf_sha1(const void *data, size_t len, uint8_t digest[UPF_SHA1_SIZE]);

/* The digest of `head` and `tail` together: the key and GUID of a handshake. */
void upf_sha1_60(const uint8_t head[24], const uint8_t tail[36],
                 uint8_t digest[UPF_SHA1_SIZE]);

#endif
