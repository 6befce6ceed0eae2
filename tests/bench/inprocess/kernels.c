/* SPDX-License-Identifier: MIT */
/* kernels.c - the one place that knows how a kernel is forced. */

#include "kernels/kernels.h"
#include "kernels.h"

/*
 * What the library chooses. Found once: to choose means to ask the processor,
 * which a virtual machine makes a slow thing, and is not to be measured.
 */
static const struct upf_kernels *chosen(void)
{
    static const struct upf_kernels *choice;

    if (choice == NULL) {
        upf_kernels_force(NULL);
        choice = upf_kernels();
    }
    return choice;
}

/* The sets that this machine runs, the fastest first. */
static const struct upf_kernels *set_at(size_t i, size_t *count)
{
    static const struct upf_kernels *sets[16];
    static size_t n;

    if (n == 0)
        while (n < sizeof sets / sizeof *sets && upf_kernels_at(n) != NULL) {
            sets[n] = upf_kernels_at(n);
            n++;
        }
    *count = n;
    return i < n ? sets[n - 1 - i] : NULL;
}

size_t kernel_count(void)
{
    size_t count;

    set_at(0, &count);
    return 1 + count;
}

const char *kernel_name(size_t kernel)
{
    size_t count;

    return kernel == 0 ? "upframe" : set_at(kernel - 1, &count)->name;
}

void kernel_use(size_t kernel)
{
    size_t count;

    upf_kernels_force(kernel == 0 ? chosen() : set_at(kernel - 1, &count));
}
