/* SPDX-License-Identifier: MIT */
/* redis_entry.h - what was said, as an entry of a Redis stream, and its id. */
#ifndef EXAMPLES_REDIS_ENTRY_H
#define EXAMPLES_REDIS_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <hiredis/hiredis.h>
#include <upframe/str.h>

/* "1526919030474-55": Redis gives them, each greater than the one before. All
 * zero is less than any. */
typedef struct stream_id {
    uint64_t ms, seq;
} stream_id;

#define STREAM_ID_MAX 48 /* characters, with the NUL */

bool stream_id_read(stream_id *id, const char *text, size_t len);
void stream_id_write(const stream_id *id, char text[STREAM_ID_MAX]);

/* Below, at or above zero, as strcmp() says it. */
int stream_id_compare(const stream_id *a, const stream_id *b);

/* At most the end of a stream that was lost or cut: the ids behind it will be
 * given again. */
void stream_id_go_back(stream_id *id, const stream_id *end);

/* What the sender calls its message: 1 to 64 letters, digits, '-' and '_'. */
enum { SENDER_KEY_MAX = 64 };

/* How many of the `len` bytes, from the first one on, can be a key. */
size_t sender_key_span(const char *text, size_t len);

/* Slices of the reply. Whoever can write to Redis may have written the entry:
 * `text.data` is NULL if it is none of ours; `key` is "." if there is none. */
typedef struct redis_entry {
    stream_id id;
    upf_str   key, name, text;
} redis_entry;

/* From an element of XRANGE's reply; false if it has no id. */
bool redis_entry_read(redis_entry *entry, const redisReply *reply);

#endif
