/* SPDX-License-Identifier: MIT */
/* kernels.c - which sets of kernels this machine runs, and the choice. */

#include "kernels.h"

#ifndef UPF_SCALAR_ONLY

#define CHOOSE(name) upf_choose_##name,

static const struct upf_kernels *(*const choose[])(void) = {
    UPF_KERNEL_SETS(CHOOSE)
};

enum { SETS = sizeof choose / sizeof *choose };

const struct upf_kernels *upf_kernels_at(size_t index)
{
    for (size_t i = 0; i < SETS; i++) {
        const struct upf_kernels *set = choose[i]();
        if (set != NULL && index-- == 0)
            return set;
    }
    return NULL;
}

UPF_ATOMIC(const struct upf_kernels *) upf_kernels_in_use = &upf_kernels_scalar;

void upf_kernels_force(const struct upf_kernels *kernels)
{
    /* The fastest set is the last. The scalar set is the first, and runs on
     * every machine, so this loop ends. */
    for (size_t i = SETS; kernels == NULL; )
        kernels = choose[--i]();
    upf_atomic_store(&upf_kernels_in_use, kernels);
}

#ifdef __GNUC__

/* Constructors run in the order of their priorities, and 101 is the first that
 * a program may use. So the choice is made before other code of the program
 * that runs before main(). Until then the scalar set is in use. */
__attribute__((constructor(101))) static void choose_fastest(void)
{
    upf_kernels_force(NULL);
}

#endif

#else

typedef int upf_no_choice_here; /* ISO C wants a declaration in each file */

#endif
