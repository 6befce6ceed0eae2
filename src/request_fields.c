/* SPDX-License-Identifier: MIT */
/* request_fields.c - what servers ask of a request: a cookie, a parameter of
 * the query, a bearer token. */

#include <string.h>

#include "http.h"

/* Take the next piece off `text`: what comes before the next `separator`, or
 * all that is left. The call that takes the last piece sets text->data to NULL.
 * The call after that returns false. */
static bool take_piece(upf_str *text, char separator, upf_str *piece)
{
    if (text->data == NULL)
        return false;
    const char *end =
        text->len > 0 ? memchr(text->data, separator, text->len) : NULL;
    *piece = *text;
    if (end == NULL) {
        *text = (upf_str){NULL, 0};
    } else {
        piece->len = (size_t)(end - text->data);
        text->data = end + 1;
        text->len -= piece->len + 1;
    }
    return true;
}

/* Split "name=value". For "name" alone, value->data is NULL. */
static void split_pair(upf_str pair, upf_str *name, upf_str *value)
{
    take_piece(&pair, '=', name);
    *value = pair;
}

/* ---- Cookies (RFC 6265, sections 4.2.1 and 5.4) ------------------------- */

bool upf_cookie_find(upf_str headers, const char *name, upf_str *value)
{
    const upf_str wanted = upf_str_of(name);
    upf_str line, pair, key, content;

    while (upf_header_next_called(&headers, "Cookie", &line)) {
        while (take_piece(&line, ';', &pair)) {
            split_pair(pair, &key, &content);
            if (content.data != NULL &&
                upf_str_same(upf_str_trim(key), wanted)) {
                *value = upf_str_trim(content);
                return true;
            }
        }
    }
    return false;
}

/* ---- Percent-encoding (RFC 3986, section 2.1) --------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Take and decode one character. False for a malformed escape or a NUL. */
static bool take_char(upf_str *text, bool plus_is_space, char *out)
{
    size_t taken = 1;
    char   c     = text->data[0];

    if (c == '%') {
        if (text->len < 3)
            return false;
        const int high = hex_digit(text->data[1]);
        const int low  = hex_digit(text->data[2]);
        if (high < 0 || low < 0)
            return false;
        taken = 3;
        c     = (char)(high * 16 + low);
    } else if (c == '+' && plus_is_space) {
        c = ' ';
    }
    if (c == '\0')
        return false;
    text->data += taken;
    text->len  -= taken;
    *out = c;
    return true;
}

static bool decode(upf_str text, bool plus_is_space, char *out, size_t size,
                   size_t *len)
{
    size_t n = 0;

    if (size == 0)
        return false;
    while (text.len > 0 && n < size - 1 &&
           take_char(&text, plus_is_space, out + n))
        n++;
    if (text.len > 0) {
        out[0] = '\0';
        return false;
    }
    out[n] = '\0';
    if (len != NULL)
        *len = n;
    return true;
}

bool upf_percent_decode(upf_str text, char *out, size_t size, size_t *len)
{
    return decode(text, false, out, size, len);
}

bool upf_form_decode(upf_str text, char *out, size_t size, size_t *len)
{
    return decode(text, true, out, size, len);
}

/* ---- The query ---------------------------------------------------------- */

static bool decodes_to(upf_str text, const char *name)
{
    char c;

    while (text.len > 0)
        if (!take_char(&text, true, &c) || c != *name++)
            return false; /* c is not NUL, so this stays within `name` */
    return *name == '\0';
}

bool upf_query_find(upf_str target, const char *name, upf_str *value)
{
    upf_str path, pair, key, content;

    take_piece(&target, '?', &path);
    while (take_piece(&target, '&', &pair)) {
        split_pair(pair, &key, &content);
        if (pair.len > 0 && decodes_to(key, name)) {
            *value = content.data != NULL ? content
                                          : (upf_str){key.data + key.len, 0};
            return true;
        }
    }
    return false;
}

/* ---- Bearer tokens (RFC 6750, section 2.1) ------------------------------ */

/* Whether `c` may be in a b64token before its padding. */
static bool is_token_char(char c)
{
    const char letter = (char)(c | 0x20);

    return (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '.' || c == '_' || c == '~' || c == '+' || c == '/';
}

static bool is_b64token(upf_str text)
{
    size_t n = 0;

    while (n < text.len && is_token_char(text.data[n]))
        n++;
    if (n == 0)
        return false;
    while (n < text.len && text.data[n] == '=')
        n++;
    return n == text.len;
}

bool upf_bearer_token(upf_str headers, upf_str *token)
{
    upf_str value, scheme = {NULL, 0}, second;

    if (!upf_header_next_called(&headers, "Authorization", &value) ||
        upf_header_next_called(&headers, "Authorization", &second))
        return false;
    take_piece(&value, ' ', &scheme);
    if (!upf_str_equals_nocase(scheme, "Bearer"))
        return false;
    while (value.len > 0 && *value.data == ' ')
        value = (upf_str){value.data + 1, value.len - 1};
    if (!is_b64token(value))
        return false;
    *token = value;
    return true;
}
