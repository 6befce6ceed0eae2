/* SPDX-License-Identifier: MIT */
/* samples.h - data to compress: of every kind that an encoder meets. */
#ifndef SAMPLES_H
#define SAMPLES_H

#include <stddef.h>
#include <stdint.h>

enum sample {
    SAMPLE_ZEROS,
    SAMPLE_RANDOM,   /* bytes that cannot be compressed */
    SAMPLE_HIGH,     /* the same from 144 on: nine bits in the fixed code */
    SAMPLE_TEXT,     /* words */
    SAMPLE_JSON,     /* records */
    SAMPLE_RUNS,     /* a byte, some times */
    SAMPLE_PERIOD,   /* random bytes, again and again */
    SAMPLE_COUNTER,  /* every byte in turn */
    SAMPLE_SKEWED,   /* byte n half as often as byte n - 1 */
    SAMPLE_PATCHES,  /* random bytes, and copies from far behind */
    SAMPLE_TURNS,    /* text and random bytes in turn */
    SAMPLES
};

/* A number below `limit`, which is not 0; `state` is any number at first. */
uint32_t sample_number(uint32_t *state, uint32_t limit);

void sample_fill(enum sample kind, uint32_t seed, uint8_t *data, size_t len);

#endif
