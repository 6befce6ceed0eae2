/* SPDX-License-Identifier: MIT */
/*
 * test_notify.c - notify_server and notify_client, as programs: each event
 * reaches who follows it, once, whatever happens to the connection.
 *
 * EXAMPLES names the directory of the programs; without it the tests are
 * skipped.
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

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <upframe/upframe.h>

#include "support/child.h"
#include "support/rawserver.h"
#include "tcp.h"

enum { PEERS = 8, MAX_ARGS = 14, MESSAGE_MAX = 70000 };

struct peer {
    upf_conn ws;
    upf_io   io;
    int      fd;
    bool     is_over;
    int      code; /* of its Close */
    char     id[64]; /* that it has seen last */
    size_t   len;
    char     text[MESSAGE_MAX]; /* the last message, a NUL behind it */
};

static const char  *examples;
static struct child server = {.output = -1, .errors = true};
static struct child client = {.output = -1, .errors = true};
static unsigned     port;
static int          feed = -1; /* the server's standard input */
static struct peer *peers[PEERS];
static size_t       peer_count;
static char         dir[64]; /* for files; "": none */

/* ---- The server --------------------------------------------------------- */

/* Its standard input is a pipe, which a child takes over from us. */
static void start_server(const char *const *options)
{
    char      path[512];
    char     *argv[MAX_ARGS] = {path, (char *)"--port", (char *)"0"};
    const int own            = dup(STDIN_FILENO);
    int       ends[2];

    snprintf(path, sizeof path, "%s/notify_server", examples);
    for (size_t n = 3; options != NULL && *options != NULL; n++)
        argv[n] = (char *)(uintptr_t)*options++;
    assert_int_equal(pipe(ends), 0);
    feed = ends[1];
    (void)fcntl(feed, F_SETFD, FD_CLOEXEC);
    assert_true(own >= 0 && fcntl(own, F_SETFD, FD_CLOEXEC) == 0);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    child_start(&server, argv);
    assert_int_equal(dup2(own, STDIN_FILENO), STDIN_FILENO);
    close(own);
}

static void begin_server(const char *const *options)
{
    if (examples == NULL || *examples == '\0')
        skip(); /* `make coverage` builds no examples; `make test` does */
    start_server(options);
    assert_true(child_line(&server, PATIENCE));
    assert_non_null(strstr(server.line, "listening on "));
    port = (unsigned)strtoul(strrchr(server.line, ':') + 1, NULL, 10);
}

static void end_feed(void)
{
    if (feed >= 0)
        close(feed);
    feed = -1;
}

static void stop_server(void)
{
    char rest[512];

    end_feed();
    child_signal(&server, SIGTERM);
    assert_int_equal(child_rest(&server, rest, sizeof rest), 0);
    assert_string_equal(rest, "");
}

static void put(const char *text)
{
    const size_t len = strlen(text);

    for (size_t at = 0; at < len;) {
        const ssize_t n = write(feed, text + at, len - at);
        assert_true(n > 0);
        at += (size_t)n;
    }
}

static void await_complaint(const char *what)
{
    assert_true(child_line(&server, PATIENCE));
    if (strstr(server.line, what) == NULL)
        fail_msg("\"%s\" should say \"%s\"", server.line, what);
}

/* ---- Clients ------------------------------------------------------------ */

static void wait_for(struct peer *p)
{
    const unsigned wants = upf_io_wants(&p->io, &p->ws);
    struct pollfd  polls = {
        .fd     = p->fd,
        .events = (short)((wants & UPF_WANTS_READ ? POLLIN : 0) |
                          (wants & UPF_WANTS_WRITE ? POLLOUT : 0))};

    if (poll(&polls, 1, PATIENCE) != 1)
        fail_msg("nothing comes for a long time; the last: %.100s", p->text);
}

/* Its next message is in p->text; false: it was closed. */
static bool hear(struct peer *p)
{
    upf_event ev;

    while (!p->is_over) {
        const upf_status status = upf_io_next(&p->io, &p->ws, &ev);
        if (status != UPF_OK) {
            wait_for(p);
        } else if (ev.type == UPF_EVENT_MESSAGE) {
            assert_int_equal(ev.opcode, UPF_OP_TEXT);
            assert_true(ev.len < sizeof p->text);
            memcpy(p->text, ev.data, ev.len);
            p->text[p->len = ev.len] = '\0';
            if (strncmp(p->text, "topic", 5) != 0 &&
                strcmp(p->text, "pong") != 0)
                assert_int_equal(sscanf(p->text, "%*s %63s", p->id), 1);
            return true;
        } else if (ev.type == UPF_EVENT_CLOSE) {
            p->is_over = true;
            p->code    = ev.close.code;
            snprintf(p->text, sizeof p->text, "%.*s", (int)ev.len,
                     ev.len > 0 ? (const char *)ev.data : "");
        }
    }
    return false;
}

static void say(struct peer *p, const char *text)
{
    assert_int_equal(upf_send(&p->ws, UPF_OP_TEXT, text, strlen(text)), UPF_OK);
    assert_true(upf_io_flush(&p->io, &p->ws) >= 0);
}

/* As if it came, for the first time or again: it says `text`. */
static void connect_peer(struct peer *p, const char *text)
{
    const upf_client_request request = {.url = "ws://127.0.0.1/"};
    upf_event ev;

    p->is_over = false;
    p->fd      = tcp_connect("127.0.0.1", port, PATIENCE);
    assert_true(p->fd >= 0);
    p->io = upf_io_callbacks(tcp_read, tcp_write, &p->fd);
    assert_int_equal(upf_conn_init_client(&p->ws, NULL, &request), UPF_OK);
    while (upf_io_next(&p->io, &p->ws, &ev) != UPF_OK)
        wait_for(p);
    assert_int_equal(ev.type, UPF_EVENT_OPEN);
    assert_true(hear(p));
    assert_int_equal(strncmp(p->text, "topics", 6), 0);
    if (text != NULL)
        say(p, text);
}

static void cut_peer(struct peer *p)
{
    upf_conn_free(&p->ws);
    close(p->fd);
}

static struct peer *new_peer(const char *text)
{
    struct peer *p = calloc(1, sizeof *p);

    assert_non_null(p);
    assert_true(peer_count < PEERS);
    connect_peer(p, text);
    peers[peer_count++] = p;
    return p;
}

