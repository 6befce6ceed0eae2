/* SPDX-License-Identifier: MIT */
/*
 * client_loop.h - what clients share: a connection that is lost comes back.
 *
 * The loop connects, speaks TLS, reads, writes, keeps time; comes back after
 * waits that spare the server (upframe/backoff.h), or sees that there is no use
 * in it; and says goodbye at a signal. The application is a function that hears
 * what the server says, and one that is told of each loss:
 *
 *     static void hear(client_loop *l, const upf_event *ev)
 *     {
 *         if (ev->type == UPF_EVENT_OPEN)
 *             client_loop_send(l, UPF_OP_TEXT, "what did I miss?", 16);
 *         else if (ev->type == UPF_EVENT_MESSAGE)
 *             fwrite(ev->data, 1, ev->len, stdout);
 *     }
 *
 *     static void lost(client_loop *l, const client_ending *end)
 *     {
 *         (void)l;
 *         fprintf(stderr, "code %d; %s\n", end->close_code, end->next);
 *     }
 *
 *     int main(void)
 *     {
 *         static const client_app app = {hear, lost};
 *         static client_loop l;
 *         client_loop_init(&l, &app);
 *         l.url = "wss://example.com/";
 *         const int status = client_loop_begin(&l);
 *         return status >= 0 ? status : client_loop_run(&l);
 *     }
 *
 * Nothing is sent twice and nothing is kept for a server that is away: who must
 * miss nothing says at OPEN what it has seen last, as notify_client.c does.
 *
 * One thread. While a connection is made (timeout, and what the resolver takes)
 * nothing else is heard but a signal; nor is anything for up to a second when
 * one ends. lessons/reconnect_client.c is the same loop in the open.
 */
#ifndef EXAMPLES_CLIENT_LOOP_H
#define EXAMPLES_CLIENT_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <upframe/upframe.h>
#include "poller.h"
#include "timers.h"
#include "tls.h"

typedef struct client_loop client_loop;

/* How a connection, or the attempt at one, has ended. */
typedef struct client_ending {
    bool       connected; /* there was a socket; else tcp_connect() said why */
    bool       opened;    /* and a handshake */
    upf_status status;
    int        close_code, http_status;
    uint32_t   retry_after; /* ms that the server wants to be left alone */
    char       text[256];   /* why. It may be a stranger's: see show.h */
    bool       returns;
    char       next[48];    /* "next try in 412 ms", "giving up", ... */
} client_ending;

/* The struct must stay. */
typedef struct client_app {
    /* Each event of each connection but its CLOSE; none after
     * client_loop_leave(). */
    void (*hear)(client_loop *l, const upf_event *ev);

    /* It has ended, and was not left on purpose. */
    void (*lost)(client_loop *l, const client_ending *end);
} client_app;

/* Embed it where the application's own fields are: OWNER_OF() (poller.h). */
struct client_loop {
    /* To be set between client_loop_init() and client_loop_begin() */
    const char        *url;
    const char        *ca_file; /* wss: see tls_client() */
    uint32_t           timeout; /* ms, for a connection, a handshake, a pong */
    upf_config         config;
    upf_client_request request; /* its url is the one above */
    upf_backoff_policy policy;

    /* From client_loop_begin() on: anything else that is waited for, as in
     * server.h. It goes on while there is no connection. */
    poller            *poller;
    timers             timers;

    /* the rest is the loop's. */
    const client_app  *app;
    char               host[256]; /* of the URL */
    unsigned           port;
    tls_context       *tls; /* NULL: ws:// */
    source             stop;
    upf_backoff        backoff;
    upf_conn          *ws; /* NULL: there is no connection */
    bool               leaves;
    int                leave_code;
    const char        *leave_reason, *failed;
};

/* Defaults: a timeout of 10 s, and those of the library. */
void client_loop_init(client_loop *l, const client_app *app);

/* Check what was set, and prepare. -1 to go on, or the exit status of the
 * program: 2 where something is set wrongly; standard error says what. */
int client_loop_begin(client_loop *l);

/*
 * Until it is left, or gives up: 0 and 1, the exit status; all is freed. A
 * signal (SIGINT, SIGTERM) leaves with 1001. So does a standard output that
 * takes no more of what the application prints, which the loop flushes: the
 * status is 1 then, whoever has left before; standard error says why, and
 * lost() is not called for it.
 */
int client_loop_run(client_loop *l);

/* Queue a message. False, and nothing is queued: there is no open connection,
 * or no room (config.max_queued). */
bool client_loop_send(client_loop *l, upf_opcode opcode, const void *data,
                      size_t len);

/*
 * Close the connection, if there is one, and do not come back: from hear(), or
 * whatever else is called while it runs. The first call counts. The texts must
 * stay.
 *
 *   code, reason  what the server is told
 *   failed        NULL, or why it is a failure: the exit status is 1, and
 *                 lost(), if this ends a connection, gets it as the text
 */
void client_loop_leave(client_loop *l, int code, const char *reason,
                       const char *failed);

#endif
