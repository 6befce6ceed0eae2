/* SPDX-License-Identifier: MIT */
/* send.c - a sent frame's cost: in place, copied, masked, shared, echoed. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <upframe/conn.h>
#include "bench.h"
#include "kernels.h"
#include "stream.h"

enum {
    KIB       = 1024,
    MIB       = 1024 * 1024,
    BATCH     = 16,   /* messages between two writes */
    SLICES    = 64,
    RECEIVERS = 1000, /* of a shared message */
    SHARED    = 100   /* its bytes */
};

/* All output is "written": returns its bytes. */
static size_t drain(upf_conn *conn)
{
    upf_slice slices[SLICES];
    size_t    total = 0;
    size_t    n;

    while ((n = upf_conn_output(conn, slices, SLICES)) > 0) {
        size_t written = 0;

        for (size_t i = 0; i < n; i++)
            written += slices[i].len;
        total += written;
        if (upf_conn_output_done(conn, (ptrdiff_t)written) != UPF_OK)
            bench_die("upf_conn_output_done failed");
    }
    return total;
}

static void open_conn(upf_conn *conn, bool is_client)
{
    uint8_t   none[1];
    upf_input in = {none, 0};
    upf_event event;

    if (upf_conn_init_open(conn, NULL, is_client, NULL) != UPF_OK)
        bench_die("upf_conn_init_open failed");
    if (upf_conn_next(conn, &in, &event) != UPF_OK ||
        event.type != UPF_EVENT_OPEN)
        bench_die("no OPEN event");
}

/* ---- One connection sends batches --------------------------------------- */

struct sender {
    upf_conn conn;
    bool     in_place;
    size_t   kernel;
    size_t   payload;
    size_t   batch;
    size_t   frame_len;
    uint8_t *source; /* each payload behind room for a header */
    size_t   stride;
    uint8_t *copy; /* where the floor copies to */
};

static double run_floor(void *state, uint64_t passes)
{
    struct sender *s     = state;
    const double   start = bench_now();

    for (uint64_t p = 0; p < passes; p++) {
        for (size_t i = 0; i < s->batch; i++)
            memcpy(s->copy + i * s->payload,
                   s->source + i * s->stride + UPF_FRAME_HEADER_MAX,
                   s->payload);
        BENCH_CLOBBER();
    }
    return bench_now() - start;
}

static double run_sender(void *state, uint64_t passes)
{
    struct sender *s     = state;
    uint64_t       total = 0;

    kernel_use(s->kernel);
    const double start = bench_now();
    for (uint64_t p = 0; p < passes; p++) {
        upf_status status = UPF_OK;

        for (size_t i = 0; i < s->batch; i++) {
            uint8_t *data = s->source + i * s->stride + UPF_FRAME_HEADER_MAX;

            status = s->in_place ? upf_send_in_place(&s->conn, UPF_OP_BINARY,
                                                     data, s->payload)
                                 : upf_send(&s->conn, UPF_OP_BINARY, data,
                                            s->payload);
            if (status != UPF_OK)
                bench_die("send: %s", upf_status_name(status));
        }
        total += drain(&s->conn);
    }
    const double took = bench_now() - start;
    kernel_use(0);
    if (total != passes * s->batch * s->frame_len)
        bench_die("%llu bytes were sent, not %llu", (unsigned long long)total,
                  (unsigned long long)(passes * s->batch * s->frame_len));
    return took;
}

enum form { IN_PLACE, COPY, CLIENT };

static struct sender sender_new(enum form form, size_t payload)
{
    const size_t  fit    = payload ? MIB / payload : BATCH;
    struct sender s      = {.in_place = form == IN_PLACE, .payload = payload};
    uint32_t      seed   = 1;
    uint8_t       head[UPF_FRAME_HEADER_MAX];
    const upf_frame_header header = {.opcode = UPF_OP_BINARY, .fin = true,
                                     .masked = form == CLIENT,
                                     .payload_len = payload};

    s.batch     = form == IN_PLACE || fit >= BATCH ? BATCH : fit;
    s.frame_len = upf_frame_header_write(&header, head) + payload;
    s.stride    = (UPF_FRAME_HEADER_MAX + payload + 63) / 64 * 64;
    s.source    = bench_alloc(s.batch * s.stride);
    s.copy      = bench_alloc(s.batch * payload);
    stream_fill(s.source, s.batch * s.stride, STREAM_BINARY, &seed);
    open_conn(&s.conn, form == CLIENT);
    return s;
}

