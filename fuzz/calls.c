/* SPDX-License-Identifier: MIT */
/* calls.c - any calls in any order: the operations that a script is made of. */

#include <string.h>

#include "calls.h"
#include "check.h"
#include "conn_impl.h"
#include "peer.h"

typedef void op_fn(struct calls *c);

static void note(struct calls *c, upf_status status)
{
    bytes_add_number(&c->run.log, (uint64_t)status);
}

/* ---- Input -------------------------------------------------------------- */

static void op_next(struct calls *c)
{
    note(c, feed_next(c, script_size(&c->script)));
}

static void op_drain(struct calls *c)
{
    const size_t most   = script_size(&c->script);
    upf_status   status = UPF_OK;

    for (int i = 0; status == UPF_OK && i < 200; i++)
        status = feed_next(c, most);
    note(c, status);
}

static void op_say(struct calls *c)
{
    struct bytes nowhere = {0};

    peer_say(&c->script, !c->run.plan->is_client,
             c->silent ? &nowhere : &c->said);
    bytes_free(&nowhere);
}

static void op_hear(struct calls *c)
{
    op_say(c);
    note(c, feed_next(c, 0));
}

static void op_exchange(struct calls *c)
{
    const size_t most = script_size(&c->script);
    const size_t left = c->said.len - c->heard;

    feed_exchange(c, most < left ? most : left);
}

static void op_room(struct calls *c)
{
    note(c, feed_room(c, script_size(&c->script)));
}

static void op_eof(struct calls *c)
{
    if (script_byte(&c->script) % 4 != 0)
        return;
    upf_conn_eof(c->run.conn);
    c->silent   = true;
    c->said.len = c->heard;
}

/* ---- Messages ----------------------------------------------------------- */

static upf_opcode opcode_of(uint8_t byte)
{
    return byte & 1 ? UPF_OP_TEXT : UPF_OP_BINARY;
}

/* The payload of the message at hand, or another. */
static struct bytes reply(struct calls *c, upf_opcode *opcode)
{
    struct bytes copy = {0};

    if (!c->has_data) {
        *opcode = opcode_of(script_byte(&c->script));
        return script_payload(&c->script);
    }
    *opcode = c->event.opcode;
    bytes_add(&copy, c->event.data, c->event.len);
    return copy;
}

static void op_send(struct calls *c)
{
    const upf_opcode opcode = opcode_of(script_byte(&c->script));
    struct bytes     data   = script_payload(&c->script);

    note(c, app_send(&c->run, opcode, data.data, data.len));
    bytes_free(&data);
}

static void op_reply(struct calls *c)
{
    upf_opcode   opcode;
    struct bytes data = reply(c, &opcode);

    note(c, app_send(&c->run, opcode, data.data, data.len));
    bytes_free(&data);
}

/* The message at hand, or the start of it. */
static void op_in_place(struct calls *c)
{
    const uint8_t part = script_byte(&c->script);

    if (!c->has_data || c->event.type != UPF_EVENT_MESSAGE ||
        c->event.len == 0)
        return;
    const size_t     len    = c->event.len - c->event.len * part / 256;
    const upf_status status = app_send_in_place(&c->run, c->event.opcode,
                                                c->event.data, len, false);
    note(c, status);
    if (status == UPF_OK)
        c->lent = true, c->has_data = false;
}

/* What lies in the connection's own memory, which may be lent already, or hold
 * the beginning of a message, too. */
static void op_ours_in_place(struct calls *c)
{
    const uintptr_t data  = (uintptr_t)c->event.data;
    const uintptr_t block = (uintptr_t)c->block;

    if (!c->at_hand || c->event.len == 0 ||
        (block != 0 && data >= block && data < (uintptr_t)c->input.data))
        return;
    const upf_status status =
        app_send_in_place(&c->run, UPF_OP_BINARY, c->event.data, c->event.len,
                          false);
    note(c, status);
    if (status == UPF_OK)
        c->lent = true, c->has_data = false;
}

static void write_nothing(struct calls *c)
{
    watch_forget(&c->watch);
    run_write(&c->run, 0, 1);
    feed_returned(c);
}