/* It hears a message of that word, and nothing before but names of topics. */
static void await_word(struct peer *p, const char *word)
{
    do
        if (!hear(p))
            fail_msg("closed with %d, %s", p->code, p->text);
    while (strncmp(p->text, "topic ", 6) == 0);
    if (strncmp(p->text, word, strlen(word)) != 0)
        fail_msg("\"%.100s\" should be \"%s\"", p->text, word);
}

/* The number at the end of the id, which comes after the first word. */
static unsigned long number_of(const struct peer *p)
{
    const char *dash = strchr(p->text, '-');

    assert_non_null(dash);
    return strtoul(dash + 1, NULL, 10);
}

/* The next event has this topic and this text; its number. */
static unsigned long await_event(struct peer *p, const char *topic,
                                 const char *text)
{
    char name[65];

    await_word(p, "event ");
    assert_int_equal(sscanf(p->text, "event %*s %64s", name), 1);
    assert_string_equal(name, topic);
    assert_string_equal(strchr(p->text, '\n') + 1, text);
    return number_of(p);
}

static void await_close(struct peer *p, int code, const char *why)
{
    while (hear(p))
        continue;
    assert_int_equal(p->code, code);
    if (strstr(p->text, why) == NULL)
        fail_msg("\"%s\" should say \"%s\"", p->text, why);
}

/* Its connection is gone, with all that it has not seen; and it is back. */
static void come_back(struct peer *p, const char *topics)
{
    char line[200];

    snprintf(line, sizeof line, "follow %s %s", p->id, topics);
    cut_peer(p);
    connect_peer(p, line);
}

/* ---- Beginning and end of a test ---------------------------------------- */

static int begin(void **state)
{
    (void)state;
    examples = getenv("EXAMPLES");
    signal(SIGPIPE, SIG_IGN);
    return 0;
}

static int end(void **state)
{
    char command[128];

    (void)state;
    while (peer_count > 0) {
        cut_peer(peers[--peer_count]);
        free(peers[peer_count]);
    }
    end_feed();
    child_end(&client);
    child_end(&server);
    if (dir[0] != '\0') {
        snprintf(command, sizeof command, "rm -rf %s", dir);
        assert_int_equal(system(command), 0);
        dir[0] = '\0';
    }
    return 0;
}

static void make_dir(void)
{
    strcpy(dir, "/tmp/test_notify.XXXXXX");
    assert_non_null(mkdtemp(dir));
}

static void write_file(char path[128], const char *name, const char *text)
{
    snprintf(path, 128, "%s/%s", dir, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(chmod(path, 0600), 0);
    fputs(text, out);
    fclose(out);
}

/* ---- Who follows what --------------------------------------------------- */

static void an_event_reaches_who_follows_its_topic(void **state)
{
    (void)state;
    begin_server(NULL);
    struct peer *one = new_peer("follow - a"), *all = new_peer("follow - *"),
                *both = new_peer("follow - b * a"), *none = new_peer(NULL);

    await_word(one, "now ");
    await_word(all, "now ");
    await_word(both, "now ");
    put("a 1\nb 2\r\na  3 and more\n");
    assert_int_equal(await_event(one, "a", "1"), 1);
    assert_int_equal(await_event(one, "a", " 3 and more"), 3);
    for (int i = 0; i < 2; i++) {
        struct peer *p = i == 0 ? all : both;
        assert_int_equal(await_event(p, "a", "1"), 1);
        assert_int_equal(await_event(p, "b", "2"), 2);
        assert_int_equal(await_event(p, "a", " 3 and more"), 3);
    }
    assert_true(hear(none) && strcmp(none->text, "topic a") == 0);
    assert_true(hear(none) && strcmp(none->text, "topic b") == 0);

    say(one, "add b");
    await_word(one, "now ");
    assert_int_equal(await_event(one, "b", "2"), 2); /* its state */
    say(one, "drop a");
    say(one, "add b never.was");
    await_word(one, "now "); /* then the drop was heard */
    say(both, "drop *");
    say(both, "add c");
    await_word(both, "now ");
    put("c 0\n");
    await_event(both, "c", "0");
    put("a 4\nb 5\n");
    await_event(one, "b", "5");
    await_event(both, "a", "4");
    await_event(both, "b", "5");
    stop_server();
    await_close(one, 1001, "");
}

/* As a page does that hears nothing; and nobody else is told. */
static void ask(struct peer *p)
{
    say(p, "ping");
    await_word(p, "pong");
    assert_int_equal(p->len, 4);
}

static void who_asks_is_answered(void **state)
{
    (void)state;
    static const char *const words[] = {"pin", "pings", "PING", "ping "};

    begin_server(NULL);
    struct peer *one = new_peer(NULL), *two = new_peer("follow - *");
    await_word(two, "now ");
    ask(one); /* also who follows nothing yet */
    ask(one);
    put("a 1\n");
    await_event(two, "a", "1");
    ask(two);
    say(one, "follow - a");
    await_word(one, "now ");
    assert_int_equal(await_event(one, "a", "1"), 1); /* its state */
    put("a 2\n");
    await_event(one, "a", "2");
    ask(one);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        say(one, words[i]);
        await_close(one, 1008, "follow, add and drop");
        come_back(one, "a");
    }
    await_event(two, "a", "2");
}

static void a_late_joiner_gets_the_last_state(void **state)
{
    (void)state;
    static const char *const options[] = {"--history", "2", NULL};

    begin_server(options); /* the history has lost them */
    struct peer *p = new_peer("follow - z");
    put("a 1\na 2\nb 3\nc 4\nc 5\nz 6\n");
    await_word(p, "now ");
    await_event(p, "z", "6");
    struct peer *late = new_peer("follow - a c never.was");
    await_word(late, "now ");
    assert_int_equal(number_of(late), 6);
    assert_int_equal(await_event(late, "a", "2"), 2);
    assert_int_equal(await_event(late, "c", "5"), 5);
    struct peer *all = new_peer("follow - *");
    await_word(all, "now ");
    await_event(all, "a", "2");
    await_event(all, "b", "3");
    await_event(all, "c", "5");
    await_event(all, "z", "6");
    put("never.was 7\n");
    await_event(late, "never.was", "7");
    await_event(all, "never.was", "7");
    assert_int_equal(new_peer(NULL)->len, strlen("topics a b c z never.was"));
}

