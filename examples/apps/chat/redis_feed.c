/* SPDX-License-Identifier: MIT */
/* redis_feed.c - how each client gets what is in the stream. Read
 * redis_feed_entry() first, for who is live; then on_page(), for who is not
 * yet, or not now. */

#include <stdlib.h>

#include "redis_feed.h"

enum {
    LAST       = 50, /* messages, for who has just come */
    PAGE_MIN   = 10,
    PAGE_BYTES = 256 << 10 /* about: who is slow takes no more at once */
};

static follower *follower_of(client *c)
{
    return (follower *)c;
}

static void no_memory(follower *who)
{
    client_close(&who->client, UPF_CLOSE_TRY_AGAIN_LATER, "out of memory");
}

/* False: it is to read before it is told that. */
static bool tell(follower *who, const recent_message *m)
{
    if (who->has_seen && stream_id_compare(&m->id, &who->seen) <= 0)
        return true;
    if (!follower_has_room(who))
        return false;
    follower_tell(who, m->message, &m->id);
    return true;
}

/* ---- To all who are live ----------------------------------------------- */

void redis_feed_entry(redis_feed *f, const redis_entry *e)
{
    const recent_message m = {
        e->id, follower_message(f->server, e, f->scratch), e->text.len};

    for (size_t i = f->live.count; i-- > 0;) {
        follower *who = follower_of(f->live.members[i].client);
        if (!tell(who, &m))
            set_leave(&f->live, &who->client); /* until it is relieved */
    }
    redis_recent_add(&f->recent, &m);
}

/* The ids behind the end of a stream that was lost will be given again. */
static void go_back(stream_id *id, const stream_id *end)
{
    if (stream_id_compare(id, end) > 0)
        *id = *end;
}

void redis_feed_gap(redis_feed *f)
{
    const stream_id *end = &f->stream->cursor;

    redis_recent_clear(&f->recent);
    for (size_t i = 0; i < FEED_ASKS; i++)
        go_back(&f->asks[i].ahead, end);
    for (seat *s = f->seats; s != NULL; s = s->next) {
        if (set_has(&f->waiting, &s->who->client))
            continue; /* it is told by its page */
        go_back(&s->who->seen, end);
        follower_tell_gap(s->who);
    }
}

/* ---- To those who read on their own ------------------------------------ */

static void on_page(redisAsyncContext *ac, void *data, void *user);

/* Redis counts entries, not bytes: as many as are usual now. */
static size_t page_size(const redis_recent *r)
{
    size_t n = FEED_PAGE;

    if (r->bytes > PAGE_BYTES)
        n = PAGE_BYTES * r->count / r->bytes;
    return n < PAGE_MIN ? PAGE_MIN : n < FEED_PAGE ? n : FEED_PAGE;
}

static bool is_of(const feed_ask *a, const follower *who)
{
    return a->is_last ? !who->has_seen
                      : who->has_seen &&
                            stream_id_compare(&a->from, &who->seen) == 0;
}

/* Who waits for the same as another does is told what that one is. */
static void ask_for(redis_feed *f, const follower *who)
{
    feed_ask *slot = NULL;

    for (size_t i = 0; i < FEED_ASKS; i++) {
        feed_ask *a = &f->asks[i];
        if (a->feed == NULL)
            slot = a;
        else if (is_of(a, who))
            return;
    }
    if (slot == NULL || !f->stream->is_open)
        return;
    *slot = (feed_ask){.feed    = f,
                       .is_last = !who->has_seen,
                       .count   = who->has_seen ? page_size(&f->recent) : LAST,
                       .from    = who->seen,
                       .ahead   = f->stream->cursor,
                       .number  = ++f->asked};
    if (slot->is_last
            ? !redis_stream_last(f->stream, on_page, slot, slot->count)
            : !redis_stream_from(f->stream, on_page, slot, &slot->from,
                                 slot->count))
        slot->feed = NULL; /* the stream is about to be lost */
}

