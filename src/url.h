/* SPDX-License-Identifier: MIT */
/* url.h - host and port, as URLs, Host and Origin write them (RFC 3986). */
#ifndef UPF_URL_H
#define UPF_URL_H

#include <stdbool.h>
#include <stdint.h>

#include <upframe/handshake.h>

struct upf_authority {
    upf_str  host; /* an IPv6 address in its brackets */
    uint16_t port; /* 0: none was given */
};

/*
 * Split host[:port]: a name, an IPv4 address, or an IPv6 address in brackets;
 * a port from 1 to 65535, or nothing behind the colon. User information is
 * refused. `authority` is written on success only.
 */
bool upf_authority_parse(upf_str text, struct upf_authority *authority);

/*
 * Whether a server takes `target` (RFC 9112, section 3.2): a path, or a whole
 * http(s):// or ws(s):// URL whose authority is that of the Host field.
 */
bool upf_is_request_target(upf_str target, upf_str host);

/* Whether `origin` is http(s):// and then, letter by letter, `host`, which
 * upf_authority_parse() found sound: upf_origin_allowed() need not be asked. */
bool upf_is_origin_of(upf_str origin, upf_str host);

#endif
