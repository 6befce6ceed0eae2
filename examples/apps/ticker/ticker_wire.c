/* SPDX-License-Identifier: MIT */
/* ticker_wire.c - what ticker_server says, written and read: see ticker_wire.h,
 * which has the layout. */

#include <stdio.h>
#include <string.h>

#include "ticker_wire.h"

enum { TICK = 38, CLOCK = 20, SYMBOLS_HEAD = 6, TICKS_HEAD = 4 };

/* strchr() would take the NUL for one of them. */
bool symbol_is_good(const char *text, size_t len)
{
    static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "abcdefghijklmnopqrstuvwxyz"
                               "0123456789.-_/:=^";

    for (size_t i = 0; i < len; i++)
        if (memchr(good, text[i], sizeof good - 1) == NULL)
            return false;
    return len >= 1 && len <= SYMBOL_MAX;
}

/* ---- Numbers, big-endian ------------------------------------------------ */

static void put(wire *w, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        w->data[w->len++] = (char)(uint8_t)(value >> (8 * i));
}

static void put_double(wire *w, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    put(w, bits, 8);
}

static uint64_t get(const uint8_t *at, int bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

static double get_double(const uint8_t *at)
{
    const uint64_t bits = get(at, 8);
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- Writing ------------------------------------------------------------ */

static void put_text(wire *w, const char *text)
{
    const size_t len = strlen(text);

    memcpy(w->data + w->len, text, len);
    w->len += len;
}

void wire_symbols(wire *w, const symbol *symbols, size_t first, size_t count,
                  bool live)
{
    w->len = 0;
    if (w->binary) {
        put(w, 'S', 1);
        put(w, live, 1);
        put(w, first, 2);
        put(w, count, 2);
    } else {
        put_text(w, "{\"symbols\":[");
    }
    for (size_t i = 0; i < count; i++) {
        const char *name = symbols[first + i];
        if (w->binary) {
            put(w, strlen(name), 1);
            put_text(w, name);
        } else {
            put_text(w, i > 0 ? ",\"" : "\"");
            put_text(w, name);
            put_text(w, "\"");
        }
    }
    if (!w->binary)
        w->len += (size_t)sprintf(w->data + w->len,
                                  "],\"first\":%zu,\"live\":%s}", first,
                                  live ? "true" : "false");
}

void wire_begin_ticks(wire *w)
{
    w->len = w->count = 0;
    if (w->binary)
        w->len = TICKS_HEAD; /* written when the count is known */
    else
        put_text(w, "{\"ticks\":[");
}

void wire_tick(wire *w, size_t number, const char *name, const quote *q)
{
    w->count++;
    if (w->binary) {
        put(w, number, 2);
        put(w, q->updates, 4);
        put_double(w, q->time);
        put_double(w, q->price);
        put_double(w, q->open);
        put_double(w, q->size);
        return;
    }
    w->len += (size_t)sprintf(w->data + w->len,
                              "%s{\"symbol\":\"%s\",\"price\":%.12g,"
                              "\"open\":%.12g,\"size\":%.12g,\"time\":%.0f,"
                              "\"updates\":%llu}",
                              w->count > 1 ? "," : "", name, q->price, q->open,
                              q->size, q->time,
                              (unsigned long long)q->updates);
}

void wire_tick_kept(wire *w, wire_kept *kept, uint64_t version, size_t number,
                    const char *name, const quote *q)
{
    if (kept->version != version) {
        wire alone = {.binary = w->binary, .data = kept->data};
        wire_tick(&alone, number, name, q);
        kept->len     = alone.len;
        kept->version = version;
    }
    if (w->count++ > 0 && !w->binary)
        w->data[w->len++] = ',';
    memcpy(w->data + w->len, kept->data, kept->len);
    w->len += kept->len;
}

void wire_end_ticks(wire *w)
{
    const size_t len = w->len;

    if (!w->binary) {
        put_text(w, "]}");
        return;
    }
    w->len = 0;
    put(w, 'T', 1);
    put(w, 0, 1);
    put(w, w->count, 2);
    w->len = len;
}

void wire_clock(wire *w, double asked, double time)
{
    w->len = 0;
    if (!w->binary) {
        w->len = (size_t)sprintf(w->data, "{\"clock\":%.0f,\"time\":%.0f}",
                                 asked, time);
        return;
    }
    put(w, 'C', 1);
    put(w, 0, 3);
    put_double(w, asked);
    put_double(w, time);
}

/* ---- Reading ------------------------------------------------------------ */

static bool read_symbols(const wire_reader *r, const uint8_t *data, size_t len)
{
    if (len < SYMBOLS_HEAD)
        return false;
    const size_t first = (size_t)get(data + 2, 2);
    const size_t count = (size_t)get(data + 4, 2);
    size_t at = SYMBOLS_HEAD;

    for (size_t i = 0; i < count; i++) {
        symbol name = "";
        if (at == len || data[at] > len - at - 1 ||
            !symbol_is_good((const char *)data + at + 1, data[at]))
            return false;
        memcpy(name, data + at + 1, data[at]);
        at += 1u + data[at];
        if (!r->symbol(r->user, first + i, name))
            return false;
    }
    r->live(r->user, data[1] != 0);
    return at == len;
}

static bool read_ticks(const wire_reader *r, const uint8_t *data, size_t len)
{
    if (len < TICKS_HEAD || len != TICKS_HEAD + get(data + 2, 2) * TICK)
        return false;
    for (const uint8_t *at = data + TICKS_HEAD; at < data + len; at += TICK) {
        const quote q = {.updates = get(at + 2, 4),
                         .time    = get_double(at + 6),
                         .price   = get_double(at + 14),
                         .open    = get_double(at + 22),
                         .size    = get_double(at + 30)};
        if (!r->tick(r->user, (size_t)get(at, 2), &q))
            return false;
    }
    return true;
}

bool wire_read(const wire_reader *r, const uint8_t *data, size_t len)
{
    if (len == 0)
        return false;
    switch (data[0]) {
    case 'S':
        return read_symbols(r, data, len);
    case 'T':
        return read_ticks(r, data, len);
    case 'C':
        if (len != CLOCK)
            return false;
        r->clock(r->user, get_double(data + 4), get_double(data + 12));
        return true;
    default:
        return false;
    }
}
