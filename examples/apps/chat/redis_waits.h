/* SPDX-License-Identifier: MIT */
/* redis_waits.h - what hiredis waits for, told to the poller. */
#ifndef EXAMPLES_REDIS_WAITS_H
#define EXAMPLES_REDIS_WAITS_H

#include "redis_link.h"

/* From now on link->source is watched for what link->ac, which has just been
 * made, waits for; link->wanted says what that is. */
void redis_waits_begin(redis_link *link);

#endif
