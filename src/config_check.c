/* SPDX-License-Identifier: MIT */
/* config_check.c - what is wrong with a config, in words; apart, for programs
 * that need none. */

#include <string.h>

#include <upframe/conn.h>
#include "http.h"

enum {
    /* "HTTP/1.1 101 ", Upgrade, Connection, Sec-WebSocket-Accept */
    LEAST_HEAD  = 15 + 20 + 21 + 52 + 2,
    LEAST_LINES = 3,
    LEAST_LINE  = 43 /* "Sec-WebSocket-Key: " and a key */
};

static bool are_unique(const char *const *list)
{
    for (const char *const *s = list; s != NULL && *s != NULL; s++)
        for (const char *const *earlier = list; earlier < s; earlier++)
            if (strcmp(*earlier, *s) == 0)
                return false;
    return true;
}

/* How a browser writes an origin (RFC 6454, section 6.2). */
static bool is_origin(const char *text)
{
    const char *end = strchr(text, ':');

    if (strcmp(text, "*") == 0 || strcmp(text, "null") == 0)
        return true;
    if (end == NULL || end == text || end[1] != '/' || end[2] != '/')
        return false;
    for (const char *c = text; *c != '\0'; c++)
        if (strchr("?# \t", *c) != NULL)
            return false;
    return strchr(end + 3, '/') == NULL;
}

static bool can_match(const char *const *origins)
{
    for (; origins != NULL && *origins != NULL; origins++)
        if (!is_origin(*origins))
            return false;
    return true;
}

const char *upf_config_check(const upf_config *config)
{
    if (config == NULL)
        return NULL; /* the defaults */
#define MUST(field, holds, why) \
    if (!(holds))               \
        return #field " " why;
#define SHOULD MUST
#include "config_rules.h"
    return NULL;
}
