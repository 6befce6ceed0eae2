/* SPDX-License-Identifier: MIT */
/*
 * upframe/private.h - what a upf_conn holds.
 *
 * Not for programs: it is here because they hold connections, and may change
 * with any version. upframe/conn.h includes it.
 */
#ifndef UPFRAME_PRIVATE_H
#define UPFRAME_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <upframe/frame.h>

struct upf_head_scan { /* how far a head is that comes in pieces */
    uint32_t bytes;
    uint32_t line_bytes;
    uint16_t lines;
    uint8_t  state;
};

struct upf_buf { /* growable bytes; their capacity stands in front of them */
    uint8_t *data;
    size_t   len;
};

union upf_frame_in { /* the frame that is arriving; both end with a phase */
    struct {
        uint8_t bytes[UPF_FRAME_HEADER_MAX]; /* of a split header */
        uint8_t len;
        uint8_t phase;
    } header;
    struct {
        uint64_t left;        /* payload bytes still to come */
        uint32_t key;         /* masking key, turned to the next byte */
        uint8_t  opcode;
        uint8_t  control_len; /* bytes of a split control payload */
        uint8_t  flags;
        uint8_t  phase;
    } payload;
};

struct upf_message { /* the message that its frames make up */
    uint64_t len;       /* bytes so far */
    uint32_t fragments; /* frames so far */
    uint8_t  opcode;    /* 0: no message is open */
    uint8_t  flags;
    uint8_t  utf8;      /* validator's state */
    uint8_t  carry_len;
    uint8_t  carry[4];  /* stream: a code point that was cut */
    uint32_t taken;     /* encoded: of the current frame's payload */
};

struct upf_refusal { /* a response other than 101, as far as it is here */
    uint64_t taken;   /* bytes of all heads and the body */
    uint64_t left;    /* bytes of the body, or its chunk, still to come */
    uint32_t reason;  /* in `assembly`: bytes of the phrase, then fields */
    uint32_t field;   /* where the last field begins */
    uint32_t line;    /* where the line at hand begins */
    uint32_t body;    /* where the body begins */
    uint16_t lines;
    uint16_t status;
    uint8_t  phase;
    bool     is_long; /* the line at hand is over the limit */
};

struct upf_slot { /* bytes that wait for the transport, or a queue of them */
    uint8_t *data;
    size_t   len; /* of all that waits, if it is a queue */
    union {
        uint8_t           *taken; /* borrowed: input worked off, up to here */
        uint8_t           *block; /* owned: the upf_buf that data lies in */
        struct upf_shared *shared;
        struct upf_queue  *queue;
        size_t             expected; /* none: bytes of the next block */
    } of;
};

/*
 * What each message touches comes first, in 64 bytes that follow each other.
 * Behind a group stands who writes it; everybody reads.
 */
struct upf_conn {
    const struct upf_config *config; /* conn.c */

    /* output.[ch]; what conn_send.c adds at one glance */
    struct upf_slot out;
    /* upf_conn_take(), which all that reads calls; an error moves it back */
    uint64_t offset;            /* bytes taken from the stream */
    /* upf_set() and upf_clear(): conn_state.h has the flags */
    uint32_t flags;
    /* upf_conn_permit() */
    uint16_t glance_limit;      /* conn_next.c takes shorter payloads */
    uint8_t  glance;            /* ... and whether it may */
    uint8_t  leeway;            /* pages that may wait, and nobody is asked */
    /* output.[ch]; upf_conn_permit() ends it */
    uint16_t block_limit;       /* out.len up to which the block takes more */
    uint8_t  out_kind;          /* what `out` is */
    /* upf_conn_enter() */
    uint8_t  state;
    /* upf_conn_set_outcome(); upf_conn_fail_next(); before both, of a request:
     * upf_conn_set_verdict() */
    int8_t   status;
    uint8_t  send_utf8;         /* conn_send.c: of the message begun by parts */
    uint16_t sent_code;         /* conn_control.c: of our Close, or 0 */
    /* conn_time.c; upf_conn_wait_anew() */
    uint64_t timer;             /* when the wait began; 0: not yet known */

    /* conn_ext.c */
    struct upf_ext_state *ext;  /* NULL: no extension was agreed on */
    /* conn_open.c, conn_message.c, conn_recv.c; upf_conn_drop_assembly() */
    struct upf_buf assembly;    /* a split head, message, control frame */
    union {
        struct { /* conn_recv.c, conn_message.c */
            union upf_frame_in frame;
            struct upf_message message;
        } open;
        struct { /* conn_open.c, conn_answer.c */
            uint8_t  digest[20]; /* what Accept encodes */
            uint32_t head_len;
            union {
                struct upf_head_scan scan; /* while a head arrives */
                struct {                   /* a server, when it is whole */
                    const char *head;      /* in the input, or `assembly` */
                    const char *subprotocol;
                } whole;
            } at;
        } handshake;
        struct upf_refusal refusal; /* conn_refusal.c */
    } in;
};

#endif
