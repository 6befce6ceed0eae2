/* SPDX-License-Identifier: MIT */
/*
 * test_client_loop.c - the loop that the clients share: it comes back, or says
 * why not.
 *
 * The client is a child of this program, which prints what it hears. The server
 * is this program, on raw sockets.
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
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client_loop.h"
#include "support/child.h"
#include "support/rawserver.h"
#include "tcp.h"

static struct rawserver server;
static struct child     client;
static int              orders = -1; /* what the client reads, and sends */

/* ---- The client --------------------------------------------------------- */

enum { MEGABYTE = 1 << 20, MUCH = 16 }; /* more than the kernel takes */

struct teller {
    client_loop loop;
    source      orders;
    timer       timer;
};

static void hear(client_loop *l, const upf_event *ev)
{
    const upf_str text = {(const char *)ev->data, ev->len};

    if (ev->type == UPF_EVENT_OPEN)
        client_loop_send(l, UPF_OP_TEXT, "hello", 5);
    if (ev->type != UPF_EVENT_MESSAGE)
        return;
    printf("heard %.*s\n", (int)text.len, text.data);
    if (upf_str_equals(text, "enough")) {
        client_loop_leave(l, UPF_CLOSE_NORMAL, "thanks", NULL);
        client_loop_leave(l, UPF_CLOSE_POLICY, "", "not the first");
    } else if (upf_str_equals(text, "wrong")) {
        client_loop_leave(l, UPF_CLOSE_POLICY, "no", "that is wrong");
    } else if (upf_str_equals(text, "stop")) {
        raise(SIGSTOP);
    }
}

static void lost(client_loop *l, const client_ending *end)
{
    (void)l;
    printf("lost %d%d %d (%s); %s\n", end->connected, end->opened,
           end->close_code, end->text, end->next);
}

static void on_order(source *from, unsigned events)
{
    static char    megabyte[MEGABYTE];
    struct teller *t = OWNER_OF(struct teller, orders, from);
    char           bytes[64];
    const ssize_t  n    = read(from->fd, bytes, sizeof bytes);
    const upf_str  text = {bytes, n > 0 ? (size_t)n : 0};

    (void)events;
    if (n <= 0)
        poller_forget(t->loop.poller, from);
    else if (upf_str_equals(text, "leave"))
        client_loop_leave(&t->loop, UPF_CLOSE_NORMAL, "", NULL);
    else if (upf_str_equals(text, "fail"))
        client_loop_leave(&t->loop, UPF_CLOSE_NORMAL, "", "a failure");
    else if (upf_str_equals(text, "much"))
        for (int i = 0; i < MUCH; i++)
            client_loop_send(&t->loop, UPF_OP_BINARY, megabyte, MEGABYTE);
    else if (!client_loop_send(&t->loop, UPF_OP_TEXT, text.data, text.len))
        puts("not sent");
}

static void on_timer(timer *from)
{
    struct teller *t = OWNER_OF(struct teller, timer, from);

    client_loop_send(&t->loop, UPF_OP_BINARY, "tick", 4);
}

static const client_app    app      = {.hear = hear, .lost = lost};
static upf_backoff_policy  policy   = {1, 1, 60000, 0};
static const char         *url;     /* NULL: the server's */
static double              rate;    /* of the timer; 0: none */
static uint32_t            timeout, close_timeout, ping_interval;
static int                 out;     /* not 0: its standard output */

static int run_client(int from)
{
    static struct teller t;
    client_loop *l = &t.loop;
    char address[64];

    snprintf(address, sizeof address, "ws://127.0.0.1:%u/", server.port);
    client_loop_init(l, &app);
    l->url     = url != NULL ? url : address;
    l->policy  = policy;
    l->timeout = timeout;
    /* The loop's own; these would never come. */
    l->config.handshake_timeout = 0;
    l->config.pong_timeout      = 0;
    l->config.close_timeout     = close_timeout;
    l->config.ping_interval     = ping_interval;
    l->config.max_queued        = 2 * MUCH * MEGABYTE;
    const int status = client_loop_begin(l);
    if (status >= 0)
        return status;
    t.orders = (source){.fd = from, .ready = on_order};
    if (!poller_watch(l->poller, &t.orders, POLLER_READ))
        return 9;
    if (rate > 0)
        timers_every(&l->timers, &t.timer, rate, on_timer);
    return client_loop_run(l);
}

