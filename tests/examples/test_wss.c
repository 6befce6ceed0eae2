/* SPDX-License-Identifier: MIT */
/*
 * test_wss.c - the applications with a certificate: who is let in, who is not,
 * and that the others notice nothing of it.
 *
 * Servers and clients are the programs; other clients are connections of the
 * library's in this program, or bare sockets that speak no TLS, or too little
 * of it. EXAMPLES names the directory of the programs; without it, without
 * OpenSSL or its command that makes certificates, the tests are skipped.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <upframe/upframe.h>

#include "server.h"
#include "support/certs.h"
#include "support/child.h"
#include "support/rawserver.h"
#include "tcp.h"
#include "tls.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { PEERS = 16, MAX_ARGS = 16, HELLO_MAX = 4096 };

/* How it can be seen that a server goes on. */
enum life {
    FED,     /* a line on its standard input comes out */
    TALKS,   /* what one says comes back */
    STREAMS  /* messages come all the time */
};

struct app {
    const char *program;
    enum life   life;
    const char *first; /* what a client says first; NULL: nothing */
};

static const struct app apps[] = {
    {"notify_server", FED, "follow - *"},
    {"ticker_server", STREAMS, "subscribe *"},
    {"game_server", STREAMS, NULL},
    {"broadcast_server", TALKS, NULL},
};
static const struct app echo = {NULL, TALKS, NULL}; /* in this program */

struct peer {
    upf_conn    ws;
    upf_io      io;
    int         fd;
    tls_stream *tls;
    char        text[256]; /* the end of the last message */
};

static bool         has_certificates;
static const char  *examples;
static struct child host  = {.output = -1, .errors = true};
static struct child guest = {.output = -1, .errors = true};
static const struct app *running; /* the server's */
static unsigned     port;
static int          feed = -1; /* the server's standard input */
static struct peer  peers[PEERS];
static size_t       peer_count;
static uint64_t     give_up; /* some servers never stop talking */

/* ---- Beginning and end of a test ---------------------------------------- */

static int begin_all(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    examples         = getenv("EXAMPLES");
    has_certificates = certs_begin();
    return 0;
}

static int end_all(void **state)
{
    (void)state;
    certs_end();
    return 0;
}

static int begin(void **state)
{
    (void)state;
    give_up = clock_ms() + PATIENCE;
    return 0;
}

static void end_feed(void)
{
    if (feed >= 0)
        close(feed);
    feed = -1;
}

static void drop_peers(void)
{
    while (peer_count > 0) {
        struct peer *p = &peers[--peer_count];
        upf_conn_free(&p->ws);
        tls_free(p->tls);
        if (p->fd >= 0)
            close(p->fd);
    }
}

static int end(void **state)
{
    (void)state;
    drop_peers();
    end_feed();
    child_end(&guest);
    child_end(&host);
    return 0;
}

static void need_tls(void)
{
#ifndef EXAMPLE_TLS
    skip(); /* built without OpenSSL: there is no TLS to test */
#endif
    if (!has_certificates)
        skip(); /* there is no openssl command to make certificates */
}

static void need_programs(void)
{
    need_tls();
    if (examples == NULL || *examples == '\0')
        skip(); /* `make coverage` builds no examples; `make test` does */
}

/* ---- Programs ----------------------------------------------------------- */

static void start(struct child *c, const char *program,
                  const char *const *options)
{
    char  path[512];
    char *argv[MAX_ARGS] = {path};

    snprintf(path, sizeof path, "%s/%s", examples, program);
    for (size_t n = 1; *options != NULL; n++) {
        assert_true(n < MAX_ARGS - 1);
        argv[n] = (char *)(uintptr_t)*options++;
    }
    child_start(c, argv);
}

static void read_address(const struct app *a)
{
    assert_true(child_line(&host, PATIENCE));
    if (sscanf(host.line, "listening on wss://127.0.0.1:%u/", &port) != 1)
        fail_msg("it says: %s", host.line);
    running = a;
}

