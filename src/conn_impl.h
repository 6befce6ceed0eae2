/* SPDX-License-Identifier: MIT */
/* conn_impl.h - what the files of a connection share, from the ground up: each
 * calls only those that stand above it here. */
#ifndef UPF_CONN_IMPL_H
#define UPF_CONN_IMPL_H

#include <stdbool.h>
#include <string.h>

#include <upframe/conn.h>
#include "conn_state.h"

/* In two halves: compilers zero each with plain stores. For the whole they
 * would write `rep stos`, which takes long to start. */
static inline void upf_conn_zero(upf_conn *conn)
{
    enum { HALF = sizeof *conn / 2 };

    memset(conn, 0, HALF);
    memset((uint8_t *)conn + HALF, 0, sizeof *conn - HALF);
}

/* ---- config.c: what connections share ----------------------------------- */

/* The defaults, which are used if the caller's config is NULL. */
const upf_config *upf_config_fallback(void);

/* Whether a connection can begin with `config`: see config_rules.h. */
bool upf_config_is_sound(const upf_config *config);

/* ---- conn.c: begin, change the state, free ------------------------------ */

/* What every upf_conn_init_ function begins with. */
upf_status upf_conn_begin(upf_conn *conn, const upf_config *config,
                          enum upf_conn_state state, unsigned flags);

/* The one writer of conn->state. */
void upf_conn_enter(upf_conn *conn, enum upf_conn_state state);

/* Something on which the fast paths depend may have changed: permit or forbid
 * them. */
void upf_conn_permit(upf_conn *conn);

enum { UPF_LEEWAY_PAGE = 4096 }; /* bytes; what conn->leeway counts */

/*
 * conn->status, by what it means. A request has a verdict, which is what it is
 * answered with if the application does not answer. A connection has an
 * outcome, which CLOSE tells. A failure may have to wait until what came before
 * it was delivered.
 */
static inline void upf_conn_set_verdict(upf_conn *conn, upf_status status)
{
    conn->status = (int8_t)status;
}

static inline void upf_conn_set_outcome(upf_conn *conn, upf_status status)
{
    conn->status = (int8_t)status;
}

static inline void upf_conn_fail_next(upf_conn *conn, upf_status status)
{
    conn->status = (int8_t)status;
    upf_set(conn, UPF_FAILS_NEXT);
}

/* The wait begins at `time`. If this is 0, the time of the next tick counts as
 * its beginning. */
static inline void upf_conn_wait_from(upf_conn *conn, uint64_t time)
{
    conn->timer = time;
}

/* Take `len` bytes of the input. */
static inline void upf_conn_take(upf_conn *conn, upf_input *input, size_t len)
{
    input->data += len;
    input->len  -= len;
    conn->offset += len;
}

/* The stream's byte `at` is at fault, and CLOSE tells so. */
static inline void upf_conn_blame(upf_conn *conn, uint64_t at)
{
    conn->offset = at;
}

/* Whether we do not read: output has paused it, or the application holds it. */
static inline bool upf_conn_is_withheld(const upf_conn *conn)
{
    return upf_has(conn, UPF_PAUSED | UPF_HELD);
}

/* Whether frames may be sent: the connection is open, our Close was not sent,
 * and no flag of `unless` is set. */
static inline bool upf_conn_may_send(const upf_conn *conn, unsigned unless)
{
    return conn->state == UPF_STATE_OPEN &&
           !upf_has(conn, UPF_CLOSE_SENT | unless);
}

/* ---- conn_put.c: a frame into the output -------------------------------- */

/* Output was added or written: set or clear UPF_CONGESTED and UPF_PAUSED by the
 * high-water mark. */
void upf_conn_note_output(upf_conn *conn);

/* Tell the trace hook, which must be set, that a frame was queued. `mask_key`
 * is NULL if the frame is not masked. */
void upf_conn_trace_frame(upf_conn *conn, unsigned bits, size_t len,
                          const uint8_t *mask_key);

