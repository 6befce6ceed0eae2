/* SPDX-License-Identifier: MIT */
/* show.c - text of a stranger's, as it may go to a terminal. */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "show.h"

/* A character that a terminal obeys, rather than shows. */
static bool is_order(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) ||  /* C0, DEL, C1 */
           c == 0x061C || c == 0x200E || c == 0x200F || /* marks of direction */
           (c >= 0x2028 && c <= 0x202E) || /* line ends, embeddings */
           (c >= 0x2066 && c <= 0x2069);   /* isolates */
}

/* Bytes of the character at `p` that may be shown; 0: there is none. */
static size_t printable(const unsigned char *p, size_t len)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const size_t size = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2
                      : p[0] < 0xF0 ? 3 : p[0] < 0xF5 ? 4 : 0;

    if (size == 0 || size > len)
        return 0;
    uint32_t c = size == 1 ? p[0] : p[0] & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3F);
    }
    if (c < least[size] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000) ||
        is_order(c))
        return 0;
    return size;
}

size_t show_text(FILE *out, const void *data, size_t len, size_t most)
{
    const unsigned char *p = data;
    size_t i = 0;

    while (i < len && i < most) {
        const size_t size = printable(p + i, len - i);
        if (size > 0)
            fwrite(p + i, 1, size, out);
        else
            fprintf(out, "\\x%02x", p[i]);
        i += size > 0 ? size : 1;
    }
    return i;
}

void show_lines(FILE *out, const void *data, size_t len, const char *indent)
{
    const char *at = data;

    while (len > 0) {
        const char *end = memchr(at, '\n', len);
        const size_t all  = end != NULL ? (size_t)(end - at) + 1 : len;
        size_t       line = end != NULL ? all - 1 : all;

        if (line > 0 && at[line - 1] == '\r')
            line--;
        fputs(indent, out);
        show_text(out, at, line, line);
        fputc('\n', out);
        at  += all;
        len -= all;
    }
}

void show_refusal(FILE *out, const upf_response *response, const char *indent)
{
    static const char *const telling[] = {"Location", "WWW-Authenticate",
                                          "Retry-After"};
    upf_str value;

    for (size_t i = 0; i < sizeof telling / sizeof *telling; i++)
        if (upf_header_find(response->headers, telling[i], &value)) {
            fprintf(out, "%s%s: ", indent, telling[i]);
            show_text(out, value.data, value.len, 512);
            fputc('\n', out);
        }
    show_lines(out, response->body.data, response->body.len, indent);
}