/* From one of them on, whichever: none has to wait for ever. */
static void ask_pages(redis_feed *f)
{
    const size_t count = f->waiting.count;

    for (size_t i = 0; i < count; i++)
        ask_for(f, follower_of(
            f->waiting.members[(f->server->now + i) % count].client));
}

static void read_on(redis_feed *f, follower *who)
{
    if (!set_join(&f->waiting, &who->client)) {
        no_memory(who);
        return;
    }
    who->waits_for = f->asked + 1;
    ask_for(f, who);
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
    set_leave(&f->waiting, &who->client);
    for (size_t i = 0; i < f->recent.count; i++)
        if (!tell(who, redis_recent_at(&f->recent, i)))
            return; /* until it is relieved */
    if (!set_join(&f->live, &who->client))
        no_memory(who);
}

/*
 * A page is for whoever finds there what it has seen last; all that follows is
 * there, too. What was asked for since it waits, and is not there, was trimmed
 * or lost, and something may be missing.
 */
static bool is_for(const feed_page *p, const follower *who, bool *gap)
{
    *gap = false;
    for (size_t i = 0; i < p->count && who->has_seen && !p->ask.is_last; i++)
        if (stream_id_compare(&p->list[i].id, &who->seen) == 0)
            return true;
    *gap = (who->seen.ms | who->seen.seq) != 0;
    return is_of(&p->ask, who) && p->ask.number >= who->waits_for;
}

static void tell_page(redis_feed *f, follower *who, const feed_page *p)
{
    bool gap;

    if (!is_for(p, who, &gap))
        return;
    if (gap)
        follower_tell_gap(who);
    for (size_t i = 0; i < p->count; i++)
        if (!tell(who, &p->list[i])) {
            set_leave(&f->waiting, &who->client); /* until it is relieved */
            return;
        }
    /* Also if it had an id of the future. */
    if (p->count == 0 || (p->is_whole &&
                          stream_id_compare(&who->seen, &p->ask.ahead) < 0))
        who->seen = p->ask.ahead;
    who->has_seen = true;
    catch_up(f, who);
}

/* The last ones come in reverse. */
static void take_page(redis_feed *f, const feed_ask *ask,
                      const redisReply *reply)
{
    const size_t n = reply->elements < FEED_PAGE ? reply->elements : FEED_PAGE;
    feed_page    p = {.ask = *ask, .is_whole = n < ask->count};
    redis_entry  e;

    for (size_t i = 0; i < n; i++)
        if (redis_entry_read(&e, reply->element[ask->is_last ? n - 1 - i : i]))
            p.list[p.count++] = (recent_message){
                e.id, follower_message(f->server, &e, f->scratch), 0};
    for (size_t i = f->waiting.count; i-- > 0;)
        tell_page(f, follower_of(f->waiting.members[i].client), &p);
    for (size_t i = 0; i < p.count; i++)
        upf_shared_free(p.list[i].message);
}

static void on_page(redisAsyncContext *ac, void *data, void *user)
{
    const redisReply *reply = data;
    feed_ask         *slot = user, ask = *slot;

    slot->feed = NULL;
    if (reply == NULL)
        return; /* it is asked for again when the stream is open */
    if (reply->type == REDIS_REPLY_ARRAY) {
        take_page(ask.feed, &ask, reply);
        ask_pages(ask.feed);
    } else {
        redis_link_drop(ac->data, reply->type == REDIS_REPLY_ERROR
                                      ? reply->str : "Protocol error");
    }
}

/* ---- Coming and going -------------------------------------------------- */

void redis_feed_join(redis_feed *f, follower *who)
{
    if (follower_sit(who, &f->seats))
        read_on(f, who);
    else
        no_memory(who);
}

void redis_feed_relieve(redis_feed *f, follower *who)
{
    who->slow_since = 0;
    if (who->has_seen && who->seat != NULL &&
        !set_has(&f->live, &who->client) &&
        !set_has(&f->waiting, &who->client))
        catch_up(f, who);
}

void redis_feed_open(redis_feed *f)
{
    ask_pages(f);
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
