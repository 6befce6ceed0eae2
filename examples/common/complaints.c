/* SPDX-License-Identifier: MIT */
/* complaints.c - bad input is told of on standard error, but not without end. */

#include "complaints.h"
#include "tcp.h"

enum { AT_ONCE = 10, WITHIN_MS = 1000 };

bool complaints_add(complaints *c)
{
    const uint64_t now = clock_ms();

    c->count++;
    if (now >= c->until) {
        c->until = now + WITHIN_MS;
        c->told  = 0;
    }
    return c->told++ < AT_ONCE;
}
