/* SPDX-License-Identifier: MIT */
/* game_place.h - where ships and stars are put, and what meets. */
#ifndef EXAMPLES_GAME_PLACE_H
#define EXAMPLES_GAME_PLACE_H

#include <stdbool.h>
#include <stdint.h>
#include "game_world.h"

/* Whether two that are so far apart touch: with radii of so many pixels,
 * together. */
bool game_meet(int64_t dx, int64_t dy, int pixels);

/* Any place in the arena. */
star game_somewhere(world *w);

/* A new life, far from the other ships. */
void game_place_ship(world *w, ship *s);

#endif
