/* SPDX-License-Identifier: MIT */
/*
 * load.c - connections that keep a fixed number of messages under way.
 *
 *     load --port P --pid SERVER [--connections N] [--size BYTES] [--depth N]
 *          [--warmup MS] [--ms MS] [--broadcast]
 *
 * Each connection has `depth` messages under way and sends another for each
 * that came back. With --broadcast only one more connection sends; a message is
 * through when all the others have it. After the warm-up it counts for `ms`
 * milliseconds, and prints one line of JSON: messages (deliveries) a second,
 * latencies, and how long the server's process was on a processor meanwhile.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"
#include "histogram.h"

enum { DEPTH_MAX = 64, BUFFER = 256 * 1024 };

struct connection {
    int                  fd;
    bool                 waits; /* for the socket to become writable */
    struct client_reader reader;
    uint64_t             received; /* messages */
    size_t               out_at;   /* in a frame */
    size_t               out_left; /* bytes to send */
};

struct load {
    unsigned port, connections, depth;
    size_t   size;
    uint64_t warmup, measure; /* nanoseconds */
    pid_t    pid;
    bool     broadcast;

    int                epoll;
    struct connection *all; /* the sender of a broadcast is the last one */
    uint8_t           *payload;
    uint8_t           *frames; /* `depth` equal ones */
    size_t             frame_len;
    uint64_t          *sent_at; /* depth times of each connection that sends */
    unsigned           arrived[DEPTH_MAX]; /* broadcast: of each under way */
    uint64_t           sent, through;      /* broadcast: messages */

    bool             counting;
    uint64_t         messages;
    struct histogram latencies;
};

/* ---- Sending ------------------------------------------------------------ */

static void watch(struct load *l, struct connection *c, int how)
{
    struct epoll_event ev = {.data.ptr = c};

    ev.events = EPOLLIN | (c->waits ? EPOLLOUT : 0u);
    if (epoll_ctl(l->epoll, how, c->fd, &ev) != 0)
        client_die("epoll_ctl: %s", strerror(errno));
}

static void flush(struct load *l, struct connection *c)
{
    const bool waited = c->waits;

    c->waits = false;
    while (c->out_left > 0) {
        const size_t ready = l->depth * l->frame_len - c->out_at;
        const ssize_t n = send(c->fd, l->frames + c->out_at,
                               c->out_left < ready ? c->out_left : ready,
                               MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            c->waits = true;
            break;
        }
        if (n < 0)
            client_die("send: %s", strerror(errno));
        c->out_left -= (size_t)n;
        c->out_at    = (c->out_at + (size_t)n) % l->frame_len;
    }
    if (c->waits != waited)
        watch(l, c, EPOLL_CTL_MOD);
}

static void send_messages(struct load *l, struct connection *c, size_t count)
{
    c->out_left += count * l->frame_len;
    flush(l, c);
}

static uint64_t *sent_at(struct load *l, const struct connection *c,
                         uint64_t message)
{
    const size_t row = l->broadcast ? 0 : (size_t)(c - l->all);

    return &l->sent_at[row * l->depth + (size_t)(message % l->depth)];
}

/* ---- Receiving ---------------------------------------------------------- */

static void note(struct load *l, uint64_t sent, uint64_t now)
{
    if (!l->counting)
        return;
    l->messages++;
    histogram_add(&l->latencies, now - sent);
}

static void echoed(struct load *l, struct connection *c, size_t count)
{
    const uint64_t now = client_now();

    for (size_t i = 0; i < count; i++) {
        uint64_t *at = sent_at(l, c, c->received++);

        note(l, *at, now);
        *at = now;
    }
    send_messages(l, c, count);
}

/* Of a broadcast; the sender's own copies are not counted. */
static void delivered(struct load *l, struct connection *c, size_t count)
{
    struct connection *sender = &l->all[l->connections];
    const uint64_t     now    = client_now();
    size_t             more   = 0;

    if (c == sender)
        return;
    for (size_t i = 0; i < count; i++) {
        const uint64_t message = c->received++;

        if (message >= l->sent)
            client_die("a message too many");
        note(l, *sent_at(l, c, message), now);
        if (++l->arrived[message % l->depth] == l->connections) {
            l->arrived[message % l->depth] = 0;
            l->through++;
            *sent_at(l, c, l->sent++) = now;
            more++;
        }
    }
    if (more > 0)
        send_messages(l, sender, more);
}

static void receive(struct load *l, struct connection *c)
{
    static uint8_t buffer[BUFFER];

    const ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0)
        client_die("recv: %s", n < 0 ? strerror(errno) : "the server closed");
    const size_t count =
        client_read(&c->reader, buffer, (size_t)n, l->payload, l->size);
    if (count > 0 && l->broadcast)
        delivered(l, c, count);
    else if (count > 0)
        echoed(l, c, count);
}

