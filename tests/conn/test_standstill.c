/* SPDX-License-Identifier: MIT */
/*
 * test_standstill.c - two ends that write to each other: no pair stands still.
 *
 * Each test is two ends of a socket pair with buffers of 4 KiB, in one process
 * and in lock-step. An end is a connection in a plain loop, one in a pump, or
 * a blocking program: one that reads nothing while it has something to write.
 * Time passes only when nothing moves, straight to the next deadline, so that
 * a time-out costs nothing, and an end that waits for ever is found at once.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <upframe/conn.h>
#include <upframe/io.h>

#include "tcp.h"

enum driver { LOOP, PUMP, BLOCKING };

enum {
    BEGIN      = 1000,      /* ms */
    BUFFER     = 4096,
    IN_SOCKETS = 96 * 1024, /* more than both directions hold */
    HIGH_WATER = 8 * 1024   /* where it is not the default */
};

struct end {
    /* What it is like */
    upf_config  config;
    enum driver driver;
    bool        is_client;
    bool        echoes;
    bool        answers_later;  /* it holds reading until it has answered */
    size_t      count, size;    /* messages that it sends when it opens */

    /* What became of it */
    upf_conn    ws;
    upf_io      io;
    int         fd;
    uint64_t    received, expected; /* bytes of payload */
    size_t      at;             /* in the message that arrives */
    size_t      owes;           /* bytes of a later answer */
    uint64_t    read, written;  /* bytes through its socket */
    uint64_t    last_write;     /* when */
    upf_status  status;
    bool        over;
    uint8_t     input[2 * BUFFER];
};

static uint64_t now;

/* ---- What an end says ------------------------------------------------- */

static uint8_t *pattern; /* what every message begins with */
static size_t   pattern_size;

static void need_pattern(size_t size)
{
    if (size <= pattern_size)
        return;
    pattern = realloc(pattern, size);
    assert_non_null(pattern);
    for (; pattern_size < size; pattern_size++)
        pattern[pattern_size] = (uint8_t)(pattern_size * 31 >> 3);
}

static void must_send(upf_status status)
{
    if (status != UPF_OK)
        fail_msg("not sent: %s", upf_status_text(status));
}

static void echo(struct end *e, const upf_event *ev)
{
    if (e->answers_later) {
        e->owes = ev->len;
        upf_conn_hold(&e->ws, true);
    } else if (ev->type == UPF_EVENT_CHUNK) {
        must_send(upf_send_part(&e->ws, ev->opcode, ev->data, ev->len,
                                ev->last));
    } else {
        must_send(upf_send_in_place(&e->ws, ev->opcode, ev->data, ev->len));
    }
}

static void on_event(struct end *e, const upf_event *ev)
{
    switch (ev->type) {
    case UPF_EVENT_OPEN:
        for (size_t i = 0; i < e->count; i++)
            must_send(upf_send(&e->ws, UPF_OP_BINARY, pattern, e->size));
        break;
    case UPF_EVENT_MESSAGE:
    case UPF_EVENT_CHUNK:
        assert_true(e->at + ev->len <= pattern_size);
        assert_true(ev->len == 0 ||
                    memcmp(ev->data, pattern + e->at, ev->len) == 0);
        e->at = ev->type == UPF_EVENT_CHUNK && !ev->last ? e->at + ev->len : 0;
        e->received += ev->len;
        if (e->echoes)
            echo(e, ev);
        break;
    case UPF_EVENT_CLOSE:
        e->status = ev->status;
        e->over   = true;
        break;
    default:
        break;
    }
}

/* The worker has finished: what it sends is no reply in the engine's eyes. */
static void answer_later(struct end *e)
{
    if (e->owes == 0)
        return;
    must_send(upf_send(&e->ws, UPF_OP_BINARY, pattern, e->owes));
    e->owes = 0;
    upf_conn_hold(&e->ws, false);
}

/* ---- Three ways to drive it ------------------------------------------- */

static ptrdiff_t read_some(void *user, void *data, size_t len)
{
    struct end     *e = user;
    const ptrdiff_t n = tcp_read(&e->fd, data, len);

    e->read += n > 0 ? (uint64_t)n : 0;
    return n;
}

