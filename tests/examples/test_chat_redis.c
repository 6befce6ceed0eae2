/* SPDX-License-Identifier: MIT */
/*
 * test_chat_redis.c - three broadcast_servers are one room through Redis: each
 * message comes to each client exactly once, in one order for all, also when a
 * server or Redis itself is killed while they talk.
 *
 * Redis and the servers are children. Redis listens at a port of the kernel's
 * choice, which a socket of ours keeps, and has a directory of its own. Without
 * redis-server, or EXAMPLES, the tests are skipped.
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

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <upframe/upframe.h>

#include "support/child.h"
#include "support/rawserver.h"
#include "tcp.h"

enum {
    SERVERS = 3,
    PEOPLE  = 6,
    EACH    = 170, /* said by each of them, where they talk */
    TOTAL   = PEOPLE * EACH,
    LINES   = 8000,
    LINE    = 48000
};

/* Who keeps all that was heard, a line a message. */
struct person {
    upf_conn    ws;
    upf_io      io;
    int         fd;     /* -1: not connected */
    size_t      server; /* where it was last */
    bool        deaf;   /* it reads nothing */
    char       *lines[LINES];
    size_t      count, at; /* lines; those before `at` were looked at */
    int         code;   /* of the Close; 0: none yet */
    char        reason[124];
    char        last[64]; /* the id it has seen last */
};

static struct child  redis = {.output = -1};
static struct child  servers[SERVERS];
static unsigned      ports[SERVERS], redis_port;
static struct person people[PEOPLE];
static int           reserve = -1;
static char          dir[64];
static const char   *examples;

/* ---- Redis ------------------------------------------------------------- */

/* `options`: NULL-terminated, or NULL. It ends with us, however we end. */
static void start_redis(const char *const *options)
{
    char  port[16];
    char *argv[32] = {
        (char *)"/usr/bin/env", (char *)"setpriv", (char *)"--pdeathsig",
        (char *)"KILL", (char *)"redis-server", (char *)"--bind",
        (char *)"127.0.0.1", (char *)"--port", port, (char *)"--save",
        (char *)"", (char *)"--dir", dir};
    size_t n = 13;

    snprintf(port, sizeof port, "%u", redis_port);
    while (options != NULL && *options != NULL)
        argv[n++] = (char *)*options++;
    child_start(&redis, argv);
    do
        assert_true(child_line(&redis, PATIENCE));
    while (strstr(redis.line, "eady to accept") == NULL);
}

static const char *const durable[] = {"--appendonly", "yes", "--appendfsync",
                                      "always", NULL};

/* Say a command; its reply is one line, or a string whose length that says. */
static void ask_redis(const char *command, char *reply, size_t size)
{
    const int fd  = tcp_connect("127.0.0.1", redis_port, PATIENCE);
    size_t    len = 0, whole = 1;

    assert_true(fd >= 0);
    tcp_set_blocking(fd, true);
    assert_int_equal(write(fd, command, strlen(command)), strlen(command));
    assert_int_equal(write(fd, "\r\n", 2), 2);
    do {
        assert_true(readable(fd, PATIENCE));
        const ssize_t n = read(fd, reply + len, size - 1 - len);
        assert_true(n > 0);
        len += (size_t)n;
        reply[len] = '\0';
        const char *end = strstr(reply, "\r\n");
        if (reply[0] == '$' && end != NULL)
            whole = (size_t)(end + 4 - reply) + strtoul(reply + 1, NULL, 10);
    } while (len < whole);
    close(fd);
}

/* The reply begins so. */
static void tell_redis(const char *command, const char *reply)
{
    char got[2048];

    ask_redis(command, got, sizeof got);
    if (strncmp(got, reply, strlen(reply)) != 0)
        fail_msg("%s: %s", command, got);
}

/* The connection whose last command was that loses its other end. */
static void cut_off(const char *last)
{
    char           list[8192], part[32], command[64], *line;
    unsigned       id;
    const uint64_t give_up = clock_ms() + PATIENCE;

    snprintf(part, sizeof part, "cmd=%s", last);
    do {
        assert_true(clock_ms() < give_up);
        ask_redis("CLIENT LIST", list, sizeof list);
        for (line = strtok(list, "\n"); line != NULL; line = strtok(NULL, "\n"))
            if (strstr(line, part) != NULL)
                break;
    } while (line == NULL);
    assert_int_equal(sscanf(line, "id=%u", &id), 1);
    snprintf(command, sizeof command, "CLIENT KILL ID %u", id);
    tell_redis(command, ":1");
}

static void kill_child(struct child *c)
{
    child_signal(c, SIGKILL);
    child_end(c);
}

/* ---- The servers ------------------------------------------------------- */

/* At the port it had, if it had one. Standard error is read, too. */
static void start_server(size_t i, const char *const *options)
{
    char  program[512], port[16], address[32];
    char *argv[24] = {program, (char *)"--port", port, (char *)"--redis",
                      address};
    size_t n = 5;

    snprintf(program, sizeof program, "%s/broadcast_server", examples);
    snprintf(port, sizeof port, "%u", ports[i]);
    snprintf(address, sizeof address, "127.0.0.1:%u", redis_port);
    while (options != NULL && *options != NULL)
        argv[n++] = (char *)*options++;
    servers[i].errors = true;
    child_start(&servers[i], argv);
    do
        assert_true(child_line(&servers[i], PATIENCE));
    while (strstr(servers[i].line, "listening on") == NULL);
    ports[i] =
        (unsigned)strtoul(strrchr(servers[i].line, ':') + 1, NULL, 10);
}

static void await_line(size_t i, const char *part)
{
    do
        if (!child_line(&servers[i], PATIENCE))
            fail_msg("no line with '%s'; the last: %s", part, servers[i].line);
    while (strstr(servers[i].line, part) == NULL);
}

/* Whether it is among the lines that are there already. */
static bool has_printed(size_t i, const char *part)
{
    while (child_line(&servers[i], 0))
        if (strstr(servers[i].line, part) != NULL)
            return true;
    return false;
}

static void start_servers(const char *const *options)
{
    for (size_t i = 0; i < SERVERS; i++)
        start_server(i, options);
}

/* ---- People ------------------------------------------------------------ */

static void close_person(struct person *p)
{
    if (p->fd < 0)
        return;
    upf_conn_free(&p->ws);
    close(p->fd);
    p->fd = -1;
}

