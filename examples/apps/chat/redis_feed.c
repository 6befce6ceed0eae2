/* SPDX-License-Identifier: MIT */
/* redis_feed.c - how each client gets what is in the stream. Read
 * redis_feed_entry() first, for who is live; then on_page(), for who is not
 * yet, or not now. */

#include <stdlib.h>

#include "redis_feed.h"

enum {
    PAGE      = 50, /* messages, in one answer to one client; also the last
                       ones, for who has just come */
    PAGES_MAX = 16  /* answers on their way: each may be long */
};

static follower *follower_of(client *c)
{
    return (follower *)c;
}

static void no_memory(follower *who)
{
    client_close(&who->client, UPF_CLOSE_TRY_AGAIN_LATER, "out of memory");
}

/* ---- To all who are live ----------------------------------------------- */

void redis_feed_entry(redis_feed *f, const redis_entry *e)
{
    upf_shared *message = follower_message(f->server, e, f->scratch);

    for (size_t i = f->live.count; i-- > 0;) {
        follower *who = follower_of(f->live.members[i].client);
        if (stream_id_compare(&who->seen, &e->id) >= 0)
            continue;
        if (follower_has_room(who))
            follower_tell(who, message, &e->id);
        else
            set_leave(&f->live, &who->client); /* until it is relieved */
    }
    redis_recent_add(&f->recent, &e->id, message, e->text.len);
}

/* The ids behind the end of a stream that was lost will be given again. */
static void go_back(stream_id *id, const stream_id *end)
{
    if (stream_id_compare(id, end) > 0)
        *id = *end;
}

void redis_feed_gap(redis_feed *f)
{
    redis_recent_clear(&f->recent);
    for (seat *s = f->seats; s != NULL; s = s->next) {
        go_back(&s->who->ahead, &f->stream->cursor);
        if (!set_has(&f->live, &s->who->client))
            continue; /* it is told by its next page */
        go_back(&s->who->seen, &f->stream->cursor);
        follower_tell_gap(s->who);
    }
}

/* ---- To one that reads on its own -------------------------------------- */

static void on_page(redisAsyncContext *ac, void *data, void *user);

static bool ask_page(redis_feed *f, follower *who)
{
    who->ahead = f->stream->cursor;
    return who->has_seen ? redis_stream_from(f->stream, on_page, who->seat,
                                             &who->seen, PAGE)
                         : redis_stream_last(f->stream, on_page, who->seat,
                                             PAGE);
}

/* One of those who wait, whichever: none has to wait for ever. */
static void ask_pages(redis_feed *f)
{
    while (f->stream->is_open && f->pages < PAGES_MAX &&
           f->waiting.count > 0) {
        const size_t i   = (size_t)(f->server->now % f->waiting.count);
        follower    *who = follower_of(f->waiting.members[i].client);
        if (!ask_page(f, who))
            return; /* the stream is about to be lost */
        set_leave(&f->waiting, &who->client);
        seat_hold(who->seat);
        who->reads = true;
        f->pages++;
    }
}

static void read_on(redis_feed *f, follower *who)
{
    if (who->reads || set_has(&f->live, &who->client))
        return;
    if (!set_join(&f->waiting, &who->client))
        no_memory(who);
    ask_pages(f);
}

/*
 * A page for who has an id begins with the entry of that id. If it does not,
 * the stream was trimmed or lost meanwhile, and something may be missing.
 */
static void look_for_gap(follower *who, const redisReply *page)
{
    redis_entry first;

    if ((who->seen.ms | who->seen.seq) != 0 &&
        (page->elements == 0 ||
         !redis_entry_read(&first, page->element[0]) ||
         stream_id_compare(&first.id, &who->seen) != 0))
        follower_tell_gap(who);
}

