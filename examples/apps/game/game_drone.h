/* SPDX-License-Identifier: MIT */
/* game_drone.h - a pilot that is a program: so that nobody has to play alone,
 * and so that a test has many players. */
#ifndef EXAMPLES_GAME_DRONE_H
#define EXAMPLES_GAME_DRONE_H

#include "game_world.h"

/* What it does now with ship number `me`, from what any player can see. */
uint8_t drone_hands(const world *w, int me);

#endif
