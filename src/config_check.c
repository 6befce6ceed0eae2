/* SPDX-License-Identifier: MIT */
/* config_check.c - what is wrong with a config, in words. In a file of its own,
 * so that programs that do not call it do not link it. */

#include <string.h>

#include <upframe/conn.h>
#include "str.h"
#include "url.h"

enum {
    /* the lines "HTTP/1.1 101 ", Upgrade, Connection, Sec-WebSocket-Accept and
     * the blank one, each with its CR LF */
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

enum origin_fault {
    NONE, NO_SCHEME, WILDCARD, PATH, NOT_ASCII, BAD_PORT, BAD_HOST
};

/* What is wrong with the part of an origin after "scheme://". */
static enum origin_fault host_fault(upf_str whole)
{
    struct upf_authority authority;

    if (upf_authority_parse(whole, &authority))
        return NONE;
    for (size_t i = 0; i < whole.len; i++)
        if ((unsigned char)whole.data[i] > 0x7F)
            return NOT_ASCII;
    /* If the host alone is sound, the port is at fault. */
    while (whole.len > 0 && whole.data[whole.len - 1] != ':')
        whole.len--;
    return upf_authority_parse(whole, &authority) ? BAD_PORT : BAD_HOST;
}

static enum origin_fault origin_fault(const char *text)
{
    const char *end = strchr(text, ':');

    if (strcmp(text, "*") == 0 || strcmp(text, "null") == 0 ||
        strcmp(text, "file://") == 0)
        return NONE;
    if (strchr(text, '*') != NULL)
        return WILDCARD;
    if (end == NULL || end[1] != '/' || end[2] != '/' ||
        !upf_is_scheme((upf_str){text, (size_t)(end - text)}))
        return NO_SCHEME;
    if (strchr(end + 3, '/') != NULL || strchr(end + 3, '?') != NULL ||
        strchr(end + 3, '#') != NULL)
        return PATH;
    return host_fault(upf_str_of(end + 3));
}

static bool lacks(const char *const *origins, enum origin_fault fault)
{
    for (; origins != NULL && *origins != NULL; origins++)
        if (origin_fault(*origins) == fault)
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