/* To a server, after the id (NULL: with none). */
static void open_person(struct person *p, size_t server, const char *after)
{
    char           url[160];
    const upf_client_request request = {.url = url};

    close_person(p);
    snprintf(url, sizeof url, "ws://127.0.0.1/%s%s",
             after != NULL ? "?after=" : "", after != NULL ? after : "");
    p->server = server;
    p->code   = 0;
    p->fd     = tcp_connect("127.0.0.1", ports[server], PATIENCE);
    assert_true(p->fd >= 0);
    p->io = upf_io_callbacks(tcp_read, tcp_write, &p->fd);
    assert_int_equal(upf_conn_init_client(&p->ws, NULL, &request), UPF_OK);
}

static void keep_line(struct person *p, const void *data, size_t len)
{
    assert_true(p->count < LINES);
    char *line = malloc(len + 1);
    assert_non_null(line);
    memcpy(line, data, len);
    line[len]           = '\0';
    p->lines[p->count++] = line;
    if (sscanf(line, "said %63s", p->last) != 1 && strcmp(line, "gap") == 0)
        p->last[0] = '\0';
}

/* All that has come. */
static void hear(struct person *p)
{
    upf_event  ev;
    upf_status status;

    while ((status = upf_io_next(&p->io, &p->ws, &ev)) == UPF_OK) {
        if (ev.type == UPF_EVENT_MESSAGE)
            keep_line(p, ev.data, ev.len);
        if (ev.type != UPF_EVENT_CLOSE)
            continue;
        p->code = ev.close.code;
        snprintf(p->reason, sizeof p->reason, "%.*s", (int)ev.len,
                 ev.len > 0 ? (const char *)ev.data : "");
        close_person(p);
        return;
    }
}

/* One look at everybody. */
static void turn(void)
{
    struct pollfd polls[PEOPLE];

    for (size_t i = 0; i < PEOPLE; i++) {
        struct person *p = &people[i];
        polls[i]         = (struct pollfd){.fd = p->fd};
        if (p->fd < 0)
            continue;
        (void)upf_io_flush(&p->io, &p->ws);
        if (!p->deaf)
            polls[i].events |= POLLIN;
        if (upf_io_wants(&p->io, &p->ws) & UPF_WANTS_WRITE)
            polls[i].events |= POLLOUT;
    }
    (void)poll(polls, PEOPLE, 20);
    for (size_t i = 0; i < PEOPLE; i++)
        if (people[i].fd >= 0 && !people[i].deaf)
            hear(&people[i]);
}

