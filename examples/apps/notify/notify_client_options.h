/* SPDX-License-Identifier: MIT */
/* notify_client_options.h - the command line of notify_client. */
#ifndef EXAMPLES_NOTIFY_CLIENT_OPTIONS_H
#define EXAMPLES_NOTIFY_CLIENT_OPTIONS_H

#include <stdbool.h>
#include "client_loop.h"
#include "history.h"
#include "options.h"

struct options {
    option_list   topics;
    char          since[ID_SIZE]; /* "-": from now on */
    unsigned long count;          /* 0: for ever */
    bool          table, ids;
};

/* What is about the connection goes to `l`, which has the defaults. Returns -1
 * to go on, or the exit status. */
int read_options(struct options *o, client_loop *l, int argc, char **argv);

#endif
