/* SPDX-License-Identifier: MIT */
/* backoff.c - truncated exponential back-off, RFC 6455, section 7.2.3. */

#include <assert.h>
#include <stddef.h>

#include <upframe/backoff.h>

upf_backoff_policy upf_backoff_default(void)
{
    return (upf_backoff_policy){
        .base_ms   = 5 * 1000, /* the first delay that section 7.2.3 names */
        .cap_ms    = 120 * 1000,
        .stable_ms = 60 * 1000,
        .max_tries = 0,
    };
}

upf_status upf_backoff_init(upf_backoff              *backoff,
                            const upf_backoff_policy *policy)
{
    *backoff = (upf_backoff){.policy = upf_backoff_default()};
    if (policy == NULL)
        return UPF_OK;
    if (policy->base_ms == 0 || policy->stable_ms == 0 ||
        policy->cap_ms < policy->base_ms)
        return UPF_ERR_ARGUMENT;
    backoff->policy = *policy;
    return UPF_OK;
}

void upf_backoff_opened(upf_backoff *backoff, uint64_t now)
{
    backoff->open      = true;
    backoff->opened_at = now;
}

static bool was_stable(const upf_backoff *backoff, uint64_t now)
{
    return backoff->open && now >= backoff->opened_at &&
           now - backoff->opened_at >= backoff->policy.stable_ms;
}

/* The longest wait after `tries` of them. */
static uint32_t longest_wait(const upf_backoff_policy *policy, uint32_t tries)
{
    if (tries >= 32) /* base_ms << 32 is over any cap */
        return policy->cap_ms;
    const uint64_t wait = (uint64_t)policy->base_ms << tries;
    return wait < policy->cap_ms ? (uint32_t)wait : policy->cap_ms;
}

/*
 * Scale 32 random bits to [0, max]: the integer part of random / 2^32 times
 * max + 1. Unlike a remainder it does not favour the short waits.
 */
static uint32_t scale(uint32_t random, uint32_t max)
{
    return (uint32_t)(random * ((uint64_t)max + 1) >> 32);
}

bool upf_backoff_lost(upf_backoff *backoff, uint64_t now, uint32_t random,
                      uint32_t *wait_ms)
{
    assert(wait_ms != NULL);

    const upf_backoff_policy *policy = &backoff->policy;

    if (was_stable(backoff, now))
        backoff->tries = 0;
    backoff->open = false;

    if (policy->max_tries != 0 && backoff->tries >= policy->max_tries)
        return false;
    *wait_ms = scale(random, longest_wait(policy, backoff->tries));
    if (backoff->tries < UINT32_MAX)
        backoff->tries++;
    return true;
}

uint32_t upf_backoff_tries(const upf_backoff *backoff)
{
    return backoff->tries;
}

static bool status_allows(upf_status status)
{
    switch (status) {
    case UPF_OK:           /* a Close: its code decides */
    case UPF_ERR_RESPONSE: /* not a 101: the HTTP status decides */
    case UPF_ERR_EOF:
    case UPF_ERR_IO:
    case UPF_ERR_HANDSHAKE_TIMEOUT:
    case UPF_ERR_PONG_TIMEOUT:
    case UPF_ERR_CLOSE_TIMEOUT:
    case UPF_ERR_WRITE_TIMEOUT:
    case UPF_ERR_NO_MEMORY:
    case UPF_ERR_RANDOM:
        return true;
    default:
        return false;
    }
}

static bool code_allows(int code)
{
    switch (code) {
    case UPF_CLOSE_NORMAL:
    case UPF_CLOSE_PROTOCOL_ERROR:
    case UPF_CLOSE_UNSUPPORTED:
    case UPF_CLOSE_INVALID_DATA:
    case UPF_CLOSE_POLICY:
    case UPF_CLOSE_TOO_BIG:
    case UPF_CLOSE_EXTENSION:
        return false;
    default:
        return true;
    }
}

static bool http_allows(int status)
{
    switch (status) {
    case 0:   /* there was no response */
    case 101: /* Switching Protocols */
    case 408: /* Request Timeout */
    case 425: /* Too Early */
    case 429: /* Too Many Requests */
        return true;
    default:
        return status >= 500 && status <= 599;
    }
}

bool upf_may_return(upf_status status, int close_code, int http_status)
{
    return status_allows(status) && code_allows(close_code) &&
           http_allows(http_status);
}
