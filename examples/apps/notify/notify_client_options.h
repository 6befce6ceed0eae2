/* SPDX-License-Identifier: MIT */
/* notify_client_options.h - the command line of notify_client. */
#ifndef EXAMPLES_NOTIFY_CLIENT_OPTIONS_H
#define EXAMPLES_NOTIFY_CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <upframe/upframe.h>
#include "history.h"
#include "options.h"

struct options {
    const char    *url;
    upf_url        parsed;
    char           host[256]; /* parsed.host, NUL-terminated */
    const char    *ca_file;
    option_list    topics;
    char           since[ID_SIZE]; /* "-": from now on */
    unsigned long  count;          /* 0: for ever */
    unsigned long  timeout, ping;  /* ms */
    bool           table, ids;
    upf_backoff_policy policy;
};

/* Returns -1 to go on, or the exit status. */
int read_options(struct options *o, int argc, char **argv);

#endif
