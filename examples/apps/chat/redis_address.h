/* SPDX-License-Identifier: MIT */
/* redis_address.h - where Redis is, and what it wants to hear first. */
#ifndef EXAMPLES_REDIS_ADDRESS_H
#define EXAMPLES_REDIS_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

enum { REDIS_HOST_MAX = 256, REDIS_PASSWORD_MAX = 512 };

typedef struct redis_address {
    const char *text;                 /* as it was given; NULL: it was not */
    char        host[REDIS_HOST_MAX]; /* "": `text` is the path of a socket */
    int         port;
    char        password[REDIS_PASSWORD_MAX]; /* "": none */
} redis_address;

/* Take HOST:PORT, [IPv6]:PORT, or a path, which has a slash. False: it is none
 * of them, which standard error says. `text` must stay. */
bool redis_address_read(redis_address *a, const char *text);

/* The password is the first line of a file, or what is in the environment: a
 * command line can be read by everybody on the machine. False, and standard
 * error says why. */
bool redis_password_read(redis_address *a, const char *file);
bool redis_password_from_environment(redis_address *a);

#endif
