/* SPDX-License-Identifier: MIT */
/* http.c - the lines and fields of an HTTP/1 head (RFC 9112). */

#include <string.h>

#include "http.h"
#include "kernels/kernels_text.h"

bool upf_is_field_value(upf_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (upf_is_control_char(text.data[i]) && text.data[i] != '\t')
            return false;
    return true;
}

/* ---- Lines and fields --------------------------------------------------- */

/* If `is_field`, the line may have no control character but HTAB (RFC 9110,
 * section 5.5). */
static bool take_line(upf_str *text, upf_str *line, bool is_field)
{
    const char *at = text->data;
    size_t left = text->len;

    for (; left >= 2; at++, left--) {
        const size_t run = upf_span_without_controls(at, left);
        at   += run;
        left -= run;
        if (left < 2)
            break;
        if (memcmp(at, "\r\n", 2) == 0) {
            *line = (upf_str){text->data, text->len - left};
            *text = (upf_str){at + 2, left - 2};
            return true;
        }
        if (is_field && at[0] != '\t')
            break;
    }
    return false;
}

bool upf_http_line(upf_str *text, upf_str *line)
{
    return take_line(text, line, false);
}

bool upf_http_field_line(upf_str *text, upf_str *line)
{
    return take_line(text, line, true);
}

bool upf_http_field(upf_str line, upf_str *name, upf_str *value)
{
    const size_t n = upf_chars_span(line, UPF_TOKEN_CHARS);

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
        if (upf_str_equals_nocase(field, name)) {
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

bool upf_header_list_next(upf_str *headers, upf_str *list, const char *name,
                          upf_str *element)
{
    while (!upf_list_next(list, element))
        if (!upf_header_next_called(headers, name, list))
            return false;
    return true;
}
