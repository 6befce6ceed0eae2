/* SPDX-License-Identifier: MIT */
/*
 * test_clients.c - what the example clients make of what a server may say.
 *
 * The server is this program, on raw sockets; echo_client and reconnect_client
 * are children, and all that they print is compared. Nothing is waited for but
 * bytes, lines and ends. EXAMPLES names the directory of the clients; without
 * it the tests are skipped.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <upframe/upframe.h>

#include "support/child.h"
#include "support/rawserver.h"
#include "tcp.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { MAX_ARGS = 16, TEXT = 16384 };

static struct rawserver server;
static struct child     client = {.output = -1, .errors = true};
static char             printed[TEXT], expected[TEXT];

/* ---- Clients ---------------------------------------------------------- */

static int set_up(void **state)
{
    (void)state;
    rawserver_begin(&server);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    child_end(&client);
    rawserver_end(&server);
    return 0;
}

static void need_clients(void)
{
    const char *examples = getenv("EXAMPLES");

    if (examples == NULL || *examples == '\0')
        skip(); /* `make coverage` builds no examples; `make test` does */
}

static bool in_time(uint64_t since, int ms)
{
    return clock_ms() - since < (uint64_t)ms;
}

/*
 * A client's time-out may have been over before the server had done its part:
 * this machine is too slow for it. The client is ended, and all begins anew
 * with the time that this returns.
 */
static int longer(int ms)
{
    assert_true(2 * ms < PATIENCE);
    child_end(&client);
    rawserver_end(&server); /* who came again is not accepted */
    rawserver_begin(&server);
    return 2 * ms;
}

/* Its arguments end with NULL. */
static void launch(const char *program, ...)
{
    char    path[512];
    char   *argv[MAX_ARGS] = {path};
    va_list arguments;

    snprintf(path, sizeof path, "%s/%s", getenv("EXAMPLES"), program);
    va_start(arguments, program);
    for (size_t i = 1; i < MAX_ARGS; i++)
        if ((argv[i] = va_arg(arguments, char *)) == NULL)
            break;
    va_end(arguments);
    child_start(&client, argv);
}

static const char *server_port(void)
{
    static char port[8];

    snprintf(port, sizeof port, "%u", (unsigned)server.port);
    return port;
}

/* Its handshake is read, and not yet answered. It does not tire before us. */
static void launch_echo(void)
{
    launch("echo_client", "--port", server_port(), "--timeout", "99", NULL);
    rawserver_accept(&server);
    rawserver_read_head(&server, SIZE_MAX);
}

/* Likewise; its own waits are of 1 ms at most. */
static void launch_reconnect(void)
{
    launch("reconnect_client", "--base", "1", "--cap", "1", "--timeout",
           "99000", "--port", server_port(), NULL);
    rawserver_accept(&server);
    rawserver_read_head(&server, SIZE_MAX);
}

static void next_line(void)
{
    if (!child_line(&client, PATIENCE))
        fail_msg("no line for a long time; the last one: %s", client.line);
}

static void assert_line(const char *start)
{
    next_line();
    if (strncmp(client.line, start, strlen(start)) != 0)
        fail_msg("\"%s\" should begin with \"%s\"", client.line, start);
}

/* What reconnect_client prints up to its verdict, which is the last line. */
static void read_to_verdict(void)
{
    size_t len = 0;

    do {
        next_line();
        assert_true(len + strlen(client.line) + 2 < sizeof printed);
        len += (size_t)sprintf(printed + len, "%s\n", client.line);
    } while (strncmp(client.line, "lost: ", 6) != 0);
}

/* ---- Servers ---------------------------------------------------------- */

static void put(const char *text)
{
    rawserver_put(&server, text, strlen(text));
}

static void put_101(void)
{
    char response[512];

    rawserver_put(&server, response,
                  rawserver_response(&server, response, sizeof response));
}

static void echo_text(void)
{
    char    payload[256];
    uint8_t frame[256 + UPF_FRAME_HEADER_MAX];
    const size_t len = rawserver_read(&server, UPF_OP_TEXT, payload);

    rawserver_put(&server, frame,
                  rawserver_frame(frame, UPF_OP_TEXT, payload, len));
}

/* ---- Pongs that nobody asked for (section 5.5.3) ---------------------- */

static const uint8_t unsolicited[] = {0x8A, 0x02, 'h', 'b'};

static void answer_a_ping(void)
{
    char    payload[256];
    uint8_t frame[256 + UPF_FRAME_HEADER_MAX];
    const size_t len = rawserver_read(&server, UPF_OP_PING, payload);

    rawserver_put(&server, unsolicited, sizeof unsolicited);
    rawserver_put(&server, frame,
                  rawserver_frame(frame, UPF_OP_PONG, payload, len));
}

