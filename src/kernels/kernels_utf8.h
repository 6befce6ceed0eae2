/* SPDX-License-Identifier: MIT */
/* kernels_utf8.h - where code points begin and end in valid UTF-8. */
#ifndef UPF_KERNELS_UTF8_H
#define UPF_KERNELS_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The length of the code point that begins with `lead`, which is C0 or more. */
static inline size_t upf_utf8_size(uint8_t lead)
{
    return lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
}

/*
 * How many bytes (0 to 3) at the end of data[0, len) are the start of a code
 * point that is not complete. `data` begins with a code point and is otherwise
 * valid.
 */
static inline size_t upf_utf8_incomplete(const uint8_t *data, size_t len)
{
    for (size_t tail = 1; tail <= 3 && tail <= len; tail++) {
        const uint8_t byte = data[len - tail];

        if (byte >= 0xC0)
            return tail < upf_utf8_size(byte) ? tail : 0;
        if (byte < 0x80)
            break;
    }
    return 0;
}

#endif