static void begin_client(void)
{
    int output[2], input[2];

    assert_int_equal(pipe(output), 0);
    assert_int_equal(pipe(input), 0);
    fflush(NULL);
    client = (struct child){.output = output[0], .pid = fork()};
    assert_true(client.pid >= 0);
    if (client.pid == 0) {
        (void)dup2(out != 0 ? out : output[1], STDOUT_FILENO);
        (void)dup2(output[1], STDERR_FILENO);
        (void)setvbuf(stdout, NULL, _IOLBF, 0);
        close(input[1]);
        exit(run_client(input[0]));
    }
    close(output[1]);
    close(input[0]);
    orders = input[1];
}

static int begin(void **state)
{
    (void)state;
    policy  = (upf_backoff_policy){1, 1, 60000, 0};
    url     = NULL;
    rate    = 0;
    timeout = close_timeout = PATIENCE;
    ping_interval = 0;
    rawserver_begin(&server);
    return 0;
}

static int end(void **state)
{
    (void)state;
    child_end(&client);
    rawserver_end(&server);
    if (orders >= 0)
        close(orders);
    orders = -1;
    if (out > 0)
        close(out);
    out = 0;
    return 0;
}

/* ---- The server --------------------------------------------------------- */

static void await_line(const char *text)
{
    assert_true(child_line(&client, PATIENCE));
    if (strncmp(client.line, text, strlen(text)) != 0)
        fail_msg("\"%s\" and not \"%s\"", client.line, text);
}

/* False if it has given up before. */
static bool accept_handshake(void)
{
    char response[512];

    if (!rawserver_accept_request(&server))
        return false;
    rawserver_put(&server, response,
                  rawserver_response(&server, response, sizeof response));
    return true;
}

static void hear_hello(void)
{
    char payload[256];

    rawserver_read(&server, UPF_OP_TEXT, payload);
    assert_string_equal(payload, "hello");
}

static void let_in(void)
{
    assert_true(accept_handshake());
    hear_hello();
}

/* Both in one piece; `second` may be NULL. */
static void tell(const char *first, const char *second)
{
    uint8_t frames[200];
    size_t  len = rawserver_frame(frames, UPF_OP_TEXT, first, strlen(first));

    if (second != NULL)
        len += rawserver_frame(frames + len, UPF_OP_TEXT, second,
                               strlen(second));
    rawserver_put(&server, frames, len);
}

static void answer_close(int code)
{
    assert_int_equal(rawserver_read_close(&server), code);
    rawserver_put_close(&server, code, "");
    rawserver_finish(&server);
}

/* It has ended its side, and need not wait for ours. */
static void await_leaving(void)
{
    const uint64_t give_up = clock_ms() + PATIENCE;
    char           dropped[256];

    do {
        assert_true(clock_ms() < give_up);
        assert_true(readable(server.peer, PATIENCE));
    } while (recv(server.peer, dropped, sizeof dropped, 0) > 0);
    rawserver_cut(&server, false);
}

static void expect_end(int status)
{
    char rest[256];

    assert_int_equal(child_rest(&client, rest, sizeof rest), status);
    assert_string_equal(rest, "");
}

/* ---- Tests -------------------------------------------------------------- */

static void it_comes_back_until_that_is_no_use(void **state)
{
    (void)state;
    begin_client();
    let_in();
    tell("one", NULL);
    await_line("heard one");
    rawserver_cut(&server, true);
    await_line("lost 11 1006 (");
    assert_non_null(strstr(client.line, "); next try in "));
    let_in();
    rawserver_put_close(&server, 1001, "a restart");
    rawserver_finish(&server);
    await_line("lost 11 1001 (a restart); next try in ");
    let_in();
    tell("two", NULL);
    await_line("heard two");
    rawserver_put_close(&server, 1008, "go");
    rawserver_finish(&server);
    await_line("lost 11 1008 (go); no use in trying again");
    expect_end(1);
}

static void it_gives_up_when_it_was_told_to(void **state)
{
    (void)state;
    policy.max_tries = 1;
    rawserver_stop(&server);
    begin_client();
    await_line("cannot connect to 127.0.0.1");
    await_line("lost 00 1006 (cannot connect); next try in ");
    await_line("cannot connect to 127.0.0.1");
    await_line("lost 00 1006 (cannot connect); giving up");
    expect_end(1);
}

/* Failures before a connection that was stable are forgotten. */
static void what_was_stable_is_no_failure(void **state)
{
    char payload[256];

    (void)state;
    policy.max_tries = 1;
    policy.stable_ms = 1;
    rate = 100;
    begin_client();
    for (int i = 0; i < 3; i++) {
        let_in();
        for (int tick = 0; tick < 3; tick++) /* a millisecond, or more */
            rawserver_read(&server, UPF_OP_BINARY, payload);
        rawserver_cut(&server, true);
        await_line("lost 11 1006 (");
        assert_non_null(strstr(client.line, "); next try in "));
    }
}

