/* SPDX-License-Identifier: MIT */
/*
 * test_server.c - the small server that the applications share: whatever some
 * clients do, the others notice nothing.
 *
 * The server is a child of this program, with an application that says to all
 * what one says, and who is gone, and takes a POST. Clients are bare sockets.
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

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http_body.h"
#include "server.h"
#include "support/blob.h"
#include "support/frames.h"
#include "support/rawserver.h"
#include "tcp.h"

enum { MAX_MESSAGE = 1000, MAX_QUEUED = 60000, BODY_MAX = 100 };

static pid_t    child;
static uint32_t close_timeout, handshake_timeout; /* ms */
static double   may_say_more; /* than its --max-rate, when a client comes */
static int      life[2] = {-1, -1}; /* a pipe: the child ends with us */
static unsigned port;

/* Who is waited with, and must not be taken for silent meanwhile. */
static int friends[2] = {-1, -1};

/* ---- The application --------------------------------------------------- */

static void take_body(client *c, const char *body, size_t len)
{
    set_send(c->server, &c->server->everyone, UPF_OP_TEXT, body, len);
    http_answer(c, 200, "Taken.\n");
}

/* Who asked not to be read from, and whether "late" was read. */
static client *held;
static bool    late;

/* Of 130 characters: longer than a Close can have. */
#define TEN "0123456789"
static const char ban[] = TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN;

/* What cannot be sent, to one and to all, and then what can. */
static void make_mistakes(server *s, client *c)
{
    static const char long_one[MAX_QUEUED + 1];

    client_send(c, UPF_OP_TEXT, "\xC3(", 2);
    client_send(c, UPF_OP_PING, "ping", 4);
    client_send(c, UPF_OP_BINARY, long_one, sizeof long_one);
    set_send(s, &s->everyone, UPF_OP_TEXT, "\xC3(", 2);
    set_send(s, &s->everyone, UPF_OP_BINARY, long_one, sizeof long_one);
    set_send(s, &s->everyone, UPF_OP_TEXT, "mistaken", 8);
}

/* What one says is heard by all; some words are orders. */
static void on_message(server *s, client *c, const upf_event *ev)
{
    const upf_str said = {(const char *)ev->data, ev->len};

    if (upf_str_equals(said, "hold me")) {
        held = c;
        client_hold(held, true);
        set_send(s, &s->everyone, UPF_OP_TEXT, "held", 4);
        return;
    }
    if (upf_str_equals(said, "let go")) {
        const char *text = late ? "late was read" : "late was not read";
        set_send(s, &s->everyone, UPF_OP_TEXT, text, strlen(text));
        client_hold(held, false);
        return;
    }
    if (upf_str_equals(said, "close") || upf_str_equals(said, "close, hold")) {
        client_close(held, UPF_CLOSE_NORMAL, "over");
        if (said.len > 5)
            client_hold(held, true); /* of no effect */
        return;
    }
    if (upf_str_equals(said, "mistakes")) {
        make_mistakes(s, c);
        return;
    }
    if (upf_str_equals(said, "ban me")) {
        client_close(c, UPF_CLOSE_POLICY, ban);
        return;
    }
    if (upf_str_equals(said, "ban me by no code")) {
        client_close(c, 42, "so");
        return;
    }
    late = late || upf_str_equals(said, "late");
    set_send(s, &s->everyone, ev->opcode, ev->data, ev->len);
}

static void on_event(server *s, client *c, const upf_event *ev)
{
    if (ev->type == UPF_EVENT_REQUEST)
        c->may_say += may_say_more;
    if (ev->type == UPF_EVENT_MESSAGE)
        on_message(s, c, ev);
    else if (ev->type == UPF_EVENT_CLOSE && c->number > 0)
        set_send(s, &s->everyone, UPF_OP_TEXT, "gone", 4);
    else if (ev->type == UPF_EVENT_REQUEST &&
             ev->status == UPF_ERR_NOT_UPGRADE &&
             upf_str_equals(ev->request.method, "POST"))
        http_read_body(c, &ev->request, BODY_MAX, take_body);
}

#define NONCE "................................"
static const char page[] = "<style></style><script></script><script src=x>"
                           "<script>1 < 2</script>The page. <script";

static const server_app app = {.client_size = sizeof(client),
                               .hear        = on_event,
                               .page        = page,
                               .page_len    = sizeof page - 1};

/* The other end of the pipe is closed: whoever began us is gone. */
static void on_life(source *from, unsigned events)
{
    (void)from;
    (void)events;
    _exit(3);
}

