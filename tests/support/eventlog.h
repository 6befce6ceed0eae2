/* SPDX-License-Identifier: MIT */
/* eventlog.h - the events of one connection as text, and their grammar. */
#ifndef EVENTLOG_H
#define EVENTLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <upframe/conn.h>

#include "blob.h"

/*
 * One line an event:
 *
 *   REQUEST GET /chat status=UPF_OK
 *   OPEN subprotocol="chat"
 *   MESSAGE text 5 "Hello"
 *   CHUNK text first last 5 "Hello"
 *   PING 2 "hi"
 *   PONG 0 ""
 *   CLOSE 1006 sent=1002 clean=0 status=UPF_ERR_OPCODE offset=12 reason=""
 *
 * Chunks of one message that follow one another are one line, so that the log
 * does not depend on how the input was cut. The offset is given where an
 * offending byte exists.
 *
 * Each event is checked against the grammar of upframe/conn.h, and the test
 * fails at the first one that does not belong there.
 */
struct eventlog {
    struct blob text;
    unsigned    place; /* in the grammar */
    bool        is_client;
    bool        stream;
    unsigned    count[UPF_EVENT_CLOSE + 1]; /* by type */
    uint64_t    payload; /* bytes in MESSAGE and CHUNK */

    upf_status     status; /* of CLOSE */
    upf_close_info close;

    struct {
        upf_opcode opcode;
        bool       inside; /* a message has begun and not ended */
        bool       pending; /* a line to write */
        bool       first, last;
        size_t     len;
        uint64_t   hash;
        uint8_t    head[64];
    } chunk;
};

void eventlog_begin(struct eventlog *log, bool is_client, bool stream);
void eventlog_add(struct eventlog *log, const upf_event *event);

/* A line of the test's own. */
void eventlog_note(struct eventlog *log, const char *text);

/* All lines so far. */
const char *eventlog_text(struct eventlog *log);

bool eventlog_closed(const struct eventlog *log);
void eventlog_free(struct eventlog *log);

/* Whether `status` is about a byte of the peer's, so that it has an offset. */
bool status_has_offset(upf_status status);

#endif
