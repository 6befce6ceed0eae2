/* SPDX-License-Identifier: MIT */
/* text.h - text for the handshake's tests: of exact size, changed, parsed. */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>

#include <upframe/handshake.h>

#define KEY "dGhlIHNhbXBsZSBub25jZQ==" /* of RFC 6455, section 1.3 */

/* The least that a handshake has; tests find what they change by its text. */
#define BASE                               \
    "GET /chat HTTP/1.1\r\n"               \
    "Host: example.com\r\n"                \
    "Upgrade: websocket\r\n"               \
    "Connection: Upgrade\r\n"              \
    "Sec-WebSocket-Key: " KEY "\r\n"       \
    "Sec-WebSocket-Version: 13\r\n"        \
    "\r\n"

#define PAGE                               \
    "GET /page HTTP/1.1\r\n"               \
    "Host: example.com\r\n"                \
    "Accept: */*\r\n"                      \
    "\r\n"

/* Text in memory of exactly its size, with no NUL behind it. */
upf_str exact(const char *text, size_t len);
void    exact_free(upf_str text);

enum { TEXT_CAP = 32768 };

struct text {
    char   data[TEXT_CAP];
    size_t len;
};

void text_add(struct text *text, const char *data, size_t len);

/* `base` with the first `find` in it replaced; valid until the next call. */
const struct text *text_edit(const char *base, const char *find,
                             const char *replace);

/*
 * A copy of data[0, len) that ends where memory does; valid until the next
 * call. The same memory each time, because to map some costs a system call.
 */
const char *text_at_edge(const char *data, size_t len);

/* upf_request_parse() there; its slices are checked to lie within the head. */
upf_status text_parse_request(const char *data, size_t len,
                              upf_request *request);

#endif
