/* SPDX-License-Identifier: MIT */
/*
 * reconnect_client.c - a client that stays connected.
 *
 * Whatever ends its connection (a server that restarts, a reset, a network
 * that went silent), it comes back, after waits that spare the server: see
 * upframe/backoff.h. Start reading at main(), then attempt() and converse().
 */

#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <upframe/upframe.h>

#include "options.h"
#include "output.h"
#include "show.h"
#include "tcp.h"
#include "tls.h"

static const char usage[] =
"usage: reconnect_client [option...] [URL]\n"
"Connects, prints what the server sends, and stays connected: a connection\n"
"that is lost is opened again. URL is ws://HOST:PORT/PATH, or wss://...\n"
"\n"
"  --host HOST      instead of a URL: ws://HOST:PORT/ (127.0.0.1)\n"
"  --port PORT      (9001)\n"
"  --ca FILE        wss: trust the certificates in FILE (PEM) and no others\n"
"  --send TEXT      send TEXT when the connection opens\n"
"  --interval MS    and again every MS milliseconds\n"
"  --base MS        the first wait is random, up to MS (5000); each failure\n"
"                   doubles how long a wait may be\n"
"  --cap MS         but none is longer than MS (120000)\n"
"  --stable MS      open for MS, it forgets earlier failures (60000)\n"
"  --attempts N     give up after N returns that led to no stable connection\n"
"                   (0: never)\n"
"  --ping MS        ping a server that is silent for MS (30000; 0: never)\n"
"  --timeout MS     wait no longer than MS for a connection, the handshake,\n"
"                   the answer to a ping (10000)\n"
"  --seconds N      stop after N seconds (0: never)\n"
"  --help           this text\n"
"\n"
"Each change is one line:\n"
"  connecting (attempt 1)\n"
"  open\n"
"  message: hello\n"
"  lost: code 1006 (stream that ended without a Close); next try in 412 ms\n"
"  connecting (attempt 2)\n"
"\n"
"Try it:  echo_server &  reconnect_client --send hello\n"
"then stop the server, wait a little, and start it again.\n"
"Ctrl-C or SIGTERM says 1001, going away, and exits with 0. The status is 1\n"
"when it gives up, or when the server has said that there is no use in\n"
"coming back (close code 1008, HTTP 403, ...), and as soon as standard\n"
"output cannot be written (a pipe that nobody reads any more, ...).\n";

/* Kept small on purpose: this much of one message is held in memory. */
enum { MAX_MESSAGE = 1 << 20, MAX_QUEUED = 1 << 20 };

struct client {
    char               address[512]; /* what --host and --port amount to */
    upf_client_request request;
    upf_url            url;
    char               host[256]; /* url.host, NUL-terminated */
    const char        *ca_file;
    tls_context       *tls; /* NULL: ws:// */
    upf_config         config;
    upf_backoff        backoff;
    const char        *text;     /* to send; NULL: nothing */
    uint32_t           interval; /* ms; 0: once a connection */
    uint64_t           next_send;
    uint32_t           timeout; /* ms */
    uint64_t           end_at;  /* UINT64_MAX: when a signal says so */
    int                stop_fd; /* readable after a signal */
};

/* How a connection, or the attempt at one, has ended. */
struct ending {
    bool       opened; /* it was a connection */
    upf_status status;
    int        close_code;
    int        http_status;
    uint32_t   retry_after; /* ms that the server wants to be left alone */
    char       text[256];
};

/* ---- Waiting ---------------------------------------------------------- */

static bool leaving(const struct client *c)
{
    return stop_requested() || clock_ms() >= c->end_at || !output_flush();
}

static uint64_t sooner(uint64_t a, uint64_t b) { return a < b ? a : b; }

/*
 * Until `events` of `fd` (-1: no socket), the time `deadline`, or the wish to
 * leave. Who has heard that already is not woken by it.
 */
static void wait_for(const struct client *c, bool heard, int fd, short events,
                     uint64_t deadline)
{
    const uint64_t end = heard ? deadline : sooner(deadline, c->end_at);
    const uint64_t now = clock_ms();
    struct pollfd  polls[2] = {
        {.fd = fd, .events = events},
        {.fd = heard ? -1 : c->stop_fd, .events = POLLIN},
    };
    int timeout = 0;

    if (end > now)
        timeout = (int)sooner(end - now, 60 * 1000);
    (void)poll(polls, 2, timeout); /* every wake-up looks at all anew */
}

