/* SPDX-License-Identifier: MIT */
/* server_client.h - one client of the server (server.h): what is said to it,
 * and whether it is read from. */
#ifndef EXAMPLES_SERVER_CLIENT_H
#define EXAMPLES_SERVER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <upframe/conn.h>
#include <upframe/io.h>
#include "client_set.h"
#include "poller.h"
#include "tls.h"

typedef struct server server;
typedef struct client client;

/* One connection. What an application may use: */
struct client {
    upf_conn ws;     /* first; to send, use the functions below */
    unsigned number; /* from OPEN on: 1, 2, ... in this run of the server */

    /* the rest is the server's. */
    server       *server;
    source        source;
    tls_stream   *tls; /* NULL: plain TCP */
    void        (*deferred)(client *c); /* reads, while a request is deferred */
    void         *body;
    memberships   sets;
    size_t        at;         /* in server.clients */
    size_t        may_read;   /* bytes, in this turn */
    double        may_say;    /* events, by --max-rate */
    bool          has_more;   /* its turn was over before its input was */
    bool          blocked;    /* its socket took no more */
    bool          congested;
    bool          held;       /* by the application: client_hold() */
    bool          over_limit; /* it is not read from until the next sweep */
    bool          shut_down;
    bool          is_listed;  /* in server.touched */
    client       *next_touched;
    upf_io        io; /* 4 KiB: last, so that the rest is side by side */
};

/*
 * Queue a message; it is written when the turn ends. Who has no room for it
 * (max_queued) even after a write does not read, and is closed with 1008, "too
 * slow".
 *
 * client_send         false: it was not queued. The client is closing, or gone;
 *                     or standard error says why the message cannot be sent
 *                     (text that is not UTF-8, longer than max_queued)
 * client_send_shared  the same of what was encoded already
 */
bool client_send(client *c, upf_opcode opcode, const void *data, size_t len);
bool client_send_shared(client *c, upf_shared *shared);

/* The closing handshake (upf_close()). A reason over 123 bytes, or that is not
 * UTF-8, is left out, and a code that cannot be sent becomes 1011. */
void client_close(client *c, int code, const char *reason);

/*
 * Do not read from the client (true), or go on (false): for an application that
 * cannot take more now. What was read before is still heard of. It lasts until
 * it is taken back, or until client_close(), whatever --max-rate does; who is
 * closing is not held. A held client that ends its stream is heard of when it
 * is let go, one that resets it at once. Not upf_conn_hold(): that is the
 * server's, for both.
 */
void client_hold(client *c, bool held);

/* The two callbacks of the pump: for what goes over the connection before it is
 * a WebSocket's (http_body.c). `user` is the client. */
ptrdiff_t client_read(void *user, void *data, size_t len);
ptrdiff_t client_write(void *user, const void *data, size_t len);

/* The server's: the client has something to do when this turn ends; and it has
 * said too much for now (its --max-rate), or may go on. */
void client_touch(client *c);
void client_limit(client *c, bool over_limit);

#endif
