/* SPDX-License-Identifier: MIT */
/* raw_tcp.c - raw_tcp PORT: standard input to a server, its answer back. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tcp.h"

enum { SECONDS = 10 };

int main(int argc, char **argv)
{
    char data[4096];
    ssize_t n;

    if (argc != 2)
        return 2;
    alarm(SECONDS); /* whatever happens, it ends */
    int fd = tcp_connect("127.0.0.1", (unsigned)atoi(argv[1]), SECONDS * 1000);
    if (fd < 0)
        return 1;
    tcp_set_blocking(fd, true);
    while ((n = read(STDIN_FILENO, data, sizeof data)) > 0)
        if (tcp_write(&fd, data, (size_t)n) != n)
            return 1;
    while ((n = tcp_read(&fd, data, sizeof data)) > 0)
        (void)fwrite(data, 1, (size_t)n, stdout);
    return n == 0 ? 0 : 1;
}
