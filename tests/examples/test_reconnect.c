/* SPDX-License-Identifier: MIT */
/*
 * test_reconnect.c - examples/reconnect_client against a server that fails.
 *
 * The server is this program, on raw sockets; the client is a child whose
 * output is read line by line. Both wait for each other's bytes and lines,
 * never for time to pass. EXAMPLES names the directory of the client; without
 * it the tests are skipped. The random choices follow from a seed, which is
 * printed; RECONNECT_SEED sets it.
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

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "support/child.h"
#include "support/rawserver.h"

enum { STRIKES = 100, MAX_ARGS = 24 };

static struct rawserver server;
static struct child     client = {.output = -1};

/* What a line of the client says. */
enum line { CONNECTING, OPEN, MESSAGE, LOST, STOPPED, ENDED };

/* What its lines have said, and must obey. */
static struct {
    enum line     last;
    uint32_t      base, cap;
    unsigned long attempt; /* the current one */
    unsigned long waits;
    unsigned long sum;     /* ms */
    unsigned long longest; /* ms */
    bool          resets;  /* attempts may count from 1 again */
} told;

static uint32_t random_state;

static uint32_t draw(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % below;
}

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- The client's lines ----------------------------------------------- */

static void judge_wait(unsigned long wait)
{
    uint64_t bound = told.base;

    for (unsigned long n = 1; n < told.attempt && bound < told.cap; n++)
        bound *= 2;
    if (wait > bound || wait > told.cap)
        fail_msg("attempt %lu was followed by a wait of %lu ms", told.attempt,
                 wait);
    told.waits++;
    told.sum += wait;
    if (wait > told.longest)
        told.longest = wait;
}

/* What the line says, and whether it may say so. */
static enum line judge(const char *line)
{
    unsigned long number;
    int           code;

    if (sscanf(line, "connecting (attempt %lu)", &number) == 1) {
        if (number != told.attempt + 1 && !(told.resets && number == 2))
            fail_msg("attempt %lu follows attempt %lu", number, told.attempt);
        told.attempt = number;
        return CONNECTING;
    }
    if (strcmp(line, "open") == 0)
        return OPEN;
    if (strncmp(line, "message: ", 9) == 0)
        return MESSAGE;
    if (strncmp(line, "stopped", 7) == 0)
        return STOPPED;
    if (sscanf(line, "lost: code %d (", &code) != 1)
        fail_msg("unknown line: %s", line);
    const char *wait = strstr(line, "); next try in ");
    if (wait == NULL || sscanf(wait, "); next try in %lu ms", &number) != 1)
        return ENDED;
    judge_wait(number);
    return LOST;
}

static bool next_line(int ms)
{
    if (!child_line(&client, ms))
        return false;
    told.last = judge(client.line);
    return true;
}

static void await(enum line wanted)
{
    if (!next_line(PATIENCE))
        fail_msg("no line for a long time; the last one: %s", client.line);
    if (told.last != wanted)
        fail_msg("not what should have happened: %s", client.line);
}

/* Whatever it says before. */
static void await_after_all(enum line wanted)
{
    do
        if (!next_line(PATIENCE))
            fail_msg("no line for a long time; the last: %s", client.line);
    while (told.last != wanted);
}

static void assert_said(const char *what)
{
    if (strstr(client.line, what) == NULL)
        fail_msg("\"%s\" should say \"%s\"", client.line, what);
}

static void launch(const char *const *options)
{
    char  program[512], port[8];
    char *argv[MAX_ARGS] = {program, "--port", port};

    snprintf(program, sizeof program, "%s/reconnect_client",
             getenv("EXAMPLES"));
    snprintf(port, sizeof port, "%u", server.port);
    for (size_t i = 3; *options != NULL; i++) {
        assert_true(i < MAX_ARGS - 1);
        argv[i] = (char *)(uintptr_t)*options++;
    }
    told.attempt = 0;
    child_start(&client, argv);
}

/*
 * The client's next connection. Its line about it was written before, so
 * what is there to be read ends with that.
 */
