/* SPDX-License-Identifier: MIT */
/*
 * broadcast_server.c - a chat: what one client says, all clients get.
 *
 *     broadcast_server                     then open http://127.0.0.1:9001/
 *     echo_client --wait --text 'Hello, all'
 *
 * What it shows: a message that is encoded once and queued by reference on
 * every connection (upf_send_shared); clients that come and go while that
 * happens; a client that does not read, and what it may cost (config.
 * max_queued): it is cut off, and the others notice nothing; a client that
 * never stops talking, which gets no more than its turn; many connections over
 * the pump (upframe/io.h). Read hear() first, then tell_all(), then run().
 *
 * The protocol is lines of text, so that no quoting is needed, or forgotten.
 * Nobody's word is trusted: who speaks is said by the server.
 *
 *   from a client
 *     /name NAME        I am NAME (at most 32 bytes, no control characters)
 *     anything else     is said to all; a binary message goes to all as it is
 *   from the server
 *     people ME         who is here: your number, then a line NUMBER NAME for
 *                       each; the first message on a connection
 *     here NUMBER NAME  came, or has another name now
 *     gone NUMBER
 *     said NUMBER       and what was said, from the next line to the end
 *
 * Who has not given a name and says nothing listens unseen. There is no limit
 * on how much a client may say: a chat that is open to the world wants one.
 */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <upframe/conn.h>
#include <upframe/io.h>
#include "chat_html.h"
#include "page.h"
#include "server_setup.h"
#include "tcp.h"
#include "tls.h"
#include "trace.h"

enum {
    NAME_LIMIT = 32,   /* bytes */
    LINE_LIMIT = 64,   /* "here 4294967295 " and a name */
    ACCEPTS    = 64,   /* at most so many between two polls */
    TURN_READ  = 32 * 1024, /* bytes, and */
    TURN_HEAR  = 64,   /* events, that one client has in its turn */
    STOP_MS    = 3000  /* how long a stop waits for the clients */
};

struct client {
    upf_conn    ws; /* first, so that on_frame() finds its client */
    upf_io      io;
    int         fd;
    tls_stream *tls; /* NULL: plain TCP */
    size_t      may_read; /* bytes, in this turn */
    bool        has_more; /* its turn was over before its input was */
    bool        shut_down;
    unsigned    number; /* 0: not a person, or not yet: a page is loaded */
    char        name[NAME_LIMIT + 1]; /* "": listens unseen */
};

struct room {
    struct server_setup setup;
    struct client **clients; /* leave in sweep() only */
    struct pollfd  *polls;   /* stop, listener, then one a client */
    size_t          count;
    char           *scratch; /* for the longest message of ours */
    unsigned        next_number;
    bool            short_of_descriptors;
    uint64_t        give_up; /* when a stop ends at last; 0: not stopping */
};

/* ---- To all ----------------------------------------------------------- */

/*
 * Too slow is who does not read, and not who was not written to while others
 * talked: over max_queued, what the socket takes now makes room. Nobody leaves
 * here: a connection that turns out to be lost has an event coming.
 */
static upf_status tell(struct client *c, upf_shared *shared)
{
    const upf_status status = upf_send_shared(&c->ws, shared);

    if (status != UPF_ERR_QUEUE_FULL)
        return status;
    upf_io_flush(&c->io, &c->ws);
    return upf_send_shared(&c->ws, shared);
}

/* One frame for everybody: only references are queued here. */
static void tell_all(struct room *r, upf_opcode opcode, const void *data,
                     size_t len)
{
    upf_shared *shared = upf_shared_new(&r->setup.config, opcode, data, len);

    if (shared == NULL) {
        fputs("out of memory: a message is lost\n", stderr);
        return;
    }
    for (size_t i = 0; i < r->count; i++) {
        struct client *c = r->clients[i];
        /* The Close always has room, and some seconds to be read. */
        if (upf_conn_is_open(&c->ws) && tell(c, shared) != UPF_OK)
            upf_close(&c->ws, UPF_CLOSE_POLICY, "too slow");
    }
    upf_shared_free(shared); /* the last one to be written frees it */
}

static void tell_line(struct room *r, const char *word, const struct client *c)
{
    char line[LINE_LIMIT];
    const int len = snprintf(line, sizeof line, "%s %u%s%s", word, c->number,
                             c->name[0] != '\0' ? " " : "", c->name);

    tell_all(r, UPF_OP_TEXT, line, (size_t)len);
}

