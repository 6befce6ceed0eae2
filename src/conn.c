/* SPDX-License-Identifier: MIT */
/* conn.c - a connection begins, changes its state, and is freed. */

#include <string.h>

#include "buf.h"
#include "bytes.h"
#include "compiler.h"
#include "conn_assembly.h"
#include "conn_impl.h"
#include "conn_recv.h"
#include "ext.h"
#include "output.h"

/* ---- Beginning ---------------------------------------------------------- */

upf_status upf_conn_begin(upf_conn *conn, const upf_config *config,
                          enum upf_conn_state state, unsigned flags)
{
    upf_conn_zero(conn);
    config = config ? config : upf_config_fallback();
    if (!upf_config_is_sound(config))
        return UPF_ERR_ARGUMENT;
    conn->config = config;
    upf_set(conn, flags | (config->stream ? UPF_STREAMS : 0));
    upf_conn_enter(conn, state);
    return UPF_OK;
}

upf_status upf_conn_init_server(upf_conn *conn, const upf_config *config)
{
    return upf_conn_begin(conn, config, UPF_STATE_REQUEST, 0);
}

void upf_conn_free(upf_conn *conn)
{
    if (conn->config != NULL) {
        upf_assembly_free(conn);
        upf_output_free(conn);
        if (conn->ext != NULL)
            conn->config->ext->free(conn->ext, conn->config);
    }
    upf_conn_zero(conn);
}

/* ---- The fast paths ----------------------------------------------------- */

/*
 * Whether the connection is between two frames and two messages, and nothing
 * has to be delivered first.
 *
 * False, too, if an input is used up and a queue still borrows memory from it.
 * The caller has to have such memory written or copied before the next input is
 * read over it. An assert in next_any() checks that, so the next input must not
 * take the fast path. (Where there is no queue, upf_output_note_taken() checks
 * it on both paths.)
 */
static bool is_at_rest(const upf_conn *conn)
{
    return conn->in.open.frame.header.phase == PHASE_HEADER &&
           conn->in.open.frame.header.len == 0 &&
           conn->in.open.message.opcode == 0 &&
           !upf_has(conn, UPF_FAILS_NEXT) &&
           (upf_has(conn, UPF_REPLYING) || !upf_output_queue_borrows(conn));
}

static void permit_receiving(upf_conn *conn)
{
    const upf_config *config = conn->config;

    conn->glance = UPF_GLANCE_NONE;
    if (!is_at_rest(conn))
        return;
    conn->glance = config->trace != NULL          ? UPF_GLANCE_TRACED
                   : upf_has(conn, UPF_IS_CLIENT) ? UPF_GLANCE_UNMASKED
                                                  : UPF_GLANCE_MASKED;
    if (conn->assembly.data != NULL)
        upf_set(conn, UPF_BLOCK_KEPT);
    else
        upf_clear(conn, UPF_BLOCK_KEPT);
    if (conn->glance_limit > 0)
        return; /* computed before; the config does not change */
    conn->glance_limit = (uint16_t)(
        1 + upf_lesser(config->max_frame,
                       upf_lesser(config->max_message, UINT16_MAX - 1)));
}

static void permit_sending(upf_conn *conn)
{
    const upf_config *config = conn->config;

    if (!upf_conn_may_send(conn, UPF_SEND_BEGUN) || conn->ext != NULL ||
        config->stream || config->trace != NULL) {
        conn->leeway = 0;
        upf_output_close_block(conn);
        return;
    }
    if (conn->leeway > 0)
        return; /* computed before, too */
    const size_t pages =
        upf_lesser(config->high_water, config->max_queued) / UPF_LEEWAY_PAGE;
    /* Two pages less, because has_leeway() rounds two lengths down to pages and
     * does not count the new frame's header. */
    conn->leeway = (uint8_t)(pages < 2 ? 0 : upf_lesser(pages - 2, UINT8_MAX));
}

/*
 * Permit the fast paths of conn_next.c and conn_send.c, or forbid them.
 *
 * On entry: something on which they depend may have changed. upf_conn_next()
 * calls this before it returns, unless it took its own fast path; so do
 * upf_send_part() and what sends a Close. A new state forbids them: see
 * upf_conn_enter().
 * On return, until the next change, if the connection is open:
 *   glance       if not NONE: the connection is between two messages, and no
 *                failure waits to be delivered. So conn_next.c has to check
 *                nothing but the frame itself before it delivers a whole frame
 *                whose payload is shorter than `glance_limit`. When the input
 *                is used up, conn_next.c may just say so, unless
 *                UPF_BLOCK_KEPT says that there is memory to give back.
 *   leeway       if over 0: no Close was sent, no message is begun by parts, no
 *                extension encodes, no trace hook watches. So conn_send.c may
 *                queue a message when it has checked the content alone, as long
 *                as fewer than `leeway` pages wait: no limit is near then.
 *   block_limit  0 if leeway is 0. Otherwise upf_output_note_room() sets it.
 */
void upf_conn_permit(upf_conn *conn)
{
    if (UPF_SMALL || conn->state != UPF_STATE_OPEN)
        return;
    permit_receiving(conn);
    permit_sending(conn);
}

/* ---- States ------------------------------------------------------------- */

void upf_conn_enter(upf_conn *conn, enum upf_conn_state state)
{
    conn->state = (uint8_t)state;
    /* A new state begins a new wait, with two exceptions: the wait that our
     * Close began lasts to the end, and the wait for a response goes on while a
     * refusal arrives. */
    if (!upf_has(conn, UPF_CLOSE_SENT) && state != UPF_STATE_REFUSAL)
        upf_conn_wait_from(conn, 0);
    conn->glance = UPF_GLANCE_NONE;
    conn->leeway = 0;
    upf_output_close_block(conn);
    if (state == UPF_STATE_OPEN)
        memset(&conn->in, 0, sizeof conn->in);
}
