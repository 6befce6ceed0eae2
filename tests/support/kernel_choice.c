/* SPDX-License-Identifier: MIT */
/*
 * kernel_choice.c - UPF_KERNEL=NAME in the environment: run on that set.
 *
 * Nothing calls this: it is linked into each test program, and acts before
 * main() does. A program that runs on another set than it was told would be a
 * test that cannot fail, so it ends instead.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"

__attribute__((constructor)) static void choose_kernels(void)
{
    const char *name = getenv("UPF_KERNEL");
    const struct upf_kernels *set;

    if (name == NULL)
        return;
    for (size_t i = 0; (set = upf_kernels_at(i)) != NULL; i++) {
        if (strcmp(set->name, name) == 0) {
            upf_kernels_force(set);
            return;
        }
    }
    fprintf(stderr, "UPF_KERNEL=%s: this machine has no such set\n", name);
    exit(EXIT_FAILURE);
}
