/* SPDX-License-Identifier: MIT */
/*
 * test_servers.c - the example servers' loops: nobody is cut off, starved or
 * given up without a reason.
 *
 * The servers are children; the clients are connections of the library's in
 * this program. EXAMPLES names the directory of the servers; without it the
 * tests are skipped. A server is stopped (SIGSTOP) where it is to find many
 * things done at once; how long it stands still is the only wait for time.
 *
 * A time-out of the servers must not run out before they are stopped. Whether
 * it may have is measured; if so, this machine is too slow for it: all begins
 * anew with twice the time.
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
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <upframe/upframe.h>

#include "support/child.h"
#include "support/rawserver.h"
#include "tcp.h"

enum { PEERS = 8, MAX_ARGS = 12, LONG_MESSAGE = 8 << 20 };

struct peer {
    upf_conn ws;
    upf_io   io;
    int      fd;
    bool     is_mute; /* what it has to say waits */
};

static const char  *examples;
static struct child servers[3] = {{.output = -1}, {.output = -1},
                                  {.output = -1}};
static unsigned     ports[3];
static struct peer  peers[PEERS];
static size_t       peer_count;
static pid_t        talker;
static struct rawserver raw; /* for our clients */
static bool         has_raw;

/* ---- Servers ---------------------------------------------------------- */

/* False if there is no such program: echo_epoll is for Linux. */
static bool begin_server(size_t i, const char *program,
                         const char *const *options)
{
    char  path[512];
    char *argv[MAX_ARGS] = {path, (char *)"--port", (char *)"0"};

    snprintf(path, sizeof path, "%s/%s", examples, program);
    if (access(path, X_OK) != 0 && strcmp(program, "echo_epoll") == 0)
        return false;
    for (size_t n = 3; options != NULL && *options != NULL; n++)
        argv[n] = (char *)*options++;
    child_start(&servers[i], argv);
    assert_true(child_line(&servers[i], PATIENCE));
    const char *colon = strrchr(servers[i].line, ':');
    assert_non_null(colon);
    ports[i] = (unsigned)strtoul(colon + 1, NULL, 10);
    return true;
}

/* ---- Clients ---------------------------------------------------------- */

static ptrdiff_t peer_read(void *user, void *data, size_t len)
{
    return tcp_read(&((struct peer *)user)->fd, data, len);
}

static ptrdiff_t peer_write(void *user, const void *data, size_t len)
{
    struct peer *p = user;

    return p->is_mute ? UPF_IO_WANT_WRITE : tcp_write(&p->fd, data, len);
}

static struct peer *new_peer(unsigned port)
{
    const upf_client_request request = {.url = "ws://127.0.0.1/"};
    struct peer *p = &peers[peer_count];

    assert_true(peer_count < PEERS);
    p->fd = tcp_connect("127.0.0.1", port, PATIENCE);
    assert_true(p->fd >= 0);
    p->is_mute = false;
    p->io      = upf_io_callbacks(peer_read, peer_write, p);
    assert_int_equal(upf_conn_init_client(&p->ws, NULL, &request), UPF_OK);
    peer_count++;
    return p;
}

/* The next event; what takes too long has failed. */
static void any_next(struct peer *p, upf_event *ev)
{
    const uint64_t give_up = clock_ms() + PATIENCE;

    while (upf_io_next(&p->io, &p->ws, ev) != UPF_OK) {
        const unsigned wants  = upf_io_wants(&p->io, &p->ws);
        const bool     writes = (wants & UPF_WANTS_WRITE) && !p->is_mute;
        struct pollfd  polls  = {
            .fd     = p->fd,
            .events = (short)((wants & UPF_WANTS_READ ? POLLIN : 0) |
                              (writes ? POLLOUT : 0))};
        if (clock_ms() >= give_up)
            fail_msg("nothing comes for a long time");
        (void)poll(&polls, 1, 1000);
    }
}

static void fail_closed(const upf_event *ev)
{
    fail_msg("closed with %d, %.*s", ev->close.code, (int)ev->len,
             ev->len > 0 ? (const char *)ev->data : "");
}

static void next(struct peer *p, upf_event *ev)
{
    any_next(p, ev);
    if (ev->type == UPF_EVENT_CLOSE)
        fail_closed(ev);
}

