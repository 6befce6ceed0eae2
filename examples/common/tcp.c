/* SPDX-License-Identifier: MIT */
/* tcp.c - what the examples share: sockets, signals, a clock; never a loop. */

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <upframe/io.h>
#include "tcp.h"

/* Set by the signal handler; the pipe wakes a poll() that waits. */
static volatile sig_atomic_t stop_flag;
static int stop_pipe[2] = {-1, -1};

/* ---- Sockets ---------------------------------------------------------- */

static void close_on_exec(int fd)
{
    const int flags = fcntl(fd, F_GETFD);

    if (flags >= 0)
        (void)fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
}

void tcp_set_blocking(int fd, bool blocking)
{
    const int flags = fcntl(fd, F_GETFL);

    if (flags >= 0)
        (void)fcntl(fd, F_SETFL,
                    blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

void tcp_set_send_buffer(int fd, size_t bytes)
{
    const int size = (int)bytes;

    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

static void set_up(int fd)
{
    const int on = 1;

    close_on_exec(fd);
    tcp_set_blocking(fd, false);
    /* upframe coalesces what belongs together: Nagle would only delay it. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static struct addrinfo *resolve(const char *host, const char *port, int flags)
{
    const struct addrinfo hints = {.ai_family   = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags    = flags | AI_NUMERICSERV};
    struct addrinfo *list = NULL;

    const int error = getaddrinfo(host, port, &hints, &list);
    if (error == 0)
        return list;
    fprintf(stderr, "cannot look up %s port %s: %s\n", host, port,
            error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
    return NULL;
}

int tcp_listen(const char *host, const char *port)
{
    struct addrinfo *list = resolve(host, port, AI_PASSIVE);
    const int on = 1;
    int fd = -1;

    if (list == NULL)
        return -1;
    for (struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd < 0)
            continue;
        set_up(fd);
        /* Or a restart would wait for the last run's TIME_WAIT to end. */
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(fd, a->ai_addr, a->ai_addrlen) != 0 ||
            listen(fd, SOMAXCONN) != 0) {
            const int error = errno;
            close(fd);
            errno = error;
            fd = -1;
        }
    }
    if (fd < 0)
        fprintf(stderr, "cannot listen on %s port %s: %s%s\n", host, port,
                strerror(errno),
                errno == EADDRINUSE ? "; try another --port, 0 for any" : "");
    freeaddrinfo(list);
    return fd;
}

int tcp_accept(int listener)
{
    const int fd = accept(listener, NULL, NULL);

    if (fd >= 0)
        set_up(fd);
    return fd;
}

bool tcp_out_of_resources(void)
{
    return errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
           errno == ENOMEM;
}

/* Wait until `fd` is connected: 0, or an errno. */
static int await_connection(int fd, uint64_t deadline)
{
    struct pollfd polls[2] = {{.fd = fd, .events = POLLOUT},
                              {.fd = stop_pipe[0], .events = POLLIN}};

    for (;;) {
        const uint64_t now = clock_ms();
        if (stop_requested())
            return EINTR;
        if (now >= deadline)
            return ETIMEDOUT;
        const int ready = poll(polls, 2, (int)(deadline - now));
        if (ready < 0 && errno != EINTR)
            return errno;
        if (ready > 0 && polls[0].revents != 0) {
            int error = 0;
            socklen_t len = sizeof error;
            if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
                return errno;
            return error;
        }
    }
}

int tcp_connect(const char *host, unsigned port, int timeout_ms)
{
    const uint64_t deadline = clock_ms() + (uint64_t)timeout_ms;
    char service[16];
    int error = 0;
    int fd = -1;

    snprintf(service, sizeof service, "%u", port);
    struct addrinfo *list = resolve(host, service, 0);
    if (list == NULL)
        return -1;
    for (struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd < 0) {
            error = errno;
            continue;
        }
        set_up(fd);
        error = connect(fd, a->ai_addr, a->ai_addrlen) == 0 ? 0 : errno;
        if (error == EINPROGRESS || error == EINTR)
            error = await_connection(fd, deadline);
        if (error != 0) {
            close(fd);
            fd = -1;
        }
    }
    if (fd < 0)
        fprintf(stderr, "cannot connect to %s port %s: %s\n", host, service,
                strerror(error));
    freeaddrinfo(list);
    return fd;
}

