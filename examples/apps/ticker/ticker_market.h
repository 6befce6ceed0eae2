/* SPDX-License-Identifier: MIT */
/* ticker_market.h - the newest price of each symbol, and a simulation that
 * makes prices up. */
#ifndef TICKER_MARKET_H
#define TICKER_MARKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ticker_wire.h"
#include "timers.h"

enum { NO_SYMBOL = SYMBOLS_MAX };

/*
 * All zero is an empty market. `version` counts all updates: updated[i] is what
 * it was at the last one of symbol i. So whoever has read all the news at one
 * version has missed, later on, just what was updated after that. That is the
 * whole of conflation: what is remembered for a slow reader is one number.
 */
typedef struct market {
    size_t   count;
    symbol   symbols[SYMBOLS_MAX];
    quote    quotes[SYMBOLS_MAX];
    uint64_t updated[SYMBOLS_MAX];
    uint64_t version;
    bool     live;                    /* prices may still come */
    uint16_t slots[2 * SYMBOLS_MAX];  /* by hash: a number + 1; 0: none */
} market;

/* The symbol's number, or NO_SYMBOL. `text` need not end with a NUL. */
size_t market_find(const market *m, const char *text, size_t len);

/* A price; a symbol that is new is added. False if the symbol is no good, or
 * one more than there is room for. */
bool market_update(market *m, const char *text, size_t len, double price,
                   double size);

/* Milliseconds since 1970. */
double wall_clock_ms(void);

/* Fifty companies that do not exist, each of whose prices goes up and down at
 * random: `rate` updates a second for all of them. */
typedef struct simulation {
    market  *market;
    timer    timer;
    double   rate, swing, pull;
    double   due; /* updates */
    uint64_t last;
    uint64_t random;
} simulation;

void simulation_begin(simulation *s, market *m, timers *all, double rate);

#endif
