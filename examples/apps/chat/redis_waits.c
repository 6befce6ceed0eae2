/* SPDX-License-Identifier: MIT */
/* redis_waits.c - the functions with which hiredis says what it waits for. */

#include "redis_waits.h"

/* If the poller has no memory for it, the silence that follows ends it. */
static void want(redis_link *l, unsigned events)
{
    l->wanted = events;
    if (l->server != NULL)
        (void)poller_watch(l->server->poller, &l->source, events);
}

static void add_read(void *user)
{
    redis_link *l = user;

    want(l, l->wanted | POLLER_READ);
}

static void del_read(void *user)
{
    redis_link *l = user;

    want(l, l->wanted & ~POLLER_READ);
}

static void add_write(void *user)
{
    redis_link *l = user;

    want(l, l->wanted | POLLER_WRITE);
}

static void del_write(void *user)
{
    redis_link *l = user;

    want(l, l->wanted & ~POLLER_WRITE);
}

void redis_waits_begin(redis_link *link)
{
    redisAsyncContext *ac = link->ac;

    ac->ev.data     = link;
    ac->ev.addRead  = add_read;
    ac->ev.delRead  = del_read;
    ac->ev.addWrite = add_write;
    ac->ev.delWrite = del_write;
}
