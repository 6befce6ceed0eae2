/* SPDX-License-Identifier: MIT */
/*
 * test_guide_client.c - docs/guide.md's client.c, and servers of all sorts.
 *
 * The program is included as it stands in the guide, and runs in a child. How
 * long it waits is up to the test.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "support/child.h"
#include "support/rawserver.h"

static int longest_wait; /* ms; 0: what the program says */

static int set_option(int fd, int level, int name, const void *value,
                      socklen_t len)
{
    const struct timeval ours = {.tv_sec  = longest_wait / 1000,
                                 .tv_usec = longest_wait % 1000 * 1000};

    return setsockopt(fd, level, name, longest_wait > 0 ? &ours : value, len);
}

int program(int argc, char **argv);

#define setsockopt set_option
#define main       program
#include "guide/client.c"
#undef setsockopt
#undef main

static struct rawserver server;
static struct child     client = {.output = -1};

/* ---- The program -------------------------------------------------------- */

static void start(const char *url)
{
    char *argv[] = {(char *)"client", (char *)(uintptr_t)url, NULL};
    int   ends[2];

    assert_int_equal(pipe(ends), 0);
    client.pid = fork();
    assert_true(client.pid >= 0);
    if (client.pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        const int status = program(2, argv);
        fflush(stdout);
        _exit(status);
    }
    close(ends[1]);
    client.output   = ends[0];
    client.text_len = 0;
}

static void start_here(void)
{
    char url[64];

    snprintf(url, sizeof url, "ws://127.0.0.1:%u/", server.port);
    start(url);
}

/* It says one line and exits so. */
static void assert_ends(const char *line, int status)
{
    assert_true(child_line(&client, PATIENCE));
    assert_non_null(strstr(client.line, line));
    assert_int_equal(child_exit_status(&client), status);
}

static int begin_test(void **state)
{
    (void)state;
    longest_wait = PATIENCE;
    rawserver_begin(&server);
    return 0;
}

static int end_test(void **state)
{
    (void)state;
    child_end(&client);
    rawserver_end(&server);
    return 0;
}

/* ---- Servers ------------------------------------------------------------ */

static void answer(void)
{
    char   response[512];

    rawserver_accept(&server);
    rawserver_read_head(&server, sizeof server.head);
    rawserver_put(&server, response,
                  rawserver_response(&server, response, sizeof response));
}

static void await_hello(void)
{
    char text[256];

    assert_int_equal(rawserver_read(&server, UPF_OP_TEXT, text), 5);
    assert_string_equal(text, "hello");
}

static void put_text(const char *text)
{
    uint8_t frame[256];

    rawserver_put(&server, frame,
                  rawserver_frame(frame, UPF_OP_TEXT, text, strlen(text)));
}

static void it_prints_the_answer_and_lets_the_server_close_first(void **state)
{
    (void)state;
    start_here();
    answer();
    await_hello();
    put_text("hello yourself");
    assert_int_equal(rawserver_read_close(&server), UPF_CLOSE_NORMAL);
    rawserver_put_close(&server, UPF_CLOSE_NORMAL, "");
    assert_false(readable(server.peer, 200));
    rawserver_cut(&server, false);
    assert_ends("hello yourself", 0);
}

static void it_waits_for_that_for_a_moment_only(void **state)
{
    (void)state;
    longest_wait = 0;
    start_here();
    answer();
    await_hello();
    put_text("");
    (void)rawserver_read_close(&server);
    rawserver_put_close(&server, UPF_CLOSE_NORMAL, "");
    assert_ends("", 0);
}

static void a_server_that_says_nothing_is_given_up(void **state)
{
    (void)state;
    longest_wait = 50;
    start_here();
    rawserver_accept(&server);
    assert_ends("reading or writing failed", 1);
}

static void a_server_that_does_not_answer_is_given_up(void **state)
{
    (void)state;
    longest_wait = 50;
    start_here();
    answer();
    assert_ends("reading or writing failed", 1);
}

