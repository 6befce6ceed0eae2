/* SPDX-License-Identifier: MIT */
/* conn_impl.h - what the files of a connection share: states and one door each
 * for changing them, failing, closing. */
#ifndef UPF_CONN_IMPL_H
#define UPF_CONN_IMPL_H

#include <stdbool.h>
#include <string.h>

#include <upframe/conn.h>
#include "small.h"

/* In the order of a life; a zeroed connection is over. */
enum upf_conn_state {
    UPF_STATE_OVER = 0, /* CLOSE was delivered, or nothing was begun */
    UPF_STATE_REQUEST,  /* server: the request's head is arriving */
    UPF_STATE_ANSWER,   /* server: REQUEST was delivered, no answer yet */
    UPF_STATE_DEFERRED, /* server: the answer was put off */
    UPF_STATE_RESPONSE, /* client: the response's head is arriving */
    UPF_STATE_OPENING,  /* OPEN is to be delivered */
    UPF_STATE_OPEN,
    UPF_STATE_CLOSING   /* CLOSE is to be delivered */
};

enum upf_conn_flag {
    UPF_IS_CLIENT      = 1 << 0,
    UPF_CLOSE_SENT     = 1 << 1,
    UPF_CLOSE_RECEIVED = 1 << 2,
    UPF_AT_EOF         = 1 << 3,  /* the read side has ended */
    UPF_LOST           = 1 << 4,  /* nothing more can be written */
    UPF_EVENT_IN_BLOCK = 1 << 5,  /* the event at hand lies in `assembly` */
    UPF_HEAD_BORROWED  = 1 << 6,  /* `assembly` is the caller's input */
    UPF_ACTIVE         = 1 << 7,  /* bytes moved since the last tick */
    UPF_PING_WAITS     = 1 << 8,  /* a keepalive ping is unanswered */
    UPF_CONGESTED      = 1 << 9,  /* over the high-water mark */
    UPF_TIMED_OUT      = 1 << 10, /* waited long enough for the end */
    UPF_WEBSOCKET      = 1 << 11, /* the request may be accepted */
    UPF_SEND_ENCODED   = 1 << 12, /* the message begun by parts is encoded */
    UPF_SEND_BEGUN     = 1 << 13, /* a message was begun by parts */
    UPF_FAILS_NEXT     = 1 << 14, /* what came before conn->status's error was
                                     delivered; the failure is next */
    UPF_IS_HEAD        = 1 << 15  /* the request's method: answers have no
                                     body (RFC 9110, section 9.3.2) */
};

static inline bool upf_has(const upf_conn *conn, unsigned flag)
{
    return (conn->flags & flag) != 0;
}

static inline void upf_set(upf_conn *conn, unsigned flag)
{
    conn->flags = (uint16_t)(conn->flags | flag);
}

static inline void upf_clear(upf_conn *conn, unsigned flag)
{
    conn->flags = (uint16_t)(conn->flags & ~flag);
}

/* In two halves, for which compilers write stores: for the whole they write a
 * `rep stos`, which takes longer to begin than these to end. */
static inline void upf_conn_zero(upf_conn *conn)
{
    enum { HALF = sizeof *conn / 2 };

    memset(conn, 0, HALF);
    memset((uint8_t *)conn + HALF, 0, sizeof *conn - HALF);
}

/* ---- config.c: what connections share ----------------------------------- */

/* What stands for a config of NULL. */
const upf_config *upf_config_fallback(void);

/* Whether a connection can begin with it: see config_rules.h. */
bool upf_config_is_sound(const upf_config *config);

/* ---- conn.c: life ------------------------------------------------------- */

/* What every upf_conn_init_ function begins with. */
upf_status upf_conn_begin(upf_conn *conn, const upf_config *config,
                          enum upf_conn_state state, unsigned flags);

/* The one writer of conn->state. */
void upf_conn_enter(upf_conn *conn, enum upf_conn_state state);

/*
 * The one door for errors: record the first, tell the peer, and make CLOSE the
 * next event. Bytes from conn->offset on are not processed.
 */
void upf_conn_fail(upf_conn *conn, upf_status status);

