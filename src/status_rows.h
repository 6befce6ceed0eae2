/* SPDX-License-Identifier: MIT */
/*
 * status_rows.h - one row for every outcome: what it means, what the peer sees.
 *
 * The including file defines the macros that it wants; the others expand to
 * nothing, and after the include none is defined.
 *
 *   SECTION(name, text)
 *   ROW(status, section, close, http, text)
 *     section  NONE: the rule is this library's own
 *     close    close code; 0: no Close is sent
 *     http     HTTP status; 0: no request is answered with this outcome
 *   ADVICE(status, text)
 *     what the person who reads a server's refusal can do
 */

#ifndef SECTION
#define SECTION(name, text)
#endif
#ifndef ROW
#define ROW(status, section, close, http, text)
#endif
#ifndef ADVICE
#define ADVICE(status, text)
#endif

/* clang-format off */
SECTION(NONE,           "")
SECTION(RFC6455_3,      "RFC 6455, 3")
SECTION(RFC6455_4_1,    "RFC 6455, 4.1")
SECTION(RFC6455_4_2_1,  "RFC 6455, 4.2.1")
SECTION(RFC6455_4_2_2,  "RFC 6455, 4.2.2")
SECTION(RFC6455_4_4,    "RFC 6455, 4.4")
SECTION(RFC6455_5_1,    "RFC 6455, 5.1")
SECTION(RFC6455_5_2,    "RFC 6455, 5.2")
SECTION(RFC6455_5_4,    "RFC 6455, 5.4")
SECTION(RFC6455_5_5,    "RFC 6455, 5.5")
SECTION(RFC6455_5_5_1,  "RFC 6455, 5.5.1")
SECTION(RFC6455_5_5_3,  "RFC 6455, 5.5.3")
SECTION(RFC6455_7_1_1,  "RFC 6455, 7.1.1")
SECTION(RFC6455_7_1_5,  "RFC 6455, 7.1.5")
SECTION(RFC6455_7_4,    "RFC 6455, 7.4")
SECTION(RFC6455_8_1,    "RFC 6455, 8.1")
SECTION(RFC6455_9,      "RFC 6455, 9")
SECTION(RFC6455_9_1,    "RFC 6455, 9.1")
SECTION(RFC6455_10_2,   "RFC 6455, 10.2")
SECTION(RFC6455_10_3,   "RFC 6455, 10.3")
SECTION(RFC6455_10_4,   "RFC 6455, 10.4")
SECTION(RFC6454_7_3,    "RFC 6454, 7.3")
SECTION(RFC6585_5,      "RFC 6585, 5")
SECTION(RFC6455_11_3_1, "RFC 6455, 11.3.1")
SECTION(RFC6455_11_3_4, "RFC 6455, 11.3.4")
SECTION(RFC6455_11_3_5, "RFC 6455, 11.3.5")
SECTION(RFC9110_9_3_6,  "RFC 9110, 9.3.6")
SECTION(RFC9110_15_5_9, "RFC 9110, 15.5.9")
SECTION(RFC9110_15_5_15, "RFC 9110, 15.5.15")
SECTION(RFC9112_2_2,    "RFC 9112, 2.2")
SECTION(RFC9112_3,      "RFC 9112, 3")
SECTION(RFC9112_3_2,    "RFC 9112, 3.2")
SECTION(RFC9112_3_2_2,  "RFC 9112, 3.2.2")
SECTION(RFC9112_6_3,    "RFC 9112, 6.3")

ROW(UPF_OK,                    NONE,          0,    0,   "success")
ROW(UPF_NEED_MORE,             NONE,          0,    0,
    "the bytes so far are the start of something")
ROW(UPF_WANT_READ,             NONE,          0,    0,
    "nothing to do before more bytes arrive")
ROW(UPF_WANT_WRITE,            NONE,          0,    0,
    "nothing to do before output has drained")
ROW(UPF_WANT_ANSWER,           NONE,          0,    0,
    "it is for the application to answer, or to read on")
ROW(UPF_DONE,                  NONE,          0,    0,
    "there is no more")

ROW(UPF_ERR_OPCODE,            RFC6455_5_2,   1002, 0,
    "reserved opcode")
ROW(UPF_ERR_CONTROL,           RFC6455_5_5,   1002, 0,
    "control frame that is fragmented or over 125 bytes")
ROW(UPF_ERR_LENGTH,            RFC6455_5_2,   1002, 0,
    "payload length not in its shortest form, or over 2^63-1")
