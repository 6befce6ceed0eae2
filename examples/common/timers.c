/* SPDX-License-Identifier: MIT */
/* timers.c - what is to be done so many times a second. */

#include <math.h>
#include <stddef.h>

#include "tcp.h"
#include "timers.h"

void timers_every(timers *all, timer *t, double per_second,
                  void (*fire)(timer *t))
{
    t->fire      = fire;
    t->period_ms = 1000 / per_second;
    t->due_ms    = (double)clock_ms() + t->period_ms;
    t->next      = all->first;
    all->first   = t;
}

void timers_stop(timers *all, timer *t)
{
    for (timer **at = &all->first; *at != NULL; at = &(*at)->next)
        if (*at == t) {
            *at = t->next;
            return;
        }
}

void timers_run(timers *all, double now_ms)
{
    timer *next;

    for (timer *t = all->first; t != NULL; t = next) {
        next = t->next;
        if (t->due_ms > now_ms)
            continue;
        const double missed = (now_ms - t->due_ms) / t->period_ms;
        t->due_ms += t->period_ms * (double)((unsigned long)missed + 1);
        t->fire(t);
    }
}

double timers_due(const timers *all)
{
    double due = HUGE_VAL;

    for (const timer *t = all->first; t != NULL; t = t->next)
        if (t->due_ms < due)
            due = t->due_ms;
    return due;
}