static void an_unsolicited_pong_is_no_answer(void **state)
{
    (void)state;
    need_clients();
    for (int early = 0; early < 2; early++) {
        launch("echo_client", "--port", server_port(), "--text", "Hello",
               "--ping", NULL);
        rawserver_accept(&server);
        rawserver_read_head(&server, SIZE_MAX);
        put_101();
        assert_line("connected to ws://127.0.0.1:");
        if (early)
            rawserver_put(&server, unsolicited, sizeof unsolicited);
        else
            assert_true(readable(server.peer, PATIENCE)); /* it has asked */
        rawserver_put(&server, unsolicited, sizeof unsolicited);
        echo_text();
        answer_a_ping();
        assert_line("text          5 bytes  \"Hello\"  came back equal after ");
        next_line();
        assert_string_equal(client.line + strlen(client.line) - 3, " ms");
        assert_non_null(strstr(client.line, "pong after "));
        assert_int_equal(rawserver_read_close(&server), 1000);
        rawserver_put_close(&server, 1000, "");
        rawserver_finish(&server);
        assert_line("closed with 1000, normal closure");
        assert_int_equal(child_exit_status(&client), 0);
    }
}

static void echo_client_names_1010(void **state)
{
    (void)state;
    need_clients();
    launch("echo_client", "--port", server_port(), NULL);
    rawserver_accept(&server);
    rawserver_read_head(&server, SIZE_MAX);
    put_101();
    rawserver_put_close(&server, 1010, "");
    rawserver_finish(&server);
    assert_line("connected to ws://127.0.0.1:");
    assert_line("closed with 1010, an extension is missing");
    assert_int_equal(child_exit_status(&client), 1);
}

/* Not "refused by the application", which is what the library calls it. */
static void echo_client_may_be_stopped_before_the_answer(void **state)
{
    (void)state;
    need_clients();
    launch("echo_client", "--port", server_port(), NULL);
    rawserver_accept(&server);
    rawserver_read_head(&server, SIZE_MAX);
    child_signal(&client, SIGINT);
    assert_line("stopped before the server answered");
    assert_line("closed with 1006, no Close was received");
    assert_int_equal(child_exit_status(&client), 1);
}

/* It is connected, and prints what comes. */
static void launch_waiting(void)
{
    launch("echo_client", "--port", server_port(), "--wait", NULL);
    rawserver_accept(&server);
    rawserver_read_head(&server, SIZE_MAX);
    put_101();
}

static void who_waits_is_shown_every_pong(void **state)
{
    (void)state;
    need_clients();
    launch_waiting();
    rawserver_put(&server, unsolicited, sizeof unsolicited);
    assert_line("connected to ws://127.0.0.1:");
    assert_line("pong          2 bytes  \"hb\"  received");
    rawserver_put_close(&server, 1000, "");
    rawserver_finish(&server);
    assert_line("closed with 1000, normal closure");
    assert_int_equal(child_exit_status(&client), 0);
}

/* A server may say more than can be shown, for ever. */
static void a_flooded_echo_client_may_be_stopped(void **state)
{
    /* SHOWN, and then more than pipe and pump can have, are fewer than PONGS. */
    enum { PONGS = 8000, SHOWN = 4000 };
    static uint8_t flood[PONGS * sizeof unsolicited];

    (void)state;
    need_clients();
    launch_waiting();
    for (size_t i = 0; i < sizeof flood; i += sizeof unsolicited)
        memcpy(flood + i, unsolicited, sizeof unsolicited);
    rawserver_put(&server, flood, sizeof flood);
    assert_line("connected to ws://127.0.0.1:");
    child_signal(&client, SIGINT);
    for (int i = 0; i < SHOWN; i++)
        assert_line("pong ");
    assert_int_equal(rawserver_read_close(&server), 1001);
    rawserver_put_close(&server, 1001, "");
    rawserver_cut(&server, false); /* it is still printing what came before */
    do
        next_line();
    while (strncmp(client.line, "pong ", 5) == 0);
    assert_string_equal(client.line, "closed with 1001, going away");
    assert_int_equal(child_exit_status(&client), 0);
}

static void a_pong_after_the_signal_changes_nothing(void **state)
{
    char    payload[256];
    uint8_t frame[256 + UPF_FRAME_HEADER_MAX];

    (void)state;
    need_clients();
    launch("echo_client", "--port", server_port(), "--ping", NULL);
    rawserver_accept(&server);
    rawserver_read_head(&server, SIZE_MAX);
    put_101();
    const size_t len = rawserver_read(&server, UPF_OP_PING, payload);
    child_signal(&client, SIGINT);
    assert_int_equal(rawserver_read_close(&server), 1001);
    rawserver_put(&server, frame,
                  rawserver_frame(frame, UPF_OP_PONG, payload, len));
    rawserver_put_close(&server, 1001, "");
    rawserver_finish(&server);
    assert_line("connected to ws://127.0.0.1:");
    assert_line("closed with 1001, going away");
    assert_int_equal(child_exit_status(&client), 1);
}

/* ---- Text that a terminal would obey ----------------------------------- */

#define ORDERS "a\x1B[2J\xC2\x9B" "31m\xE2\x80\xAEz\n"
#define SHOWN  "a\\x1b[2J\\xc2\\x9b31m\\xe2\\x80\\xaez\\x0a"

static void put_orders(void)
{
    uint8_t frame[64];

    rawserver_put(&server, frame,
                  rawserver_frame(frame, UPF_OP_TEXT, ORDERS,
                                  sizeof ORDERS - 1));
    rawserver_put_close(&server, 1000, ORDERS);
    rawserver_finish(&server);
}

