/* SPDX-License-Identifier: MIT */
/* upframe/status.h - every outcome, its text, and what the peer is told. */
#ifndef UPFRAME_STATUS_H
#define UPFRAME_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What a function returns. UPF_OK is 0; positive values are not faults;
 * UPF_ERR_* are negative, and each names one cause.
 */
typedef enum upf_status {
    UPF_OK = 0,

    UPF_NEED_MORE   = 1, /* the bytes so far are sound, but not complete */
    UPF_WANT_READ   = 2, /* nothing to do before more bytes arrive */
    UPF_WANT_WRITE  = 3, /* nothing to do before output has drained */
    UPF_WANT_ANSWER = 4, /* the application must act: a deferred request waits
                            for upf_accept() or upf_refuse(), or (upf_io_next())
                            reading is held */
    UPF_DONE        = 5, /* the CLOSE event was delivered: there is no more */

    /* One frame, judged from its own bytes (RFC 6455, section 5) */
    UPF_ERR_OPCODE  = -1, /* reserved opcode */
    UPF_ERR_CONTROL = -2, /* control frame fragmented or over 125 bytes */
    UPF_ERR_LENGTH  = -3, /* length not in its shortest form, or over 2^63-1 */
    UPF_ERR_RSV     = -4, /* RSV bit that no negotiated extension defines */
    UPF_ERR_MASK    = -5, /* client frame unmasked, or server frame masked */

    /* A message, judged from its frames */
    UPF_ERR_CONTINUATION    = -6,  /* continuation without a message */
    UPF_ERR_INTERLEAVED     = -7,  /* new message inside an unfinished one */
    UPF_ERR_UTF8            = -8,  /* text that is not UTF-8 */
    UPF_ERR_FRAME_TOO_BIG   = -9,  /* over upf_config.max_frame */
    UPF_ERR_MESSAGE_TOO_BIG = -10, /* over upf_config.max_message */
    UPF_ERR_FRAGMENTS       = -11, /* over upf_config.max_fragments */
    UPF_ERR_EXTENSION_DATA  = -12, /* payload that its extension rejects */

    /* The peer's Close frame */
    UPF_ERR_CLOSE_LENGTH = -13, /* a payload of one byte */
    UPF_ERR_CLOSE_CODE   = -14, /* a close code that must not be sent */
    UPF_ERR_CLOSE_REASON = -15, /* a reason that is not UTF-8 */

    /* The opening handshake, either side (RFC 9112; RFC 6455, section 4) */
    UPF_ERR_HTTP         = -16, /* not the syntax of an HTTP head */
    UPF_ERR_HTTP_VERSION = -17, /* not HTTP/1.1 (or a later 1.x) */
    UPF_ERR_HEAD_TOO_BIG = -18, /* over a upf_config.max_head* limit */
    UPF_ERR_METHOD       = -19, /* a WebSocket handshake that is not a GET */
    UPF_ERR_TARGET       = -20, /* request-target in no form that we accept */
    UPF_ERR_HOST         = -21, /* Host that is not a host and port */
    UPF_ERR_BODY         = -22, /* a handshake that announces a body */
    UPF_ERR_NOT_UPGRADE  = -23, /* sound HTTP, but not for a WebSocket */
    UPF_ERR_CONNECTION   = -24, /* Connection lacks the token "upgrade" */
    UPF_ERR_KEY          = -25, /* Sec-WebSocket-Key is not 16 bytes */
    UPF_ERR_VERSION      = -26, /* Sec-WebSocket-Version is not 13 */
    UPF_ERR_ORIGIN       = -27, /* Origin neither the Host's nor allowed */
    UPF_ERR_SUBPROTOCOL  = -28, /* a subprotocol that is not a token */
    UPF_ERR_EXTENSION    = -29, /* Sec-WebSocket-Extensions is malformed */
    UPF_ERR_REFUSED      = -30, /* the application answered with a refusal */
    UPF_ERR_RESPONSE     = -31, /* the server's answer is not a 101 */
    UPF_ERR_UPGRADE      = -32, /* a 101 whose Upgrade is not "websocket" */
    UPF_ERR_ACCEPT       = -33, /* Sec-WebSocket-Accept does not fit the key */

    /* The transport, the clock and the machine */
    UPF_ERR_EOF               = -34, /* the stream ended before a Close */
    UPF_ERR_IO                = -35, /* reading or writing failed */
    UPF_ERR_HANDSHAKE_TIMEOUT = -36,
    UPF_ERR_PONG_TIMEOUT      = -37, /* silent after our ping */
    UPF_ERR_CLOSE_TIMEOUT     = -38, /* silent after our Close */
    UPF_ERR_NO_MEMORY         = -39,
    UPF_ERR_RANDOM            = -40, /* the random source failed */

    /* The caller; nothing was changed */
    UPF_ERR_STATE      = -41, /* not now: before OPEN, after Close, … */
    UPF_ERR_ARGUMENT   = -42, /* an argument outside its contract */
    UPF_ERR_QUEUE_FULL = -43, /* over upf_config.max_queued: send later */
    UPF_ERR_URL        = -44, /* not a ws:// or wss:// URL */

    UPF_ERR_WRITE_TIMEOUT        = -45, /* the peer takes no waiting output */

    /* The opening handshake again: what a server may find in a request */
    UPF_ERR_REQUEST_LINE         = -46, /* not "GET /path HTTP/1.1" */
    UPF_ERR_TARGET_TOO_BIG       = -47, /* the request line is over a limit */
    UPF_ERR_TARGET_CHARACTER     = -48, /* a blank or control character */
    UPF_ERR_TARGET_FRAGMENT      = -49, /* "#" in the request-target */
    UPF_ERR_AUTHORITY            = -50, /* a URL that Host contradicts */
    UPF_ERR_NO_PROXY             = -51, /* CONNECT: we are not a proxy */
    UPF_ERR_BODY_LENGTH          = -52, /* plain HTTP, body of unclear length */
    UPF_ERR_UPGRADE_STRIPPED     = -53, /* a key, but no Upgrade: websocket */
    UPF_ERR_VERSION_REPEATED     = -54, /* Sec-WebSocket-Version twice */
    UPF_ERR_SUBPROTOCOL_REPEATED = -55, /* one subprotocol offered twice */
    UPF_ERR_SUBPROTOCOL_COUNT    = -56, /* more than 32 subprotocols */

    /* The stream ended during the opening handshake */
    UPF_ERR_NO_REQUEST           = -57, /* before the request was complete */
    UPF_ERR_NO_RESPONSE          = -58, /* before it was answered */

    /* The opening handshake again: in a request */
    UPF_ERR_HOST_MISSING         = -59,
    UPF_ERR_HOST_REPEATED        = -60,
    UPF_ERR_KEY_MISSING          = -61,
    UPF_ERR_KEY_REPEATED         = -62,
    UPF_ERR_ORIGIN_REPEATED      = -63, /* neither of the two is trusted */

    /* In a response */
    UPF_ERR_SUBPROTOCOL_NOT_OFFERED = -64,
    UPF_ERR_SUBPROTOCOL_LINES    = -65, /* Sec-WebSocket-Protocol twice */
    UPF_ERR_EXTENSION_NOT_OFFERED = -66,
    UPF_ERR_EXTENSION_REPEATED   = -67, /* one extension named twice */
    UPF_ERR_EXTENSION_PARAMETERS = -68 /* they do not answer our offer */
} upf_status;

