/* SPDX-License-Identifier: MIT */
/* cold.c - an echo on one of a million connections, none of them in a cache. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <upframe/conn.h>
#include "bench.h"
#include "kernels.h"

enum {
    PAYLOAD = 16,
    IN      = 2 + 4 + PAYLOAD, /* bytes of a frame with its masking key, */
    OUT     = 2 + PAYLOAD,     /* and of one without */
    BATCH   = 64,              /* visits between two fillings of the buffer */
    LINE    = 64,
    MILLION = 1000000
};

/*
 * Open connections, and the order in which they are visited: round and round,
 * so that a connection is visited again only after all others. What visits
 * them, in all columns, goes on where the last one stopped: nobody finds what
 * another has just fetched.
 */
struct crowd {
    upf_conn *conns;
    uint32_t *order; /* read one after the other, which a cache foresees */
    size_t    count;
    size_t    at;
    bool      asked_once; /* upf_conn_next(); else until it wants to read */
    uint8_t   frames[BATCH][IN];
    uint8_t   buffer[BATCH][IN]; /* refilled at once: a frame that was stored
                                    right before would be waited for */
};

static size_t next_place(struct crowd *c)
{
    const size_t place = c->order[c->at];

    c->at = c->at + 1 == c->count ? 0 : c->at + 1;
    return place;
}

/* ---- What memory alone costs -------------------------------------------- */

/* One cache line of a connection is read and written, and is as it was. */
static uint8_t touch(upf_conn *conn)
{
    volatile uint8_t *line = (volatile uint8_t *)conn;
    const uint8_t     byte = *line;

    *line = byte;
    return byte;
}

/* As many lines at once as the processor can wait for. */
static double run_floor(void *state, uint64_t passes)
{
    struct crowd *c     = state;
    const double  start = bench_now();

    for (uint64_t i = 0; i < passes * BATCH; i++)
        touch(&c->conns[next_place(c)]);
    return bench_now() - start;
}

/* One line after the other: where the next is depends on the last, as far as
 * the processor can tell. */
static double run_latency(void *state, uint64_t passes)
{
    struct crowd *c     = state;
    size_t        none  = 0;
    const double  start = bench_now();

    BENCH_HIDE(none);
    for (uint64_t i = 0, byte = 0; i < passes * BATCH; i++)
        byte = touch(&c->conns[next_place(c) + (byte & none)]);
    return bench_now() - start;
}

/* ---- A visit ------------------------------------------------------------ */

/* A frame came, and leaves from where it lies. Returns the bytes written. */
static size_t visit(upf_conn *conn, uint8_t *frame, bool asked_once)
{
    upf_input in = {frame, IN};
    upf_slice out;
    upf_event event;

    while (upf_conn_next(conn, &in, &event) == UPF_OK) {
        if (upf_send_in_place(conn, event.opcode, event.data, event.len) !=
            UPF_OK)
            bench_die("upf_send_in_place failed");
        if (asked_once)
            break;
    }
    if (upf_conn_output(conn, &out, 1) != 1 ||
        upf_conn_output_done(conn, (ptrdiff_t)out.len) != UPF_OK)
        bench_die("the echo is not in one piece");
    BENCH_SEEN(out.data);
    return out.len;
}

static double run_echo(void *state, uint64_t passes)
{
    struct crowd *c     = state;
    const bool    once  = c->asked_once;
    uint64_t      total = 0;

    kernel_use(0);
    const double start = bench_now();
    for (uint64_t p = 0; p < passes; p++) {
        memcpy(c->buffer, c->frames, sizeof c->buffer);
        for (size_t i = 0; i < BATCH; i++)
            total += visit(&c->conns[next_place(c)], c->buffer[i], once);
    }
    const double took = bench_now() - start;
    if (total != passes * BATCH * OUT)
        bench_die("%llu bytes were echoed", (unsigned long long)total);
    return took;
}

/* ---- The rows ----------------------------------------------------------- */

static void shuffle(uint32_t *order, size_t count)
{
    uint64_t random = 6455;

    for (size_t i = 0; i < count; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        const size_t other = (size_t)((random >> 32) * (i + 1) >> 32);
        order[i] = (uint32_t)i;
        const uint32_t moved = order[other];
        order[other] = order[i];
        order[i]     = moved;
    }
}