static void leave(struct room *r, struct client *c)
{
    if (c->name[0] == '\0')
        return;
    c->name[0] = '\0';
    tell_line(r, "gone", c);
}

/* ---- From one --------------------------------------------------------- */

/*
 * Take what can be a name from `text`, which is UTF-8: no control characters
 * (they would break the lines), no outer spaces, no character cut in two.
 */
static void take_name(char name[NAME_LIMIT + 1], const uint8_t *text,
                      size_t len)
{
    size_t n = 0;

    while (len > 0 && *text == ' ')
        text++, len--;
    if (len > NAME_LIMIT) {
        len = NAME_LIMIT;
        while (len > 0 && (text[len] & 0xC0) == 0x80)
            len--;
    }
    for (size_t i = 0; i < len; i++)
        if (text[i] >= 0x20 && text[i] != 0x7F)
            name[n++] = (char)text[i];
    while (n > 0 && name[n - 1] == ' ')
        n--;
    name[n] = '\0';
}

/* The first message on a connection: who is here. */
static void greet(struct room *r, struct client *c)
{
    c->number  = ++r->next_number;
    size_t len = (size_t)sprintf(r->scratch, "people %u", c->number);

    for (size_t i = 0; i < r->count; i++)
        if (r->clients[i]->name[0] != '\0')
            len += (size_t)sprintf(r->scratch + len, "\n%u %s",
                                   r->clients[i]->number, r->clients[i]->name);
    if (upf_send(&c->ws, UPF_OP_TEXT, r->scratch, len) != UPF_OK)
        upf_close(&c->ws, UPF_CLOSE_TRY_AGAIN_LATER, "too many people");
}

static void rename_client(struct room *r, struct client *c, const uint8_t *name,
                          size_t len)
{
    take_name(c->name, name, len);
    if (c->name[0] == '\0')
        snprintf(c->name, sizeof c->name, "guest %u", c->number);
    tell_line(r, "here", c);
}

static void say(struct room *r, struct client *c, const uint8_t *text,
                size_t len)
{
    if (c->name[0] == '\0')
        rename_client(r, c, NULL, 0);
    const size_t start = (size_t)sprintf(r->scratch, "said %u\n", c->number);
    memcpy(r->scratch + start, text, len);
    tell_all(r, UPF_OP_TEXT, r->scratch, start + len);
}

static void hear(struct room *r, struct client *c, const upf_event *ev)
{
    static const char rename[] = "/name ";
    const size_t      prefix   = sizeof rename - 1;

    switch (ev->type) {
    case UPF_EVENT_REQUEST:
        if (ev->status == UPF_ERR_NOT_UPGRADE)
            page_answer(&c->ws, &ev->request, chat_html, sizeof chat_html - 1);
        break; /* a handshake is answered by the engine */
    case UPF_EVENT_OPEN:
        greet(r, c);
        break;
    case UPF_EVENT_MESSAGE:
        if (ev->opcode == UPF_OP_BINARY) {
            tell_all(r, UPF_OP_BINARY, ev->data, ev->len);
        } else if (ev->len >= prefix && memcmp(ev->data, rename, prefix) == 0) {
            rename_client(r, c, ev->data + prefix, ev->len - prefix);
        } else if (ev->len > 0) {
            say(r, c, ev->data, ev->len);
        }
        break;
    case UPF_EVENT_CLOSE:
        leave(r, c);
        break;
    default: /* pings are answered already */
        break;
    }
}

/* ---- One connection --------------------------------------------------- */

static ptrdiff_t read_some(void *user, void *data, size_t len)
{
    struct client *c = user;

    if (c->may_read == 0) {
        c->has_more = true; /* perhaps where poll() does not see it: in TLS */
        return UPF_IO_WANT_READ;
    }
    if (len > c->may_read)
        len = c->may_read;
    const ptrdiff_t n = c->tls != NULL ? tls_read(c->tls, data, len)
                                       : tcp_read(&c->fd, data, len);
    if (n > 0)
        c->may_read -= (size_t)n;
    return n;
}

static ptrdiff_t write_some(void *user, const void *data, size_t len)
{
    struct client *c = user;

    return c->tls != NULL ? tls_write(c->tls, data, len)
                          : tcp_write(&c->fd, data, len);
}

