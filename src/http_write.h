/* SPDX-License-Identifier: MIT */
/* http_write.h - put an HTTP/1 head together, and let nobody inject into it. */
#ifndef UPF_HTTP_WRITE_H
#define UPF_HTTP_WRITE_H

#include <stdbool.h>
#include <stddef.h>

#include <upframe/handshake.h>

/*
 * A head is put together twice, first to learn its length, so that nothing is
 * written unless all of it fits:
 *
 *     struct upf_http_out o = {0};
 *     do {
 *         upf_put(&o, ...);
 *     } while (upf_put_again(&o, out, cap, len));
 *     return o.data ? UPF_OK : UPF_NEED_MORE;
 */
struct upf_http_out {
    char  *data; /* NULL: count only */
    size_t len;
};

bool upf_put_again(struct upf_http_out *o, char *out, size_t cap, size_t *len);

#define UPF_LITERAL(text) ((upf_str){"" text, sizeof(text) - 1})

void upf_put(struct upf_http_out *o, upf_str text);
void upf_put_number(struct upf_http_out *o, size_t number);

/* One line, "name: value" and CR LF; `name` brings the colon and the space. */
void upf_put_field(struct upf_http_out *o, upf_str name, upf_str value);
void upf_put_headers(struct upf_http_out *o, const upf_header *headers,
                     size_t count);

/*
 * Whether the caller may add these: sound syntax, and none of the fields that
 * the library writes itself (in a request Host and Origin, too).
 */
bool upf_headers_are_allowed(const upf_header *headers, size_t count,
                             bool in_request);

#endif
