/* SPDX-License-Identifier: MIT */
/* status.c - what an outcome means, and what the peer is told. */

#include <stddef.h>
#include <stdint.h>

#include <upframe/status.h>

/* All strings, each a named member of one struct. So 16-bit offsets find them:
 * pointers would be larger, and each would need a relocation. */
struct texts {
#define ROW(status, section, close, http, text) char status[sizeof text];
#define SECTION(name, text) char name[sizeof text];
#include "status_rows.h"
    char unknown[sizeof "unknown status"];
};

static const struct texts texts = {
#define ROW(status, section, close, http, text) text,
#define SECTION(name, text) text,
#include "status_rows.h"
    "unknown status",
};

#define AT(name) offsetof(struct texts, name)

_Static_assert(AT(unknown) <= UINT16_MAX, "it fits a row");

struct row {
    uint16_t text, section; /* offsets in `texts` */
    uint16_t close, http;
};

/* The status is the index, so the rows may stand in any order. */
static const struct row rows[] = {
#define ROW(status, section, close, http, text) \
    [(status) - UPF_STATUS_LAST] = {AT(status), AT(section), close, http},
#include "status_rows.h"
};

_Static_assert(sizeof rows / sizeof *rows == UPF_DONE - UPF_STATUS_LAST + 1,
               "the table goes from the most negative status to the largest");

static const struct row *row_of(upf_status status)
{
    static const struct row unknown = {AT(unknown), AT(NONE), 0, 0};

    if (status < UPF_STATUS_LAST || status > UPF_DONE)
        return &unknown;
    return &rows[status - UPF_STATUS_LAST];
}

const char *upf_status_text(upf_status status)
{
    return (const char *)&texts + row_of(status)->text;
}

const char *upf_status_section(upf_status status)
{
    return (const char *)&texts + row_of(status)->section;
}

int upf_status_close_code(upf_status status)
{
    return row_of(status)->close;
}

int upf_status_http(upf_status status)
{
    return row_of(status)->http;
}