#define TURNS_UNTIL(condition) \
    for (uint64_t give_up = clock_ms() + PATIENCE; !(condition);) { \
        if (clock_ms() > give_up) \
            fail_msg("never: %s", #condition); \
        turn(); \
    }

/* The next line that it has not looked at, if it begins so; or NULL. */
static const char *find(struct person *p, const char *start)
{
    while (p->at < p->count) {
        const char *line = p->lines[p->at++];
        if (strncmp(line, start, strlen(start)) == 0)
            return line;
    }
    return NULL;
}

static const char *await(struct person *p, const char *start)
{
    const char    *line;
    const uint64_t give_up = clock_ms() + PATIENCE;

    while ((line = find(p, start)) == NULL) {
        if (clock_ms() > give_up || p->code != 0)
            fail_msg("%d: no '%s' (close code %d); the last: %.80s",
                     (int)(p - people), start, p->code,
                     p->count > 0 ? p->lines[p->count - 1] : "");
        turn();
    }
    return line;
}

static size_t count_lines(const struct person *p, const char *part)
{
    size_t n = 0;

    for (size_t i = 0; i < p->count; i++)
        n += strstr(p->lines[i], part) != NULL;
    return n;
}

static void say(struct person *p, const char *format, ...)
{
    char    text[256];
    va_list arguments;

    va_start(arguments, format);
    const int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    assert_int_equal(upf_send(&p->ws, UPF_OP_TEXT, text, (size_t)len), UPF_OK);
}

/* Say N texts, from `first` on, and hear that all were kept. */
static void say_many(struct person *p, unsigned first, unsigned n)
{
    for (unsigned i = first; i < first + n; i++)
        say(p, "/send many-%u\nline %u", i, i);
    for (unsigned i = first; i < first + n; i++)
        await(p, "kept many-");
}

/* Its lines from the first "said" with `first` on: this and all that follow,
 * up to `last`, each once and in order. */
static void has_in_order(const struct person *p, size_t from, unsigned first,
                         unsigned last)
{
    char wanted[32];

    for (size_t i = from; i < p->count; i++) {
        const char *text = strchr(p->lines[i], '\n');
        if (strncmp(p->lines[i], "said ", 5) != 0)
            continue;
        assert_true(first <= last);
        snprintf(wanted, sizeof wanted, "\nline %u", first++);
        assert_string_equal(text, wanted);
    }
    assert_int_equal(first, last + 1);
}

/* ---- Beginning and end of a test --------------------------------------- */

static int end(void **state)
{
    char command[128];

    (void)state;
    for (size_t i = 0; i < PEOPLE; i++) {
        close_person(&people[i]);
        while (people[i].count > 0)
            free(people[i].lines[--people[i].count]);
    }
    for (size_t i = 0; i < SERVERS; i++)
        child_end(&servers[i]);
    child_end(&redis);
    if (reserve >= 0)
        close(reserve);
    reserve = -1;
    if (dir[0] != '\0') {
        snprintf(command, sizeof command, "rm -rf '%s'", dir);
        assert_int_equal(system(command), 0);
        dir[0] = '\0';
    }
    return 0;
}

static int begin(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    memset(people, 0, sizeof people);
    for (size_t i = 0; i < PEOPLE; i++)
        people[i].fd = -1;
    for (size_t i = 0; i < SERVERS; i++)
        servers[i] = (struct child){.output = -1};
    memset(ports, 0, sizeof ports);
    examples = getenv("EXAMPLES");
    return 0;
}

static bool succeeds(const char *command)
{
    return system(command) == 0;
}

/* A port that is bound, and not listened at, is given to nobody; but with
 * SO_REUSEADDR, which Redis sets as well, two may be bound to it. */
static void reserve_port(void)
{
    struct sockaddr_in address = {.sin_family      = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    const int on  = 1;

    reserve = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(reserve >= 0);
    setsockopt(reserve, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    assert_int_equal(
        bind(reserve, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(reserve, (struct sockaddr *)&address, &len),
                     0);
    redis_port = ntohs(address.sin_port);
}

static void need_redis(void)
{
    char command[600];

    if (examples == NULL || *examples == '\0')
        skip(); /* `make coverage` builds no examples; `make test` does */
    snprintf(command, sizeof command,
             "'%s/broadcast_server' --redis 127.0.0.1:1 --help >/dev/null 2>&1",
             examples);
    if (!succeeds(command) ||
        !succeeds("command -v setpriv redis-server >/dev/null")) {
        print_message("apt-get install redis-server libhiredis-dev\n");
        assert_null(getenv("CI"));
        skip(); /* without these there is no --redis to test */
    }
    strcpy(dir, "/tmp/chat_redis_XXXXXX");
    assert_non_null(mkdtemp(dir));
    reserve_port();
}

static void begin_room(const char *const *redis_options,
                       const char *const *options)
{
    need_redis();
    start_redis(redis_options);
    start_servers(options);
    for (size_t i = 0; i < SERVERS; i++)
        await_line(i, "the room is open"); /* who comes is told no less */
}

/* ---- All talk at once -------------------------------------------------- */

/* As the page does: what is not known to be kept is sent again, with the same
 * key, when the room is open, wherever that is. */
struct talk {
    unsigned said; /* kept, of EACH */
    bool     room_is_open, in_flight;
    size_t   at;   /* lines that were looked at */
    unsigned moves, opens, lost, gaps;
};

static struct talk talks[PEOPLE];

static void look(struct talk *t, const char *line)
{
    if (strcmp(line, "room open") == 0) {
        t->room_is_open = true;
        t->opens++;
    } else if (strcmp(line, "room lost") == 0) {
        t->room_is_open = false;
        t->lost++;
    } else if (strncmp(line, "kept key-", 9) == 0) {
        t->in_flight = false;
        t->said++;
    } else if (strncmp(line, "later ", 6) == 0) {
        t->in_flight = false;
    } else if (strcmp(line, "gap") == 0) {
        t->gaps++;
    }
}

/* Nobody speaks until all are there: who comes later is told the last 50. */
static bool all_are_there(void)
{
    for (size_t i = 0; i < PEOPLE; i++)
        if (talks[i].opens == 0)
            return false;
    return true;
}

static void talk_turn(void)
{
    for (size_t i = 0; i < PEOPLE; i++) {
        struct person *p = &people[i];
        struct talk   *t = &talks[i];
        if (p->fd < 0) {
            t->room_is_open = t->in_flight = false;
            const size_t server = (i + t->moves++) % SERVERS;
            if (servers[server].pid != 0)
                open_person(p, server, p->last[0] != '\0' ? p->last : NULL);
        }
        while (t->at < p->count)
            look(t, p->lines[t->at++]);
        if (!t->room_is_open || t->in_flight || t->said == EACH ||
            !all_are_there())
            continue;
        say(p, "/send key-%zu-%u\n%zu %u", i, t->said, i, t->said);
        t->in_flight = true;
    }
    turn();
}

static unsigned said_by_all(void)
{
    unsigned sum = 0;

    for (size_t i = 0; i < PEOPLE; i++)
        sum += talks[i].said;
    return sum;
}

static bool all_have(const char *part, size_t count)
{
    for (size_t i = 0; i < PEOPLE; i++)
        if (count_lines(&people[i], part) < count)
            return false;
    return true;
}

static bool state_told(unsigned opens, unsigned lost)
{
    for (size_t i = 0; i < PEOPLE; i++)
        if (talks[i].opens < opens || talks[i].lost < lost)
            return false;
    return true;
}

#define TALK_UNTIL(condition) \
    for (uint64_t give_up = clock_ms() + PATIENCE; !(condition);) { \
        if (clock_ms() > give_up) \
            fail_msg("never: %s", #condition); \
        talk_turn(); \
    }

/* The `n`th line of those that say what was said. */
static const char *nth_said(const struct person *p, size_t n)
{
    for (size_t i = 0; i < p->count; i++)
        if (strncmp(p->lines[i], "said ", 5) == 0 && n-- == 0)
            return p->lines[i];
    return "";
}

/* One order: that of the first. Each once: of each, all in their order. */
static void all_see_the_same_once(void)
{
    unsigned next[PEOPLE] = {0}, who, what;
    char     id[64], last[64] = "";

    TALK_UNTIL(said_by_all() == TOTAL && all_have("said ", TOTAL));
    say(&people[0], "/send end\nthe end"); /* what is there twice comes first */
    TALK_UNTIL(all_have("\nthe end", 1));
    for (size_t i = 0; i < PEOPLE; i++) {
        assert_int_equal(count_lines(&people[i], "said "), TOTAL + 1);
        assert_int_equal(talks[i].gaps, 0);
    }
    for (size_t n = 0; n < TOTAL; n++) {
        const char *line = nth_said(&people[0], n);
        for (size_t i = 1; i < PEOPLE; i++)
            assert_string_equal(nth_said(&people[i], n), line);
        assert_int_equal(sscanf(line, "said %63s key-%*u-%*u guest\n%u %u", id,
                                &who, &what), 3);
        assert_string_not_equal(id, last);
        strcpy(last, id);
        assert_in_range(who, 0, PEOPLE - 1);
        assert_int_equal(what, next[who]++);
    }
}

static void begin_talk(const char *const *redis_options)
{
    memset(talks, 0, sizeof talks);
    begin_room(redis_options, NULL);
}

static void three_servers_are_one_room(void **state)
{
    (void)state;
    begin_talk(NULL);
    all_see_the_same_once();
}

/* Its people go to another server meanwhile. */
static void nothing_is_lost_with_a_server(void **state)
{
    (void)state;
    begin_talk(NULL);
    TALK_UNTIL(said_by_all() >= TOTAL / 4);
    kill_child(&servers[0]);
    const unsigned before = said_by_all();
    TALK_UNTIL(said_by_all() > before + TOTAL / 4);
    start_server(0, NULL);
    kill_child(&servers[1]);
    all_see_the_same_once();
}

static void nothing_is_lost_with_redis(void **state)
{
    (void)state;
    begin_talk(durable);
    TALK_UNTIL(said_by_all() >= TOTAL / 4);
    kill_child(&redis);
    TALK_UNTIL(state_told(1, 1)); /* the people are told, and stay */
    start_redis(durable);
    all_see_the_same_once();
    assert_true(state_told(2, 1));
}

/* Nobody closes its end; it is the silence that tells. What Redis has in its
 * sockets is done when it goes on, though it was answered "later". */
static void a_redis_that_stands_still_is_noticed(void **state)
{
    (void)state;
    begin_talk(NULL);
    TALK_UNTIL(said_by_all() >= TOTAL / 4);
    child_signal(&redis, SIGSTOP);
    TALK_UNTIL(state_told(1, 1));
    TALK_UNTIL(count_lines(&people[0], "later key-0-") > 0);
    child_signal(&redis, SIGCONT);
    all_see_the_same_once();
}

static void servers_wait_for_a_redis_that_comes_later(void **state)
{
    (void)state;
    need_redis();
    memset(talks, 0, sizeof talks);
    start_servers(NULL);
    await_line(0, "refused; is redis-server running there?");
    TALK_UNTIL(state_told(0, 1));
    start_redis(NULL);
    all_see_the_same_once();
}

/* ---- Coming and coming back -------------------------------------------- */

static void who_joins_is_told_the_last_50(void **state)
{
    struct person *ann = &people[0], *bob = &people[1];

    (void)state;
    begin_room(NULL, NULL);
    open_person(ann, 0, NULL);
    await(ann, "room open");
    say_many(ann, 1, 60);
    open_person(bob, 1, NULL);
    await(bob, "room open");
    for (int i = 0; i < 50; i++)
        await(bob, "said ");
    say_many(ann, 61, 3);
    TURNS_UNTIL(count_lines(bob, "line 63") == 1);
    has_in_order(bob, 0, 11, 63);
}

static void who_comes_back_goes_on_at_another_server(void **state)
{
    struct person *ann = &people[0], *bob = &people[1];
    const char    *line;
    size_t         before;
    char           id[64];

    (void)state;
    begin_room(NULL, NULL);
    open_person(ann, 0, NULL);
    open_person(bob, 1, NULL);
    await(ann, "room open");
    await(bob, "room open");
    say_many(ann, 1, 3);
    line = await(bob, "said ");
    assert_int_equal(sscanf(line, "said %63s", id), 1);
    close_person(bob);
    say_many(ann, 4, 120);
    kill_child(&servers[2]); /* so that it keeps nothing itself */
    start_server(2, NULL);
    before = bob->count;
    open_person(bob, 2, id);
    TURNS_UNTIL(count_lines(bob, "line 123") == 1);
    has_in_order(bob, before, 2, 123);
    assert_int_equal(count_lines(bob, "gap"), 0);
}

static void an_id_that_is_none_is_as_good_as_none(void **state)
{
    static const char *const ids[] = {"x", "1", "1-", "-1", "1-1x",
                                      "99999999999999999999-0"};

    (void)state;
    begin_room(NULL, NULL);
    open_person(&people[0], 0, NULL);
    await(&people[0], "room open");
    say_many(&people[0], 1, 2);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        const size_t before = people[1].count;
        open_person(&people[1], 1, ids[i]);
        TURNS_UNTIL(count_lines(&people[1], "line 2") == i + 1);
        has_in_order(&people[1], before, 1, 2);
    }
    /* One of the future is one, of a stream that is not there any more. */
    open_person(&people[1], 1, "9999999999999-0");
    await(&people[1], "gap");
    say_many(&people[0], 3, 1);
    await(&people[1], "said ");
    assert_int_equal(count_lines(&people[1], "line 3"), 1);
}

/* ---- What is not there any more ---------------------------------------- */

static const char *const few[] = {"--redis-keep", "100", NULL};

static void a_trimmed_stream_is_a_gap_that_is_told(void **state)
{
    struct person *ann = &people[0], *bob = &people[1];
    char           id[64];

    (void)state;
    begin_room(NULL, few);
    open_person(ann, 0, NULL);
    await(ann, "room open");
    say_many(ann, 1, 1);
    TURNS_UNTIL(ann->last[0] != '\0'); /* "kept" may come before "said" */
    strcpy(id, ann->last);
    say_many(ann, 2, 600);
    open_person(bob, 1, id);
    await(bob, "gap");
    assert_int_equal(bob->at, 2); /* before all of them */
    TURNS_UNTIL(count_lines(bob, "line 601") == 1);
    tell_redis("ZCARD {upframe:chat}:sent", ":100\r\n");
    assert_in_range(count_lines(bob, "said "), 100, 300);
    assert_int_equal(count_lines(bob, "gap"), 1);
}

/* What was trimmed while a server stood still is told to those who were live
 * there. */
static void a_server_that_stood_still_tells_the_gap(void **state)
{
    struct person *ann = &people[0], *bob = &people[1];

    (void)state;
    begin_room(NULL, few);
    open_person(ann, 0, NULL);
    open_person(bob, 1, NULL);
    await(ann, "room open");
    say_many(ann, 1, 1);
    await(bob, "said ");
    child_signal(&servers[1], SIGSTOP);
    say_many(ann, 2, 600);
    child_signal(&servers[1], SIGCONT);
    await(bob, "gap");
    TURNS_UNTIL(count_lines(bob, "line 601") == 1);
    assert_true(count_lines(bob, "said ") < 601);
}

static void a_redis_without_memory_is_a_gap_and_a_new_room(void **state)
{
    struct person *ann = &people[0], *bob = &people[1], *cid = &people[2];

    (void)state;
    begin_room(NULL, NULL);
    open_person(ann, 0, NULL);
    open_person(bob, 1, NULL);
    await(ann, "room open");
    say_many(ann, 1, 2);
    TURNS_UNTIL(count_lines(ann, "said ") == 2 &&
                count_lines(bob, "said ") == 2);
    kill_child(&redis);
    await(ann, "room lost");
    await(bob, "room lost");
    say(ann, "/send away\nis anybody there?");
    await(ann, "later away");
    start_redis(NULL);
    await(ann, "gap");
    await(ann, "room open");
    await(bob, "gap");
    await(bob, "room open");
    const size_t before = bob->count;
    say_many(ann, 3, 1);
    say(ann, "/send many-1\nline 1"); /* it is new to this Redis, */
    await(ann, "kept many-1");
    await(bob, "said ");
    assert_non_null(strstr(await(bob, "said "), " many-1 ")); /* as one sees */
    assert_int_equal(bob->count, before + 2);
    open_person(cid, 2, NULL);
    await(cid, "said ");
    await(cid, "said ");
    assert_int_equal(count_lines(cid, "line 2"), 0);
}

/* The same while nobody loses the connection, and ids that were given are given
 * again: by a Redis whose clock goes behind, say. */
static void an_emptied_stream_is_a_gap(void **state)
{
    struct person *ann = &people[0], *bob = &people[1], *cid = &people[2];

    (void)state;
    begin_room(NULL, NULL);
    open_person(ann, 0, NULL);
    open_person(bob, 1, NULL);
    await(ann, "room open");
    await(bob, "room open");
    tell_redis("XADD {upframe:chat} 8888888888888-0 text far", "$");
    await(ann, "said 8888888888888-0");
    await(bob, "said 8888888888888-0");
    tell_redis("FLUSHALL", "+OK");
    await(ann, "gap");
    await(bob, "gap");
    open_person(cid, 0, NULL);
    await(cid, "room open");
    tell_redis("XADD {upframe:chat} 5-5 text near", "$");
    tell_redis("XADD {upframe:chat} 9999999999999-0 text farther", "$");
    for (size_t i = 0; i < 3; i++) {
        struct person *p = &people[i];
        TURNS_UNTIL(count_lines(p, "\nfarther") == 1);
        assert_non_null(strstr(p->lines[p->count - 2], "said 5-5 "));
    }
    assert_int_equal(count_lines(bob, "gap"), 1);
    assert_int_equal(cid->count, 3); /* nothing of what was */
}

/* They came while Redis stood still: what was asked for them is lost with it,
 * and asked again. Each has seen something else. */
static void who_waits_for_redis_is_told_what_was_said(void **state)
{
    char ids[PEOPLE][64];

    (void)state;
    begin_room(durable, NULL);
    open_person(&people[0], 0, NULL);
    await(&people[0], "room open");
    for (unsigned i = 0; i < PEOPLE; i++) {
        say_many(&people[0], 1 + i * 230, 230);
        TURNS_UNTIL(count_lines(&people[0], "said ") == 230 * (i + 1));
        strcpy(ids[i], people[0].last);
    }
    kill_child(&servers[1]); /* so that it keeps nothing itself */
    start_server(1, NULL);
    await_line(1, "the room is open");
    child_signal(&redis, SIGSTOP);
    for (size_t i = 1; i < PEOPLE; i++) {
        open_person(&people[i], 1, ids[i - 1]);
        await(&people[i], "room open"); /* and a page for it is asked for */
    }
    kill_child(&redis);
    for (size_t i = 1; i < PEOPLE; i++)
        await(&people[i], "room lost");
    start_redis(durable);
    for (unsigned i = 1; i < PEOPLE; i++) {
        TURNS_UNTIL(count_lines(&people[i], "line 1380") == 1);
        has_in_order(&people[i], 0, 230 * i + 1, 230 * PEOPLE);
        assert_int_equal(count_lines(&people[i], "gap"), 0);
    }
}

/* Each of the two connections alone, also the one that is idle. */
/* One line of what Redis does, of those that a script does not do. */
static void monitored(int fd, char *line, size_t size)
{
    size_t len;

    do {
        for (len = 0; len == 0 || line[len - 1] != '\n'; len++) {
            assert_true(len < size - 1);
            assert_true(readable(fd, PATIENCE));
            assert_int_equal(read(fd, line + len, 1), 1);
        }
        line[len] = '\0';
    } while (strstr(line, "lua]") != NULL);
}

/* Each of them wants a page of its own, and Redis sends none; but who comes
 * behind them, and wants what all want who come, is among the next. */
static void who_joins_does_not_wait_for_old_pages(void **state)
{
    char   line[2048], after[32];
    size_t old = 0;

    (void)state;
    begin_room(NULL, NULL);
    open_person(&people[0], 0, NULL);
    await(&people[0], "room open");
    say_many(&people[0], 1, 1);
    const int fd = tcp_connect("127.0.0.1", redis_port, PATIENCE);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "MONITOR\r\n", 9), 9);
    monitored(fd, line, sizeof line);
    assert_string_equal(line, "+OK\r\n");
    child_signal(&redis, SIGSTOP);
    for (size_t i = 1; i < PEOPLE; i++) {
        snprintf(after, sizeof after, "0-%zu", i);
        open_person(&people[i], 0, i < PEOPLE - 1 ? after : NULL);
        await(&people[i], "room open");
    }
    child_signal(&redis, SIGCONT);
    do {
        monitored(fd, line, sizeof line);
        old += strstr(line, "\"XRANGE\"") != NULL;
    } while (strstr(line, "\"XREVRANGE\"") == NULL);
    close(fd);
    assert_in_range(old, 1, 3);
    await(&people[PEOPLE - 1], "said ");
}

static void a_connection_that_is_lost_is_opened_again(void **state)
{
    static const char *const last[] = {"ping", "xread"};
    struct person *ann = &people[0];

    (void)state;
    need_redis();
    start_redis(NULL);
    start_server(0, NULL);
    open_person(ann, 0, NULL);
    await(ann, "room open");
    for (unsigned i = 0; i < 2; i++) {
        cut_off(last[i]);
        await(ann, "room lost");
        await(ann, "room open");
        say_many(ann, i, 1);
    }
    TURNS_UNTIL(count_lines(ann, "said ") == 2);
    assert_int_equal(count_lines(ann, "gap"), 0);
}

/* ---- Once more --------------------------------------------------------- */

static void a_retry_is_not_said_twice(void **state)
{
    struct person *ann = &people[0], *bob = &people[1];

    (void)state;
    begin_room(durable, NULL);
    open_person(ann, 0, NULL);
    open_person(bob, 1, NULL);
    await(ann, "room open");
    await(bob, "room open");
    for (int i = 0; i < 2; i++) { /* by the same server, */
        say(ann, "/send one\nHello");
        await(ann, "kept one");
        say(ann, "/send other\nhm");
        await(ann, "kept other");
    }
    open_person(ann, 2, ann->last); /* by another one, */
    await(ann, "room open");
    say(ann, "/send one\nHello");
    await(ann, "kept one");
    kill_child(&redis); /* and by another one behind a loss of Redis */
    await(bob, "room lost");
    start_redis(durable);
    await(bob, "room open");
    say(bob, "/send one\nHello");
    await(bob, "kept one");
    say(bob, "/send two\nHello again"); /* nothing comes behind this */
    TURNS_UNTIL(count_lines(bob, "Hello again") == 1 &&
                count_lines(ann, "Hello again") == 1);
    assert_int_equal(count_lines(bob, "\nHello"), 2);
    assert_int_equal(count_lines(ann, "\nHello"), 2);
}

/* Redis stands still with the message in its socket, says nothing for so long
 * that it is sent again elsewhere, and then has both. */
static void a_retry_meets_its_first_try(void **state)
{
    struct person *ann = &people[0], *bob = &people[1];

    (void)state;
    begin_room(NULL, NULL);
    open_person(ann, 0, NULL);
    open_person(bob, 1, NULL);
    await(ann, "room open");
    await(bob, "room open");
    child_signal(&redis, SIGSTOP);
    say(ann, "/send one\nHello");
    await(ann, "later one");
    child_signal(&redis, SIGCONT);
    open_person(ann, 2, NULL);
    await(ann, "room open");
    say(ann, "/send one\nHello");
    await(ann, "kept one");
    say(ann, "/send two\nbye");
    TURNS_UNTIL(count_lines(bob, "\nbye") == 1 &&
                count_lines(ann, "\nbye") == 1);
    assert_int_equal(count_lines(bob, "\nHello"), 1);
    assert_int_equal(count_lines(ann, "\nHello"), 1);
}

/* ---- What is wrong with Redis ------------------------------------------ */

static void write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");

    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static void a_password_is_asked_for_and_given(void **state)
{
    static const char *const locked[] = {"--requirepass", "open sesame", NULL};
    char        path[128];
    const char *from_file[] = {"--redis-password-file", path, NULL};

    (void)state;
    need_redis();
    snprintf(path, sizeof path, "%s/password", dir);
    write_file(path, "open sesame\n");
    start_redis(locked);
    unsetenv("REDIS_PASSWORD");
    start_server(0, NULL);
    await_line(0, "NOAUTH");
    assert_non_null(strstr(servers[0].line, "--redis-password-file"));
    setenv("REDIS_PASSWORD", "guess", 1);
    start_server(1, NULL);
    await_line(1, "WRONGPASS");
    assert_non_null(strstr(servers[1].line, "is it the right password?"));
    start_server(2, from_file);
    await_line(2, "the room is open");
    child_end(&servers[0]);
    setenv("REDIS_PASSWORD", "open sesame", 1);
    start_server(0, NULL);
    unsetenv("REDIS_PASSWORD");
    await_line(0, "the room is open");
    open_person(&people[0], 1, NULL);
    await(&people[0], "room lost"); /* as far as that one knows */
}

static void a_key_of_another_kind_is_said_and_healed(void **state)
{
    (void)state;
    need_redis();
    start_redis(NULL);
    tell_redis("SET {upframe:chat} x", "+OK");
    start_server(0, NULL);
    await_line(0, "WRONGTYPE");
    assert_non_null(strstr(servers[0].line, "{upframe:chat}; RENAME it"));
    open_person(&people[0], 0, NULL);
    await(&people[0], "room lost");
    tell_redis("DEL {upframe:chat}", ":1");
    await(&people[0], "room open");
    say_many(&people[0], 1, 1);

    tell_redis("DEL {upframe:chat}", ":1"); /* and under way */
    tell_redis("SET {upframe:chat} x", "+OK");
    await(&people[0], "room lost");
    await_line(0, "WRONGTYPE");
    tell_redis("DEL {upframe:chat}", ":1");
    await(&people[0], "room open");
}

/* Redis that takes nothing more: the message waits with its sender. */
static void a_full_redis_takes_nothing(void **state)
{
    (void)state;
    need_redis();
    start_redis(NULL);
    start_server(0, NULL);
    open_person(&people[0], 0, NULL);
    await(&people[0], "room open");
    tell_redis("CONFIG SET maxmemory 1", "+OK");
    for (int i = 0; i < 3; i++) {
        say(&people[0], "/send one\nHello");
        await(&people[0], "later one");
    }
    await_line(0, "OOM");
    tell_redis("CONFIG SET maxmemory 0", "+OK");
    say(&people[0], "/send one\nHello");
    await(&people[0], "kept one");
    TURNS_UNTIL(count_lines(&people[0], "\nHello") == 1);
}

static void what_is_no_redis_is_said(void **state)
{
    struct rawserver s;
    char             address[32];
    const char      *options[] = {"--redis", address, NULL};

    (void)state;
    need_redis();
    rawserver_begin(&s);
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)s.port);
    start_server(0, options);
    rawserver_accept(&s);
    rawserver_put(&s, "HTTP/1.1 400 \033[2JNo\r\n\r\n", 24);
    await_line(0, "is that Redis?");
    assert_null(strchr(servers[0].line, '\033'));
    rawserver_end(&s);
}

