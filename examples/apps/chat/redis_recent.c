/* SPDX-License-Identifier: MIT */
/* redis_recent.c - the newest messages, encoded. */

#include "redis_recent.h"

static void drop_oldest(redis_recent *r)
{
    recent_message *oldest = &r->ring[r->first];

    upf_shared_free(oldest->message);
    r->bytes -= oldest->size;
    r->first = (r->first + 1) % RECENT_MAX;
    r->count--;
}

void redis_recent_add(redis_recent *r, const recent_message *next)
{
    while (r->count == RECENT_MAX ||
           (r->count > 0 && r->bytes + next->size > RECENT_BYTES))
        drop_oldest(r);
    r->ring[(r->first + r->count++) % RECENT_MAX] = *next;
    r->bytes += next->size;
}

void redis_recent_clear(redis_recent *r)
{
    while (r->count > 0)
        drop_oldest(r);
}

const recent_message *redis_recent_at(const redis_recent *r, size_t i)
{
    return &r->ring[(r->first + i) % RECENT_MAX];
}

bool redis_recent_reaches(const redis_recent *r, const stream_id *id)
{
    return r->count > 0 &&
           stream_id_compare(id, &redis_recent_at(r, 0)->id) >= 0;
}