static void await(struct peer *p, upf_event_type type, upf_event *ev)
{
    do
        next(p, ev);
    while (ev->type != type);
}

/* A message that begins so. */
static void await_text(struct peer *p, const char *start)
{
    const size_t len = strlen(start);
    upf_event    ev;

    do
        await(p, UPF_EVENT_MESSAGE, &ev);
    while (ev.len < len || memcmp(ev.data, start, len) != 0);
}

static struct peer *open_peer(unsigned port)
{
    struct peer *p = new_peer(port);
    upf_event    ev;

    await(p, UPF_EVENT_OPEN, &ev);
    return p;
}

static void say(struct peer *p, const char *text)
{
    assert_int_equal(upf_send(&p->ws, UPF_OP_TEXT, text, strlen(text)),
                     UPF_OK);
    assert_true(upf_io_flush(&p->io, &p->ws) >= 0);
}

/* A long message, all of which leaves; nothing is read meanwhile, and the
 * socket, too, takes little of the answer. Returns a time before that. */
static uint64_t say_unread(struct peer *p, const void *data, size_t len)
{
    struct pollfd polls = {.fd = p->fd, .events = POLLOUT};
    const int     size  = 100 * 1024;
    uint64_t      before;

    setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    assert_int_equal(upf_send(&p->ws, UPF_OP_BINARY, data, len), UPF_OK);
    while (before = clock_ms(),
           upf_io_flush(&p->io, &p->ws) == UPF_WANT_WRITE)
        assert_int_equal(poll(&polls, 1, PATIENCE), 1);
    assert_true(readable(p->fd, PATIENCE)); /* it answers */
    return before;
}

/* ---- Beginning and end of a test -------------------------------------- */

static int end(void **state)
{
    (void)state;
    if (talker > 0) {
        kill(talker, SIGKILL);
        waitpid(talker, NULL, 0);
        talker = 0;
    }
    while (peer_count > 0) {
        struct peer *p = &peers[--peer_count];
        upf_conn_free(&p->ws);
        close(p->fd);
    }
    for (size_t i = 0; i < 3; i++)
        child_end(&servers[i]);
    if (has_raw)
        rawserver_end(&raw);
    has_raw = false;
    return 0;
}

static int begin(void **state)
{
    (void)state;
    examples = getenv("EXAMPLES");
    signal(SIGPIPE, SIG_IGN);
    return 0;
}

static void need_servers(void)
{
    if (examples == NULL || *examples == '\0')
        skip(); /* `make coverage` builds no examples; `make test` does */
}

/* ---- A process that stood still --------------------------------------- */

static bool in_time(uint64_t since, int ms)
{
    return clock_ms() - since < (uint64_t)ms;
}

/* False: a time-out of `ms` was too short here for what has to come before. */
typedef bool standstill(int ms);

static void with_patience(standstill *test, int ms)
{
    while (!test(ms)) {
        ms *= 2;
        assert_true(ms < PATIENCE);
        (void)end(NULL);
    }
}

/* It waits, and then stands still; false if the time may have been over. */
static bool stop_in_time(size_t i, uint64_t since, int ms)
{
    child_await_asleep(&servers[i]);
    child_stop(&servers[i]);
    return in_time(since, ms);
}

/*
 * They stand still for longer than the pong time-out, right after a ping, and
 * that twice. At first there is no answer, and the engine asks again: its tick
 * is late, and there may be one. Then there is one, which lies in the socket's
 * buffer when they go on. The engine makes up for one late tick alone: it is
 * the loop that has to read before it ticks.
 */
