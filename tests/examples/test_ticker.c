/* SPDX-License-Identifier: MIT */
/*
 * test_ticker.c - ticker_server and ticker_client, and what they are made of.
 *
 * The server is a child whose feed is a named pipe: this program writes each
 * price, and waits for it to arrive. EXAMPLES names the directory of the
 * programs; without it those tests are skipped.
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

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <upframe/upframe.h>

#include "apps/ticker/ticker_market.h"
#include "apps/ticker/ticker_table.h"
#include "apps/ticker/ticker_wire.h"
#include "support/child.h"
#include "support/rawserver.h"
#include "tcp.h"

enum { PEERS = 4, MAX_ARGS = 16 };

struct peer {
    upf_conn    ws;
    upf_config  config;
    const char *subprotocols[2];
    upf_io      io;
    int         fd;
};

static const char  *examples;
static struct child server = {.output = -1}, client = {.output = -1};
static unsigned     port;
static struct peer  peers[PEERS];
static size_t       peer_count;
static char         directory[64], pipe_name[80];
static int          pipe_end = -1;

/* ---- The server and its feed -------------------------------------------- */

/* From here on what standard error says comes between the lines, too. */
static void begin_program(struct child *c, const char *name,
                          const char *const *options)
{
    char  path[512], number[8];
    char *argv[MAX_ARGS] = {path, (char *)"--port", number};
    size_t n = 3;

    snprintf(path, sizeof path, "%s/%s", examples, name);
    snprintf(number, sizeof number, "%u", port);
    while (options != NULL && *options != NULL)
        argv[n++] = (char *)*options++;
    c->errors = true;
    child_start(c, argv);
}

static void begin_server(const char *const *options)
{
    begin_program(&server, "ticker_server", options);
    assert_true(child_line(&server, PATIENCE));
    const char *colon = strrchr(server.line, ':');
    assert_non_null(colon);
    port = (unsigned)strtoul(colon + 1, NULL, 10);
}

/* A named pipe, which the server opens when it listens. */
static void begin_fed_server(const char *option, const char *value)
{
    const char *const options[] = {"--feed", pipe_name, option, value, NULL};

    begin_server(options);
    pipe_end = open(pipe_name, O_WRONLY);
    assert_true(pipe_end >= 0);
}

static void feed(const char *text)
{
    const size_t len = strlen(text);

    assert_int_equal(write(pipe_end, text, len), len);
}

static void end_feed(void)
{
    close(pipe_end);
    pipe_end = -1;
}

static void await_line(struct child *c, const char *part)
{
    do
        if (!child_line(c, PATIENCE))
            fail_msg("no line with '%s'; the last: %s", part, c->line);
    while (strstr(c->line, part) == NULL);
}

/* ---- Clients of this program -------------------------------------------- */

/* The next event; what takes too long has failed. */
static void next(struct peer *p, upf_event *ev)
{
    const uint64_t give_up = clock_ms() + PATIENCE;

    while (upf_io_next(&p->io, &p->ws, ev) != UPF_OK) {
        const unsigned wants = upf_io_wants(&p->io, &p->ws);
        struct pollfd  polls = {
            .fd     = p->fd,
            .events = (short)((wants & UPF_WANTS_READ ? POLLIN : 0) |
                              (wants & UPF_WANTS_WRITE ? POLLOUT : 0))};
        if (clock_ms() >= give_up)
            fail_msg("nothing comes for a long time");
        (void)poll(&polls, 1, 1000);
    }
}

static void next_message(struct peer *p, upf_event *ev)
{
    do {
        next(p, ev);
        if (ev->type == UPF_EVENT_CLOSE)
            fail_msg("closed with %d, %.*s", ev->close.code, (int)ev->len,
                     ev->len > 0 ? (const char *)ev->data : "");
    } while (ev->type != UPF_EVENT_MESSAGE);
}

static void say(struct peer *p, const char *text)
{
    assert_int_equal(upf_send(&p->ws, UPF_OP_TEXT, text, strlen(text)),
                     UPF_OK);
    assert_true(upf_io_flush(&p->io, &p->ws) >= 0);
}

static struct peer *open_peer(const char *subprotocol)
{
    const upf_client_request request = {.url = "ws://127.0.0.1/"};
    struct peer *p = &peers[peer_count];
    upf_event    ev;

    assert_true(peer_count < PEERS);
    p->config          = upf_config_default();
    p->subprotocols[0] = subprotocol;
    if (subprotocol != NULL)
        p->config.subprotocols = p->subprotocols;
    p->fd = tcp_connect("127.0.0.1", port, PATIENCE);
    assert_true(p->fd >= 0);
    p->io = upf_io_callbacks(tcp_read, tcp_write, &p->fd);
    assert_int_equal(upf_conn_init_client(&p->ws, &p->config, &request),
                     UPF_OK);
    peer_count++;
    next(p, &ev);
    assert_int_equal(ev.type, UPF_EVENT_OPEN);
    return p;
}

/* The next text message is this one. */
static void expect_text(struct peer *p, const char *text)
{
    upf_event ev;

    next_message(p, &ev);
    assert_int_equal(ev.opcode, UPF_OP_TEXT);
    if (ev.len != strlen(text) || memcmp(ev.data, text, ev.len) != 0)
        fail_msg("'%.*s' is not '%s'", (int)ev.len, (char *)ev.data, text);
}

