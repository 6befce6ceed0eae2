/* SPDX-License-Identifier: MIT */
/* options.h - what comes from the command line, with clear refusals. */
#ifndef EXAMPLES_OPTIONS_H
#define EXAMPLES_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Read a whole decimal number between `min` and `max`, both allowed. If
 * `text` is not one, standard error says so, naming the option.
 */
bool option_number(const char *name, const char *text, unsigned long min,
                   unsigned long max, unsigned long *number);

/* Say on standard error what is wrong with the URL, and at which character. */
void option_bad_url(const char *url);

/* A NULL-terminated list of strings, as upf_config takes it. */
#define OPTION_LIST_MAX 16
typedef struct option_list {
    const char *items[OPTION_LIST_MAX + 1];
    size_t      count;
} option_list;

/* Append; when the list is full, standard error says so. */
bool option_append(option_list *list, const char *name, const char *text);

/* The same of --subprotocol, of --host-name, and of --origin as a server allows
 * it; and whether --origin and --header are what a client can send. */
bool option_host_name(option_list *list, const char *text);
bool option_subprotocol(option_list *list, const char *text);
bool option_allowed_origin(option_list *list, const char *text);
bool option_origin(const char *text);
bool option_header(const char *name, const char *value);

/* NULL if the list is empty: then the library's default applies. */
const char *const *option_items(const option_list *list);

#endif
