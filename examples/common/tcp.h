/* SPDX-License-Identifier: MIT */
/* tcp.h - what the examples share: sockets, signals, a clock; never a loop. */
#ifndef EXAMPLES_TCP_H
#define EXAMPLES_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <upframe/conn.h>

/* Every socket made here is non-blocking, closed on exec, without Nagle's
 * delay. What fails says why on standard error and returns -1. */

/* Listen at `host` and `port` ("0": the kernel chooses a port). */
int tcp_listen(const char *host, const char *port);

/*
 * Take one waiting connection; -1 with errno EAGAIN if there is none. Any
 * other errno is silent, too: a server lives on (see tcp_out_of_resources()).
 */
int tcp_accept(int listener);

/* After tcp_accept(): whether errno speaks of a shortage (descriptors,
 * memory), so that trying again at once is no use. */
bool tcp_out_of_resources(void);

/*
 * Connect to `host`, trying its addresses in order, and wait until that is
 * done: at most `timeout_ms` in all, or until a signal asks to stop. A name
 * is looked up by getaddrinfo(), whose own time-out applies.
 */
int tcp_connect(const char *host, unsigned port, int timeout_ms);

void tcp_set_blocking(int fd, bool blocking);

/* How many bytes the kernel may keep of what was written and not yet read: a
 * small buffer keeps what a slow peer gets fresh. */
void tcp_set_send_buffer(int fd, size_t bytes);

/* "127.0.0.1:9001" or "[::1]:9001": where a socket of ours is bound. */
#define TCP_ADDRESS_MAX 64
void tcp_local_address(int fd, char text[TCP_ADDRESS_MAX]);

/* Ask the system for `wanted` descriptors; returns how many there may be. */
size_t tcp_raise_descriptor_limit(size_t wanted);

/*
 * upf_read_fn and upf_write_fn over a socket, blocking or not; `user` points
 * to its descriptor, an int.
 */
ptrdiff_t tcp_read(void *user, void *data, size_t len);
ptrdiff_t tcp_write(void *user, const void *data, size_t len);

/* Like tcp_write(), for what upf_conn_output() has given: one writev(2). */
ptrdiff_t tcp_writev(int fd, const upf_slice *slices, size_t count);

/*
 * RFC 6455, section 7.1.1: shut the write side down, read until the peer has
 * closed, then close. A plain close() with unread input makes TCP send a
 * reset, which may destroy the Close frame on its way. Reads at most 1 MiB
 * and for at most `timeout_ms`.
 */
void tcp_linger_close(int fd, int timeout_ms);

/*
 * From now on SIGINT and SIGTERM do not kill: they make stop_requested() true
 * and the returned descriptor readable, for poll(). SIGPIPE is ignored, so
 * that writing to a lost connection is an error and not the end. Standard input,
 * output and errors that are closed become /dev/null: else the next descriptor
 * would take their place, and be written to.
 */
int  stop_on_signals(void);
bool stop_requested(void);

/* Milliseconds of a clock that does not jump; never 0. */
uint64_t clock_ms(void);

#endif