/* Deliver CLOSE; UPF_OK. A reason is the caller's to add. */
upf_status upf_conn_deliver_close(upf_conn *conn, upf_event *event);

/* Give back the memory of a head or message; of the event before. */
void upf_conn_drop_assembly(upf_conn *conn);

/* After output was added or written: the high-water mark. */
void upf_conn_note_output(upf_conn *conn);

/* ---- conn_open.c: the opening handshake --------------------------------- */

/* UPF_OK: an event; UPF_NEED_MORE: no event, look at the state again. */
upf_status upf_conn_read_request(upf_conn *conn, upf_input *input,
                                 upf_event *event);
upf_status upf_conn_read_response(upf_conn *conn, upf_input *input,
                                  upf_event *event);

/* The answer that the application left to us. */
void upf_conn_answer(upf_conn *conn);

/* Tell a client that its handshake failed with `status`. */
void upf_conn_refuse_failed(upf_conn *conn, upf_status status);

/*
 * The event at hand is over. If it lay in the block, that stays for the next
 * message that comes in pieces, as long as there is input: an idle connection
 * holds none.
 */
static inline void upf_conn_end_event(upf_conn *conn)
{
    if (upf_has(conn, UPF_EVENT_IN_BLOCK))
        conn->assembly.len = 0;
    upf_clear(conn, UPF_EVENT_IN_BLOCK);
}

/* ---- conn_recv.c: bytes in, behind conn_next.h -------------------------- */

/* Take `len` bytes of the input. */
static inline void upf_conn_take(upf_conn *conn, upf_input *input, size_t len)
{
    input->data += len;
    input->len  -= len;
    conn->offset += len;
}

/* upf_conn_next(), for whatever conn_next.h does not take. */
upf_status upf_conn_next_slowly(upf_conn *conn, upf_input *input,
                                upf_event *event);

/* ---- conn_message.c: the memory for what arrives ------------------------ */

/*
 * Make room for `len` bytes in all in conn->assembly, of which so many are
 * here; `more` are declared to follow. Stays within 4 KiB of what the peer has
 * sent.
 */
bool upf_conn_grow(upf_conn *conn, size_t len, uint64_t more);

/* ---- conn_send.c: bytes out --------------------------------------------- */

enum { UPF_FIN = 0x80 }; /* in the first byte of a frame */

enum { UPF_QUICK_PAGE = 4096 }; /* bytes; what conn->quick_send counts */

/* Whether frames may be sent, but for a state that is named in `unless`. */
static inline bool upf_conn_may_send(const upf_conn *conn, unsigned unless)
{
    return conn->state == UPF_STATE_OPEN &&
           !upf_has(conn, UPF_CLOSE_SENT | unless);
}

/* What decides whether a message may be sent has changed. */
#ifdef UPF_SMALL
static inline void upf_conn_note_sending(upf_conn *conn) { (void)conn; }
#else
void upf_conn_note_sending(upf_conn *conn);
#endif

/*
 * Queue a frame with the payload that `slices` hold, `len` bytes in all: copied
 * or, by a client, masked with a fresh key (section 5.3).
 *
 *   bits     FIN, RSV1-3 and opcode
 *   reserve  of output.h: where it takes its room
 */
upf_status upf_conn_put_frame(upf_conn *conn, unsigned bits, size_t len,
                              const upf_slice *slices, size_t count,
                              uint8_t *reserve(upf_conn *conn, size_t len));

/* upf_send_in_place(), for whatever conn_quick.c does not take. */
upf_status upf_conn_send_in_place(upf_conn *conn, upf_opcode opcode,
                                  uint8_t *data, size_t len);

/* ---- conn_control.c: control frames out --------------------------------- */

/* Queue a Close frame; code 0: an empty one. `reason` is judged already. */
upf_status upf_conn_send_close(upf_conn *conn, int code, const char *reason,
                               size_t reason_len);

/* Answer a ping, now or when the budget of control frames allows it. */
upf_status upf_conn_send_pong(upf_conn *conn, const uint8_t *payload,
                              size_t len);
upf_status upf_conn_send_late_pong(upf_conn *conn);

#endif
