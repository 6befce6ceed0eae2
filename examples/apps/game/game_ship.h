/* SPDX-License-Identifier: MIT */
/*
 * game_ship.h - one ship, one step: what the page knows, too.
 *
 * All is done in whole numbers, so that each machine, and the page's script,
 * comes to the same result to the last bit: then a page can move its own ship
 * at once, and the server agrees later.
 */
#ifndef EXAMPLES_GAME_SHIP_H
#define EXAMPLES_GAME_SHIP_H

#include <stdbool.h>
#include <stdint.h>

/* The numbers that ship_step() and the page need. The page is told them. */
#define GAME_RULES(RULE)                                                      \
    RULE(HZ, 30)          /* steps a second */                                \
    RULE(UNIT, 256)       /* parts of a pixel; of 1 in a direction; steps of  \
                             a circle */                                      \
    RULE(TURN, 5)         /* by which a step turns, of such steps */          \
    RULE(THRUST, 72)      /* parts of a pixel that a step adds to the speed */\
    RULE(DRAG, 32)        /* of the speed, one part in so many is lost */     \
    RULE(RELOAD, 9)       /* steps from shot to shot */                       \
    RULE(SHOT_SPEED, 14)  /* pixels a step, and what the ship has */          \
    RULE(SHOT_LIFE, 36)   /* steps */                                         \
    RULE(SHIP_RADIUS, 14) /* pixels, as the next two */                       \
    RULE(SHOT_RADIUS, 4)                                                      \
    RULE(STAR_RADIUS, 10)                                                     \
    RULE(HULL, 3)         /* hits that a ship takes */                        \
    RULE(KILL_SCORE, 5)   /* and a star is 1 */

enum {
#define GAME_RULE(name, value) GAME_##name = value,
    GAME_RULES(GAME_RULE)
#undef GAME_RULE
    GAME_WAITING = 15 /* inputs of one player; a stall of half a second */
};

/* What a player's hands do; bits. */
enum {
    GAME_LEFT  = 1,
    GAME_RIGHT = 2,
    GAME_GO    = 4,
    GAME_FIRE  = 8,
    GAME_HANDS = 15
};

typedef struct game_input {
    uint16_t number; /* one more than the one before; wraps */
    uint8_t  hands;
} game_input;

typedef struct ship {
    bool     is_here; /* else the rest means nothing */
    bool     is_away; /* its player's connection is lost */
    uint8_t  heading; /* 0: to the right, 64: down */
    uint8_t  hands;   /* of the last step */
    int32_t  x, y;    /* parts of a pixel from the centre */
    int32_t  vx, vy;  /* the same, a step */
    int      hull;    /* 0: destroyed */
    int      reload;  /* steps until it can fire */
    int      shield;  /* steps that nothing hits it */
    int      mends;   /* steps until the hull is better by one, or it is back */
    unsigned score;
    uint16_t done;    /* the number of the input that moved it last */

    game_input waiting[GAME_WAITING]; /* the oldest first */
    int        count;
    bool       begun;  /* it does not wait for a second input to begin */
    int        credit; /* steps that it may do, in 64ths */
    int        silent; /* ticks without an input */
} ship;

/* Move a ship by one step, in an arena of `radius`. True: it fires. */
bool ship_step(ship *s, unsigned hands, int radius);

/* 256 times the sine of a 256th of the circle; the cosine is 64 on. */
int game_sine(unsigned angle);

#endif
