/* SPDX-License-Identifier: MIT */
/* send.c - sending, with a record of what must leave for it. */

#include <string.h>

#include "check.h"
#include "conn_impl.h"
#include "watched_ext.h"
#include "run.h"
#include "support/blob.h"
#include "support/testext.h"
#include "watch.h"

/* What one send hands in, and what it was before. */
struct sending {
    unsigned         first; /* byte of the frame */
    const upf_slice *slices;
    size_t           count;
    size_t           before; /* bytes queued */
    bool             raw;    /* no extension encodes it */
};

/* ---- The record --------------------------------------------------------- */

static size_t frame_len(const struct run *run, size_t len)
{
    return (len < 126 ? 2u : len < 65536 ? 4u : 10u) +
           (run->plan->is_client ? 4u : 0u) + len;
}

/* Whether the extension encodes it: as its first piece says. */
static bool is_encoded(const struct run *run, const struct sending *s)
{
    if (s->raw || run->conn->ext == NULL || (s->first & 0x0F) >= UPF_OP_CLOSE)
        return false;
    if ((s->first & 0x0F) == UPF_OP_CONTINUATION)
        return run->part_encoded;
    return s->slices[0].len == 0 || *(const uint8_t *)s->slices[0].data != '!';
}

/* The payload that must leave. */
static void payload_of(const struct run *run, const struct sending *s,
                       struct blob *out)
{
    const bool encoded = is_encoded(run, s);

    for (size_t i = 0; i < s->count; i++)
        if (s->slices[i].len > 0)
            (encoded ? test_ext_encode : blob_add)(out, s->slices[i].data,
                                                   s->slices[i].len);
}

static void note_taken(struct run *run, const struct sending *s,
                       const struct blob *payload)
{
    const bool     encoded = is_encoded(run, s);
    const bool     begins  = (s->first & 0x0F) != UPF_OP_CONTINUATION;
    const uint8_t  byte  = (uint8_t)(s->first | (encoded && begins ? 0x40 : 0));
    const uint64_t len64 = payload->len;

    if (encoded && begins)
        CHECK(++run->encoded == ext_encoded || !ENFORCE_ENCODER_IN_STEP,
              "message %zu leaves, but %zu were encoded", run->encoded,
              ext_encoded);
    if ((s->first & 0x0F) < UPF_OP_CLOSE)
        run->part_encoded = encoded;
    if ((s->first & 0x0F) == UPF_OP_PONG) {
        const uint8_t entry[2] = {1, (uint8_t)payload->len};
        bytes_add(&run->pongs, entry, sizeof entry);
        bytes_add(&run->pongs, payload->data, payload->len);
        return;
    }
    bytes_add(&run->frames, &byte, 1);
    bytes_add(&run->frames, &len64, sizeof len64);
    bytes_add(&run->frames, payload->data, payload->len);
}

/* The limit is exact, and the first to be looked at after the text. What an
 * extension will make of a message need not be known before. */
static void judge_queue(const struct run *run, upf_status status,
                        size_t before, size_t len, bool encoded)
{
    const size_t max  = run->config.max_queued;
    const bool   fits = before <= max && frame_len(run, len) <= max - before;

    CHECK(status != UPF_ERR_QUEUE_FULL || !fits || encoded,
          "refused, %zu queued", before);
    CHECK(status != UPF_OK || fits || (encoded && !ENFORCE_ENCODED_LIMIT),
          "taken, %zu queued", before);
}

/* What a send must have done, by what it returned. */
static void note_send(struct run *run, upf_status status,
                      const struct sending *s)
{
    const size_t queued  = upf_conn_queued(run->conn);
    struct blob  payload = {0};

    payload_of(run, s, &payload);
    if (status != UPF_OK)
        CHECK(queued == s->before, "%s, but %zu queued instead of %zu",
              upf_status_name(status), queued, s->before);
    else
        CHECK(queued - s->before == frame_len(run, payload.len),
              "%zu queued for %zu", queued - s->before, payload.len);
    CHECK(status == UPF_OK || status == UPF_ERR_STATE ||
              status == UPF_ERR_UTF8 || status == UPF_ERR_QUEUE_FULL ||
              run_failed(run),
          "%s", upf_status_name(status));
    if ((s->first & 0x0F) < UPF_OP_CLOSE)
        judge_queue(run, status, s->before, payload.len, is_encoded(run, s));
    if (status == UPF_OK)
        note_taken(run, s, &payload);
    blob_free(&payload);
}

size_t app_begin_send(struct run *run, size_t len)
{
    run->sent += len;
    run->sends++;
    run_allow(run);
    return upf_conn_queued(run->conn);
}

/* A whole message: what its content and the state make of it. */
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

static void note_whole(struct run *run, upf_status status, upf_opcode opcode,
                       const uint8_t *data, size_t len, size_t before,
                       bool raw)
{
    const upf_slice      slice = {(void *)(uintptr_t)data, len};
    const struct sending s     = {.first = 0x80u | opcode, .slices = &slice,
                                  .count = 1, .before = before, .raw = raw};

    judge(run, status, opcode, data, len);
    note_send(run, status, &s);
}

/* ---- Messages ----------------------------------------------------------- */

upf_status app_send(struct run *run, upf_opcode opcode, const uint8_t *data,
                    size_t len)
{
    const size_t     before = app_begin_send(run, len);
    const upf_status status = upf_send(run->conn, opcode, data, len);

    note_whole(run, status, opcode, data, len, before, false);
    return status;
}

