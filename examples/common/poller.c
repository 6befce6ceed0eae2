/* SPDX-License-Identifier: MIT */
/* poller.c - who of many has something to read or room to write. */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "poller.h"

#if defined __linux__ && !defined POLLER_POLL

#include <sys/epoll.h>

enum { BATCH = 256 }; /* sources that one wait tells of */

struct poller {
    int                fd;
    source            *files; /* always ready */
    struct epoll_event events[BATCH];
};

poller *poller_new(void)
{
    poller *p = calloc(1, sizeof *p);

    if (p != NULL && (p->fd = epoll_create1(EPOLL_CLOEXEC)) < 0) {
        free(p);
        return NULL;
    }
    return p;
}

void poller_free(poller *p)
{
    if (p != NULL)
        close(p->fd);
    free(p);
}

bool poller_watch(poller *p, source *s, unsigned events)
{
    struct epoll_event event = {
        .events = (events & POLLER_READ ? (uint32_t)EPOLLIN : 0) |
                  (events & POLLER_WRITE ? (uint32_t)EPOLLOUT : 0),
        .data.ptr = s};

    if (s->known && s->watched == events)
        return true;
    if (!s->is_file &&
        epoll_ctl(p->fd, s->known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
                  s->fd, &event) != 0) {
        if (errno != EPERM)
            return false;
        s->is_file   = true;
        s->next_file = p->files;
        p->files     = s;
    }
    s->known   = true;
    s->watched = events;
    return true;
}

void poller_forget(poller *p, source *s)
{
    if (s->known && !s->is_file)
        (void)epoll_ctl(p->fd, EPOLL_CTL_DEL, s->fd, NULL);
    for (source **at = &p->files; *at != NULL; at = &(*at)->next_file)
        if (*at == s) {
            *at = s->next_file;
            break;
        }
    s->is_file = false;
    s->known   = false;
    s->watched = 0;
}

static bool tell_files(poller *p)
{
    bool   any = false;
    source *next;

    for (source *s = p->files; s != NULL; s = next) {
        next = s->next_file; /* it may forget itself, and no other file */
        if (s->watched != 0) {
            s->ready(s, s->watched);
            any = true;
        }
    }
    return any;
}

bool poller_wait(poller *p, int timeout_ms)
{
    if (p->files != NULL && tell_files(p))
        timeout_ms = 0;
    const int n = epoll_wait(p->fd, p->events, BATCH, timeout_ms);

    for (int i = 0; i < n; i++) {
        source *const  s    = p->events[i].data.ptr;
        const uint32_t seen = p->events[i].events;
        if (!s->known)
            continue; /* forgotten since */
        s->ready(s, (seen & EPOLLIN ? POLLER_READ : 0) |
                        (seen & EPOLLOUT ? POLLER_WRITE : 0) |
                        (seen & (EPOLLHUP | EPOLLERR) ? POLLER_LOST : 0));
    }
    return n >= 0 || errno == EINTR;
}

#else /* ---- poll(2) ------------------------------------------------------- */

#include <poll.h>

/* Slots are filled from the front; the last one takes an empty one's place, but
 * not while they are told of. */
struct poller {
    struct pollfd *polls;
    source       **sources; /* NULL: forgotten since */
    size_t         count, size;
    bool           has_holes;
};

poller *poller_new(void) { return calloc(1, sizeof(poller)); }

void poller_free(poller *p)
{
    if (p != NULL) {
        free(p->polls);
        free(p->sources);
    }
    free(p);
}

static bool grow(poller *p)
{
    const size_t   size    = p->size > 0 ? p->size * 2 : 64;
    struct pollfd *polls   = realloc(p->polls, size * sizeof *polls);

    if (polls == NULL)
        return false;
    p->polls = polls;
    source **sources = realloc(p->sources, size * sizeof(source *));
    if (sources == NULL)
        return false;
    p->sources = sources;
    p->size    = size;
    return true;
}

bool poller_watch(poller *p, source *s, unsigned events)
{
    if (!s->known) {
        if (p->count == p->size && !grow(p))
            return false;
        s->slot             = p->count++;
        s->known            = true;
        p->sources[s->slot] = s;
        p->polls[s->slot]   = (struct pollfd){.fd = s->fd};
    }
    s->watched                 = events;
    p->polls[s->slot].events =
        (short)((events & POLLER_READ ? POLLIN : 0) |
                (events & POLLER_WRITE ? POLLOUT : 0));
    return true;
}

void poller_forget(poller *p, source *s)
{
    if (s->known) {
        p->sources[s->slot]  = NULL;
        p->polls[s->slot].fd = -1;
        p->has_holes              = true;
    }
    s->known   = false;
    s->watched = 0;
}

static void close_holes(poller *p)
{
    size_t kept = 0;

    for (size_t i = 0; i < p->count; i++) {
        if (p->sources[i] == NULL)
            continue;
        p->sources[i]->slot = kept;
        p->polls[kept]      = p->polls[i];
        p->sources[kept++]  = p->sources[i];
    }
    p->count     = kept;
    p->has_holes = false;
}

bool poller_wait(poller *p, int timeout_ms)
{
    if (p->has_holes)
        close_holes(p);
    const size_t count = p->count; /* who comes now was not polled */
    const int    n     = poll(p->polls, (nfds_t)count, timeout_ms);

    for (size_t i = 0; n > 0 && i < count; i++) {
        const short seen = p->polls[i].revents;
        if (seen != 0 && p->sources[i] != NULL)
            p->sources[i]->ready(
                p->sources[i],
                (seen & POLLIN ? POLLER_READ : 0) |
                    (seen & POLLOUT ? POLLER_WRITE : 0) |
                    (seen & (POLLHUP | POLLERR | POLLNVAL) ? POLLER_LOST : 0));
    }
    return n >= 0 || errno == EINTR;
}

#endif