static void op_own_in_place(struct calls *c)
{
    const upf_opcode opcode = opcode_of(script_byte(&c->script));
    struct bytes     data   = script_payload(&c->script);

    if (c->run.borrowed_count == BORROWED_MAX)
        write_nothing(c);
    note(c, app_send_in_place(&c->run, opcode, data.data, data.len, true));
    bytes_free(&data);
}

static void op_gathered(struct calls *c)
{
    const upf_opcode opcode = opcode_of(script_byte(&c->script));
    struct bytes     data   = script_payload(&c->script);
    const size_t     cut    = data.len * script_byte(&c->script) / 256;

    note(c, app_send_gathered(&c->run, opcode, data.data, data.len, cut));
    bytes_free(&data);
}

static void op_part(struct calls *c)
{
    const uint8_t byte = script_byte(&c->script);
    struct bytes  data = script_payload(&c->script);

    note(c, app_send_part(&c->run, opcode_of(byte), data.data, data.len,
                          (byte & 2) != 0));
    bytes_free(&data);
}

static void op_shared(struct calls *c)
{
    const upf_opcode opcode = opcode_of(script_byte(&c->script));
    struct bytes     data   = script_payload(&c->script);

    note(c, app_send_shared(&c->run, opcode, data.data, data.len));
    bytes_free(&data);
}

static void op_control(struct calls *c)
{
    const uint8_t byte = script_byte(&c->script);
    struct bytes  data = script_payload(&c->script);

    note(c, app_send_control(&c->run, (byte & 1) != 0, data.data, data.len));
    bytes_free(&data);
}

static void op_close(struct calls *c)
{
    const uint8_t byte = script_byte(&c->script);

    if (byte % 4 == 0) /* else hardly anything would be open for long */
        note(c, app_close(&c->run, byte >> 2));
}

static void op_misuse(struct calls *c)
{
    upf_event nothing = {.type = UPF_EVENT_REQUEST};

    app_misuse(&c->run, c->run.conn->state == UPF_STATE_ANSWER ||
                                c->run.conn->state == UPF_STATE_DEFERRED ||
                                c->run.freed
                            ? &nothing : &c->event);
}

/* ---- A request ---------------------------------------------------------- */

static void op_answer(struct calls *c)
{
    const uint8_t what = script_byte(&c->script);

    if (c->run.conn->state == UPF_STATE_ANSWER) {
        note(c, app_at_request(&c->run, &c->event, 8 + what % 7));
        run_touch_request(&c->event.request);
    } else if (c->run.conn->state == UPF_STATE_DEFERRED) {
        c->run.events = what;
        app_answer(&c->run);
    } else {
        CHECK(upf_accept(c->run.conn, NULL, NULL, 0) == UPF_ERR_STATE &&
                  upf_refuse(c->run.conn, 404, NULL, 0, "", 0) ==
                      UPF_ERR_STATE &&
                  upf_defer(c->run.conn) == UPF_ERR_STATE,
              "no request is there to answer");
    }
}

/* ---- Output ------------------------------------------------------------- */

static void op_offer(struct calls *c)
{
    watch_offer(&c->watch, &c->run, 1 + script_byte(&c->script) % 16);
}

static void op_write(struct calls *c)
{
    const size_t most = script_size(&c->script);

    watch_forget(&c->watch);
    run_write(&c->run, most, 1 + script_byte(&c->script) % 4);
    feed_returned(c);
}

static void op_write_all(struct calls *c)
{
    watch_forget(&c->watch);
    run_write_all(&c->run);
    feed_returned(c);
}

/* A write that was begun with what was offered is over, calls later. */
static void op_done(struct calls *c)
{
    struct watch *watch = &c->watch;
    const size_t  most  = script_size(&c->script);
    size_t        all   = 0;

    if (!ENFORCE_STABLE_SLICES || watch->count == 0)
        return;
    for (size_t i = 0; i < watch->count; i++)
        all += watch->slices[i].len;
    const size_t written = most == 0 || most > all ? all : most;
    run_note_written(&c->run, watch->slices, watch->count, written);
    watch_forget(watch);
    run_note_done(&c->run,
                  upf_conn_output_done(c->run.conn, (ptrdiff_t)written));
    feed_returned(c);
}

