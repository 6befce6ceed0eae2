/* SPDX-License-Identifier: MIT */
/* http.h - the lines and fields of an HTTP/1 head (RFC 9112). */
#ifndef UPF_HTTP_H
#define UPF_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <upframe/handshake.h>
#include "str.h"

/*
 * Take one line and the CR LF after it off `text`; `line` is without the CR LF.
 * Both return false if there is no CR LF; upf_http_field_line() also does if a
 * control character other than HTAB comes before it (RFC 9110, section 5.5).
 */
bool upf_http_line(upf_str *text, upf_str *line);
bool upf_http_field_line(upf_str *text, upf_str *line);

/*
 * Read "HTTP/" DIGIT "." DIGIT (RFC 9112, section 2.3) from the eight bytes at
 * `text`.
 */
static inline bool upf_http_version(const char *text, int *major, int *minor)
{
    const int first = text[5] - '0', second = text[7] - '0';

    if (memcmp(text, "HTTP/", 5) != 0 || text[6] != '.' || first < 0 ||
        first > 9 || second < 0 || second > 9)
        return false;
    *major = first;
    *minor = second;
    return true;
}

/*
 * Split a header line, "name: value" (RFC 9112, section 5.1). The name must be
 * a token, with the colon right after it; a folded line fails. White space
 * around the value is left out.
 */
bool upf_http_field(upf_str line, upf_str *name, upf_str *value);

/* Find the next field called `name`; take it and all fields before it off
 * `headers`. False if there is none. */
bool upf_header_next_called(upf_str *headers, const char *name, upf_str *value);

/* Whether a header value may be sent: no control characters but HTAB (RFC 9110,
 * section 5.5). */
bool upf_is_field_value(upf_str text);

/*
 * Take the next element off all fields called `name`, which count as one list
 * (RFC 9110, section 5.3; upf_list_next()). Start with *list = {NULL, 0} and
 * *headers = the head's lines, or with upf_fields_list(). False at the end.
 */
bool upf_header_list_next(upf_str *headers, upf_str *list, const char *name,
                          upf_str *element);

#endif