/* A text message, now or later, that has this in it; its length. */
static size_t await_part(struct peer *p, const char *part)
{
    const uint64_t give_up = clock_ms() + PATIENCE;
    char      text[2048];
    upf_event ev;

    do {
        if (clock_ms() >= give_up)
            fail_msg("nothing with '%s' comes", part);
        next_message(p, &ev);
        const size_t len = ev.len < sizeof text ? ev.len : sizeof text - 1;
        memcpy(text, ev.data + (ev.len - len), len); /* its end */
        text[len] = '\0';
    } while (strstr(text, part) == NULL);
    return ev.len;
}

static void expect_close(struct peer *p, int code, const char *reason)
{
    upf_event ev;

    do
        next(p, &ev);
    while (ev.type != UPF_EVENT_CLOSE);
    assert_int_equal(ev.close.code, code);
    assert_int_equal(ev.len, strlen(reason));
    assert_memory_equal(ev.data, reason, ev.len);
}

/* ---- Beginning and end of a test ---------------------------------------- */

static int begin(void **state)
{
    (void)state;
    examples = getenv("EXAMPLES");
    signal(SIGPIPE, SIG_IGN);
    strcpy(directory, "/tmp/ticker.XXXXXX");
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(pipe_name, sizeof pipe_name, "%s/feed", directory);
    return mkfifo(pipe_name, 0600);
}

static void end_peers(void)
{
    while (peer_count > 0) {
        struct peer *p = &peers[--peer_count];
        upf_conn_free(&p->ws);
        close(p->fd);
    }
}

static int end(void **state)
{
    (void)state;
    end_peers();
    if (pipe_end >= 0)
        end_feed();
    child_end(&client);
    child_end(&server);
    port = 0;
    unlink(pipe_name);
    rmdir(directory);
    return 0;
}

static void need_programs(void)
{
    if (examples == NULL || *examples == '\0')
        skip(); /* `make coverage` builds no examples; `make test` does */
}

/* Its leaks would be told now. */
static void end_server(void)
{
    char rest[2048];

    end_peers(); /* it would wait for their goodbye */
    child_signal(&server, SIGTERM);
    assert_int_equal(child_rest(&server, rest, sizeof rest), 0);
}

/* ---- The messages ------------------------------------------------------- */

static const symbol two[] = {"ACME", "BTC/USD"};
static const quote  some  = {.price = 41.5, .open = 40, .size = 300,
                             .time = 1790000000123, .updates = 17};

struct told {
    unsigned symbols, ticks, lives, clocks;
};

static bool told_symbol(void *user, size_t number, const char *name)
{
    assert_string_equal(name, two[number - 7]);
    ((struct told *)user)->symbols++;
    return true;
}

static bool told_tick(void *user, size_t number, const quote *q)
{
    assert_int_equal(number, 1000);
    assert_true(q->price == some.price && q->open == some.open &&
                q->size == some.size && q->time == some.time &&
                q->updates == some.updates);
    ((struct told *)user)->ticks++;
    return true;
}

static void told_live(void *user, bool live)
{
    assert_true(live);
    ((struct told *)user)->lives++;
}

static void told_clock(void *user, double asked, double time)
{
    assert_true(asked == 5 && time == 6);
    ((struct told *)user)->clocks++;
}

static void json_is_as_documented(void **state)
{
    char data[1024];
    wire w = {.data = data};

    (void)state;
    wire_symbols(&w, two, 0, 2, true);
    data[w.len] = '\0';
    assert_string_equal(data, "{\"symbols\":[\"ACME\",\"BTC/USD\"],"
                              "\"first\":0,\"live\":true}");
    wire_begin_ticks(&w);
    wire_tick(&w, 0, "ACME", &some);
    wire_tick(&w, 1, "BTC/USD", &some);
    wire_end_ticks(&w);
    data[w.len] = '\0';
    assert_string_equal(
        data, "{\"ticks\":[{\"symbol\":\"ACME\",\"price\":41.5,\"open\":40,"
              "\"size\":300,\"time\":1790000000123,\"updates\":17},"
              "{\"symbol\":\"BTC/USD\",\"price\":41.5,\"open\":40,"
              "\"size\":300,\"time\":1790000000123,\"updates\":17}]}");
    wire_clock(&w, 5, 6);
    data[w.len] = '\0';
    assert_string_equal(data, "{\"clock\":5,\"time\":6}");
}

/* In both formats, first and behind another one. */
static void a_tick_that_was_kept_is_the_same(void **state)
{
    static const quote later = {42, 40, 1, 1790000000200, 18};
    static const quote none;
    static wire_kept   kept[2][2];
    char data[2][1024];

    (void)state;
    for (int round = 0; round < 4; round++) {
        const bool     is_binary = round % 2 == 1;
        const quote   *q         = round < 2 ? &some : &later;
        const uint64_t version   = round < 2 ? 1 : 7;
        wire w = {.binary = is_binary, .data = data[0]}, expected = w;
        expected.data = data[1];
        wire_begin_ticks(&expected);
        wire_tick(&expected, 0, "ACME", q);
        wire_tick(&expected, 1, "BTC/USD", q);
        wire_tick(&expected, 0, "ACME", q);
        wire_end_ticks(&expected);
        wire_begin_ticks(&w);
        wire_tick_kept(&w, &kept[is_binary][0], version, 0, "ACME", q);
        wire_tick_kept(&w, &kept[is_binary][1], version, 1, "BTC/USD", q);
        /* that version is written already, so the price is not looked at */
        wire_tick_kept(&w, &kept[is_binary][0], version, 0, "ACME", &none);
        wire_end_ticks(&w);
        assert_int_equal(w.count, 3);
        assert_int_equal(w.len, expected.len);
        assert_memory_equal(data[0], data[1], w.len);
    }
}

