/* SPDX-License-Identifier: MIT */
/*
 * test_game.c - the game: its rules and its bytes in this program, then
 * game_server as a child, whose clients are connections of the library's here.
 *
 * EXAMPLES names the directory of the server; without it those tests are
 * skipped.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <upframe/upframe.h>

#include "apps/game/game_drone.h"
#include "apps/game/game_wire.h"
#include "game_frame.h"
#include "support/child.h"
#include "support/rawserver.h"
#include "tcp.h"

/* ---- The rules ----------------------------------------------------------- */

static struct {
    int count;
    game_event what;
    int a, b;
} told;

static void on_event(void *user, game_event what, int a, int b)
{
    (void)user;
    told.count++;
    told.what = what;
    told.a    = a;
    told.b    = b;
}

static world *new_world(int ships)
{
    static world w;

    memset(&told, 0, sizeof told);
    w = (world){.chance = 1, .happened = on_event};
    world_begin(&w);
    for (int i = 0; i < ships; i++)
        assert_int_equal(world_join(&w), i);
    return &w;
}

static void directions_are_round(void **state)
{
    (void)state;
    assert_int_equal(game_sine(0), 0);
    assert_int_equal(game_sine(64), 256);
    assert_int_equal(game_sine(128), 0);
    assert_int_equal(game_sine(192), -256);
    assert_int_equal(game_sine(256 + 64), 256);
    for (unsigned i = 0; i < 256; i++) {
        const int x = game_sine(i + 64), y = game_sine(i);
        assert_in_range(x * x + y * y, 254 * 254, 258 * 258);
    }
}

/* Whatever the hands do. */
static void a_ship_stays_in_the_arena(void **state)
{
    (void)state;
    enum { RADIUS = 300, FASTEST = GAME_THRUST * GAME_DRAG };
    const int64_t limit = (RADIUS - GAME_SHIP_RADIUS + 1) * GAME_UNIT;
    ship     s      = {.hull = GAME_HULL};
    uint32_t chance = 1;
    unsigned hands  = 0;

    for (int i = 0; i < 20000; i++) {
        chance = chance * 1664525u + 1013904223u;
        if (i % 20 == 0)
            hands = chance >> 28;
        (void)ship_step(&s, hands, RADIUS);
        assert_true((int64_t)s.x * s.x + (int64_t)s.y * s.y <= limit * limit);
        assert_in_range(s.vx + FASTEST, 0, 2 * FASTEST);
        assert_in_range(s.vy + FASTEST, 0, 2 * FASTEST);
    }
}

/* The wall has come closer: it pushes. */
static void a_ship_outside_is_put_in(void **state)
{
    (void)state;
    ship s = {.hull = GAME_HULL, .x = 900 * GAME_UNIT, .vx = GAME_UNIT};

    (void)ship_step(&s, 0, 400);
    assert_int_equal(s.x, (400 - GAME_SHIP_RADIUS) * GAME_UNIT);
    assert_in_range(-s.vx, 1, GAME_UNIT);
}

static game_input input(unsigned number, unsigned hands)
{
    return (game_input){(uint16_t)number, (uint8_t)hands};
}

/* Steps that the ship has done, by its heading while it turns. */
static int turned(const ship *s, int heading)
{
    return (uint8_t)(s->heading - heading) / GAME_TURN;
}

static void each_input_is_a_step(void **state)
{
    (void)state;
    world *w = new_world(1);
    ship  *s = &w->ships[0], expected = *s;

    world_input(w, 0, input(1, GAME_GO | GAME_RIGHT));
    world_tick(w);
    assert_int_equal(s->done, 0); /* it waits for the second */
    world_input(w, 0, input(2, GAME_GO));
    for (unsigned i = 3; i < 40; i++) {
        world_tick(w);
        (void)ship_step(&expected, i == 3 ? GAME_GO | GAME_RIGHT : GAME_GO,
                        w->radius);
        assert_int_equal(s->done, i - 2);
        assert_int_equal(s->x, expected.x);
        assert_int_equal(s->y, expected.y);
        assert_int_equal(s->vx, expected.vx);
        assert_int_equal(s->heading, expected.heading);
        world_input(w, 0, input(i, GAME_GO));
    }
}

