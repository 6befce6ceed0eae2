/* SPDX-License-Identifier: MIT */
/* server_setup.h - what the servers do before their loops: options, socket. */
#ifndef EXAMPLES_SERVER_SETUP_H
#define EXAMPLES_SERVER_SETUP_H

#include <stdbool.h>
#include <stddef.h>
#include <upframe/conn.h>
#include "options.h"
#include "tls.h"

struct server_setup {
    /* What the server is like: to be set before */
    bool plain;  /* offers no TLS and no trace */
    bool echoes; /* --max-queued must have room for what it has just read */

    /* From the command line */
    const char   *host, *port, *cert_file, *key_file;
    unsigned long max_message, max_queued, max_connections;
    unsigned long ping_interval, pong_timeout;
    option_list   origins, subprotocols;
    bool          trace;

    /* What came of it */
    upf_config    config;
    tls_context  *tls; /* NULL: ws:// */
    int           stop, listener; /* see stop_on_signals(), tcp_listen() */
    size_t        max; /* clients, for which there are descriptors */
};

/*
 * Read the options, listen, and print "listening on ws://HOST:PORT/". What is
 * set in `s` beforehand stands for an option's default.
 *
 *   about  the head of the text for --help
 *
 * Returns -1 to go on, or the exit status.
 */
int server_set_up(struct server_setup *s, int argc, char **argv,
                  const char *about);

#endif