static void reconnect_client_shows_a_message(void **state)
{
    (void)state;
    need_clients();
    launch_reconnect();
    put_101();
    put_orders();
    assert_line("connecting (attempt 1)");
    assert_line("open");
    assert_line("message: " SHOWN);
    assert_line("lost: code 1000 (" SHOWN "); no use");
}

/* With --trace the heads are shown, too: of bytes, not of characters. */
static void echo_client_shows_a_message(void **state)
{
    (void)state;
    char response[512];

    need_clients();
    for (int traced = 0; traced < 2; traced++) {
        launch("echo_client", "--port", server_port(), "--wait",
               traced ? "--trace" : NULL, NULL);
        rawserver_accept(&server);
        rawserver_read_head(&server, SIZE_MAX);
        size_t len = rawserver_response(&server, response, sizeof response);
        len += (size_t)sprintf(response + len - 2,
                               "X: a\x9B" "31m\xC2\x9B\r\n\r\n") - 2;
        rawserver_put(&server, response, len);
        put_orders();
        assert_int_equal(child_rest(&client, printed, sizeof printed), 0);
        assert_null(strpbrk(printed, "\x1B\x9B\x80"));
        assert_int_equal(strstr(printed, "<- X: a\\x9b31m\\xc2\\x9b\n") != NULL,
                         traced);
        assert_int_equal(strstr(printed, "<- TEXT ") != NULL, traced);
        const char *text = strstr(printed, "\"" SHOWN "\"");
        assert_non_null(text);
        assert_non_null(strstr(text + 1, "\"" SHOWN "\""));
    }
}

/* ---- Whoever never answers -------------------------------------------- */

