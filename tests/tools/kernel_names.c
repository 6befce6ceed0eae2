/* SPDX-License-Identifier: MIT */
/* kernel_names.c - the sets of kernels of this machine, the default last; with
 * any argument the sources too that belong to no set: kernels/kernels_NAME.c. */

#include <stdio.h>

#include "kernels/kernels.h"

int main(int argc, char **argv)
{
    const struct upf_kernels *set, *last = NULL;

    (void)argv;
    for (size_t i = 0; (set = upf_kernels_at(i)) != NULL; i++) {
        puts(set->name);
        last = set;
    }
    if (argc > 1 && last->sha1_60 != upf_sha1_of_60)
        puts("sha_x86");
    return 0;
}
