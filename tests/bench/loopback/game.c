/* SPDX-License-Identifier: MIT */
/*
 * game.c - how evenly game_server's frames come to many players.
 *
 *     game SERVER [--players N] [--warmup MS] [--ms MS] [--quick] [--help]
 *
 * Starts the server, without drones, and connects players that are programs
 * (game_drone.h): each sends an input for each frame. After the warm-up it
 * notes for `ms` milliseconds how far apart the frames of each player are, and
 * prints one line of JSON: frames, how many were left out, how far the
 * intervals were from 1/30 s, and the part of a processor that the server
 * took.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <upframe/upframe.h>

#include "../../../examples/apps/game/game_drone.h"
#include "../../../examples/apps/game/game_wire.h"
#include "client.h"
#include "histogram.h"
#include "tcp.h"

enum { THINKS = 6 }; /* frames from one decision of a pilot to the next */

struct player {
    upf_conn ws;
    upf_io   io;
    int      fd;
    int      ship; /* -1: not told yet */
    unsigned frames;
    uint32_t tick;
    uint64_t came; /* the last frame; nanoseconds */
    uint8_t  hands;
    uint16_t number;
};

static struct {
    pid_t         pid;
    unsigned      port;
    unsigned      players;
    uint64_t      warmup, measure; /* nanoseconds */
    struct player all[GAME_SHIPS];
    int           epoll;

    bool             counting;
    uint64_t         frames, left_out, bytes;
    struct histogram off; /* from 1/30 s, nanoseconds */
} b = {.players = 200, .warmup = 3000000000, .measure = 10000000000};

/* ---- The server ---------------------------------------------------------- */