/* At `at`, or where the kernel chooses (0); its certificate is NAME.pem. */
static void begin_server_at(const struct app *a, unsigned at, const char *name,
                            const char *const *more)
{
    char      number[16], file[32];
    const int own = dup(STDIN_FILENO);
    int       ends[2];

    snprintf(number, sizeof number, "%u", at);
    snprintf(file, sizeof file, "%s.pem", name);
    const cert_path cert = certs_path(file);
    snprintf(file, sizeof file, "%s.key", name);
    const cert_path key = certs_path(file);
    const char *options[MAX_ARGS] = {"--port", number, "--tls-cert", cert.text,
                                     "--tls-key", key.text};
    for (size_t n = 6; more != NULL && *more != NULL; n++)
        options[n] = *more++;
    /* A child takes its standard input over from us. */
    assert_int_equal(pipe(ends), 0);
    feed = ends[1];
    (void)fcntl(feed, F_SETFD, FD_CLOEXEC);
    assert_true(own >= 0 && fcntl(own, F_SETFD, FD_CLOEXEC) == 0);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    start(&host, a->program, options);
    assert_int_equal(dup2(own, STDIN_FILENO), STDIN_FILENO);
    close(own);

    read_address(a);
}

static void begin_server(const struct app *a, const char *name)
{
    begin_server_at(a, 0, name, NULL);
}

/* It has nothing to complain of, and has lost no memory. */
static void stop_server(void)
{
    char rest[512];

    drop_peers();
    child_signal(&host, SIGTERM);
    assert_int_equal(child_rest(&host, rest, sizeof rest), 0);
    assert_string_equal(rest, "");
    end_feed();
}

/* Without a word. */
static void kill_server(void)
{
    child_end(&host);
    end_feed();
}

static void put(const char *text)
{
    assert_int_equal(write(feed, text, strlen(text)), strlen(text));
}

static void next_line(struct child *c, const char *awaited)
{
    if (clock_ms() >= give_up || !child_line(c, PATIENCE))
        fail_msg("no '%s' comes; the last line: %s", awaited, c->line);
}

/* Of the lines of a program, until one has `part`, none begins with `never`. */
static void await_line(struct child *c, const char *part, const char *never)
{
    do {
        next_line(c, part);
        if (never != NULL && strncmp(c->line, never, strlen(never)) == 0)
            fail_msg("'%s' came before '%s'", c->line, part);
    } while (strstr(c->line, part) == NULL);
}

/* The next line begins and ends so. */
static void expect_line(struct child *c, const char *head, const char *tail)
{
    next_line(c, head);
    const size_t len = strlen(c->line), more = strlen(tail);
    if (strncmp(c->line, head, strlen(head)) != 0 || len < more ||
        strcmp(c->line + len - more, tail) != 0)
        fail_msg("'%s' should be '%s ... %s'", c->line, head, tail);
}

/* ---- Clients in this program -------------------------------------------- */

static void wait_for(int fd, short events)
{
    struct pollfd polls = {.fd = fd, .events = events};

    if (clock_ms() >= give_up)
        fail_msg("what should come does not");
    (void)poll(&polls, 1, 1000);
}

static int connect_socket(void)
{
    const int fd = tcp_connect("127.0.0.1", port, PATIENCE);

    assert_true(fd >= 0);
    return fd;
}

/* Who trusts the certificate in `ca`, if it is for `name`. */
static tls_stream *new_stream(int fd, const char *ca, const char *name)
{
    tls_context *context = tls_client(certs_path(ca).text);

    assert_non_null(context);
    tls_stream *stream = tls_connect(context, fd, name);
    tls_context_free(context);
    assert_non_null(stream);
    return stream;
}

