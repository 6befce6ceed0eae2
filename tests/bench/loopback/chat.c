/* SPDX-License-Identifier: MIT */
/*
 * chat.c - three processes of broadcast_server on one Redis, and their clients.
 *
 *     chat BROADCAST_SERVER [--clients N] [--rate N] [--ms MS] [--kill 1]
 *          [--json FILE] [--quick] [--help]
 *
 * The clients speak in turn, --rate messages a second in all, and each hears
 * all. 0 (the default) is a search for the knee: the rate grows by a quarter
 * until more than 1 % of what is heard is older than 250 ms. With --kill one
 * process is killed after a third of --ms, and started again at once; its
 * clients come back after a random wait (upf_backoff, at most 1 s, then 2 s, up
 * to 5 s), go on behind the last id they have seen, and say again what they do
 * not know to be kept.
 *
 * At the end of each rate, each client must have heard each message that was
 * kept exactly once, in one order: ids that only grow, as many as were kept,
 * and of one sum. If not, the program says so and fails.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <upframe/upframe.h>

#include "client.h"
#include "histogram.h"
#include "tcp.h"

enum {
    SERVERS      = 3,
    CLIENTS_MAX  = 20000,
    MESSAGES_MAX = 4000000,
    KNEE_MS      = 250,
    ID_MAX       = 48
};

#define MS 1000000u

struct client {
    upf_conn    ws;
    upf_io      io;
    int         fd; /* -1: away */
    unsigned    number;
    bool        is_open, room_is_open;
    upf_backoff backoff;
    uint64_t    retry_at, lost_at;
    uint64_t    back_at, missed; /* what others had heard by then */
    char        id[ID_MAX]; /* the last one, and as numbers: */
    uint64_t    ms, seq;
    uint64_t    heard, sum;
};

static struct {
    const char       *path;
    pid_t             pids[SERVERS], redis;
    unsigned          ports[SERVERS], redis_port;
    char              dir[64];
    int               epoll;
    unsigned          count;
    struct client    *all;
    uint8_t          *kept; /* by number of message */
    uint64_t          said, kept_count, gaps;
    uint64_t          back_max; /* ns, from the loss until it is open again */
    uint64_t          fetch_max; /* and from then until it has what it missed */
    bool              counts;
    bool              with_kill;
    FILE             *json; /* a list of what is shown, or NULL */
    size_t            rows; /* in it */
    struct histogram  delays;
} b = {.count = 1000};

/* ---- The programs -------------------------------------------------------- */

/* They end with us, however we end. Returns the end of a pipe. */
static FILE *start(pid_t *pid, char *const argv[])
{
    int ends[2];

    if (pipe(ends) != 0 || (*pid = fork()) < 0)
        client_die("no process");
    if (*pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        execvp(argv[0], argv);
        _exit(127);
    }
    close(ends[1]);
    return fdopen(ends[0], "r");
}

