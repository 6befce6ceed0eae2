/* SPDX-License-Identifier: MIT */
/*
 * game_server.c - a game: ships in a round arena, and the server decides.
 *
 *     game_server                          then open http://127.0.0.1:9001/
 *
 * What it shows: a world that moves thirty times a second, whoever says what;
 * a frame that is encoded once for all, and spared to who is slow, since the
 * next one tells it all again; a player who loses the connection, and comes
 * back into the same ship. Read on_tick() first, then hear(). The rules are in
 * game_world.h, the layout of binary messages in game_wire.h, who flies which
 * ship in game_players.h; game_drone.h is a pilot for who would play alone.
 *
 * Nobody tells the server where a ship is: a player sends what the hands do,
 * and the ship moves by the rules. Text messages are a word and what goes with
 * it; who sends anything else is closed with 1008.
 *
 *   from a client, who watches until it joins
 *     join NAME       I want to play (at most 48 bytes, no control characters)
 *     back TOKEN      I was here just now
 *     leave           I will watch
 *   from the server
 *     rules JSON      the numbers of game_ship.h; the first message
 *     player N NAME   ship N has a pilot: for each, then who comes
 *     left N          it has none any more
 *     you N TOKEN     your ship, and the secret to come back to it
 *     unknown         that token is nobody's, or its time is over
 *     full            there is no ship for you
 *     kill N M        N has destroyed M
 *     won N SCORE     the round is over, and the next one begins
 */

#include <stdio.h>
#include <string.h>

#include "game_html.h"
#include "game_players.h"
#include "game_wire.h"
#include "server.h"

enum {
    WORDS_LIMIT = 63, /* bytes that a client's text may have */
    BACKLOG     = 2048, /* bytes; who has not read so much gets no frame. It is
                           not 0, as words may wait to go with the frame */
    SEND_BUFFER = 32 << 10, /* in the kernel: what waits there grows old, too */
    /* What may wait for one who reads: a frame behind that, and who is here, or
     * has come and gone since. */
    AT_ONCE = BACKLOG + WIRE_FRAME_MAX + 2 * GAME_SHIPS * (16 + NAME_LIMIT)
};

/* ---- Thirty times a second ---------------------------------------------- */

static void send_frame(struct game *g)
{
    static uint8_t    bytes[WIRE_FRAME_MAX];
    const client_set *all = &g->server.everyone;
    const size_t      len = wire_write_frame(bytes, &g->world);
    upf_shared *frame = upf_shared_new(&g->server.setup.config, UPF_OP_BINARY,
                                       bytes, len);

    if (frame == NULL)
        return; /* no memory; the next frame tells all again */
    for (size_t i = 0; i < all->count; i++) {
        client *c = all->members[i].client;
        if (upf_conn_is_open(&c->ws) && upf_conn_queued(&c->ws) < BACKLOG)
            client_send_shared(c, frame);
    }
    upf_shared_free(frame);
}

struct clock {
    timer        timer;
    struct game *game;
};

static void on_tick(timer *t)
{
    struct game *g = OWNER_OF(struct clock, timer, t)->game;

    players_tick(g);
    world_tick(&g->world);
    send_frame(g);
}

static void on_event(void *user, game_event what, int a, int b)
{
    char line[64];

    snprintf(line, sizeof line, "%s %d %d", what == GAME_KILL ? "kill" : "won",
             a, b);
    tell_all(user, line);
}

/* ---- From one ----------------------------------------------------------- */

static void greet(struct game *g, client *c)
{
#define RULE_AS_JSON(name, value) "\"" #name "\":" #value ","
    tell(c, "rules {" GAME_RULES(RULE_AS_JSON) "\"version\":1}");
#undef RULE_AS_JSON
    players_list(g, c);
}

/* A NUL behind what was said, and none in it. */
static bool take_words(char words[WORDS_LIMIT + 1], const upf_event *ev)
{
    if (ev->len == 0 || ev->len > WORDS_LIMIT ||
        memchr(ev->data, '\0', ev->len) != NULL)
        return false;
    memcpy(words, ev->data, ev->len);
    words[ev->len] = '\0';
    return true;
}

