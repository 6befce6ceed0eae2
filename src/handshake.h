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
 * The writers below share one contract: `o` has a `room` and is zeroed but for
 * that. It is asked once, for exactly the bytes of the head; if it has them,
 * they are written, and UPF_OK is returned, else UPF_ERR_NO_MEMORY.
 * UPF_ERR_ARGUMENT, before it is asked: a field that would inject (CR, LF, a
 * non-token name) or that is not the caller's.
 */

/* Whether `key` is 16 bytes in Base64 (section 4.2.1). */
bool upf_is_key(upf_str key);

/* What Sec-WebSocket-Accept encodes: SHA-1 of key and GUID (section 4.2.2). */
void upf_accept_digest(const char key[UPF_KEY_LEN],
                       uint8_t    digest[UPF_SHA1_SIZE]);

/*
 * Client: the request for `url` (section 4.1).
 *   subprotocols  NULL-terminated, or NULL: the offer
 *   extension     the value of Sec-WebSocket-Extensions; len 0: none
 */
upf_status upf_request_write(const upf_client_request *request,
                             const upf_url *url, const char key[UPF_KEY_LEN],
                             const char *const *subprotocols,
                             upf_str extension, struct upf_http_out *o);

/*
 * Server: upf_request_parse(), of a head that may have bytes behind it: `text`
 * is moved there if UPF_OK. Of another status, text->len says nothing.
 *   fields  written: what the judgement rests on
 */
upf_status upf_request_judge(upf_str *text, upf_request *request,
                             struct upf_fields *fields);

/* Server: 101 (section 4.2.2). `subprotocol` and `extension`: len 0: none. */
upf_status upf_accept_write(const uint8_t digest[UPF_SHA1_SIZE],
                            upf_str subprotocol, upf_str extension,
                            const upf_header *headers, size_t header_count,
                            struct upf_http_out *o);

/*
 * Server: any other response, body included. `omit_body`: the request was a
 * HEAD: Content-Length as if, but no body.
 */
upf_status upf_refusal_write(int http_status, const upf_header *headers,
                             size_t header_count, const void *body,
                             size_t body_len, bool omit_body,
                             struct upf_http_out *o);

/*
 * Server: our own answer to a handshake that failed with `why`: the status of
 * upf_status_http(), the headers that it demands (426: Upgrade and
 * Sec-WebSocket-Version; 405: Allow), and a line of text that says what to do.
 */
upf_status upf_failure_write(upf_status why, bool omit_body,
                             struct upf_http_out *o);

/*
 * Client: parse a whole response head. UPF_OK says that it is sound HTTP and
 * `response` is filled, whatever its status; else UPF_ERR_HTTP,
 * UPF_ERR_HTTP_VERSION.
 */
upf_status upf_response_parse(const char *head, size_t len,
                              upf_response *response);

/*
 * Client: judge a parsed 101 to the letter (section 4.1), save its
 * extensions: UPF_OK, or UPF_ERR_UPGRADE, _CONNECTION, _ACCEPT,
 * _SUBPROTOCOL_LINES, _SUBPROTOCOL_NOT_OFFERED. Fills response->subprotocol.
 */
upf_status upf_response_judge(upf_response *response,
                              const uint8_t     digest[UPF_SHA1_SIZE],
                              const char *const *subprotocols);

/*
 * Take the next extension off all Sec-WebSocket-Extensions lines of a head,
 * which count as one list (section 9.1). Start with *list = {NULL, 0} and
 * *headers = the head's lines.
 *   params  its parameters, "a; b=1", for upf_param_next()
 * Returns UPF_OK, UPF_DONE after the last, UPF_ERR_EXTENSION off the grammar.
 *
 * `next` is for a response, which a client holds to the letter; `next_offer`
 * for a request, where empty elements are ignored (RFC 9110, section 5.6.1.2).
 */
upf_status upf_extension_next(upf_str *headers, upf_str *list, upf_str *name,
                              upf_str *params);
upf_status upf_extension_next_offer(upf_str *headers, upf_str *list,
                                    upf_str *name, upf_str *params);

/*
 * Take the next parameter off `params`; value.data is NULL if it has none. A
 * quoted value was found to be a token: it comes without quotes. False at the
 * end.
 */
bool upf_param_next(upf_str *params, upf_str *name, upf_str *value);

/* The first of `ours` (NULL-terminated, or NULL) that the request offers. */
const char *upf_subprotocol_choose(const upf_request *request,
                                   const char *const *ours);

#endif
