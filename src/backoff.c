/* SPDX-License-Identifier: MIT */
/* backoff.c - truncated exponential back-off (RFC 6455, section 7.2.3); whether
 * to reconnect; Retry-After. */

#include <assert.h>
#include <stddef.h>
#include <string.h>

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

/* The longest wait, if there were `tries` waits before it. */
static uint32_t longest_wait(const upf_backoff_policy *policy, uint32_t tries)
{
    if (tries >= 32) /* base_ms << 32 is over any cap */
        return policy->cap_ms;
    const uint64_t wait = (uint64_t)policy->base_ms << tries;
    return wait < policy->cap_ms ? (uint32_t)wait : policy->cap_ms;
}

/*
 * Scale 32 random bits to [0, max]. Unlike a remainder, this does not favour
 * the short waits.
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

/* ---- Whether to reconnect ----------------------------------------------- */

/* The table of upf_may_return() in upframe/backoff.h. Each function says
 * whether one part of the outcome alone forbids to reconnect. */

static bool status_is_final(upf_status status)
{
    return status == UPF_ERR_STATE || status == UPF_ERR_ARGUMENT ||
           status == UPF_ERR_URL;
}

static bool code_is_final(int code)
{
    switch (code) {
    case UPF_CLOSE_NORMAL:
    case UPF_CLOSE_PROTOCOL_ERROR:
    case UPF_CLOSE_UNSUPPORTED:
    case UPF_CLOSE_INVALID_DATA:
    case UPF_CLOSE_POLICY:
    case UPF_CLOSE_TOO_BIG:
    case UPF_CLOSE_EXTENSION:
        return true;
    default:
        return false;
    }
}

static bool http_is_final(int status)
{
    switch (status) {
    case 301: /* Moved Permanently */
    case 308: /* Permanent Redirect */
    case 401: /* Unauthorized */
    case 403: /* Forbidden */
    case 407: /* Proxy Authentication Required */
    case 410: /* Gone */
    case 414: /* URI Too Long */
    case 431: /* Request Header Fields Too Large */
        return true;
    default:
        return false;
    }
}

bool upf_may_return(upf_status status, int close_code, int http_status)
{
    return !status_is_final(status) && !code_is_final(close_code) &&
           !http_is_final(http_status);
}

/* ---- Retry-After -------------------------------------------------------- */

/* The number that `count` digits make; -1 if one is not a digit. */
static int digits(const char *text, int count)
{
    int value = 0;

    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

/* 1 to 12; 0 if `name` is not a month. */
static int month_of(const char *name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int i = 0; i < 12; i++)
        if (memcmp(name, names + 3 * i, 3) == 0)
            return i + 1;
    return 0;
}

/* Days since 1 January 1970 in the Gregorian calendar, which has 97 leap years
 * in 400. The year is taken to begin in March: the leap day comes last. */
static int64_t days_to(int year, int month, int day)
{
    const int64_t y = month > 2 ? year : year - 1;
    const int64_t from_march = (month + 9) % 12;

    return y * 365 + y / 4 - y / 100 + y / 400 +
           (from_march * 153 + 2) / 5 + day - 1 - 719468;
}

/*
 * "Sun, 06 Nov 1994 08:49:37 GMT": the other two forms of a date are obsolete
 * (RFC 9110, section 5.6.7). False if `text` is not such a date.
 */
static bool parse_date(const char *text, size_t len, int64_t *unix_s)
{
    if (len != 29 || memcmp(text + 3, ", ", 2) != 0 || text[7] != ' ' ||
        text[11] != ' ' || text[16] != ' ' || text[19] != ':' ||
        text[22] != ':' || memcmp(text + 25, " GMT", 4) != 0)
        return false;

    const int day    = digits(text + 5, 2), month = month_of(text + 8);
    const int year   = digits(text + 12, 4), hour = digits(text + 17, 2);
    const int minute = digits(text + 20, 2), second = digits(text + 23, 2);
    if (day < 1 || day > 31 || month == 0 || year < 1970 || hour < 0 ||
        hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return false;
    *unix_s = days_to(year, month, day) * 86400 + hour * 3600 + minute * 60 +
              second;
    return true;
}

/* False if `text` is empty or not all digits. A number over the limit,
 * UPF_RETRY_AFTER_MAX_S, gives a wrong value, which is over the limit, too. So
 * the value cannot overflow. */
static bool parse_seconds(const char *text, size_t len, int64_t *seconds)
{
    int64_t value = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        if (value <= UPF_RETRY_AFTER_MAX_S)
            value = value * 10 + (text[i] - '0');
    }
    *seconds = value;
    return len > 0;
}

bool upf_retry_after(const char *value, size_t len, int64_t now_unix_s,
                     uint32_t *wait_ms)
{
    int64_t seconds, date;

    assert(value != NULL || len == 0);
    if (!parse_seconds(value, len, &seconds)) {
        if (now_unix_s <= 0 || !parse_date(value, len, &date))
            return false;
        seconds = date > now_unix_s ? date - now_unix_s : 0;
    }
    if (seconds > UPF_RETRY_AFTER_MAX_S)
        seconds = UPF_RETRY_AFTER_MAX_S;
    *wait_ms = (uint32_t)seconds * 1000;
    return true;
}
