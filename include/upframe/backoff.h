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
 *   wait_ms  written when true is returned only. A server that said
 *            Retry-After may be given the longer of the two.
 *
 * Returns whether to try again: false after max_tries returns that led to no
 * stable connection, and from then on.
 */
bool upf_backoff_lost(upf_backoff *backoff, uint64_t now, uint32_t random,
                      uint32_t *wait_ms);

/* How many waits upf_backoff_lost() has given since the last stable time. */
uint32_t upf_backoff_tries(const upf_backoff *backoff);

/*
 * Whether an ended connection is worth another one: false if the same would
 * only happen again. Call it for what the network or the server did; after
 * upf_close() it is for the application to know.
 *
 *   status       of the CLOSE event; UPF_ERR_IO if the transport failed to
 *                connect
 *   close_code   close.code of the CLOSE event; 0 or 1006 without one
 *   http_status  response.status of the CLOSE event; 0 without a response
 *
 * Each of the three can forbid it:
 *   status       the server's bytes were no sound handshake or no sound
 *                frames, exceeded a limit of ours, or the caller's own
 *                arguments were refused. A lost transport, a time-out and
 *                missing memory pass.
 *   close_code   1000 (the server has finished) and what faults this client's
 *                messages: 1002, 1003, 1007, 1008, 1009, 1010. All others
 *                allow it: 1001, 1005, 1006, 1011 to 1014 speak of the server
 *                or the way there.
 *   http_status  anything but 101, 408, 425, 429 and 5xx: a request that was
 *                redirected, unauthorized or not found stays so.
 *
 * Codes 3000 to 4999 belong to the application and are not known here. They
 * allow a return: the wait bounds what a needless one costs. An application
 * whose server says, for instance, 4001 for "account closed" tests that
 * first.
 */
bool upf_may_return(upf_status status, int close_code, int http_status);

#ifdef __cplusplus
}
#endif

#endif
