/* SPDX-License-Identifier: MIT */
/* try_write.h - the writers of heads into an array, which may be too small. */
#ifndef TRY_WRITE_H
#define TRY_WRITE_H

#include "handshake.h"

struct array {
    char  *out;
    size_t cap;
    size_t len; /* asked for */
};

static inline char *array_room(void *of, size_t len)
{
    struct array *array = of;

    array->len = len;
    return len <= array->cap ? array->out : NULL;
}

/*
 * What CALL with an `o` returns, but UPF_NEED_MORE if `cap` does not suffice;
 * *len is what it asked for, 0 if nothing.
 */
#define TRY_WRITE(call)                                                    \
    do {                                                                   \
        struct array array = {out, cap, 0};                                \
        struct upf_http_out room = {.room = array_room, .of = &array};     \
        struct upf_http_out *const o = &room;                              \
        const upf_status status = call;                                    \
        *len = array.len;                                                  \
        return status == UPF_ERR_NO_MEMORY ? UPF_NEED_MORE : status;       \
    } while (0)

static inline upf_status
try_accept_write(const uint8_t *digest, upf_str subprotocol, upf_str extension,
                 const upf_header *headers, size_t count, char *out,
                 size_t cap, size_t *len)
{
    TRY_WRITE(upf_accept_write(digest, subprotocol, extension, headers, count,
                               o));
}

static inline upf_status
try_refusal_write(int http_status, const upf_header *headers, size_t count,
                  const void *body, size_t body_len, bool omit_body, char *out,
                  size_t cap, size_t *len)
{
    TRY_WRITE(upf_refusal_write(http_status, headers, count, body, body_len,
                                omit_body, o));
}

static inline upf_status
try_failure_write(upf_status why, bool omit_body, char *out, size_t cap,
                  size_t *len)
{
    TRY_WRITE(upf_failure_write(why, omit_body, o));
}

static inline upf_status
try_request_write(const upf_client_request *request, const upf_url *url,
                  const char *key, const char *const *subprotocols,
                  upf_str extension, char *out, size_t cap, size_t *len)
{
    TRY_WRITE(upf_request_write(request, url, key, subprotocols, extension,
                                o));
}

#endif
