/* SPDX-License-Identifier: MIT */
/* redis_follower.h - a client, and how far it has come in the stream. */
#ifndef EXAMPLES_REDIS_FOLLOWER_H
#define EXAMPLES_REDIS_FOLLOWER_H

#include <stdbool.h>
#include <stdint.h>
#include "redis_entry.h"
#include "server.h"

typedef struct follower follower;
typedef struct seat seat;

/* What is asked of Redis is asked for a seat; who sat there may have gone when
 * the answer comes. */
struct seat {
    follower *who;  /* NULL: gone */
    size_t    holds;
    seat     *next, **link; /* in the list of those that are taken */
};

seat *seat_hold(seat *s);
void  seat_release(seat *s);

/* To be embedded in the application's client, as the first field. */
struct follower {
    client    client;
    seat     *seat;       /* NULL: it has none */
    stream_id seen;
    bool      has_seen;   /* it asked for what follows `seen`, or was told */
    uint64_t  waits_for;  /* a page that is asked for as this one or later */
    uint64_t  slow_since; /* 0: it is not */
};

/* A seat in the list; false: no memory. */
bool follower_sit(follower *f, seat **list);
void follower_leave(follower *f);

/* The message that an entry is: "said ID KEY NAME", and the text. NULL: it is
 * none of ours, or there is no memory. `scratch` has FOLLOWER_HEAD_MAX bytes,
 * and room for the longest message. */
enum { FOLLOWER_HEAD_MAX = 192 };
upf_shared *follower_message(const server *s, const redis_entry *e,
                             char *scratch);

/* Whether it reads what it is sent; its slowness begins if not. */
bool follower_has_room(follower *f);

/* It has seen `id`; `message` may be NULL. */
void follower_tell(follower *f, upf_shared *message, const stream_id *id);
void follower_tell_gap(follower *f);

/* Close it with 1008 if it is slow for too long. */
void follower_look_at_time(follower *f);

#endif
