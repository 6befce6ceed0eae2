/* SPDX-License-Identifier: MIT */
/*
 * ticker_server.c - live prices; who reads slowly gets fewer, never older ones.
 *
 *     ticker_server                        then open http://127.0.0.1:9001/
 *     ticker_client ACME BOLT              the same in a terminal
 *     my_feed | ticker_server --feed -     lines of SYMBOL PRICE [SIZE]
 *
 * What it shows: conflation. No queue of prices is kept for anybody. A client
 * is sent at most so many frames a second (--frames), in each of them the
 * newest price of every symbol that it wants and that has changed since its
 * last one. While it is congested (upf_conn_congested()) it is sent nothing;
 * when it reads again, the next frame has what is newest then. So a client
 * costs the same memory whether it reads or not, and what it reads after it
 * stood still is old by no more than what the kernel and the library hold,
 * which is little: SEND_BUFFER, HIGH_WATER. Read send_news() first.
 *
 * What the server says, and how the client chooses JSON or binary, is in
 * ticker_wire.h. The client's messages are lines of text:
 *
 *   subscribe SYMBOL...    these, too; "*" is all, those to come among them
 *   unsubscribe SYMBOL...  not these any more, all but these; "*": none
 *   clock NUMBER           to be sent back, with the server's time
 *
 * It gets the newest of all that it wants after each change of its choice. Who
 * names a symbol that is not here is closed: with 1008 in the simulated market,
 * which gets no more symbols; with 1013, try again later, where a feed may
 * still bring it. A client that wants to know first is told the symbols as soon
 * as it has come.
 */

#include <stdio.h>
#include <string.h>

#include "server.h"
#include "ticker_feed.h"
#include "ticker_html.h"
#include "ticker_market.h"
#include "ticker_options.h"
#include "ticker_wire.h"

enum { SEND_BUFFER = 16 * 1024, /* bytes that the kernel keeps, and */
       HIGH_WATER  = 4 * 1024,  /* the library, before a client is congested */
       LARGEST     = WIRE_ENDS + SYMBOLS_MAX * WIRE_TICK,
       /* what may wait for one who reads: new symbols, and a frame */
       AT_ONCE     = HIGH_WATER + WIRE_ENDS + SYMBOLS_MAX * WIRE_SYMBOL +
                     LARGEST };

struct subscriber {
    client   client;
    bool     binary;
    bool     wants[SYMBOLS_MAX]; /* by number, of those to come as well */
    uint64_t told;    /* the market's version in its last frame; see there */
    size_t   symbols; /* how many it was told of, */
    bool     live;    /* and whether prices come */
};

struct ticker {
    server        server;
    market        market;
    simulation    simulation;
    feed          feed;
    timer         timer;
    char          frame[LARGEST];
    wire_kept     ticks[2][SYMBOLS_MAX]; /* in JSON, in binary */
    struct ticker_options options;
};

/* ---- To the subscribers ------------------------------------------------- */

static bool send_wire(struct subscriber *sub, const wire *w)
{
    return client_send(&sub->client, w->binary ? UPF_OP_BINARY : UPF_OP_TEXT,
                       w->data, w->len);
}

static bool send_symbols(struct subscriber *sub, const market *m, wire *w)
{
    wire_symbols(w, m->symbols, sub->symbols, m->count - sub->symbols,
                 m->live);
    sub->symbols = m->count;
    sub->live    = m->live;
    return send_wire(sub, w);
}

/* All that has changed since the last frame, in one; nothing if nothing has, or
 * if what was sent before is not read yet. */
static void send_news(struct ticker *all, struct subscriber *sub)
{
    const market *m = &all->market;
    wire w = {.binary = sub->binary, .data = all->frame};

    if (upf_conn_congested(&sub->client.ws))
        return;
    if ((sub->symbols < m->count || sub->live != m->live) &&
        !send_symbols(sub, m, &w))
        return;
    if (sub->told == m->version)
        return;
    wire_begin_ticks(&w);
    for (size_t i = 0; i < m->count; i++)
        if (sub->wants[i] && m->updated[i] > sub->told)
            wire_tick_kept(&w, &all->ticks[w.binary][i], m->updated[i], i,
                           m->symbols[i], &m->quotes[i]);
    wire_end_ticks(&w);
    sub->told = m->version;
    if (w.count > 0)
        send_wire(sub, &w);
}

static void send_frames(timer *t)
{
    struct ticker *all = OWNER_OF(struct ticker, timer, t);
    const client_set *everyone = &all->server.everyone;

    for (size_t i = 0; i < everyone->count; i++)
        send_news(all, (void *)everyone->members[i].client);
}

/* ---- From a subscriber -------------------------------------------------- */

