/* SPDX-License-Identifier: MIT */
/* drive.c - feed a connection, write for it, lead it to its end. */

#include <string.h>

#include "check.h"
#include "watched_ext.h"
#include "random.h"
#include "run.h"
#include "watch.h"

enum { SLICES_MAX = 64 };

bool run_failed(const struct run *run)
{
    return run->memory.failed || run->randomness.failed;
}

void run_allow(struct run *run)
{
    run->memory.allowed =
        2 * run->received + 2 * run->sent + 96 * run->sends + 16384;
    if (run->plan->ext)
        run->memory.allowed = SIZE_MAX / 2; /* two bytes may become 255 */
}

/* Events do not show frames: this does, so their rules are checked here. */
static void note_trace(void *user, const upf_conn *conn, bool sent,
                       const upf_frame_header *header)
{
    struct run *run = user;

    (void)conn;
    if (sent) {
        run->trace_sent++;
        return;
    }
    CHECK(header->payload_len >> 63 == 0, "a length over 63 bits");
    CHECK(header->rsv == 0 || (header->rsv == UPF_RSV1 && run->plan->ext),
          "RSV %u", header->rsv);
    CHECK(header->masked != run->plan->is_client ||
              (!header->masked && run->config.allow_unmasked),
          "masked is %d", header->masked);
    if (header->opcode >= UPF_OP_CLOSE)
        return;
    if (header->opcode != UPF_OP_CONTINUATION)
        run->fragments = 0;
    run->fragments++;
    if (header->payload_len > run->largest_frame)
        run->largest_frame = header->payload_len;
}

/* ---- Writing ------------------------------------------------------------ */

/* What was offered and not written comes again, and first. */
static void check_offer(struct run *run, const upf_slice *slice, size_t count,
                        size_t written)
{
    struct bytes now = {0};

    for (size_t i = 0; i < count; i++)
        bytes_add(&now, slice[i].data, slice[i].len);
    const size_t both =
        now.len < run->offered.len ? now.len : run->offered.len;
    CHECK(both == 0 || memcmp(now.data, run->offered.data, both) == 0,
          "the next %zu bytes are others than were offered", both);
    run->offered.len = 0;
    if (now.len > written)
        bytes_add(&run->offered, now.data + written, now.len - written);
    bytes_free(&now);
}

void run_note_written(struct run *run, const upf_slice *slices, size_t count,
                      size_t written)
{
    size_t left = written;

    for (size_t i = 0; i < count && left > 0; i++) {
        const size_t n = slices[i].len < left ? slices[i].len : left;

        bytes_add(&run->output, slices[i].data, n);
        left -= n;
    }
    check_offer(run, slices, count, written);
}

void run_note_done(struct run *run, upf_status status)
{
    CHECK(status == UPF_OK || run_failed(run), "%s", upf_status_name(status));
    if (status != UPF_OK)
        run->lost = true; /* it may be: see upf_conn_output_done() */
    while (run->borrowed_count > 0)
        free(run->borrowed[--run->borrowed_count]);
}

void run_write(struct run *run, size_t most, size_t slices)
{
    upf_slice    slice[SLICES_MAX];
    const size_t queued = upf_conn_queued(run->conn);
    const size_t count  = upf_conn_output(run->conn, slice, slices);
    size_t       all = 0, written = 0;

    for (size_t i = 0; i < count; i++) {
        CHECK(slice[i].len > 0, "an empty slice");
        all += slice[i].len;
    }
    written = all < most ? all : most;
    CHECK(all <= queued && (count == slices || all == queued || run->lost),
          "%zu bytes in %zu slices, but %zu queued", all, count, queued);
    run_note_written(run, slice, count, written);
    run_note_done(run, upf_conn_output_done(
                           run->conn, written > 0 ? (ptrdiff_t)written : -1));
}

void run_write_all(struct run *run)
{
    for (int i = 0; i < 100 && upf_conn_queued(run->conn) > 0; i++)
        run_write(run, SIZE_MAX, SLICES_MAX);
}

static void write_some(struct run *run)
{
    const uint32_t how =
        chance(&run->dice, run->plan->dice < 0x80 ? 8 : 64);

    if (!run->manner.wild || how == 0)
        run_write_all(run);
    else if (how < 4)
        run_write(run, chance(&run->dice, 300), 1 + chance(&run->dice, 3));
}

/* ---- Listening ---------------------------------------------------------- */

