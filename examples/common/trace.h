/* SPDX-License-Identifier: MIT */
/* trace.h - what goes over the wire, as a person reads it: for --trace. */
#ifndef EXAMPLES_TRACE_H
#define EXAMPLES_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <upframe/conn.h>

/*
 * A frame header in columns, "-> TEXT    fin  masked    5 bytes", without a
 * line end: the payload may follow. "..." for fin: more fragments will come.
 */
void trace_frame(FILE *out, bool sent, const upf_frame_header *header);

/*
 * A payload, or about the first `most` bytes of it: text in quotes, where what
 * could play tricks on a terminal shows as \xNN; or hexadecimal.
 */
#define TRACE_SHORT 40
void trace_payload(FILE *out, bool is_text, const void *data, size_t len,
                   size_t most);

/* What a close code means (RFC 6455, section 7.4.1), in a few words. */
const char *trace_close_code(int code);

/*
 * One connection's trace on standard output. Zero-initialise it. The engine's
 * hook knows headers only; payloads are added from the events, and from what
 * the program says that it sends.
 */
typedef struct trace {
    unsigned         sent_head, received_head; /* how far the heads are */
    bool             sending;
    upf_opcode       opcode; /* of what is being sent */
    const void      *data;
    size_t           len;
    int              close_code;
    bool             announced, replied;
    upf_frame_header announcement; /* read; its payload is still to come */
    upf_frame_header reply;        /* queued by the engine before that */
} trace;

/* A upf_trace_fn; `user` is the trace. */
void trace_hook(void *user, const upf_conn *conn, bool sent,
                const upf_frame_header *header);

/* Around a upf_send...() or upf_close(): what the next frame carries. */
void trace_sending(trace *t, upf_opcode opcode, const void *data, size_t len);
void trace_closing(trace *t, int code, const char *reason);
void trace_sent(trace *t);

/* After each event, and at the end (NULL): completes what was announced. */
void trace_event(trace *t, const upf_event *event);

/* From the callbacks: shows the HTTP heads, which come before all frames. */
void trace_bytes(trace *t, bool sent, const void *data, ptrdiff_t len);

#endif
