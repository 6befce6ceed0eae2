/* SPDX-License-Identifier: MIT */
/* http_write.h - put an HTTP/1 head together, safe from injection. */
#ifndef UPF_HTTP_WRITE_H
#define UPF_HTTP_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <upframe/handshake.h>

/*
 * A head is put together in two passes: the first counts its bytes, the second
 * writes it to memory for exactly so many. So nothing is written unless all of
 * it fits.
 *
 *     do {
 *         upf_put(o, ...);
 *     } while (upf_put_again(o));
 *     return upf_put_status(o);
 */
struct upf_http_out {
    char *(*room)(void *of, size_t len); /* NULL: there is no memory */
    void   *of;
    char   *data; /* NULL in the first pass, which only counts */
    size_t  len;
};

bool upf_put_again(struct upf_http_out *o);

/* UPF_OK, or UPF_ERR_NO_MEMORY if there was no room. */
static inline upf_status upf_put_status(const struct upf_http_out *o)
{
    return o->data != NULL ? UPF_OK : UPF_ERR_NO_MEMORY;
}

/* Not static, so that there is one copy, in http_write.c, for calls that are
 * not inlined. */
inline void upf_put(struct upf_http_out *o, upf_str text)
{
    if (o->data != NULL && text.len > 0)
        memcpy(o->data + o->len, text.data, text.len);
    o->len += text.len;
}

inline void upf_put_text(struct upf_http_out *o, const char *text)
{
    upf_put(o, (upf_str){text, strlen(text)});
}

/* One line, "name: value" and CR LF; `name` ends with the colon and a space. */
inline void upf_put_field(struct upf_http_out *o, const char *name,
                          upf_str value)
{
    upf_put_text(o, name);
    upf_put(o, value);
    upf_put_text(o, "\r\n");
}

void upf_put_number(struct upf_http_out *o, size_t number);
void upf_put_headers(struct upf_http_out *o, const upf_header *headers,
                     size_t count);

/*
 * Whether the caller may add these headers: their syntax is sound, and the
 * library does not write them itself (upf_header_fault()).
 */
bool upf_headers_are_allowed(const upf_header *headers, size_t count,
                             bool in_request);

#endif
