/* SPDX-License-Identifier: MIT */
/* samples.c - what samples.h says, the same on every machine. */

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "samples.h"

uint32_t sample_number(uint32_t *state, uint32_t limit)
{
    *state = *state * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(*state ^ *state >> 15) * 2654435769u % limit);
}

static const char *const words[] = {
    "the ",   "of ",     "and ",    "window ", "message ", "to ",
    "frame ", "in ",     "a ",      "length ", "is ",      "code ",
    "that ",  "stream ", "for ",    "it ",     "with ",    "distance ",
    "as ",    "block ",  "was\r\n", "on ",     "be ",      "literal ",
};

static void fill_text(uint32_t *state, uint8_t *data, size_t len)
{
    size_t at = 0;

    while (at < len) {
        const char  *word = words[sample_number(state, 24)];
        const size_t n    = strlen(word) < len - at ? strlen(word) : len - at;
        memcpy(data + at, word, n);
        at += n;
    }
}

static void fill_json(uint32_t *state, uint8_t *data, size_t len)
{
    size_t at = 0;

    while (at < len) {
        char line[160];
        int  n = snprintf(line, sizeof line,
                          "{\"id\":%u,\"user\":\"%s%u\",\"price\":%u.%02u,"
                          "\"open\":%s,\"note\":\"%s%s%s\"},",
                          (unsigned)sample_number(state, 1000000),
                          words[sample_number(state, 20)],
                          (unsigned)sample_number(state, 40),
                          (unsigned)sample_number(state, 500),
                          (unsigned)sample_number(state, 100),
                          sample_number(state, 2) ? "true" : "false",
                          words[sample_number(state, 20)],
                          words[sample_number(state, 20)],
                          words[sample_number(state, 20)]);
        size_t take = (size_t)n < len - at ? (size_t)n : len - at;
        memcpy(data + at, line, take);
        at += take;
    }
}

static void fill_random(uint32_t *state, unsigned lowest, uint8_t *data,
                        size_t len)
{
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(lowest + sample_number(state, 256 - lowest));
}

static void fill_runs(uint32_t *state, uint8_t *data, size_t len)
{
    size_t at = 0;

    while (at < len) {
        size_t n = 1 + sample_number(state, sample_number(state, 2) ? 8 : 600);
        n = n < len - at ? n : len - at;
        memset(data + at, (int)sample_number(state, 256), n);
        at += n;
    }
}

static void fill_period(uint32_t *state, uint8_t *data, size_t len)
{
    const size_t period = 1 + sample_number(state, 400);

    fill_random(state, 0, data, len < period ? len : period);
    for (size_t i = period; i < len; i++)
        data[i] = data[i - period];
}

static void fill_skewed(uint32_t *state, uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned byte = 0;
        while (byte < 255 && sample_number(state, 2) == 0)
            byte++;
        data[i] = (uint8_t)byte;
    }
}

static void fill_patches(uint32_t *state, uint8_t *data, size_t len)
{
    size_t at = 0;

    while (at < len) {
        const bool copy = at > 0 && sample_number(state, 2) == 0;
        size_t     n    = 1 + sample_number(state, copy ? 300 : 40);
        n = n < len - at ? n : len - at;
        if (!copy) {
            fill_random(state, 0, data + at, n);
            at += n;
            continue;
        }
        const size_t back =
            1 + sample_number(state, at < 40000 ? (uint32_t)at : 40000);
        for (; n > 0; n--, at++)
            data[at] = data[at - back];
    }
}

static void fill_turns(uint32_t *state, uint8_t *data, size_t len)
{
    bool text = true;

    for (size_t at = 0; at < len; text = !text) {
        size_t n = 1 + sample_number(state, 5000);
        n = n < len - at ? n : len - at;
        if (text)
            fill_text(state, data + at, n);
        else
            fill_random(state, 0, data + at, n);
        at += n;
    }
}

void sample_fill(enum sample kind, uint32_t seed, uint8_t *data, size_t len)
{
    uint32_t state = seed * 2654435761u + (uint32_t)kind;

    switch (kind) {
    case SAMPLE_RANDOM:  fill_random(&state, 0, data, len); return;
    case SAMPLE_HIGH:    fill_random(&state, 144, data, len); return;
    case SAMPLE_TEXT:    fill_text(&state, data, len); return;
    case SAMPLE_JSON:    fill_json(&state, data, len); return;
    case SAMPLE_RUNS:    fill_runs(&state, data, len); return;
    case SAMPLE_PERIOD:  fill_period(&state, data, len); return;
    case SAMPLE_SKEWED:  fill_skewed(&state, data, len); return;
    case SAMPLE_PATCHES: fill_patches(&state, data, len); return;
    case SAMPLE_TURNS:   fill_turns(&state, data, len); return;
    default:             break;
    }
    for (size_t i = 0; i < len; i++)
        data[i] = kind == SAMPLE_COUNTER ? (uint8_t)(i + seed) : 0;
}
