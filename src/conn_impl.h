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

/* What stands for a config of NULL. */
const upf_config *upf_config_fallback(void);

/* Whether a connection can begin with it: see config_rules.h. */
bool upf_config_is_sound(const upf_config *config);

/* ---- conn.c: begin, change the state, free ------------------------------ */

/* What every upf_conn_init_ function begins with. */
upf_status upf_conn_begin(upf_conn *conn, const upf_config *config,
                          enum upf_conn_state state, unsigned flags);

/* The one writer of conn->state. */
void upf_conn_enter(upf_conn *conn, enum upf_conn_state state);

/* Something on which the fast paths depend has changed: are they permitted? */
void upf_conn_permit(upf_conn *conn);

enum { UPF_LEEWAY_PAGE = 4096 }; /* bytes; what conn->leeway counts */

/* Give back the memory of a head or message; of the event before. */
void upf_conn_drop_assembly(upf_conn *conn);

/*
 * The event at hand is over. If it lay in the block, that stays for the next
 * message that comes in pieces, as long as there is input: an idle connection
 * holds none.
 */
static inline void upf_conn_end_event(upf_conn *conn)
{
    if (upf_has(conn, UPF_EVENT_IN_BLOCK))
        conn->assembly.len = 0;
    if (upf_has(conn, UPF_BLOCK_LENT)) /* it is the output's alone */
        conn->assembly.data = NULL;
    upf_clear(conn, UPF_EVENT_IS_OURS | UPF_BLOCK_LENT);
}

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

/* Another wait begins: the next tick says when. */
static inline void upf_conn_wait_anew(upf_conn *conn)
{
    conn->timer = 0;
}

/* Take `len` bytes of the input. */
static inline void upf_conn_take(upf_conn *conn, upf_input *input, size_t len)
{
    input->data += len;
    input->len  -= len;
    conn->offset += len;
}

/* It is we who do not read. */
static inline bool upf_conn_is_withheld(const upf_conn *conn)
{
    return upf_has(conn, UPF_PAUSED | UPF_HELD);
}

/* Whether frames may be sent, but for a state that is named in `unless`. */
static inline bool upf_conn_may_send(const upf_conn *conn, unsigned unless)
{
    return conn->state == UPF_STATE_OPEN &&
           !upf_has(conn, UPF_CLOSE_SENT | unless);
}

/* ---- conn_put.c: a frame into the output -------------------------------- */

/* After output was added or written: the high-water mark. */
void upf_conn_note_output(upf_conn *conn);

/* A frame was queued. `mask_key` is NULL if there is none. */
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

/* Whether a frame may be queued, as far as max_queued goes. */
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
 *   reserve  of output.h: where it takes its room
 */
upf_status upf_conn_put_frame(upf_conn *conn, unsigned bits, size_t len,
                              const upf_slice *slices, size_t count,
                              uint8_t *reserve(upf_conn *conn, size_t len));

/* The same of a message's frame, which max_queued may refuse. */
upf_status upf_conn_queue_frame(upf_conn *conn, unsigned bits, size_t len,
                                const upf_slice *slices, size_t count);

/* The same through the extension that was agreed on. */
upf_status upf_conn_queue_encoded(upf_conn *conn, unsigned bits, size_t len,
                                  const upf_slice *slices, size_t count);

/* ---- conn_control.c: Ping, Pong and Close out --------------------------- */

/* Answer a ping, now or when the budget of control frames allows it. */
upf_status upf_conn_send_pong(upf_conn *conn, const uint8_t *payload,
                              size_t len);
upf_status upf_conn_send_late_pong(upf_conn *conn);

/* Queue a Close frame; code 0: an empty one. `reason` is judged already. */
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

/* Deliver CLOSE; UPF_OK. What the peer's Close says is the caller's to add. */
upf_status upf_conn_deliver_close(upf_conn *conn, upf_event *event);

/* Free the output: UPF_LOST or UPF_TIMED_OUT says that it will not be written.
 * If any of it was offered, the transport may be reading it: then all of it
 * stays until upf_conn_output_done(). */
void upf_conn_drop_output(upf_conn *conn);

/* The transport is to be closed, whatever still waits. */
void upf_conn_give_up(upf_conn *conn);

/* ---- conn_message.c: the memory for what arrives ------------------------ */

/*
 * Make room for `len` bytes in all in conn->assembly, after the first `kept`;
 * they may come to `most`. Takes at most `most`, or 4 KiB and twice `len`.
 */
bool upf_conn_grow(upf_conn *conn, size_t kept, size_t len, uint64_t most);

/* ---- conn_time.c: when something is due --------------------------------- */

/* The transport took no byte: a ping that waits was not asked. */
void upf_conn_note_refused(upf_conn *conn);

#endif
