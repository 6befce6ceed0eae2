/* SPDX-License-Identifier: MIT */
/* http_write.c - put an HTTP/1 head together (RFC 9112). */

#include <string.h>

#include "http.h"
#include "http_fields.h"
#include "http_write.h"

extern inline void upf_put(struct upf_http_out *o, upf_str text);
extern inline void upf_put_text(struct upf_http_out *o, const char *text);
extern inline void upf_put_field(struct upf_http_out *o, const char *name,
                                 upf_str value);

bool upf_put_again(struct upf_http_out *o)
{
    if (o->data != NULL)
        return false; /* the second pass is done */
    o->data = o->room(o->of, o->len);
    o->len  = 0;
    return o->data != NULL;
}

void upf_put_number(struct upf_http_out *o, size_t number)
{
    char digits[3 * sizeof number]; /* a byte takes fewer than 3 digits */
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    upf_put(o, (upf_str){digits + at, sizeof digits - at});
}

void upf_put_headers(struct upf_http_out *o, const upf_header *headers,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        upf_put_text(o, headers[i].name);
        upf_put_field(o, ": ", upf_str_of(headers[i].value));
    }
}

/* Whether only the library writes this field: a second or wrong one would
 * change what the head means. */
static bool is_ours(upf_str name, bool in_request)
{
    const upf_str prefix = UPF_LITERAL("Sec-WebSocket-");
    const enum upf_field field = upf_field_called(name);

    if (field == UPF_FIELD_HOST || field == UPF_FIELD_ORIGIN)
        return in_request;
    return field != UPF_FIELDS ||
           (name.len >= prefix.len &&
            upf_str_same_nocase((upf_str){name.data, prefix.len}, prefix));
}

const char *upf_header_fault(const upf_header *header, bool in_request)
{
    const upf_str name = upf_str_of(header->name);

    if (!upf_is_token(name))
        return "a name that is no token: letters, digits and !#$%&'*+-.^_`|~";
    if (is_ours(name, in_request))
        return "a header that the library writes itself";
    if (header->value == NULL)
        return "no value";
    return upf_is_field_value(upf_str_of(header->value))
               ? NULL
               : "a line break or another control character in the value";
}

bool upf_headers_are_allowed(const upf_header *headers, size_t count,
                             bool in_request)
{
    for (size_t i = 0; i < count; i++)
        if (upf_header_fault(&headers[i], in_request) != NULL)
            return false;
    return true;
}