static bool servers_stand_still(int ms)
{
    static const char *const programs[] = {"echo_server", "broadcast_server",
                                           "echo_epoll"};
    char         pong_timeout[16];
    const char  *options[] = {"--ping-interval", "200", "--pong-timeout",
                              pong_timeout, NULL};
    struct peer *p[3]      = {NULL};
    uint64_t     since[3]  = {0};
    bool         has[3];
    upf_event    ev;

    snprintf(pong_timeout, sizeof pong_timeout, "%d", ms);
    for (size_t i = 0; i < 3; i++)
        has[i] = begin_server(i, programs[i], options);
    for (size_t i = 0; i < 3; i++)
        if (has[i]) {
            since[i]      = clock_ms();
            p[i]          = open_peer(ports[i]);
            p[i]->is_mute = true;
        }
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 3; i++)
            if (has[i]) {
                await(p[i], UPF_EVENT_PING, &ev);
                if (!stop_in_time(i, since[i], ms))
                    return false;
            }
        (void)poll(NULL, 0, ms + ms / 5);
        /* By now, epoll tells of a timer first. */
        for (size_t i = 0; i < 3; i++)
            if (has[i]) {
                p[i]->is_mute = round == 0;
                if (round == 1) {
                    assert_int_equal(upf_io_flush(&p[i]->io, &p[i]->ws),
                                     UPF_OK);
                    assert_true(has_arrived(p[i]->fd, PATIENCE));
                }
                since[i] = clock_ms();
                child_signal(&servers[i], SIGCONT);
            }
    }
    for (size_t i = 0; i < 3; i++)
        if (has[i])
            await(p[i], UPF_EVENT_PING, &ev);
    return true;
}

static void a_server_that_stood_still_keeps_who_has_answered(void **state)
{
    (void)state;
    need_servers();
    with_patience(servers_stand_still, 1000);
}

/* False if it was closed later than `ms` after `since`: rightly, perhaps. */
static bool await_unless_late(struct peer *p, upf_event_type type,
                              upf_event *ev, uint64_t since, int ms)
{
    do {
        any_next(p, ev);
        if (ev->type == UPF_EVENT_CLOSE && in_time(since, ms))
            fail_closed(ev);
        if (ev->type == UPF_EVENT_CLOSE)
            return false;
    } while (ev->type != type);
    return true;
}

/* One who takes nothing of a long message that waits for it, and another one.
 * False if there is no such server. */
static bool begin_unread(size_t i, const char *program, const char *timeout,
                         struct peer *p[2], uint64_t *since)
{
    static uint8_t message[LONG_MESSAGE];
    const char *const options[] = {
        "--ping-interval", "200", "--pong-timeout", timeout,
        "--max-message", "16000000", "--max-queued", "19000000", NULL};

    if (!begin_server(i, program, options))
        return false;
    p[0] = open_peer(ports[i]);
    if (strcmp(program, "broadcast_server") == 0)
        await_text(p[0], "people ");
    *since = say_unread(p[0], message, sizeof message);
    p[1]   = open_peer(ports[i]);
    return true;
}

/* When the other one hears a ping, the server has looked at everybody's time
 * since then, and noted what waits. */
static bool stop_unread(size_t i, struct peer *another, uint64_t since, int ms)
{
    upf_event ev;

    if (!await_unless_late(another, UPF_EVENT_PING, &ev, since, ms))
        return false;
    assert_true(upf_io_flush(&another->io, &another->ws) >= 0);
    return stop_in_time(i, since, ms);
}

/* It takes what is there. On a busy machine, a ping came before the echo. */
static void take_some(struct peer *p)
{
    upf_status status;
    upf_event  ev;

    while ((status = upf_io_next(&p->io, &p->ws, &ev)) == UPF_OK)
        assert_int_equal(ev.type, UPF_EVENT_PING);
    assert_int_equal(status, UPF_WANT_READ);
}

/*
 * The other direction: more waits for a client than all sockets hold, so that
 * it is not read from. They stand still from then on for `still` thousandths of
 * the time that the first of it may wait. If `reads`, it takes some meanwhile.
 */