/* In the child: never returns. What it prints goes to `output`. */
static void serve(int output, const char *const *options)
{
    char *argv[12] = {(char *)"server", (char *)"--port", (char *)"0"};
    int   argc    = 3;
    server s      = {.setup = {.host            = "127.0.0.1",
                               .max_message     = MAX_MESSAGE,
                               .max_queued      = MAX_QUEUED,
                               .send_buffer     = 10000,
                               .ping_interval   = 400,
                               .pong_timeout    = PATIENCE,
                               .max_connections = 50}};

    while (options != NULL && *options != NULL)
        argv[argc++] = (char *)*options++;
    (void)dup2(output, STDOUT_FILENO);
    int status = server_begin(&s, &app, argc, argv, "usage: server");
    if (status < 0) {
        s.setup.config.handshake_timeout = handshake_timeout;
        s.setup.config.close_timeout     = close_timeout;
        source parent = {.fd = life[0], .ready = on_life};
        close(life[1]);
        poller_watch(s.poller, &parent, POLLER_READ);
        status = server_run(&s);
    }
    exit(status);
}

static void begin_server(const char *const *options)
{
    char    line[128];
    int     output[2];

    assert_int_equal(pipe(output), 0);
    assert_int_equal(pipe(life), 0);
    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        serve(output[1], options);
    close(output[1]);
    close(life[0]);
    const ssize_t n = read(output[0], line, sizeof line - 1);
    close(output[0]);
    assert_true(n > 0);
    line[n] = '\0';
    const char *colon = strrchr(line, ':');
    assert_non_null(colon);
    port = (unsigned)strtoul(colon + 1, NULL, 10);
}

/* The processor's time that the children have taken which are gone, in ms. */
static long work_of_children(void)
{
    struct rusage used;

    assert_int_equal(getrusage(RUSAGE_CHILDREN, &used), 0);
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
}

/* By a signal, to which it says goodbye; its exit status. */
static int end_server(void)
{
    int status = -1;

    kill(child, SIGTERM);
    assert_int_equal(waitpid(child, &status, 0), child);
    child = 0;
    close(life[1]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int set_up(void **state)
{
    (void)state;
    close_timeout     = 500;
    handshake_timeout = PATIENCE;
    may_say_more  = 0;
    friends[0] = friends[1] = -1;
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        child = 0;
        close(life[1]);
    }
    return 0;
}

/* ---- Clients ----------------------------------------------------------- */

static const char handshake[] =
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n";

static void put(int fd, const void *data, size_t len)
{
    size_t at = 0;

    while (at < len) {
        const ptrdiff_t n = tcp_write(&fd, (const char *)data + at, len - at);
        if (n > 0)
            at += (size_t)n;
        else if (n == UPF_IO_ERROR)
            return; /* it has been cut off already */
        else
            (void)poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, 1000);
    }
}

static void put_str(int fd, const char *text) { put(fd, text, strlen(text)); }

static void await_readable(int fd)
{
    const uint64_t give_up = clock_ms() + PATIENCE;

    while (!readable(fd, 50)) {
        assert_true(clock_ms() < give_up);
        for (int i = 0; i < 2; i++)
            if (friends[i] >= 0)
                put(friends[i], "\x8A\x80\0\0\0\0", 6); /* a Pong */
    }
}

/* One read; false at the end of the stream. */
static bool take(int fd, struct blob *to)
{
    char    bytes[4096];
    ssize_t n;

    await_readable(fd);
    n = recv(fd, bytes, sizeof bytes, 0);
    if (n > 0)
        blob_add(to, bytes, (size_t)n);
    return n > 0;
}

static int join(void)
{
    char      head[1024] = "";
    const int fd         = tcp_connect("127.0.0.1", port, PATIENCE);

    assert_true(fd >= 0);
    put(fd, handshake, sizeof handshake - 1);
    put(fd, "\r\n", 2);
    /* And no more: what is said to all may be right behind it. */
    for (size_t len = 0; strstr(head, "\r\n\r\n") == NULL;) {
        assert_true(len < sizeof head - 1);
        await_readable(fd);
        assert_int_equal(recv(fd, head + len++, 1, 0), 1);
    }
    assert_int_equal(memcmp(head, "HTTP/1.1 101 ", 13), 0);
    return fd;
}

/* In one piece, however many there are. */
static void say_often(int fd, const char *text, int count)
{
    struct blob frames = {0};

    for (int i = 0; i < count; i++)
        put_frame(&frames, FROM_CLIENT, FIN | TEXT, text, strlen(text));
    put(fd, frames.data, frames.len);
    blob_free(&frames);
}

static void say(int fd, unsigned first, const void *text, size_t len)
{
    struct blob frame = {0};

    put_frame(&frame, FROM_CLIENT, first, text, len);
    put(fd, frame.data, frame.len);
    blob_free(&frame);
}

/*
 * Read until `fd` gets the text, pings answered; what it gets before that is
 * left out. `kept` holds what was read and not looked at.
 */