/* True: an event, of which its text is noted. */
static bool look(struct peer *p, upf_event *ev)
{
    if (upf_io_next(&p->io, &p->ws, ev) != UPF_OK)
        return false;
    if (ev->type == UPF_EVENT_CLOSE)
        fail_msg("closed with %d, %.*s; %s", ev->close.code, (int)ev->len,
                 ev->len > 0 ? (const char *)ev->data : "",
                 tls_error(p->tls) != NULL ? tls_error(p->tls) : "");
    if (ev->type == UPF_EVENT_MESSAGE) {
        const size_t most = sizeof p->text - 1;
        const size_t len  = ev->len < most ? ev->len : most;
        memcpy(p->text, ev->data + (ev->len - len), len);
        p->text[len] = '\0';
    }
    return true;
}

static void await(struct peer *p, upf_event_type type)
{
    upf_event ev = {.type = type};

    do
        while (!look(p, &ev)) {
            const unsigned wants = upf_io_wants(&p->io, &p->ws);
            wait_for(p->fd, (short)((wants & UPF_WANTS_READ ? POLLIN : 0) |
                                    (wants & UPF_WANTS_WRITE ? POLLOUT : 0)));
        }
    while (ev.type != type);
}

static void say(struct peer *p, const char *text)
{
    assert_int_equal(upf_send(&p->ws, UPF_OP_TEXT, text, strlen(text)), UPF_OK);
    assert_true(upf_io_flush(&p->io, &p->ws) >= 0);
}

static struct peer *open_peer(const char *ca, const char *name)
{
    const upf_client_request request = {.url = "wss://localhost/"};
    struct peer *p = &peers[peer_count];

    assert_true(peer_count < PEERS);
    *p = (struct peer){.fd = connect_socket()};
    peer_count++;
    assert_int_equal(upf_conn_init_client(&p->ws, NULL, &request), UPF_OK);
    p->tls = new_stream(p->fd, ca, name);
    p->io  = upf_io_callbacks(tls_read, tls_write, p->tls);
    await(p, UPF_EVENT_OPEN);
    if (running->first != NULL) {
        say(p, running->first);
        await(p, UPF_EVENT_MESSAGE);
    }
    return p;
}

/* The server has something new for that one, just now. */
static void goes_on(struct peer *p)
{
    static unsigned count = 0;
    char       text[32];
    upf_event  ev;

    if (running->life == STREAMS) {
        while (look(p, &ev))
            continue; /* from before */
        await(p, UPF_EVENT_MESSAGE);
        await(p, UPF_EVENT_MESSAGE);
        return;
    }
    snprintf(text, sizeof text, running->life == FED ? "news %u\n" : "%u",
             ++count);
    if (running->life == FED)
        put(text);
    else
        say(p, text);
    const size_t len = (size_t)snprintf(text, sizeof text, "%u", count);
    do
        await(p, UPF_EVENT_MESSAGE);
    while (strlen(p->text) < len ||
           strcmp(p->text + strlen(p->text) - len, text) != 0);
}

/* ---- An application with a certificate ----------------------------------- */

static void applications_speak_wss(void **state)
{
    (void)state;
    need_programs();
    for (size_t i = 0; i < COUNT(apps); i++) {
        begin_server(&apps[i], "here");
        struct peer *one = open_peer("here.pem", "127.0.0.1");
        struct peer *two = open_peer("here.pem", "localhost");
        goes_on(one);
        goes_on(two);
        stop_server();
    }
}

/* ---- A certificate that is not accepted ---------------------------------- */

/* The client's trial of it, and its return, each of which is told in one line;
 * `watcher`, if there is one, goes on. */
static void expect_refusal(const char *program, const char *ca,
                           const char *scheme, const char *const parts[2],
                           struct peer *watcher)
{
    const cert_path file = certs_path(ca);
    const bool      secure = strcmp(scheme, "wss") == 0;
    char  url[64], rest[2048];

