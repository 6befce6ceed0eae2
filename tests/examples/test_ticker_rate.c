/* SPDX-License-Identifier: MIT */
/* test_ticker_rate.c - the simulated market has fifty symbols, and as many
 * updates a second as --rate says: the program itself, by a clock of this
 * test's. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "server.h"
#include "tcp.h"

enum { SECONDS = 10 };

static int (*const run)(server *s) = server_run;
static int      run_for_a_while(server *s);
static uint64_t our_clock_ms(void);

#define main       ticker_main
#define server_run run_for_a_while
#define clock_ms   our_clock_ms
#include "apps/ticker/ticker_market.c"
#include "apps/ticker/ticker_server.c"
#undef main
#undef server_run
#undef clock_ms

static double        now; /* ms; 0: it has not begun */
static unsigned long updates;
static size_t        symbols, silent;

static uint64_t our_clock_ms(void)
{
    return now > 0 ? (uint64_t)now : clock_ms();
}

static int run_for_a_while(server *s)
{
    const struct ticker *all   = s->user;
    const market        *m     = &all->market;
    const uint64_t       first = m->version;
    const double         start = (double)all->simulation.last;

    symbols = m->count; /* from the beginning */
    for (now = start; now < start + SECONDS * 1000; now++)
        timers_run(&s->timers, now);
    updates = (unsigned long)(m->version - first);
    silent  = 0;
    for (size_t i = 0; i < m->count; i++)
        silent += m->quotes[i].updates < 2; /* none but the opening */
    now = 0;
    server_stop(s);
    return run(s);
}

static void fifty_symbols_move_as_often_as_set(void **state)
{
    char  name[] = "ticker_server", port[] = "--port", any[] = "0";
    char  rate[] = "--rate", often[] = "500";
    char *argv[] = {name, port, any, rate, often, NULL};

    (void)state;
    assert_int_equal(ticker_main(5, argv), 0);
    assert_int_equal(symbols, 50);
    assert_int_equal(silent, 0);
    assert_in_range(updates, 499 * SECONDS, 501 * SECONDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fifty_symbols_move_as_often_as_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