static bool servers_stand_still_unread(int ms, int still, bool reads)
{
    enum { PING_MS = 200 };
    static const char *const programs[] = {"echo_server", "broadcast_server",
                                           "echo_epoll"};
    const uint64_t still_ms = (uint64_t)(ms + PING_MS) * (uint64_t)still / 1000;
    char         timeout[16];
    struct peer *p[3][2]     = {{NULL}};
    uint64_t     answered[3] = {0}, since;
    bool         has[3];
    upf_event    ev;

    snprintf(timeout, sizeof timeout, "%d", ms);
    for (size_t i = 0; i < 3; i++) {
        has[i] = begin_unread(i, programs[i], timeout, p[i], &since);
        answered[i] = clock_ms();
        if (has[i] && !stop_unread(i, p[i][1], since, ms))
            return false;
    }
    for (size_t i = 0; i < 3; i++) {
        if (!has[i])
            continue;
        const uint64_t now = clock_ms(), goes_on = answered[i] + still_ms;
        (void)poll(NULL, 0, goes_on > now ? (int)(goes_on - now) : 0);
        if (reads)
            take_some(p[i][0]);
        since = clock_ms();
        child_signal(&servers[i], SIGCONT);
        if (!await_unless_late(p[i][0], UPF_EVENT_MESSAGE, &ev, since, ms))
            return false;
        assert_int_equal(ev.len, LONG_MESSAGE);
    }
    return true;
}

/* The engine gives a second chance where a tick is late by more than a tenth:
 * it may be that there was room. */
static bool servers_are_late(int ms)
{
    return servers_stand_still_unread(ms, 1500, false);
}

/* So little too late that it gives none, unless this machine is slow: it is the
 * loop that has to write before it ticks. */
static bool servers_are_a_little_late(int ms)
{
    return servers_stand_still_unread(ms, 1050, true);
}

static void a_server_that_stood_still_gives_a_second_chance(void **state)
{
    (void)state;
    need_servers();
    with_patience(servers_are_late, 1000);
}

static void nor_is_anybody_given_up_who_was_not_written_to(void **state)
{
    (void)state;
    need_servers();
    with_patience(servers_are_a_little_late, 3000);
}

/* A client of ours, `option` and its value given, is let in; false if that may
 * have taken it too long. */
static bool let_in(const char *name, const char *option, const char *value,
                   const char *timeout, int ms)
{
    char path[512], port[8], response[512];
    char *argv[] = {path, (char *)"--port", port, (char *)option,
                    (char *)value, (char *)"--timeout", (char *)timeout, NULL};
    const uint64_t begun = clock_ms();

    rawserver_begin(&raw);
    has_raw = true;
    snprintf(path, sizeof path, "%s/%s", examples, name);
    snprintf(port, sizeof port, "%u", (unsigned)raw.port);
    child_start(&servers[0], argv);
    if (!rawserver_accept_request(&raw))
        return false;
    rawserver_put(&raw, response,
                  rawserver_response(&raw, response, sizeof response));
    return in_time(begun, ms);
}

/* As the servers: once without an answer, once with one. */
static bool client_stands_still(int ms)
{
    uint64_t since = clock_ms();
    char     timeout[16], payload[256];
    uint8_t  frame[16];

    snprintf(timeout, sizeof timeout, "%d", ms);
    if (!let_in("reconnect_client", "--ping", "200", timeout, ms))
        return false;
    for (int round = 0; round < 2; round++) {
        (void)rawserver_read(&raw, UPF_OP_PING, payload);
        if (!stop_in_time(0, since, ms))
            return false;
        (void)poll(NULL, 0, ms + ms / 5);
        if (round == 1) {
            rawserver_put(&raw, frame,
                          rawserver_frame(frame, UPF_OP_PONG, "", 0));
            assert_true(has_arrived(raw.peer, PATIENCE));
        }
        since = clock_ms();
        child_signal(&servers[0], SIGCONT);
    }
    (void)rawserver_read(&raw, UPF_OP_PING, payload);
    return true;
}

static void a_client_that_stood_still_keeps_who_has_answered(void **state)
{
    (void)state;
    need_servers();
    with_patience(client_stands_still, 1000);
}

/* echo_client waits so long for each answer: one that came while it slept is in
 * time. */
