/* SPDX-License-Identifier: MIT */
/* game_players.c - who flies which ship: see game_players.h. */

#include <stdio.h>
#include <string.h>

#include "game_drone.h"
#include "game_players.h"

enum {
    LINE_LIMIT = 80, /* "player 249 " and a name */
    AWAY_TICKS = 30 * GAME_HZ,
    CLOSE_ELSEWHERE = 4001 /* of the application's own; game.html knows it */
};

int player_number(const struct game *g, const struct player *p)
{
    return (int)(p - g->players);
}

void tell(client *c, const char *line)
{
    client_send(c, UPF_OP_TEXT, line, strlen(line));
}

void tell_all(struct game *g, const char *line)
{
    set_send(&g->server, &g->server.everyone, UPF_OP_TEXT, line, strlen(line));
}

static const char *player_line(const struct game *g, int number,
                               char line[LINE_LIMIT])
{
    snprintf(line, LINE_LIMIT, "player %d %s", number,
             g->players[number].name);
    return line;
}

void players_list(struct game *g, client *c)
{
    char line[LINE_LIMIT];

    for (int i = 0; i < GAME_SHIPS; i++)
        if (g->world.ships[i].is_here)
            tell(c, player_line(g, i, line));
}

/* ---- Coming ------------------------------------------------------------- */

static struct player *new_player(struct game *g, const char *name)
{
    char line[LINE_LIMIT];
    const int number = world_join(&g->world);

    if (number < 0)
        return NULL;
    struct player *p = &g->players[number];
    *p = (struct player){0};
    snprintf(p->name, sizeof p->name, "%s", name);
    tell_all(g, player_line(g, number, line));
    return p;
}

/* A new secret each time: what was told once may have been overheard. */
static bool new_token(const upf_config *config, char token[TOKEN_LEN + 1])
{
    uint8_t secret[TOKEN_BYTES];

    if (!config->random(config->random_user, secret, sizeof secret))
        return false;
    for (int i = 0; i < TOKEN_BYTES; i++)
        snprintf(token + i * 2, 3, "%02x", secret[i]);
    return true;
}

/* From now on the ship is this person's. */
static void seat(struct game *g, struct player *p, struct person *who)
{
    const int number = player_number(g, p);
    char line[LINE_LIMIT];

    p->person   = who;
    p->away     = 0;
    who->player = p;
    g->world.ships[number].is_away = false;
    world_forget_inputs(&g->world, number);
    if (!new_token(&g->server.setup.config, p->token))
        p->token[0] = '\0'; /* then there is no coming back */
    snprintf(line, sizeof line, "you %d %s", number, p->token);
    tell(&who->client, line);
}

static bool is_name(const char *name)
{
    const size_t len = strlen(name);

    for (size_t i = 0; i < len; i++)
        if ((uint8_t)name[i] < 0x20 || name[i] == 0x7F)
            return false;
    return len >= 1 && len <= NAME_LIMIT;
}

bool players_join(struct game *g, struct person *who, const char *name)
{
    if (!is_name(name))
        return false;
    struct player *p = new_player(g, name);
    if (p != NULL)
        seat(g, p, who);
    else
        tell(&who->client, "full");
    return true;
}

/* Without a hint, in the time it takes, of how many characters are right. */
static bool is_token(const char *token, const char *guess)
{
    unsigned differ = 0;

    if (token[0] == '\0' || strlen(guess) != TOKEN_LEN)
        return false;
    for (int i = 0; i < TOKEN_LEN; i++)
        differ |= (unsigned)(token[i] ^ guess[i]);
    return differ == 0;
}

/* Whose old connection is still there (perhaps it only seems so) has a new one
 * now, and that counts. */
void players_come_back(struct game *g, struct person *who, const char *token)
{
    for (struct player *p = g->players; p < g->players + GAME_SHIPS; p++) {
        if (!is_token(p->token, token))
            continue;
        if (p->person != NULL) {
            p->person->player = NULL;
            client_close(&p->person->client, CLOSE_ELSEWHERE,
                         "you play on another connection");
        }
        seat(g, p, who);
        return;
    }
    tell(&who->client, "unknown");
}

/* ---- Going -------------------------------------------------------------- */

static void end_player(struct game *g, struct player *p)
{
    char line[LINE_LIMIT];
    const int number = player_number(g, p);

    *p = (struct player){0};
    world_leave(&g->world, number);
    snprintf(line, sizeof line, "left %d", number);
    tell_all(g, line);
}

void players_leave(struct game *g, struct person *who)
{
    struct player *p = who->player;

    who->player = NULL;
    if (p != NULL)
        end_player(g, p);
}

void players_lose(struct game *g, struct person *who)
{
    struct player *p = who->player;

    if (p == NULL)
        return;
    who->player = NULL;
    p->person   = NULL;
    p->away     = AWAY_TICKS;
    g->world.ships[player_number(g, p)].is_away = true;
}

/* ---- Time, and who needs nobody ----------------------------------------- */

void players_add_drones(struct game *g, unsigned long count)
{
    for (unsigned long i = 1; i <= count; i++) {
        char name[NAME_LIMIT];
        snprintf(name, sizeof name, "drone %lu", i);
        struct player *p = new_player(g, name);
        if (p != NULL)
            p->is_drone = true;
    }
}

void players_tick(struct game *g)
{
    for (int i = 0; i < GAME_SHIPS; i++) {
        struct player *p = &g->players[i];
        if (p->is_drone)
            world_input(&g->world, i,
                        (game_input){(uint16_t)(g->world.tick & UINT16_MAX),
                                     drone_hands(&g->world, i)});
        else if (p->away > 0 && --p->away == 0)
            end_player(g, p);
    }
}
