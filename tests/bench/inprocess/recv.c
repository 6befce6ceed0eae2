/* SPDX-License-Identifier: MIT */
/* recv.c - what a received frame costs. */

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <upframe/conn.h>
#include "bench.h"
#include "kernels.h"
#include "recv.h"
#include "stream.h"
#include "support/testext.h"

enum { KIB = 1024, MIB = 1024 * 1024 };

static size_t lesser(size_t a, size_t b) { return a < b ? a : b; }

/* ---- The floor: the copy that a read is --------------------------------- */

static double run_floor(void *state, uint64_t passes)
{
    const struct stream *s     = state;
    const double         start = bench_now();

    for (uint64_t p = 0; p < passes; p++)
        for (size_t at = 0; at < s->len; at += s->chunk) {
            memcpy(s->buffer, s->bytes + at, lesser(s->chunk, s->len - at));
            BENCH_CLOBBER();
        }
    return bench_now() - start;
}

/* ---- upframe ------------------------------------------------------------ */

struct connection {
    const struct stream *stream;
    upf_config           config;
    upf_conn             conn;
};

static void look_away(void *user, const upf_conn *conn, bool sent,
                      const upf_frame_header *header)
{
    (void)user;
    (void)conn;
    (void)sent;
    (void)header;
}

static void open_at_once(struct connection *c)
{
    upf_input none = {NULL, 0};
    upf_event event;

    if (upf_conn_init_open(&c->conn, &c->config, c->stream->form.to_client,
                           NULL) != UPF_OK ||
        upf_conn_next(&c->conn, &none, &event) != UPF_OK ||
        event.type != UPF_EVENT_OPEN)
        bench_die("upframe does not open");
}

/* All output of one is the other's input. */
static void deliver(upf_conn *from, upf_conn *to)
{
    uint8_t   head[KIB];
    upf_slice out;
    upf_event event;

    while (upf_conn_output(from, &out, 1) > 0) {
        upf_input in = {head, lesser(out.len, sizeof head)};

        memcpy(head, out.data, in.len);
        upf_conn_output_done(from, (ptrdiff_t)in.len);
        while (upf_conn_next(to, &in, &event) == UPF_OK)
            ;
    }
}

/* An extension is agreed on in the handshake: with a peer for that only. */
static void open_extended(struct connection *c)
{
    const upf_client_request request   = {.url = "ws://localhost/"};
    const bool               to_client = c->stream->form.to_client;

    upf_conn  peer;
    upf_conn *client = to_client ? &c->conn : &peer;
    upf_conn *server = to_client ? &peer : &c->conn;
    if (upf_conn_init_client(client, &c->config, &request) != UPF_OK ||
        upf_conn_init_server(server, &c->config) != UPF_OK)
        bench_die("upframe does not begin");
    deliver(client, server);
    deliver(server, client);
    if (!upf_conn_is_open(client) || !upf_conn_is_open(server) ||
        client->ext == NULL || server->ext == NULL)
        bench_die("upframe does not agree on an extension");
    upf_conn_free(&peer);
}

static void *upframe_open(const struct stream *stream)
{
    struct connection *c = bench_alloc(sizeof *c);

    c->stream        = stream;
    c->config        = upf_config_default();
    c->config.stream = stream->form.in_chunks;
    c->config.trace  = stream->form.traced ? look_away : NULL;
    c->config.ext    = stream->form.extended ? &test_ext : NULL;
    if (stream->form.extended)
        open_extended(c);
    else
        open_at_once(c);
    return c;
}

static void upframe_close(void *connection)
{
    struct connection *c = connection;

    upf_conn_free(&c->conn);
    free(c);
}

/* One read, of at most `most` bytes, and all that comes of it. */
static size_t upframe_read_chunk(struct connection *c, const uint8_t *from,
                                 size_t most, struct tally *all, int verify)
{
    struct tally tally = *all; /* in registers */
    upf_input  in = {.data = c->stream->buffer, .len = most};
    upf_event  event;
    upf_status status;
    size_t     room_len;

    uint8_t *room = upf_conn_room(&c->conn, &room_len);
    if (room != NULL) {
        in.data = room;
        in.len  = lesser(most, room_len);
    }
    const size_t taken = in.len;
    memcpy(in.data, from, taken);
    while ((status = upf_conn_next(&c->conn, &in, &event)) == UPF_OK) {
        const bool whole = event.type == UPF_EVENT_MESSAGE;
        if (!whole && event.type != UPF_EVENT_CHUNK)
            bench_die("upframe: event %d", (int)event.type);
        if (verify && whole)
            stream_check_payload(c->stream, "upframe", tally.messages,
                                 event.data, event.len);
        const bool ends = whole || event.last;
        tally.messages += ends;
        tally.bytes    += event.len;
        tally.text     += ends && event.opcode == UPF_OP_TEXT;
    }
    if (status != UPF_WANT_READ)
        bench_die("upframe: %s", upf_status_name(status));
    *all = tally;
    return taken;
}

