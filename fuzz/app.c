/* SPDX-License-Identifier: MIT */
/* app.c - the application: what the script says, at each event. */

#include <string.h>

#include "check.h"
#include "run.h"

/* ---- Sending, with a record of it --------------------------------------- */

static size_t frame_len(const struct run *run, size_t len)
{
    return (len < 126 ? 2u : len < 65536 ? 4u : 10u) +
           (run->plan->is_client ? 4u : 0u) + len;
}

/* What a send must have done, by what it returned. */
static void note_send(struct run *run, upf_status status, size_t before,
                      unsigned first, const void *data, size_t len)
{
    const size_t   queued = upf_conn_queued(run->conn);
    const uint8_t  byte   = (uint8_t)first;
    const uint64_t len64  = len;

    if (status != UPF_OK) {
        CHECK(queued == before, "%s, but %zu queued instead of %zu",
              upf_status_name(status), queued, before);
        CHECK(status == UPF_ERR_STATE || status == UPF_ERR_UTF8 ||
                  status == UPF_ERR_QUEUE_FULL || run_failed(run),
              "%s", upf_status_name(status));
        return;
    }
    CHECK(queued - before == frame_len(run, len), "%zu queued for %zu",
          queued - before, len);
    if ((first & 0x0F) == UPF_OP_PONG) {
        const uint8_t entry[2] = {1, (uint8_t)len};
        bytes_add(&run->pongs, entry, sizeof entry);
        bytes_add(&run->pongs, data, len);
        return;
    }
    bytes_add(&run->frames, &byte, 1);
    bytes_add(&run->frames, &len64, sizeof len64);
    bytes_add(&run->frames, data, len);
}

/* Before a send: it may take this much memory. */
static size_t begin_send(struct run *run, size_t len)
{
    run->sent += len;
    run->sends++;
    run_allow(run);
    return upf_conn_queued(run->conn);
}

static void judge(const struct run *run, upf_status status, upf_opcode opcode,
                  const uint8_t *data, size_t len)
{
    bool whole = true;

    if (!upf_conn_is_open(run->conn) || run->part_begun)
        CHECK(status == UPF_ERR_STATE, "%s, but it is not open, or in parts",
              upf_status_name(status));
    else if (opcode == UPF_OP_TEXT && !run->config.trust_sent_text &&
             (utf8_prefix(data, len, &whole) < len || !whole))
        CHECK(status == UPF_ERR_UTF8, "%s of what is no text",
              upf_status_name(status));
    else
        CHECK(status == UPF_OK || status == UPF_ERR_QUEUE_FULL ||
                  run_failed(run),
              "%s", upf_status_name(status));
}

/* The limit is exact, and the first to be looked at after the text. */
static void judge_queue(const struct run *run, upf_status status,
                        size_t before, size_t len)
{
    const size_t max  = run->config.max_queued;
    const bool   fits = before <= max && frame_len(run, len) <= max - before;

    CHECK(status != UPF_ERR_QUEUE_FULL || !fits, "refused, %zu queued", before);
    CHECK(status != UPF_OK || fits, "taken, %zu queued", before);
}

static upf_status send_whole(struct run *run, upf_opcode opcode,
                             const uint8_t *data, size_t len)
{
    const size_t     before = begin_send(run, len);
    const upf_status status = upf_send(run->conn, opcode, data, len);

    judge(run, status, opcode, data, len);
    judge_queue(run, status, before, len);
    note_send(run, status, before, 0x80u | opcode, data, len);
    return status;
}

static upf_status send_gathered(struct run *run, upf_opcode opcode,
                                uint8_t *data, size_t len, size_t cut)
{
    const upf_slice slices[3] = {{data, cut}, {NULL, 0},
                                 {data + cut, len - cut}};
    const size_t     before = begin_send(run, len);
    const upf_status status = upf_sendv(run->conn, opcode, slices, 3);

    judge(run, status, opcode, data, len);
    judge_queue(run, status, before, len);
    note_send(run, status, before, 0x80u | opcode, data, len);
    return status;
}

