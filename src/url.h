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
 * a port from 1 to 65535, or nothing after the colon. User information is
 * refused. `authority` is written on success only.
 */
bool upf_authority_parse(upf_str text, struct upf_authority *authority);

/* Whether `text` is a scheme (RFC 3986, section 3.1). */
bool upf_is_scheme(upf_str text);

/*
 * Reduce a request target to its path and query (RFC 9112, section 3.2).
 *
 *   target  a path stays as it is. A ws, wss, http or https URL becomes its
 *           path and query: "?q" if it has no path; if it has neither, "/", but
 *           "*" in an OPTIONS. The target "*" is for OPTIONS only.
 *   host    the Host field's value, sound or empty. If the target is a URL, it
 *           must name the same host and port, and *host becomes the URL's
 *           authority. Section 3.2.2 would have Host ignored; but a proxy on
 *           the way may have routed the request by Host.
 *
 * Returns UPF_OK; or, with nothing changed, UPF_ERR_TARGET, _TARGET_CHARACTER
 * or _TARGET_FRAGMENT. For a URL it may also return UPF_ERR_AUTHORITY if Host
 * names another server, UPF_ERR_HOST if Host is empty, or UPF_ERR_HOST_MISSING
 * if there is no Host.
 */
upf_status upf_target_split(upf_str *target, upf_str *host, bool is_options);

/* Whether `origin` is "http://" or "https://" followed by exactly the bytes of
 * `host`. Then upf_origin_allowed() need not be asked. The caller has made sure
 * that upf_authority_parse() accepts `host`. */
bool upf_is_origin_of(upf_str origin, upf_str host);

#endif
