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

/* RFC 3986, section 3.1. */
bool upf_is_scheme(upf_str text);

/*
 * Take a request target to origin-form (RFC 9112, section 3.2).
 *
 *   target  a path stays as it is. Of a ws, wss, http or https URL its path and
 *           query are left: "/" if there is neither, "?q" if there is no path;
 *           "*" is for OPTIONS only, and what a URL with neither means there.
 *   host    the Host field's value, sound or empty. With a URL it must name the
 *           same host and port, and becomes the URL's authority: a departure
 *           from section 3.2.2, which ignores Host. A proxy may not have.
 *
 * Returns UPF_OK, or with nothing changed UPF_ERR_TARGET, _TARGET_CHARACTER,
 * _TARGET_FRAGMENT, _AUTHORITY, or UPF_ERR_HOST or _HOST_MISSING if a URL has no
 * Host to agree with.
 */
upf_status upf_target_split(upf_str *target, upf_str *host, bool is_options);

/* Whether `origin` is http(s):// and then, letter by letter, `host`, which
 * upf_authority_parse() found sound: upf_origin_allowed() need not be asked. */
bool upf_is_origin_of(upf_str origin, upf_str host);

#endif