static inline void upf_conn_note_frame(upf_conn *conn, unsigned bits,
                                       size_t len, const uint8_t *mask_key)
{
    if (conn->config->trace)
        upf_conn_trace_frame(conn, bits, len, mask_key);
    if (conn->out.len > conn->config->high_water)
        upf_conn_note_output(conn);
}

/* Whether a frame may be queued: UPF_OK, or UPF_ERR_QUEUE_FULL if more than
 * max_queued bytes would wait. */
static inline upf_status upf_conn_judge_queue(const upf_conn *conn,
                                              size_t header_len, size_t len)
{
    const size_t max  = conn->config->max_queued;
    const size_t room = max > conn->out.len ? max - conn->out.len : 0;

    return len <= room && header_len <= room - len ? UPF_OK
                                                   : UPF_ERR_QUEUE_FULL;
}

/*
 * Queue a frame with the payload that `slices` hold, `len` bytes in all: copied
 * or, by a client, masked with a fresh key (section 5.3).
 *
 *   bits     FIN, RSV1-3 and opcode
 *   reserve  makes the room for the frame: upf_output_reserve(), or for a ping
 *            or pong upf_output_reserve_control()
 */
upf_status upf_conn_put_frame(upf_conn *conn, unsigned bits, size_t len,
                              const upf_slice *slices, size_t count,
                              uint8_t *reserve(upf_conn *conn, size_t len));

/* The same for a message's frame; UPF_ERR_QUEUE_FULL over max_queued. */
upf_status upf_conn_queue_frame(upf_conn *conn, unsigned bits, size_t len,
                                const upf_slice *slices, size_t count);

/* The same, but the extension that was agreed on may encode the payload. */
upf_status upf_conn_queue_encoded(upf_conn *conn, unsigned bits, size_t len,
                                  const upf_slice *slices, size_t count);

/* ---- conn_control.c: Ping, Pong and Close out --------------------------- */

/* Answer a ping. send_pong queues the pong, or keeps it as the late pong if the
 * budget of control frames has no room. send_late_pong queues the late pong, if
 * there is one and the budget has room by now. */
upf_status upf_conn_send_pong(upf_conn *conn, const uint8_t *payload,
                              size_t len);
upf_status upf_conn_send_late_pong(upf_conn *conn);

/* Queue a Close frame. If `code` is 0, its payload is empty. The caller has
 * checked `code` and `reason`. */
upf_status upf_conn_send_close(upf_conn *conn, int code, const char *reason,
                               size_t reason_len);

/* ---- conn_answer.c, conn_refusal.c: what an end needs of the handshake -- */

/* Tell a client that its handshake failed with `status`. */
void upf_conn_refuse_failed(upf_conn *conn, upf_status status);

/* What was read of a response other than 101, as slices of the assembly. */
void upf_conn_refusal(const upf_conn *conn, upf_response *response);

/* ---- conn_end.c: how it ends -------------------------------------------- */

/*
 * The one door for errors: record the first, tell the peer, and make CLOSE the
 * next event. Bytes from conn->offset on are not processed.
 */
void upf_conn_fail(upf_conn *conn, upf_status status);

/* Fill in the event CLOSE and return UPF_OK. What the peer's Close says, the
 * caller adds. */
upf_status upf_conn_deliver_close(upf_conn *conn, upf_event *event);

/* Free the output, which will not be written: the caller has set UPF_LOST or
 * UPF_TIMED_OUT. If any of it was offered, the transport may be reading it:
 * then all of it stays until upf_conn_output_done(). */
void upf_conn_drop_output(upf_conn *conn);

/* Stop waiting for the end: from now on upf_conn_wants() asks only to close the
 * transport, even if output waits. */
void upf_conn_give_up(upf_conn *conn);

/* ---- conn_time.c: when something is due --------------------------------- */

/* The transport was offered output and took none of it. If our ping is still
 * among it, note that the peer has not been asked yet (UPF_UNASKED). */
void upf_conn_note_refused(upf_conn *conn);

#endif
