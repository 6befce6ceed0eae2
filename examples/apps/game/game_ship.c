/* SPDX-License-Identifier: MIT */
/* game_ship.c - one ship, one step. It is in game.html once more; who changes
 * one changes both. */

#include "game_ship.h"

/* Bhaskara's fraction, which is off by less than one in 500. */
int game_sine(unsigned angle)
{
    const int a = (int)(angle & 127);
    const int p = a * (128 - a);
    const int s = 1024 * p / (20480 - p);

    return angle & 128 ? -s : s;
}

static int64_t square_root(int64_t n)
{
    int64_t root = 0;

    for (int64_t bit = 1 << 24; bit > 0; bit /= 2)
        if ((root + bit) * (root + bit) <= n)
            root += bit;
    return root;
}

/* At the wall, half of the speed towards it comes back. */
static void bounce(ship *s, int radius)
{
    const int64_t limit   = (int64_t)(radius - GAME_SHIP_RADIUS) * GAME_UNIT;
    const int64_t squared = (int64_t)s->x * s->x + (int64_t)s->y * s->y;

    if (squared <= limit * limit)
        return;
    const int64_t distance = square_root(squared);
    const int64_t nx = s->x * (int64_t)GAME_UNIT / distance;
    const int64_t ny = s->y * (int64_t)GAME_UNIT / distance;
    const int64_t outwards = (s->vx * nx + s->vy * ny) / GAME_UNIT;
    s->x = (int32_t)(nx * limit / GAME_UNIT);
    s->y = (int32_t)(ny * limit / GAME_UNIT);
    if (outwards > 0) {
        s->vx -= (int32_t)(outwards * nx * 3 / (2 * GAME_UNIT));
        s->vy -= (int32_t)(outwards * ny * 3 / (2 * GAME_UNIT));
    }
}

bool ship_step(ship *s, unsigned hands, int radius)
{
    s->hands = (uint8_t)hands;
    if (s->hull == 0)
        return false;
    if (hands & GAME_LEFT)
        s->heading = (uint8_t)(s->heading - GAME_TURN);
    if (hands & GAME_RIGHT)
        s->heading = (uint8_t)(s->heading + GAME_TURN);
    if (hands & GAME_GO) {
        s->vx += game_sine(s->heading + 64u) * GAME_THRUST / GAME_UNIT;
        s->vy += game_sine(s->heading) * GAME_THRUST / GAME_UNIT;
    }
    s->vx -= s->vx / GAME_DRAG;
    s->vy -= s->vy / GAME_DRAG;
    s->x += s->vx;
    s->y += s->vy;
    bounce(s, radius);
    if (s->reload > 0)
        s->reload--;
    if (!(hands & GAME_FIRE) || s->reload > 0)
        return false;
    s->reload = GAME_RELOAD;
    return true;
}
