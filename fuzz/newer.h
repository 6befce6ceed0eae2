/* SPDX-License-Identifier: MIT */
/* newer.h - calls and fields that the library has not had from the beginning,
 * each in one line. */
#ifndef NEWER_H
#define NEWER_H

#include <upframe/conn.h>

/* upf_conn_output_keep(conn): all that is borrowed is copied. */
enum { HAS_KEEP = 0 };
#define CONN_KEEP(conn) ((void)(conn), UPF_OK)

/* upf_conn_hold(conn, hold): the application withholds reading. */
#define CONN_HOLD(conn, hold) ((void)(conn), (void)(hold))

/* config.pause_reading: row `row` of its enum. */
#define CONFIG_PAUSE_READING(config, row) ((void)(config), (void)(row))

/* upf_conn_room() stays valid until the next upf_conn_next(). */
enum { ROOM_STAYS = 0 };

#endif
