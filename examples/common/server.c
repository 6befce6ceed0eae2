/* SPDX-License-Identifier: MIT */
/* server.c - many WebSocket clients in one loop: see server.h. Read run_turn()
 * first, then hear_client(), then settle(). */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drain.h"
#include "host.h"
#include "page.h"
#include "server.h"
#include "tcp.h"
#include "trace.h"

enum {
    ACCEPTS   = 64,        /* at most so many in one turn */
    TURN_READ = 32 * 1024, /* bytes, and */
    TURN_HEAR = 64,        /* events, that one client has in its turn */
    SWEEP_MS  = 1000,      /* how often everybody's time is looked at; or */
    LIMIT_MS  = 100,       /* so often, where clients have a --max-rate */
    STOP_MS   = 3000       /* how long a stop waits for the clients */
};

/* ---- From a client ----------------------------------------------------- */

/* RFC 9110, section 7.4: who means another host was led here by a trick. */
static void hear_request(server *s, client *c, const upf_event *ev)
{
    static const upf_header plain_text = {"Content-Type", "text/plain"};
    static const char       other[] =
        "This server does not answer to that name; --host-name adds it.\n";
    upf_request request;

    if (!host_is_ours(&ev->request, c->source.fd, &s->setup.host_names)) {
        upf_refuse(&c->ws, 421, &plain_text, 1, other, sizeof other - 1);
        return;
    }
    if (drain_answers(s, c, ev))
        return;
    s->app->hear(s, c, ev);
    if (ev->status == UPF_ERR_NOT_UPGRADE && c->deferred == NULL &&
        s->app->page != NULL && upf_conn_request(&c->ws, &request) == UPF_OK)
        page_answer(&c->ws, &s->setup.config, &request, s->app->page,
                    s->app->page_len);
}

static void hear(server *s, client *c, const upf_event *ev)
{
    switch (ev->type) {
    case UPF_EVENT_REQUEST:
        hear_request(s, c, ev);
        return;
    case UPF_EVENT_OPEN:
        c->number = ++s->next_number;
        if (!set_join(&s->everyone, c))
            client_close(c, UPF_CLOSE_TRY_AGAIN_LATER, "out of memory");
        break;
    case UPF_EVENT_CLOSE:
        set_leave_all(c);
        break;
    default:
        break;
    }
    s->app->hear(s, c, ev);
}

/* Whether it may say one thing more. If not, it is not read from: it notices
 * that its messages are taken slowly, and loses none. A request and its body
 * are no messages. That it is lost is nothing it says, and must be heard before
 * it is freed. */
static bool is_within_limit(client *c)
{
    if (c->server->setup.max_rate == 0 || c->may_say >= 1 || c->number == 0 ||
        (upf_conn_wants(&c->ws) & UPF_WANTS_CLOSE))
        return true;
    client_limit(c, true);
    return false;
}

/*
 * One client's turn, which is short, however much it has to say: what it says
 * may be queued for all, and all must be written to before that is too much.
 */
static void hear_client(server *s, client *c)
{
    upf_event ev;

    client_touch(c);
    c->may_read = TURN_READ;
    c->has_more = false;
    for (int i = 0; i < TURN_HEAR; i++) {
        if (!is_within_limit(c))
            return;
        const upf_status status = upf_io_next(&c->io, &c->ws, &ev);
        if (status == UPF_WANT_ANSWER && c->deferred != NULL) {
            c->deferred(c);
            if (c->deferred == NULL)
                continue; /* it is answered */
        }
        if (status != UPF_OK) {
            /* Once reading is allowed, no poller may know of what TLS has. */
            if (c->deferred == NULL &&
                !(upf_conn_wants(&c->ws) & UPF_WANTS_READ))
                c->has_more = true;
            return;
        }
        if (c->number > 0)
            c->may_say -= 1;
        hear(s, c, &ev);
    }
    c->has_more = true; /* perhaps in the pump */
}

/* Whether there is something to do for which it need not be waited. */
static bool has_turn(const client *c)
{
    return c->has_more && !c->over_limit &&
           (c->deferred != NULL || (upf_conn_wants(&c->ws) & UPF_WANTS_READ));
}

static void on_client(source *from, unsigned events)
{
    client *c = OWNER_OF(client, source, from);

    if (events & POLLER_WRITE)
        c->blocked = false;
    if ((events & POLLER_LOST) && !(from->watched & POLLER_READ))
        upf_conn_lost(&c->ws); /* or we would be told again and again */
    client_touch(c);
    if (!has_turn(c)) /* else it had one just now */
        hear_client(c->server, c);
}

/* What can be written is written, and what has arrived is read, before anybody
 * is declared silent: `now` is older than that look. */
static void look_at_time(server *s, client *c, uint64_t now)
{
    hear_client(s, c);
    if (upf_conn_deadline(&c->ws) <= now) {
        upf_io_flush(&c->io, &c->ws);
        upf_conn_tick(&c->ws, now);
        hear_client(s, c);
    }
}

/* ---- Coming and going -------------------------------------------------- */