/* The longest numbers and names have the room that is promised for them. */
static void the_longest_item_has_room(void **state)
{
    const quote longest = {-1.23456789012e-300, -1.23456789012e-300,
                           -1.23456789012e-300, 99999999999999.0, UINT64_MAX};
    char data[2 * WIRE_TICK + WIRE_ENDS];
    wire w = {.data = data};

    (void)state;
    wire_begin_ticks(&w);
    wire_tick(&w, 0, "ABCDEFGHIJKLMNO", &longest);
    const size_t first = w.len;
    wire_tick(&w, 0, "ABCDEFGHIJKLMNO", &longest);
    assert_true(w.len - first < WIRE_TICK);
}

static void binary_is_read_as_it_was_written(void **state)
{
    struct told       told   = {0};
    const wire_reader reader = {&told, told_symbol, told_tick, told_live,
                                told_clock};
    static const symbol many[9] = {[7] = "ACME", [8] = "BTC/USD"};
    char data[1024];
    wire w = {.binary = true, .data = data};
    static const uint8_t symbols[] = "S\1\0\7\0\2\4ACME\7BTC/USD";

    (void)state;
    wire_symbols(&w, many, 7, 2, true);
    assert_int_equal(w.len, sizeof symbols - 1);
    assert_memory_equal(data, symbols, w.len);
    for (size_t len = 0; len < w.len; len++)
        assert_false(wire_read(&reader, (uint8_t *)data, len));
    told = (struct told){0};
    assert_true(wire_read(&reader, (uint8_t *)data, w.len));
    assert_int_equal(told.symbols, 2);
    assert_int_equal(told.lives, 1);

    wire_begin_ticks(&w);
    wire_tick(&w, 1000, "ACME", &some);
    wire_tick(&w, 1000, "ACME", &some);
    wire_end_ticks(&w);
    assert_int_equal(w.len, 4 + 2 * 38);
    for (size_t len = 0; len < w.len; len++)
        assert_false(wire_read(&reader, (uint8_t *)data, len));
    assert_int_equal(told.ticks, 0);
    assert_true(wire_read(&reader, (uint8_t *)data, w.len));
    assert_int_equal(told.ticks, 2);

    wire_clock(&w, 5, 6);
    for (size_t len = 0; len < w.len; len++)
        assert_false(wire_read(&reader, (uint8_t *)data, len));
    assert_true(wire_read(&reader, (uint8_t *)data, w.len));
    assert_int_equal(told.clocks, 1);
    data[0] = 'X';
    assert_false(wire_read(&reader, (uint8_t *)data, w.len));
}

static void a_symbol_that_could_harm_a_terminal_is_not_read(void **state)
{
    struct told       told   = {0};
    const wire_reader reader = {&told, told_symbol, told_tick, told_live,
                                told_clock};
    static const uint8_t escape[] = "S\1\0\7\0\1\4\033[2J";
    static const uint8_t empty[]  = "S\1\0\7\0\1\0";

    (void)state;
    assert_false(wire_read(&reader, escape, sizeof escape - 1));
    assert_false(wire_read(&reader, empty, sizeof empty - 1));
    assert_int_equal(told.symbols, 0);
}

/* ---- The market --------------------------------------------------------- */

static void a_market_has_an_end(void **state)
{
    static market m;
    char name[SYMBOL_MAX + 2];

    (void)state;
    for (unsigned i = 0; i < SYMBOLS_MAX; i++) {
        const int len = snprintf(name, sizeof name, "S%u", i);
        assert_true(market_update(&m, name, (size_t)len, i, 1));
    }
    assert_false(market_update(&m, "MORE", 4, 1, 1));
    assert_int_equal(market_find(&m, "MORE", 4), NO_SYMBOL);
    assert_true(market_update(&m, "S7", 2, 8, 1));
    assert_int_equal(market_find(&m, "S1023", 5), 1023);
    assert_int_equal(market_find(&m, "S1023", 4), 102);
    assert_true(m.quotes[7].open == 7 && m.quotes[7].price == 8);
    assert_int_equal(m.quotes[7].updates, 2);
    assert_int_equal(m.updated[7], m.version);
    assert_int_equal(m.version, SYMBOLS_MAX + 1);
}

static void not_everything_is_a_symbol(void **state)
{
    static market m;

    (void)state;
    assert_false(market_update(&m, "", 0, 1, 1));
    assert_false(market_update(&m, "A\0B", 3, 1, 1));
    assert_false(market_update(&m, "A\"B", 3, 1, 1));
    assert_false(market_update(&m, "*", 1, 1, 1));
    assert_false(market_update(&m, "ABCDEFGHIJKLMNOP", 16, 1, 1));
    assert_true(market_update(&m, "ABCDEFGHIJKLMNO", 15, 1, 1));
    assert_int_equal(m.count, 1);
}

/* ---- The server --------------------------------------------------------- */

static void prices_go_to_who_wants_them(void **state)
{
    (void)state;
    need_programs();
    begin_fed_server("--frames", "50");
    feed("ACME 40 100\nBOLT 7\n");
    struct peer *ann = open_peer(NULL);
    struct peer *bob = open_peer(TICKER_JSON);
    await_part(ann, "\"BOLT\"],\"first\":0,\"live\":true}");
    await_part(bob, "\"BOLT\"],\"first\":0,\"live\":true}");
    say(ann, "subscribe ACME");
    say(bob, "  subscribe   BOLT  ");
    await_part(ann, "{\"ticks\":[{\"symbol\":\"ACME\",\"price\":40,"
                    "\"open\":40,\"size\":100,");
    await_part(bob, "{\"ticks\":[{\"symbol\":\"BOLT\",\"price\":7,"
                    "\"open\":7,\"size\":0,");
    feed("ACME 41.5 5\n");
    await_part(ann, "\"ACME\",\"price\":41.5,\"open\":40,\"size\":5,");
    feed("BOLT 6.");
    feed("25\t3 \r\nACME 1\n");  /* a feed that stutters */
    await_part(bob, "\"BOLT\",\"price\":6.25,\"open\":7,\"size\":3,");
    say(bob, "unsubscribe BOLT");
    say(bob, "clock 17");
    await_part(bob, "{\"clock\":17,\"time\":1"); /* obeyed by then */
    feed("BOLT 8\nACME 42\n");
    await_part(ann, "\"price\":42,");
    say(bob, "subscribe ACME");
    upf_event ev;
    next_message(bob, &ev); /* and nothing of BOLT before that */
    static const char acme[] = "{\"ticks\":[{\"symbol\":\"ACME\"";
    assert_memory_equal(ev.data, acme, sizeof acme - 1);
    end_server();
}