ROW(UPF_ERR_RSV,               RFC6455_5_2,   1002, 0,
    "RSV bit that no negotiated extension defines")
ROW(UPF_ERR_MASK,              RFC6455_5_1,   1002, 0,
    "unmasked frame from a client, or masked frame from a server")

ROW(UPF_ERR_CONTINUATION,      RFC6455_5_4,   1002, 0,
    "continuation frame without a message to continue")
ROW(UPF_ERR_INTERLEAVED,       RFC6455_5_4,   1002, 0,
    "new message inside an unfinished one")
ROW(UPF_ERR_UTF8,              RFC6455_8_1,   1007, 0,
    "text that is not UTF-8")
ROW(UPF_ERR_FRAME_TOO_BIG,     RFC6455_10_4,  1009, 0,
    "frame over the size limit")
ROW(UPF_ERR_MESSAGE_TOO_BIG,   RFC6455_10_4,  1009, 0,
    "message over the size limit")
ROW(UPF_ERR_FRAGMENTS,         RFC6455_10_4,  1008, 0,
    "message of more frames than the limit")
ROW(UPF_ERR_EXTENSION_DATA,    RFC6455_9,     1007, 0,
    "payload that its extension cannot decode")

ROW(UPF_ERR_CLOSE_LENGTH,      RFC6455_5_5_1, 1002, 0,
    "Close frame with half a close code")
ROW(UPF_ERR_CLOSE_CODE,        RFC6455_7_4,   1002, 0,
    "close code that must not be sent")
ROW(UPF_ERR_CLOSE_REASON,      RFC6455_5_5_1, 1007, 0,
    "close reason that is not UTF-8")

ROW(UPF_ERR_HTTP,              RFC9112_2_2,   0,    400,
    "not the syntax of an HTTP head")
ROW(UPF_ERR_HTTP_VERSION,      RFC6455_4_1,   0,    400,
    "HTTP version other than 1.1")
ROW(UPF_ERR_HEAD_TOO_BIG,      RFC6585_5,     0,    431,
    "HTTP head over the size limit")
ROW(UPF_ERR_METHOD,            RFC6455_4_1,   0,    405,
    "WebSocket handshake with a method other than GET")
ROW(UPF_ERR_TARGET,            RFC9112_3_2,   0,    400,
    "request-target that is no path and no sound http or ws URL")
ROW(UPF_ERR_HOST,              RFC9112_3_2,   0,    400,
    "Host that is not a name or an address, with or without a port")
ROW(UPF_ERR_BODY,              RFC6455_4_2_1, 0,    400,
    "WebSocket handshake that announces a body")
ROW(UPF_ERR_NOT_UPGRADE,       RFC6455_4_2_1, 0,    426,
    "request that does not ask for a WebSocket")
ROW(UPF_ERR_CONNECTION,        RFC6455_4_1,   0,    400,
    "Connection without the token \"upgrade\"")
ROW(UPF_ERR_KEY,               RFC6455_4_2_1, 0,    400,
    "Sec-WebSocket-Key that is not 16 bytes in base64")
ROW(UPF_ERR_VERSION,           RFC6455_4_4,   0,    426,
    "Sec-WebSocket-Version other than 13")
ROW(UPF_ERR_ORIGIN,            RFC6455_10_2,  0,    403,
    "Origin that is not allowed to connect")
ROW(UPF_ERR_SUBPROTOCOL,       RFC6455_4_1,   0,    400,
    "subprotocol that is not a token")
ROW(UPF_ERR_EXTENSION,         RFC6455_9_1,   0,    400,
    "Sec-WebSocket-Extensions that is malformed")
ROW(UPF_ERR_REFUSED,           RFC6455_4_2_2, 0,    0,
    "handshake refused by the application")
ROW(UPF_ERR_RESPONSE,          RFC6455_4_1,   0,    0,
    "response other than 101 from the server")
ROW(UPF_ERR_UPGRADE,           RFC6455_4_1,   0,    0,
    "101 response whose Upgrade is not \"websocket\"")
ROW(UPF_ERR_ACCEPT,            RFC6455_4_1,   0,    0,
    "Sec-WebSocket-Accept that does not answer our key")

ROW(UPF_ERR_EOF,               RFC6455_7_1_5, 0,    0,
    "stream that ended without a Close")
ROW(UPF_ERR_IO,                RFC6455_7_1_5, 0,    0,
    "reading or writing failed")
ROW(UPF_ERR_HANDSHAKE_TIMEOUT, RFC9110_15_5_9, 0,    408,
    "opening handshake not finished in time")
