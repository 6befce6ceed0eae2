/* SPDX-License-Identifier: MIT */
/* transport.c - read and write callbacks over arrays, with a script. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "transport.h"

static bool in_trouble(const struct trouble *trouble, size_t call)
{
    return fault_hits(&trouble->fault, call) ||
           (trouble->every != 0 && call % trouble->every == 0);
}

static size_t at_most(size_t len, size_t max)
{
    return max != 0 && len > max ? max : len;
}

static ptrdiff_t give_up(struct transport *transport, ptrdiff_t result)
{
    if (result == UPF_IO_ERROR)
        transport->dead = true;
    return result;
}

ptrdiff_t transport_read(void *user, void *data, size_t len)
{
    struct transport *transport = user;
    const size_t left = transport->in_len - transport->in_at;

    if (transport->dead)
        fail_msg("read from a transport that is broken");
    assert_true(len > 0);
    transport->reads++;
    if (len > transport->largest_read)
        transport->largest_read = len;
    if (in_trouble(&transport->read_trouble, transport->reads))
        return give_up(transport, transport->read_trouble.result);
    if (left == 0)
        return give_up(transport, transport->at_end);
    len = at_most(len, left);
    len = at_most(len, transport->read_max);
    memcpy(data, transport->in + transport->in_at, len);
    transport->in_at += len;
    return (ptrdiff_t)len;
}

ptrdiff_t transport_write(void *user, const void *data, size_t len)
{
    struct transport *transport = user;

    if (transport->dead)
        fail_msg("wrote to a transport that is broken");
    assert_true(len > 0);
    transport->writes++;
    if (in_trouble(&transport->write_trouble, transport->writes))
        return give_up(transport, transport->write_trouble.result);
    len = at_most(len, transport->write_max);
    blob_add(&transport->out, data, len);
    return (ptrdiff_t)len;
}

ptrdiff_t pipe_read(void *user, void *data, size_t len)
{
    struct pipe *pipe = ((struct pipe_end *)user)->from;

    if (pipe->bytes.len == 0)
        return pipe->shut ? 0 : UPF_IO_WANT_READ;
    len = at_most(len, pipe->bytes.len);
    memcpy(data, pipe->bytes.data, len);
    pipe->bytes.len -= len;
    memmove(pipe->bytes.data, pipe->bytes.data + len, pipe->bytes.len);
    return (ptrdiff_t)len;
}

ptrdiff_t pipe_write(void *user, const void *data, size_t len)
{
    struct pipe *pipe = ((struct pipe_end *)user)->to;
    const size_t free = pipe->capacity - pipe->bytes.len;

    assert_false(pipe->shut);
    if (free == 0)
        return UPF_IO_WANT_WRITE;
    len = at_most(len, free);
    blob_add(&pipe->bytes, data, len);
    return (ptrdiff_t)len;
}