static void upframe_read(void *connection, uint64_t passes, int verify)
{
    struct connection   *c     = connection;
    const struct stream *s     = c->stream;
    struct tally         tally = {0};

    for (uint64_t p = 0; p < passes; p++)
        for (size_t at = 0; at < s->len;)
            at += upframe_read_chunk(c, s->bytes + at,
                                     lesser(s->chunk, s->len - at), &tally,
                                     verify);
    stream_check(s, "upframe", tally, passes);
}

static const struct receiver receiver_upframe = {
    .name  = "upframe",
    .open  = upframe_open,
    .read  = upframe_read,
    .close = upframe_close,
};

/* ---- Columns ------------------------------------------------------------ */

static const struct receiver *const peers[] = {
#ifdef BENCH_WSLAY
    &receiver_wslay,
#endif
#ifdef BENCH_BEAST
    &receiver_beast,
#endif
    NULL,
};

struct column {
    const struct receiver *receiver;
    void                  *connection;
    size_t                 kernel;
};

static double run_column(void *state, uint64_t passes)
{
    const struct column *c = state;

    kernel_use(c->kernel);
    const double start = bench_now();
    c->receiver->read(c->connection, passes, 0);
    const double took = bench_now() - start;
    kernel_use(0);
    return took;
}

/* ---- Rows --------------------------------------------------------------- */

struct limit {
    const char *rows; /* a pattern of names */
    const char *column;
    double      most;
};

static const struct limit limits[] = {
    {"0 B binary", "wslay", 1 / 3.3},
    {"0 B binary", "Beast", 1 / 6.0},
    {"16 B binary", "wslay", 1 / 12.0},
    {"16 B binary", "Beast", 1 / 9.0},
    {"125 B binary", "floor", 3.1},
    {"1 KiB binary, 16 KiB chunks", "floor", 2.2},
    {"16 KiB binary, 16 KiB chunks", "floor", 2.0},
    {"1 MiB binary", "floor", 1.7},
    {"1 MiB binary", "Beast", 0.85},
    {"125 B ASCII", "floor", 5.3},
    {"1 KiB ASCII", "floor", 2.7},
    {"1 MiB ASCII", "floor", 2.3},
    {"1 KiB Cyrillic", "floor", 4.6},
    {"1 KiB Chinese", "floor", 4.6},
    {"1 MiB Chinese", "floor", 3.8},
    {"client 0 B binary", "server 16 B", 0.69},
    {"client 16 B binary", "server 16 B", 0.95},
    {"client 125 B binary", "server 16 B", 1.41},
    {"client 1 KiB binary", "floor", 1.25},
    {"client 16 KiB binary", "floor", 1.15},
    {"client 16 B ASCII", "server", 1.0},
    {"client 125 B ASCII", "server", 0.9},
    {"client 1 KiB ASCII", "server", 0.95},
    {"client 125 B Chinese", "server", 0.95},
    {"client 1 KiB Chinese", "server", 0.95},
    {"*, stream", "plain", 1.3},
    {"*64 fragments of 125 B *", "plain", 2.0},
};

static bool is_plain(struct stream_form form)
{
    return !form.in_chunks && form.fragments == 0 && !form.traced &&
           !form.extended;
}

/*
 * The row that this one is compared with is one more column of it. A client's
 * is a server that reads the same; but its short binary frames, which cost
 * little more than their headers, all have the server's 16 B for a measure.
 * Others have whole messages, read in the plain way by the same role.
 */
struct rival {
    const char        *name; /* NULL: there is none */
    size_t             payload;
    struct stream_form form;
    struct stream      stream;
    struct column      column;
};

static struct rival rival_of(size_t payload, enum stream_kind kind,
                             struct stream_form form)
{
    if (!is_plain(form))
        return (struct rival){.name = "plain", .payload = payload,
                              .form = {.to_client = form.to_client}};
    if (!form.to_client)
        return (struct rival){.name = NULL};
    if (kind == STREAM_BINARY && payload < KIB)
        return (struct rival){.name = "server 16 B", .payload = 16};
    return (struct rival){.name = "server", .payload = payload};
}

static struct bench_column *
add_column(struct bench_row *row, const struct receiver *receiver,
           size_t kernel, const char *name, struct column *column,
           const struct stream *stream)
{
    *column = (struct column){receiver, receiver->open(stream), kernel};
    kernel_use(kernel);
    receiver->read(column->connection, 1, 1);
    receiver->read(column->connection, 2, 1);
    kernel_use(0);
    return bench_add(row, name, run_column, column);
}

static void add_rival(struct bench_row *row, struct rival *rival,
                      const struct bench *bench, const struct stream *stream)
{
    if (rival->name == NULL)
        return;
    rival->stream = stream_new(rival->payload, stream->kind, stream->chunk,
                               bench->stream_bytes, rival->form);
    add_column(row, &receiver_upframe, 0, rival->name, &rival->column,
               &rival->stream)->units = rival->stream.frames;
}

