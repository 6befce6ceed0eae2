/* SPDX-License-Identifier: MIT */
/*
 * echo_client.c - says something, and checks what comes back.
 *
 *     echo_client --text Hello --ping ws://127.0.0.1:9001/
 *     echo_client --trace --fragments 3 --text 'in three parts'
 *
 * What it shows: a client over the pump (upframe/io.h), whose two callbacks
 * are a socket or TLS; sending whole messages and parts; the close handshake;
 * what to make of a handshake that was refused; a deadline for everything.
 * Read next_event() first: it is the whole loop. Then converse().
 */

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <upframe/upframe.h>
#include "echo_client_options.h"
#include "output.h"
#include "show.h"
#include "tcp.h"
#include "tls.h"
#include "trace.h"

enum { CONNECT_MS = 10000 };

struct client {
    const struct options *o;
    upf_config  config;
    upf_conn    ws;
    upf_io      io;
    int         fd, stop;
    tls_stream *tls; /* NULL: ws:// */
    bool        opened;
    uint64_t    give_up; /* when we have waited long enough for an answer; of
                            the handshake, the engine knows */
    bool        is_late; /* that time has come */
    trace       trace;
};

/* ---- The loop --------------------------------------------------------- */

static ptrdiff_t read_some(void *user, void *data, size_t len)
{
    struct client  *c = user;
    const ptrdiff_t n = c->tls != NULL ? tls_read(c->tls, data, len)
                                       : tcp_read(&c->fd, data, len);

    if (c->o->trace)
        trace_bytes(&c->trace, false, data, n);
    return n;
}

static ptrdiff_t write_some(void *user, const void *data, size_t len)
{
    struct client  *c = user;
    const ptrdiff_t n = c->tls != NULL ? tls_write(c->tls, data, len)
                                       : tcp_write(&c->fd, data, len);

    if (c->o->trace)
        trace_bytes(&c->trace, true, data, n);
    return n;
}

/* The wait for an answer begins. */
static void expect_answer(struct client *c)
{
    c->give_up = clock_ms() + c->o->timeout_s * UINT64_C(1000);
}

static bool is_late(struct client *c)
{
    if (clock_ms() < c->give_up)
        return false;
    printf("no answer within %lu s\n", c->o->timeout_s);
    c->is_late = true;
    return true;
}

static void heed_stop(struct client *c)
{
    if (c->stop < 0 || (!stop_requested() && output_flush()))
        return;
    upf_close(&c->ws, UPF_CLOSE_GOING_AWAY, "interrupted");
    c->stop = -1; /* once is enough */
    expect_answer(c);
}

/*
 * Wait for the next event, until the time is up. False if there is none: CLOSE
 * was the last one, or the time is up.
 */
static bool next_event(struct client *c, upf_event *ev)
{
    for (;;) {
        heed_stop(c); /* here, as a server may leave us nothing to wait for */
        const uint64_t   before = clock_ms();
        const upf_status status = upf_io_next(&c->io, &c->ws, ev);
        /* Pings and time-outs, as of before we looked at what has arrived, and
         * when we have written what can be: there may be an event before. */
        if (upf_conn_deadline(&c->ws) <= before) {
            upf_io_flush(&c->io, &c->ws);
            upf_conn_tick(&c->ws, before);
        }
        if (status == UPF_OK || status == UPF_DONE) {
            if (c->o->trace)
                trace_event(&c->trace, status == UPF_OK ? ev : NULL);
            return status == UPF_OK;
        }

        const uint64_t now      = clock_ms();
        const uint64_t deadline = upf_conn_deadline(&c->ws);
        const uint64_t until    = deadline < c->give_up ? deadline : c->give_up;
        const unsigned wants    = upf_io_wants(&c->io, &c->ws);
        struct pollfd polls[2]  = {{.fd = c->fd}, {.fd = c->stop}};
        if (wants & UPF_WANTS_CLOSE)
            return false; /* even our last word could not be written */
        if (is_late(c))
            return false;
        if (wants & UPF_WANTS_READ)
            polls[0].events |= POLLIN;
        if (wants & UPF_WANTS_WRITE)
            polls[0].events |= POLLOUT;
        polls[1].events = POLLIN;
        uint64_t wait = until > now ? until - now : 0;
        (void)poll(polls, 2, wait < 60000 ? (int)wait : 60000);
    }
}

