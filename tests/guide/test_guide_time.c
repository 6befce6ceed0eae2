/* SPDX-License-Identifier: MIT */
/* test_guide_time.c - docs/guide.md's serve_in_time.c. */

#include "guide/fragments.c"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>

#include "guide/serve_in_time.c"
#include "support/peer.h"
#include "support/rawserver.h"
#include "tcp.h"

enum { MESSAGES = 8, TICK = 3001, JUMP = 51 * 1000 };

static uint64_t looks; /* at the clock */

/* It jumps once, behind the turns of OPEN and two messages: the second tick
 * that sees output wait notes since when. */
static uint64_t jumping_clock(void)
{
    looks++;
    return looks * TICK + (looks > 3 ? JUMP : 0);
}

/* Who was read late and answered late has not been slow itself: all that is
 * here comes in one read, with a Close behind it. */
static void a_peer_is_not_blamed_for_our_delay(void **state)
{
    (void)state;
    struct peer peer;
    upf_conn    ws;
    int         fds[2];

    peer_sockets(fds);
    struct timed server = {.fd = fds[0]};
    upf_io io = upf_io_callbacks(read_for_a_second, tcp_write, &server);
    assert_int_equal(upf_conn_init_open(&ws, NULL, false, NULL), UPF_OK);
    peer_begin_open(&peer, fds[1], true);
    peer_turn(&peer);
    peer_send(&peer, MESSAGES, 10);
    assert_int_equal(upf_close(&peer.ws, UPF_CLOSE_NORMAL, NULL), UPF_OK);
    peer_turn(&peer);
    looks = 0;
    serve_in_time(&io, &ws, jumping_clock);
    peer_turn(&peer);
    assert_int_equal(peer.messages, MESSAGES);
    assert_true(peer.over && peer.close.clean);
    assert_int_equal(peer.close.code, UPF_CLOSE_NORMAL);
    upf_conn_free(&ws);
    close(fds[0]);
    peer_end(&peer, false);
}

/* ---- An answer of the last moment --------------------------------------- */

static struct peer  asked;
static struct timed served;

/* OPEN and what came is noted, a ping is due and leaves; and then so much time
 * has passed at once as an answer may take. */
static uint64_t late_clock(void)
{
    static const uint64_t times[] = {1000, 4000, 31000, 31000, 51000};

    if (looks == 4) { /* it lies in the socket's buffer when this is known */
        peer_turn(&asked);
        assert_int_equal(asked.pings, 1);
        assert_true(readable(served.fd, PATIENCE));
    } else if (looks > 4 && upf_conn_is_open(&asked.ws)) {
        upf_close(&asked.ws, UPF_CLOSE_NORMAL, NULL);
    }
    if (looks > 4)
        peer_turn(&asked);
    const uint64_t now = times[looks < 4 ? looks : 4];
    looks++;
    return now;
}

static void what_came_behind_a_look_at_the_clock_counts(void **state)
{
    (void)state;
    upf_conn ws;
    int      fds[2];

    peer_sockets(fds);
    served.fd = fds[0];
    upf_io io = upf_io_callbacks(read_for_a_second, tcp_write, &served);
    assert_int_equal(upf_conn_init_open(&ws, NULL, false, NULL), UPF_OK);
    peer_begin_open(&asked, fds[1], true);
    looks = 0;
    serve_in_time(&io, &ws, late_clock);
    peer_turn(&asked);
    assert_true(asked.over && asked.close.clean);
    assert_int_equal(asked.close.code, UPF_CLOSE_NORMAL);
    upf_conn_free(&ws);
    close(served.fd);
    peer_end(&asked, false);
}

/* ---- A byte now and then ------------------------------------------------- */

static int now_and_then;

static uint64_t seconds(void)
{
    return ++looks * 1000;
}

static ptrdiff_t read_late(void *user, void *data, size_t len)
{
    assert_int_equal(write(now_and_then, "a", 1), 1); /* while we waited */
    return read_for_a_second(user, data, len);
}

/* None of its bytes makes an event; the time for the handshake ends all the
 * same. */
static void a_byte_now_and_then_wins_no_time(void **state)
{
    (void)state;
    static const char begin[] = "GET /";
    char         answer[512];
    struct timed server = {0};
    upf_conn     ws;
    int          fds[2];

    peer_sockets(fds);
    server.fd    = fds[0];
    now_and_then = fds[1];
    upf_io io = upf_io_callbacks(read_late, tcp_write, &server);
    upf_conn_init_server(&ws, NULL);
    assert_int_equal(write(fds[1], begin, sizeof begin - 1), sizeof begin - 1);
    looks = 0;
    serve_in_time(&io, &ws, seconds);
    assert_true(readable(fds[1], PATIENCE));
    assert_true(read(fds[1], answer, sizeof answer) > 12);
    assert_memory_equal(answer, "HTTP/1.1 408", 12);
    upf_conn_free(&ws);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_is_not_blamed_for_our_delay),
        cmocka_unit_test(what_came_behind_a_look_at_the_clock_counts),
        cmocka_unit_test(a_byte_now_and_then_wins_no_time),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
