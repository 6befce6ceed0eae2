/* SPDX-License-Identifier: MIT */
/* ticker_client_options.h - the command line of ticker_client. */
#ifndef TICKER_CLIENT_OPTIONS_H
#define TICKER_CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <upframe/upframe.h>

#include "ticker_wire.h"

struct ticker_client_options {
    const char        *url;
    upf_url            parsed;
    char               host[256];  /* of the URL, NUL-terminated */
    const char        *ca_file;    /* NULL: the system's */
    upf_backoff_policy policy;
    uint32_t           ping, timeout; /* ms */
    uint32_t           count;      /* prices, then stop; 0: never */
    bool               lines, table; /* not what suits the output, but that */
    char subscribe[16 * 1024 + 1]; /* the message that says what is wanted */
    char address[512];
};

/* Returns -1 to go on, or the exit status. */
int ticker_client_read_options(struct ticker_client_options *o, int argc,
                               char **argv);

#endif