static void old_inputs_are_nothing(void **state)
{
    (void)state;
    world *w = new_world(1);
    ship  *s = &w->ships[0];
    const int before = s->heading;

    s->done = 65534; /* numbers wrap */
    for (int times = 0; times < 2; times++)
        for (unsigned i = 65535; i <= 65536 + 3; i++)
            world_input(w, 0, input(i, GAME_RIGHT));
    world_input(w, 0, input(60000, GAME_RIGHT));
    assert_int_equal(s->count, 5);
    for (int i = 0; i < 10; i++)
        world_tick(w);
    assert_int_equal(turned(s, before), 5);
    assert_int_equal(s->done, 3);
}

static void a_burst_is_caught_up(void **state)
{
    (void)state;
    world *w = new_world(1);
    ship  *s = &w->ships[0];
    const int before = s->heading;

    for (int i = 0; i < 10; i++)
        world_tick(w);
    for (unsigned i = 1; i <= 10; i++)
        world_input(w, 0, input(i, GAME_RIGHT));
    for (int i = 0; i < 10; i++)
        world_tick(w);
    assert_int_equal(turned(s, before), 10);
}

/* Ten inputs a tick for a minute. */
static void who_sends_more_is_not_faster(void **state)
{
    (void)state;
    enum { TICKS = 60 * GAME_HZ, BONUS = GAME_WAITING + TICKS / 64 + 1 };
    world   *w = new_world(1);
    ship    *s = &w->ships[0];
    unsigned number = 0;
    int      steps  = 0;

    for (int i = 0; i < TICKS; i++) {
        const int before = s->heading;
        for (int n = 0; n < 10; n++)
            world_input(w, 0, input(++number, GAME_RIGHT));
        assert_in_range(s->count, 1, GAME_WAITING);
        world_tick(w);
        steps += turned(s, before);
    }
    assert_in_range(steps, TICKS, TICKS + BONUS);
}

static void a_ship_without_a_pilot_drifts(void **state)
{
    (void)state;
    world *w = new_world(1);
    ship  *s = &w->ships[0];
    const int32_t x = s->x;

    s->vx = s->x > 0 ? -GAME_UNIT : GAME_UNIT;
    for (int i = 0; i < GAME_HZ; i++)
        world_tick(w);
    assert_int_equal(s->x, x); /* its inputs may be late */
    world_tick(w);
    assert_int_not_equal(s->x, x);
}

/* Ship 0 faces ship 1, which is not protected any more. */
static world *duel(void)
{
    world *w = new_world(2);

    for (int i = 0; i < 2; i++) {
        w->ships[i].x       = i * 100 * GAME_UNIT;
        w->ships[i].y       = 0;
        w->ships[i].heading = 0;
        w->ships[i].shield  = 0;
    }
    w->ships[0].begun = true;
    return w;
}

static void shots_destroy(void **state)
{
    (void)state;
    world   *w = duel();
    ship    *s = w->ships;
    unsigned number = 0;

    for (int i = 0; told.count == 0; i++) {
        assert_in_range(i, 0, 5 * GAME_HZ);
        w->star_count = 0; /* they have points, too */
        world_input(w, 0, input(++number, GAME_FIRE));
        world_tick(w);
        assert_int_equal(s[0].hull, GAME_HULL);
    }
    assert_int_equal(told.what, GAME_KILL);
    assert_int_equal(told.a, 0);
    assert_int_equal(told.b, 1);
    assert_int_equal(s[1].hull, 0);
    assert_in_range(s[0].score, GAME_KILL_SCORE, GAME_KILL_SCORE + 2);
    for (int i = 0; s[1].hull == 0; i++) {
        assert_in_range(i, 0, 5 * GAME_HZ);
        const int32_t x = s[1].x;
        world_input(w, 1, input((unsigned)i + 1, GAME_GO));
        world_tick(w);
        assert_true(s[1].hull > 0 || s[1].x == x); /* it lies there */
    }
    assert_int_equal(s[1].hull, GAME_HULL);
    assert_true(s[1].shield > 0);
}

static void a_shield_protects(void **state)
{
    (void)state;
    world *w = duel();

    w->ships[1].shield = 1000;
    for (unsigned i = 0; i < 60; i++) {
        world_input(w, 0, input(i + 1, GAME_FIRE));
        world_tick(w);
    }
    assert_int_equal(w->ships[1].hull, GAME_HULL);
}

/* Nobody is thanked for the shots of who had the ship before. */
static void shots_go_with_their_ship(void **state)
{
    (void)state;
    world *w = duel();

    world_input(w, 0, input(1, GAME_FIRE));
    world_tick(w);
    assert_int_equal(w->shot_count, 1);
    world_leave(w, 0);
    assert_int_equal(w->shot_count, 0);
}