static ptrdiff_t write_some(void *user, const void *data, size_t len)
{
    struct end     *e = user;
    const ptrdiff_t n = tcp_write(&e->fd, data, len);

    e->written += n > 0 ? (uint64_t)n : 0;
    if (n > 0)
        e->last_write = now;
    return n;
}

static void take_events(struct end *e, upf_input in)
{
    upf_event ev;

    while (upf_conn_next(&e->ws, &in, &ev) == UPF_OK)
        on_event(e, &ev);
}

static void read_once(struct end *e, bool use_room)
{
    size_t    len = 0;
    upf_input in = {use_room ? upf_conn_room(&e->ws, &len) : NULL, 0};

    if (in.data == NULL) {
        in.data = e->input;
        len     = sizeof e->input;
    }
    const ptrdiff_t n = read_some(e, in.data, len);
    if (n == 0)
        upf_conn_eof(&e->ws);
    else if (n > 0)
        in.len = (size_t)n;
    else if (n == UPF_IO_ERROR)
        upf_conn_lost(&e->ws);
    take_events(e, in);
}

static void write_out(struct end *e)
{
    upf_slice slice;
    ptrdiff_t n = 1;

    while (n > 0 && upf_conn_output(&e->ws, &slice, 1) > 0) {
        n = write_some(e, slice.data, slice.len);
        upf_conn_output_done(&e->ws, n);
        if (n == UPF_IO_ERROR)
            upf_conn_lost(&e->ws);
    }
}

static void turn(struct end *e)
{
    upf_event ev;

    switch (e->driver) {
    case LOOP:
        if (upf_conn_wants(&e->ws) & UPF_WANTS_READ)
            read_once(e, true);
        write_out(e);
        break;
    case PUMP:
        while (upf_io_next(&e->io, &e->ws, &ev) == UPF_OK)
            on_event(e, &ev);
        break;
    case BLOCKING: /* knows no time either */
        write_out(e);
        if (upf_conn_queued(&e->ws) == 0)
            read_once(e, false);
        return;
    }
    answer_later(e);
    if (upf_conn_deadline(&e->ws) <= now)
        upf_conn_tick(&e->ws, now);
    take_events(e, (upf_input){0});
}

/* ---- Two of them ------------------------------------------------------ */

static void open_end(struct end *e, int fd)
{
    const int size = BUFFER;

    e->fd = fd;
    tcp_set_blocking(fd, false);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    e->io = upf_io_callbacks(read_some, write_some, e);
    need_pattern(e->size);
    e->last_write = now;
    assert_int_equal(
        upf_conn_init_open(&e->ws, &e->config, e->is_client, NULL), UPF_OK);
    take_events(e, (upf_input){0});
    if (e->driver != BLOCKING)
        upf_conn_tick(&e->ws, now);
}

static uint64_t deadline_of(const struct end *e)
{
    return e->driver == BLOCKING ? UINT64_MAX : upf_conn_deadline(&e->ws);
}

static bool has_all(const struct end *e)
{
    return e->received == e->expected;
}

/* Until all data is there, or an end is over. */
static void run_until_something_ends(struct end *a, struct end *b)
{
    for (int idle = 0; idle < 100;) {
        const uint64_t moved = a->read + a->written + b->read + b->written;

        turn(a);
        turn(b);
        if ((has_all(a) && has_all(b)) || a->over || b->over)
            return;
        if (a->read + a->written + b->read + b->written != moved) {
            idle = 0;
            continue;
        }
        const uint64_t da = deadline_of(a), db = deadline_of(b);
        const uint64_t next = da < db ? da : db;
        idle++;
        if (next == UINT64_MAX)
            fail_msg("two ends stand still for ever");
        if (next > now)
            now = next;
    }
    fail_msg("time passes, and nothing comes of it");
}