/* A client knows a state by its number, which is not higher than that of what
 * it was told before. */
static void a_state_is_no_news(void **state)
{
    (void)state;
    begin_server(NULL);
    struct peer *p = new_peer("follow - b"), *all = new_peer("follow - *");

    await_word(p, "now ");
    await_word(all, "now ");
    put("b 1\na 2\nc 3\n");
    assert_int_equal(await_event(p, "b", "1"), 1);
    await_event(all, "b", "1");
    await_event(all, "a", "2");
    await_event(all, "c", "3");
    say(p, "add a");
    await_word(p, "now ");
    assert_int_equal(number_of(p), 3); /* over 2, whose state comes */
    assert_int_equal(await_event(p, "a", "2"), 2);
    put("a 4\n");
    assert_int_equal(await_event(p, "a", "4"), 4);
    come_back(p, "b a");
    put("b 5\n");
    assert_int_equal(await_event(p, "b", "5"), 5);
}

static void who_follows_all_and_one_gets_each_state_once(void **state)
{
    (void)state;
    static const char *const follows[] = {"follow - a *", "follow - * a"};

    begin_server(NULL);
    struct peer *first = new_peer("follow - *"), *p[3];

    await_word(first, "now ");
    put("a 1\nb 2\n");
    await_event(first, "a", "1");
    await_event(first, "b", "2");
    for (int i = 0; i < 2; i++) {
        p[i] = new_peer(follows[i]);
        await_word(p[i], "now ");
        await_event(p[i], i == 0 ? "a" : "b", i == 0 ? "1" : "2");
        await_event(p[i], i == 0 ? "b" : "a", i == 0 ? "2" : "1");
    }
    p[2] = new_peer("follow - a");
    await_word(p[2], "now ");
    await_event(p[2], "a", "1");
    say(p[2], "add *");
    await_word(p[2], "now ");
    await_event(p[2], "b", "2");
    put("c 3\n");
    for (int i = 0; i < 3; i++)
        await_event(p[i], "c", "3");
}

/* ---- Who comes back ----------------------------------------------------- */

static void who_comes_back_misses_nothing(void **state)
{
    (void)state;
    begin_server(NULL);
    struct peer *p = new_peer("follow - a b"), *other = new_peer("follow - *");

    await_word(p, "now ");
    put("a 1\n");
    await_event(p, "a", "1");
    put("b 2\nc 3\na 4\n");
    for (int i = 0; i < 4; i++)
        do
            assert_true(hear(other));
        while (strncmp(other->text, "event ", 6) != 0);
    /* It may have them in its socket; it has not seen them. */
    come_back(p, "a b");
    assert_int_equal(await_event(p, "b", "2"), 2);
    assert_int_equal(await_event(p, "a", "4"), 4);
    put("b 5\n");
    assert_int_equal(await_event(p, "b", "5"), 5);
    come_back(p, "a b");
    put("b 6\n");
    assert_int_equal(await_event(p, "b", "6"), 6);
}

static void a_gap_is_told(void **state)
{
    (void)state;
    static const char *const options[] = {"--history", "4", NULL};

    begin_server(options);
    struct peer *p = new_peer("follow - a b"), *other = new_peer("follow - *");

    await_word(p, "now ");
    put("a 1\n");
    await_event(p, "a", "1");
    await_word(other, "now ");
    await_event(other, "a", "1");

    /* Only others' events were lost: that is no gap. */
    put("x 2\nx 3\nx 4\nx 5\nx 6\na 7\n");
    do
        await_word(other, "event ");
    while (number_of(other) < 7);
    come_back(p, "a b");
    assert_int_equal(await_event(p, "a", "7"), 7);

    put("b 8\na 9\na 10\nx 11\nx 12\nx 13\nx 14\na 15\n");
    do
        await_word(other, "event ");
    while (number_of(other) < 15);
    come_back(p, "a b");
    await_word(p, "gap ");
    assert_int_equal(number_of(p), 11);
    assert_int_equal(await_event(p, "b", "8"), 8); /* what is known of b */
    assert_int_equal(await_event(p, "a", "15"), 15);
    put("b 16\n");
    assert_int_equal(await_event(p, "b", "16"), 16);
}

static void a_restart_is_a_gap(void **state)
{
    (void)state;
    begin_server(NULL);
    struct peer *p = new_peer("follow - *");

    await_word(p, "now ");
    put("a 1\na 2\na 3\n");
    for (int i = 0; i < 3; i++)
        await_word(p, "event ");
    stop_server();
    begin_server(NULL);
    struct peer *first = new_peer("follow - *");
    await_word(first, "now ");
    put("a one\nb two\n");
    await_event(first, "a", "one");
    await_event(first, "b", "two");
    come_back(p, "*");
    await_word(p, "gap ");
    assert_non_null(strstr(p->text, "started anew"));
    assert_int_equal(await_event(p, "a", "one"), 1);
    assert_int_equal(await_event(p, "b", "two"), 2);
}

/* Cut at any byte, a hundred times in ten thousand events: each is seen once,
 * in order. */
static void a_hundred_cuts_in_ten_thousand_events(void **state)
{
    (void)state;
    enum { EVENTS = 10000, CUTS = 100, BLOCK = 100 };
    static const char *const options[] = {"--history", "20000", NULL};
    unsigned long seen = 0;
    unsigned cuts = 0;
    char     line[64];

    begin_server(options);
    struct peer *p = new_peer("follow - *");
    await_word(p, "now ");
    for (unsigned long n = 1; n <= EVENTS; n++) {
        snprintf(line, sizeof line, "topic%lu %lu\n", n % 7, n);
        put(line);
        if (n % BLOCK != 0)
            continue;
        /* Some of the block, then the connection is gone; what was sent by
         * then is lost with it. */
        for (unsigned long more = n % 97; more > 0 && seen < n; more--) {
            await_word(p, "event ");
            assert_int_equal(number_of(p), ++seen);
        }
        come_back(p, "*");
        cuts++;
    }
    while (seen < EVENTS) {
        await_word(p, "event ");
        assert_int_equal(number_of(p), ++seen);
        assert_int_equal(strtoul(strchr(p->text, '\n'), NULL, 10), seen);
    }
    assert_int_equal(cuts, CUTS);
    put("the end\n");
    await_event(p, "the", "end");
}

