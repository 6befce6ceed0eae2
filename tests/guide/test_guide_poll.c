/* SPDX-License-Identifier: MIT */
/*
 * test_guide_poll.c - docs/guide.md's poll_server.c, in turns with its clients.
 *
 * The program is included as it stands in the guide. Its clock is the test's;
 * poll() waits for a moment only, so that its clients come to their turn, and
 * what the application does with its events is decided here.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include <upframe/upframe.h>

#include "support/peer.h"
#include "support/rawserver.h"
#include "tcp.h"

/* ---- What the program is given in place of the real one ----------------- */

static struct {
    uint64_t now;          /* ms */
    int      ready;        /* what the last poll() returned ... */
    int      wait;         /* ... and how long it was to wait, ms */
    bool     no_descriptors;
    bool     too_early;    /* poll() ends just before what it waits for */
    bool     defers, holds; /* the application, at a request, at a message */
    int      reads;        /* so often it has read */
} given;

static int brief_poll(struct pollfd *polls, nfds_t count, int ms)
{
    given.wait  = ms;
    given.ready = poll(polls, count, ms > 1 ? 1 : ms);
    for (nfds_t i = 0; i < count && given.too_early; i++)
        polls[i].revents = 0;
    return given.ready;
}

static int test_clock(clockid_t id, struct timespec *t)
{
    assert_int_equal(id, CLOCK_MONOTONIC);
    t->tv_sec  = (time_t)(given.now / 1000);
    t->tv_nsec = (long)(given.now % 1000) * 1000000;
    return 0;
}

static int scarce_accept(int fd, struct sockaddr *address, socklen_t *len)
{
    if (given.no_descriptors) {
        errno = EMFILE;
        return -1;
    }
    return accept(fd, address, len);
}

static ssize_t counted_recv(int fd, void *data, size_t len, int flags)
{
    given.reads++;
    return recv(fd, data, len, flags);
}

static upf_status next_event(upf_conn *ws, upf_input *in, upf_event *ev)
{
    const upf_status status = upf_conn_next(ws, in, ev);

    if (status == UPF_OK && ev->type == UPF_EVENT_REQUEST && given.defers)
        assert_int_equal(upf_defer(ws), UPF_OK);
    if (status == UPF_OK && ev->type == UPF_EVENT_MESSAGE && given.holds)
        upf_conn_hold(ws, true);
    return status;
}

int program(int argc, char **argv);

#define poll          brief_poll
#define clock_gettime test_clock
#define accept        scarce_accept
#define recv          counted_recv
#define upf_conn_next next_event
#define main          program
#include "guide/poll_server.c"
#undef poll
#undef clock_gettime
#undef accept
#undef recv
#undef upf_conn_next
#undef main

/* ---- The server and its clients ----------------------------------------- */

enum { PEERS = 3, MESSAGE = 3 * 1000 * 1000 };

static int         listener;
static struct peer peers[MAX_CLIENTS + 1];
static size_t      peer_count;

static void turn(void)
{
    assert_true(take_turn(listener));
    for (size_t i = 0; i < peer_count; i++)
        peer_turn(&peers[i]);
}