/* 1011: other implementations send it, too, when a keepalive is not answered */
ROW(UPF_ERR_PONG_TIMEOUT,      RFC6455_5_5_3, 1011, 0,
    "no answer to our ping in time")
ROW(UPF_ERR_CLOSE_TIMEOUT,     RFC6455_7_1_1, 0,    0,
    "no end of the connection in time after our Close")
ROW(UPF_ERR_NO_MEMORY,         NONE,          1011, 500,
    "out of memory")
ROW(UPF_ERR_RANDOM,            RFC6455_10_3,  1011, 500,
    "the random source failed")

ROW(UPF_ERR_STATE,             NONE,          0,    0,
    "call that is not possible in this state of the connection")
ROW(UPF_ERR_ARGUMENT,          NONE,          0,    0,
    "argument outside its contract")
ROW(UPF_ERR_QUEUE_FULL,        NONE,          0,    0,
    "output queue full")
ROW(UPF_ERR_URL,               RFC6455_3,     0,    0,
    "not a ws:// or wss:// URL")
ROW(UPF_ERR_WRITE_TIMEOUT,     NONE,          0,    0,
    "no byte of what waits was written in time: the peer does not read")

ROW(UPF_ERR_REQUEST_LINE,      RFC9112_3,     0,    400,
    "first line that is not a request line of HTTP")
ROW(UPF_ERR_TARGET_TOO_BIG,    RFC9110_15_5_15, 0,  414,
    "request line over the size limit")
ROW(UPF_ERR_TARGET_CHARACTER,  RFC9112_3_2,   0,    400,
    "blank or control character in the request-target")
ROW(UPF_ERR_TARGET_FRAGMENT,   RFC9112_3_2,   0,    400,
    "fragment (\"#\") in the request-target")
ROW(UPF_ERR_AUTHORITY,         RFC9112_3_2_2, 0,    400,
    "request-target that names another host or port than Host")
ROW(UPF_ERR_NO_PROXY,          RFC9110_9_3_6, 0,    405,
    "CONNECT, which only a proxy can answer")
ROW(UPF_ERR_BODY_LENGTH,       RFC9112_6_3,   0,    400,
    "request with a body of unclear length")
ROW(UPF_ERR_UPGRADE_STRIPPED,  RFC6455_4_2_1, 0,    426,
    "Sec-WebSocket-Key without \"Upgrade: websocket\"")
ROW(UPF_ERR_VERSION_REPEATED,  RFC6455_11_3_5, 0,   400,
    "Sec-WebSocket-Version more than once")
ROW(UPF_ERR_SUBPROTOCOL_REPEATED, RFC6455_4_1, 0,   400,
    "subprotocol that is offered twice")
ROW(UPF_ERR_SUBPROTOCOL_COUNT, NONE,          0,    400,
    "more than 32 subprotocols offered")
ROW(UPF_ERR_NO_REQUEST,        RFC6455_4_2_1, 0,    0,
    "connection that ended before the request was complete")
ROW(UPF_ERR_NO_RESPONSE,       RFC6455_4_1,   0,    0,
    "connection that ended before the handshake was answered")

ROW(UPF_ERR_HOST_MISSING,      RFC9112_3_2,   0,    400,
    "request without Host")
ROW(UPF_ERR_HOST_REPEATED,     RFC9112_3_2,   0,    400,
    "Host more than once")
ROW(UPF_ERR_KEY_MISSING,       RFC6455_4_2_1, 0,    400,
    "WebSocket handshake without Sec-WebSocket-Key")
ROW(UPF_ERR_KEY_REPEATED,      RFC6455_11_3_1, 0,   400,
    "Sec-WebSocket-Key more than once")
ROW(UPF_ERR_ORIGIN_REPEATED,   RFC6454_7_3,   0,    403,
    "Origin more than once")
ROW(UPF_ERR_SUBPROTOCOL_NOT_OFFERED, RFC6455_4_1, 0, 0,
    "subprotocol in the response that we did not offer")
ROW(UPF_ERR_SUBPROTOCOL_LINES, RFC6455_11_3_4, 0,   0,
    "Sec-WebSocket-Protocol more than once in the response")
ROW(UPF_ERR_EXTENSION_NOT_OFFERED, RFC6455_4_1, 0,  0,
    "extension in the response that we did not offer")
ROW(UPF_ERR_EXTENSION_REPEATED, RFC6455_9_1,  0,    0,
    "extension that the response names twice")