static void a_server_that_does_not_answer_is_left(void **state)
{
    (void)state;
    timeout = 100;
    begin_client();
    rawserver_accept(&server);
    await_leaving();
    await_line("lost 10 1006 (");
}

/* The time-out is for the handshake, too. False if that was too slow for it:
 * then it is longer the next time. */
static bool is_let_in_in_time(void)
{
    const uint64_t since = clock_ms();

    begin_client();
    if (accept_handshake() && clock_ms() - since < timeout)
        return true;
    child_end(&client);
    rawserver_end(&server); /* who came again is not accepted */
    rawserver_begin(&server);
    close(orders);
    timeout *= 2;
    return false;
}

static void a_server_that_is_silent_is_left(void **state)
{
    char payload[256];

    (void)state;
    timeout       = 250;
    ping_interval = 50;
    while (!is_let_in_in_time())
        assert_true(timeout < PATIENCE);
    hear_hello();
    rawserver_read(&server, UPF_OP_PING, payload);
    await_leaving();
    await_line("lost 11 1006 (");
}

static void it_keeps_away_as_long_as_it_is_asked_to(void **state)
{
    static const char busy[] = "HTTP/1.1 503 Busy\r\nRetry-After: 3600\r\n"
                               "Content-Length: 0\r\n\r\n";

    (void)state;
    begin_client();
    rawserver_accept(&server);
    rawserver_read_head(&server, sizeof server.head);
    rawserver_put(&server, busy, sizeof busy - 1);
    rawserver_finish(&server);
    await_line("server: Retry-After: 3600");
    await_line("lost 10 1006 (HTTP 503); next try in 360000");
    child_signal(&client, SIGTERM); /* ends the wait */
    expect_end(0);
}

static void a_server_that_hangs_up_may_want_tls(void **state)
{
    (void)state;
    begin_client();
    rawserver_accept(&server);
    rawserver_read_head(&server, sizeof server.head);
    rawserver_cut(&server, false);
    await_line("lost 10 1006 (");
    assert_non_null(strstr(client.line, "then wss://); next try in"));
}

static void the_application_leaves_when_it_has_enough(void **state)
{
    (void)state;
    begin_client();
    let_in();
    tell("enough", "and more");
    await_line("heard enough");
    answer_close(1000);
    expect_end(0);
}

static void the_application_leaves_who_is_wrong(void **state)
{
    (void)state;
    begin_client();
    let_in();
    tell("wrong", "and more");
    await_line("heard wrong");
    answer_close(1008);
    await_line("lost 11 1008 (that is wrong); no use in trying again");
    expect_end(1);
}

static void a_signal_says_goodbye(void **state)
{
    (void)state;
    begin_client();
    let_in();
    child_signal(&client, SIGINT);
    answer_close(1001);
    expect_end(0);
}

/* The signal is not heard again and again while the answer is waited for. */
static void a_goodbye_that_is_not_answered_costs_no_work(void **state)
{
    (void)state;
    timeout = close_timeout = 4 * PATIENCE;
    begin_client();
    let_in();
    child_signal(&client, SIGINT);
    assert_int_equal(rawserver_read_close(&server), 1001);
    child_await_asleep(&client);
    rawserver_put_close(&server, 1001, "");
    rawserver_finish(&server);
    expect_end(0);
}

static void nor_is_its_answer_waited_for_without_end(void **state)
{
    (void)state;
    close_timeout = 100;
    begin_client();
    let_in();
    child_signal(&client, SIGINT);
    assert_int_equal(rawserver_read_close(&server), 1001);
    await_leaving();
    expect_end(0);
}

/* What the application waits for beside, with a connection and without. */
static void others_have_their_turn(void **state)
{
    char payload[256];

    (void)state;
    rate = 100;
    begin_client();
    let_in();
    for (int i = 0; i < 3; i++) {
        rawserver_read(&server, UPF_OP_BINARY, payload);
        assert_string_equal(payload, "tick");
    }
    assert_int_equal(write(orders, "order", 5), 5);
    rawserver_read(&server, UPF_OP_TEXT, payload);
    assert_string_equal(payload, "order");
    child_end(&client);
    rawserver_cut(&server, true);

    policy.base_ms = policy.cap_ms = INT32_MAX;
    rate = 0;
    close(orders);
    begin_client();
    let_in();
    rawserver_cut(&server, true);
    await_line("lost 11 1006");
    assert_int_equal(write(orders, "order", 5), 5);
    await_line("not sent");
}