/* What Redis would say, had it been asked for something else, or at all. */
static void a_wrong_reply_is_said(void **state)
{
    static const struct { const char *reply, *line; } wrong[] = {
        {":1\r\n", "Protocol error; is that Redis?"},
        {"*2\r\n:1\r\n:1\r\n", "Protocol error; is that Redis?"},
        {"*2\r\n:1\r\n$1\r\nx\r\n", "Protocol error; is that Redis?"},
        {"+OK a mail server's greeting\r\n", "an answer to nothing; is that"},
        {"-ERR \033[2Jno\r\n", "[2Jno"},
        {"-\r\n", "an error without a word"}};
    struct rawserver s;
    char             address[32], text[4096];
    const char      *options[] = {"--redis", address, NULL};

    (void)state;
    need_redis();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        rawserver_begin(&s);
        snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)s.port);
        start_server(0, options);
        for (int links = 0; links < 2; links++) {
            rawserver_accept(&s);
            rawserver_put(&s, wrong[i].reply, strlen(wrong[i].reply));
            if (links == 1)
                await_line(0, wrong[i].line);
            assert_null(strchr(servers[0].line, '\033'));
            assert_true(readable(s.peer, PATIENCE)); /* to its end */
            rawserver_cut(&s, false);
        }
        child_signal(&servers[0], SIGTERM);
        assert_int_equal(child_rest(&servers[0], text, sizeof text), 0);
        assert_null(strchr(text, '\033'));
        rawserver_end(&s);
    }
}

