/* SPDX-License-Identifier: MIT */
/* io.c - the pump: drive a connection over read and write callbacks. */

#include <assert.h>
#include <string.h>

#include <upframe/io.h>

enum { SLICES = 16 };

upf_io upf_io_callbacks(upf_read_fn *read, upf_write_fn *write, void *user)
{
    upf_io io;

    assert(read != NULL && write != NULL);
    io.read            = read;
    io.write           = write;
    io.user            = user;
    io.input.data      = NULL;
    io.input.len       = 0;
    io.buffer          = NULL;
    io.buffer_size     = sizeof io.own;
    io.read_waits_for  = 0;
    io.write_waits_for = 0;
    return io;
}

void upf_io_use_buffer(upf_io *io, void *buffer, size_t size)
{
    assert(buffer != NULL && size > 0);
    assert(io->input.len == 0);
    io->buffer      = buffer;
    io->buffer_size = size;
}

/* What the pump returns after a callback has returned a value below 0. If the
 * callback has to wait, *waits_for is set to what it waits for. */
static upf_status put_off(ptrdiff_t result, uint8_t *waits_for)
{
    switch (result) {
    case UPF_IO_WANT_READ:
        *waits_for = UPF_WANTS_READ;
        return UPF_WANT_READ;
    case UPF_IO_WANT_WRITE:
        *waits_for = UPF_WANTS_WRITE;
        return UPF_WANT_WRITE;
    default:
        return UPF_ERR_IO;
    }
}

/* Write the slices until the transport takes no more. The number of bytes that
 * it took is added to *written. */
static upf_status write_slices(upf_io *io, const upf_slice *slices,
                               size_t count, ptrdiff_t *written)
{
    for (size_t i = 0, at = 0; i < count; at = 0, i++)
        while (at < slices[i].len) {
            const ptrdiff_t n =
                io->write(io->user, (const uint8_t *)slices[i].data + at,
                          slices[i].len - at);
            if (n == UPF_IO_INTERRUPTED)
                continue;
            if (n <= 0) /* 0: as if there were no room */
                return put_off(n < 0 ? n : UPF_IO_WANT_WRITE,
                               &io->write_waits_for);
            assert((size_t)n <= slices[i].len - at);
            at       += (size_t)n;
            *written += n;
        }
    return UPF_OK;
}

upf_status upf_io_flush(upf_io *io, upf_conn *conn)
{
    upf_slice  slices[SLICES];
    size_t     count;
    upf_status status = UPF_OK;

    io->write_waits_for = 0;
    while (status == UPF_OK &&
           (count = upf_conn_output(conn, slices, SLICES)) > 0) {
        ptrdiff_t written = 0;

        status = write_slices(io, slices, count, &written);
        const upf_status done = upf_conn_output_done(conn, written);
        if (status == UPF_ERR_IO)
            upf_conn_lost(conn);
        else if (done != UPF_OK)
            status = done;
    }
    return status;
}

static ptrdiff_t read_uninterrupted(const upf_io *io, void *data, size_t len)
{
    ptrdiff_t n;

    do
        n = io->read(io->user, data, len);
    while (n == UPF_IO_INTERRUPTED);
    assert(n < 0 || (size_t)n <= len);
    return n;
}

ptrdiff_t upf_io_read(upf_io *io, void *data, size_t len)
{
    if (io->input.len == 0)
        return read_uninterrupted(io, data, len);
    if (len > io->input.len)
        len = io->input.len;
    memcpy(data, io->input.data, len);
    io->input.data += len;
    io->input.len  -= len;
    return (ptrdiff_t)len;
}

/* One read, straight into a large message if one is under way. */
static upf_status fill(upf_io *io, upf_conn *conn)
{
    size_t   len;
    uint8_t *data = upf_conn_room(conn, &len);

    if (data == NULL) {
        data = io->buffer ? io->buffer : io->own;
        len  = io->buffer_size;
    }
    io->read_waits_for = 0;
    const ptrdiff_t n = read_uninterrupted(io, data, len);
    if (n < 0) {
        const upf_status status = put_off(n, &io->read_waits_for);
        if (status == UPF_ERR_IO)
            upf_conn_lost(conn);
        return status;
    }
    if (n == 0)
        upf_conn_eof(conn);
    io->input = (upf_input){data, (size_t)n};
    return UPF_OK;
}

/* With CLOSE, forget the input that is left: it is not needed any more, and it
 * may lie in memory that the connection will free. */
static upf_status deliver(upf_io *io, const upf_event *event)
{
    if (event->type == UPF_EVENT_CLOSE)
        io->input = (upf_input){NULL, 0};
    return UPF_OK;
}

upf_status upf_io_next(upf_io *io, upf_conn *conn, upf_event *event)
{
    for (;;) {
        const upf_status status = upf_conn_next(conn, &io->input, event);
        if (status == UPF_OK)
            return deliver(io, event);
        if (status == UPF_DONE) /* the application may have freed the
                                   connection, and with it the input */
            io->input = (upf_input){NULL, 0};

        const upf_status flushed = upf_io_flush(io, conn);
        if (status == UPF_DONE) /* over, once the last bytes have left */
            return flushed > 0 ? flushed : UPF_DONE;
        if (flushed < 0) /* the connection has failed: CLOSE is next */
            continue;
        if (status == UPF_WANT_ANSWER) /* the application's turn */
            return status;
        if (!(upf_conn_wants(conn) & UPF_WANTS_READ))
            return flushed > 0
                       ? flushed          /* replies are to be written first */
                       : UPF_WANT_ANSWER; /* the application holds reading */

        const upf_status filled = fill(io, conn);
        if (filled > 0) /* the transport has nothing yet */
            return filled;
        /* Bytes have come, or the stream has ended or failed: upf_conn_next()
         * deals with that. */
    }
}

unsigned upf_io_wants(const upf_io *io, const upf_conn *conn)
{
    const unsigned wants = upf_conn_wants(conn);
    unsigned polls = wants & ~(UPF_WANTS_READ | UPF_WANTS_WRITE);

    if (wants & UPF_WANTS_READ)
        polls |= io->read_waits_for ? io->read_waits_for : UPF_WANTS_READ;
    if (wants & UPF_WANTS_WRITE)
        polls |= io->write_waits_for ? io->write_waits_for : UPF_WANTS_WRITE;
    return polls;
}