static void binary_is_for_who_asks_for_it(void **state)
{
    static const uint8_t symbols[] = "S\1\0\0\0\1\4ACME";
    upf_event ev;

    (void)state;
    need_programs();
    begin_fed_server(NULL, NULL);
    feed("ACME 40 100\n");
    struct peer *p = open_peer(TICKER_BINARY);
    next_message(p, &ev);
    if (ev.len == 6) /* it came before the price did */
        next_message(p, &ev);
    assert_int_equal(ev.opcode, UPF_OP_BINARY);
    assert_int_equal(ev.len, sizeof symbols - 1);
    assert_memory_equal(ev.data, symbols, ev.len);
    say(p, "subscribe *");
    next_message(p, &ev);
    assert_int_equal(ev.len, 4 + 38);
    assert_memory_equal(ev.data, "T\0\0\1\0\0\0\0\0\1", 10);
    assert_memory_equal(ev.data + 18, "\x40\x44\0\0\0\0\0\0", 8); /* 40 */
    end_server();
}

static void who_wants_all_gets_those_to_come(void **state)
{
    (void)state;
    need_programs();
    begin_fed_server(NULL, NULL);
    struct peer *p = open_peer(NULL);
    expect_text(p, "{\"symbols\":[],\"first\":0,\"live\":true}");
    say(p, "subscribe *");
    say(p, "clock 1");
    await_part(p, "{\"clock\":1,");
    feed("ACME 40\n");
    expect_text(p, "{\"symbols\":[\"ACME\"],\"first\":0,\"live\":true}");
    await_part(p, "\"symbol\":\"ACME\",\"price\":40,");
    feed("BOLT 7\n");
    expect_text(p, "{\"symbols\":[\"BOLT\"],\"first\":1,\"live\":true}");
    upf_event ev;
    next_message(p, &ev); /* and not once more what has not changed */
    static const char bolt[] = "{\"ticks\":[{\"symbol\":\"BOLT\",\"price\":7,";
    assert_memory_equal(ev.data, bolt, sizeof bolt - 1);
    end_server();
}

/* The next message is of prices, and begins with that symbol's. */
static void expect_first_price(struct peer *p, const char *name)
{
    char      start[64];
    upf_event ev;

    snprintf(start, sizeof start, "{\"ticks\":[{\"symbol\":\"%s\",", name);
    next_message(p, &ev);
    if (ev.len < strlen(start) || memcmp(ev.data, start, strlen(start)) != 0)
        fail_msg("'%.*s' is not of %s", (int)ev.len, (char *)ev.data, name);
}

static void who_wants_all_can_leave_some_out(void **state)
{
    (void)state;
    need_programs();
    begin_fed_server(NULL, NULL);
    feed("ACME 40\nBOLT 7\n");
    struct peer *p = open_peer(NULL);
    await_part(p, "\"BOLT\"]");
    say(p, "subscribe *");
    expect_first_price(p, "ACME");
    say(p, "unsubscribe ACME");
    expect_first_price(p, "BOLT"); /* the newest, after each choice */
    feed("ACME 41\nCALM 9\n"); /* which is of those to come */
    expect_text(p, "{\"symbols\":[\"CALM\"],\"first\":2,\"live\":true}");
    expect_first_price(p, "CALM");
    end_server();
}

static void who_wants_none_any_more_gets_none(void **state)
{
    (void)state;
    need_programs();
    begin_fed_server(NULL, NULL);
    feed("ACME 40\nBOLT 7\n");
    struct peer *p = open_peer(NULL);
    await_part(p, "\"BOLT\"]");
    say(p, "subscribe *");
    expect_first_price(p, "ACME");
    say(p, "unsubscribe *");
    say(p, "clock 1");
    await_part(p, "{\"clock\":1,");
    feed("ACME 41\nBOLT 8\nCALM 9\n");
    expect_text(p, "{\"symbols\":[\"CALM\"],\"first\":2,\"live\":true}");
    say(p, "subscribe BOLT"); /* and that alone */
    expect_first_price(p, "BOLT");
    end_server();
}

static void a_feed_that_ends_is_told_and_its_prices_stay(void **state)
{
    (void)state;
    need_programs();
    begin_fed_server(NULL, NULL);
    struct peer *p = open_peer(NULL);
    feed("ACME 40\nACME 41"); /* no newline */
    await_part(p, "\"ACME\"");
    end_feed();
    await_line(&server, "has ended after 2 lines, 0 of them bad; the last "
                        "prices stay");
    expect_text(p, "{\"symbols\":[],\"first\":1,\"live\":false}");
    say(p, "subscribe ACME");
    await_part(p, "\"price\":41,");
    say(p, "subscribe BOLT"); /* which will not come any more */
    expect_close(p, 1008, "no symbol BOLT here");
    end_server();
}