static void await(int fd, struct blob *kept, const char *text)
{
    const uint64_t give_up = clock_ms() + PATIENCE;
    const size_t   len     = strlen(text);
    struct frame   f;

    for (;;) {
        if (clock_ms() >= give_up)
            fail_msg("\"%s\" does not come", text);
        if (!get_frame(kept->data, kept->len, &f) ||
            kept->len < f.header_len + f.len) {
            if (!take(fd, kept))
                fail_msg("cut off before \"%s\" came", text);
            continue;
        }
        const uint8_t *payload = kept->data + f.header_len;
        const bool found = f.len == len && memcmp(payload, text, len) == 0;
        if (f.first == (FIN | PING))
            say(fd, FIN | PONG, payload, (size_t)f.len);
        assert_int_not_equal(f.first, FIN | CLOSE);
        kept->len -= f.header_len + (size_t)f.len;
        memmove(kept->data, payload + f.len, kept->len);
        if (found)
            return;
    }
}

/* ---- Twenty who misbehave ---------------------------------------------- */

/* What the server's last word was: an HTTP status, or a close code; 0: none. */
static int last_word(int fd)
{
    struct blob  all  = {0};
    struct frame f;
    int          word = 0;
    size_t       at   = 0;

    while (take(fd, &all)) {
    }
    if (all.len > 12 && memcmp(all.data, "HTTP/1.1 ", 9) == 0) {
        word = atoi((const char *)all.data + 9);
        at   = all.len;
    }
    for (; get_frame(all.data + at, all.len - at, &f);
         at += (size_t)f.len) {
        at += f.header_len;
        if (f.first == (FIN | CLOSE) && f.len >= 2)
            word = all.data[at] << 8 | all.data[at + 1];
    }
    blob_free(&all);
    return word;
}

/* Each acts on a connection, open or new, and is then told `word`. */
static void says_nothing(int fd) { (void)fd; }

static void says_half_a_request(int fd) { put(fd, handshake, 60); }

static void says_garbage(int fd) { put(fd, "\x16\x03\x01\x02\r\n\r\n", 8); }

static void asks_for_a_long_path(int fd)
{
    char line[9000] = "GET /";

    memset(line + 5, 'a', sizeof line - 5);
    put(fd, line, sizeof line);
}

static void sends_long_headers(int fd)
{
    char line[9000] = "X: ";

    memset(line + 3, 'a', sizeof line - 3);
    put(fd, handshake, sizeof handshake - 1);
    put(fd, line, sizeof line);
}

static void means_another_host(int fd)
{
    static const char request[] =
        "GET / HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example"
        "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
        "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

    put(fd, request, sizeof request - 1);
}

static void comes_from_another_site(int fd)
{
    put(fd, handshake, sizeof handshake - 1);
    put_str(fd, "Origin: http://evil.example\r\n\r\n");
}

