/* SPDX-License-Identifier: MIT */
/* poller.h - who of many has something to read or room to write: epoll(7) on
 * Linux, poll(2) elsewhere (or with -DPOLLER_POLL). */
#ifndef EXAMPLES_POLLER_H
#define EXAMPLES_POLLER_H

#include <stdbool.h>
#include <stddef.h>

#define POLLER_READ  1u
#define POLLER_WRITE 2u
#define POLLER_LOST  4u /* told, never asked for: both directions are dead */

typedef struct poller poller;

/* A descriptor and what is to be done when it is ready: to be embedded in what
 * owns it. Set `fd` and `ready`; the rest is the poller's. */
typedef struct source {
    int      fd;
    void   (*ready)(struct source *source, unsigned events);
    unsigned watched; /* what was asked for last */
    bool     known;   /* to the poller */
    bool     is_file; /* which epoll would not wait for */
    size_t   slot;
    struct source *next_file;
} source;

poller *poller_new(void);
void    poller_free(poller *p);

/* What `source` is a field of: OWNER_OF(struct feed, source, s). */
#define OWNER_OF(type, field, pointer) \
    ((type *)(void *)((char *)(pointer) - offsetof(type, field)))

/* From now on wait for `events` of the source; 0: for none. A file of a disk is
 * always ready. False if there is no memory, or the kernel refuses. */
bool poller_watch(poller *p, source *source, unsigned events);

/* Before the descriptor is closed. A source that was forgotten is not told of
 * again, not even in the poller_wait() that is under way. */
void poller_forget(poller *p, source *source);

/*
 * Wait at most `timeout_ms` (-1: for ever) and call ready() of each source that
 * is. It may watch and forget any source; memory that holds a source that was
 * forgotten may be freed when poller_wait() has returned, and not before.
 * False, with errno, if waiting is impossible.
 */
bool poller_wait(poller *p, int timeout_ms);

#endif
