/* SPDX-License-Identifier: MIT */
/* redis_room.c - any number of broadcast_servers are one room: see redis_room.h
 * for the protocol. Read hear() first; what is heard goes into the stream by
 * say(), and comes out of it in redis_feed.c. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_name.h"
#include "chat_room_html.h"
#include "redis_feed.h"
#include "redis_room.h"
#include "redis_stream.h"

enum {
    AT_ONCE     = 8,        /* messages of one client on their way to Redis */
    WAITING_MAX = 16 << 20, /* bytes, of all of them */
    LOOKS       = 2         /* at the time, a second */
};

struct person {
    follower follower; /* first */
    char     name[NAME_LIMIT + 1];
    size_t   says; /* messages on their way to Redis */
};

typedef struct room {
    server      *server;
    redis_stream stream;
    redis_feed   feed;
    size_t       waiting;
    timer        timer;
} room;

static struct person *person_of(client *c)
{
    return (struct person *)c;
}

/* ---- What is said ------------------------------------------------------ */

struct say {
    seat  *seat;
    room  *room;
    size_t len;
    char   key[SENDER_KEY_MAX + 1];
};

static void answer(struct person *p, const char *word, const char *key)
{
    char      line[SENDER_KEY_MAX + 16];
    const int len = snprintf(line, sizeof line, "%s %s", word, key);

    client_send(&p->follower.client, UPF_OP_TEXT, line, (size_t)len);
}

static void on_kept(redisAsyncContext *ac, void *data, void *user)
{
    struct say *say     = user;
    room       *r       = say->room;
    client     *c       = (client *)say->seat->who; /* NULL: gone */
    const bool  is_kept = redis_stream_is_kept(&r->stream, data);

    (void)ac;
    r->waiting -= say->len;
    if (c != NULL) {
        if (--person_of(c)->says < AT_ONCE)
            client_hold(c, false);
        answer(person_of(c), is_kept ? "kept" : "later", say->key);
    }
    seat_release(say->seat);
    free(say);
}

static void say(room *r, struct person *p, upf_str key, upf_str text)
{
    client     *c = &p->follower.client;
    struct say *s = malloc(sizeof *s);

    if (s == NULL || p->follower.seat == NULL) {
        client_close(c, UPF_CLOSE_TRY_AGAIN_LATER, "out of memory");
        free(s);
        return;
    }
    *s = (struct say){.seat = p->follower.seat, .room = r,
                      .len = sizeof *s + text.len};
    memcpy(s->key, key.data, key.len);
    if (!r->stream.is_open || r->waiting + s->len > WAITING_MAX ||
        !redis_stream_append(&r->stream, on_kept, s, s->key,
                             p->name[0] != '\0' ? p->name : "guest", text)) {
        answer(p, "later", s->key);
        free(s);
        return;
    }
    seat_hold(s->seat);
    r->waiting += s->len;
    if (++p->says >= AT_ONCE)
        client_hold(c, true); /* Redis is slower than it */
}

/* ---- What is heard ----------------------------------------------------- */

static void pong(client *c)
{
    if (!upf_conn_congested(&c->ws)) /* else it has something to read */
        client_send(c, UPF_OP_TEXT, "pong", strlen("pong"));
}

/* "/send KEY", then the text. */
static void hear_send(room *r, struct person *p, upf_str rest)
{
    const upf_str key = {rest.data, sender_key_span(rest.data, rest.len)};

    if (key.len == 0 || key.len > SENDER_KEY_MAX || key.len + 1 >= rest.len ||
        rest.data[key.len] != '\n')
        client_close(&p->follower.client, UPF_CLOSE_POLICY,
                     "after /send comes a key, then a line with the text");
    else
        say(r, p, key, (upf_str){key.data + key.len + 1,
                                 rest.len - key.len - 1});
}

