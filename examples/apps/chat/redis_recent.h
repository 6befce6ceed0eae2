/* SPDX-License-Identifier: MIT */
/* redis_recent.h - the newest messages, encoded: so that the last steps of who
 * catches up need no Redis, which would always be a step behind. */
#ifndef EXAMPLES_REDIS_RECENT_H
#define EXAMPLES_REDIS_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <upframe/conn.h>
#include "redis_entry.h"

enum { RECENT_MAX = 1024, RECENT_BYTES = 4 << 20 };

typedef struct recent_message {
    stream_id   id;
    upf_shared *message; /* NULL: nothing is said for this id */
    size_t      size;
} recent_message;

/* All zero is none. */
typedef struct redis_recent {
    recent_message ring[RECENT_MAX];
    size_t         first, count, bytes;
} redis_recent;

/* The next one, whose reference it takes. */
void redis_recent_add(redis_recent *r, const recent_message *next);
void redis_recent_clear(redis_recent *r);

/* The `i`th of them, from the oldest on. */
const recent_message *redis_recent_at(const redis_recent *r, size_t i);

/* Whether all that follows `id` is there. */
bool redis_recent_reaches(const redis_recent *r, const stream_id *id);

#endif