/* However much the server has to say. */
static void others_have_their_turn_in_a_flood(void **state)
{
    enum { COUNT = 300 };
    uint8_t flood[COUNT * 3];
    char    rest[4096];
    int     heard = 0, status;

    (void)state;
    begin_client();
    let_in();
    tell("stop", NULL);
    assert_int_equal(waitpid(client.pid, &status, WUNTRACED), client.pid);
    assert_true(WIFSTOPPED(status));
    for (size_t i = 0; i < COUNT; i++)
        rawserver_frame(flood + 3 * i, UPF_OP_TEXT, "x", 1);
    rawserver_put(&server, flood, sizeof flood);
    assert_int_equal(write(orders, "leave", 5), 5);
    child_signal(&client, SIGCONT);
    answer_close(1000);
    assert_int_equal(child_rest(&client, rest, sizeof rest), 0);
    for (const char *x = rest; (x = strstr(x, "heard x")) != NULL; x++)
        heard++;
    assert_true(heard < COUNT);
}

static void what_the_kernel_does_not_take_is_sent_later(void **state)
{
    static char bytes[MEGABYTE];
    size_t      total = 0;

    (void)state;
    begin_client();
    let_in();
    assert_int_equal(write(orders, "much", 4), 4);
    while (total < (size_t)MUCH * MEGABYTE) {
        assert_true(readable(server.peer, PATIENCE));
        const ssize_t n = recv(server.peer, bytes, sizeof bytes, 0);
        assert_true(n > 0);
        total += (size_t)n;
    }
}

/* With a status of its own, and without another word. */
static void it_may_be_left_while_it_waits(void **state)
{
    static const char *const words[] = {"leave", "fail"};

    (void)state;
    policy.base_ms = policy.cap_ms = INT32_MAX;
    for (int i = 0; i < 2; i++) {
        begin_client();
        let_in();
        rawserver_cut(&server, true);
        await_line("lost 11 1006");
        assert_true(write(orders, words[i], strlen(words[i])) > 0);
        expect_end(i);
        child_end(&client);
        close(orders);
    }
    orders = -1;
}

/* It tells the server, and ends, whatever it was about to do. */
static void it_ends_where_nothing_can_be_written(void **state)
{
    static const struct {
        const char *text;
        int         code;
    } cases[] = {{"one", 1001}, {"enough", 1000}};

    for (size_t i = 0; i < 4; i++) {
        out = i < 2 ? child_closed_pipe() : child_full_device();
        if (out < 0)
            break; /* a system that has no such device */
        begin_client();
        let_in();
        tell(cases[i % 2].text, NULL);
        answer_close(cases[i % 2].code);
        await_line("cannot write: ");
        expect_end(1);
        end(state);
        begin(state);
    }
}

/* Nor does it go where it does not say so again. */
static void nor_does_it_come_back_then(void **state)
{
    (void)state;
    out = child_closed_pipe();
    begin_client();
    let_in();
    rawserver_cut(&server, true);
    await_line("cannot write: ");
    expect_end(1);
}

static void what_is_set_wrongly_is_refused(void **state)
{
    (void)state;
    url = "http://127.0.0.1/";
    begin_client();
    await_line("not a ws:// or wss:// URL");
    await_line("");
    await_line("");
    expect_end(2);
    child_end(&client);
    close(orders);
    url     = NULL;
    timeout = 0;
    begin_client();
    await_line("timeout: ");
    expect_end(2);
    child_end(&client);
    close(orders);
    timeout       = PATIENCE;
    policy.cap_ms = 0;
    begin_client();
    await_line("policy: ");
    expect_end(2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_comes_back_until_that_is_no_use),
        TEST(it_gives_up_when_it_was_told_to),
        TEST(what_was_stable_is_no_failure),
        TEST(a_server_that_does_not_answer_is_left),
        TEST(a_server_that_is_silent_is_left),
        TEST(it_keeps_away_as_long_as_it_is_asked_to),
        TEST(a_server_that_hangs_up_may_want_tls),
        TEST(the_application_leaves_when_it_has_enough),
        TEST(the_application_leaves_who_is_wrong),
        TEST(a_signal_says_goodbye),
        TEST(a_goodbye_that_is_not_answered_costs_no_work),
        TEST(nor_is_its_answer_waited_for_without_end),
        TEST(others_have_their_turn),
        TEST(others_have_their_turn_in_a_flood),
        TEST(what_the_kernel_does_not_take_is_sent_later),
        TEST(it_may_be_left_while_it_waits),
        TEST(it_ends_where_nothing_can_be_written),
        TEST(nor_does_it_come_back_then),
        TEST(what_is_set_wrongly_is_refused),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
