/* SPDX-License-Identifier: MIT */
/* http.c - split an HTTP/1 head (RFC 9112). */

#include <string.h>

#include "http.h"
#include "kernels_text.h"

/* ---- Characters ------------------------------------------------------- */

/* The sum of the classes that each character is in (enum upf_chars). */
static const uint8_t classes[256] = {
     0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
     0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
     0, 7, 4, 1, 7, 5, 7, 7, 6, 6, 7,15, 6, 7, 7,12, /*  !"#$%&'()*+,-./ */
    15,15,15,15,15,15,15,15,15,15, 4, 6, 4, 6, 4, 4, /* 0123456789:;<=>? */
     4,15,15,15,15,15,15,15,15,15,15,15,15,15,15,15, /* @ABCDEFGHIJKLMNO */
    15,15,15,15,15,15,15,15,15,15,15, 4, 4, 4, 5, 7, /* PQRSTUVWXYZ[\]^_ */
     5,15,15,15,15,15,15,15,15,15,15,15,15,15,15,15, /* `abcdefghijklmno */
    15,15,15,15,15,15,15,15,15,15,15, 4, 5, 4, 7, 0, /* pqrstuvwxyz{|}~ */
    /* and nothing from 0x80 on */
};

size_t upf_chars_run(upf_str text, enum upf_chars wanted)
{
    size_t n = 0;

    for (; n < text.len / 4 * 4; n += 4) {
        const uint8_t *c = (const uint8_t *)text.data + n;
        if ((classes[c[0]] & classes[c[1]] & classes[c[2]] & classes[c[3]] &
             wanted) == 0)
            break;
    }
    while (n < text.len && (classes[(uint8_t)text.data[n]] & wanted) != 0)
        n++;
    return n;
}

bool upf_is_token(upf_str text)
{
    return text.len > 0 && upf_chars_run(text, UPF_TOKEN_CHARS) == text.len;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t'; /* OWS, RFC 9110, section 5.6.3 */
}

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

/* ---- Text ------------------------------------------------------------- */

upf_str upf_str_of(const char *text)
{
    return (upf_str){text, text ? strlen(text) : 0};
}

static inline upf_str trim(upf_str text)
{
    if (text.len > 0 && *text.data == ' ') { /* the usual one */
        text.data++;
        text.len--;
    }
    if (text.len > 0 && !is_space(*text.data) &&
        !is_space(text.data[text.len - 1]))
        return text;
    return upf_str_trim(text);
}

upf_str upf_str_trim(upf_str text)
{
    while (text.len > 0 && is_space(text.data[0])) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && is_space(text.data[text.len - 1]))
        text.len--;
    return text;
}

