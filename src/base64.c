/* SPDX-License-Identifier: MIT */
/* base64.c - base64, RFC 4648 section 4. */

#include <assert.h>

#include "base64.h"

/* Three bytes are one group of 24 bits, and so are four characters. */
enum { GROUP_BYTES = 3, GROUP_CHARS = 4 };

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ" "abcdefghijklmnopqrstuvwxyz" "0123456789+/";

static void put_group(uint32_t bits, char out[GROUP_CHARS])
{
    out[0] = alphabet[bits >> 18 & 0x3F];
    out[1] = alphabet[bits >> 12 & 0x3F];
    out[2] = alphabet[bits >> 6 & 0x3F];
    out[3] = alphabet[bits & 0x3F];
}

size_t upf_base64_encode(const uint8_t *data, size_t len, char *out)
{
    assert(data != NULL || len == 0);
    assert(len <= SIZE_MAX / 4);

    size_t left = len;

    for (; left >= GROUP_BYTES; left -= GROUP_BYTES) {
        put_group((uint32_t)data[0] << 16 | (uint32_t)data[1] << 8 | data[2],
                  out);
        data += GROUP_BYTES;
        out  += GROUP_CHARS;
    }
    if (left > 0) {
        const uint32_t second = left == 2 ? data[1] : 0;
        put_group((uint32_t)data[0] << 16 | second << 8, out);
        if (left == 1)
            out[2] = '=';
        out[3] = '=';
    }

    return UPF_BASE64_LEN(len);
}

void upf_base64_20(const uint8_t data[20], char out[28])
{
    upf_base64_encode(data, 20, out);
}