    snprintf(url, sizeof url, "%s://127.0.0.1:%u/", scheme, port);
    const char *const options[] = {"--attempts", "1", "--base", "1", "--cap",
                                   "1", url, secure ? "--ca" : NULL, file.text,
                                   NULL};
    start(&guest, program, options);
    if (watcher != NULL)
        goes_on(watcher);
    assert_int_equal(child_rest(&guest, rest, sizeof rest), 1);
    unsigned lines = 0;
    for (char *line = strtok(rest, "\n"); line != NULL;
         line = strtok(NULL, "\n"), lines++) {
        const char *next = lines == 0 ? "next try in" : "giving up";
        for (int i = 0; i < 2; i++)
            if (strstr(line, parts[i]) == NULL)
                fail_msg("%s: '%s' should say '%s'", program, line, parts[i]);
        if (strstr(line, next) == NULL)
            fail_msg("%s: '%s' should say '%s'", program, line, next);
    }
    assert_int_equal(lines, 2);
    if (watcher != NULL)
        goes_on(watcher);
}

static void a_certificate_that_is_not_accepted_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *server, *ca, *scheme;
        const char *host; /* for which others accept it; NULL: for none */
        const char *parts[2]; /* what is wrong, and what can be done */
    } cases[] = {
        {"here", "impostor.pem", "wss", "localhost",
         {"the certificate is not accepted: self", "--ca FILE names whom"}},
        {"elsewhere", "elsewhere.pem", "wss", "elsewhere.example",
         {"the certificate is not accepted: IP address mismatch",
          "; it is for another host than the URL's"}},
        {"expired", "expired.pem", "wss", NULL,
         {"the certificate is not accepted: certificate has expired",
          "; the server needs a new one, if the clock here is right"}},
        {"here", NULL, "ws", "localhost",
         {"1006", "a port for TLS? then wss://"}},
    };
    static const char *const clients[] = {"notify_client", "ticker_client"};

    need_programs();
    for (size_t i = 0; i < 2 * COUNT(cases); i++) {
        const size_t n = i / 2;
        char ca[32];
        begin_server(&apps[i % 2], cases[n].server);
        snprintf(ca, sizeof ca, "%s.pem", cases[n].server);
        struct peer *watcher = cases[n].host != NULL
                                   ? open_peer(ca, cases[n].host) : NULL;
        expect_refusal(clients[i % 2], cases[n].ca != NULL ? cases[n].ca : ca,
                       cases[n].scheme, cases[n].parts, watcher);
        stop_server();
    }
}

/* ---- Clients that come back ---------------------------------------------- */

static void start_client(const char *program, const char *option,
                         const char *value)
{
    const cert_path ca = certs_path("here.pem");
    char url[64];

    snprintf(url, sizeof url, "wss://localhost:%u/", port);
    const char *const options[] = {"--ca", ca.text, "--base", "1", "--cap",
                                   "10", url, option, value, NULL};
    start(&guest, program, options);
}

/*
 * The server is gone without a word, and back; between that one was there that
 * has another certificate with the same names: it is told nothing, and not
 * believed. `open` is what the client says when it is let in.
 */
static void restart_server(const struct app *a, unsigned at,
                           const char *const *options, const char *news,
                           const char *open)
{
    kill_server();
    begin_server_at(a, at, "impostor", options);
    put("a 666\n");
    for (int i = 0; i < 3; i++)
        await_line(&guest, "the certificate is not accepted: self", open);
    kill_server();
    begin_server_at(a, at, "here", options);
    put(news);
    do
        next_line(&guest, open);
    while (strcmp(guest.line, open) != 0);
}

/* A port that is nobody else's while no server is there. */
static unsigned reserve_port(struct rawserver *place)
{
    rawserver_begin(place);
    rawserver_stop(place);
    return place->port;
}

/*
 * First it stands still until the server has given it up, for which a machine
 * that is busy has time enough not to do so before.
 */
