/* SPDX-License-Identifier: MIT */
/*
 * deflate_params.h - the parameters of permessage-deflate (RFC 7692, section
 * 7.1): what a client offers, what a server makes of it, what a client makes of
 * the answer. Pure functions over text.
 *
 * A window is given in bits, 8 to 15. What an end wants (struct
 * upf_deflate_wish) can also be 0: to carry no window from one message to the
 * next.
 */
#ifndef UPF_DEFLATE_PARAMS_H
#define UPF_DEFLATE_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <upframe/str.h>

#define UPF_DEFLATE_NAME "permessage-deflate"

enum { UPF_WINDOW_MIN = 8, UPF_WINDOW_MAX = 15 };

/* What one end wants for the messages that it sends, and receives: a window that
 * is carried on, at most so large; or 0. */
struct upf_deflate_wish {
    uint8_t send, receive;
};

/* One direction, as agreed on: no distance is longer than the window; `takeover`
 * is whether it reaches back into the messages before. */
struct upf_deflate_flow {
    uint8_t window;
    bool    takeover;
};

struct upf_deflate_terms {
    struct upf_deflate_flow server, client; /* by who sends */
    bool names_server_window;               /* the answer has to */
};

/* The longest text that the two functions write. */
#define UPF_DEFLATE_TEXT_MAX                                                   \
    (sizeof "; server_no_context_takeover; client_no_context_takeover"         \
            "; server_max_window_bits=15; client_max_window_bits=15" - 1)

/*
 * Client: the parameters to offer, as in "; client_max_window_bits". `out` has
 * room for UPF_DEFLATE_TEXT_MAX bytes. Returns how many were written.
 */
size_t upf_deflate_offer(const struct upf_deflate_wish *wish, char *out);

/*
 * Server: judge one offer's parameters. False if it has to be declined (section
 * 7.1: unknown, repeated or malformed parameters); else the terms that meet it
 * and `wish` best.
 */
bool upf_deflate_accept(const struct upf_deflate_wish *wish, upf_str params,
                        struct upf_deflate_terms *terms);

/* Server: the parameters of the answer, as for upf_deflate_offer(). */
size_t upf_deflate_answer(const struct upf_deflate_terms *terms, char *out);

/*
 * Client: judge the answer to the offer that upf_deflate_offer() made of the
 * same `wish`. False if the connection has to be failed: for what would make an
 * offer be declined, and for terms that do not meet the offer.
 */
bool upf_deflate_agree(const struct upf_deflate_wish *wish, upf_str params,
                       struct upf_deflate_terms *terms);

#endif
