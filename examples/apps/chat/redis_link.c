/* SPDX-License-Identifier: MIT */
/* redis_link.c - one connection to Redis in the loop of the small server. Read
 * on_timer() first, then on_ready(). */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "redis_link.h"
#include "redis_waits.h"
#include "tcp.h"

enum {
    LOOKS     = 10,   /* a second */
    IDLE_MS   = 1000, /* then it is asked whether it is there */
    SILENT_MS = 5000  /* then it is taken for dead */
};

/* ---- What happens to it ------------------------------------------------- */

static void try_later(redis_link *l)
{
    const upf_config *config  = &l->server->setup.config;
    uint32_t          wait_ms = 0, bits = UINT32_MAX;

    (void)config->random(config->random_user, &bits, sizeof bits);
    upf_backoff_lost(&l->backoff, clock_ms(), bits, &wait_ms);
    l->retry_at = clock_ms() + wait_ms;
}

/* The last thing hiredis does with the link, whatever has ended it. */
static void clean_up(void *user)
{
    redis_link *l = user;

    if (l->why[0] == '\0')
        snprintf(l->why, sizeof l->why, "%s", l->ac->errstr);
    l->ac      = NULL;
    l->is_open = false;
    if (l->server == NULL)
        return; /* the end */
    poller_forget(l->server->poller, &l->source);
    try_later(l);
    l->lost(l, l->why);
}

/* It waits for no answer. */
static bool is_idle(const redis_link *l)
{
    return l->is_open && l->ac->replies.head == NULL;
}

static const char unasked[] = "Protocol error, an answer to nothing";

/* hiredis aborts the program when a reply comes that nothing was asked for: it
 * may be the greeting of what is no Redis. An error is taken at any time. What
 * comes together with the last reply is on_reply()'s. */
static bool speaks_unasked(const redis_link *l)
{
    char first;

    return is_idle(l) &&
           recv(l->source.fd, &first, 1, MSG_PEEK) == 1 && first != '-';
}

/* Either call may end the link, and with it its context. Only what is read is a
 * sign of life: a socket takes much that nobody reads. */
static void on_ready(source *from, unsigned events)
{
    redis_link        *l  = OWNER_OF(redis_link, source, from);
    redisAsyncContext *ac = l->ac;

    if (events & POLLER_LOST)
        events |= l->wanted; /* one of them finds out why */
    if (!l->is_open) {
        redisAsyncHandleWrite(ac); /* it is open then, or lost */
        return;
    }
    if (events & POLLER_READ) {
        l->since = clock_ms();
        if (speaks_unasked(l))
            redis_link_drop(l, unasked);
        else
            redisAsyncHandleRead(ac);
    }
    if (l->ac == ac && (events & POLLER_WRITE))
        redisAsyncHandleWrite(ac);
}

/* ---- Opening and closing ----------------------------------------------- */

static void on_password(redisAsyncContext *ac, void *reply, void *user)
{
    const redisReply *answer = reply;

    (void)user;
    if (answer != NULL && answer->type == REDIS_REPLY_ERROR)
        redis_link_drop(ac->data, answer->str);
}

static void on_connect(const redisAsyncContext *ac, int status)
{
    redis_link *l = ac->data;

    if (status != REDIS_OK)
        return; /* clean_up() follows */
    l->is_open = true;
    upf_backoff_opened(&l->backoff, clock_ms());
    if (l->address->password[0] != '\0')
        redis_link_ask(l, on_password, NULL, "AUTH %s", l->address->password);
    l->opened(l);
}

static void open_link(redis_link *l)
{
    const redis_address *a = l->address;
    redisAsyncContext   *ac =
        a->host[0] != '\0' ? redisAsyncConnect(a->host, a->port)
                           : redisAsyncConnectUnix(a->text);

    l->why[0] = '\0';
    l->since  = clock_ms();
    if (ac == NULL || ac->err != 0) {
        snprintf(l->why, sizeof l->why, "%s",
                 ac != NULL ? ac->errstr : "no memory");
        if (ac != NULL)
            redisAsyncFree(ac);
        try_later(l);
        l->lost(l, l->why);
        return;
    }
    l->ac          = ac;
    l->source      = (source){.fd = ac->c.fd, .ready = on_ready};
    l->wanted      = 0;
    ac->data       = l;
    ac->ev.cleanup = clean_up;
    redis_waits_begin(l);
    redisAsyncSetConnectCallback(ac, on_connect); /* and begins to wait */
}

void redis_link_drop(redis_link *l, const char *why)
{
    if (l->ac == NULL)
        return;
    snprintf(l->why, sizeof l->why, "%s", why);
    redisAsyncFree(l->ac); /* within a callback: once that has returned */
}

/* ---- Asking, and time -------------------------------------------------- */

struct asked {
    redisCallbackFn *fn; /* NULL: none */
    void            *user;
};

/* Every reply comes here first. What was read together with the last that is
 * waited for was there before anything else is asked: it answers nothing, and
 * hiredis must not get to it. */
static void on_reply(redisAsyncContext *ac, void *reply, void *user)
{
    struct asked      *asked  = user;
    const redisReader *reader = ac->c.reader;

    if (reply != NULL && ac->replies.head == NULL &&
        reader->pos < reader->len) {
        redis_link_drop(ac->data, unasked);
        reply = NULL;
    }
    if (asked->fn != NULL)
        asked->fn(ac, reply, asked->user);
    free(asked);
}

bool redis_link_ask(redis_link *l, redisCallbackFn *fn, void *user,
                    const char *format, ...)
{
    struct asked *asked = l->is_open ? malloc(sizeof *asked) : NULL;
    va_list       arguments;

    if (asked == NULL)
        return false;
    *asked = (struct asked){fn, user};
    if (is_idle(l))
        l->since = clock_ms();
    va_start(arguments, format);
    const int status = redisvAsyncCommand(l->ac, on_reply, asked, format,
                                          arguments);
    va_end(arguments);
    if (status != REDIS_OK)
        free(asked);
    return status == REDIS_OK;
}

static void on_timer(timer *t)
{
    redis_link    *l   = OWNER_OF(redis_link, timer, t);
    const uint64_t now = clock_ms();

    if (l->ac == NULL) {
        if (now >= l->retry_at)
            open_link(l);
    } else if (!is_idle(l)) {
        if (now - l->since > SILENT_MS)
            redis_link_drop(l, "it does not answer");
    } else if (now - l->since > IDLE_MS) {
        redis_link_ask(l, NULL, NULL, "PING");
    }
}

void redis_link_begin(redis_link *l)
{
    const upf_backoff_policy policy = {.base_ms   = 250,
                                       .cap_ms    = 5000,
                                       .stable_ms = 5000};

    upf_backoff_init(&l->backoff, &policy);
    timers_every(&l->server->timers, &l->timer, LOOKS, on_timer);
}

void redis_link_end(redis_link *l)
{
    l->server = NULL; /* its poller is freed */
    redis_link_drop(l, "the end");
}
