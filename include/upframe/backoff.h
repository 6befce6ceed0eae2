/* SPDX-License-Identifier: MIT */
/*
 * upframe/backoff.h - whether and when a client reconnects.
 *
 * When a server restarts, all its clients lose it at the same moment. So that
 * they do not all return at the same moment too, RFC 6455 (section 7.2.3) asks
 * for a random delay before the first attempt to reconnect, and for longer
 * delays after each failure. This is that policy and nothing else: time and
 * randomness are arguments; it opens no connection, reads no clock and
 * allocates nothing.
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
    uint32_t base_ms;   /* the longest first wait: 5 s */
    uint32_t cap_ms;    /* the longest wait, at least base_ms: 2 min */
    uint32_t stable_ms; /* failures are forgotten once open so long: 1 min */
    uint32_t max_tries; /* attempts in a row before giving up; 0 (default):
                           never give up */
} upf_backoff_policy;

upf_backoff_policy upf_backoff_default(void);

/* Caller-owned, plain data: copy it, store it. The fields are private. */
typedef struct upf_backoff {
    upf_backoff_policy policy;
    uint64_t           opened_at; /* meaningful while `open` */
    uint32_t           tries;     /* waits since last open for stable_ms */
    bool               open;
} upf_backoff;

/*
 * Begin, with no failure known.
 *
 *   policy  copied; NULL for the defaults
 *
 * Returns UPF_OK, or UPF_ERR_ARGUMENT if base_ms or stable_ms is 0 or cap_ms
 * is below base_ms: each of these could make a client reconnect without a
 * pause. The defaults are then used, so that a caller who ignores the error
 * does no harm.
 */
upf_status upf_backoff_init(upf_backoff              *backoff,
                            const upf_backoff_policy *policy);

/*
 * The connection is open: call it on the OPEN event, not when the transport
 * has connected.
 *
 *   now  milliseconds of any clock that does not jump, as for upf_conn_tick()
 */
void upf_backoff_opened(upf_backoff *backoff, uint64_t now);

/*
 * The connection has ended, or an attempt to connect has failed at whatever
 * point: whether and how long to wait before the next attempt.
 *
 * The wait is drawn from all of [0, min(cap_ms, base_ms * 2^n)] ("full
 * jitter": clients that lost their server together return spread over the
 * whole time). n is the number of waits since a connection was last open for
 * stable_ms without a break. So the waits also grow for a server that accepts
 * connections and drops them right after OPEN, not only for one that refuses
 * them.
 *
 *   now      by the clock of upf_backoff_opened(). If that clock went back, the
 *            connection counts as not having been open.
 *   random   32 random bits, fresh for each call. They need not be secret,
 *            but must differ between clients that start together: neither
 *            the time nor a constant seed will do. All waits are equally
 *            likely, to within one part in 2^32 / (the longest wait + 1).
 *   wait_ms  written only when true is returned. If the server sent
 *            Retry-After, add that: see upf_retry_after()
 *
 * Returns whether to try again: false once max_tries waits have led to no
 * stable connection.
 */
bool upf_backoff_lost(upf_backoff *backoff, uint64_t now, uint32_t random,
                      uint32_t *wait_ms);

/* How many waits upf_backoff_lost() has returned since a connection was last
 * stable. */
uint32_t upf_backoff_tries(const upf_backoff *backoff);

/*
 * Whether it makes sense to reconnect. Only an outcome that is final by its
 * own meaning says no; anything else may have been a proxy on the way, a server
 * that is being replaced, or one broken answer, and the growing waits limit
 * what a needless attempt costs. Call it when the network or the server ended
 * the connection; after the application's own upf_close(), the application
 * decides.
 *
 *   status       of the CLOSE event; UPF_ERR_IO if the transport failed to
 *                connect
 *   close_code   close.code of the CLOSE event; 0 or 1006 without one
 *   http_status  response.status of the CLOSE event; 0 without a response
 *
 * Each of the three can forbid it:
 *
 *   reconnect?             why
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
 *     never  301, 308      the resource has moved for good: see Location
 *     never  401, 403, 407 refused without other credentials
 *     never  410           the resource is gone for good
 *     never  414, 431      the request is too long, and would be again
 *     yes    429, 503      but not earlier than Retry-After says, if present:
 *                          see upf_retry_after()
 *     yes    all others    302, 303, 307 are temporary; 400, 404, 426 and 5xx
 *                          also come from proxies that cannot reach their
 *                          server or are misconfigured; 200 from a page served
 *                          in the WebSocket's place
 *
 * Where the answer is yes, wait as upf_backoff_lost() says: up to cap_ms, while
 * no connection becomes stable.
 */
bool upf_may_return(upf_status status, int close_code, int http_status);

#define UPF_RETRY_AFTER_MAX_S 86400 /* a day */

/*
 * How long the server asks clients to stay away (RFC 9110, section 10.2.3). Add
 * it to the wait of upf_backoff_lost(), so that clients that were told the same
 * time do not return at the same moment.
 *
 *   value       `len` characters: the value of the response's Retry-After, as
 *               upf_header_find() finds it
 *   now_unix_s  the time in seconds since 1970, for a value that is a date
 *               ("Sun, 06 Nov 1994 08:49:37 GMT"); 0 if not known: then a date
 *               is not understood
 *   wait_ms     written only when true is returned; a day at most, so that a
 *               wrong value does not keep the client away for ever. A date that
 *               has passed gives 0.
 *
 * Returns whether `value` was understood.
 */
bool upf_retry_after(const char *value, size_t len, int64_t now_unix_s,
                     uint32_t *wait_ms);

#ifdef __cplusplus
}
#endif

#endif