/* ---- The run ------------------------------------------------------------ */

static void open_all(struct load *l)
{
    const unsigned count = l->connections + l->broadcast;
    uint32_t       seed  = 1;

    l->epoll   = epoll_create1(0);
    l->all     = calloc(count, sizeof *l->all);
    l->sent_at = calloc((size_t)count * l->depth, sizeof *l->sent_at);
    l->payload = malloc(l->size + 1);
    l->frames  = malloc(l->depth * (l->size + 14));
    if (l->epoll < 0 || !l->all || !l->sent_at || !l->payload || !l->frames)
        client_die("no memory");
    for (size_t i = 0; i < l->size; i++)
        l->payload[i] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
    for (unsigned i = 0; i < l->depth; i++)
        l->frame_len = client_frame(l->frames + i * l->frame_len, l->payload,
                                    l->size);
    for (unsigned i = 0; i < count; i++) {
        l->all[i].fd = client_connect(l->port, i);
        watch(l, &l->all[i], EPOLL_CTL_ADD);
    }
}

static void begin(struct load *l)
{
    const unsigned first = l->broadcast ? l->connections : 0;
    const unsigned last  = l->broadcast ? first : l->connections - 1;
    const uint64_t now   = client_now();

    for (unsigned i = first; i <= last; i++) {
        for (unsigned k = 0; k < l->depth; k++)
            *sent_at(l, &l->all[i], k) = now;
        send_messages(l, &l->all[i], l->depth);
    }
    l->sent = l->depth;
}

/* Until `end`. Nothing at all for five seconds: the server hangs. */
static void run_until(struct load *l, uint64_t end)
{
    struct epoll_event events[256];

    while (client_now() < end) {
        const int n = epoll_wait(l->epoll, events, 256, 5000);

        if (n == 0)
            client_die("the server is silent");
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;

            if (events[i].events & EPOLLOUT)
                flush(l, c);
            if (events[i].events & ~(uint32_t)EPOLLOUT)
                receive(l, c);
        }
    }
}

static void report(const struct load *l, uint64_t took, uint64_t cpu)
{
    const double messages = (double)l->messages;

    if (l->messages == 0)
        client_die("no message came back");
    printf("{\"messages\": %llu, \"seconds\": %.3f, \"per_second\": %.0f, "
           "\"cpu_us\": %.4f, \"p50_us\": %.1f, \"p99_us\": %.1f, "
           "\"p999_us\": %.1f}\n",
           (unsigned long long)l->messages, (double)took / 1e9,
           messages / ((double)took / 1e9), (double)cpu / messages / 1e3,
           histogram_percentile(&l->latencies, 50) / 1e3,
           histogram_percentile(&l->latencies, 99) / 1e3,
           histogram_percentile(&l->latencies, 99.9) / 1e3);
}

static void take_options(struct load *l, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *name  = argv[i];
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(name, "--broadcast") == 0) {
            l->broadcast = true;
            continue;
        }
        if (strcmp(name, "--port") == 0)
            l->port = (unsigned)client_number(name, value, 1, 65535);
        else if (strcmp(name, "--pid") == 0)
            l->pid = (pid_t)client_number(name, value, 1, 1 << 30);
        else if (strcmp(name, "--connections") == 0)
            l->connections = (unsigned)client_number(name, value, 1, 60000);
        else if (strcmp(name, "--size") == 0)
            l->size = client_number(name, value, 0, 1 << 24);
        else if (strcmp(name, "--depth") == 0)
            l->depth = (unsigned)client_number(name, value, 1, DEPTH_MAX);
        else if (strcmp(name, "--warmup") == 0)
            l->warmup = 1000000 * client_number(name, value, 0, 60000);
        else if (strcmp(name, "--ms") == 0)
            l->measure = 1000000 * client_number(name, value, 1, 60000);
        else
            client_die("no option '%s': see the head of load.c", name);
        i++;
    }
    if (l->port == 0 || l->pid == 0)
        client_die("--port and --pid are needed");
}

int main(int argc, char **argv)
{
    static struct load l = {.connections = 1, .size = 20, .depth = 1,
                            .warmup = 500000000, .measure = 2000000000};
    struct rlimit files;

    take_options(&l, argc, argv);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    open_all(&l);
    begin(&l);
    run_until(&l, client_now() + l.warmup);
    const uint64_t start = client_now();
    const uint64_t cpu   = client_cpu_time(l.pid);
    l.counting = true;
    run_until(&l, start + l.measure);
    report(&l, client_now() - start, client_cpu_time(l.pid) - cpu);
    return 0; /* the sockets close with the process */
}