/* Send PINGs until the client has gone: as many as it takes, or ten a second. */
static void ping_for_ever(bool flood)
{
    const time_t begun = time(NULL);
    uint8_t      pings[1024] = {0};
    ssize_t      n = 0;

    for (size_t i = 0; i < sizeof pings; i += 2)
        pings[i] = 0x89;
    while (n >= 0 || errno == EAGAIN) {
        const short   writable = flood ? POLLOUT : 0;
        struct pollfd peer     = {.fd     = server.peer,
                                  .events = (short)(POLLIN | writable)};
        uint8_t       dropped[4096];

        if (time(NULL) - begun > PATIENCE / 1000)
            fail_msg("the client waits for ever");
        if (poll(&peer, 1, 100) > 0 && (peer.revents & ~POLLOUT) != 0 &&
            recv(server.peer, dropped, sizeof dropped, MSG_DONTWAIT) == 0)
            return;
        n = send(server.peer, pings, flood ? sizeof pings : 2,
                 MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

/* False if that may have taken it too long. */
static bool is_let_in_to_ask(int ms)
{
    const uint64_t since = clock_ms();
    char           timeout[16];

    snprintf(timeout, sizeof timeout, "%d", ms / 1000);
    launch("echo_client", "--port", server_port(), "--timeout", timeout,
           "--text", "Hello", NULL);
    if (!rawserver_accept_request(&server))
        return false;
    put_101();
    return in_time(since, ms);
}

static void pings_do_not_put_the_end_off(void **state)
{
    (void)state;
    need_clients();
    for (int flood = 0; flood < 2; flood++) {
        for (int ms = 1000; !is_let_in_to_ask(ms); ms = longer(ms))
            continue;
        assert_line("connected to ws://127.0.0.1:");
        ping_for_ever(flood);
        assert_line("no answer within ");
        assert_int_equal(child_exit_status(&client), 1);
        rawserver_cut(&server, true);
    }
}

/* ---- Keepalive ---------------------------------------------------------- */

/* It waits for messages, and pings whoever is silent. */
static void launch_pinging(const char *interval, const char *timeout)
{
    launch("echo_client", "--port", server_port(), "--wait", "--ping-interval",
           interval, "--pong-timeout", timeout, NULL);
    rawserver_accept(&server);
    rawserver_read_head(&server, SIZE_MAX);
    put_101();
    assert_line("connected to ws://127.0.0.1:");
}

/*
 * From a ping on it stands still until the time for the answer is over by more
 * than a tenth. The engine makes up for a tick that is late, but once: the
 * second time, it is the loop that has to read before it ticks. The answer lies
 * in its socket by then.
 */
static bool stands_still_twice(int ms)
{
    static const uint8_t pong[] = {0x8A, 0x00};
    uint64_t since = clock_ms();
    char     timeout[16], payload[256];

    snprintf(timeout, sizeof timeout, "%d", ms);
    launch_pinging("200", timeout);
    for (int round = 0; round < 2; round++) {
        (void)rawserver_read(&server, UPF_OP_PING, payload);
        child_await_asleep(&client);
        child_stop(&client);
        if (!in_time(since, ms))
            return false;
        (void)poll(NULL, 0, ms + ms / 5);
        if (round == 1) {
            rawserver_put(&server, pong, sizeof pong);
            assert_true(has_arrived(server.peer, PATIENCE));
        }
        since = clock_ms();
        child_signal(&client, SIGCONT);
    }
    assert_line("pong          0 bytes  ");
    (void)rawserver_read(&server, UPF_OP_PING, payload);
    return true;
}

static void echo_client_reads_before_it_gives_up(void **state)
{
    (void)state;
    need_clients();
    for (int ms = 1000; !stands_still_twice(ms); ms = longer(ms))
        continue;
}

static void who_answers_no_ping_is_given_up(void **state)
{
    char payload[256];

    (void)state;
    need_clients();
    launch_pinging("100", "100");
    (void)rawserver_read(&server, UPF_OP_PING, payload);
    assert_int_equal(rawserver_read_close(&server), 1011);
    rawserver_finish(&server);
    assert_line("failed: no answer to our ping in time");
    assert_line("closed with ");
    assert_int_equal(child_exit_status(&client), 1);
}

/* ---- Refusals --------------------------------------------------------- */

static char long_response[8192], long_body[4097];

/* Each as a server sends it, and what is shown of it. */
static const struct refusal {
    const char *response;
    bool        ends;  /* the end of the stream is that of the body */
    bool        final; /* there is no use in coming back */
    int         status;
    const char *head;  /* echo_client's words about the status */
    const char *says;  /* lines of both: headers that tell, and the body */
    const char *guess; /* echo_client's line, where the server does not say */
} refusals[] = {
    {"HTTP/1.1 301 Moved Permanently\r\nLocation: wss://b.example/\r\n"
     "Content-Length: 0\r\n\r\n",
     false, true, 301, "refused with HTTP 301 Moved Permanently\n",
     "Location: wss://b.example/\n", ""},
    {"HTTP/1.1 302 Found\nLocation: ws://b.example/a\xC2\x9B" "1m\x9B\n"
     "Content-Length: 5\n\nthere",
     false, false, 302, "refused with HTTP 302 Found\n",
     "Location: ws://b.example/a\\xc2\\x9b1m\\x9b\nthere\n", ""},
    {"HTTP/1.1 307 \xC3\xBC\xC2\x9B" "0m\r\nLocation: /x\r\n"
     "Content-Length: 0\r\n\r\n",
     false, false, 307, "refused with HTTP 307 \xC3\xBC\\xc2\\x9b0m\n",
     "Location: /x\n", ""},
    /* A cursor that is moved, a title, DEL, both kinds of C1, a right-to-left
     * override; a tab; a CR that would write over the line. */
    {"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"\x1B" "c\"\r\n"
     "Transfer-Encoding: chunked\r\n\r\n"
     "6\r\n\x1B[2Jab\r\n16;x=y\r\n\x1B]0;t\x07\x7F\xC2\x9B" "5A\x9B"
     "c\n\tover\rit\r\n4\r\n\xE2\x80\xAEz\r\n0\r\nX: y\r\n\r\n",
     false, true, 401, "refused with HTTP 401 Unauthorized\n",
     "\\x1b[2Jab\\x1b]0;t\\x07\\x7f\\xc2\\x9b5A\\x9bc\n"
     "\\x09over\\x0dit\\xe2\\x80\\xaez\n", ""},
    {"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"a\xC2\x9B\""
     "\r\nContent-Length: 0\r\n\r\n",
     false, true, 401, "refused with HTTP 401 Unauthorized\n",
     "WWW-Authenticate: Basic realm=\"a\\xc2\\x9b\"\n",
     "try: --header 'Authorization: ...'\n"},
    /* One header line that is none, one that is folded */
    {"HTTP/1.1 403 Forbidden\r\nno colon\r\nLocation: ws://a\r\n .b/\r\n"
     "Content-Length: 7\r\n\r\nnot\nyou",
     false, true, 403, "refused with HTTP 403 Forbidden\n", "not\nyou\n", ""},
    {"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", false, true, 403,
     "refused with HTTP 403 Forbidden\n", "",
     "try: --origin with one that the server allows\n"},
    {"HTTP/1.1 404 Not Found\nServer: proxy\n\n<html>\nnothing here\n</html>\n",
     true, false, 404, "refused with HTTP 404 Not Found\n",
     "<html>\nnothing here\n</html>\n", ""},
    {"HTTP/1.1 426\r\nContent-Length: 0\r\n\r\n", false, false, 426,
     "refused with HTTP 426 \n", "",
     "the server wants another protocol or version\n"},
    {"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 19\r\n\r\n"
     "A proxy removed it\n",
     false, false, 426, "refused with HTTP 426 Upgrade Required\n",
     "A proxy removed it\n", ""},
    {"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\n"
     "Content-Length: 17\r\n\r\nback\r\nin a minute",
     false, false, 503, "refused with HTTP 503 Service Unavailable\n",
     "Retry-After: 0\nback\nin a minute\n", ""},
    {long_response, false, false, 503, "refused with HTTP 503 Busy\n",
     long_body, ""},
    {"HTTP/1.1 503 Busy\r\nContent-Length: 1000\r\n\r\ncut sh",
     true, false, 503, "refused with HTTP 503 Busy\n", "cut sh\n", ""},
    {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", false, false, 200,
     "refused with HTTP 200 OK\n"
     "a web page, not a WebSocket: try another path\n", "hi\n", ""},
};

/* A body of 100 lines of 64 bytes, of which 4 KiB are read. */
static void write_long_response(void)
{
    size_t len = (size_t)sprintf(long_response,
                                 "HTTP/1.1 503 Busy\r\n"
                                 "Content-Length: 6400\r\n\r\n");

    for (int line = 0; line < 100; line++)
        len += (size_t)sprintf(long_response + len, "%063d\n", line);
    memcpy(long_body, strstr(long_response, "\r\n\r\n") + 4, 4096);
}

/* At the end of expected[]: lines, each behind `indent`. */
static void expect_lines(const char *lines, const char *indent)
{
    size_t len = strlen(expected);

    while (*lines != '\0') {
        const int line = (int)strcspn(lines, "\n");
        assert_true(len + strlen(indent) + (size_t)line + 2 < sizeof expected);
        len += (size_t)sprintf(expected + len, "%s%.*s\n", indent, line, lines);
        lines += line + 1;
    }
}

/* Unless the end of ours is needed, the client leaves without it. */
static void refuse(const struct refusal *r)
{
    put(r->response);
    if (!r->ends)
        assert_true(readable(server.peer, PATIENCE));
    rawserver_finish(&server);
}

static void echo_client_shows_a_refusal(void **state)
{
    (void)state;
    need_clients();
    write_long_response();
    for (const struct refusal *r = refusals; r < refusals + COUNT(refusals);
         r++) {
        launch_echo();
        refuse(r);
        strcpy(expected, r->head);
        expect_lines(r->says, "  ");
        expect_lines(r->guess, "");
        assert_int_equal(child_rest(&client, printed, sizeof printed), 1);
        assert_string_equal(printed, expected);
    }
}

/* False if it may have come too late. */
static bool is_refused(bool echoes, const char *response, int ms)
{
    const uint64_t since = clock_ms();
    char           timeout[16];

    snprintf(timeout, sizeof timeout, "%d", echoes ? ms / 1000 : ms);
    launch(echoes ? "echo_client" : "reconnect_client", "--timeout", timeout,
           "--port", server_port(), NULL);
    if (!rawserver_accept_request(&server))
        return false;
    put(response);
    assert_true(has_arrived(server.peer, PATIENCE));
    return in_time(since, ms);
}

/* The body, or even the head, has no end, and the connection none either: the
 * client's patience ends it, and what has come by then is told. */
static void a_refusal_without_an_end_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *response, *echo, *reconnect;
    } endless[] = {
        {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 9\r\n\r\nlog in",
         "refused with HTTP 401 Unauthorized\n  log in\n",
         "server: log in\nlost: code 1006 (HTTP 401); "
         "no use in trying again\n"},
        {"HTTP/1.1 403 Forbidden\r\nLocation: /x\r\nServ",
         "refused with HTTP 403 Forbidden\n  Location: /x\n"
         "try: --origin with one that the server allows\n",
         "server: Location: /x\nlost: code 1006 (HTTP 403); "
         "no use in trying again\n"},
    };
    need_clients();
    for (size_t i = 0; i < 2 * COUNT(endless); i++) {
        const bool  echoes = i % 2 == 0;
        const char *lines = echoes ? endless[i / 2].echo
                                   : endless[i / 2].reconnect;
        for (int ms = 1000; !is_refused(echoes, endless[i / 2].response, ms);
             ms = longer(ms))
            continue;
        assert_true(readable(server.peer, PATIENCE)); /* it leaves */
        rawserver_finish(&server);
        if (!echoes)
            assert_line("connecting (attempt 1)");
        assert_int_equal(child_rest(&client, printed, sizeof printed), 1);
        assert_string_equal(printed, lines);
    }
}

/* Nor has a server that says nothing at all more time than that. */
static void a_silent_server_is_left_in_time(void **state)
{
    (void)state;
    need_clients();
    launch("echo_client", "--timeout", "1", "--port", server_port(), NULL);
    rawserver_accept(&server);
    rawserver_read_head(&server, SIZE_MAX);
    assert_true(readable(server.peer, PATIENCE));
    rawserver_finish(&server);
    assert_line("failed: opening handshake not finished in time");
    assert_line("closed with 1006, no Close was received");
    assert_int_equal(child_exit_status(&client), 1);
}

static void reconnect_client_shows_a_refusal(void **state)
{
    (void)state;
    need_clients();
    write_long_response();
    for (const struct refusal *r = refusals; r < refusals + COUNT(refusals);
         r++) {
        launch_reconnect();
        refuse(r);
        strcpy(expected, "connecting (attempt 1)\n");
        expect_lines(r->says, "server: ");
        sprintf(expected + strlen(expected), "lost: code 1006 (HTTP %d); ",
                r->status);
        read_to_verdict();
        const char *verdict = printed + strlen(expected);
        if (strncmp(printed, expected, strlen(expected)) != 0)
            assert_string_equal(printed, expected);
        if (r->final) {
            assert_string_equal(verdict, "no use in trying again\n");
            assert_int_equal(child_exit_status(&client), 1);
        } else {
            assert_int_equal(strncmp(verdict, "next try in ", 12), 0);
            assert_line("connecting (attempt 2)");
            rawserver_accept(&server);
            child_end(&client);
            rawserver_cut(&server, false);
        }
    }
}

/* ---- Ends that are none of HTTP's ------------------------------------- */

/* Behind a sound 101 if `open`. */
static const struct ending {
    const char *bytes;
    size_t      len;
    bool        open;
    bool        reset; /* the connection, rather than its end */
    const char *echo;  /* echo_client's line about it, or its beginning */
    const char *lost;  /* reconnect_client's */
} endings[] = {
#define BYTES(text) text, sizeof text - 1
#define SAID(why)   "failed: " why, "code 1006 (" why ")"
#define ENDED "connection that ended before the handshake was answered"
#define NO_HTTP "not the syntax of an HTTP head"
#define NO_TLS(why) \
    "failed: " why " (RFC ", "code 1006 (" why ": a port for TLS? then wss://)"
#define BAD_CODE SAID("close code that must not be sent")
    /* Nothing, half an answer, half of an interim one's successor */
    {"", 0, false, false, NO_TLS(ENDED)},
    {BYTES("HTTP/1.1 10"), false, false, NO_TLS(ENDED)},
    {BYTES("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"), false,
     false, NO_TLS(ENDED)},
    {BYTES("HTTP/1.1 100 Continue\r\n\r\n"), false, false, NO_TLS(ENDED)},
    {"", 0, false, true, NO_TLS("reading or writing failed")},
    {BYTES("\x15\x03\x01\x00\x02\x02\x46"), false, false, NO_TLS(NO_HTTP)},
    /* Later, it is another thing. */
    {"", 0, true, false, SAID("stream that ended without a Close")},
    {BYTES("\x89\x05He"), true, false,
     SAID("stream that ended without a Close")},
    /* What is no HTTP */
    {BYTES("<html><h1>502 Bad Gateway</h1></html>\r\n\r\n"), false, false,
     NO_TLS(NO_HTTP)},
    {BYTES("HTTP/1.1 50x Oh\r\n\r\n<html>"), false, false,
     NO_TLS(NO_HTTP)},
    {BYTES("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"), false,
     false, "failed: ", "code 1006 ("},
    /* Closes that must not be on the wire, and others that come back */
    {BYTES("\x88\x02\x03\xEE"), true, false, BAD_CODE},
    {BYTES("\x88\x02\x03\xED"), true, false, BAD_CODE},
    {BYTES("\x88\x02\x03\xF7"), true, false, BAD_CODE},
    {BYTES("\x88\x00"), true, false, "closed with 1005, without a code",
     "code 1005 (closed)"},
    {BYTES("\x88\x05\x03\xE9\x1B[m"), true, false,
     "closed with 1001, going away: \"\\x1b[m\"", "code 1001 (\\x1b[m)"},
    {BYTES("\x88\x04\x03\xF4\xC2\x9B"), true, false,
     "closed with 1012, the service restarts: \"\\xc2\\x9b\"",
     "code 1012 (\\xc2\\x9b)"},
    {BYTES("\x88\x02\x03\xF5"), true, false,
     "closed with 1013, try again later", "code 1013 (closed)"},
#undef BAD_CODE
#undef NO_TLS
#undef NO_HTTP
#undef ENDED
#undef SAID
#undef BYTES
};

static void end_as(const struct ending *e)
{
    if (e->open)
        put_101();
    rawserver_put(&server, e->bytes, e->len);
    if (e->reset)
        rawserver_cut(&server, true);
    else
        rawserver_finish(&server);
}

static void echo_client_says_how_it_ended(void **state)
{
    (void)state;
    need_clients();
    for (const struct ending *e = endings; e < endings + COUNT(endings); e++) {
        launch_echo();
        end_as(e);
        if (e->open)
            assert_line("connected to ");
        assert_line(e->echo);
        assert_int_equal(child_rest(&client, printed, sizeof printed), 1);
        const bool hint = strncmp(printed, "try: wss://, ", 13) == 0;
        assert_int_equal(hint, strstr(e->lost, "a port for TLS?") != NULL);
    }
}

/* One client takes all of it, and comes back. */
static void none_of_these_ends_keeps_reconnect_client_away(void **state)
{
    (void)state;
    char line[256];

    need_clients();
    launch_reconnect();
    for (const struct ending *e = endings; e < endings + COUNT(endings); e++) {
        end_as(e);
        snprintf(line, sizeof line, "connecting (attempt %d)",
                 (int)(e - endings) + 1);
        assert_line(line);
        if (e->open)
            assert_line("open");
        snprintf(line, sizeof line, "lost: %s", e->lost);
        assert_line(line);
        assert_non_null(strstr(client.line, "); next try in "));
        rawserver_accept(&server);
        rawserver_read_head(&server, SIZE_MAX);
    }
}

/* ---- Whether it comes back, and when ---------------------------------- */

static void what_is_final_keeps_reconnect_client_away(void **state)
{
    (void)state;
    static const int finals[] = {301,  308,  401,  403,  407,  410,  414, 431,
                                 1000, 1002, 1003, 1007, 1008, 1009, 1010};
    char text[128];

    need_clients();
    for (size_t i = 0; i < COUNT(finals); i++) {
        launch_reconnect();
        assert_line("connecting (attempt 1)");
        if (finals[i] < 1000) {
            snprintf(text, sizeof text,
                     "HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n", finals[i]);
            put(text);
            snprintf(text, sizeof text, "lost: code 1006 (HTTP %d); no use "
                                        "in trying again", finals[i]);
        } else {
            put_101();
            rawserver_put_close(&server, finals[i], "so it is");
            assert_line("open");
            snprintf(text, sizeof text, "lost: code %d (so it is); no use in "
                                        "trying again", finals[i]);
        }
        rawserver_finish(&server);
        assert_line(text);
        assert_int_equal(child_exit_status(&client), 1);
    }
}

static void what_may_pass_does_not(void **state)
{
    (void)state;
    static const int passing[] = {200, 302,  303,  307,  400,  404,  408,  426,
                                  429, 500,  502,  503,  504,  1001, 1011, 1012,
                                  1013, 1014, 3000, 4999};
    char text[128];

    need_clients();
    launch_reconnect();
    for (size_t i = 0; i < COUNT(passing); i++) {
        assert_line("connecting (attempt ");
        if (passing[i] < 1000) {
            snprintf(text, sizeof text,
                     "HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n", passing[i]);
            put(text);
            snprintf(text, sizeof text,
                     "lost: code 1006 (HTTP %d); next try in ", passing[i]);
        } else {
            put_101();
            rawserver_put_close(&server, passing[i], "moving house");
            assert_line("open");
            snprintf(text, sizeof text,
                     "lost: code %d (moving house); next try in ", passing[i]);
        }
        rawserver_finish(&server);
        assert_line(text);
        rawserver_accept(&server);
        rawserver_read_head(&server, SIZE_MAX);
    }
}

/* So many seconds from now, as HTTP writes it. */
static const char *http_date(long distance)
{
    static char text[64];
    const time_t when = time(NULL) + distance;
    struct tm    tm;

    assert_non_null(gmtime_r(&when, &tm));
    assert_true(strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm));
    return text;
}