/* One answer too many, in one piece with the one that was asked for: by each
 * link, as one asks for its place and the other whether Redis is there. */
static void a_reply_too_many_is_said(void **state)
{
    struct rawserver s;
    char             address[32], text[4096];
    const char      *options[] = {"--redis", address, NULL};

    (void)state;
    need_redis();
    rawserver_begin(&s);
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)s.port);
    start_server(0, options);
    for (int links = 0; links < 2; links++) {
        rawserver_accept(&s);
        assert_true(readable(s.peer, PATIENCE));
        assert_true(read(s.peer, text, sizeof text) > 0);
        rawserver_put(&s, "+PONG\r\n+PONG\r\n", 14);
        if (links == 0)
            await_line(0, "an answer to nothing; is that");
        assert_true(readable(s.peer, PATIENCE)); /* to its end */
        rawserver_cut(&s, false);
    }
    child_signal(&servers[0], SIGTERM);
    assert_int_equal(child_rest(&servers[0], text, sizeof text), 0);
    rawserver_end(&s);
}

static void bad_options_are_refused(void **state)
{
    static const char *const bad[][3] = {
        {"--redis", "localhost", "is no HOST:PORT"},
        {"--redis", "localhost:0", "is no HOST:PORT"},
        {"--redis", "localhost:99999", "is no HOST:PORT"},
        {"--redis", ":6379", "is no HOST:PORT"},
        {"--redis", "a:6379x", "is no HOST:PORT"},
        {"--redis", "redis://a:6379", "is no HOST:PORT"},
        {"--redis-keep", "0", "is not a number"},
        {"--redis-password-file", "/nowhere/at/all", "No such file"},
        {"--redis-password-file", "/dev/null", "a password has 1 to"}};
    char program[512], text[512];

    (void)state;
    need_redis();
    snprintf(program, sizeof program, "%s/broadcast_server", examples);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *argv[] = {program, (char *)bad[i][0], (char *)bad[i][1], NULL};
        servers[0].errors = true;
        child_start(&servers[0], argv);
        assert_int_equal(child_rest(&servers[0], text, sizeof text), 2);
        assert_non_null(strstr(text, bad[i][2]));
    }
}

