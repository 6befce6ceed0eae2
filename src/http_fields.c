/* SPDX-License-Identifier: MIT */
/* http_fields.c - the header fields that decide a handshake, in one walk. */

#include <assert.h>
#include <string.h>

#include "http.h"
#include "http_fields.h"
#include "kernels/kernels_text.h"

/* ---- Names -------------------------------------------------------------- */

static const struct upf_field_names names = {
    .known = {
        [UPF_FIELD_CONNECTION]        = "connection",
        [UPF_FIELD_CONTENT_LENGTH]    = "content-length",
        [UPF_FIELD_HOST]              = "host",
        [UPF_FIELD_ORIGIN]            = "origin",
        [UPF_FIELD_KEY]               = "sec-websocket-key",
        [UPF_FIELD_VERSION]           = "sec-websocket-version",
        [UPF_FIELD_EXTENSIONS]        = "sec-websocket-extensions",
        [UPF_FIELD_PROTOCOL]          = "sec-websocket-protocol",
        [UPF_FIELD_ACCEPT]            = "sec-websocket-accept",
        [UPF_FIELD_TRANSFER_ENCODING] = "transfer-encoding",
        [UPF_FIELD_UPGRADE]           = "upgrade",
    },
    /* All other places hold 0, which is UPF_FIELD_CONNECTION: a name with such
     * a place is compared with "connection", and differs from it. */
    .at = {
        [UPF_NAME_PLACE('c', 10)] = UPF_FIELD_CONNECTION,
        [UPF_NAME_PLACE('c', 14)] = UPF_FIELD_CONTENT_LENGTH,
        [UPF_NAME_PLACE('h', 4)]  = UPF_FIELD_HOST,
        [UPF_NAME_PLACE('o', 6)]  = UPF_FIELD_ORIGIN,
        [UPF_NAME_PLACE('s', 17)] = UPF_FIELD_KEY,
        [UPF_NAME_PLACE('s', 21)] = UPF_FIELD_VERSION,
        [UPF_NAME_PLACE('s', 24)] = UPF_FIELD_EXTENSIONS,
        [UPF_NAME_PLACE('s', 22)] = UPF_FIELD_PROTOCOL,
        [UPF_NAME_PLACE('s', 20)] = UPF_FIELD_ACCEPT,
        [UPF_NAME_PLACE('t', 17)] = UPF_FIELD_TRANSFER_ENCODING,
        [UPF_NAME_PLACE('u', 7)]  = UPF_FIELD_UPGRADE,
    },
    .characters = upf_chars[UPF_TOKEN_CHARS],
};

enum upf_field upf_field_called(upf_str name)
{
    assert(name.len > 0);
    const uint8_t i =
        names.at[UPF_NAME_PLACE((unsigned char)*name.data, name.len)];
    const char *const known = names.known[i];
    size_t n = 0;

    /* 0x20 makes letters lower case. */
    while (n < name.len && (name.data[n] | 0x20) == known[n])
        n++;
    return n == name.len && known[n] == '\0' ? (enum upf_field)i : UPF_FIELDS;
}

/* ---- The walk ----------------------------------------------------------- */

/* Take one line of any form; upf_kernels.fields takes only the usual ones. */
static bool take_field_line(upf_str *text, struct upf_fields *fields)
{
    upf_str line, name, value;

    if (!upf_http_field_line(text, &line) ||
        !upf_http_field(line, &name, &value))
        return false;
    const enum upf_field field = upf_field_called(name);
    if (field != UPF_FIELDS)
        upf_note_field(fields, field, value);
    fields->lines++;
    return true;
}

bool upf_fields_take(upf_str *text, struct upf_fields *fields)
{
    const char *at = text->data, *const end = at + text->len;
    bool ended;

    fields->lines = 0;
    fields->seen = fields->repeated = 0;
    for (;;) {
        at += upf_kernels()->fields(at, (size_t)(end - at), &names, fields);
        ended = end - at >= 2 && memcmp(at, "\r\n", 2) == 0;
        upf_str rest = {at, (size_t)(end - at)};
        if (ended || !take_field_line(&rest, fields))
            break;
        at = rest.data;
    }
    fields->all = (upf_str){text->data, (size_t)(at - text->data)};
    if (ended)
        *text = (upf_str){at + 2, (size_t)(end - at) - 2};
    return ended;
}

/* ---- Values ------------------------------------------------------------- */

void upf_fields_list(const struct upf_fields *fields, enum upf_field field,
                     upf_str *headers, upf_str *list)
{
    const bool repeated = upf_field_is_repeated(fields, field);

    *headers = repeated ? fields->all : (upf_str){NULL, 0};
    *list    = repeated ? (upf_str){NULL, 0} : upf_field(fields, field);
}

bool upf_fields_list_has(const struct upf_fields *fields, enum upf_field field,
                         upf_str token)
{
    upf_str headers, list, element;

    upf_fields_list(fields, field, &headers, &list);
    while (upf_header_list_next(&headers, &list, names.known[field], &element))
        if (upf_str_same_nocase(element, token))
            return true;
    return false;
}
