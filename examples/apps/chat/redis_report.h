/* SPDX-License-Identifier: MIT */
/* redis_report.h - what is wrong with Redis, and what to do, on standard error;
 * not again and again while it stays so. */
#ifndef EXAMPLES_REDIS_REPORT_H
#define EXAMPLES_REDIS_REPORT_H

enum { REDIS_WHY_MAX = 160 };

/* Set `address`; the rest is all zero. */
typedef struct redis_report {
    const char *address;
    char        last[REDIS_WHY_MAX];
} redis_report;

void redis_report_say(redis_report *r, const char *what);

#endif
