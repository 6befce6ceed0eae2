/* SPDX-License-Identifier: MIT */
/* drain.c - a process goes, and its clients stay: see drain.h. */

#include <unistd.h>

#include "drain.h"
#include "http_body.h"
#include "server.h"
#include "tcp.h"

enum { STEPS = 50 }; /* a second: how evenly they are told */

/* ---- What is asked ------------------------------------------------------ */

static bool asks_for_health(const upf_event *ev)
{
    return ev->status == UPF_ERR_NOT_UPGRADE &&
           (upf_str_equals(ev->request.method, "GET") ||
            upf_str_equals(ev->request.method, "HEAD")) &&
           upf_str_equals(ev->request.target, "/healthz");
}

bool drain_answers(const server *s, client *c, const upf_event *ev)
{
    const bool drains = s->drain.begin != 0;

    if (asks_for_health(ev))
        http_answer(c, drains ? 503 : 200, drains ? "Draining.\n"
                                                  : "Serving.\n");
    else if ((drains && upf_str_equals(ev->request.method, "OPTIONS")) ||
             (s->drain.tells && ev->status == UPF_OK))
        http_answer(c, 503, "This process is about to end; ask again.\n");
    else
        return false;
    return true;
}

/* ---- Clients ------------------------------------------------------------ */

/* Who is still asking is refused, once the request is here. */
static void tell(client *c)
{
    if (upf_conn_is_open(&c->ws))
        client_close(c, UPF_CLOSE_GOING_AWAY, "server is shutting down");
}

/* From the last to the first: the server fills a gap with its last client, who
 * was told then. Newcomers are behind those. */
static void on_step(timer *t)
{
    drain  *d = OWNER_OF(drain, timer, t);
    server *s = OWNER_OF(server, drain, d);

    if (s->now < d->begin)
        return;
    if (!d->tells)
        d->count = d->left = s->count;
    d->tells = true;
    if (d->left > s->count)
        d->left = s->count;
    const double keeps =
        s->now < d->end ? (double)d->count * (double)(d->end - s->now) /
                              (double)(d->end - d->begin)
                        : 0;
    while ((double)d->left > keeps)
        tell(s->clients[--d->left]);
    if (d->left == 0) {
        timers_stop(&s->timers, t);
        server_stop(s);
    }
}

bool drain_begin(server *s)
{
    drain *d = &s->drain;
    char   heard[16];

    if (d->begin != 0 || s->setup.drain + s->setup.drain_notice == 0 ||
        read(s->stop.fd, heard, sizeof heard) < 0) /* or it woke us again */
        return false;
    d->begin = clock_ms() + s->setup.drain_notice;
    d->end   = d->begin + s->setup.drain;
    timers_every(&s->timers, &d->timer, STEPS, on_step);
    return true;
}
