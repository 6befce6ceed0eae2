/* SPDX-License-Identifier: MIT */
/*
 * notify_client.c - the events of a notify_server, on a terminal.
 *
 *     notify_client                                  everything, for ever
 *     notify_client --topic builds --count 1         the next one, then 0
 *
 * What it shows: a client that stays connected and misses nothing. All that it
 * has to remember is one id; notify_server.c has the protocol. The loop is that
 * of reconnect_client.c. Read main() first, then attempt(), converse(), hear().
 */

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <upframe/upframe.h>

#include "notify_client_options.h"
#include "notify_view.h"
#include "show.h"
#include "tcp.h"
#include "tls.h"

enum { EXIT_LOST = 3 }; /* there was a gap */

struct client {
    struct options     o;
    upf_client_request request;
    upf_config         config;
    upf_backoff        backoff;
    tls_context       *tls; /* NULL: ws:// */
    int                stop_fd;
    view               view;
    char               last[ID_SIZE]; /* what we have seen; "-": nothing */
    uint64_t           number;        /* of it */
    unsigned long      news;
    bool               has_gap;
};

/* How a connection, or the attempt at one, has ended. */
struct ending {
    upf_status status;
    int        close_code, http_status;
    uint32_t   retry_after; /* ms that the server wants to be left alone */
    char       text[256];
};

static bool is_done(const struct client *c)
{
    return c->o.count > 0 && c->news >= c->o.count;
}

/* ---- What the server says ---------------------------------------------- */

static upf_str take_word(upf_str *rest, char end)
{
    const char   *at   = memchr(rest->data, end, rest->len);
    const size_t  len  = at != NULL ? (size_t)(at - rest->data) : rest->len;
    const upf_str word = {rest->data, len};

    rest->data += len + (at != NULL);
    rest->len -= len + (at != NULL);
    return word;
}

/* The digits at the end of `text`; 0 if there are none. */
static uint64_t number_of(upf_str text)
{
    uint64_t number = 0, ten = 1;

    for (size_t n = 0; n < 19 && n < text.len; n++, ten *= 10) {
        const char digit = text.data[text.len - 1 - n];
        if (digit < '0' || digit > '9')
            break;
        number += (uint64_t)(digit - '0') * ten;
    }
    return number;
}

static void remember(struct client *c, upf_str id)
{
    memcpy(c->last, id.data, id.len);
    c->last[id.len] = '\0';
    c->number       = number_of(id);
}

static void hear(struct client *c, upf_str line)
{
    const upf_str word = take_word(&line, ' ');
    seen_event    e    = {.id = take_word(&line, ' ')};

    if (e.id.len == 0 || e.id.len >= ID_SIZE || is_done(c))
        return;
    if (upf_str_equals(word, "now")) {
        remember(c, e.id);
    } else if (upf_str_equals(word, "gap")) {
        remember(c, e.id);
        c->has_gap = true;
        view_note(&c->view, "gap", line);
    } else if (upf_str_equals(word, "event")) {
        e.topic   = take_word(&line, ' ');
        e.ms      = (int64_t)number_of(take_word(&line, '\n'));
        e.text    = line;
        e.is_news = number_of(e.id) > c->number;
        if (!topic_name_is_good(e.topic))
            return;
        if (e.is_news)
            remember(c, e.id);
        c->news += e.is_news;
        view_event(&c->view, &e);
    } /* else it is "topics", or a newer server's word */
}

/* ---- One connection ----------------------------------------------------- */

static void say_follow(struct client *c, upf_conn *ws)
{
    char   line[ID_SIZE + 16 + OPTION_LIST_MAX * (TOPIC_MAX + 1)];
    size_t len = (size_t)sprintf(line, "follow %s", c->last);

    for (size_t i = 0; i < c->o.topics.count; i++)
        len += (size_t)sprintf(line + len, " %s", c->o.topics.items[i]);
    upf_send(ws, UPF_OP_TEXT, line, len);
}

static void describe(struct ending *end, const upf_event *ev)
{
    upf_str value;

    end->status      = ev->status;
    end->close_code  = ev->close.code;
    end->http_status = ev->response.status;
    if ((end->http_status == 429 || end->http_status == 503) &&
        upf_header_find(ev->response.headers, "Retry-After", &value))
        upf_retry_after(value.data, value.len, (int64_t)time(NULL),
                        &end->retry_after);
    if (ev->status == UPF_ERR_RESPONSE) {
        snprintf(end->text, sizeof end->text, "HTTP %d", end->http_status);
        show_refusal(stderr, &ev->response, "server: ");
    } else if (ev->status != UPF_OK)
        snprintf(end->text, sizeof end->text, "%s",
                 upf_status_text(ev->status));
    else
        snprintf(end->text, sizeof end->text, "%.*s", (int)ev->len,
                 ev->len > 0 ? (const char *)ev->data : "closed");
}

static void on_event(struct client *c, upf_conn *ws, const upf_event *ev,
                     struct ending *end)
{
    switch (ev->type) {
    case UPF_EVENT_OPEN:
        fputs("open\n", stderr);
        upf_backoff_opened(&c->backoff, clock_ms());
        say_follow(c, ws);
        break;
    case UPF_EVENT_MESSAGE:
        hear(c, (upf_str){ev->len > 0 ? (const char *)ev->data : "", ev->len});
        if (is_done(c))
            upf_close(ws, UPF_CLOSE_NORMAL, "enough");
        break;
    case UPF_EVENT_CLOSE:
        describe(end, ev);
        break;
    default:
        break;
    }
}

