/* SPDX-License-Identifier: MIT */
/*
 * echo_server.c - returns every message: the engine in a poll() loop.
 *
 *     echo_server                          then: echo_client --text Hello
 *     echo_server --tls-cert c.pem --tls-key k.pem
 *
 * What it shows: how to drive upf_conn without a pump, as the author of an
 * event loop would. ONE receive buffer serves every connection; an echo leaves
 * from where its message arrived (upf_send_in_place); replies share one
 * writev(); a client that does not read what it asked for is no longer read
 * from (upf_conn_wants); time-outs and keepalive pings come from poll()'s own
 * time-out (upf_conn_deadline, upf_conn_tick). Read serve() first, then run().
 */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <upframe/conn.h>
#include <upframe/io.h>
#include "echo_html.h"
#include "page.h"
#include "server_setup.h"
#include "tcp.h"
#include "tls.h"
#include "trace.h"

/* More than a TLS record, so that nothing is left inside OpenSSL after a read,
 * where poll() cannot see it. */
enum { RECEIVE_SIZE = 64 * 1024 };

enum {
    SLICES  = 64,
    ACCEPTS = 64,  /* at most so many between two polls */
    STOP_MS = 3000 /* how long a stop waits for the clients */
};

struct client {
    upf_conn    ws; /* first, so that on_frame() finds its client */
    int         fd;
    tls_stream *tls;             /* NULL: plain TCP */
    short       read_waits_for;  /* POLLIN; TLS may have to write to read, */
    short       write_waits_for; /* POLLOUT; and to read to write */
    bool        shut_down;
    unsigned    number;
    const upf_config *config;
};

struct server {
    struct server_setup setup;
    struct client *clients;
    struct pollfd *polls; /* stop, listener, then one a client */
    size_t         count;
    unsigned       next_number;
    bool           short_of_descriptors;
    uint64_t       give_up; /* when a stop ends at last; 0: not stopping */
};

static uint8_t received[RECEIVE_SIZE];

/* ---- One client ------------------------------------------------------- */

static void answer(struct client *c, const upf_event *ev)
{
    switch (ev->type) {
    case UPF_EVENT_REQUEST:
        if (ev->status == UPF_ERR_NOT_UPGRADE)
            page_answer(&c->ws, c->config, &ev->request, echo_html,
                        sizeof echo_html - 1);
        break; /* a handshake is answered by the engine */
    case UPF_EVENT_MESSAGE:
        /* No room or no memory: saying so beats losing an echo in silence. */
        if (upf_send_in_place(&c->ws, ev->opcode, ev->data, ev->len) != UPF_OK)
            upf_close(&c->ws, UPF_CLOSE_TRY_AGAIN_LATER, "overloaded");
        break;
    default: /* pings are answered already; wants() knows of the end */
        break;
    }
}

static void work_off(struct client *c, upf_input in)
{
    upf_event ev;

    while (upf_conn_next(&c->ws, &in, &ev) == UPF_OK)
        answer(c, &ev);
}

static void read_input(struct client *c)
{
    upf_input in = {.data = NULL};
    size_t    size = 0;
    ptrdiff_t n;

    /* The rest of a large message goes where the message is put together. */
    if (c->tls == NULL)
        in.data = upf_conn_room(&c->ws, &size);
    if (in.data == NULL) {
        in.data = received;
        size    = sizeof received;
    }
    if (c->tls != NULL)
        n = tls_read(c->tls, in.data, size);
    else
        n = tcp_read(&c->fd, in.data, size);

    c->read_waits_for = n == UPF_IO_WANT_WRITE ? POLLOUT : POLLIN;
    if (n == 0)
        upf_conn_eof(&c->ws);
    else if (n == UPF_IO_ERROR)
        upf_conn_lost(&c->ws);
    else if (n > 0)
        in.len = (size_t)n;
    work_off(c, in);
}

