/* SPDX-License-Identifier: MIT */
/* trace.c - what goes over the wire, as a person reads it: for --trace. */

#include <string.h>

#include "show.h"
#include "trace.h"

static const char *opcode_name(upf_opcode opcode)
{
    switch (opcode) {
    case UPF_OP_CONTINUATION: return "CONT";
    case UPF_OP_TEXT:         return "TEXT";
    case UPF_OP_BINARY:       return "BINARY";
    case UPF_OP_CLOSE:        return "CLOSE";
    case UPF_OP_PING:         return "PING";
    case UPF_OP_PONG:         return "PONG";
    }
    return "?";
}

void trace_frame(FILE *out, bool sent, const upf_frame_header *h)
{
    fprintf(out, "%s %-6s  %s  %s  %6llu byte%s", sent ? "->" : "<-",
            opcode_name(h->opcode), h->fin ? "fin" : "...",
            h->masked ? "masked  " : "unmasked",
            (unsigned long long)h->payload_len,
            h->payload_len == 1 ? " " : "s");
}

void trace_payload(FILE *out, bool is_text, const void *data, size_t len,
                   size_t most)
{
    const unsigned char *p = data;
    size_t i = 0;

    if (is_text) {
        fputc('"', out);
        i = show_text(out, p, len, most);
        fputc('"', out);
    }
    for (; !is_text && i < len && i < most / 2; i++)
        fprintf(out, "%s%02x", i > 0 && i % 4 == 0 ? " " : "", p[i]);
    if (i < len)
        fputs("...", out);
}

const char *trace_close_code(int code)
{
    switch (code) {
    case UPF_CLOSE_NORMAL:          return "normal closure";
    case UPF_CLOSE_GOING_AWAY:      return "going away";
    case UPF_CLOSE_PROTOCOL_ERROR:  return "protocol error";
    case UPF_CLOSE_UNSUPPORTED:     return "data of an unsupported kind";
    case UPF_CLOSE_NO_STATUS:       return "without a code";
    case UPF_CLOSE_ABNORMAL:        return "no Close was received";
    case UPF_CLOSE_INVALID_DATA:    return "invalid data";
    case UPF_CLOSE_POLICY:          return "against the server's policy";
    case UPF_CLOSE_TOO_BIG:         return "message too big";
    case UPF_CLOSE_EXTENSION:       return "an extension is missing";
    case UPF_CLOSE_INTERNAL_ERROR:  return "internal error";
    case UPF_CLOSE_SERVICE_RESTART: return "the service restarts";
    case UPF_CLOSE_TRY_AGAIN_LATER: return "try again later";
    case UPF_CLOSE_BAD_GATEWAY:     return "bad gateway";
    default:                        return "an application's code";
    }
}

/* ---- One connection ---------------------------------------------------- */

static void show(bool sent, const upf_frame_header *header, bool is_text,
                 const void *data, size_t len, int code)
{
    trace_frame(stdout, sent, header);
    if (header->opcode == UPF_OP_CLOSE && header->payload_len >= 2 && code != 0)
        printf("  %d", code);
    if (len > 0) {
        fputs("  ", stdout);
        trace_payload(stdout, is_text, data, len, TRACE_SHORT);
    }
    fputc('\n', stdout);
}

void trace_hook(void *user, const upf_conn *conn, bool sent,
                const upf_frame_header *header)
{
    trace *t = user;

    (void)conn;
    if (sent && t->sending) {
        trace_event(t, NULL);
        show(true, header, t->opcode != UPF_OP_BINARY, t->data, t->len,
             t->close_code);
    } else if (sent) {
        /* A pong or a Close in reply: it is shown behind its cause. */
        t->replied = true;
        t->reply   = *header;
        if (!t->announced)
            trace_event(t, NULL);
    } else {
        trace_event(t, NULL);
        t->announced    = true;
        t->announcement = *header;
    }
}

void trace_sending(trace *t, upf_opcode opcode, const void *data, size_t len)
{
    t->sending    = true;
    t->opcode     = opcode;
    t->data       = data;
    t->len        = len;
    t->close_code = 0;
}

void trace_closing(trace *t, int code, const char *reason)
{
    trace_sending(t, UPF_OP_CLOSE, reason, reason ? strlen(reason) : 0);
    t->close_code = code;
}

void trace_sent(trace *t) { t->sending = false; }

void trace_event(trace *t, const upf_event *ev)
{
    const bool known = ev != NULL && ev->type != UPF_EVENT_OPEN;
    const int  code  = known && ev->type == UPF_EVENT_CLOSE ? ev->close.code
                                                            : 0;
    const bool is_text = known && (ev->type != UPF_EVENT_MESSAGE ||
                                   ev->opcode == UPF_OP_TEXT);
    const uint8_t *data = known ? ev->data : NULL;
    size_t         len  = known ? ev->len : 0;

    if (t->announced) {
        /* A message's last fragment is the end of the message. */
        if (len > t->announcement.payload_len) {
            data += len - (size_t)t->announcement.payload_len;
            len = (size_t)t->announcement.payload_len;
        }
        show(false, &t->announcement, is_text, data, len, code);
    }
    if (t->replied)
        show(true, &t->reply, is_text, NULL, 0, code);
    t->announced = false;
    t->replied   = false;
}

static void show_head(bool sent, const unsigned char *p, size_t len,
                      unsigned *state)
{
    enum { AT_START, IN_LINE, BEHIND };

    for (size_t i = 0; i < len && *state != BEHIND; i++) {
        if (p[i] == '\n') {
            fputs(*state == IN_LINE ? "\n" : "", stdout);
            *state = *state == IN_LINE ? AT_START : BEHIND;
        } else if (p[i] != '\r') {
            if (*state == AT_START)
                fputs(sent ? "-> " : "<- ", stdout);
            *state = IN_LINE;
            show_text(stdout, p + i, 1, 1); /* a byte: what is not ASCII, too */
        }
    }
}

void trace_bytes(trace *t, bool sent, const void *data, ptrdiff_t len)
{
    if (len > 0)
        show_head(sent, data, (size_t)len,
                  sent ? &t->sent_head : &t->received_head);
}