bool upf_str_equal(upf_str a, upf_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool upf_str_equal_nocase(upf_str a, upf_str b)
{
    if (a.len != b.len)
        return false;
    if (upf_str_equal(a, b))
        return true; /* nearly everybody writes names as the RFCs do */
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

bool upf_str_is(upf_str text, const char *literal)
{
    return upf_str_equal_nocase(text, upf_str_of(literal));
}

bool upf_is_field_value(upf_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (upf_is_control(text.data[i]) && text.data[i] != '\t')
            return false;
    return true;
}

/* ---- Lines and fields ------------------------------------------------- */

bool upf_http_line(upf_str *text, upf_str *line)
{
    size_t n = 0;

    while (n < text->len) {
        const char *lf = memchr(text->data + n, '\n', text->len - n);
        if (lf == NULL)
            return false;
        n = (size_t)(lf - text->data) + 1;
        if (n >= 2 && lf[-1] == '\r') {
            *line = (upf_str){text->data, n - 2};
            text->data += n;
            text->len  -= n;
            return true;
        }
    }
    return false;
}

static inline bool take_line(upf_str *text, upf_str *line)
{
    const char *at = text->data;
    size_t left = text->len;

    if (at == NULL) /* no lines at all: nothing may be added to that */
        return false;
    for (;; at++, left--) {
        const size_t run = left > 0 ? upf_run_without_controls(at, left) : 0;
        at   += run;
        left -= run;
        if (left < 2)
            return false;
        if (at[0] == '\r')
            break;
        if (at[0] != '\t')
            return false;
    }
    if (at[1] != '\n')
        return false;
    *line = (upf_str){text->data, text->len - left};
    *text = (upf_str){at + 2, left - 2};
    return true;
}

bool upf_http_field_line(upf_str *text, upf_str *line)
{
    return take_line(text, line);
}

bool upf_http_version(const char *text, int *major, int *minor)
{
    if (memcmp(text, "HTTP/", 5) != 0 || !is_digit(text[5]) ||
        text[6] != '.' || !is_digit(text[7]))
        return false;
    *major = text[5] - '0';
    *minor = text[7] - '0';
    return true;
}

bool upf_http_field(upf_str line, upf_str *name, upf_str *value)
{
    const size_t n = upf_chars_run(line, UPF_TOKEN_CHARS);

    if (n == 0 || n == line.len || line.data[n] != ':')
        return false;

    *name  = (upf_str){line.data, n};
    *value = upf_str_trim((upf_str){line.data + n + 1, line.len - n - 1});
    return true;
}

bool upf_header_next(upf_str *headers, upf_str *name, upf_str *value)
{
    upf_str line;

    return upf_http_field_line(headers, &line) &&
           upf_http_field(line, name, value);
}

bool upf_header_next_called(upf_str *headers, const char *name, upf_str *value)
{
    upf_str field, content;

    while (upf_header_next(headers, &field, &content)) {
        if (upf_str_is(field, name)) {
            *value = content;
            return true;
        }
    }
    return false;
}

bool upf_header_find(upf_str headers, const char *name, upf_str *value)
{
    return upf_header_next_called(&headers, name, value);
}

/* ---- The fields of a handshake ---------------------------------------- */

struct known {
    char    name[25]; /* in lower case */
    uint8_t len;      /* at least 4 */
};

#define KNOWN(text) {text, sizeof text - 1}

/* In the order of enum upf_field, which is that of their first letters. */
static const struct known known[UPF_FIELDS] = {
    [UPF_FIELD_CONNECTION]        = KNOWN("connection"),
    [UPF_FIELD_CONTENT_LENGTH]    = KNOWN("content-length"),
    [UPF_FIELD_HOST]              = KNOWN("host"),
    [UPF_FIELD_ORIGIN]            = KNOWN("origin"),
    [UPF_FIELD_KEY]               = KNOWN("sec-websocket-key"),
    [UPF_FIELD_VERSION]           = KNOWN("sec-websocket-version"),
    [UPF_FIELD_EXTENSIONS]        = KNOWN("sec-websocket-extensions"),
    [UPF_FIELD_PROTOCOL]          = KNOWN("sec-websocket-protocol"),
    [UPF_FIELD_ACCEPT]            = KNOWN("sec-websocket-accept"),
    [UPF_FIELD_TRANSFER_ENCODING] = KNOWN("transfer-encoding"),
    [UPF_FIELD_UPGRADE]           = KNOWN("upgrade"),
};

/*
 * Those whose name begins with a letter are known[begin[i], begin[i + 1]); i is
 * 5 bits of the letter, the same in either case.
 */
static const uint8_t begin[33] = {
    0, 0, 0, 0, 2, 2, 2, 2, 2, 3, 3, 3,  3,  3,  3,  3,  /*  abcdefghijklmno */
    4, 4, 4, 4, 9, 10, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11,
};

/*
 * Whether text[0, field->len) is that name, if it holds no control characters:
 * with 0x20 set, a letter is that letter in either case, and '-' is '-' or CR.
 */
static inline bool is_name(const char *text, const struct known *field)
{
    const char *name = field->name;
    const size_t len = field->len;
    uint64_t a, b;
    uint32_t c, d;

    if (len < sizeof a) {
        memcpy(&c, text, sizeof c);
        memcpy(&d, name, sizeof d);
        a = c, b = d;
        memcpy(&c, text + len - sizeof c, sizeof c);
        memcpy(&d, name + len - sizeof d, sizeof d);
        return (a | 0x20202020) == b && (c | 0x20202020) == d;
    }
    for (size_t i = 0; i + sizeof a < len; i += sizeof a) {
        memcpy(&a, text + i, sizeof a);
        memcpy(&b, name + i, sizeof b);
        if ((a | UINT64_C(0x2020202020202020)) != b)
            return false;
    }
    memcpy(&a, text + len - sizeof a, sizeof a);
    memcpy(&b, name + len - sizeof b, sizeof b);
    return (a | UINT64_C(0x2020202020202020)) == b;
}

/* The field that `line` is. */
static enum upf_field field_of(upf_str line)
{
    const unsigned letter = line.data[0] & 0x1F;
    unsigned i = begin[letter];

    for (; i < begin[letter + 1]; i++)
        if (known[i].len < line.len && line.data[known[i].len] == ':' &&
            is_name(line.data, &known[i]))
            return (enum upf_field)i;
    return UPF_FIELDS;
}

enum upf_field upf_field_called(upf_str name)
{
    unsigned i = 0;

    while (i < UPF_FIELDS && !upf_str_is(name, known[i].name))
        i++;
    return (enum upf_field)i;
}

static bool note_field(struct upf_fields *fields, upf_str line)
{
    const enum upf_field field = field_of(line);

    if (field == UPF_FIELDS) {
        size_t n = 0;
        while ((classes[(uint8_t)line.data[n]] & UPF_TOKEN_CHARS) != 0)
            n++; /* the CR behind the line is none */
        return n > 0 && line.data[n] == ':';
    }
    const unsigned bit = 1u << field;
    if ((fields->seen & bit) != 0) {
        fields->repeated |= bit;
        return true;
    }
    fields->seen |= bit;
    const size_t n = known[field].len + 1u;
    fields->value[field] = trim((upf_str){line.data + n, line.len - n});
    return true;
}

bool upf_fields_take(upf_str *text, struct upf_fields *fields)
{
    const char *start = text->data;
    upf_str rest = *text, line;
    size_t lines = 0, longest = 0;

    fields->seen = fields->repeated = 0;
    while (rest.len >= 2 && *rest.data != '\r') {
        if (!take_line(&rest, &line) || !note_field(fields, line))
            return false;
        lines++;
        if (line.len > longest)
            longest = line.len;
    }
    fields->all     = (upf_str){start, (size_t)(rest.data - start)};
    fields->lines   = lines;
    fields->longest = longest;
    *text = rest;
    return upf_http_field_line(text, &line);
}

/* ---- Comma-separated lists -------------------------------------------- */

bool upf_list_split(upf_str *list, upf_str *element)
{
    if (list->data == NULL)
        return false;

    const char *comma =
        list->len > 0 ? memchr(list->data, ',', list->len) : NULL;
    if (comma == NULL) {
        *element = upf_str_trim(*list);
        *list    = (upf_str){NULL, 0};
    } else {
        const size_t n = (size_t)(comma - list->data);
        *element = upf_str_trim((upf_str){list->data, n});
        list->data += n + 1;
        list->len  -= n + 1;
    }
    return true;
}

bool upf_list_next(upf_str *list, upf_str *element)
{
    while (upf_list_split(list, element))
        if (element->len > 0)
            return true;
    return false;
}

bool upf_list_has(upf_str list, const char *token)
{
    upf_str element;

    while (upf_list_next(&list, &element))
        if (upf_str_is(element, token))
            return true;
    return false;
}

bool upf_header_list_split(upf_str *headers, upf_str *list, const char *name,
                           upf_str *element)
{
    while (!upf_list_split(list, element))
        if (!upf_header_next_called(headers, name, list))
            return false;
    return true;
}

void upf_fields_list(const struct upf_fields *fields, enum upf_field field,
                     upf_str *headers, upf_str *list)
{
    const bool repeated = upf_field_is_repeated(fields, field);

    *headers = repeated ? fields->all : (upf_str){NULL, 0};
    *list    = repeated ? (upf_str){NULL, 0} : upf_field(fields, field);
}

bool upf_fields_have(const struct upf_fields *fields, enum upf_field field,
                     upf_str token)
{
    upf_str headers, list, element;

    if (upf_str_equal(upf_field(fields, field), token))
        return true; /* the usual case */
    upf_fields_list(fields, field, &headers, &list);
    while (upf_header_list_split(&headers, &list, known[field].name, &element))
        if (upf_str_equal_nocase(element, token))
            return true;
    return false;
}
