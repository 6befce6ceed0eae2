/* SPDX-License-Identifier: MIT */
/* redis_report.c - what is wrong with Redis, and what to do. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "redis_report.h"
#include "redis_stream.h"
#include "show.h"

static const char *advice(const char *why)
{
    static const struct { const char *part, *advice; } list[] = {
        {"NOAUTH", "give the password in REDIS_PASSWORD, or in a file, with "
                   "--redis-password-file"},
        {"WRONGPASS", "is it the right password?"},
        {"invalid password", "is it the right password?"},
        {"without any password", "it wants no password"},
        {"WRONGTYPE", "another program uses the key " REDIS_STREAM_KEY "; "
                      "RENAME it, or take another Redis"},
        {"NOPERM", "the user needs the commands EVAL, XREAD, XRANGE, XREVRANGE,"
                   " XADD, ZSCORE, ZADD, ZREMRANGEBYRANK"},
        {"unknown command", "streams came with Redis 5"},
        {"Protocol error", "is that Redis?"},
        {"refused", "is redis-server running there?"}};

    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (strstr(why, list[i].part) != NULL)
            return list[i].advice;
    return NULL;
}

/* Redis' words may be another program's. */
void redis_report_say(redis_report *r, const char *what)
{
    if (*what == '\0')
        what = "an error without a word"; /* and `last` has none at first */
    const char *what_to_do = advice(what);

    if (strncmp(r->last, what, sizeof r->last - 1) == 0)
        return;
    snprintf(r->last, sizeof r->last, "%s", what);
    fprintf(stderr, "redis: %s: ", r->address);
    show_text(stderr, r->last, strlen(r->last), SIZE_MAX);
    if (what_to_do != NULL)
        fprintf(stderr, "; %s", what_to_do);
    fputc('\n', stderr);
}
