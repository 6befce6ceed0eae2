/* SPDX-License-Identifier: MIT */
/* status.c - what an outcome means, and what the peer sees of it. */

#include <stddef.h>
#include <stdint.h>

#include <upframe/status.h>

struct row {
    const char *text;
    const char *section;
    uint16_t    close;
    uint16_t    http;
};

/* The first column is the status itself: the table cannot get out of step. */
static const struct row rows[] = {
#define ROW(status, section, close, http, text) \
    [(status) - UPF_STATUS_LAST] = {text, section, close, http},
#include "status_rows.h"
#undef ROW
};

_Static_assert(sizeof rows / sizeof *rows == UPF_DONE - UPF_STATUS_LAST + 1,
               "the table goes from the most negative status to the largest");

static const struct row *row_of(upf_status status)
{
    static const struct row unknown = {"unknown status", "", 0, 0};

    if (status < UPF_STATUS_LAST || status > UPF_DONE)
        return &unknown;
    return &rows[status - UPF_STATUS_LAST];
}

const char *upf_status_text(upf_status status)
{
    return row_of(status)->text;
}

const char *upf_status_section(upf_status status)
{
    return row_of(status)->section;
}

int upf_status_close_code(upf_status status)
{
    return row_of(status)->close;
}

int upf_status_http(upf_status status)
{
    return row_of(status)->http;
}
