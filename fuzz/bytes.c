/* SPDX-License-Identifier: MIT */
/* bytes.c - growable bytes, copies of exact size, and small random numbers. */

#include <string.h>

#include "bytes.h"
#include "check.h"

void bytes_add(struct bytes *bytes, const void *data, size_t len)
{
    if (len == 0)
        return;
    if (len > bytes->capacity - bytes->len) {
        bytes->capacity = 2 * bytes->capacity + len + 64;
        bytes->data     = realloc(bytes->data, bytes->capacity);
        CHECK(bytes->data != NULL, "no memory for %zu", bytes->capacity);
    }
    memcpy(bytes->data + bytes->len, data, len);
    bytes->len += len;
}

void bytes_add_number(struct bytes *bytes, uint64_t number)
{
    bytes_add(bytes, &number, sizeof number);
}

void bytes_free(struct bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct bytes){0};
}

static void show(const struct bytes *bytes)
{
    for (size_t i = 0; i < bytes->len && i < 2000; i++) {
        const uint8_t c = bytes->data[i];
        fprintf(stderr, c >= ' ' && c < 0x7F ? "%c" : "\\x%02x", c);
    }
    fputc('\n', stderr);
}

void bytes_must_equal(const struct bytes *a, const struct bytes *b,
                      const char *what)
{
    size_t i = 0;

    while (i < a->len && i < b->len && a->data[i] == b->data[i])
        i++;
    if (i == a->len && i == b->len)
        return;
    show(a);
    show(b);
    CHECK(false, "%s: %zu and %zu bytes differ at %zu", what, a->len, b->len,
          i);
}

void *exact_copy(const void *data, size_t len)
{
    void *copy = malloc(len > 0 ? len : 1);

    CHECK(copy != NULL, "no memory for %zu", len);
    if (len > 0)
        memcpy(copy, data, len);
    return copy;
}

size_t utf8_prefix(const uint8_t *text, size_t len, bool *whole)
{
    size_t i = 0;

    while (i < len) {
        const uint8_t lead = text[i];
        uint8_t       low = 0x80, high = 0xBF;
        const size_t  rest = lead < 0x80 ? 0 : lead < 0xE0 ? 1
                           : lead < 0xF0 ? 2 : 3;

        *whole = true;
        if ((lead >= 0x80 && lead < 0xC2) || lead > 0xF4)
            return i;
        if (lead == 0xE0) low = 0xA0;
        if (lead == 0xED) high = 0x9F;
        if (lead == 0xF0) low = 0x90;
        if (lead == 0xF4) high = 0x8F;
        for (size_t k = 1; k <= rest; k++, low = 0x80, high = 0xBF) {
            *whole = false;
            if (i + k == len)
                return len;
            if (text[i + k] < low || text[i + k] > high)
                return i + k;
        }
        i += rest + 1;
    }
    *whole = true;
    return len;
}

uint32_t chance(uint32_t *state, uint32_t limit)
{
    *state = *state * UINT32_C(1664525) + UINT32_C(1013904223);
    return (*state >> 16) % limit;
}
