/* SPDX-License-Identifier: MIT */
/*
 * ticker.c - subscribers of a ticker_server, some of which stand still.
 *
 *     ticker --port P --pid SERVER [--connections N] [--symbols N] [--ms MS]
 *            [--stall MS] [--receive BYTES] [--bits N] [--quick]
 *            [--help]
 *
 * Each connection wants so many random symbols of the simulated market, or all
 * 50, in JSON. One in ten does not read for --stall milliseconds, with a
 * receive buffer of --receive bytes (0: the kernel's choice), then reads again.
 * With --bits they are behind a line of so many bits a second (relay.h). All
 * that is measured in the time of the stall and --ms after it: frames that
 * those got who read all the time, of 20 a second; the age of their prices; for
 * the others the bytes that were read, and the time that passed, from waking to
 * the first price that is younger than 100 ms; memory and processor of the
 * server.
 */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "histogram.h"
#include "relay.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

enum { SYMBOLS = 50, FRAMES = 20,
       YOUNG_MS = 100, BUFFER = 64 * 1024, MS = 1000000 };

struct subscriber {
    int      fd;
    bool     stalls;
    bool     fresh;  /* has caught up since it woke */
    uint64_t frames, stale; /* bytes read before that */
    double   caught_up;     /* ms after waking */
    uint8_t  data[BUFFER];
    size_t   len;
};

static double wall_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void subscribe(struct subscriber *s, const char *const *names,
                      size_t count, size_t wanted)
{
    const char *left[SYMBOLS]; /* that were not drawn, from i on */
    char        line[1024] = "subscribe";
    uint8_t     frame[1100];

    memcpy(left, names, count * sizeof *left);
    for (size_t i = 0; i < wanted; i++) {
        const size_t drawn = i + (size_t)rand() % (count - i);
        strcat(line, " ");
        strcat(line, left[drawn]);
        left[drawn] = left[i];
    }
    const size_t len = client_frame(frame, (uint8_t *)line, strlen(line));
    frame[0] = 0x81; /* text */
    if (send(s->fd, frame, len, MSG_NOSIGNAL) != (ssize_t)len)
        client_die("subscribe: %s", strerror(errno));
}

/* The age of the youngest price in a message. */
static double age_of(const uint8_t *data, size_t len)
{
    static const char key[] = "\"time\":";
    const size_t key_len = sizeof key - 1;
    double newest = 0;

    for (size_t i = 0; i + key_len < len; i++)
        if (data[i] == '"' && memcmp(data + i, key, key_len) == 0) {
            const double time = strtod((const char *)data + i + key_len, NULL);
            newest = time > newest ? time : newest;
        }
    return wall_ms() - newest;
}

/* Whole frames of the buffer. */
static void take_frames(struct subscriber *s, bool counts, double since_wake,
                        struct histogram *ages)
{
    size_t at = 0;

    for (;;) {
        const uint8_t *p = s->data + at;
        const size_t left = s->len - at;
        if (left < 4)
            break;
        const bool   is_long = (p[1] & 0x7F) == 126;
        const size_t head = is_long ? 4 : 2;
        const size_t len = is_long ? (size_t)(p[2] << 8 | p[3]) : p[1] & 0x7Fu;
        if ((p[0] & 0x0F) == 8 || (p[1] & 0x7F) == 127)
            client_die("closed, or a frame too long");
        if (left < head + len)
            break;
        at += head + len;
        if (len < 10 || memcmp(p + head, "{\"ticks\":", 9) != 0)
            continue;
        const double age = age_of(p + head, len);
        s->frames += counts;
        if (counts && !s->stalls)
            histogram_add(ages, (uint64_t)(age > 0 ? age * MS : 0));
        if (s->stalls && since_wake >= 0 && !s->fresh) {
            s->stale += head + len;
            if (age < YOUNG_MS) {
                s->fresh     = true;
                s->caught_up = since_wake;
            }
        }
    }
    memmove(s->data, s->data + at, s->len - at);
    s->len -= at;
}

static const char help[] =
"usage: ticker --port P --pid SERVER [option...]\n"
"Subscribers of a ticker_server, one in ten of which stands still; in JSON.\n"
"\n"
"  --connections N  how many (500)\n"
"  --symbols N      so many of the market's 50, drawn for each (5)\n"
"  --stall MS       how long those stand still (10000)\n"
"  --ms MS          and how long all read after it (10000)\n"
"  --receive BYTES  their receive buffer; 0: the kernel's choice (0)\n"
"  --bits N         a second, of the line that they are behind; 0: none (0)\n"
"  --quick          20 connections, half a second each: does it run?\n"
"  --help           this text\n";

