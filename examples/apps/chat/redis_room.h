/* SPDX-License-Identifier: MIT */
/*
 * redis_room.h - the chat that outgrows one machine: any number of
 * broadcast_servers are one room, which is a stream in Redis.
 *
 * All see the same messages in the same order, each once, at whichever server;
 * a client that comes back, to any of them, goes on behind the last message it
 * has seen; and one that does not know whether its message was taken sends it
 * again, to any of them.
 *
 * The protocol is lines of text:
 *
 *   the client's URL
 *     /                   the last 50 messages, and what follows
 *     /?after=ID          what follows the message ID
 *   from a client
 *     /name NAME          I am NAME (at most 32 bytes, no control characters)
 *     /send KEY           and what is to be said, from the next line to the
 *                         end. KEY is of the client's own choice, at random, of
 *                         1 to 64 letters, digits, '-' and '_'. The same KEY
 *                         again is not said again: the room knows as many keys
 *                         as messages (--redis-keep).
 *     /ping               are you there?
 *     anything else       is said, too, but cannot be repeated safely
 *   from the server (KEY is "." where there is none)
 *     room open           or "room lost", while Redis is away; comes first
 *     said ID KEY NAME    and what was said, from the next line to the end
 *     kept KEY            what was sent with KEY is in the stream
 *     later KEY           it may be, or not: to be sent again, with the same
 *                         KEY, when the room is open
 *     gap                 what followed the last ID is not all there any more
 *     pong                the answer to "/ping", for who has nothing to read
 *
 * A Redis that lost its memory knows no keys: what is sent again then is said
 * again, under the same KEY, by which who has seen it knows it. It is not the
 * servers that leave it out: for who came since, it is new. Until then, too,
 * whoever has seen a key can say something else under it: what its owner sends
 * again is then answered with "kept", and not said.
 */
#ifndef EXAMPLES_REDIS_ROOM_H
#define EXAMPLES_REDIS_ROOM_H

#include "redis_address.h"
#include "server.h"

/*
 * Serve the room, instead of server_run(), whose exit status it returns.
 *
 *   keep  how many messages the stream holds, about
 */
int redis_room_run(server *s, const redis_address *address, unsigned long keep);

#endif
