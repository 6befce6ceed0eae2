/* SPDX-License-Identifier: MIT */
/* chat_options.h - the options of broadcast_server that are about Redis. */
#ifndef EXAMPLES_CHAT_OPTIONS_H
#define EXAMPLES_CHAT_OPTIONS_H

#include "redis_address.h"
#include "server_setup.h"

/* Set `setup` and `keep`. */
typedef struct chat_options {
    struct server_setup *setup;
    redis_address        redis; /* .text is NULL: no --redis */
    unsigned long        keep;
} chat_options;

/* For server_setup's `options`, whose user is the chat_options. */
extern const app_option chat_option_table[];

#endif
