/* SPDX-License-Identifier: MIT */
/*
 * redis_feed.h - how each client of this process gets what is in the stream,
 * each entry once and in order.
 *
 * What a client has seen is one id. It is either live, and told each entry when
 * this process reads it; or it waits for a page of the stream, and another one,
 * until the newest messages, which are kept here, are enough. That is for who
 * has just come and for who reads slowly: nothing is kept for them alone. A
 * page is told to all whom it helps, as many come back at once when a server is
 * started again. Who takes nothing for as long as a pong may take is closed
 * with 1008, "too slow".
 */
#ifndef EXAMPLES_REDIS_FEED_H
#define EXAMPLES_REDIS_FEED_H

#include <stdbool.h>
#include "redis_follower.h"
#include "redis_pages.h"
#include "redis_recent.h"
#include "redis_stream.h"
#include "server.h"

typedef struct redis_feed {
    server       *server;
    redis_stream *stream;
    seat         *seats;
    client_set    live;
    client_set    waiting; /* for a page */
    redis_pages   pages;
    redis_recent  recent;
    char         *scratch;
} redis_feed;

/* False: no memory. */
bool redis_feed_begin(redis_feed *f, server *s, redis_stream *st);

/* Behind server_run(), and before redis_stream_end(). */
void redis_feed_end(redis_feed *f);

/* Its OPEN (after `seen` was set, or not), and its relief; at its CLOSE,
 * follower_leave(). */
void redis_feed_join(redis_feed *f, follower *who);
void redis_feed_relieve(redis_feed *f, follower *who);

/* What the stream tells. */
void redis_feed_entry(redis_feed *f, const redis_entry *e);
void redis_feed_gap(redis_feed *f);
void redis_feed_open(redis_feed *f);

/* Once a second or so. */
void redis_feed_look_at_time(redis_feed *f);

#endif