/* Whether the words begin so; `rest` is what follows. */
static bool begins(const char *words, const char *start, const char **rest)
{
    const size_t len = strlen(start);

    *rest = words + len;
    return strncmp(words, start, len) == 0;
}

/* False: nobody who knows the protocol says that. Who plays already, or not
 * any more, says nothing wrong, only too late. */
static bool hear_words(struct game *g, struct person *who, const upf_event *ev)
{
    char words[WORDS_LIMIT + 1];
    const char *rest;

    if (!take_words(words, ev))
        return false;
    if (strcmp(words, "leave") == 0) {
        players_leave(g, who);
        return true;
    }
    if (begins(words, "join ", &rest))
        return who->player != NULL || players_join(g, who, rest);
    if (!begins(words, "back ", &rest))
        return false;
    if (who->player == NULL)
        players_come_back(g, who, rest);
    return true;
}

static bool hear_hands(struct game *g, struct person *who, const upf_event *ev)
{
    game_input input;

    if (!wire_read_input(&input, ev->data, ev->len))
        return false;
    if (who->player != NULL)
        world_input(&g->world, player_number(g, who->player), input);
    return true;
}

static void hear(server *s, client *c, const upf_event *ev)
{
    struct person *who = (struct person *)c;
    struct game   *g   = s->user;

    switch (ev->type) {
    case UPF_EVENT_OPEN:
        greet(g, c);
        break;
    case UPF_EVENT_MESSAGE:
        if (ev->opcode == UPF_OP_BINARY ? !hear_hands(g, who, ev)
                                        : !hear_words(g, who, ev))
            client_close(c, UPF_CLOSE_POLICY, "that is not of this game");
        break;
    case UPF_EVENT_CLOSE:
        players_lose(g, who);
        break;
    default: /* the server lets in whoever may come, and shows the page */
        break;
    }
}

/* ---- Beginning ---------------------------------------------------------- */

static bool take_drones(void *user, const char *text)
{
    return option_number("drones", text, 0, GAME_SHIPS, user);
}

static void begin_world(struct game *g)
{
    const upf_config *config = &g->server.setup.config;

    g->world.happened = on_event;
    g->world.user     = g;
    if (!config->random(config->random_user, &g->world.chance,
                        sizeof g->world.chance))
        fputs("no random numbers: the same places each time\n", stderr);
    g->world.chance |= 1; /* it must not be 0 */
    world_begin(&g->world);
}

static const char about[] =
"usage: game_server [option...]\n"
"Ships in a round arena, thirty frames a second; a browser gets its page.\n"
"\n"
"Try it:  game_server &  then open http://127.0.0.1:9001/ twice\n";

int main(int argc, char **argv)
{
    unsigned long drones = 2;
    const app_option options[] = {
        {"drones", "N", "ships that the server flies itself (2)", take_drones},
        {0}};
    static const server_app app = {.client_size = sizeof(struct person),
                                   .hear        = hear,
                                   .page        = game_html,
                                   .page_len    = sizeof game_html - 1};
    static struct game g;
    struct clock clock = {.game = &g};

    g.server.user  = &g;
    g.server.setup = (struct server_setup){.host            = "127.0.0.1",
                                           .port            = "9001",
                                           .max_message     = 256,
                                           .max_queued      = 256ul << 10,
                                           .adds            = AT_ONCE,
                                           .max_rate        = 90,
                                           .ping_interval   = 5000,
                                           .pong_timeout    = 10000,
                                           .max_connections = 1000,
                                           .send_buffer     = SEND_BUFFER,
                                           .options         = options,
                                           .options_user    = &drones};
    const int status = server_begin(&g.server, &app, argc, argv, about);
    if (status >= 0)
        return status;
    begin_world(&g);
    players_add_drones(&g, drones);
    timers_every(&g.server.timers, &clock.timer, GAME_HZ, on_tick);
    return server_run(&g.server);
}
