/* SPDX-License-Identifier: MIT */
/*
 * upframe - RFC 6455 WebSocket, server and client, over any transport.
 *
 * Where to start reading: conn.h (bytes in, events out; messages in, bytes
 * out), then io.h (the same over read and write callbacks). The rest is for
 * special needs: handshake.h, frame.h, status.h, arena.h, backoff.h.
 */
#ifndef UPFRAME_UPFRAME_H
#define UPFRAME_UPFRAME_H

#include <upframe/arena.h>
#include <upframe/backoff.h>
#include <upframe/conn.h>
#include <upframe/frame.h>
#include <upframe/handshake.h>
#include <upframe/io.h>
#include <upframe/status.h>
#include <upframe/str.h>

#define UPF_VERSION_MAJOR 0
#define UPF_VERSION_MINOR 1
#define UPF_VERSION_PATCH 0
#define UPF_VERSION       "0.1.0"

#endif
