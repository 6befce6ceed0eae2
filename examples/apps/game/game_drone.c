/* SPDX-License-Identifier: MIT */
/* game_drone.c - a pilot that is a program: it goes for the nearest ship that
 * is near enough, else for the nearest star. */

#include "game_drone.h"

/* Pixels from the ship, and the square of that. */
struct target {
    int32_t x, y;
    int64_t far;
};

static struct target from(const ship *s, int32_t x, int32_t y)
{
    struct target t = {(x - s->x) / GAME_UNIT, (y - s->y) / GAME_UNIT, 0};

    t.far = (int64_t)t.x * t.x + (int64_t)t.y * t.y;
    return t;
}

static struct target nearest_enemy(const world *w, int me)
{
    struct target best = {.far = INT64_MAX};

    for (int i = 0; i < GAME_SHIPS; i++) {
        const ship *s = &w->ships[i];
        if (i == me || !s->is_here || s->hull == 0 || s->shield > 0)
            continue;
        const struct target t = from(&w->ships[me], s->x, s->y);
        if (t.far < best.far)
            best = t;
    }
    return best;
}

static struct target nearest_star(const world *w, int me)
{
    struct target best = {.far = INT64_MAX};

    for (int i = 0; i < w->star_count; i++) {
        const struct target t =
            from(&w->ships[me], w->stars[i].x, w->stars[i].y);
        if (t.far < best.far)
            best = t;
    }
    return best;
}

uint8_t drone_hands(const world *w, int me)
{
    enum { SIGHT = 260, CLOSE = 120 };
    const ship *s = &w->ships[me];
    struct target t = nearest_enemy(w, me);
    const bool hunts = t.far < (int64_t)SIGHT * SIGHT;
    unsigned hands = 0;

    if (!hunts)
        t = nearest_star(w, me);
    /* The target's place, ahead and to the right, in 256ths of pixels. */
    const int64_t dx = game_sine(s->heading + 64u), dy = game_sine(s->heading);
    const int64_t ahead = t.x * dx + t.y * dy, aside = t.y * dx - t.x * dy;
    const int64_t off   = aside < 0 ? -aside : aside;

    if (ahead < 0 || off * 8 > ahead)
        hands |= aside < 0 ? GAME_LEFT : GAME_RIGHT;
    if (ahead > off && (!hunts || t.far > (int64_t)CLOSE * CLOSE))
        hands |= GAME_GO;
    /* It aims well, so it has to be slow. */
    if (hunts && ahead > 0 && off * 5 < ahead &&
        (w->tick / GAME_HZ + (unsigned)me) % 2 == 0)
        hands |= GAME_FIRE;
    return (uint8_t)hands;
}
