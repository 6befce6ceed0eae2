/* SPDX-License-Identifier: MIT */
/*
 * fuzz_pump.c - the pump over a transport that does what a script says.
 *
 *   0-15   a plan: see run.h
 *   16     client 1, extension 2, traced 4, blocking transport 8
 *   17     the set of kernels
 *   18     the caller's buffer: its size, or 0 for the pump's own
 *   19     how many bytes of the script come next: what the transport and the
 *          application do, in turns; nothing special when they are used up
 *   then   what the peer says: peer.c
 */

#include <string.h>

#include "check.h"
#include "peer.h"
#include "pump.h"

enum { HEAD_LEN = 20, TURNS_MAX = 3000, SAID_MAX = 1000000 };

enum { POISON = 0x7E }; /* no event's type */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* ---- One call ----------------------------------------------------------- */

/* What has left, or never will, is the application's again. */
static void note_call(struct pump *pump)
{
    struct run *run = &pump->run;

    run->lost |= pump->broken || (upf_conn_wants(run->conn) == UPF_WANTS_CLOSE &&
                                  (run->place != CLOSED || run_failed(run)));
    while ((pump->wrote || run->lost) && run->borrowed_count > 0)
        free(run->borrowed[--run->borrowed_count]);
    pump->wrote = false;
    pump->calls = 0;
}

/* The result says what upf_io_wants() says. */
static void check_wants(const struct pump *pump, upf_status status)
{
    const unsigned wants = upf_io_wants(pump->io, pump->run.conn);

    CHECK(status != UPF_WANT_READ || (wants & UPF_WANTS_READ),
          "WANT_READ, wants %u", wants);
    CHECK(status != UPF_WANT_WRITE || (wants & UPF_WANTS_WRITE),
          "WANT_WRITE, wants %u", wants);
    CHECK((status != UPF_WANT_READ && status != UPF_WANT_WRITE) ||
              !(wants & UPF_WANTS_CLOSE),
          "%s, but is to be closed", upf_status_name(status));
    CHECK(!pump->blocking ||
              (status != UPF_WANT_READ && status != UPF_WANT_WRITE),
          "%s of a blocking transport", upf_status_name(status));
}

static upf_status pump_next(struct pump *pump)
{
    struct run  *run    = &pump->run;
    const size_t queued = upf_conn_queued(run->conn);
    upf_event    event;

    memset(&event, 0xEE, sizeof event);
    event.type = (upf_event_type)POISON;
    const upf_status status = upf_io_next(pump->io, run->conn, &event);
    note_call(pump);
    CHECK((status == UPF_OK) == (event.type != (upf_event_type)POISON),
          "%s with event %d", upf_status_name(status), event.type);
    CHECK(status == UPF_OK || status == UPF_WANT_READ ||
              status == UPF_WANT_WRITE || status == UPF_DONE ||
              (status == UPF_WANT_ANSWER && run->place == REQUESTED),
          "%s at %u", upf_status_name(status), run->place);
    CHECK(status != UPF_DONE || run->place == CLOSED || run->freed,
          "DONE at %u", run->place);
    if (status == UPF_OK)
        run_event(run, &event, queued);
    run->lost |= pump->broken;
    check_wants(pump, status);
    return status;
}

static void pump_flush(struct pump *pump)
{
    const upf_conn  *conn   = pump->run.conn;
    const upf_status status = upf_io_flush(pump->io, pump->run.conn);

    note_call(pump);
    CHECK(status != UPF_OK || upf_conn_queued(conn) == 0, "OK with %zu queued",
          upf_conn_queued(conn));
    CHECK(status == UPF_OK || status == UPF_WANT_READ ||
              status == UPF_WANT_WRITE || status == UPF_ERR_IO ||
              run_failed(&pump->run),
          "%s", upf_status_name(status));
    CHECK(status != UPF_ERR_IO || pump->broken || run_failed(&pump->run),
          "ERR_IO of a transport that is sound");
    if (status > 0)
        check_wants(pump, status);
}

/* ---- Between two calls -------------------------------------------------- */