static void hear_text(room *r, struct person *p, upf_str text)
{
    static const char name[] = "/name ", send[] = "/send ", ping[] = "/ping";
    const size_t      prefix = sizeof name - 1;
    const upf_str     rest   = {text.data + prefix, text.len - prefix};

    if (text.len >= prefix && memcmp(text.data, name, prefix) == 0)
        take_name(p->name, rest.data, rest.len);
    else if (text.len >= prefix && memcmp(text.data, send, prefix) == 0)
        hear_send(r, p, rest);
    else if (text.len == strlen(ping) && memcmp(text.data, ping, text.len) == 0)
        pong(&p->follower.client);
    else if (text.len > 0)
        say(r, p, (upf_str){".", 1}, text);
}

/* "/?after=ID"; an id that is none is as good as no id. */
static void read_target(follower *f, upf_str target)
{
    static const char after[] = "/?after=";
    const size_t      len     = sizeof after - 1;

    f->has_seen = target.len > len && memcmp(target.data, after, len) == 0 &&
                  stream_id_read(&f->seen, target.data + len, target.len - len);
    if (!f->has_seen)
        f->seen = (stream_id){0, 0};
}

static const char *state_of(const room *r)
{
    return r->stream.is_open ? "room open" : "room lost";
}

static void hear(server *s, client *c, const upf_event *ev)
{
    room          *r = s->user;
    struct person *p = person_of(c);

    switch (ev->type) {
    case UPF_EVENT_REQUEST:
        read_target(&p->follower, ev->request.target);
        break;
    case UPF_EVENT_OPEN:
        client_send(c, UPF_OP_TEXT, state_of(r), strlen(state_of(r)));
        redis_feed_join(&r->feed, &p->follower);
        break;
    case UPF_EVENT_MESSAGE:
        if (ev->opcode == UPF_OP_BINARY)
            client_close(c, UPF_CLOSE_UNSUPPORTED, "this room is for text");
        else
            hear_text(r, p, (upf_str){(const char *)ev->data, ev->len});
        break;
    case UPF_EVENT_CLOSE:
        follower_leave(&p->follower);
        break;
    default: /* the server lets in whoever may come, and shows the page */
        break;
    }
}

static void on_relief(server *s, client *c)
{
    room *r = s->user;

    redis_feed_relieve(&r->feed, &person_of(c)->follower);
}

/* ---- What the stream tells --------------------------------------------- */

static void on_turn(redis_stream *st)
{
    room *r = st->user;

    set_send(r->server, &r->server->everyone, UPF_OP_TEXT, state_of(r),
             strlen(state_of(r)));
    if (st->is_open)
        redis_feed_open(&r->feed);
}

static void on_entry(redis_stream *st, const redis_entry *e)
{
    redis_feed_entry(&((room *)st->user)->feed, e);
}

static void on_gap(redis_stream *st)
{
    redis_feed_gap(&((room *)st->user)->feed);
}

static void on_timer(timer *t)
{
    redis_feed_look_at_time(&OWNER_OF(room, timer, t)->feed);
}

int redis_room_run(server *s, const redis_address *address, unsigned long keep)
{
    static const server_app app = {.client_size = sizeof(struct person),
                                   .hear        = hear,
                                   .relieved    = on_relief,
                                   .page        = chat_room_html,
                                   .page_len    = sizeof chat_room_html - 1};
    room r = {.server = s,
              .stream = {.server = s, .address = address, .keep = keep,
                         .user = &r, .turned = on_turn, .entry = on_entry,
                         .gap = on_gap}};

    if (!redis_feed_begin(&r.feed, s, &r.stream)) {
        fputs("out of memory\n", stderr);
        return 1;
    }
    s->app  = &app;
    s->user = &r;
    /* Who has so much to read is told no more; what it is told last fits. */
    s->setup.config.high_water = (s->setup.max_queued - s->setup.max_message -
                                  FOLLOWER_HEAD_MAX) / 4 + 1;
    redis_stream_begin(&r.stream);
    timers_every(&s->timers, &r.timer, LOOKS, on_timer);
    const int status = server_run(s);
    redis_feed_end(&r.feed);
    redis_stream_end(&r.stream);
    return status;
}