/* Bound and not listened at, a port is given to nobody but who asks for it. */
static unsigned reserve_port(void)
{
    struct sockaddr_in address = {.sin_family      = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    const int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        client_die("no port: %s", strerror(errno));
    return ntohs(address.sin_port);
}

static void start_redis(void)
{
    char  port[16], line[512];
    char *argv[] = {(char *)"redis-server", (char *)"--bind",
                    (char *)"127.0.0.1", (char *)"--port", port,
                    (char *)"--save", (char *)"", (char *)"--dir", b.dir, NULL};

    strcpy(b.dir, "/tmp");
    b.redis_port = reserve_port();
    snprintf(port, sizeof port, "%u", b.redis_port);
    FILE *out = start(&b.redis, argv);
    do
        if (out == NULL || fgets(line, sizeof line, out) == NULL)
            client_die("no redis-server: apt-get install redis-server");
    while (strstr(line, "eady to accept") == NULL);
}

static void start_server(size_t i)
{
    char  port[16], redis[32], line[256] = "";
    char *argv[] = {(char *)b.path, (char *)"--port", port, (char *)"--redis",
                    redis, (char *)"--redis-keep", (char *)"1000000",
                    (char *)"--max-connections", (char *)"20000", NULL};

    snprintf(port, sizeof port, "%u", b.ports[i]);
    snprintf(redis, sizeof redis, "127.0.0.1:%u", b.redis_port);
    FILE *out = start(&b.pids[i], argv);
    if (out == NULL || fgets(line, sizeof line, out) == NULL)
        client_die("%s --redis does not start", b.path);
    b.ports[i] = (unsigned)strtoul(strrchr(line, ':') + 1, NULL, 10);
}

/* ---- A client ------------------------------------------------------------ */

static size_t server_of(unsigned number)
{
    return number % SERVERS;
}

static void lose(struct client *c)
{
    const uint64_t now = client_now();
    uint32_t       wait_ms;

    upf_conn_free(&c->ws);
    close(c->fd);
    c->fd = -1;
    if (c->is_open)
        c->lost_at = now;
    c->is_open = c->room_is_open = false;
    upf_backoff_lost(&c->backoff, now / MS,
                     (uint32_t)rand() << 16 ^ (uint32_t)rand(), &wait_ms);
    c->retry_at = now + (uint64_t)wait_ms * MS;
}

/* A loopback connects, or refuses, at once. */
static void connect_client(struct client *c)
{
    char url[128];
    const upf_client_request request = {.url = url};
    struct sockaddr_in address = {
        .sin_family      = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port        = htons((uint16_t)b.ports[server_of(c->number)])};
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};

    snprintf(url, sizeof url, "ws://127.0.0.1/%s%s",
             c->id[0] != '\0' ? "?after=" : "", c->id);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || upf_conn_init_client(&c->ws, NULL, &request) != UPF_OK)
        client_die("no client: %s", strerror(errno));
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0) {
        lose(c);
        return;
    }
    tcp_set_blocking(c->fd, false);
    c->io = upf_io_callbacks(tcp_read, tcp_write, &c->fd);
    if (epoll_ctl(b.epoll, EPOLL_CTL_ADD, c->fd, &ev) != 0)
        client_die("epoll: %s", strerror(errno));
    (void)upf_io_flush(&c->io, &c->ws);
}

/* Message `n` is said by client n modulo all; its text is when that was. */
static void say(uint64_t n, uint64_t now)
{
    struct client *c = &b.all[n % b.count];
    char text[96];
    const int len = snprintf(text, sizeof text, "/send m-%llu\n%llu",
                             (unsigned long long)n, (unsigned long long)now);

    (void)upf_send(&c->ws, UPF_OP_TEXT, text, (size_t)len);
    (void)upf_io_flush(&c->io, &c->ws);
}

static void say_again(const struct client *c)
{
    for (uint64_t n = c->number; n < b.said; n += b.count)
        if (!b.kept[n])
            say(n, 0);
}

/* "said ID m-N guest\nTIME" */
static void hear_said(struct client *c, const char *line, uint64_t now)
{
    char          *end;
    const uint64_t ms = strtoull(line + 5, &end, 10);
    const uint64_t seq = strtoull(end + 1, &end, 10);
    const uint64_t n = strtoull(end + 3, &end, 10);
    const size_t   id_len = (size_t)(strchr(line + 5, ' ') - (line + 5));
    const char    *text = strchr(end, '\n');

    if (ms < c->ms || (ms == c->ms && seq <= c->seq) || id_len >= ID_MAX)
        client_die("client %u: out of order, or twice: %s", c->number, line);
    memcpy(c->id, line + 5, id_len);
    c->id[id_len] = '\0';
    c->ms  = ms;
    c->seq = seq;
    c->heard++;
    c->sum = c->sum * 31 + n;
    const uint64_t then = text != NULL ? strtoull(text + 1, NULL, 10) : 0;
    /* Not what waited for the process that was killed. */
    if (b.counts && then != 0 &&
        !(b.with_kill && (server_of(c->number) == 0 ||
                          server_of((unsigned)(n % b.count)) == 0)))
        histogram_add(&b.delays, now - then);
}

static void hear(struct client *c, const upf_event *ev, uint64_t now)
{
    char line[256];

    if (ev->len >= sizeof line)
        client_die("a line too long");
    memcpy(line, ev->data, ev->len);
    line[ev->len] = '\0';
    if (strncmp(line, "said ", 5) == 0) {
        hear_said(c, line, now);
    } else if (strncmp(line, "kept m-", 7) == 0) {
        const uint64_t n = strtoull(line + 7, NULL, 10);
        b.kept_count += b.kept[n] == 0;
        b.kept[n]     = 1;
    } else if (strncmp(line, "later m-", 8) == 0) {
        say(strtoull(line + 8, NULL, 10), 0);
    } else if (strcmp(line, "gap") == 0) {
        b.gaps++;
    } else if (strcmp(line, "room open") == 0) {
        c->room_is_open = true;
        say_again(c);
    }
}

static void note_max(uint64_t *max, uint64_t value)
{
    if (value > *max)
        *max = value;
}

