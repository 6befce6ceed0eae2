/* SPDX-License-Identifier: MIT */
/*
 * ticker_feed.h - prices from a file, a pipe or a named pipe, as they come.
 *
 * Each line is SYMBOL PRICE [SIZE], with spaces or tabs between, SIZE 0 if it
 * is not there; empty lines and those that begin with # are skipped. A line
 * that is anything else changes nothing; standard error tells of it, but of no
 * more than ten in a second. When the feed ends, the last prices stay.
 */
#ifndef TICKER_FEED_H
#define TICKER_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "complaints.h"
#include "poller.h"
#include "ticker_market.h"

enum { FEED_LINE_MAX = 255, FEED_BUFFER = 64 * 1024 };

typedef struct feed {
    market       *market;
    poller       *poller;
    source        source;
    const char   *name;
    char          buffer[FEED_BUFFER];
    size_t        len;
    bool          skips;    /* to the end of a line that is too long */
    unsigned long lines;
    complaints    bad;
} feed;

/* "-" is standard input. False if it cannot be opened; standard error says
 * why. */
bool feed_begin(feed *f, const char *file, market *m, poller *p);

#endif