static void rival_free(struct rival *rival)
{
    if (rival->name == NULL)
        return;
    rival->column.receiver->close(rival->column.connection);
    stream_free(&rival->stream);
}

/* What is not plain about it: one thing at most. */
static const char *manner(size_t chunk, struct stream_form form)
{
    return form.in_chunks      ? ", stream"
           : form.traced       ? ", traced"
           : form.extended     ? ", extension"
           : chunk == 16 * KIB ? ", 16 KiB chunks"
                               : "";
}

/* Whom the row is about, in its name. */
static void name_row(char *name, size_t payload, enum stream_kind kind,
                     size_t chunk, struct stream_form form)
{
    char size[24], many[40] = "";

    if (form.fragments > 1)
        snprintf(many, sizeof many, "%zu fragments of ", form.fragments);
    if (snprintf(name, BENCH_NAME, "%s%s%s %s%s",
                 form.to_client ? "client " : "", many,
                 bench_size_text(payload, size), stream_kind_name(kind),
                 manner(chunk, form)) >= BENCH_NAME)
        bench_die("a row's name is longer than %d", BENCH_NAME - 1);
}

static void add_row(struct bench *bench, size_t payload, enum stream_kind kind,
                    size_t chunk, struct stream_form form)
{
    const bool has_peers = is_plain(form) && !form.to_client;

    struct rival  rival = rival_of(payload, kind, form);
    struct column columns[BENCH_COLUMNS];
    size_t        count = 0;
    char          name[BENCH_NAME];

    name_row(name, payload, kind, chunk, form);
    struct bench_row *row = bench_row(bench, "receive", name, payload, 1);
    if (row == NULL)
        return;
    struct stream stream =
        stream_new(payload, kind, chunk, bench->stream_bytes, form);
    row->units  = stream.frames;
    row->series =
        has_peers && chunk == 64 * KIB ? stream_kind_name(kind) : NULL;

    bench_add(row, "floor", run_floor, &stream);
    for (size_t k = 0; k < kernel_count(); k++)
        add_column(row, &receiver_upframe, k, kernel_name(k),
                   &columns[count++], &stream);
    for (size_t i = 0; has_peers && peers[i] != NULL; i++)
        add_column(row, peers[i], 0, peers[i]->name, &columns[count++],
                   &stream);
    add_rival(row, &rival, bench, &stream);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (fnmatch(limits[i].rows, name, 0) == 0)
            bench_target(row, NULL, limits[i].column, limits[i].most);
    bench_measure(bench, row);
    for (size_t i = 0; i < count; i++)
        columns[i].receiver->close(columns[i].connection);
    rival_free(&rival);
    stream_free(&stream);
}

static void add_rows(struct bench *bench, struct stream_form form)
{
    static const size_t sizes[] = {0, 16, 125, KIB, 16 * KIB, MIB};

    for (enum stream_kind kind = 0; kind < STREAM_KINDS; kind++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            if (sizes[i] > 0 || kind == STREAM_BINARY)
                add_row(bench, sizes[i], kind, 64 * KIB, form);
}

void bench_receive(struct bench *bench)
{
    const struct stream_form server = {0};

    add_rows(bench, server);
    add_row(bench, KIB, STREAM_BINARY, 16 * KIB, server);
    add_row(bench, 16 * KIB, STREAM_BINARY, 16 * KIB, server);
    add_rows(bench, (struct stream_form){.to_client = true});
    for (int role = 0; role < 2; role++) {
        const struct stream_form chunks = {.to_client = role == 1,
                                           .in_chunks = true};
        const struct stream_form fragments = {.to_client = role == 1,
                                              .fragments = 64};
        const struct stream_form traced = {.to_client = role == 1,
                                           .traced = true};
        const struct stream_form extended = {.to_client = role == 1,
                                             .extended = true};
        add_row(bench, 16, STREAM_BINARY, 64 * KIB, chunks);
        add_row(bench, 125, STREAM_BINARY, 64 * KIB, chunks);
        add_row(bench, 125, STREAM_ASCII, 64 * KIB, chunks);
        add_row(bench, KIB, STREAM_ASCII, 64 * KIB, chunks);
        add_row(bench, 125, STREAM_BINARY, 64 * KIB, fragments);
        add_row(bench, 125, STREAM_ASCII, 64 * KIB, fragments);
        add_row(bench, 16, STREAM_BINARY, 64 * KIB, traced);
        add_row(bench, 125, STREAM_BINARY, 64 * KIB, traced);
        add_row(bench, 16, STREAM_BINARY, 64 * KIB, extended);
        add_row(bench, 125, STREAM_BINARY, 64 * KIB, extended);
    }
}
