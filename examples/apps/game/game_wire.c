/* SPDX-License-Identifier: MIT */
/* game_wire.c - the world in bytes: see game_wire.h. */

#include "game_wire.h"

/* ---- Numbers ------------------------------------------------------------- */

static uint8_t *put8(uint8_t *out, unsigned n)
{
    *out = (uint8_t)n;
    return out + 1;
}

static uint8_t *put16(uint8_t *out, int n)
{
    return put8(put8(out, (unsigned)n >> 8 & 255), (unsigned)n & 255);
}

static uint8_t *put32(uint8_t *out, uint32_t n)
{
    return put16(put16(out, (int)(n >> 16)), (int)(n & 65535));
}

static unsigned get16(const uint8_t *in)
{
    return (unsigned)in[0] << 8 | in[1];
}

static uint32_t get32(const uint8_t *in)
{
    return (uint32_t)get16(in) << 16 | get16(in + 2);
}

/* Of two's complement, whatever the machine has. */
static int32_t get_i16(const uint8_t *in)
{
    const int32_t n = (int32_t)get16(in);

    return n < 0x8000 ? n : n - 0x10000;
}

static int32_t get_i32(const uint8_t *in)
{
    const int64_t n = get32(in);

    return (int32_t)(n < 0x80000000 ? n : n - 0x100000000);
}

/* ---- Input --------------------------------------------------------------- */

void wire_write_input(uint8_t out[WIRE_INPUT_SIZE], game_input input)
{
    put16(put8(put8(out, WIRE_INPUT), input.hands), input.number);
}

bool wire_read_input(game_input *input, const uint8_t *data, size_t len)
{
    if (len != WIRE_INPUT_SIZE || data[0] != WIRE_INPUT ||
        (data[1] & ~(unsigned)GAME_HANDS) != 0)
        return false;
    input->hands  = data[1];
    input->number = (uint16_t)get16(data + 2);
    return true;
}

/* ---- A frame, written ---------------------------------------------------- */

enum { QUARTER = GAME_UNIT / 4 };

static uint8_t *put_ship(uint8_t *out, unsigned which, const ship *s)
{
    out = put8(out, which);
    out = put8(out, s->hands | (s->is_away ? WIRE_AWAY : 0u) |
                        (s->shield > 0 ? WIRE_SHIELD : 0u));
    out = put8(out, s->heading);
    out = put8(out, (unsigned)s->hull);
    out = put32(out, (uint32_t)s->x);
    out = put32(out, (uint32_t)s->y);
    out = put16(out, s->vx);
    out = put16(out, s->vy);
    out = put16(out, s->score < UINT16_MAX ? (int)s->score : UINT16_MAX);
    out = put16(out, s->done);
    out = put8(out, (unsigned)s->reload);
    return put8(out, 0);
}

size_t wire_write_frame(uint8_t out[WIRE_FRAME_MAX], const world *w)
{
    uint8_t *at    = out + WIRE_HEAD_SIZE;
    unsigned ships = 0;

    for (unsigned i = 0; i < GAME_SHIPS; i++)
        if (w->ships[i].is_here) {
            at = put_ship(at, i, &w->ships[i]);
            ships++;
        }
    for (int i = 0; i < w->star_count; i++)
        at = put16(put16(at, w->stars[i].x / QUARTER),
                   w->stars[i].y / QUARTER);
    for (int i = 0; i < w->shot_count; i++) {
        const shot *s = &w->shots[i];
        at = put8(put8(at, s->ship), s->number);
        at = put16(put16(at, s->x / QUARTER), s->y / QUARTER);
    }
    uint8_t *head = put8(put8(out, WIRE_FRAME), ships);
    head = put8(put8(head, (unsigned)w->star_count), 0);
    head = put16(put16(head, w->shot_count), w->left / GAME_HZ);
    put16(put32(head, w->tick), w->radius);
    return (size_t)(at - out);
}

/* ---- A frame, read ------------------------------------------------------- */

static void get_ship(ship *s, const uint8_t *in)
{
    s->is_here = true;
    s->is_away = (in[1] & WIRE_AWAY) != 0;
    s->shield  = (in[1] & WIRE_SHIELD) != 0;
    s->hands   = in[1] & GAME_HANDS;
    s->heading = in[2];
    s->hull    = in[3];
    s->x       = get_i32(in + 4);
    s->y       = get_i32(in + 8);
    s->vx      = get_i16(in + 12);
    s->vy      = get_i16(in + 14);
    s->score   = get16(in + 16);
    s->done    = (uint16_t)get16(in + 18);
    s->reload  = in[20];
}

bool wire_read_frame(world *w, const uint8_t *data, size_t len)
{
    if (len < WIRE_HEAD_SIZE || data[0] != WIRE_FRAME)
        return false;
    const size_t ships = data[1], stars = data[2], shots = get16(data + 4);
    if (stars > GAME_STARS || shots > GAME_SHOTS ||
        len != WIRE_HEAD_SIZE + ships * WIRE_SHIP_SIZE +
                   stars * WIRE_STAR_SIZE + shots * WIRE_SHOT_SIZE)
        return false;
    w->left       = (int)get16(data + 6) * GAME_HZ;
    w->tick       = get32(data + 8);
    w->radius     = (int)get16(data + 12);
    w->star_count = (int)stars;
    w->shot_count = (int)shots;
    data += WIRE_HEAD_SIZE;

    for (int i = 0; i < GAME_SHIPS; i++)
        w->ships[i].is_here = false;
    for (size_t i = 0; i < ships; i++, data += WIRE_SHIP_SIZE) {
        if (data[0] >= GAME_SHIPS)
            return false;
        get_ship(&w->ships[data[0]], data);
    }
    for (size_t i = 0; i < stars; i++, data += WIRE_STAR_SIZE)
        w->stars[i] = (star){get_i16(data) * QUARTER,
                             get_i16(data + 2) * QUARTER};
    for (size_t i = 0; i < shots; i++, data += WIRE_SHOT_SIZE) {
        w->shots[i].ship   = data[0];
        w->shots[i].number = data[1];
        w->shots[i].x      = get_i16(data + 2) * QUARTER;
        w->shots[i].y      = get_i16(data + 4) * QUARTER;
    }
    return true;
}
