/* SPDX-License-Identifier: MIT */
/*
 * idle.c - the memory that a server's idle connections are resident in.
 *
 *     idle --port P --pid SERVER [--connections N]
 *
 * One connection first, so that what a server takes once is there; then N more.
 * Prints one line of JSON: VmRSS before and after, and what each connection
 * adds. What the kernel holds for a socket is not in it.
 */

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "client.h"

/* The server may still be busy with the last ones: wait until it rests. */
static uint64_t resident_at_rest(pid_t pid)
{
    const struct timespec while_ = {.tv_nsec = 100000000};
    uint64_t cpu = 0, now;
    int      tries = 0;

    while (tries++ < 50 && (now = client_cpu_time(pid)) - cpu > 2000000) {
        cpu = now;
        nanosleep(&while_, NULL);
    }
    return client_resident(pid);
}

int main(int argc, char **argv)
{
    unsigned      port = 0, connections = 10000;
    pid_t         pid = 0;
    struct rlimit files;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--port") == 0)
            port = (unsigned)client_number(argv[i], argv[i + 1], 1, 65535);
        else if (strcmp(argv[i], "--pid") == 0)
            pid = (pid_t)client_number(argv[i], argv[i + 1], 1, 1 << 30);
        else if (strcmp(argv[i], "--connections") == 0)
            connections =
                (unsigned)client_number(argv[i], argv[i + 1], 1, 60000);
        else
            client_die("no option '%s': see the head of idle.c", argv[i]);
    }
    if (port == 0 || pid == 0)
        client_die("--port and --pid are needed");
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }

    client_connect(port, 0);
    const uint64_t before = resident_at_rest(pid);
    for (unsigned i = 1; i <= connections; i++)
        client_connect(port, i);
    const uint64_t after = resident_at_rest(pid);
    printf("{\"connections\": %u, \"before\": %llu, \"after\": %llu, "
           "\"each\": %.1f}\n", connections, (unsigned long long)before,
           (unsigned long long)after,
           ((double)after - (double)before) / connections);
    return 0; /* the sockets close with the process */
}