static client *new_client(server *s, int fd)
{
    client *c = calloc(1, s->app->client_size);

    if (c == NULL)
        return NULL;
    c->server = s;
    c->source = (source){.fd = fd, .ready = on_client};
    if ((s->setup.tls != NULL &&
         (c->tls = tls_accept(s->setup.tls, fd)) == NULL) ||
        !poller_watch(s->poller, &c->source, POLLER_READ)) {
        tls_free(c->tls);
        free(c);
        return NULL;
    }
    if (s->setup.send_buffer > 0)
        tcp_set_send_buffer(fd, s->setup.send_buffer);
    c->io      = upf_io_callbacks(client_read, client_write, c);
    c->may_say = (double)s->setup.max_rate;
    upf_conn_init_server(&c->ws, &s->setup.config);
    upf_conn_tick(&c->ws, s->now); /* its time begins */
    c->at = s->count;
    s->clients[s->count++] = c;
    return c;
}

static void watch_listener(server *s, bool accepts)
{
    if (s->listener.fd >= 0 && s->accepts != accepts)
        s->accepts = poller_watch(s->poller, &s->listener,
                                  accepts ? POLLER_READ : 0) && accepts;
}

static void free_client(server *s, client *c)
{
    s->clients[c->at]     = s->clients[--s->count];
    s->clients[c->at]->at = c->at;
    poller_forget(s->poller, &c->source);
    set_leave_all(c);
    upf_conn_free(&c->ws);
    tls_free(c->tls);
    close(c->source.fd);
    free(c->body);
    free(c);
    watch_listener(s, true); /* its place is free */
}

static void on_listener(source *from, unsigned events)
{
    server *s = OWNER_OF(server, listener, from);

    (void)events;
    for (int i = 0; i < ACCEPTS && s->count < s->setup.max; i++) {
        const int fd = tcp_accept(from->fd);
        if (fd < 0) {
            if (tcp_out_of_resources())
                watch_listener(s, false); /* until the next sweep */
            return;
        }
        if (new_client(s, fd) == NULL)
            close(fd);
    }
    if (s->count == s->setup.max)
        watch_listener(s, false);
}

/*
 * RFC 6455, section 7.1.1: after the last event shut down, read to the end,
 * and only then close. False when it has come to that.
 */
static bool is_alive(client *c)
{
    char dropped[4096];

    if (upf_conn_wants(&c->ws) & UPF_WANTS_SHUTDOWN) {
        if (!c->shut_down) {
            tls_free(c->tls); /* says goodbye */
            c->tls = NULL;
            shutdown(c->source.fd, SHUT_WR);
            c->shut_down = true;
        }
        const ptrdiff_t n = tcp_read(&c->source.fd, dropped, sizeof dropped);
        if (n == 0 || n == UPF_IO_ERROR)
            upf_conn_eof(&c->ws);
    }
    return !(upf_conn_wants(&c->ws) & UPF_WANTS_CLOSE);
}

/* Write what was queued for it, and say what to wait for, if it stays. Until
 * that is clear it counts as listed. */
static void settle(server *s, client *c)
{
    upf_status flushed = UPF_OK;

    if (upf_conn_queued(&c->ws) > 0 && !c->blocked) {
        flushed    = upf_io_flush(&c->io, &c->ws);
        c->blocked = flushed > 0;
    }
    if (flushed < 0 || (upf_conn_wants(&c->ws) & UPF_WANTS_CLOSE))
        hear_client(s, c); /* lost while it was written to: its last event */
    if (!is_alive(c)) {
        free_client(s, c);
        return;
    }
    if (c->congested && !upf_conn_congested(&c->ws)) {
        c->congested = false;
        if (s->app->relieved != NULL && upf_conn_is_open(&c->ws))
            s->app->relieved(s, c);
    }
    c->is_listed = false;
    if (has_turn(c) || (upf_conn_queued(&c->ws) > 0 && !c->blocked))
        client_touch(c); /* in the next turn, which begins at once */
    const unsigned wants = upf_io_wants(&c->io, &c->ws);
    const bool reads = (wants & UPF_WANTS_READ) || c->deferred != NULL;
    if (!poller_watch(s->poller, &c->source,
                      (reads ? POLLER_READ : 0) |
                          (wants & UPF_WANTS_WRITE ? POLLER_WRITE : 0))) {
        upf_conn_lost(&c->ws); /* no memory to wait for it */
        client_touch(c);
    }
}

/* Those who are touched meanwhile are settled when the next turn ends. */
static void settle_all(server *s)
{
    client *next, *list = s->touched;

    s->touched = NULL;
    for (client *c = list; c != NULL; c = next) {
        next = c->next_touched;
        settle(s, c);
    }
}

/* ---- Time -------------------------------------------------------------- */

/* A tenth of what is to be measured (upf_conn_tick()), and once a second. */
static uint64_t sweep_ms(const server *s)
{
    const uint32_t times[] = {s->setup.config.ping_interval / 10,
                              s->setup.config.pong_timeout / 10,
                              s->setup.max_rate > 0 ? LIMIT_MS : 0};
    uint32_t ms = SWEEP_MS;

    for (int i = 0; i < 3; i++)
        if (times[i] > 0 && times[i] < ms)
            ms = times[i];
    return ms;
}

