/* SPDX-License-Identifier: MIT */
/* app.c - the application: what the script says, at each event. */

#include <string.h>

#include "check.h"
#include "run.h"

/* ---- The request -------------------------------------------------------- */

enum { ECHOED_MAX = 8, ECHOED_LEN = 100 };

/* Header values of the request, with '|' and '~' as CR and LF: injected. */
static size_t echo_headers(const upf_request *request, upf_header *headers,
                           char text[ECHOED_MAX][2][ECHOED_LEN])
{
    upf_str rest = request->headers, part[2];
    size_t  count = 0;

    while (count < ECHOED_MAX && upf_header_next(&rest, &part[0], &part[1])) {
        if (upf_str_equals_nocase(part[0], "host") || part[0].data[0] == 'S')
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

/* From here on, the time of the handshake is over. */
static upf_status note_accept(struct run *run, upf_status status)
{
    run->accepted |= status == UPF_OK;
    return status;
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
    const size_t before = app_begin_send(run, 4096);
    const upf_status status =
        accept ? note_accept(run, upf_accept(run->conn, NULL, headers, count))
               : upf_refuse(run->conn, 403, headers, count, "no\r\n\r\n", 6);
    CHECK(status == UPF_OK || upf_conn_queued(run->conn) == before, "queued");
    CHECK(status == UPF_OK || status == UPF_ERR_ARGUMENT ||
              status == UPF_ERR_STATE || run_failed(run),
          "%s", upf_status_name(status));
    return status;
}

upf_status app_at_request(struct run *run, upf_event *event, unsigned what)
{
    upf_request request;

    switch (what) {
    case 8:
        return note_accept(
            run, upf_accept(run->conn,
                            upf_request_offers(&event->request, "chat")
                                ? "chat" : NULL,
                            NULL, 0));
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
    upf_request request;
    upf_status  status;
    const bool  is_here = upf_conn_request(run->conn, &request) == UPF_OK;

    switch (turn(run, run->events) >> 4 & 3) {
    case 0:
        status = note_accept(run, upf_accept(run->conn, NULL, NULL, 0));
        break;
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
    if (is_here)
        run_touch_request(&request);
    run->lost |= status != UPF_OK;
}

/* ---- The script --------------------------------------------------------- */

enum { MUCH = 32 << 20 }; /* the record of what was said is kept */

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
    case 1: return app_send(run, opcode, bytes, len);
    case 2:
        return whole ? app_send_in_place(run, opcode, bytes, len, false)
                     : app_send(run, opcode, bytes, len);
    case 3: return app_send_in_place(run, opcode, bytes, len, true);
    case 4: return app_send_gathered(run, opcode, bytes, len, cut);
    case 5: {
        const upf_status status =
            app_send_part(run, opcode, bytes, cut, false);
        return status != UPF_OK ? status
                                : app_send_part(run, opcode, bytes + cut,
                                            len - cut, how % 2 == 0);
    }
    case 6: return app_send_shared(run, opcode, bytes, len);
    case 7: return app_send_control(run, how % 2 == 0, bytes, len);
    case 8: return app_close(run, how);
    case 9: {
        static const uint8_t big[66000];
        return app_send(run, UPF_OP_BINARY, big,
                        run->frames.len < MUCH ? how * 4400 : how);
    }
    default: return UPF_OK;
    }
}

static void act(struct run *run, upf_event *event, unsigned what, unsigned how)
{
    switch (what) {
    case 10: app_misuse(run, event); break;
    case 11: app_tick(run, 1000 * (how + 1u)); break;
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
                         (uint64_t)app_at_request(run, event, what & 0x0F));
    else
        act(run, event, what & 0x0F, what >> 4);
}
