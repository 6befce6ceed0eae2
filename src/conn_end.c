/* SPDX-License-Identifier: MIT */
/* conn_end.c - how a connection ends: failing, closing, the CLOSE event. */

#include <string.h>

#include "close.h"
#include "conn_impl.h"
#include "output.h"

/* ---- Failing ------------------------------------------------------------ */

void upf_conn_drop_output(upf_conn *conn)
{
    if (!upf_has(conn, UPF_OFFERED))
        upf_output_free(conn);
}

void upf_conn_fail(upf_conn *conn, upf_status status)
{
    const int  code = upf_status_close_code(status);
    const char *text = upf_status_text(status);

    if (conn->state == UPF_STATE_OVER || conn->state == UPF_STATE_CLOSING)
        return;
    if (conn->state == UPF_STATE_REFUSAL)
        status = UPF_ERR_RESPONSE; /* the response matters, not how it ended */
    upf_conn_set_outcome(conn, status);
    if (!upf_has(conn, UPF_LOST)) {
        if (conn->state < UPF_STATE_RESPONSE)
            upf_conn_refuse_failed(conn, status);
        else if (conn->state == UPF_STATE_OPEN && code != 0 &&
                 !upf_has(conn, UPF_CLOSE_SENT))
            upf_conn_send_close(conn, code, text, strlen(text));
    }
    upf_conn_enter(conn, UPF_STATE_CLOSING);
}

void upf_conn_eof(upf_conn *conn)
{
    upf_set(conn, UPF_AT_EOF);
}

void upf_conn_lost(upf_conn *conn)
{
    upf_set(conn, UPF_LOST | UPF_AT_EOF);
    upf_conn_fail(conn, UPF_ERR_IO);
    if (conn->config != NULL)
        upf_output_free(conn);
}

/* ---- CLOSE -------------------------------------------------------------- */

void upf_conn_give_up(upf_conn *conn)
{
    upf_set(conn, UPF_TIMED_OUT);
    upf_conn_drop_output(conn);
}

upf_status upf_conn_deliver_close(upf_conn *conn, upf_event *event)
{
    event->type      = UPF_EVENT_CLOSE;
    event->data      = NULL;
    event->len       = 0;
    event->status    = (upf_status)conn->status;
    if (event->status == UPF_ERR_RESPONSE)
        upf_conn_refusal(conn, &event->response);
    else
        event->response = (upf_response){0};
    event->close     = (upf_close_info){
        .code      = UPF_CLOSE_ABNORMAL,
        .sent_code = conn->sent_code,
        .offset    = conn->offset,
    };
    upf_conn_enter(conn, UPF_STATE_OVER);
    if (conn->assembly.data != NULL)
        upf_set(conn, UPF_EVENT_IN_BLOCK); /* event->data may lie in it */
    if (conn->status == UPF_ERR_CLOSE_TIMEOUT ||
        conn->status == UPF_ERR_WRITE_TIMEOUT)
        upf_conn_give_up(conn); /* the peer's time is up */
    return UPF_OK;
}

/* ---- Closing (section 7.1.2) -------------------------------------------- */

upf_status upf_close(upf_conn *conn, int code, const char *reason)
{
    const size_t reason_len = reason ? strlen(reason) : 0;

    if (code == 0 ? reason_len > 0
                  : !upf_close_code_is_valid(code) ||
                        !upf_close_reason_is_valid(reason, reason_len))
        return UPF_ERR_ARGUMENT;
    /* Only clients send 1010 (section 7.4.1). */
    if (code == UPF_CLOSE_EXTENSION && !upf_has(conn, UPF_IS_CLIENT))
        return UPF_ERR_ARGUMENT;
    switch ((enum upf_conn_state)conn->state) {
    case UPF_STATE_OPENING: /* OPEN is still delivered, before CLOSE */
    case UPF_STATE_OPEN:
        if (upf_has(conn, UPF_CLOSE_SENT))
            return UPF_ERR_STATE;
        return upf_conn_send_close(conn, code, reason, reason_len);
    case UPF_STATE_OVER:
    case UPF_STATE_CLOSING:
        return UPF_ERR_STATE;
    case UPF_STATE_REQUEST:
    case UPF_STATE_ANSWER:
    case UPF_STATE_DEFERRED:
    case UPF_STATE_RESPONSE:
    case UPF_STATE_REFUSAL:
        break;
    }
    upf_conn_fail(conn, UPF_ERR_REFUSED);
    return UPF_OK;
}
