/* SPDX-License-Identifier: MIT */
/*
 * ticker_client.c - the prices of ticker_server on a terminal.
 *
 *     ticker_server &
 *     ticker_client                    a table of all symbols
 *     ticker_client --count 10 ACME    ten prices of one, then exit status 0
 *     ticker_client --lines | ticker_server --feed - --port 9002
 *
 * What it shows: a client that stays connected, with a subprotocol, and what it
 * asks for said anew on each connection. The loop is that of docs/guide.md,
 * "Reconnecting": examples/lessons/reconnect_client.c has the same and explains
 * more. Start reading at stay_connected(), then attempt() and converse(). The
 * binary messages are read in ticker_wire.c, the table is ticker_table.c.
 */

#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <upframe/upframe.h>

#include "show.h"
#include "tcp.h"
#include "ticker_client_options.h"
#include "ticker_market.h"
#include "ticker_table.h"
#include "tls.h"

/* All symbols in one message; it is not ours if it is longer. */
enum { MAX_MESSAGE = 64 * 1024, CLOCK_MS = 2000, CLOCKS = 15 };

struct client {
    struct ticker_client_options options;
    upf_config   config;
    tls_context *tls; /* NULL: ws:// */
    upf_backoff  backoff;
    table        table;
    uint32_t     prices;  /* so far */
    int          stop_fd; /* readable after a signal */

    /* of this connection */
    bool         wrong;      /* the server speaks another language */
    uint64_t     next_clock; /* when its clock is asked for */
    unsigned     clocks;     /* answers so far */
    double       trip;       /* ms there and back, of the best of them */
    double       ahead;      /* its clock, of ours */
};

/* How a connection, or the attempt at one, has ended. */
struct ending {
    bool       opened;
    upf_status status;
    int        close_code, http_status;
    uint32_t   retry_after; /* ms that the server wants to be left alone */
    char       text[160];
};

static bool is_done(const struct client *c)
{
    return c->options.count != 0 && c->prices >= c->options.count;
}

static bool leaving(const struct client *c)
{
    return stop_requested() || is_done(c);
}

/* Until `events` of `fd` (-1: no socket), a signal, or the time `end`. Who has
 * heard the signal already is not woken by it. */
static void wait_for(const struct client *c, int fd, short events,
                     uint64_t end)
{
    const uint64_t now = clock_ms();
    struct pollfd  polls[2] = {
        {.fd = fd, .events = events},
        {.fd = stop_requested() ? -1 : c->stop_fd, .events = POLLIN},
    };

    (void)poll(polls, 2, end <= now          ? 0
                         : end - now < 60000 ? (int)(end - now) : 60000);
}

/* ---- What the server says ----------------------------------------------- */

static bool on_symbol(void *user, size_t number, const char *name)
{
    return table_symbol(&((struct client *)user)->table, number, name);
}

static bool on_tick(void *user, size_t number, const quote *q)
{
    struct client *c = user;

    if (is_done(c))
        return true; /* of the same frame, and one too many */
    const double delay = wall_clock_ms() + c->ahead - q->time;
    c->prices++;
    return table_price(&c->table, number, q, delay > 0 ? delay : 0);
}

static void on_live(void *user, bool live)
{
    struct client *c = user;

    if (!live)
        table_say(&c->table, "connected; the feed has ended");
}

/* The answer that took the least time says best how far the clocks are apart;
 * after some of them it is looked for anew. */
static void on_clock(void *user, double asked, double time)
{
    struct client *c    = user;
    const double   trip = (double)clock_ms() - asked;

    if (c->clocks++ % CLOCKS != 0 && trip > c->trip)
        return;
    c->trip  = trip;
    c->ahead = time - (wall_clock_ms() - trip / 2);
}

