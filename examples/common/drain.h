/* SPDX-License-Identifier: MIT */
/*
 * drain.h - a process goes, and its clients stay: behind a proxy they come back
 * to another one.
 *
 * After the signal to stop:
 *
 *   --drain-notice  GET /healthz gets 503, nothing else changes: the proxy
 *                   notices, and sends nobody here any more
 *   --drain         then the clients are told 1001, one after the other, so
 *                   that they do not come back all at once; a newcomer gets
 *                   503, at which a proxy asks another process
 *   server_stop()   then who is left
 *
 * Without these options all is as in the last line. A second signal has that
 * effect, too.
 */
#ifndef EXAMPLES_DRAIN_H
#define EXAMPLES_DRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <upframe/conn.h>
#include "timers.h"

struct server;
struct client;

typedef struct drain {
    timer    timer;
    uint64_t begin, end; /* of telling the clients; 0: not draining */
    size_t   count;      /* clients, when that began */
    size_t   left;       /* server.clients[0, left) are to be told */
    bool     tells;
} drain;

/* A signal says stop. False: server_stop() is what to do now. */
bool drain_begin(struct server *s);

/*
 * Answer a REQUEST event that asks for the health of the server (GET /healthz:
 * 200, or 503 when it drains), or comes too late. False: it does neither.
 */
bool drain_answers(const struct server *s, struct client *c,
                   const upf_event *ev);

#endif