int main(int argc, char **argv)
{
    static const char *const names[SYMBOLS] = {
        "ACME", "AURA", "BASK", "BOLT", "BRIO", "CALM", "CEDR", "CLAY", "CORA",
        "DAWN", "DELV", "DUNE", "ECHO", "ELMS", "EMBR", "FERN", "FJRD", "FLUX",
        "GALE", "GLOW", "HALO", "HAZE", "IRIS", "JADE", "KELP", "KITE", "LARK",
        "LIME", "LOOM", "MESA", "MINT", "MOSS", "NOVA", "OAKS", "ONYX", "OPAL",
        "PINE", "QUIL", "REEF", "RUNE", "SAGE", "SILT", "TIDE", "TUND", "UMBR",
        "VALE", "WISP", "WREN", "YARN", "ZEST"};
    unsigned long port = 0, pid = 0, count = 500, symbols = 5, ms = 10000,
                  stall = 10000, receive = 0, bits = 0;
    const struct { const char *name; unsigned long *to; } options[] = {
        {"--port", &port}, {"--pid", &pid}, {"--connections", &count},
        {"--symbols", &symbols}, {"--ms", &ms}, {"--stall", &stall},
        {"--receive", &receive}, {"--bits", &bits}};
    static struct histogram ages;

    for (int i = 1; i < argc; i++) {
        size_t o = 0;
        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            return 0;
        }
        if (strcmp(argv[i], "--quick") == 0) {
            count = 20;
            ms = stall = 500;
            continue;
        }
        while (o < COUNT_OF(options) && strcmp(argv[i], options[o].name) != 0)
            o++;
        if (o == COUNT_OF(options))
            client_die("no option '%s': see --help", argv[i]);
        *options[o].to = client_number(argv[i], client_value(argc, argv, i), 0,
                                       1000000000);
        i++;
    }
    if (port == 0 || pid == 0 || count < 10 || symbols == 0 ||
        symbols > SYMBOLS || ms + stall == 0)
        client_die("see --help");
    struct subscriber *all   = calloc(count, sizeof *all);
    struct pollfd     *polls = calloc(count, sizeof *polls);
    if (all == NULL || polls == NULL)
        client_die("no memory");
    const unsigned line =
        bits > 0 ? relay_begin((unsigned)port, bits) : (unsigned)port;
    for (size_t i = 0; i < count; i++) {
        all[i].stalls = i % 10 == 0;
        all[i].fd     = client_connect(all[i].stalls ? line : (unsigned)port,
                                       (unsigned)i);
        if (all[i].stalls && receive > 0)
            setsockopt(all[i].fd, SOL_SOCKET, SO_RCVBUF, &(int){(int)receive},
                       sizeof(int));
        subscribe(&all[i], names, SYMBOLS, symbols);
        polls[i] = (struct pollfd){.fd = all[i].fd, .events = POLLIN};
    }

    /* A second to warm up; then the stall; then all read. */
    const uint64_t begin = client_now() + 1000ull * MS;
    const uint64_t wake = begin + stall * MS, end = wake + ms * MS;
    uint64_t cpu = 0, memory[3] = {0};
    bool     begun = false, woken = false;
    for (uint64_t now; (now = client_now()) < end;) {
        if (!begun && now >= begin) {
            begun = true;
            cpu   = client_cpu_time((pid_t)pid);
            memory[0] = client_resident((pid_t)pid);
        }
        if (!woken && now >= wake) {
            woken     = true;
            memory[1] = client_resident((pid_t)pid);
        }
        for (size_t i = 0; i < count; i++)
            polls[i].fd = all[i].stalls && begun && !woken ? -1 : all[i].fd;
        if (poll(polls, count, 5) < 0)
            client_die("poll: %s", strerror(errno));
        for (size_t i = 0; i < count; i++) {
            struct subscriber *s = &all[i];
            const size_t room = BUFFER - s->len;
            if (polls[i].fd < 0 || !(polls[i].revents & POLLIN))
                continue;
            const double since = woken ? (double)(now - wake) / MS : -1;
            const ssize_t n = room > 0 ? recv(s->fd, s->data + s->len, room, 0)
                                       : -1;
            if (n == 0)
                client_die("a connection was lost");
            if (n > 0)
                s->len += (size_t)n;
            take_frames(s, begun, since, &ages);
        }
    }
    memory[2] = client_resident((pid_t)pid);
    cpu       = client_cpu_time((pid_t)pid) - cpu;

    const double seconds = (double)(stall + ms) / 1000;
    struct histogram *late = calloc(1, sizeof *late);
    uint64_t least = UINT64_MAX, sum = 0, most_stale = 0, stale = 0;
    size_t   readers = 0, stalled = 0, fresh = 0;
    for (size_t i = 0; i < count && late != NULL; i++) {
        const struct subscriber *s = &all[i];
        if (!s->stalls) {
            readers++;
            sum += s->frames;
            least = s->frames < least ? s->frames : least;
            continue;
        }
        stalled++;
        fresh += s->fresh;
        stale += s->stale;
        most_stale = s->stale > most_stale ? s->stale : most_stale;
        histogram_add(late, (uint64_t)(s->caught_up * MS));
    }
    printf("{\"row\": \"ticker, %lu symbols%s\", \"readers\": %zu, \"frames_kept_percent\": %.1f, "
           "\"frames_kept_least_percent\": %.1f, \"age_ms_p50\": %.1f, "
           "\"age_ms_p99\": %.1f,\n \"stalled\": %zu, \"caught_up\": %zu, "
           "\"stale_bytes_mean\": %.0f, \"stale_bytes_most\": %llu, "
           "\"wake_ms_p50\": %.1f, \"wake_ms_most\": %.1f,\n"
           " \"resident_begin\": %llu, \"resident_stalled\": %llu, "
           "\"resident_end\": %llu, \"server_cpu_percent\": %.1f}\n",
           symbols, bits > 0 ? ", through a slow line" : "",
           readers, 100.0 * (double)sum / (double)readers / seconds / FRAMES,
           100.0 * (double)least / seconds / FRAMES,
           histogram_percentile(&ages, 50) / MS,
           histogram_percentile(&ages, 99) / MS, stalled, fresh,
           (double)stale / (double)stalled, (unsigned long long)most_stale,
           histogram_percentile(late, 50) / MS,
           histogram_percentile(late, 100) / MS,
           (unsigned long long)memory[0], (unsigned long long)memory[1],
           (unsigned long long)memory[2],
           (double)cpu / 1e7 / seconds);
    free(late);
    free(polls);
    free(all);
    return 0;
}