/* ---- What is sent, and what came back --------------------------------- */

static double now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void print_item(upf_opcode opcode, const void *data, size_t len)
{
    printf("%-6s %8zu byte%s  ",
           opcode == UPF_OP_TEXT     ? "text"
           : opcode == UPF_OP_BINARY ? "binary"
           : opcode == UPF_OP_PONG   ? "pong"
                                     : "ping",
           len, len == 1 ? " " : "s");
    trace_payload(stdout, opcode != UPF_OP_BINARY, data, len, 1024);
}

static upf_status send_item(struct client *c, const struct item *item)
{
    upf_status status = UPF_OK;
    size_t     from   = 0;

    for (unsigned long i = 1; i <= item->fragments && status == UPF_OK; i++) {
        const bool     fin  = i == item->fragments;
        const size_t   to   = fin ? item->len : item->len / item->fragments * i;
        const uint8_t *part = item->data + from;
        trace_sending(&c->trace, item->opcode, part, to - from);
        if (item->opcode == UPF_OP_PING)
            status = upf_ping(&c->ws, part, to - from);
        else if (item->fragments == 1)
            status = upf_send(&c->ws, item->opcode, part, to - from);
        else
            status = upf_send_part(&c->ws, item->opcode, part, to - from, fin);
        trace_sent(&c->trace);
        from = to;
    }
    return status;
}

/* Whether `ev` is the answer to `item`; says so, or what is wrong. */
static bool judge(const struct client *c, const struct item *item,
                  const upf_event *ev, double ms)
{
    const bool ping = item->opcode == UPF_OP_PING;
    const bool same = ping == (ev->type == UPF_EVENT_PONG) &&
                      (ping || ev->opcode == item->opcode) &&
                      ev->len == item->len &&
                      (ev->len == 0 ||
                       memcmp(ev->data, item->data, ev->len) == 0);

    if (same && c->o->trace) {
        printf("   equal, after %.2f ms\n", ms);
    } else if (same) {
        print_item(item->opcode, ev->data, ev->len);
        printf("  %s after %.2f ms\n", ping ? "pong" : "came back equal", ms);
    } else {
        print_item(item->opcode, item->data, item->len);
        printf("  came back different:\n");
        print_item(ev->type == UPF_EVENT_PONG ? UPF_OP_PONG : ev->opcode,
                   ev->data, ev->len);
        putchar('\n');
    }
    return same;
}

/* ---- The end ---------------------------------------------------------- */

/* What a status alone may mean, where the server does not say it. */
static const char *advice(int http_status)
{
    switch (http_status) {
    case 401: return "try: --header 'Authorization: ...'";
    case 403: return "try: --origin with one that the server allows";
    case 404: return "try: another path in the URL";
    case 426: return "the server wants another protocol or version";
    case 503: return "try: again later";
    default:  return NULL;
    }
}

/* A server that answers with anything but 101 explains itself in HTTP. */
static void report_refusal(const upf_response *r)
{
    const char *guess = r->body.len == 0 ? advice(r->status) : NULL;

    printf("refused with HTTP %d ", r->status);
    show_text(stdout, r->reason.data, r->reason.len, 512);
    putchar('\n');
    if (r->status == 200)
        puts("a web page, not a WebSocket: try another path");
    show_refusal(stdout, r, "  ");
    if (guess != NULL)
        puts(guess);
}

static void report_failure(const struct client *c, upf_status status)
{
    const char *section = upf_status_section(status);

    printf("failed: %s", upf_status_text(status));
    if (section[0] != '\0')
        printf(" (%s)", section);
    putchar('\n');
    if (c->tls == NULL && !c->opened && tls_may_be_meant(status))
        puts("try: wss://, if this is a port for TLS");
}

