/* SPDX-License-Identifier: MIT */
/* ticker_client_options.h - the command line of ticker_client. */
#ifndef TICKER_CLIENT_OPTIONS_H
#define TICKER_CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include "client_loop.h"

struct ticker_client_options {
    uint32_t count;        /* prices, then stop; 0: never */
    bool     lines, table; /* not what suits the output, but that */
    char subscribe[16 * 1024 + 1]; /* the message that says what is wanted */
    char address[512];
};

/* What is about the connection goes to `l`, which has the defaults. Returns -1
 * to go on, or the exit status. */
int ticker_client_read_options(struct ticker_client_options *o, client_loop *l,
                               int argc, char **argv);

#endif