static void write_output(struct client *c)
{
    upf_slice slices[SLICES];
    size_t    count;

    while ((count = upf_conn_output(&c->ws, slices, SLICES)) > 0) {
        ptrdiff_t n;
        if (c->tls != NULL)
            n = tls_write(c->tls, slices[0].data, slices[0].len);
        else
            n = tcp_writev(c->fd, slices, count);

        /* What is not written of the receive buffer is copied here. */
        upf_conn_output_done(&c->ws, n);
        c->write_waits_for = n == UPF_IO_WANT_READ ? POLLIN : POLLOUT;
        if (n == UPF_IO_ERROR)
            upf_conn_lost(&c->ws);
        if (n < 0 && n != UPF_IO_INTERRUPTED)
            break;
    }
}

/*
 * Let one client act on what poll() saw; false when it is to be removed. What
 * can be written is written, and what has arrived is read, before anybody is
 * declared silent: he may have done his share while this process stood still.
 */
static bool serve(struct client *c, short seen, uint64_t now)
{
    const unsigned reading = UPF_WANTS_READ | UPF_WANTS_SHUTDOWN;
    const short    broken  = POLLERR | POLLHUP | POLLNVAL;
    const bool     due     = upf_conn_deadline(&c->ws) <= now;
    unsigned       wants;

    if (due)
        write_output(c); /* less may wait then than withholds reading */
    if ((upf_conn_wants(&c->ws) & reading) &&
        (due || (seen & (c->read_waits_for | broken))))
        read_input(c);
    work_off(c, (upf_input){.data = NULL});
    write_output(c);
    if (due)
        upf_conn_tick(&c->ws, now);
    /* A time-out is an event, and so is a failed write. */
    work_off(c, (upf_input){.data = NULL});

    /* RFC 6455, 7.1.1: shut down, read to the end, and only then close. */
    wants = upf_conn_wants(&c->ws);
    if ((wants & UPF_WANTS_SHUTDOWN) && !c->shut_down) {
        tls_free(c->tls); /* says goodbye */
        c->tls = NULL;
        shutdown(c->fd, SHUT_WR);
        c->shut_down = true;
    }
    return !(wants & UPF_WANTS_CLOSE);
}

static short poll_events(const struct client *c)
{
    const unsigned wants = upf_conn_wants(&c->ws);
    short events = 0;

    if (wants & (UPF_WANTS_READ | UPF_WANTS_SHUTDOWN))
        events |= c->read_waits_for;
    if (wants & UPF_WANTS_WRITE)
        events |= c->write_waits_for;
    return events;
}

/* ---- All clients ------------------------------------------------------ */

static void remove_client(struct server *s, size_t i)
{
    struct client *c = &s->clients[i];

    upf_conn_free(&c->ws);
    tls_free(c->tls);
    close(c->fd);
    /* A upf_conn may be moved: the last one fills the gap. */
    *c = s->clients[--s->count];
}

static void accept_clients(struct server *s, uint64_t now)
{
    for (int i = 0; i < ACCEPTS && s->count < s->setup.max; i++) {
        struct client *c = &s->clients[s->count];
        const int fd = tcp_accept(s->setup.listener);
        if (fd < 0) {
            s->short_of_descriptors = tcp_out_of_resources();
            return;
        }
        *c = (struct client){.fd              = fd,
                             .read_waits_for  = POLLIN,
                             .write_waits_for = POLLOUT,
                             .number          = ++s->next_number,
                             .config          = &s->setup.config};
        if (s->setup.tls != NULL &&
            (c->tls = tls_accept(s->setup.tls, fd)) == NULL) {
            close(fd);
            continue;
        }
        upf_conn_init_server(&c->ws, &s->setup.config);
        upf_conn_tick(&c->ws, now); /* its time begins */
        s->count++;
    }
}

