/* SPDX-License-Identifier: MIT */
/* http_body.c - the body of a POST that comes where WebSockets come, too. */

#include <stdlib.h>
#include <string.h>

#include "http_body.h"

struct body {
    void   (*done)(client *c, const char *body, size_t len);
    uint64_t give_up;
    size_t   len, received;
    char     data[];
};

void http_answer(client *c, int status, const char *text)
{
    static const upf_header plain_text = {"Content-Type", "text/plain"};

    upf_refuse(&c->ws, status, &plain_text, 1, text, strlen(text));
}

static void finish(client *c, int status, const char *text)
{
    c->deferred = NULL;
    http_answer(c, status, text);
}

/* As much of it as has come; `c->deferred` while it is not complete. */
static void read_more(client *c)
{
    struct body *b = c->body;

    while (b->received < b->len) {
        const ptrdiff_t n =
            upf_io_read(&c->io, b->data + b->received, b->len - b->received);
        if (n == UPF_IO_WANT_READ || n == UPF_IO_WANT_WRITE) {
            if (c->server->now >= b->give_up)
                finish(c, 408, "The body did not come in time.\n");
            return;
        }
        if (n <= 0) { /* gone: nobody is left to be answered */
            c->deferred = NULL;
            upf_conn_lost(&c->ws);
            return;
        }
        b->received += (size_t)n;
    }
    c->deferred = NULL;
    b->done(c, b->data, b->len);
}

/* RFC 9110, section 8.6. The engine has refused what is no number, and what is
 * said twice. */
static bool read_length(upf_str headers, size_t *length)
{
    upf_str value;

    *length = 0;
    if (upf_header_find(headers, "Transfer-Encoding", &value) ||
        !upf_header_find(headers, "Content-Length", &value))
        return false;
    for (size_t i = 0; i < value.len; i++) {
        const size_t digit = (size_t)(value.data[i] - '0');
        if (*length > (SIZE_MAX - 9) / 10)
            *length = SIZE_MAX;
        else
            *length = *length * 10 + digit;
    }
    return true;
}

void http_read_body(client *c, const upf_request *request, size_t max,
                    void (*done)(client *c, const char *body, size_t len))
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    upf_str expected;
    size_t  length;

    if (!read_length(request->headers, &length)) {
        http_answer(c, 411, "Say how long the body is: Content-Length.\n");
        return;
    }
    if (length > max) {
        http_answer(c, 413, "The body is too long.\n");
        return;
    }
    const bool expects =
        upf_header_find(request->headers, "Expect", &expected);
    if (expects && !upf_str_equals_nocase(expected, "100-continue")) {
        http_answer(c, 417, "Only 100-continue can be expected here.\n");
        return;
    }
    struct body *b = malloc(sizeof *b + length);
    if (b == NULL || upf_defer(&c->ws) != UPF_OK) {
        free(b);
        http_answer(c, 503, "Out of memory.\n");
        return;
    }
    *b = (struct body){.done    = done,
                       .give_up = c->server->now +
                                  c->server->setup.config.handshake_timeout,
                       .len     = length};
    c->body     = b;
    c->deferred = read_more;
    /* Nothing was written on this connection: so little always has room. */
    if (expects && client_write(c, go_on, sizeof go_on - 1) !=
                       (ptrdiff_t)(sizeof go_on - 1)) {
        c->deferred = NULL;
        upf_conn_lost(&c->ws);
    }
}
