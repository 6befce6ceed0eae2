/* SPDX-License-Identifier: MIT */
/* conn_impl.h - what the files of a connection share: one door each for changing
 * its state, failing, closing. */
#ifndef UPF_CONN_IMPL_H
#define UPF_CONN_IMPL_H

#include <stdbool.h>
#include <string.h>

#include <upframe/conn.h>
#include "conn_state.h"
#include "small.h"

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

/* Deliver CLOSE; UPF_OK. What the peer's Close says is the caller's to add. */
upf_status upf_conn_deliver_close(upf_conn *conn, upf_event *event);

/* Give back the memory of a head or message; of the event before. */
void upf_conn_drop_assembly(upf_conn *conn);

/* After output was added or written: the high-water mark. */
void upf_conn_note_output(upf_conn *conn);

/* The transport took no byte: a ping that waits was not asked. */
void upf_conn_note_refused(upf_conn *conn);

/* Nothing more will be written. What the transport may be writing from stays
 * until upf_conn_output_done(). */
void upf_conn_drop_output(upf_conn *conn);

/* ---- conn_open.c: the opening handshake --------------------------------- */

/* UPF_OK: an event; UPF_NEED_MORE: no event, look at the state again. */
upf_status upf_conn_read_request(upf_conn *conn, upf_input *input,
                                 upf_event *event);
upf_status upf_conn_read_response(upf_conn *conn, upf_input *input,
                                  upf_event *event);

/* ---- conn_refusal.c: a response other than 101 -------------------------- */

/*
 * Judge what is here of a response's first bytes, none of which is taken: UPF_OK,
 * or with conn->offset at the byte that is none of HTTP/1's
 *   UPF_ERR_HTTP          something else speaks there
 *   UPF_ERR_HTTP_VERSION  another version of HTTP
 */
upf_status upf_conn_judge_start(upf_conn *conn, const upf_input *input);

/*
 * Whether these bytes, which were judged, say a status of 200 or more. If so,
 * the state is UPF_STATE_REFUSAL, and these bytes are taken.
 */
bool upf_conn_is_refusal(upf_conn *conn, upf_input *input);

/* Take the rest; UPF_NEED_MORE. Once there is all of it, or as much as may be
 * held, the connection has failed with UPF_ERR_RESPONSE. */
upf_status upf_conn_read_refusal(upf_conn *conn, upf_input *input);

/* What was read, as slices of the assembly. */
void upf_conn_refusal(const upf_conn *conn, upf_response *response);

/* ---- conn_open.c, again: answers ---------------------------------------- */

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
    if (upf_has(conn, UPF_BLOCK_LENT)) /* it is the output's alone */
        conn->assembly.data = NULL;
    upf_clear(conn, UPF_EVENT_IS_OURS | UPF_BLOCK_LENT);
}

/* ---- conn_recv.c: bytes in, what conn_next.c leaves ---------------------- */

/* Take `len` bytes of the input. */
static inline void upf_conn_take(upf_conn *conn, upf_input *input, size_t len)
{
    input->data += len;
    input->len  -= len;
    conn->offset += len;
}

/* upf_conn_next(), for whatever conn_next.c does not take. */
upf_status upf_conn_next_slowly(upf_conn *conn, upf_input *input,
                                upf_event *event);

/* ---- conn_message.c: the memory for what arrives ------------------------ */

/*
 * Make room for `len` bytes in all in conn->assembly, behind the first `kept`;
 * they may come to `most`. Takes at most `most`, or 4 KiB and twice `len`.
 */
bool upf_conn_grow(upf_conn *conn, size_t kept, size_t len, uint64_t most);

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
