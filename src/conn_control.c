/* SPDX-License-Identifier: MIT */
/* conn_control.c - control frames out: Ping, Pong and Close (section 5.5). */

#include <assert.h>
#include <string.h>

#include "bytes.h"
#include "conn_impl.h"
#include "frame.h"
#include "output.h"
#include "output_add.h"

/* ---- Ping and Pong ------------------------------------------------------ */

/* Queue a ping or pong, if the budget of control frames has room. */
static upf_status send_control(upf_conn *conn, upf_opcode opcode,
                               const void *payload, size_t len)
{
    const upf_slice slice = {(void *)payload, len};

    const size_t header_len =
        upf_frame_header_size(len, upf_has(conn, UPF_IS_CLIENT));

    if (!upf_output_control_fits(conn, header_len + len))
        return UPF_ERR_QUEUE_FULL;
    return upf_conn_put_frame(conn, UPF_FIN | opcode, len, &slice, 1,
                              upf_output_reserve_control);
}

static upf_status send_control_for_caller(upf_conn *conn, upf_opcode opcode,
                                          const void *payload, size_t len)
{
    if (len > UPF_CONTROL_PAYLOAD_MAX || (payload == NULL && len > 0))
        return UPF_ERR_ARGUMENT;
    if (!upf_conn_may_send(conn, 0))
        return UPF_ERR_STATE;
    return send_control(conn, opcode, payload, len);
}

upf_status upf_ping(upf_conn *conn, const void *data, size_t len)
{
    return send_control_for_caller(conn, UPF_OP_PING, data, len);
}

upf_status upf_pong(upf_conn *conn, const void *data, size_t len)
{
    return send_control_for_caller(conn, UPF_OP_PONG, data, len);
}

upf_status upf_conn_send_pong(upf_conn *conn, const uint8_t *payload,
                              size_t len)
{
    if (upf_has(conn, UPF_CLOSE_SENT)) /* a Close is the last frame (5.5.1) */
        return UPF_OK;
    const upf_status status =
        send_control(conn, UPF_OP_PONG, payload, len);
    if (status != UPF_ERR_QUEUE_FULL)
        return status;
    upf_output_keep_late_pong(conn, payload, len);
    return UPF_OK;
}

upf_status upf_conn_send_late_pong(upf_conn *conn)
{
    uint8_t payload[UPF_CONTROL_PAYLOAD_MAX];
    size_t  len;

    if (!upf_output_late_pong(conn, payload, &len))
        return UPF_OK;
    const bool replying = upf_has(conn, UPF_REPLYING);
    upf_output_begin_replies(conn);
    const upf_status status = send_control(conn, UPF_OP_PONG, payload, len);
    if (!replying)
        upf_output_end_replies(conn);
    return status;
}

/* ---- Closing (sections 5.5.1 and 7.1) ----------------------------------- */

upf_status upf_conn_send_close(upf_conn *conn, int code, const char *reason,
                               size_t reason_len)
{
    uint8_t payload[UPF_CONTROL_PAYLOAD_MAX];
    size_t  len = 0;

    assert(reason_len <= UPF_CLOSE_REASON_MAX);
    if (code != 0) {
        upf_store_be16(payload, (uint16_t)code);
        if (reason_len > 0)
            memcpy(payload + 2, reason, reason_len);
        len = 2 + reason_len;
    }
    const upf_slice  slice = {payload, len};
    const upf_status status =
        upf_conn_put_frame(conn, UPF_FIN | UPF_OP_CLOSE, len, &slice, 1,
                           upf_output_reserve);
    if (status != UPF_OK)
        return status;
    upf_output_drop_late_pong(conn);
    upf_set(conn, UPF_CLOSE_SENT);
    upf_conn_permit(conn);
    conn->sent_code = (uint16_t)(code ? code : UPF_CLOSE_NO_STATUS);
    upf_conn_wait_from(conn, 0);
    return UPF_OK;
}
