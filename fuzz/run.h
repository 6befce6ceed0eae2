/* SPDX-License-Identifier: MIT */
/* run.h - one connection under test: its plan, its application, its record. */
#ifndef RUN_H
#define RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <upframe/conn.h>

#include "bytes.h"
#include "memory.h"

/*
 * The first bytes of an input, and what they choose. The peer's stream is
 * behind them.
 *
 *   0      handshake 1, stream 2, allow_unmasked 4, trust_sent_text 8;
 *          how it ends 0x30; upf_conn_room() 0x40; the struct is moved 0x80
 *   1      max_message (low half), max_frame (high half): rows of a table
 *   2      max_fragments 0x07, max_queued 0x38, high_water 0xC0
 *   3      limits of the head 0x03, subprotocols 0x04, origins 0x08
 *   4      the cut: pieces of so many bytes; 0: whole; from 128: random ones
 *   5      random choices: how much is written (from 128: seldom), when the
 *          loop is left
 *   6      the allocation that fails; 0: none; from 128: and all that follow
 *   7      the call of the random source that fails; 0: none
 *   8-15   the script: what the application does at an event, in turns
 */
enum { PLAN_LEN = 16, SCRIPT_LEN = 8 };

enum ending { END_EOF, END_LOST, END_SILENCE, END_CLOSE };

struct plan {
    bool        is_client;
    bool        handshake;
    bool        room, move;
    enum ending ending;
    uint8_t     cut, dice, fail_alloc, fail_random;
    uint8_t     script[SCRIPT_LEN];
    upf_config  config; /* without its seams */
};

void plan_read(struct plan *plan, const uint8_t bytes[PLAN_LEN],
               bool is_client);

/*
 * How a plan is carried out. Steady: all output is written after each event,
 * nothing fails: then events and output depend on the stream alone, neither on
 * how it is cut nor on whether messages come whole or in chunks. Wild: memory
 * runs out, little is written, the loop is left at any time: what must hold
 * then are the properties.
 */
struct manner {
    bool wild, cut, other_stream;
};

enum { BORROWED_MAX = 16 };

struct run {
    const struct plan *plan;
    struct manner      manner;
    upf_conn          *conn;
    upf_config         config;
    struct memory      memory;
    struct randomness  randomness;
    uint32_t           dice;

    /* What was heard (events.c) */
    unsigned       place; /* in the grammar */
    unsigned       events;
    bool           in_message; /* CHUNK: begun and not ended */
    struct bytes   message;    /* its chunks so far */
    uint32_t       fragments;  /* of it */
    uint64_t       largest_frame;
    struct bytes   log;        /* steady: the events, and what sends returned */
    upf_status     end_status;
    upf_close_info end;

    /* What was said (app.c) */
    struct bytes frames; /* that must leave: first byte, length, payload */
    struct bytes pongs;  /* likewise: whether it must, length, payload */
    bool         part_begun;
    int          close_code; /* of upf_close(): 0 an empty one; -1: none */
    bool         lost;       /* output was dropped */
    bool         freed;
    bool         ended;   /* by the application: no more input */
    bool         ticked;
    uint64_t     now;
    size_t       trace_sent;
    void        *borrowed[BORROWED_MAX]; /* until output is written */
    size_t       borrowed_count;

    /* What moved (drive.c) */
    size_t       received, sent, sends;
    struct bytes output;
    struct bytes offered; /* by upf_conn_output(), and not written */
};

/* Where in the grammar of upframe/conn.h. */
enum { BEFORE, REQUESTED, OPEN, CLOSED };

/* Run a plan; the record is checked, and kept for run_free(). */
void run_plan(struct run *run, const struct plan *plan, struct manner manner,
              const uint8_t *stream, size_t len);
void run_free(struct run *run);

/* Run it steadily whole, cut, and the other way of streaming: the same must
 * come of it; then wildly. */
void run_all(const struct plan *plan, const uint8_t *stream, size_t len);

/* Check an event and record it, then let the application act. */
void run_event(struct run *run, upf_event *event, size_t queued_before);

/* What the application does at an event; with a deferred request. */
void app_act(struct run *run, upf_event *event);
void app_answer(struct run *run);

/* Write up to `most` bytes, of up to `slices` slices. */
void run_write(struct run *run, size_t most, size_t slices);
void run_write_all(struct run *run);

/* What may be allocated now: see README.md. */
void run_allow(struct run *run);

/* Check all that was written; `complete`: nothing is to follow. */
void wire_check(const struct run *run, bool complete);

/* Whether memory or randomness failed: then any call may. */
bool run_failed(const struct run *run);

#endif