static void come(struct client *c, uint64_t now)
{
    c->is_open = true;
    upf_backoff_opened(&c->backoff, now / MS);
    if (c->lost_at == 0)
        return;
    note_max(&b.back_max, now - c->lost_at);
    c->lost_at = 0;
    c->back_at = now;
    c->missed  = b.all[1].heard; /* whose server stays */
}

static void read_client(struct client *c)
{
    const uint64_t now = client_now();
    upf_event      ev;

    while (c->fd >= 0 && upf_io_next(&c->io, &c->ws, &ev) == UPF_OK) {
        if (ev.type == UPF_EVENT_CLOSE) {
            lose(c);
            return;
        }
        if (ev.type == UPF_EVENT_OPEN)
            come(c, now);
        if (ev.type == UPF_EVENT_MESSAGE)
            hear(c, &ev, now);
        if (c->back_at != 0 && c->heard >= c->missed) {
            note_max(&b.fetch_max, now - c->back_at);
            c->back_at = 0;
        }
    }
    if (c->fd >= 0)
        (void)upf_io_flush(&c->io, &c->ws);
}

static void turn(int wait_ms)
{
    struct epoll_event events[256];
    const int n = epoll_wait(b.epoll, events, 256, wait_ms);
    const uint64_t now = client_now();

    for (int i = 0; i < n; i++)
        read_client(events[i].data.ptr);
    for (unsigned i = 0; i < b.count; i++)
        if (b.all[i].fd < 0 && now >= b.all[i].retry_at)
            connect_client(&b.all[i]);
}

/* ---- A rate -------------------------------------------------------------- */

static bool is_over(void)
{
    if (b.kept_count != b.said)
        return false;
    for (unsigned i = 0; i < b.count; i++)
        if (b.all[i].heard != b.said || b.all[i].fd < 0)
            return false;
    return true;
}

static void await_all(const char *what, bool (*is_so)(void), uint64_t ms)
{
    const uint64_t give_up = client_now() + ms * MS;

    while (!is_so()) {
        if (client_now() > give_up)
            client_die("%s: not after %llu ms; kept %llu of %llu", what,
                       (unsigned long long)ms,
                       (unsigned long long)b.kept_count,
                       (unsigned long long)b.said);
        turn(10);
    }
}

static bool all_are_there(void)
{
    for (unsigned i = 0; i < b.count; i++)
        if (!b.all[i].room_is_open)
            return false;
    return true;
}

/* Those who are away are passed over: what they said would be late. */
static void say_next(uint64_t now)
{
    if (b.said == MESSAGES_MAX)
        client_die("too many messages");
    if (b.all[b.said % b.count].room_is_open)
        say(b.said, now);
    b.said++; /* or when it is back */
}

/* One row: a part of it each time, "\n" at its end. */
static void show(const char *format, ...)
{
    va_list args;

    for (int i = 0; i < 2; i++) {
        FILE *to = i == 0 ? stdout : b.json;
        if (to == NULL)
            continue;
        if (to == b.json && format[0] == '{')
            fputs(b.rows++ == 0 ? "[\n" : ",\n", to);
        va_start(args, format);
        vfprintf(to, format, args);
        va_end(args);
        fflush(to);
    }
}

