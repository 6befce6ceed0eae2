/* SPDX-License-Identifier: MIT */
/*
 * upframe/handshake.h - the opening handshake (RFC 6455, section 4) in pieces.
 *
 * A upf_conn does all of this itself; its users meet only upf_request and
 * upf_response, in events. The functions are for programs that already have an
 * HTTP stack and check the handshake there, before upf_conn_init_open().
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

/* One header field to send; both strings are NUL-terminated. */
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
 * has only a query. `host` is then the URL's authority, which must name the
 * same host and port as the Host field: where one of the two leaves the port
 * out, it is the default port of the URL's scheme. "*" is a target of OPTIONS
 * only.
 */
typedef struct upf_request {
    upf_str method;     /* "GET" */
    upf_str target;     /* "/chat?room=1"; not decoded, raw bytes included */
    upf_str headers;    /* all header lines: see upf_header_next() */
    upf_str host;       /* "example.com:8080"; if the target was a whole URL
                           without a port, its scheme's default port is meant:
                           see `target_as_sent` */
    upf_str origin;     /* data is NULL if absent: not a browser's request;
                           "" if there are several, of which none is trusted */
    upf_str key;        /* Sec-WebSocket-Key; data is NULL if absent */
    int     http_minor; /* HTTP/1.x */
    upf_str target_as_sent; /* differs from `target` for a whole URL */
} upf_request;

/* A response head, as slices of the bytes it was parsed from. */
typedef struct upf_response {
    int     status;      /* 101, 401, 503, … */
    upf_str reason;      /* "Switching Protocols"; may be empty */
    upf_str headers;     /* all header lines */
    upf_str subprotocol; /* data is NULL if none was chosen */
    upf_str body;        /* of a status other than 101: as much as was read.
                            With such a status, `data` is NULL in every upf_str
                            here that is empty */
} upf_response;

/*
 * Parse and judge a whole request head, its blank line included.
 *
 *   head     `len` bytes that end with CR LF CR LF
 *   request  slices of `head`; after an error, only what was parsed before it
 *
 * Returns
 *   UPF_OK               a WebSocket handshake to the letter (section 4.2.1)
 *   UPF_ERR_NOT_UPGRADE  sound HTTP/1.x that does not ask for a WebSocket
 *   UPF_ERR_UPGRADE_STRIPPED
 *                        the same, but with a Sec-WebSocket-Key: probably a
 *                        handshake from which a proxy dropped Upgrade
 *   UPF_ERR_HTTP, _REQUEST_LINE, _HTTP_VERSION, _METHOD, _NO_PROXY, _TARGET,
 *   _TARGET_CHARACTER, _TARGET_FRAGMENT, _HOST, _HOST_MISSING,
 *   _HOST_REPEATED, _AUTHORITY, _BODY, _BODY_LENGTH, _CONNECTION, _KEY,
 *   _KEY_MISSING, _KEY_REPEATED, _VERSION, _VERSION_REPEATED, _SUBPROTOCOL,
 *   _SUBPROTOCOL_REPEATED, _SUBPROTOCOL_COUNT, _EXTENSION
 *                        what is wrong: answer with upf_status_http()
 *
 * Origin is not checked here: see upf_request_origin_allowed().
 */
upf_status upf_request_parse(const char *head, size_t len,
                             upf_request *request);

/*
 * Take the next header field off `headers` (a copy of upf_request.headers or
 * upf_response.headers). The value has no surrounding white space. Returns
 * false when there is none left.
 */
bool upf_header_next(upf_str *headers, upf_str *name, upf_str *value);

/* Find the first field called `name`, ASCII case ignored; false if none. */
bool upf_header_find(upf_str headers, const char *name, upf_str *value);

/*
 * Whether the client's request offers the subprotocol `name` (case matters;
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
 * upf_request_origin_allowed  for a request that was parsed here
 * upf_origin_allowed          for fields from elsewhere
 *   origin   the Origin field's value; data NULL (no browser) is allowed, a
 *            value of length 0 never
 *   host     the Host field's value
 *   allowed  further origins, "https://app.example.com"; NULL-terminated, or
 *            NULL. They are compared exactly, but for ASCII case in scheme and
 *            host, and for a default port (http 80, https 443), which may be
 *            left out on either side. An origin without a host ("null",
 *            "file://") is compared byte by byte. "*" allows every origin.
 *
 * The origin is allowed if the list has it, or if it is http:// or https:// and
 * has the host and port of `host`. A port that is left out on either side is
 * the default port of the origin's scheme: http://a never matches the host
 * a:443, nor https://a the host a:80. But if the request's target was a whole
 * URL, a port that Host leaves out is the default of that URL's scheme:
 * http://a does not match wss://a. Origins of other schemes, such as
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
    upf_str  target;    /* path and query as they are in the text; may be empty
                           or start with '?' */
    uint16_t port;      /* 80 or 443 if the URL has none */
} upf_url;

