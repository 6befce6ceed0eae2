/* SPDX-License-Identifier: MIT */
/*
 * upframe/private.h - what a upf_conn holds.
 *
 * Programs must not use what is in this header, which may change with any
 * version. It is public only because programs hold connections by value.
 * upframe/conn.h includes it.
 */
#ifndef UPFRAME_PRIVATE_H
#define UPFRAME_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <upframe/frame.h>

struct upf_head_scan { /* an HTTP head that arrives in pieces */
    /* by http_scan.c */
    uint32_t bytes;
    uint32_t line_bytes;
    uint16_t lines;
    uint8_t  state;
};

struct upf_buf { /* growable bytes; the block begins with their capacity */
    uint8_t *data;
    size_t   len;
};

union upf_frame_in { /* the frame that is arriving; `phase` is the last byte
                        of both structs, and tells which one is in use */
    struct {
        /* by conn_recv.c conn_recv.h */
        uint8_t bytes[UPF_FRAME_HEADER_MAX]; /* of a split header */
        uint8_t len;
        uint8_t phase;
    } header;
    struct {
        /* by conn_recv.c conn_recv.h */
        uint64_t left;        /* payload bytes still to come */
        uint32_t key;         /* masking key, rotated to the next byte */
        uint8_t  opcode;
        uint8_t  control_len; /* bytes of a split control payload */
        uint8_t  flags;
        uint8_t  phase;
    } payload;
};

struct upf_message { /* the message that is arriving */
    /* by message.c */
    uint64_t len;       /* bytes so far */
    uint32_t fragments; /* frames so far */
    uint8_t  opcode;    /* 0: no message is open */
    uint8_t  flags;
    uint8_t  utf8;      /* the UTF-8 validator's state */
    uint8_t  carry_len;
    uint8_t  carry[4];  /* stream: the start of a code point that was cut */
    uint32_t taken;     /* extension: bytes taken of this frame's payload */
};

struct upf_refusal { /* a response other than 101 that is arriving */
    /* by conn_refusal.c */
    uint64_t taken;   /* bytes of all heads and the body */
    uint64_t left;    /* bytes of the body, or its chunk, still to come */
    uint32_t reason;  /* in `assembly`: the reason's length, space included */
    uint32_t field;   /* where in `assembly` the last field begins */
    uint32_t line;    /* where in `assembly` the current line begins */
    uint32_t body;    /* where in `assembly` the body begins */
    uint16_t lines;
    uint16_t status;
    uint8_t  phase;
    bool     is_long; /* the current line is over the limit */
};

struct upf_slot { /* bytes that wait for the transport, or a queue of them */
    uint8_t *data;
    size_t   len; /* of a queue: of all its slots */
    union {
        uint8_t           *taken; /* borrowed: the end of the input taken */
        uint8_t           *block; /* owned: the upf_buf that has the bytes */
        struct upf_shared *shared;
        struct upf_queue  *queue;
        size_t             expected; /* nothing waits: bytes to expect next */
    } of;
};

/*
 * The fields that each message touches come first, in 64 bytes.
 *
 * "by FILE ..." over a group of fields names the only files that write them;
 * any file may read them. Besides, upf_conn_free() and the functions that begin
 * a connection set everything to 0, and upf_conn_enter() sets `in` to 0 when
 * the connection opens.
 */
struct upf_conn {
    /* by conn.c */
    const struct upf_config *config;

    /* by output.c output.h output_add.h */
    struct upf_slot out;
    /* by conn_impl.h */
    uint64_t offset;            /* bytes taken from the stream; after an error,
                                   where it is */
    /* by conn_state.h */
    uint32_t flags;             /* enum upf_conn_flag */
    /* by conn.c */
    uint16_t glance_limit;      /* the fast path of conn_next.c takes payloads
                                   shorter than this */
    uint8_t  glance;            /* which frames that path takes: enum
                                   upf_glance */
    uint8_t  leeway;            /* the fast path of conn_send.c is used while
                                   fewer pages of output wait */
    /* by output.c output.h output_add.h */
    uint16_t block_limit;       /* out.len up to which the block takes more */
    uint8_t  out_kind;          /* what `out` is */
    /* by conn.c */
    uint8_t  state;             /* enum upf_conn_state */
    /* by conn_impl.h */
    int8_t   status;            /* a request's verdict, later the outcome */
    /* by conn_send.c */
    uint8_t  send_utf8;         /* of the message sent in parts */
    /* by conn_control.c */
    uint16_t sent_code;         /* of our Close, or 0 */
    /* by conn_impl.h */
    uint64_t timer;             /* when the wait began; 0: not yet known */

    /* by conn_ext.c */
    struct upf_ext_state *ext;  /* NULL: no extension was agreed on */
    /* by conn_assembly.c conn_assembly.h */
    struct upf_buf assembly;    /* a split head, message, control frame */
    union {
        struct {
            union upf_frame_in frame;
            struct upf_message message;
        } open;
        struct {
            /* by conn_open.c */
            uint8_t  digest[20]; /* what Accept encodes */
            uint32_t head_len;
            union {
                struct upf_head_scan scan; /* while a head arrives */
                struct { /* server: once the head is whole */
                    /* by conn_open.h */
                    const char *head; /* in the input, or `assembly` */
                    const char *subprotocol;
                } whole;
            } at;
        } handshake;
        struct upf_refusal refusal;
    } in;
};

#endif
