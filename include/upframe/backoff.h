/* SPDX-License-Identifier: MIT */
/*
 * upframe/backoff.h - whether and when a client comes back.
 *
 * When a server restarts, all its clients lose it at the same moment. So that
 * they do not return at the same moment too, RFC 6455 (section 7.2.3) asks
 * for a random delay before the first return and for longer ones after each
 * failure. This is that policy and nothing else: time and randomness are
 * arguments; it opens no connection, reads no clock and takes no memory.
 *
 *   upf_backoff_init(&backoff, NULL);
 *   for (;;) {
 *       connect, run the connection: upf_backoff_opened() on its OPEN event
 *       on its CLOSE event, or when the transport could not connect:
 *       if (!upf_may_return(status, close_code, http_status) ||
 *           !upf_backoff_lost(&backoff, now, random, &wait_ms))
 *           break;
 *       wait `wait_ms` milliseconds
 *   }
 */
#ifndef UPFRAME_BACKOFF_H
#define UPFRAME_BACKOFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <upframe/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Take upf_backoff_default() and change what differs. */
typedef struct upf_backoff_policy {
    uint32_t base_ms;   /* the first wait is at most this: 5 s */
    uint32_t cap_ms;    /* no wait is longer, base_ms or more: 2 min */
    uint32_t stable_ms; /* open for so long forgets all failures: 1 min */
    uint32_t max_tries; /* returns in a row, then give up; 0: never (default) */
} upf_backoff_policy;

upf_backoff_policy upf_backoff_default(void);

/* Caller-owned, plain data: copy it, store it. The fields are private. */
typedef struct upf_backoff {
    upf_backoff_policy policy;
    uint64_t           opened_at; /* meaningful while `open` */
    uint32_t           tries;     /* returns since the last stable time */
    bool               open;
} upf_backoff;

/*
 * Begin, with no failure known.
 *
 *   policy  copied; NULL for the defaults
 *
 * Returns UPF_OK, or UPF_ERR_ARGUMENT if base_ms or stable_ms is 0 or cap_ms
 * is below base_ms: any of these could make a client hammer its server. The
 * defaults are then in force, so that an unseen error does no harm.
 */
upf_status upf_backoff_init(upf_backoff              *backoff,
                            const upf_backoff_policy *policy);

/*
 * The connection is open: call it on the OPEN event, not when the transport
 * has connected.
 *
 *   now  milliseconds of any clock that does not jump, as upf_conn_tick()'s
 */
void upf_backoff_opened(upf_backoff *backoff, uint64_t now);

/*
 * The connection has ended, or an attempt at one has failed in whatever state:
 * how long to wait before the next attempt.
 *
 * The wait is drawn from all of [0, min(cap_ms, base_ms * 2^n)] ("full
 * jitter": clients that fell together return spread over the whole time), n
 * being the waits since the connection was last open for stable_ms in one
 * piece. A server that takes connections and drops them right after OPEN
 * therefore sees growing waits, like one that refuses them.
 *
 *   now      the clock of upf_backoff_opened(). A clock that went back counts
 *            as no time open.
 *   random   32 random bits, fresh for each call. They need not be secret,
 *            but must differ between clients that start together: neither
 *            the time nor a constant seed will do. Each wait's chance is
 *            even to one part in 2^32 / (the longest wait + 1).
 *   wait_ms  written when true is returned only. If the server said
 *            Retry-After, add that: see upf_retry_after()
 *
 * Returns whether to try again: false after max_tries returns that led to no
 * stable connection, and from then on.
 */
bool upf_backoff_lost(upf_backoff *backoff, uint64_t now, uint32_t random,
                      uint32_t *wait_ms);

/* How many waits upf_backoff_lost() has given since the last stable time. */
uint32_t upf_backoff_tries(const upf_backoff *backoff);

/*
 * Whether an ended connection is worth another one. Only what says of itself
 * that it is final is final; whatever else went wrong may have been a proxy on
 * the way, a server that is being replaced, or one broken answer, and the
 * growing waits bound what a needless return costs. Call it for what the
 * network or the server did; after upf_close() it is for the application to
 * know.
 *
 *   status       of the CLOSE event; UPF_ERR_IO if the transport failed to
 *                connect
 *   close_code   close.code of the CLOSE event; 0 or 1006 without one
 *   http_status  response.status of the CLOSE event; 0 without a response
 *
 * Each of the three can forbid it:
 *
 *   come back?             why
 *   status
 *     never  _ARGUMENT,    the caller's own mistake: no server was asked
 *            _URL, _STATE
 *     yes    all others    a lost transport, a time-out, missing memory; bytes
 *                          that were wrong (a Close of 1006, a page that is not
 *                          HTTP, a bad 101): the next ones may be right
 *   close_code
 *     never  1000          the server has finished
 *     never  1002, 1003,   the server faults what this client has sent, and it
 *            1007 to 1010  would send the same
 *     yes    all others    1001, 1005, 1006, 1011, 1012, 1014 speak of the
 *                          server or the way there; 1013 asks to try again
 *                          later, as do growing waits; 3000 to 4999 belong to
 *                          the application, which knows them: if its server
 *                          says 4001 for "account closed", test that first
 *   http_status
 *     never  301, 308      it is somewhere else, for good: see Location
 *     never  401, 403, 407 not without other credentials
 *     never  410           it is gone, for good
 *     never  414, 431      this request is too long, and will be so again
 *     yes    429, 503      not before what Retry-After says, if it is there:
 *                          see upf_retry_after()
 *     yes    all others    302, 303, 307 are for this time only; 400, 404, 426
 *                          and 5xx also come from proxies whose server is away,
 *                          or that are set up wrong; 200 from a page that took
 *                          its place
 *
 * Where the answer is yes, the wait is upf_backoff_lost()'s: it grows up to
 * cap_ms while the connection does not become stable.
 */
bool upf_may_return(upf_status status, int close_code, int http_status);

#define UPF_RETRY_AFTER_MAX_S 86400 /* a day */

/*
 * How long the server wants to be left alone (RFC 9110, section 10.2.3): add it
 * to the wait of upf_backoff_lost(), so that clients that were told the same do
 * not return at the same moment.
 *
 *   value       `len` characters: of the response's Retry-After, as
 *               upf_header_find() gives it
 *   now_unix_s  the time in seconds since 1970, for a value that is a date
 *               ("Sun, 06 Nov 1994 08:49:37 GMT"); 0: not known, and a date is
 *               not understood
 *   wait_ms     written when true is returned only; a day at most, so that a
 *               wrong value does not keep the client away for ever. A date that
 *               has passed gives 0.
 *
 * Returns whether `value` says it.
 */
bool upf_retry_after(const char *value, size_t len, int64_t now_unix_s,
                     uint32_t *wait_ms);

#ifdef __cplusplus
}
#endif

#endif
