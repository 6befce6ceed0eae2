/* SPDX-License-Identifier: MIT */
/* redis_feed.c - how each client gets what is in the stream. Read
 * redis_feed_entry() first, for who is live; then on_page(), for who is not
 * yet, or not now. */

#include <stdlib.h>

#include "redis_feed.h"

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

void redis_feed_gap(redis_feed *f)
{
    const stream_id *end = &f->stream->cursor;

    redis_recent_clear(&f->recent);
    pages_go_back(&f->pages);
    for (seat *s = f->seats; s != NULL; s = s->next) {
        if (set_has(&f->waiting, &s->who->client))
            continue; /* it is told by its page */
        stream_id_go_back(&s->who->seen, end);
        follower_tell_gap(s->who);
    }
}

/* ---- To those who read on their own ------------------------------------ */

/* From one of them on, whichever: none has to wait for ever. */
static void ask_pages(redis_feed *f)
{
    const size_t count = f->waiting.count;

    for (size_t i = 0; i < count; i++)
        pages_ask_for(&f->pages, follower_of(
            f->waiting.members[(f->server->now + i) % count].client));
}

static void read_on(redis_feed *f, follower *who)
{
    if (set_join(&f->waiting, &who->client))
        pages_wait(&f->pages, who);
    else
        no_memory(who);
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

static void tell_page(redis_feed *f, follower *who, const redis_page *p)
{
    bool gap;

    if (!page_is_for(p, who, &gap))
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

static void on_page(redis_pages *p, const redis_page *page)
{
    redis_feed *f = OWNER_OF(redis_feed, pages, p);

    for (size_t i = f->waiting.count; i-- > 0;)
        tell_page(f, follower_of(f->waiting.members[i].client), page);
    ask_pages(f);
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
    char *scratch = malloc(FOLLOWER_HEAD_MAX + s->setup.max_message);

    *f = (redis_feed){.server = s, .stream = st, .scratch = scratch,
                      .pages = {.server = s, .stream = st,
                                .recent = &f->recent, .scratch = scratch,
                                .came = on_page}};
    return scratch != NULL;
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
