/* SPDX-License-Identifier: MIT */
/* conn_time.c - time-outs and keepalive pings. */

#include <assert.h>
#include <string.h>

#include "conn_impl.h"
#include "output.h"

/* ---- When --------------------------------------------------------------- */

static uint64_t later(uint64_t time, uint64_t by)
{
    return by > UINT64_MAX - time ? UINT64_MAX : time + by;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Whether pings keep the connection alive: it is open, and not closing. */
static bool is_kept_alive(const upf_conn *conn)
{
    return conn->state == UPF_STATE_OPEN && !upf_has(conn, UPF_CLOSE_SENT);
}

/*
 * The precision of times. No clock is read when bytes move: they count as moved
 * at the next tick, which is due within a tenth of the interval.
 */
static uint32_t tenth(const upf_conn *conn)
{
    return conn->config->ping_interval / 10;
}

/* How long output may wait without a byte of it being written; 0: for ever. */
static uint64_t output_patience(const upf_conn *conn)
{
    const upf_config *config = conn->config;

    return config->ping_interval > 0 && config->pong_timeout > 0
               ? (uint64_t)config->ping_interval + config->pong_timeout : 0;
}

/* How long the present wait may last; 0: for ever. */
static uint32_t patience(const upf_conn *conn)
{
    const upf_config *config = conn->config;

    switch ((enum upf_conn_state)conn->state) {
    case UPF_STATE_REQUEST:
    case UPF_STATE_ANSWER:
    case UPF_STATE_RESPONSE:
    case UPF_STATE_REFUSAL:
        return config->handshake_timeout;
    case UPF_STATE_OPEN:
        if (upf_has(conn, UPF_CLOSE_SENT))
            return config->close_timeout;
        /* The last byte may have come a tenth earlier than was noted: ping a
         * tenth early, so that the silence is no longer than the interval. */
        return upf_has(conn, UPF_PING_WAITS) && config->pong_timeout > 0
                   ? config->pong_timeout
                   : config->ping_interval - tenth(conn);
    case UPF_STATE_OVER:
        return upf_has(conn, UPF_TIMED_OUT) ? 0 : config->close_timeout;
    case UPF_STATE_DEFERRED: /* the application's time is not limited */
    case UPF_STATE_OPENING:
    case UPF_STATE_CLOSING:
        break;
    }
    return 0;
}

/*
 * Whether the next tick has to note something about our ping. The peer's time
 * to answer begins when the ping is written, and no clock is read then. So a
 * tick, or a write that took nothing, notes that the ping is still waiting
 * (UPF_UNASKED). The first tick after
 * output was written, be it the ping or not, restarts the peer's time
 * (UPF_ASKED_LATE). This happens only once for each ping: otherwise pings that
 * the application sends would keep a dead peer alive.
 */
static bool is_asking_to_be_noted(const upf_conn *conn)
{
    const uint64_t since = upf_output_stuck_since(conn);

    if (since > 0 && since <= conn->timer && upf_output_has_control(conn))
        return upf_has(conn, UPF_PING_WAITS) &&
               !upf_has(conn, UPF_UNASKED | UPF_ASKED_LATE);
    return upf_has(conn, UPF_UNASKED);
}

/* When a tick has to note that output waits, or that it has waited too long. */
static uint64_t output_deadline(const upf_conn *conn)
{
    const uint64_t wait  = output_patience(conn);
    const uint64_t since = upf_output_stuck_since(conn);

    if (conn->out.len == 0 || wait == 0 || upf_has(conn, UPF_NOT_NOTED))
        return UINT64_MAX; /* nothing to note, or each tick tries to */
    return since > 0 ? later(since, wait) : later(conn->timer, tenth(conn));
}

uint64_t upf_conn_deadline(const upf_conn *conn)
{
    const uint32_t wait = conn->config ? patience(conn) : 0;

    if (conn->state == UPF_STATE_OPENING || conn->state == UPF_STATE_CLOSING)
        return 0; /* an event waits */
    if (wait == 0)
        return UINT64_MAX;
    if (conn->timer == 0)
        return 0;
    const uint64_t end = later(conn->timer, wait);
    if (!is_kept_alive(conn))
        return end;
    if (is_asking_to_be_noted(conn))
        return conn->timer; /* it has passed: a tick is due now */
    return earlier(upf_has(conn, UPF_ACTIVE)
                       ? earlier(end, later(conn->timer, tenth(conn))) : end,
                   output_deadline(conn));
}

/*
 * Whether no byte of waiting output was written for output_patience(). If the
 * tick is late, because this process stood still, it may be we who did not
 * write. Then the output gets a second chance, as a pong does from
 * may_be_excused().
 */
static bool is_stuck(upf_conn *conn, uint64_t now)
{
    const uint64_t wait = output_patience(conn);

    if (wait == 0)
        return false;
    const uint64_t since = upf_output_note_wait(conn, now);
    if (now < later(since, wait))
        return false;
    const uint64_t again = now - conn->config->ping_interval;
    if (now <= later(since, wait + wait / 10) ||
        !upf_output_excuse(conn, again))
        return true;
    if (conn->timer < again) /* our ping, if one waits, gets the same chance */
        upf_conn_wait_from(conn, again);
    return false;
}

void upf_conn_note_refused(upf_conn *conn)
{
    if (is_asking_to_be_noted(conn))
        upf_set(conn, UPF_UNASKED);
}

static void note_asked(upf_conn *conn, uint64_t now)
{
    if (!is_asking_to_be_noted(conn))
        return;
    if (!upf_has(conn, UPF_UNASKED)) {
        upf_set(conn, UPF_UNASKED);
        return;
    }
    upf_clear(conn, UPF_UNASKED);
    upf_set(conn, UPF_ASKED_LATE);
    upf_conn_wait_from(conn, now);
}

/*
 * Our ping was not answered in time: whether to ping again instead of failing.
 * Yes if there is no pong_timeout, or if we do not read. Yes, once, if this
 * tick is late: this process stood still, and may not have read an answer that
 * came long ago.
 */
static bool may_be_excused(upf_conn *conn, uint64_t now)
{
    const uint32_t wait = conn->config->pong_timeout;

    if (wait == 0 || upf_conn_is_withheld(conn))
        return true;
    if (now <= later(conn->timer, wait + (uint64_t)wait / 10) ||
        upf_has(conn, UPF_ASKED_AGAIN))
        return false;
    upf_set(conn, UPF_ASKED_AGAIN);
    return true;
}

static void keep_alive(upf_conn *conn, uint64_t now)
{
    upf_status status = UPF_ERR_PONG_TIMEOUT;

    /* If reading was withheld until now, an answer may have come meanwhile. It
     * is read before the next tick, so this tick leaves the decision to that
     * one. The wait does not begin anew: otherwise an application that holds
     * reading now and then would keep a dead peer alive. */
    if (upf_has(conn, UPF_WAS_WITHHELD) && !upf_conn_is_withheld(conn)) {
        upf_clear(conn, UPF_WAS_WITHHELD);
        if (upf_has(conn, UPF_PING_WAITS))
            return;
    }
    if (upf_has(conn, UPF_UNASKED))
        status = UPF_OK; /* not yet written: is_stuck() limits that */
    else if (!upf_has(conn, UPF_PING_WAITS) || may_be_excused(conn, now))
        status = upf_ping(conn, NULL, 0);
    upf_conn_wait_from(conn, now);
    /* If the queue is full of control frames, these serve as the ping. */
    if (status != UPF_OK && status != UPF_ERR_QUEUE_FULL) {
        upf_conn_fail(conn, status);
        return;
    }
    upf_set(conn, UPF_PING_WAITS);
    upf_output_note_wait(conn, now); /* the ping may be the first that waits */
}

static void tick_open(upf_conn *conn, uint64_t now)
{
    if (upf_has(conn, UPF_ACTIVE)) {
        upf_clear(conn, UPF_ACTIVE | UPF_PING_WAITS | UPF_ASKED_AGAIN |
                            UPF_UNASKED | UPF_ASKED_LATE);
        upf_conn_wait_from(conn, now);
    }
    if (is_stuck(conn, now)) {
        upf_conn_fail(conn, UPF_ERR_WRITE_TIMEOUT);
        return;
    }
    note_asked(conn, now);
    if (patience(conn) > 0 && now >= later(conn->timer, patience(conn)))
        keep_alive(conn, now);
}

void upf_conn_tick(upf_conn *conn, uint64_t now)
{
    assert(now > 0);
    if (conn->config == NULL || conn->state == UPF_STATE_OPENING ||
        conn->state == UPF_STATE_CLOSING)
        return; /* an event waits to be delivered: no time-out runs */
    if (conn->timer == 0)
        upf_conn_wait_from(conn, now);
    if (is_kept_alive(conn))
        tick_open(conn, now);
    else if (patience(conn) == 0 || now < upf_conn_deadline(conn))
        return;
    else if (conn->state == UPF_STATE_OVER)
        upf_conn_give_up(conn);
    else if (conn->state == UPF_STATE_OPEN)
        upf_conn_fail(conn, UPF_ERR_CLOSE_TIMEOUT);
    else
        upf_conn_fail(conn, UPF_ERR_HANDSHAKE_TIMEOUT);
}