void run_move(struct run *run)
{
    upf_conn *there = exact_copy(run->conn, sizeof *there);
    memset(run->conn, 0xDD, sizeof *run->conn);
    free(run->conn);
    run->conn = there;
}

void run_ask(const struct run *run)
{
    const upf_conn *conn   = run->conn;
    const size_t    queued = upf_conn_queued(conn);
    const unsigned  wants  = upf_conn_wants(conn);

    (void)upf_conn_deadline(conn);
    CHECK(!upf_conn_is_open(conn) || run->place == OPEN, "open, at %u",
          run->place);
    if (run->lost || run->freed || run->place == CLOSED)
        return;
    CHECK((queued > 0) == ((wants & UPF_WANTS_WRITE) != 0),
          "%zu queued, wants %u", queued, wants);
    CHECK(queued <= run->config.high_water || upf_conn_congested(conn),
          "%zu queued, not congested", queued);
    CHECK(queued > 0 || !upf_conn_congested(conn), "congested by nothing");
}

upf_status run_next(struct run *run, upf_input *input, upf_event *event)
{
    const upf_input  before = *input;
    const size_t     queued = upf_conn_queued(run->conn);

    if (run->manner.paths == PATHS_GENERAL)
        run->conn->glance = 0;
    const upf_status status = upf_conn_next(run->conn, input, event);

    run->last = status;
    CHECK(input->len <= before.len &&
              (uintptr_t)input->data + input->len ==
                  (uintptr_t)before.data + before.len,
          "the cursor is elsewhere");
    if (status == UPF_OK)
        run_event(run, event, queued);
    else
        CHECK(status == UPF_WANT_READ ? input->len == 0
                                      : input->len == before.len,
              "%s with %zu bytes left of %zu", upf_status_name(status),
              input->len, before.len);
    CHECK((status == UPF_DONE) == (run->place == CLOSED || run->freed) ||
              status == UPF_OK,
          "%s, at %u", upf_status_name(status), run->place);
    return status;
}

/* Take events out of the input, until there is no more or it is left. */
static upf_status listen(struct run *run, upf_input *input)
{
    const size_t most = 2 * input->len + 16;
    upf_status   status = UPF_OK;
    upf_event    event;

    for (size_t i = 0; status == UPF_OK && !run->freed; i++) {
        CHECK(i < most, "%zu events of %zu bytes", i, most);
        if (run->manner.wild && run->plan->move)
            run_move(run);
        status = run_next(run, input, &event);
        if (run->freed)
            break;
        run_ask(run);
        if (run->ended)
            input->len = 0;
        if (run->manner.wild && chance(&run->dice, 8) == 0)
            break;
        if (status == UPF_OK)
            write_some(run);
    }
    return status;
}

/* ---- Feeding ------------------------------------------------------------ */

static size_t piece_of(struct run *run, size_t left)
{
    const uint8_t cut = run->plan->cut;
    size_t        n   = left;

    if ((run->manner.cut || run->manner.wild) && cut > 0)
        n = cut < 128 ? cut : 1 + chance(&run->dice, cut - 127);
    return n < left ? n : left;
}

/* Where the next piece is read to; *own if that is memory of ours. */
static upf_input read_piece(struct run *run, const uint8_t *data, size_t left,
                            void **own)
{
    size_t   n    = piece_of(run, left), space = 0;
    uint8_t *room = NULL;

    if (run->manner.wild && run->plan->room)
        room = upf_conn_room(run->conn, &space);
    *own = NULL;
    if (room != NULL) {
        CHECK(space > 0, "no room");
        n = n < space ? n : space;
        memset(room, 0x11, space); /* all of it is there */
        memcpy(room, data, n);
    } else {
        *own = room = exact_copy(data, n);
    }
    return (upf_input){room, n};
}

static void feed(struct run *run, const uint8_t *data, size_t len)
{
    upf_status status = UPF_OK;
    size_t     at = 0;
    void      *own;

    while (at < len && !run->ended && !run->freed && status != UPF_DONE) {
        upf_input input = read_piece(run, data + at, len - at, &own);
        const size_t n  = input.len;

        if (run->received < at + n)
            run->received = at + n;
        run_allow(run);
        status = listen(run, &input);
        at += run->ended ? 0 : n - input.len;
        if (run->freed) {
            free(own);
            return;
        }
        write_some(run);
        run_write(run, 0, 1); /* the input's memory is ours again */
        if (own != NULL)
            memset(own, 0x77, n);
        free(own);
        if (status == UPF_WANT_ANSWER &&
            (!run->manner.wild || chance(&run->dice, 4) > 0))
            app_answer(run);
    }
}

