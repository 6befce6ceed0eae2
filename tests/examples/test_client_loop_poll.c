/* SPDX-License-Identifier: MIT */
/* test_client_loop_poll.c - the same loop over poll(2), as where there is no
 * epoll. */

#include <poll.h>

#define POLLER_POLL
#include "common/poller.c" /* in place of the archive's */
#include "test_client_loop.c"
