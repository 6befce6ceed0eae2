/* SPDX-License-Identifier: MIT */
/* relay.c - a slow line to a server of this machine: see relay.h. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"
#include "relay.h"

enum { LINES = 1000, BUFFER = 4096, SOCKET = 16 * 1024, TICK_MS = 2,
       BURST_MS = 10 };

struct line {
    int    client, server; /* -1: ended */
    double may;            /* bytes that the server may say now */
    char   data[BUFFER];   /* said, and not passed on yet */
    size_t len;
};

static struct line lines[LINES];
static size_t      count;

static int new_socket(void)
{
    const int fd = socket(AF_INET, SOCK_STREAM, 0), size = SOCKET;

    if (fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) != 0)
        client_die("relay: socket: %s", strerror(errno));
    return fd;
}

static void take_client(int listener, const struct sockaddr_in *to)
{
    const int client = accept(listener, NULL, NULL), server = new_socket();

    if (client < 0 || count == LINES ||
        connect(server, (const struct sockaddr *)to, sizeof *to) != 0 ||
        fcntl(client, F_SETFL, O_NONBLOCK) != 0 ||
        fcntl(server, F_SETFL, O_NONBLOCK) != 0)
        client_die("relay: a connection: %s", strerror(errno));
    lines[count++] = (struct line){.client = client, .server = server};
}

static void end_line(struct line *l)
{
    close(l->client);
    close(l->server);
    l->client = l->server = -1;
}

/* False: one of them is gone. */
static bool pass_on(struct line *l)
{
    char    said[BUFFER];
    ssize_t n = recv(l->client, said, sizeof said, 0);

    if (n == 0 || (n > 0 && send(l->server, said, (size_t)n, MSG_NOSIGNAL) != n))
        return false;
    const size_t room = BUFFER - l->len;
    const size_t most = l->may < (double)room ? (size_t)l->may : room;
    if (most > 0) {
        if ((n = recv(l->server, l->data + l->len, most, 0)) == 0)
            return false;
        if (n > 0) {
            l->len += (size_t)n;
            l->may -= (double)n;
        }
    }
    if (l->len > 0 &&
        (n = send(l->client, l->data, l->len, MSG_NOSIGNAL)) > 0) {
        l->len -= (size_t)n;
        memmove(l->data, l->data + n, l->len);
    }
    return true;
}

/* Not told by a poller: a line has its share every tick, ready or not. */
static void run(int listener, int life, const struct sockaddr_in *to,
                double bytes_ms)
{
    struct pollfd polls[] = {{.fd = listener, .events = POLLIN},
                             {.fd = life, .events = POLLIN}};
    uint64_t last = client_now();

    for (;;) {
        (void)poll(polls, 2, TICK_MS);
        if (polls[1].revents != 0)
            _exit(0);
        if (polls[0].revents & POLLIN)
            take_client(listener, to);
        const uint64_t now = client_now();
        const double   more = (double)(now - last) / 1e6 * bytes_ms;
        last = now;
        for (size_t i = 0; i < count; i++) {
            struct line *l = &lines[i];
            if (l->client < 0)
                continue;
            l->may += more;
            if (l->may > BURST_MS * bytes_ms)
                l->may = BURST_MS * bytes_ms;
            if (!pass_on(l))
                end_line(l);
        }
    }
}

unsigned relay_begin(unsigned port, unsigned long bits)
{
    struct sockaddr_in to = {.sin_family = AF_INET}, own = to;
    socklen_t len = sizeof own;
    int       life[2];

    to.sin_addr.s_addr  = htonl(INADDR_LOOPBACK);
    to.sin_port         = htons((uint16_t)port);
    own.sin_addr.s_addr = to.sin_addr.s_addr;
    const int listener = new_socket();
    if (bind(listener, (struct sockaddr *)&own, sizeof own) != 0 ||
        listen(listener, LINES) != 0 || pipe(life) != 0 ||
        getsockname(listener, (struct sockaddr *)&own, &len) != 0)
        client_die("relay: %s", strerror(errno));
    const pid_t pid = fork();
    if (pid < 0)
        client_die("relay: %s", strerror(errno));
    if (pid == 0) {
        close(life[1]); /* life[0] ends with the other process */
        run(listener, life[0], &to, (double)bits / 8000);
    }
    close(life[0]);
    close(listener);
    return ntohs(own.sin_port);
}