static bool client_is_answered_asleep(int ms)
{
    const uint64_t since = clock_ms();
    char    timeout[16], payload[256], printed[512];
    uint8_t frame[16];

    snprintf(timeout, sizeof timeout, "%d", ms / 1000);
    if (!let_in("echo_client", "--text", "Hello", timeout, ms))
        return false;
    (void)rawserver_read(&raw, UPF_OP_TEXT, payload);
    if (!stop_in_time(0, since, ms))
        return false;
    /* All that it waits for, so that it does not wait for us again. */
    rawserver_put(&raw, frame, rawserver_frame(frame, UPF_OP_TEXT, payload, 5));
    rawserver_put_close(&raw, UPF_CLOSE_NORMAL, "");
    assert_true(has_arrived(raw.peer, PATIENCE));
    assert_int_equal(shutdown(raw.peer, SHUT_WR), 0);
    (void)poll(NULL, 0, ms + ms / 4);
    child_signal(&servers[0], SIGCONT);
    assert_int_equal(rawserver_read_close(&raw), UPF_CLOSE_NORMAL);
    assert_int_equal(child_rest(&servers[0], printed, sizeof printed), 0);
    assert_non_null(strstr(printed, "came back equal"));
    return true;
}

static void a_client_that_stood_still_takes_its_answer(void **state)
{
    (void)state;
    need_servers();
    with_patience(client_is_answered_asleep, 1000);
}

/* ---- What no event tells of again -------------------------------------- */

/* Pongs that nobody asked for, of `len` bytes at least: they are read, and not
 * answered. */
static void put_pongs(struct peer *p, size_t len)
{
    enum { FRAMES = 1024, FRAME = 6 + 125 };
    static uint8_t frames[FRAMES * FRAME];
    struct pollfd  polls = {.fd = p->fd, .events = POLLOUT};

    for (size_t i = 0; i < FRAMES; i++) {
        frames[i * FRAME]     = 0x8A;
        frames[i * FRAME + 1] = 0x80 | 125;
    }
    len += FRAME - len % FRAME;
    while (len > 0) {
        const size_t left = (len - 1) % sizeof frames + 1;
        assert_int_equal(poll(&polls, 1, PATIENCE), 1);
        const ssize_t n =
            send(p->fd, frames + sizeof frames - left, left, MSG_NOSIGNAL);
        assert_true(n > 0 || errno == EAGAIN);
        len -= n > 0 ? (size_t)n : 0;
    }
}

/*
 * More waits than echo_epoll reads at once, nothing follows, and no answer is
 * under way whose departure would be an event. First the kernel has to let so
 * much wait: it does when it has seen much being read.
 */
static void echo_epoll_reads_to_the_end(void **state)
{
    (void)state;
    enum { ROUNDS = 20, MUCH = 8 << 20, WAITS = 300 * 1024, SOON = 500 };
    static const char *const options[] = {"--ping-interval", "0", NULL};
    bool waits = false;

    need_servers();
    if (!begin_server(0, "echo_epoll", options))
        return;
    struct peer *p = open_peer(ports[0]);
    for (int i = 0; i < ROUNDS && !waits; i++) {
        put_pongs(p, MUCH);
        assert_true(has_arrived(p->fd, PATIENCE));
        say(p, "begin");
        await_text(p, "begin");
        child_stop(&servers[0]);
        put_pongs(p, WAITS);
        say(p, "end");
        waits = has_arrived(p->fd, SOON);
        child_signal(&servers[0], SIGCONT);
        await_text(p, "end");
    }
    if (!waits)
        skip(); /* the kernel lets less wait than is read at once */
}

/* The end of the stream comes in one event with what is before it. */
static void nor_does_it_forget_the_end_of_the_stream(void **state)
{
    (void)state;
    static const char *const options[] = {"--ping-interval", "0", NULL};
    uint8_t byte;

    need_servers();
    if (!begin_server(0, "echo_epoll", options))
        return;
    struct peer *p = open_peer(ports[0]);
    child_stop(&servers[0]);
    say(p, "last words");
    assert_int_equal(shutdown(p->fd, SHUT_WR), 0);
    assert_true(has_arrived(p->fd, PATIENCE));
    child_signal(&servers[0], SIGCONT);
    await_text(p, "last words");
    do
        assert_true(readable(p->fd, PATIENCE));
    while (recv(p->fd, &byte, 1, 0) > 0);
}

