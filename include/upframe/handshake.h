/* SPDX-License-Identifier: MIT */
/*
 * upframe/handshake.h - the opening handshake (RFC 6455, section 4) in pieces.
 *
 * A upf_conn does all of this by itself; its users meet upf_request and
 * upf_response in events. The functions are for who has an HTTP stack already
 * and checks the handshake there, before upf_conn_init_open().
 */
#ifndef UPFRAME_HANDSHAKE_H
#define UPFRAME_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <upframe/status.h>
#include <upframe/str.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One header field to send. NUL-terminated; an array of these has a count. */
typedef struct upf_header {
    const char *name;
    const char *value;
} upf_header;

#define UPF_KEY_LEN    24 /* Sec-WebSocket-Key: 16 bytes in Base64 */
#define UPF_ACCEPT_LEN 28 /* Sec-WebSocket-Accept: 20 bytes in Base64 */

/*
 * A request head, as slices of the bytes it was parsed from.
 *
 * A target may be sent as a whole URL, "ws://example.com/chat?room=1". Then
 * `target` is the URL's path and query: "/" if it has neither, "?room=1" if it
 * has no path but a query; and `host` is its authority, which names the same
 * host and port as the Host field: a default port that one of the two leaves
 * out is that of the URL's scheme. "*" is a target of OPTIONS only.
 */
typedef struct upf_request {
    upf_str method;     /* "GET" */
    upf_str target;     /* "/chat?room=1"; not decoded, raw bytes included */
    upf_str headers;    /* all header lines: see upf_header_next() */
    upf_str host;       /* "example.com:8080"; a port that a whole URL leaves
                           out is that of its scheme, which `target_as_sent`
                           has */
    upf_str origin;     /* data is NULL: no Origin, so no browser's request;
                           "" if there are two, of which neither is trusted */
    upf_str key;        /* Sec-WebSocket-Key; data is NULL if absent */
    int     http_minor; /* HTTP/1.x */
    upf_str target_as_sent; /* mostly the same as `target` */
} upf_request;

/* A response head, likewise. */
typedef struct upf_response {
    int     status;      /* 101, 401, 503, … */
    upf_str reason;      /* "Switching Protocols"; may be empty */
    upf_str headers;     /* all header lines */
    upf_str subprotocol; /* data is NULL: none was chosen */
    upf_str body;        /* of a status other than 101: as much as was read;
                            of what is empty there, `data` is NULL */
} upf_response;

/*
 * Parse and judge a whole request head, its blank line included.
 *
 *   head     `len` bytes that end with CR LF CR LF
 *   request  slices of `head`; filled as far as parsing came
 *
 * Returns
 *   UPF_OK               a WebSocket handshake to the letter (section 4.2.1)
 *   UPF_ERR_NOT_UPGRADE  sound HTTP/1.0 or 1.1 that asks for no WebSocket
 *   UPF_ERR_UPGRADE_STRIPPED
 *                        likewise, but with a Sec-WebSocket-Key: what a proxy
 *                        makes of a handshake if it drops Upgrade
 *   UPF_ERR_HTTP, _REQUEST_LINE, _HTTP_VERSION, _METHOD, _NO_PROXY, _TARGET,
 *   _TARGET_CHARACTER, _TARGET_FRAGMENT, _HOST, _HOST_MISSING,
 *   _HOST_REPEATED, _AUTHORITY, _BODY, _BODY_LENGTH, _CONNECTION, _KEY,
 *   _KEY_MISSING, _KEY_REPEATED, _VERSION, _VERSION_REPEATED, _SUBPROTOCOL,
 *   _SUBPROTOCOL_REPEATED, _SUBPROTOCOL_COUNT, _EXTENSION
 *                        what is wrong: upf_status_http() has the answer
 *
 * Origin is not judged here: see upf_request_origin_allowed().
 */
upf_status upf_request_parse(const char *head, size_t len,
                             upf_request *request);

