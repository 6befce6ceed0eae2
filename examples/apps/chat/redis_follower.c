/* SPDX-License-Identifier: MIT */
/* redis_follower.c - a client, and how far it has come in the stream. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_name.h"
#include "redis_follower.h"

seat *seat_hold(seat *s)
{
    s->holds++;
    return s;
}

void seat_release(seat *s)
{
    if (--s->holds == 0)
        free(s);
}

bool follower_sit(follower *f, seat **list)
{
    seat *s = malloc(sizeof *s);

    if (s == NULL)
        return false;
    *s = (seat){.who = f, .holds = 1, .next = *list, .link = list};
    if (s->next != NULL)
        s->next->link = &s->next;
    *list   = s;
    f->seat = s;
    return true;
}

void follower_leave(follower *f)
{
    seat *s = f->seat;

    if (s == NULL)
        return;
    f->seat  = NULL;
    s->who   = NULL;
    *s->link = s->next;
    if (s->next != NULL)
        s->next->link = s->link;
    seat_release(s);
}

upf_shared *follower_message(const server *s, const redis_entry *e,
                             char *scratch)
{
    char id[STREAM_ID_MAX], name[NAME_LIMIT + 1];

    if (e->text.data == NULL || e->text.len > s->setup.max_message)
        return NULL;
    stream_id_write(&e->id, id);
    take_name(name, e->name.data, e->name.len);
    const int head = snprintf(scratch, FOLLOWER_HEAD_MAX, "said %s %.*s %s\n",
                              id, (int)e->key.len, e->key.data, name);
    memcpy(scratch + head, e->text.data, e->text.len);
    return upf_shared_new(&s->setup.config, UPF_OP_TEXT, scratch,
                          (size_t)head + e->text.len);
}

bool follower_has_room(follower *f)
{
    if (!upf_conn_congested(&f->client.ws))
        return true;
    if (f->slow_since == 0)
        f->slow_since = f->client.server->now;
    return false;
}

void follower_tell(follower *f, upf_shared *message, const stream_id *id)
{
    if (message != NULL)
        client_send_shared(&f->client, message);
    f->seen     = *id;
    f->has_seen = true;
}

void follower_tell_gap(follower *f)
{
    client_send(&f->client, UPF_OP_TEXT, "gap", 3);
}

void follower_look_at_time(follower *f)
{
    const server  *s        = f->client.server;
    const uint64_t patience = s->setup.pong_timeout;

    if (f->slow_since == 0 || patience == 0 ||
        s->now - f->slow_since <= patience)
        return;
    f->slow_since = 0;
    client_close(&f->client, UPF_CLOSE_POLICY, "too slow");
}