/* No time-out runs that would look after what waits to be written. */
static void nor_what_could_not_be_written(void **state)
{
    (void)state;
    enum { SIZE = 8 << 20 };
    static const char *const options[] = {"--ping-interval", "0",
                                          "--max-message", "16000000",
                                          "--max-queued", "19000000", NULL};
    static uint8_t message[SIZE];
    upf_event      ev;

    need_servers();
    if (!begin_server(0, "echo_epoll", options))
        return;
    struct peer *p = open_peer(ports[0]);
    (void)say_unread(p, message, SIZE);
    await(p, UPF_EVENT_MESSAGE, &ev);
    assert_int_equal(ev.len, SIZE);
}

/* ---- Keepalive ---------------------------------------------------------- */

/*
 * Whoever says hello right after OPEN, and then no more, is asked after a
 * second, give or take a tenth. A busy machine makes that later, but not each
 * time: false if it was too late, or the hello was.
 */
static bool silent_clients_are_asked_in_time(void)
{
    enum { SLACK_MS = 700 };
    static const char *const programs[] = {"echo_server", "broadcast_server",
                                           "echo_epoll"};
    static const char *const options[] = {"--ping-interval", "1000", NULL};
    struct peer *p[3]    = {NULL};
    uint64_t     said[3] = {0};
    bool         is_soon = true;
    upf_event    ev;

    for (size_t i = 0; i < 3; i++)
        if (begin_server(i, programs[i], options)) {
            const uint64_t begun = clock_ms();
            p[i] = open_peer(ports[i]);
            (void)poll(NULL, 0, 200); /* the next tick is a while ago, or near */
            said[i] = clock_ms();
            say(p[i], "hello");
            if (!in_time(begun, 800))
                return false;
        }
    for (size_t i = 0; i < 3; i++)
        if (p[i] != NULL) {
            await(p[i], UPF_EVENT_PING, &ev);
            const uint64_t silence = clock_ms() - said[i];
            assert_true(silence >= 800);
            is_soon = is_soon && silence <= 1100 + SLACK_MS;
        }
    return is_soon;
}

static void a_silent_client_is_asked_in_time(void **state)
{
    enum { ROUNDS = 10 };

    need_servers();
    for (int i = 0; !silent_clients_are_asked_in_time(); i++) {
        assert_true(i < ROUNDS);
        (void)end(state);
    }
}

/* ---- A page that hears nothing asks ------------------------------------ */

/* The next message ends so. */
static size_t hear_end(struct peer *p, const char *end)
{
    const size_t len = strlen(end);
    upf_event    ev;

    await(p, UPF_EVENT_MESSAGE, &ev);
    if (ev.len < len || memcmp(ev.data + ev.len - len, end, len) != 0)
        fail_msg("'%.*s' does not end with '%s'", (int)ev.len,
                 (const char *)ev.data, end);
    return ev.len;
}

/* Who asked, and nobody else. */
static void ask(struct peer *p)
{
    say(p, "/ping");
    assert_int_equal(hear_end(p, "pong"), strlen("pong"));
}

static void who_asks_is_answered(void **state)
{
    static const char *const words[] = {"/pin", "/pings", "/PING", " /ping"};

    (void)state;
    need_servers();
    assert_true(begin_server(0, "broadcast_server", NULL));
    struct peer *ann = open_peer(ports[0]), *bob = open_peer(ports[0]);
    say(ann, "I am here");
    await_text(ann, "said ");
    await_text(bob, "said "); /* all that came before is read */
    ask(ann);
    ask(ann);
    ask(bob);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        say(ann, words[i]); /* is a word like any other */
        assert_true(hear_end(ann, words[i]) > strlen(words[i]));
        assert_true(hear_end(bob, words[i]) > strlen(words[i]));
    }
}

/* ---- One who talks much ----------------------------------------------- */

/*
 * A burst that waits in the sockets when the server looks is a little more
 * than what may be queued; but all that was read by then could be written: the
 * listeners' sockets have room for the rest. One turn of all who talk is more
 * than may be queued, too.
 */
