/* SPDX-License-Identifier: MIT */
/* peer.h - the other end of a connection under test, over a real socket. */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stdint.h>

#include <upframe/conn.h>
#include <upframe/io.h>

/* It never waits, so that it can take turns with what is tested in the same
 * program. What goes wrong here fails the test. */
struct peer {
    upf_conn   ws;
    upf_config config;
    upf_io     io;
    int        fd;
    bool       deaf;   /* it reads nothing */
    bool       echoes; /* what it receives goes back */
    bool       stays;  /* it leaves it to the other to end the stream */

    /* What it saw */
    bool       open, over;
    unsigned   messages, pings;
    uint64_t   bytes; /* of the messages, which are all peer_byte()s */
    upf_status status; /* of CLOSE */
    upf_close_info close;
};

/* The byte at `at` of every message of the tests. */
uint8_t peer_byte(uint64_t at);

/* A socket of a kernel's port that is connected to `listener`. */
int peer_connect(int listener);

/* Two connected sockets with small buffers, neither of which waits. */
void peer_sockets(int fds[2]);

/* Begin on a socket: a client that sends its request, or an open end. */
void peer_begin(struct peer *p, int fd);
void peer_begin_open(struct peer *p, int fd, bool is_client);

/* Queue `count` messages of `len` bytes. */
void peer_send(struct peer *p, unsigned count, size_t len);

/* Write and read what goes without waiting. */
void peer_turn(struct peer *p);

/* Gone: with a reset, or with close(). */
void peer_end(struct peer *p, bool reset);

#endif