static void a_dash_is_standard_input(void **state)
{
    static const char *const options[] = {"--feed", "-", NULL};
    const int own = dup(STDIN_FILENO);
    int       ends[2];

    (void)state;
    need_programs();
    assert_true(own >= 0 && fcntl(own, F_SETFD, FD_CLOEXEC) == 0);
    assert_int_equal(pipe(ends), 0);
    pipe_end = ends[1];
    assert_int_equal(fcntl(pipe_end, F_SETFD, FD_CLOEXEC), 0);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    begin_server(options);
    assert_int_equal(dup2(own, STDIN_FILENO), STDIN_FILENO);
    close(own);
    feed("ACME 40\n");
    struct peer *p = open_peer(NULL);
    await_part(p, "\"ACME\"");
    end_feed();
    await_line(&server, "feed: standard input has ended after 1 lines");
    end_server();
}

static void bad_lines_of_a_feed_are_told_and_left_out(void **state)
{
    static char long_line[100 * 1024];

    (void)state;
    need_programs();
    begin_fed_server(NULL, NULL);
    struct peer *p = open_peer(NULL);
    say(p, "subscribe *");
    feed("\n# a comment\n\033[2J 1\n");
    await_line(&server, "feed: line 3, '\\x1b[2J 1', a symbol is");
    feed("ACME\nACME x\nACME nan\nACME inf\nACME 0x10\nACME 1e400\n"
         "ACME 1 -1\nACME 1 2 3\nACME 1e\nABCDEFGHIJKLMNOP 1\n");
    memset(long_line, 'A', sizeof long_line - 1);
    feed(long_line);
    feed(" 5\n\nACME 12\n");
    await_part(p, "\"ACME\",\"price\":12,\"open\":12,\"size\":0,");
    end_feed();
    await_line(&server, "has ended after 16 lines, 12 of them bad");
    end_server();
}

static void who_says_nonsense_is_told_so(void **state)
{
    static const struct {
        const char *text;
        int         code;
        const char *reason;
    } cases[] = {
        {"subscribe ACME NOPE", 1013, "no symbol NOPE here yet"},
        {"subscribe \033[2J", 1008, "that cannot be a symbol"},
        {"subscribe ABCDEFGHIJKLMNOP", 1008, "that cannot be a symbol"},
        {"unsubscribe NOPE", 1013, "no symbol NOPE here yet"},
        {"", 1008, "say subscribe, unsubscribe or clock"},
        {"subscribeACME", 1008, "say subscribe, unsubscribe or clock"},
        {"{\"subscribe\":[\"ACME\"]}", 1008,
         "say subscribe, unsubscribe or clock"},
    };
    static char too_long[16 * 1024 + 2];
    upf_event   ev;

    (void)state;
    need_programs();
    begin_fed_server(NULL, NULL);
    feed("ACME 40\n");
    struct peer *ann = open_peer(NULL);
    await_part(ann, "ACME");
    say(ann, "subscribe ACME");
    await_part(ann, "\"price\":40,");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct peer *p = open_peer(NULL);
        say(p, cases[i].text);
        expect_close(p, cases[i].code, cases[i].reason);
        upf_conn_free(&p->ws);
        close(p->fd);
        peer_count--;
    }
    struct peer *binary = open_peer(NULL);
    assert_int_equal(upf_send(&binary->ws, UPF_OP_BINARY, "subscribe ACME",
                              14), UPF_OK);
    expect_close(binary, 1003, "say it in text");
    struct peer *longer = open_peer(NULL);
    memset(too_long, ' ', sizeof too_long - 1);
    say(longer, too_long);
    do
        next(longer, &ev);
    while (ev.type != UPF_EVENT_CLOSE);
    assert_int_equal(ev.close.code, 1009);

    feed("ACME 41\n"); /* the others notice nothing */
    await_part(ann, "\"price\":41,");
    end_server();
}

static void a_simulated_market_gets_no_more_symbols(void **state)
{
    (void)state;
    need_programs();
    begin_server(NULL);
    struct peer *p = open_peer(NULL);
    assert_true(await_part(p, "\"ZEST\"],\"first\":0,\"live\":true}") > 300);
    say(p, "subscribe ZEST");
    await_part(p, "\"ZEST\"");
    await_part(p, "\"ZEST\""); /* and goes on */
    say(p, "subscribe NOPE");
    expect_close(p, 1008, "no symbol NOPE here");
    end_server();
}

static void nobody_gets_more_frames_than_were_set(void **state)
{
    char line[32];

    (void)state;
    need_programs();
    begin_fed_server("--frames", "10");
    feed("ACME 0\n");
    struct peer *p = open_peer(NULL);
    await_part(p, "ACME");
    say(p, "subscribe ACME");
    await_part(p, "\"price\":0,");
    const uint64_t since = clock_ms();
    /* The last but one may have been late, and the last one not. */
    for (unsigned frames = 0, i = 1; frames < 10; i++) {
        upf_event ev;
        snprintf(line, sizeof line, "ACME %u\n", i);
        feed(line);
        struct pollfd polls = {.fd = p->fd, .events = POLLIN};
        if (poll(&polls, 1, 1) == 1) {
            next_message(p, &ev);
            frames++;
        }
    }
    assert_true(clock_ms() - since >= 800);
    end_server();
}

/* ---- Who does not read -------------------------------------------------- */

enum { MANY = 500 };

/* A new price for each of many symbols; about 50 KB of JSON. */
static void feed_round(unsigned round)
{
    static char text[MANY * 16];
    size_t len = 0;

    for (unsigned i = 0; i < MANY; i++)
        len += (size_t)sprintf(text + len, "S%u %u\n", i, round);
    feed(text);
}