static void a_star_is_a_point(void **state)
{
    (void)state;
    world *w = new_world(1);

    world_tick(w);
    assert_true(w->star_count > 0);
    const star taken = w->stars[0];
    w->ships[0].x     = taken.x;
    w->ships[0].y     = taken.y;
    w->ships[0].score = 0;
    world_tick(w);
    assert_true(w->ships[0].score >= 1);
    assert_true(w->stars[0].x != taken.x || w->stars[0].y != taken.y);
}

static void a_round_has_a_winner(void **state)
{
    (void)state;
    world *w = new_world(3);

    w->ships[1].score = 1000;
    for (int i = 0; i < GAME_ROUND; i++) {
        assert_int_equal(told.count, 0);
        world_tick(w);
    }
    assert_int_equal(told.count, 1);
    assert_int_equal(told.what, GAME_WON);
    assert_int_equal(told.a, 1);
    assert_true(told.b >= 1000);
    assert_int_equal(w->left, GAME_ROUND);
    for (int i = 0; i < 3; i++)
        assert_int_equal(w->ships[i].score, 0);
}

static void there_are_so_many_ships(void **state)
{
    (void)state;
    world *w = new_world(GAME_SHIPS);

    assert_int_equal(world_join(w), -1);
    world_leave(w, 7);
    assert_int_equal(world_join(w), 7);
    assert_int_equal(world_join(w), -1);
}

/* ---- Bytes --------------------------------------------------------------- */

static void play_drones(world *w, int count, int ticks)
{
    for (int i = 0; i < ticks; i++) {
        for (int n = 0; n < count; n++)
            world_input(w, n, input(w->tick & UINT16_MAX, drone_hands(w, n)));
        world_tick(w);
    }
}

static size_t busy_frame(uint8_t out[WIRE_FRAME_MAX], int ships)
{
    world *w = new_world(ships);

    play_drones(w, ships, 20 * GAME_HZ);
    assert_true(w->shot_count > 0);
    w->ships[1].is_away = true;
    return wire_write_frame(out, w);
}

static int in_quarters(int32_t a)
{
    return a / (GAME_UNIT / 4);
}

static void a_frame_tells_the_world(void **state)
{
    (void)state;
    static uint8_t bytes[WIRE_FRAME_MAX];
    static world   copy, *w;
    const size_t   len = busy_frame(bytes, 30);

    w = new_world(30); /* the same: there is no chance in it */
    play_drones(w, 30, 20 * GAME_HZ);
    w->ships[1].is_away = true;
    assert_true(wire_read_frame(&copy, bytes, len));
    assert_int_equal(copy.tick, w->tick);
    assert_int_equal(copy.radius, w->radius);
    assert_int_equal(copy.left / GAME_HZ, w->left / GAME_HZ);
    for (int i = 0; i < GAME_SHIPS; i++) {
        const ship *a = &copy.ships[i], *b = &w->ships[i];
        assert_int_equal(a->is_here, b->is_here);
        if (!a->is_here)
            continue;
        assert_int_equal(a->is_away, b->is_away);
        assert_int_equal(a->shield > 0, b->shield > 0);
        assert_int_equal(a->hands, b->hands);
        assert_int_equal(a->heading, b->heading);
        assert_int_equal(a->hull, b->hull);
        assert_int_equal(a->x, b->x);
        assert_int_equal(a->y, b->y);
        assert_int_equal(a->vx, b->vx);
        assert_int_equal(a->vy, b->vy);
        assert_int_equal(a->score, b->score);
        assert_int_equal(a->done, b->done);
        assert_int_equal(a->reload, b->reload);
    }
    assert_int_equal(copy.star_count, w->star_count);
    for (int i = 0; i < w->star_count; i++)
        assert_int_equal(in_quarters(copy.stars[i].x),
                         in_quarters(w->stars[i].x));
    assert_int_equal(copy.shot_count, w->shot_count);
    for (int i = 0; i < w->shot_count; i++) {
        assert_int_equal(copy.shots[i].ship, w->shots[i].ship);
        assert_int_equal(copy.shots[i].number, w->shots[i].number);
        assert_int_equal(in_quarters(copy.shots[i].y),
                         in_quarters(w->shots[i].y));
    }
}

static size_t from_hex(uint8_t *out, const char *hex)
{
    size_t n = 0;

    for (; *hex != '\0'; hex++)
        if (*hex != ' ') {
            const char pair[] = {hex[0], hex[1], '\0'};
            out[n++]          = (uint8_t)strtoul(pair, NULL, 16);
            hex++;
        }
    return n;
}

