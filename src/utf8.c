/* SPDX-License-Identifier: MIT */
/* utf8.c - UTF-8 validation: the grammar of RFC 3629, section 4, as states. */

#include <assert.h>
#include <string.h>

#include "compiler.h"
#include "kernels/kernels.h"
#include "mask.h"
#include "utf8.h"

extern inline bool upf_is_short_ascii(const uint8_t *data, size_t len);
extern inline size_t upf_utf8_check(uint8_t *state, const uint8_t *data,
                                    size_t len);
extern inline bool upf_utf8_is_valid(const void *data, size_t len);

/*
 * A state tells which bytes the current code point still needs. Four lead bytes
 * have a state of their own, because the byte after each has a smaller range.
 * Outside of it the code point would be overlong (after E0 and F0), a surrogate
 * (ED) or beyond U+10FFFF (F4).
 */
enum {
    DUE_0 = UPF_UTF8_START,
    DUE_1,
    DUE_2,
    DUE_3,
    DUE_2_AFTER_E0,
    DUE_2_AFTER_ED,
    DUE_3_AFTER_F0,
    DUE_3_AFTER_F4,
    IMPOSSIBLE
};

/* The range of the next byte in each state, and the state after it. */
static const struct { uint8_t lowest, highest, next; } due[] = {
    [DUE_1]          = {0x80, 0xBF, DUE_0},
    [DUE_2]          = {0x80, 0xBF, DUE_1},
    [DUE_3]          = {0x80, 0xBF, DUE_2},
    [DUE_2_AFTER_E0] = {0xA0, 0xBF, DUE_1},
    [DUE_2_AFTER_ED] = {0x80, 0x9F, DUE_1},
    [DUE_3_AFTER_F0] = {0x90, 0xBF, DUE_2},
    [DUE_3_AFTER_F4] = {0x80, 0x8F, DUE_2},
};

/* The state after a lead byte from E0 to F4. */
static const uint8_t after_long_lead[] = {
    DUE_2_AFTER_E0, DUE_2, DUE_2, DUE_2, DUE_2, DUE_2, DUE_2, DUE_2,
    DUE_2, DUE_2, DUE_2, DUE_2, DUE_2, DUE_2_AFTER_ED, DUE_2, DUE_2,
    DUE_3_AFTER_F0, DUE_3, DUE_3, DUE_3, DUE_3_AFTER_F4,
};

static uint8_t after_lead(uint8_t byte)
{
    if (byte < 0x80)
        return DUE_0;
    if (byte < 0xC2) /* a continuation; or C0, C1: overlong */
        return IMPOSSIBLE;
    if (byte < 0xE0)
        return DUE_1;
    return byte < 0xF5 ? after_long_lead[byte - 0xE0] : IMPOSSIBLE;
}

static uint8_t after(uint8_t state, uint8_t byte)
{
    if (state == DUE_0)
        return after_lead(byte);
    if (byte < due[state].lowest || byte > due[state].highest)
        return IMPOSSIBLE;
    return due[state].next;
}

/* upf_utf8_check() of data[i, len), byte by byte. */
static size_t check_bytes(uint8_t *state, const uint8_t *data, size_t len,
                          size_t i)
{
    uint8_t s = *state;

    assert(s < IMPOSSIBLE);
    assert(data != NULL || len == 0);
    for (; i < len; i++) {
        s = after(s, data[i]);
        if (s == IMPOSSIBLE) {
            *state = UPF_UTF8_START;
            return i;
        }
    }
    *state = s;
    return len;
}

size_t upf_utf8_check_any(uint8_t *state, const uint8_t *data, size_t len)
{
    size_t i = 0;

    if (UPF_SMALL)
        return check_bytes(state, data, len, 0);
    /* First the rest of a code point that was cut. */
    for (; i < len && *state != DUE_0; i++)
        if (check_bytes(state, data + i, 1, 0) == 0)
            return i;
    if (i < len)
        i += upf_kernels()->utf8(data + i, len - i);
    return check_bytes(state, data, len, i);
}

size_t upf_utf8_check_masked(uint8_t *state, uint8_t *dst, const uint8_t *src,
                             size_t len, uint32_t key)
{
    uint8_t bytes[4];
    size_t  i = 0, bad = 0;

    if (UPF_SMALL) {
        upf_kernels()->mask(dst, src, len, key);
        return check_bytes(state, dst, len, 0);
    }
    memcpy(bytes, &key, sizeof key);
    /* First the rest of a code point that was cut. */
    for (; i < len && *state != DUE_0 && bad == 0; i++) {
        dst[i] = src[i] ^ bytes[i % 4];
        bad = 1 - check_bytes(state, dst + i, 1, 0);
    }
    if (i == len)
        return len - bad;
    const size_t good =
        i + upf_kernels()->mask_utf8(dst + i, src + i, len - i,
                                     upf_mask_turn(key, i));
    return bad > 0 ? i - 1
                   : good == len ? len : check_bytes(state, dst, len, good);
}
