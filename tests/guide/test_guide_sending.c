/* SPDX-License-Identifier: MIT */
/* test_guide_sending.c - docs/guide.md's send_file.c and echo_chunk.c. */

#include "guide/fragments.c"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>

#include "guide/echo_chunk.c"
#include "guide/send_file.c"
#include "support/peer.h"
#include "support/rawserver.h"
#include "tcp.h"

/* One end is the guide's, in a pump that does not wait; the other is `peer`. */
static struct {
    upf_conn   ws;
    upf_config config;
    upf_io     io;
    int        fd;
    FILE      *file;   /* NULL: it sends none */
    upf_status sent;   /* what send_file() returned */
    bool       open, over;
} here;

static struct peer peer;

static void on_event(const upf_event *ev)
{
    if (ev->type == UPF_EVENT_CHUNK && here.file == NULL)
        echo_chunk(&here.ws, ev);
    here.open |= ev->type == UPF_EVENT_OPEN;
    here.over |= ev->type == UPF_EVENT_CLOSE;
}

static void turn(void)
{
    struct pollfd arrivals[] = {
        {.fd = here.fd, .events = POLLIN},
        {.fd = peer.deaf ? -1 : peer.fd, .events = POLLIN}};
    upf_event ev;

    (void)poll(arrivals, 2, 1);
    if (here.file != NULL && here.sent > 0)
        here.sent = send_file(&here.ws, &here.io, here.file);
    while (upf_io_next(&here.io, &here.ws, &ev) == UPF_OK)
        on_event(&ev);
    peer_turn(&peer);
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

static int begin_test(void **state)
{
    (void)state;
    memset(&here, 0, sizeof here);
    here.config = upf_config_default();
    here.config.stream = true;
    return 0;
}

static void start(bool is_client)
{
    int fds[2];

    peer_sockets(fds);
    here.fd   = fds[0];
    here.io   = upf_io_callbacks(tcp_read, tcp_write, &here.fd);
    here.sent = UPF_WANT_WRITE;
    assert_int_equal(upf_conn_init_open(&here.ws, &here.config, is_client,
                                        NULL), UPF_OK);
    peer_begin_open(&peer, fds[1], !is_client);
    until(here.open && peer.open);
}

static int end_test(void **state)
{
    (void)state;
    upf_conn_free(&here.ws);
    close(here.fd);
    if (here.file != NULL)
        fclose(here.file);
    peer_end(&peer, false);
    return begin_test(state);
}

static FILE *file_of(size_t len)
{
    FILE *file = tmpfile();

    assert_non_null(file);
    for (size_t i = 0; i < len; i++)
        putc(peer_byte(i), file);
    rewind(file);
    return file;
}

enum { BLOCK = 8192, LONG = 6 * 1000 * 1000 };

/* ---- send_file() -------------------------------------------------------- */

static void a_file_of_any_length_is_one_message(void **state)
{
    (void)state;
    static const size_t lens[] = {0, 1, BLOCK - 1, BLOCK, BLOCK + 1, LONG};

    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        start(i % 2);
        here.file = file_of(lens[i]);
        until(peer.messages == 1);
        assert_int_equal(here.sent, UPF_OK);
        assert_int_equal(peer.bytes, lens[i]);
        if (i + 1 < sizeof lens / sizeof *lens)
            (void)end_test(state);
    }
}

/* The queue is bounded, and what is sent after it is a message of its own. */
static void a_file_waits_for_a_peer_that_does_not_read(void **state)
{
    (void)state;
    start(false);
    here.file = file_of(LONG);
    peer.deaf = true;
    for (int i = 0; i < 100; i++)
        turn();
    assert_int_equal(here.sent, UPF_WANT_WRITE);
    assert_true(upf_conn_queued(&here.ws) <=
                here.config.high_water + 2 * BLOCK);
    assert_int_equal(upf_send(&here.ws, UPF_OP_TEXT, "x", 1), UPF_ERR_STATE);
    peer.deaf = false;
    until(peer.messages == 1);
    const uint8_t byte = peer_byte(0);
    assert_int_equal(upf_send(&here.ws, UPF_OP_BINARY, &byte, 1), UPF_OK);
    until(peer.messages == 2);
}

