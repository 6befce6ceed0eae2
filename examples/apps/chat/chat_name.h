/* SPDX-License-Identifier: MIT */
/* chat_name.h - what of a text may be the name of a person in a chat. */
#ifndef EXAMPLES_CHAT_NAME_H
#define EXAMPLES_CHAT_NAME_H

#include <stddef.h>

enum { NAME_LIMIT = 32 }; /* bytes */

/*
 * Take what can be a name from `text`, which is UTF-8: no control characters
 * (they would break the lines), no outer spaces, no character cut in two.
 */
void take_name(char name[NAME_LIMIT + 1], const void *text, size_t len);

#endif
