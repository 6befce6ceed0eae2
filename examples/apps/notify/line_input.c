/* SPDX-License-Identifier: MIT */
/* line_input.c - lines from a descriptor, as they come: see line_input.h. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "line_input.h"

enum { READ_AT_ONCE = 4096 }; /* then the clients have their turn */

void line_input_complain(line_input *in, const char *why)
{
    if (complaints_add(&in->bad))
        fprintf(stderr, "line %lu is skipped: %s (%lu so far)\n", in->number,
                why, in->bad.count);
}

static void end_line(line_input *in)
{
    size_t len = in->len;

    if (in->too_long)
        line_input_complain(in, "it is too long");
    else {
        if (len > 0 && in->text[len - 1] == '\r')
            len--;
        in->line(in->user, in->text, len);
    }
    in->number++;
    in->len      = 0;
    in->too_long = false;
}

static void take(line_input *in, const char *data, size_t len)
{
    if (in->too_long || len > LINE_MAX_LEN - in->len) {
        in->too_long = true;
        return;
    }
    memcpy(in->text + in->len, data, len);
    in->len += len;
}

static void on_input(source *from, unsigned events)
{
    line_input   *in = OWNER_OF(line_input, source, from);
    char          data[READ_AT_ONCE];
    const ssize_t n = read(from->fd, data, sizeof data);

    (void)events;
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        if (in->len > 0 || in->too_long)
            end_line(in);
        if (n < 0)
            fprintf(stderr, "no more lines are read: %s\n",
                    errno == EIO ? "the terminal is not ours in the background"
                                 : strerror(errno));
        poller_forget(in->poller, from);
        return;
    }
    const char *at = data, *const end = data + n;
    for (const char *newline;
         (newline = memchr(at, '\n', (size_t)(end - at))) != NULL;
         at = newline + 1) {
        take(in, at, (size_t)(newline - at));
        end_line(in);
    }
    take(in, at, (size_t)(end - at));
}

bool line_input_begin(line_input *in, poller *p, int fd)
{
    /* In the background, a terminal's input is the shell's: to read it is then
     * an error, and not the stop of this process. */
    signal(SIGTTIN, SIG_IGN);
    in->source = (source){.fd = fd, .ready = on_input};
    in->poller = p;
    in->number = 1;
    return poller_watch(p, &in->source, POLLER_READ);
}