/* The waits are read, and not waited for. Its own are of 1 ms at most. */
static void retry_after_is_kept(void **state)
{
    (void)state;
    enum { HOUR = 3600, DAY = 24 * HOUR };
    static const struct {
        int         status;
        const char *value; /* NULL: a date, so many seconds from now */
        long        s, slack;
    } cases[] = {
        {503, "120", 120, 0},
        {429, "7", 7, 0},
        {503, "0", 0, 0},
        {503, "100000", DAY, 0},
        {503, "soon", 0, 0},
        {503, "-5", 0, 0},
        {500, "120", 0, 0},
        {404, "120", 0, 0},
        {503, NULL, HOUR, PATIENCE / 1000},
        {429, NULL, -HOUR, 0},
    };
    char          response[256];
    unsigned long wait;

    need_clients();
    for (size_t i = 0; i < COUNT(cases); i++) {
        launch_reconnect();
        assert_line("connecting (attempt 1)");
        snprintf(response, sizeof response,
                 "HTTP/1.1 %d Later\nRetry-After: %s\nContent-Length: 0\n\n",
                 cases[i].status,
                 cases[i].value ? cases[i].value : http_date(cases[i].s));
        put(response);
        rawserver_finish(&server);
        read_to_verdict();
        const char *said = strstr(client.line, "next try in ");
        assert_non_null(said);
        assert_int_equal(sscanf(said, "next try in %lu ms", &wait), 1);
        const long most = cases[i].s > 0 ? cases[i].s * 1000 : 0;
        assert_in_range(wait, most - cases[i].slack * (most > 0 ? 1000 : 0),
                        most + 1);
        child_end(&client);
        if (readable(server.listener, 0)) {
            rawserver_accept(&server);
            rawserver_cut(&server, false);
        }
    }
}