static void run(struct end *a, struct end *b)
{
    int fds[2];

    now         = BEGIN;
    b->is_client = !a->is_client;
    a->expected = (uint64_t)b->count * b->size +
                  (b->echoes ? (uint64_t)a->count * a->size : 0);
    b->expected = (uint64_t)a->count * a->size +
                  (a->echoes ? (uint64_t)b->count * b->size : 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    open_end(a, fds[0]);
    open_end(b, fds[1]);
    run_until_something_ends(a, b);
    upf_conn_free(&a->ws);
    upf_conn_free(&b->ws);
    close(fds[0]);
    close(fds[1]);
}

static struct end *new_end(enum driver driver)
{
    struct end *e = calloc(1, sizeof *e);

    assert_non_null(e);
    e->config = upf_config_default();
    e->driver = driver;
    /* Who blocks has no other rule than that. */
    if (driver == BLOCKING)
        e->config.pause_reading = UPF_PAUSE_NEVER;
    return e;
}

static void assert_all_data(struct end *a, struct end *b)
{
    struct end *ends[] = {a, b};

    run(a, b);
    for (int i = 0; i < 2; i++)
        if (ends[i]->over)
            fail_msg("%s, driver %d, was ended: %s (%llu of %llu bytes)",
                     ends[i]->is_client ? "client" : "server",
                     (int)ends[i]->driver, upf_status_text(ends[i]->status),
                     (unsigned long long)ends[i]->received,
                     (unsigned long long)ends[i]->expected);
    assert_true(has_all(a) && has_all(b));
}

/*
 * It says what happened: its output waited and did not move. And in time: when
 * a byte was written is known to a tenth of ping_interval, as is when it is
 * looked at.
 */
static void assert_given_up(const struct end *e)
{
    const uint64_t patience = (uint64_t)e->config.ping_interval +
                              e->config.pong_timeout;

    assert_true(e->over);
    if (e->status != UPF_ERR_WRITE_TIMEOUT)
        fail_msg("given up for another reason: %s",
                 upf_status_text(e->status));
    assert_non_null(strstr(upf_status_text(e->status),
                           "the peer does not read"));
    assert_true(now - e->last_write >= patience);
    assert_true(now - e->last_write <=
                patience + e->config.ping_interval / 4);
}

static void free_ends(struct end *a, struct end *b)
{
    free(a);
    free(b);
}

/* ---- The table -------------------------------------------------------- */

/* Who sends when it opens, and who echoes. */
static const struct pattern {
    bool a_sends, b_sends, a_echoes, b_echoes;
} patterns[] = {
    {true, false, false, true},
    {false, true, true, false},
    {true, true, false, false},
    {true, true, false, true},
    {true, true, true, false},
};

static const size_t sizes[] = {
    1,              100,            BUFFER - 100,   BUFFER,
    HIGH_WATER - 5, HIGH_WATER - 4, HIGH_WATER,     HIGH_WATER + 1,
    2 * HIGH_WATER, 3 * HIGH_WATER, 12 * HIGH_WATER};

static const size_t counts[] = {1, 3, 20};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Call `f` for each pattern, size and count; `b` blocks, or is driven as `a`
 * is. `a` takes both roles. */
static void for_each(bool b_blocks, void f(struct end *a, struct end *b))
{
    for (size_t i = 0; i < COUNT(patterns) * COUNT(sizes) * COUNT(counts) * 4;
         i++) {
        const struct pattern *p = &patterns[i / 4 % COUNT(patterns)];
        const size_t rest  = i / 4 / COUNT(patterns);
        const size_t size  = sizes[rest % COUNT(sizes)];
        const size_t count = counts[rest / COUNT(sizes)];
        struct end  *a     = new_end(i & 1 ? PUMP : LOOP);
        struct end  *b     = new_end(b_blocks ? BLOCKING : a->driver);

        a->is_client = (i & 2) != 0;
        a->size = b->size = size;
        a->count  = p->a_sends ? count : 0;
        b->count  = p->b_sends ? count : 0;
        a->echoes = p->a_echoes;
        b->echoes = p->b_echoes;
        a->config.high_water = b->config.high_water = HIGH_WATER;
        f(a, b);
        free_ends(a, b);
    }
}

static void two_of_ours_exchange_all_data(void **state)
{
    (void)state;
    for_each(false, assert_all_data);
}

/* As much is asked of `a` by `b`, which reads nothing meanwhile. */
static void with_a_blocking_peer(struct end *a, struct end *b)
{
    const size_t asked = a->echoes ? b->count * (b->size + 14) : 0;

    /* A client does not pause, nor a server for what was not asked for. */
    if (a->is_client || asked <= HIGH_WATER) {
        assert_all_data(a, b);
        return;
    }
    run(a, b);
    if (asked > HIGH_WATER + b->size + IN_SOCKETS || a->over)
        assert_given_up(a);
    else
        assert_true(has_all(a) && has_all(b));
}

static void with_a_peer_that_blocks_in_write_all_ends(void **state)
{
    (void)state;
    for_each(true, with_a_blocking_peer);
}

/* ---- With the defaults ------------------------------------------------ */

static void an_upload_of_three_messages_comes_back(void **state)
{
    (void)state;
    for (enum driver driver = LOOP; driver <= PUMP; driver++) {
        struct end *client = new_end(driver), *server = new_end(driver);

        client->is_client = true;
        client->count     = 3;
        client->size      = 8u << 20;
        server->echoes    = true;
        assert_all_data(client, server);
        free_ends(client, server);
    }
}

static void both_may_send_much_when_they_open(void **state)
{
    (void)state;
    for (enum driver driver = LOOP; driver <= PUMP; driver++) {
        struct end *client = new_end(driver), *server = new_end(driver);

        client->is_client = true;
        client->count = server->count = 1;
        client->size  = server->size  = 1300000;
        assert_all_data(client, server);
        free_ends(client, server);
    }
}

/* Echoed in chunks; whoever sends it, whichever way the other end works. */
static void a_long_message_is_echoed_as_it_comes(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct end *a = new_end(i & 1 ? PUMP : LOOP), *b = new_end(a->driver);

        a->is_client = (i & 2) != 0;
        a->count     = 1;
        a->size      = 3000000;
        b->echoes    = true;
        b->config.stream = true;
        assert_all_data(a, b);
        free_ends(a, b);
    }
}

