/* SPDX-License-Identifier: MIT */
/*
 * fuzz_backoff.c - the waits of a client that comes back.
 *
 *   0-15   the policy: base_ms, cap_ms, stable_ms, max_tries
 *   then   eleven bytes an end: whether it was open, for how long, the random
 *          bits, and what ended it
 */

#include <upframe/backoff.h>

#include "check.h"
#include "script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint32_t number(struct script *script)
{
    uint32_t all = 0;

    for (int i = 0; i < 4; i++)
        all = all << 8 | script_byte(script);
    return all;
}

/* The longest wait after so many others. */
static uint64_t longest(const upf_backoff_policy *policy, uint32_t tries)
{
    uint64_t wait = policy->base_ms;

    for (uint32_t i = 0; i < tries && wait < policy->cap_ms; i++)
        wait *= 2;
    return wait < policy->cap_ms ? wait : policy->cap_ms;
}

/* Whether a list that ends with 0 has the value. */
static bool has(const int *list, int value)
{
    while (*list != 0 && *list != value)
        list++;
    return *list != 0;
}

/* The table of upframe/backoff.h: each of the three can forbid it. */
static void check_may_return(struct script *script)
{
    static const int statuses[] = {UPF_ERR_ARGUMENT, UPF_ERR_URL, UPF_ERR_STATE,
                                   0};
    static const int codes[] = {1000, 1002, 1003, 1007, 1008, 1009, 1010, 0};
    static const int https[] = {301, 308, 401, 403, 407, 410, 414, 431, 0};

    const int     status = -(int)(script_byte(script) % 64);
    const uint8_t byte   = script_byte(script);
    const int     code   = 1000 + byte % 20;
    const int     http   = 100 + byte % 5 * 100 + byte / 5;

    CHECK(upf_may_return((upf_status)status, 0, 0) != has(statuses, status),
          "%s", upf_status_name((upf_status)status));
    CHECK(upf_may_return(UPF_OK, code, 0) != has(codes, code), "%d", code);
    CHECK(upf_may_return(UPF_ERR_RESPONSE, 0, http) != has(https, http),
          "HTTP %d", http);
    CHECK(upf_may_return((upf_status)status, code, http) ==
              !(has(statuses, status) || has(codes, code) || has(https, http)),
          "%d, %d, %d", status, code, http);
}

static void lose(upf_backoff *backoff, const upf_backoff_policy *policy,
                 struct script *script, uint64_t *now)
{
    const uint8_t  how     = script_byte(script);
    const uint32_t time    = number(script);
    const uint32_t random  = number(script);
    const bool     forward = (how & 2) == 0;
    uint32_t       tries   = upf_backoff_tries(backoff);
    uint32_t       wait    = 0;

    if (how & 1) {
        upf_backoff_opened(backoff, *now);
        if (forward && time >= policy->stable_ms)
            tries = 0;
    }
    *now = forward ? *now + time : *now - (time < *now ? time : *now);
    const bool again = upf_backoff_lost(backoff, *now, random, &wait);
    CHECK(again == (policy->max_tries == 0 || tries < policy->max_tries),
          "%d after %u of %u", again, (unsigned)tries,
          (unsigned)policy->max_tries);
    CHECK(wait <= longest(policy, tries), "%u ms after %u", (unsigned)wait,
          (unsigned)tries);
    CHECK(!again || upf_backoff_tries(backoff) == tries + 1 ||
              tries == UINT32_MAX,
          "%u tries", (unsigned)upf_backoff_tries(backoff));
}

/* The input, as what a server says: never more than a day. */
static void check_retry_after(const uint8_t *data, size_t len)
{
    const int64_t times[] = {0, 1, 784111777, INT64_MAX / 2};
    char         *value   = exact_copy(data, len);

    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        uint32_t wait = 1;
        if (upf_retry_after(value, len, times[i], &wait))
            CHECK(wait <= UPF_RETRY_AFTER_MAX_S * 1000u && wait % 1000 == 0,
                  "%u ms", (unsigned)wait);
        else
            CHECK(wait == 1, "refused, but written");
    }
    free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct script      script = {data, len, 0};
    upf_backoff_policy policy;
    upf_backoff        backoff;
    uint64_t           now = 1;

    policy.base_ms   = number(&script);
    policy.cap_ms    = number(&script);
    policy.stable_ms = number(&script);
    policy.max_tries = number(&script);
    const bool sound = policy.base_ms > 0 && policy.stable_ms > 0 &&
                       policy.cap_ms >= policy.base_ms;
    CHECK(upf_backoff_init(&backoff, &policy) ==
              (sound ? UPF_OK : UPF_ERR_ARGUMENT),
          "a policy that is %ssound", sound ? "" : "not ");
    if (!sound)
        policy = upf_backoff_default();
    while (script.at < len) {
        lose(&backoff, &policy, &script, &now);
        check_may_return(&script);
    }
    upf_backoff_init(&backoff, NULL);
    check_retry_after(data, len);
    return 0;
}
