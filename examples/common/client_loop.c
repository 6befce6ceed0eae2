/* SPDX-License-Identifier: MIT */
/* client_loop.c - a client that stays connected: see client_loop.h. Read
 * client_loop_run() first, then attempt() and converse(). */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client_loop.h"
#include "options.h"
#include "output.h"
#include "show.h"
#include "tcp.h"

enum {
    TURN_HEAR = 64,       /* events, before others have their turn */
    LONGEST   = 60 * 1000 /* ms of one wait; then all is looked at anew */
};

/* ---- Leaving, and waiting ----------------------------------------------- */

void client_loop_leave(client_loop *l, int code, const char *reason,
                       const char *failed)
{
    if (l->leaves)
        return;
    l->leaves       = true;
    l->leave_code   = code;
    l->leave_reason = reason;
    l->failed       = failed;
}

static bool is_leaving(client_loop *l)
{
    if (stop_requested())
        client_loop_leave(l, UPF_CLOSE_GOING_AWAY, "client is stopping", NULL);
    if (!output_flush()) /* whatever comes is for nobody */
        client_loop_leave(l, UPF_CLOSE_GOING_AWAY, "client is stopping", NULL);
    return l->leaves;
}

/* It stays readable, and need not wake us twice. */
static void on_stop(source *from, unsigned events)
{
    (void)events;
    poller_forget(OWNER_OF(client_loop, stop, from)->poller, from);
}

/* Until something is ready, or the time `until`. */
static bool wait_until(client_loop *l, uint64_t until)
{
    double ms = timers_due(&l->timers);

    if ((double)until < ms)
        ms = (double)until;
    ms -= (double)clock_ms();
    if (!poller_wait(l->poller, ms <= 0        ? 0
                                : ms < LONGEST ? (int)(ms + 0.999)
                                               : LONGEST)) {
        fprintf(stderr, "cannot wait: %s\n", strerror(errno));
        client_loop_leave(l, UPF_CLOSE_GOING_AWAY, "", "cannot wait");
        return false;
    }
    timers_run(&l->timers, (double)clock_ms());
    return true;
}

/* ---- One connection ----------------------------------------------------- */

