/* SPDX-License-Identifier: MIT */
/* events.c - each event against the grammar and the rules; its record. */

#include <string.h>

#include "check.h"
#include "run.h"

static void log_text(struct run *run, const void *data, size_t len)
{
    bytes_add_number(&run->log, len);
    bytes_add(&run->log, data, len);
}

static void log_number(struct run *run, int64_t number)
{
    bytes_add_number(&run->log, (uint64_t)number);
}

/* Read each byte: memory that is not there shows. */
static void touch(upf_str text)
{
    volatile char sink = 0;

    for (size_t i = 0; i < text.len; i++)
        sink = text.data[i];
    (void)sink;
}

void run_touch_request(const upf_request *request)
{
    touch(request->method);
    touch(request->target);
    touch(request->target_as_sent);
    touch(request->host);
    touch(request->headers);
}

/* All that an event points to stays until the next one, whatever is called. */
void run_touch_event(const upf_event *event)
{
    touch((upf_str){(const char *)event->data, event->len});
    if (event->type == UPF_EVENT_REQUEST)
        run_touch_request(&event->request);
    if (event->type == UPF_EVENT_OPEN)
        touch(event->subprotocol);
    if ((event->type == UPF_EVENT_OPEN || event->type == UPF_EVENT_CLOSE) &&
        event->response.status != 0) {
        touch(event->response.reason);
        touch(event->response.headers);
        touch(event->response.body);
    }
}

/* ---- Opening ------------------------------------------------------------ */

static void hear_request(struct run *run, const upf_event *event)
{
    CHECK(!run->plan->is_client && run->plan->handshake, "REQUEST to nobody");
    CHECK(run->place == BEFORE, "REQUEST, after %u", run->place);
    CHECK(event->status == UPF_OK || event->status == UPF_ERR_ORIGIN ||
              event->status == UPF_ERR_ORIGIN_REPEATED ||
              event->status == UPF_ERR_NOT_UPGRADE ||
              event->status == UPF_ERR_UPGRADE_STRIPPED,
          "%s", upf_status_name(event->status));
    touch(event->request.headers);
    log_number(run, event->status);
    log_text(run, event->request.target.data, event->request.target.len);
    log_text(run, event->request.headers.data, event->request.headers.len);
    run->place = REQUESTED;
}

static void hear_open(struct run *run, const upf_event *event)
{
    const bool asked = !run->plan->is_client && run->plan->handshake;

    CHECK(run->place == (asked ? REQUESTED : BEFORE), "OPEN, after %u",
          run->place);
    touch(event->subprotocol);
    log_text(run, event->subprotocol.data, event->subprotocol.len);
    if (run->plan->is_client && run->plan->handshake) {
        CHECK(event->response.status == 101, "%d", event->response.status);
        touch(event->response.headers);
        log_text(run, event->response.headers.data,
                 event->response.headers.len);
    }
    run->place = OPEN;
}

/* ---- Messages ----------------------------------------------------------- */

static void check_text(const upf_event *event)
{
    bool whole = true;

    if (event->opcode != UPF_OP_TEXT)
        return;
    CHECK(utf8_prefix(event->data, event->len, &whole) == event->len && whole,
          "%zu bytes that are not UTF-8, or end inside a code point",
          event->len);
}

/* A message that was let through has kept to its limits. */
static void check_limits(const struct run *run, size_t len)
{
    CHECK(len <= run->config.max_message, "%zu bytes", len);
    if (run->config.trace == NULL)
        return; /* frames were not seen */
    CHECK(run->fragments > 0 && run->fragments <= run->config.max_fragments,
          "%u fragments", (unsigned)run->fragments);
    CHECK(run->largest_frame <= run->config.max_frame, "a frame of %llu bytes",
          (unsigned long long)run->largest_frame);
}

static void hear_message(struct run *run, const upf_event *event)
{
    CHECK(!run->config.stream, "MESSAGE, though streaming");
    check_limits(run, event->len);
    check_text(event);
    log_number(run, event->opcode);
    log_text(run, event->data, event->len);
}

static void hear_chunk(struct run *run, const upf_event *event)
{
    CHECK(run->config.stream, "CHUNK, though not streaming");
    CHECK(event->first == !run->in_message, "first is %d", event->first);
    CHECK(event->len > 0 || event->last, "an empty chunk that is not the last");
    check_text(event);
    if (event->first)
        run->message.len = 0;
    bytes_add(&run->message, event->data, event->len);
    check_limits(run, run->message.len);
    run->in_message = !event->last;
    if (event->last) {
        log_number(run, event->opcode);
        log_text(run, run->message.data, run->message.len);
    }
}

/* An entry of run->pongs: with nothing queued before it, it must leave. */
static void hear_ping(struct run *run, const upf_event *event,
                      size_t queued_before)
{
    const uint8_t entry[2] = {queued_before == 0, (uint8_t)event->len};

    if (!upf_conn_is_open(run->conn))
        return; /* our Close was the last frame */
    bytes_add(&run->pongs, entry, sizeof entry);
    bytes_add(&run->pongs, event->data, event->len);
}

