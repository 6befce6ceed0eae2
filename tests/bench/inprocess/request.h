/* SPDX-License-Identifier: MIT */
/* request.h - a browser's opening handshake: 12 header lines, 506 bytes. */
#ifndef BENCH_REQUEST_H
#define BENCH_REQUEST_H

enum { BENCH_REQUEST_LEN = 506, BENCH_REQUEST_LINES = 12 };

static const char bench_request[] =
    "GET /ws HTTP/1.1\r\n"
    "Host: chat.example.com\r\n"
    "Connection: Upgrade\r\n"
    "Pragma: no-cache\r\n"
    "Cache-Control: no-cache\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n"
    "Upgrade: websocket\r\n"
    "Origin: https://chat.example.com\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-GB,en-US;q=0.9,en;q=0.8\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    "\r\n";

_Static_assert(sizeof bench_request - 1 == BENCH_REQUEST_LEN, "506 bytes");

/* What its key must be answered with (RFC 6455, section 1.3). */
#define BENCH_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

#endif