/* Whether the end was as it should be. */
static bool report_close(const struct client *c, const upf_event *ev)
{
    if (ev->status == UPF_ERR_RESPONSE) {
        report_refusal(&ev->response);
        return false;
    }
    if (c->tls != NULL && tls_error(c->tls) != NULL)
        printf("TLS failed: %s\n", tls_error(c->tls));
    else if (ev->status == UPF_ERR_REFUSED) /* by us: upf_close() came first */
        puts("stopped before the server answered");
    else if (ev->status != UPF_OK)
        report_failure(c, ev->status);
    printf("closed with %d, %s", ev->close.code,
           trace_close_code(ev->close.code));
    if (ev->len > 0) {
        fputs(": ", stdout);
        trace_payload(stdout, true, ev->data, ev->len, ev->len);
    }
    putchar('\n');
    return ev->close.clean && ev->status == UPF_OK;
}

/* ---- The conversation ------------------------------------------------- */

/* Send the next item, or all of them (--wait), or Close after the last. */
static upf_status speak(struct client *c, size_t *sent)
{
    const struct options *o = c->o;
    upf_status status = UPF_OK;

    if (!o->wait && *sent == o->count) {
        trace_closing(&c->trace, (int)o->close_code, NULL);
        status = upf_close(&c->ws, (int)o->close_code, NULL);
        trace_sent(&c->trace);
        return status;
    }
    while (*sent < o->count && status == UPF_OK) {
        status = send_item(c, &o->items[(*sent)++]);
        if (!o->wait)
            break;
    }
    return status;
}

static void report_open(const struct client *c, const upf_event *ev)
{
    printf("connected to %s\n", c->o->url);
    if (ev->subprotocol.len > 0)
        printf("subprotocol %.*s\n", (int)ev->subprotocol.len,
               ev->subprotocol.data);
    else if (c->o->subprotocols.count > 0)
        puts("no subprotocol: the server chose none of those offered");
}

/* Whether a Pong answers our last ping. A server may send others unasked
 * (section 5.5.3), and the engine pings a silent server. */
static bool is_answer(const struct options *o, size_t sent, const upf_event *ev)
{
    const struct item *item = &o->items[sent > 0 ? sent - 1 : 0];

    return sent > 0 && item->opcode == UPF_OP_PING && item->len == ev->len &&
           (ev->len == 0 || memcmp(item->data, ev->data, ev->len) == 0);
}

/* A ping, which is answered already; a Pong, or what comes after our Close, for
 * which nobody waits. None of these puts the end of our patience off. */
static bool answers_nothing(const struct client *c, size_t sent,
                            const upf_event *ev)
{
    switch (ev->type) {
    case UPF_EVENT_PING:
        return true;
    case UPF_EVENT_PONG:
        return !c->o->wait && (!upf_conn_is_open(&c->ws) ||
                               !is_answer(c->o, sent, ev));
    case UPF_EVENT_CLOSE:
        return false;
    default:
        return !c->o->wait && !upf_conn_is_open(&c->ws);
    }
}

/* Returns the exit status. */
static int converse(struct client *c)
{
    const bool wait = c->o->wait;
    upf_event  ev;
    size_t     sent   = 0, equal = 0;
    double     since  = 0;
    int        status = 1;

    c->give_up = UINT64_MAX;
    while (next_event(c, &ev)) {
        if (answers_nothing(c, sent, &ev)) {
            if (is_late(c))
                break;
            continue;
        }
        switch (ev.type) {
        case UPF_EVENT_CLOSE:
            if (report_close(c, &ev) &&
                (wait ? sent : equal) == c->o->count)
                status = 0;
            if (!c->opened)
                return status;
            continue; /* our Close may still have to be written */
        case UPF_EVENT_OPEN:
            c->opened = true;
            report_open(c, &ev);
            break;
        default:
            break;
        }
        if (wait && ev.type != UPF_EVENT_OPEN) {
            print_item(ev.type == UPF_EVENT_PONG ? UPF_OP_PONG : ev.opcode,
                       ev.data, ev.len);
            puts("  received");
            if (upf_conn_is_open(&c->ws))
                expect_answer(c);
            continue;
        }
        if (ev.type != UPF_EVENT_OPEN)
            equal += judge(c, &c->o->items[sent - 1], &ev, now_ms() - since);
        since = now_ms();
        const upf_status spoken = speak(c, &sent);
        if (spoken != UPF_OK) {
            fprintf(stderr, "cannot send: %s\n", upf_status_text(spoken));
            return 2;
        }
        expect_answer(c);
    }
    return c->is_late ? 1 : status;
}