/* What the page is held to, too: see game_frame.h. */
static void a_frame_has_known_bytes(void **state)
{
    (void)state;
    enum { QUARTER = GAME_UNIT / 4 };
    static uint8_t known[WIRE_FRAME_MAX], bytes[WIRE_FRAME_MAX];
    static world   w, copy;
    const size_t   len = from_hex(known, GAME_FRAME_HEX);

    w = (world){.tick       = 0x89abcdef,
                .radius     = 600,
                .left       = 97 * GAME_HZ + 11,
                .star_count = 3,
                .shot_count = 2};
    w.ships[3]   = (ship){.is_here = true,
                          .is_away = true,
                          .hands   = GAME_LEFT | GAME_GO,
                          .heading = 250,
                          .hull    = 2,
                          .x       = -123456,
                          .y       = 654321,
                          .vx      = -1234,
                          .vy      = 2345,
                          .score   = 291,
                          .done    = 65534,
                          .reload  = 7};
    w.ships[200] = (ship){.is_here = true,
                          .shield  = 5,
                          .hands   = GAME_RIGHT | GAME_FIRE,
                          .heading = 64,
                          .hull    = 3,
                          .x       = 74565,
                          .y       = -74566,
                          .vx      = 1110,
                          .vy      = -1894,
                          .score   = 65244,
                          .done    = 513};
    w.stars[0]   = (star){-300 * QUARTER, 400 * QUARTER};
    w.stars[1]   = (star){700 * QUARTER, -500 * QUARTER};
    w.stars[2]   = (star){-QUARTER, QUARTER};
    w.shots[0]   = (shot){.ship = 200, .number = 253,
                          .x = -1000 * QUARTER, .y = 800 * QUARTER};
    w.shots[1]   = (shot){.ship = 3, .number = 4,
                          .x = 900 * QUARTER, .y = -700 * QUARTER};

    assert_int_equal(wire_write_frame(bytes, &w), len);
    assert_memory_equal(bytes, known, len);
    assert_true(wire_read_frame(&copy, known, len));
    assert_int_equal(wire_write_frame(bytes, &copy), len);
    assert_memory_equal(bytes, known, len);
}

/* Cut short, or longer, or with a ship that cannot be; in memory of its own
 * each, so that a byte read too many is found. */
static void no_frame_is_read_from_other_bytes(void **state)
{
    (void)state;
    static uint8_t bytes[WIRE_FRAME_MAX];
    static world   copy;
    const size_t   len = busy_frame(bytes, 3);

    for (size_t n = 0; n <= len + 1; n++) {
        uint8_t *piece = malloc(n + 1);
        assert_non_null(piece);
        memcpy(piece, bytes, n);
        assert_int_equal(wire_read_frame(&copy, piece, n), n == len);
        free(piece);
    }
    bytes[WIRE_HEAD_SIZE] = GAME_SHIPS;
    assert_false(wire_read_frame(&copy, bytes, len));
    bytes[0] = WIRE_INPUT;
    assert_false(wire_read_frame(&copy, bytes, len));
}

static void the_largest_frame_has_room(void **state)
{
    (void)state;
    static uint8_t bytes[WIRE_FRAME_MAX];
    static world   copy;
    world *w = new_world(GAME_SHIPS);

    world_tick(w);
    w->star_count = GAME_STARS;
    w->shot_count = GAME_SHOTS;
    assert_int_equal(wire_write_frame(bytes, w), WIRE_FRAME_MAX);
    assert_true(wire_read_frame(&copy, bytes, WIRE_FRAME_MAX));
    assert_int_equal(copy.shot_count, GAME_SHOTS);
}

static void an_input_is_four_bytes(void **state)
{
    (void)state;
    uint8_t    bytes[WIRE_INPUT_SIZE];
    game_input read;

    wire_write_input(bytes, input(0x1234, GAME_GO | GAME_FIRE));
    assert_memory_equal(bytes, "\x01\x0c\x12\x34", 4);
    assert_true(wire_read_input(&read, bytes, sizeof bytes));
    assert_int_equal(read.number, 0x1234);
    assert_int_equal(read.hands, GAME_GO | GAME_FIRE);
    assert_false(wire_read_input(&read, bytes, 3));
    assert_false(wire_read_input(&read, (const uint8_t *)"\2\0\0\1", 4));
    assert_false(wire_read_input(&read, (const uint8_t *)"\1\x10\0\1", 4));
}

/* ---- The server, and who plays ------------------------------------------- */

