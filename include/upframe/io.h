/* SPDX-License-Identifier: MIT */
/* upframe/io.h - drive a upf_conn over read and write callbacks. */
#ifndef UPFRAME_IO_H
#define UPFRAME_IO_H

#include <stddef.h>
#include <stdint.h>
#include <upframe/conn.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a callback returns in place of a count. */
#define UPF_IO_ERROR       (-1) /* the transport is broken */
#define UPF_IO_WANT_READ   (-2) /* call again when it is readable */
#define UPF_IO_WANT_WRITE  (-3) /* call again when it is writable */
#define UPF_IO_INTERRUPTED (-4) /* call again at once (EINTR) */

/*
 * Read up to `len` bytes into `data`. Returns the count; 0 at the end of the
 * stream; or a UPF_IO_ value. The result of read(2) on a blocking socket can be
 * returned as it is. A TLS transport may return UPF_IO_WANT_WRITE here, and
 * UPF_IO_WANT_READ from its write callback.
 */
typedef ptrdiff_t upf_read_fn(void *user, void *data, size_t len);

/* Write up to `len` bytes of `data`. Returns the count, or a UPF_IO_ value. */
typedef ptrdiff_t upf_write_fn(void *user, const void *data, size_t len);

#define UPF_IO_BUFFER_SIZE 4096

/*
 * One transport's pump. The caller owns it; the fields are private. Once
 * upf_io_next() was called it must not be moved: unread input may lie in it.
 */
typedef struct upf_io {
    upf_read_fn  *read;
    upf_write_fn *write;
    void         *user;
    upf_input     input;     /* read, and not yet taken by the connection */
    uint8_t      *buffer;    /* NULL: `own` is used */
    size_t        buffer_size;
    uint8_t       read_waits_for;  /* UPF_WANTS_READ or UPF_WANTS_WRITE; 0 */
    uint8_t       write_waits_for; /* if the callback would not block */
    uint8_t       own[UPF_IO_BUFFER_SIZE];
} upf_io;

/*
 * A pump over two callbacks; `user` is passed to both. It reads into its own
 * buffer of UPF_IO_BUFFER_SIZE bytes.
 */
upf_io upf_io_callbacks(upf_read_fn *read, upf_write_fn *write, void *user);

/*
 * Read into the caller's buffer instead. It must stay until the pump is no
 * longer used, and must not be shared with another pump: unread input stays
 * in it between calls.
 *
 *   size  at least 1; 16 KiB or more saves system calls
 */
void upf_io_use_buffer(upf_io *io, void *buffer, size_t size);

/*
 * Deliver the next event of `conn`, writing and reading as needed. Output is
 * written once all input that was read is processed, so that replies share one
 * write.
 *
 *   event  written on UPF_OK only; valid until the next call of upf_io_next()
 *          or upf_conn_free()
 *
 * Returns
 *   UPF_OK           one event
 *   UPF_WANT_READ    the transport would block (if non-blocking): call again
 *   UPF_WANT_WRITE   when it is ready for what upf_io_wants() says
 *   UPF_WANT_ANSWER  as upf_conn_next(); or nothing is left to write and
 *                    reading is held (upf_conn_hold()): call again when reading
 *                    goes on, or after sending
 *   UPF_DONE         CLOSE was delivered, and all output is written, or the
 *                    transport is lost, or the peer took too long to read. The
 *                    pump reads no more: upf_conn_wants() says how to end the
 *                    transport
 *
 * A failing callback ends the connection with a CLOSE event (UPF_ERR_IO); so
 * does the end of the stream (UPF_ERR_EOF, or a clean close).
 */
upf_status upf_io_next(upf_io *io, upf_conn *conn, upf_event *event);

/*
 * Write what is queued, without reading: for a program that sends while it is
 * not calling upf_io_next(). Returns UPF_OK when nothing is left; UPF_WANT_READ
 * or UPF_WANT_WRITE when the transport would block; UPF_ERR_IO when it is lost;
 * UPF_ERR_NO_MEMORY or UPF_ERR_RANDOM when the connection has failed otherwise.
 * After an error upf_io_next() delivers CLOSE.
 */
upf_status upf_io_flush(upf_io *io, upf_conn *conn);

/*
 * Read what follows a request that is deferred (upf_defer()), such as its body:
 * first the bytes that the pump has read already, then the transport's. Only
 * between upf_defer() and the answer; what is left unread then belongs to the
 * connection, which drops it if the answer is a refusal.
 *
 * Returns as upf_read_fn does, but never UPF_IO_INTERRUPTED.
 */
ptrdiff_t upf_io_read(upf_io *io, void *data, size_t len);

/*
 * What to poll the transport for: the UPF_WANTS_ bits of upf_conn_wants(), but
 * WRITE in place of READ where a TLS read has to write first, and the reverse.
 */
unsigned upf_io_wants(const upf_io *io, const upf_conn *conn);

#ifdef __cplusplus
}
#endif

#endif
