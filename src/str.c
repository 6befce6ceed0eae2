/* SPDX-License-Identifier: MIT */
/* str.c - text: sets of its characters, lists of its elements. */

#include <string.h>

#include "str.h"

/* ---- Text --------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t'; /* OWS, RFC 9110, section 5.6.3 */
}

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
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

bool upf_str_same_nocase(upf_str a, upf_str b)
{
    if (a.len != b.len)
        return false;
    if (a.len == 0 || upf_str_same(a, b))
        return true; /* mostly names are written as in the RFCs */
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

bool upf_str_equals(upf_str text, const char *literal)
{
    const upf_str other = upf_str_of(literal);

    return text.len == other.len &&
           (other.len == 0 || upf_str_same(text, other));
}

bool upf_str_equals_nocase(upf_str text, const char *literal)
{
    return upf_str_same_nocase(text, upf_str_of(literal));
}

/* Volatile: a compiler must not stop at the first difference. */
bool upf_str_equals_secret(upf_str text, const void *secret, size_t len)
{
    const volatile uint8_t *ours = secret;
    volatile uint8_t differences = 0;

    if (text.len != len || len == 0)
        return false;
    for (size_t i = 0; i < len; i++)
        differences |= (uint8_t)((uint8_t)text.data[i] ^ ours[i]);
    return differences == 0;
}

/* ---- Characters --------------------------------------------------------- */

/*
 * Sets as upf_kernels.span wants them: byte i has a bit for each character
 * whose code ends in the hex digit i. The lowest two bits are for control
 * characters. The others, up to the highest, are for the i-th characters of
 *  !"#$%&'()*+,-./  0123456789:;<=>?  @ABC..NO  PQRS..^_  `abc..no  pqrs..~
 */
const uint8_t upf_chars[][16] = {
    [UPF_TOKEN_CHARS] = {
        0xE8, 0xFC, 0xF8, 0xFC, 0xFC, 0xFC, 0xFC, 0xFC,
        0xF8, 0xF8, 0xF4, 0x54, 0xD0, 0x54, 0xF4, 0x70},
    [UPF_HOST_CHARS] = {
        0xA8, 0xFC, 0xF8, 0xF8, 0xFC, 0xF8, 0xFC, 0xFC,
        0xFC, 0xFC, 0xF4, 0x5C, 0x54, 0x5C, 0xD4, 0x70},
    [UPF_TARGET_CHARS] = {
        0xF8, 0xFC, 0xFC, 0xF8, 0xFC, 0xFC, 0xFC, 0xFC,
        0xFC, 0xFC, 0xFC, 0xFC, 0xFC, 0xFC, 0xFC, 0x7C},
    [UPF_BASE64_CHARS] = {
        0xA8, 0xF8, 0xF8, 0xF8, 0xF8, 0xF8, 0xF8, 0xF8,
        0xF8, 0xF8, 0xF0, 0x54, 0x50, 0x50, 0x50, 0x54},
};

bool upf_is_token(upf_str text)
{
    return text.len > 0 && upf_chars_span(text, UPF_TOKEN_CHARS) == text.len;
}

bool upf_are_tokens(const char *const *list)
{
    for (; list != NULL && *list != NULL; list++)
        if (!upf_is_token(upf_str_of(*list)))
            return false;
    return true;
}

/* ---- Comma-separated lists ---------------------------------------------- */

/* Take an element, which may be empty, off the list. False after the last. */
static bool split_list(upf_str *list, upf_str *element)
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
    while (split_list(list, element))
        if (element->len > 0)
            return true;
    return false;
}

bool upf_list_has(upf_str list, const char *token)
{
    upf_str element;

    while (upf_list_next(&list, &element))
        if (upf_str_equals_nocase(element, token))
            return true;
    return false;
}