enum { PEERS = 6 };

struct peer {
    upf_conn ws;
    upf_io   io;
    int      fd;
    world    world; /* as it was told */
    int      me;    /* its ship */
    char     token[64];
    char     words[512]; /* the last text message */
};

static const char  *examples;
static struct child server = {.output = -1};
static unsigned     port;
static struct peer  peers[PEERS];
static size_t       peer_count;
static uint64_t     give_up; /* frames never end: so a test must */

/* Many ships on a busy machine: few frames a second. */
enum { TIME = 4 * PATIENCE };

static int begin(void **state)
{
    (void)state;
    give_up  = clock_ms() + TIME;
    examples = getenv("EXAMPLES");
    signal(SIGPIPE, SIG_IGN);
    return 0;
}

static void drop(struct peer *p)
{
    if (p->fd >= 0) {
        upf_conn_free(&p->ws);
        close(p->fd);
    }
    p->fd = -1;
}

static int end(void **state)
{
    (void)state;
    while (peer_count > 0)
        drop(&peers[--peer_count]);
    child_end(&server);
    return 0;
}

static void run(const char *name, const char *value)
{
    char  path[512];
    char *argv[] = {path, (char *)"--port", (char *)"0",
                    (char *)"--pong-timeout", (char *)"120000", (char *)name,
                    (char *)value, NULL}; /* nobody is silent for so long */

    if (examples == NULL || *examples == '\0')
        skip(); /* `make coverage` builds no examples; `make test` does */
    snprintf(path, sizeof path, "%s/game_server", examples);
    child_start(&server, argv);
}

static void serve(const char *drones)
{
    run("--drones", drones);
    assert_true(child_line(&server, PATIENCE));
    port = (unsigned)strtoul(strrchr(server.line, ':') + 1, NULL, 10);
}

/* The next event, whatever it is. */
static void next(struct peer *p, upf_event *ev)
{
    while (upf_io_next(&p->io, &p->ws, ev) != UPF_OK) {
        const unsigned wants = upf_io_wants(&p->io, &p->ws);
        struct pollfd  polls = {
            .fd     = p->fd,
            .events = (short)((wants & UPF_WANTS_READ ? POLLIN : 0) |
                              (wants & UPF_WANTS_WRITE ? POLLOUT : 0))};
        if (clock_ms() >= give_up)
            fail_msg("what should come does not");
        (void)poll(&polls, 1, 1000);
    }
}

/* A message, of which the peer takes note. True: a frame. */
static bool hear(struct peer *p)
{
    upf_event ev;

    if (clock_ms() >= give_up)
        fail_msg("what should come does not; last: %s", p->words);
    do {
        next(p, &ev);
        if (ev.type == UPF_EVENT_CLOSE)
            fail_msg("closed with %d, %.*s", ev.close.code, (int)ev.len,
                     ev.len > 0 ? (const char *)ev.data : "");
    } while (ev.type != UPF_EVENT_MESSAGE);
    if (ev.opcode == UPF_OP_BINARY) {
        assert_true(wire_read_frame(&p->world, ev.data, ev.len));
        return true;
    }
    assert_true(ev.len < sizeof p->words);
    memcpy(p->words, ev.data, ev.len);
    p->words[ev.len] = '\0';
    return false;
}

static void await_words(struct peer *p, const char *start)
{
    do
        while (hear(p))
            continue;
    while (strncmp(p->words, start, strlen(start)) != 0);
}

static void await_frame(struct peer *p)
{
    while (!hear(p))
        continue;
}

static void await_code(struct peer *p, int code)
{
    upf_event ev;

    do {
        if (clock_ms() >= give_up)
            fail_msg("it is not closed");
        next(p, &ev);
    } while (ev.type != UPF_EVENT_CLOSE);
    assert_int_equal(ev.close.code, code);
    assert_true(ev.len > 0); /* there is a reason, too */
}

static struct peer *watch(void)
{
    const upf_client_request request = {.url = "ws://127.0.0.1/"};
    struct peer *p = &peers[peer_count];

    assert_true(peer_count < PEERS);
    *p    = (struct peer){.me = -1};
    p->fd = tcp_connect("127.0.0.1", port, PATIENCE);
    assert_true(p->fd >= 0);
    peer_count++;
    p->io = upf_io_callbacks(tcp_read, tcp_write, &p->fd);
    assert_int_equal(upf_conn_init_client(&p->ws, NULL, &request), UPF_OK);
    await_words(p, "rules {\"HZ\":30,");
    return p;
}

