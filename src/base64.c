/* SPDX-License-Identifier: MIT */
/* base64.c - base64, RFC 4648 section 4. */

#include <assert.h>

#include "base64.h"

/* Three bytes are one group of 24 bits, and so are four characters. */
enum { GROUP_BYTES = 3, GROUP_CHARS = 4 };

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ" "abcdefghijklmnopqrstuvwxyz" "0123456789+/";

/* The 6 bits that `c` stands for, or -1. */
static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    if (c == '/')
        return 63;
    return -1;
}

static void put_group(uint32_t bits, char out[GROUP_CHARS])
{
    out[0] = alphabet[bits >> 18 & 0x3F];
    out[1] = alphabet[bits >> 12 & 0x3F];
    out[2] = alphabet[bits >> 6 & 0x3F];
    out[3] = alphabet[bits & 0x3F];
}

/* Read the first `chars` characters of a group; the rest count as zeros. */
static bool get_group(const char *text, unsigned chars, uint32_t *bits)
{
    uint32_t b = 0;

    for (unsigned i = 0; i < chars; i++) {
        const int six = sextet(text[i]);
        if (six < 0)
            return false;
        b |= (uint32_t)six << (18 - 6 * i);
    }
    *bits = b;
    return true;
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

bool upf_base64_decode(const char *text, size_t len, uint8_t *out,
                       size_t out_cap, size_t *out_len)
{
    assert(text != NULL || len == 0);

    if (len % GROUP_CHARS != 0)
        return false;

    unsigned padding = 0;
    if (len > 0 && text[len - 1] == '=')
        padding = text[len - 2] == '=' ? 2 : 1;

    const size_t bytes = len / GROUP_CHARS * GROUP_BYTES - padding;
    if (bytes > out_cap)
        return false;

    uint32_t bits;
    size_t done = 0;
    for (; bytes - done >= GROUP_BYTES; done += GROUP_BYTES) {
        if (!get_group(text, GROUP_CHARS, &bits))
            return false;
        out[done]     = (uint8_t)(bits >> 16);
        out[done + 1] = (uint8_t)(bits >> 8);
        out[done + 2] = (uint8_t)bits;
        text += GROUP_CHARS;
    }

    /*
     * In a padded group 2 or 4 bits belong to no byte. RFC 4648, section 3.5,
     * lets a decoder refuse them when they are not zero; this one must not,
     * because the key in the example of RFC 6455, section 4.1, ends in "EC=="
     * where an encoder writes "EA==".
     */
    if (padding > 0) {
        if (!get_group(text, GROUP_CHARS - padding, &bits))
            return false;
        out[done++] = (uint8_t)(bits >> 16);
        if (padding == 1)
            out[done++] = (uint8_t)(bits >> 8);
    }

    *out_len = done;
    return true;
}