/* ---- One connection --------------------------------------------------- */

/* What a peer sent must not look like a line of ours, nor move the cursor. */
static void print_text(const uint8_t *data, size_t len)
{
    fputs("message: ", stdout);
    show_text(stdout, data, len, len);
    putchar('\n');
}

/* How long the server wants to be left alone. */
static uint32_t retry_after(const upf_response *response)
{
    upf_str  value;
    uint32_t wait_ms = 0;

    if ((response->status != 429 && response->status != 503) ||
        !upf_header_find(response->headers, "Retry-After", &value) ||
        !upf_retry_after(value.data, value.len, (int64_t)time(NULL), &wait_ms))
        return 0;
    return wait_ms;
}

static void describe(const struct client *c, struct ending *end,
                     const upf_event *ev)
{
    char  *text = end->text;
    size_t size = sizeof end->text;

    end->status      = ev->status;
    end->close_code  = ev->close.code;
    end->http_status = ev->response.status;
    end->retry_after = retry_after(&ev->response);
    if (ev->status == UPF_ERR_RESPONSE) {
        snprintf(text, size, "HTTP %d", ev->response.status);
        show_refusal(stderr, &ev->response, "server: ");
    }
    else if (ev->status != UPF_OK)
        snprintf(text, size, "%s%s", upf_status_text(ev->status),
                 !c->url.secure && !end->opened && tls_may_be_meant(ev->status)
                     ? ": a port for TLS? then wss://" : "");
    else if (ev->len > 0)
        snprintf(text, size, "%.*s", (int)ev->len, (const char *)ev->data);
    else
        snprintf(text, size, "closed");
}

/* The text may be the peer's. */
static void report(const char *what, const struct ending *end)
{
    printf("%s: code %d (", what, end->close_code);
    show_text(stdout, end->text, strlen(end->text), sizeof end->text);
    putchar(')');
}

static void on_event(struct client *c, const upf_event *ev, struct ending *end)
{
    switch (ev->type) {
    case UPF_EVENT_OPEN:
        puts("open");
        end->opened = true;
        upf_backoff_opened(&c->backoff, clock_ms());
        c->next_send = c->text != NULL ? 0 : UINT64_MAX;
        break;
    case UPF_EVENT_MESSAGE:
        if (ev->opcode == UPF_OP_TEXT)
            print_text(ev->data, ev->len);
        else
            printf("message: %zu bytes\n", ev->len);
        break;
    case UPF_EVENT_CLOSE:
        describe(c, end, ev);
        break;
    default: /* pings are answered already; pongs need nothing */
        break;
    }
}

static void send_if_due(struct client *c, upf_conn *ws)
{
    if (!upf_conn_is_open(ws) || clock_ms() < c->next_send)
        return;
    const upf_status status =
        upf_send(ws, UPF_OP_TEXT, c->text, strlen(c->text));
    if (status != UPF_OK)
        printf("not sent: %s\n", upf_status_text(status));
    c->next_send = c->interval > 0 ? clock_ms() + c->interval : UINT64_MAX;
}

/* When to look again, though the socket is silent. */
static uint64_t next_look(const struct client *c, const upf_conn *ws)
{
    const uint64_t deadline = upf_conn_deadline(ws);

    return upf_conn_is_open(ws) ? sooner(deadline, c->next_send) : deadline;
}

/* A whole connection, from the request to its end. `tls` may be NULL. */
static void converse(struct client *c, int fd, tls_stream *tls,
                     struct ending *end)
{
    upf_conn  ws;
    upf_event ev;
    upf_io    io = tls != NULL ? upf_io_callbacks(tls_read, tls_write, tls)
                               : upf_io_callbacks(tcp_read, tcp_write, &fd);

