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
 * asks for said anew on each connection. The loop that connects and comes back
 * is common/client_loop.h. The binary messages are read in ticker_wire.c, the
 * table is ticker_table.c. Start reading at hear().
 */

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client_loop.h"
#include "tcp.h"
#include "ticker_client_options.h"
#include "ticker_market.h"
#include "ticker_table.h"

/* All symbols in one message; it is not ours if it is longer. */
enum { MAX_MESSAGE = 64 * 1024, CLOCKS = 15 };

struct client {
    client_loop loop;
    struct ticker_client_options options;
    table    table;
    timer    clock;  /* asks for the server's */
    uint32_t prices; /* so far */

    /* of this connection */
    unsigned clocks; /* answers so far */
    double   trip;   /* ms there and back, of the best of them */
    double   ahead;  /* its clock, of ours */
};

static bool is_done(const struct client *c)
{
    return c->options.count != 0 && c->prices >= c->options.count;
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

static void on_message(struct client *c, const upf_event *ev)
{
    const wire_reader reader = {.user = c, .symbol = on_symbol,
                                .tick = on_tick, .live = on_live,
                                .clock = on_clock};

    if (ev->opcode != UPF_OP_BINARY || !wire_read(&reader, ev->data, ev->len)) {
        client_loop_leave(&c->loop, UPF_CLOSE_POLICY,
                          "that is no ticker's message",
                          "that is no ticker_server");
        return;
    }
    table_frame(&c->table, clock_ms());
    if (is_done(c))
        client_loop_leave(&c->loop, UPF_CLOSE_GOING_AWAY, "client is stopping",
                          NULL);
}

/* ---- The connection ----------------------------------------------------- */

static void ask_clock(timer *t)
{
    struct client *c = OWNER_OF(struct client, clock, t);
    char line[32];
    const int len = snprintf(line, sizeof line, "clock %" PRIu64, clock_ms());

    client_loop_send(&c->loop, UPF_OP_TEXT, line, (size_t)len);
}

static void hear(client_loop *l, const upf_event *ev)
{
    struct client *c = OWNER_OF(struct client, loop, l);

    if (ev->type == UPF_EVENT_OPEN) {
        table_say(&c->table, "connected");
        client_loop_send(l, UPF_OP_TEXT, c->options.subscribe,
                         strlen(c->options.subscribe));
        c->clocks = 0;
        ask_clock(&c->clock);
    } else if (ev->type == UPF_EVENT_MESSAGE) {
        on_message(c, ev);
    }
}

static void lost(client_loop *l, const client_ending *end)
{
    struct client *c = OWNER_OF(struct client, loop, l);
    char line[512];

    if (!end->connected || end->status == UPF_ERR_RESPONSE)
        c->table.drawn = 0; /* the reason stands below the table */
    snprintf(line, sizeof line, "not connected (%d, %s); %s", end->close_code,
             end->text, end->next);
    table_say(&c->table, line);
}

int main(int argc, char **argv)
{
    static const char *const subprotocols[] = {TICKER_BINARY, NULL};
    static const client_app  app = {.hear = hear, .lost = lost};
    static struct client c;
    client_loop *l = &c.loop;

    client_loop_init(l, &app);
    l->policy.base_ms       = 1000; /* prices are old soon */
    l->policy.cap_ms        = 30000;
    l->config.ping_interval = 10000;
    l->config.subprotocols  = subprotocols;
    l->config.max_message   = MAX_MESSAGE;
    l->config.max_frame     = MAX_MESSAGE;
    l->config.max_queued    = MAX_MESSAGE;
    l->config.high_water    = MAX_MESSAGE;
    const struct ticker_client_options *o = &c.options;
    int status = ticker_client_read_options(&c.options, l, argc, argv);
    if (status >= 0)
        return status;
    c.table.in_place    = !o->lines && (o->table || isatty(STDOUT_FILENO));
    c.table.has_colours = getenv("NO_COLOR") == NULL;
    if ((status = client_loop_begin(l)) >= 0)
        return status;
    timers_every(&l->timers, &c.clock, 0.5, ask_clock);
    return client_loop_run(l);
}
