/* SPDX-License-Identifier: MIT */
/* fuzz_conn_client.c - a client's connection: run.h has the input's layout. */

#include "run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct plan plan;

    if (len < PLAN_LEN)
        return 0;
    plan_read(&plan, data, true);
    run_all(&plan, data + PLAN_LEN, len - PLAN_LEN);
    return 0;
}