/* ---- URLs ------------------------------------------------------------- */

static void a_bad_url_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *shown; /* NULL: as it is */
        int         at;
        const char *why;
    } cases[] = {
        {"http://a/", NULL, 1, "it does not begin with ws:// or wss://"},
        {"ws:///a", NULL, 6, "there is no host"},
        {"ws://u:p@a/", NULL, 6, "user name and password"},
        {"ws://[fe80::1%25eth0]:80/", NULL, 14,
         "an IPv6 zone, which means something on this machine only"},
        {"ws://[fe80::1%eth0]/", NULL, 14, "an IPv6 zone"},
        {"ws://[::g]/", NULL, 6, "not an IPv6 address in brackets"},
        {"ws://a:99999/", NULL, 8, "not a port from 1 to 65535"},
        {"ws://b\xC3\xBC" "cher.example/", NULL, 7,
         "a host in other letters than ASCII: write its xn-- form"},
        {"ws://a/b\\c", NULL, 9, "a backslash"},
        {"ws://a/b ", NULL, 9, "a blank at the end"},
        {"ws://a/\xC3\xBC/\xE2\x82\xAC?q#f", NULL, 13, "a fragment, \"#...\""},
        {"ws://a/b\x1B[2J", "ws://a/b\\x1b[2J", 9, "a control character"},
    };
    static const char *const clients[] = {"echo_client", "reconnect_client"};

    need_clients();
    for (size_t i = 0; i < 2 * COUNT(cases); i++) {
        const char *url = cases[i / 2].url, *shown = cases[i / 2].shown;
        char        text[128];

        launch(clients[i % 2], url, NULL);
        snprintf(text, sizeof text, "not a ws:// or wss:// URL: %s",
                 cases[i / 2].why);
        assert_line(text);
        snprintf(text, sizeof text, " at character %d", cases[i / 2].at);
        const char *place = strstr(client.line, " at character ");
        assert_non_null(place);
        assert_string_equal(place, text);
        assert_int_equal(child_rest(&client, printed, sizeof printed), 2);
        snprintf(expected, sizeof expected, "  %s\n%*s\n",
                 shown != NULL ? shown : url, cases[i / 2].at + 2, "^");
        assert_string_equal(printed, expected);
    }
}

