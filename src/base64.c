/* SPDX-License-Identifier: MIT */
/* base64.c - base64, RFC 4648 section 4. */

#include <assert.h>

#include "base64.h"
#include "bytes.h"

/* A group of 24 bits is three bytes, or four characters of 6 bits. */
enum { GROUP_BYTES = 3, GROUP_CHARS = 4 };

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ" "abcdefghijklmnopqrstuvwxyz" "0123456789+/";

/* Encode the upper 24 bits. */
static void put_group(uint32_t bits, char out[GROUP_CHARS])
{
    out[0] = alphabet[bits >> 26];
    out[1] = alphabet[bits >> 20 & 0x3F];
    out[2] = alphabet[bits >> 14 & 0x3F];
    out[3] = alphabet[bits >> 8 & 0x3F];
}

size_t upf_base64_encode(const uint8_t *data, size_t len, char *out)
{
    assert(data != NULL || len == 0);
    assert(len <= SIZE_MAX / 4);

    size_t left = len;

    /* Each group but the last: a load of four bytes stays within `data`. */
    for (; left > GROUP_BYTES; left -= GROUP_BYTES) {
        put_group(upf_load_be32(data), out);
        data += GROUP_BYTES;
        out  += GROUP_CHARS;
    }
    if (left > 0) {
        const uint32_t second = left > 1 ? data[1] : 0;
        const uint32_t third  = left > 2 ? data[2] : 0;

        put_group((uint32_t)data[0] << 24 | second << 16 | third << 8, out);
        if (left < 2)
            out[2] = '=';
        if (left < 3)
            out[3] = '=';
    }

    return UPF_BASE64_LEN(len);
}
