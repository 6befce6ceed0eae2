/* SPDX-License-Identifier: MIT */
/* conn_output.c - what an event loop asks: what to write, what to poll for. */

#include "conn_impl.h"
#include "output.h"

/* ---- What waits --------------------------------------------------------- */

size_t upf_conn_queued(const upf_conn *conn)
{
    return conn->out.len;
}

bool upf_conn_congested(const upf_conn *conn)
{
    return upf_has(conn, UPF_CONGESTED);
}

bool upf_conn_is_open(const upf_conn *conn)
{
    return conn->state == UPF_STATE_OPEN && !upf_has(conn, UPF_CLOSE_SENT);
}

void upf_conn_hold(upf_conn *conn, bool hold)
{
    if (conn->config == NULL)
        return;
    if (hold)
        upf_set(conn, UPF_HELD | UPF_WAS_WITHHELD);
    else
        upf_clear(conn, UPF_HELD);
}

/* ---- What is wanted ----------------------------------------------------- */

/* After CLOSE: how to end the transport (section 7.1.1). */
static unsigned wants_at_the_end(const upf_conn *conn)
{
    const unsigned both = UPF_CLOSE_SENT | UPF_CLOSE_RECEIVED;

    if (conn->out.len > 0)
        return UPF_WANTS_WRITE;
    if (upf_has(conn, UPF_AT_EOF))
        return UPF_WANTS_CLOSE;
    if (!upf_has(conn, UPF_IS_CLIENT))
        return UPF_WANTS_SHUTDOWN | UPF_WANTS_READ;
    if ((conn->flags & both) == both)
        return UPF_WANTS_READ; /* the server closes first */
    if (upf_has(conn, UPF_CLOSE_SENT))
        return UPF_WANTS_SHUTDOWN | UPF_WANTS_READ;
    return UPF_WANTS_CLOSE; /* a handshake that failed */
}

unsigned upf_conn_wants(const upf_conn *conn)
{
    unsigned wants = 0;

    if (conn->config == NULL ||
        (conn->flags & (UPF_LOST | UPF_TIMED_OUT)) != 0)
        return UPF_WANTS_CLOSE;
    if (conn->state == UPF_STATE_OVER)
        return wants_at_the_end(conn);
    if (conn->out.len > 0)
        wants |= UPF_WANTS_WRITE;
    if (conn->state != UPF_STATE_DEFERRED && !upf_has(conn, UPF_AT_EOF) &&
        !upf_conn_is_withheld(conn))
        wants |= UPF_WANTS_READ;
    return wants;
}

/* ---- Writing ------------------------------------------------------------ */

size_t upf_conn_output(upf_conn *conn, upf_slice *slices, size_t max)
{
    if (upf_has(conn, UPF_LOST | UPF_TIMED_OUT)) /* it must not be written */
        return 0;
    const size_t count = upf_output_slices(conn, slices, max);
    if (count > 0)
        upf_set(conn, UPF_OFFERED);
    return count;
}

/*
 * Borrowed bytes could not be copied, so the output has a gap, and nothing more
 * may be written. If any output was offered, all slots stay until the transport
 * is done. But borrowed memory that was not offered is the caller's again. So
 * the length is set to 0: the output then counts as empty, and nobody looks at
 * that memory.
 */
static upf_status fail_with_gap(upf_conn *conn)
{
    upf_set(conn, UPF_LOST);
    upf_conn_fail(conn, UPF_ERR_NO_MEMORY);
    upf_conn_drop_output(conn);
    upf_output_hide(conn);
    return UPF_ERR_NO_MEMORY;
}

upf_status upf_conn_output_keep(upf_conn *conn)
{
    if (conn->out.len == 0) /* nothing waits, or there is a gap */
        return UPF_OK;
    return upf_output_keep(conn) ? UPF_OK : fail_with_gap(conn);
}

upf_status upf_conn_output_done(upf_conn *conn, ptrdiff_t written)
{
    if (conn->config == NULL)
        return UPF_OK;
    /* If either flag is set, borrowed memory may be gone. upf_output_advance()
     * would copy it, so the output is freed. */
    if (upf_has(conn, UPF_LOST | UPF_TIMED_OUT))
        upf_output_free(conn);
    else if (!upf_output_advance(conn, written > 0 ? (size_t)written : 0))
        return fail_with_gap(conn);
    if (conn->out_kind == UPF_SLOT_NONE) {
        if (upf_has(conn, UPF_CONGESTED | UPF_PAUSED))
            upf_conn_note_output(conn);
        return UPF_OK;
    }
    /* Output that drains bit by bit shows that the peer reads. Output that was
     * written all at once, above, may only have filled the socket's buffer. */
    if (written > 0)
        upf_set(conn, UPF_ACTIVE);
    else
        upf_conn_note_refused(conn);
    const upf_status status = upf_conn_send_late_pong(conn);
    if (status != UPF_OK)
        upf_conn_fail(conn, status);
    if (conn->out.len == 0) /* neither the pong nor a Close could be queued */
        upf_output_free(conn);
    upf_conn_note_output(conn);
    return status;
}
