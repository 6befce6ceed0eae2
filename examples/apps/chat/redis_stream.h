/* SPDX-License-Identifier: MIT */
/*
 * redis_stream.h - a history that many processes share: a stream in Redis.
 *
 * It is the truth: what is said is appended to it (XADD), and whoever wants to
 * know reads it (XREAD), so that all see the same entries in the same order.
 * This process reads it once, from where it has come to (`cursor`), and can
 * read any part of it again. The oldest entries are trimmed.
 *
 * Redis may be away, or come back with less than it had: nothing here waits for
 * it, and what may be missing is told.
 */
#ifndef EXAMPLES_REDIS_STREAM_H
#define EXAMPLES_REDIS_STREAM_H

#include <stdbool.h>
#include "redis_entry.h"
#include "redis_link.h"
#include "redis_report.h"

/* The braces keep its keys together, should Redis be a cluster. */
#define REDIS_STREAM_KEY "{upframe:chat}"

typedef struct redis_stream redis_stream;

/* Set the first seven; `cursor` and `is_open` may be read. */
struct redis_stream {
    server              *server;
    const redis_address *address;
    unsigned long        keep; /* entries, about */
    void                *user;
    void (*turned)(redis_stream *st); /* it is open now, or is not any more */
    void (*entry)(redis_stream *st, const redis_entry *e); /* the next one */
    /* Behind the cursor something may be missing. If the stream has been lost
     * or cut, the cursor has gone back to its new end. */
    void (*gap)(redis_stream *st);

    stream_id cursor; /* the last entry that was told */
    bool      is_open;

    /* Two connections, as one that waits for entries can be asked nothing. */
    redis_link reader, writer;
    bool       has_begun, is_placed;
    bool       is_sure;  /* an entry of the cursor's id was there */
    bool       is_stale; /* what is read now begins where we are not */
    redis_report report;
};

void redis_stream_begin(redis_stream *st);

/* Behind server_run(): what was asked is answered with NULL. */
void redis_stream_end(redis_stream *st);

/*
 * Append, unless an entry of this key was appended already ("." is no key):
 * within the last `keep` of them, whoever did it. False: nothing was sent, and
 * `fn` is not called. Else its reply is an integer; or not, and then the entry
 * may be there, or not.
 */
bool redis_stream_append(redis_stream *st, redisCallbackFn *fn, void *user,
                         const char *key, const char *name, upf_str text);

/* Whether the reply says that it is there. What Redis has against it is said on
 * standard error. */
bool redis_stream_is_kept(redis_stream *st, const redisReply *reply);

/* `count` entries, from `id` on, that one included; or the last ones, in
 * reverse. The reply is for redis_entry_read(), if it is an array. */
bool redis_stream_from(redis_stream *st, redisCallbackFn *fn, void *user,
                       const stream_id *id, unsigned long count);
bool redis_stream_last(redis_stream *st, redisCallbackFn *fn, void *user,
                       unsigned long count);

#endif
