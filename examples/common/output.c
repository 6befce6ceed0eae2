/* SPDX-License-Identifier: MIT */
/* output.c - standard output, and whether anybody gets it: see output.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "output.h"

bool output_flush(void)
{
    static bool is_lost;

    if (is_lost)
        return false;
    const bool failed = fflush(stdout) != 0;
    if (!failed && !ferror(stdout))
        return true;
    is_lost = true;
    /* An error of before has left its mark, and not its reason. */
    fprintf(stderr, "cannot write: %s\n",
            failed ? strerror(errno) : "some of the output is lost");
    return false;
}