upf_status app_send_gathered(struct run *run, upf_opcode opcode, uint8_t *data,
                             size_t len, size_t cut)
{
    const upf_slice slices[3] = {{data, cut}, {NULL, 0},
                                 {data + cut, len - cut}};
    struct sending  s = {.first = 0x80u | opcode, .slices = slices, .count = 3};

    s.before = app_begin_send(run, len);
    const upf_status status = upf_sendv(run->conn, opcode, slices, 3);
    judge(run, status, opcode, data, len);
    note_send(run, status, &s);
    return status;
}

upf_status app_send_in_place(struct run *run, upf_opcode opcode, uint8_t *data,
                             size_t len, bool own)
{
    uint8_t     *copy  = exact_copy(data, len);
    const size_t front = own ? UPF_FRAME_HEADER_MAX : 0;

    if (own || len == 0) { /* of nothing, without room in front of it */
        if (run->borrowed_count == BORROWED_MAX)
            run_write(run, 0, 1);
        uint8_t *memory = malloc(front + len + 1);
        CHECK(memory != NULL, "no memory for %zu", len);
        data = memory + front;
        if (len > 0)
            memcpy(data, copy, len);
        run->borrowed[run->borrowed_count++] = memory;
    }
    const size_t     before = app_begin_send(run, len);
    const upf_status status = upf_send_in_place(run->conn, opcode, data, len);
    CHECK(status == UPF_OK || len == 0 || memcmp(data, copy, len) == 0,
          "refused, but the message is changed");
    note_whole(run, status, opcode, copy, len, before, false);
    free(copy);
    return status;
}

upf_status app_send_part(struct run *run, upf_opcode opcode,
                         const uint8_t *data, size_t len, bool fin)
{
    const bool      begun = run->part_begun;
    const upf_slice slice = {(void *)(uintptr_t)data, len};
    struct sending  s     = {.slices = &slice, .count = 1};

    s.first  = (fin ? 0x80u : 0) | (begun ? 0u : opcode);
    s.before = app_begin_send(run, len);
    const upf_status status = upf_send_part(run->conn, opcode, data, len, fin);
    CHECK(status != UPF_OK || upf_conn_is_open(run->conn), "not open");
    note_send(run, status, &s);
    if (status == UPF_OK)
        run->part_begun = !fin;
    return status;
}

upf_status app_send_shared(struct run *run, upf_opcode opcode,
                           const uint8_t *data, size_t len)
{
    upf_status status = UPF_ERR_NO_MEMORY;

    app_begin_send(run, len);
    upf_shared *shared = upf_shared_new(&run->config, opcode, data, len);
    for (int i = 0; i < 2 && shared != NULL; i++) {
        const size_t before = app_begin_send(run, len);
        status = upf_send_shared(run->conn, shared);
        if (run->plan->is_client)
            CHECK(status == UPF_ERR_STATE, "%s", upf_status_name(status));
        else
            note_whole(run, status, opcode, data, len, before, true);
    }
    upf_shared_free(shared);
    return status;
}

upf_status app_send_control(struct run *run, bool ping, uint8_t *data,
                            size_t len)
{
    static const uint8_t fill[UPF_CONTROL_PAYLOAD_MAX] = {1};
    const unsigned opcode = ping ? UPF_OP_PING : UPF_OP_PONG;

    if (len == 0 || len > UPF_CONTROL_PAYLOAD_MAX) { /* empty: a keepalive's */
        data = (uint8_t *)(uintptr_t)fill;
        len  = sizeof fill;
    }
    const upf_slice slice = {data, len};
    struct sending  s     = {.first = 0x80u | opcode, .slices = &slice,
                             .count = 1};
    s.before = app_begin_send(run, len);
    const upf_status status = ping ? upf_ping(run->conn, data, len)
                                   : upf_pong(run->conn, data, len);
    CHECK(status != UPF_ERR_QUEUE_FULL || s.before > 0, "no room in nothing");
    note_send(run, status, &s);
    return status;
}

/* ---- Ending ------------------------------------------------------------- */

upf_status app_close(struct run *run, unsigned how)
{
    static const struct {
        int         code;
        const char *reason;
        bool        valid;
    } rows[8] = {{0, NULL, true},      {1000, "bye", true},
                 {1001, NULL, true},   {4999, "\xC3\xA9", true},
                 {1005, NULL, false},  {999, NULL, false},
                 {1000, "\xFF", false}, {0, "no code", false}};
    const size_t before = app_begin_send(run, 125);
    const upf_status status =
        upf_close(run->conn, rows[how % 8].code, rows[how % 8].reason);

    CHECK(rows[how % 8].valid == (status != UPF_ERR_ARGUMENT), "%s",
          upf_status_name(status));
    CHECK(status == UPF_OK || upf_conn_queued(run->conn) == before,
          "refused, but queued");
    if (status == UPF_OK && upf_conn_queued(run->conn) > before &&
        (run->place == OPEN || !run->plan->handshake || run->accepted))
        run->close_code = rows[how % 8].code;
    return status;
}

void app_tick(struct run *run, uint64_t later)
{
    const size_t before   = upf_conn_queued(run->conn);
    const bool   we_pause = upf_has(run->conn, UPF_PAUSED | UPF_HELD);
    const bool   failed   = run->conn->status != UPF_OK;

    run->now += later;
    run->ticked = true;
    upf_conn_tick(run->conn, run->now);
    CHECK(failed || !we_pause || run->conn->status != UPF_ERR_PONG_TIMEOUT,
          "no pong, but it is we who do not read");
    if (before > 0 && (upf_conn_queued(run->conn) == 0 ||
                       upf_conn_wants(run->conn) == UPF_WANTS_CLOSE))
        run->lost = true; /* the peer had its time: it was dropped */
}

void app_misuse(struct run *run, upf_event *event)
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
