/* SPDX-License-Identifier: MIT */
/* game_place.c - where ships and stars are put, and what meets. */

#include "game_place.h"

static int64_t distance_squared(int64_t x, int64_t y)
{
    return x * x + y * y;
}

bool game_meet(int64_t dx, int64_t dy, int pixels)
{
    const int64_t near = (int64_t)pixels * GAME_UNIT;

    return distance_squared(dx, dy) < near * near;
}

/* Marsaglia's xorshift: for a game, not for secrets. */
static int32_t below(world *w, int32_t limit)
{
    w->chance ^= w->chance << 13;
    w->chance ^= w->chance >> 17;
    w->chance ^= w->chance << 5;
    return (int32_t)(w->chance % (uint32_t)limit);
}

star game_somewhere(world *w)
{
    const int32_t reach = (w->radius - 2 * GAME_SHIP_RADIUS) * GAME_UNIT;
    star place;

    do {
        place.x = below(w, 2 * reach) - reach;
        place.y = below(w, 2 * reach) - reach;
    } while (distance_squared(place.x, place.y) > (int64_t)reach * reach);
    return place;
}

static int64_t nearest_ship(const world *w, star place)
{
    int64_t nearest = INT64_MAX;

    for (int i = 0; i < GAME_SHIPS; i++) {
        const ship *s = &w->ships[i];
        const int64_t d = distance_squared(s->x - place.x, s->y - place.y);
        if (s->is_here && s->hull > 0 && d < nearest)
            nearest = d;
    }
    return nearest;
}

/* Of a few places, the loneliest. It looks at the centre. */
void game_place_ship(world *w, ship *s)
{
    enum { PLACES = 6, SHIELD = 2 * GAME_HZ, MEND = 5 * GAME_HZ };
    star    best  = game_somewhere(w);
    int64_t space = nearest_ship(w, best);

    for (int i = 1; i < PLACES; i++) {
        const star    place = game_somewhere(w);
        const int64_t d     = nearest_ship(w, place);
        if (d > space) {
            best  = place;
            space = d;
        }
    }
    s->x       = best.x;
    s->y       = best.y;
    s->vx      = 0;
    s->vy      = 0;
    s->heading = (uint8_t)(best.x > 0 ? 128 : 0);
    s->hull    = GAME_HULL;
    s->reload  = 0;
    s->shield  = SHIELD;
    s->mends   = MEND;
}
