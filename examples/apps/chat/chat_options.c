/* SPDX-License-Identifier: MIT */
/* chat_options.c - the options of broadcast_server that are about Redis. */

#include <stdio.h>

#include "chat_options.h"
#include "options.h"

#ifdef EXAMPLE_REDIS

#include "redis_follower.h"

static bool take_redis(void *user, const char *text)
{
    chat_options *o = user;

    o->setup->adds = FOLLOWER_HEAD_MAX;
    return redis_address_read(&o->redis, text) &&
           redis_password_from_environment(&o->redis);
}

static bool take_password_file(void *user, const char *text)
{
    return redis_password_read(&((chat_options *)user)->redis, text);
}

static bool take_keep(void *user, const char *text)
{
    return option_number("redis-keep", text, 1, 100000000,
                         &((chat_options *)user)->keep);
}

#else

static bool take_redis(void *user, const char *text)
{
    (void)user;
    (void)text;
    fputs("--redis: this program was built without hiredis; install "
          "libhiredis-dev (Debian, Ubuntu), hiredis-devel (Fedora) or hiredis "
          "(Homebrew), and make it again\n", stderr);
    return false;
}

#define take_password_file take_redis
#define take_keep          take_redis

#endif

const app_option chat_option_table[] = {
    {"redis", "HOST:PORT",
     "be one room with all servers of that Redis, and with\n"
     "its own protocol; also the path of its socket", take_redis},
    {"redis-password-file", "FILE",
     "\nwhose first line is its password; or it is in\n"
     "the environment: REDIS_PASSWORD", take_password_file},
    {"redis-keep", "N",
     "the room remembers about N messages (10000)", take_keep},
    {0}};
