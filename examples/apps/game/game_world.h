/* SPDX-License-Identifier: MIT */
/*
 * game_world.h - the rules of the game: ships in a round arena, shots, stars.
 *
 * Nothing here knows of a network. An input is what a player's hands do for one
 * step, and moves that player's ship by one: ship_step(). What meets others
 * (hits, stars, the round) is for the server alone: world_tick().
 */
#ifndef EXAMPLES_GAME_WORLD_H
#define EXAMPLES_GAME_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include "game_ship.h"

enum {
    GAME_SHIPS = 250,
    GAME_SHOTS = 2048,
    GAME_STARS = 60,
    GAME_ROUND = 120 * GAME_HZ
};

typedef struct shot {
    uint8_t ship;   /* whose; and the last bits of the input that fired it: */
    uint8_t number; /* so a page knows its own shot again */
    int32_t x, y, vx, vy;
    int     life;
} shot;

typedef struct star {
    int32_t x, y;
} star;

typedef enum game_event {
    GAME_KILL, /* `a` has destroyed `b` */
    GAME_WON   /* the round is over; `a` had most, `b` points */
} game_event;

typedef struct world {
    uint32_t tick;
    int      radius; /* of the arena, in pixels: more players, more room */
    int      left;   /* steps of the round */
    uint32_t chance; /* not 0: where the random numbers begin */
    ship     ships[GAME_SHIPS];
    shot     shots[GAME_SHOTS];
    star     stars[GAME_STARS];
    int      shot_count, star_count;

    void (*happened)(void *user, game_event what, int a, int b); /* or NULL */
    void  *user;
} world;

/* All zero but for chance, happened and user. */
void world_begin(world *w);

/* A ship for a new player: its number, or -1: there is no room. */
int  world_join(world *w);
void world_leave(world *w, int number);

/*
 * An input of the ship's player. It waits for its turn; a number that is not
 * newer than the last one's is dropped, and of too many the oldest is.
 */
void world_input(world *w, int number, game_input input);

/* The ship has a new pilot at its stick: what waits is not theirs. */
void world_forget_inputs(world *w, int number);

/* 1/GAME_HZ of a second. */
void world_tick(world *w);

#endif
