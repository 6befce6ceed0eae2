/* SPDX-License-Identifier: MIT */
/*
 * test_tls.c - TLS behind the pump's callbacks (examples/common/tls.c).
 *
 * Both ends are in this program, over a socket pair that holds less than a
 * record, so that a write is put off again and again. Nothing waits: they take
 * turns. Without OpenSSL, or its command that makes certificates, the tests are
 * skipped.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <upframe/io.h>

#include "support/certs.h"
#include "tcp.h"
#include "tls.h"

enum {
    RECORD = 16 * 1024,  /* payload of the largest TLS record */
    SIZE   = 1000 * 1000,
    MORE   = 700,        /* is offered each time that a write is repeated */
    TURNS  = 100 * 1000  /* whoever needs more has failed */
};

static cert_path certificate, key, other_certificate;
static bool      has_certificates;

static int begin_all(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    has_certificates  = certs_begin();
    certificate       = certs_path("here.pem");
    key               = certs_path("here.key");
    other_certificate = certs_path("impostor.pem");
    return 0;
}

static int end_all(void **state)
{
    (void)state;
    certs_end();
    return 0;
}

static void need_tls(void)
{
#ifndef EXAMPLE_TLS
    skip(); /* built without OpenSSL: there is no TLS to test */
#endif
    if (!has_certificates)
        skip(); /* there is no openssl command to make certificates */
}

/* ---- Two ends ----------------------------------------------------------- */

static struct {
    int          fds[2]; /* the client's, the server's */
    tls_context *contexts[2];
    tls_stream  *client, *server;
} ends;

static void begin_sockets(void)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.fds), 0);
    for (int i = 0; i < 2; i++) {
        tcp_set_blocking(ends.fds[i], false);
        tcp_set_send_buffer(ends.fds[i], 4096);
    }
}

static void begin_streams(const char *trusted, const char *host)
{
    begin_sockets();
    ends.contexts[0] = tls_client(trusted);
    ends.contexts[1] = tls_server(certificate.text, key.text);
    assert_non_null(ends.contexts[0]);
    assert_non_null(ends.contexts[1]);
    ends.client = tls_connect(ends.contexts[0], ends.fds[0], host);
    ends.server = tls_accept(ends.contexts[1], ends.fds[1]);
    assert_non_null(ends.client);
    assert_non_null(ends.server);
}

static int begin(void **state)
{
    (void)state;
    memset(&ends, 0, sizeof ends);
    ends.fds[0] = ends.fds[1] = -1;
    return 0;
}

static int end(void **state)
{
    (void)state;
    tls_free(ends.client);
    tls_free(ends.server);
    for (int i = 0; i < 2; i++) {
        tls_context_free(ends.contexts[i]);
        if (ends.fds[i] >= 0)
            close(ends.fds[i]);
    }
    return 0;
}

static bool is_put_off(ptrdiff_t n)
{
    return n == UPF_IO_WANT_READ || n == UPF_IO_WANT_WRITE;
}

/* ---- A write that was put off ------------------------------------------- */

/* Two copies of what is sent, and what was received. */
static uint8_t copies[2][SIZE], received[SIZE + 1];

/* Read what has arrived, behind the first `len` bytes; returns how much there
 * is then. */