/* In place: the message at hand, or with `own` memory of the application's. */
static upf_status send_in_place(struct run *run, upf_opcode opcode,
                                uint8_t *data, size_t len, bool own)
{
    uint8_t *copy = exact_copy(data, len);

    if (own) {
        if (run->borrowed_count == BORROWED_MAX)
            run_write(run, 0, 1);
        uint8_t *memory = malloc(UPF_FRAME_HEADER_MAX + len);
        CHECK(memory != NULL, "no memory for %zu", len);
        data = memcpy(memory + UPF_FRAME_HEADER_MAX, copy, len);
        run->borrowed[run->borrowed_count++] = memory;
    }
    const size_t     before = begin_send(run, len);
    const upf_status status = upf_send_in_place(run->conn, opcode, data, len);
    judge(run, status, opcode, copy, len);
    judge_queue(run, status, before, len);
    note_send(run, status, before, 0x80u | opcode, copy, len);
    CHECK(status == UPF_OK || len == 0 || memcmp(data, copy, len) == 0,
          "refused, but the message is changed");
    free(copy);
    return status;
}

static upf_status send_part(struct run *run, upf_opcode opcode,
                            const uint8_t *data, size_t len, bool fin)
{
    const bool       begun  = run->part_begun;
    const size_t     before = begin_send(run, len);
    const upf_status status = upf_send_part(run->conn, opcode, data, len, fin);

    CHECK(status != UPF_OK || upf_conn_is_open(run->conn), "not open");
    judge_queue(run, status, before, len);
    note_send(run, status, before, (fin ? 0x80u : 0) | (begun ? 0u : opcode),
              data, len);
    if (status == UPF_OK)
        run->part_begun = !fin;
    return status;
}

static upf_status send_shared(struct run *run, upf_opcode opcode,
                              const uint8_t *data, size_t len)
{
    upf_status status = UPF_ERR_NO_MEMORY;

    begin_send(run, len);
    upf_shared *shared = upf_shared_new(&run->config, opcode, data, len);
    for (int i = 0; i < 2 && shared != NULL; i++) {
        const size_t before = begin_send(run, len);
        status = upf_send_shared(run->conn, shared);
        if (!run->plan->is_client)
            judge(run, status, opcode, data, len);
        else
            CHECK(status == UPF_ERR_STATE, "%s", upf_status_name(status));
        judge_queue(run, status, before, len);
        note_send(run, status, before, 0x80u | opcode, data, len);
    }
    upf_shared_free(shared);
    return status;
}

static upf_status send_control(struct run *run, bool ping, uint8_t *data,
                               size_t len)
{
    static const uint8_t fill[UPF_CONTROL_PAYLOAD_MAX] = {1};
    const unsigned opcode = ping ? UPF_OP_PING : UPF_OP_PONG;

    if (len == 0 || len > UPF_CONTROL_PAYLOAD_MAX) { /* empty: a keepalive's */
        data = (uint8_t *)(uintptr_t)fill;
        len  = sizeof fill;
    }
    const size_t     before = begin_send(run, len);
    const upf_status status = ping ? upf_ping(run->conn, data, len)
                                   : upf_pong(run->conn, data, len);
    CHECK(status != UPF_ERR_QUEUE_FULL || before > 0, "no room in nothing");
    note_send(run, status, before, 0x80u | opcode, data, len);
    return status;
}

/* ---- Ending ------------------------------------------------------------- */

static upf_status app_close(struct run *run, unsigned how)
{
    static const struct {
        int         code;
        const char *reason;
        bool        valid;
    } rows[8] = {{0, NULL, true},      {1000, "bye", true},
                 {1001, NULL, true},   {4999, "\xC3\xA9", true},
                 {1005, NULL, false},  {999, NULL, false},
                 {1000, "\xFF", false}, {0, "no code", false}};
    const size_t before = begin_send(run, 125);
    const upf_status status =
        upf_close(run->conn, rows[how % 8].code, rows[how % 8].reason);

    CHECK(rows[how % 8].valid == (status != UPF_ERR_ARGUMENT), "%s",
          upf_status_name(status));
    CHECK(status == UPF_OK || upf_conn_queued(run->conn) == before,
          "refused, but queued");
    if (status == UPF_OK && upf_conn_queued(run->conn) > before &&
        (run->place == OPEN || !run->plan->handshake))
        run->close_code = rows[how % 8].code;
    return status;
}