/* Section 7.4.1: 1001 is what a server says that goes down. */
static void begin_stop(struct server *s, uint64_t now)
{
    close(s->setup.listener);
    s->setup.listener = -1;
    s->setup.stop     = -1; /* heard */
    s->give_up        = now + STOP_MS;
    for (size_t i = 0; i < s->count; i++)
        upf_close(&s->clients[i].ws, UPF_CLOSE_GOING_AWAY,
                  "server is shutting down");
}

/* Fill in what to poll for; returns poll()'s time-out. */
static int prepare(struct server *s, uint64_t now)
{
    uint64_t next = now + 60000;
    const bool full = s->count == s->setup.max || s->short_of_descriptors;

    if (s->give_up != 0)
        next = s->give_up;
    else if (s->short_of_descriptors)
        next = now + 1000; /* then try again: someone else may have closed */
    s->short_of_descriptors = false;
    s->polls[0] = (struct pollfd){.fd = s->setup.stop, .events = POLLIN};
    s->polls[1] = (struct pollfd){.fd     = full ? -1 : s->setup.listener,
                                  .events = POLLIN};
    for (size_t i = 0; i < s->count; i++) {
        const struct client *c = &s->clients[i];
        const uint64_t deadline = upf_conn_deadline(&c->ws);
        if (deadline < next)
            next = deadline;
        s->polls[2 + i] = (struct pollfd){.fd = c->fd,
                                          .events = poll_events(c)};
    }
    return next > now ? (int)(next - now) : 0;
}

static int run(struct server *s)
{
    while (s->give_up == 0 || s->count > 0) {
        const int wait = prepare(s, clock_ms());
        if (poll(s->polls, (nfds_t)(2 + s->count), wait) < 0) {
            if (errno != EINTR) {
                perror("poll");
                return 1;
            }
            continue;
        }

        const uint64_t now = clock_ms();
        if (s->give_up != 0 && now >= s->give_up)
            break;
        if (s->give_up == 0 && stop_requested())
            begin_stop(s, now);
        /* Backwards, so that the gap is filled by one who had his turn. */
        for (size_t i = s->count; i-- > 0;) {
            struct client *c = &s->clients[i];
            const short seen = s->polls[2 + i].revents;
            if (seen == 0 && upf_conn_deadline(&c->ws) > now)
                continue;
            if (!serve(c, seen, now))
                remove_client(s, i);
        }
        if (s->setup.listener >= 0 && s->polls[1].revents != 0)
            accept_clients(s, now);
    }
    while (s->count > 0)
        remove_client(s, s->count - 1);
    return 0;
}

/* ---- Beginning -------------------------------------------------------- */

static void on_frame(void *user, const upf_conn *conn, bool sent,
                     const upf_frame_header *h)
{
    const struct client *c = (const void *)conn;

    (void)user;
    fprintf(stderr, "#%-3u ", c->number);
    trace_frame(stderr, sent, h);
    fputc('\n', stderr);
}

static const char about[] =
"usage: echo_server [option...]\n"
"Returns every WebSocket message to its sender; a browser gets a page.\n"
"\n"
"Try it:  echo_server --trace &  echo_client --text Hello; kill %1\n";

int main(int argc, char **argv)
{
    struct server s = {.setup = {.echoes          = true,
                                 .host            = "127.0.0.1",
                                 .port            = "9001",
                                 .max_message     = 16ul << 20,
                                 .max_queued      = 64ul << 20,
                                 .ping_interval   = 30000,
                                 .pong_timeout    = 20000,
                                 .max_connections = 1000}};
    struct server_setup *setup = &s.setup;

    int status = server_set_up(setup, argc, argv, about);
    if (status >= 0)
        return status;
    if (setup->trace)
        setup->config.trace = on_frame;
    s.clients = calloc(setup->max, sizeof *s.clients);
    s.polls   = calloc(setup->max + 2, sizeof *s.polls);
    if (s.clients != NULL && s.polls != NULL) {
        status = run(&s);
    } else {
        fputs("out of memory\n", stderr);
        status = 1;
    }
    tls_context_free(setup->tls);
    free(s.polls);
    free(s.clients);
    return status;
}
