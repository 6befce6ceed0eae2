/* SPDX-License-Identifier: MIT */
/* redis_stream.c - a history that many processes share. Read read_on() first,
 * then on_place() and on_entries(), which take its two answers. */

#include "redis_stream.h"

#define STREAM REDIS_STREAM_KEY
#define SENT   STREAM ":sent"

enum {
    BATCH    = 200, /* entries, in one answer */
    BLOCK_MS = 1000 /* how long Redis waits for one to come */
};

/* ---- Open, or not ------------------------------------------------------ */

static void look_at_state(redis_stream *st)
{
    const bool is_open = st->is_placed && st->writer.is_open;

    if (st->is_open == is_open)
        return;
    st->is_open = is_open;
    if (is_open) {
        redis_report_say(&st->report, "the room is open");
    }
    st->turned(st);
}

static void on_lost(redis_link *l, const char *why)
{
    redis_stream *st = l->user;

    if (l == &st->reader)
        st->is_placed = false;
    redis_report_say(&st->report, why);
    look_at_state(st);
}

static redis_stream *stream_of(const redisAsyncContext *ac)
{
    const redis_link *l = ac->data;

    return l->user;
}

/* ---- Reading ----------------------------------------------------------- */

/* Whether the entry of an id is there, and which id is the newest. */
static const char place[] =
    "local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]\n"
    "return {#redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]),\n"
    "        last and last[1] or '0-0'}";

static void on_place(redisAsyncContext *ac, void *data, void *user);
static void on_entries(redisAsyncContext *ac, void *data, void *user);

static void ask_place(redis_stream *st, const char *cursor)
{
    redis_link_ask(&st->reader, on_place, NULL, "EVAL %s 1 " STREAM " %s",
                   place, cursor);
}

/*
 * The oldest are trimmed first: if the entry at the cursor is there, nothing
 * behind it is missing. Redis does the two in one go, so it is still true when
 * the second begins.
 */
static void read_on(redis_stream *st)
{
    char cursor[STREAM_ID_MAX];

    stream_id_write(&st->cursor, cursor);
    ask_place(st, cursor);
    redis_link_ask(&st->reader, on_entries, NULL,
                   "XREAD COUNT %d BLOCK %d STREAMS " STREAM " %s", BATCH,
                   BLOCK_MS, cursor);
}

static void go_to(redis_stream *st, const stream_id *id)
{
    st->cursor  = *id;
    st->is_sure = (id->ms | id->seq) != 0;
}

static void find_place(redis_stream *st, bool is_there, const stream_id *newest)
{
    if (!st->has_begun) {
        st->has_begun = true;
        go_to(st, newest);
    } else if (stream_id_compare(newest, &st->cursor) < 0) {
        st->is_stale = st->is_placed; /* it is being read already */
        go_to(st, newest);
        st->gap(st);
    } else if (st->is_sure && !is_there) {
        st->is_sure = false;
        st->gap(st);
    }
    if (!st->is_placed) {
        st->is_placed = true;
        look_at_state(st);
        read_on(st);
    }
}

static void on_place(redisAsyncContext *ac, void *data, void *user)
{
    const redisReply *reply = data;
    redis_stream     *st    = stream_of(ac);
    stream_id         newest;

    (void)user;
    if (reply == NULL)
        return; /* lost */
    if (reply->type == REDIS_REPLY_ERROR)
        redis_link_drop(&st->reader, reply->str);
    else if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
             reply->element[1]->type != REDIS_REPLY_STRING ||
             !stream_id_read(&newest, reply->element[1]->str,
                             reply->element[1]->len))
        redis_link_drop(&st->reader, "Protocol error");
    else
        find_place(st, reply->element[0]->integer != 0, &newest);
}

/* [[STREAM, [entry, ...]]], or nil if none came for BLOCK_MS. */
static void on_entries(redisAsyncContext *ac, void *data, void *user)
{
    const redisReply *reply = data;
    redis_stream     *st    = stream_of(ac);
    redis_entry       entry;

    (void)user;
    if (reply == NULL)
        return;
    if (reply->type == REDIS_REPLY_ERROR) {
        redis_link_drop(&st->reader, reply->str);
        return;
    }
    if (!st->is_stale && reply->type == REDIS_REPLY_ARRAY &&
        reply->elements == 1 && reply->element[0]->elements == 2) {
        const redisReply *list = reply->element[0]->element[1];
        for (size_t i = 0; i < list->elements; i++)
            if (redis_entry_read(&entry, list->element[i])) {
                go_to(st, &entry.id);
                st->entry(st, &entry);
            }
    }
    st->is_stale = false;
    read_on(st);
}

static void on_opened(redis_link *l)
{
    redis_stream *st = l->user;
    char          cursor[STREAM_ID_MAX];

    if (l == &st->reader) {
        st->is_stale = false;
        stream_id_write(&st->cursor, cursor);
        ask_place(st, cursor);
    }
    look_at_state(st);
}

bool redis_stream_from(redis_stream *st, redisCallbackFn *fn, void *user,
                       const stream_id *id, unsigned long count)
{
    char from[STREAM_ID_MAX];

    stream_id_write(id, from);
    return redis_link_ask(&st->writer, fn, user,
                          "XRANGE " STREAM " %s + COUNT %lu", from, count);
}

bool redis_stream_last(redis_stream *st, redisCallbackFn *fn, void *user,
                       unsigned long count)
{
    return redis_link_ask(&st->writer, fn, user,
                          "XREVRANGE " STREAM " + - COUNT %lu", count);
}

/* ---- Writing ----------------------------------------------------------- */

/* In one step, so that nothing is lost, or there twice, in between. Keys are
 * forgotten in the order of their entries' times. */
static const char append[] =
    "if ARGV[1] ~= '.' and redis.call('ZSCORE', KEYS[2], ARGV[1]) then\n"
    "  return 0\n"
    "end\n"
    "local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*',\n"
    "                      'key', ARGV[1], 'name', ARGV[3], 'text', ARGV[4])\n"
    "if ARGV[1] ~= '.' then\n"
    "  redis.call('ZADD', KEYS[2], string.match(id, '%d+'), ARGV[1])\n"
    "  redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - ARGV[2])\n"
    "end\n"
    "return 1";

bool redis_stream_append(redis_stream *st, redisCallbackFn *fn, void *user,
                         const char *key, const char *name, upf_str text)
{
    return redis_link_ask(&st->writer, fn, user,
                          "EVAL %s 2 " STREAM " " SENT " %s %lu %s %b", append,
                          key, st->keep, name, text.data, text.len);
}

bool redis_stream_is_kept(redis_stream *st, const redisReply *reply)
{
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
        redis_report_say(&st->report, reply->str);
    return reply != NULL && reply->type == REDIS_REPLY_INTEGER;
}

/* ---- Beginning and end ------------------------------------------------- */

void redis_stream_begin(redis_stream *st)
{
    st->report.address = st->address->text;
    st->reader = st->writer = (redis_link){.server  = st->server,
                                           .address = st->address,
                                           .user    = st,
                                           .opened  = on_opened,
                                           .lost    = on_lost};
    redis_link_begin(&st->reader);
    redis_link_begin(&st->writer);
}

void redis_stream_end(redis_stream *st)
{
    redis_link_end(&st->reader);
    redis_link_end(&st->writer);
}
