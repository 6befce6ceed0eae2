/* SPDX-License-Identifier: MIT */
/* naive.h - a server's judgement of a request, made another way than ours. */
#ifndef NAIVE_H
#define NAIVE_H

#include <stddef.h>

enum naive_verdict { NAIVE_REFUSED, NAIVE_PAGE, NAIVE_WEBSOCKET };

/* The fixtures of a group whose tests call naive_judge(). */
int naive_setup(void **state);
int naive_teardown(void **state);

/* Of a head of less than 2 KiB and 64 lines; any other is refused. */
enum naive_verdict naive_judge(const char *head, size_t len);

#endif
