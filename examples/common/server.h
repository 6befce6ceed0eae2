/* SPDX-License-Identifier: MIT */
/*
 * server.h - what the applications share: many WebSocket clients in one loop.
 *
 * The server listens, accepts, speaks TLS, answers browsers that come for the
 * page, reads and writes, keeps time, and ends. The application is one function
 * that hears what clients say, and speaks to one of them, or to a set of them,
 * at any time. An echo, whole:
 *
 *     #include "server.h"
 *
 *     static void hear(server *s, client *c, const upf_event *ev)
 *     {
 *         (void)s;
 *         if (ev->type == UPF_EVENT_MESSAGE)
 *             client_send(c, ev->opcode, ev->data, ev->len);
 *     }
 *
 *     int main(int argc, char **argv)
 *     {
 *         static const server_app echo = {.client_size = sizeof(client),
 *                                         .hear        = hear};
 *         static server s;
 *         const int status =
 *             server_begin(&s, &echo, argc, argv, "usage: my_echo [option...]");
 *         return status >= 0 ? status : server_run(&s);
 *     }
 *
 * Turns: whoever is ready is heard, but nobody for long; then what was queued
 * for all is written. So no client can keep the others waiting, and messages to
 * one client share a write. A client is never freed within a turn: a pointer to
 * it is good until the application has heard its UPF_EVENT_CLOSE, and to the
 * end of that function.
 *
 * What is said to one client is in server_client.h, sets of them are in
 * client_set.h, what can be set before the options are read, and what holds
 * where nothing is, in server_setup.h. One thread; nothing here blocks.
 *
 * To take it into a program of your own, copy this directory:
 *
 *     cc my_echo.c common/?*.c -Icommon $(pkg-config --cflags --libs upframe)
 *
 * with -D_GNU_SOURCE if you ask for -std=c11, and -DEXAMPLE_TLS -lssl -lcrypto
 * to have wss://.
 */
#ifndef EXAMPLES_SERVER_H
#define EXAMPLES_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <upframe/conn.h>
#include "client_set.h"
#include "complaints.h"
#include "drain.h"
#include "poller.h"
#include "server_client.h"
#include "server_setup.h"
#include "timers.h"

/* What an application is to the server. The struct must stay. */
typedef struct server_app {
    /* Of the application's own struct, whose first field is a client. It is all
     * zero when the client comes. */
    size_t client_size;

    /*
     * Each event of each client (upframe/conn.h), PING and PONG among them. At
     * a REQUEST the application may answer (upf_accept() and so on), or do
     * nothing: then a handshake is accepted, and who asks for no WebSocket gets
     * the page. At CLOSE it says goodbye to `c`, who is in no set any more; who
     * never was open, such as a browser that came for the page, has no number.
     */
    void (*hear)(server *s, client *c, const upf_event *ev);

    /* Or NULL. The client, who was congested (upf_conn_congested()), has read
     * so much that it is not any more. */
    void (*relieved)(server *s, client *c);

    const char *page; /* what a browser gets at / (page.h); NULL: 404 */
    size_t      page_len;
} server_app;

struct server {
    const server_app   *app;
    struct server_setup setup;    /* set before server_begin(): see there */
    void               *user;     /* the application's; not used here */
    client_set          everyone; /* who is open */
    poller             *poller;
    timers              timers;

    /* the rest is the server's. */
    source    listener, stop;
    drain     drain;
    client  **clients;
    size_t    count;
    client   *touched;     /* to be settled when this turn ends */
    unsigned  next_number;
    bool      accepts;     /* the listener is watched */
    complaints mistakes;   /* of the application's, in what it sends */
    uint64_t  now;         /* milliseconds, of this turn */
    uint64_t  last_sweep;
    uint64_t  give_up;     /* when a stop ends at last; 0: not stopping */
};

/*
 * Read the options and listen; see server_set_up(). `s` is all zero but for
 * what the application sets of s->setup and s->user. Returns -1 to go on, or
 * the exit status of the program. `about` is the head of the text for --help.
 */
int server_begin(server *s, const server_app *app, int argc, char **argv,
                 const char *about);

/* Serve until a signal says stop: clients are told 1001 then (how: drain.h),
 * and have three seconds. Returns the program's exit status; all is freed. */
int server_run(server *s);

/* The same stop, by the application. */
void server_stop(server *s);

/* Queue a message for all of a set, encoded once; who has no room for it is
 * closed, see client_send(). False: no memory, or text that is not UTF-8. */
bool set_send(server *s, const client_set *set, upf_opcode opcode,
              const void *data, size_t len);

/*
 * Anything else that the application waits for: a timer (timers.h), or what has
 * a descriptor: a pipe, inotify, the socket of a database (poller.h):
 *
 *     timers_every(&s->timers, &mine.timer, 30, on_timer);
 *     poller_watch(s->poller, &mine.source, POLLER_READ);
 */

#endif