static void act_outside(struct pump *pump, upf_status status)
{
    struct run   *run  = &pump->run;
    const uint8_t byte = script_byte(&pump->script);
    struct bytes  data = {0};

    switch (byte & 0x0F) {
    case 1: pump_flush(pump); break;
    case 2: app_tick(run, (byte >> 4) * 1000u); break;
    case 3: run_wait(run); break;
    case 4: run_move(run); break;
    case 5:
    case 6:
        data = script_payload(&pump->script);
        app_send(run, byte & 0x10 ? UPF_OP_TEXT : UPF_OP_BINARY, data.data,
                 data.len);
        break;
    case 7:
        data = script_payload(&pump->script);
        app_send_shared(run, UPF_OP_BINARY, data.data, data.len);
        break;
    case 8:
        data = script_payload(&pump->script);
        app_send_control(run, (byte & 0x10) != 0, data.data, data.len);
        break;
    case 9: app_close(run, byte >> 4); break;
    case 10:
        if (byte >> 4 != 1)
            break;
        upf_conn_free(run->conn);
        run->freed = true;
        break;
    default: break;
    }
    bytes_free(&data);
    if (status == UPF_WANT_ANSWER && !run->freed) {
        uint8_t none;
        /* What follows the request is the connection's later: take nothing. */
        if (pump->io->input.len > 0)
            CHECK(upf_io_read(pump->io, &none, 0) == 0, "a body");
        app_answer(run);
    }
}

/* The stream has no more: time must bring the end. */
static void bring_the_end(struct pump *pump, upf_status status)
{
    if (status == UPF_WANT_ANSWER)
        return;
    if (pump->ended && pump->script.at >= pump->script.len)
        run_wait(&pump->run);
}

/* ---- A run -------------------------------------------------------------- */

static void prepare(struct pump *pump, const uint8_t *head)
{
    pump->io = malloc(sizeof *pump->io);
    CHECK(pump->io != NULL, "no memory");
    *pump->io = upf_io_callbacks(transport_read, transport_write, pump);
    if (head[18] > 0) {
        const size_t size = head[18] < 0xF0 ? head[18] : 16384;
        pump->buffer = malloc(size);
        CHECK(pump->buffer != NULL, "no memory");
        upf_io_use_buffer(pump->io, pump->buffer, size);
    }
    pump->blocking = (head[16] & 8) != 0;
}

/* After CLOSE, and after the end of the connection: UPF_DONE for ever, though
 * the transport has more. */
static void check_done(struct pump *pump)
{
    for (int i = 0; i < 3; i++)
        CHECK(pump_next(pump) == UPF_DONE, "more behind DONE");
    run_end(&pump->run, UPF_ERR_STATE);
    CHECK(pump_next(pump) == UPF_DONE, "more behind upf_conn_free()");
    CHECK(upf_io_flush(pump->io, pump->run.conn) == UPF_OK, "flush");
    CHECK(upf_io_wants(pump->io, pump->run.conn) == UPF_WANTS_CLOSE, "wants");
}

static void carry_out(struct pump *pump)
{
    struct run *run    = &pump->run;
    upf_status  status = UPF_OK;

    for (size_t i = 0; status != UPF_DONE; i++) {
        /* A chunk may be as short as a read. */
        CHECK(i < TURNS_MAX + 2 * pump->said.len, "no end, %s", upf_status_name(status));
        status = pump_next(pump);
        if (status == UPF_DONE || run->freed)
            continue;
        run_ask(run);
        if (status != UPF_OK)
            bring_the_end(pump, status);
        act_outside(pump, status);
    }
    check_done(pump);
}

static void release(struct pump *pump)
{
    run_free(&pump->run);
    bytes_free(&pump->said);
    free(pump->buffer);
    free(pump->io);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct pump pump = {0};
    struct plan plan;

    if (len < HEAD_LEN || len - HEAD_LEN < data[19])
        return 0;
    const struct manner manner = {
        .wild  = true,
        .paths = (data[16] & 4) == 0 ? PATHS_FAST : PATHS_TRACED
    };
    struct script stream = {data + HEAD_LEN + data[19],
                            len - HEAD_LEN - data[19], 0};
    plan_read(&plan, data, (data[16] & 1) != 0);
    plan.ext = (data[16] & 2) != 0;
    while (stream.at < stream.len && pump.said.len < SAID_MAX)
        peer_say(&stream, !plan.is_client, &pump.said);

    plan_kernels(data[17]);
    pump.script = (struct script){data + HEAD_LEN, data[19], 0};
    prepare(&pump, data);
    if (run_begin(&pump.run, &plan, manner) == UPF_OK)
        carry_out(&pump);
    else
        run_end(&pump.run, UPF_ERR_STATE);
    release(&pump);
    return 0;
}
