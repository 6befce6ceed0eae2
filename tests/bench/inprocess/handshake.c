/* SPDX-License-Identifier: MIT */
/* handshake.c - what a server's opening handshake costs. */

#include <stdlib.h>
#include <string.h>

#include <upframe/conn.h>
#include "bench.h"
#include "kernels.h"
#include "request.h"

struct work {
    uint8_t buffer[BENCH_REQUEST_LEN];
    char    response[512]; /* the last one */
    size_t  kernel;
};

static double run_floor(void *state, uint64_t passes)
{
    struct work *w     = state;
    const double start = bench_now();

    for (uint64_t p = 0; p < passes; p++) {
        memcpy(w->buffer, bench_request, BENCH_REQUEST_LEN);
        BENCH_CLOBBER();
    }
    return bench_now() - start;
}

/* Request in, REQUEST, OPEN, response out, and everything given back. */
static void shake_hands(struct work *w)
{
    upf_conn   conn;
    upf_event  event;
    upf_slice  out;
    upf_input  in    = {w->buffer, BENCH_REQUEST_LEN};
    unsigned   seen  = 0;
    upf_status status;

    memcpy(w->buffer, bench_request, BENCH_REQUEST_LEN);
    if (upf_conn_init_server(&conn, NULL) != UPF_OK)
        bench_die("upf_conn_init_server failed");
    while ((status = upf_conn_next(&conn, &in, &event)) == UPF_OK)
        seen |= 1u << event.type;
    if (status != UPF_WANT_READ ||
        seen != (1u << UPF_EVENT_REQUEST | 1u << UPF_EVENT_OPEN))
        bench_die("the handshake failed: %s", upf_status_name(status));
    if (upf_conn_output(&conn, &out, 1) != 1 || out.len >= sizeof w->response)
        bench_die("the response is not in one piece");
    memcpy(w->response, out.data, out.len);
    w->response[out.len] = '\0';
    upf_conn_output_done(&conn, (ptrdiff_t)out.len);
    upf_conn_free(&conn);
}

static double run_handshake(void *state, uint64_t passes)
{
    struct work *w = state;

    kernel_use(w->kernel);
    const double start = bench_now();
    for (uint64_t p = 0; p < passes; p++)
        shake_hands(w);
    const double took = bench_now() - start;
    kernel_use(0);
    if (strstr(w->response, BENCH_ACCEPT) == NULL)
        bench_die("the response accepts another key");
    return took;
}

static double run_accept_key(void *state, uint64_t passes)
{
    struct work *w = state;
    char         accept[UPF_ACCEPT_LEN + 1];

    kernel_use(w->kernel);
    const double start = bench_now();
    for (uint64_t p = 0; p < passes; p++) {
        if (upf_accept_key("dGhlIHNhbXBsZSBub25jZQ==", UPF_KEY_LEN, accept) !=
            UPF_OK)
            bench_die("upf_accept_key failed");
        BENCH_CLOBBER();
    }
    const double took = bench_now() - start;
    kernel_use(0);
    if (strcmp(accept, BENCH_ACCEPT) != 0)
        bench_die("upf_accept_key is wrong");
    return took;
}

static void add_row(struct bench *bench, const char *name, size_t len,
                    bench_run_fn *floor, bench_run_fn *run, double most)
{
    static struct work works[BENCH_COLUMNS];

    struct bench_row *row = bench_row(bench, "handshake", name, len, 1);
    if (row == NULL)
        return;
    if (floor != NULL)
        bench_add(row, "floor", floor, &works[0]);
    for (size_t k = 0; k < kernel_count(); k++) {
        works[k].kernel = k;
        bench_add(row, kernel_name(k), run, &works[k]);
    }
    if (most > 0)
        bench_target(row, NULL, NULL, most);
    bench_measure(bench, row);
}

void bench_handshake(struct bench *bench)
{
    add_row(bench, "server, 506 B and 12 lines", BENCH_REQUEST_LEN, run_floor,
            run_handshake, 250);
    add_row(bench, "accept value", UPF_KEY_LEN, NULL, run_accept_key, 0);
}