static void notify_client_misses_nothing(void **state)
{
    (void)state;
    static const char *const impatient[] = {
        "--ping-interval", "100", "--pong-timeout", "1000", "--trace", NULL};
    struct rawserver place;
    int              status;

    need_programs();
    const unsigned at = reserve_port(&place);
    begin_server_at(&apps[0], at, "here", impatient);
    start_client("notify_client", "--topic", "a");
    expect_line(&guest, "open", "");
    put("a 1\n");
    expect_line(&guest, "", " a 1"); /* a state, if it came before us */
    child_signal(&guest, SIGSTOP);
    assert_int_equal(waitpid(guest.pid, &status, WUNTRACED), guest.pid);
    put("a 2\nb 3\n");
    await_line(&host, "-> CLOSE", NULL);
    put("a 4\na 5\n");
    child_signal(&guest, SIGCONT);
    expect_line(&guest, "event ", " a 2"); /* it lay in its socket */
    expect_line(&guest, "lost: code 1011 (", " ms");
    expect_line(&guest, "open", "");
    expect_line(&guest, "event ", " a 4");
    expect_line(&guest, "event ", " a 5");

    restart_server(&apps[0], at, NULL, "a 6\nb 7\na 8\n", "open");
    expect_line(&guest, "gap the server has started anew", "");
    await_line(&guest, " a 8", "lost");
    put("a 9\n");
    expect_line(&guest, "event ", " a 9");
    child_signal(&guest, SIGTERM);
    assert_int_equal(child_exit_status(&guest), 3); /* there was a gap */
    stop_server();
    rawserver_end(&place);
}

/* One that begins anew where another one ended. */
static void an_id_is_good_for_another_client(void **state)
{
    (void)state;
    char id[64];

    need_programs();
    begin_server(&apps[0], "here");
    struct peer *p = open_peer("here.pem", "localhost");
    put("a 1\na 2\n");
    do
        await(p, UPF_EVENT_MESSAGE);
    while (sscanf(p->text, "event %63s a %*u\n2", id) != 1 ||
           p->text[strlen(p->text) - 1] != '2');
    put("a 3\n");
    start_client("notify_client", "--since", id);
    expect_line(&guest, "open", "");
    expect_line(&guest, "event ", " a 3");
    child_signal(&guest, SIGTERM);
    assert_int_equal(child_exit_status(&guest), 0);
    stop_server();
}

static void ticker_client_comes_back(void **state)
{
    (void)state;
    static const char *const fed[] = {"--feed", "-", NULL};
    struct rawserver place;

    need_programs();
    const unsigned at = reserve_port(&place);
    begin_server_at(&apps[1], at, "here", fed);
    put("ACME 40\n");
    start_client("ticker_client", "--timeout", "20000");
    expect_line(&guest, "connected", "");
    await_line(&guest, "ACME 40 0", "not");
    put("ACME 41\n");
    await_line(&guest, "ACME 41 0", "not");
    restart_server(&apps[1], at, fed, "ACME 42\n", "connected");
    await_line(&guest, "ACME 42 0", "not");
    put("ACME 43\n");
    await_line(&guest, "ACME 43 0", "not");
    child_signal(&guest, SIGTERM);
    assert_int_equal(child_exit_status(&guest), 0);
    stop_server();
    rawserver_end(&place);
}

/* ---- Who speaks no TLS, or not enough ------------------------------------ */

/* What a client of TLS says first. */
static size_t client_hello(uint8_t bytes[HELLO_MAX])
{
    int     fds[2];
    uint8_t byte;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    tcp_set_blocking(fds[0], false);
    tls_stream *stream = new_stream(fds[0], "here.pem", "localhost");
    assert_int_equal(tls_read(stream, &byte, 1), UPF_IO_WANT_READ);
    const ssize_t n = recv(fds[1], bytes, HELLO_MAX, 0);
    assert_true(n > 100);
    tls_free(stream);
    close(fds[0]);
    close(fds[1]);
    return (size_t)n;
}

static void send_bytes(int fd, const void *data, size_t len)
{
    assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), len);
}

static void asks_for_a_page(int fd)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

    send_bytes(fd, request, sizeof request - 1);
}

static void asks_for_a_websocket(int fd)
{
    static const char request[] =
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    send_bytes(fd, request, sizeof request - 1);
}