/* ---- Who does not read -------------------------------------------------- */

/* 40 MB for each, of which only one reads. */
static void flood(struct peer *other, unsigned long events)
{
    static char line[8200];

    memset(line, 'x', 8000);
    memcpy(line, "big ", 4);
    for (unsigned long n = 1; n <= events; n++) {
        snprintf(line + 8000, 100, "%lu\n", n);
        put(line);
        await_word(other, "event ");
        assert_int_equal(number_of(other), n);
    }
}

static void who_does_not_read_gets_it_later(void **state)
{
    (void)state;
    enum { EVENTS = 5000 };
    static const char *const options[] = {"--history", "10000", NULL};

    begin_server(options);
    struct peer *deaf = new_peer("follow - *"), *other = new_peer("follow - *");
    await_word(deaf, "now ");
    await_word(other, "now ");
    flood(other, EVENTS);
    for (unsigned long n = 1; n <= EVENTS; n++) {
        await_word(deaf, "event ");
        assert_int_equal(number_of(deaf), n);
    }
    put("a b\n");
    await_event(deaf, "a", "b");
}

static void or_is_told_that_it_is_lost(void **state)
{
    (void)state;
    enum { EVENTS = 5000 };
    static const char *const options[] = {"--history", "10", NULL};
    unsigned long seen = 0, gaps = 0;

    begin_server(options);
    struct peer *deaf = new_peer("follow - *"), *other = new_peer("follow - *");
    await_word(deaf, "now ");
    await_word(other, "now ");
    flood(other, EVENTS);
    while (seen < EVENTS) {
        do
            assert_true(hear(deaf));
        while (strncmp(deaf->text, "topic ", 6) == 0);
        if (strncmp(deaf->text, "gap ", 4) == 0) {
            assert_true(number_of(deaf) > seen);
            seen = number_of(deaf);
            gaps++;
        } else {
            assert_int_equal(number_of(deaf), ++seen);
        }
    }
    assert_true(gaps > 0);
}

/* ---- Bad input ---------------------------------------------------------- */

/* ---- Who says too much -------------------------------------------------- */

/* Rounds of all that may be said, each about a topic that nobody had. */
static void say_much(struct peer *p, unsigned round)
{
    enum { TIMES = 500 };
    char line[64];

    for (unsigned i = 0; i < TIMES; i++) {
        const unsigned n = round * TIMES + i;
        snprintf(line, sizeof line, "add t%u u%u", n, n);
        say(p, line);
        say(p, "ping");
        snprintf(line, sizeof line, "drop t%u u%u", n, n);
        say(p, line);
    }
}

/* What is freed is not to be kept by the sanitizer, nor frames of functions that
 * have returned. */
static void begin_thrifty_server(void)
{
    const char *old = getenv("ASAN_OPTIONS");
    char options[320], saved[200] = "";

    if (old != NULL)
        snprintf(saved, sizeof saved, "%s", old);
    snprintf(options, sizeof options, "%s:quarantine_size_mb=0:"
             "thread_local_quarantine_size_kb=0:"
             "detect_stack_use_after_return=0", saved);
    assert_int_equal(setenv("ASAN_OPTIONS", options, 1), 0);
    begin_server(NULL);
    if (old != NULL)
        setenv("ASAN_OPTIONS", saved, 1);
    else
        unsetenv("ASAN_OPTIONS");
}

/* It reads nothing meanwhile. */
static void who_floods_costs_little_and_the_others_nothing(void **state)
{
    (void)state;
    enum { ROUNDS = 60, MOST_KIB = 4 << 10 };
    const int size = 16 << 10;
    char text[16], all[32];

    begin_thrifty_server();
    struct peer *other = new_peer("follow - news"),
                *much  = new_peer("follow - news");
    await_word(other, "now ");
    await_word(much, "now ");
    setsockopt(much->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    const unsigned long before = child_memory(&server);
    for (unsigned i = 0; i < ROUNDS; i++) {
        say_much(much, i);
        snprintf(text, sizeof text, "%u", i);
        snprintf(all, sizeof all, "news %u\n", i);
        put(all);
        await_event(other, "news", text);
    }
    const unsigned long after = child_memory(&server);
    print_message("%lu KiB, then %lu KiB\n", before, after);
    assert_true(after <= before + MOST_KIB);
    const char *said = NULL;
    while (said == NULL || strcmp(said + 1, text) != 0) {
        if (!hear(much)) /* nor is it cut off: it gets the last one, too */
            fail_msg("closed with %d, %s", much->code, much->text);
        said = strchr(much->text, '\n');
    }
    stop_server();
}

static void who_says_nonsense_is_told_why(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "follow comes first"},
        {"hello", "follow comes first"},
        {"add a", "follow comes first"},
        {"follow", "no id"},
        {"follow 1", "no id"},
        {"follow 0123456789abcdeg-1", "no id"},
        {"follow 0123456789abcdef-1x", "no id"},
        {"follow 0123456789abcdef-99999999999999999999", "no id"},
        {"follow - a/b", "a topic is"},
        {"follow - a  b", "a topic is"},
        {"follow - a\nb", "a topic is"},
        {"follow - 0123456789012345678901234567890123456789"
         "01234567890123456789012345", "a topic is"},
        {"follow - 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 "
         "24 25 26 27 28 29 30 31 32 33", "too many topics"},
    };

    begin_server(NULL);
    struct peer *good = new_peer("follow - *");
    await_word(good, "now ");
    struct peer *p = new_peer("follow - a");
    say(p, "follow - a");
    await_close(p, 1008, "once");
    cut_peer(p);
    connect_peer(p, "follow -");
    say(p, "hello");
    await_close(p, 1008, "follow, add and drop");
    cut_peer(p);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        connect_peer(p, cases[i].text);
        await_close(p, 1008, cases[i].why);
        cut_peer(p);
    }
    connect_peer(p, NULL);
    upf_send(&p->ws, UPF_OP_BINARY, "follow - *", 10);
    await_close(p, 1003, "text");
    cut_peer(p);
    /* From the future: an id that nobody can have seen. */
    put("a 1\n");
    await_event(good, "a", "1");
    char line[64];
    snprintf(line, sizeof line, "follow %.16s-2 *", good->text + 6);
    connect_peer(p, line);
    await_close(p, 1008, "no id");
    put("a 2\n");
    await_event(good, "a", "2");
}

