/* SPDX-License-Identifier: MIT */
/* http.h - a bounded HTTP/1 head: find its end, split it (RFC 9112). */
#ifndef UPF_HTTP_H
#define UPF_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <upframe/handshake.h>
#include "kernels.h"

struct upf_head_limits {
    uint32_t bytes; /* the whole head, blank line included */
    uint32_t line;  /* one line, its CR LF not counted */
    uint32_t lines; /* header lines, at most 65,535 */
};

/*
 * Look for the end of a head that arrives in pieces, each byte seen once.
 *
 *   scan    zeroed before the first piece
 *   taken   written always: bytes of `data` that belong to the head, or the
 *           index of the byte that is at fault
 *
 * Returns UPF_OK when the blank line was seen, UPF_NEED_MORE, UPF_ERR_HTTP at
 * the first byte that no head can hold (bare CR or LF, NUL and other control
 * characters; RFC 9112, sections 2.2 and 5), UPF_ERR_HEAD_TOO_BIG. One empty
 * line before the first line is let pass (section 2.2).
 */
upf_status upf_head_scan(struct upf_head_scan         *scan,
                         const struct upf_head_limits *limits,
                         const uint8_t *data, size_t len, size_t *taken);

/* Whether the byte that comes next, or was at fault, is of the first line. */
bool upf_head_is_in_first_line(const struct upf_head_scan *scan);

/*
 * Take one line, up to CR LF, off `text`. Returns false when there is none; or,
 * of a header line, when another control character than HTAB comes first
 * (RFC 9110, section 5.5).
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
 * Split a header line, "name: value" (RFC 9112, section 5.1): the name is a
 * token that the colon follows at once, no folding; the value loses surrounding
 * white space.
 */
bool upf_http_field(upf_str line, upf_str *name, upf_str *value);

/* Take the next field called `name`, and all before it, off `headers`. */
bool upf_header_next_called(upf_str *headers, const char *name, upf_str *value);

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
    UPF_FIELDS /* how many; or: another field */
};

enum upf_field upf_field_called(upf_str name); /* of a token */

/* What one walk over the header lines finds. */
struct upf_fields {
    upf_str  all;               /* the lines */
    size_t   lines;             /* how many */
    unsigned seen;              /* 1 << field: there is one */
    unsigned repeated;          /* 1 << field: there are more than one */
    upf_str  value[UPF_FIELDS]; /* the first one's, if it was seen */
};

/*
 * Take header lines off `text` up to the blank line, and that too. False: a
 * line is not as upf_http_field() wants it, or `text` ends before the blank
 * line; `fields` has what was found before.
 */
bool upf_fields_take(upf_str *text, struct upf_fields *fields);

/* The value of the first such field; data is NULL: there is none. */
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

#define UPF_LITERAL(text) ((upf_str){"" text, sizeof(text) - 1})

/* Whether texts that are there are the same; of a literal it takes no call. */
static inline bool upf_str_same(upf_str text, upf_str other)
{
    return text.len == other.len &&
           memcmp(text.data, other.data, other.len) == 0;
}

bool upf_fields_list_has(const struct upf_fields *fields, enum upf_field field,
                         upf_str token);

/* Whether the fields of one name, as one list, have `token`, case ignored. */
static inline bool upf_fields_have(const struct upf_fields *fields,
                                   enum upf_field field, upf_str token)
{
    return upf_str_same(upf_field(fields, field), token) || /* as usual */
           upf_fields_list_has(fields, field, token);
}

/* Characters that may stand in ... */
enum upf_chars {
    UPF_TOKEN_CHARS,  /* a token (RFC 9110, section 5.6.2) */
    UPF_HOST_CHARS,   /* a host's name, '%' aside (RFC 3986, 3.2.2) */
    UPF_TARGET_CHARS, /* a request target: what is visible but '#' */
    UPF_BASE64_CHARS  /* base64, padding aside (RFC 4648, section 4) */
};

extern const uint8_t upf_chars[][16]; /* as upf_kernels()->run wants them */

/* How many characters at the beginning of `text` are such. */
static inline size_t upf_chars_run(upf_str text, enum upf_chars wanted)
{
    return upf_kernels()->run(text.data, text.len, upf_chars[wanted]);
}

bool upf_is_token(upf_str text);
bool upf_are_tokens(const char *const *list); /* ends with NULL, or is NULL */

/* A header value that can be sent: no CR, LF, NUL or other control but HTAB. */
bool upf_is_field_value(upf_str text);

/*
 * Take the next element off a comma-separated list, without the white space
 * around it. Empty ones are ignored (RFC 9110, section 5.6.1.2). After the
 * last, list->data is NULL.
 */
bool upf_list_next(upf_str *list, upf_str *element);

/*
 * Likewise off all fields called `name`, which count as one list (RFC 9110,
 * section 5.3). Start with *list = {NULL, 0} and *headers = the head's lines,
 * or with upf_fields_list().
 */
bool upf_header_list_next(upf_str *headers, upf_str *list, const char *name,
                          upf_str *element);
void upf_fields_list(const struct upf_fields *fields, enum upf_field field,
                     upf_str *headers, upf_str *list);

upf_str upf_str_trim(upf_str text);
upf_str upf_str_of(const char *text); /* NULL gives {NULL, 0} */
bool    upf_str_same_nocase(upf_str a, upf_str b);

#endif