/*
 * Take the next header field off `headers` (the slice of a upf_request or
 * upf_response, which was found sound). The value has no surrounding white
 * space. Returns false when there is none left.
 */
bool upf_header_next(upf_str *headers, upf_str *name, upf_str *value);

/* Find the first field called `name`, case-insensitively; false if none. */
bool upf_header_find(upf_str headers, const char *name, upf_str *value);

/*
 * Whether the client's request offers the subprotocol `name` (exact case;
 * all Sec-WebSocket-Protocol lines count as one list).
 */
bool upf_request_offers(const upf_request *request, const char *name);

/*
 * The Sec-WebSocket-Accept value for `key` (sections 1.3 and 4.2.2).
 *
 *   key     the client's Sec-WebSocket-Key, without surrounding white space
 *   accept  UPF_ACCEPT_LEN characters and a NUL are written on UPF_OK only
 *
 * Returns UPF_OK, or UPF_ERR_KEY if `key` is not 16 bytes in Base64.
 */
upf_status upf_accept_key(const char *key, size_t key_len,
                          char accept[UPF_ACCEPT_LEN + 1]);

/*
 * Whether a page of `origin` may connect (section 10.2: without this check
 * any web page can use a visitor's cookies here).
 *
 * upf_request_origin_allowed  of a request that was parsed here
 * upf_origin_allowed          of fields from elsewhere
 *   origin   the Origin field's value; data NULL (no browser) is allowed
 *   host     the Host field's value
 *   allowed  further origins, "https://app.example.com", compared exactly
 *            but for ASCII case in scheme and host, and for a default port
 *            (http 80, https 443), which may be left out on either side; what
 *            has no host ("null", "file://") is compared byte by byte; ends
 *            with NULL; "*" allows every origin; may be NULL
 *
 * The origin is allowed if it is http:// or https:// and its host and port are
 * those of `host`, or if the list has it. A port that is left out on either
 * side is the default of the origin's own scheme: http://a is never of the host
 * a:443, nor https://a of a:80. A request whose target was a whole URL has a
 * scheme of its own, whose default counts instead: http://a is not of wss://a,
 * whatever Host leaves out. Origins of other schemes, such as
 * capacitor://localhost, are allowed by the list only.
 */
bool upf_request_origin_allowed(const upf_request *request,
                                const char *const *allowed);
bool upf_origin_allowed(upf_str origin, upf_str host,
                        const char *const *allowed);

/* A ws:// or wss:// URL (section 3), as slices of the text. */
typedef struct upf_url {
    bool     secure;    /* wss */
    upf_str  host;      /* without the brackets of an IPv6 address */
    upf_str  authority; /* for the Host field: without a default port */
    upf_str  target;    /* from the path on, as it is in the text; may be empty
                           or start with '?' */
    uint16_t port;      /* 80 or 443 if the URL has none */
} upf_url;

/*
 * Parse `text`, NUL-terminated; `url` keeps slices of it, and is written on
 * UPF_OK only. NULL, as of a setting that is missing, is refused like "".
 *
 * Path and query may hold what people write there: a request has it as browsers
 * send it, with a percent-encoding for blanks, quotes ("), <, > and each byte
 * from 0x80 on, for ^, ` and braces in the path, for ' in the query. All else,
 * such as ?x[]=1, goes as it is, and so does a '%', whatever follows it.
 *
 * Refused with UPF_ERR_URL: another scheme, user information, an empty host or
 * one that is not ASCII, an IPv6 zone, a port outside 1 to 65535, a fragment,
 * control characters, a backslash in the path, a blank at the end.
 */
upf_status upf_url_parse(const char *text, upf_url *url);

/*
 * Why upf_url_parse() refuses `text`, as a phrase for who wrote it, "a control
 * character"; NULL if it does not. `position` of the first byte at fault, from
 * 0 on, is written if there is one; it may be NULL.
 */
const char *upf_url_fault(const char *text, size_t *position);

