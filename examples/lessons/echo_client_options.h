/* SPDX-License-Identifier: MIT */
/* echo_client_options.h - what echo_client is told on its command line. */
#ifndef EXAMPLES_ECHO_CLIENT_OPTIONS_H
#define EXAMPLES_ECHO_CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <upframe/conn.h>
#include "options.h"

struct item { /* something to send: a text, a binary message, a ping */
    upf_opcode     opcode;
    unsigned char *data;
    size_t         len;
    unsigned long  fragments;
};

enum { ITEMS_MAX = 64 };

struct options {
    const char   *url, *host, *port, *origin, *ca;
    char          address[320]; /* what --host and --port amount to */
    struct item   items[ITEMS_MAX];
    size_t        count;
    unsigned long fragments, close_code, timeout_s;
    unsigned long ping_interval, pong_timeout; /* milliseconds */
    option_list   subprotocols;
    upf_header    headers[OPTION_LIST_MAX];
    size_t        header_count;
    bool          trace, wait;
};

/* Returns -1 to go on, or the exit status. Clear with options_free(). */
int  options_read(struct options *o, int argc, char **argv);
void options_free(struct options *o);

#endif
