/* SPDX-License-Identifier: MIT */
/* chat_name.c - what of a text may be the name of a person in a chat. */

#include <stdint.h>

#include "chat_name.h"

void take_name(char name[NAME_LIMIT + 1], const void *from, size_t len)
{
    const uint8_t *text = from;
    size_t         n    = 0;

    while (len > 0 && *text == ' ')
        text++, len--;
    if (len > NAME_LIMIT) {
        len = NAME_LIMIT;
        while (len > 0 && (text[len] & 0xC0) == 0x80)
            len--;
    }
    for (size_t i = 0; i < len; i++)
        if (text[i] >= 0x20 && text[i] != 0x7F)
            name[n++] = (char)text[i];
    while (n > 0 && name[n - 1] == ' ')
        n--;
    name[n] = '\0';
}
