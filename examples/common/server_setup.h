/* SPDX-License-Identifier: MIT */
/* server_setup.h - what the servers do before their loops: options, socket. */
#ifndef EXAMPLES_SERVER_SETUP_H
#define EXAMPLES_SERVER_SETUP_H

#include <stdbool.h>
#include <stddef.h>
#include <upframe/conn.h>
#include "options.h"
#include "tls.h"

/* An option that only one program has. The last of a table is all zero. */
typedef struct app_option {
    const char *name; /* "feed" */
    const char *what; /* "FILE"; NULL: it takes no argument */
    const char *help; /* a line, or several that the reader indents; of printf,
                         without arguments */
    bool      (*take)(void *user, const char *text); /* says what is wrong */
} app_option;

struct server_setup {
    /* What the server is like: to be set before */
    bool is_app; /* is run by server.c: --host-name, --max-rate, --drain */
    bool plain;  /* offers no TLS and no trace */
    bool echoes; /* --max-queued must have room for what it has just read */
    size_t adds; /* bytes beside a message that must find room, if over 64 */
    const app_option *options; /* of its own, or NULL */
    void       *options_user;
    size_t      send_buffer; /* bytes that the kernel may keep; 0: its choice */

    /* From the command line. What is 0 or NULL before: this machine only,
     * 9001; 64 KiB, room for 16 of those, 1000; 30 s and 20 s. */
    const char   *host, *port, *cert_file, *key_file;
    unsigned long max_message, max_queued, max_connections;
    unsigned long ping_interval, pong_timeout; /* ms; never is said by option */
    /* Events a second that one client may say once it is open, of which a
     * second's worth at once; 0: no limit. Over it, it is not read from. */
    unsigned long max_rate;
    unsigned long drain_notice, drain; /* ms; see drain.h */
    option_list   origins, subprotocols, host_names;
    bool          trace;

    /* What came of it */
    upf_config    config;
    tls_context  *tls; /* NULL: ws:// */
    int           stop, listener; /* see stop_on_signals(), tcp_listen() */
    size_t        max; /* clients, for which there are descriptors */
};

/*
 * Read the options, listen, and print "listening on ws://HOST:PORT/". What is
 * set in `s` beforehand is an option's default, and --help says so.
 *
 *   about  the head of the text for --help
 *
 * Returns -1 to go on, or the exit status.
 */
int server_set_up(struct server_setup *s, int argc, char **argv,
                  const char *about);

#endif
