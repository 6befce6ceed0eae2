/* SPDX-License-Identifier: MIT */
/* peer.h - what a scripted peer says. */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>

#include "script.h"

/*
 * Add the next thing that the peer says: mostly a sound frame; a head, a piece
 * of a frame, any bytes.
 *
 *   is_client  it masks, and begins with a request
 */
void peer_say(struct script *script, bool is_client, struct bytes *to);

#endif
