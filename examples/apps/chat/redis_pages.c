/* SPDX-License-Identifier: MIT */
/* redis_pages.c - pieces of the stream, for who waits for one. Read
 * pages_ask_for() first, then on_page(). */

#include "redis_pages.h"

enum {
    LAST       = 50, /* messages, for who has just come */
    PAGE_MIN   = 10,
    PAGE_BYTES = 256 << 10 /* about: who is slow takes no more at once */
};

static void on_page(redisAsyncContext *ac, void *data, void *user);

/* Redis counts entries, not bytes: as many as are usual now. */
static size_t page_size(const redis_recent *r)
{
    size_t n = PAGE_MAX;

    if (r->bytes > PAGE_BYTES)
        n = PAGE_BYTES * r->count / r->bytes;
    return n < PAGE_MIN ? PAGE_MIN : n < PAGE_MAX ? n : PAGE_MAX;
}

static bool is_of(const page_ask *a, const follower *who)
{
    return a->is_last ? !who->has_seen
                      : who->has_seen &&
                            stream_id_compare(&a->from, &who->seen) == 0;
}

void pages_ask_for(redis_pages *p, const follower *who)
{
    const size_t begin = who->has_seen ? 1 : 0;
    const size_t end   = who->has_seen ? PAGE_ASKS : 1;
    page_ask    *slot  = NULL;

    for (size_t i = begin; i < end; i++) {
        page_ask *a = &p->asks[i];
        if (a->pages == NULL)
            slot = a;
        else if (is_of(a, who))
            return;
    }
    if (slot == NULL || !p->stream->is_open)
        return;
    *slot = (page_ask){.pages   = p,
                       .is_last = !who->has_seen,
                       .count   = who->has_seen ? page_size(p->recent) : LAST,
                       .from    = who->seen,
                       .ahead   = p->stream->cursor,
                       .number  = ++p->asked};
    if (slot->is_last
            ? !redis_stream_last(p->stream, on_page, slot, slot->count)
            : !redis_stream_from(p->stream, on_page, slot, &slot->from,
                                 slot->count))
        slot->pages = NULL; /* the stream is about to be lost */
}

void pages_wait(redis_pages *p, follower *who)
{
    who->waits_for = p->asked + 1;
    pages_ask_for(p, who);
}

void pages_go_back(redis_pages *p)
{
    for (size_t i = 0; i < PAGE_ASKS; i++)
        stream_id_go_back(&p->asks[i].ahead, &p->stream->cursor);
}

/*
 * A page is for whoever finds there what it has seen last; all that follows is
 * there, too. What was asked for since it waits, and is not there, was trimmed
 * or lost, and something may be missing.
 */
bool page_is_for(const redis_page *page, const follower *who, bool *gap)
{
    *gap = false;
    for (size_t i = 0;
         i < page->count && who->has_seen && !page->ask.is_last; i++)
        if (stream_id_compare(&page->list[i].id, &who->seen) == 0)
            return true;
    *gap = (who->seen.ms | who->seen.seq) != 0;
    return is_of(&page->ask, who) && page->ask.number >= who->waits_for;
}

/* The last ones come in reverse. */
static void take_page(redis_pages *p, const page_ask *ask,
                      const redisReply *reply)
{
    const size_t n = reply->elements < PAGE_MAX ? reply->elements : PAGE_MAX;
    redis_page   page = {.ask = *ask, .is_whole = n < ask->count};
    redis_entry  e;

    for (size_t i = 0; i < n; i++)
        if (redis_entry_read(&e, reply->element[ask->is_last ? n - 1 - i : i]))
            page.list[page.count++] = (recent_message){
                e.id, follower_message(p->server, &e, p->scratch), 0};
    p->came(p, &page);
    for (size_t i = 0; i < page.count; i++)
        upf_shared_free(page.list[i].message);
}

static void on_page(redisAsyncContext *ac, void *data, void *user)
{
    const redisReply *reply = data;
    page_ask         *slot = user, ask = *slot;

    slot->pages = NULL;
    if (reply == NULL)
        return; /* it is asked for again when the stream is open */
    if (reply->type == REDIS_REPLY_ARRAY)
        take_page(ask.pages, &ask, reply);
    else
        redis_link_drop(ac->data, reply->type == REDIS_REPLY_ERROR
                                      ? reply->str : "Protocol error");
}
