/* SPDX-License-Identifier: MIT */
/* utf8.c - is it UTF-8? The grammar of RFC 3629, section 4, as states. */

#include <assert.h>
#include <string.h>

#include "utf8.h"

/*
 * A state is what is still due of the current code point. Four lead bytes
 * narrow the byte behind them, and have a state of their own for it: E0 and F0
 * (else overlong), ED (else a surrogate), F4 (else beyond U+10FFFF).
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

/* The continuation bytes that a state allows, and the state behind them. */
static const struct { uint8_t lowest, highest, next; } due[] = {
    [DUE_1]          = {0x80, 0xBF, DUE_0},
    [DUE_2]          = {0x80, 0xBF, DUE_1},
    [DUE_3]          = {0x80, 0xBF, DUE_2},
    [DUE_2_AFTER_E0] = {0xA0, 0xBF, DUE_1},
    [DUE_2_AFTER_ED] = {0x80, 0x9F, DUE_1},
    [DUE_3_AFTER_F0] = {0x90, 0xBF, DUE_2},
    [DUE_3_AFTER_F4] = {0x80, 0x8F, DUE_2},
};

/* ASCII does not come here: valid_prefix() has passed over it. */
static uint8_t after_lead(uint8_t byte)
{
    if (byte < 0xC2) /* a continuation; or C0, C1: overlong */
        return IMPOSSIBLE;
    if (byte < 0xE0)
        return DUE_1;
    if (byte < 0xF0)
        return byte == 0xE0 ? DUE_2_AFTER_E0
             : byte == 0xED ? DUE_2_AFTER_ED : DUE_2;
    if (byte < 0xF5)
        return byte == 0xF0 ? DUE_3_AFTER_F0
             : byte == 0xF4 ? DUE_3_AFTER_F4 : DUE_3;
    return IMPOSSIBLE;
}

static uint8_t after(uint8_t state, uint8_t byte)
{
    if (state == DUE_0)
        return after_lead(byte);
    if (byte < due[state].lowest || byte > due[state].highest)
        return IMPOSSIBLE;
    return due[state].next;
}

/*
 * How many bytes at the start of data[0, len), which starts at a code point,
 * are valid and end with a code point. It may give up early, and need not find
 * out why: the caller judges the rest byte by byte. Here: all leading ASCII.
 */
static size_t valid_prefix(const uint8_t *data, size_t len)
{
    const uint64_t high_bits = UINT64_C(0x8080808080808080);
    uint64_t word;
    size_t i = 0;

    for (; len - i >= sizeof word; i += sizeof word) {
        memcpy(&word, data + i, sizeof word);
        if (word & high_bits)
            break;
    }
    while (i < len && data[i] < 0x80)
        i++;
    return i;
}

size_t upf_utf8_check(uint8_t *state, const uint8_t *data, size_t len)
{
    assert(*state < IMPOSSIBLE);
    assert(data != NULL || len == 0);

    uint8_t s = *state;
    size_t  i = 0;

    while (i < len) {
        if (s == DUE_0) {
            i += valid_prefix(data + i, len - i);
            if (i == len)
                break;
        }
        s = after(s, data[i]);
        if (s == IMPOSSIBLE) {
            *state = UPF_UTF8_START;
            return i;
        }
        i++;
    }
    *state = s;
    return len;
}

size_t upf_utf8_incomplete(const uint8_t *data, size_t len)
{
    assert(data != NULL || len == 0);

    /* The last lead byte, if it wants more bytes than there are behind it. */
    for (size_t tail = 1; tail <= 3 && tail <= len; tail++) {
        const uint8_t byte = data[len - tail];
        if (byte >= 0xC0) {
            const size_t wants = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
            return wants > tail ? tail : 0;
        }
    }
    return 0;
}
