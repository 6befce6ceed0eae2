/* SPDX-License-Identifier: MIT */
/* rawserver.h - a server on a raw socket that can fail in any way. */
#ifndef RAWSERVER_H
#define RAWSERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <upframe/frame.h>

/* One listener on a port of 127.0.0.1 that the kernel has chosen, and one
 * connection at a time. What goes wrong here fails the test. */
struct rawserver {
    uint16_t port;
    int      listener; /* -1: down */
    int      peer;     /* -1: none */
    int      reserve;  /* bound only: the port is ours while we are down */
    char     head[4096]; /* of the request, as far as it was read */
};

/* Whoever needs longer (milliseconds) than this has failed. */
enum { PATIENCE = 30 * 1000 };

/* Whether `fd` becomes readable (or ends) within `ms`. */
bool readable(int fd, int ms);

/* All that was written to it is at the other end, be it read or not; false if
 * that does not come about within `ms`. */
bool has_arrived(int fd, int ms);

void rawserver_begin(struct rawserver *s);
void rawserver_end(struct rawserver *s);

/* Down (what waits to be accepted is reset), and up again. */
void rawserver_stop(struct rawserver *s);
void rawserver_start(struct rawserver *s);

void rawserver_accept(struct rawserver *s);

/* End the connection: with a reset, or with close(). */
void rawserver_cut(struct rawserver *s, bool reset);

/* Shut the write side down and read to the end: no reset destroys what was
 * sent. */
void rawserver_finish(struct rawserver *s);

void rawserver_put(struct rawserver *s, const void *data, size_t len);

/* Read the request into s->head, or its first `max` bytes. */
void rawserver_read_head(struct rawserver *s, size_t max);

/* Accept who connects, and read the request. False if there is none: a client
 * of little patience has given up. */
bool rawserver_accept_request(struct rawserver *s);

/* The 101 that answers s->head; returns its length. */
size_t rawserver_response(const struct rawserver *s, char *out, size_t size);

/* One frame, without a mask; returns its length. */
size_t rawserver_frame(uint8_t *out, upf_opcode opcode, const void *data,
                       size_t len);
void   rawserver_put_close(struct rawserver *s, int code, const char *reason);

/*
 * Read frames until one of `opcode`; its payload, unmasked and with a NUL
 * behind it, goes to `payload`. Returns its length. rawserver_read_close()
 * returns the close code.
 */
size_t rawserver_read(struct rawserver *s, upf_opcode opcode,
                      char payload[256]);
int    rawserver_read_close(struct rawserver *s);

#endif
