/* SPDX-License-Identifier: MIT */
/*
 * broadcast_server.c - a chat: what one client says, all clients get.
 *
 *     broadcast_server                     then open http://127.0.0.1:9001/
 *     echo_client --wait --text 'Hello, all'
 *
 * What it shows: an application over the small server that all of them share
 * (examples/common/server.h), which does the rest: a message that is encoded
 * once and queued by reference on every connection; a client that does not
 * read, and is cut off before it costs much; one that never stops talking, and
 * gets no more than its turn. Read hear() first.
 *
 * The protocol is lines of text, so that no quoting is needed, or forgotten.
 * Nobody's word is trusted: who speaks is said by the server.
 *
 *   from a client
 *     /name NAME        I am NAME (at most 32 bytes, no control characters)
 *     /ping             are you there?
 *     anything else     is said to all; a binary message goes to all as it is
 *   from the server
 *     people ME         who is here: your number, then a line NUMBER NAME for
 *                       each; the first message on a connection
 *     here NUMBER NAME  came, or has another name now
 *     gone NUMBER
 *     said NUMBER       and what was said, from the next line to the end
 *     pong              the answer to "/ping", for who has nothing to read
 *
 * Who has not given a name and says nothing listens unseen. There is no limit
 * on how much a client may say but --max-rate: a chat that is open to the world
 * wants one.
 *
 * With --redis it is one of many servers of one room, which has another
 * protocol and another page: see redis_room.h.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_html.h"
#include "chat_name.h"
#include "chat_options.h"
#include "server.h"
#ifdef EXAMPLE_REDIS
#include "redis_room.h"
#endif

enum { LINE_LIMIT = 64 }; /* bytes: "here 4294967295 " and a name */

struct person {
    client client;
    char   name[NAME_LIMIT + 1]; /* "": listens unseen */
};

/* ---- To all ----------------------------------------------------------- */

static void tell_line(server *s, const char *word, const struct person *p)
{
    char line[LINE_LIMIT];
    const int len =
        snprintf(line, sizeof line, "%s %u%s%s", word, p->client.number,
                 p->name[0] != '\0' ? " " : "", p->name);

    set_send(s, &s->everyone, UPF_OP_TEXT, line, (size_t)len);
}

static void leave(server *s, struct person *p)
{
    if (p->name[0] == '\0')
        return;
    p->name[0] = '\0';
    tell_line(s, "gone", p);
}

/* ---- From one --------------------------------------------------------- */

/* The first message on a connection: who is here. */
static void greet(server *s, client *c)
{
    char  *scratch = s->user;
    size_t len     = (size_t)sprintf(scratch, "people %u", c->number);

    for (size_t i = 0; i < s->everyone.count; i++) {
        const client *other = s->everyone.members[i].client;
        const char   *name  = ((const struct person *)other)->name;
        if (name[0] != '\0')
            len += (size_t)sprintf(scratch + len, "\n%u %s", other->number,
                                   name);
    }
    if (upf_send(&c->ws, UPF_OP_TEXT, scratch, len) != UPF_OK)
        client_close(c, UPF_CLOSE_TRY_AGAIN_LATER, "too many people");
}

static void rename_person(server *s, struct person *p, const uint8_t *name,
                          size_t len)
{
    take_name(p->name, name, len);
    if (p->name[0] == '\0')
        snprintf(p->name, sizeof p->name, "guest %u", p->client.number);
    tell_line(s, "here", p);
}

static void pong(client *c)
{
    if (!upf_conn_congested(&c->ws)) /* else it has something to read */
        client_send(c, UPF_OP_TEXT, "pong", strlen("pong"));
}

static void say(server *s, struct person *p, const uint8_t *text, size_t len)
{
    char *scratch = s->user;

    if (p->name[0] == '\0')
        rename_person(s, p, NULL, 0);
    const size_t start =
        (size_t)sprintf(scratch, "said %u\n", p->client.number);
    memcpy(scratch + start, text, len);
    set_send(s, &s->everyone, UPF_OP_TEXT, scratch, start + len);
}

static bool is_ping(const uint8_t *text, size_t len)
{
    return len == strlen("/ping") && memcmp(text, "/ping", len) == 0;
}

static void hear(server *s, client *c, const upf_event *ev)
{
    static const char rename[] = "/name ";
    const size_t      prefix   = sizeof rename - 1;
    struct person    *p        = (struct person *)c;

    switch (ev->type) {
    case UPF_EVENT_OPEN:
        greet(s, c);
        break;
    case UPF_EVENT_MESSAGE:
        if (ev->opcode == UPF_OP_BINARY)
            set_send(s, &s->everyone, UPF_OP_BINARY, ev->data, ev->len);
        else if (ev->len >= prefix && memcmp(ev->data, rename, prefix) == 0)
            rename_person(s, p, ev->data + prefix, ev->len - prefix);
        else if (is_ping(ev->data, ev->len))
            pong(c);
        else if (ev->len > 0)
            say(s, p, ev->data, ev->len);
        break;
    case UPF_EVENT_CLOSE:
        leave(s, p);
        break;
    default: /* the server lets in whoever may come, and shows the page */
        break;
    }
}

/* ---- Beginning -------------------------------------------------------- */

static const char about[] =
"usage: broadcast_server [option...]\n"
"A chat: what one client says, all clients get; a browser gets its page.\n"
"\n"
"It has a protocol of its own over the WebSocket, so it is no echo. A client\n"
"sends \"/name NAME\", or a text that is said to all. The server's lines\n"
"begin with \"people\" (who is here), \"here\", \"gone\" or \"said\" and a\n"
"number. Binary messages go to all as they are.\n"
"\n"
"Try it:  broadcast_server &  then open http://127.0.0.1:9001/ twice\n"
"         echo_client --wait --text '/name Ann' --text 'Hello, all'\n"
"         broadcast_server --redis 127.0.0.1:6379 --port 9002, as often as\n"
"         you like, on any machine: all are one room\n";

int main(int argc, char **argv)
{
    static const server_app app = {.client_size = sizeof(struct person),
                                   .hear        = hear,
                                   .page        = chat_html,
                                   .page_len    = sizeof chat_html - 1};
    chat_options o = {.keep = 10000};
    server s = {.setup = {.options         = chat_option_table,
                          .options_user    = &o,
                          .host            = "127.0.0.1",
                          .port            = "9001",
                          .max_message     = 64ul << 10,
                          .max_queued      = 1ul << 20,
                          .ping_interval   = 30000,
                          .pong_timeout    = 20000,
                          .max_connections = 1000}};

    o.setup = &s.setup;
    int status = server_begin(&s, &app, argc, argv, about);
    if (status >= 0)
        return status;
#ifdef EXAMPLE_REDIS
    if (o.redis.text != NULL)
        return redis_room_run(&s, &o.redis, o.keep);
#endif
    /* For the longest message of ours: what was said, or who is here. */
    s.user = malloc(s.setup.max_message + LINE_LIMIT * (s.setup.max + 1));
    if (s.user == NULL) {
        fputs("out of memory\n", stderr);
        return 1;
    }
    status = server_run(&s);
    free(s.user);
    return status;
}