static void burst(size_t messages)
{
    enum { LISTENERS = 4, TALKERS = 4, SIZE = 6000 };
    static uint8_t message[SIZE];
    struct peer *talking[TALKERS];
    const int    size = 200 * 1024;
    upf_event    ev;

    for (size_t i = 0; i < LISTENERS; i++)
        (void)open_peer(ports[0]);
    for (size_t i = 0; i < TALKERS; i++)
        talking[i] = open_peer(ports[0]);
    for (size_t i = 0; i < peer_count; i++) {
        setsockopt(peers[i].fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        setsockopt(peers[i].fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    }
    child_stop(&servers[0]);
    for (size_t i = 0; i < TALKERS * messages; i++) {
        struct peer *p = talking[i % TALKERS];
        assert_int_equal(upf_send(&p->ws, UPF_OP_BINARY, message, SIZE),
                         UPF_OK);
        assert_true(upf_io_flush(&p->io, &p->ws) >= 0);
    }
    child_signal(&servers[0], SIGCONT);
    for (size_t i = 0; i < peer_count; i++)
        for (size_t n = 0; n < TALKERS * messages; n++) {
            do
                await(&peers[i], UPF_EVENT_MESSAGE, &ev);
            while (ev.opcode == UPF_OP_TEXT); /* who is here */
            assert_int_equal(ev.len, SIZE);
        }
}

static void a_burst_cuts_nobody_off(void **state)
{
    (void)state;
    static const char *const options[] = {"--max-message", "6000",
                                          "--max-queued", "70000", NULL};

    need_servers();
    assert_true(begin_server(0, "broadcast_server", options));
    burst(9);
}

/* It makes room for twice that and its longest message. */
static void nor_does_one_at_echo_epoll(void **state)
{
    (void)state;
    static const char *const options[] = {"--broadcast", "--max-message",
                                          "6000", "--max-queued", "70000",
                                          NULL};

    need_servers();
    if (begin_server(0, "echo_epoll", options))
        burst(13);
}

/* All of it waits when the server looks: who has one word to say is heard
 * before who has many to say has said them all. */
static void a_word_comes_between(unsigned many, size_t len)
{
    static const uint8_t message[6000] = {'m'};
    const int size   = 200 * 1024;
    unsigned  before = 0;
    upf_event ev;

    need_servers();
    assert_true(len <= sizeof message);
    assert_true(begin_server(0, "broadcast_server", NULL));
    struct peer *listener = open_peer(ports[0]), *talkative = open_peer(ports[0]),
                *one = open_peer(ports[0]);
    setsockopt(talkative->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    child_stop(&servers[0]);
    for (unsigned i = 0; i < many; i++)
        assert_int_equal(upf_send(&talkative->ws, UPF_OP_BINARY, message, len),
                         UPF_OK);
    assert_int_equal(upf_io_flush(&talkative->io, &talkative->ws), UPF_OK);
    assert_int_equal(upf_send(&one->ws, UPF_OP_BINARY, "1", 1), UPF_OK);
    assert_int_equal(upf_io_flush(&one->io, &one->ws), UPF_OK);
    child_signal(&servers[0], SIGCONT);
    for (;;) {
        await(listener, UPF_EVENT_MESSAGE, &ev);
        if (ev.opcode == UPF_OP_BINARY && *ev.data == '1')
            break;
        before += ev.opcode == UPF_OP_BINARY;
    }
    assert_true(before < many);
}

static void a_word_comes_between_a_thousand(void **state)
{
    (void)state;
    a_word_comes_between(1000, 1);
}

static void a_word_comes_between_long_ones(void **state)
{
    (void)state;
    a_word_comes_between(20, 6000);
}

/* A process that writes pongs for as long as it can, and reads what comes, so
 * that it is never withheld from. Messages would be for everybody: who reads
 * them more slowly than this writes would rightly be cut off. */
static void start_talking(struct peer *p)
{
    enum { FRAMES = 8192, FRAME = 6 };
    static uint8_t frames[FRAMES * FRAME], dropped[1 << 16];
    struct pollfd  polls = {.fd = p->fd, .events = POLLIN | POLLOUT};
    size_t         at    = 0;
    ssize_t        n;

    for (size_t i = 0; i < FRAMES; i++) {
        frames[i * FRAME]     = 0x8A;
        frames[i * FRAME + 1] = 0x80;
    }
    talker = fork();
    assert_true(talker >= 0);
    if (talker != 0)
        return;
    while (poll(&polls, 1, -1) == 1) {
        while (read(p->fd, dropped, sizeof dropped) > 0)
            continue;
        if ((n = write(p->fd, frames + at, sizeof frames - at)) > 0)
            at = (at + (size_t)n) % sizeof frames;
        else if (n < 0 && errno != EAGAIN)
            break;
    }
    _exit(0);
}

static void who_never_stops_talking_leaves_the_others_their_turn(void **state)
{
    (void)state;
    need_servers();
    assert_true(begin_server(0, "broadcast_server", NULL));
    struct peer *listener = open_peer(ports[0]);

    start_talking(open_peer(ports[0]));
    for (int i = 0; i < 10; i++) {
        say(listener, "/name Ann");
        await_text(listener, "here ");
        say(open_peer(ports[0]), "hello");
        await_text(listener, "said ");
        upf_conn_free(&peers[--peer_count].ws);
        close(peers[peer_count].fd);
    }
}

static void likewise_at_echo_epoll(void **state)
{
    (void)state;
    static const char *const options[] = {"--broadcast", NULL};

    need_servers();
    if (!begin_server(0, "echo_epoll", options))
        return;
    struct peer *listener = open_peer(ports[0]);

    start_talking(open_peer(ports[0]));
    for (int i = 0; i < 10; i++) {
        say(listener, "myself");
        await_text(listener, "myself");
        say(open_peer(ports[0]), "hello");
        await_text(listener, "hello");
        upf_conn_free(&peers[--peer_count].ws);
        close(peers[peer_count].fd);
    }
}

/* ---- One who is gone -------------------------------------------------- */

/* Until it has fewer descriptors than that. */
static void await_descriptors(size_t i, size_t count)
{
    const uint64_t give_up = clock_ms() + PATIENCE;

    while (child_descriptors(&servers[i]) >= count && count > 0) {
        assert_true(clock_ms() < give_up);
        (void)poll(NULL, 0, 10);
    }
}

/*
 * poll() and epoll tell of a reset whether it was asked for or not; who is not
 * read from, as it does not read, must not keep a server busy with that.
 */
static void who_resets_is_let_go_and_costs_nothing(void **state)
{
    (void)state;
    enum { SIZE = 8 << 20, MOST_MS = 500 };
    static const char *const programs[] = {"echo_server", "broadcast_server",
                                           "echo_epoll"};
    static const char *const options[] = {"--max-message", "16000000",
                                          "--max-queued", "19000000", NULL};
    static const struct linger none = {.l_onoff = 1};
    static uint8_t message[SIZE];

    need_servers();
    for (size_t i = 0; i < 3; i++) {
        if (!begin_server(i, programs[i], options))
            continue;
        struct peer *p     = open_peer(ports[i]);
        const size_t count = child_descriptors(&servers[i]);
        if (strcmp(programs[i], "broadcast_server") == 0)
            await_text(p, "people ");
        (void)say_unread(p, message, SIZE);
        setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
        close(p->fd);
        upf_conn_free(&p->ws);
        peer_count--;
        const unsigned long worked = child_processor_time(&servers[i]);
        await_descriptors(i, count);
        assert_in_range(child_processor_time(&servers[i]) - worked, 0, MOST_MS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
        TEST(a_server_that_stood_still_keeps_who_has_answered),
        TEST(a_server_that_stood_still_gives_a_second_chance),
        TEST(nor_is_anybody_given_up_who_was_not_written_to),
        TEST(a_client_that_stood_still_keeps_who_has_answered),
        TEST(a_client_that_stood_still_takes_its_answer),
        TEST(echo_epoll_reads_to_the_end),
        TEST(nor_does_it_forget_the_end_of_the_stream),
        TEST(nor_what_could_not_be_written),
        TEST(a_silent_client_is_asked_in_time),
        TEST(who_asks_is_answered),
        TEST(a_burst_cuts_nobody_off),
        TEST(nor_does_one_at_echo_epoll),
        TEST(a_word_comes_between_a_thousand),
        TEST(a_word_comes_between_long_ones),
        TEST(who_never_stops_talking_leaves_the_others_their_turn),
        TEST(likewise_at_echo_epoll),
        TEST(who_resets_is_let_go_and_costs_nothing),
    };

    return cmocka_run_group_tests_name("servers", tests, NULL, NULL);
}
