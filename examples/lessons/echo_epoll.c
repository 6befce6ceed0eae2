/* SPDX-License-Identifier: MIT */
/*
 * echo_epoll.c - returns every message, and fast: the engine and Linux's epoll.
 *
 *     echo_epoll                           then: echo_client --text Hello
 *     echo_epoll --broadcast               each message goes to all clients
 *
 * What it shows: the least that a server must do beside the engine. A message
 * costs a recv(), a send() and its share of an epoll_wait(): no allocation, no
 * copy, no look at the clock. An idle connection costs 136 bytes. The loop is
 * edge-triggered: a socket is registered once, for all events, and the kernel
 * need not look again at what it has told already. The price is that we keep in
 * mind what is still unread. Read serve() first, then read_input(), then run().
 */

#define _GNU_SOURCE /* accept4() */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <upframe/conn.h>
#include <upframe/io.h>
#include "server_setup.h"
#include "tcp.h"

enum {
    RECEIVE_SIZE = 256 * 1024, /* fits the L2 cache, with several messages */
    GATHER_SIZE  = 16 * 1024,  /* output that is copied to be in one piece */
    SLICES       = 32,
    EVENTS       = 512,
    ACCEPTS      = 64,         /* at most so many between two waits */
    BATCH        = 256,        /* messages, or */
    BATCH_BYTES  = 1 << 20,    /* bytes, that one pass sends to all */
    STOP_MS      = 3000        /* how long a stop waits for the clients */
};

/* What a client's socket is watched for, always. */
#define CLIENT (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)

struct client {
    upf_conn ws;
    bool     connected;
    bool     unread; /* the socket may hold input that no event will tell of */
    bool     shut_down;
};

struct server {
    struct server_setup setup;
    int            epoll, timer;
    struct client *clients;   /* by descriptor */
    size_t         size;      /* so many there are, */
    size_t         used;      /* and so many were in use */
    size_t         count;     /* are connected */
    bool           broadcast;
    upf_shared    *batch[BATCH]; /* broadcast: read, and not yet sent to all */
    size_t         batch_count, batch_bytes;
    uint64_t       give_up;   /* when a stop ends at last; 0: not stopping */
};

static uint8_t received[RECEIVE_SIZE];

static bool watch(const struct server *s, int how, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};

    return epoll_ctl(s->epoll, how, fd, &event) == 0;
}

/* ---- Output ------------------------------------------------------------ */

/* Short slices become one: the kernel's work for each would cost more. */
static size_t gather(upf_slice *slices, size_t count)
{
    static uint8_t gathered[GATHER_SIZE];
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        if (slices[i].len > sizeof gathered - len)
            return count;
        memcpy(gathered + len, slices[i].data, slices[i].len);
        len += slices[i].len;
    }
    slices[0] = (upf_slice){gathered, len};
    return 1;
}

static void write_output(struct client *c, int fd)
{
    upf_slice slices[SLICES];
    size_t    count;
    ptrdiff_t n;

    while ((count = upf_conn_output(&c->ws, slices, SLICES)) > 0) {
        if (count > 1)
            count = gather(slices, count);
        if (count == 1)
            n = tcp_write(&fd, slices[0].data, slices[0].len);
        else
            n = tcp_writev(fd, slices, count);

        /* What is not written of the receive buffer is copied here. */
        upf_conn_output_done(&c->ws, n);
        if (n == UPF_IO_ERROR)
            upf_conn_lost(&c->ws);
        if (n < 0 && n != UPF_IO_INTERRUPTED)
            break; /* EPOLLOUT tells when to go on */
    }
}

/*
 * Too slow is who does not read, and not who was not written to while others
 * talked: over max_queued, what the socket takes now makes room.
 */
static void queue_batch(const struct server *s, int fd)
{
    struct client *c = &s->clients[fd];

    for (size_t i = 0; i < s->batch_count; i++) {
        upf_status status = upf_send_shared(&c->ws, s->batch[i]);
        if (status == UPF_ERR_QUEUE_FULL) {
            write_output(c, fd);
            status = upf_send_shared(&c->ws, s->batch[i]);
        }
        if (status == UPF_OK)
            continue;
        /* The Close always has room, and some seconds to be read. */
        upf_close(&c->ws, UPF_CLOSE_POLICY, "too slow");
        return;
    }
}

/* One pass over all clients for many messages, and one write to each. Nobody
 * leaves here: a connection that turns out to be lost has an event coming. */
static void send_batch(struct server *s)
{
    for (size_t i = 0; i < s->used; i++) {
        struct client *c = &s->clients[i];
        if (!upf_conn_is_open(&c->ws))
            continue;
        const bool is_stuck = upf_conn_queued(&c->ws) > 0;
        queue_batch(s, (int)i);
        if (!is_stuck) /* else EPOLLOUT tells when to go on */
            write_output(c, (int)i);
    }
    while (s->batch_count > 0)
        upf_shared_free(s->batch[--s->batch_count]);
    s->batch_bytes = 0;
}

