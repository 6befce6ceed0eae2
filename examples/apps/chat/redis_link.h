/* SPDX-License-Identifier: MIT */
/*
 * redis_link.h - one connection to Redis (hiredis, asynchronous) in the loop of
 * the small server. It is opened again and again: after a loss, and after a
 * silence, as a network that swallows everything sends no error.
 */
#ifndef EXAMPLES_REDIS_LINK_H
#define EXAMPLES_REDIS_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <hiredis/async.h>
#include <upframe/backoff.h>
#include "redis_address.h"
#include "redis_report.h"
#include "server.h"

typedef struct redis_link redis_link;

/* Set the first five; the rest is the link's. It must stay where it is. */
struct redis_link {
    server              *server;
    const redis_address *address;
    void                *user;
    void (*opened)(redis_link *l);
    /* Also when it could not be opened. Whatever was asked and not answered has
     * had NULL for a reply before. */
    void (*lost)(redis_link *l, const char *why);

    bool               is_open;
    redisAsyncContext *ac; /* NULL: down */
    source             source;
    unsigned           wanted;   /* POLLER_ bits */
    uint64_t           since;    /* it was heard, or began to be waited for */
    uint64_t           retry_at; /* while it is down */
    upf_backoff        backoff;
    timer              timer;
    char               why[REDIS_WHY_MAX]; /* it was dropped */
};

/* Begin to connect, within server_run(). A host that is no address is looked
 * up, which the whole process waits for. */
void redis_link_begin(redis_link *l);

/* Behind server_run(). lost() is not called. */
void redis_link_end(redis_link *l);

/* A command, in the format of redisAsyncCommand(); false: it was not sent, and
 * `fn` will not be called. Its context's `data` is the link. */
bool redis_link_ask(redis_link *l, redisCallbackFn *fn, void *user,
                    const char *format, ...);

/* Give the connection up, and try again later. */
void redis_link_drop(redis_link *l, const char *why);

#endif