/*
 * One client's turn, which is short, however much it has to say: what it says
 * is queued for all, and all must be written to before that is too much.
 */
static void pump(struct room *r, struct client *c)
{
    upf_event ev;

    c->may_read = TURN_READ;
    c->has_more = false;
    for (int i = 0; i < TURN_HEAR; i++) {
        if (upf_io_next(&c->io, &c->ws, &ev) != UPF_OK)
            return;
        hear(r, c, &ev);
    }
    c->has_more = true; /* perhaps in the pump */
}

/* What can be written is written, and what has arrived is read, before anybody
 * is declared silent: `now` is older than that look. */
static void serve(struct room *r, struct client *c, uint64_t now)
{
    pump(r, c);
    if (upf_conn_deadline(&c->ws) <= now) {
        upf_io_flush(&c->io, &c->ws);
        upf_conn_tick(&c->ws, now);
        pump(r, c);
    }
}

/* Whether there is something to do for which poll() need not wait. */
static bool has_turn(const struct client *c)
{
    return c->has_more && (upf_conn_wants(&c->ws) & UPF_WANTS_READ);
}

/*
 * RFC 6455, section 7.1.1: after the last event shut down, read to the end,
 * and only then close. False when it has come to that.
 */
static bool is_alive(struct client *c)
{
    const unsigned wants = upf_conn_wants(&c->ws);
    char dropped[4096];

    if (wants & UPF_WANTS_SHUTDOWN) {
        if (!c->shut_down) {
            tls_free(c->tls); /* says goodbye */
            c->tls = NULL;
            shutdown(c->fd, SHUT_WR);
            c->shut_down = true;
        }
        const ptrdiff_t n = tcp_read(&c->fd, dropped, sizeof dropped);
        if (n == 0 || n == UPF_IO_ERROR)
            upf_conn_eof(&c->ws);
    }
    return !(upf_conn_wants(&c->ws) & UPF_WANTS_CLOSE);
}

static struct client *new_client(struct room *r, int fd, uint64_t now)
{
    struct client *c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    if (r->setup.tls != NULL &&
        (c->tls = tls_accept(r->setup.tls, fd)) == NULL) {
        free(c);
        return NULL;
    }
    c->fd = fd;
    c->io = upf_io_callbacks(read_some, write_some, c);
    upf_conn_init_server(&c->ws, &r->setup.config);
    upf_conn_tick(&c->ws, now); /* its time begins */
    return c;
}

static void free_client(struct client *c)
{
    upf_conn_free(&c->ws);
    tls_free(c->tls);
    close(c->fd);
    free(c);
}

/* ---- The loop --------------------------------------------------------- */

static void accept_clients(struct room *r, uint64_t now)
{
    for (int i = 0; i < ACCEPTS && r->count < r->setup.max; i++) {
        const int fd = tcp_accept(r->setup.listener);
        if (fd < 0) {
            r->short_of_descriptors = tcp_out_of_resources();
            return;
        }
        struct client *c = new_client(r, fd, now);
        if (c != NULL)
            r->clients[r->count++] = c;
        else
            close(fd);
    }
}

/* Write what was queued for each, and let those go who are finished. */
static void sweep(struct room *r)
{
    for (size_t i = r->count; i-- > 0;) {
        struct client *c = r->clients[i];
        if (upf_conn_queued(&c->ws) > 0)
            upf_io_flush(&c->io, &c->ws);
        if (upf_conn_wants(&c->ws) & UPF_WANTS_CLOSE)
            pump(r, c); /* lost while it was written to: its last event */
        if (!is_alive(c)) {
            free_client(c);
            r->clients[i] = r->clients[--r->count];
        }
    }
}

/* Section 7.4.1: 1001 is what a server says that goes down. */
static void begin_stop(struct room *r, uint64_t now)
{
    close(r->setup.listener);
    r->setup.listener = -1;
    r->setup.stop     = -1; /* heard */
    r->give_up        = now + STOP_MS;
    for (size_t i = 0; i < r->count; i++)
        upf_close(&r->clients[i]->ws, UPF_CLOSE_GOING_AWAY,
                  "server is shutting down");
}