/* The last symbol's newest price has arrived, so all have. */
static void await_round(struct peer *p, unsigned round, size_t *bytes)
{
    char part[64];

    snprintf(part, sizeof part, "\"symbol\":\"S%u\",\"price\":%u,", MANY - 1,
             round);
    *bytes += await_part(p, part);
}

static void who_does_not_read_gets_what_is_newest(void **state)
{
    enum { ROUNDS = 60, RECEIVED = 8 * 1024 };
    const int size = RECEIVED;
    size_t read = 0, stale = 0;
    upf_event ev;

    (void)state;
    need_programs();
    begin_fed_server("--frames", "100");
    struct peer *reader = open_peer(NULL);
    struct peer *deaf   = open_peer(NULL);
    setsockopt(deaf->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    say(reader, "subscribe *");
    say(deaf, "subscribe *");
    for (unsigned round = 1; round <= ROUNDS; round++) {
        feed_round(round);
        await_round(reader, round, &read);
    }
    /* What was under way is old, and little; then comes the newest. */
    bool is_newest = false;
    while (!is_newest) {
        next_message(deaf, &ev);
        static const char newest[] = "\"price\":60,";
        for (size_t i = 0; i + sizeof newest - 1 <= ev.len && !is_newest; i++)
            is_newest = memcmp(ev.data + i, newest, sizeof newest - 1) == 0;
        stale += is_newest ? 0 : ev.len;
    }
    print_message("read %zu bytes, stale %zu\n", read, stale);
    assert_true(read >= ROUNDS * MANY * 60u);
    assert_true(stale < 256 * 1024);
    size_t none = 0;
    feed_round(ROUNDS + 1);
    await_round(deaf, ROUNDS + 1, &none); /* and all is as before */
    await_round(reader, ROUNDS + 1, &none);
    end_server();
}

static void a_flood_of_questions_delays_nobody(void **state)
{
    (void)state;
    need_programs();
    begin_fed_server(NULL, NULL);
    feed("ACME 1\n");
    struct peer *ann   = open_peer(NULL);
    struct peer *flood = open_peer(NULL);
    await_part(ann, "ACME");
    say(ann, "subscribe ACME");
    for (int i = 0; i < 20000; i++)
        assert_int_equal(upf_send(&flood->ws, UPF_OP_TEXT, "clock 1", 7),
                         UPF_OK);
    assert_true(upf_io_flush(&flood->io, &flood->ws) >= 0);
    feed("ACME 2\n");
    await_part(ann, "\"price\":2,");
    end_server();
}

/* ---- The command line --------------------------------------------------- */

static void expect_exit(const char *name, const char *const *options,
                        int status, const char *part)
{
    struct child *c = &client;
    char text[4096];

    begin_program(c, name, options);
    const int ended = child_rest(c, text, sizeof text);
    if (ended != status || strstr(text, part) == NULL)
        fail_msg("status %d, said '%s'", ended, text);
}

static void a_wrong_command_line_is_refused(void **state)
{
    static const char *const both[]   = {"--rate", "5", "--feed", "-", NULL};
    static const char *const none[]   = {"--rate", "0", NULL};
    static const char *const lost[]   = {"--feed", "/nowhere/feed", NULL};
    static const char *const room[]   = {"--feed", "/", NULL};
    static const char *const name[]   = {"A!", NULL};
    static const char *const shapes[] = {"--lines", "--table", NULL};
    static const char *const urls[]   = {"ws://a/", NULL};
    static const char *const help[]   = {"--help", NULL};
    static const char *const queue[]  = {"--max-queued", "20000", NULL};

    (void)state;
    need_programs();
    expect_exit("ticker_server", queue, 2, "what --max-queued has room for");
    expect_exit("ticker_server", both, 2, "--feed has its own");
    expect_exit("ticker_server", none, 2, "not a number from 1 to");
    expect_exit("ticker_server", lost, 1, "cannot read /nowhere/feed: No such");
    expect_exit("ticker_server", room, 1, "cannot read /: Is a directory");
    expect_exit("ticker_server", help, 0, "--feed FILE");
    port = 1;
    expect_exit("ticker_client", name, 2, "A!: is no symbol, and no URL");
    expect_exit("ticker_client", shapes, 2, "give one of them");
    expect_exit("ticker_client", urls, 2, "give a URL, or --host and --port");
    expect_exit("ticker_client", help, 0, "--count N");
}

/* ---- ticker_client ------------------------------------------------------ */

static void the_client_counts_prices(void **state)
{
    static const char *const options[] = {"--count", "3", "ACME", NULL};
    char rest[1024];

    (void)state;
    need_programs();
    begin_fed_server("--frames", "100");
    feed("ACME 40 100\nBOLT 7\n");
    struct peer *p = open_peer(NULL);
    await_part(p, "BOLT");
    begin_program(&client, "ticker_client", options);
    await_line(&client, "connected");
    await_line(&client, "ACME 40 100");
    feed("BOLT 8\nACME 0.125 1e6\n");
    await_line(&client, "ACME 0.125 1000000");
    feed("ACME -3\n");
    assert_int_equal(child_rest(&client, rest, sizeof rest), 0);
    assert_string_equal(rest, "ACME -3 0\n");
    end_server();
}

static void the_client_comes_back(void **state)
{
    static const char *const options[] = {"--base", "20", "--cap", "100",
                                          "ACME", NULL};
    char rest[1024];

    (void)state;
    need_programs();
    begin_fed_server(NULL, NULL);
    feed("BOLT 7\nACME 40\n");
    struct peer *p = open_peer(NULL);
    await_part(p, "ACME");
    begin_program(&client, "ticker_client", options);
    await_line(&client, "ACME 40 0");
    child_end(&server); /* without a word */
    end_feed();
    await_line(&client, "next try in");
    begin_fed_server(NULL, NULL);
    await_line(&client, "1013, no symbol ACME here yet"); /* it may come */
    feed("ACME 41\n");
    await_line(&client, "ACME 41 0");
    child_signal(&client, SIGTERM);
    assert_int_equal(child_rest(&client, rest, sizeof rest), 0);
    end_server();
}

static void the_client_stays_away_where_a_return_is_no_use(void **state)
{
    static const char *const unknown[]  = {"NOPE", NULL};
    static const char *const attempts[] = {"--attempts", "2", "--base", "5",
                                           "--cap", "10", NULL};

    (void)state;
    need_programs();
    begin_server(NULL);
    expect_exit("ticker_client", unknown, 1,
                "not connected (1008, no symbol NOPE here); no use");
    end_server();
    expect_exit("ticker_client", attempts, 1, "cannot connect); giving up");
}

/* It says why, once, and no more of the connection. */
static void expect_end_of_output(const char *const *options, int out,
                                 const char *why)
{
    char rest[1024];

    client.out = out;
    begin_program(&client, "ticker_client", options);
    client.out = 0;
    close(out);
    assert_int_equal(child_rest(&client, rest, sizeof rest), 1);
    if (strstr(rest, why) == NULL || strstr(rest, "not connected") != NULL)
        fail_msg("said '%s'", rest);
}

static void the_client_ends_where_nothing_can_be_written(void **state)
{
    static const char *const lines[] = {"--lines", NULL};
    static const char *const shape[] = {"--table", NULL};
    static const char *const count[] = {"--count", "1", NULL};
    static const char *const *const all[] = {lines, shape, count};

    (void)state;
    need_programs();
    begin_fed_server("--frames", "100");
    feed("ACME 40 100\n");
    struct peer *p = open_peer(NULL);
    await_part(p, "ACME");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const int full = child_full_device();
        expect_end_of_output(all[i], child_closed_pipe(),
                             "cannot write: Broken pipe\n");
        if (full >= 0)
            expect_end_of_output(all[i], full, "cannot write: No space left");
    }
    end_server();
}

