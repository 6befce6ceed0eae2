/* SPDX-License-Identifier: MIT */
/* http_write.h - put an HTTP/1 head together, and let nobody inject into it. */
#ifndef UPF_HTTP_WRITE_H
#define UPF_HTTP_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <upframe/handshake.h>

/*
 * A head is put together twice: first to learn its length, then in memory for
 * exactly that, so that nothing is written unless all of it fits.
 *
 *     do {
 *         upf_put(o, ...);
 *     } while (upf_put_again(o));
 *     return upf_put_status(o);
 */
struct upf_http_out {
    char *(*room)(void *of, size_t len); /* NULL: there is none */
    void   *of;
    char   *data; /* NULL: only count */
    size_t  len;
};

bool upf_put_again(struct upf_http_out *o);

/* UPF_OK, or UPF_ERR_NO_MEMORY if there was no room. */
static inline upf_status upf_put_status(const struct upf_http_out *o)
{
    return o->data != NULL ? UPF_OK : UPF_ERR_NO_MEMORY;
}

/* Not static: where they are not inlined, http_write.c has one of each. */
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

/* One line, "name: value" and CR LF; `name` brings the colon and the space. */
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
 * Whether the caller may add these: sound syntax, and none of the fields that
 * the library writes itself (in a request Host and Origin, too).
 */
bool upf_headers_are_allowed(const upf_header *headers, size_t count,
                             bool in_request);

#endif
