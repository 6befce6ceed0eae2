/* SPDX-License-Identifier: MIT */
/* conn_open.h - the files of a connection's opening handshake (section 4). */
#ifndef UPF_CONN_OPEN_H
#define UPF_CONN_OPEN_H

#include <stdbool.h>

#include "conn_impl.h"
#include "http_write.h"

/* ---- What a handshake has chosen ---------------------------------------- */

/* The request's head is at `head` now. */
static inline void upf_conn_move_head(upf_conn *conn, const char *head)
{
    conn->in.handshake.at.whole.head = head;
}

/* The subprotocol to agree on, unless the application chooses another; NULL:
 * none. */
static inline void upf_conn_set_subprotocol(upf_conn   *conn,
                                            const char *subprotocol)
{
    conn->in.handshake.at.whole.subprotocol = subprotocol;
}

/* ---- conn_ext.c: an extension in the handshake -------------------------- */

/* The longest value of Sec-WebSocket-Extensions that we send. */
enum { UPF_EXTENSION_TEXT_MAX = 256 };

/* Server: agree on the first offer that config->ext, which is not NULL,
 * accepts. UPF_OK even if it accepts none; or UPF_ERR_NO_MEMORY. */
upf_status upf_conn_agree_on_extension(upf_conn *conn, upf_str headers);

/* Client: agree on the extension that the response names. It may name only the
 * one that we offered, and only once (section 4.1). */
upf_status upf_conn_check_extension(upf_conn *conn, upf_str headers);

/*
 * The value of Sec-WebSocket-Extensions to send: the extension's name and
 * parameters, written to `text`, which has room for UPF_EXTENSION_TEXT_MAX
 * characters. data is NULL if there is nothing to send.
 */
upf_str upf_conn_extension_text(const upf_conn *conn, bool offer, char *text);

/* ---- conn_answer.c: a server answers ------------------------------------ */

/* Room in the output of `conn`, a upf_conn, for a head of `len` bytes. */
char *upf_conn_reserve_head(void *conn, size_t len);

static inline struct upf_http_out upf_conn_head_out(upf_conn *conn)
{
    return (struct upf_http_out){.room = upf_conn_reserve_head, .of = conn};
}

/* Give the default answer. Returns UPF_NEED_MORE, or the error that is to fail
 * the handshake. */
upf_status upf_conn_answer(upf_conn *conn);

/* ---- conn_refusal.c: a response other than 101 -------------------------- */

/*
 * Check the first bytes of a response, as many as there are; none is taken.
 * Returns UPF_OK, or with conn->offset at the byte at fault
 *   UPF_ERR_HTTP          this is not HTTP
 *   UPF_ERR_HTTP_VERSION  this is not HTTP/1
 */
upf_status upf_conn_judge_start(upf_conn *conn, const upf_input *input);

/*
 * Whether a response whose first bytes passed upf_conn_judge_start() has a
 * status of 200 or more. If so, the bytes up to the status are taken and the
 * state becomes UPF_STATE_REFUSAL.
 */
bool upf_conn_is_refusal(upf_conn *conn, upf_input *input);

/* Take the rest of that response. Returns UPF_NEED_MORE, or UPF_ERR_RESPONSE
 * once the response is complete, has come to a limit or cannot be kept. */
upf_status upf_conn_read_refusal(upf_conn *conn, upf_input *input);

/* ---- conn_open.c: the opening handshake --------------------------------- */

/* Deliver OPEN on a server or an adopted connection, and return UPF_OK. Neither
 * has a response to show in the event. */
upf_status upf_conn_open_next(upf_conn *conn, upf_event *event);

/* Read a request or response. Return UPF_OK if there is an event, UPF_NEED_MORE
 * if more input is needed, or an error. upf_conn_read_response() also returns
 * UPF_NEED_MORE if the state is now UPF_STATE_REFUSAL. */
upf_status upf_conn_read_request(upf_conn *conn, upf_input *input,
                                 upf_event *event);
upf_status upf_conn_read_response(upf_conn *conn, upf_input *input,
                                  upf_event *event);

#endif
