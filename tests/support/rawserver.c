/* SPDX-License-Identifier: MIT */
/* rawserver.c - a server on a raw socket that can fail in any way. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <upframe/handshake.h>

#include "rawserver.h"
#include "tcp.h"

bool readable(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, ms) == 1;
}

bool has_arrived(int fd, int ms)
{
    const uint64_t give_up = clock_ms() + (uint64_t)ms;
    int            left    = 0;

#ifdef TIOCOUTQ
    while (ioctl(fd, TIOCOUTQ, &left) == 0 && left > 0) {
        if (clock_ms() >= give_up)
            return false;
        (void)poll(NULL, 0, 1);
    }
#endif
    return left == 0;
}

/* ---- Up and down ------------------------------------------------------ */

static int bind_port(struct rawserver *s)
{
    struct sockaddr_in address = {.sin_family      = AF_INET,
                                  .sin_port        = htons(s->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    const int on  = 1;
    const int fd  = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, len) != 0)
        fail_msg("cannot bind port %u", s->port);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    s->port = ntohs(address.sin_port);
    return fd;
}

void rawserver_begin(struct rawserver *s)
{
    *s = (struct rawserver){.listener = -1, .peer = -1};
    s->reserve = bind_port(s);
    rawserver_start(s);
}

void rawserver_end(struct rawserver *s)
{
    if (s->listener >= 0)
        close(s->listener);
    if (s->peer >= 0)
        close(s->peer);
    close(s->reserve);
}

void rawserver_start(struct rawserver *s)
{
    s->listener = bind_port(s);
    assert_int_equal(listen(s->listener, 16), 0);
}

void rawserver_stop(struct rawserver *s)
{
    close(s->listener);
    s->listener = -1;
}

/* ---- One connection --------------------------------------------------- */

void rawserver_accept(struct rawserver *s)
{
    assert_true(readable(s->listener, PATIENCE));
    s->peer = accept(s->listener, NULL, NULL);
    assert_true(s->peer >= 0);
    (void)fcntl(s->peer, F_SETFD, FD_CLOEXEC);
}

void rawserver_cut(struct rawserver *s, bool reset)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    if (reset)
        (void)setsockopt(s->peer, SOL_SOCKET, SO_LINGER, &at_once,
                         sizeof at_once);
    close(s->peer);
    s->peer = -1;
}

void rawserver_finish(struct rawserver *s)
{
    char dropped[4096];

    assert_int_equal(shutdown(s->peer, SHUT_WR), 0);
    do
        assert_true(readable(s->peer, PATIENCE));
    while (recv(s->peer, dropped, sizeof dropped, 0) > 0);
    rawserver_cut(s, false);
}

void rawserver_put(struct rawserver *s, const void *data, size_t len)
{
    assert_int_equal(send(s->peer, data, len, MSG_NOSIGNAL), len);
}

static uint8_t get_byte(struct rawserver *s)
{
    uint8_t byte;

    assert_true(readable(s->peer, PATIENCE));
    assert_int_equal(recv(s->peer, &byte, 1, 0), 1);
    return byte;
}

/* ---- The opening handshake -------------------------------------------- */

void rawserver_read_head(struct rawserver *s, size_t max)
{
    s->head[0] = '\0';
    for (size_t len = 0; len < max && strstr(s->head, "\r\n\r\n") == NULL;) {
        assert_true(len < sizeof s->head - 1);
        s->head[len++] = (char)get_byte(s);
        s->head[len]   = '\0';
    }
}

bool rawserver_accept_request(struct rawserver *s)
{
    char byte;

    rawserver_accept(s);
    assert_true(readable(s->peer, PATIENCE));
    if (recv(s->peer, &byte, 1, MSG_PEEK) != 1)
        return false;
    rawserver_read_head(s, sizeof s->head);
    return true;
}

size_t rawserver_response(const struct rawserver *s, char *out, size_t size)
{
    static const char name[] = "Sec-WebSocket-Key: ";
    char accept[UPF_ACCEPT_LEN + 1];
    const char *key = strstr(s->head, name);

    assert_non_null(key);
    assert_int_equal(upf_accept_key(key + strlen(name), UPF_KEY_LEN, accept),
                     UPF_OK);
    return (size_t)snprintf(out, size,
                            "HTTP/1.1 101 Switching Protocols\r\n"
                            "Upgrade: websocket\r\n"
                            "Connection: Upgrade\r\n"
                            "Sec-WebSocket-Accept: %s\r\n\r\n",
                            accept);
}

/* ---- Frames ----------------------------------------------------------- */

size_t rawserver_frame(uint8_t *out, upf_opcode opcode, const void *data,
                       size_t len)
{
    const upf_frame_header header = {
        .opcode = opcode, .fin = true, .payload_len = len};
    const size_t at = upf_frame_header_write(&header, out);

    memcpy(out + at, data, len);
    return at + len;
}

void rawserver_put_close(struct rawserver *s, int code, const char *reason)
{
    uint8_t payload[UPF_CONTROL_PAYLOAD_MAX];
    uint8_t frame[sizeof payload + UPF_FRAME_HEADER_MAX];
    const size_t len = strlen(reason);

    assert_true(len <= UPF_CLOSE_REASON_MAX);
    payload[0] = (uint8_t)(code >> 8);
    payload[1] = (uint8_t)code;
    memcpy(payload + 2, reason, len);
    rawserver_put(s, frame,
                  rawserver_frame(frame, UPF_OP_CLOSE, payload, len + 2));
}

static size_t read_frame(struct rawserver *s, upf_frame_header *header,
                         char payload[256])
{
    uint8_t bytes[UPF_FRAME_HEADER_MAX];
    size_t  len = 0, header_len;

    do {
        assert_true(len < sizeof bytes);
        bytes[len++] = get_byte(s);
    } while (upf_frame_header_parse(bytes, len, header, &header_len) ==
             UPF_NEED_MORE);
    assert_true(header->masked);
    assert_true(header->payload_len < 256);
    for (len = 0; len < header->payload_len; len++)
        payload[len] = (char)get_byte(s);
    payload[len] = '\0';
    upf_mask(payload, payload, len, header->mask_key, 0);
    return len;
}

size_t rawserver_read(struct rawserver *s, upf_opcode opcode,
                      char payload[256])
{
    upf_frame_header header;
    size_t len;

    do
        len = read_frame(s, &header, payload);
    while (header.opcode != opcode);
    return len;
}

int rawserver_read_close(struct rawserver *s)
{
    char payload[256];

    assert_true(rawserver_read(s, UPF_OP_CLOSE, payload) >= 2);
    return (uint8_t)payload[0] << 8 | (uint8_t)payload[1];
}