/* As `ticker_client --lines | head -1` does. */
static void the_client_ends_when_its_reader_has_gone(void **state)
{
    static const char *const lines[] = {"--lines", NULL};
    char price[64], rest[1024];
    int  ends[2];

    (void)state;
    need_programs();
    begin_fed_server("--frames", "100");
    feed("ACME 40 100\n");
    assert_int_equal(pipe(ends), 0);
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    client.out = ends[1];
    begin_program(&client, "ticker_client", lines);
    client.out = 0;
    close(ends[1]);
    struct pollfd polls = {.fd = ends[0], .events = POLLIN};
    assert_int_equal(poll(&polls, 1, PATIENCE), 1);
    assert_true(read(ends[0], price, sizeof price) > 0);
    close(ends[0]);
    feed("ACME 41 100\n");
    assert_int_equal(child_rest(&client, rest, sizeof rest), 1);
    assert_string_equal(rest, "connected\ncannot write: Broken pipe\n");
    end_server();
}

/* ---- ticker_client and a server that is none ---------------------------- */

/* It talks to `s`, which has let it in. */
static void let_in(struct rawserver *s, const char *const *options)
{
    char response[512];

    rawserver_begin(s);
    port = s->port;
    begin_program(&client, "ticker_client", options);
    rawserver_accept(s);
    rawserver_read_head(s, sizeof s->head);
    rawserver_put(s, response,
                  rawserver_response(s, response, sizeof response));
}

static void put_message(struct rawserver *s, const void *data, size_t len)
{
    uint8_t frame[256];

    rawserver_put(s, frame, rawserver_frame(frame, UPF_OP_BINARY, data, len));
}

static void the_client_leaves_who_is_no_ticker(void **state)
{
    static const struct {
        const char *data;
        size_t      len;
    } cases[] = {{"X", 1}, {"T\0\0\1", 4}, {"", 0},
                 {"S\1\0\5\0\1\4ACME", 11},   /* none before it */
                 {"T\0\0\1\0\0zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", 42}};
    struct rawserver s;
    char rest[1024];

    (void)state;
    need_programs();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        let_in(&s, NULL);
        put_message(&s, cases[i].data, cases[i].len);
        assert_int_equal(rawserver_read_close(&s), 1008);
        rawserver_put_close(&s, 1008, "");
        rawserver_finish(&s);
        assert_int_equal(child_rest(&client, rest, sizeof rest), 1);
        assert_non_null(strstr(rest, "that is no ticker_server"));
        rawserver_end(&s);
    }
}

static void the_table_updates_in_place_and_obeys_nobody(void **state)
{
    static const char *const options[] = {"--table", NULL};
    static const uint8_t symbols[] = "S\1\0\0\0\1\4ACME";
    char tick[4 + 38];
    wire w = {.binary = true, .data = tick};
    struct rawserver s;
    char rest[4096];

    (void)state;
    need_programs();
    setenv("NO_COLOR", "1", 1);
    let_in(&s, options);
    await_line(&client, "connected\033[K");
    put_message(&s, symbols, sizeof symbols - 1);
    wire_begin_ticks(&w);
    wire_tick(&w, 0, "ACME", &some);
    wire_end_ticks(&w);
    put_message(&s, tick, w.len);
    await_line(&client, "ACME                      41.5     +3.75 %"
                        "          300\033[K");
    put_message(&s, tick, w.len);
    await_line(&client, "\033[4A"); /* up, over the table */
    rawserver_put_close(&s, 1008, "\033[2J");
    rawserver_finish(&s);
    assert_int_equal(child_rest(&client, rest, sizeof rest), 1);
    assert_non_null(strstr(rest, "not connected (1008, \\x1b[2J); no use"));
    assert_null(strstr(rest, "\033[2J"));
    rawserver_end(&s);
}

