/* SPDX-License-Identifier: MIT */
/* peer.c - the other end of a connection under test, over a real socket. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"
#include "rawserver.h"
#include "tcp.h"

uint8_t peer_byte(uint64_t at)
{
    return (uint8_t)(at * 7 + at / 251);
}

/* ---- Sockets ------------------------------------------------------------ */

int peer_connect(int listener)
{
    struct sockaddr_in address;
    socklen_t len = sizeof address;

    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len),
                     0);
    const int fd = tcp_connect("127.0.0.1", ntohs(address.sin_port), PATIENCE);
    assert_true(fd >= 0);
    return fd;
}

static void make_small(int fd)
{
    const int size = 64 * 1024;

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size),
                     0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size),
                     0);
}

void peer_sockets(int fds[2])
{
    const int listener = tcp_listen("127.0.0.1", "0");

    assert_true(listener >= 0);
    fds[0] = peer_connect(listener);
    assert_true(readable(listener, PATIENCE));
    fds[1] = tcp_accept(listener);
    assert_true(fds[1] >= 0);
    make_small(fds[0]);
    make_small(fds[1]);
    close(listener);
}

/* ---- A life ------------------------------------------------------------- */

static void prepare(struct peer *p, int fd)
{
    *p = (struct peer){.fd = fd, .config = upf_config_default()};
    p->io = upf_io_callbacks(tcp_read, tcp_write, &p->fd);
}

void peer_begin(struct peer *p, int fd)
{
    const upf_client_request request = {.url = "ws://127.0.0.1/"};

    prepare(p, fd);
    assert_int_equal(upf_conn_init_client(&p->ws, &p->config, &request),
                     UPF_OK);
}

void peer_begin_open(struct peer *p, int fd, bool is_client)
{
    prepare(p, fd);
    assert_int_equal(upf_conn_init_open(&p->ws, &p->config, is_client, NULL),
                     UPF_OK);
}

void peer_end(struct peer *p, bool reset)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    if (reset)
        (void)setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &at_once,
                         sizeof at_once);
    close(p->fd);
    upf_conn_free(&p->ws);
}

void peer_send(struct peer *p, unsigned count, size_t len)
{
    uint8_t *data = malloc(len + 1);

    assert_non_null(data);
    for (size_t i = 0; i < len; i++)
        data[i] = peer_byte(i);
    while (count-- > 0)
        assert_int_equal(upf_send(&p->ws, UPF_OP_BINARY, data, len), UPF_OK);
    free(data);
}

static void on_message(struct peer *p, const upf_event *ev)
{
    for (size_t i = 0; i < ev->len; i++)
        if (ev->data[i] != peer_byte(i))
            fail_msg("byte %zu of a message is wrong", i);
    p->messages++;
    p->bytes += ev->len;
    if (p->echoes)
        assert_int_equal(upf_send(&p->ws, ev->opcode, ev->data, ev->len),
                         UPF_OK);
}

static void on_event(struct peer *p, const upf_event *ev)
{
    switch (ev->type) {
    case UPF_EVENT_OPEN:
        p->open = true;
        break;
    case UPF_EVENT_MESSAGE:
        on_message(p, ev);
        break;
    case UPF_EVENT_PING:
        p->pings++;
        break;
    case UPF_EVENT_CLOSE:
        p->over   = true;
        p->status = ev->status;
        p->close  = ev->close;
        break;
    default:
        break;
    }
}

void peer_turn(struct peer *p)
{
    upf_status status;
    upf_event  ev;

    if (p->deaf) {
        (void)upf_io_flush(&p->io, &p->ws);
        return;
    }
    while ((status = upf_io_next(&p->io, &p->ws, &ev)) == UPF_OK)
        on_event(p, &ev);
    if (status == UPF_DONE && !p->stays) /* all is said */
        (void)shutdown(p->fd, SHUT_WR);
}