/* False: it is to read before it is told the rest. */
static bool tell_page(redis_feed *f, follower *who, const redisReply *page)
{
    const bool   is_first = !who->has_seen; /* it comes in reverse */
    const size_t n        = page->elements;
    redis_entry  e;

    if (!is_first)
        look_for_gap(who, page);
    for (size_t i = 0; i < n; i++) {
        if (!redis_entry_read(&e, page->element[is_first ? n - 1 - i : i]) ||
            (who->has_seen && stream_id_compare(&e.id, &who->seen) <= 0))
            continue;
        if (!follower_has_room(who))
            return false;
        upf_shared *message = follower_message(f->server, &e, f->scratch);
        follower_tell(who, message, &e.id);
        upf_shared_free(message);
    }
    who->has_seen = true;
    return true;
}

/* What it has seen was there: it goes on with what is kept here, and is live;
 * or reads another page. */
static void catch_up(redis_feed *f, follower *who)
{
    if (stream_id_compare(&who->seen, &f->stream->cursor) < 0 &&
        !redis_recent_reaches(&f->recent, &who->seen)) {
        read_on(f, who);
        return;
    }
    for (size_t i = 0; i < f->recent.count; i++) {
        const struct recent_message *m = redis_recent_at(&f->recent, i);
        if (stream_id_compare(&m->id, &who->seen) <= 0)
            continue;
        if (!follower_has_room(who))
            return; /* until it is relieved */
        follower_tell(who, m->message, &m->id);
    }
    if (!set_join(&f->live, &who->client))
        no_memory(who);
}

/* A page that is not full had all there was, up to `ahead` at least. */
static void take_page(redis_feed *f, follower *who, const redisReply *page)
{
    const size_t n = page->elements;

    who->reads = false;
    if (!upf_conn_is_open(&who->client.ws) || !tell_page(f, who, page))
        return; /* until it is relieved */
    if (n == 0 ||
        (n < PAGE && stream_id_compare(&who->seen, &who->ahead) < 0))
        who->seen = who->ahead; /* also if it had an id of the future */
    catch_up(f, who);
}

static void on_page(redisAsyncContext *ac, void *data, void *user)
{
    const redisReply *page = data;
    seat             *s    = user;
    redis_feed       *f    = s->user;

    f->pages--;
    if (s->who != NULL && page != NULL && page->type == REDIS_REPLY_ARRAY)
        take_page(f, s->who, page);
    else if (s->who != NULL)
        s->who->reads = false; /* until the stream is open again */
    if (page != NULL && page->type == REDIS_REPLY_ERROR)
        redis_link_drop(ac->data, page->str);
    seat_release(s);
    ask_pages(f);
}

/* ---- Coming and going -------------------------------------------------- */

void redis_feed_join(redis_feed *f, follower *who)
{
    if (follower_sit(who, &f->seats, f))
        read_on(f, who);
    else
        no_memory(who);
}

void redis_feed_relieve(redis_feed *f, follower *who)
{
    who->slow_since = 0;
    if (who->has_seen && !who->reads && who->seat != NULL)
        catch_up(f, who);
}

void redis_feed_open(redis_feed *f)
{
    for (seat *s = f->seats; s != NULL; s = s->next)
        read_on(f, s->who);
}

void redis_feed_look_at_time(redis_feed *f)
{
    for (seat *s = f->seats; s != NULL; s = s->next)
        follower_look_at_time(s->who);
}

bool redis_feed_begin(redis_feed *f, server *s, redis_stream *st)
{
    *f = (redis_feed){
        .server = s, .stream = st,
        .scratch = malloc(FOLLOWER_HEAD_MAX + s->setup.max_message)};
    return f->scratch != NULL;
}

void redis_feed_end(redis_feed *f)
{
    while (f->seats != NULL) {
        seat *s  = f->seats;
        f->seats = s->next;
        s->who   = NULL; /* freed already */
        seat_release(s);
    }
    redis_recent_clear(&f->recent);
    set_free(&f->live);
    set_free(&f->waiting);
    free(f->scratch);
}
