/* SPDX-License-Identifier: MIT */
/* line_input.h - lines from a descriptor, such as standard input, as they come:
 * in the server's loop, and however long they are. */
#ifndef EXAMPLES_LINE_INPUT_H
#define EXAMPLES_LINE_INPUT_H

#include "complaints.h"
#include "poller.h"

enum { LINE_MAX_LEN = 64 * 1024 + 128 };

typedef struct line_input {
    source        source;
    poller       *poller;
    /* A line, without its end. */
    void        (*line)(void *user, const char *text, size_t len);
    void         *user;
    complaints    bad;
    unsigned long number; /* of the line that is being read; 1: the first */
    size_t        len;
    bool          too_long; /* what comes is dropped until its end */
    char          text[LINE_MAX_LEN];
} line_input;

/* The line that is heard now is bad: standard error says why, if it has not said
 * so much lately (complaints.h). */
void line_input_complain(line_input *in, const char *why);

/* Set `line` and `user` before. `fd` stays as it is: should another process read
 * from it, too, a read may wait. False: no memory, or the kernel refuses. The
 * input's end is no error: the program goes on without it. */
bool line_input_begin(line_input *in, poller *p, int fd);

#endif
