/* SPDX-License-Identifier: MIT */
/* options.c - what comes from the command line, with clear refusals. */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <upframe/conn.h>

#include "options.h"
#include "show.h"

static bool refuse(const char *name, const char *text, const char *why)
{
    fprintf(stderr, "--%s: '", name);
    show_text(stderr, text, strlen(text), SIZE_MAX);
    fprintf(stderr, "' %s\n", why);
    return false;
}

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

/* ---- The handshake: the library is the judge, in a trial -------------- */

static bool is_token(const char *text)
{
    upf_conn   trial;
    const bool good = upf_conn_init_open(&trial, NULL, false, text) == UPF_OK;

    upf_conn_free(&trial);
    return good;
}

/* Whether a request can have that. */
static bool can_ask(const char *origin, const upf_header *header)
{
    const upf_client_request request = {.url          = "ws://host/",
                                        .origin       = origin,
                                        .headers      = header,
                                        .header_count = header != NULL};
    upf_conn   trial;
    const bool good =
        upf_conn_init_client(&trial, NULL, &request) != UPF_ERR_ARGUMENT;

    upf_conn_free(&trial);
    return good;
}

bool option_subprotocol(option_list *list, const char *text)
{
    if (!is_token(text))
        return refuse("subprotocol", text, "is not a token");
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], text) == 0)
            return refuse("subprotocol", text, "is there twice");
    return option_append(list, "subprotocol", text);
}

bool option_allowed_origin(option_list *list, const char *text)
{
    const char *const origins[] = {text, NULL};
    upf_config config = upf_config_default();

    config.origins = origins;
    if (upf_config_check(&config) != NULL)
        return refuse("origin", text, "is none that a browser sends: it is "
                                      "scheme://host[:port], no path");
    return option_append(list, "origin", text);
}

bool option_host_name(option_list *list, const char *text)
{
    char    url[300];
    upf_url parsed;

    snprintf(url, sizeof url, "ws://%s/", text);
    if (strlen(text) > 255 || upf_url_parse(url, &parsed) != UPF_OK ||
        !upf_str_equals(parsed.target, "/") ||
        !upf_str_equals(parsed.authority, text) || parsed.port != 80)
        return refuse("host-name", text, "is no host: a name or an address, as "
                                         "in a URL, without a port");
    return option_append(list, "host-name", text);
}

bool option_origin(const char *text)
{
    return can_ask(text, NULL) ||
           refuse("origin", text, "cannot be a header's value");
}

bool option_header(const char *name, const char *value)
{
    if (can_ask(NULL, &(upf_header){name, value}))
        return true;
    if (!is_token(name))
        return refuse("header", name, "cannot be a header's name");
    if (!can_ask(NULL, &(upf_header){"X", value}))
        return refuse("header", value, "cannot be a header's value");
    return refuse("header", name, "is written by the client itself");
}
