/* SPDX-License-Identifier: MIT */
/* eventlog.c - the events of one connection as text, and their grammar. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "eventlog.h"

enum place { AT_START, ASKED, OPENED, CLOSED };

void eventlog_begin(struct eventlog *log, bool is_client, bool stream)
{
    blob_free(&log->text);
    *log = (struct eventlog){.is_client = is_client, .stream = stream};
}

void eventlog_free(struct eventlog *log)
{
    blob_free(&log->text);
}

bool eventlog_closed(const struct eventlog *log)
{
    return log->place == CLOSED;
}

bool status_has_offset(upf_status status)
{
    return status <= UPF_ERR_OPCODE && status >= UPF_ERR_CLOSE_REASON;
}

static void write_chunks(struct eventlog *log)
{
    if (!log->chunk.pending)
        return;
    blob_printf(&log->text, "CHUNK %s%s%s %zu ",
                log->chunk.opcode == UPF_OP_TEXT ? "text" : "binary",
                log->chunk.first ? " first" : "",
                log->chunk.last ? " last" : "", log->chunk.len);
    if (log->chunk.len <= 40)
        blob_show(&log->text, log->chunk.head, log->chunk.len);
    else
        blob_printf(&log->text, "#%016llx",
                    (unsigned long long)log->chunk.hash);
    blob_byte(&log->text, '\n');
    log->chunk.pending = false;
}

static void add_chunk(struct eventlog *log, const upf_event *event)
{
    if (event->first == log->chunk.inside)
        fail_msg("CHUNK first=%d %s a message, behind\n%s", event->first,
                 log->chunk.inside ? "inside" : "outside",
                 blob_str(&log->text));
    if (!event->first && event->opcode != log->chunk.opcode)
        fail_msg("the opcode changed inside a message");
    if (event->first)
        write_chunks(log);
    if (!log->chunk.pending) {
        log->chunk.pending = true;
        log->chunk.first   = event->first;
        log->chunk.len     = 0;
        log->chunk.hash    = BLOB_HASH;
    }
    for (size_t i = 0; i < event->len; i++)
        if (log->chunk.len + i < sizeof log->chunk.head)
            log->chunk.head[log->chunk.len + i] = event->data[i];
    log->chunk.opcode = event->opcode;
    log->chunk.last   = event->last;
    log->chunk.len   += event->len;
    log->chunk.hash   = blob_hash(log->chunk.hash, event->data, event->len);
    log->chunk.inside = !event->last;
}

/* What may follow what: the grammar above upf_event_type. */
static void check_grammar(struct eventlog *log, const upf_event *event)
{
    bool right = false;

    switch (event->type) {
    case UPF_EVENT_REQUEST:
        right = log->place == AT_START && !log->is_client;
        log->place = ASKED;
        break;
    case UPF_EVENT_OPEN:
        right = log->place == AT_START || log->place == ASKED;
        log->place = OPENED;
        break;
    case UPF_EVENT_MESSAGE:
        right = log->place == OPENED && !log->stream;
        break;
    case UPF_EVENT_CHUNK:
        right = log->place == OPENED && log->stream;
        break;
    case UPF_EVENT_PING:
    case UPF_EVENT_PONG:
        right = log->place == OPENED && event->len <= 125;
        break;
    case UPF_EVENT_CLOSE:
        right = log->place != CLOSED;
        log->place = CLOSED;
        break;
    }
    if (!right)
        fail_msg("event %d does not belong behind\n%s", (int)event->type,
                 eventlog_text(log));
    if ((event->type == UPF_EVENT_MESSAGE || event->type == UPF_EVENT_CHUNK) &&
        event->opcode != UPF_OP_TEXT && event->opcode != UPF_OP_BINARY)
        fail_msg("opcode %d of a message", (int)event->opcode);
}

/* What conn.h says of the two codes and of `clean`, whatever happened. */
static void check_close(const upf_event *event)
{
    const upf_close_info *close = &event->close;

    assert_int_not_equal(close->code, 0);
    assert_int_not_equal(close->sent_code, 1006);
    assert_in_range(close->code, 1000, 4999);
    if (close->clean) {
        assert_int_not_equal(close->code, 1006);
        assert_int_not_equal(close->sent_code, 0);
    }
    if (event->status == UPF_OK)
        assert_true(close->clean);
    if (close->code == 1005 || close->code == 1006)
        assert_int_equal(event->len, 0);
    assert_in_range(event->len, 0, 123);
    assert_true(event->status <= UPF_OK);
}

static void write_close(struct eventlog *log, const upf_event *event)
{
    check_close(event);
    log->status = event->status;
    log->close  = event->close;
    blob_printf(&log->text, "CLOSE %d sent=%d clean=%d status=%s",
                event->close.code, event->close.sent_code,
                event->close.clean, upf_status_name(event->status));
    if (status_has_offset(event->status))
        blob_printf(&log->text, " offset=%llu",
                    (unsigned long long)event->close.offset);
    if (log->is_client && event->response.status != 0)
        blob_printf(&log->text, " response=%d", event->response.status);
    if (log->is_client && event->response.status != 0 &&
        event->response.body.len > 0) {
        blob_text(&log->text, " body=");
        blob_show(&log->text, (const uint8_t *)event->response.body.data,
                  event->response.body.len);
    }
    blob_text(&log->text, " reason=");
    blob_show(&log->text, event->data, event->len);
    blob_byte(&log->text, '\n');
}

static void write_payload(struct eventlog *log, const upf_event *event)
{
    blob_printf(&log->text, " %zu ", event->len);
    blob_show(&log->text, event->data, event->len);
    blob_byte(&log->text, '\n');
}

void eventlog_add(struct eventlog *log, const upf_event *event)
{
    check_grammar(log, event);
    log->count[event->type]++;
    if (event->type == UPF_EVENT_MESSAGE || event->type == UPF_EVENT_CHUNK)
        log->payload += event->len;
    if (event->type == UPF_EVENT_CHUNK) {
        add_chunk(log, event);
        return;
    }
    write_chunks(log);
    switch (event->type) {
    case UPF_EVENT_REQUEST:
        blob_text(&log->text, "REQUEST ");
        blob_add(&log->text, event->request.method.data,
                 event->request.method.len);
        blob_byte(&log->text, ' ');
        blob_add(&log->text, event->request.target.data,
                 event->request.target.len);
        blob_printf(&log->text, " status=%s\n",
                    upf_status_name(event->status));
        break;
    case UPF_EVENT_OPEN:
        blob_text(&log->text, "OPEN");
        if (event->subprotocol.data != NULL)
            blob_printf(&log->text, " subprotocol=\"%.*s\"",
                        (int)event->subprotocol.len, event->subprotocol.data);
        blob_byte(&log->text, '\n');
        break;
    case UPF_EVENT_MESSAGE:
        blob_text(&log->text, event->opcode == UPF_OP_TEXT ?
                              "MESSAGE text" : "MESSAGE binary");
        write_payload(log, event);
        break;
    case UPF_EVENT_PING:
        blob_text(&log->text, "PING");
        write_payload(log, event);
        break;
    case UPF_EVENT_PONG:
        blob_text(&log->text, "PONG");
        write_payload(log, event);
        break;
    case UPF_EVENT_CLOSE:
        write_close(log, event);
        break;
    case UPF_EVENT_CHUNK:
        break;
    }
}

void eventlog_note(struct eventlog *log, const char *text)
{
    write_chunks(log);
    blob_printf(&log->text, "%s\n", text);
}

const char *eventlog_text(struct eventlog *log)
{
    write_chunks(log);
    return blob_str(&log->text);
}
