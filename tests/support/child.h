/* SPDX-License-Identifier: MIT */
/* child.h - a program that runs beside the test, and what it prints. */
#ifndef CHILD_H
#define CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What goes wrong here fails the test. */
struct child {
    pid_t  pid;    /* 0: not running */
    int    output; /* its standard output; -1: none */
    bool   errors; /* and its standard error, in order */
    int    out;    /* not 0: that is its standard output, and not `output` */
    char   text[4096]; /* read, and not yet taken as lines */
    size_t text_len;
    char   line[4096]; /* the last line, without its end */
};

/* Start from {.output = -1}. `argv` is NULL-terminated; argv[0] is the path. */
void child_start(struct child *c, char *const argv[]);

/*
 * Take the next line into c->line; false if there is none for `ms`. The test
 * fails if the child's output has ended.
 */
bool child_line(struct child *c, int ms);

/* For `out`, where every write fails: a pipe that nobody reads, or a full
 * device; -1 where there is none. */
int child_closed_pipe(void);
int child_full_device(void);

void child_signal(struct child *c, int number);

/* It does nothing (SIGSTOP) until child_signal(SIGCONT). */
void child_stop(struct child *c);

/*
 * Its work is done: it waits in poll() or epoll_wait(). What it was seen to do
 * must have begun. Where there is no /proc of Linux's, a while is taken for it.
 */
void child_await_asleep(const struct child *c);

/* The child has ended by itself and printed no more; its exit status. */
int child_exit_status(struct child *c);

/* The same, with what it printed since the last line, and a NUL behind that. */
int child_rest(struct child *c, char *text, size_t size);

/* Whatever it is doing, it is gone. */
void child_end(struct child *c);

/* Its open descriptors, the milliseconds that it has worked so far, and the
 * KiB of memory that it has; 0 where that cannot be told. */
size_t        child_descriptors(const struct child *c);
unsigned long child_processor_time(const struct child *c);
unsigned long child_memory(const struct child *c);

#endif