    end->status = upf_conn_init_client(&ws, &c->config, &c->request);
    if (end->status != UPF_OK) {
        snprintf(end->text, sizeof end->text, "%s",
                 upf_status_text(end->status));
        upf_conn_free(&ws);
        return;
    }
    for (;;) {
        const bool leave = leaving(c);

        if (leave)
            (void)upf_close(&ws, UPF_CLOSE_GOING_AWAY, "client is stopping");
        else
            send_if_due(c, &ws);

        const uint64_t   before = clock_ms();
        const upf_status status = upf_io_next(&io, &ws, &ev);
        if (status == UPF_DONE)
            break;
        /* Pings and time-outs, as of before we looked at what has arrived, and
         * when we have written what can be: there may be an event before. */
        if (upf_conn_deadline(&ws) <= before) {
            upf_io_flush(&io, &ws);
            upf_conn_tick(&ws, before);
        }
        if (status == UPF_OK) {
            on_event(c, &ev, end);
            continue;
        }
        const unsigned wants = upf_io_wants(&io, &ws);
        wait_for(c, leave, fd,
                 (short)((wants & UPF_WANTS_READ ? POLLIN : 0) |
                         (wants & UPF_WANTS_WRITE ? POLLOUT : 0)),
                 next_look(c, &ws));
    }
    upf_conn_free(&ws);
}

static struct ending attempt(struct client *c)
{
    struct ending end = {.status     = UPF_ERR_IO,
                         .close_code = UPF_CLOSE_ABNORMAL,
                         .text       = "cannot connect"};
    tls_stream *tls = NULL;

    printf("connecting (attempt %" PRIu32 ")\n",
           upf_backoff_tries(&c->backoff) + 1);
    const int fd = tcp_connect(c->host, c->url.port, (int)c->timeout);
    if (fd < 0)
        return end;
    if (c->tls != NULL)
        tls = tls_connect(c->tls, fd, c->host);
    if (c->tls == NULL || tls != NULL)
        converse(c, fd, tls, &end);
    if (tls != NULL && tls_error(tls) != NULL)
        snprintf(end.text, sizeof end.text, "%s", tls_error(tls));
    tls_free(tls);
    tcp_linger_close(fd, 1000);
    return end;
}

/* ---- All of them ------------------------------------------------------ */

/* Without randomness: the longest wait, the least harm. */
static uint32_t random_bits(const upf_config *config)
{
    uint32_t bits = UINT32_MAX;

    if (!config->random(config->random_user, &bits, sizeof bits))
        return UINT32_MAX;
    return bits;
}

static int stay_connected(struct client *c)
{
    for (;;) {
        const struct ending end = attempt(c);
        uint32_t wait_ms;

        if (leaving(c)) {
            report("stopped", &end);
            putchar('\n');
            return EXIT_SUCCESS;
        }
        report("lost", &end);
        fputs("; ", stdout);
        if (!upf_may_return(end.status, end.close_code, end.http_status)) {
            puts("no use in trying again");
            return EXIT_FAILURE;
        }
        if (!upf_backoff_lost(&c->backoff, clock_ms(), random_bits(&c->config),
                              &wait_ms)) {
            puts("giving up");
            return EXIT_FAILURE;
        }
        const uint64_t wait = (uint64_t)end.retry_after + wait_ms;
        printf("next try in %" PRIu64 " ms\n", wait);
        for (const uint64_t until = clock_ms() + wait;
             clock_ms() < until && !leaving(c);)
            wait_for(c, false, -1, 0, until);
        if (leaving(c)) {
            puts("stopped");
            return EXIT_SUCCESS;
        }
    }
}

/* ---- The command line ------------------------------------------------- */

struct options {
    const char *program, *url, *host, *port;
    upf_backoff_policy policy;
    uint32_t seconds;
};

static int refuse(const struct options *o, const char *which, const char *what)
{
    fprintf(stderr, "%s: %s; see %s --help\n", which, what, o->program);
    return 2;
}

/* What is wrong was said already. */
static int point_to_help(const struct options *o)
{
    fprintf(stderr, "see %s --help\n", o->program);
    return 2;
}

