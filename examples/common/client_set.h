/* SPDX-License-Identifier: MIT */
/* client_set.h - sets of clients: a room, a topic; who is gone is in none. */
#ifndef EXAMPLES_CLIENT_SET_H
#define EXAMPLES_CLIENT_SET_H

#include <stdbool.h>
#include <stddef.h>

struct client;

/*
 * All zero is an empty set. members[0, count) may be read. Whoever goes through
 * them from the last to the first may let the client at hand leave; others may
 * join, and are not met.
 */
typedef struct client_set {
    struct member *members;
    size_t         count, size;
} client_set;

struct member {
    struct client *client;
    size_t         at; /* in its memberships */
};

/* The same, seen from a client. */
typedef struct memberships {
    struct membership *items;
    size_t             count, size;
} memberships;

struct membership {
    client_set *set;
    size_t      at; /* in its members */
};

/* Joining twice and leaving twice have no effect; both look through the sets
 * that the client is in. False: no memory. The set must not move while it has
 * members. */
bool set_join(client_set *set, struct client *c);
void set_leave(client_set *set, struct client *c);
bool set_has(const client_set *set, const struct client *c);

void set_leave_all(struct client *c);
void set_free(client_set *set); /* all leave */

#endif
