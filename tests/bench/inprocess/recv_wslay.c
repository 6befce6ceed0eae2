/* SPDX-License-Identifier: MIT */
/* recv_wslay.c - wslay's event-based interface reads a stream. */

#include <stdlib.h>
#include <string.h>

#include <wslay/wslay.h>
#include "bench.h"
#include "recv.h"

struct connection {
    const struct stream    *stream;
    wslay_event_context_ptr context;
    size_t                  at, end; /* unread: stream->buffer[at, end) */
    struct tally            tally;
    int                     verify;
};

/* wslay asks for bytes: they come from the receive buffer. */
static ssize_t on_recv(wslay_event_context_ptr context, uint8_t *out,
                       size_t len, int flags, void *user)
{
    struct connection *c = user;
    const size_t       n = len < c->end - c->at ? len : c->end - c->at;

    (void)flags;
    if (n == 0) {
        wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(out, c->stream->buffer + c->at, n);
    c->at += n;
    return (ssize_t)n;
}

static void on_message(wslay_event_context_ptr context,
                       const struct wslay_event_on_msg_recv_arg *arg,
                       void *user)
{
    struct connection *c = user;

    (void)context;
    if (c->verify)
        stream_check_payload(c->stream, "wslay", c->tally.messages, arg->msg,
                             arg->msg_length);
    c->tally.messages++;
    c->tally.bytes += arg->msg_length;
    c->tally.text  += arg->opcode == WSLAY_TEXT_FRAME;
}

static void *open_connection(const struct stream *stream)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback        = on_recv,
        .on_msg_recv_callback = on_message,
    };
    struct connection *c = bench_alloc(sizeof *c);

    c->stream = stream;
    if (wslay_event_context_server_init(&c->context, &callbacks, c) != 0)
        bench_die("wslay_event_context_server_init failed");
    wslay_event_config_set_max_recv_msg_length(c->context, 16 << 20);
    return c;
}

static void close_connection(void *connection)
{
    struct connection *c = connection;

    wslay_event_context_free(c->context);
    free(c);
}

static void read_stream(void *connection, uint64_t passes, int verify)
{
    struct connection   *c = connection;
    const struct stream *s = c->stream;

    c->tally  = (struct tally){0};
    c->verify = verify;
    for (uint64_t p = 0; p < passes; p++)
        for (size_t at = 0; at < s->len; at += c->end) {
            c->at  = 0;
            c->end = s->len - at < s->chunk ? s->len - at : s->chunk;
            memcpy(s->buffer, s->bytes + at, c->end);
            while (c->at < c->end)
                if (wslay_event_recv(c->context) != 0)
                    bench_die("wslay_event_recv failed");
        }
    stream_check(s, "wslay", c->tally, passes);
}

const struct receiver receiver_wslay = {
    .name  = "wslay",
    .open  = open_connection,
    .read  = read_stream,
    .close = close_connection,
};
