/* SPDX-License-Identifier: MIT */
/*
 * test_guide_completion.c - docs/guide.md's completion.c over a strict engine.
 *
 * The engine holds memory as a kernel would: a read's is filled with rubbish
 * when it is submitted, a write's must not have changed when it ends, both end
 * before the struct is freed, and of each there is one. A cancelled one ends
 * later, with an error.
 */

#include "guide/fragments.c"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>

#include "guide/completion.c"
#include "support/blob.h"
#include "support/peer.h"
#include "support/rawserver.h"
#include "tcp.h"

/* ---- The engine --------------------------------------------------------- */

struct held { /* the one connection of a test */
    struct stream    stream; /* first: the engine is handed only that */
    uint8_t         *read_to; /* NULL: no read is under way */
    size_t           read_size;
    const upf_slice *slices; /* NULL: no write */
    size_t           n_slices;
    struct blob      written; /* what they were */
    bool             cancelled;
};

static struct held *held; /* NULL: discarded */
static struct peer  peer;
static uint64_t     now;
static size_t       write_most; /* of one write */
static bool         writes_first; /* of what ends at once */

void submit_read(struct stream *s, void *data, size_t len)
{
    assert_ptr_equal(s, &held->stream);
    assert_null(held->read_to);
    assert_true(len > 0);
    memset(data, 0xDD, len);
    held->read_to   = data;
    held->read_size = len;
}

void submit_write(struct stream *s, const upf_slice *slices, size_t n_slices)
{
    assert_ptr_equal(s, &held->stream);
    assert_null(held->slices);
    held->slices   = slices;
    held->n_slices = n_slices;
    blob_clear(&held->written);
    for (size_t i = 0; i < n_slices; i++)
        blob_add(&held->written, slices[i].data, slices[i].len);
}

void cancel(struct stream *s)
{
    assert_ptr_equal(s, &held->stream);
    assert_true(held->read_to != NULL || held->slices != NULL);
    held->cancelled = true;
}

void discard(struct stream *s)
{
    assert_ptr_equal(s, &held->stream);
    assert_null(held->read_to);
    assert_null(held->slices);
    close(s->fd);
    blob_free(&held->written);
    free(held);
    held = NULL;
}

static void assert_unchanged(void)
{
    size_t at = 0;

    for (size_t i = 0; i < held->n_slices; i++) {
        /* memcmp(), of which AddressSanitizer knows: it may have been freed */
        assert_int_equal(memcmp(held->written.data + at, held->slices[i].data,
                                held->slices[i].len), 0);
        at += held->slices[i].len;
    }
}

/* A write ends: false if it has to wait. */
static bool end_write(void)
{
    const size_t len = held->written.len;
    ptrdiff_t    n   = UPF_IO_ERROR;

    if (!held->cancelled)
        n = tcp_write(&held->stream.fd, held->written.data,
                      len < write_most ? len : write_most);
    if (n == UPF_IO_WANT_WRITE)
        return false;
    assert_unchanged();
    held->slices = NULL;
    was_written(&held->stream, n);
    return true;
}

static bool end_read(void)
{
    ptrdiff_t n = UPF_IO_ERROR;

    if (!held->cancelled)
        n = tcp_read(&held->stream.fd, held->read_to, held->read_size);
    if (n == UPF_IO_WANT_READ)
        return false;
    held->read_to = NULL;
    was_read(&held->stream, n);
    return true;
}

/* A completion of each kind, and then time; whether there was one. */
static bool engine_turn(void)
{
    bool moved = writes_first && held->slices != NULL && end_write();

    if (held != NULL && held->read_to != NULL)
        moved |= end_read();
    if (!writes_first && held != NULL && held->slices != NULL)
        moved |= end_write();
    if (held != NULL && upf_conn_deadline(&held->stream.ws) <= now)
        was_due(&held->stream, now);
    return moved;
}

/* ---- Both ends in turns ------------------------------------------------- */

static void turn(void)
{
    bool moved = held != NULL && engine_turn();

    if (peer.fd >= 0)
        peer_turn(&peer);
    if (!moved)
        (void)poll(NULL, 0, 1); /* what is on its way arrives */
}