static bool send_to_all(struct server *s, const upf_event *ev)
{
    upf_shared *shared =
        upf_shared_new(&s->setup.config, ev->opcode, ev->data, ev->len);

    if (shared == NULL)
        return false;
    s->batch[s->batch_count++] = shared;
    s->batch_bytes += ev->len;
    if (s->batch_count == BATCH || s->batch_bytes >= BATCH_BYTES)
        send_batch(s);
    return true;
}

/* ---- One client ------------------------------------------------------- */

static void work_off(struct server *s, upf_conn *ws, uint8_t *data, size_t len)
{
    upf_input in = {.data = data, .len = len};
    upf_event ev;

    while (upf_conn_next(ws, &in, &ev) == UPF_OK) {
        bool ok = true; /* handshakes and pings are answered by the engine */
        if (ev.type == UPF_EVENT_MESSAGE)
            ok = s->broadcast ? send_to_all(s, &ev)
                              : upf_send_in_place(ws, ev.opcode, ev.data,
                                                  ev.len) == UPF_OK;
        /* No room or no memory: saying so beats losing it in silence. */
        if (!ok)
            upf_close(ws, UPF_CLOSE_TRY_AGAIN_LATER, "overloaded");
    }
}

/*
 * One read. The rest of a large message goes where the message is put together,
 * and what follows it into the common buffer.
 */
static void read_input(struct server *s, int fd, bool at_end)
{
    struct client *c = &s->clients[fd];
    size_t   room_len = 0;
    uint8_t *room     = upf_conn_room(&c->ws, &room_len);
    ssize_t  n;

    if (room == NULL) {
        n = recv(fd, received, sizeof received, 0);
    } else {
        struct iovec to[] = {{room, room_len}, {received, sizeof received}};
        n = readv(fd, to, 2);
    }
    const size_t len = n > 0 ? (size_t)n : 0;
    /* What did not fill its buffers has emptied the socket, but for its end. */
    c->unread = len == room_len + sizeof received || (at_end && n > 0);
    if (n == 0)
        upf_conn_eof(&c->ws);
    else if (n < 0 && errno == EINTR)
        c->unread = true;
    else if (n < 0 && errno != EAGAIN)
        upf_conn_lost(&c->ws);

    const size_t in_room = len < room_len ? len : room_len;
    if (in_room > 0)
        work_off(s, &c->ws, room, in_room);
    if (in_room == 0 || len > in_room)
        work_off(s, &c->ws, received, len - in_room);
}

/* RFC 6455, 7.1.1: shut down, read to the end, and only then close. */
static void settle(struct server *s, int fd)
{
    struct client *c     = &s->clients[fd];
    const unsigned wants = upf_conn_wants(&c->ws);

    if ((wants & UPF_WANTS_SHUTDOWN) && !c->shut_down) {
        shutdown(fd, SHUT_WR);
        c->shut_down = true;
    }
    if (wants & UPF_WANTS_CLOSE) {
        upf_conn_free(&c->ws);
        c->connected = false;
        s->count--;
        close(fd);
    } else if (c->unread && (wants & UPF_WANTS_READ)) {
        /* Others first: setting the events makes epoll tell them again. */
        watch(s, EPOLL_CTL_MOD, fd, CLIENT);
    }
}

