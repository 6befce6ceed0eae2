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
    /* The scalar set, the first, is there at the latest. */
    for (size_t i = SETS; kernels == NULL; )
        kernels = choose[--i]();
    upf_atomic_store(&upf_kernels_in_use, kernels);
}

#ifdef __GNUC__

/* 101 is the first of those a program may use: what runs before main() in the
 * program itself finds the choice made. Before it, the scalar set does. */
__attribute__((constructor(101))) static void choose_fastest(void)
{
    upf_kernels_force(NULL);
}

#endif

#else

typedef int upf_no_choice_here; /* ISO C wants a declaration in each file */

#endif
