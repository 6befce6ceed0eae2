/* SPDX-License-Identifier: MIT */
/* game_players.h - who flies which ship: they come, are lost, come back, go.
 * What all must know of it is told to all, in the words of game_server.c. */
#ifndef EXAMPLES_GAME_PLAYERS_H
#define EXAMPLES_GAME_PLAYERS_H

#include "game_world.h"
#include "server.h"

enum {
    NAME_LIMIT  = 48, /* bytes of a player's name */
    TOKEN_BYTES = 16, /* nobody guesses them; told in digits: */
    TOKEN_LEN   = 2 * TOKEN_BYTES
};

/* A connection. */
struct person {
    client         client;
    struct player *player; /* NULL: watches */
};

/* Of the ship with the same number. */
struct player {
    struct person *person; /* NULL: away, a drone, or nobody */
    bool is_drone;
    int  away; /* ticks until the ship is nobody's; 0: it is not away */
    char name[NAME_LIMIT + 1];
    char token[TOKEN_LEN + 1]; /* "": nobody can come back to it */
};

struct game {
    server        server;
    world         world;
    struct player players[GAME_SHIPS];
};

/* What the player's ship is called on the wire. */
int player_number(const struct game *g, const struct player *p);

void tell(client *c, const char *line);
void tell_all(struct game *g, const char *line);

/* Who flies here, to one who has just come. */
void players_list(struct game *g, client *c);

/* A person who watches wants a ship: a new one, or the one that goes with the
 * token. False: the name cannot be one. */
bool players_join(struct game *g, struct person *who, const char *name);
void players_come_back(struct game *g, struct person *who, const char *token);

/* The person goes, or the connection does: then the ship waits a little. */
void players_leave(struct game *g, struct person *who);
void players_lose(struct game *g, struct person *who);

/* Ships that fly by themselves (game_drone.h), as far as there is room. */
void players_add_drones(struct game *g, unsigned long count);

/* Each tick, before the world's: drones fly, and who is away too long goes. */
void players_tick(struct game *g);

#endif
