/* SPDX-License-Identifier: MIT */
/* show.h - text of a stranger's, as it may go to a terminal. */
#ifndef EXAMPLE_SHOW_H
#define EXAMPLE_SHOW_H

#include <stddef.h>
#include <stdio.h>
#include <upframe/handshake.h>

/*
 * Write data[0, len), or about the first `most` bytes of it. What is not UTF-8,
 * and what could move the cursor, change colours or reverse the line (control
 * characters, C1 among them, and those of bidirectional text) is written as
 * \xNN. Returns how many bytes of `data` were shown.
 */
size_t show_text(FILE *out, const void *data, size_t len, size_t most);

/* The same, line by line, each behind `indent`: for a page or an explanation. */
void show_lines(FILE *out, const void *data, size_t len, const char *indent);

/*
 * A response that is no 101, as far as it says what to do: the headers that
 * tell where to go, how to be let in and when to come back; then the body.
 */
void show_refusal(FILE *out, const upf_response *response, const char *indent);

#endif
