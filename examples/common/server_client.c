/* SPDX-License-Identifier: MIT */
/* server_client.c - one client of the server: what is said to it, and whether
 * it is read from. */

#include <stdio.h>

#include "server.h"
#include "server_client.h"
#include "tcp.h"

void client_touch(client *c)
{
    server *s = c->server;

    if (c->is_listed)
        return;
    c->is_listed    = true;
    c->next_touched = s->touched;
    s->touched      = c;
}

/* ---- Whether it is read from ------------------------------------------- */

/* While either is so, it is not. Once neither is, no poller may know of what
 * has come meanwhile: into the pump, or into TLS. */
static void hold(client *c, bool held, bool over_limit)
{
    const bool was = c->held || c->over_limit, is = held || over_limit;

    c->held       = held;
    c->over_limit = over_limit;
    if (was == is)
        return;
    upf_conn_hold(&c->ws, is);
    c->has_more = c->has_more || was;
    client_touch(c);
}

void client_hold(client *c, bool held)
{
    hold(c, held && upf_conn_is_open(&c->ws), c->over_limit);
}

void client_limit(client *c, bool over_limit)
{
    hold(c, c->held, over_limit);
}

ptrdiff_t client_read(void *user, void *data, size_t len)
{
    client *c = user;

    if (c->may_read == 0) {
        c->has_more = true; /* perhaps where no poller sees it: in TLS */
        return UPF_IO_WANT_READ;
    }
    if (len > c->may_read)
        len = c->may_read;
    const ptrdiff_t n = c->tls != NULL ? tls_read(c->tls, data, len)
                                       : tcp_read(&c->source.fd, data, len);
    if (n > 0)
        c->may_read -= (size_t)n;
    return n;
}

ptrdiff_t client_write(void *user, const void *data, size_t len)
{
    client *c = user;

    return c->tls != NULL ? tls_write(c->tls, data, len)
                          : tcp_write(&c->source.fd, data, len);
}

/* ---- What is said to it ------------------------------------------------ */

/* The application's mistake: the client is not made to pay for it. */
static void complain(client *c, const char *what, const char *why)
{
    if (complaints_add(&c->server->mistakes))
        fprintf(stderr, "%s: %s\n", what, why);
}

static bool has_room_after_a_write(client *c, upf_status status)
{
    if (status != UPF_ERR_QUEUE_FULL)
        return false;
    upf_io_flush(&c->io, &c->ws);
    return true;
}

/*
 * Too slow is who does not read, and not who was not written to while others
 * talked: over max_queued, what the socket takes now makes room. The Close
 * always has room, and some seconds to be read. (Who turns out to be lost has
 * an event coming.)
 */
static bool is_queued(client *c, upf_status status)
{
    static const char lost[] = "a message is not sent";

    client_touch(c);
    if (upf_conn_congested(&c->ws))
        c->congested = true;
    if (status == UPF_ERR_QUEUE_FULL && upf_conn_queued(&c->ws) == 0)
        complain(c, lost, "it is longer than --max-queued");
    else if (status == UPF_ERR_QUEUE_FULL)
        client_close(c, UPF_CLOSE_POLICY, "too slow");
    else if (status == UPF_ERR_NO_MEMORY)
        client_close(c, UPF_CLOSE_TRY_AGAIN_LATER, "out of memory");
    else if (status != UPF_OK && status != UPF_ERR_STATE)
        complain(c, lost, upf_status_text(status));
    return status == UPF_OK;
}

bool client_send(client *c, upf_opcode opcode, const void *data, size_t len)
{
    upf_status status = upf_send(&c->ws, opcode, data, len);

    if (has_room_after_a_write(c, status))
        status = upf_send(&c->ws, opcode, data, len);
    return is_queued(c, status);
}

bool client_send_shared(client *c, upf_shared *shared)
{
    upf_status status = upf_send_shared(&c->ws, shared);

    if (has_room_after_a_write(c, status))
        status = upf_send_shared(&c->ws, shared);
    return is_queued(c, status);
}

void client_close(client *c, int code, const char *reason)
{
    if (upf_close(&c->ws, code, reason) == UPF_ERR_ARGUMENT) {
        complain(c, "client_close", "a code or a reason that cannot be sent");
        if (upf_close(&c->ws, code, NULL) == UPF_ERR_ARGUMENT)
            upf_close(&c->ws, UPF_CLOSE_INTERNAL_ERROR, NULL);
    }
    client_hold(c, false); /* its Close has to be read */
    client_touch(c);
}