static void take_connection(void)
{
    rawserver_accept(&server);
    while (next_line(0)) {
    }
    if (told.last != CONNECTING)
        fail_msg("it has connected, but said: %s", client.line);
}

static void take_request(void)
{
    take_connection();
    rawserver_read_head(&server, SIZE_MAX);
}

static void open_connection(void)
{
    char response[512];

    take_request();
    rawserver_put(&server, response,
                  rawserver_response(&server, response, sizeof response));
    await(OPEN);
}

/* ---- Striking --------------------------------------------------------- */

/* Where a connection is cut, in the order of its life. */
enum point {
    REFUSED,  /* nobody listens */
    PENDING,  /* not yet accepted */
    ACCEPTED,
    REQUEST,  /* within the request */
    RESPONSE, /* within the response */
    DENIED,   /* 503, and a proper end */
    UPGRADED, /* the 101 is on its way */
    FRAME,    /* within a frame */
    TALKING,  /* messages went both ways */
    CLOSING,  /* a Close is on its way */
    CLOSED,   /* closed cleanly */
    POINTS
};

static void restart(void)
{
    rawserver_stop(&server);
    rawserver_start(&server);
}

/* In one of two ways, and now and then with the whole server. */
static void cut(void)
{
    rawserver_cut(&server, draw(2) == 0);
    if (draw(3) == 0)
        restart();
}

