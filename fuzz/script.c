/* SPDX-License-Identifier: MIT */
/* script.c - an input read as a script: choices, sizes, payloads. */

#include "check.h"
#include "script.h"

uint8_t script_byte(struct script *script)
{
    return script->at < script->len ? script->data[script->at++] : 0;
}

size_t script_size(struct script *script)
{
    static const uint32_t sizes[64] = {
        0,    1,    2,    3,    4,    5,    6,    7,    8,    9,     10,
        12,   14,   15,   16,   17,   18,   20,   24,   31,   32,    33,
        40,   60,   62,   64,   66,   100,  121,  125,  126,  127,   128,
        129,  200,  250,  254,  255,  256,  257,  258,  300,  440,   448,
        500,  700,  1000, 2000, 2048, 4000, 4090, 4096, 4100, 5000,  8000,
        8192, 9000, 16384, 20000, 33000, 65535, 65536, 70000, 200000};
    const uint8_t row = script_byte(script);

    return row < 0xC0 ? sizes[row % 64] : (row & 0x3Fu);
}

/* What payload kind `kind` has at `i`, of `len` bytes. */
static uint8_t byte_at(struct script *script, uint8_t kind, size_t i,
                       size_t len)
{
    static const char euro[] =
        "\xE2\x82\xAC 12,50 \xF0\x9F\x98\x80 na\xC3\xAFve";

    switch (kind & 7) {
    case 0:  return kind >> 3;
    case 2:
    case 3:  return (uint8_t)euro[i % (sizeof euro - 1)];
    case 4:  return i + 1 == len ? 0xFF : 'e';
    case 5:  return i == len / 2 ? 0xC0 : 'm';
    case 6:  return i == 0 ? '!' : (uint8_t)('a' + i / 5 % 26);
    case 7:  return script_byte(script);
    default: return (uint8_t)('A' + i % 26);
    }
}

struct bytes script_payload(struct script *script)
{
    const uint8_t kind = script_byte(script);
    size_t        len  = script_size(script);
    bool          whole;

    if ((kind & 7) == 7 && len > script->len - script->at)
        len = script->len - script->at;
    struct bytes bytes = {exact_copy("", 0), 0, len};
    if (len > 0)
        bytes.data = realloc(bytes.data, len);
    CHECK(bytes.data != NULL, "no memory for %zu", len);
    while (bytes.len < len) {
        bytes.data[bytes.len] = byte_at(script, kind, bytes.len, len);
        bytes.len++;
    }
    while ((kind & 7) == 2 && utf8_prefix(bytes.data, bytes.len, &whole) &&
           !whole)
        bytes.len--; /* a text that ends behind a code point */
    return bytes;
}
