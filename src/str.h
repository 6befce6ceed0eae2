/* SPDX-License-Identifier: MIT */
/* str.h - text: sets of its characters, lists of its elements. */
#ifndef UPF_STR_H
#define UPF_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <upframe/str.h>
#include "kernels/kernels.h"

/* The text of a NUL-terminated string; {NULL, 0} for NULL. */
static inline upf_str upf_str_of(const char *text)
{
    return (upf_str){text, text ? strlen(text) : 0};
}

upf_str upf_str_trim(upf_str text);
bool    upf_str_same_nocase(upf_str a, upf_str b);

#define UPF_LITERAL(text) ((upf_str){"" text, sizeof(text) - 1})

/* Whether two texts are the same; data must not be NULL. With a literal of a
 * few bytes it compiles to no call. */
static inline bool upf_str_same(upf_str text, upf_str other)
{
    return text.len == other.len &&
           memcmp(text.data, other.data, other.len) == 0;
}

/* Characters that may stand in ... */
enum upf_chars {
    UPF_TOKEN_CHARS,  /* a token (RFC 9110, section 5.6.2) */
    UPF_HOST_CHARS,   /* a host's name, '%' aside (RFC 3986, 3.2.2) */
    UPF_TARGET_CHARS, /* a request target: what is visible but '#' */
    UPF_BASE64_CHARS  /* base64, padding aside (RFC 4648, section 4) */
};

extern const uint8_t upf_chars[][16]; /* in the form of upf_kernels.span */

/* How many characters at the beginning of `text` are in the set. */
static inline size_t upf_chars_span(upf_str text, enum upf_chars wanted)
{
    return upf_kernels()->span(text.data, text.len, upf_chars[wanted]);
}

bool upf_is_token(upf_str text);
bool upf_are_tokens(const char *const *list); /* NULL-terminated, or NULL */

/*
 * Take the next element off a comma-separated list, without the white space
 * around it. Empty ones are ignored (RFC 9110, section 5.6.1.2). False after
 * the last, and list->data is NULL then.
 */
bool upf_list_next(upf_str *list, upf_str *element);

#endif
