/* SPDX-License-Identifier: MIT */
/* upframe/str.h - text with a length, in place of a terminating NUL. */
#ifndef UPFRAME_STR_H
#define UPFRAME_STR_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Not NUL-terminated. data is NULL if the text is absent. */
typedef struct upf_str {
    const char *data;
    size_t      len;
} upf_str;

/* Whether `text` is `literal`, byte for byte. */
bool upf_str_equals(upf_str text, const char *literal);

/* Whether `text` is `literal`, ASCII case ignored. */
bool upf_str_equals_nocase(upf_str text, const char *literal);

/*
 * Whether `text` is the `len` bytes of `secret`. The time depends only on the
 * two lengths, so that a stranger cannot guess the secret byte by byte. False
 * if `len` is 0: a secret that was not set lets nobody in.
 */
bool upf_str_equals_secret(upf_str text, const void *secret, size_t len);

/* Whether the comma-separated `list` has `token`, ASCII case ignored. */
bool upf_list_has(upf_str list, const char *token);

#ifdef __cplusplus
}
#endif

#endif
