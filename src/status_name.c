/* SPDX-License-Identifier: MIT */
/* status_name.c - an outcome's name. In a file of its own, so that programs
 * that do not use it do not link it. */

#include <upframe/status.h>

static const char *const names[] = {
#define ROW(status, section, close, http, text) \
    [(status) - UPF_STATUS_LAST] = #status,
#include "status_rows.h"
};

_Static_assert(sizeof names / sizeof *names == UPF_DONE - UPF_STATUS_LAST + 1,
               "the table goes from the most negative status to the largest");

const char *upf_status_name(upf_status status)
{
    if (status < UPF_STATUS_LAST || status > UPF_DONE)
        return "unknown";
    return names[status - UPF_STATUS_LAST];
}