ROW(UPF_ERR_EXTENSION_PARAMETERS, RFC6455_9_1, 0,   0,
    "extension parameters in the response that do not answer our offer")

ADVICE(UPF_ERR_HTTP,
    "Write each header line as \"Name: value\", with no space before the colon "
    "or the name, and end it with CR LF.")
ADVICE(UPF_ERR_REQUEST_LINE,
    "Send \"GET /path HTTP/1.1\" and CR LF; or this is not HTTP: TLS, for "
    "instance, to a port that expects none.")
ADVICE(UPF_ERR_HTTP_VERSION,
    "Use HTTP/1.1; a proxy on the way must use it, too.")
ADVICE(UPF_ERR_HEAD_TOO_BIG,
    "Send fewer or shorter header fields: cookies may be the cause.")
ADVICE(UPF_ERR_TARGET_TOO_BIG,
    "Shorten the URL: its query may be the cause.")
ADVICE(UPF_ERR_METHOD,
    "Use GET.")
ADVICE(UPF_ERR_NO_PROXY,
    "This is a server: connect to it without a proxy's CONNECT.")
ADVICE(UPF_ERR_TARGET,
    "Send a path that begins with a slash; or a ws, wss, http or https URL "
    "without user information.")
ADVICE(UPF_ERR_TARGET_CHARACTER,
    "Percent-encode it: a blank is %20.")
ADVICE(UPF_ERR_TARGET_FRAGMENT,
    "Leave out \"#\" and what follows it, or percent-encode it: %23.")
ADVICE(UPF_ERR_AUTHORITY,
    "Send the path alone, or let the URL and Host name the same server.")
ADVICE(UPF_ERR_HOST,
    "Send the server's name or address, then a colon and its port unless that "
    "is the default; brackets go around an IPv6 address.")
ADVICE(UPF_ERR_HOST_MISSING,
    "Send a Host field: the server's name and port.")
ADVICE(UPF_ERR_HOST_REPEATED,
    "Send one Host field; a proxy on the way must replace it, not add another.")
ADVICE(UPF_ERR_BODY,
    "Send neither Content-Length nor Transfer-Encoding.")
ADVICE(UPF_ERR_BODY_LENGTH,
    "Send one Content-Length, of digits, or Transfer-Encoding over HTTP/1.1.")
ADVICE(UPF_ERR_NOT_UPGRADE,
    "Connect with a WebSocket client, to a ws:// or wss:// URL; "
    "or a proxy on the way removed the Upgrade field.")
ADVICE(UPF_ERR_UPGRADE_STRIPPED,
    "A proxy on the way removed it, or the client forgot it: the proxy must "
    "pass Upgrade and Connection on, over HTTP/1.1.")
ADVICE(UPF_ERR_CONNECTION,
    "Send \"Connection: Upgrade\"; or a proxy on the way removed it.")
ADVICE(UPF_ERR_KEY,
    "Send 16 random bytes in base64, which are 24 characters that end with "
    "\"==\".")
ADVICE(UPF_ERR_KEY_MISSING,
    "Send a Sec-WebSocket-Key: 16 random bytes in base64; or a proxy on the "
    "way removed it.")
ADVICE(UPF_ERR_KEY_REPEATED,
    "Send one Sec-WebSocket-Key field.")
ADVICE(UPF_ERR_VERSION,
    "Send \"Sec-WebSocket-Version: 13\".")
ADVICE(UPF_ERR_VERSION_REPEATED,
    "Send one line \"Sec-WebSocket-Version: 13\".")
ADVICE(UPF_ERR_ORIGIN,
    "Pages of other sites may connect only if this server's configuration "
    "names their origin. If this is its own page, a proxy on the way changed "
    "Host: let it pass Host on as it came, or name the public origin.")
ADVICE(UPF_ERR_ORIGIN_REPEATED,
    "Send one Origin field; a proxy on the way must replace it, not add "
    "another, and a client that sets it must not let its library do so, too.")
ADVICE(UPF_ERR_SUBPROTOCOL,
    "Use letters, digits, \"-\" and \".\" in the names of subprotocols, and "
    "commas between them.")
ADVICE(UPF_ERR_SUBPROTOCOL_REPEATED,
    "Offer each subprotocol once.")
ADVICE(UPF_ERR_SUBPROTOCOL_COUNT,
    "Offer fewer.")
ADVICE(UPF_ERR_EXTENSION,
    "Send \"name; parameter=value\", with commas between extensions.")
/* clang-format on */

#undef SECTION
#undef ROW
#undef ADVICE
