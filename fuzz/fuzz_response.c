/* SPDX-License-Identifier: MIT */
/* fuzz_response.c - a client that is handed bytes as the server's answer. */

#include <string.h>

#include "check.h"
#include "run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool has(const uint8_t *data, size_t len, const char *text)
{
    const size_t n = strlen(text);

    for (size_t i = 0; n <= len && i <= len - n; i++)
        if (memcmp(data + i, text, n) == 0)
            return true;
    return false;
}

/* The key is that of our first random bytes: what answers it is known. */
static void check_opened(const uint8_t *data, size_t len)
{
    static const char accept[] = "bumI3DQG/jkKHKGqP31IP9s7HlM=";

    CHECK(has(data, len, accept), "OPEN without the accept value");
    CHECK(has(data, len, "HTTP/1.") && has(data, len, " 101"),
          "OPEN without a 101");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    /* A handshake; cut into single bytes; both subprotocols are offered. */
    static const uint8_t bytes[PLAN_LEN] = {0x01, 0xEE, 0xFE, 0x04, 1};
    struct plan plan;
    struct run  run;

    plan_read(&plan, bytes, true);
    run_all(&plan, data, len);
    run_plan(&run, &plan, (struct manner){0}, data, len);
    if (run.place == CLOSED && run.events > 1)
        check_opened(data, len);
    run_free(&run);
    return 0;
}
