/* SPDX-License-Identifier: MIT */
/* conn_open.h - the rooms of a connection's opening handshake (section 4). */
#ifndef UPF_CONN_OPEN_H
#define UPF_CONN_OPEN_H

#include <stdbool.h>

#include "conn_impl.h"
#include "http_write.h"

/* ---- conn_ext.c: an extension in it ------------------------------------- */

/* Sec-WebSocket-Extensions: a name and what an extension says of itself. */
enum { UPF_EXTENSION_TEXT_MAX = 256 };

/* Server: agree on the first offer that config->ext can take; there is one. */
upf_status upf_conn_agree_on_extension(upf_conn *conn, upf_str headers);

/* Client: the response may name what we offered, once (section 4.1). */
upf_status upf_conn_check_extension(upf_conn *conn, upf_str headers);

/* The extension's name and what it adds to that, in `text`, which has room for
 * UPF_EXTENSION_TEXT_MAX. data is NULL: there is nothing to say. */
upf_str upf_conn_extension_text(const upf_conn *conn, bool offer, char *text);

/* ---- conn_answer.c: a server answers ------------------------------------ */

/* Where the heads that we write go. */
char *upf_conn_reserve_head(void *conn, size_t len);

static inline struct upf_http_out upf_conn_head_out(upf_conn *conn)
{
    return (struct upf_http_out){.room = upf_conn_reserve_head, .of = conn};
}

/* Give the answer that the application left to us: UPF_NEED_MORE, or what it
 * failed with. */
upf_status upf_conn_answer(upf_conn *conn);

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

/* Take the rest; UPF_NEED_MORE, or once there is all of it, or as much as may be
 * held, UPF_ERR_RESPONSE. */
upf_status upf_conn_read_refusal(upf_conn *conn, upf_input *input);

/* ---- conn_open.c: the opening handshake --------------------------------- */

/* Deliver OPEN, where no response came with it; UPF_OK. */
upf_status upf_conn_open_next(upf_conn *conn, upf_event *event);

/* UPF_OK: an event; UPF_NEED_MORE: no event, look at the state again. */
upf_status upf_conn_read_request(upf_conn *conn, upf_input *input,
                                 upf_event *event);
upf_status upf_conn_read_response(upf_conn *conn, upf_input *input,
                                  upf_event *event);

#endif