/* ---- What is wrong with a client --------------------------------------- */

/* About as much as its socket and the kernel's buffers do not take. */
static void flood(struct person *p, unsigned first, unsigned n)
{
    static char text[LINE];

    for (unsigned i = 0; i < n; i++) {
        const int len = snprintf(text, sizeof text, "/send long-%u\nline %u",
                                 first + i, first + i);
        memset(text + len, '.', sizeof text - (size_t)len);
        assert_int_equal(
            upf_send(&p->ws, UPF_OP_TEXT, text, sizeof text), UPF_OK);
        if (i >= 8)
            await(p, "kept long-");
    }
    for (unsigned i = 0; i < n && i < 8; i++)
        await(p, "kept long-");
}

/* Its first line says which number it has. */
static void has_long_lines(const struct person *p, unsigned first,
                           unsigned last)
{
    for (size_t i = 0; i < p->count; i++) {
        const char *text = strchr(p->lines[i], '\n');
        if (strncmp(p->lines[i], "said ", 5) == 0)
            assert_int_equal(strtoul(text + 6, NULL, 10), first++);
    }
    assert_int_equal(first, last + 1);
}

enum { LONG = 200 }; /* of 48 kB: no socket takes all of it */

/* Ann, who tells him much, notices nothing; he reads once he is cut off. */
static void who_reads_nothing_is_cut_off_and_goes_on(void **state)
{
    static const char *const options[] = {"--pong-timeout", "1000", "--trace",
                                          NULL};
    struct person *ann = &people[0], *bob = &people[1];
    unsigned       said = 0;

    (void)state;
    begin_room(NULL, options);
    open_person(ann, 0, NULL);
    open_person(bob, 0, NULL);
    await(ann, "room open");
    await(bob, "room open");
    say_many(ann, 1, 1);
    await(bob, "said ");
    bob->deaf = true;
    for (uint64_t give_up = clock_ms() + PATIENCE; said < LONG || bob->deaf;) {
        assert_true(clock_ms() < give_up);
        if (bob->deaf && has_printed(0, "-> CLOSE"))
            bob->deaf = false;
        if (said < LONG)
            flood(ann, 2 + said++, 1);
        else
            turn();
    }
    TURNS_UNTIL(bob->code != 0);
    assert_int_equal(bob->code, UPF_CLOSE_POLICY);
    assert_string_equal(bob->reason, "too slow");
    assert_true(count_lines(bob, "said ") < LONG);
    open_person(bob, 1, bob->last);
    TURNS_UNTIL(count_lines(bob, "said ") == 1 + LONG);
    assert_int_equal(count_lines(bob, "gap"), 0);
    has_long_lines(bob, 1, 1 + LONG);
}

