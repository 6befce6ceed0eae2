/* SPDX-License-Identifier: MIT */
/* conn_state.h - the states of a connection, and its flags. */
#ifndef UPF_CONN_STATE_H
#define UPF_CONN_STATE_H

#include <stdbool.h>

#include <upframe/conn.h>

/* In the order of a life; a zeroed connection is over. */
enum upf_conn_state {
    UPF_STATE_OVER = 0, /* CLOSE was delivered, or nothing was begun */
    UPF_STATE_REQUEST,  /* server: the request's head is arriving */
    UPF_STATE_ANSWER,   /* server: REQUEST was delivered, no answer yet */
    UPF_STATE_DEFERRED, /* server: the answer was put off */
    UPF_STATE_RESPONSE, /* client: the response's head is arriving */
    UPF_STATE_REFUSAL,  /* client: its status is not 101; the rest arrives */
    UPF_STATE_OPENING,  /* OPEN is to be delivered */
    UPF_STATE_OPEN,
    UPF_STATE_CLOSING   /* CLOSE is to be delivered */
};

/* conn->glance: which peer's frames conn_next.c may take at one glance. */
enum upf_glance {
    UPF_GLANCE_NONE = 0,
    UPF_GLANCE_MASKED,   /* a client's, by a server */
    UPF_GLANCE_UNMASKED, /* a server's, by a client */
    UPF_GLANCE_TRACED    /* either's, and the trace hook is told of them */
};

enum upf_conn_flag {
    UPF_IS_CLIENT      = 1 << 0,
    UPF_CLOSE_SENT     = 1 << 1,
    UPF_CLOSE_RECEIVED = 1 << 2,
    UPF_AT_EOF         = 1 << 3,  /* the read side has ended */
    UPF_LOST           = 1 << 4,  /* nothing more can be written */
    UPF_EVENT_IN_BLOCK = 1 << 5,  /* `assembly` has, or may have, the event at
                                     hand, and nothing else */
    UPF_FAILS_NEXT     = 1 << 6,  /* what came before conn->status's error was
                                     delivered; the failure is next */
    UPF_ACTIVE         = 1 << 7,  /* bytes moved since the last tick */
    UPF_PING_WAITS     = 1 << 8,  /* a keepalive ping is unanswered */
    UPF_CONGESTED      = 1 << 9,  /* over the high-water mark */
    UPF_TIMED_OUT      = 1 << 10, /* waited long enough for the end */
    UPF_WEBSOCKET      = 1 << 11, /* the request may be accepted */
    UPF_SEND_ENCODED   = 1 << 12, /* the message begun by parts is encoded */
    UPF_SEND_BEGUN     = 1 << 13, /* a message was begun by parts */
    UPF_IS_HEAD        = 1 << 14, /* the request's method: answers have no
                                     body (RFC 9110, section 9.3.2) */
    UPF_REPLYING       = 1 << 15, /* what is queued now is a reply */
    UPF_OUT_IS_REPLY   = 1 << 16, /* `out` is replies; if it is empty, the flag
                                     is the same as UPF_REPLYING */
    UPF_PAUSED         = 1 << 17, /* too much waits for us to read on */
    UPF_HELD           = 1 << 18, /* the application does not want us to read */
    UPF_OFFERED        = 1 << 19, /* the transport may be writing the output */
    UPF_BLOCK_LENT     = 1 << 20, /* `assembly` is output until it is written */
    UPF_WAITED         = 1 << 21, /* output waited at the last tick */
    UPF_ASKED_AGAIN    = 1 << 22, /* a silence was met by a second ping */
    UPF_EVENT_BEHIND   = 1 << 23, /* the event at hand may lie in `assembly`,
                                     after the message that it interrupts */
    UPF_NOT_NOTED      = 1 << 24, /* no memory to note how long output waits */
    UPF_WAS_WITHHELD   = 1 << 25, /* reading was paused or held since
                                     keep_alive() cleared this */
    UPF_STREAMS        = 1 << 26, /* CHUNK, not MESSAGE: config->stream */
    UPF_UNASKED        = 1 << 27, /* our ping still waits to be written */
    UPF_ASKED_LATE     = 1 << 28, /* our ping had to wait; the time to answer
                                     it was begun again */
    UPF_BLOCK_KEPT     = 1 << 29, /* there may be an `assembly` to give back */
    UPF_UNTOLD         = 1 << 30, /* conn_next.c's fast path has yet to tell the
                                     trace hook of the frame at hand */

    UPF_EVENT_IS_OURS  = UPF_EVENT_IN_BLOCK | UPF_EVENT_BEHIND
};

static inline bool upf_has(const upf_conn *conn, unsigned flag)
{
    return (conn->flags & flag) != 0;
}

static inline void upf_set(upf_conn *conn, unsigned flag)
{
    conn->flags |= flag;
}

static inline void upf_clear(upf_conn *conn, unsigned flag)
{
    conn->flags &= ~(uint32_t)flag;
}

#endif
