/* SPDX-License-Identifier: MIT */
/* workloads.h - messages that are worth compressing, made by a program. */
#ifndef WORKLOADS_H
#define WORKLOADS_H

#include <stddef.h>
#include <stdint.h>

/* Messages that follow one another on a connection. */
struct workload {
    const char *name;
    size_t      size;  /* of each message, about */
    size_t      count;
    uint8_t   **text;
    size_t     *len;
};

/*
 * By name: "chat", "ticks", "game": 1,000 short ones; "json", "english",
 * "chinese" and "noise": 16 of 4 KiB; "json 64", "english 64": 2 of 64 KiB.
 * They are the same in each run, and made once.
 */
const struct workload *workload(const char *name);

#endif