static void app_tick(struct run *run, unsigned seconds)
{
    run->now += 1000 * (uint64_t)seconds;
    run->ticked = true;
    upf_conn_tick(run->conn, run->now);
}

/* What must be refused, and change nothing. */
static void misuse(struct run *run, upf_event *event)
{
    const size_t before = upf_conn_queued(run->conn);
    uint8_t      big[UPF_CONTROL_PAYLOAD_MAX + 1] = {0};
    upf_request  request;

    CHECK(upf_send(run->conn, UPF_OP_PING, "", 0) == UPF_ERR_ARGUMENT, "ping");
    CHECK(upf_send(run->conn, UPF_OP_CONTINUATION, "", 0) == UPF_ERR_ARGUMENT,
          "continuation");
    CHECK(upf_ping(run->conn, big, sizeof big) == UPF_ERR_ARGUMENT, "126");
    CHECK(run->config.trust_sent_text ||
              upf_shared_new(&run->config, UPF_OP_TEXT, "\xC0", 1) == NULL,
          "text");
    if (event->type != UPF_EVENT_REQUEST) {
        CHECK(upf_accept(run->conn, NULL, NULL, 0) == UPF_ERR_STATE, "accept");
        CHECK(upf_refuse(run->conn, 404, NULL, 0, NULL, 0) == UPF_ERR_STATE,
              "refuse");
        CHECK(upf_defer(run->conn) == UPF_ERR_STATE, "defer");
        CHECK(upf_conn_request(run->conn, &request) == UPF_ERR_STATE,
              "request");
    }
    CHECK(upf_conn_queued(run->conn) == before, "something was queued");
}

/* ---- The request -------------------------------------------------------- */

enum { ECHOED_MAX = 8, ECHOED_LEN = 100 };

/* Header values of the request, with '|' and '~' as CR and LF: injected. */
static size_t echo_headers(const upf_request *request, upf_header *headers,
                           char text[ECHOED_MAX][2][ECHOED_LEN])
{
    upf_str rest = request->headers, part[2];
    size_t  count = 0;

    while (count < ECHOED_MAX && upf_header_next(&rest, &part[0], &part[1])) {
        if (upf_str_is(part[0], "host") || part[0].data[0] == 'S')
            continue;
        for (int k = 0; k < 2; k++) {
            const size_t n =
                part[k].len < ECHOED_LEN ? part[k].len : ECHOED_LEN - 1;
            for (size_t i = 0; i < n; i++) {
                const char c = part[k].data[i];
                text[count][k][i] = c == '|' ? '\r' : c == '~' ? '\n' : c;
            }
            text[count][k][n] = '\0';
        }
        headers[count] = (upf_header){text[count][0], text[count][1]};
        count++;
    }
    return count;
}

/* Answer with the headers that the request had, and a body. */
static upf_status answer_echoing(struct run *run, bool accept)
{
    char        text[ECHOED_MAX][2][ECHOED_LEN];
    upf_header  headers[ECHOED_MAX];
    upf_request request;

    if (upf_conn_request(run->conn, &request) != UPF_OK)
        return UPF_ERR_STATE;
    const size_t count  = echo_headers(&request, headers, text);
    const size_t before = begin_send(run, 4096);
    const upf_status status =
        accept ? upf_accept(run->conn, NULL, headers, count)
               : upf_refuse(run->conn, 403, headers, count, "no\r\n\r\n", 6);
    CHECK(status == UPF_OK || upf_conn_queued(run->conn) == before, "queued");
    CHECK(status == UPF_OK || status == UPF_ERR_ARGUMENT ||
              status == UPF_ERR_STATE || run_failed(run),
          "%s", upf_status_name(status));
    return status;
}

