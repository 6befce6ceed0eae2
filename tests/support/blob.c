/* SPDX-License-Identifier: MIT */
/* blob.c - growable bytes or text for a test. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blob.h"

enum { SHOWN = 40 }; /* bytes of payload that are shown as they are */

static uint8_t *make_room(struct blob *blob, size_t len)
{
    const size_t need = blob->len + len + 1;

    if (need > blob->capacity) {
        const size_t capacity = need < 256 ? 256 : need * 2;

        blob->data = realloc(blob->data, capacity);
        if (blob->data == NULL) {
            perror("blob");
            abort();
        }
        blob->capacity = capacity;
    }
    return blob->data + blob->len;
}

void blob_add(struct blob *blob, const void *bytes, size_t len)
{
    uint8_t *to = make_room(blob, len);

    if (len > 0)
        memcpy(to, bytes, len);
    to[len] = 0;
    blob->len += len;
}

void blob_byte(struct blob *blob, unsigned byte)
{
    const uint8_t b = (uint8_t)byte;

    blob_add(blob, &b, 1);
}

void blob_fill(struct blob *blob, unsigned byte, size_t count)
{
    uint8_t *to = make_room(blob, count);

    memset(to, (int)byte, count);
    to[count] = 0;
    blob->len += count;
}

void blob_text(struct blob *blob, const char *text)
{
    blob_add(blob, text, strlen(text));
}

void blob_printf(struct blob *blob, const char *format, ...)
{
    char    text[512];
    va_list args;

    va_start(args, format);
    const int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof text)
        abort();
    blob_add(blob, text, (size_t)len);
}

void blob_show(struct blob *blob, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    bool printable = true;

    if (len > SHOWN) {
        blob_printf(blob, "#%016llx",
                    (unsigned long long)blob_hash(BLOB_HASH, bytes, len));
        return;
    }
    for (size_t i = 0; i < len; i++)
        printable = printable && p[i] >= ' ' && p[i] <= '~';
    if (printable) {
        blob_byte(blob, '"');
        blob_add(blob, bytes, len);
        blob_byte(blob, '"');
        return;
    }
    for (size_t i = 0; i < len; i++)
        blob_printf(blob, "%02x", p[i]);
}

const char *blob_str(const struct blob *blob)
{
    return blob->data == NULL ? "" : (const char *)blob->data;
}

bool blob_equal(const struct blob *a, const struct blob *b)
{
    return a->len == b->len &&
           (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

void blob_clear(struct blob *blob)
{
    blob->len = 0;
    if (blob->data != NULL)
        blob->data[0] = 0;
}

void blob_free(struct blob *blob)
{
    free(blob->data);
    *blob = (struct blob){0};
}

uint64_t blob_hash(uint64_t hash, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    return hash;
}