static void sends_garbage(int fd)
{
    uint8_t bytes[3000];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 197 + 89);
    send_bytes(fd, bytes, sizeof bytes);
}

static void announces_too_long_a_record(int fd)
{
    send_bytes(fd, "\x16\x03\x01\xff\xff\x01\0\0\0", 9);
}

static void sends_garbage_for_its_key(int fd)
{
    uint8_t hello[HELLO_MAX];

    send_bytes(fd, hello, client_hello(hello));
    assert_true(readable(fd, PATIENCE)); /* it is answered */
    sends_garbage(fd);
}

static void says_nothing(int fd) { (void)fd; }

static void begins_a_record(int fd) { send_bytes(fd, "\x16\x03\x01", 3); }

static void says_half_a_hello(int fd)
{
    uint8_t hello[HELLO_MAX];

    send_bytes(fd, hello, client_hello(hello) / 2);
}

static void says_hello_and_no_more(int fd)
{
    uint8_t hello[HELLO_MAX];

    send_bytes(fd, hello, client_hello(hello));
    assert_true(readable(fd, PATIENCE));
}

/* To its end, whatever that is; it is no answer in plain text. */
static void read_to_the_end(int fd)
{
    char    bytes[4096];
    ssize_t n;

    tcp_set_blocking(fd, false);
    for (;;) {
        if (!readable(fd, PATIENCE))
            fail_msg("the server does not let go");
        n = recv(fd, bytes, sizeof bytes, 0);
        if (n <= 0)
            return;
        assert_true(n < 5 || memcmp(bytes, "HTTP/", 5) != 0);
    }
}

/* By a reset, or in order. */
static void leave(int fd, bool in_order)
{
    const struct linger hard = {.l_onoff = 1};

    if (!in_order)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd);
}

static void (*const told[])(int fd) = { /* the server ends it at once */
    asks_for_a_page, asks_for_a_websocket, sends_garbage,
    announces_too_long_a_record, sends_garbage_for_its_key,
};

static void (*const awaited[])(int fd) = { /* it may go on */
    says_nothing, begins_a_record, says_half_a_hello, says_hello_and_no_more,
};

/* It has no more descriptors than before, soon; `p` goes on meanwhile. */
static void expect_descriptors(const struct child *c, size_t before,
                               struct peer *p)
{
    const uint64_t late = clock_ms() + PATIENCE / 2;

    do {
        goes_on(p);
        if (clock_ms() >= late)
            fail_msg("%zu descriptors, and %zu before", child_descriptors(c),
                     before);
    } while (child_descriptors(c) != before);
}

static void whoever_speaks_no_tls_is_let_go(void **state)
{
    (void)state;
    need_programs();
    for (size_t i = 0; i < COUNT(apps); i++) {
        begin_server(&apps[i], "here");
        struct peer *watcher = open_peer("here.pem", "localhost");
        const size_t before  = child_descriptors(&host);
        for (size_t n = 0; n < COUNT(told); n++) {
            const int fd = connect_socket();
            told[n](fd);
            goes_on(watcher);
            read_to_the_end(fd);
            close(fd);
        }
        for (size_t n = 0; n < 2 * COUNT(awaited); n++) {
            const int fd = connect_socket();
            awaited[n / 2](fd);
            goes_on(watcher);
            leave(fd, n % 2 == 0);
        }
        for (int n = 0; n < 2; n++) { /* and who is open already */
            struct peer *p = open_peer("here.pem", "localhost");
            if (n == 0)
                sends_garbage(p->fd);
            goes_on(watcher);
            leave(p->fd, n == 0);
            p->fd = -1;
        }
        expect_descriptors(&host, before, watcher);
        stop_server();
    }
}

/* ---- A server that can be given less patience ---------------------------- */

enum { HANDSHAKE_MS = 400, CLOSE_MS = 200 };

