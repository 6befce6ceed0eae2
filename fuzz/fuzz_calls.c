/* SPDX-License-Identifier: MIT */
/*
 * fuzz_calls.c - any calls in any order, on either side.
 *
 *   0-7    as of a plan: see run.h
 *   8      client 1, extension 2, the library's random source 4, traced 8;
 *          which bytes pause reading 0xF0
 *   9      the set of kernels
 *   10-    the script: calls.c
 *
 * The script runs twice: step by step on the scalar set of kernels, and on the
 * library's fast paths on the chosen one, with a trace hook or without. It must
 * come to the same.
 */

#include <string.h>

#include "calls.h"
#include "check.h"

enum { HEAD_LEN = 10, PLAIN_LEN = 8, STEPS_MAX = 3000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void carry_out(struct calls *c, const struct plan *plan,
                      enum paths paths, const uint8_t *data, size_t len)
{
    const struct manner manner = {.wild = true, .paths = paths};

    *c = (struct calls){.script = {data, len, 0}, .repeat_at = SIZE_MAX};
    const upf_status begun = run_begin(&c->run, plan, manner);
    c->event.type = UPF_EVENT_OPEN; /* nothing was delivered yet */
    while (begun == UPF_OK && c->script.at < len && c->steps < STEPS_MAX)
        calls_step(c);
    watch_forget(&c->watch);
    upf_conn_hold(c->run.conn, false); /* else no silence ends it */
    run_end(&c->run, begun);
    feed_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t      head[PLAN_LEN] = {0};
    struct calls general, fast;
    struct plan  plan;

    if (len < HEAD_LEN)
        return 0;
    memcpy(head, data, PLAIN_LEN);
    plan_read(&plan, head, (data[8] & 1) != 0);
    plan.ext         = (data[8] & 2) != 0;
    plan.real_random = (data[8] & 4) != 0 && !(plan.handshake && plan.is_client);
    plan.config.pause_reading = (upf_pause)((data[8] >> 4) % 4);

    plan_kernels(0);
    carry_out(&general, &plan, PATHS_GENERAL, data + HEAD_LEN, len - HEAD_LEN);
    plan_kernels(data[9]);
    carry_out(&fast, &plan, (data[8] & 8) != 0 ? PATHS_TRACED : PATHS_FAST,
              data + HEAD_LEN, len - HEAD_LEN);
    bytes_must_equal(&general.run.log, &fast.run.log,
                     "events and results, fast");
    if (!plan.real_random)
        bytes_must_equal(&general.run.output, &fast.run.output,
                         "output, fast");
    run_free(&general.run);
    run_free(&fast.run);
    return 0;
}