/* What a client asks for. Zero-initialise it; only `url` is needed. */
typedef struct upf_client_request {
    const char       *url;          /* "ws://127.0.0.1:9001/chat" */
    const char       *origin;       /* sent if not NULL; not blank */
    const upf_header *headers;      /* Authorization, Cookie, …; see below */
    size_t            header_count;
} upf_client_request;

/*
 * Why `header` is not sent, as a phrase for who wrote it: the name is no token;
 * there is no value, or it has a control character that is no tab (a line break
 * would begin a header of its own); or it is one that the library writes
 * itself: Connection, Content-Length, Transfer-Encoding, Upgrade,
 * Sec-WebSocket-*; and in a request Host and Origin. NULL, if nothing is wrong.
 *
 * A header with a fault is UPF_ERR_ARGUMENT for upf_conn_init_client(), and for
 * upf_accept() and upf_refuse(): this says which of several, and why.
 */
const char *upf_header_fault(const upf_header *header, bool in_request);

/* ---- What servers ask of a request ------------------------------------- */

/*
 * Find the first cookie called `name` (case counts) over all Cookie fields.
 *
 *   headers  as in upf_header_find()
 *   value    a slice of `headers`, written if the cookie is there; data is
 *            never NULL then
 *
 * Pairs stand between semicolons, and white space around a name or a value is
 * no part of it (RFC 6265, section 5.4). Double quotes around a value are a
 * part of it, as they are for browsers; a semicolon between them still ends it.
 * A pair without "=" has no name and is passed over. Of two cookies of one name
 * browsers send the one of the longer path first. Nothing is decoded.
 */
bool upf_cookie_find(upf_str headers, const char *name, upf_str *value);

/*
 * Find the first parameter called `name` in the query of `target`: what stands
 * between the first '?' and the end, parted by '&' alone.
 *
 *   target  of a upf_request or a upf_url
 *   name    as it was before it was encoded: "user id" is found as user+id or
 *           u%73er%20id. Case counts. A name in the query that is encoded
 *           wrongly, or holds a NUL, is never found.
 *   value   a slice of `target`, as sent: see upf_form_decode(). Written if the
 *           parameter is there; data is never NULL then. "?name" has an empty
 *           value, like "?name=".
 */
bool upf_query_find(upf_str target, const char *name, upf_str *value);

/*
 * Undo percent-encoding (RFC 3986, section 2.1) into the caller's memory.
 *
 * upf_percent_decode  for a path: '+' is a plus
 * upf_form_decode     for a value of a query: '+' is a space, as forms and
 *                     URLSearchParams write it (encodeURIComponent() writes no
 *                     '+', so that its text is decoded right, too)
 *   text  absent is taken for empty; must not overlap `out`
 *   out   the result and a NUL: text.len + 1 bytes are always enough
 *   size  of `out`
 *   len   may be NULL; strlen(out), written if true is returned
 *
 * Returns false, with "" in `out` (nothing, if size is 0), if the result and
 * its NUL do not fit; if a '%' lacks its two digits; or if there is a NUL among
 * the characters, as %00 or as it is: a C string would end there. Whether the
 * result is UTF-8 is not looked at, and it may hold control characters.
 */
bool upf_percent_decode(upf_str text, char *out, size_t size, size_t *len);
bool upf_form_decode(upf_str text, char *out, size_t size, size_t *len);

/*
 * Find the token of "Authorization: Bearer TOKEN" (RFC 6750, section 2.1).
 *
 *   headers  as in upf_header_find()
 *   token    a slice of `headers`, never empty, written on success only.
 *            Compare it with upf_str_equals_secret().
 *
 * Returns false if there is no such field or more than one, of another scheme
 * (its case is ignored) or with what is no token: letters, digits and -._~+/,
 * then any number of '='.
 */
bool upf_bearer_token(upf_str headers, upf_str *token);

#ifdef __cplusplus
}
#endif

#endif
