/* SPDX-License-Identifier: MIT */
/*
 * test_guide.c - the whole programs of docs/guide.md, compiled bare, and run;
 * and that of examples/common/server.h, with a copy of its directory.
 *
 * GUIDE names their directory; without it the tests are skipped. The servers'
 * port is the kernel's: it is bound here, too, without listening.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/child.h"
#include "support/peer.h"
#include "support/rawserver.h"
#include "tcp.h"

static const char      *guide;
static struct rawserver port = {.listener = -1, .peer = -1};
static struct child     server = {.output = -1}, client = {.output = -1};

static void start(struct child *c, const char *name, const char *argument)
{
    char  path[512];
    char *argv[] = {path, (char *)(uintptr_t)argument, NULL};

    snprintf(path, sizeof path, "%s/%s", guide, name);
    child_start(c, argv);
}

/* Its first line is the URL at which it listens. */
static void start_server(const char *name)
{
    char number[8];

    if (guide == NULL)
        skip(); /* `make coverage` builds no guide; `make test` does */
    rawserver_stop(&port);
    snprintf(number, sizeof number, "%u", port.port);
    start(&server, name, number);
    assert_true(child_line(&server, PATIENCE));
    assert_non_null(strstr(server.line, number));
}

static void run_client(void)
{
    start(&client, "client", server.line);
    assert_true(child_line(&client, PATIENCE));
    assert_string_equal(client.line, "hello");
    assert_int_equal(child_exit_status(&client), 0);
}

static int begin_test(void **state)
{
    (void)state;
    guide = getenv("GUIDE");
    rawserver_begin(&port);
    return 0;
}

static int end_test(void **state)
{
    (void)state;
    child_end(&client);
    child_end(&server);
    rawserver_end(&port);
    return 0;
}

/* ---- One peer ----------------------------------------------------------- */

static void begin_peer(struct peer *p)
{
    const int fd = tcp_connect("127.0.0.1", port.port, PATIENCE);

    assert_true(fd >= 0);
    peer_begin(p, fd);
}

static void turn(struct peer *p)
{
    const unsigned wants = upf_io_wants(&p->io, &p->ws);
    struct pollfd  polls = {
        .fd     = p->fd,
        .events = (short)(POLLIN | (wants & UPF_WANTS_WRITE ? POLLOUT : 0))};

    assert_int_equal(poll(&polls, 1, PATIENCE), 1);
    peer_turn(p);
}

/* It sends and reads at once, as a peer should. */
static void check_echo(void)
{
    struct peer p;

    begin_peer(&p);
    while (!p.open)
        turn(&p);
    peer_send(&p, 1, 0);
    peer_send(&p, 3, 70000);
    while (p.messages < 4)
        turn(&p);
    assert_int_equal(p.bytes, 3 * 70000);
    upf_close(&p.ws, UPF_CLOSE_NORMAL, NULL);
    while (!p.over)
        turn(&p);
    assert_true(p.close.clean);
    peer_end(&p, false);
}

/* A reset, at the beginning and in the middle, is the end of one client. */
static void check_resets(void)
{
    struct peer p;

    begin_peer(&p);
    peer_end(&p, true);
    begin_peer(&p);
    while (!p.open)
        turn(&p);
    peer_send(&p, 3, 70000);
    turn(&p);
    peer_end(&p, true);
}

static void check_server(const char *name)
{
    start_server(name);
    run_client();
    check_echo();
    check_resets();
    run_client();
}

static void the_server_serves(void **state)
{
    (void)state;
    check_server("server");
}

static void the_poll_server_serves(void **state)
{
    (void)state;
    check_server("poll_server");
}

/* What it does not set must be safe: strangers do not reach it. */
static void the_program_in_server_h_serves_as_its_help_says(void **state)
{
    static const char line[] = "listening on ws://127.0.0.1:";
    char help[4096];

    (void)state;
    if (guide == NULL)
        skip();
    start(&server, "copied", "--help");
    assert_int_equal(child_rest(&server, help, sizeof help), 0);
    assert_non_null(strstr(help, "(127.0.0.1: this machine only)"));
    assert_non_null(strstr(help, "(9001)"));
    assert_non_null(strstr(help, "1009 (65536)"));
    assert_non_null(strstr(help, "(1000)"));
    assert_null(strstr(help, "0: never (0)"));

    start(&server, "copied", "--port=0");
    assert_true(child_line(&server, PATIENCE));
    assert_memory_equal(server.line, line, sizeof line - 1);
    memmove(server.line, strstr(server.line, "ws:"),
            strlen(strstr(server.line, "ws:")) + 1);
    run_client();
    run_client();
}

static void a_port_that_is_taken_is_told(void **state)
{
    (void)state;
    static const char *const names[] = {"server", "poll_server"};

    if (guide == NULL)
        skip(); /* `make coverage` builds no guide; `make test` does */
    for (int i = 0; i < 2; i++) {
        char number[8];

        snprintf(number, sizeof number, "%u", port.port);
        start(&server, names[i], number);
        assert_int_equal(child_exit_status(&server), 1);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_test, end_test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_server_serves),
        TEST(the_poll_server_serves),
        TEST(a_port_that_is_taken_is_told),
        TEST(the_program_in_server_h_serves_as_its_help_says),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
