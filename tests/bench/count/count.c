/* SPDX-License-Identifier: MIT */
/*
 * count.c - one piece of work for callgrind to count (see count.py).
 *
 *     bench_count WORK N [SIZE]
 *
 * Only measured() is counted, not the making of what it works on. WORK is
 *   copy       N frames of SIZE bytes are copied into the receive buffer
 *   frames     likewise, and received
 *   fragments  N fragments of one message, SIZE bytes each, are received
 *   client-frames, client-fragments, stream-frames
 *              the same by a client, or by a server that streams
 *   turns      N frames of SIZE bytes, each echoed in place in its own turn
 *   no-turns   the copies of these frames alone
 *   pings      N pings of SIZE bytes are received, their pongs written away
 *   shared     N shared frames of SIZE bytes are queued, then written away, 16
 *              slices a call
 *   mixed      likewise, but each second one is a message of its own
 *   lines      a server's handshake with N header lines
 *   handshake  N handshakes of a browser's 506 bytes
 *   no-shake   the copies of their requests alone
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <upframe/conn.h>
#include "../inprocess/request.h"

enum { CHUNK = 64 * 1024 };

struct work {
    void (*run)(struct work *w);
    size_t     n, size;
    bool       is_client;
    uint8_t   *bytes; /* whole frames, or a request; repeated as needed */
    size_t     len;
    size_t     repeat;
    upf_config config;
    upf_conn   conn;
    uint8_t    buffer[CHUNK];
    size_t     messages, pongs; /* what came of it */
    size_t     written;
};

static void die(const char *why)
{
    fprintf(stderr, "bench_count: %s\n", why);
    exit(1);
}

/* ---- Input -------------------------------------------------------------- */

static uint8_t *add_frame(uint8_t *out, upf_opcode opcode, bool fin,
                          size_t size, bool masked)
{
    static const uint8_t   key[4] = {0x37, 0xFA, 0x21, 0x3D};
    const upf_frame_header header = {.opcode = opcode, .fin = fin,
                                     .masked = masked, .payload_len = size,
                                     .mask_key = {0x37, 0xFA, 0x21, 0x3D}};

    out += upf_frame_header_write(&header, out);
    memset(out, 'x', size);
    if (masked)
        upf_mask(out, out, size, key, 0);
    return out + size;
}

/* `count` frames; for fragments, the whole message. */
static void make_frames(struct work *w, upf_opcode opcode, size_t count,
                        bool fragments)
{
    uint8_t *end;

    w->bytes = malloc(count * (UPF_FRAME_HEADER_MAX + w->size));
    if (w->bytes == NULL)
        die("no memory");
    end = w->bytes;
    for (size_t i = 0; i < count; i++)
        end = add_frame(end, fragments && i > 0 ? UPF_OP_CONTINUATION : opcode,
                        !fragments || i + 1 == count, w->size,
                        !w->is_client);
    w->len = (size_t)(end - w->bytes);
}

static void make_request(struct work *w, size_t lines)
{
    static const char rest[] =
        "Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    char *at = malloc(64 + lines * 64 + sizeof rest);

    if (at == NULL)
        die("no memory");
    w->bytes = (uint8_t *)at;
    at += sprintf(at, "GET / HTTP/1.1\r\n");
    for (size_t i = 5; i < lines; i++)
        at += sprintf(at, "X-Field-%05zu: some value of a usual length\r\n", i);
    at += sprintf(at, "%s", rest);
    w->len = (size_t)(at - (char *)w->bytes);
}

/* ---- Work --------------------------------------------------------------- */

/* All output is "written". */
static size_t drain(upf_conn *conn)
{
    upf_slice slices[16];
    size_t    total = 0;
    size_t    n;

    while ((n = upf_conn_output(conn, slices, 16)) > 0) {
        size_t written = 0;

        for (size_t i = 0; i < n; i++)
            written += slices[i].len;
        upf_conn_output_done(conn, (ptrdiff_t)written);
        total += written;
    }
    return total;
}

