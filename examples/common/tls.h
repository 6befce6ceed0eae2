/* SPDX-License-Identifier: MIT */
/*
 * tls.h - wss:// for the examples: OpenSSL behind upf_read_fn, upf_write_fn.
 *
 * Built with -DEXAMPLE_TLS where OpenSSL's headers are; without it the same
 * functions fail and say so.
 */
#ifndef EXAMPLES_TLS_H
#define EXAMPLES_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <upframe/status.h>

typedef struct tls_context tls_context; /* certificates; one a program */
typedef struct tls_stream  tls_stream;  /* TLS over one connected socket */

/* What fails says why on standard error and returns NULL. */

/* A server with this certificate chain and key, both PEM. */
tls_context *tls_server(const char *cert_file, const char *key_file);

/*
 * A client that trusts the certificates in `ca_file` (PEM) and no others, or
 * the system's if it is NULL. There is no way to trust blindly.
 */
tls_context *tls_client(const char *ca_file);

void tls_context_free(tls_context *context); /* its streams may live on */

/*
 * TLS over `fd`, which the stream uses but does not own. Nothing is read or
 * written yet: the TLS handshake is part of the first tls_read()/tls_write().
 *
 *   host  what the server's certificate must be for: a name, sent as SNI,
 *         or an IP address without brackets
 */
tls_stream *tls_accept(tls_context *context, int fd);
tls_stream *tls_connect(tls_context *context, int fd, const char *host);

/* Ends the stream, with a close_notify if it can be sent at once. NULL: no
 * effect. */
void tls_free(tls_stream *stream);

/*
 * upf_read_fn and upf_write_fn; `user` is the tls_stream. A tls_write() that
 * was put off is repeated with the same bytes, of which there may be more.
 */
ptrdiff_t tls_read(void *user, void *data, size_t len);
ptrdiff_t tls_write(void *user, const void *data, size_t len);

/* Why the stream failed, in words: "the certificate is not accepted: ...";
 * NULL if it did not. */
const char *tls_error(const tls_stream *stream);

/* Whether a ws:// handshake ends with `status` where the server awaits TLS: it
 * hangs up, or answers with an alert, which is no HTTP. */
bool tls_may_be_meant(upf_status status);

#endif
