/* SPDX-License-Identifier: MIT */
/* dir_watch.h - what happens in a directory: inotify(7) in the loop. */
#ifndef EXAMPLES_DIR_WATCH_H
#define EXAMPLES_DIR_WATCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "poller.h"
#include "timers.h"

typedef struct dir_watch {
    const char *path;
    /* A line of text for each change: "written report.txt". What is no plain
     * ASCII or UTF-8 in a name is the caller's to judge. */
    void      (*changed)(void *user, const char *text);
    void       *user;

    source  source;
    timer   again; /* look whether the directory is there, and the same one */
    bool    is_there;
    int     watch;
    dev_t   device; /* of what is watched */
    ino_t   inode;
} dir_watch;

/* Set `path`, `changed` and `user` before. False, and standard error says why:
 * no such directory, or a system without inotify. Should the directory vanish
 * later, it is looked for once a second, and that is a change, too; so is
 * another directory at its path (a rename above it, a link that leads elsewhere
 * now), which is seen by the same look. */
bool dir_watch_begin(dir_watch *w, poller *p, timers *t);
void dir_watch_end(dir_watch *w);

#endif
