/* SPDX-License-Identifier: MIT */
/* game_world.c - the rules of the game. Read world_tick() first. */

#include <stddef.h>

#include "game_place.h"
#include "game_world.h"

/* ---- Coming and going ---------------------------------------------------- */

static int ships_here(const world *w)
{
    int count = 0;

    for (int i = 0; i < GAME_SHIPS; i++)
        count += w->ships[i].is_here;
    return count;
}

static int wanted_radius(const world *w)
{
    return 400 + 12 * ships_here(w);
}

void world_begin(world *w)
{
    w->left   = GAME_ROUND;
    w->radius = wanted_radius(w);
}

int world_join(world *w)
{
    for (int i = 0; i < GAME_SHIPS; i++)
        if (!w->ships[i].is_here) {
            w->ships[i] = (ship){0};
            game_place_ship(w, &w->ships[i]);
            w->ships[i].is_here = true;
            return i;
        }
    return -1;
}

void world_leave(world *w, int number)
{
    w->ships[number].is_here = false;
    for (int i = w->shot_count - 1; i >= 0; i--)
        if (w->shots[i].ship == number) /* the next one there is not blamed */
            w->shots[i] = w->shots[--w->shot_count];
}

/* ---- Inputs -------------------------------------------------------------- */

void world_forget_inputs(world *w, int number)
{
    w->ships[number].count = 0;
    w->ships[number].begun = false;
}

void world_input(world *w, int number, game_input input)
{
    ship *s = &w->ships[number];
    const uint16_t last =
        s->count > 0 ? s->waiting[s->count - 1].number : s->done;
    const uint16_t ahead = (uint16_t)(input.number - last);

    if (ahead == 0 || ahead > INT16_MAX)
        return;
    if (s->count == GAME_WAITING) {
        for (int i = 1; i < GAME_WAITING; i++)
            s->waiting[i - 1] = s->waiting[i];
        s->count--;
    }
    s->waiting[s->count++] = input;
}

static void fire(world *w, int number)
{
    const ship *s = &w->ships[number];
    const int   dx = game_sine(s->heading + 64u), dy = game_sine(s->heading);

    if (w->shot_count == GAME_SHOTS)
        return;
    w->shots[w->shot_count++] = (shot){
        .ship   = (uint8_t)number,
        .number = (uint8_t)s->done,
        .x      = s->x + dx * GAME_SHIP_RADIUS,
        .y      = s->y + dy * GAME_SHIP_RADIUS,
        .vx     = s->vx + dx * GAME_SHOT_SPEED,
        .vy     = s->vy + dy * GAME_SHOT_SPEED,
        .life   = GAME_SHOT_LIFE};
}

/*
 * One input a tick. The network brings them in bursts; so the first waits for
 * the second, and after a stall there are two a tick until few wait. Nobody is
 * faster for it: each tick earns one step, and a little, as no two clocks run
 * alike.
 */
static void play_inputs(world *w, int number)
{
    enum { STEP = 64, EARNED = 65, FEW = 2 };
    ship *s = &w->ships[number];

    s->credit += EARNED;
    if (s->credit > GAME_WAITING * STEP)
        s->credit = GAME_WAITING * STEP;
    if (s->count == 0 || (!s->begun && s->count < 2)) {
        s->begun = false;
        if (++s->silent > GAME_HZ) /* nobody at the stick: it drifts */
            (void)ship_step(s, 0, w->radius);
        return;
    }
    s->begun  = true;
    s->silent = 0;
    for (int n = s->count > FEW ? 2 : 1; n > 0 && s->credit >= STEP; n--) {
        const game_input input = s->waiting[0];
        s->count--;
        for (int i = 0; i < s->count; i++)
            s->waiting[i] = s->waiting[i + 1];
        s->credit -= STEP;
        s->done = input.number;
        if (ship_step(s, input.hands, w->radius))
            fire(w, number);
    }
}

