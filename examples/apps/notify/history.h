/* SPDX-License-Identifier: MIT */
/*
 * history.h - topics, and the last so many events: what a client that was away
 * has missed.
 *
 * Events of all topics have one row of numbers, 1, 2, ... so that one number
 * says what a client has seen, whatever it follows. An id is that number behind
 * the name of this run of the server, a random one: after a restart, an old id
 * means nothing, and is seen to.
 *
 * An event is kept as the frame that goes to everybody, encoded once. The last
 * one of each topic is kept however old it is: it is the topic's state.
 */
#ifndef EXAMPLES_HISTORY_H
#define EXAMPLES_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <upframe/conn.h>
#include "client_set.h"

enum {
    TOPIC_MAX  = 64,        /* bytes of a topic's name */
    TEXT_MAX   = 64 * 1024, /* bytes of an event's text */
    TOPICS_MAX = 1000,      /* that have events */
    ID_SIZE    = 16 + 1 + 20 + 1,
    EVENT_HEAD = 6 + ID_SIZE + 1 + TOPIC_MAX + 1 + 20 + 1 /* at most */
};

typedef struct topic {
    char          name[TOPIC_MAX + 1];
    client_set    followers;
    struct event *last;      /* NULL: there was none yet */
    uint64_t      forgotten; /* the number of its last one that the ring has
                                lost; 0: none */
    struct topic *next;      /* in its bucket */
} topic;

typedef struct event {
    uint64_t    number;
    topic      *topic;
    upf_shared *frame;
    bool        in_ring; /* else it is kept for being its topic's last */
} event;

typedef struct history {
    const upf_config *config;
    char     run[16 + 1];
    uint64_t last;    /* number; 0: there was none */
    size_t   size;    /* of the ring */
    event  **ring;    /* number n is at n % size */
    topic   *buckets[1024];
    topic   *published[TOPICS_MAX]; /* who has events, the oldest first */
    size_t   published_count;
    topic    all;     /* "*": its followers follow every topic */
} history;

/* False: no memory, or no random name for this run. */
bool history_begin(history *h, size_t size, const upf_config *config);
void history_end(history *h);

/* Letters, digits and ._- are good for a URL's path and for a line. */
bool topic_name_is_good(upf_str name);

/*
 * The topic of that good name, or "*"; it is made if it is not there. NULL: no
 * memory. One that nobody follows and that has no event can be let go.
 */
topic *topic_find(history *h, upf_str name);
void   topic_let_go(history *h, topic *t);

/*
 * A new event, "event ID TOPIC TIME", and `text` on the next line. NULL, and
 * *why says it: a bad name, too long, not UTF-8, too many topics, no memory.
 */
event *history_add(history *h, upf_str name, upf_str text, const char **why);

/* Of the events that the ring has: the number of the first; and one. */
uint64_t history_first(const history *h);
event   *history_get(const history *h, uint64_t number);

/* "RUN-NUMBER", and what one read from such; false: it is none. */
void history_id(const history *h, uint64_t number, char id[ID_SIZE]);

typedef enum id_kind { ID_BAD, ID_OTHER_RUN, ID_OURS } id_kind;
id_kind history_read_id(const history *h, upf_str id, uint64_t *number);

#endif