/* Turns, until it is so; what takes too long has failed. */
#define until(condition)                                                     \
    do {                                                                     \
        const uint64_t give_up = clock_ms() + PATIENCE;                      \
        while (!(condition)) {                                               \
            turn();                                                          \
            if (clock_ms() > give_up)                                        \
                fail_msg("never so: %s", #condition);                        \
        }                                                                    \
    } while (0)

static struct peer *new_peer(void)
{
    struct peer *p = &peers[peer_count++];

    peer_begin(p, peer_connect(listener));
    return p;
}

static struct peer *open_peer(void)
{
    struct peer *p = new_peer();

    until(p->open);
    return p;
}

static int begin_test(void **state)
{
    (void)state;
    memset(&given, 0, sizeof given);
    given.now  = 1000;
    listener   = tcp_listen("127.0.0.1", "0");
    peer_count = 0;
    return listener < 0;
}

static int end_test(void **state)
{
    (void)state;
    for (size_t i = 0; i < peer_count; i++)
        peer_end(&peers[i], false);
    while (count > 0)
        remove_client(0);
    close(listener);
    return 0;
}

/* ---- Its work ----------------------------------------------------------- */

static void messages_of_every_size_come_back(void **state)
{
    (void)state;
    for (int i = 0; i < PEERS; i++)
        new_peer();
    for (size_t i = 0; i < PEERS; i++) {
        until(peers[i].open);
        peer_send(&peers[i], 1, 0);
        peer_send(&peers[i], 5, 100 * i);
        peer_send(&peers[i], 1, MESSAGE);
    }
    for (size_t i = 0; i < PEERS; i++) {
        until(peers[i].messages == 7);
        assert_int_equal(peers[i].bytes, 500 * i + MESSAGE);
        upf_close(&peers[i].ws, UPF_CLOSE_NORMAL, "bye");
        until(peers[i].over);
        assert_true(peers[i].close.clean);
        assert_int_equal(peers[i].close.code, UPF_CLOSE_NORMAL);
    }
    until(count == 0);
}

/* RFC 6455, section 7.1.1: the server ends the stream, then the client. */
static void it_ends_the_stream_first(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    char         byte;

    p->stays = true;
    upf_close(&p->ws, UPF_CLOSE_NORMAL, "bye");
    until(p->over && recv(p->fd, &byte, 1, MSG_PEEK) == 0);
    assert_int_equal(count, 1);
    p->stays = false;
    until(count == 0);
}

static void its_sockets_do_not_wait(void **state)
{
    (void)state;
    int       yes = 0;
    socklen_t len = sizeof yes;

    open_peer();
    assert_true(fcntl(clients[0].fd, F_GETFL) & O_NONBLOCK);
    assert_int_equal(getsockopt(clients[0].fd, IPPROTO_TCP, TCP_NODELAY, &yes,
                                &len), 0);
    assert_true(yes);
}

/* Who sends and does not read is paused, costs a bounded queue, and is given
 * up in the end; others are served. */
static void a_client_that_does_not_read_harms_nobody(void **state)
{
    (void)state;
    struct peer *deaf = open_peer(), *other = open_peer();

    deaf->deaf = true;
    peer_send(deaf, 9, MESSAGE);
    until(!(upf_conn_wants(&clients[0].ws) & UPF_WANTS_READ));
    assert_true(upf_conn_queued(&clients[0].ws) <= 2 * MESSAGE);
    peer_send(other, 1, 10);
    until(other->messages == 1);
    for (int i = 0; i < 40 && count == 2; i++) {
        given.now += 2500;
        turn();
        turn();
    }
    assert_int_equal(count, 1);
    assert_false(other->over);
}

static void a_slow_reader_gets_all_of_it(void **state)
{
    (void)state;
    struct peer *p = open_peer();

    p->deaf = true;
    peer_send(p, 5, MESSAGE);
    until(!(upf_conn_wants(&clients[0].ws) & UPF_WANTS_READ));
    p->deaf = false;
    until(p->messages == 5);
}

/* Whatever still lies there: the others come first. */
static void who_says_a_lot_has_one_read_a_turn(void **state)
{
    (void)state;
    struct peer *p = open_peer();

    peer_send(p, 1, MESSAGE);
    for (int i = 0; i < 3; i++) {
        peer_turn(p);
        assert_true(readable(clients[0].fd, PATIENCE));
        given.reads = 0;
        assert_true(take_turn(listener));
        assert_int_equal(given.reads, 1);
    }
}

/* ---- What poll() says unasked ------------------------------------------- */

static void a_reset_is_seen(void **state)
{
    (void)state;
    open_peer();
    peer_end(&peers[--peer_count], true);
    until(count == 0);
}

static void a_reset_is_seen_while_reading_is_held(void **state)
{
    (void)state;
    struct peer *p = open_peer();

    given.holds = true;
    peer_send(p, 1, 10);
    until(p->messages == 1);
    assert_false(upf_conn_wants(&clients[0].ws) & UPF_WANTS_READ);
    peer_end(&peers[--peer_count], true);
    until(count == 0);
}

static void a_reset_is_seen_while_the_answer_is_deferred(void **state)
{
    (void)state;
    given.defers = true;
    new_peer();
    until(count == 1 && !(upf_conn_wants(&clients[0].ws) & UPF_WANTS_READ));
    peer_end(&peers[--peer_count], true);
    until(count == 0);
}

/* What was said before it is not lost, and nothing wakes the loop. */
static void an_end_is_not_seen_while_reading_is_held(void **state)
{
    (void)state;
    struct peer *p = open_peer();

    given.holds = true;
    peer_send(p, 1, 10);
    until(p->messages == 1);
    given.holds = false;
    peer_send(p, 1, 20);
    peer_turn(p);
    assert_int_equal(shutdown(p->fd, SHUT_WR), 0);
    peer_count = 0;
    until(given.ready == 0);
    assert_int_equal(count, 1);
    upf_conn_hold(&clients[0].ws, false);
    peer_count = 1;
    until(p->messages == 2);
    until(count == 0);
}

/* ---- Time --------------------------------------------------------------- */

static void who_says_nothing_is_told_to_go(void **state)
{
    (void)state;
    struct peer *p = new_peer();

    until(count == 0 || p->open);
    const int fd = peer_connect(listener);
    until(count == 2);
    given.now += 10000; /* handshake_timeout */
    until(readable(fd, 0));
    char answer[16] = "";
    assert_true(recv(fd, answer, 12, 0) == 12);
    assert_string_equal(answer, "HTTP/1.1 408");
    given.now += 5000; /* close_timeout: it does not close */
    until(count == 1);
    assert_false(p->over);
    close(fd);
}

static void who_is_silent_is_asked_and_then_given_up(void **state)
{
    (void)state;
    struct peer *p = open_peer();

    for (unsigned i = 0; i < 3; i++) {
        until(given.ready == 0);
        given.now += 3000; /* a tenth of ping_interval: what came is noted */
        turn();
        assert_int_equal(p->pings, i);
        given.now += 30000;
        until(p->pings == i + 1); /* and it answers */
    }
    p->deaf = true;
    for (int i = 0; i < 60 && count > 0; i++) {
        given.now += 2000;
        turn();
    }
    assert_int_equal(count, 0);
}

/* Else it would be asked when somebody else stirs. */
static void it_waits_until_the_first_is_due(void **state)
{
    (void)state;
    open_peer();
    until(given.ready == 0 && given.wait > 0);
    assert_int_equal(given.wait, 27000);
    given.now += 1000;
    struct peer *second = open_peer();
    until(given.ready == 0 && given.wait > 0);
    assert_int_equal(given.wait, 26000);
    peer_send(second, 1, 10);
    until(second->messages == 1 && given.ready == 0);
    assert_int_equal(given.wait, 3000); /* to note when that came */
}

/* What came behind poll()'s back is read before anybody is given up. */
static void an_answer_of_the_last_moment_counts(void **state)
{
    (void)state;
    struct peer *p = open_peer();

    until(given.ready == 0);
    given.now += 3000;
    turn();
    given.now += 30000;
    until(p->pings == 1);
    assert_true(readable(clients[0].fd, PATIENCE));
    given.too_early = true;
    given.now += 20000; /* pong_timeout */
    turn();
    given.too_early = false;
    until(given.ready == 0);
    assert_int_equal(count, 1);
    assert_false(p->over);
}

/* ---- Too many ----------------------------------------------------------- */

static void one_too_many_waits_for_a_place(void **state)
{
    (void)state;
    for (int i = 0; i < MAX_CLIENTS; i++)
        open_peer();
    struct peer *last = new_peer();
    until(given.ready == 0);
    assert_int_equal(count, MAX_CLIENTS);
    assert_false(last->open);
    upf_close(&peers[7].ws, UPF_CLOSE_NORMAL, NULL);
    until(last->open);
}

/* The waiting connection makes the listener readable all the time. */
static void without_descriptors_it_tries_again_later(void **state)
{
    (void)state;
    struct peer *p = new_peer();

    given.no_descriptors = true;
    until(given.ready == 1); /* tried, in vain */
    turn();
    assert_int_equal(given.ready, 0);
    given.no_descriptors = false;
    until(p->open);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_test, end_test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(messages_of_every_size_come_back),
        TEST(it_ends_the_stream_first),
        TEST(its_sockets_do_not_wait),
        TEST(a_client_that_does_not_read_harms_nobody),
        TEST(a_slow_reader_gets_all_of_it),
        TEST(who_says_a_lot_has_one_read_a_turn),
        TEST(a_reset_is_seen),
        TEST(a_reset_is_seen_while_reading_is_held),
        TEST(a_reset_is_seen_while_the_answer_is_deferred),
        TEST(an_end_is_not_seen_while_reading_is_held),
        TEST(who_says_nothing_is_told_to_go),
        TEST(who_is_silent_is_asked_and_then_given_up),
        TEST(it_waits_until_the_first_is_due),
        TEST(an_answer_of_the_last_moment_counts),
        TEST(one_too_many_waits_for_a_place),
        TEST(without_descriptors_it_tries_again_later),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