static void bad_lines_are_skipped(void **state)
{
    (void)state;
    enum { LONG = 70000 };
    static char line[LONG];

    begin_server(NULL);
    struct peer *p = new_peer("follow - *");
    await_word(p, "now ");
    put("lonely\n");
    await_complaint("line 1 is skipped: it is not TOPIC TEXT");
    put("\nbad/topic text\n");
    await_complaint("line 3 is skipped: a topic is");
    put("a \xff\n");
    await_complaint("line 4 is skipped: it is not UTF-8");
    memset(line, 'x', LONG - 1);
    put(line);
    put("\n");
    await_complaint("line 5 is skipped: it is too long");
    line[1] = ' ';
    line[65537] = '\0'; /* 65,535 bytes of text and what follows */
    put(line);
    put("xx\n");
    await_complaint("line 6 is skipped: an event is up to 64 KiB");
    put(line);
    put("x\n");
    await_word(p, "event ");
    assert_int_equal(strlen(strchr(p->text, '\n') + 1), 65536);
    put("last without an end");
    end_feed();
    await_event(p, "last", "without an end");
    stop_server();
}

static void of_many_bad_lines_some_are_told(void **state)
{
    (void)state;
    enum { MANY = 500 };
    static char text[MANY * 64];
    unsigned told = 0;

    begin_server(NULL);
    struct peer *p = new_peer("follow - *");
    await_word(p, "now ");
    for (int i = 0; i < MANY; i++)
        put("lonely\n");
    put("a good\n");
    await_event(p, "a", "good");
    end_feed();
    child_signal(&server, SIGTERM);
    assert_int_equal(child_rest(&server, text, sizeof text), 0);
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        told++;
    assert_in_range(told, 10, MANY / 2);
}

/* As many topics as there may be, and then nobody is cut off. */
static void topics_are_bounded(void **state)
{
    (void)state;
    char line[64];

    begin_server(NULL);
    struct peer *p = new_peer("follow - *");
    await_word(p, "now ");
    for (int i = 0; i < 1000; i++) {
        snprintf(line, sizeof line, "t%d x\n", i);
        put(line);
        await_word(p, "event ");
    }
    put("more x\n");
    await_complaint("too many topics");
    put("t7 again\n");
    await_event(p, "t7", "again");
    struct peer *late = new_peer("follow - *");
    await_word(late, "now ");
    for (int i = 0; i < 1000; i++)
        await_word(late, "event ");
}

/* ---- A directory -------------------------------------------------------- */

static void changes_of_a_directory_are_events(void **state)
{
    (void)state;
    char path[128], moved[160], aside[160], watched[160];
    const char *const options[] = {"--watch", watched, NULL};

    make_dir();
    snprintf(watched, sizeof watched, "%s/in", dir);
    snprintf(aside, sizeof aside, "%s/out", dir);
    assert_int_equal(mkdir(watched, 0700), 0);
    begin_server(options);
    struct peer *p = new_peer("follow - files");
    await_word(p, "now ");
    write_file(path, "in/a", "hello");
    await_event(p, "files", "written a");
    snprintf(moved, sizeof moved, "%s/in/new\nline \xff", dir);
    assert_int_equal(rename(path, moved), 0);
    await_event(p, "files", "moved away a");
    await_event(p, "files", "something whose name is not UTF-8");
    assert_int_equal(unlink(moved), 0);
    await_event(p, "files", "something whose name is not UTF-8");
    write_file(path, "in/x\ty", "");
    await_event(p, "files", "written x?y");
    assert_int_equal(unlink(path), 0);
    await_event(p, "files", "removed x?y");

    assert_int_equal(rename(watched, aside), 0);
    await_event(p, "files", "the directory is gone");
    await_complaint("is gone; watched again once it is back");
    write_file(path, "out/unseen", "");
    assert_int_equal(mkdir(watched, 0700), 0);
    await_event(p, "files", "the directory is back");
    await_complaint("is back");
    write_file(path, "in/b", "");
    await_event(p, "files", "written b");
    assert_int_equal(unlink(path), 0);
    await_event(p, "files", "removed b");
    assert_int_equal(rmdir(watched), 0);
    await_event(p, "files", "the directory is gone");
    await_complaint("is gone");
    stop_server();
}

static void await_replacement(struct peer *p, const char *name)
{
    char path[128];

    await_event(p, "files", "the directory is gone");
    await_event(p, "files", "the directory is back");
    await_complaint("is gone; watched again once it is back");
    await_complaint("is back, and watched");
    write_file(path, name, "");
    await_event(p, "files", "written b");
    assert_int_equal(unlink(path), 0);
    await_event(p, "files", "removed b");
}

/* inotify tells nothing of either: the directory itself stays as it was. */
static void another_directory_at_its_path_is_watched(void **state)
{
    (void)state;
    char path[128], watched[160], up[160], link[160], other[160];
    const char *const options[] = {"--watch", watched, NULL};

    make_dir();
    snprintf(up, sizeof up, "%s/r1", dir);
    snprintf(other, sizeof other, "%s/r2", dir);
    snprintf(watched, sizeof watched, "%s/cur", dir);
    snprintf(link, sizeof link, "%s/new", dir);
    assert_int_equal(mkdir(up, 0700) | mkdir(other, 0700), 0);
    assert_int_equal(symlink("r1", watched), 0);
    begin_server(options);
    struct peer *p = new_peer("follow - files");
    await_word(p, "now ");
    assert_int_equal(symlink("r2", link), 0);
    assert_int_equal(rename(link, watched), 0);
    await_replacement(p, "r2/b");
    write_file(path, "r1/unseen", "");
    write_file(path, "r2/seen", "");
    await_event(p, "files", "written seen");
    stop_server();
    cut_peer(p);
    peer_count--;
    free(p);

    snprintf(up, sizeof up, "%s/up", dir);
    snprintf(watched, sizeof watched, "%s/up/in", dir);
    snprintf(other, sizeof other, "%s/down", dir);
    assert_int_equal(mkdir(up, 0700) | mkdir(watched, 0700), 0);
    begin_server(options);
    p = new_peer("follow - files");
    await_word(p, "now ");
    assert_int_equal(rename(up, other), 0);
    assert_int_equal(mkdir(up, 0700) | mkdir(watched, 0700), 0);
    await_replacement(p, "up/in/b");
    stop_server();
}

