/* SPDX-License-Identifier: MIT */
/* dir_watch.c - what happens in a directory: see dir_watch.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dir_watch.h"

#ifdef __linux__

#include <sys/inotify.h>
#include <sys/stat.h>

/* What is at the path is noted first: should it be replaced before it is
 * watched, the next look sees another one, and watches anew. */
static bool look(dir_watch *w)
{
    struct stat now;

    w->is_there = false;
    if (stat(w->path, &now) != 0)
        return false;
    w->device = now.st_dev;
    w->inode  = now.st_ino;
    w->watch  = inotify_add_watch(
        w->source.fd, w->path, IN_ONLYDIR | IN_CLOSE_WRITE | IN_CREATE |
        IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |
        IN_MOVE_SELF);
    w->is_there = w->watch >= 0;
    return w->is_there;
}

static void is_gone(dir_watch *w)
{
    if (!w->is_there)
        return; /* it was moved away: then its watch ends, too */
    w->is_there = false;
    (void)inotify_rm_watch(w->source.fd, w->watch);
    w->watch = -1; /* what it still had to tell is of another place */
    fprintf(stderr, "%s is gone; watched again once it is back\n", w->path);
    w->changed(w->user, "the directory is gone");
}

/* inotify follows the directory and not the path: a link that leads elsewhere
 * now, or a rename of what is above, it does not tell. */
static bool is_another(const dir_watch *w)
{
    struct stat now;

    return stat(w->path, &now) != 0 || now.st_dev != w->device ||
           now.st_ino != w->inode;
}

static void on_again(timer *t)
{
    dir_watch *w = OWNER_OF(dir_watch, again, t);

    if (w->is_there) {
        if (!is_another(w))
            return;
        is_gone(w);
    }
    if (!look(w))
        return;
    fprintf(stderr, "%s is back, and watched\n", w->path);
    w->changed(w->user, "the directory is back");
}

/* A file that is created is told of when it was written; a directory at once,
 * and so is a link, which nobody writes. */
static const char *verb(uint32_t mask)
{
    if (mask & IN_CLOSE_WRITE)
        return "written";
    if (mask & IN_CREATE)
        return mask & IN_ISDIR ? "made directory" : NULL;
    if (mask & IN_DELETE)
        return "removed";
    if (mask & IN_MOVED_TO)
        return "moved in";
    return mask & IN_MOVED_FROM ? "moved away" : NULL;
}

static void hear_one(dir_watch *w, const struct inotify_event *ev)
{
    char text[64 + 256]; /* NAME_MAX is 255 */

    if (ev->mask & IN_Q_OVERFLOW) {
        fprintf(stderr, "%s changes too fast: some was not seen\n", w->path);
        w->changed(w->user, "too many changes at once: some were not seen");
        return;
    }
    if (ev->wd != w->watch)
        return; /* of the directory that was here before */
    if (ev->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) {
        is_gone(w);
        return;
    }
    const char *what = verb(ev->mask);
    if (what == NULL || ev->len == 0)
        return;
    const int len = snprintf(text, sizeof text, "%s %s", what, ev->name);
    for (int i = 0; i < len && i < (int)sizeof text; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
            text[i] = '?';
    w->changed(w->user, text);
}

static void on_changes(source *from, unsigned events)
{
    dir_watch *w = OWNER_OF(dir_watch, source, from);
    union { /* aligned for both */
        struct inotify_event first;
        char                 bytes[4096];
    } in;
    const ssize_t n = read(from->fd, in.bytes, sizeof in.bytes);

    (void)events;
    for (ssize_t at = 0; at < n;) {
        const struct inotify_event *ev = (const void *)(in.bytes + at);
        at += (ssize_t)(sizeof *ev + ev->len);
        hear_one(w, ev);
    }
}

bool dir_watch_begin(dir_watch *w, poller *p, timers *t)
{
    w->source = (source){.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
                         .ready = on_changes};
    if (w->source.fd >= 0 && look(w) &&
        poller_watch(p, &w->source, POLLER_READ)) {
        timers_every(t, &w->again, 1, on_again);
        return true;
    }
    fprintf(stderr, "cannot watch %s: %s\n", w->path, strerror(errno));
    if (w->source.fd >= 0)
        close(w->source.fd);
    w->source.fd = -1;
    return false;
}

void dir_watch_end(dir_watch *w)
{
    if (w->source.fd >= 0)
        close(w->source.fd);
}

#else

bool dir_watch_begin(dir_watch *w, poller *p, timers *t)
{
    (void)p, (void)t;
    w->source.fd = -1;
    fprintf(stderr, "cannot watch %s: this system has no inotify\n", w->path);
    return false;
}

void dir_watch_end(dir_watch *w) { (void)w; }

#endif