#define until(condition)                                                     \
    do {                                                                     \
        const uint64_t give_up = clock_ms() + PATIENCE;                      \
        while (!(condition)) {                                               \
            turn();                                                          \
            if (clock_ms() > give_up)                                        \
                fail_msg("never so: %s", #condition);                        \
        }                                                                    \
    } while (0)

/* `step` milliseconds at a time, until it is discarded or `most` have passed;
 * returns how many did. */
static uint64_t pass(uint64_t step, uint64_t most)
{
    const uint64_t began = now;

    while (held != NULL && now - began < most) {
        now += step;
        turn();
        turn();
    }
    return now - began;
}

static int begin_test(void **state)
{
    (void)state;
    int fds[2];

    now        = 1000;
    write_most = SIZE_MAX;
    writes_first = false;
    peer_sockets(fds);
    held = calloc(1, sizeof *held);
    assert_non_null(held);
    begin(&held->stream, fds[1], now);
    peer_begin(&peer, fds[0]);
    until(peer.open);
    return 0;
}

static void end_peer(bool reset)
{
    peer_end(&peer, reset);
    peer.fd = -1;
}

static int end_test(void **state)
{
    (void)state;
    if (peer.fd >= 0)
        end_peer(false);
    until(held == NULL); /* whatever happened, it comes to its end */
    return 0;
}

static bool is_paused(void)
{
    return !(upf_conn_wants(&held->stream.ws) & UPF_WANTS_READ);
}

enum { LONG = 2 * 1000 * 1000 };

/* ---- Tests -------------------------------------------------------------- */

static void messages_come_back_however_little_is_written(void **state)
{
    (void)state;
    static const size_t most[] = {SIZE_MAX, 1000, 7};
    unsigned messages = 0;

    for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
        write_most = most[i];
        peer_send(&peer, 30, 0);
        peer_send(&peer, 30, 300);
        peer_send(&peer, 1, 30000);
        messages += 61;
        until(peer.messages == messages);
    }
}

static void long_messages_come_back(void **state)
{
    (void)state;
    peer_send(&peer, 3, LONG);
    until(peer.messages == 3);
    assert_int_equal(peer.bytes, 3 * LONG);
}

static void it_closes_in_order(void **state)
{
    (void)state;
    peer_send(&peer, 1, 10);
    upf_close(&peer.ws, UPF_CLOSE_NORMAL, "bye");
    until(peer.over && held == NULL);
    assert_true(peer.close.clean);
    assert_int_equal(peer.messages, 1);
}

/* RFC 6455, section 7.1.1: the server ends the stream, then the client. */
static void it_ends_the_stream_first(void **state)
{
    (void)state;
    char byte;

    peer.stays = true;
    upf_close(&peer.ws, UPF_CLOSE_NORMAL, "bye");
    until(peer.over && recv(peer.fd, &byte, 1, MSG_PEEK) == 0);
    assert_non_null(held);
    peer.stays = false;
    until(held == NULL);
}

static void an_end_of_the_stream_ends_it(void **state)
{
    (void)state;
    assert_int_equal(shutdown(peer.fd, SHUT_WR), 0);
    until(held == NULL);
}

/* READ is withheld; when the writes go on, so does reading. */
static void a_slow_reader_gets_all_of_it(void **state)
{
    (void)state;
    peer.deaf = true;
    peer_send(&peer, 5, LONG);
    until(is_paused());
    until(held->read_to == NULL);
    peer.deaf = false;
    until(peer.messages == 5);
}

/* 50 s after the last byte that the sockets took; a bit late if they took one
 * while time was passing. */
static void assert_given_up(void)
{
    assert_in_range(pass(1000, 200000), 45000, 150000);
    assert_null(held);
}

/* The time-out finds a write under way, and in the next test a read, too. */
static void who_does_not_read_is_given_up(void **state)
{
    (void)state;
    peer.deaf = true;
    peer_send(&peer, 5, LONG);
    until(is_paused() && held->slices != NULL);
    assert_given_up();
}