static upf_status at_request(struct run *run, upf_event *event, unsigned what)
{
    upf_request request;

    switch (what) {
    case 8:
        return upf_accept(run->conn,
                          upf_request_offers(&event->request, "chat") ? "chat"
                                                                      : NULL,
                          NULL, 0);
    case 9:  return upf_refuse(run->conn, 404, NULL, 0, "none", 4);
    case 10: return answer_echoing(run, true);
    case 11: return answer_echoing(run, false);
    case 12:
    case 13:
        CHECK(upf_conn_request(run->conn, &request) == UPF_OK &&
                  request.target.len == event->request.target.len,
              "the request at hand");
        return upf_defer(run->conn);
    case 14: return app_close(run, 1);
    default: return UPF_OK;
    }
}

static uint8_t turn(const struct run *run, unsigned number)
{
    return run->plan->script[number % SCRIPT_LEN];
}

void app_answer(struct run *run)
{
    upf_status status;

    switch (turn(run, run->events) >> 4 & 3) {
    case 0: status = upf_accept(run->conn, NULL, NULL, 0); break;
    case 1: status = answer_echoing(run, true); break;
    case 2: status = answer_echoing(run, false); break;
    default: status = app_close(run, 2); break;
    }
    if (status != UPF_OK)
        status = upf_refuse(run->conn, 503, NULL, 0, NULL, 0);
    CHECK(status == UPF_OK || status == UPF_ERR_STATE || run_failed(run), "%s",
          upf_status_name(status));
    if (status != UPF_OK)
        upf_conn_lost(run->conn);
    run->lost |= status != UPF_OK;
}

/* ---- The script --------------------------------------------------------- */

static upf_status reply(struct run *run, upf_event *event, unsigned what,
                        unsigned how)
{
    const bool     whole  = event->type == UPF_EVENT_MESSAGE;
    const bool     data   = whole || event->type == UPF_EVENT_CHUNK;
    const bool     gather = data && !whole && !run->manner.wild;
    static uint8_t nothing[1];
    const size_t   len    = gather ? run->message.len : event->len;
    uint8_t       *bytes  = len == 0 ? nothing
                          : gather   ? run->message.data : event->data;
    const upf_opcode opcode = data ? event->opcode : UPF_OP_BINARY;
    const size_t   cut    = len * how / 16;

    switch (what) {
    case 1: return send_whole(run, opcode, bytes, len);
    case 2:
        return whole ? send_in_place(run, opcode, bytes, len, false)
                     : send_whole(run, opcode, bytes, len);
    case 3: return send_in_place(run, opcode, bytes, len, true);
    case 4: return send_gathered(run, opcode, bytes, len, cut);
    case 5: {
        const upf_status status =
            send_part(run, opcode, bytes, cut, false);
        return status != UPF_OK ? status
                                : send_part(run, opcode, bytes + cut,
                                            len - cut, how % 2 == 0);
    }
    case 6: return send_shared(run, opcode, bytes, len);
    case 7: return send_control(run, how % 2 == 0, bytes, len);
    case 8: return app_close(run, how);
    case 9: {
        static const uint8_t big[66000];
        return send_whole(run, UPF_OP_BINARY, big, how * 4400);
    }
    default: return UPF_OK;
    }
}

static void act(struct run *run, upf_event *event, unsigned what, unsigned how)
{
    switch (what) {
    case 10: misuse(run, event); break;
    case 11: app_tick(run, how + 1); break;
    case 12: /* from here on it hears nothing */
        if (how > 7)
            break;
        upf_conn_eof(run->conn);
        run->ended = true;
        break;
    case 13:
        if (how > 3)
            break;
        upf_conn_lost(run->conn);
        run->lost = true;
        break;
    case 14:
        if (how > 3)
            break;
        upf_conn_free(run->conn);
        run->freed = true;
        break;
    default:
        bytes_add_number(&run->log, (uint64_t)reply(run, event, what, how));
        break;
    }
}

void app_act(struct run *run, upf_event *event)
{
    const bool piece = event->type == UPF_EVENT_CHUNK && !event->last;

    if (piece && !run->manner.wild)
        return; /* else events would be counted by how they were cut */
    const uint8_t what = turn(run, run->events++);
    if (event->type == UPF_EVENT_REQUEST && (what & 0x08) != 0 &&
        (what & 0x0F) != 15)
        bytes_add_number(&run->log,
                         (uint64_t)at_request(run, event, what & 0x0F));
    else
        act(run, event, what & 0x0F, what >> 4);
}