/* Nothing is kept for it: it catches up from the stream. */
static void who_reads_slowly_misses_nothing(void **state)
{
    static const char *const options[] = {"--pong-timeout", "0", NULL};
    struct person *ann = &people[0], *bob = &people[1];

    (void)state;
    begin_room(NULL, options);
    open_person(ann, 0, NULL);
    open_person(bob, 0, NULL);
    await(ann, "room open");
    await(bob, "room open");
    for (unsigned i = 0; i < 2; i++) {
        bob->deaf = true;
        flood(ann, i * LONG, LONG);
        bob->deaf = false;
        TURNS_UNTIL(count_lines(bob, "said ") > LONG / 2 + i * LONG);
    }
    TURNS_UNTIL(count_lines(bob, "said ") == 2 * LONG);
    has_long_lines(bob, 0, 2 * LONG - 1);
    assert_int_equal(count_lines(bob, "gap"), 0);
}

/* Nor does it miss that there is something it cannot be told any more. */
static void who_reads_slowly_is_told_the_gap(void **state)
{
    static const char *const options[] = {"--pong-timeout", "0", NULL};
    struct person *ann = &people[0], *bob = &people[1];

    (void)state;
    begin_room(NULL, options);
    open_person(ann, 0, NULL);
    open_person(bob, 0, NULL);
    await(ann, "room open");
    await(bob, "room open");
    bob->deaf = true;
    flood(ann, 0, LONG);
    tell_redis("FLUSHALL", "+OK");
    await(ann, "gap");
    bob->deaf = false;
    await(bob, "gap");
    assert_true(count_lines(bob, "said ") < LONG);
    say_many(ann, 1, 1);
    TURNS_UNTIL(count_lines(bob, "many-1 ") == 1);
    /* By a page that he waited for, and by what the server reads. */
    assert_in_range(count_lines(bob, "gap"), 1, 2);
}

/* One that says more than the others can be told at once. */
static void who_floods_keeps_nobody_from_speaking(void **state)
{
    enum { MANY = 3000 };
    struct person *ann = &people[0], *bob = &people[1], *cid = &people[2];

    (void)state;
    begin_room(NULL, NULL);
    open_person(ann, 0, NULL);
    open_person(bob, 0, NULL);
    open_person(cid, 1, NULL);
    await(ann, "room open");
    await(bob, "room open");
    await(cid, "room open");
    for (unsigned i = 1; i <= MANY; i++)
        say(ann, "/send many-%u\nline %u", i, i);
    while (count_lines(bob, "said ") < 10)
        turn();
    say(bob, "/send me\nmay I?");
    await(bob, "kept me");
    assert_true(count_lines(cid, "said ") < MANY);
    TURNS_UNTIL(count_lines(cid, "said ") == MANY + 1 &&
                count_lines(bob, "said ") == MANY + 1 &&
                count_lines(ann, "kept ") == MANY);
    unsigned next = 1;
    for (size_t i = 0; i < MANY + 1; i++) {
        assert_string_equal(nth_said(bob, i), nth_said(cid, i));
        const char *text = strchr(nth_said(bob, i), '\n');
        if (strcmp(text, "\nmay I?") != 0)
            assert_int_equal(strtoul(text + 6, NULL, 10), next++);
    }
}