static void say(struct peer *p, const char *words)
{
    assert_int_equal(upf_send(&p->ws, UPF_OP_TEXT, words, strlen(words)),
                     UPF_OK);
    assert_true(upf_io_flush(&p->io, &p->ws) >= 0);
}

static void send_hands(struct peer *p, unsigned number, unsigned hands)
{
    uint8_t bytes[WIRE_INPUT_SIZE];

    wire_write_input(bytes, input(number, hands));
    assert_int_equal(upf_send(&p->ws, UPF_OP_BINARY, bytes, sizeof bytes),
                     UPF_OK);
    assert_true(upf_io_flush(&p->io, &p->ws) >= 0);
}

static void await_you(struct peer *p)
{
    await_words(p, "you ");
    assert_int_equal(sscanf(p->words, "you %d %63s", &p->me, p->token), 2);
    assert_int_equal(strlen(p->token), 32);
    do
        await_frame(p);
    while (!p->world.ships[p->me].is_here);
}

static struct peer *play(const char *name)
{
    char words[64];
    struct peer *p = watch();

    snprintf(words, sizeof words, "join %s", name);
    say(p, words);
    await_you(p);
    return p;
}

static ship *ship_of(struct peer *p)
{
    return &p->world.ships[p->me];
}

/* The server is still there for `p`. */
static void goes_on(struct peer *p)
{
    const uint32_t tick = p->world.tick;

    while (p->world.tick < tick + 3)
        await_frame(p);
}

/*
 * What the page relies on: the server comes to where the same rules, with the
 * same inputs, have led here. False if this machine made a break between two
 * inputs: then a ship may drift.
 */
static bool a_ship_is_foreseen(void)
{
    enum { INPUTS = 90, WAITING = GAME_WAITING / 2, BREAK_MS = 500 };
    static ship foreseen[INPUTS + 1];
    unsigned    sent = 0, seen = 0;
    uint64_t    last;

    serve("0");
    struct peer *p = play("Ann");
    while (p->world.radius < 412)
        await_frame(p); /* it grows for her */
    foreseen[0] = *ship_of(p);
    assert_int_equal(foreseen[0].done, 0);
    last = clock_ms();
    while (seen < INPUTS) {
        if (sent < INPUTS && sent - seen < WAITING) {
            const unsigned hands = GAME_GO | (sent / 20 % 2 ? GAME_LEFT : 0u) |
                                   (sent % 7 == 0 ? GAME_FIRE : 0u);
            foreseen[sent + 1] = foreseen[sent];
            (void)ship_step(&foreseen[sent + 1], hands, p->world.radius);
            send_hands(p, ++sent, hands);
            if (clock_ms() - last > BREAK_MS)
                return false;
            last = clock_ms();
        }
        await_frame(p);
        seen = ship_of(p)->done;
        assert_in_range(seen, 0, sent);
        assert_int_equal(ship_of(p)->x, foreseen[seen].x);
        assert_int_equal(ship_of(p)->y, foreseen[seen].y);
        assert_int_equal(ship_of(p)->vx, foreseen[seen].vx);
        assert_int_equal(ship_of(p)->vy, foreseen[seen].vy);
        assert_int_equal(ship_of(p)->heading, foreseen[seen].heading);
        assert_int_equal(ship_of(p)->reload, foreseen[seen].reload);
    }    return true;
}

static void a_player_foresees_its_own_ship(void **state)
{
    enum { ROUNDS = 10 };

    for (int i = 0; !a_ship_is_foreseen(); i++) {
        assert_true(i < ROUNDS);
        (void)end(state);
        (void)begin(state);
    }
}

static void players_see_each_other(void **state)
{
    (void)state;
    serve("1");
    struct peer *ann = play("Ann"), *bob = play("B\xc3\xb6" "b, the 2nd"),
                *eve = watch();
    await_words(ann, "player 2 B\xc3\xb6" "b, the 2nd");
    await_words(eve, "player 0 drone 1");
    await_words(eve, "player 1 Ann");
    await_words(eve, "player 2 B");
    assert_int_equal(bob->me, 2);
    for (unsigned i = 1; (bob->world.ships[ann->me].hands & GAME_GO) == 0 ||
                         (eve->world.ships[ann->me].hands & GAME_GO) == 0;
         i++) {
        send_hands(ann, i, GAME_GO);
        await_frame(ann);
        await_frame(bob);
        await_frame(eve);
    }
    say(bob, "leave");
    await_words(ann, "left 2");
    await_words(eve, "left 2");
    while (ship_of(bob)->is_here)
        await_frame(bob); /* who watches now */
    say(bob, "leave");
    send_hands(bob, 100, GAME_GO); /* it was on its way */
    say(bob, "join Bob");
    say(bob, "join Bob"); /* once is enough */
    await_you(bob);
    goes_on(bob);
    assert_false(bob->world.ships[3].is_here);
}

