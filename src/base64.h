/* SPDX-License-Identifier: MIT */
/* base64.h - base64 (RFC 4648, section 4), for the handshake's two values. */
#ifndef UPF_BASE64_H
#define UPF_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* How many characters `len` bytes encode to. Constant if `len` is. */
#define UPF_BASE64_LEN(len) (((len) + 2) / 3 * 4)

/*
 * Write data[0, len) to `out` as base64, padded, without a NUL at the end.
 *
 *   data  may be NULL if len is 0
 *   len   bytes, at most SIZE_MAX / 4
 *   out   room for UPF_BASE64_LEN(len) characters; must not overlap `data`
 *
 * Returns the characters written, UPF_BASE64_LEN(len).
 */
size_t upf_base64_encode(const uint8_t *data, size_t len, char *out);

#endif