static void a_url_is_sent_as_browsers_do(void **state)
{
    (void)state;
    static const struct { const char *path, *target; } cases[] = {
        {"/?x[]=1", "/?x[]=1"},
        {"/?a={\"b\":1}", "/?a={%22b%22:1}"},
        {"/\xC3\xBC?\xE2\x82\xAC", "/%C3%BC?%E2%82%AC"},
        {"/a b?c d", "/a%20b?c%20d"},
        {"?q", "/?q"},
        {"/%41", "/%41"},
    };
    static const char *const clients[] = {"echo_client", "reconnect_client"};
    char url[128], line[128];

    need_clients();
    for (size_t i = 0; i < 2 * COUNT(cases); i++) {
        snprintf(url, sizeof url, "ws://127.0.0.1:%s%s", server_port(),
                 cases[i / 2].path);
        launch(clients[i % 2], url, NULL);
        rawserver_accept(&server);
        rawserver_read_head(&server, SIZE_MAX);
        snprintf(line, sizeof line, "GET %s HTTP/1.1\r\n", cases[i / 2].target);
        server.head[strcspn(server.head, "\n") + 1] = '\0';
        assert_string_equal(server.head, line);
        child_end(&client);
        rawserver_cut(&server, false);
    }
}

static void expect_end_of_output(void)
{
    assert_int_equal(rawserver_read_close(&server), 1001);
    rawserver_put_close(&server, 1001, "");
    rawserver_finish(&server);
    assert_line("cannot write: ");
    assert_int_equal(child_exit_status(&client), 1);
}