/* Let one client act on what epoll_wait() saw. */
static void serve(struct server *s, int fd, uint32_t seen)
{
    struct client *c = &s->clients[fd];

    if ((seen & EPOLLOUT) && upf_conn_queued(&c->ws) > 0)
        write_output(c, fd);
    if (seen & ~(uint32_t)EPOLLOUT)
        c->unread = true;
    /* A client that does not read what it asked for is not read from. */
    if (c->unread && (upf_conn_wants(&c->ws) & UPF_WANTS_READ)) {
        read_input(s, fd, (seen & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
        write_output(c, fd);
    }
    settle(s, fd);
}

/* Let it act on what we did to it. */
static void serve_unasked(struct server *s, int fd)
{
    work_off(s, &s->clients[fd].ws, NULL, 0);
    serve(s, fd, EPOLLOUT);
}

/* ---- All clients ------------------------------------------------------ */

static void accept_clients(struct server *s)
{
    bool is_short = false;

    for (int i = 0; i < ACCEPTS && s->count < s->setup.max; i++) {
        /* Linux hands the listener's TCP_NODELAY on. */
        const int fd = accept4(s->setup.listener, NULL, NULL,
                               SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            is_short = tcp_out_of_resources();
            break;
        }
        if ((size_t)fd >= s->size || !watch(s, EPOLL_CTL_ADD, fd, CLIENT)) {
            is_short = true;
            close(fd);
            break;
        }
        s->clients[fd] = (struct client){.connected = true};
        upf_conn_init_server(&s->clients[fd].ws, &s->setup.config);
        s->count++;
        if (s->used <= (size_t)fd)
            s->used = (size_t)fd + 1;
    }
    if (is_short || s->count == s->setup.max) /* until the next tick() */
        watch(s, EPOLL_CTL_MOD, s->setup.listener, 0);
}

/*
 * Time-outs and keepalive pings. What can be written is written, and what has
 * arrived is read, before anybody is declared silent: he may have done his
 * share while this process stood still.
 */
static void tick(struct server *s)
{
    const uint64_t now = clock_ms();
    uint64_t       times;

    if (read(s->timer, &times, sizeof times) < 0)
        return;
    for (size_t i = 0; i < s->used; i++) {
        struct client *c = &s->clients[i];
        if (!c->connected || upf_conn_deadline(&c->ws) > now)
            continue;
        serve(s, (int)i, EPOLLIN | EPOLLOUT);
        if (!c->connected)
            continue;
        upf_conn_tick(&c->ws, now);
        serve_unasked(s, (int)i);
    }
    if (s->give_up == 0 && s->count < s->setup.max)
        watch(s, EPOLL_CTL_MOD, s->setup.listener, EPOLLIN);
    if (s->give_up != 0 && now >= s->give_up)
        s->count = 0; /* whoever is left is left alone */
}

/* Section 7.4.1: 1001 is what a server says that goes down. */
static void begin_stop(struct server *s)
{
    watch(s, EPOLL_CTL_DEL, s->setup.stop, 0); /* heard */
    close(s->setup.listener);
    s->setup.listener = -1;
    s->give_up        = clock_ms() + STOP_MS;
    for (size_t i = 0; i < s->used; i++) {
        if (!s->clients[i].connected)
            continue;
        upf_close(&s->clients[i].ws, UPF_CLOSE_GOING_AWAY,
                  "server is shutting down");
        serve_unasked(s, (int)i);
    }
}

static int run(struct server *s)
{
    static struct epoll_event events[EVENTS];

    while (s->give_up == 0 || s->count > 0) {
        const int n = epoll_wait(s->epoll, events, EVENTS, -1);
        if (n < 0 && errno != EINTR) {
            perror("epoll_wait");
            return 1;
        }
        for (int i = 0; i < n; i++) {
            const int fd = events[i].data.fd;
            /* One for who has left is harmless to who came after him. */
            if (fd == s->setup.listener)
                accept_clients(s);
            else if (fd == s->timer)
                tick(s);
            else if (fd == s->setup.stop)
                begin_stop(s);
            else if (s->clients[fd].connected)
                serve(s, fd, events[i].events);
        }
        if (s->batch_count > 0)
            send_batch(s);
    }
    return 0;
}

/* ---- Beginning -------------------------------------------------------- */

/* How often tick() is called: once a second, or as a tenth of a time asks. */
static bool set_timer(const struct server *s)
{
    const uint32_t times[] = {s->setup.config.ping_interval,
                              s->setup.config.pong_timeout};
    uint32_t ms = 1000;

    for (int i = 0; i < 2; i++)
        if (times[i] > 0 && times[i] / 10 < ms)
            ms = times[i] / 10;
    if (ms == 0)
        ms = 1;
    const struct timespec   period = {ms / 1000, ms % 1000 * 1000000L};
    const struct itimerspec timer  = {period, period};
    return timerfd_settime(s->timer, 0, &timer, NULL) == 0;
}

static bool begin(struct server *s)
{
    enum { BESIDE = 64 }; /* descriptors that are not a client's */

    /* What is sent here was received, and was checked then. */
    s->setup.config.trust_sent_text = true;
    s->size    = s->setup.max + BESIDE;
    s->clients = calloc(s->size, sizeof *s->clients);
    s->epoll   = epoll_create1(EPOLL_CLOEXEC);
    s->timer   = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    return s->clients != NULL && s->timer >= 0 &&
           set_timer(s) &&
           watch(s, EPOLL_CTL_ADD, s->timer, EPOLLIN) &&
           watch(s, EPOLL_CTL_ADD, s->setup.stop, EPOLLIN) &&
           watch(s, EPOLL_CTL_ADD, s->setup.listener, EPOLLIN);
}

/* --broadcast is not of server_set_up()'s options. */
static void take_options(struct server *s, int *argc, char **argv)
{
    int kept = 1;

    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--broadcast") == 0)
            s->broadcast = true;
        else
            argv[kept++] = argv[i];
    }
    argv[kept] = NULL;
    *argc = kept;
}

static const char about[] =
"usage: echo_epoll [option...]\n"
"Returns every WebSocket message to its sender, fast. Linux and ws:// only.\n"
"\n"
"  --broadcast            send every message to all clients instead";

int main(int argc, char **argv)
{
    struct server s = {.setup = {.plain           = true,
                                 .echoes          = true,
                                 .host            = "127.0.0.1",
                                 .port            = "9001",
                                 .max_message     = 16ul << 20,
                                 .max_queued      = 18ul << 20,
                                 .ping_interval   = 30000,
                                 .pong_timeout    = 20000,
                                 .max_connections = 100000}};

    take_options(&s, &argc, argv);
    int status = server_set_up(&s.setup, argc, argv, about);
    if (status >= 0)
        return status;
    if (begin(&s)) {
        status = run(&s);
    } else {
        perror("cannot begin");
        status = 1;
    }
    for (size_t i = 0; i < s.used; i++)
        upf_conn_free(&s.clients[i].ws);
    free(s.clients);
    return status;
}
