/* SPDX-License-Identifier: MIT */
/* http_fields.h - the header fields that decide a handshake, in one walk. */
#ifndef UPF_HTTP_FIELDS_H
#define UPF_HTTP_FIELDS_H

#include <stdbool.h>

#include "kernels/kernels_text.h"
#include "str.h"

/* The fields that decide a handshake. */
enum upf_field {
    UPF_FIELD_CONNECTION,
    UPF_FIELD_CONTENT_LENGTH,
    UPF_FIELD_HOST,
    UPF_FIELD_ORIGIN,
    UPF_FIELD_KEY,
    UPF_FIELD_VERSION,
    UPF_FIELD_EXTENSIONS,
    UPF_FIELD_PROTOCOL,
    UPF_FIELD_ACCEPT,
    UPF_FIELD_TRANSFER_ENCODING,
    UPF_FIELD_UPGRADE,
    UPF_FIELDS /* the number of these; also any other field */
};

_Static_assert((int)UPF_FIELDS <= (int)UPF_FIELDS_MAX, "what kernels know");

enum upf_field upf_field_called(upf_str name); /* `name` is a token */

/*
 * Take header lines off `text`, up to and with the blank line, and write what
 * they have to `fields`. False if a line is malformed (upf_http_field_line(),
 * upf_http_field()), or if `text` ends before the blank line. In both cases
 * `text` is unchanged, and `fields` has what the lines before the fault have.
 */
bool upf_fields_take(upf_str *text, struct upf_fields *fields);

/* The value of the first field of this name; data is NULL if there is none. */
static inline upf_str upf_field(const struct upf_fields *fields,
                                enum upf_field           field)
{
    return (fields->seen >> field & 1) != 0 ? fields->value[field]
                                            : (upf_str){NULL, 0};
}

static inline bool upf_field_is_repeated(const struct upf_fields *fields,
                                         enum upf_field           field)
{
    return (fields->repeated >> field & 1) != 0;
}

bool upf_fields_list_has(const struct upf_fields *fields, enum upf_field field,
                         upf_str token);

/* Whether the fields of one name, as one list, have `token`, case ignored. */
static inline bool upf_fields_have(const struct upf_fields *fields,
                                   enum upf_field field, upf_str token)
{
    return upf_str_same(upf_field(fields, field), token) || /* the usual case */
           upf_fields_list_has(fields, field, token);
}

/* Set *headers and *list so that upf_header_list_next(), called with them, goes
 * through all fields of one name. */
void upf_fields_list(const struct upf_fields *fields, enum upf_field field,
                     upf_str *headers, upf_str *list);

#endif