static void back(struct peer *p, const char *token)
{
    char words[128];

    snprintf(words, sizeof words, "back %s", token);
    say(p, words);
}

static void who_is_lost_comes_back(void **state)
{
    (void)state;
    char token[64];

    serve("0");
    struct peer *ann = play("Ann"), *bob = play("Bob");
    drop(ann);
    do
        await_frame(bob);
    while (!bob->world.ships[ann->me].is_away);
    struct peer *again = watch();
    back(again, "0123456789abcdef0123456789abcdef");
    await_words(again, "unknown");
    back(again, "");
    await_words(again, "unknown");
    back(again, ann->token);
    await_you(again);
    assert_int_equal(again->me, ann->me);
    assert_false(ship_of(again)->is_away);
    assert_string_not_equal(again->token, ann->token);
    send_hands(again, ship_of(again)->done + 1u, GAME_GO);
    send_hands(again, ship_of(again)->done + 2u, GAME_GO);
    do
        await_frame(again);
    while (ship_of(again)->hands != GAME_GO);

    snprintf(token, sizeof token, "%s", again->token);
    struct peer *late = watch();
    back(late, ann->token); /* that was for once */
    await_words(late, "unknown");
    say(again, "leave");
    await_words(bob, "left 0");
    back(late, token); /* who leaves has left */
    await_words(late, "unknown");
    goes_on(bob);
}

static void a_second_connection_takes_the_ship(void **state)
{
    (void)state;
    serve("0");
    struct peer *ann = play("Ann"), *again = watch();

    back(again, ann->token);
    await_you(again);
    assert_int_equal(again->me, ann->me);
    await_code(ann, 4001);
    drop(ann);
    goes_on(again);
    assert_false(ship_of(again)->is_away); /* the end of the first is nothing */
}

/* ---- Who behaves badly --------------------------------------------------- */

static void who_says_nonsense_is_told(void **state)
{
    (void)state;
#define SAID(text) {UPF_OP_TEXT, text, sizeof text - 1}
#define DONE(text) {UPF_OP_BINARY, text, sizeof text - 1}
    static const struct {
        upf_opcode  opcode;
        const char *data;
        size_t      len;
    } nonsense[] = {
        SAID(""), SAID("join"), SAID("join "), SAID("join A\nB"),
        SAID("join A\0B"), SAID("join \x7f"), SAID("JOIN Ann"),
        SAID("rules {}"), SAID("leave now"), SAID("backward"),
        SAID("join 1234567890123456789012345678901234567890123456789"),
        SAID("back 12345678901234567890123456789012"
             "345678901234567890123456789012"),
        DONE(""), DONE("\1"), DONE("\1\0\0"), DONE("\1\0\0\1\0"),
        DONE("\2\0\0\1"), DONE("\1\x10\0\1"), DONE("\1\xff\xff\xff")};
    enum { COUNT = sizeof nonsense / sizeof *nonsense };

    serve("0");
    struct peer *ann = play("Ann");
    for (size_t i = 0; i < 2 * COUNT; i++) { /* from who watches, who plays */
        struct peer *p = i < COUNT ? watch() : play("Eve");
        assert_int_equal(upf_send(&p->ws, nonsense[i % COUNT].opcode,
                                  nonsense[i % COUNT].data,
                                  nonsense[i % COUNT].len),
                         UPF_OK);
        /* Who plays is past joining, whatever the name is. */
        if (i >= COUNT && strncmp(nonsense[i % COUNT].data, "join ", 5) == 0 &&
            strlen(nonsense[i % COUNT].data) == nonsense[i % COUNT].len)
            goes_on(p);
        else
            await_code(p, UPF_CLOSE_POLICY);
        drop(p);
        peer_count--;
        goes_on(ann);
        give_up = clock_ms() + TIME;
    }
}

static void who_says_much_at_once_is_told(void **state)
{
    (void)state;
    static const uint8_t much[257];

    serve("0");
    struct peer *ann = play("Ann"), *p = play("Eve");
    assert_int_equal(upf_send(&p->ws, UPF_OP_BINARY, much, sizeof much),
                     UPF_OK);
    await_code(p, UPF_CLOSE_TOO_BIG);
    goes_on(ann);
}

