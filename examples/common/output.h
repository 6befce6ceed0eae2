/* SPDX-License-Identifier: MIT */
/* output.h - standard output, and whether anybody gets it. */
#ifndef EXAMPLES_OUTPUT_H
#define EXAMPLES_OUTPUT_H

#include <stdbool.h>

/*
 * Write what standard output still holds. False for good as soon as some of it
 * could not be written, now or before (a pipe that nobody reads any more, a
 * full disk): then standard error has said so, once. A program that runs on
 * looks now and then, and all look before they say that they have succeeded.
 */
bool output_flush(void);

#endif