/* Both ends write as long as they can. */
static void a_file_comes_back_from_an_echo(void **state)
{
    (void)state;
    for (int is_client = 0; is_client < 2; is_client++) {
        start(is_client);
        here.file   = file_of(LONG);
        peer.echoes = true;
        until(peer.messages == 1 && upf_conn_queued(&peer.ws) == 0);
        until(upf_conn_queued(&here.ws) == 0);
        assert_false(here.over);
        if (is_client == 0)
            (void)end_test(state);
    }
}

static void a_file_that_cannot_be_read_is_no_short_message(void **state)
{
    (void)state;
    start(false);
    here.file = fopen("/", "r"); /* a directory: reading fails */
    assert_non_null(here.file);
    until(peer.over && here.over);
    assert_int_equal(here.sent, UPF_ERR_IO);
    assert_int_equal(peer.messages, 0);
    assert_int_equal(peer.close.code, UPF_CLOSE_INTERNAL_ERROR);
}

static void a_file_ends_with_the_connection(void **state)
{
    (void)state;
    start(false);
    here.file = file_of(LONG);
    peer.deaf = true;
    turn();
    peer_end(&peer, true);
    peer_begin_open(&peer, dup(here.fd), true); /* for end_test() */
    peer.deaf = true;
    until(here.sent < 0);
}

/* Over a socket that blocks, it returns when all is queued. */
static void a_blocking_socket_needs_one_call(void **state)
{
    (void)state;
    here.config.high_water = BLOCK;
    start(false);
    FILE *file = file_of(4 * BLOCK); /* what the socket's buffer holds */
    tcp_set_blocking(here.fd, true);
    assert_int_equal(send_file(&here.ws, &here.io, file), UPF_OK);
    tcp_set_blocking(here.fd, false);
    until(peer.messages == 1);
    assert_int_equal(peer.bytes, 4 * BLOCK);
    fclose(file);
}

/* ---- echo_chunk() ------------------------------------------------------- */

static void chunks_come_back_from_a_server(void **state)
{
    (void)state;
    start(false);
    peer_send(&peer, 2, 0);
    peer_send(&peer, 3, LONG);
    peer.deaf = true;
    until(!(upf_conn_wants(&here.ws) & UPF_WANTS_READ));
    assert_true(upf_conn_queued(&here.ws) <= 2 * here.config.high_water);
    peer.deaf = false;
    until(peer.messages == 5);
    assert_int_equal(peer.bytes, 3 * LONG);
}

static void chunks_come_back_from_a_client_that_pauses(void **state)
{
    (void)state;
    here.config.pause_reading = UPF_PAUSE_REPLIES;
    start(true);
    peer.deaf = true;
    peer_send(&peer, 3, LONG);
    until(!(upf_conn_wants(&here.ws) & UPF_WANTS_READ));
    peer.deaf = false;
    until(peer.messages == 3);
}

/* No message is cut short: the connection closes. */
static void without_room_the_echo_closes(void **state)
{
    (void)state;
    here.config.high_water = 1000;
    here.config.max_queued = 100 * 1000;
    start(true);
    peer.deaf = true;
    peer_send(&peer, 1, LONG);
    until(!upf_conn_is_open(&here.ws));
    peer.deaf = false;
    until(peer.over);
    assert_int_equal(peer.messages, 0);
    assert_int_equal(peer.close.code, UPF_CLOSE_TRY_AGAIN_LATER);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_test, end_test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_of_any_length_is_one_message),
        TEST(a_file_waits_for_a_peer_that_does_not_read),
        TEST(a_file_comes_back_from_an_echo),
        TEST(a_file_that_cannot_be_read_is_no_short_message),
        TEST(a_file_ends_with_the_connection),
        TEST(a_blocking_socket_needs_one_call),
        TEST(chunks_come_back_from_a_server),
        TEST(chunks_come_back_from_a_client_that_pauses),
        TEST(without_room_the_echo_closes),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