static void receive_chunk(struct work *w, size_t len)
{
    upf_input  in = {w->buffer, len};
    upf_event  event;
    upf_status status;

    while ((status = upf_conn_next(&w->conn, &in, &event)) == UPF_OK) {
        w->messages += event.type == UPF_EVENT_MESSAGE ||
                       (event.type == UPF_EVENT_CHUNK && event.last);
        if (event.type == UPF_EVENT_PING)
            w->pongs += drain(&w->conn) / (2 + w->size);
    }
    if (status != UPF_WANT_READ)
        die(upf_status_name(status));
}

static void copy_or_receive(struct work *w, bool receive)
{
    for (size_t r = 0; r < w->repeat; r++)
        for (size_t at = 0; at < w->len; at += CHUNK) {
            const size_t len = w->len - at < CHUNK ? w->len - at : CHUNK;

            memcpy(w->buffer, w->bytes + at, len);
            __asm__ volatile("" ::: "memory");
            if (receive)
                receive_chunk(w, len);
        }
}

static void run_copy(struct work *w) { copy_or_receive(w, false); }

static void run_receive(struct work *w) { copy_or_receive(w, true); }

/* One frame, echoed in place: what a turn of an event loop mostly is. */
static void take_a_turn(struct work *w)
{
    upf_input  in = {w->buffer, w->len};
    upf_event  event;
    upf_status status;

    while ((status = upf_conn_next(&w->conn, &in, &event)) == UPF_OK) {
        w->messages += event.type == UPF_EVENT_MESSAGE;
        if (upf_send_in_place(&w->conn, UPF_OP_BINARY, event.data,
                              event.len) != UPF_OK)
            die("it cannot be echoed");
    }
    if (status != UPF_WANT_READ)
        die(upf_status_name(status));
    w->written += drain(&w->conn);
}

static void copy_or_take_turns(struct work *w, bool turns)
{
    for (size_t i = 0; i < w->n; i++) {
        memcpy(w->buffer, w->bytes, w->len);
        __asm__ volatile("" ::: "memory");
        if (turns)
            take_a_turn(w);
    }
}

static void run_no_turns(struct work *w) { copy_or_take_turns(w, false); }

static void run_turns(struct work *w) { copy_or_take_turns(w, true); }

/* A queue that nobody writes until it has N frames. */
static void queue_and_drain(struct work *w, bool mixed)
{
    upf_shared *shared = upf_shared_new(&w->config, UPF_OP_BINARY, w->buffer,
                                        w->size);

    if (shared == NULL)
        die("no memory");
    for (size_t i = 0; i < w->n; i++)
        if ((mixed && i % 2 == 1
                 ? upf_send(&w->conn, UPF_OP_BINARY, w->buffer, w->size)
                 : upf_send_shared(&w->conn, shared)) != UPF_OK)
            die("it cannot be queued");
    w->written = drain(&w->conn);
    upf_shared_free(shared);
}

static void run_shared(struct work *w) { queue_and_drain(w, false); }

static void run_mixed(struct work *w) { queue_and_drain(w, true); }

static void shake_hands(struct work *w)
{
    upf_conn  conn;
    upf_event event;
    upf_input in = {w->buffer, w->len};

    upf_conn_init_server(&conn, &w->config);
    while (upf_conn_next(&conn, &in, &event) == UPF_OK)
        w->messages += event.type == UPF_EVENT_OPEN;
    drain(&conn);
    upf_conn_free(&conn);
}

static void copy_or_shake_hands(struct work *w, bool shake)
{
    for (size_t r = 0; r < w->repeat; r++) {
        memcpy(w->buffer, w->bytes, w->len);
        __asm__ volatile("" ::: "memory");
        if (shake)
            shake_hands(w);
    }
}

static void run_no_shake(struct work *w) { copy_or_shake_hands(w, false); }

static void run_handshake(struct work *w) { copy_or_shake_hands(w, true); }

/* callgrind starts to count here (--toggle-collect) and stops at the end. Not
 * static, so that it keeps its name. */
void measured(struct work *w);
__attribute__((noinline)) void measured(struct work *w)
{
    w->run(w);
    __asm__ volatile("" ::: "memory");
}

/* ---- What is wanted ----------------------------------------------------- */

