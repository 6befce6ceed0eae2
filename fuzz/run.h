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
    bool        ext;         /* the test extension is offered, or accepted */
    bool        real_random; /* the library's generator */
    bool        room, move;
    enum ending ending;
    uint8_t     cut, dice, fail_alloc, fail_random;
    uint8_t     script[SCRIPT_LEN];
    upf_config  config; /* without its seams */
};

void plan_read(struct plan *plan, const uint8_t bytes[PLAN_LEN],
               bool is_client);

/* Which of the machine's sets of kernels runs: `number` of them, in a circle. */
void plan_kernels(size_t number);

/*
 * How a plan is carried out. Steady: all output is written after each event,
 * nothing fails: then events and output depend on the stream alone, neither on
 * how it is cut, nor on whether messages come whole or in chunks, nor on which
 * paths the library takes. Wild: memory runs out, little is written, the loop
 * is left at any time: what must hold then are the properties.
 */
struct manner {
    bool wild, cut, other_stream;
    enum paths {
        PATHS_GENERAL, /* step by step; a trace hook watches */
        PATHS_TRACED,  /* it watches frames that are taken at a glance */
        PATHS_FAST     /* no hook */
    } paths;
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
    upf_status     last; /* of upf_conn_next() */
    upf_status     end_status;
    upf_close_info end;

    /* What was said (app.c) */
    struct bytes frames; /* that must leave: first byte, length, payload */
    struct bytes pongs;  /* likewise: whether it must, length, payload */
    bool         part_begun;
    bool         part_encoded; /* by the extension */
    size_t       encoded;      /* messages that it encoded and that were taken */
    bool         accepted;     /* the request: by the application */
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

/* ---- drive.c ------------------------------------------------------------ */

/* Run a plan; the record is checked, and kept for run_free(). */
void run_plan(struct run *run, const struct plan *plan, struct manner manner,
              const uint8_t *stream, size_t len);
void run_free(struct run *run);

/* Run it steadily whole, cut, the other way of streaming, and on each path: the
 * same must come of it; then wildly. */
void run_all(const struct plan *plan, const uint8_t *stream, size_t len);

/* run_plan() in two halves, for entries that feed the connection in their own
 * way. run_begin: what upf_conn_init_ returned. run_end: the stream has no
 * more; led to its end, freed, and checked. */
upf_status run_begin(struct run *run, const struct plan *plan,
                     struct manner manner);
void       run_end(struct run *run, upf_status begun);

/* Write up to `most` bytes, of up to `slices` slices. */
void run_write(struct run *run, size_t most, size_t slices);
void run_write_all(struct run *run);

/* `written` bytes of those slices were: note them. */
void run_note_written(struct run *run, const upf_slice *slices, size_t count,
                      size_t written);
void run_note_done(struct run *run, upf_status status);

/* upf_conn_next(), judged; an event is handed to run_event(). */
upf_status run_next(struct run *run, upf_input *input, upf_event *event);

/* The struct is somewhere else from now on. */
void run_move(struct run *run);

/* Time passes, up to what the connection waits for; if for nothing, a little. */
void run_wait(struct run *run);

/* What the event loop asks, and the answers that fit together. */
void run_ask(const struct run *run);

/* What may be allocated now: see README.md. */
void run_allow(struct run *run);

/* Whether memory or randomness failed: then any call may. */
bool run_failed(const struct run *run);

/* ---- events.c: check an event and record it, then let the application act - */

void run_event(struct run *run, upf_event *event, size_t queued_before);

/* Read all that it points to. */
void run_touch_request(const upf_request *request);
void run_touch_event(const upf_event *event);

/* ---- app.c: what the application does at an event; with a deferred request - */

void app_act(struct run *run, upf_event *event);
void app_answer(struct run *run);

/* A request's answer, as row `what` of the script has it. */
upf_status app_at_request(struct run *run, upf_event *event, unsigned what);

/* ---- send.c: sends, judged and recorded --------------------------------- */

upf_status app_send(struct run *run, upf_opcode opcode, const uint8_t *data,
                    size_t len);

/* In two slices and an empty one between them. */
upf_status app_send_gathered(struct run *run, upf_opcode opcode, uint8_t *data,
                             size_t len, size_t cut);

/* The message at hand, or with `own` a copy in memory of the application's. */
upf_status app_send_in_place(struct run *run, upf_opcode opcode, uint8_t *data,
                             size_t len, bool own);
upf_status app_send_part(struct run *run, upf_opcode opcode,
                         const uint8_t *data, size_t len, bool fin);
upf_status app_send_shared(struct run *run, upf_opcode opcode,
                           const uint8_t *data, size_t len); /* twice */
upf_status app_send_control(struct run *run, bool ping, uint8_t *data,
                            size_t len);
upf_status app_close(struct run *run, unsigned how);
void       app_tick(struct run *run, uint64_t later);

/* What must be refused, and change nothing. */
void app_misuse(struct run *run, upf_event *event);

/* Before other sends of up to `len` bytes: they may take that much memory.
 * Returns what is queued. */
size_t app_begin_send(struct run *run, size_t len);

/* ---- wire.c: check all that was written; `complete`: nothing is to follow - */

void wire_check(const struct run *run, bool complete);

#endif
