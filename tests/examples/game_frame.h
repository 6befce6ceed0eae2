/* SPDX-License-Identifier: MIT */
/*
 * game_frame.h - one frame of the game in hex, as game_wire.h lays it out.
 *
 * test_game.c has a world that is written as these bytes, and game.mjs has its
 * page read them (it takes what is in quotes here): so the two are held to one
 * layout. No two fields of a ship, a star or a shot have the same value.
 */
#ifndef TESTS_EXAMPLES_GAME_FRAME_H
#define TESTS_EXAMPLES_GAME_FRAME_H

#define GAME_FRAME_HEX                                                         \
    "02 02 03 00 0002 0061 89abcdef 0258"                                      \
    "03 15 fa 02 fffe1dc0 0009fbf1 fb2e 0929 0123 fffe 07 00"                  \
    "c8 2a 40 03 00012345 fffedcba 0456 f89a fedc 0201 00 00"                  \
    "fed4 0190" "02bc fe0c" "ffff 0001"                                        \
    "c8 fd fc18 0320" "03 04 0384 fd44"

#endif
