/* SPDX-License-Identifier: MIT */
/* http_fields.c - the header fields that decide a handshake, in one walk. */

#include <string.h>

#include "http.h"
#include "kernels_text.h"

/* ---- Names -------------------------------------------------------------- */

struct known {
    char    name[25]; /* in lower case */
    uint8_t len;      /* 4 to 24 */
};

#define KNOWN(text) {text, sizeof text - 1}

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
 * The one field that a name can be, by five bits of its length and its first
 * letter, in either case: a place of its own for each; 0 in all others is one
 * that it is not, either.
 */
#define PLACE(letter, len) (((letter) + (len)) & 0x1F)

static const uint8_t field_at[32] = {
    [PLACE('c', 10)] = UPF_FIELD_CONNECTION,
    [PLACE('c', 14)] = UPF_FIELD_CONTENT_LENGTH,
    [PLACE('h', 4)]  = UPF_FIELD_HOST,
    [PLACE('o', 6)]  = UPF_FIELD_ORIGIN,
    [PLACE('s', 17)] = UPF_FIELD_KEY,
    [PLACE('s', 21)] = UPF_FIELD_VERSION,
    [PLACE('s', 24)] = UPF_FIELD_EXTENSIONS,
    [PLACE('s', 22)] = UPF_FIELD_PROTOCOL,
    [PLACE('s', 20)] = UPF_FIELD_ACCEPT,
    [PLACE('t', 17)] = UPF_FIELD_TRANSFER_ENCODING,
    [PLACE('u', 7)]  = UPF_FIELD_UPGRADE,
};

static inline bool is_word(const char *text, const char *name)
{
    uint64_t a, b;

    memcpy(&a, text, sizeof a);
    memcpy(&b, name, sizeof b);
    return (a | UINT64_C(0x2020202020202020)) == b;
}

static inline bool is_half_word(const char *text, const char *name)
{
    uint32_t a, b;

    memcpy(&a, text, sizeof a);
    memcpy(&b, name, sizeof b);
    return (a | 0x20202020) == b;
}

/* Whether text[0, field->len), a token, is that name: with 0x20 set, a letter
 * is that letter in either case. Parts of it may be looked at twice. */
static inline bool is_name(const char *text, const struct known *field)
{
    const char *const name = field->name;
    const size_t len = field->len;

    if (len < 8)
        return is_half_word(text, name) &&
               is_half_word(text + len - 4, name + len - 4);
    return is_word(text, name) && is_word(text + len - 8, name + len - 8) &&
           (len <= 16 || is_word(text + 8, name + 8));
}

static inline enum upf_field field_called(upf_str name)
{
    const uint8_t i = field_at[PLACE((unsigned char)*name.data, name.len)];

    return known[i].len == name.len && is_name(name.data, &known[i])
               ? (enum upf_field)i : UPF_FIELDS;
}

enum upf_field upf_field_called(upf_str name)
{
    return name.len > 0 ? field_called(name) : UPF_FIELDS;
}

/* ---- The walk ----------------------------------------------------------- */

/* The length of the name that text[0, len) begins with, a token that the colon
 * follows at once (RFC 9112, section 5.1); or 0. */
static inline size_t name_length(const char *text, size_t len)
{
    size_t n = upf_run_of_letters(text, len);

    if (text[n] == ':')
        return n;
    n = upf_chars_run((upf_str){text, len}, UPF_TOKEN_CHARS);
    return n < len && text[n] == ':' ? n : 0;
}

/* Go over the CR LF that ends a line. NULL if there is none, or if a control
 * character other than HTAB comes first (RFC 9110, section 5.5). */
static inline const char *end_line(struct upf_controls *walk)
{
    const char *at;

    /* The walk ends before the last byte of the text, so there is at[1]. */
    while ((at = upf_next_control(walk)) != walk->end) {
        if (memcmp(at, "\r\n", 2) == 0) {
            upf_skip_control(walk, 2);
            return at;
        }
        if (*at != '\t')
            break;
        upf_skip_control(walk, 1);
    }
    return NULL;
}

static bool is_visible(char c)
{
    return (unsigned char)c > ' ';
}

static inline void note_field(struct upf_fields *fields, enum upf_field field,
                              upf_str value)
{
    const unsigned bit = 1u << field;

    if ((fields->seen & bit) != 0) {
        fields->repeated |= bit;
        return;
    }
    fields->seen |= bit;
    if (value.len > 1 && value.data[0] == ' ' && is_visible(value.data[1]) &&
        is_visible(value.data[value.len - 1])) /* as nearly everybody writes */
        value = (upf_str){value.data + 1, value.len - 1};
    else
        value = upf_str_trim(value);
    fields->value[field] = value;
}

bool upf_fields_take(upf_str *text, struct upf_fields *fields)
{
    const char *const start = text->data, *const end = start + text->len;
    const char *line = start, *behind;
    size_t lines = 0, longest = 0;

    struct upf_controls walk =
        upf_controls_in(start, text->len - (text->len > 0));
    fields->seen = fields->repeated = 0;
    while ((behind = end_line(&walk)) != NULL && behind != line) {
        const size_t len = (size_t)(behind - line);
        const size_t n   = name_length(line, (size_t)(end - line));
        if (n == 0)
            break;
        const enum upf_field field = field_called((upf_str){line, n});
        if (field != UPF_FIELDS)
            note_field(fields, field, (upf_str){line + n + 1, len - n - 1});
        lines++;
        if (len > longest)
            longest = len;
        line = behind + 2;
    }
    fields->all     = (upf_str){start, (size_t)(line - start)};
    fields->lines   = lines;
    fields->longest = longest;
    if (behind != line)
        return false;
    *text = (upf_str){line + 2, (size_t)(end - line) - 2};
    return true;
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
    while (upf_header_list_split(&headers, &list, known[field].name, &element))
        if (upf_str_equal_nocase(element, token))
            return true;
    return false;
}