/* ---- Beginning -------------------------------------------------------- */

/* The request is judged before anything is sent. Returns the exit status. */
static int begin(struct client *c)
{
    upf_config *config = &c->config;
    const struct options *o = c->o;
    const upf_client_request request = {.url          = o->url,
                                        .origin       = o->origin,
                                        .headers      = o->headers,
                                        .header_count = o->header_count};

    config->subprotocols  = option_items(&o->subprotocols);
    config->ping_interval = (uint32_t)o->ping_interval;
    config->pong_timeout  = (uint32_t)o->pong_timeout;
    /* Its CLOSE tells what a server has said by then. */
    if (o->timeout_s < config->handshake_timeout / 1000)
        config->handshake_timeout = (uint32_t)o->timeout_s * 1000;
    if (o->trace) {
        config->trace      = trace_hook;
        config->trace_user = &c->trace;
    }
    for (size_t i = 0; i < o->count; i++)
        if (o->items[i].len > config->max_message) {
            config->max_message = config->max_frame = o->items[i].len;
            config->max_queued  = o->items[i].len + config->high_water;
        }
    const char *wrong = upf_config_check(config);
    if (wrong != NULL) {
        fprintf(stderr, "%s\n", wrong);
        return 2;
    }
    const upf_status status = upf_conn_init_client(&c->ws, config, &request);
    if (status == UPF_OK)
        return 0;
    if (status == UPF_ERR_URL) {
        option_bad_url(o->url);
        return 2;
    }
    fprintf(stderr, "cannot begin: %s\n", upf_status_text(status));
    return 1;
}

static int patience_ms(const struct options *o)
{
    return o->timeout_s < CONNECT_MS / 1000 ? (int)o->timeout_s * 1000
                                            : CONNECT_MS;
}

static int run(struct client *c)
{
    const struct options *o = c->o;
    tls_context *tls = NULL;
    upf_url      url;
    char         host[256];

    int status = begin(c);
    if (status != 0)
        return status;
    (void)upf_url_parse(o->url, &url); /* it was sound just now */
    if (url.host.len >= sizeof host) {
        fputs("no host has so long a name\n", stderr);
        return 2;
    }
    memcpy(host, url.host.data, url.host.len);
    host[url.host.len] = '\0';
    if (o->ca != NULL && !url.secure) {
        fputs("--ca: there are no certificates without wss://\n", stderr);
        return 2;
    }
    if (url.secure && (tls = tls_client(o->ca)) == NULL)
        return 2;

    status = 1;
    if ((c->stop = stop_on_signals()) >= 0 &&
        (c->fd = tcp_connect(host, url.port, patience_ms(o))) >= 0) {
        if (tls == NULL || (c->tls = tls_connect(tls, c->fd, host)) != NULL) {
            c->io  = upf_io_callbacks(read_some, write_some, c);
            status = converse(c);
        }
        tls_free(c->tls);
        tcp_linger_close(c->fd, 1000);
    }
    tls_context_free(tls);
    return status;
}

int main(int argc, char **argv)
{
    struct options o;
    struct client  c = {.o = &o, .config = upf_config_default()};

    (void)setvbuf(stdout, NULL, _IOLBF, 0); /* lines as they come, in pipes */
    int status = options_read(&o, argc, argv);
    if (status < 0) {
        status = run(&c);
        upf_conn_free(&c.ws);
    }
    options_free(&o);
    return output_flush() || status == 2 ? status : 1;
}
