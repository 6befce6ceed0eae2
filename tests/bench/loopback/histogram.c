/* SPDX-License-Identifier: MIT */
/* histogram.c - a step is one 32nd of the power of two below it. */

#include "histogram.h"

static unsigned step_of(uint64_t value)
{
    unsigned doublings = 0;

    while (value >= 2 * HISTOGRAM_STEPS) {
        value >>= 1;
        doublings++;
    }
    if (value >= HISTOGRAM_STEPS) {
        value -= HISTOGRAM_STEPS;
        doublings++;
    }
    const unsigned step = doublings * HISTOGRAM_STEPS + (unsigned)value;
    const unsigned last = HISTOGRAM_DOUBLINGS * HISTOGRAM_STEPS - 1;
    return step < last ? step : last;
}

/* The middle of a step. */
static double value_of(unsigned step)
{
    const unsigned doublings = step / HISTOGRAM_STEPS;
    const double   in_step   = (double)(step % HISTOGRAM_STEPS) + 0.5;

    if (doublings == 0)
        return in_step;
    return (HISTOGRAM_STEPS + in_step) *
           (double)(UINT64_C(1) << (doublings - 1));
}

void histogram_add(struct histogram *h, uint64_t value)
{
    h->steps[step_of(value)]++;
    h->count++;
}

double histogram_percentile(const struct histogram *h, double percent)
{
    const double wanted = percent / 100 * (double)h->count;
    uint64_t     below  = 0;

    if (h->count == 0)
        return 0;
    for (unsigned i = 0; i < HISTOGRAM_DOUBLINGS * HISTOGRAM_STEPS; i++) {
        below += h->steps[i];
        if (h->steps[i] > 0 && (double)below >= wanted)
            return value_of(i);
    }
    return 0;
}