static void open_conn(struct work *w)
{
    upf_input in = {w->buffer, 0};
    upf_event event;

    if (upf_conn_init_open(&w->conn, &w->config, w->is_client, NULL) !=
            UPF_OK ||
        upf_conn_next(&w->conn, &in, &event) != UPF_OK)
        die("upf_conn_init_open failed");
}

/* Frames repeat a stream of 1,000, so that N costs no memory. */
static void prepare(struct work *w, const char *name)
{
    const size_t some = w->n < 1000 ? w->n : 1000;

    w->repeat = w->n;
    if (strcmp(name, "copy") == 0 || strcmp(name, "frames") == 0 ||
        strcmp(name, "pings") == 0) {
        make_frames(w, *name == 'p' ? UPF_OP_PING : UPF_OP_BINARY, some,
                    false);
        w->run    = *name == 'c' ? run_copy : run_receive;
        w->repeat = w->n / some;
    } else if (strcmp(name, "fragments") == 0) {
        make_frames(w, UPF_OP_BINARY, w->n, true);
        w->run    = run_receive;
        w->repeat = 1;
    } else if (strcmp(name, "turns") == 0 || strcmp(name, "no-turns") == 0) {
        make_frames(w, UPF_OP_BINARY, 1, false);
        w->run = *name == 't' ? run_turns : run_no_turns;
    } else if (strcmp(name, "shared") == 0 || strcmp(name, "mixed") == 0) {
        w->run = *name == 's' ? run_shared : run_mixed;
    } else if (strcmp(name, "lines") == 0) {
        make_request(w, w->n);
        w->run    = run_handshake;
        w->repeat = 1;
    } else if (strcmp(name, "handshake") == 0 ||
               strcmp(name, "no-shake") == 0) {
        w->len   = BENCH_REQUEST_LEN;
        w->bytes = malloc(w->len);
        if (w->bytes == NULL)
            die("no memory");
        memcpy(w->bytes, bench_request, w->len);
        w->run = *name == 'h' ? run_handshake : run_no_shake;
    } else {
        die("no such work");
    }
}

/* Bytes that a queue of its frames must come to. */
static size_t expected_output(const struct work *w)
{
    return w->run == run_shared || w->run == run_mixed || w->run == run_turns
               ? w->n * (w->size + (w->size < 126 ? 2 : 4)) : 0;
}

static size_t expected(const struct work *w, const char *name)
{
    if (strcmp(name, "copy") == 0 || strcmp(name, "no-shake") == 0 ||
        strcmp(name, "pings") == 0 || strcmp(name, "shared") == 0 ||
        strcmp(name, "mixed") == 0 || strcmp(name, "no-turns") == 0)
        return 0;
    return strcmp(name, "frames") == 0 || strcmp(name, "handshake") == 0 ||
                   strcmp(name, "turns") == 0
               ? w->n : 1;
}

int main(int argc, char **argv)
{
    static struct work w;

    if (argc < 3)
        die("usage: bench_count WORK N [SIZE]");
    w.n    = (size_t)strtoul(argv[2], NULL, 10);
    w.size = argc > 3 ? (size_t)strtoul(argv[3], NULL, 10) : 16;
    if (w.n == 0 || w.size > 60000)
        die("N is at least 1, SIZE at most 60000");
    w.config = upf_config_default();
    w.config.max_fragments  = UINT32_MAX;
    w.config.max_message    = UINT64_C(1) << 30;
    w.config.max_queued     = (size_t)1 << 30;
    w.config.high_water     = (size_t)1 << 30; /* one way for all lengths */
    w.config.max_head       = 1 << 20;
    w.config.max_head_lines = UINT16_MAX;
    const char *name = argv[1];
    w.is_client      = strncmp(name, "client-", 7) == 0;
    w.config.stream  = strncmp(name, "stream-", 7) == 0;
    if (w.is_client || w.config.stream)
        name += 7;
    prepare(&w, name);
    if (w.run == run_handshake && w.len > CHUNK)
        die("too many lines");
    open_conn(&w);
    measured(&w);
    if (w.messages != expected(&w, name) ||
        w.pongs != (strcmp(name, "pings") == 0 ? w.n : 0) ||
        w.written != expected_output(&w))
        die("it did not come out as it must");
    upf_conn_free(&w.conn);
    free(w.bytes);
    return 0;
}
