/* SPDX-License-Identifier: MIT */
/*
 * ticker_wire.h - what ticker_server says: three kinds of message, each in JSON
 * or in binary.
 *
 * The client chooses by subprotocol: "ticker.v1.binary", or "ticker.v1.json",
 * which is also for who asks for none. Symbols are numbered from 0 in the order
 * in which they came up, so that a binary tick need not spell its symbol. All
 * times are milliseconds since 1970 by the server's clock.
 *
 * JSON, in text messages:
 *
 *   {"symbols":["ACME","BOLT"],"first":0,"live":true}
 *   {"ticks":[{"symbol":"ACME","price":41.5,"open":40,"size":300,
 *              "time":1790000000123,"updates":17}]}
 *   {"clock":12345,"time":1790000000123}
 *
 * The same in binary messages; numbers are big-endian, "f64" is an IEEE 754
 * double, which a JavaScript DataView reads by getFloat64():
 *
 *   u8 'S', u8 live, u16 first, u16 count,
 *                         then count times: u8 length, the symbol's characters
 *   u8 'T', u8 0, u16 count, then count times 38 bytes:
 *       u16 symbol's number, u32 updates, f64 time, price, open, size
 *   u8 'C', u8 0, u16 0, f64 the client's number, f64 time
 *
 *   symbols  that the client has not been told of, the first being number
 *            `first`; and whether prices still come ("live") or have ended
 *   ticks    the newest of symbols that have changed: `open` is the first price
 *            of this run, `time` when the price came in, and `updates` counts
 *            all prices of the symbol (modulo 2^32 in binary), so that a client
 *            can tell how many it was spared
 *   clock    the answer to "clock 12345", sent at once: from when it asked and
 *            when it was answered, a client can tell the server's clock from
 *            its own
 */
#ifndef TICKER_WIRE_H
#define TICKER_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TICKER_BINARY "ticker.v1.binary"
#define TICKER_JSON   "ticker.v1.json"

enum {
    SYMBOLS_MAX = 1024, /* in one market */
    SYMBOL_MAX  = 15    /* characters of one, from symbol_is_good() */
};

typedef char symbol[SYMBOL_MAX + 1];

/* The newest of one symbol. */
typedef struct quote {
    double   price, open, size;
    double   time; /* of the clock on the wall: milliseconds since 1970 */
    uint64_t updates;
} quote;

/* Letters, digits and . - _ / : = ^ only: JSON needs no escapes for them. */
bool symbol_is_good(const char *text, size_t len);

/* ---- Writing ------------------------------------------------------------ */

/* A message in the making. `data` is the caller's, with room for all that is
 * put there: WIRE_ENDS and as much for each item as is said below. */
typedef struct wire {
    bool   binary;
    char  *data;
    size_t len;
    size_t count; /* items so far */
} wire;

enum { WIRE_ENDS   = 64,
       WIRE_SYMBOL = SYMBOL_MAX + 3,
       WIRE_TICK   = 208 };

void wire_symbols(wire *w, const symbol *symbols, size_t first, size_t count,
                  bool live);
void wire_begin_ticks(wire *w);
void wire_tick(wire *w, size_t number, const char *name, const quote *q);

/* A tick as it was written last, in one format; all zero before. */
typedef struct wire_kept {
    uint64_t version;
    size_t   len;
    char     data[WIRE_TICK];
} wire_kept;

/* The same as wire_tick() for all who want it: it is written anew only if
 * `version` is not that of the last time. */
void wire_tick_kept(wire *w, wire_kept *kept, uint64_t version, size_t number,
                    const char *name, const quote *q);
void wire_end_ticks(wire *w);
void wire_clock(wire *w, double asked, double time);

/* ---- Reading binary messages -------------------------------------------- */

/* Told of what a message holds. */
typedef struct wire_reader {
    void  *user;
    bool (*symbol)(void *user, size_t number, const char *name);
    bool (*tick)(void *user, size_t number, const quote *q);
    void (*live)(void *user, bool live);
    void (*clock)(void *user, double asked, double time);
} wire_reader;

/* False if the message is none of ours, or a function above said so. What comes
 * before the fault was told. */
bool wire_read(const wire_reader *r, const uint8_t *data, size_t len);

#endif