static void strike_handshake(enum point point)
{
    static const char denied[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                 "Content-Length: 0\r\n\r\n";
    char response[512];

    take_connection();
    if (point >= REQUEST)
        rawserver_read_head(&server, point == REQUEST ? draw(100) : SIZE_MAX);
    if (point == DENIED) {
        rawserver_put(&server, denied, sizeof denied - 1);
        rawserver_finish(&server);
        await(LOST);
        assert_said("HTTP 503");
        return;
    }
    if (point == RESPONSE || point == UPGRADED) {
        const size_t len =
            rawserver_response(&server, response, sizeof response);
        rawserver_put(&server, response,
                      point == RESPONSE ? draw((uint32_t)len) : len);
    }
    cut();
    await_after_all(LOST); /* after "open" if the 101 was faster */
}

static void strike_open(enum point point)
{
    static const int codes[] = {1001, 1011, 1012, 1013, 1014, 3000, 4999};
    const int code = codes[draw(sizeof codes / sizeof codes[0])];
    uint8_t   frame[300 + UPF_FRAME_HEADER_MAX];
    char      text[300], said[64];

    open_connection();
    memset(text, 'a', sizeof text);
    text[draw(sizeof text)] = '\n'; /* which must not end a line */
    const size_t len = rawserver_frame(frame, UPF_OP_TEXT, text, draw(300));
    if (point == FRAME) {
        rawserver_put(&server, frame, 1 + draw((uint32_t)len - 1));
    } else {
        rawserver_put(&server, frame, len);
        await(MESSAGE);
        rawserver_read(&server, UPF_OP_TEXT, text);
        assert_string_equal(text, "hello");
    }
    if (point >= CLOSING)
        rawserver_put_close(&server, code, "b\ne");
    if (point == CLOSED) {
        assert_int_equal(rawserver_read_close(&server), code);
        rawserver_finish(&server);
        await(LOST);
        snprintf(said, sizeof said, "lost: code %d (b\\x0ae)", code);
        assert_said(said);
        return;
    }
    cut();
    await(LOST);
}

static void strike(enum point point)
{
    switch (point) {
    case REFUSED:
        rawserver_stop(&server);
        for (uint32_t n = 1 + draw(2); n > 0; n--)
            await_after_all(LOST);
        rawserver_start(&server);
        break;
    case PENDING:
        assert_true(readable(server.listener, PATIENCE));
        restart();
        await_after_all(LOST);
        break;
    case ACCEPTED:
    case REQUEST:
    case RESPONSE:
    case DENIED:
    case UPGRADED:
        strike_handshake(point);
        break;
    default:
        strike_open(point);
    }
}

/* ---- Tests ------------------------------------------------------------ */

static int set_up(void **state)
{
    (void)state;
    memset(&told, 0, sizeof told);
    told.last = LOST;
    told.base = 4;
    told.cap  = 40;
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

static void need_client(void)
{
    if (getenv("EXAMPLES") == NULL) {
        print_message("EXAMPLES does not name the examples' directory\n");
        skip(); /* `make coverage` builds no examples; `make test` does */
    }
}

/* Asked to stop, it says goodbye with 1001 and exits with 0. */
static void assert_goodbye(void)
{
    child_signal(&client, SIGTERM);
    assert_int_equal(rawserver_read_close(&server), 1001);
    rawserver_put_close(&server, 1001, "");
    rawserver_finish(&server);
    await(STOPPED);
    assert_said("code 1001");
    assert_int_equal(child_exit_status(&client), 0);
}

static void it_comes_back_after_a_hundred_restarts_and_resets(void **state)
{
    (void)state;
    static const char *const options[] = {"--base", "4", "--cap", "40",
                                          "--send", "hello", NULL};
    const uint64_t begun = now_ms();
    size_t descriptors = 0;

    need_client();
    launch(options);
    for (int n = 0; n < STRIKES; n++) {
        strike(n < POINTS ? (enum point)n : (enum point)draw(POINTS));
        if (n == POINTS)
            descriptors = child_descriptors(&client);
    }
    open_connection();
    assert_true(told.attempt > STRIKES);
    assert_true(child_descriptors(&client) <= descriptors + 1);

    /* It has waited as long as it said, to the clock's millisecond. */
    assert_int_equal(told.waits, told.attempt - 1);
    assert_true(now_ms() - begun + told.waits >= told.sum);
    assert_true(told.longest > told.cap / 2);
    assert_goodbye();
}

static void after_a_stable_connection_the_waits_are_short_again(void **state)
{
    (void)state;
    static const char *const options[] = {
        "--base", "4",     "--cap",      "40", "--stable", "50",
        "--send", "hello", "--interval", "15", NULL};
    char payload[256];

    need_client();
    told.resets = true;
    launch(options);
    for (int n = 0; n < 5; n++) {
        open_connection();
        for (int sent = 0; sent < 5; sent++) /* over four intervals */
            rawserver_read(&server, UPF_OP_TEXT, payload);
        told.attempt = 1; /* judges the wait that follows */
        cut();
        await(LOST);
        await(CONNECTING);
        assert_int_equal(told.attempt, 2);
        strike(REFUSED);
    }
}

static void a_signal_ends_it_when_open_connecting_or_waiting(void **state)
{
    (void)state;
    static const char *const options[] = {"--base", "10000000", "--cap",
                                          "10000000", NULL};

    need_client();
    told.base = told.cap = 10000000;

    launch(options);
    open_connection();
    assert_goodbye();

    launch(options);
    take_request();
    child_signal(&client, SIGTERM);
    rawserver_finish(&server);
    await(STOPPED);
    assert_int_equal(child_exit_status(&client), 0);

    launch(options);
    strike(PENDING);
    child_signal(&client, SIGTERM);
    await_after_all(STOPPED);
    assert_int_equal(child_exit_status(&client), 0);
}

static void it_stops_after_so_many_seconds(void **state)
{
    (void)state;
    static const char *const options[] = {"--base", "10000000",  "--cap",
                                          "10000000", "--seconds", "1", NULL};

    need_client();
    told.base = told.cap = 10000000;
    launch(options);
    strike(PENDING);
    await_after_all(STOPPED);
    assert_int_equal(child_exit_status(&client), 0);
}

static char timeout_ms[16];

/*
 * A connection of a client whose time-out is `timeout_ms`, which is for the
 * handshake, too. If this machine may be too slow for that, the client has
 * twice as much.
 */
static void open_in_time(const char *const *options)
{
    char response[512];

    for (unsigned ms = 500;; ms *= 2) {
        assert_true(ms < PATIENCE);
        snprintf(timeout_ms, sizeof timeout_ms, "%u", ms);
        const uint64_t since = now_ms();
        launch(options);
        if (rawserver_accept_request(&server)) {
            rawserver_put(&server, response,
                          rawserver_response(&server, response,
                                             sizeof response));
            if (now_ms() - since < ms)
                break;
        }
        child_end(&client);
        rawserver_end(&server); /* who came again is not accepted */
        rawserver_begin(&server);
    }
    await(CONNECTING);
    await(OPEN);
}

/* Which it awaits asleep: a second of silence costs no second of work. */
static void a_server_that_is_silent_is_left(void **state)
{
    (void)state;
    static const char *const options[] = {
        "--base", "4",         "--cap",    "40", "--ping", "50",
        "--timeout", timeout_ms, NULL};
    char payload[256];

    need_client();
    open_in_time(options); /* silent after a ping */
    const unsigned long before = child_processor_time(&client);
    rawserver_read(&server, UPF_OP_PING, payload);
    await(LOST);
    assert_said("code 1006");
    rawserver_cut(&server, false);

    await(CONNECTING); /* silent in the handshake: nobody accepts it */
    await(LOST);
    assert_said("handshake");
    assert_true(child_processor_time(&client) - before < 150);

    child_signal(&client, SIGTERM);
    await_after_all(STOPPED);
    assert_int_equal(child_exit_status(&client), 0);
}

static void a_server_that_does_not_read_is_left(void **state)
{
    (void)state;
    static char text[65000]; /* a thousand of these fill every buffer */
    const char *const options[] = {
        "--base",     "4", "--cap",  "40", "--send",    text,
        "--interval", "1", "--ping", "50", "--timeout", timeout_ms, NULL};

    need_client();
    memset(text, 'x', sizeof text - 1);
    open_in_time(options);
    do
        assert_true(child_line(&client, PATIENCE));
    while (strncmp(client.line, "not sent: ", 10) == 0);
    assert_int_equal(judge(client.line), LOST);
    rawserver_cut(&server, true);

    /* What it could not send is freed: or its status tells of the leak. */
    child_signal(&client, SIGTERM);
    await_after_all(STOPPED);
    assert_int_equal(child_exit_status(&client), 0);
}

static void it_stays_away_where_a_return_is_no_use(void **state)
{
    (void)state;
    static const char *const options[] = {"--base", "4", "--cap", "40", NULL};
    static const char forbidden[] = "HTTP/1.1 403 Forbidden\r\n"
                                    "Content-Length: 0\r\n\r\n";

    need_client();
    launch(options);
    open_connection();
    rawserver_put_close(&server, 1008, "no");
    rawserver_finish(&server);
    await(ENDED);
    assert_int_equal(child_exit_status(&client), 1);

    launch(options);
    take_request();
    rawserver_put(&server, forbidden, sizeof forbidden - 1);
    rawserver_finish(&server);
    await(ENDED);
    assert_said("HTTP 403");
    assert_int_equal(child_exit_status(&client), 1);
}

static void it_gives_up_after_so_many_attempts(void **state)
{
    (void)state;
    static const char *const options[] = {"--base",     "4", "--cap", "40",
                                          "--attempts", "6", NULL};

    need_client();
    launch(options);
    for (int n = 0; n < 7; n++) {
        take_connection();
        rawserver_cut(&server, true);
        await(n < 6 ? LOST : ENDED);
    }
    assert_int_equal(child_exit_status(&client), 1);
    assert_false(readable(server.listener, 0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_comes_back_after_a_hundred_restarts_and_resets),
        TEST(after_a_stable_connection_the_waits_are_short_again),
        TEST(a_signal_ends_it_when_open_connecting_or_waiting),
        TEST(it_stops_after_so_many_seconds),
        TEST(a_server_that_is_silent_is_left),
        TEST(a_server_that_does_not_read_is_left),
        TEST(it_stays_away_where_a_return_is_no_use),
        TEST(it_gives_up_after_so_many_attempts),
    };
    const char *seed = getenv("RECONNECT_SEED");

    random_state = seed != NULL ? (uint32_t)strtoul(seed, NULL, 10)
                                : (uint32_t)now_ms() ^ (uint32_t)getpid();
    if (random_state == 0)
        random_state = 1;
    print_message("RECONNECT_SEED=%lu\n", (unsigned long)random_state);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
