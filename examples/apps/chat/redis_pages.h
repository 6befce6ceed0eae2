/* SPDX-License-Identifier: MIT */
/*
 * redis_pages.h - pieces of the stream, for those who wait for one: each is
 * asked for once, however many wait for it.
 */
#ifndef EXAMPLES_REDIS_PAGES_H
#define EXAMPLES_REDIS_PAGES_H

#include <stdbool.h>
#include "redis_follower.h"
#include "redis_recent.h"
#include "redis_stream.h"

typedef struct redis_pages redis_pages;
typedef struct redis_page redis_page;

enum {
    PAGE_ASKS = 4,  /* on their way: each may be long */
    PAGE_MAX  = 200 /* messages, in one of them */
};

/* A page that was asked for. */
typedef struct page_ask {
    redis_pages  *pages;   /* NULL: none */
    bool          is_last; /* for who has just come, */
    stream_id     from;    /* or for who has seen this */
    stream_id     ahead;   /* where those who are live were then */
    unsigned long count;   /* messages, at most */
    uint64_t      number;
} page_ask;

struct redis_page {
    page_ask       ask;
    bool           is_whole; /* up to the end of the stream */
    size_t         count;
    recent_message list[PAGE_MAX];
};

/* Set the first five; the rest is all zero. */
struct redis_pages {
    server             *server;
    redis_stream       *stream;
    const redis_recent *recent;  /* by which it knows how long messages are */
    char               *scratch; /* for follower_message() */
    void (*came)(redis_pages *p, const redis_page *page);

    page_ask asks[PAGE_ASKS]; /* the first: for all who have just come */
    uint64_t asked;
};

/* It waits from now on. Nothing is asked for while the stream is not open, or
 * while too many pages are on their way: so ask again when one has come, and
 * when the stream is open. Who has just come does not wait behind those who
 * have seen something, of whom each may want a page of its own. */
void pages_wait(redis_pages *p, follower *who);
void pages_ask_for(redis_pages *p, const follower *who);

/* The cursor of the stream has gone back. */
void pages_go_back(redis_pages *p);

/* Whether the page is one that this follower can be told, and whether it has to
 * be told of a gap before. */
bool page_is_for(const redis_page *page, const follower *who, bool *gap);

#endif
