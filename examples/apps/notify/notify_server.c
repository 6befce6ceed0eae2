/* SPDX-License-Identifier: MIT */
/*
 * notify_server.c - notifications: what happens is pushed to who follows it.
 *
 *     notify_server                         then open http://127.0.0.1:9001/
 *     build done                            typed here: a topic, and its news
 *
 * What it shows: events by topic, from several sources in one loop (standard
 * input, a directory, POST); a client that comes back and misses nothing, sees
 * nothing twice, or is told that something is lost (history.h); and a slow one
 * that costs no memory: while more waits for it than it reads, it is sent
 * nothing, and then what it has missed, just as if it had been away. Read
 * subscriber.c first.
 *
 * The protocol is lines of text. ID is opaque to clients, but that the number
 * at its end grows.
 *
 *   from a client
 *     follow ID TOPIC...  the first message. ID: what it has seen last, and it
 *                         gets what came since; "-": the last event of each
 *     add TOPIC...        follow these, too; their last events come
 *     drop TOPIC...
 *     ping                are you there?
 *   from the server
 *     topics TOPIC...     who had events, in this run of the server: the first
 *                         message on a connection
 *     topic TOPIC         one more
 *     now ID              the answer to "follow -" and to "add", before the
 *                         last events
 *     gap ID WHY          something up to ID is lost: this is another run of
 *                         the server, or the history does not reach back
 *     event ID TOPIC TIME and what it says, from the next line to the end; TIME
 *                         is in milliseconds since 1970
 *     pong                the answer to "ping", for who has nothing to read
 *
 * The topic "*" is all of them. A client keeps the ID of each "now" or "gap",
 * and that of each event whose number is higher. An event whose number is not
 * higher is no news, but the state of its topic.
 */

#include <stdio.h>
#include <string.h>

#include "history.h"
#include "notify_html.h"
#include "notify_sources.h"
#include "options.h"
#include "server.h"
#include "subscriber.h"

/* ---- Clients ------------------------------------------------------------ */

static void greet(const notify *n, client *c)
{
    char   line[sizeof "topics" + TOPICS_MAX * (1 + TOPIC_MAX)] = "topics";
    size_t len = strlen(line);

    for (size_t i = 0; i < n->history.published_count; i++)
        len += (size_t)sprintf(line + len, " %s",
                               n->history.published[i]->name);
    client_send(c, UPF_OP_TEXT, line, len);
}

static const char *obey(notify *n, client *c, upf_str line)
{
    if (!upf_str_equals(line, "ping"))
        return subscriber_obey((subscriber *)c, &n->history, line);
    if (!upf_conn_congested(&c->ws))
        client_send(c, UPF_OP_TEXT, "pong", 4);
    return NULL;
}

static void hear(server *s, client *c, const upf_event *ev)
{
    notify     *n     = s->user;
    const char *wrong = NULL;

    switch (ev->type) {
    case UPF_EVENT_REQUEST:
        if (ev->status == UPF_ERR_NOT_UPGRADE)
            sources_hear_request(n, c, &ev->request);
        break;
    case UPF_EVENT_OPEN:
        greet(n, c);
        break;
    case UPF_EVENT_MESSAGE:
        if (ev->opcode == UPF_OP_BINARY)
            client_close(c, UPF_CLOSE_UNSUPPORTED, "lines of text, please");
        else
            wrong = obey(n, c, (upf_str){
                ev->len > 0 ? (const char *)ev->data : "", ev->len});
        if (wrong != NULL)
            client_close(c, UPF_CLOSE_POLICY, wrong);
        break;
    case UPF_EVENT_CLOSE:
        subscriber_end((subscriber *)c, &n->history);
        break;
    default:
        break;
    }
}

static void relieved(server *s, client *c)
{
    notify *n = s->user;

    if (((subscriber *)c)->behind)
        subscriber_catch_up((subscriber *)c, &n->history);
}

/* ---- Beginning ---------------------------------------------------------- */

static bool take_history(void *user, const char *text)
{
    return option_number("history", text, 1, 100000,
                         &((notify *)user)->size);
}

static bool take_watch(void *user, const char *text)
{
    ((notify *)user)->watch.path = text;
    return true;
}

static bool take_token(void *user, const char *text)
{
    return post_token_read(&((notify *)user)->token, text);
}

static const char about[] =
"usage: notify_server [option...]\n"
"Notifications: what happens is pushed to who follows it; a browser gets a\n"
"page. An event is a topic (letters, digits, any of . _ -) and a text, up to\n"
"64 KiB of UTF-8. It comes\n"
"\n"
"  as a line on standard input    builds main is green\n"
"  from a directory (--watch)     topic \"files\"\n"
"  by POST (--post-token-file)    curl -H 'Authorization: Bearer TOKEN' \\\n"
"                                      -d 'main is green' HOST:PORT/builds\n"
"\n"
"Who was away gets what it missed, as far as --history reaches.\n"
"Try it:  vmstat -n 5 | sed -u 's/^/load /' | notify_server\n"
"         then open http://127.0.0.1:9001/, or run notify_client\n";

int main(int argc, char **argv)
{
    static notify n = {.size = 1000};
    static const app_option options[] = {
        {"history", "N", "how many events a client can have missed (1000)",
         take_history},
        {"watch", "DIR", "tell what happens to the files in DIR", take_watch},
        {"post-token-file", "FILE",
         "take events by POST from who shows the token\nthat FILE has",
         take_token},
        {0}};
    static const server_app app = {.client_size = sizeof(subscriber),
                                   .hear        = hear,
                                   .relieved    = relieved,
                                   .page        = notify_html,
                                   .page_len    = sizeof notify_html - 1};
    /* What is sent though a client is behind: an event that was under way, and
     * the names of topics. */
    enum { BESIDE = EVENT_HEAD + TEXT_MAX + TOPICS_MAX * (8 + TOPIC_MAX) };
    server s = {.setup = {.host            = "127.0.0.1",
                          .port            = "9001",
                          .options         = options,
                          .options_user    = &n,
                          .max_message     = 4096,
                          .max_queued      = 512ul << 10,
                          .adds            = BESIDE,
                          .ping_interval   = 30000,
                          .pong_timeout    = 20000,
                          .max_connections = 1000},
                .user = &n};

    int status = server_begin(&s, &app, argc, argv, about);
    if (status >= 0)
        return status;
    s.setup.config.high_water = s.setup.max_queued - BESIDE;
    const bool ok = history_begin(&n.history, n.size, &s.setup.config) &&
                    sources_begin(&n, &s);
    if (!ok)
        server_stop(&s);
    status = server_run(&s);
    history_end(&n.history);
    sources_end(&n);
    return ok ? status : 1;
}