static size_t read_all(tls_stream *from, size_t len)
{
    ptrdiff_t n;

    while ((n = tls_read(from, received + len, sizeof received - len)) > 0)
        len += (size_t)n;
    assert_true(is_put_off(n));
    return len;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/*
 * All of it goes from one end to the other. A write that is put off is repeated
 * from the other copy and with more behind it: what it takes then is what it
 * was offered first, or a record of that.
 */
static void send_all(tls_stream *from, tls_stream *to)
{
    static const size_t offers[] = {3000, RECORD, 1, 50000};
    size_t   sent = 0, got = 0;
    unsigned turn = 0, repeated = 0;

    memset(received, 0, sizeof received);
    for (unsigned i = 0; sent < SIZE; i++) {
        const size_t left  = SIZE - sent;
        const size_t first = least(left, offers[i % 4]);
        size_t       len   = first;
        ptrdiff_t    n;

        while (is_put_off(n = tls_write(from, copies[turn % 2] + sent, len))) {
            got = read_all(to, got);
            len = least(left, len + MORE);
            assert_in_range(++turn, 0, TURNS);
        }
        assert_int_equal(n, least(first, RECORD));
        repeated += len > first;
        sent += (size_t)n;
    }
    assert_true(repeated > SIZE / RECORD / 2);
    while ((got = read_all(to, got)) < SIZE)
        assert_in_range(++turn, 0, TURNS);
    assert_int_equal(got, SIZE);
    assert_memory_equal(received, copies[0], SIZE);
}

/* The first write is put off by the handshake. */
static void a_write_that_was_put_off_may_come_from_elsewhere(void **state)
{
    (void)state;
    need_tls();
    for (size_t i = 0; i < SIZE; i++)
        copies[0][i] = copies[1][i] = (uint8_t)(i * 7 + i / 251);
    begin_streams(certificate.text, "localhost");
    send_all(ends.client, ends.server);
    send_all(ends.server, ends.client);
    assert_null(tls_error(ends.client));
    assert_null(tls_error(ends.server));
}

/* ---- Why a stream failed ------------------------------------------------ */

/* Both ends read, until the client's has failed; that is for ever. */
static void assert_fails(const char *why)
{
    uint8_t   byte = 0;
    ptrdiff_t n;

    for (unsigned turn = 0;
         is_put_off(n = tls_read(ends.client, &byte, 1)); turn++) {
        assert_in_range(turn, 0, TURNS);
        if (ends.server != NULL)
            (void)tls_read(ends.server, &byte, 1);
    }
    assert_int_equal(n, UPF_IO_ERROR);
    assert_int_equal(tls_read(ends.client, &byte, 1), UPF_IO_ERROR);
    assert_int_equal(tls_write(ends.client, &byte, 1), UPF_IO_ERROR);
    const char *said = tls_error(ends.client);
    assert_non_null(said);
    if (strncmp(said, why, strlen(why)) != 0)
        fail_msg("\"%s\" should begin with \"%s\"", said, why);
}

static void a_certificate_that_is_not_trusted_is_named(void **state)
{
    (void)state;
    uint8_t byte;

    need_tls();
    begin_streams(other_certificate.text, "localhost");
    assert_fails("the certificate is not accepted: ");
    assert_non_null(strstr(tls_error(ends.client), "--ca FILE"));
    /* The other end is told, and knows why, too. */
    assert_int_equal(tls_read(ends.server, &byte, 1), UPF_IO_ERROR);
    assert_non_null(tls_error(ends.server));
}

static void so_is_one_for_another_host(void **state)
{
    (void)state;
    need_tls();
    begin_streams(certificate.text, "elsewhere.example");
    assert_fails("the certificate is not accepted: ");
    assert_non_null(strstr(tls_error(ends.client), "ostname"));
    assert_null(strstr(tls_error(ends.client), "--ca"));
}

static void a_peer_that_speaks_no_tls_is_told_of(void **state)
{
    (void)state;
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\n\r\n";

    need_tls();
    begin_streams(certificate.text, "localhost");
    tls_free(ends.server);
    ends.server = NULL;
    assert_int_equal(write(ends.fds[1], answer, sizeof answer - 1),
                     sizeof answer - 1);
    assert_fails("wrong version number: no TLS is spoken there; try ws://");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
        TEST(a_write_that_was_put_off_may_come_from_elsewhere),
        TEST(a_certificate_that_is_not_trusted_is_named),
        TEST(so_is_one_for_another_host),
        TEST(a_peer_that_speaks_no_tls_is_told_of),
    };

    return cmocka_run_group_tests_name("tls", tests, begin_all, end_all);
}
