/* SPDX-License-Identifier: MIT */
/* client_set.c - sets of clients: a room, a topic; who is gone is in none. */

#include <stdio.h>
#include <stdlib.h>

#include "client_set.h"
#include "server.h"

/* Make room for one more; false if there is no memory. */
static bool room_for_one(void **items, size_t count, size_t *size, size_t each)
{
    if (count < *size)
        return true;
    const size_t more  = *size > 0 ? *size * 2 : 4;
    void        *moved = realloc(*items, more * each);
    if (moved == NULL)
        return false;
    *items = moved;
    *size  = more;
    return true;
}

static struct membership *find(const client_set *set, const client *c)
{
    for (size_t i = 0; i < c->sets.count; i++)
        if (c->sets.items[i].set == set)
            return &c->sets.items[i];
    return NULL;
}

bool set_has(const client_set *set, const client *c)
{
    return find(set, c) != NULL;
}

bool set_join(client_set *set, client *c)
{
    void *members = set->members;
    void *sets    = c->sets.items;

    if (find(set, c) != NULL)
        return true;
    const bool ok = room_for_one(&members, set->count, &set->size,
                                 sizeof *set->members) &&
                    room_for_one(&sets, c->sets.count, &c->sets.size,
                                 sizeof *c->sets.items);
    set->members  = members;
    c->sets.items = sets;
    if (!ok)
        return false;
    set->members[set->count] = (struct member){c, c->sets.count};
    c->sets.items[c->sets.count++] = (struct membership){set, set->count++};
    return true;
}

/* The last one takes the place of who leaves, on both sides. */
static void leave(client *c, struct membership *m)
{
    client_set   *set   = m->set;
    const size_t  at    = m->at;
    const struct member last = set->members[--set->count];

    set->members[at] = last;
    last.client->sets.items[last.at].at = at;

    *m = c->sets.items[--c->sets.count];
    if (m != &c->sets.items[c->sets.count])
        m->set->members[m->at].at = (size_t)(m - c->sets.items);
}

void set_leave(client_set *set, client *c)
{
    struct membership *m = find(set, c);

    if (m != NULL)
        leave(c, m);
}

void set_leave_all(client *c)
{
    while (c->sets.count > 0)
        leave(c, &c->sets.items[c->sets.count - 1]);
    free(c->sets.items);
    c->sets = (memberships){0};
}

void set_free(client_set *set)
{
    while (set->count > 0)
        set_leave(set, set->members[set->count - 1].client);
    free(set->members);
    *set = (client_set){0};
}

bool set_send(server *s, const client_set *set, upf_opcode opcode,
              const void *data, size_t len)
{
    upf_shared *shared =
        upf_shared_new(&s->setup.config, opcode, data, len);

    if (shared == NULL) {
        if (complaints_add(&s->mistakes))
            fputs("a message is not sent: it is not UTF-8, or there is no "
                  "memory\n", stderr);
        return false;
    }
    for (size_t i = 0; i < set->count; i++)
        if (upf_conn_is_open(&set->members[i].client->ws))
            client_send_shared(set->members[i].client, shared);
    upf_shared_free(shared); /* the last one to be written frees it */
    return true;
}