static void a_blocking_peer_may_echo_as_it_reads(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct end *a = new_end(i & 1 ? PUMP : LOOP), *b = new_end(BLOCKING);

        a->is_client = (i & 2) != 0;
        a->count     = 3;
        a->size      = 3000000;
        b->echoes    = true;
        b->config.stream = true;
        assert_all_data(a, b);
        free_ends(a, b);
    }
}

/* ---- What the application chooses ------------------------------------- */

/* Who pauses for what was not asked for stands still, as the peer may do the
 * same; and is told just that. */
static void who_always_pauses_is_given_up(void **state)
{
    (void)state;
    for (enum driver driver = LOOP; driver <= PUMP; driver++) {
        struct end *client = new_end(driver), *server = new_end(driver);

        client->is_client = true;
        client->count = server->count = 1;
        client->size  = server->size  = 1300000;
        client->config.pause_reading = UPF_PAUSE_ALWAYS;
        server->config.pause_reading = UPF_PAUSE_ALWAYS;
        run(client, server);
        assert_given_up(client->over ? client : server);
        free_ends(client, server);
    }
}

static void a_client_may_pause_for_replies(void **state)
{
    (void)state;
    for (enum driver driver = LOOP; driver <= PUMP; driver++) {
        struct end *client = new_end(driver), *peer = new_end(BLOCKING);

        client->is_client = true;
        client->echoes    = true;
        client->config.pause_reading = UPF_PAUSE_REPLIES;
        peer->count = 10;
        peer->size  = 300000;
        run(client, peer);
        assert_given_up(client);
        free_ends(client, peer);
    }
}

/* The bound is max_queued then, which has room for all of it. */
static void a_server_may_never_pause(void **state)
{
    (void)state;
    for (enum driver driver = LOOP; driver <= PUMP; driver++) {
        struct end *server = new_end(driver), *peer = new_end(BLOCKING);

        server->echoes = true;
        server->config.pause_reading = UPF_PAUSE_NEVER;
        peer->count = 10;
        peer->size  = 300000;
        assert_all_data(server, peer);
        free_ends(server, peer);
    }
}

