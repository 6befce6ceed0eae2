/* SPDX-License-Identifier: MIT */
/* complaints.h - bad input is told of on standard error, but not without end. */
#ifndef EXAMPLES_COMPLAINTS_H
#define EXAMPLES_COMPLAINTS_H

#include <stdbool.h>
#include <stdint.h>

/* Of one source of input; all zero at first. */
typedef struct complaints {
    unsigned long count; /* all, told or not */
    unsigned      told;  /* in this second */
    uint64_t      until;
} complaints;

/* There is one more. False: ten of them were told within a second, so this one
 * is only counted. */
bool complaints_add(complaints *c);

#endif