/* More inputs than anybody's hands: the ship is no faster, the others notice
 * nothing, and the flood waits outside. */
static void a_flood_waits_outside(void **state)
{
    (void)state;
    enum { FLOOD = 2000, TICKS = 60 };

    serve("0");
    struct peer *ann = play("Ann"), *eve = play("Eve");
    for (unsigned i = 1; i <= FLOOD; i++)
        send_hands(eve, i, GAME_RIGHT);
    goes_on(ann);
    const uint32_t begun = ann->world.tick;
    uint32_t last  = begun;
    unsigned steps = 0;
    int heading = ann->world.ships[eve->me].heading;
    while (last < begun + TICKS) {
        await_frame(ann);
        const ship *s = &ann->world.ships[eve->me];
        assert_int_equal(ann->world.tick, last + 1);
        last++;
        steps += (unsigned)turned(s, heading);
        heading = s->heading;
    }
    assert_in_range(steps, 1, TICKS + GAME_WAITING + 2);
}

/* Frames that nobody reads do not pile up: who reads again sees the present
 * after what the sockets held. */
static void who_does_not_read_misses_frames(void **state)
{
    (void)state;
    enum { TICKS = 120 };
    const int small = 4096;

    serve("249");
    struct peer *ann = watch(), *eve = watch();
    assert_int_equal(setsockopt(eve->fd, SOL_SOCKET, SO_RCVBUF, &small,
                                sizeof small), 0);
    await_frame(eve);
    const uint32_t begun = eve->world.tick;
    while (ann->world.tick < begun + TICKS)
        await_frame(ann);
    unsigned frames = 0;
    while (eve->world.tick < begun + TICKS) {
        await_frame(eve);
        frames++;
    }
    assert_in_range(frames, 1, TICKS - 20);
    goes_on(ann);
}

static void there_is_no_room_for_more(void **state)
{
    (void)state;
    serve("250");
    struct peer *p = watch();

    say(p, "join Ann");
    await_words(p, "full");
    goes_on(p);
}

static void options_are_looked_at(void **state)
{
    (void)state;
    static const char *const wrong[] = {"x", "251", "-1", ""};
    char text[512];

    for (size_t i = 0; i < 4; i++) {
        server.errors = true;
        run("--drones", wrong[i]);
        assert_int_equal(child_rest(&server, text, sizeof text), 2);
        assert_non_null(strstr(text, "drones"));
        server.errors = false;
    }
}

/* Who is greeted, or reads frames, would be closed as too slow. */
static void a_queue_that_holds_no_frame_is_refused(void **state)
{
    (void)state;
    static const char *const sizes[] = {"2000", "18000"};
    char text[512];

    for (size_t i = 0; i < 2; i++) {
        server.errors = true;
        run("--max-queued", sizes[i]);
        assert_int_equal(child_rest(&server, text, sizeof text), 2);
        assert_non_null(strstr(text, "what --max-queued has room for"));
        server.errors = false;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
        TEST(directions_are_round),
        TEST(a_ship_stays_in_the_arena),
        TEST(a_ship_outside_is_put_in),
        TEST(each_input_is_a_step),
        TEST(old_inputs_are_nothing),
        TEST(a_burst_is_caught_up),
        TEST(who_sends_more_is_not_faster),
        TEST(a_ship_without_a_pilot_drifts),
        TEST(shots_destroy),
        TEST(a_shield_protects),
        TEST(shots_go_with_their_ship),
        TEST(a_star_is_a_point),
        TEST(a_round_has_a_winner),
        TEST(there_are_so_many_ships),
        TEST(a_frame_tells_the_world),
        TEST(a_frame_has_known_bytes),
        TEST(no_frame_is_read_from_other_bytes),
        TEST(the_largest_frame_has_room),
        TEST(an_input_is_four_bytes),
        TEST(a_player_foresees_its_own_ship),
        TEST(players_see_each_other),
        TEST(who_is_lost_comes_back),
        TEST(a_second_connection_takes_the_ship),
        TEST(who_says_nonsense_is_told),
        TEST(who_says_much_at_once_is_told),
        TEST(a_flood_waits_outside),
        TEST(who_does_not_read_misses_frames),
        TEST(there_is_no_room_for_more),
        TEST(options_are_looked_at),
        TEST(a_queue_that_holds_no_frame_is_refused),
    };

    return cmocka_run_group_tests_name("game", tests, NULL, NULL);
}
