/* SPDX-License-Identifier: MIT */
/* conn_time.c - when something is due, and what comes of it: time-outs, pings. */

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

/* Neither in its handshake nor closing: kept alive by pings. */
static bool is_kept_alive(const upf_conn *conn)
{
    return conn->state == UPF_STATE_OPEN && !upf_has(conn, UPF_CLOSE_SENT);
}

/*
 * How exactly time is known: no clock is read when bytes come, so a tick within
 * a tenth of the interval has to say when that was.
 */
static uint32_t tenth(const upf_conn *conn)
{
    return conn->config->ping_interval / 10;
}

/* Output of which no byte leaves may wait for so long; 0: for ever. */
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
        /* So much earlier than the interval as the last byte may be later
         * than is known. */
        return upf_has(conn, UPF_PING_WAITS) && config->pong_timeout > 0
                   ? config->pong_timeout
                   : config->ping_interval - tenth(conn);
    case UPF_STATE_OVER:
        return upf_has(conn, UPF_TIMED_OUT) ? 0 : config->close_timeout;
    case UPF_STATE_DEFERRED: /* it is the application that takes its time */
    case UPF_STATE_OPENING:
    case UPF_STATE_CLOSING:
        break;
    }
    return 0;
}

/*
 * A ping is asked when it leaves, and no clock is read then: a tick has to see
 * that it waits, and another that it, or anything else, has left; the peer's
 * time begins anew with that. Once a ping, or those of the application would
 * keep a dead peer alive.
 */
static bool is_asking_to_be_noted(const upf_conn *conn)
{
    const uint64_t since = upf_output_stuck_since(conn);

    if (since > 0 && since <= conn->timer && upf_output_has_control(conn))
        return upf_has(conn, UPF_PING_WAITS) &&
               !upf_has(conn, UPF_UNASKED | UPF_ASKED_LATE);
    return upf_has(conn, UPF_UNASKED);
}

/* When something is to be noted or done that has to do with the output. */
static uint64_t output_deadline(const upf_conn *conn)
{
    const uint64_t wait  = output_patience(conn);
    const uint64_t since = upf_output_stuck_since(conn);

    if (conn->out.len == 0 || wait == 0 || upf_has(conn, UPF_NOT_NOTED))
        return UINT64_MAX; /* no memory: it is tried at each tick */
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
        return conn->timer; /* now */
    return earlier(upf_has(conn, UPF_ACTIVE)
                       ? earlier(end, later(conn->timer, tenth(conn))) : end,
                   output_deadline(conn));
}

/*
 * Whether the peer takes nothing of what waits, for longer than it may. As with
 * a pong, a process that stood still gets a second time: perhaps it was we who
 * did not write.
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
    if (conn->timer < again) /* our ping, if it waits, waits since then, too */
        conn->timer = again;
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
    conn->timer = now;
}

/*
 * There was no answer to the ping in time. Was it asked, did we listen, and was
 * this process awake? A process that stood still has perhaps not read what came
 * long ago.
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

    /* What was said meanwhile is read before the next tick, which judges: not
     * more, or who holds now and then would keep a dead peer alive. */
    if (upf_has(conn, UPF_WAS_WITHHELD) && !upf_conn_is_withheld(conn)) {
        upf_clear(conn, UPF_WAS_WITHHELD);
        if (upf_has(conn, UPF_PING_WAITS))
            return;
    }
    if (upf_has(conn, UPF_UNASKED))
        status = UPF_OK; /* is_stuck() says for how long */
    else if (!upf_has(conn, UPF_PING_WAITS) || may_be_excused(conn, now))
        status = upf_ping(conn, NULL, 0);
    conn->timer = now;
    /* Control frames that do not move are as good a question as a ping. */
    if (status != UPF_OK && status != UPF_ERR_QUEUE_FULL) {
        upf_conn_fail(conn, status);
        return;
    }
    upf_set(conn, UPF_PING_WAITS);
    upf_output_note_wait(conn, now); /* since now, if nothing did before */
}

static void tick_open(upf_conn *conn, uint64_t now)
{
    if (upf_has(conn, UPF_ACTIVE)) {
        upf_clear(conn, UPF_ACTIVE | UPF_PING_WAITS | UPF_ASKED_AGAIN |
                            UPF_UNASKED | UPF_ASKED_LATE);
        conn->timer = now;
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
        return; /* an event is to be delivered, and nothing is waited for */
    if (conn->timer == 0)
        conn->timer = now;
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