/* A second's worth may be said at once. */
static void refill(client *c, uint64_t elapsed_ms)
{
    const double rate = (double)c->server->setup.max_rate;

    c->may_say += rate * (double)elapsed_ms / 1000;
    if (c->may_say > rate)
        c->may_say = rate;
    if (c->may_say >= 1)
        client_limit(c, false);
}

static void sweep(server *s)
{
    for (size_t i = 0; i < s->count; i++) {
        client *c = s->clients[i];
        if (s->setup.max_rate > 0)
            refill(c, s->now - s->last_sweep);
        if (c->deferred != NULL)
            hear_client(s, c); /* its patience is limited, too */
        if (upf_conn_deadline(&c->ws) <= s->now)
            look_at_time(s, c, s->now);
    }
    s->last_sweep = s->now;
    if (s->count < s->setup.max)
        watch_listener(s, true);
}

static int time_to_wait(const server *s)
{
    const uint64_t now = clock_ms();
    double due = timers_due(&s->timers);

    if ((double)(s->last_sweep + sweep_ms(s)) < due)
        due = (double)(s->last_sweep + sweep_ms(s));
    if (s->give_up != 0 && (double)s->give_up < due)
        due = (double)s->give_up;
    if (s->touched != NULL || due <= (double)now)
        return 0;
    return (int)(due - (double)now + 0.999);
}

/* ---- The loop ---------------------------------------------------------- */

/* RFC 6455, section 7.4.1: 1001 is what a server says that goes down. */
void server_stop(server *s)
{
    if (s->give_up != 0)
        return;
    poller_forget(s->poller, &s->listener);
    poller_forget(s->poller, &s->stop); /* heard */
    close(s->listener.fd);
    s->listener.fd = -1;
    s->give_up     = clock_ms() + STOP_MS;
    for (size_t i = 0; i < s->count; i++)
        client_close(s->clients[i], UPF_CLOSE_GOING_AWAY,
                     "server is shutting down");
}

static void on_stop(source *from, unsigned events)
{
    server *s = OWNER_OF(server, stop, from);

    (void)events;
    if (stop_requested() && !drain_begin(s))
        server_stop(s);
}

static bool run_turn(server *s)
{
    for (client *c = s->touched; c != NULL; c = c->next_touched)
        if (has_turn(c))
            hear_client(s, c);
    if (!poller_wait(s->poller, time_to_wait(s)))
        return false;
    s->now = clock_ms();
    timers_run(&s->timers, (double)s->now);
    settle_all(s);
    /* Not before: for whom output waits, time has to be looked at. */
    if (s->now >= s->last_sweep + sweep_ms(s))
        sweep(s);
    return true;
}

static void on_frame(void *user, const upf_conn *conn, bool sent,
                     const upf_frame_header *h)
{
    const client *c = (const void *)conn;

    (void)user;
    fprintf(stderr, "#%-3u ", c->number);
    trace_frame(stderr, sent, h);
    fputc('\n', stderr);
}

int server_begin(server *s, const server_app *app, int argc, char **argv,
                 const char *about)
{
    if (app->hear == NULL || app->client_size < sizeof(client)) {
        fputs("server_begin: the application lacks .hear, or its .client_size "
              "is not that of a struct which begins with a client\n", stderr);
        return 2;
    }
    s->app = app;
    s->setup.is_app = true;
    const int status = server_set_up(&s->setup, argc, argv, about);
    if (status >= 0)
        return status;
    if (s->setup.trace)
        s->setup.config.trace = on_frame;
    s->listener = (source){.fd = s->setup.listener, .ready = on_listener};
    s->stop     = (source){.fd = s->setup.stop, .ready = on_stop};
    s->now      = clock_ms();
    s->poller   = poller_new();
    s->clients  = calloc(s->setup.max, sizeof(client *));
    s->accepts  = true;
    if (s->poller == NULL || s->clients == NULL ||
        !poller_watch(s->poller, &s->listener, POLLER_READ) ||
        !poller_watch(s->poller, &s->stop, POLLER_READ)) {
        fprintf(stderr, "cannot begin: %s\n", strerror(errno));
        return 1;
    }
    return -1;
}

int server_run(server *s)
{
    bool ok = true;

    if (s->poller == NULL) {
        fputs("server_run: return what server_begin() returned, unless it is "
              "-1\n", stderr);
        return 2;
    }
    while (ok && (s->give_up == 0 ||
                  (s->count > 0 && clock_ms() < s->give_up)))
        ok = run_turn(s);
    if (!ok)
        fprintf(stderr, "cannot wait: %s\n", strerror(errno));
    while (s->count > 0)
        free_client(s, s->clients[0]);
    if (s->listener.fd >= 0)
        close(s->listener.fd);
    set_free(&s->everyone);
    poller_free(s->poller);
    free(s->clients);
    tls_context_free(s->setup.tls);
    return ok ? 0 : 1;
}
