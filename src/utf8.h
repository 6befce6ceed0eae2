/* SPDX-License-Identifier: MIT */
/* utf8.h - UTF-8 validation (RFC 3629) of text that comes in pieces. utf8.c has
 * the short inline functions once more, for calls that are not inlined. */
#ifndef UPF_UTF8_H
#define UPF_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "compiler.h"
#include "kernels/kernels_utf8.h"

/* The state between two code points, where a text begins and may end. */
enum { UPF_UTF8_START = 0 };

/* Whether `len` is from 8 to 16 and all bytes are ASCII. They are read as two
 * words that overlap. */
inline bool upf_is_short_ascii(const uint8_t *data, size_t len)
{
    uint64_t head, tail;

    if (len < sizeof head || len > 2 * sizeof head)
        return false;
    memcpy(&head, data, sizeof head);
    memcpy(&tail, data + len - sizeof tail, sizeof tail);
    return ((head | tail) & UINT64_C(0x8080808080808080)) == 0;
}

/* upf_utf8_check() without its fast path for short ASCII text. */
size_t upf_utf8_check_any(uint8_t *state, const uint8_t *data, size_t len);

/*
 * Check the next bytes of a text.
 *
 *   state  UPF_UTF8_START before the first byte of the text; carried from call
 *          to call, and otherwise the checker's own
 *   data   may be NULL if len is 0
 *
 * Returns len if the text can still become valid; it is valid as it stands if
 * *state is UPF_UTF8_START then. Otherwise returns the index of the first byte
 * that no valid text has in this place: in E0 80 the 80, in ED A0 the A0, and
 * C0 or F5 themselves. How the text was cut into calls makes no difference.
 *
 * After a failure *state is not meaningful; another call is safe.
 */
inline size_t upf_utf8_check(uint8_t *state, const uint8_t *data, size_t len)
{
    return !UPF_SMALL && *state == UPF_UTF8_START &&
                   upf_is_short_ascii(data, len) /* the usual case */
               ? len : upf_utf8_check_any(state, data, len);
}

/* Whether data[0, len) is a whole text in UTF-8. */
inline bool upf_utf8_is_valid(const void *data, size_t len)
{
    uint8_t state = UPF_UTF8_START;

    return upf_utf8_check(&state, (const uint8_t *)data, len) == len &&
           state == UPF_UTF8_START;
}

/*
 * Unmask src[0, len) into dst, with a key turned to src[0] (mask.h), and return
 * upf_utf8_check() of the result, in one pass. All bytes are unmasked, even
 * after an error. dst == src is allowed.
 */
size_t upf_utf8_check_masked(uint8_t *state, uint8_t *dst, const uint8_t *src,
                             size_t len, uint32_t key);

#endif
