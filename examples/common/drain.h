/* SPDX-License-Identifier: MIT */
/*
 * drain.h - a process goes, its clients stay: what it tells the proxy that is
 * in front of it.
 */
#ifndef EXAMPLES_DRAIN_H
#define EXAMPLES_DRAIN_H

#include <stdbool.h>
#include <upframe/conn.h>

struct server;
struct client;

/*
 * Answer a REQUEST event if it asks for the health of the server: GET /healthz
 * gets 200. False: it asks for something else.
 */
bool drain_answers(const struct server *s, struct client *c,
                   const upf_event *ev);

#endif
