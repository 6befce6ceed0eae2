/* SPDX-License-Identifier: MIT */
/* notify_sources.c - where events come from: see notify_sources.h. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "http_body.h"
#include "notify_sources.h"
#include "subscriber.h"

static const event *publish(notify *n, upf_str name, upf_str text,
                            const char **why)
{
    const size_t known = n->history.published_count;
    const event *e     = history_add(&n->history, name, text, why);
    char line[sizeof "topic " + TOPIC_MAX];

    if (e != NULL && n->history.published_count > known)
        set_send(n->server, &n->server->everyone, UPF_OP_TEXT, line,
                 (size_t)sprintf(line, "topic %s", e->topic->name));
    if (e != NULL)
        subscribers_deliver(&n->history, e);
    return e;
}

/* "topic text", from standard input. */
static void on_line(void *user, const char *line, size_t len)
{
    notify     *n     = user;
    const char *space = memchr(line, ' ', len);
    const char *why   = "it is not TOPIC TEXT, as in: news It works";

    if (len == 0)
        return;
    if (space != NULL) {
        const upf_str name = {line, (size_t)(space - line)};
        const upf_str text = {space + 1, len - name.len - 1};
        if (publish(n, name, text, &why) != NULL)
            return;
    }
    line_input_complain(&n->lines, why);
}

/* A file's name is any bytes. */
static void on_change(void *user, const char *text)
{
    static const upf_str files = {"files", 5};
    static const upf_str other = {"something whose name is not UTF-8", 33};
    const char *why;

    if (publish(user, files, (upf_str){text, strlen(text)}, &why) == NULL &&
        publish(user, files, other, &why) == NULL)
        fprintf(stderr, "a change is not told of: %s\n", why);
}

static void on_post(client *c, const char *body, size_t len)
{
    notify     *n = c->server->user;
    const char *why;
    upf_request request;
    char        answer[128];

    if (upf_conn_request(&c->ws, &request) != UPF_OK)
        return;
    const event *e =
        publish(n, post_topic(&request), (upf_str){body, len}, &why);
    if (e != NULL)
        history_id(&n->history, e->number, answer);
    else
        snprintf(answer, sizeof answer, "%s", why);
    http_answer(c, e != NULL ? 200 : 400, strcat(answer, "\n"));
}

void sources_hear_request(notify *n, client *c, const upf_request *request)
{
    if (upf_str_equals(request->method, "POST"))
        post_take(c->server, c, request, &n->token, TEXT_MAX, on_post);
    else
        post_name_methods(c, request);
}

bool sources_begin(notify *n, server *s)
{
    n->server        = s;
    n->lines.line    = on_line;
    n->lines.user    = n;
    n->watch.changed = on_change;
    n->watch.user    = n;
    if (!line_input_begin(&n->lines, s->poller, STDIN_FILENO)) {
        perror("cannot read standard input");
        return false;
    }
    return n->watch.path == NULL ||
           dir_watch_begin(&n->watch, s->poller, &s->timers);
}

void sources_end(notify *n)
{
    if (n->watch.path != NULL)
        dir_watch_end(&n->watch);
}
