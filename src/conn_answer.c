/* SPDX-License-Identifier: MIT */
/* conn_answer.c - a server answers the opening handshake (section 4.2.2). */

#include "conn_assembly.h"
#include "conn_open.h"
#include "handshake.h"
#include "output.h"
#include "output_add.h"

/* ---- Heads out ---------------------------------------------------------- */

char *upf_conn_reserve_head(void *conn, size_t len)
{
    return (char *)upf_output_reserve(conn, len);
}

static upf_status queue_accept(upf_conn *conn, upf_str subprotocol,
                               const upf_header *headers, size_t header_count)
{
    struct upf_http_out out       = upf_conn_head_out(conn);
    upf_str             extension = {NULL, 0};
    char                text[UPF_EXTENSION_TEXT_MAX];

    if (conn->ext != NULL)
        extension = upf_conn_extension_text(conn, false, text);
    return upf_accept_write(conn->in.handshake.digest, subprotocol, extension,
                            headers, header_count, &out);
}

/* ---- The application answers -------------------------------------------- */

upf_status upf_conn_request(const upf_conn *conn, upf_request *request)
{
    if (conn->state != UPF_STATE_ANSWER && conn->state != UPF_STATE_DEFERRED)
        return UPF_ERR_STATE;
    upf_request_parse(conn->in.handshake.at.whole.head,
                      conn->in.handshake.head_len, request);
    return UPF_OK;
}

/* The request was answered. The application may still be using the event's
 * strings, so the head stays until the next upf_conn_next(), at least. */
static void leave_request(upf_conn *conn, upf_status status)
{
    upf_conn_set_outcome(conn, status);
    if (conn->assembly.data != NULL)
        upf_set(conn, UPF_EVENT_IN_BLOCK);
    upf_conn_enter(conn, status == UPF_OK ? UPF_STATE_OPENING
                                          : UPF_STATE_CLOSING);
    upf_conn_note_output(conn);
}

static bool is_unanswered(const upf_conn *conn)
{
    return conn->state == UPF_STATE_ANSWER ||
           conn->state == UPF_STATE_DEFERRED;
}

upf_status upf_accept(upf_conn *conn, const char *subprotocol,
                      const upf_header *headers, size_t header_count)
{
    upf_request request;

    if (!is_unanswered(conn) || !upf_has(conn, UPF_WEBSOCKET))
        return UPF_ERR_STATE;
    upf_conn_request(conn, &request);
    if (subprotocol != NULL && !upf_request_offers(&request, subprotocol))
        return UPF_ERR_ARGUMENT;
    const upf_status status = queue_accept(conn, upf_str_of(subprotocol),
                                           headers, header_count);
    if (status != UPF_OK)
        return status;
    upf_conn_set_subprotocol(conn, subprotocol);
    leave_request(conn, UPF_OK);
    return UPF_OK;
}

/* If the caller ignores the failure, the client must still not get in: from now
 * on the default answer is a refusal. */
static upf_status fail_closed(upf_conn *conn, upf_status status)
{
    if (status != UPF_OK)
        upf_conn_set_verdict(conn, UPF_ERR_REFUSED);
    return status;
}

upf_status upf_refuse(upf_conn *conn, int http_status,
                      const upf_header *headers, size_t header_count,
                      const void *body, size_t body_len)
{
    struct upf_http_out out = upf_conn_head_out(conn);

    if (!is_unanswered(conn))
        return UPF_ERR_STATE;
    const upf_status status =
        upf_refusal_write(http_status, headers, header_count, body, body_len,
                          upf_has(conn, UPF_IS_HEAD), &out);
    if (status == UPF_OK)
        leave_request(conn, UPF_ERR_REFUSED);
    return fail_closed(conn, status);
}

upf_status upf_defer(upf_conn *conn)
{
    if (conn->state != UPF_STATE_ANSWER)
        return UPF_ERR_STATE;
    if (conn->assembly.data == NULL) { /* the head is in the input */
        const size_t len = conn->in.handshake.head_len;

        if (!upf_assembly_hold(conn, conn->in.handshake.at.whole.head, len))
            return fail_closed(conn, UPF_ERR_NO_MEMORY);
        upf_conn_move_head(conn, (const char *)conn->assembly.data);
    }
    upf_conn_enter(conn, UPF_STATE_DEFERRED);
    return UPF_OK;
}

/* ---- The default answer ------------------------------------------------- */

upf_status upf_conn_answer(upf_conn *conn)
{
    upf_status status = (upf_status)conn->status;

    if (status != UPF_OK) {
        /* the whole head is at fault */
        upf_conn_blame(conn, conn->offset - conn->in.handshake.head_len);
        return status;
    }
    status = queue_accept(
        conn, upf_str_of(conn->in.handshake.at.whole.subprotocol), NULL, 0);
    if (status != UPF_OK)
        return status;
    leave_request(conn, UPF_OK);
    return UPF_NEED_MORE;
}

void upf_conn_refuse_failed(upf_conn *conn, upf_status status)
{
    struct upf_http_out out = upf_conn_head_out(conn);

    /* If the application gave up without answering, the answer is 503. Any
     * other failure is answered with upf_status_http(), if there is memory for
     * it. That is 0 if the client is gone: then nothing is written. */
    if (status == UPF_ERR_REFUSED)
        upf_refusal_write(503, NULL, 0, NULL, 0, false, &out);
    else
        upf_failure_write(status, upf_has(conn, UPF_IS_HEAD), &out);
    upf_conn_note_output(conn);
}