static void wait_for(const struct client *c, int fd, short events,
                     uint64_t deadline)
{
    const uint64_t now = clock_ms();
    struct pollfd  polls[2] = {
        {.fd = fd, .events = events},
        {.fd = stop_requested() ? -1 : c->stop_fd, .events = POLLIN}};
    int timeout = 60 * 1000;

    if (deadline <= now)
        timeout = 0;
    else if (deadline - now < 60 * 1000)
        timeout = (int)(deadline - now);
    (void)poll(polls, 2, timeout); /* every wake-up looks at all anew */
}

static void converse(struct client *c, int fd, tls_stream *tls,
                     struct ending *end)
{
    upf_conn  ws;
    upf_event ev;
    upf_io    io = tls != NULL ? upf_io_callbacks(tls_read, tls_write, tls)
                               : upf_io_callbacks(tcp_read, tcp_write, &fd);

    if (upf_conn_init_client(&ws, &c->config, &c->request) != UPF_OK) {
        upf_conn_free(&ws);
        return; /* no memory: perhaps there is some later */
    }
    for (;;) {
        if (stop_requested())
            (void)upf_close(&ws, UPF_CLOSE_GOING_AWAY, "client is stopping");
        const uint64_t   before = clock_ms();
        const upf_status status = upf_io_next(&io, &ws, &ev);
        if (status == UPF_DONE)
            break;
        if (upf_conn_deadline(&ws) <= before) { /* what has arrived is read */
            upf_io_flush(&io, &ws);
            upf_conn_tick(&ws, before);
        }
        if (status == UPF_OK) {
            on_event(c, &ws, &ev, end);
            continue;
        }
        const unsigned wants = upf_io_wants(&io, &ws);
        wait_for(c, fd,
                 (short)((wants & UPF_WANTS_READ ? POLLIN : 0) |
                         (wants & UPF_WANTS_WRITE ? POLLOUT : 0)),
                 upf_conn_deadline(&ws));
    }
    upf_conn_free(&ws);
}

static struct ending attempt(struct client *c)
{
    struct ending end = {.status     = UPF_ERR_IO,
                         .close_code = UPF_CLOSE_ABNORMAL,
                         .text       = "cannot connect"};
    tls_stream *tls = NULL;

    const int fd = tcp_connect(c->o.host, c->o.parsed.port, (int)c->o.timeout);
    if (fd < 0)
        return end;
    if (c->tls != NULL)
        tls = tls_connect(c->tls, fd, c->o.host);
    if (c->tls == NULL || tls != NULL)
        converse(c, fd, tls, &end);
    if (tls != NULL && tls_error(tls) != NULL)
        snprintf(end.text, sizeof end.text, "%s", tls_error(tls));
    tls_free(tls);
    tcp_linger_close(fd, 1000);
    return end;
}

/* ---- All of them -------------------------------------------------------- */

/* Until there was enough, a signal, or no use in going on: the exit status. */
static int stay_connected(struct client *c)
{
    for (;;) {
        const struct ending end = attempt(c);
        uint32_t wait, bits = UINT32_MAX; /* the longest wait */

        if (is_done(c) || stop_requested())
            return c->has_gap ? EXIT_LOST : EXIT_SUCCESS;
        fprintf(stderr, "lost: code %d (", end.close_code);
        show_text(stderr, end.text, strlen(end.text), sizeof end.text);
        fputs("); ", stderr);
        if (!upf_may_return(end.status, end.close_code, end.http_status)) {
            fputs("no use in trying again\n", stderr);
            return EXIT_FAILURE;
        }
        (void)c->config.random(c->config.random_user, &bits, sizeof bits);
        if (!upf_backoff_lost(&c->backoff, clock_ms(), bits, &wait)) {
            fputs("giving up\n", stderr);
            return EXIT_FAILURE;
        }
        const uint64_t until = clock_ms() + end.retry_after + wait;
        fprintf(stderr, "next try in %" PRIu64 " ms\n", until - clock_ms());
        while (clock_ms() < until && !stop_requested())
            wait_for(c, -1, 0, until);
        if (stop_requested())
            return c->has_gap ? EXIT_LOST : EXIT_SUCCESS;
    }
}

int main(int argc, char **argv)
{
    static struct client c;

    int status = read_options(&c.o, argc, argv);
    if (status >= 0)
        return status;
    c.config                   = upf_config_default();
    c.config.max_message       = EVENT_HEAD + TEXT_MAX;
    c.config.ping_interval     = (uint32_t)c.o.ping;
    c.config.pong_timeout      = (uint32_t)c.o.timeout;
    c.config.handshake_timeout = (uint32_t)c.o.timeout;
    c.request.url              = c.o.url;
    c.view.is_table            = c.o.table;
    c.view.with_ids            = c.o.ids;
    if (c.o.topics.count == 0)
        option_append(&c.o.topics, "topic", "*");
    remember(&c, (upf_str){c.o.since, strlen(c.o.since)});
    upf_backoff_init(&c.backoff, &c.o.policy);
    if ((c.stop_fd = stop_on_signals()) < 0 ||
        (c.o.parsed.secure && (c.tls = tls_client(c.o.ca_file)) == NULL))
        return EXIT_FAILURE;
    status = stay_connected(&c);
    tls_context_free(c.tls);
    return status;
}
