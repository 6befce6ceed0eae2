/* SPDX-License-Identifier: MIT */
/* bytes.h - growable bytes, copies of exact size, and small random numbers. */
#ifndef BYTES_H
#define BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes { /* starts as {0} */
    uint8_t *data;
    size_t   len, capacity;
};

void bytes_add(struct bytes *bytes, const void *data, size_t len);
void bytes_add_number(struct bytes *bytes, uint64_t number); /* 8 bytes */
void bytes_free(struct bytes *bytes);

/*
 * Compare two, and abort with what they are and where they differ if they
 * do.
 */
void bytes_must_equal(const struct bytes *a, const struct bytes *b,
                      const char *what);

/* A heap copy that ends where its memory does; never NULL. Free it. */
void *exact_copy(const void *data, size_t len);

/* Where text stops being UTF-8, byte by byte as RFC 3629 has it: the number
 * of bytes that can begin a text. *whole: it ends behind a code point. */
size_t utf8_prefix(const uint8_t *text, size_t len, bool *whole);

/* A number below `limit`, from a state that the input chose. */
uint32_t chance(uint32_t *state, uint32_t limit);

#endif