/*
 * Parse `text`, NUL-terminated; `url` keeps slices of it, and is written on
 * UPF_OK only. NULL (a setting that is missing, say) is refused like "".
 *
 * Path and query need not be encoded: upf_conn_init_client() sends them as
 * browsers do. It percent-encodes blanks, quotes ("), <, > and each byte from
 * 0x80 on; ^, ` and braces in the path; ' in the query. All else, such as
 * ?x[]=1, is sent as it is, and so is a '%', whatever follows it.
 *
 * Refused with UPF_ERR_URL: another scheme, user information, an empty host or
 * one that is not ASCII, an IPv6 zone, a port outside 1 to 65535, a fragment,
 * control characters, a backslash in the path, a blank at the end.
 */
upf_status upf_url_parse(const char *text, upf_url *url);

/*
 * Why upf_url_parse() refuses `text`, as a phrase for the person who wrote it,
 * such as "a control character"; NULL if it does not. *position is then the
 * index of the first byte at fault; `position` may be NULL.
 */
const char *upf_url_fault(const char *text, size_t *position);

/* What a client asks for. Zero-initialise it; only `url` is required. */
typedef struct upf_client_request {
    const char       *url;          /* "ws://127.0.0.1:9001/chat" */
    const char       *origin;       /* sent if not NULL; must not be blank */
    const upf_header *headers;      /* Authorization, Cookie, …; see below */
    size_t            header_count;
} upf_client_request;

/*
 * Why `header` cannot be sent, as a phrase for the person who wrote it; NULL if
 * it can. The name must be a token. The value must not be NULL, nor have a
 * control character other than a tab (a line break would begin another header).
 * It must not be a header that the library writes itself: Connection,
 * Content-Length, Transfer-Encoding, Upgrade, Sec-WebSocket-*, and in a request
 * Host and Origin.
 *
 * upf_conn_init_client(), upf_accept() and upf_refuse() return
 * UPF_ERR_ARGUMENT for a header with a fault; this says for each header what
 * the fault is.
 */
const char *upf_header_fault(const upf_header *header, bool in_request);

/* ---- What servers ask of a request ------------------------------------- */

/*
 * Find the first cookie called `name` (case matters) in all Cookie fields.
 *
 *   headers  as for upf_header_find()
 *   value    a slice of `headers`, written if the cookie was found; data is
 *            never NULL then
 *
 * Semicolons separate the cookies, and white space around a name or a value is
 * not part of it (RFC 6265, section 5.4). Double quotes around a value are part
 * of it, as they are for browsers; a semicolon between them still ends the
 * value. A cookie without "=" has no name and is skipped. Of two cookies with
 * the same name, browsers send the one with the longer path first. Nothing is
 * decoded.
 */
bool upf_cookie_find(upf_str headers, const char *name, upf_str *value);

/*
 * Find the first parameter called `name` in the query of `target`, which begins
 * after the first '?'. Only '&' separates parameters.
 *
 *   target  of a upf_request or a upf_url
 *   name    not encoded: "user id" finds user+id and u%73er%20id. Case matters.
 *           A name in the query that is wrongly encoded, or holds a NUL, is
 *           never found.
 *   value   a slice of `target`, still encoded: see upf_form_decode(). Written
 *           if the parameter was found; data is never NULL then. "?name" has an
 *           empty value, like "?name=".
 */
bool upf_query_find(upf_str target, const char *name, upf_str *value);

/*
 * Undo percent-encoding (RFC 3986, section 2.1) into the caller's memory.
 *
 * upf_percent_decode  for a path: '+' is a plus
 * upf_form_decode     for a value of a query: '+' is a space, as forms and
 *                     URLSearchParams write it (encodeURIComponent() writes no
 *                     '+', so that its text is decoded right, too)
 *   text  data NULL counts as empty; must not overlap `out`
 *   out   the result and a NUL: text.len + 1 bytes are always enough
 *   size  of `out`
 *   len   may be NULL; strlen(out), written only if true is returned
 *
 * Returns false, with "" in `out` (unless size is 0), if the result and its NUL
 * do not fit; if a '%' lacks its two digits; or if `text` holds a NUL, encoded
 * or not: a C string would end there. The result is not checked: it may hold
 * control characters, and need not be UTF-8.
 */
bool upf_percent_decode(upf_str text, char *out, size_t size, size_t *len);
bool upf_form_decode(upf_str text, char *out, size_t size, size_t *len);

/*
 * Find the token of "Authorization: Bearer TOKEN" (RFC 6750, section 2.1).
 *
 *   headers  as for upf_header_find()
 *   token    a slice of `headers`, never empty, written on success only.
 *            Compare it with upf_str_equals_secret().
 *
 * Returns false if there is no Authorization field or more than one, if its
 * scheme is not Bearer (case ignored), or if the rest is not a token: letters,
 * digits and -._~+/, then any number of '='.
 */
bool upf_bearer_token(upf_str headers, upf_str *token);

#ifdef __cplusplus
}
#endif

#endif
