/* SPDX-License-Identifier: MIT */
/* test_game_rate.c - game_server's world moves thirty times a second: the
 * program itself, by a clock of this test's. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "server.h"

static int (*const run)(server *s) = server_run;
static int  run_for_a_second(server *s);

#define main       game_main
#define server_run run_for_a_second
#include "apps/game/game_server.c"
#undef main
#undef server_run

static unsigned long ticks;

static int run_for_a_second(server *s)
{
    const struct game  *g     = s->user;
    const timer        *t     = s->timers.first;
    const double        start = t->due_ms - t->period_ms;
    const unsigned long first = g->world.tick;

    for (double now = start; now < start + 1002; now++)
        timers_run(&s->timers, now);
    ticks = g->world.tick - first;
    server_stop(s);
    return run(s);
}

static void the_world_moves_thirty_times_a_second(void **state)
{
    char  name[] = "game_server", port[] = "--port", any[] = "0";
    char *argv[] = {name, port, any, NULL};

    (void)state;
    assert_int_equal(game_main(3, argv), 0);
    assert_int_equal(ticks, 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_world_moves_thirty_times_a_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