static void expect_close(const char *text, size_t len, upf_opcode opcode,
                         int code)
{
    struct person *p = &people[1];

    open_person(p, 0, NULL);
    p->at = p->count;
    await(p, "room open");
    assert_int_equal(upf_send(&p->ws, opcode, text, len), UPF_OK);
    TURNS_UNTIL(p->code != 0);
    assert_int_equal(p->code, code);
    p->code = 0;
}

static void nonsense_is_refused_and_nobody_notices(void **state)
{
    static const char *const options[] = {"--max-message", "1000", NULL};
    struct person *ann = &people[0];
    static char    text[1100];
    char           xadd[1200];

    (void)state;
    begin_room(NULL, options);
    open_person(ann, 0, NULL);
    await(ann, "room open");
    memset(text, 'k', sizeof text);
    expect_close("\0\1", 2, UPF_OP_BINARY, UPF_CLOSE_UNSUPPORTED);
    expect_close(text, 1001, UPF_OP_TEXT, UPF_CLOSE_TOO_BIG);
    expect_close("/send ", 6, UPF_OP_TEXT, UPF_CLOSE_POLICY);
    expect_close("/send k", 7, UPF_OP_TEXT, UPF_CLOSE_POLICY);
    expect_close("/send k\n", 8, UPF_OP_TEXT, UPF_CLOSE_POLICY);
    expect_close("/send a b\nc", 11, UPF_OP_TEXT, UPF_CLOSE_POLICY);
    memcpy(text, "/send ", 6);
    memcpy(text + 6 + 65, "\nc", 2);
    expect_close(text, 6 + 65 + 2, UPF_OP_TEXT, UPF_CLOSE_POLICY);

    const int fd = tcp_connect("127.0.0.1", ports[0], PATIENCE);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "\x16\3\1 nonsense\r\n\r\n", 16), 16);
    assert_true(readable(fd, PATIENCE));
    close(fd);

    /* Whoever can write to Redis can write anything to it. */
    tell_redis("XADD {upframe:chat} * a b", "$");
    tell_redis("XADD {upframe:chat} * text \"\\xff\\xfe\"", "$");
    memset(text, 'x', sizeof text);
    snprintf(xadd, sizeof xadd, "XADD {upframe:chat} * text %.1001s", text);
    tell_redis(xadd, "$");
    tell_redis("XADD {upframe:chat} * key \"a\\nb\" name \"c\\nd\" text ok",
               "$");
    assert_int_equal(ann->count, 1);
    assert_non_null(strstr(await(ann, "said "), " . cd\nok"));

    /* A name is cut, and loses what would break lines; the longest message. */
    say(ann, "/name  A\tn\nn\x7f 567890123456789012345678901234567890");
    text[999] = '\0';
    memcpy(text, "/send a\n", 8);
    assert_int_equal(upf_send(&ann->ws, UPF_OP_TEXT, text, 1000), UPF_OK);
    assert_non_null(
        strstr(await(ann, "said "), " a Ann 5678901234567890123456789\nx"));
    for (int i = 0; i < 2; i++) { /* with no key it is another one */
        say(ann, "no key");
        await(ann, "kept .");
    }
    TURNS_UNTIL(count_lines(ann, "\nno key") == 2);
}

/* As a page does that hears nothing. Who asks is answered, and nobody else; and
 * the server answers, whatever Redis does. */
static void who_asks_is_answered(void **state)
{
    struct person *ann = &people[0], *bob = &people[1];

    (void)state;
    begin_room(NULL, NULL);
    open_person(ann, 0, NULL);
    open_person(bob, 1, NULL);
    await(ann, "room open");
    await(bob, "room open");
    say(ann, "/ping");
    assert_string_equal(await(ann, "pong"), "pong");
    say(ann, "/pings"); /* is a word like any other */
    assert_non_null(strstr(await(bob, "said "), "\n/pings"));
    await(ann, "said ");
    kill_child(&redis);
    await(ann, "room lost");
    say(ann, "/ping");
    assert_string_equal(await(ann, "pong"), "pong");
    assert_int_equal(count_lines(ann, "pong"), 2);
    assert_int_equal(count_lines(bob, "pong"), 0);
    assert_int_equal(count_lines(bob, "/ping"), 1); /* what was said */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
        TEST(three_servers_are_one_room),
        TEST(nothing_is_lost_with_a_server),
        TEST(nothing_is_lost_with_redis),
        TEST(a_redis_that_stands_still_is_noticed),
        TEST(servers_wait_for_a_redis_that_comes_later),
        TEST(who_joins_is_told_the_last_50),
        TEST(who_comes_back_goes_on_at_another_server),
        TEST(an_id_that_is_none_is_as_good_as_none),
        TEST(a_trimmed_stream_is_a_gap_that_is_told),
        TEST(a_server_that_stood_still_tells_the_gap),
        TEST(a_redis_without_memory_is_a_gap_and_a_new_room),
        TEST(an_emptied_stream_is_a_gap),
        TEST(who_waits_for_redis_is_told_what_was_said),
        TEST(who_joins_does_not_wait_for_old_pages),
        TEST(a_connection_that_is_lost_is_opened_again),
        TEST(a_retry_is_not_said_twice),
        TEST(a_retry_meets_its_first_try),
        TEST(a_password_is_asked_for_and_given),
        TEST(a_key_of_another_kind_is_said_and_healed),
        TEST(a_full_redis_takes_nothing),
        TEST(what_is_no_redis_is_said),
        TEST(a_wrong_reply_is_said),
        TEST(a_reply_too_many_is_said),
        TEST(bad_options_are_refused),
        TEST(who_reads_nothing_is_cut_off_and_goes_on),
        TEST(who_reads_slowly_misses_nothing),
        TEST(who_reads_slowly_is_told_the_gap),
        TEST(who_floods_keeps_nobody_from_speaking),
        TEST(nonsense_is_refused_and_nobody_notices),
        TEST(who_asks_is_answered),
    };

    return cmocka_run_group_tests_name("chat_redis", tests, NULL, NULL);
}