static void sender_free(struct sender *s)
{
    upf_conn_free(&s->conn);
    free(s->source);
    free(s->copy);
}

static void add_targets(struct bench_row *row, enum form form, size_t payload)
{
    if (form == IN_PLACE)
        bench_target(row, NULL, NULL, 3.0);
    if (form == CLIENT && (payload == 16 || payload == 125))
        bench_target(row, NULL, NULL, 8.0);
    if (form == CLIENT && payload == KIB)
        bench_target(row, NULL, "floor", 1.5);
    if (form == CLIENT && payload == MIB)
        bench_target(row, NULL, "floor", 1.25);
}

static void add_sender(struct bench *bench, enum form form, size_t payload)
{
    static const char *const names[] = {"server in place", "server copy",
                                        "client, masked"};
    struct sender senders[BENCH_COLUMNS];
    char          size[24], name[BENCH_NAME];
    const size_t  kernels = form == CLIENT ? kernel_count() : 1;

    snprintf(name, sizeof name, "%s %s", bench_size_text(payload, size),
             names[form]);
    struct bench_row *row = bench_row(bench, "send", name, payload, 1);
    if (row == NULL)
        return;
    for (size_t k = 0; k < kernels; k++) {
        senders[k]        = sender_new(form, payload);
        senders[k].kernel = k;
    }
    row->units  = senders[0].batch;
    row->series = names[form];
    if (form != IN_PLACE)
        bench_add(row, "floor", run_floor, &senders[0]);
    for (size_t k = 0; k < kernels; k++)
        bench_add(row, kernel_name(k), run_sender, &senders[k]);
    add_targets(row, form, payload);
    bench_measure(bench, row);
    for (size_t k = 0; k < kernels; k++)
        sender_free(&senders[k]);
}

/* ---- Without a connection ----------------------------------------------- */

/* Header and payload as two slices, which the program queues by itself. */
static double run_frames(void *state, uint64_t passes)
{
    struct sender *s     = state;
    uint64_t       total = 0;
    upf_slice      slices[2 * BATCH];
    uint8_t        heads[BATCH][UPF_FRAME_HEADER_MAX];
    upf_frame_header header = {.opcode = UPF_OP_BINARY, .fin = true};

    const double start = bench_now();
    for (uint64_t p = 0; p < passes; p++) {
        for (size_t i = 0; i < s->batch; i++) {
            header.payload_len = s->payload;
            const size_t len = upf_frame_header_write(&header, heads[i]);
            slices[2 * i]     = (upf_slice){heads[i], len};
            slices[2 * i + 1] = (upf_slice){
                s->source + i * s->stride + UPF_FRAME_HEADER_MAX, s->payload};
            total += len + s->payload;
        }
        BENCH_SEEN(slices);
    }
    const double took = bench_now() - start;
    if (total != passes * s->batch * s->frame_len)
        bench_die("%llu bytes are in slices", (unsigned long long)total);
    return took;
}

static void add_frames(struct bench *bench, size_t payload)
{
    char size[24], name[BENCH_NAME];

    snprintf(name, sizeof name, "%s server, no queue",
             bench_size_text(payload, size));
    struct bench_row *row = bench_row(bench, "send", name, payload, BATCH);
    if (row == NULL)
        return;
    struct sender s = sender_new(IN_PLACE, payload);
    bench_add(row, "upframe", run_frames, &s);
    bench_target(row, NULL, NULL, 3.0);
    bench_measure(bench, row);
    sender_free(&s);
}

/* ---- One message to many connections ------------------------------------ */

struct broadcast {
    upf_conn    conns[RECEIVERS];
    upf_shared *shared;
    bool        with_drain; /* count the writing, too */
};

static double run_broadcast(void *state, uint64_t passes)
{
    struct broadcast *b    = state;
    double            took = 0;

    for (uint64_t p = 0; p < passes; p++) {
        size_t       total = 0;
        const double start = bench_now();

        for (size_t i = 0; i < RECEIVERS; i++)
            if (upf_send_shared(&b->conns[i], b->shared) != UPF_OK)
                bench_die("upf_send_shared failed");
        if (!b->with_drain)
            took += bench_now() - start;
        for (size_t i = 0; i < RECEIVERS; i++)
            total += drain(&b->conns[i]);
        if (b->with_drain)
            took += bench_now() - start;
        if (total != RECEIVERS * (SHARED + 2))
            bench_die("%zu bytes were broadcast", total);
    }
    return took;
}

