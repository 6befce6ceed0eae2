/* SPDX-License-Identifier: MIT */
/*
 * handshake.c - what requests and responses of the opening handshake share: the
 * key and its answer (RFC 6455, section 4.2.2), lists of extensions (section
 * 9.1).
 */

#include <string.h>

#include "base64.h"
#include "handshake.h"
#include "http.h"

enum { KEY_BYTES = 16 };

_Static_assert(UPF_KEY_LEN == UPF_BASE64_LEN(KEY_BYTES), "section 4.1");
_Static_assert(UPF_ACCEPT_LEN == UPF_BASE64_LEN(UPF_SHA1_SIZE), "4.2.2");

/* ---- Key and accept ----------------------------------------------------- */

/*
 * 16 bytes are 22 characters and the padding "==". The last 4 bits belong to no
 * byte and may have any value: the key in the example of section 4.1 ends in
 * "EC==", where an encoder would write "EA==".
 */
bool upf_is_key(upf_str key)
{
    const upf_str digits = {key.data, UPF_KEY_LEN - 2};

    return key.len == UPF_KEY_LEN &&
           upf_chars_span(digits, UPF_BASE64_CHARS) == digits.len &&
           memcmp(key.data + digits.len, "==", 2) == 0;
}

void upf_accept_digest(const char key[UPF_KEY_LEN],
                       uint8_t    digest[UPF_SHA1_SIZE])
{
    /* Section 1.3 */
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    _Static_assert(UPF_KEY_LEN == 24 && sizeof guid - 1 == 36, "sixty");
    upf_sha1_60((const uint8_t *)key, (const uint8_t *)guid, digest);
}

upf_status upf_accept_key(const char *key, size_t key_len,
                          char accept[UPF_ACCEPT_LEN + 1])
{
    uint8_t digest[UPF_SHA1_SIZE];

    if (!upf_is_key((upf_str){key, key_len}))
        return UPF_ERR_KEY;
    upf_accept_digest(key, digest);
    upf_base64_encode(digest, sizeof digest, accept);
    accept[UPF_ACCEPT_LEN] = '\0';
    return UPF_OK;
}

/* ---- Extensions --------------------------------------------------------- */

static void skip(upf_str *text, size_t n)
{
    text->data += n;
    text->len  -= n;
}

static bool skip_char(upf_str *text, char c)
{
    if (text->len == 0 || text->data[0] != c)
        return false;
    skip(text, 1);
    return true;
}

static void skip_space(upf_str *text)
{
    while (skip_char(text, ' ') || skip_char(text, '\t'))
        ;
}

static bool take_token(upf_str *text, upf_str *token)
{
    *token = (upf_str){text->data, upf_chars_span(*text, UPF_TOKEN_CHARS)};
    skip(text, token->len);
    return token->len > 0;
}

/*
 * Take token [ "=" (token | quoted-string) ] (section 9.1), and the white space
 * around it, off `text`. What is quoted must be a token, too. An escape within
 * the quotes is refused: no token needs one, and nobody sends them.
 */
static bool take_param(upf_str *text, upf_str *name, upf_str *value)
{
    *value = (upf_str){NULL, 0};
    skip_space(text);
    if (!take_token(text, name))
        return false;
    skip_space(text);
    if (skip_char(text, '=')) {
        skip_space(text);
        const bool quoted = skip_char(text, '"');
        if (!take_token(text, value) || (quoted && !skip_char(text, '"')))
            return false;
        skip_space(text);
    }
    return true;
}

/* After an element: skip the separator, or set text->data to NULL if the text
 * ends here. False if anything else stands in the separator's place. */
static bool go_on(upf_str *text, char separator)
{
    if (text->len > 0)
        return skip_char(text, separator);
    text->data = NULL;
    return true;
}

bool upf_param_next(upf_str *params, upf_str *name, upf_str *value)
{
    return params->data != NULL && take_param(params, name, value) &&
           go_on(params, ';');
}

static upf_status take_extension(upf_str *list, upf_str *name, upf_str *params)
{
    upf_str param, value;

    if (!take_param(list, name, &value) || value.data != NULL)
        return UPF_ERR_EXTENSION;

    *params = (upf_str){NULL, 0};
    if (skip_char(list, ';')) {
        params->data = list->data;
        do {
            if (!take_param(list, &param, &value))
                return UPF_ERR_EXTENSION;
        } while (skip_char(list, ';'));
        params->len = (size_t)(list->data - params->data);
    }
    return go_on(list, ',') ? UPF_OK : UPF_ERR_EXTENSION;
}

static bool next_list(upf_str *headers, upf_str *list)
{
    return headers->len > 0 &&
           upf_header_next_called(headers, "Sec-WebSocket-Extensions", list);
}

upf_status upf_extension_next(upf_str *headers, upf_str *list, upf_str *name,
                              upf_str *params)
{
    if (list->data == NULL && !next_list(headers, list))
        return UPF_DONE;
    return take_extension(list, name, params);
}

upf_status upf_extension_next_offer(upf_str *headers, upf_str *list,
                                    upf_str *name, upf_str *params)
{
    for (;;) {
        while (skip_char(list, ',') || skip_char(list, ' ') ||
               skip_char(list, '\t'))
            ;
        if (list->len > 0)
            return take_extension(list, name, params);
        if (!next_list(headers, list))
            return UPF_DONE;
    }
}
