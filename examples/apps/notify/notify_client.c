/* SPDX-License-Identifier: MIT */
/*
 * notify_client.c - the events of a notify_server, on a terminal.
 *
 *     notify_client                                  everything, for ever
 *     notify_client --topic builds --count 1         the next one, then 0
 *
 * What it shows: a client that stays connected and misses nothing. All that it
 * has to remember is one id; notify_server.c has the protocol. The loop that
 * connects and comes back is common/client_loop.h. Start reading at hear().
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client_loop.h"
#include "notify_client_options.h"
#include "notify_view.h"
#include "show.h"

enum { EXIT_LOST = 3 }; /* there was a gap */

struct client {
    client_loop    loop;
    struct options o;
    view           view;
    char           last[ID_SIZE]; /* what we have seen; "-": nothing */
    uint64_t       number;        /* of it */
    unsigned long  news;
    bool           has_gap;
};

static bool is_done(const struct client *c)
{
    return c->o.count > 0 && c->news >= c->o.count;
}

/* ---- What the server says ---------------------------------------------- */

static upf_str take_word(upf_str *rest, char end)
{
    const char   *at   = memchr(rest->data, end, rest->len);
    const size_t  len  = at != NULL ? (size_t)(at - rest->data) : rest->len;
    const upf_str word = {rest->data, len};

    rest->data += len + (at != NULL);
    rest->len -= len + (at != NULL);
    return word;
}

/* The digits at the end of `text`; 0 if there are none. */
static uint64_t number_of(upf_str text)
{
    uint64_t number = 0, ten = 1;

    for (size_t n = 0; n < 19 && n < text.len; n++, ten *= 10) {
        const char digit = text.data[text.len - 1 - n];
        if (digit < '0' || digit > '9')
            break;
        number += (uint64_t)(digit - '0') * ten;
    }
    return number;
}

static void remember(struct client *c, upf_str id)
{
    memcpy(c->last, id.data, id.len);
    c->last[id.len] = '\0';
    c->number       = number_of(id);
}

static void hear_line(struct client *c, upf_str line)
{
    const upf_str word = take_word(&line, ' ');
    seen_event    e    = {.id = take_word(&line, ' ')};

    if (!topic_name_is_good(e.id) || e.id.len >= ID_SIZE)
        return; /* it is shown, and goes back as it came */
    if (upf_str_equals(word, "now")) {
        remember(c, e.id);
    } else if (upf_str_equals(word, "gap")) {
        remember(c, e.id);
        c->has_gap = true;
        view_note(&c->view, "gap", line);
    } else if (upf_str_equals(word, "event")) {
        e.topic   = take_word(&line, ' ');
        e.ms      = (int64_t)number_of(take_word(&line, '\n'));
        e.text    = line;
        e.is_news = number_of(e.id) > c->number;
        if (!topic_name_is_good(e.topic))
            return;
        if (e.is_news)
            remember(c, e.id);
        c->news += e.is_news;
        view_event(&c->view, &e);
    } /* else it is "topics", or a newer server's word */
}

/* ---- The connection ----------------------------------------------------- */

static void say_follow(struct client *c)
{
    char   line[ID_SIZE + 16 + OPTION_LIST_MAX * (TOPIC_MAX + 1)];
    size_t len = (size_t)sprintf(line, "follow %s", c->last);

    for (size_t i = 0; i < c->o.topics.count; i++)
        len += (size_t)sprintf(line + len, " %s", c->o.topics.items[i]);
    client_loop_send(&c->loop, UPF_OP_TEXT, line, len);
}

static void hear(client_loop *l, const upf_event *ev)
{
    struct client *c = OWNER_OF(struct client, loop, l);

    if (ev->type == UPF_EVENT_OPEN) {
        fputs("open\n", stderr);
        say_follow(c);
    } else if (ev->type == UPF_EVENT_MESSAGE) {
        hear_line(c, (upf_str){ev->len > 0 ? (const char *)ev->data : "",
                               ev->len});
        if (is_done(c))
            client_loop_leave(l, UPF_CLOSE_NORMAL, "enough", NULL);
    }
}

static void lost(client_loop *l, const client_ending *end)
{
    (void)l;
    fprintf(stderr, "lost: code %d (", end->close_code);
    show_text(stderr, end->text, strlen(end->text), sizeof end->text);
    fprintf(stderr, "); %s\n", end->next);
}

int main(int argc, char **argv)
{
    static const client_app app = {.hear = hear, .lost = lost};
    static struct client c;
    client_loop *l = &c.loop;

    client_loop_init(l, &app);
    l->policy.base_ms = 1000; /* events are wanted soon */
    l->policy.cap_ms  = 30000;
    int status = read_options(&c.o, l, argc, argv);
    if (status >= 0)
        return status;
    l->config.max_message = EVENT_HEAD + TEXT_MAX;
    c.view.is_table       = c.o.table;
    c.view.with_ids       = c.o.ids;
    if (c.o.topics.count == 0)
        option_append(&c.o.topics, "topic", "*");
    remember(&c, (upf_str){c.o.since, strlen(c.o.since)});
    if ((status = client_loop_begin(l)) < 0)
        status = client_loop_run(l);
    return status == EXIT_SUCCESS && c.has_gap ? EXIT_LOST : status;
}
