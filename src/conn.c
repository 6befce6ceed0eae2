/* SPDX-License-Identifier: MIT */
/* conn.c - the life of a connection: beginning, states, failing, time, end. */

#include <assert.h>
#include <string.h>

#include "buf.h"
#include "conn_impl.h"
#include "ext.h"
#include "http.h"
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

upf_status upf_conn_init_open(upf_conn *conn, const upf_config *config,
                              bool is_client, const char *subprotocol)
{
    if (subprotocol != NULL && !upf_is_token(upf_str_of(subprotocol))) {
        memset(conn, 0, sizeof *conn);
        return UPF_ERR_ARGUMENT;
    }
    const upf_status status = upf_conn_begin(conn, config, UPF_STATE_OPENING,
                                             is_client ? UPF_IS_CLIENT : 0);
    if (status == UPF_OK)
        conn->in.handshake.subprotocol = subprotocol;
    return status;
}

void upf_conn_free(upf_conn *conn)
{
    if (conn->config != NULL) {
        upf_conn_drop_assembly(conn);
        upf_output_free(conn);
        if (conn->ext != NULL)
            conn->config->ext->free(conn->ext, conn->config);
    }
    upf_conn_zero(conn);
}

/* ---- States ------------------------------------------------------------- */

void upf_conn_enter(upf_conn *conn, enum upf_conn_state state)
{
    conn->state = (uint8_t)state;
    conn->glance = UPF_GLANCE_NONE;
    conn->quick_send = 0;
    conn->block_until = 0;
    if (!upf_has(conn, UPF_CLOSE_SENT)) /* else one wait, up to the end */
        conn->timer = 0;
    if (state == UPF_STATE_OPEN) {
        memset(&conn->in, 0, sizeof conn->in);
        upf_conn_note_sending(conn);
    }
}

void upf_conn_drop_assembly(upf_conn *conn)
{
    if (upf_has(conn, UPF_HEAD_BORROWED | UPF_BLOCK_LENT))
        conn->assembly = (struct upf_buf){NULL, 0};
    else
        upf_buf_free(&conn->assembly, conn->config);
    upf_clear(conn,
              UPF_EVENT_IS_OURS | UPF_HEAD_BORROWED | UPF_BLOCK_LENT);
}

void upf_conn_fail(upf_conn *conn, upf_status status)
{
    const int  code = upf_status_close_code(status);
    const char *text = upf_status_text(status);

    if (conn->state == UPF_STATE_OVER || conn->state == UPF_STATE_CLOSING)
        return;
    if (conn->state == UPF_STATE_REFUSAL)
        status = UPF_ERR_RESPONSE; /* that says more than how it ended */
    conn->status = (int8_t)status;
    if (!upf_has(conn, UPF_LOST)) {
        if (conn->state < UPF_STATE_RESPONSE)
            upf_conn_refuse_failed(conn, status);
        else if (conn->state == UPF_STATE_OPEN && code != 0 &&
                 !upf_has(conn, UPF_CLOSE_SENT))
            upf_conn_send_close(conn, code, text, strlen(text));
    }
    upf_conn_enter(conn, UPF_STATE_CLOSING);
}

void upf_conn_drop_output(upf_conn *conn)
{
    if (!upf_has(conn, UPF_OFFERED))
        upf_output_free(conn);
}

/* The transport is to be closed, whatever still waits. */
static void give_up(upf_conn *conn)
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
        upf_set(conn, UPF_EVENT_IN_BLOCK); /* the reason may lie in it */
    if (conn->status == UPF_ERR_CLOSE_TIMEOUT ||
        conn->status == UPF_ERR_WRITE_TIMEOUT)
        give_up(conn); /* the peer had its time */
    return UPF_OK;
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

/* ---- What the event loop asks ------------------------------------------- */

size_t upf_conn_queued(const upf_conn *conn)
{
    return conn->out.len;
}

/* Over the mark, and then until half of it is left. */
static void note_mark(upf_conn *conn, size_t bytes, unsigned flag)
{
    if (bytes > conn->config->high_water)
        upf_set(conn, flag);
    else if (bytes <= conn->config->high_water / 2)
        upf_clear(conn, flag);
}

/* How much waits that makes us read no further. */
static size_t pausing(const upf_conn *conn)
{
    switch (conn->config->pause_reading) {
    case UPF_PAUSE_BY_ROLE:
        return upf_has(conn, UPF_IS_CLIENT) ? 0 : upf_output_replies(conn);
    case UPF_PAUSE_REPLIES:
        return upf_output_replies(conn);
    case UPF_PAUSE_ALWAYS:
        return conn->out.len;
    case UPF_PAUSE_NEVER:
        break;
    }
    return 0;
}

void upf_conn_note_output(upf_conn *conn)
{
    if (conn->out.len <= conn->config->high_water / 2) { /* at one glance */
        upf_clear(conn, UPF_CONGESTED | UPF_PAUSED);
        return;
    }
    note_mark(conn, conn->out.len, UPF_CONGESTED);
    note_mark(conn, pausing(conn), UPF_PAUSED);
    if (upf_has(conn, UPF_PAUSED))
        upf_set(conn, UPF_WAS_WITHHELD);
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

bool upf_conn_congested(const upf_conn *conn)
{
    return upf_has(conn, UPF_CONGESTED);
}

bool upf_conn_is_open(const upf_conn *conn)
{
    return conn->state == UPF_STATE_OPEN && !upf_has(conn, UPF_CLOSE_SENT);
}

/* CLOSE was delivered: how the transport comes to its end (section 7.1.1). */
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
        return UPF_WANTS_READ; /* the server is to close first */
    if (upf_has(conn, UPF_CLOSE_SENT))
        return UPF_WANTS_SHUTDOWN | UPF_WANTS_READ;
    return UPF_WANTS_CLOSE; /* a handshake that failed */
}

/* It is we who do not read. */
static bool is_withheld(const upf_conn *conn)
{
    return upf_has(conn, UPF_PAUSED | UPF_HELD);
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
        !is_withheld(conn))
        wants |= UPF_WANTS_READ;
    return wants;
}

/* ---- Time --------------------------------------------------------------- */

static uint64_t later(uint64_t time, uint64_t by)
{
    return by > UINT64_MAX - time ? UINT64_MAX : time + by;
}

static uint64_t lesser(uint64_t a, uint64_t b)
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
    return lesser(upf_has(conn, UPF_ACTIVE)
                      ? lesser(end, later(conn->timer, tenth(conn))) : end,
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

    if (wait == 0 || is_withheld(conn))
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
    if (upf_has(conn, UPF_WAS_WITHHELD) && !is_withheld(conn)) {
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
        give_up(conn);
    else if (conn->state == UPF_STATE_OPEN)
        upf_conn_fail(conn, UPF_ERR_CLOSE_TIMEOUT);
    else
        upf_conn_fail(conn, UPF_ERR_HANDSHAKE_TIMEOUT);
}