static void who_reads_nothing_and_says_nothing_is_given_up(void **state)
{
    (void)state;
    peer.deaf = true;
    peer_send(&peer, 1, 1000 * 1000); /* below high_water: it goes on reading */
    until(upf_conn_queued(&peer.ws) == 0 && held->slices != NULL &&
          held->read_to != NULL);
    assert_given_up();
}

static void who_says_nothing_is_asked_and_given_up(void **state)
{
    (void)state;
    (void)pass(1000, 40000);
    assert_int_equal(peer.pings, 1);
    assert_non_null(held);
    peer.deaf = true;
    (void)pass(1000, 70000);
    assert_null(held);
}

static void a_reset_ends_a_read(void **state)
{
    (void)state;
    until(held->read_to != NULL && held->slices == NULL);
    end_peer(true);
    until(held == NULL);
}

static void a_reset_ends_a_write(void **state)
{
    (void)state;
    peer.deaf = true;
    peer_send(&peer, 5, LONG);
    until(is_paused() && held->read_to == NULL && held->slices != NULL);
    end_peer(true);
    until(held == NULL);
}

static void check_reset_of_both(void)
{
    peer.deaf = true;
    peer_send(&peer, 1, 1000 * 1000);
    until(upf_conn_queued(&peer.ws) == 0 && held->slices != NULL &&
          held->read_to != NULL);
    end_peer(true);
    until(held == NULL);
}

static void a_reset_ends_a_read_and_then_a_write(void **state)
{
    (void)state;
    check_reset_of_both();
}

static void a_reset_ends_a_write_and_then_a_read(void **state)
{
    (void)state;
    writes_first = true;
    check_reset_of_both();
}

/* Nothing is under way, so the next ping finds out. */
static void a_reset_is_found_out_while_reading_is_held(void **state)
{
    (void)state;
    upf_conn_hold(&held->stream.ws, true);
    peer_send(&peer, 1, 10);
    until(peer.messages == 1);
    assert_null(held->read_to);
    end_peer(true);
    (void)pass(1000, 70000);
    assert_null(held);
}

/* What was sent from outside leaves, and reading that was held begins again. */
static void it_goes_on_when_it_is_told_to(void **state)
{
    (void)state;
    const uint8_t byte = peer_byte(0);

    upf_conn_hold(&held->stream.ws, true);
    peer_send(&peer, 2, 10);
    until(peer.messages == 2);
    peer_send(&peer, 1, 20);
    upf_send(&held->stream.ws, UPF_OP_BINARY, &byte, 1);
    go_on(&held->stream, (upf_input){0});
    until(peer.messages == 3);
    upf_conn_hold(&held->stream.ws, false);
    go_on(&held->stream, (upf_input){0});
    until(peer.messages == 4);
    assert_int_equal(peer.bytes, 41);
}

static void a_wrong_frame_is_told_before_it_ends(void **state)
{
    (void)state;
    assert_int_equal(send(peer.fd, "\x83\x80....", 6, 0), 6);
    until(peer.over);
    assert_int_equal(peer.close.code, UPF_CLOSE_PROTOCOL_ERROR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_test, end_test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(messages_come_back_however_little_is_written),
        TEST(long_messages_come_back),
        TEST(it_closes_in_order),
        TEST(it_ends_the_stream_first),
        TEST(an_end_of_the_stream_ends_it),
        TEST(a_slow_reader_gets_all_of_it),
        TEST(who_does_not_read_is_given_up),
        TEST(who_reads_nothing_and_says_nothing_is_given_up),
        TEST(who_says_nothing_is_asked_and_given_up),
        TEST(a_reset_ends_a_read),
        TEST(a_reset_ends_a_write),
        TEST(a_reset_ends_a_read_and_then_a_write),
        TEST(a_reset_ends_a_write_and_then_a_read),
        TEST(a_reset_is_found_out_while_reading_is_held),
        TEST(it_goes_on_when_it_is_told_to),
        TEST(a_wrong_frame_is_told_before_it_ends),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
