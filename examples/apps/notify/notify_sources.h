/* SPDX-License-Identifier: MIT */
/*
 * notify_sources.h - where notify_server's events come from: lines on standard
 * input, a directory, POST. Each one is published: it goes to the history, and
 * to all who follow its topic.
 */
#ifndef EXAMPLES_NOTIFY_SOURCES_H
#define EXAMPLES_NOTIFY_SOURCES_H

#include <stdbool.h>
#include "dir_watch.h"
#include "history.h"
#include "line_input.h"
#include "notify_post.h"
#include "server.h"

/* What the whole server has. Of the command line: size, token, watch.path. */
typedef struct notify {
    history       history;
    unsigned long size; /* of the history */
    server       *server;
    post_token    token;
    dir_watch     watch;
    line_input    lines;
} notify;

/* False, and standard error says why. */
bool sources_begin(notify *n, server *s);
void sources_end(notify *n);

/* A request for no WebSocket: answer a POST, now or when its body is here, and
 * what asks for other methods than the page has. */
void sources_hear_request(notify *n, client *c, const upf_request *request);

#endif
