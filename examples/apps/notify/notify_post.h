/* SPDX-License-Identifier: MIT */
/*
 * notify_post.h - POST /TOPIC, whose body is an event: for what runs beside the
 * server, and for nobody else.
 *
 * Any page that a visitor's browser shows can send a POST to this machine, and
 * need not see the answer. So who posts shows a token that no page knows; and
 * what a browser says about the page it comes from is believed.
 */
#ifndef EXAMPLES_NOTIFY_POST_H
#define EXAMPLES_NOTIFY_POST_H

#include <stdbool.h>
#include <stddef.h>
#include <upframe/conn.h>
#include "server.h"

enum { TOKEN_MIN = 16, TOKEN_MAX = 256 };

typedef struct post_token {
    char   text[TOKEN_MAX + 2];
    size_t len; /* 0: nobody may post */
} post_token;

/* The first and only line of a file. False, and standard error says why. */
bool post_token_read(post_token *token, const char *file);

/* Read the body of a POST, if its sender may send it: then done() is called, as
 * http_read_body() says. Else it is answered. */
void post_take(server *s, client *c, const upf_request *request,
               const post_token *token, size_t max,
               void (*done)(client *c, const char *body, size_t len));

/* "/builds?x=1": builds */
upf_str post_topic(const upf_request *request);

/* Answer a request whose method is not the page's, or that asks for methods:
 * page.h knows of no POST. */
void post_name_methods(client *c, const upf_request *request);

#endif
