/* SPDX-License-Identifier: MIT */
/* heads.h - HTTP heads for a test: requests, responses, and a look at them. */
#ifndef HEADS_H
#define HEADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blob.h"
#include "session.h"

/* The request of section 1.3, without Origin and subprotocols. */
#define HEAD_START \
    "GET /chat HTTP/1.1\r\nHost: server.example.com\r\n" \
    "Upgrade: websocket\r\nConnection: Upgrade\r\n" \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" \
    "Sec-WebSocket-Version: 13\r\n"
#define HEAD_REQUEST HEAD_START "\r\n"
#define HEAD_ACCEPT  "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

/* The length of the head that `bytes` begin with, its blank line included; 0
 * if there is none. */
size_t head_len(const struct blob *bytes);

/*
 * How many of the head's lines are called `name`, and the value of the first
 * of them (to `value`, of 256 bytes, if not NULL). Names in any case.
 */
size_t head_field(const struct blob *bytes, const char *name, char *value);

/* The head has `name` once, with that value. */
void assert_field(const struct blob *bytes, const char *name,
                  const char *value);

/* The output begins with this status line. */
void assert_status_line(const struct blob *bytes, const char *line);

/*
 * The response that accepts what a client asked for; `more` are further header
 * lines, each with its CR LF.
 */
void put_101(struct blob *to, const struct blob *request, const char *more);

#endif
