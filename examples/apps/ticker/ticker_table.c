/* SPDX-License-Identifier: MIT */
/* ticker_table.c - prices on a terminal: see ticker_table.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "output.h"
#include "show.h"
#include "ticker_table.h"

enum { AROUND = 4, /* lines of the table that are no rows */
       LINES  = 24 /* of a terminal that does not say */ };

/* What a terminal obeys (ECMA-48): */
#define UP_LINES    "\033[%uA"
#define CLEAR_LINE  "\033[K\n"
#define CLEAR_BELOW "\033[J"
#define WRAP_OFF    "\033[?7l" /* a line too long is cut, and stays one */
#define WRAP_ON     "\033[?7h"
#define GREEN       "\033[32m"
#define RED         "\033[31m"
#define PLAIN       "\033[0m"

void table_say(table *t, const char *text)
{
    snprintf(t->state, sizeof t->state, "%s", text);
    if (t->in_place) {
        table_draw(t);
        return;
    }
    show_text(stderr, text, strlen(text), SIZE_MAX);
    fputc('\n', stderr);
}

/* A server tells its symbols in order, without a gap. */
bool table_symbol(table *t, size_t number, const char *name)
{
    if (number == 0)
        t->count = 0;
    if (number != t->count || number == SYMBOLS_MAX)
        return false;
    struct row *r = &t->rows[t->count++];
    if (strcmp(r->name, name) == 0)
        return true; /* as before; what is known stays until there is more */
    *r = (struct row){.previous = 0};
    snprintf(r->name, sizeof r->name, "%s", name);
    return true;
}

bool table_price(table *t, size_t number, const quote *q, double delay)
{
    if (number >= t->count)
        return false;
    struct row *r = &t->rows[number];
    if (r->quote.updates > 0 && r->quote.updates != q->updates) {
        t->delay += delay; /* what was there before us may be old */
        t->delays++;
    }
    r->previous = r->quote.updates > 0 ? r->quote.price : q->price;
    r->quote    = *q;
    t->is_news  = true;
    t->prices++;
    if (!t->in_place)
        printf("%s %.12g %.12g\n", r->name, q->price, q->size);
    return true;
}

void table_frame(table *t, uint64_t now)
{
    t->frames += t->is_news;
    t->is_news = false;
    if (now >= t->since + 1000) {
        const double seconds = (double)(now - t->since) / 1000;
        if (t->since > 0)
            snprintf(t->measured, sizeof t->measured,
                     "%.0f prices/s in %.0f frames/s, delay %.0f ms",
                     t->prices / seconds, t->frames / seconds,
                     t->delays > 0 ? t->delay / t->delays : 0);
        t->since  = now;
        t->frames = t->prices = t->delays = 0;
        t->delay  = 0;
    }
    if (t->in_place)
        table_draw(t);
    else
        (void)output_flush(); /* the loop looks, too */
}

/* ---- In place ----------------------------------------------------------- */

static unsigned terminal_lines(void)
{
#ifdef TIOCGWINSZ
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0)
        return size.ws_row;
#endif
    return LINES;
}

static const char *colour(const table *t, double change)
{
    if (!t->has_colours || change == 0)
        return "";
    return change > 0 ? GREEN : RED;
}

/* In percent, since an opening that may be below 0; a rise is a rise even so.
 * What rounds to nothing went neither way. */
static double change_of(const quote *q)
{
    const double base    = q->open < 0 ? -q->open : q->open;
    const double percent = base > 0 ? (q->price - q->open) / base * 100 : 0;

    return percent < 0.005 && percent > -0.005 ? 0 : percent;
}

static void draw_row(const table *t, const struct row *r)
{
    const quote *q      = &r->quote;
    const double change = change_of(q);
    const char  *end    = t->has_colours ? PLAIN : "";

    printf("%-*s %s%14.10g%s %s%+9.2f %%%s %12.10g" CLEAR_LINE, SYMBOL_MAX,
           r->name, colour(t, q->price - r->previous), q->price, end,
           colour(t, change), change, end, q->size);
}

void table_draw(table *t)
{
    const unsigned lines = terminal_lines();
    const unsigned most  = lines > AROUND + 1 ? lines - AROUND - 1 : 1;
    unsigned rows = 0, left_out = 0;

    if (!t->in_place)
        return;
    fputs(WRAP_OFF, stdout);
    if (t->drawn > 0)
        printf(UP_LINES, t->drawn);
    show_text(stdout, t->state, strlen(t->state), SIZE_MAX);
    printf(CLEAR_LINE "%s" CLEAR_LINE, t->measured);
    printf("%-*s %14s %11s %12s" CLEAR_LINE, SYMBOL_MAX, "symbol", "last",
           "change", "size");
    for (size_t i = 0; i < t->count; i++) {
        if (t->rows[i].quote.updates == 0)
            continue;
        if (rows == most) {
            left_out++;
            continue;
        }
        draw_row(t, &t->rows[i]);
        rows++;
    }
    if (left_out > 0)
        printf("and %u more: a higher terminal shows them" CLEAR_LINE,
               left_out);
    t->drawn = AROUND - 1 + rows + (left_out > 0);
    fputs(CLEAR_BELOW WRAP_ON, stdout);
    (void)output_flush();
}