/* ---- What meets others --------------------------------------------------- */

static void tell(const world *w, game_event what, int a, int b)
{
    if (w->happened != NULL)
        w->happened(w->user, what, a, b);
}

/* Whether a shot ends in a ship. */
static bool hits(world *w, const shot *bullet)
{
    enum { GONE = 2 * GAME_HZ, MEND = 5 * GAME_HZ };

    for (int i = 0; i < GAME_SHIPS; i++) {
        ship *s = &w->ships[i];
        if (!s->is_here || s->hull == 0 || i == bullet->ship ||
            !game_meet(s->x - bullet->x, s->y - bullet->y,
                  GAME_SHIP_RADIUS + GAME_SHOT_RADIUS))
            continue;
        if (s->shield > 0)
            return true;
        s->mends = MEND;
        if (--s->hull == 0) {
            s->mends = GONE;
            w->ships[bullet->ship].score += GAME_KILL_SCORE;
            tell(w, GAME_KILL, bullet->ship, i);
        }
        return true;
    }
    return false;
}

static void move_shots(world *w)
{
    for (int i = w->shot_count - 1; i >= 0; i--) {
        shot *bullet = &w->shots[i];
        bullet->x += bullet->vx;
        bullet->y += bullet->vy;
        if (--bullet->life == 0 ||
            !game_meet(bullet->x, bullet->y, w->radius) || hits(w, bullet))
            *bullet = w->shots[--w->shot_count];
    }
}

static void take_stars(world *w, ship *s)
{
    for (int i = 0; i < w->star_count; i++)
        if (game_meet(s->x - w->stars[i].x, s->y - w->stars[i].y,
                 GAME_SHIP_RADIUS + GAME_STAR_RADIUS)) {
            s->score++;
            w->stars[i] = game_somewhere(w);
        }
}

static void live_on(world *w, ship *s)
{
    enum { MEND = 5 * GAME_HZ };

    if (s->shield > 0)
        s->shield--;
    if (s->mends > 0 && --s->mends == 0) {
        if (s->hull == 0)
            game_place_ship(w, s);
        else if (s->hull < GAME_HULL)
            s->hull++;
    }
    if (s->mends == 0)
        s->mends = MEND;
    if (s->hull > 0)
        take_stars(w, s);
}

static void end_round(world *w)
{
    int best = -1;

    for (int i = 0; i < GAME_SHIPS; i++)
        if (w->ships[i].is_here &&
            (best < 0 || w->ships[i].score > w->ships[best].score))
            best = i;
    if (best >= 0)
        tell(w, GAME_WON, best, (int)w->ships[best].score);
    w->shot_count = 0;
    w->left       = GAME_ROUND;
    for (int i = 0; i < GAME_SHIPS; i++) {
        w->ships[i].score = 0;
        if (w->ships[i].is_here)
            game_place_ship(w, &w->ships[i]);
    }
}

/* The wall comes and goes slowly; stars follow. */
static void fit_arena(world *w)
{
    const int here   = ships_here(w);
    const int wanted = wanted_radius(w);
    const int stars  = 6 + here < GAME_STARS ? 6 + here : GAME_STARS;

    w->radius += (w->radius < wanted) - (w->radius > wanted);
    while (w->star_count < stars)
        w->stars[w->star_count++] = game_somewhere(w);
    w->star_count = stars;
    for (int i = 0; i < w->star_count; i++)
        if (!game_meet(w->stars[i].x, w->stars[i].y, w->radius))
            w->stars[i] = game_somewhere(w);
}

void world_tick(world *w)
{
    w->tick++;
    fit_arena(w);
    move_shots(w);
    for (int i = 0; i < GAME_SHIPS; i++)
        if (w->ships[i].is_here) {
            play_inputs(w, i);
            live_on(w, &w->ships[i]);
        }
    if (--w->left <= 0)
        end_round(w);
}