/* ---- The end ------------------------------------------------------------ */

void run_wait(struct run *run)
{
    const uint64_t deadline = upf_conn_deadline(run->conn);

    if (deadline != UINT64_MAX) /* else what comes next waits for nobody */
        app_tick(run, deadline > run->now ? deadline - run->now : 1);
}

/* The stream has no more: CLOSE must come. */
static void finish(struct run *run)
{
    uint8_t   byte = 0;
    upf_input none = {&byte, 0};

    for (int i = 0; run->place != CLOSED && !run->freed; i++) {
        CHECK(i < 60, "no CLOSE, ending %d", run->plan->ending);
        const upf_status status = listen(run, &none);
        if (run->freed || run->place == CLOSED)
            break;
        write_some(run);
        if (status == UPF_WANT_ANSWER && (i > 1 || !run->manner.wild)) {
            app_answer(run);
        } else if (run->plan->ending == END_EOF || run->ended) {
            upf_conn_eof(run->conn);
        } else if (run->plan->ending == END_LOST) {
            upf_conn_lost(run->conn);
            run->lost = true;
        } else if (status != UPF_WANT_ANSWER) {
            if (run->plan->ending == END_CLOSE &&
                upf_close(run->conn, 0, NULL) == UPF_OK && run->place == OPEN)
                run->close_code = 0;
            run_wait(run);
        }
    }
}

/* CLOSE was delivered: nothing more comes; the transport is led to its end. */
static void close_transport(struct run *run)
{
    uint8_t    bytes[8] = {0x81, 0x80};
    upf_input  input = {bytes, sizeof bytes};
    upf_event  event;
    unsigned   wants;

    for (int i = 0; i < 3; i++)
        CHECK(upf_conn_next(run->conn, &input, &event) == UPF_DONE &&
                  input.len == sizeof bytes,
              "more after CLOSE");
    CHECK(upf_send(run->conn, UPF_OP_TEXT, "x", 1) == UPF_ERR_STATE &&
              upf_ping(run->conn, NULL, 0) == UPF_ERR_STATE &&
              upf_close(run->conn, 1000, NULL) == UPF_ERR_STATE,
          "sent after CLOSE");
    for (int i = 0; (wants = upf_conn_wants(run->conn)) != UPF_WANTS_CLOSE;
         i++) {
        CHECK(i < 10, "wants %u", wants);
        CHECK(wants != 0, "wants nothing");
        if (wants & UPF_WANTS_WRITE)
            run_write_all(run);
        else if (run->plan->ending == END_EOF)
            upf_conn_eof(run->conn);
        else if (upf_conn_deadline(run->conn) != UINT64_MAX)
            run_wait(run);
        else
            CHECK(false, "wants %u, for ever", wants);
    }
}

static void check_freed(struct run *run)
{
    upf_input  input = {NULL, 0};
    upf_event  event;
    upf_slice  slice;
    upf_conn  *conn = run->conn;

    CHECK(run->memory.live == 0 && run->memory.blocks == 0,
          "%zu bytes in %zu blocks are kept", run->memory.live,
          run->memory.blocks);
    CHECK(upf_conn_next(conn, &input, &event) == UPF_DONE, "next");
    CHECK(upf_send(conn, UPF_OP_TEXT, "x", 1) == UPF_ERR_STATE, "send");
    CHECK(upf_send_part(conn, UPF_OP_TEXT, "x", 1, true) == UPF_ERR_STATE,
          "part");
    CHECK(upf_pong(conn, "x", 1) == UPF_ERR_STATE, "pong");
    CHECK(upf_close(conn, 1000, NULL) == UPF_ERR_STATE, "close");
    CHECK(upf_accept(conn, NULL, NULL, 0) == UPF_ERR_STATE, "accept");
    CHECK(upf_conn_output(conn, &slice, 1) == 0, "output");
    CHECK(upf_conn_output_done(conn, 0) == UPF_OK, "output_done");
    CHECK(upf_conn_queued(conn) == 0 && !upf_conn_is_open(conn), "queued");
    CHECK(upf_conn_deadline(conn) == UINT64_MAX, "deadline");
    CHECK(upf_conn_wants(conn) == UPF_WANTS_CLOSE, "wants");
    upf_conn_tick(conn, run->now);
    upf_conn_eof(conn);
    upf_conn_lost(conn);
    upf_conn_free(conn);
}