static void another_status_is_told(void **state)
{
    (void)state;
    static const char response[] =
        "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";

    start_here();
    rawserver_accept(&server);
    rawserver_read_head(&server, sizeof server.head);
    rawserver_put(&server, response, sizeof response - 1);
    assert_ends("the server said HTTP 503", 1);
}

static void a_close_before_the_answer_is_told(void **state)
{
    (void)state;
    start_here();
    answer();
    await_hello();
    rawserver_put_close(&server, UPF_CLOSE_INTERNAL_ERROR, "");
    (void)rawserver_read_close(&server);
    rawserver_cut(&server, false);
    assert_ends("closed with 1011", 1);
}

static void a_reset_is_told(void **state)
{
    (void)state;
    start_here();
    answer();
    await_hello();
    rawserver_cut(&server, true);
    assert_ends("failed", 1);
}

static void nothing_is_sent_in_the_clear_for_wss(void **state)
{
    (void)state;
    char url[64];

    snprintf(url, sizeof url, "wss://127.0.0.1:%u/", server.port);
    start(url);
    assert_ends("wss:// needs TLS", 1);
    assert_false(readable(server.listener, 0));
}

static void the_fault_of_a_url_is_told(void **state)
{
    (void)state;
    start("http://127.0.0.1/");
    assert_ends("it does not begin with ws:// or wss:// (byte 0)", 1);
    start("ws://127.0.0.1/#top");
    assert_ends("(byte 15)", 1);
}

/* No label of a name has 70 letters (RFC 1035, section 2.3.4), so nobody is
 * asked. */
static void an_unknown_name_is_told(void **state)
{
    (void)state;
    start("ws://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
          "aaaaaaaaaaaaaaaaaaaaaaa/");
    assert_true(child_line(&client, PATIENCE));
    assert_null(strstr(client.line, "Success"));
    assert_non_null(strstr(client.line, "aaa: "));
    assert_int_equal(child_exit_status(&client), 1);
}

static void a_server_that_is_not_there_is_told(void **state)
{
    (void)state;
    rawserver_stop(&server);
    start_here();
    assert_ends("127.0.0.1: Connection refused", 1);
}

/* The listener has no room: a SYN is not answered. Linux bounds connect() by
 * SO_SNDTIMEO; other systems may wait for minutes. */
static void a_server_that_takes_no_connection_is_told(void **state)
{
    (void)state;
#ifdef __linux__
    struct sockaddr_in there = {
        .sin_family = AF_INET,
        .sin_port   = htons(server.port),
        .sin_addr   = {htonl(INADDR_LOOPBACK)},
    };
    int others[4];

    assert_int_equal(listen(server.listener, 0), 0);
    for (size_t i = 0; i < 4; i++) {
        others[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(fcntl(others[i], F_SETFL, O_NONBLOCK), 0);
        (void)connect(others[i], (struct sockaddr *)&there, sizeof there);
    }
    longest_wait = 50;
    start_here();
    assert_ends("127.0.0.1: Connection timed out", 1);
    for (size_t i = 0; i < 4; i++)
        close(others[i]);
#else
    skip(); /* only Linux bounds connect() by SO_SNDTIMEO: elsewhere it hangs */
#endif
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_test, end_test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_prints_the_answer_and_lets_the_server_close_first),
        TEST(it_waits_for_that_for_a_moment_only),
        TEST(a_server_that_says_nothing_is_given_up),
        TEST(a_server_that_does_not_answer_is_given_up),
        TEST(another_status_is_told),
        TEST(a_close_before_the_answer_is_told),
        TEST(a_reset_is_told),
        TEST(nothing_is_sent_in_the_clear_for_wss),
        TEST(the_fault_of_a_url_is_told),
        TEST(an_unknown_name_is_told),
        TEST(a_server_that_is_not_there_is_told),
        TEST(a_server_that_takes_no_connection_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
