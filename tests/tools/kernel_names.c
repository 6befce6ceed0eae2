/* SPDX-License-Identifier: MIT */
/* kernel_names.c - the sets of kernels of this machine, the default last. */

#include <stdio.h>

#include "../src/kernels.h"

int main(void)
{
    const struct upf_kernels *set;

    for (size_t i = 0; (set = upf_kernels_at(i)) != NULL; i++)
        puts(set->name);
    return 0;
}
