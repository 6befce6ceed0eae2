/* SPDX-License-Identifier: MIT */
/* test_game_rate.c - game_server's world moves thirty times a second, and a
 * lost player's ship goes after thirty: the program itself, by a clock of this
 * test's. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "server.h"

static int (*const run)(server *s) = server_run;
static int  run_by_our_clock(server *s);

#define main       game_main
#define server_run run_by_our_clock
#include "apps/game/game_server.c"
#undef main
#undef server_run

static double now; /* ms */

/* What came of it. */
static unsigned long ticks;
static int lost, kept, left, joined;

static void pass(server *s, int ms)
{
    for (int i = 0; i < ms; i++)
        timers_run(&s->timers, ++now);
}

static int count_ships(const struct game *g)
{
    int count = 0;

    for (int i = 0; i < GAME_SHIPS; i++)
        count += g->world.ships[i].is_here;
    return count;
}

/* All ships are of people, and these lose their connections. */
static void lose_all(struct game *g)
{
    int number;

    while ((number = world_join(&g->world)) >= 0) {
        struct person who = {.player = &g->players[number]};
        who.player->person = &who;
        players_lose(g, &who);
    }
}

static int run_by_our_clock(server *s)
{
    struct game        *g     = s->user;
    const timer        *t     = s->timers.first;
    const unsigned long first = g->world.tick;

    now = t->due_ms - t->period_ms;
    pass(s, 1001);
    ticks = g->world.tick - first;
    lose_all(g);
    lost = count_ships(g);
    pass(s, 29900);
    kept = count_ships(g);
    pass(s, 200);
    left   = count_ships(g);
    joined = world_join(&g->world);
    server_stop(s);
    return run(s);
}

static int play(void **state)
{
    char  name[] = "game_server", port[] = "--port", any[] = "0";
    char  drones[] = "--drones";
    char *argv[] = {name, port, any, drones, any, NULL};

    (void)state;
    return game_main(5, argv);
}

static void the_world_moves_thirty_times_a_second(void **state)
{
    (void)state;
    assert_int_equal(ticks, 30);
}

static void a_lost_ship_goes_after_thirty_seconds(void **state)
{
    (void)state;
    assert_int_equal(lost, GAME_SHIPS);
    assert_int_equal(kept, GAME_SHIPS);
    assert_int_equal(left, 0);
    assert_int_equal(joined, 0); /* there is room again */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_world_moves_thirty_times_a_second),
        cmocka_unit_test(a_lost_ship_goes_after_thirty_seconds),
    };

    return cmocka_run_group_tests(tests, play, NULL);
}
