/* SPDX-License-Identifier: MIT */
/* handshake.h - the opening handshake, as pure functions over whole heads. */
#ifndef UPF_HANDSHAKE_H
#define UPF_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <upframe/handshake.h>

#include "http.h"
#include "http_write.h"
#include "sha1.h"

/*
 * The upf_*_write() functions share one contract. In `o`, `room` and `of` are
 * set and all else is zero. o->room() is called once, for exactly the bytes of
 * the head; they are written and UPF_OK is returned, or UPF_ERR_NO_MEMORY if
 * there is no room. UPF_ERR_ARGUMENT is returned before that call for a field
 * with a control character or a name that is not a token, which could inject a
 * header, and for a field that only the library may write.
 */

/* Whether `key` is 16 bytes in Base64 (section 4.2.1). */
bool upf_is_key(upf_str key);

/* What Sec-WebSocket-Accept encodes: SHA-1 of key and GUID (section 4.2.2). */
void upf_accept_digest(const char key[UPF_KEY_LEN],
                       uint8_t    digest[UPF_SHA1_SIZE]);

/*
 * Client: the request for `url` (section 4.1).
 *   subprotocols  to offer: NULL-terminated, or NULL
 *   extension     the value of Sec-WebSocket-Extensions; len 0: none
 */
upf_status upf_request_write(const upf_client_request *request,
                             const upf_url *url, const char key[UPF_KEY_LEN],
                             const char *const *subprotocols,
                             upf_str extension, struct upf_http_out *o);

/*
 * Server: upf_request_parse() of a head that other bytes may follow. On UPF_OK
 * `text` is moved to the first byte after the head; after another status it
 * has no meaning.
 *   fields  written: the header fields that decide the handshake
 */
upf_status upf_request_judge(upf_str *text, upf_request *request,
                             struct upf_fields *fields);

/* Server: the 101 (section 4.2.2). `subprotocol` and `extension` are left out
 * if their len is 0. */
upf_status upf_accept_write(const uint8_t digest[UPF_SHA1_SIZE],
                            upf_str subprotocol, upf_str extension,
                            const upf_header *headers, size_t header_count,
                            struct upf_http_out *o);

/*
 * Server: any other response, body included. If `omit_body`, which is for the
 * answer to a HEAD, the body is left out, but Content-Length is the same.
 */
upf_status upf_refusal_write(int http_status, const upf_header *headers,
                             size_t header_count, const void *body,
                             size_t body_len, bool omit_body,
                             struct upf_http_out *o);

/*
 * Server: our own answer to a handshake that failed with `why`: the status of
 * upf_status_http(), the headers that this status requires (426: Upgrade and
 * Sec-WebSocket-Version; 405: Allow), and a line of text that says what to do.
 */
upf_status upf_failure_write(upf_status why, bool omit_body,
                             struct upf_http_out *o);

/*
 * Client: parse a whole response head, whatever its status. Returns UPF_OK if
 * it is sound HTTP, with `response` filled; else UPF_ERR_HTTP or
 * UPF_ERR_HTTP_VERSION.
 */
upf_status upf_response_parse(const char *head, size_t len,
                              upf_response *response);

/*
 * Client: judge a parsed 101 to the letter (section 4.1), but not its
 * extensions. Returns UPF_OK with response->subprotocol filled, or
 * UPF_ERR_UPGRADE, _CONNECTION, _ACCEPT, _SUBPROTOCOL_LINES,
 * _SUBPROTOCOL_NOT_OFFERED.
 */
upf_status upf_response_judge(upf_response *response,
                              const uint8_t     digest[UPF_SHA1_SIZE],
                              const char *const *subprotocols);

/*
 * Take the next extension off all Sec-WebSocket-Extensions lines of a head,
 * which count as one list (section 9.1). Start with *list = {NULL, 0} and
 * *headers = the head's lines.
 *   params  the extension's parameters without its name, for upf_param_next():
 *           " b; c=1" of "a; b; c=1"
 * Returns UPF_OK, UPF_DONE after the last, UPF_ERR_EXTENSION if the list breaks
 * the grammar.
 *
 * `next` is for a response, which has to be correct to the letter; `next_offer`
 * for a request, where empty elements are ignored (RFC 9110, section 5.6.1.2).
 */
upf_status upf_extension_next(upf_str *headers, upf_str *list, upf_str *name,
                              upf_str *params);
upf_status upf_extension_next_offer(upf_str *headers, upf_str *list,
                                    upf_str *name, upf_str *params);

/*
 * Take the next parameter off `params`; value->data is NULL if it has no value.
 * A quoted value comes without its quotes. False at the end.
 */
bool upf_param_next(upf_str *params, upf_str *name, upf_str *value);

/* The first of `ours` (NULL-terminated, or NULL) that the request offers. NULL
 * if it offers none of them. */
const char *upf_subprotocol_choose(const upf_request *request,
                                   const char *const *ours);

#endif
