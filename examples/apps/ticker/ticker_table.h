/* SPDX-License-Identifier: MIT */
/*
 * ticker_table.h - prices on a terminal, in a table that updates in place; or
 * in lines, for a pipe.
 *
 * Lines are SYMBOL PRICE SIZE, which ticker_server --feed - reads. In them
 * nothing but prices goes to standard output: what happens is told on standard
 * error. The table has all in one place.
 */
#ifndef TICKER_TABLE_H
#define TICKER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ticker_wire.h"

struct row {
    symbol name;
    quote  quote;    /* no updates: none yet */
    double previous; /* the price before this one */
};

/* All zero is a table without symbols, that writes lines. */
typedef struct table {
    struct row rows[SYMBOLS_MAX];
    size_t     count;
    bool       in_place;
    bool       has_colours;
    char       state[256]; /* its headline */
    unsigned   drawn;      /* lines on the terminal that are ours */

    /* since `since`: shown, and begun anew, once a second */
    uint64_t since;
    unsigned frames, prices, delays;
    bool     is_news;    /* the frame at hand has prices */
    double   delay; /* the sum, ms */
    char     measured[80];
} table;

/* What happens to the connection. The text may be a stranger's. */
void table_say(table *t, const char *text);

/* What a server tells; number 0 begins anew. False: it cannot be. */
bool table_symbol(table *t, size_t number, const char *name);
bool table_price(table *t, size_t number, const quote *q, double delay);

/* The frame is complete: write what it has changed. `now` is of clock_ms(). */
void table_frame(table *t, uint64_t now);

/* In place: draw all of it, so that it can be read; else of no effect. */
void table_draw(table *t);

#endif