/* ---- POST --------------------------------------------------------------- */

static int http_connect(void)
{
    const int fd = tcp_connect("127.0.0.1", port, PATIENCE);

    assert_true(fd >= 0);
    tcp_set_blocking(fd, true);
    return fd;
}

static void http_read(int fd, char *answer, size_t size)
{
    size_t  len = 0;
    ssize_t n;

    while (readable(fd, PATIENCE) &&
           (n = read(fd, answer + len, size - 1 - len)) > 0)
        len += (size_t)n;
    answer[len] = '\0';
    close(fd);
}

/* A POST to /a with these header lines; its status. */
static int post(const char *headers, const char *body)
{
    char request[1024], answer[1024];
    int  status = 0;
    const int fd = http_connect();

    const int len = snprintf(request, sizeof request,
                             "POST /a HTTP/1.1\r\nHost: localhost\r\n"
                             "%s\r\n%s", headers, body);
    assert_int_equal(write(fd, request, (size_t)len), len);
    http_read(fd, answer, sizeof answer);
    assert_int_equal(sscanf(answer, "HTTP/1.1 %d", &status), 1);
    return status;
}

#define TOKEN "Authorization: Bearer 0123456789abcdef\r\n"

static void an_event_comes_by_post(void **state)
{
    (void)state;
    enum { LONG = 64 * 1024 };
    char  file[128], answer[1024];
    static char body[LONG + 1], head[512];
    const char *const options[] = {"--post-token-file", file, NULL};

    make_dir();
    write_file(file, "token", "0123456789abcdef\n");
    begin_server(options);
    struct peer *p = new_peer("follow - *");
    await_word(p, "now ");
    assert_int_equal(post(TOKEN "Content-Length: 5\r\n", "hello"), 200);
    await_event(p, "a", "hello");
    assert_int_equal(post(TOKEN "Content-Length: 0\r\n", ""), 200);
    await_event(p, "a", "");

    /* The head, a word to go on, and the longest body in two pieces. */
    int fd = http_connect();
    snprintf(head, sizeof head,
             "POST /long?x=1 HTTP/1.1\r\nHost: localhost\r\n" TOKEN
             "Origin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n"
             "Expect: 100-continue\r\nContent-Length: %d\r\n\r\n", LONG);
    memset(body, 'x', LONG);
    assert_int_equal(write(fd, head, strlen(head)), (ssize_t)strlen(head));
    assert_true(readable(fd, PATIENCE));
    assert_int_equal(read(fd, answer, sizeof answer), 25);
    assert_memory_equal(answer, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    assert_int_equal(write(fd, body, 1000), 1000);
    put("between two\n");
    await_event(p, "between", "two");
    assert_int_equal(write(fd, body, LONG - 1000), LONG - 1000);
    http_read(fd, answer, sizeof answer);
    assert_non_null(strstr(answer, " 200 OK\r\n"));
    await_event(p, "long", body);

    /* Gone before its body is here: nobody notices. */
    fd = http_connect();
    assert_int_equal(write(fd, head, strlen(head)), (ssize_t)strlen(head));
    close(fd);

    assert_int_equal(post("Content-Length: 5\r\n", "hello"), 403);
    assert_int_equal(post("Authorization: Bearer 0123456789abcdeF\r\n"
                          "Content-Length: 5\r\n", "hello"), 403);
    assert_int_equal(post("Authorization: Basic 0123456789abcdef\r\n"
                          "Content-Length: 5\r\n", "hello"), 403);
    assert_int_equal(post(TOKEN "Origin: http://evil.example\r\n"
                          "Content-Length: 5\r\n", "hello"), 403);
    assert_int_equal(post(TOKEN "Origin: null\r\n"
                          "Content-Length: 5\r\n", "hello"), 403);
    assert_int_equal(post(TOKEN "Sec-Fetch-Site: cross-site\r\n"
                          "Content-Length: 5\r\n", "hello"), 403);
    assert_int_equal(post(TOKEN "Sec-Fetch-Site: same-site\r\n"
                          "Content-Length: 5\r\n", "hello"), 403);
    assert_int_equal(post(TOKEN "", ""), 411);
    assert_int_equal(post(TOKEN "Transfer-Encoding: chunked\r\n",
                          "5\r\nhello\r\n0\r\n\r\n"), 411);
    assert_int_equal(post(TOKEN "Content-Length: 65537\r\n", ""), 413);
    assert_int_equal(post(TOKEN "Content-Length: 99999999999999999999999\r\n",
                          ""), 413);
    assert_int_equal(post(TOKEN "Content-Length: 1\r\n", "\xff"), 400);
    put("a last\n");
    await_event(p, "a", "last");

    fd = http_connect();
    snprintf(head, sizeof head, "POST /no/topic HTTP/1.1\r\nHost: localhost\r\n"
                                TOKEN "Content-Length: 5\r\n\r\nhello");
    assert_int_equal(write(fd, head, strlen(head)), (ssize_t)strlen(head));
    http_read(fd, answer, sizeof answer);
    assert_non_null(strstr(answer, " 404 "));
}

static void other_methods_are_told_which_there_are(void **state)
{
    static const struct {
        const char *request, *status;
    } cases[] = {{"PUT /a HTTP/1.1\r\nHost: localhost\r\n\r\n", " 405 "},
                 {"OPTIONS /a HTTP/1.1\r\nHost: localhost\r\n\r\n", " 204 "}};
    char answer[1024];

    (void)state;
    begin_server(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int    fd  = http_connect();
        const size_t len = strlen(cases[i].request);
        assert_int_equal(write(fd, cases[i].request, len), (ssize_t)len);
        http_read(fd, answer, sizeof answer);
        assert_non_null(strstr(answer, cases[i].status));
        assert_non_null(
            strstr(answer, "\r\nAllow: GET, HEAD, POST, OPTIONS\r\n"));
    }
}

static void unless_it_is_off(void **state)
{
    (void)state;
    begin_server(NULL);
    assert_int_equal(post(TOKEN "Content-Length: 5\r\n", "hello"), 403);
    assert_int_equal(post("Authorization: Bearer \r\n"
                          "Content-Length: 5\r\n", "hello"), 403);
}

static void refuse_to_begin(const char *option, const char *value, int status,
                            const char *why)
{
    const char *const options[] = {option, value, NULL};
    char said[1024];

    start_server(options);
    end_feed();
    assert_int_equal(child_rest(&server, said, sizeof said), status);
    if (strstr(said, why) == NULL)
        fail_msg("\"%s\" should say \"%s\"", said, why);
}

static void bad_options_are_refused(void **state)
{
    (void)state;
    char file[128], number[16];

    if (examples == NULL || *examples == '\0')
        skip(); /* `make coverage` builds no examples; `make test` does */
    make_dir();
    refuse_to_begin("--post-token-file", "/nowhere", 2, "No such file");
    write_file(file, "token", "short\n");
    refuse_to_begin("--post-token-file", file, 2, "is no token");
    write_file(file, "token", "0123456789abcdef\n0123456789abcdef\n");
    refuse_to_begin("--post-token-file", file, 2, "more than one line");
    write_file(file, "token", "0123456789 abcdef\n");
    refuse_to_begin("--post-token-file", file, 2, "is no token");
    refuse_to_begin("--post-token-file", dir, 2, "directory");
    refuse_to_begin("--history", "0", 2, "--history");
    refuse_to_begin("--max-queued", "100000", 2, "--max-queued");
    refuse_to_begin("--watch", "/nowhere", 1, "cannot watch /nowhere");
    refuse_to_begin("--watch", file, 1, "Not a directory");
    begin_server(NULL);
    const struct child first = server;
    const int first_feed = feed;
    server = (struct child){.output = -1, .errors = true};
    snprintf(number, sizeof number, "%u", port);
    refuse_to_begin("--port", number, 1, "in use");
    server = first;
    feed   = first_feed;
}

/* ---- notify_client ------------------------------------------------------ */

static void start_client(unsigned to, const char *const *options)
{
    char  path[512], url[64];
    char *argv[MAX_ARGS] = {path, url, (char *)"--base", (char *)"1",
                            (char *)"--cap", (char *)"10"};

    snprintf(path, sizeof path, "%s/notify_client", examples);
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/", to);
    for (size_t n = 6; *options != NULL; n++)
        argv[n] = (char *)(uintptr_t)*options++;
    child_start(&client, argv);
}

/* The client prints a line that begins and ends so. */
static void await_print(const char *start, const char *text)
{
    assert_true(child_line(&client, PATIENCE));
    const size_t len = strlen(client.line), tail = strlen(text);
    if (strncmp(client.line, start, strlen(start)) != 0 || len < tail ||
        strcmp(client.line + len - tail, text) != 0)
        fail_msg("\"%s\" should be \"%s ... %s\"", client.line, start, text);
}

static void the_client_counts_and_ends(void **state)
{
    (void)state;
    static const char *const options[] = {"--topic", "a",       "--topic", "b",
                                          "--count", "2",       "--ids",
                                          NULL};

    begin_server(NULL);
    struct peer *p = new_peer("follow - *");
    await_word(p, "now ");
    put("a before\n");
    await_event(p, "a", "before");
    start_client(port, options);
    await_print("open", "");
    await_print("state ", " a before");
    put("c not\na one\nb \xc2\x9b two \x1b[31m\nb three\n");
    await_print("event ", " a one");
    await_print("event ", " b \\xc2\\x9b two \\x1b[31m");
    assert_int_equal(child_exit_status(&client), 0);
}

static void the_client_ends_where_nothing_can_be_written(void **state)
{
    (void)state;
    static const char *const options[][3] = {
        {NULL}, {"--table", NULL}, {"--count", "1", NULL}};
    char rest[256];

    begin_server(NULL);
    for (int i = 0; i < 6; i++) {
        client.out = i < 3 ? child_closed_pipe() : child_full_device();
        const int out = client.out;
        if (out >= 0)
            start_client(port, options[i % 3]);
        client.out = 0;
        if (out < 0)
            break; /* a system that has no such device */
        close(out);
        await_print("open", "");
        put("a 1\na 2\n"); /* one may be a state yet, as in the next test */
        await_print("cannot write: ", i < 3 ? "Broken pipe"
                                            : "No space left on device");
        assert_int_equal(child_rest(&client, rest, sizeof rest), 1);
        assert_string_equal(rest, "");
    }
}

static void the_client_says_goodbye(void **state)
{
    (void)state;
    static const char *const options[] = {NULL};
    static const char *const table[] = {"--table", NULL};

    begin_server(NULL);
    start_client(port, options);
    await_print("open", "");
    put("a 1\n");
    await_print("", " a 1"); /* a state, if it came before its "follow" */
    child_signal(&client, SIGTERM);
    assert_int_equal(child_exit_status(&client), 0);

    start_client(port, table);
    await_print("open", "");
    await_print("\x1b[?7l\x1b[2Ktopic", "text");
    await_print("\x1b[2Ka ", "  1");
    put("b two\n");
    await_print("\x1b[?7h\x1b[2A\x1b[?7l\x1b[2Ktopic", "text");
    await_print("\x1b[2Ka      ", "  1");
    await_print("\x1b[2Kb                         1 ", "  two");
    child_signal(&client, SIGTERM);
    char rest[64];
    assert_int_equal(child_rest(&client, rest, sizeof rest), 0);
}

/* One that the test plays: let the client in; it follows, and says so. */
static void let_in(struct rawserver *s, const char *follows)
{
    char response[512], payload[256];

    rawserver_accept(s);
    rawserver_read_head(s, sizeof s->head);
    rawserver_put(s, response,
                  rawserver_response(s, response, sizeof response));
    rawserver_read(s, UPF_OP_TEXT, payload);
    assert_string_equal(payload, follows);
    await_print("open", "");
}

static void tell(struct rawserver *s, const char *text)
{
    uint8_t frame[300];

    rawserver_put(s, frame,
                  rawserver_frame(frame, UPF_OP_TEXT, text, strlen(text)));
}

static void the_client_comes_back_where_it_was(void **state)
{
    (void)state;
    static const char *const options[] = {"--topic", "a", "--count", "4",
                                          "--ids", NULL};
    struct rawserver s;

    if (examples == NULL || *examples == '\0')
        skip(); /* `make coverage` builds no examples; `make test` does */
    rawserver_begin(&s);
    start_client(s.port, options);
    let_in(&s, "follow - a");
    tell(&s, "event r-3 a 0\nbefore now");
    await_print("event ", "before now"); /* a server that forgot it */
    tell(&s, "topics a b");
    tell(&s, "now ab-7");
    tell(&s, "event ab-5 a 1\nfive");
    await_print("state ab-5 ", " a five");
    tell(&s, "event \x1b[31m-8 a 1\na terminal would obey that id");
    tell(&s, "event ab-9 a 2\nnine");
    await_print("event ab-9 ", " a nine");
    rawserver_cut(&s, true);
    await_print("lost: code 1006", "ms");
    let_in(&s, "follow ab-9 a");
    tell(&s, "");
    tell(&s, "event");
    tell(&s, "event ab-10");
    tell(&s, "event ab-10 \x1b 3\nx");
    tell(&s, "event 0123456789012345678901234567890123456789-10 a 3\nx");
    tell(&s, "new word");
    tell(&s, "event ab-9 a 2\nnine again");
    await_print("state ", "nine again");
    tell(&s, "gap cd-2 the server \x1b[2J");
    await_print("gap the server \\x1b[2J", "");
    tell(&s, "event cd-3 a 3\nthree");
    await_print("event ", " a three");
    rawserver_cut(&s, false);
    await_print("lost: code 1006", "ms");
    let_in(&s, "follow cd-3 a");
    tell(&s, "event cd-4 a 3\nfour");
    await_print("event ", " a four");
    assert_int_equal(rawserver_read_close(&s), 1000);
    rawserver_put_close(&s, 1000, "");
    rawserver_finish(&s);
    assert_int_equal(child_exit_status(&client), 3); /* there was a gap */
    rawserver_end(&s);
}

static void the_client_gives_up_where_it_is_no_use(void **state)
{
    (void)state;
    static const char *const since[] = {"--since", "0-0", NULL};
    static const char *const few[]   = {"--attempts", "2", NULL};
    static const char *const topic[] = {"--topic", "a/b", NULL};
    static const char *const id[]    = {"--since", "a b", NULL};
    char rest[1024];

    begin_server(NULL);
    start_client(port, since);
    await_print("open", "");
    await_print("lost: code 1008 (that is no id", "no use in trying again");
    assert_int_equal(child_exit_status(&client), 1);
    stop_server();
    start_client(port, few);
    assert_int_equal(child_rest(&client, rest, sizeof rest), 1);
    assert_non_null(strstr(rest, "giving up"));
    start_client(port, topic);
    assert_int_equal(child_rest(&client, rest, sizeof rest), 2);
    start_client(port, id);
    assert_int_equal(child_rest(&client, rest, sizeof rest), 2);
}

/* Start the client, and answer its handshake so. */
static void refuse(struct rawserver *s, const char *response)
{
    static const char *const none[] = {NULL};

    if (examples == NULL || *examples == '\0')
        skip(); /* `make coverage` builds no examples; `make test` does */
    rawserver_begin(s);
    start_client(s->port, none);
    rawserver_accept(s);
    rawserver_read_head(s, sizeof s->head);
    rawserver_put(s, response, strlen(response));
}

/* A server, or a proxy, that refuses says what to do; nothing of it moves the
 * cursor. */
static void the_client_shows_a_refusal(void **state)
{
    (void)state;
    static const char refusal[] =
        "HTTP/1.1 403 Forbidden\r\nLocation: /login\r\n"
        "Content-Length: 17\r\n\r\nlog in\x1b[2J\nor not";
    struct rawserver s;

    refuse(&s, refusal);
    await_print("server: Location: /login", "");
    await_print("server: log in\\x1b[2J", "");
    await_print("server: or not", "");
    await_print("lost: code 1006 (HTTP 403)", "no use in trying again");
    assert_int_equal(child_exit_status(&client), 1);
    rawserver_end(&s);
}

/* It does not try once more before it goes. */
static void the_client_may_be_stopped_while_it_waits(void **state)
{
    (void)state;
    static const char busy[] = "HTTP/1.1 503 Busy\r\nRetry-After: 3600\r\n"
                               "Content-Length: 0\r\n\r\n";
    struct rawserver s;
    char rest[1024];

    refuse(&s, busy);
    await_print("server: Retry-After: 3600", "");
    await_print("lost: code 1006 (HTTP 503); next try in ", "ms");
    child_signal(&client, SIGTERM);
    assert_int_equal(child_rest(&client, rest, sizeof rest), 0);
    assert_string_equal(rest, "");
    rawserver_end(&s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_event_reaches_who_follows_its_topic),
        TEST(who_asks_is_answered),
        TEST(a_late_joiner_gets_the_last_state),
        TEST(a_state_is_no_news),
        TEST(who_follows_all_and_one_gets_each_state_once),
        TEST(who_comes_back_misses_nothing),
        TEST(a_gap_is_told),
        TEST(a_restart_is_a_gap),
        TEST(a_hundred_cuts_in_ten_thousand_events),
        TEST(who_does_not_read_gets_it_later),
        TEST(or_is_told_that_it_is_lost),
        TEST(who_floods_costs_little_and_the_others_nothing),
        TEST(who_says_nonsense_is_told_why),
        TEST(bad_lines_are_skipped),
        TEST(of_many_bad_lines_some_are_told),
        TEST(topics_are_bounded),
        TEST(changes_of_a_directory_are_events),
        TEST(another_directory_at_its_path_is_watched),
        TEST(an_event_comes_by_post),
        TEST(unless_it_is_off),
        TEST(other_methods_are_told_which_there_are),
        TEST(bad_options_are_refused),
        TEST(the_client_counts_and_ends),
        TEST(the_client_ends_where_nothing_can_be_written),
        TEST(the_client_says_goodbye),
        TEST(the_client_comes_back_where_it_was),
        TEST(the_client_gives_up_where_it_is_no_use),
        TEST(the_client_shows_a_refusal),
        TEST(the_client_may_be_stopped_while_it_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