bool client_loop_send(client_loop *l, upf_opcode opcode, const void *data,
                      size_t len)
{
    return l->ws != NULL && upf_send(l->ws, opcode, data, len) == UPF_OK;
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

static void describe(const client_loop *l, const upf_event *ev,
                     client_ending *end)
{
    char        *text = end->text;
    const size_t size = sizeof end->text;

    end->status      = ev->status;
    end->close_code  = ev->close.code;
    end->http_status = ev->response.status;
    end->retry_after = retry_after(&ev->response);
    if (ev->status == UPF_ERR_RESPONSE) {
        snprintf(text, size, "HTTP %d", ev->response.status);
        show_refusal(stderr, &ev->response, "server: ");
    } else if (ev->status != UPF_OK)
        snprintf(text, size, "%s%s", upf_status_text(ev->status),
                 l->tls == NULL && !end->opened && tls_may_be_meant(ev->status)
                     ? ": a port for TLS? then wss://" : "");
    else if (ev->len > 0)
        snprintf(text, size, "%.*s", (int)ev->len, (const char *)ev->data);
    else
        snprintf(text, size, "closed");
}

static void hear(client_loop *l, const upf_event *ev, client_ending *end)
{
    if (ev->type == UPF_EVENT_CLOSE) {
        describe(l, ev, end);
        return;
    }
    if (ev->type == UPF_EVENT_OPEN) {
        end->opened = true;
        upf_backoff_opened(&l->backoff, clock_ms());
    }
    if (!l->leaves)
        l->app->hear(l, ev);
}

/* Every wake-up looks at all anew. */
static void on_socket(source *from, unsigned events)
{
    (void)from;
    (void)events;
}

/* False: there is no memory to wait, or it is impossible. */
static bool wait_for_socket(client_loop *l, source *socket, const upf_io *io,
                            uint64_t until)
{
    const unsigned wants = upf_io_wants(io, l->ws);

    return poller_watch(l->poller, socket,
                        (wants & UPF_WANTS_READ ? POLLER_READ : 0) |
                            (wants & UPF_WANTS_WRITE ? POLLER_WRITE : 0)) &&
           wait_until(l, until);
}

/* From the request to the end. */
static void talk(client_loop *l, source *socket, upf_io *io,
                 client_ending *end)
{
    upf_event ev;

    for (unsigned heard = 0;;) {
        if (is_leaving(l))
            (void)upf_close(l->ws, l->leave_code, l->leave_reason);
        const uint64_t   before = clock_ms();
        const upf_status status = upf_io_next(io, l->ws, &ev);
        if (status == UPF_DONE)
            return;
        /* Pings and time-outs, as of before we looked at what has arrived, and
         * when we have written what can be. */
        if (upf_conn_deadline(l->ws) <= before) {
            upf_io_flush(io, l->ws);
            upf_conn_tick(l->ws, before);
        }
        if (status == UPF_OK) {
            hear(l, &ev, end);
            if (++heard % TURN_HEAR != 0)
                continue;
        }
        if (!wait_for_socket(l, socket, io,
                             status == UPF_OK ? 0 : upf_conn_deadline(l->ws))) {
            strcpy(end->text, "cannot wait");
            return;
        }
    }
}

/* `tls` may be NULL. */
static void converse(client_loop *l, int fd, tls_stream *tls,
                     client_ending *end)
{
    upf_conn ws;
    source   socket = {.fd = fd, .ready = on_socket};
    upf_io   io = tls != NULL ? upf_io_callbacks(tls_read, tls_write, tls)
                              : upf_io_callbacks(tcp_read, tcp_write, &fd);
    const upf_status status = upf_conn_init_client(&ws, &l->config,
                                                   &l->request);

    if (status == UPF_OK) {
        l->ws = &ws;
        talk(l, &socket, &io, end);
        l->ws = NULL;
        poller_forget(l->poller, &socket);
    } else {
        end->status = status;
        snprintf(end->text, sizeof end->text, "%s", upf_status_text(status));
    }
    upf_conn_free(&ws);
}

static client_ending attempt(client_loop *l)
{
    client_ending end = {.status     = UPF_ERR_IO,
                         .close_code = UPF_CLOSE_ABNORMAL,
                         .text       = "cannot connect"};
    tls_stream *tls = NULL;

    const int fd = tcp_connect(l->host, l->port, (int)l->timeout);
    if (fd < 0)
        return end;
    end.connected = true;
    if (l->tls != NULL)
        tls = tls_connect(l->tls, fd, l->host);
    if (l->tls == NULL || tls != NULL)
        converse(l, fd, tls, &end);
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

/* Whether and when it comes back; *wait_ms: from now on. */
static void decide(client_loop *l, client_ending *end, uint64_t *wait_ms)
{
    uint32_t wait;

    if (l->failed != NULL)
        snprintf(end->text, sizeof end->text, "%s", l->failed);
    if (l->failed != NULL ||
        !upf_may_return(end->status, end->close_code, end->http_status)) {
        strcpy(end->next, "no use in trying again");
    } else if (!upf_backoff_lost(&l->backoff, clock_ms(),
                                 random_bits(&l->config), &wait)) {
        strcpy(end->next, "giving up");
    } else {
        *wait_ms     = (uint64_t)end->retry_after + wait;
        end->returns = true;
        snprintf(end->next, sizeof end->next, "next try in %" PRIu64 " ms",
                 *wait_ms);
    }
}

static int stay_connected(client_loop *l)
{
    while (!is_leaving(l)) {
        client_ending end  = attempt(l);
        uint64_t      wait = 0;

        if (is_leaving(l) && l->failed == NULL)
            break;
        decide(l, &end, &wait);
        l->app->lost(l, &end);
        if (!end.returns)
            return EXIT_FAILURE;
        for (const uint64_t until = clock_ms() + wait;
             clock_ms() < until && !is_leaving(l);)
            wait_until(l, until);
    }
    return l->failed == NULL ? EXIT_SUCCESS : EXIT_FAILURE;
}

void client_loop_init(client_loop *l, const client_app *app)
{
    *l = (client_loop){.app     = app,
                       .timeout = 10 * 1000,
                       .config  = upf_config_default(),
                       .policy  = upf_backoff_default()};
}

/* Returns what is wrong, or NULL. */
static const char *take_settings(client_loop *l)
{
    if (l->timeout == 0 || l->timeout > INT32_MAX)
        return "timeout: not 0, and at most 24 days";
    l->config.handshake_timeout = l->timeout;
    l->config.pong_timeout      = l->timeout;
    if (l->config.close_timeout > l->timeout)
        l->config.close_timeout = l->timeout;
    if (upf_backoff_init(&l->backoff, &l->policy) != UPF_OK)
        return "policy: a time of 0, or a cap below the base";
    return upf_config_check(&l->config);
}

int client_loop_begin(client_loop *l)
{
    upf_url url;

    if (upf_url_parse(l->url, &url) != UPF_OK ||
        url.host.len >= sizeof l->host) {
        option_bad_url(l->url);
        return 2;
    }
    memcpy(l->host, url.host.data, url.host.len);
    l->port        = url.port;
    l->request.url = l->url;
    const char *wrong = take_settings(l);
    if (wrong != NULL) {
        fprintf(stderr, "%s\n", wrong);
        return 2;
    }
    if (url.secure && (l->tls = tls_client(l->ca_file)) == NULL)
        return 2;
    l->stop   = (source){.fd = stop_on_signals(), .ready = on_stop};
    l->poller = poller_new();
    if (l->stop.fd >= 0 && l->poller != NULL &&
        poller_watch(l->poller, &l->stop, POLLER_READ))
        return -1;
    fprintf(stderr, "cannot begin: %s\n", strerror(errno));
    poller_free(l->poller);
    tls_context_free(l->tls);
    return EXIT_FAILURE;
}

int client_loop_run(client_loop *l)
{
    const int status = stay_connected(l);

    poller_free(l->poller);
    tls_context_free(l->tls);
    return output_flush() ? status : EXIT_FAILURE;
}