/* One request after the other, each answered from outside the loop. */
static void who_answers_later_holds_reading(void **state)
{
    (void)state;
    for (enum driver driver = LOOP; driver <= PUMP; driver++) {
        struct end *client = new_end(driver), *server = new_end(driver);

        client->is_client = true;
        client->count     = 50;
        client->size      = sizeof server->input; /* one at most in a read */
        server->echoes    = true;
        server->answers_later     = true;
        server->config.high_water = HIGH_WATER;
        client->config.high_water = HIGH_WATER;
        assert_all_data(client, server);
        free_ends(client, server);
    }
}

/* ---- A peer that never reads ------------------------------------------ */

/* Bytes come from it all the time, so it is not silent; but it is no use. */
static void a_peer_that_talks_and_never_reads_is_given_up(void **state)
{
    (void)state;
    static const uint8_t pong[] = {0x8A, 0x80, 1, 2, 3, 4};
    for (enum driver driver = LOOP; driver <= PUMP; driver++) {
        struct end *server = new_end(driver);
        int         fds[2];

        now = BEGIN;
        server->count = 1;
        server->size  = 100000;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        tcp_set_blocking(fds[1], false);
        open_end(server, fds[0]);
        for (int i = 0; i < 1000 && !server->over; i++, now += 500) {
            assert_int_equal(write(fds[1], pong, sizeof pong), sizeof pong);
            turn(server);
        }
        now -= 500;
        assert_given_up(server);
        /* Nor is there a wait without end for its last word. */
        for (int i = 0; i < 1000; i++, now += 100) {
            turn(server);
            if (upf_conn_wants(&server->ws) & UPF_WANTS_CLOSE)
                break;
        }
        assert_true(upf_conn_wants(&server->ws) & UPF_WANTS_CLOSE);
        upf_conn_free(&server->ws);
        close(fds[0]);
        close(fds[1]);
        free(server);
    }
}

/* A little now and then is enough: whatever it says, or does not. */
static void a_peer_that_reads_slowly_is_waited_for(void **state)
{
    (void)state;
    for (enum driver driver = LOOP; driver <= PUMP; driver++) {
        struct end *server = new_end(driver);
        uint8_t     dropped[2 * BUFFER];
        size_t      read = 0;
        int         fds[2];

        now = BEGIN;
        server->count = 1;
        server->size  = 100000;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        tcp_set_blocking(fds[1], false);
        open_end(server, fds[0]);
        while (read < server->size) {
            const uint64_t until = now + 20000;
            for (; now < until; now += 500)
                turn(server);
            assert_false(server->over);
            const ssize_t n = recv(fds[1], dropped, sizeof dropped, 0);
            assert_true(n > 0);
            read += (size_t)n;
        }
        upf_conn_free(&server->ws);
        close(fds[0]);
        close(fds[1]);
        free(server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_of_ours_exchange_all_data),
        cmocka_unit_test(with_a_peer_that_blocks_in_write_all_ends),
        cmocka_unit_test(an_upload_of_three_messages_comes_back),
        cmocka_unit_test(both_may_send_much_when_they_open),
        cmocka_unit_test(a_long_message_is_echoed_as_it_comes),
        cmocka_unit_test(a_blocking_peer_may_echo_as_it_reads),
        cmocka_unit_test(who_always_pauses_is_given_up),
        cmocka_unit_test(a_client_may_pause_for_replies),
        cmocka_unit_test(a_server_may_never_pause),
        cmocka_unit_test(who_answers_later_holds_reading),
        cmocka_unit_test(a_peer_that_talks_and_never_reads_is_given_up),
        cmocka_unit_test(a_peer_that_reads_slowly_is_waited_for),
    };

    signal(SIGPIPE, SIG_IGN);
    const int failures =
        cmocka_run_group_tests_name("standstill", tests, NULL, NULL);
    free(pattern);
    return failures;
}
