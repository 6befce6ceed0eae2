/* SPDX-License-Identifier: MIT */
/* oracle.h - an independent judge of what a peer's frames must come to. */
#ifndef ORACLE_H
#define ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <upframe/conn.h>

#include "blob.h"

/*
 * Where text stops being UTF-8 (RFC 3629): the index of the first byte with
 * which no continuation could be valid; `len` if there is none. With `end` a
 * text that stops inside a code point is wrong at the start of that.
 */
size_t oracle_utf8(const uint8_t *text, size_t len, bool end);

/*
 * Whether we may send this close code (7.4, and the IANA registry); 1010 is for
 * clients. And whether we take it from a peer: 1010 from both, as public test
 * suites have servers send it.
 */
bool oracle_close_code(int code, bool from_client);
bool oracle_close_code_is_taken(int code);

/* What the receiving connection is. */
struct oracle_rules {
    bool     is_client;
    bool     allow_unmasked;
    uint64_t max_message;
    uint64_t max_frame;
    uint32_t max_fragments;
};

/* One event that must come. */
struct oracle_event {
    upf_event_type type; /* MESSAGE, PING, PONG or CLOSE */
    upf_opcode     opcode;
    size_t         at, len; /* payload or reason, in oracle.payload */

    /* CLOSE; a frame may break several rules, and each may be named */
    uint64_t statuses; /* 1 << -status for each that will do */
    int      code;
    bool     clean;
    uint64_t offset_min, offset_max;
};

/* A control frame that must be sent. */
struct oracle_reply {
    upf_opcode opcode; /* PONG or CLOSE */
    size_t     at, len; /* PONG: payload, in oracle.payload */
    int        code;    /* CLOSE; 0: without one; -1: as its status says */
};

/* Starts as {0}. */
struct oracle {
    struct oracle_event *events;
    size_t               event_count;
    struct oracle_reply *replies;
    size_t               reply_count;
    struct blob          payload;
    size_t               judged; /* bytes; the rest is part of a header */
};

/*
 * Judge what a peer sends to an open connection that sends nothing of its own
 * accord: whole messages. `eof`: and then its stream ends.
 */
void oracle_judge(struct oracle *oracle, const struct oracle_rules *rules,
                  const uint8_t *bytes, size_t len, bool eof);

void oracle_free(struct oracle *oracle);

/* NULL if the event is the n-th that must come, else what is wrong with it. */
const char *oracle_check(const struct oracle *oracle, size_t n,
                         const upf_event *event);

/*
 * NULL if the bytes that were sent are the replies that must be, else what is
 * wrong. `status` is that of CLOSE.
 */
const char *oracle_check_sent(const struct oracle *oracle,
                              const struct oracle_rules *rules,
                              const uint8_t *bytes, size_t len,
                              upf_status status);

/* The close code that tells of an error, by our own table. */
bool oracle_code_tells(int code, upf_status status);

/* All that must come, for a message. */
void oracle_show(const struct oracle *oracle, struct blob *text);

#endif
