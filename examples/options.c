/* SPDX-License-Identifier: MIT */
/* options.c - numbers and lists from the command line, with clear refusals. */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <upframe/handshake.h>

#include "options.h"
#include "show.h"

bool option_number(const char *name, const char *text, unsigned long min,
                   unsigned long max, unsigned long *number)
{
    char *end;

    errno = 0;
    const unsigned long value = strtoul(text, &end, 10);
    /* strtoul() would take white space and signs, too. */
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
        value < min || value > max) {
        fprintf(stderr, "--%s: '%s' is not a number from %lu to %lu\n", name,
                text, min, max);
        return false;
    }
    *number = value;
    return true;
}

void option_bad_url(const char *url)
{
    size_t      at = 0, before = 0;
    const char *why = upf_url_fault(url, &at);

    for (size_t i = 0; i < at; i++) /* characters: bytes that begin one */
        before += (url[i] & 0xC0) != 0x80;
    fprintf(stderr, "not a ws:// or wss:// URL: %s at character %zu\n  ",
            why != NULL ? why : "a host of so long a name", before + 1);
    show_text(stderr, url, strlen(url), SIZE_MAX);
    fprintf(stderr, "\n  %*s^\n", (int)before, "");
}

bool option_append(option_list *list, const char *name, const char *text)
{
    if (list->count == OPTION_LIST_MAX) {
        fprintf(stderr, "--%s: at most %d of them\n", name, OPTION_LIST_MAX);
        return false;
    }
    list->items[list->count++] = text;
    list->items[list->count]   = NULL;
    return true;
}

const char *const *option_items(const option_list *list)
{
    return list->count > 0 ? list->items : NULL;
}