#define UPF_STATUS_LAST UPF_ERR_EXTENSION_PARAMETERS /* the most negative one */

/* RFC 6455, section 7.4.1 and the IANA registry. */
typedef enum upf_close_code {
    UPF_CLOSE_NORMAL          = 1000,
    UPF_CLOSE_GOING_AWAY      = 1001,
    UPF_CLOSE_PROTOCOL_ERROR  = 1002,
    UPF_CLOSE_UNSUPPORTED     = 1003,
    UPF_CLOSE_NO_STATUS       = 1005, /* reported only: Close without code */
    UPF_CLOSE_ABNORMAL        = 1006, /* reported only: no Close at all */
    UPF_CLOSE_INVALID_DATA    = 1007,
    UPF_CLOSE_POLICY          = 1008,
    UPF_CLOSE_TOO_BIG         = 1009,
    UPF_CLOSE_EXTENSION       = 1010, /* clients only */
    UPF_CLOSE_INTERNAL_ERROR  = 1011,
    UPF_CLOSE_SERVICE_RESTART = 1012,
    UPF_CLOSE_TRY_AGAIN_LATER = 1013,
    UPF_CLOSE_BAD_GATEWAY     = 1014
} upf_close_code;

/*
 * The enumerator's name, "UPF_ERR_UTF8"; what it means, as a phrase without a
 * full stop, "text that is not UTF-8"; the section that sets the rule, "RFC
 * 6455, 8.1", or "" if the rule is this library's own. Static strings, never
 * NULL; any value may be passed.
 */
const char *upf_status_name(upf_status status);
const char *upf_status_text(upf_status status);
const char *upf_status_section(upf_status status);

/*
 * The close code that tells the peer of `status`: 1002, 1007, 1008, 1009 or
 * 1011; 0 where no Close is sent (outcomes of the opening handshake, a
 * transport that is lost or blocked, a closing handshake that timed out, caller
 * errors, values that are not faults).
 */
int upf_status_close_code(upf_status status);

/*
 * The HTTP status with which a server answers a handshake that failed with
 * `status`: 400, 403, 405, 408, 414, 426, 431 or 500; 0 if a server's handshake
 * does not fail with it, or is not answered.
 */
int upf_status_http(upf_status status);

#ifdef __cplusplus
}
#endif

#endif