/* Returns -1 to go on, or the exit status. */
static int read_options(struct client *c, struct options *o, int argc,
                        char **argv)
{
    const char **const texts[] = {&o->host, &o->port, &c->ca_file, &c->text};
    uint32_t *const numbers[] = {
        &c->interval, &o->policy.base_ms, &o->policy.cap_ms,
        &o->policy.stable_ms, &o->policy.max_tries, &c->config.ping_interval,
        &c->timeout, &o->seconds};
    enum { PORT = 1, NUMBERS = 4, HELP = 100 }; /* indices of those two */
    static const struct option table[] = {
        {"host", required_argument, NULL, 0},
        {"port", required_argument, NULL, PORT},
        {"ca", required_argument, NULL, 2},
        {"send", required_argument, NULL, 3},
        {"interval", required_argument, NULL, NUMBERS},
        {"base", required_argument, NULL, NUMBERS + 1},
        {"cap", required_argument, NULL, NUMBERS + 2},
        {"stable", required_argument, NULL, NUMBERS + 3},
        {"attempts", required_argument, NULL, NUMBERS + 4},
        {"ping", required_argument, NULL, NUMBERS + 5},
        {"timeout", required_argument, NULL, NUMBERS + 6},
        {"seconds", required_argument, NULL, NUMBERS + 7},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0}};
    int value, which = 0;

    while ((value = getopt_long(argc, argv, "", table, &which)) != -1) {
        unsigned long number;
        if (value == HELP) {
            fputs(usage, stdout);
            return EXIT_SUCCESS;
        }
        if (value == '?')
            return point_to_help(o);
        if (value < NUMBERS)
            *texts[value] = optarg;
        else if (!option_number(table[which].name, optarg, 0, INT32_MAX,
                                &number))
            return point_to_help(o);
        else
            *numbers[value - NUMBERS] = (uint32_t)number;
        if (value == PORT && !option_number("port", optarg, 1, 65535, &number))
            return point_to_help(o);
    }
    if (argc - optind > 1)
        return refuse(o, argv[optind + 1], "one URL is enough");
    o->url = argv[optind];
    return -1;
}

/* Make of the options what is used. Returns -1, or the exit status. */
static int settle(struct client *c, const struct options *o)
{
    const char *host = o->host != NULL ? o->host : "127.0.0.1";
    const char *port = o->port != NULL ? o->port : "9001";
    const bool  ipv6 = strchr(host, ':') != NULL;

    snprintf(c->address, sizeof c->address, ipv6 ? "ws://[%s]:%s/"
                                                 : "ws://%s:%s/", host, port);
    if (o->url != NULL && (o->host != NULL || o->port != NULL))
        return refuse(o, o->url, "give a URL, or --host and --port");
    c->request.url = o->url != NULL ? o->url : c->address;
    if (upf_url_parse(c->request.url, &c->url) != UPF_OK ||
        c->url.host.len >= sizeof c->host) {
        option_bad_url(c->request.url);
        return 2;
    }
    memcpy(c->host, c->url.host.data, c->url.host.len);

    if (upf_backoff_init(&c->backoff, &o->policy) != UPF_OK)
        return refuse(o, "--base, --cap, --stable",
                      "a wait of 0, or a cap below the base");
    if (c->timeout == 0)
        return refuse(o, "--timeout", "0 would never succeed");
    c->config.handshake_timeout = c->timeout;
    c->config.pong_timeout      = c->timeout;
    if (c->config.close_timeout > c->timeout)
        c->config.close_timeout = c->timeout;
    const char *wrong = upf_config_check(&c->config);
    if (wrong != NULL)
        return refuse(o, "config", wrong);
    if (o->seconds != 0)
        c->end_at = clock_ms() + UINT64_C(1000) * o->seconds;

    if (c->ca_file != NULL && !c->url.secure)
        return refuse(o, "--ca", "there are no certificates without wss://");
    if (c->interval > 0 && c->text == NULL)
        return refuse(o, "--interval", "what is to be sent? say --send TEXT");
    if (c->url.secure && (c->tls = tls_client(c->ca_file)) == NULL)
        return EXIT_FAILURE;
    c->stop_fd = stop_on_signals();
    return c->stop_fd < 0 ? EXIT_FAILURE : -1;
}

int main(int argc, char **argv)
{
    struct client  c = {.config  = upf_config_default(),
                        .timeout = 10 * 1000,
                        .end_at  = UINT64_MAX};
    struct options o = {.program = argv[0], .policy = upf_backoff_default()};
    int status;

    c.config.max_message = MAX_MESSAGE;
    c.config.max_frame   = MAX_MESSAGE;
    c.config.max_queued  = MAX_QUEUED;
    (void)setvbuf(stdout, NULL, _IOLBF, 0); /* whole lines, to a pipe too */

    if ((status = read_options(&c, &o, argc, argv)) < 0 &&
        (status = settle(&c, &o)) < 0)
        status = stay_connected(&c);
    tls_context_free(c.tls);
    return output_flush() || status == 2 ? status : EXIT_FAILURE;
}