/* What tells of symbols, or answers a question, is none of the server's twenty
 * a second. */
static void the_table_counts_frames_of_prices(void **state)
{
    static table t;

    (void)state;
    assert_true(table_symbol(&t, 0, "ACME"));
    table_frame(&t, 1000);
    for (uint64_t now = 1100; now <= 2000; now += 100) {
        if (now % 200 == 0)
            assert_true(table_price(&t, 0, &some, 3));
        table_frame(&t, now);
    }
    assert_string_equal(t.measured, "5 prices/s in 5 frames/s, delay 0 ms");
}

/* A rise from below 0 is a rise; what rounds to nothing went neither way. */
static void the_table_shows_which_way_a_price_went(void **state)
{
    static const struct {
        double      open, price;
        const char *row;
    } cases[] = {
        {-5, -24, "           -24\033[0m \033[31m  -380.00 %\033[0m"},
        {-5, -4, "            -4\033[0m \033[32m   +20.00 %\033[0m"},
        {-5, 5, "             5\033[0m \033[32m  +200.00 %\033[0m"},
        {5, -5, "            -5\033[0m \033[31m  -200.00 %\033[0m"},
        {5, 4, "             4\033[0m \033[31m   -20.00 %\033[0m"},
        {0, 4, "             4\033[0m     +0.00 %\033[0m"},
        {5e6, 4999999, "       4999999\033[0m     +0.00 %\033[0m"}};
    static const char *const options[] = {"--table", NULL};
    static const uint8_t symbols[] = "S\1\0\0\0\1\4ACME";
    char tick[4 + 38];
    wire w = {.binary = true, .data = tick};
    struct rawserver s;

    (void)state;
    need_programs();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const quote q = {.open = cases[i].open, .price = cases[i].price,
                         .updates = 1};
        unsetenv("NO_COLOR");
        let_in(&s, options);
        put_message(&s, symbols, sizeof symbols - 1);
        wire_begin_ticks(&w);
        wire_tick(&w, 0, "ACME", &q);
        wire_end_ticks(&w);
        put_message(&s, tick, w.len);
        do /* until the row has its price */
            await_line(&client, "\033[K");
        while (strncmp(client.line, "ACME ", 5) != 0);
        if (strstr(client.line, cases[i].row) == NULL)
            fail_msg("%g, opened at %g: '%s' is not '%s'", q.price, q.open,
                     client.line, cases[i].row);
        child_end(&client);
        rawserver_end(&s);
    }
}

/* A server, or a proxy, that refuses says what to do; nothing of it moves the
 * cursor. */
static void the_client_shows_a_refusal(void **state)
{
    static const char refusal[] =
        "HTTP/1.1 403 Forbidden\r\nLocation: /login\r\n"
        "Content-Length: 17\r\n\r\nlog in\x1b[2J\nor not";
    struct rawserver s;
    char rest[1024];

    (void)state;
    need_programs();
    rawserver_begin(&s);
    port = s.port;
    begin_program(&client, "ticker_client", NULL);
    rawserver_accept(&s);
    rawserver_read_head(&s, sizeof s.head);
    rawserver_put(&s, refusal, sizeof refusal - 1);
    assert_int_equal(child_rest(&client, rest, sizeof rest), 1);
    assert_non_null(strstr(rest, "server: Location: /login\n"
                                 "server: log in\\x1b[2J\nserver: or not\n"
                                 "not connected (1006, HTTP 403); no use"));
    rawserver_end(&s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_as_documented),
        cmocka_unit_test(a_tick_that_was_kept_is_the_same),
        cmocka_unit_test(the_longest_item_has_room),
        cmocka_unit_test(binary_is_read_as_it_was_written),
        cmocka_unit_test(a_symbol_that_could_harm_a_terminal_is_not_read),
        cmocka_unit_test(a_market_has_an_end),
        cmocka_unit_test(not_everything_is_a_symbol),
        TEST(prices_go_to_who_wants_them),
        TEST(binary_is_for_who_asks_for_it),
        TEST(who_wants_all_gets_those_to_come),
        TEST(who_wants_all_can_leave_some_out),
        TEST(who_wants_none_any_more_gets_none),
        TEST(a_feed_that_ends_is_told_and_its_prices_stay),
        TEST(a_dash_is_standard_input),
        TEST(bad_lines_of_a_feed_are_told_and_left_out),
        TEST(who_says_nonsense_is_told_so),
        TEST(a_simulated_market_gets_no_more_symbols),
        TEST(nobody_gets_more_frames_than_were_set),
        TEST(who_does_not_read_gets_what_is_newest),
        TEST(a_flood_of_questions_delays_nobody),
        TEST(a_wrong_command_line_is_refused),
        TEST(the_client_counts_prices),
        TEST(the_client_comes_back),
        TEST(the_client_ends_where_nothing_can_be_written),
        TEST(the_client_ends_when_its_reader_has_gone),
        TEST(the_client_stays_away_where_a_return_is_no_use),
        TEST(the_client_leaves_who_is_no_ticker),
        TEST(the_client_shows_a_refusal),
        TEST(the_table_updates_in_place_and_obeys_nobody),
        cmocka_unit_test(the_table_counts_frames_of_prices),
        TEST(the_table_shows_which_way_a_price_went),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
