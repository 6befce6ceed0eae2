/* SPDX-License-Identifier: MIT */
/* notify_view.h - events on a terminal: a line each, or a table of topics that
 * is updated in place. */
#ifndef EXAMPLES_NOTIFY_VIEW_H
#define EXAMPLES_NOTIFY_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <upframe/str.h>
#include "history.h"

enum { ROWS_MAX = 200 }; /* topics of a table */

/* An event as the client has it. */
typedef struct seen_event {
    bool    is_news; /* else it is the state of its topic */
    upf_str id, topic, text;
    int64_t ms; /* since 1970 */
} seen_event;

typedef struct view {
    bool   is_table;
    bool   with_ids; /* in lines */
    size_t drawn;    /* lines of the table that are on the terminal */
    size_t count;
    struct row {
        char          topic[TOPIC_MAX + 1];
        unsigned long news;
        char          time[16];
        char          text[1024]; /* as it may be shown */
    } rows[ROWS_MAX];
} view;

void view_event(view *v, const seen_event *e);

/* What else happens: on standard output, for a script to see, or, if that is a
 * table, on standard error. The text may be the peer's. */
void view_note(view *v, const char *word, upf_str text);

#endif