static void hear_control(struct run *run, const upf_event *event,
                         size_t queued_before)
{
    CHECK(event->len <= UPF_CONTROL_PAYLOAD_MAX, "%zu bytes", event->len);
    log_text(run, event->data, event->len);
    if (event->type == UPF_EVENT_PING)
        hear_ping(run, event, queued_before);
}

/* ---- The end ------------------------------------------------------------ */

/* The byte at fault does not depend on the cut, if it is the peer's. */
static bool has_offset(upf_status status)
{
    return status < 0 && status >= UPF_ERR_ACCEPT &&
           status != UPF_ERR_REFUSED;
}

static void check_codes(const struct run *run, upf_status status,
                        const upf_close_info *end)
{
    const bool received = end->code != UPF_CLOSE_ABNORMAL;

    CHECK(status <= 0, "%s", upf_status_name(status));
    CHECK(status != UPF_ERR_HANDSHAKE_TIMEOUT ||
              (run->plan->handshake && !run->accepted && run->place != OPEN),
          "the handshake was done");
    CHECK(status != UPF_ERR_EOF || run->place == OPEN,
          "an end before the handshake was answered, and that is not said");
    CHECK(end->clean == (received && end->sent_code != 0),
          "clean %d with codes %d, %d", end->clean, end->code, end->sent_code);
    CHECK(status != UPF_OK || end->clean, "nothing wrong, but not clean: %d %d",
          end->code, end->sent_code);
    CHECK(run->place == OPEN || run->place == CLOSED ||
              (!received && end->sent_code == 0) || run->close_code >= 0,
          "codes %d, %d before OPEN", end->code, end->sent_code);
    if (end->sent_code != 0 && run->close_code >= 0)
        CHECK(end->sent_code == (run->close_code ? run->close_code : 1005),
              "%d instead of the application's %d", end->sent_code,
              run->close_code);
    else if (end->sent_code != 0)
        CHECK(end->sent_code == (status == UPF_OK
                                     ? end->code
                                     : upf_status_close_code(status)),
              "%d does not tell of %s, %d", end->sent_code,
              upf_status_name(status), end->code);
    CHECK(end->offset <= run->received, "offset %llu of %zu",
          (unsigned long long)end->offset, run->received);
}

static void hear_response(struct run *run, const upf_response *response)
{
    const upf_config *config = &run->config;
    const upf_str parts[] = {response->reason, response->headers,
                             response->body};
    upf_str headers = response->headers, name, value;

    log_number(run, response->status);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        touch(parts[i]);
        log_text(run, parts[i].data, parts[i].len);
    }
    while (upf_header_next(&headers, &name, &value))
        continue;
    CHECK(headers.len == 0, "%zu bytes are no fields", headers.len);
    CHECK(response->reason.len + response->headers.len <= config->max_head &&
              response->body.len <= config->max_body,
          "%zu and %zu bytes of head, %zu of body", response->reason.len,
          response->headers.len, response->body.len);
}

static void hear_close(struct run *run, const upf_event *event)
{
    bool whole = true;

    CHECK(event->len <= UPF_CLOSE_REASON_MAX, "reason of %zu", event->len);
    CHECK(utf8_prefix(event->data, event->len, &whole) == event->len && whole,
          "reason is not UTF-8");
    check_codes(run, event->status, &event->close);
    if (run->plan->is_client)
        hear_response(run, &event->response);
    CHECK(event->response.status < 200 ||
              event->close.offset <= (uint64_t)run->config.max_head +
                                         run->config.max_body,
          "%llu bytes of a response are read",
          (unsigned long long)event->close.offset);
    run->end        = event->close;
    run->end_status = event->status;
    if (run->end_status == UPF_ERR_CLOSE_TIMEOUT ||
        run->end_status == UPF_ERR_WRITE_TIMEOUT)
        run->lost = true; /* the peer had its time */
    log_number(run, event->status);
    log_number(run, event->close.code);
    log_number(run, event->close.sent_code);
    log_number(run, has_offset(event->status) ? (int64_t)event->close.offset
                                              : -1);
    log_text(run, event->data, event->len);
    run->place = CLOSED;
}

void run_event(struct run *run, upf_event *event, size_t queued_before)
{
    CHECK(run->place != CLOSED, "event %d after CLOSE", event->type);
    if (event->type != UPF_EVENT_REQUEST && event->type != UPF_EVENT_OPEN &&
        event->type != UPF_EVENT_CLOSE)
        CHECK(run->place == OPEN, "event %d before OPEN", event->type);
    if (event->type != UPF_EVENT_CHUNK || event->last)
        log_number(run, event->type == UPF_EVENT_CHUNK ? UPF_EVENT_MESSAGE
                                                       : event->type);
    switch (event->type) {
    case UPF_EVENT_REQUEST: hear_request(run, event); break;
    case UPF_EVENT_OPEN:    hear_open(run, event); break;
    case UPF_EVENT_MESSAGE: hear_message(run, event); break;
    case UPF_EVENT_CHUNK:   hear_chunk(run, event); break;
    case UPF_EVENT_PING:
    case UPF_EVENT_PONG:    hear_control(run, event, queued_before); break;
    case UPF_EVENT_CLOSE:   hear_close(run, event); break;
    default: CHECK(false, "event %d", event->type);
    }
    app_act(run, event);
    if (!run->freed)
        run_touch_event(event);
}
