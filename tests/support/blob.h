/* SPDX-License-Identifier: MIT */
/* blob.h - growable bytes or text for a test; it aborts without memory. */
#ifndef BLOB_H
#define BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts as {0}. A NUL that is not counted stands behind the bytes. */
struct blob {
    uint8_t *data;
    size_t   len;
    size_t   capacity;
};

void blob_add(struct blob *blob, const void *bytes, size_t len);
void blob_byte(struct blob *blob, unsigned byte);
void blob_fill(struct blob *blob, unsigned byte, size_t count);
void blob_text(struct blob *blob, const char *text);

#if defined __GNUC__
__attribute__((format(printf, 2, 3)))
#endif
void blob_printf(struct blob *blob, const char *format, ...);

/*
 * Payload as readable text: "in quotes" if it is short and printable, its
 * bytes in hex if it is short, else a hash of it.
 */
void blob_show(struct blob *blob, const void *bytes, size_t len);

/* The bytes as a C string; "" if there are none. */
const char *blob_str(const struct blob *blob);

bool blob_equal(const struct blob *a, const struct blob *b);
void blob_clear(struct blob *blob);
void blob_free(struct blob *blob);

/* FNV-1a, 64 bits: begin with BLOB_HASH, add pieces in order. */
#define BLOB_HASH UINT64_C(0xcbf29ce484222325)
uint64_t blob_hash(uint64_t hash, const void *bytes, size_t len);

#endif
