/* SPDX-License-Identifier: MIT */
/*
 * game_wire.h - the world in bytes, as it goes over the WebSocket.
 *
 * Binary messages have one of two layouts. Numbers are big-endian, which is
 * what a DataView of JavaScript reads unless told otherwise; u is unsigned, i
 * is two's complement, the digits are bits. game_wire.c writes and reads them
 * in C, `readFrame` and `sendInput` of game.html in JavaScript.
 *
 * input: 4 bytes, from a player, GAME_HZ times a second
 *
 *   0  u8   WIRE_INPUT
 *   1  u8   hands: 1 turn left, 2 turn right, 4 go, 8 fire
 *   2  u16  number: one more than the one before
 *
 * frame: the whole world, from the server, GAME_HZ times a second. There are
 * no differences to the frame before: who is slow is spared some, and has lost
 * nothing.
 *
 *   0  u8   WIRE_FRAME
 *   1  u8   count of ships
 *   2  u8   count of stars
 *   3  u8   0
 *   4  u16  count of shots
 *   6  u16  seconds that the round has left
 *   8  u32  tick: one more each 1/GAME_HZ of a second
 *  12  u16  radius of the arena in pixels
 *  14       ships, then stars, then shots
 *
 * ship: 22 bytes
 *
 *   0  u8   which one
 *   1  u8   hands, as above; 16 its player's connection is lost; 32 nothing
 *           hits it yet
 *   2  u8   heading, in 256ths of the circle: 0 to the right, 64 down
 *   3  u8   hull; 0: destroyed, it will be back
 *   4  i32  x, 256ths of a pixel from the centre
 *   8  i32  y
 *  12  i16  speed in x, 256ths of a pixel a step
 *  14  i16  speed in y
 *  16  u16  score
 *  18  u16  number of the input that moved it last: what the page sent after
 *           that it adds itself
 *  20  u8   steps until it can fire
 *  21  u8   0
 *
 * star: 4 bytes             shot: 6 bytes
 *
 *   0  i16  x, in quarters    0  u8   whose
 *           of a pixel        1  u8   number of the input that fired it, its
 *   2  i16  y                         last 8 bits
 *                             2  i16  x, in quarters of a pixel
 *                             4  i16  y
 */
#ifndef EXAMPLES_GAME_WIRE_H
#define EXAMPLES_GAME_WIRE_H

#include <stddef.h>
#include "game_world.h"

enum {
    WIRE_INPUT = 1,
    WIRE_FRAME = 2,

    WIRE_AWAY   = 16, /* beside a ship's hands */
    WIRE_SHIELD = 32,

    WIRE_INPUT_SIZE = 4,
    WIRE_HEAD_SIZE  = 14,
    WIRE_SHIP_SIZE  = 22,
    WIRE_STAR_SIZE  = 4,
    WIRE_SHOT_SIZE  = 6,
    WIRE_FRAME_MAX  = WIRE_HEAD_SIZE + GAME_SHIPS * WIRE_SHIP_SIZE +
                      GAME_STARS * WIRE_STAR_SIZE + GAME_SHOTS * WIRE_SHOT_SIZE
};

/* For the server. The frame's length is returned. */
bool   wire_read_input(game_input *input, const uint8_t *data, size_t len);
size_t wire_write_frame(uint8_t out[WIRE_FRAME_MAX], const world *w);

/* For a client: what a frame does not tell is left alone. False: it is none. */
void wire_write_input(uint8_t out[WIRE_INPUT_SIZE], game_input input);
bool wire_read_frame(world *w, const uint8_t *data, size_t len);

#endif