/* Fill in what to poll for; returns poll()'s time-out. */
static int prepare(struct room *r, uint64_t now)
{
    uint64_t next = now + 60000;
    const bool full = r->count == r->setup.max || r->short_of_descriptors;

    if (r->give_up != 0)
        next = r->give_up;
    else if (r->short_of_descriptors)
        next = now + 1000; /* then try again: someone else may have closed */
    r->short_of_descriptors = false;
    r->polls[0] = (struct pollfd){.fd = r->setup.stop, .events = POLLIN};
    r->polls[1] = (struct pollfd){.fd     = full ? -1 : r->setup.listener,
                                  .events = POLLIN};
    for (size_t i = 0; i < r->count; i++) {
        const struct client *c = r->clients[i];
        const uint64_t deadline = upf_conn_deadline(&c->ws);
        const unsigned wants    = upf_io_wants(&c->io, &c->ws);
        if (deadline < next)
            next = deadline;
        if (has_turn(c))
            next = now;
        r->polls[2 + i] = (struct pollfd){
            .fd     = c->fd,
            .events = (short)((wants & UPF_WANTS_READ ? POLLIN : 0) |
                              (wants & UPF_WANTS_WRITE ? POLLOUT : 0))};
    }
    return next > now ? (int)(next - now) : 0;
}

static int run(struct room *r)
{
    while (r->give_up == 0 || r->count > 0) {
        const int wait = prepare(r, clock_ms());
        if (poll(r->polls, (nfds_t)(2 + r->count), wait) < 0) {
            if (errno != EINTR) {
                perror("poll");
                return 1;
            }
            continue;
        }

        const uint64_t now = clock_ms();
        if (r->give_up != 0 && now >= r->give_up)
            break;
        if (r->give_up == 0 && stop_requested())
            begin_stop(r, now);
        for (size_t i = 0; i < r->count; i++) {
            struct client *c = r->clients[i];
            if (r->polls[2 + i].revents != 0 || has_turn(c) ||
                upf_conn_deadline(&c->ws) <= now)
                serve(r, c, now);
        }
        sweep(r);
        if (r->setup.listener >= 0 && r->polls[1].revents != 0)
            accept_clients(r, now);
    }
    while (r->count > 0)
        free_client(r->clients[--r->count]);
    return 0;
}

/* ---- Beginning -------------------------------------------------------- */

static void on_frame(void *user, const upf_conn *conn, bool sent,
                     const upf_frame_header *h)
{
    const struct client *c = (const void *)conn;

    (void)user;
    fprintf(stderr, "#%-3u ", c->number);
    trace_frame(stderr, sent, h);
    fputc('\n', stderr);
}

static const char about[] =
"usage: broadcast_server [option...]\n"
"A chat: what one client says, all clients get; a browser gets its page.\n"
"\n"
"It has a protocol of its own over the WebSocket, so it is no echo. A client\n"
"sends \"/name NAME\", or a text that is said to all. The server's lines begin\n"
"with \"people\" (who is here), \"here\", \"gone\" or \"said\" and a number. Binary\n"
"messages go to all as they are.\n"
"\n"
"Try it:  broadcast_server &  then open http://127.0.0.1:9001/ twice\n"
"         echo_client --wait --text '/name Ann' --text 'Hello, all'\n";

int main(int argc, char **argv)
{
    struct room r = {.setup = {.host            = "127.0.0.1",
                               .port            = "9001",
                               .max_message     = 64ul << 10,
                               .max_queued      = 1ul << 20,
                               .ping_interval   = 30000,
                               .pong_timeout    = 20000,
                               .max_connections = 1000}};
    struct server_setup *setup = &r.setup;

    int status = server_set_up(setup, argc, argv, about);
    if (status >= 0)
        return status;
    if (setup->trace)
        setup->config.trace = on_frame;
    r.clients = calloc(setup->max, sizeof(struct client *));
    r.polls   = calloc(setup->max + 2, sizeof *r.polls);
    r.scratch = malloc(setup->max_message + LINE_LIMIT * (setup->max + 1));
    if (r.clients != NULL && r.polls != NULL && r.scratch != NULL) {
        status = run(&r);
    } else {
        fputs("out of memory\n", stderr);
        status = 1;
    }
    tls_context_free(setup->tls);
    free(r.scratch);
    free(r.polls);
    free(r.clients);
    return status;
}