static void start_server(const char *path)
{
    char line[256] = "";
    int  ends[2];

    if (pipe(ends) != 0 || (b.pid = fork()) < 0)
        client_die("no process");
    if (b.pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execl(path, path, "--port", "0", "--drones", "0", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    FILE *out = fdopen(ends[0], "r");
    if (out == NULL || fgets(line, sizeof line, out) == NULL)
        client_die("%s does not start", path);
    b.port = (unsigned)strtoul(strrchr(line, ':') + 1, NULL, 10);
}

/* ---- A player ------------------------------------------------------------ */

static void send_input(struct player *p)
{
    uint8_t bytes[WIRE_INPUT_SIZE];

    wire_write_input(bytes, (game_input){++p->number, p->hands});
    (void)upf_send(&p->ws, UPF_OP_BINARY, bytes, sizeof bytes);
}

static void note(const struct player *p, uint64_t now, uint32_t tick)
{
    const double period = 1e9 / GAME_HZ;
    const double off    = (double)(now - p->came) - period;

    if (!b.counting || p->came == 0)
        return;
    b.frames++;
    b.left_out += tick - p->tick - 1;
    histogram_add(&b.off, (uint64_t)(off < 0 ? -off : off));
}

static void on_frame(struct player *p, const upf_event *ev, uint64_t now)
{
    static world w;

    if (p->ship < 0)
        return;
    /* The whole is read now and then; the tick is always noted. */
    const uint8_t *d = ev->data;
    const uint32_t tick = (uint32_t)d[8] << 24 | (uint32_t)d[9] << 16 |
                          (uint32_t)d[10] << 8 | d[11];
    note(p, now, tick);
    b.bytes += b.counting ? ev->len : 0;
    p->came = now;
    p->tick = tick;
    if (p->frames++ % THINKS == (unsigned)p->ship % THINKS) {
        if (!wire_read_frame(&w, ev->data, ev->len))
            client_die("that is no frame");
        if (w.ships[p->ship].is_here)
            p->hands = drone_hands(&w, p->ship);
    }
    send_input(p);
}

static void read_player(struct player *p)
{
    const uint64_t now = client_now();
    upf_event ev;

    while (upf_io_next(&p->io, &p->ws, &ev) == UPF_OK) {
        if (ev.type == UPF_EVENT_CLOSE)
            client_die("a player was closed: %d", ev.close.code);
        if (ev.type == UPF_EVENT_OPEN)
            (void)upf_send(&p->ws, UPF_OP_TEXT, "join bot", 8);
        if (ev.type != UPF_EVENT_MESSAGE)
            continue;
        if (ev.opcode == UPF_OP_BINARY)
            on_frame(p, &ev, now);
        else if (ev.len > 4 && memcmp(ev.data, "you ", 4) == 0)
            p->ship = atoi((const char *)ev.data + 4);
    }
    (void)upf_io_flush(&p->io, &p->ws);
}

static void connect_player(struct player *p)
{
    const upf_client_request request = {.url = "ws://127.0.0.1/"};
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = p};

    p->ship = -1;
    p->fd   = tcp_connect("127.0.0.1", b.port, 5000);
    p->io   = upf_io_callbacks(tcp_read, tcp_write, &p->fd);
    if (p->fd < 0 ||
        upf_conn_init_client(&p->ws, NULL, &request) != UPF_OK ||
        epoll_ctl(b.epoll, EPOLL_CTL_ADD, p->fd, &ev) != 0)
        client_die("cannot connect");
    (void)upf_io_flush(&p->io, &p->ws);
}

static void run_until(uint64_t end)
{
    struct epoll_event events[256];

    while (client_now() < end) {
        const int n = epoll_wait(b.epoll, events, 256, 1000);
        if (n == 0)
            client_die("the server is silent");
        for (int i = 0; i < n; i++)
            read_player(events[i].data.ptr);
    }
}

static const char help[] =
"usage: game SERVER [option...]\n"
"How evenly game_server's frames come to many players, in JSON.\n"
"\n"
"  --players N  how many play (200)\n"
"  --warmup MS  before anything is noted (3000)\n"
"  --ms MS      milliseconds that are measured (10000)\n"
"  --quick      20 players for half a second: does it run?\n"
"  --help       this text\n";

static void take_options(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            exit(0);
        }
    if (argc < 2)
        client_die("which server? See --help");
    for (int i = 2; i < argc; i++) {
        const char *name = argv[i];
        if (strcmp(name, "--quick") == 0) {
            b.players = 20;
            b.warmup = b.measure = 500000000;
            continue;
        }
        const char *value = client_value(argc, argv, i++);
        if (strcmp(name, "--players") == 0)
            b.players = (unsigned)client_number(name, value, 1, GAME_SHIPS);
        else if (strcmp(name, "--warmup") == 0)
            b.warmup = 1000000 * client_number(name, value, 0, 60000);
        else if (strcmp(name, "--ms") == 0)
            b.measure = 1000000 * client_number(name, value, 1, 600000);
        else
            client_die("no option '%s': see --help", name);
    }
}

int main(int argc, char **argv)
{
    take_options(argc, argv);
    start_server(argv[1]);
    b.epoll = epoll_create1(0);
    for (unsigned i = 0; i < b.players; i++)
        connect_player(&b.all[i]);
    run_until(client_now() + b.warmup);
    const uint64_t start = client_now(), cpu = client_cpu_time(b.pid);
    b.counting = true;
    run_until(start + b.measure);
    const double took = (double)(client_now() - start);
    printf("{\"row\": \"game\", \"players\": %u, \"frames\": %llu, \"left_out\": %llu, "
           "\"bytes_each\": %.0f, \"off_p50_ms\": %.2f, \"off_p99_ms\": %.2f, "
           "\"off_p999_ms\": %.2f, \"processor\": %.3f}\n",
           b.players, (unsigned long long)b.frames,
           (unsigned long long)b.left_out,
           b.frames > 0 ? (double)b.bytes / (double)b.frames : 0,
           histogram_percentile(&b.off, 50) / 1e6,
           histogram_percentile(&b.off, 99) / 1e6,
           histogram_percentile(&b.off, 99.9) / 1e6,
           (double)(client_cpu_time(b.pid) - cpu) / took);
    kill(b.pid, SIGTERM);
    waitpid(b.pid, NULL, 0);
    return 0; /* the sockets close with the process */
}
