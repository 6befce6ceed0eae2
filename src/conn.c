/* SPDX-License-Identifier: MIT */
/* conn.c - the life of a connection: beginning, states, failing, time, end. */

#include <assert.h>
#include <string.h>

#include "buf.h"
#include "conn_impl.h"
#include "ext.h"
#include "http.h"
#include "output.h"
#include "random.h"

/* ---- Configuration ------------------------------------------------------ */

#define MIB ((size_t)1024 * 1024)

/* The defaults: upf_config_default() documents them in upframe/conn.h. */
static const upf_config defaults = {
    .max_message       = 16 * MIB,
    .max_frame         = 16 * MIB,
    .max_fragments     = 100000,
    .max_head          = 16 * 1024,
    .max_head_line     = 8 * 1024,
    .max_head_lines    = 100,
    .max_queued        = 32 * MIB,
    .high_water        = 1 * MIB,
    .handshake_timeout = 10000,
    .ping_interval     = 30000,
    .pong_timeout      = 20000,
    .close_timeout     = 5000,
    .alloc             = upf_default_alloc,
    .random            = upf_random,
};

upf_config upf_config_default(void)
{
    upf_config config;

    /* At -Os, gcc makes code of `return defaults` that is as long as they. */
    memcpy(&config, &defaults, sizeof config);
    return config;
}

const upf_config *upf_config_fallback(void)
{
    return &defaults;
}

static bool are_tokens(const char *const *list)
{
    for (; list != NULL && *list != NULL; list++)
        if (!upf_is_token(upf_str_of(*list)))
            return false;
    return true;
}

static bool is_sound(const upf_config *config)
{
    return config->max_message > 0 && config->max_frame > 0 &&
           config->max_fragments > 0 && config->max_head > 0 &&
           config->max_head_line > 0 && config->max_head_lines > 0 &&
           config->max_queued > 0 && config->high_water > 0 &&
           config->alloc != NULL && config->random != NULL &&
           are_tokens(config->subprotocols);
}

/* ---- Beginning ---------------------------------------------------------- */

upf_status upf_conn_begin(upf_conn *conn, const upf_config *config,
                          enum upf_conn_state state, unsigned flags)
{
    upf_conn_zero(conn);
    config = config ? config : &defaults;
    if (!is_sound(config))
        return UPF_ERR_ARGUMENT;
    conn->config = config;
    upf_set(conn, flags);
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
    conn->timer = 0;
    conn->quick = 0;
    conn->quick_send = 0;
    conn->block_until = 0;
    if (state == UPF_STATE_OPEN) {
        memset(&conn->in, 0, sizeof conn->in);
        upf_conn_note_sending(conn);
    }
}

void upf_conn_drop_assembly(upf_conn *conn)
{
    if (upf_has(conn, UPF_HEAD_BORROWED))
        conn->assembly = (struct upf_buf){NULL, 0};
    else
        upf_buf_free(&conn->assembly, conn->config);
    upf_clear(conn, UPF_EVENT_IN_BLOCK | UPF_HEAD_BORROWED);
}

void upf_conn_fail(upf_conn *conn, upf_status status)
{
    const int  code = upf_status_close_code(status);
    const char *text = upf_status_text(status);

    if (conn->state == UPF_STATE_OVER || conn->state == UPF_STATE_CLOSING)
        return;
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

upf_status upf_conn_deliver_close(upf_conn *conn, upf_event *event)
{
    event->type      = UPF_EVENT_CLOSE;
    event->data      = NULL;
    event->len       = 0;
    event->status    = (upf_status)conn->status;
    event->response  = (upf_response){0};
    event->close     = (upf_close_info){
        .code      = UPF_CLOSE_ABNORMAL,
        .sent_code = conn->sent_code,
        .offset    = conn->offset,
    };
    upf_conn_enter(conn, UPF_STATE_OVER);
    if (conn->assembly.data != NULL)
        upf_set(conn, UPF_EVENT_IN_BLOCK); /* the reason may lie in it */
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

void upf_conn_note_output(upf_conn *conn)
{
    const size_t queued = conn->out.len;

    if (queued > conn->config->high_water)
        upf_set(conn, UPF_CONGESTED);
    else if (queued <= conn->config->high_water / 2)
        upf_clear(conn, UPF_CONGESTED);
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
    if (conn->state != UPF_STATE_DEFERRED &&
        (conn->flags & (UPF_AT_EOF | UPF_CONGESTED)) == 0)
        wants |= UPF_WANTS_READ;
    return wants;
}

/* ---- Time --------------------------------------------------------------- */

/* How long the present wait may last; 0: for ever. */
static uint32_t patience(const upf_conn *conn)
{
    const upf_config *config = conn->config;

    switch ((enum upf_conn_state)conn->state) {
    case UPF_STATE_REQUEST:
    case UPF_STATE_ANSWER:
    case UPF_STATE_RESPONSE:
        return config->handshake_timeout;
    case UPF_STATE_OPEN:
        if (upf_has(conn, UPF_CLOSE_SENT))
            return config->close_timeout;
        return upf_has(conn, UPF_PING_WAITS) && config->pong_timeout > 0
                   ? config->pong_timeout
                   : config->ping_interval;
    case UPF_STATE_OVER:
        return upf_has(conn, UPF_TIMED_OUT) ? 0 : config->close_timeout;
    case UPF_STATE_DEFERRED: /* it is the application that takes its time */
    case UPF_STATE_OPENING:
    case UPF_STATE_CLOSING:
        break;
    }
    return 0;
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
    /* The wait for a pong is over: tick, and the next ping is due later. */
    if (upf_has(conn, UPF_PING_WAITS) && upf_has(conn, UPF_ACTIVE))
        return 0;
    return wait > UINT64_MAX - conn->timer ? UINT64_MAX : conn->timer + wait;
}

static void keep_alive(upf_conn *conn, uint64_t now)
{
    upf_status status = UPF_ERR_PONG_TIMEOUT;

    conn->timer = now;
    if (!upf_has(conn, UPF_PING_WAITS) || conn->config->pong_timeout == 0)
        status = upf_ping(conn, NULL, 0);
    /* Control frames that do not move are as good a question as a ping. */
    if (status == UPF_OK || status == UPF_ERR_QUEUE_FULL)
        upf_set(conn, UPF_PING_WAITS);
    else
        upf_conn_fail(conn, status);
}

void upf_conn_tick(upf_conn *conn, uint64_t now)
{
    assert(now > 0);
    if (conn->config == NULL)
        return;
    if (conn->state == UPF_STATE_OPEN && upf_has(conn, UPF_ACTIVE) &&
        !upf_has(conn, UPF_CLOSE_SENT)) {
        upf_clear(conn, UPF_PING_WAITS);
        conn->timer = now;
    }
    upf_clear(conn, UPF_ACTIVE);
    if (conn->timer == 0)
        conn->timer = now;
    if (now < upf_conn_deadline(conn))
        return;

    if (conn->state == UPF_STATE_OVER)
        upf_set(conn, UPF_TIMED_OUT);
    else if (conn->state != UPF_STATE_OPEN)
        upf_conn_fail(conn, UPF_ERR_HANDSHAKE_TIMEOUT);
    else if (upf_has(conn, UPF_CLOSE_SENT))
        upf_conn_fail(conn, UPF_ERR_CLOSE_TIMEOUT);
    else
        keep_alive(conn, now);
}