static void does_not_say_how_long_the_body_is(int fd)
{
    put_str(fd, "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

static void posts_too_much(int fd)
{
    put_str(fd, "POST / HTTP/1.1\r\nHost: localhost\r\n"
                "Content-Length: 101\r\n\r\n");
}

static void posts_more_than_there_are_bytes(int fd)
{
    static const char request[] =
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
        "99999999999999999999999\r\n\r\n";

    put(fd, request, sizeof request - 1);
}

static void never_sends_the_body(int fd)
{
    put_str(fd, "POST / HTTP/1.1\r\nHost: localhost\r\n"
                "Content-Length: 10\r\n\r\nhi");
}

static void expects_something(int fd)
{
    static const char request[] =
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n"
        "Expect: everything\r\n\r\n";

    put(fd, request, sizeof request - 1);
}

static void sends_without_a_mask(int fd) { put(fd, "\x81\x02hi", 4); }

static void sends_no_text(int fd) { say(fd, FIN | TEXT, "\xC3\x28", 2); }

static void sends_too_long_a_message(int fd)
{
    static const char message[MAX_MESSAGE + 1];

    say(fd, FIN | BINARY, message, sizeof message);
}

static void uses_a_reserved_opcode(int fd) { say(fd, FIN | 0x3, "", 0); }

static void claims_an_extension(int fd) { say(fd, FIN | RSV1 | TEXT, "a", 1); }

static void never_answers_a_ping(int fd) { (void)fd; }

static void stops_in_a_frame(int fd) { put(fd, "\x81\xFE\x01", 3); }

static void closes_and_stays(int fd) { say(fd, FIN | CLOSE, "\x03\xE8", 2); }

static void closes_with_no_code_there_is(int fd)
{
    say(fd, FIN | CLOSE, "\x03\xEE", 2);
}

static const struct {
    void (*act)(int fd);
    bool is_open;
    int  word;
} offenders[] = {
    {says_nothing, false, 408},
    {says_half_a_request, false, 408},
    {says_garbage, false, 400},
    {asks_for_a_long_path, false, 414},
    {sends_long_headers, false, 431},
    {means_another_host, false, 421},
    {comes_from_another_site, false, 403},
    {does_not_say_how_long_the_body_is, false, 411},
    {posts_too_much, false, 413},
    {posts_more_than_there_are_bytes, false, 413},
    {never_sends_the_body, false, 408},
    {expects_something, false, 417},
    {sends_without_a_mask, true, 1002},
    {sends_no_text, true, 1007},
    {sends_too_long_a_message, true, 1009},
    {uses_a_reserved_opcode, true, 1002},
    {claims_an_extension, true, 1002},
    {never_answers_a_ping, true, 1011},
    {stops_in_a_frame, true, 1011},
    {closes_and_stays, true, 1000},
    {closes_with_no_code_there_is, true, 1002},
};

/* All at the same time, while two others talk. What is too slow is told 408 or
 * 1011: there is time for it on a busy machine to be what it is. */
static void who_misbehaves_is_told_and_others_notice_nothing(void **state)
{
    enum { COUNT = sizeof offenders / sizeof *offenders };
    struct blob heard[2] = {{0}};
    int         fds[COUNT];

    (void)state;
    handshake_timeout = 4000;
    begin_server((const char *const[]){"--pong-timeout", "4000", NULL});
    const int one = join();
    const int two = join();
    friends[0] = one;
    friends[1] = two;
    for (size_t i = 0; i < COUNT; i++) {
        fds[i] = offenders[i].is_open
                     ? join()
                     : tcp_connect("127.0.0.1", port, PATIENCE);
        assert_true(fds[i] >= 0);
        offenders[i].act(fds[i]);
        say(one, FIN | TEXT, "well?", 5);
        await(two, &heard[1], "well?");
        await(one, &heard[0], "well?");
    }
    for (size_t i = 0; i < COUNT; i++) {
        const int word = last_word(fds[i]);
        if (word != offenders[i].word)
            fail_msg("offender %zu is told %d and not %d", i, word,
                     offenders[i].word);
        close(fds[i]);
        say(one, FIN | TEXT, "still well?", 11);
        await(two, &heard[1], "still well?");
        await(one, &heard[0], "still well?");
    }
    blob_free(&heard[0]);
    blob_free(&heard[1]);
    close(one);
    close(two);
    assert_int_equal(end_server(), 0);
}

/* Who is reset in the middle of anything is let go, and no memory with it. */
/* ---- The application's own mistakes ------------------------------------- */

/* Nobody is closed for what cannot be sent; who is to be closed, is. */
static void what_cannot_be_sent_costs_nobody(void **state)
{
    struct blob heard[2] = {{0}, {0}};

    (void)state;
    begin_server(NULL);
    const int one = join(), two = join();
    say(one, FIN | TEXT, "mistakes", 8);
    await(one, &heard[0], "mistaken");
    await(two, &heard[1], "mistaken");
    say(one, FIN | TEXT, "ban me", 6);
    assert_int_equal(last_word(one), UPF_CLOSE_POLICY);
    say(two, FIN | TEXT, "ban me by no code", 17);
    assert_int_equal(last_word(two), UPF_CLOSE_INTERNAL_ERROR);
    blob_free(&heard[0]);
    blob_free(&heard[1]);
    close(one);
    close(two);
    assert_int_equal(end_server(), 0);
}

static void what_is_no_application_is_told(void **state)
{
    static const server_app deaf    = {.client_size = sizeof(client)};
    static const server_app small   = {.hear        = on_event,
                                       .client_size = sizeof(client) - 1};
    char  *argv[] = {(char *)"server", NULL};
    server s      = {0};

    (void)state;
    assert_int_equal(server_begin(&s, &deaf, 1, argv, "usage: server"), 2);
    assert_int_equal(server_begin(&s, &small, 1, argv, "usage: server"), 2);
    assert_int_equal(server_run(&s), 2); /* it was not begun */
}

/* The page as it is answered: its tags wear the nonce that the policy has. */
static void fetch_page(char nonce[sizeof NONCE])
{
    static const char worn[] =
        "<style nonce=\"" NONCE "\"></style><script nonce=\"" NONCE
        "\"></script><script src=x><script nonce=\"" NONCE
        "\">1 < 2</script>The page. <script";
    struct blob all = {0};
    char        expected[sizeof worn];
    const int   fd  = tcp_connect("127.0.0.1", port, PATIENCE);

    put_str(fd, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    while (take(fd, &all))
        ;
    blob_add(&all, "", 1);
    const char *policy = strstr((char *)all.data, "script-src 'nonce-");
    const char *body   = strstr((char *)all.data, "\r\n\r\n");
    assert_non_null(policy);
    assert_non_null(body);
    memcpy(nonce, policy + 18, sizeof NONCE - 1);
    nonce[sizeof NONCE - 1] = '\0';
    assert_int_equal(strspn(nonce, "0123456789abcdef"), sizeof NONCE - 1);
    memcpy(expected, worn, sizeof worn);
    for (char *at = expected; (at = strstr(at, NONCE)) != NULL;)
        memcpy(at, nonce, sizeof NONCE - 1);
    assert_string_equal(body + 4, expected);
    blob_free(&all);
    close(fd);
}

static void a_page_wears_another_nonce_each_time(void **state)
{
    char one[sizeof NONCE], two[sizeof NONCE];

    (void)state;
    begin_server(NULL);
    fetch_page(one);
    fetch_page(two);
    assert_string_not_equal(one, two);
    assert_int_equal(end_server(), 0);
}

/* ---- Coming and going --------------------------------------------------- */

/* Sweeps are a second apart here: whoever waited for one would take too long. */
static void a_place_is_free_at_once(void **state)
{
    enum { COUNT = 30, MOST_MS = COUNT * 1000 / 2 };
    struct blob pages = {0};

    (void)state;
    begin_server((const char *const[]){"--max-connections", "1",
                                       "--ping-interval", "0",
                                       "--pong-timeout", "0", NULL});
    const uint64_t since = clock_ms();
    for (int i = 0; i < COUNT; i++) {
        const int fd = tcp_connect("127.0.0.1", port, PATIENCE);
        put_str(fd, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        while (take(fd, &pages))
            ;
        close(fd);
        assert_true(clock_ms() < since + MOST_MS);
    }
    assert_true(pages.len > COUNT * (sizeof page - 1));
    blob_free(&pages);
    assert_int_equal(end_server(), 0);
}

static void who_is_gone_is_forgotten(void **state)
{
    static const struct linger hard = {.l_onoff = 1};
    struct blob heard = {0};

    (void)state;
    begin_server(NULL);
    const int one = join();
    for (size_t i = 0; i < 120; i++) { /* of at most 50 at a time */
        const int fd = i % 2 == 0 ? join()
                                  : tcp_connect("127.0.0.1", port, PATIENCE);
        assert_true(fd >= 0);
        if (i % 2 == 0)
            put(fd, "\x81\xFE\x01", 3);
        else
            put(fd, handshake, i);
        if (i % 3 == 0)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close(fd);
        say(one, FIN | TEXT, "well?", 5);
        await(one, &heard, "well?");
    }
    blob_free(&heard);
    close(one);
    assert_int_equal(end_server(), 0);
}

/* ---- Too slow, and too fast -------------------------------------------- */

static void who_does_not_read_is_cut_off_and_nobody_waits(void **state)
{
    static char message[MAX_MESSAGE];
    struct blob heard = {0};
    const int   size  = 4096;
    char        mark[16];

    (void)state;
    close_timeout = PATIENCE;
    begin_server((const char *const[]){"--ping-interval", "60000", NULL});
    const int deaf = join();
    const int one  = join();
    setsockopt(deaf, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    for (int i = 0; i < 1000; i++) {
        say(one, FIN | BINARY, message, sizeof message);
        snprintf(mark, sizeof mark, "%d", i);
        say(one, FIN | TEXT, mark, strlen(mark));
        await(one, &heard, mark);
    }
    shutdown(deaf, SHUT_WR); /* or its Close would be waited for */
    assert_int_equal(last_word(deaf), 1008);
    blob_free(&heard);
    close(deaf);
    close(one);
    assert_int_equal(end_server(), 0);
}

/* It is read no faster than its rate: what it says comes late, and whole. */
static void who_talks_too_fast_is_slowed_down(void **state)
{
    enum { COUNT = 60 };
    struct blob heard = {0}, fast = {0};
    char        mark[16];

    (void)state;
    begin_server((const char *const[]){"--max-rate", "20", "--ping-interval",
                                       "0", NULL}); /* it wakes nobody */
    const int      one   = join();
    const int      hasty = join();
    const uint64_t start = clock_ms();
    for (int i = 0; i < COUNT; i++) {
        snprintf(mark, sizeof mark, "%d", i);
        say(hasty, FIN | TEXT, mark, strlen(mark));
    }
    for (int i = 0; i < COUNT; i++) {
        snprintf(mark, sizeof mark, "%d", i);
        await(one, &heard, mark);
    }
    /* 20 at once, the rest at their rate. */
    assert_true(clock_ms() - start >= 1000 * (COUNT - 20) / 20 - 200);
    await(hasty, &fast, "59");
    blob_free(&heard);
    blob_free(&fast);
    close(one);
    close(hasty);
    assert_int_equal(end_server(), 0);
}

/* The application must hear of it: it may have kept a pointer. */
static void who_is_lost_while_it_is_slowed_down_is_told_of(void **state)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    struct blob heard = {0};

    (void)state;
    begin_server((const char *const[]){"--max-rate", "20", NULL});
    const int one   = join();
    const int hasty = join();
    say_often(hasty, "hasty", 60);
    await(one, &heard, "hasty"); /* written when it is held: see server.h */
    assert_int_equal(setsockopt(hasty, SOL_SOCKET, SO_LINGER, &reset,
                                sizeof reset), 0);
    close(hasty);
    await(one, &heard, "gone");
    blob_free(&heard);
    close(one);
    assert_int_equal(end_server(), 0);
}

/* What the application asked for is not over when the limit's wait is. */
static void who_is_held_stays_held_at_any_rate(void **state)
{
    enum { RATE = 100 };
    struct blob heard = {0}, frames = {0};

    (void)state;
    begin_server((const char *const[]){"--max-rate", "100", NULL});
    const int one   = join();
    const int hasty = join();
    put_frame(&frames, FROM_CLIENT, FIN | TEXT, "hold me", 7);
    for (int i = 0; i < RATE; i++)
        put_frame(&frames, FROM_CLIENT, FIN | TEXT, "hasty", 5);
    put(hasty, frames.data, frames.len);
    await(one, &heard, "hasty");

    /* The last of these is heard after a sweep in which all may go on. */
    say_often(one, "well?", RATE + 10);
    say(one, FIN | TEXT, "over", 4);
    await(one, &heard, "over");
    say(hasty, FIN | TEXT, "late", 4);
    for (int i = 0; i < 3; i++) { /* turns in which it might be heard */
        say(one, FIN | TEXT, "still?", 6);
        await(one, &heard, "still?");
    }
    say(one, FIN | TEXT, "let go", 6);
    await(one, &heard, "late was not read");
    await(one, &heard, "late");
    blob_free(&heard);
    blob_free(&frames);
    close(one);
    close(hasty);
    assert_int_equal(end_server(), 0);
}

/* Else its Close would not be read, and only the patience for it would end
 * the connection. */
static void who_is_held_is_let_go_to_be_closed(void **state)
{
    static const char *const orders[] = {"close", "close, hold"};
    struct blob heard = {0};

    (void)state;
    close_timeout = 3600 * 1000;
    begin_server(NULL);
    const int one = join();
    for (int i = 0; i < 2; i++) {
        const int lame = join();
        say(lame, FIN | TEXT, "hold me", 7);
        await(one, &heard, "held");
        say(one, FIN | TEXT, orders[i], strlen(orders[i]));
        say(lame, FIN | CLOSE, "\x03\xE8", 2);
        friends[0] = one;
        assert_int_equal(last_word(lame), UPF_CLOSE_NORMAL);
        friends[0] = -1;
        await(one, &heard, "gone");
        close(lame);
    }
    blob_free(&heard);
    close(one);
    assert_int_equal(end_server(), 0);
}

/* ---- Requests ---------------------------------------------------------- */

static const char health[] =
    "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

static int answer_to(const char *request)
{
    const int fd = tcp_connect("127.0.0.1", port, PATIENCE);

    assert_true(fd >= 0);
    put(fd, request, strlen(request));
    const int word = last_word(fd);
    close(fd);
    return word;
}

static void it_answers_only_to_hosts_that_it_was_told(void **state)
{
    static const struct {
        const char *host;
        int         status;
    } cases[] = {{"localhost", 200},         {"LocalHost:80", 200},
                 {"127.0.0.1", 200},         {"127.0.0.1:1", 200},
                 {"chat.example", 200},      {"Chat.Example:443", 200},
                 {"chat.example.evil", 421}, {"evil.example", 421},
                 {"127.0.0.2", 421},         {"localhost.", 421},
                 {"[::1]", 421},             {"xlocalhost", 421}};
    char request[256];

    (void)state;
    begin_server((const char *const[]){"--host-name", "chat.example", NULL});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n",
                 cases[i].host);
        if (answer_to(request) != cases[i].status)
            fail_msg("Host: %s is not answered with %d", cases[i].host,
                     cases[i].status);
    }
    assert_int_equal(answer_to("OPTIONS * HTTP/1.0\r\n\r\n"), 204);
    assert_int_equal(answer_to("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n"
                               "\r\n"), 204);
    assert_int_equal(answer_to("OPTIONS / HTTP/1.1\r\nHost: any\r\n\r\n"), 421);
    assert_int_equal(answer_to("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                     200);
    assert_int_equal(answer_to("HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n"
                               "\r\n"), 200);
    assert_int_equal(answer_to(health), 200);
    assert_int_equal(answer_to("GET /healthz HTTP/1.1\r\nHost: any\r\n\r\n"),
                     421);
    assert_int_equal(answer_to("GET /health HTTP/1.1\r\nHost: localhost\r\n"
                               "\r\n"), 404);
    assert_int_equal(end_server(), 0);
}

/* The body may come with the head, byte by byte, or when it was asked for. */
static void a_body_is_read_however_it_comes(void **state)
{
    static const char request[] =
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello";
    static const char asking[] =
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
        "Expect: 100-continue\r\n\r\n";
    struct blob heard = {0}, answer = {0};

    (void)state;
    begin_server(NULL);
    const int one = join();
    assert_int_equal(answer_to(request), 200);
    await(one, &heard, "hello");

    int fd = tcp_connect("127.0.0.1", port, PATIENCE);
    for (size_t i = 0; i < sizeof request - 1; i++)
        put(fd, request + i, 1);
    await(one, &heard, "hello");
    assert_int_equal(last_word(fd), 200);
    close(fd);

    fd = tcp_connect("127.0.0.1", port, PATIENCE);
    put(fd, asking, sizeof asking - 1);
    while (answer.len < 25)
        assert_true(take(fd, &answer));
    assert_string_equal(blob_str(&answer), "HTTP/1.1 100 Continue\r\n\r\n");
    put(fd, "world", 5);
    await(one, &heard, "world");
    assert_int_equal(last_word(fd), 200);
    close(fd);

    assert_int_equal(
        answer_to("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0"
                  "\r\n\r\n"), 200);
    await(one, &heard, "");
    blob_free(&heard);
    blob_free(&answer);
    close(one);
    assert_int_equal(end_server(), 0);
}

/* It is no message: no limit puts it off (while it is polled for). */
static void a_body_is_read_at_any_rate(void **state)
{
    (void)state;
    may_say_more = -1e9; /* it would be longer than a life */
    begin_server((const char *const[]){"--max-rate", "1", NULL});
    assert_int_equal(answer_to("POST / HTTP/1.1\r\nHost: localhost\r\n"
                               "Content-Length: 5\r\n\r\nhello"), 200);
    assert_int_equal(end_server(), 0);
}

/* It is waited for, and not asked again and again. */
static void a_body_that_never_comes_costs_no_work(void **state)
{
    (void)state;
    handshake_timeout = 3000;
    begin_server(NULL);
    const int fd = tcp_connect("127.0.0.1", port, PATIENCE);
    never_sends_the_body(fd);
    assert_int_equal(last_word(fd), 408);
    close(fd);
    const long before = work_of_children();
    assert_int_equal(end_server(), 0);
    assert_true(work_of_children() - before < 1500);
}

/* ---- The end ----------------------------------------------------------- */

static void a_stop_is_told_to_all_and_does_not_wait_for_ever(void **state)
{
    (void)state;
    begin_server(NULL);
    const int polite   = join();
    const int impolite = join();
    const uint64_t start = clock_ms();
    kill(child, SIGTERM);
    assert_int_equal(last_word(polite), 1001);
    close(polite);
    assert_int_equal(end_server(), 0); /* the other one never closes */
    assert_true(clock_ms() - start < PATIENCE);
    assert_int_equal(last_word(impolite), 1001);
    close(impolite);
}

/* ---- Draining ---------------------------------------------------------- */

/* All time-outs here are longer than any test: a second signal ends them. */
#define LONG "86400000"

/* Without pings there are no pongs to wait for; but a tenth of that is how
 * often the server looks at the time. */
#define SWEEPS "--pong-timeout", "2000"

static void await_drain(void)
{
    const uint64_t give_up = clock_ms() + PATIENCE;

    while (answer_to(health) != 503)
        assert_true(clock_ms() < give_up);
    assert_int_equal(answer_to("OPTIONS * HTTP/1.0\r\n\r\n"), 503);
    assert_int_equal(answer_to("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                     200);
}

static void the_proxy_notices_before_the_clients_do(void **state)
{
    struct blob heard = {0};

    (void)state;
    handshake_timeout = PATIENCE;
    begin_server((const char *const[]){"--drain-notice", LONG,
                                       "--ping-interval", "0", SWEEPS, NULL});
    assert_int_equal(answer_to(health), 200);
    const int one = join();
    kill(child, SIGTERM);
    await_drain();
    const int newcomer = join();
    say(newcomer, FIN | TEXT, "as ever", 7);
    await(one, &heard, "as ever");
    kill(child, SIGTERM);
    assert_int_equal(last_word(one), 1001);
    close(one);
    assert_int_equal(last_word(newcomer), 1001);
    close(newcomer);
    assert_int_equal(end_server(), 0);
    blob_free(&heard);
}

static void clients_are_told_one_after_the_other(void **state)
{
    enum { COUNT = 20 };
    struct blob heard = {0};
    int         fds[COUNT];
    char        request[512];

    (void)state;
    handshake_timeout = PATIENCE;
    begin_server((const char *const[]){"--drain", LONG, "--ping-interval", "0",
                                       SWEEPS, NULL});
    for (int i = 0; i < COUNT; i++)
        fds[i] = join();
    kill(child, SIGTERM);
    /* Before anybody else comes, who would be the first to be told. */
    assert_int_equal(last_word(fds[COUNT - 1]), 1001);
    await_drain();
    snprintf(request, sizeof request, "%s\r\n", handshake);
    assert_int_equal(answer_to(request), 503);
    for (int i = 0; i < COUNT - 1; i++) {
        say(fds[i], FIN | TEXT, "as ever", 7);
        await(fds[0], &heard, "as ever");
    }
    assert_int_equal(
        answer_to("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4"
                  "\r\n\r\nbody"), 200);
    await(fds[0], &heard, "body");
    kill(child, SIGTERM);
    for (int i = 0; i < COUNT - 1; i++)
        assert_int_equal(last_word(fds[i]), 1001);
    for (int i = 0; i < COUNT; i++)
        close(fds[i]);
    assert_int_equal(end_server(), 0);
    blob_free(&heard);
}

/* Some leave by themselves meanwhile, some never answer. */
static void a_drain_ends_by_itself(void **state)
{
    enum { COUNT = 40 };
    int fds[COUNT], half, status = -1;

    (void)state;
    begin_server((const char *const[]){"--drain-notice", "100", "--drain",
                                       "300", NULL});
    half = tcp_connect("127.0.0.1", port, PATIENCE);
    assert_true(half >= 0);
    says_half_a_request(half);
    for (int i = 0; i < COUNT; i++)
        fds[i] = join();
    kill(child, SIGTERM);
    for (int i = 0; i < COUNT; i += 3)
        close(fds[i]);
    for (int i = 0; i < COUNT; i++)
        if (i % 3 != 0)
            assert_int_equal(last_word(fds[i]), 1001);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    child = 0;
    close(life[1]);
    for (int i = 0; i < COUNT; i++)
        if (i % 3 != 0)
            close(fds[i]);
    close(half);
}

/* ---- Sets -------------------------------------------------------------- */

static void sets_know_who_is_in(void **state)
{
    enum { CLIENTS = 12, SETS = 7 };
    client     *clients = calloc(CLIENTS, sizeof *clients);
    client_set  sets[SETS] = {{0}};
    bool        in[SETS][CLIENTS] = {{false}};
    unsigned    random = 1;

    (void)state;
    assert_non_null(clients);
    for (int turn = 0; turn < 5000; turn++) {
        random = random * 1103515245u + 12345u;
        const size_t s = random / 65536 % SETS, c = random / 524288 % CLIENTS;
        if (turn % 97 == 0) {
            set_leave_all(&clients[c]);
            for (size_t i = 0; i < SETS; i++)
                in[i][c] = false;
        } else if (random / 4096 % 2 == 0) {
            assert_true(set_join(&sets[s], &clients[c]));
            in[s][c] = true;
        } else {
            set_leave(&sets[s], &clients[c]);
            in[s][c] = false;
        }
        for (size_t i = 0; i < SETS; i++) {
            size_t count = 0;
            for (size_t j = 0; j < CLIENTS; j++) {
                assert_int_equal(set_has(&sets[i], &clients[j]), in[i][j]);
                count += in[i][j];
            }
            assert_int_equal(sets[i].count, count);
            for (size_t k = 0; k < sets[i].count; k++)
                assert_true(in[i][sets[i].members[k].client - clients]);
        }
    }
    for (size_t i = 0; i < SETS; i++)
        set_free(&sets[i]);
    for (size_t c = 0; c < CLIENTS; c++)
        set_leave_all(&clients[c]);
    free(clients);
}

/* ---- Timers ------------------------------------------------------------ */

static int fired;

static void on_timer(timer *t)
{
    (void)t;
    fired++;
}

static void timers_keep_their_times_and_skip_what_is_missed(void **state)
{
    timers all = {0};
    timer  t   = {0};

    (void)state;
    timers_every(&all, &t, 30, on_timer);
    const double start = t.due_ms - t.period_ms;
    fired = 0;
    for (double now = start; now < start + 1002; now++)
        timers_run(&all, now);
    assert_int_equal(fired, 30);
    timers_run(&all, start + 5000); /* it stood still for four seconds */
    assert_int_equal(fired, 31);
    assert_true(timers_due(&all) > start + 5000);
    assert_true(timers_due(&all) < start + 5034);
    timers_stop(&all, &t);
    timers_run(&all, start + 9000);
    assert_int_equal(fired, 31);
    assert_true(timers_due(&all) > start + 1e9);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, clean_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_misbehaves_is_told_and_others_notice_nothing),
        TEST(what_cannot_be_sent_costs_nobody),
        TEST(what_is_no_application_is_told),
        TEST(a_page_wears_another_nonce_each_time),
        TEST(a_place_is_free_at_once),
        TEST(who_is_gone_is_forgotten),
        TEST(who_does_not_read_is_cut_off_and_nobody_waits),
        TEST(who_talks_too_fast_is_slowed_down),
        TEST(who_is_lost_while_it_is_slowed_down_is_told_of),
        TEST(who_is_held_stays_held_at_any_rate),
        TEST(who_is_held_is_let_go_to_be_closed),
        TEST(it_answers_only_to_hosts_that_it_was_told),
        TEST(a_body_is_read_however_it_comes),
        TEST(a_body_is_read_at_any_rate),
        TEST(a_body_that_never_comes_costs_no_work),
        TEST(a_stop_is_told_to_all_and_does_not_wait_for_ever),
        TEST(the_proxy_notices_before_the_clients_do),
        TEST(clients_are_told_one_after_the_other),
        TEST(a_drain_ends_by_itself),
        cmocka_unit_test(sets_know_who_is_in),
        cmocka_unit_test(timers_keep_their_times_and_skip_what_is_missed),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