/* The next word of `line`, which gets shorter; of no length at its end. */
static upf_str next_word(upf_str *line)
{
    upf_str word;

    while (line->len > 0 && *line->data == ' ')
        line->data++, line->len--;
    word = (upf_str){line->data, 0};
    while (word.len < line->len && word.data[word.len] != ' ')
        word.len++;
    line->data += word.len;
    line->len -= word.len;
    return word;
}

static bool is(upf_str word, const char *text)
{
    return word.len == strlen(text) && memcmp(word.data, text, word.len) == 0;
}

/* A stranger's word goes into a reason only if it can be a symbol. */
static void refuse_symbol(struct subscriber *sub, const market *m, upf_str word)
{
    const struct ticker *all = sub->client.server->user;
    const bool good     = symbol_is_good(word.data, word.len);
    const bool may_come = good && all->options.feed != NULL && m->live;
    char reason[UPF_CLOSE_REASON_MAX + 1] = "that cannot be a symbol";

    if (good)
        snprintf(reason, sizeof reason, "no symbol %.*s here%s", (int)word.len,
                 word.data, may_come ? " yet" : "");
    client_close(&sub->client, may_come ? UPF_CLOSE_TRY_AGAIN_LATER
                                        : UPF_CLOSE_POLICY, reason);
}

static void choose(struct subscriber *sub, const market *m, upf_str line,
                   bool wants)
{
    upf_str word;

    while ((word = next_word(&line)).len > 0) {
        const size_t number = market_find(m, word.data, word.len);
        if (is(word, "*")) {
            memset(sub->wants, wants, sizeof sub->wants);
        } else if (number != NO_SYMBOL) {
            sub->wants[number] = wants;
        } else {
            refuse_symbol(sub, m, word);
            return;
        }
    }
    sub->told = 0;
}

/* At once, and not with the next frame: it is what delays are measured by. */
static void tell_clock(struct subscriber *sub, upf_str line)
{
    char data[WIRE_ENDS];
    wire w = {.binary = sub->binary, .data = data};
    const upf_str word = next_word(&line);
    double asked = 0;

    for (size_t i = 0; i < word.len && i < 15; i++) /* exact in a double */
        if (word.data[i] >= '0' && word.data[i] <= '9')
            asked = asked * 10 + (word.data[i] - '0');
    wire_clock(&w, asked, wall_clock_ms());
    send_wire(sub, &w);
}

static void obey(struct subscriber *sub, const market *m, upf_str line)
{
    const upf_str command = next_word(&line);

    if (is(command, "subscribe"))
        choose(sub, m, line, true);
    else if (is(command, "unsubscribe"))
        choose(sub, m, line, false);
    else if (is(command, "clock"))
        tell_clock(sub, line);
    else
        client_close(&sub->client, UPF_CLOSE_POLICY,
                     "say subscribe, unsubscribe or clock");
}

static void hear(server *s, client *c, const upf_event *ev)
{
    struct ticker     *all = s->user;
    struct subscriber *sub = (struct subscriber *)c;

    if (ev->type == UPF_EVENT_OPEN)
        sub->binary = is(ev->subprotocol, TICKER_BINARY);
    else if (ev->type == UPF_EVENT_MESSAGE && ev->opcode == UPF_OP_TEXT)
        obey(sub, &all->market, (upf_str){(const char *)ev->data, ev->len});
    else if (ev->type == UPF_EVENT_MESSAGE)
        client_close(c, UPF_CLOSE_UNSUPPORTED, "say it in text");
}

/* ---- Beginning ---------------------------------------------------------- */

int main(int argc, char **argv)
{
    static const server_app app = {.client_size = sizeof(struct subscriber),
                                   .hear        = hear,
                                   .page        = ticker_html,
                                   .page_len    = sizeof ticker_html - 1};
    static struct ticker all = {.options = {.rate = 200, .frames = 20}};
    server *s = &all.server;

    s->user  = &all;
    s->setup = (struct server_setup){
        .host = "127.0.0.1", .port = "9001", .max_message = 16ul << 10,
        .max_queued = AT_ONCE * 2, .adds = AT_ONCE, .max_rate = 50,
        .max_connections = 1000, .ping_interval = 30000,
        .pong_timeout = 20000, .send_buffer = SEND_BUFFER,
        .options = ticker_option_table, .options_user = &all.options,
        .subprotocols = {.items = {TICKER_BINARY, TICKER_JSON}, .count = 2}};
    const int status = server_begin(s, &app, argc, argv, ticker_about);
    if (status >= 0)
        return status;
    s->setup.config.high_water = HIGH_WATER;
    if (all.options.feed == NULL)
        simulation_begin(&all.simulation, &all.market, &s->timers,
                         (double)all.options.rate);
    else if (!feed_begin(&all.feed, all.options.feed, &all.market, s->poller))
        return 1;
    timers_every(&s->timers, &all.timer, (double)all.options.frames,
                 send_frames);
    return server_run(s);
}
