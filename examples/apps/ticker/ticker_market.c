/* SPDX-License-Identifier: MIT */
/* ticker_market.c - the newest price of each symbol, and a simulation: see
 * ticker_market.h. */

#include <string.h>
#include <time.h>

#include "poller.h"
#include "tcp.h"
#include "ticker_market.h"

/* ---- The market --------------------------------------------------------- */

/* FNV-1a. The slot of the symbol, or the empty one that it would take: half of
 * the slots stay empty. */
static size_t slot_of(const market *m, const char *text, size_t len)
{
    const size_t slots = sizeof m->slots / sizeof *m->slots;
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)text[i]) * 16777619u;
    for (size_t at = hash % slots;; at = (at + 1) % slots) {
        if (m->slots[at] == 0)
            return at;
        const char *name = m->symbols[m->slots[at] - 1];
        if (memcmp(name, text, len) == 0 && name[len] == '\0')
            return at;
    }
}

size_t market_find(const market *m, const char *text, size_t len)
{
    if (!symbol_is_good(text, len))
        return NO_SYMBOL;
    const size_t slot = slot_of(m, text, len);
    return m->slots[slot] != 0 ? m->slots[slot] - 1u : NO_SYMBOL;
}

static size_t add_symbol(market *m, const char *text, size_t len, double price)
{
    if (!symbol_is_good(text, len) || m->count == SYMBOLS_MAX)
        return NO_SYMBOL;
    const size_t number = m->count++;
    memcpy(m->symbols[number], text, len);
    m->quotes[number].open = price;
    m->slots[slot_of(m, text, len)] = (uint16_t)(number + 1);
    return number;
}

bool market_update(market *m, const char *text, size_t len, double price,
                   double size)
{
    size_t number = market_find(m, text, len);

    if (number == NO_SYMBOL)
        number = add_symbol(m, text, len, price);
    if (number == NO_SYMBOL)
        return false;
    quote *q = &m->quotes[number];
    q->price = price;
    q->size  = size;
    q->time  = wall_clock_ms();
    q->updates++;
    m->updated[number] = ++m->version;
    return true;
}

double wall_clock_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec * 1000 + (double)(t.tv_nsec / 1000000);
}

/* ---- The simulation ----------------------------------------------------- */

static const char names[][SYMBOL_MAX + 1] = {
    "ACME", "AURA", "BASK", "BOLT", "BRIO", "CALM", "CEDR", "CLAY", "CORA",
    "DAWN", "DELV", "DUNE", "ECHO", "ELMS", "EMBR", "FERN", "FJRD", "FLUX",
    "GALE", "GLOW", "HALO", "HAZE", "IRIS", "JADE", "KELP", "KITE", "LARK",
    "LIME", "LOOM", "MESA", "MINT", "MOSS", "NOVA", "OAKS", "ONYX", "OPAL",
    "PINE", "QUIL", "REEF", "RUNE", "SAGE", "SILT", "TIDE", "TUND", "UMBR",
    "VALE", "WISP", "WREN", "YARN", "ZEST"};

enum { NAMES = sizeof names / sizeof *names,
       ROUNDS_PER_SECOND = 100 };

/* xorshift64: good enough for a game of chance without money. From 0 to 1. */
static double chance(simulation *s)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return (double)(s->random >> 11) / 9007199254740992.0; /* 2^53 */
}

/* To the cent, and never down to nothing. */
static double in_cents(double price)
{
    return price < 0.01 ? 0.01 : (double)(uint64_t)(price * 100 + 0.5) / 100;
}

/* One step of a random walk; the sum of four chances is nearly a bell curve. A
 * weak pull leads back to the opening. */
static void step(simulation *s, size_t i)
{
    const quote *q = &s->market->quotes[i];
    const double bell =
        chance(s) + chance(s) + chance(s) + chance(s) - 2;
    const double pull = (1 - q->price / q->open) * s->pull;

    market_update(s->market, names[i], strlen(names[i]),
                  in_cents(q->price * (1 + bell * s->swing + pull)),
                  (double)(100 * (1 + (int)(chance(s) * 20))));
}

static void play_round(timer *t)
{
    simulation *s = OWNER_OF(simulation, timer, t);
    const uint64_t now = clock_ms();

    s->due += s->rate * (double)(now - s->last) / 1000;
    s->last = now;
    if (s->due > s->rate) /* stood still: a second's worth is enough */
        s->due = s->rate > 1 ? s->rate : 1;
    for (; s->due >= 1; s->due--)
        step(s, (size_t)(chance(s) * NAMES));
}

/* A minute is to look alike at every rate. Of a random walk the variances add
 * up: a step of a shorter time is as much smaller as that time's square root,
 * which Newton finds. */
static void set_pace(simulation *s, double seconds_of_a_step)
{
    double root = 1 + seconds_of_a_step;

    for (int n = 0; n < 40; n++)
        root = (root + seconds_of_a_step / root) / 2;
    s->swing = 0.003 * root;
    s->pull  = seconds_of_a_step > 10 ? 0.1 : 0.01 * seconds_of_a_step;
}

void simulation_begin(simulation *s, market *m, timers *all, double rate)
{
    *s = (simulation){.market = m, .rate = rate, .last = clock_ms()};
    set_pace(s, NAMES / rate);
    s->random = (uint64_t)wall_clock_ms() * 2654435761u | 1;
    m->live   = true;
    for (size_t i = 0; i < NAMES; i++)
        market_update(m, names[i], strlen(names[i]),
                      in_cents(20 + 280 * chance(s) * chance(s)), 100);
    timers_every(all, &s->timer, ROUNDS_PER_SECOND, play_round);
}
