/* SPDX-License-Identifier: MIT */
/* timers.h - what is to be done so many times a second. */
#ifndef EXAMPLES_TIMERS_H
#define EXAMPLES_TIMERS_H

/* To be embedded in what the timer is for; all zero at first. */
typedef struct timer {
    void        (*fire)(struct timer *t);
    double        period_ms, due_ms;
    struct timer *next;
} timer;

/* All zero is none. */
typedef struct timers {
    timer *first;
} timers;

/*
 * From now on fire() is called `per_second` times a second, without drift: the
 * times are fixed from the beginning. Where the process was late, what was
 * missed is skipped and not made up for.
 */
void timers_every(timers *all, timer *t, double per_second,
                  void (*fire)(timer *t));

/* Fire who is due at `now_ms` of clock_ms(). A timer may stop itself. */
void timers_run(timers *all, double now_ms);
void timers_stop(timers *all, timer *t);

/* When the next one is due; infinitely late if there is none. */
double timers_due(const timers *all);

#endif
