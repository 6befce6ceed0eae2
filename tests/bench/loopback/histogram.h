/* SPDX-License-Identifier: MIT */
/* histogram.h - latencies, counted in steps of 3 % from 1 ns to minutes. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_STEPS = 32, HISTOGRAM_DOUBLINGS = 40 };

struct histogram {
    uint64_t count;
    uint64_t steps[HISTOGRAM_DOUBLINGS * HISTOGRAM_STEPS];
};

void histogram_add(struct histogram *h, uint64_t value);

/* The value that so many percent of all do not exceed; 0 if there are none. */
double histogram_percentile(const struct histogram *h, double percent);

#endif
