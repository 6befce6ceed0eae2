/* SPDX-License-Identifier: MIT */
/* ticker_options.h - what ticker_server's command line may say of prices. */
#ifndef TICKER_OPTIONS_H
#define TICKER_OPTIONS_H

#include <stdbool.h>
#include "server_setup.h"

/* What is set beforehand stands for an option's default. */
struct ticker_options {
    const char   *feed; /* NULL: simulated */
    unsigned long rate; /* updates a second */
    unsigned long frames; /* a second, at most, to a client */
    bool          has_rate;
};

/* For server_setup.options; its user is a struct ticker_options. */
extern const app_option ticker_option_table[];
extern const char ticker_about[];

#endif