/* ---- A run -------------------------------------------------------------- */

static upf_status begin(struct run *run)
{
    static const upf_header         header  = {"X-Fuzz", "1"};
    static const upf_client_request request = {.url = "ws://h.example/p?q",
                                               .origin = "http://a.example",
                                               .headers = &header,
                                               .header_count = 1};

    if (!run->plan->handshake)
        return upf_conn_init_open(run->conn, &run->config,
                                  run->plan->is_client, "chat");
    if (run->plan->is_client)
        return upf_conn_init_client(run->conn, &run->config, &request);
    return upf_conn_init_server(run->conn, &run->config);
}

static void prepare(struct run *run, const struct plan *plan,
                    struct manner manner)
{
    *run = (struct run){.plan       = plan,
                        .manner     = manner,
                        .config     = plan->config,
                        .dice       = plan->dice,
                        .close_code = -1,
                        .now        = 1};
    if (manner.wild) {
        run->memory.fail_at       = plan->fail_alloc & 0x7F;
        run->memory.fail_for_ever = plan->fail_alloc > 0x7F;
        run->randomness.fail_at   = plan->fail_random;
    }
    run->config.stream     ^= manner.other_stream;
    run->config.alloc       = memory_alloc;
    run->config.alloc_user  = &run->memory;
    run->config.random      = randomness_fill;
    run->config.random_user = &run->randomness;
    run->config.trace       = manner.paths == PATHS_FAST ? NULL : note_trace;
    run->config.trace_user  = run;
    run->config.ext         = plan->ext ? &watched_ext : NULL;
    if (plan->real_random)
        run->config.random = upf_random;
    ext_reset();
    run_allow(run);
    run->conn = exact_copy(&(upf_conn){0}, sizeof(upf_conn));
    memset(run->conn, 0xEE, sizeof *run->conn);
}

upf_status run_begin(struct run *run, const struct plan *plan,
                     struct manner manner)
{
    prepare(run, plan, manner);
    const upf_status status = begin(run);
    if (status != UPF_OK) {
        CHECK(run_failed(run), "%s", upf_status_name(status));
        run->lost = true;
    }
    return status;
}

void run_end(struct run *run, upf_status begun)
{
    if (begun == UPF_OK)
        finish(run);
    if (run->place == CLOSED && !run->freed)
        close_transport(run);
    if (!run->freed && !run->lost)
        run_write_all(run);
    const bool complete = !run->freed && !run->lost &&
                          upf_conn_queued(run->conn) == 0;
    upf_conn_free(run->conn);
    check_freed(run);
    wire_check(run, complete);
}

void run_plan(struct run *run, const struct plan *plan, struct manner manner,
              const uint8_t *stream, size_t len)
{
    const upf_status status = run_begin(run, plan, manner);

    if (status == UPF_OK) {
        write_some(run);
        feed(run, stream, len);
    }
    run_end(run, status);
}

void run_free(struct run *run)
{
    while (run->borrowed_count > 0)
        free(run->borrowed[--run->borrowed_count]);
    free(run->conn);
    bytes_free(&run->message);
    bytes_free(&run->log);
    bytes_free(&run->frames);
    bytes_free(&run->pongs);
    bytes_free(&run->output);
    bytes_free(&run->offered);
}

void run_all(const struct plan *plan, const uint8_t *stream, size_t len)
{
    static const struct {
        struct manner manner;
        const char   *events, *output;
    } others[] = {
        {{.cut = true}, "events, cut", "output, cut"},
        {{.cut = true, .other_stream = true}, "events, streamed",
         "output, streamed"},
        {{.paths = PATHS_TRACED}, "events, traced", "output, traced"},
        {{.paths = PATHS_FAST}, "events, fast", "output, fast"},
    };
    struct run whole, other;

    run_plan(&whole, plan, (struct manner){0}, stream, len);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        run_plan(&other, plan, others[i].manner, stream, len);
        bytes_must_equal(&whole.log, &other.log, others[i].events);
        bytes_must_equal(&whole.output, &other.output, others[i].output);
        run_free(&other);
    }
    run_free(&whole);
    for (enum paths paths = PATHS_GENERAL; paths <= PATHS_FAST; paths++) {
        run_plan(&other, plan, (struct manner){.wild = true, .paths = paths},
                 stream, len);
        run_free(&other);
    }
}