static void echo_client_ends_where_nothing_can_be_written(void **state)
{
    (void)state;
    need_clients();
    for (int full = 0; full < 2; full++) {
        const int out = full ? child_full_device() : child_closed_pipe();
        if (out < 0)
            break; /* a system that has no such device */
        client.out = out;
        launch("echo_client", "--port", server_port(), "--wait", "--ping",
               NULL);
        client.out = 0;
        close(out);
        rawserver_accept(&server);
        rawserver_read_head(&server, SIZE_MAX);
        put_101();
        answer_a_ping();
        expect_end_of_output();
    }
}

static void reconnect_client_ends_when_its_reader_has_gone(void **state)
{
    char lines[64];
    int  ends[2];

    (void)state;
    need_clients();
    assert_int_equal(pipe(ends), 0);
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    client.out = ends[1];
    launch_reconnect();
    client.out = 0;
    close(ends[1]);
    assert_true(readable(ends[0], PATIENCE));
    assert_true(read(ends[0], lines, sizeof lines) > 0); /* it connects */
    close(ends[0]);
    put_101();
    expect_end_of_output();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_unsolicited_pong_is_no_answer),
        TEST(echo_client_names_1010),
        TEST(echo_client_may_be_stopped_before_the_answer),
        TEST(who_waits_is_shown_every_pong),
        TEST(a_flooded_echo_client_may_be_stopped),
        TEST(a_pong_after_the_signal_changes_nothing),
        TEST(reconnect_client_shows_a_message),
        TEST(echo_client_shows_a_message),
        TEST(pings_do_not_put_the_end_off),
        TEST(echo_client_reads_before_it_gives_up),
        TEST(who_answers_no_ping_is_given_up),
        TEST(echo_client_shows_a_refusal),
        TEST(reconnect_client_shows_a_refusal),
        TEST(a_refusal_without_an_end_is_told),
        TEST(a_silent_server_is_left_in_time),
        TEST(echo_client_says_how_it_ended),
        TEST(none_of_these_ends_keeps_reconnect_client_away),
        TEST(what_is_final_keeps_reconnect_client_away),
        TEST(what_may_pass_does_not),
        TEST(retry_after_is_kept),
        TEST(a_bad_url_is_refused_with_its_place),
        TEST(a_url_is_sent_as_browsers_do),
        TEST(echo_client_ends_where_nothing_can_be_written),
        TEST(reconnect_client_ends_when_its_reader_has_gone),
    };

    return cmocka_run_group_tests_name("clients", tests, NULL, NULL);
}
