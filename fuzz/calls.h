/* SPDX-License-Identifier: MIT */
/* calls.h - any calls in any order: a connection, its script, its input. */
#ifndef CALLS_H
#define CALLS_H

#include "run.h"
#include "script.h"
#include "watch.h"

enum { REPEAT_OPS = 8 };

struct calls {
    struct run    run;
    struct script script;
    struct watch  watch;

    /* What the peer said, and the input that it is handed in by: feed.c. */
    struct bytes said;
    size_t       heard; /* of it */
    bool         silent; /* it has ended */
    uint8_t     *block; /* that `input` lies in */
    upf_input    input;
    bool         lent; /* the library may have borrowed of a block */
    struct bytes retired;  /* pointers to blocks that are still in use */
    upf_event    event;    /* the last one */
    bool         has_data; /* its payload is there, and ours */
    bool         at_hand;  /* what it points to is there, ours or not */

    /* The script's loop: calls.c. */
    size_t   steps;
    size_t   starts[REPEAT_OPS]; /* of the last operations */
    size_t   repeat_at;
    unsigned repeats;
};

/* ---- feed.c ------------------------------------------------------------- */

/* Hand in up to `most` more bytes if all before is taken; take one event. */
upf_status feed_next(struct calls *c, size_t most);

/* Likewise, read to where upf_conn_room() wants them. */
upf_status feed_room(struct calls *c, size_t most);

/* What is not taken moves to other memory; the old is given back as soon as
 * the contract allows. */
void feed_exchange(struct calls *c, size_t more);

/* An output is done, or dropped: what was borrowed is ours again. */
void feed_returned(struct calls *c);

void feed_free(struct calls *c);

/* ---- calls.c ------------------------------------------------------------ */

/* One operation of the script, and what must hold behind it. */
void calls_step(struct calls *c);

#endif