static void on_message(struct client *c, upf_conn *ws, const upf_event *ev)
{
    const wire_reader reader = {.user = c, .symbol = on_symbol,
                                .tick = on_tick, .live = on_live,
                                .clock = on_clock};

    if (c->wrong)
        return;
    c->wrong = ev->opcode != UPF_OP_BINARY ||
               !wire_read(&reader, ev->data, ev->len);
    if (c->wrong)
        (void)upf_close(ws, UPF_CLOSE_POLICY, "that is no ticker's message");
    else
        table_frame(&c->table, clock_ms());
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

static void on_close(struct client *c, const upf_event *ev, struct ending *end)
{
    char  *text = end->text;
    size_t size = sizeof end->text;

    end->status      = ev->status;
    end->close_code  = ev->close.code;
    end->http_status = ev->response.status;
    end->retry_after = retry_after(&ev->response);
    if (ev->status == UPF_ERR_RESPONSE) {
        snprintf(text, size, "HTTP %d", ev->response.status);
        c->table.drawn = 0; /* the reason stands below the table */
        show_refusal(stderr, &ev->response, "server: ");
    } else if (ev->status != UPF_OK)
        snprintf(text, size, "%s%s", upf_status_text(ev->status),
                 !c->options.parsed.secure && !end->opened &&
                         tls_may_be_meant(ev->status)
                     ? ": a port for TLS? then wss://" : "");
    else if (ev->len > 0)
        snprintf(text, size, "%.*s", (int)ev->len, (const char *)ev->data);
    else
        snprintf(text, size, "closed");
    if (c->wrong)
        snprintf(text, size, "that is no ticker_server");
}

static void on_event(struct client *c, upf_conn *ws, const upf_event *ev,
                     struct ending *end)
{
    switch (ev->type) {
    case UPF_EVENT_OPEN:
        end->opened   = true;
        c->next_clock = 0;
        c->clocks     = 0;
        upf_backoff_opened(&c->backoff, clock_ms());
        table_say(&c->table, "connected");
        (void)upf_send(ws, UPF_OP_TEXT, c->options.subscribe,
                       strlen(c->options.subscribe));
        break;
    case UPF_EVENT_MESSAGE:
        on_message(c, ws, ev);
        break;
    case UPF_EVENT_CLOSE:
        on_close(c, ev, end);
        break;
    default: /* pings are answered already; pongs need nothing */
        break;
    }
}

/* ---- One connection ----------------------------------------------------- */

static void ask_clock_if_due(struct client *c, upf_conn *ws)
{
    char line[32];

    if (!upf_conn_is_open(ws) || clock_ms() < c->next_clock)
        return;
    c->next_clock = clock_ms() + CLOCK_MS;
    const int len = snprintf(line, sizeof line, "clock %" PRIu64, clock_ms());
    (void)upf_send(ws, UPF_OP_TEXT, line, (size_t)len);
}

/* A whole connection, from the request to its end. `tls` may be NULL. */
static void converse(struct client *c, int fd, tls_stream *tls,
                     struct ending *end)
{
    const upf_client_request request = {.url = c->options.url};
    upf_conn  ws;
    upf_event ev;
    upf_io    io = tls != NULL ? upf_io_callbacks(tls_read, tls_write, tls)
                               : upf_io_callbacks(tcp_read, tcp_write, &fd);

    end->status = upf_conn_init_client(&ws, &c->config, &request);
    if (end->status != UPF_OK) {
        snprintf(end->text, sizeof end->text, "%s",
                 upf_status_text(end->status));
        upf_conn_free(&ws);
        return;
    }
    for (;;) {
        if (leaving(c))
            (void)upf_close(&ws, UPF_CLOSE_GOING_AWAY, "client is stopping");
        else
            ask_clock_if_due(c, &ws);

        const uint64_t   before = clock_ms();
        const upf_status status = upf_io_next(&io, &ws, &ev);
        if (status == UPF_DONE)
            break;
        /* Pings and time-outs, as of before we looked at what has arrived. */
        if (upf_conn_deadline(&ws) <= before) {
            upf_io_flush(&io, &ws);
            upf_conn_tick(&ws, before);
        }
        if (status == UPF_OK) {
            on_event(c, &ws, &ev, end);
            continue;
        }
        const unsigned wants    = upf_io_wants(&io, &ws);
        const uint64_t deadline = upf_conn_deadline(&ws);
        wait_for(c, fd, (short)((wants & UPF_WANTS_READ ? POLLIN : 0) |
                                (wants & UPF_WANTS_WRITE ? POLLOUT : 0)),
                 upf_conn_is_open(&ws) && c->next_clock < deadline
                     ? c->next_clock : deadline);
    }
    upf_conn_free(&ws);
}

static struct ending attempt(struct client *c)
{
    struct ending end = {.status     = UPF_ERR_IO,
                         .close_code = UPF_CLOSE_ABNORMAL,
                         .text       = "cannot connect"};
    tls_stream *tls = NULL;

    const int fd = tcp_connect(c->options.host, c->options.parsed.port,
                               (int)c->options.timeout);
    if (fd < 0) {
        c->table.drawn = 0; /* the reason stands below the table */
        return end;
    }
    if (c->tls != NULL)
        tls = tls_connect(c->tls, fd, c->options.host);
    if (c->tls == NULL || tls != NULL)
        converse(c, fd, tls, &end);
    if (tls != NULL && tls_error(tls) != NULL)
        snprintf(end.text, sizeof end.text, "%s", tls_error(tls));
    tls_free(tls);
    tcp_linger_close(fd, 1000);
    return end;
}

/* ---- All of them -------------------------------------------------------- */

/* Without randomness: the longest wait, the least harm. */
static uint32_t random_bits(const upf_config *config)
{
    uint32_t bits = UINT32_MAX;

    if (!config->random(config->random_user, &bits, sizeof bits))
        return UINT32_MAX;
    return bits;
}

static void say(struct client *c, const struct ending *end, const char *what)
{
    char line[256];

    snprintf(line, sizeof line, "not connected (%d, %s); %s", end->close_code,
             end->text, what);
    table_say(&c->table, line);
}

static int stay_connected(struct client *c)
{
    for (;;) {
        const struct ending end = attempt(c);
        uint32_t wait_ms;
        char     next[64];

        if (leaving(c))
            return EXIT_SUCCESS;
        if (c->wrong ||
            !upf_may_return(end.status, end.close_code, end.http_status)) {
            say(c, &end, "no use in trying again");
            return EXIT_FAILURE;
        }
        if (!upf_backoff_lost(&c->backoff, clock_ms(), random_bits(&c->config),
                              &wait_ms)) {
            say(c, &end, "giving up");
            return EXIT_FAILURE;
        }
        const uint64_t wait = (uint64_t)end.retry_after + wait_ms;
        snprintf(next, sizeof next, "next try in %" PRIu64 " ms", wait);
        say(c, &end, next);
        for (const uint64_t until = clock_ms() + wait;
             clock_ms() < until && !leaving(c);)
            wait_for(c, -1, 0, until);
        if (leaving(c))
            return EXIT_SUCCESS;
    }
}

int main(int argc, char **argv)
{
    static const char *const subprotocols[] = {TICKER_BINARY, NULL};
    static struct client c;
    struct ticker_client_options *o = &c.options;

    o->policy         = upf_backoff_default();
    o->policy.base_ms = 1000; /* prices are old soon */
    o->policy.cap_ms  = 30000;
    o->ping = o->timeout = 10000;
    const int status = ticker_client_read_options(o, argc, argv);
    if (status >= 0)
        return status;
    if (upf_backoff_init(&c.backoff, &o->policy) != UPF_OK) {
        fputs("--base, --cap: a wait of 0, or a cap below the base; see "
              "ticker_client --help\n", stderr);
        return 2;
    }
    c.config = upf_config_default();
    c.config.subprotocols      = subprotocols;
    c.config.max_message       = MAX_MESSAGE;
    c.config.max_frame         = MAX_MESSAGE;
    c.config.max_queued        = MAX_MESSAGE;
    c.config.high_water        = MAX_MESSAGE;
    c.config.ping_interval     = o->ping;
    c.config.handshake_timeout = o->timeout;
    c.config.pong_timeout      = o->timeout;
    if (c.config.close_timeout > o->timeout)
        c.config.close_timeout = o->timeout;
    if (o->parsed.secure && (c.tls = tls_client(o->ca_file)) == NULL)
        return EXIT_FAILURE;
    if ((c.stop_fd = stop_on_signals()) < 0)
        return EXIT_FAILURE;
    c.table.in_place    = !o->lines && (o->table || isatty(STDOUT_FILENO));
    c.table.has_colours = getenv("NO_COLOR") == NULL;
    const int ended = stay_connected(&c);
    tls_context_free(c.tls);
    return ended;
}