static void hear_echo(server *s, client *c, const upf_event *ev)
{
    (void)s;
    if (ev->type == UPF_EVENT_MESSAGE)
        client_send(c, ev->opcode, ev->data, ev->len);
}

/* In the child: never returns. */
static void serve(void)
{
    static const server_app app = {.client_size = sizeof(client),
                                   .hear        = hear_echo};
    const cert_path cert = certs_path("here.pem"), key = certs_path("here.key");
    char  *argv[] = {(char *)"server", (char *)"--port", (char *)"0",
                     (char *)"--tls-cert", (char *)(uintptr_t)cert.text,
                     (char *)"--tls-key", (char *)(uintptr_t)key.text, NULL};
    server s      = {.setup = {.ping_interval = 400}};

    int status = server_begin(&s, &app, 7, argv, "usage: server");
    if (status < 0) {
        s.setup.config.handshake_timeout = HANDSHAKE_MS;
        s.setup.config.close_timeout     = CLOSE_MS;
        status = server_run(&s);
    }
    exit(status);
}

static void begin_own_server(void)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    host.pid = fork();
    assert_true(host.pid >= 0);
    if (host.pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        serve();
    }
    close(ends[1]);
    host.output = ends[0];
    read_address(&echo);
}

/* A client of TLS who asks for nothing is told so, as far as TLS goes. */
static void expect_timeout(tls_stream *stream, int fd, struct peer *watcher)
{
    static const char answer[] = "HTTP/1.1 408 ";
    char      text[512];
    size_t    len = 0;
    ptrdiff_t n;

    while ((n = tls_read(stream, text + len, sizeof text - len)) != 0) {
        if (n == UPF_IO_WANT_READ) {
            goes_on(watcher);
            wait_for(fd, POLLIN);
        } else {
            assert_true(n > 0);
            len += (size_t)n;
        }
    }
    assert_true(len >= sizeof answer - 1);
    assert_memory_equal(text, answer, sizeof answer - 1);
}

static void who_stops_in_the_handshake_is_given_up(void **state)
{
    (void)state;
    /* On a machine that is busy, too. */
    enum { MOST = 2 * (HANDSHAKE_MS + CLOSE_MS) + 3000 };
    uint8_t hello[HELLO_MAX];
    int     fds[COUNT(awaited)];

    need_tls();
    begin_own_server();
    struct peer *watcher = open_peer("here.pem", "localhost");
    const size_t before  = child_descriptors(&host);
    const size_t len     = client_hello(hello);
    const uint64_t since = clock_ms();
    for (size_t n = 0; n < COUNT(awaited); n++)
        awaited[n](fds[n] = connect_socket());
    const int slow   = connect_socket();
    const int silent = connect_socket();
    tls_stream *stream = new_stream(silent, "here.pem", "localhost");
    expect_timeout(stream, silent, watcher);
    tls_free(stream);
    close(silent);
    /* Byte by byte, it is not given more time. */
    for (size_t at = 0; !readable(slow, 10); at = (at + 1) % len) {
        assert_true(clock_ms() < since + MOST);
        if (send(slow, hello + at, 1, MSG_NOSIGNAL) != 1)
            break;
        goes_on(watcher);
    }
    close(slow);
    for (size_t n = 0; n < COUNT(awaited); n++) {
        read_to_the_end(fds[n]);
        close(fds[n]);
        goes_on(watcher);
    }
    const uint64_t took = clock_ms() - since;
    assert_in_range(took, HANDSHAKE_MS, MOST);
    expect_descriptors(&host, before, watcher);
    stop_server();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(applications_speak_wss),
        TEST(a_certificate_that_is_not_accepted_is_told),
        TEST(notify_client_misses_nothing),
        TEST(an_id_is_good_for_another_client),
        TEST(ticker_client_comes_back),
        TEST(whoever_speaks_no_tls_is_let_go),
        TEST(who_stops_in_the_handshake_is_given_up),
    };

    return cmocka_run_group_tests_name("wss", tests, begin_all, end_all);
}