void tcp_local_address(int fd, char text[TCP_ADDRESS_MAX])
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    char host[46] = "?"; /* the longest IPv6 address and a NUL */
    char port[6] = "?";

    if (getsockname(fd, (struct sockaddr *)&address, &len) == 0)
        (void)getnameinfo((struct sockaddr *)&address, len, host, sizeof host,
                          port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(text, TCP_ADDRESS_MAX,
             strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host, port);
}

size_t tcp_raise_descriptor_limit(size_t wanted)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return wanted;
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur < wanted ? (size_t)limit.rlim_cur : wanted;
}

/* ---- The two callbacks ------------------------------------------------ */

static ptrdiff_t io_result(ssize_t n, ptrdiff_t would_block)
{
    if (n >= 0)
        return n;
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return would_block;
    return errno == EINTR ? UPF_IO_INTERRUPTED : UPF_IO_ERROR;
}

ptrdiff_t tcp_read(void *user, void *data, size_t len)
{
    return io_result(recv(*(const int *)user, data, len, 0), UPF_IO_WANT_READ);
}

ptrdiff_t tcp_write(void *user, const void *data, size_t len)
{
    return io_result(send(*(const int *)user, data, len, 0), UPF_IO_WANT_WRITE);
}

_Static_assert(sizeof(upf_slice) == sizeof(struct iovec) &&
               offsetof(upf_slice, data) == offsetof(struct iovec, iov_base) &&
               offsetof(upf_slice, len) == offsetof(struct iovec, iov_len),
               "slices are handed to the system as they are");

ptrdiff_t tcp_writev(int fd, const upf_slice *slices, size_t count)
{
    return io_result(writev(fd, (const struct iovec *)slices, (int)count),
                     UPF_IO_WANT_WRITE);
}

void tcp_linger_close(int fd, int timeout_ms)
{
    const uint64_t deadline = clock_ms() + (uint64_t)timeout_ms;
    struct pollfd polls = {.fd = fd, .events = POLLIN};
    char dropped[4096];

    tcp_set_blocking(fd, false);
    if (shutdown(fd, SHUT_WR) == 0) {
        for (size_t left = 1 << 20; left > 0;) {
            const ssize_t n = recv(fd, dropped, sizeof dropped, 0);
            if (n == 0)
                break; /* the peer has closed, too */
            if (n > 0) {
                left -= (size_t)n < left ? (size_t)n : left;
                continue;
            }
            const uint64_t now = clock_ms();
            if ((errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) ||
                now >= deadline)
                break;
            (void)poll(&polls, 1, (int)(deadline - now));
        }
    }
    close(fd);
}

/* ---- Signals and the clock -------------------------------------------- */

static void on_stop(int number)
{
    const int saved = errno;

    (void)number;
    stop_flag = 1;
    if (write(stop_pipe[1], "", 1) < 0) {
        /* Full: then it is readable already. */
    }
    errno = saved;
}

/* Of 0, 1 and 2, what is closed: the lowest that is free is opened. */
static void open_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)open("/dev/null", O_RDWR);
}

int stop_on_signals(void)
{
    struct sigaction action = {.sa_handler = on_stop};

    open_standard_descriptors();
    if (pipe(stop_pipe) != 0) {
        fprintf(stderr, "cannot make a pipe: %s\n", strerror(errno));
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        close_on_exec(stop_pipe[i]);
        tcp_set_blocking(stop_pipe[i], false);
    }
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
    return stop_pipe[0];
}

bool stop_requested(void) { return stop_flag != 0; }

uint64_t clock_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000 + 1;
}