/* Nothing is borrowed from now on, but for what was offered before. */
static void op_keep(struct calls *c)
{
    const upf_status status = upf_conn_output_keep(c->run.conn);

    CHECK(status == UPF_OK || run_failed(&c->run), "%s",
          upf_status_name(status));
    note(c, status);
    if (status != UPF_OK) {
        watch_forget(&c->watch);
        c->run.lost = true;
    }
    if (c->watch.count > 0) {
        c->watch.kept = true;
        return;
    }
    run_note_done(&c->run, status);
    feed_returned(c);
}

static void op_hold(struct calls *c)
{
    upf_conn_hold(c->run.conn, script_byte(&c->script) & 1);
}

/* ---- Life --------------------------------------------------------------- */

static void op_tick(struct calls *c)
{
    static const uint16_t later[16] = {0,    1,    10,   100,   999,   1000,
                                       2999, 3000, 4999, 5000,  9999,  10000,
                                       19999, 20000, 29999, 30000};

    app_tick(&c->run, later[script_byte(&c->script) % 16]);
}

static void op_wait(struct calls *c)
{
    run_wait(&c->run);
}

static void op_lost(struct calls *c)
{
    if (script_byte(&c->script) % 4 != 0)
        return;
    watch_forget(&c->watch);
    upf_conn_lost(c->run.conn);
    c->run.lost = true;
    feed_returned(c);
}

static void op_free(struct calls *c)
{
    if (script_byte(&c->script) % 4 != 0)
        return;
    watch_forget(&c->watch);
    upf_conn_free(c->run.conn);
    c->run.freed = true;
    c->has_data  = false;
    c->at_hand   = false;
    feed_returned(c);
}

static void op_move(struct calls *c)
{
    run_move(&c->run);
}

static void op_nothing(struct calls *c)
{
    (void)c;
}

/* ---- The script --------------------------------------------------------- */

/* Again from the k-th operation before, n times; no loop in a loop. */
static void op_repeat(struct calls *c)
{
    const size_t   at    = c->starts[c->steps % REPEAT_OPS];
    const size_t   back  = 1 + script_byte(&c->script) % (REPEAT_OPS - 1);
    const unsigned times = script_byte(&c->script);

    if (back > c->steps || (c->repeats > 0 && c->repeat_at != at))
        return;
    if (c->repeats == 0) {
        if (c->repeat_at == at + 1)
            return; /* it is over */
        c->repeat_at = at;
        c->repeats   = times;
    } else {
        c->repeats--;
    }
    if (c->repeats > 0)
        c->script.at = c->starts[(c->steps - back) % REPEAT_OPS];
    else
        c->repeat_at = at + 1;
}

/* A new operation takes the place of an op_nothing: seeds keep what they say. */
static op_fn *const ops[32] = {
    op_next,  op_drain,     op_say,   op_hear,    op_exchange, op_room,
    op_send,  op_reply,     op_in_place, op_own_in_place, op_gathered, op_part,
    op_shared, op_control,  op_close, op_offer,   op_write,    op_write_all,
    op_done,  op_tick,      op_wait,  op_eof,     op_lost,     op_free,
    op_answer, op_misuse,   op_move,  op_keep,    op_hold,     op_repeat,
    op_ours_in_place, op_nothing};

void calls_step(struct calls *c)
{
    c->starts[c->steps % REPEAT_OPS] = c->script.at;
    ops[script_byte(&c->script) % 32](c);
    c->steps++;
    if (c->at_hand)
        run_touch_event(&c->event);
    if (c->run.freed)
        return;
    watch_slices(&c->watch);
    watch_memory(&c->watch, &c->run);
    run_ask(&c->run);
    bytes_add_number(&c->run.log, upf_conn_queued(c->run.conn));
    bytes_add_number(&c->run.log, upf_conn_wants(c->run.conn));
    bytes_add_number(&c->run.log, upf_conn_deadline(c->run.conn));
}
