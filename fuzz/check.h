/* SPDX-License-Identifier: MIT */
/* check.h - a property that must hold: else say which, and abort. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>

/* CHECK(condition, "format", ...): the format says what is wrong. */
#define CHECK(condition, ...)                                            \
    do {                                                                 \
        if (!(condition)) {                                              \
            fprintf(stderr, "%s:%d: %s\n    ", __FILE__, __LINE__,       \
                    #condition);                                         \
            fprintf(stderr, __VA_ARGS__);                                \
            fputc('\n', stderr);                                         \
            abort();                                                     \
        }                                                                \
    } while (0)

#endif
