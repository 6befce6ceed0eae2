/* SPDX-License-Identifier: MIT */
/*
 * fuzz_fields.c - what servers ask of a request, against a naive reading.
 *
 * The input is four strings with a NUL between them: a name, a query, cookies,
 * credentials.
 */

#include <string.h>

#include <upframe/handshake.h>

#include "check.h"
#include "script.h"

enum { NAME, QUERY, COOKIES, CREDENTIALS, STRINGS };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int hex_of(char c)
{
    const char *digits = "0123456789abcdef", *at;

    if (c >= 'A' && c <= 'F')
        c = (char)(c - 'A' + 'a');
    at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* One character at a time; false: it is encoded wrongly, or has a NUL. */
static bool decode(const char *text, size_t len, bool form, char *out)
{
    size_t i = 0;

    while (i < len) {
        int c = text[i++];
        if (c == '+' && form) {
            c = ' ';
        } else if (c == '%') {
            if (len - i < 2 || hex_of(text[i]) < 0 || hex_of(text[i + 1]) < 0)
                return false;
            c = hex_of(text[i]) << 4 | hex_of(text[i + 1]);
            i += 2;
        }
        if (c == 0)
            return false;
        *out++ = (char)c;
    }
    *out = '\0';
    return true;
}

static void check_decoded(const char *text, bool form)
{
    const size_t  len    = strlen(text);
    const upf_str string = {text, len};
    char         *ours   = exact_copy(text, len + 1);
    char         *theirs = exact_copy(text, len + 1);
    size_t        n      = 0;
    const bool    sound  = decode(text, len, form, ours);
    const bool    taken  = form ? upf_form_decode(string, theirs, len + 1, &n)
                                : upf_percent_decode(string, theirs, len + 1,
                                                     &n);

    CHECK(taken == sound, "%s is%s encoded", text, sound ? "" : " not");
    CHECK(!sound || (n == strlen(ours) && strcmp(ours, theirs) == 0),
          "%s instead of %s", theirs, ours);
    CHECK(sound || theirs[0] == '\0', "something is left");
    CHECK(!sound || !(form ? upf_form_decode : upf_percent_decode)(
                        string, theirs, n, NULL),
          "no room for the NUL");
    free(ours);
    free(theirs);
}

/* The first pair of the query whose name is the wanted one, decoded. */
static void check_query(const char *name, const char *target)
{
    const char *at = strchr(target, '?');
    upf_str     value, wanted = {NULL, 0};

    while (at != NULL && wanted.data == NULL) {
        const char  *pair = at + 1;
        const size_t len  = strcspn(pair, "&");
        const char  *sign = memchr(pair, '=', len);
        const size_t n    = sign != NULL ? (size_t)(sign - pair) : len;
        char        *clear = exact_copy(pair, n + 1);

        if (len > 0 && decode(pair, n, true, clear) && strcmp(clear, name) == 0)
            wanted = sign != NULL ? (upf_str){sign + 1, len - n - 1}
                                  : (upf_str){pair + len, 0};
        free(clear);
        at = pair[len] == '&' ? pair + len : NULL;
    }
    const bool found =
        upf_query_find((upf_str){target, strlen(target)}, name, &value);
    CHECK(found == (wanted.data != NULL), "%s in %s: %d", name, target, found);
    CHECK(!found || (value.len == wanted.len &&
                     (value.len == 0 || value.data == wanted.data)),
          "another value of %s in %s", name, target);
}

/* ---- Header fields ------------------------------------------------------ */

/* Sound lines: what no header may hold is left out. */
static void put_field(struct bytes *to, const char *name, const char *value)
{
    bytes_add(to, name, strlen(name));
    bytes_add(to, ": ", 2);
    for (; *value != '\0'; value++)
        if ((uint8_t)*value >= ' ' && *value != 0x7F)
            bytes_add(to, value, 1);
    bytes_add(to, "\r\n", 2);
}

/* Two lines of cookies, cut where there is an LF, and another in between. */
static void put_cookies(struct bytes *to, const char *cookies,
                        const char *credentials)
{
    const size_t len   = strcspn(cookies, "\n");
    char        *first = exact_copy(cookies, len + 1);

    first[len] = '\0';
    put_field(to, "Cookie", first);
    put_field(to, "Authorization", credentials);
    put_field(to, "cookie", cookies + len);
    bytes_add(to, "", 1); /* for our own reading */
    to->len--;
    free(first);
}

static void check_within(upf_str part, const struct bytes *whole)
{
    const uintptr_t start = (uintptr_t)whole->data;
    const uintptr_t at    = (uintptr_t)part.data;

    CHECK(at >= start && at - start <= whole->len &&
              part.len <= whole->len - (at - start),
          "it lies elsewhere");
}

/* [from, to) without blanks around it. */
static upf_str trimmed(const char *from, const char *to)
{
    while (from < to && *from == ' ')
        from++;
    while (from < to && to[-1] == ' ')
        to--;
    return (upf_str){from, (size_t)(to - from)};
}

/* The first of that name in a line of cookies. */
static bool read_cookie(const char *line, const char *name, upf_str *value)
{
    for (;; line++) {
        const size_t len  = strcspn(line, ";\r");
        const char  *sign = memchr(line, '=', len);

        if (sign != NULL && upf_str_equals(trimmed(line, sign), name)) {
            *value = trimmed(sign + 1, line + len);
            return true;
        }
        line += len;
        if (*line != ';')
            return false;
    }
}

/* All of them are on lines of their own, which begin with a C, large or not. */
static void check_cookie(const struct bytes *headers, const char *name)
{
    const upf_str all  = {(const char *)headers->data, headers->len};
    const char   *line = all.data;
    upf_str       value, wanted;
    bool          is_there = false;

    for (; !is_there && *line != '\0'; line = strchr(line, '\n') + 1)
        is_there = (*line | 0x20) == 'c' &&
                   read_cookie(line + strlen("Cookie: "), name, &wanted);
    const bool found = upf_cookie_find(all, name, &value);
    CHECK(found == is_there, "%s: %d", name, found);
    if (!found)
        return;
    check_within(value, headers);
    CHECK(value.len == wanted.len &&
              (value.len == 0 || value.data == wanted.data),
          "another value of %s: %.*s", name, (int)value.len, value.data);
}

static void check_bearer(const struct bytes *headers)
{
    const upf_str all = {(const char *)headers->data, headers->len};
    upf_str       token;

    if (!upf_bearer_token(all, &token))
        return;
    check_within(token, headers);
    CHECK(token.len > 0, "an empty token");
    for (size_t i = 0; i < token.len; i++)
        CHECK(token.data[i] > ' ' && token.data[i] < 0x7F &&
                  strchr("\",;\\()<>@[]{}?:", token.data[i]) == NULL,
              "character %d", token.data[i]);
    CHECK(upf_str_equals_secret(token, token.data, token.len) &&
              !upf_str_equals_secret(token, token.data, token.len - 1) &&
              !upf_str_equals_secret(token, "", 0),
          "it is not itself");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char        *text = exact_copy("", 0);
    const char  *strings[STRINGS];
    struct bytes headers = {0};

    text = realloc(text, len + 1);
    CHECK(text != NULL, "no memory for %zu", len);
    if (len > 0)
        memcpy(text, data, len);
    text[len] = '\0';
    size_t at = 0;
    for (int i = 0; i < STRINGS; i++) {
        strings[i] = text + at;
        at += strlen(text + at);
        at += at < len;
    }
    check_decoded(strings[QUERY], false);
    check_decoded(strings[QUERY], true);
    check_query(strings[NAME], strings[QUERY]);
    put_cookies(&headers, strings[COOKIES], strings[CREDENTIALS]);
    check_cookie(&headers, strings[NAME]);
    check_bearer(&headers);
    (void)upf_list_has((upf_str){strings[COOKIES], strlen(strings[COOKIES])},
                       strings[NAME]);
    CHECK(upf_str_equals((upf_str){strings[NAME], strlen(strings[NAME])},
                         strings[NAME]),
          "it is not itself");
    bytes_free(&headers);
    free(text);
    return 0;
}