static void add_broadcast(struct bench *bench, const char *name,
                          bool with_drain)
{
    static const uint8_t message[SHARED];

    struct bench_row *row =
        bench_row(bench, "send", name, SHARED, RECEIVERS);
    if (row == NULL)
        return;
    struct broadcast *b = bench_alloc(sizeof *b);
    b->with_drain = with_drain;
    b->shared     = upf_shared_new(NULL, UPF_OP_BINARY, message, SHARED);
    if (b->shared == NULL)
        bench_die("upf_shared_new failed");
    for (size_t i = 0; i < RECEIVERS; i++)
        open_conn(&b->conns[i], false);
    bench_add(row, "upframe", run_broadcast, b);
    bench_measure(bench, row);
    for (size_t i = 0; i < RECEIVERS; i++)
        upf_conn_free(&b->conns[i]);
    upf_shared_free(b->shared);
    free(b);
}

/* ---- Received, sent back from where it lies, written -------------------- */

struct echo {
    upf_conn      conn;
    struct stream stream;
    size_t        kernel;
};

static double run_echo_floor(void *state, uint64_t passes)
{
    const struct stream *s     = &((struct echo *)state)->stream;
    const double         start = bench_now();

    for (uint64_t p = 0; p < passes; p++)
        for (size_t at = 0; at < s->len; at += s->chunk) {
            const size_t left = s->len - at;
            memcpy(s->buffer, s->bytes + at, left < s->chunk ? left : s->chunk);
            BENCH_CLOBBER();
        }
    return bench_now() - start;
}

static double run_echo(void *state, uint64_t passes)
{
    struct echo         *e     = state;
    const struct stream *s     = &e->stream;
    uint64_t             total = 0;
    upf_event            event;

    kernel_use(e->kernel);
    const double start = bench_now();
    for (uint64_t p = 0; p < passes; p++)
        for (size_t at = 0; at < s->len; at += s->chunk) {
            const size_t left = s->len - at;
            upf_input in = {s->buffer, left < s->chunk ? left : s->chunk};

            memcpy(in.data, s->bytes + at, in.len);
            while (upf_conn_next(&e->conn, &in, &event) == UPF_OK)
                if (upf_send_in_place(&e->conn, event.opcode, event.data,
                                      event.len) != UPF_OK)
                    bench_die("upf_send_in_place failed");
            total += drain(&e->conn);
        }
    const double took = bench_now() - start;
    kernel_use(0);
    if (total != passes * (s->len - 4 * s->frames)) /* the masking keys */
        bench_die("%llu bytes were echoed", (unsigned long long)total);
    return took;
}

static void add_echo(struct bench *bench, size_t payload)
{
    struct echo e;
    char        size[24], name[BENCH_NAME];

    snprintf(name, sizeof name, "%s binary", bench_size_text(payload, size));
    struct bench_row *row = bench_row(bench, "echo", name, payload, 1);
    if (row == NULL)
        return;
    e.kernel = 0;
    e.stream =
        stream_new(payload, STREAM_BINARY, 64 * KIB, bench->stream_bytes,
                   (struct stream_form){0});
    open_conn(&e.conn, false);
    row->units = e.stream.frames;
    bench_add(row, "floor", run_echo_floor, &e);
    bench_add(row, kernel_name(0), run_echo, &e);
    bench_measure(bench, row);
    upf_conn_free(&e.conn);
    stream_free(&e.stream);
}

void bench_send(struct bench *bench)
{
    static const size_t sizes[] = {0, 16, 125, KIB, 64 * KIB, MIB};
    static const size_t echoed[] = {0, 16, 125, KIB, 16 * KIB};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        add_frames(bench, sizes[i]);
    for (enum form form = IN_PLACE; form <= CLIENT; form++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            add_sender(bench, form, sizes[i]);
    add_broadcast(bench, "100 B shared, enqueue", false);
    add_broadcast(bench, "100 B shared, enqueue and drain", true);
    for (size_t i = 0; i < sizeof echoed / sizeof *echoed; i++)
        add_echo(bench, echoed[i]);
}
