/* SPDX-License-Identifier: MIT */
/* watch.h - what must hold between two calls: memory, and slices offered. */
#ifndef WATCH_H
#define WATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "run.h"

/* What is enforced; 0 to look for other things first. */
enum {
    /* Heap for output is at most 2 x the most that was queued at once since it
     * was last empty, and 28 KiB. */
    ENFORCE_HEAP_BOUND = 1,
    /* A message in pieces has memory for twice what came of it and 4 KiB, and
     * never for more than was declared or may come. */
    ENFORCE_ASSEMBLY_BOUND = 1,
    /* What upf_conn_output() offered stays where it is, whole, through every
     * call but upf_conn_output_done(), _lost() and _free(). */
    ENFORCE_STABLE_SLICES = 1,
    /* What an extension made of a message counts for max_queued. */
    ENFORCE_ENCODED_LIMIT = 1,
    /* An extension encodes no message that is then refused, unless no other
     * leaves after it. */
    ENFORCE_ENCODER_IN_STEP = 1
};

enum { WATCHED_SLICES = 64 };

struct watch { /* starts as {0} */
    size_t    most_queued; /* since the output was last empty */
    bool      kept;  /* what is offered next may lie elsewhere */
    size_t    count;
    upf_slice slices[WATCHED_SLICES]; /* as they were offered */
    uint8_t  *copies[WATCHED_SLICES];
};

/* After any call. */
void watch_memory(struct watch *watch, const struct run *run);

/* Offer up to `max` slices, and keep an eye on them. */
void watch_offer(struct watch *watch, struct run *run, size_t max);

/* They must be as they were. */
void watch_slices(const struct watch *watch);

/* The call that ends them comes. */
void watch_forget(struct watch *watch);

#endif
