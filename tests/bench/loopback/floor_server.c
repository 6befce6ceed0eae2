/* SPDX-License-Identifier: MIT */
/*
 * floor_server.c - the least that an echo server can do, for comparison only.
 *
 *     floor_server [--host 127.0.0.1] [--port 0] [--broadcast]
 *
 * epoll, recv(), send(); between them each frame's header is made a server's
 * and its payload is unmasked. Nothing is checked, nothing is put together,
 * control frames are sent back like any other: not a WebSocket server.
 */

#define _GNU_SOURCE /* accept4() */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <upframe/handshake.h>

enum { FRONT = 16, RECEIVE = 256 * 1024, CLIENTS = 65536 };

struct client {
    int      fd;
    bool     open; /* the handshake is done */
    uint8_t  head[14];
    unsigned head_len;
    uint64_t left; /* of the frame's payload */
    uint8_t  key[8]; /* the masking key twice, turned to the next byte */
    char    *request; /* while it arrives */
    uint8_t *pending; /* output that the socket did not take */
    size_t   request_len, pending_len;
};

static struct client *clients[CLIENTS]; /* by descriptor */
static int            last_fd, epoll_fd;
static bool           broadcast;

static void die(const char *what)
{
    fprintf(stderr, "floor_server: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- Output ------------------------------------------------------------- */

static void watch(struct client *c, int how)
{
    struct epoll_event ev = {.data.ptr = c};

    /* What does not take its echoes is not read from. */
    ev.events = c->pending_len == 0 ? EPOLLIN
                : broadcast         ? EPOLLIN | EPOLLOUT
                                    : EPOLLOUT;
    epoll_ctl(epoll_fd, how, c->fd, &ev);
}

static void send_bytes(struct client *c, const uint8_t *data, size_t len)
{
    const ssize_t n = c->pending_len
                          ? 0 : send(c->fd, data, len, MSG_NOSIGNAL);
    const size_t sent = n > 0 ? (size_t)n : 0;

    if (sent == len)
        return;
    c->pending = realloc(c->pending, c->pending_len + len - sent);
    if (c->pending == NULL)
        die("realloc");
    memcpy(c->pending + c->pending_len, data + sent, len - sent);
    c->pending_len += len - sent;
    watch(c, EPOLL_CTL_MOD);
}

static void send_pending(struct client *c)
{
    const ssize_t n = send(c->fd, c->pending, c->pending_len, MSG_NOSIGNAL);

    if (n <= 0)
        return;
    c->pending_len -= (size_t)n;
    memmove(c->pending, c->pending + n, c->pending_len);
    if (c->pending_len == 0)
        watch(c, EPOLL_CTL_MOD);
}

/* ---- Frames ------------------------------------------------------------- */

/* Unmask towards the front, a word at a time. */
static void unmask(struct client *c, uint8_t *out, const uint8_t *in,
                   size_t len)
{
    uint64_t pad, word;
    uint8_t  key[8];
    size_t   i = 0;

    memcpy(&pad, c->key, 8);
    for (; len - i >= 8; i += 8) {
        memcpy(&word, in + i, 8);
        word ^= pad;
        memcpy(out + i, &word, 8);
    }
    for (; i < len; i++)
        out[i] = in[i] ^ c->key[i % 8];
    for (i = 0; i < 8; i++)
        key[i] = c->key[(i + len) % 8];
    memcpy(c->key, key, 8);
}

static unsigned head_len(const struct client *c)
{
    if (c->head_len < 2)
        return 2;
    const unsigned len = c->head[1] & 0x7F;
    return len < 126 ? 6 : len == 126 ? 8 : 14;
}

/* The header is here: returns the bytes of ours. */
static unsigned turn_head(struct client *c, uint8_t *out)
{
    const unsigned len = c->head_len - 4;

    c->head[1] &= 0x7F;
    c->left = c->head[1];
    if (c->left >= 126) {
        c->left = 0;
        for (unsigned i = 2; i < len; i++)
            c->left = c->left << 8 | c->head[i];
    }
    memcpy(c->key, c->head + len, 4);
    memcpy(c->key + 4, c->head + len, 4);
    memcpy(out, c->head, len);
    c->head_len = 0;
    return len;
}

/* Input becomes output, in front of it. Returns its length. */
static size_t turn_frames(struct client *c, uint8_t *out, const uint8_t *in,
                          size_t len)
{
    uint8_t *const start = out;

    while (len > 0) {
        if (c->left == 0) {
            c->head[c->head_len++] = *in++;
            len--;
            if (c->head_len == head_len(c))
                out += turn_head(c, out);
            continue;
        }
        const size_t n = c->left < len ? (size_t)c->left : len;
        unmask(c, out, in, n);
        out     += n;
        in      += n;
        len     -= n;
        c->left -= n;
    }
    return (size_t)(out - start);
}

/* ---- Clients ------------------------------------------------------------ */

static void close_client(struct client *c)
{
    clients[c->fd] = NULL;
    close(c->fd);
    free(c->request);
    free(c->pending);
    free(c);
}

/* False: the client is not one. */
static bool shake_hands(struct client *c, const uint8_t *data, size_t len)
{
    static const char name[] = "sec-websocket-key: ";
    char accept[UPF_ACCEPT_LEN + 1], response[256];

    if (len > 16384 - c->request_len)
        return false;
    c->request = realloc(c->request, c->request_len + len + 1);
    if (c->request == NULL)
        die("realloc");
    memcpy(c->request + c->request_len, data, len);
    c->request_len += len;
    c->request[c->request_len] = '\0';
    if (strstr(c->request, "\r\n\r\n") == NULL)
        return true;
    const char *key = strcasestr(c->request, name);
    if (key == NULL || upf_accept_key(key + sizeof name - 1, UPF_KEY_LEN,
                                      accept) != UPF_OK)
        return false;
    snprintf(response, sizeof response,
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept);
    c->open = true;
    free(c->request);
    c->request = NULL;
    send_bytes(c, (const uint8_t *)response, strlen(response));
    return true;
}

static void receive(struct client *c)
{
    static uint8_t buffer[FRONT + RECEIVE];
    uint8_t *const in = buffer + FRONT;

    const ssize_t n = recv(c->fd, in, RECEIVE, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0 || (!c->open && !shake_hands(c, in, (size_t)n))) {
        close_client(c);
        return;
    }
    if (c->open && !c->request_len) {
        const size_t len = turn_frames(c, buffer, in, (size_t)n);

        for (int fd = 0; broadcast && len > 0 && fd <= last_fd; fd++)
            if (clients[fd] != NULL && clients[fd]->open)
                send_bytes(clients[fd], buffer, len);
        if (!broadcast && len > 0)
            send_bytes(c, buffer, len);
    }
    if (c->open)
        c->request_len = 0; /* what comes from now on is frames */
}

static void accept_clients(int listener)
{
    const int one = 1;
    int       fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct client *c = fd < CLIENTS ? calloc(1, sizeof *c) : NULL;

        if (c == NULL)
            die("too many clients");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        c->fd       = fd;
        clients[fd] = c;
        if (fd > last_fd)
            last_fd = fd;
        watch(c, EPOLL_CTL_ADD);
    }
}

static int listen_on(const char *host, unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port   = htons((uint16_t)port)};
    socklen_t len = sizeof address;
    const int fd  = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    if (inet_pton(AF_INET, host, &address.sin_addr) != 1 || fd < 0 ||
        bind(fd, (struct sockaddr *)&address, len) != 0 ||
        listen(fd, 4096) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        die("listen");
    printf("listening on ws://%s:%u/\n", host, ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    struct epoll_event events[512], ev = {.events = EPOLLIN};
    struct rlimit      files;
    const char        *host = "127.0.0.1";
    unsigned           port = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--broadcast") == 0)
            broadcast = true;
        else if (strcmp(argv[i], "--host") == 0 && i + 1 < argc)
            host = argv[++i];
        else if (strcmp(argv[i], "--port") == 0 && i + 1 < argc)
            port = (unsigned)strtoul(argv[++i], NULL, 10);
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    const int listener = listen_on(host, port);
    epoll_fd = epoll_create1(0);
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &ev); /* data.ptr: NULL */
    for (;;) {
        const int n = epoll_wait(epoll_fd, events, 512, -1);

        for (int i = 0; i < n; i++) {
            struct client *c = events[i].data.ptr;

            if (c == NULL)
                accept_clients(listener);
            else if (c->pending_len > 0 && (events[i].events & EPOLLOUT))
                send_pending(c);
            else
                receive(c);
        }
    }
}