/* Whether it keeps up. */
static bool run(unsigned long rate, uint64_t ms)
{
    const uint64_t begin = client_now(), first = b.said;
    uint64_t       cpu = client_cpu_time(b.redis);
    uint64_t       own = client_cpu_time(getpid());
    bool           killed = false;

    for (size_t i = 0; i < SERVERS; i++)
        cpu += client_cpu_time(b.pids[i]);
    memset(&b.delays, 0, sizeof b.delays);
    b.counts = true;
    for (uint64_t now; (now = client_now()) < begin + ms * MS;) {
        const uint64_t due = first + (now - begin) / 1000 * rate / 1000000;
        for (int i = 0; b.said < due && i < 64; i++)
            say_next(client_now());
        if (b.with_kill && !killed && now > begin + ms * MS / 3) {
            killed = true;
            kill(b.pids[0], SIGKILL);
            waitpid(b.pids[0], NULL, 0);
            start_server(0);
        }
        turn(b.said < due ? 0 : 1);
    }
    const double   took = (double)(client_now() - begin);
    const uint64_t said = b.said - first;
    uint64_t       used = client_cpu_time(b.redis);
    for (size_t i = 0; i < SERVERS; i++)
        used += client_cpu_time(b.pids[i]);
    own = client_cpu_time(getpid()) - own;
    await_all("not all was heard by all", is_over, 30000);
    b.counts = false;
    for (unsigned i = 1; i < b.count; i++)
        if (b.all[i].sum != b.all[0].sum)
            client_die("client %u heard another order", i);
    const double p99 = histogram_percentile(&b.delays, 99) / 1e6;
    show("{\"clients\": %u, \"rate\": %lu, \"said_per_s\": %.0f, "
         "\"heard_per_s\": %.0f, \"delay_p50_ms\": %.1f, "
         "\"delay_p99_ms\": %.1f, \"delay_max_ms\": %.1f",
         b.count, rate, (double)said * 1e9 / took,
         (double)said * b.count * 1e9 / took,
         histogram_percentile(&b.delays, 50) / 1e6, p99,
         histogram_percentile(&b.delays, 100) / 1e6);
    if (!b.with_kill)
        show(", \"processors\": %.2f, \"own\": %.2f",
             (double)(used - cpu) / took, (double)own / took);
    else
        show(", \"back_max_ms\": %.0f, \"fetch_max_ms\": %.0f",
             (double)b.back_max / 1e6, (double)b.fetch_max / 1e6);
    show(", \"gaps\": %llu, \"exactly_once\": true}\n",
         (unsigned long long)b.gaps);
    return p99 <= KNEE_MS && (double)said >= 0.98 * (double)rate * took / 1e9;
}

static const char help[] =
"usage: chat BROADCAST_SERVER [option...]\n"
"Three processes of it on one Redis: how much they can say, and whether all\n"
"is heard once and in order. A line of JSON for each rate.\n"
"\n"
"  --clients N  of which each hears all (1000)\n"
"  --rate N     messages a second; 0: more and more, until too many are late\n"
"               (0)\n"
"  --ms MS      for each rate (5000)\n"
"  --kill 1     kill one process after a third of that, and start it again\n"
"  --json FILE  save all figures\n"
"  --quick      30 clients, 50 messages in half a second: does it run?\n"
"  --help       this text\n";

struct options {
    unsigned long rate, ms;
};

static void take_value(struct options *o, const char *name, const char *value)
{
    if (strcmp(name, "--clients") == 0)
        b.count = (unsigned)client_number(name, value, SERVERS, CLIENTS_MAX);
    else if (strcmp(name, "--rate") == 0)
        o->rate = client_number(name, value, 0, 1000000);
    else if (strcmp(name, "--ms") == 0)
        o->ms = client_number(name, value, 1, 600000);
    else if (strcmp(name, "--kill") == 0)
        b.with_kill = client_number(name, value, 0, 1);
    else if (strcmp(name, "--json") != 0)
        client_die("no option '%s': see --help", name);
    else if ((b.json = fopen(value, "we")) == NULL)
        client_die("cannot write %s: %s", value, strerror(errno));
}

static void take_options(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            exit(0);
        }
    if (argc < 2)
        client_die("which server? See --help");
    b.path = argv[1];
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--quick") != 0) {
            take_value(o, argv[i], client_value(argc, argv, i));
            i++;
            continue;
        }
        b.count = 30;
        o->rate = 100;
        o->ms   = 500;
    }
}

int main(int argc, char **argv)
{
    const upf_backoff_policy policy = {.base_ms   = 1000,
                                       .cap_ms    = 5000,
                                       .stable_ms = 5000};
    struct options o = {.ms = 5000};

    take_options(&o, argc, argv);
    signal(SIGPIPE, SIG_IGN);
    tcp_raise_descriptor_limit(b.count + 64);
    b.all   = calloc(b.count, sizeof *b.all);
    b.kept  = calloc(MESSAGES_MAX, 1);
    b.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (b.all == NULL || b.kept == NULL)
        client_die("no memory");
    start_redis();
    for (size_t i = 0; i < SERVERS; i++)
        start_server(i);
    for (unsigned i = 0; i < b.count; i++) {
        b.all[i].number = i;
        upf_backoff_init(&b.all[i].backoff, &policy);
        connect_client(&b.all[i]);
    }
    await_all("not all came", all_are_there, 30000);
    if (o.rate != 0) {
        (void)run(o.rate, o.ms);
    } else {
        unsigned long knee = 0;
        for (o.rate = 200; run(o.rate, o.ms); o.rate += o.rate / 4)
            knee = o.rate;
        show("{\"knee\": %lu}\n", knee);
    }
    if (b.json != NULL && (fputs("]\n", b.json) < 0 || fclose(b.json) != 0))
        client_die("cannot write what --json names");
    return 0;
}
