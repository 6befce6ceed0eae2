/* SPDX-License-Identifier: MIT */
/* base64.h - base64 (RFC 4648, section 4), for the handshake's two values. */
#ifndef UPF_BASE64_H
#define UPF_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Characters that `len` bytes encode to. A constant if `len` is one. */
#define UPF_BASE64_LEN(len) (((len) + 2) / 3 * 4)

/*
 * Write data[0, len) to `out` as base64, padded, with no NUL behind it.
 *
 *   data  may be NULL if len is 0
 *   len   bytes, at most SIZE_MAX / 4
 *   out   room for UPF_BASE64_LEN(len) characters; apart from `data`
 *
 * Returns the characters written, UPF_BASE64_LEN(len).
 */
size_t upf_base64_encode(const uint8_t *data, size_t len, char *out);

#endif
