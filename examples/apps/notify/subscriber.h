/* SPDX-License-Identifier: MIT */
/*
 * subscriber.h - one client of notify_server: what it follows, and how far it
 * has got.
 *
 * It is sent each event as it happens, until more waits for it than it reads.
 * Then it is behind, and is sent nothing until it has read most of that; what
 * happened meanwhile comes from the history, exactly as for a client that was
 * away. So nobody is cut off for being slow, and no queue grows.
 */
#ifndef EXAMPLES_SUBSCRIBER_H
#define EXAMPLES_SUBSCRIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "history.h"
#include "server.h"

enum { FOLLOW_MAX = 32 };

/* The last event of the topic is due, if its number is over `had`. */
struct following {
    topic   *topic;
    uint64_t had;
};

typedef struct subscriber {
    client   client;
    bool     follows; /* it has said from where on, and what */
    bool     behind;
    bool     asks;    /* it is to be told "now", before the states */
    uint64_t sent;    /* the number up to which it has all, but for states */
    struct following topics[FOLLOW_MAX];
    size_t   count;
    size_t   stated;  /* topics[0, stated): no last event is due any more; */
    size_t   star_at, star_end; /* those due of "*", in history.published */
} subscriber;

/* Do what its line says ("follow ...", "add ...", "drop ..."). Returns what is
 * wrong with that, or NULL. */
const char *subscriber_obey(subscriber *r, history *h, upf_str line);

/* It is not congested any more: send what it lacks, as far as it reads. */
void subscriber_catch_up(subscriber *r, const history *h);

/* A new event, to all who follow its topic. */
void subscribers_deliver(const history *h, const event *e);

/* It is gone. */
void subscriber_end(subscriber *r, history *h);

#endif