static void open_conn(upf_conn *conn)
{
    upf_input none = {NULL, 0};
    upf_event event;

    if (upf_conn_init_open(conn, NULL, false, NULL) != UPF_OK ||
        upf_conn_next(conn, &none, &event) != UPF_OK ||
        event.type != UPF_EVENT_OPEN)
        bench_die("upframe does not open");
}

/* What leaves is what came, once: the columns only count its bytes. */
static void check_echo(struct crowd *c, const uint8_t *payload)
{
    const uint8_t header[2] = {0x82, PAYLOAD};
    uint8_t      *frame     = c->buffer[0];

    memcpy(c->buffer, c->frames, sizeof c->buffer);
    if (visit(&c->conns[0], frame, false) != OUT ||
        memcmp(frame + IN - OUT, header, sizeof header) != 0 ||
        memcmp(frame + IN - PAYLOAD, payload, PAYLOAD) != 0)
        bench_die("another payload was echoed than came");
}

/* False if there is no memory for so many. */
static bool crowd_open(struct crowd *c, size_t count)
{
    static const uint8_t   payload[PAYLOAD] = "sixteen letters";
    const upf_frame_header header = {.opcode = UPF_OP_BINARY, .fin = true,
                                     .masked = true, .payload_len = PAYLOAD,
                                     .mask_key = {0x37, 0xFA, 0x21, 0x3D}};
    const size_t len = (count * sizeof(upf_conn) + LINE - 1) / LINE * LINE;

    *c = (struct crowd){.conns = aligned_alloc(LINE, len),
                        .order = malloc(count * sizeof *c->order),
                        .count = count};
    if (c->conns == NULL || c->order == NULL) {
        free(c->conns);
        free(c->order);
        return false;
    }
    for (size_t i = 0; i < BATCH; i++) {
        const size_t at = upf_frame_header_write(&header, c->frames[i]);
        upf_mask(c->frames[i] + at, payload, PAYLOAD, header.mask_key, 0);
    }
    shuffle(c->order, count);
    for (size_t i = 0; i < count; i++)
        open_conn(&c->conns[i]);
    check_echo(c, payload);
    return true;
}

static void crowd_free(struct crowd *c)
{
    for (size_t i = 0; i < c->count; i++)
        upf_conn_free(&c->conns[i]);
    free(c->conns);
    free(c->order);
}

static void add_row(struct bench *bench, const char *name, struct crowd *cold,
                    struct crowd *hot, bool asked_once)
{
    struct bench_row *row = bench_row(bench, "cold", name, PAYLOAD, BATCH);

    if (row == NULL)
        return;
    cold->asked_once = asked_once;
    hot->asked_once  = asked_once;
    run_echo(cold, cold->count / BATCH + 1); /* as such a visit leaves them */
    bench_add(row, "floor", run_floor, cold);
    bench_add(row, kernel_name(0), run_echo, cold);
    bench_add(row, "latency", run_latency, cold);
    bench_add(row, "hot", run_echo, hot);
    if (cold->count >= MILLION)
        bench_target(row, NULL, NULL, 150);
    bench_measure(bench, row);
}

void bench_cold(struct bench *bench)
{
    const size_t count = bench->connections;
    struct crowd cold, hot;
    char         name[BENCH_NAME], once[BENCH_NAME];

    snprintf(name, sizeof name, "16 B echo on %zu", count);
    snprintf(once, sizeof once, "16 B echo on %zu, asked once", count);
    if (!bench_wants(bench, "cold", name) && !bench_wants(bench, "cold", once))
        return;
    if (!crowd_open(&cold, count)) {
        printf("\ncold: left out, no memory for %zu connections (%zu MB)\n",
               count, count * sizeof(upf_conn) / MILLION);
        return;
    }
    if (!crowd_open(&hot, 1))
        bench_die("no memory for a connection");
    add_row(bench, name, &cold, &hot, false);
    add_row(bench, once, &cold, &hot, true);
    crowd_free(&hot);
    crowd_free(&cold);
}
