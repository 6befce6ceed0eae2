/* SPDX-License-Identifier: MIT */
/* tls.c - wss:// for the examples: OpenSSL behind upf_read_fn, upf_write_fn. */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <upframe/io.h>
#include "tls.h"

bool tls_may_be_meant(upf_status status)
{
    return status == UPF_ERR_NO_RESPONSE || status == UPF_ERR_IO ||
           status == UPF_ERR_HTTP;
}

#ifdef EXAMPLE_TLS

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

enum { RECORD = 16 * 1024 }; /* payload of the largest TLS record */

struct tls_stream {
    SSL   *ssl;
    bool   failed;     /* OpenSSL forbids SSL_shutdown() after an error */
    size_t pending;    /* bytes that SSL_write() awaits again; 0: none */
    char   error[256];
};

/* ---- Certificates ----------------------------------------------------- */

/* The first of OpenSSL's queued reasons is nearest to the cause. */
static const char *reason(void)
{
    const unsigned long error = ERR_peek_error();

    if (ERR_GET_LIB(error) == ERR_LIB_SYS)
        return strerror(ERR_GET_REASON(error));
    if (ERR_GET_LIB(error) == ERR_LIB_SSL &&
        ERR_GET_REASON(error) == SSL_R_WRONG_VERSION_NUMBER)
        return "wrong version number: no TLS is spoken there; try ws://";
    const char *text = ERR_reason_error_string(error);
    return text != NULL ? text : "unknown error";
}

static tls_context *fail(SSL_CTX *ctx, const char *what, const char *file)
{
    fprintf(stderr, "TLS: %s%s: %s\n", what, file, reason());
    SSL_CTX_free(ctx);
    return NULL;
}

static SSL_CTX *new_context(const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new(method);

    if (ctx == NULL)
        return NULL;
    (void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    /* A repeated write's bytes are the same, but may lie elsewhere: what is
     * borrowed is copied when a write attempt is over. */
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS); /* while idle */
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
#ifdef SSL_OP_IGNORE_UNEXPECTED_EOF
    /* Truncation shows in the missing Close frame: the stream just ends. */
    SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
#endif
    /* No session is ever resumed, so no tickets: they would be written
     * behind the handshake, to a client that may be gone already. */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    (void)SSL_CTX_set_num_tickets(ctx, 0);
    return ctx;
}

tls_context *tls_server(const char *cert_file, const char *key_file)
{
    SSL_CTX *ctx = new_context(TLS_server_method());

    if (ctx == NULL)
        return fail(NULL, "cannot start OpenSSL", "");
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_file) != 1)
        return fail(ctx, "cannot use the certificate in ", cert_file);
    if (SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1)
        return fail(ctx, "cannot use the private key in ", key_file);
    if (SSL_CTX_check_private_key(ctx) != 1)
        return fail(ctx, "not the certificate's key: ", key_file);
    return (tls_context *)ctx;
}

tls_context *tls_client(const char *ca_file)
{
    SSL_CTX *ctx = new_context(TLS_client_method());

    if (ctx == NULL)
        return fail(NULL, "cannot start OpenSSL", "");
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    if (ca_file == NULL && SSL_CTX_set_default_verify_paths(ctx) != 1)
        return fail(ctx, "cannot use the system's certificates", "");
    if (ca_file != NULL &&
        SSL_CTX_load_verify_locations(ctx, ca_file, NULL) != 1)
        return fail(ctx, "cannot use the certificates in ", ca_file);
    return (tls_context *)ctx;
}

void tls_context_free(tls_context *context)
{
    SSL_CTX_free((SSL_CTX *)context);
}

/* ---- One stream ------------------------------------------------------- */

static tls_stream *new_stream(tls_context *context, int fd)
{
    tls_stream *s = calloc(1, sizeof *s);

    ERR_clear_error();
    if (s != NULL)
        s->ssl = SSL_new((SSL_CTX *)context);
    if (s == NULL || s->ssl == NULL || SSL_set_fd(s->ssl, fd) != 1) {
        fprintf(stderr, "TLS: cannot start a connection: %s\n", reason());
        if (s != NULL)
            SSL_free(s->ssl);
        free(s);
        return NULL;
    }
    return s;
}

tls_stream *tls_accept(tls_context *context, int fd)
{
    tls_stream *s = new_stream(context, fd);

    if (s != NULL)
        SSL_set_accept_state(s->ssl);
    return s;
}

tls_stream *tls_connect(tls_context *context, int fd, const char *host)
{
    tls_stream *s = new_stream(context, fd);

    if (s == NULL)
        return NULL;
    SSL_set_connect_state(s->ssl);
    /* The certificate must be for `host`: an address, or else a name. */
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(s->ssl), host) != 1) {
        SSL_set_hostflags(s->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        if (SSL_set1_host(s->ssl, host) != 1 ||
            SSL_set_tlsext_host_name(s->ssl, host) != 1) {
            fprintf(stderr, "TLS: cannot check for the host %s\n", host);
            SSL_free(s->ssl);
            free(s);
            return NULL;
        }
    }
    return s;
}

void tls_free(tls_stream *s)
{
    if (s == NULL)
        return;
    ERR_clear_error();
    if (!s->failed && SSL_is_init_finished(s->ssl))
        (void)SSL_shutdown(s->ssl);
    SSL_free(s->ssl);
    free(s);
}

const char *tls_error(const tls_stream *s)
{
    return s->error[0] != '\0' ? s->error : NULL;
}

/* What can be done, where something can. */
static const char *advice(long verdict)
{
    switch (verdict) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return "; --ca FILE names whom to trust";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "; it is for another host than the URL's";
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "; the server needs a new one, if the clock here is right";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "; is the clock here right?";
    default:
        return "";
    }
}

static ptrdiff_t failed(tls_stream *s, int error)
{
    const long verdict = SSL_get_verify_result(s->ssl);

    s->failed = true;
    if (verdict != X509_V_OK)
        snprintf(s->error, sizeof s->error,
                 "the certificate is not accepted: %s%s",
                 X509_verify_cert_error_string(verdict), advice(verdict));
    else if (error == SSL_ERROR_SSL)
        snprintf(s->error, sizeof s->error, "%s", reason());
    return UPF_IO_ERROR;
}

static ptrdiff_t io_result(tls_stream *s, int n)
{
    const int error = SSL_get_error(s->ssl, n);

    switch (error) {
    case SSL_ERROR_NONE:        return n;
    case SSL_ERROR_ZERO_RETURN: return 0;
    case SSL_ERROR_WANT_READ:   return UPF_IO_WANT_READ;
    case SSL_ERROR_WANT_WRITE:  return UPF_IO_WANT_WRITE;
    default:                    return failed(s, error);
    }
}

ptrdiff_t tls_read(void *user, void *data, size_t len)
{
    tls_stream *s = user;

    if (s->failed)
        return UPF_IO_ERROR;
    ERR_clear_error();
    return io_result(s, SSL_read(s->ssl, data, len < RECORD ? (int)len
                                                            : RECORD));
}

/*
 * A write that was put off must be repeated with the same bytes and length, or
 * OpenSSL fails. What the engine has offered comes again first, and with more
 * behind it, perhaps: so the length is all that has to be kept in mind.
 */
ptrdiff_t tls_write(void *user, const void *data, size_t len)
{
    tls_stream *s = user;

    if (s->failed)
        return UPF_IO_ERROR;
    assert(len >= s->pending);
    if (s->pending == 0)
        s->pending = len < RECORD ? len : RECORD;
    ERR_clear_error();
    const ptrdiff_t n = io_result(s, SSL_write(s->ssl, data, (int)s->pending));
    if (n > 0)
        s->pending = 0;
    return n != 0 ? n : UPF_IO_ERROR;
}

#else /* ---- Without OpenSSL --------------------------------------------- */

static void *unavailable(void)
{
    fputs("built without TLS: install OpenSSL's headers (libssl-dev) and make "
          "again\n", stderr);
    return NULL;
}

tls_context *tls_server(const char *cert_file, const char *key_file)
{
    (void)cert_file;
    (void)key_file;
    return unavailable();
}

tls_context *tls_client(const char *ca_file)
{
    (void)ca_file;
    return unavailable();
}

void tls_context_free(tls_context *context) { (void)context; }

tls_stream *tls_accept(tls_context *context, int fd)
{
    (void)context;
    (void)fd;
    return unavailable();
}

tls_stream *tls_connect(tls_context *context, int fd, const char *host)
{
    (void)context;
    (void)fd;
    (void)host;
    return unavailable();
}

void tls_free(tls_stream *stream) { (void)stream; }

ptrdiff_t tls_read(void *user, void *data, size_t len)
{
    (void)user;
    (void)data;
    (void)len;
    return UPF_IO_ERROR;
}

ptrdiff_t tls_write(void *user, const void *data, size_t len)
{
    (void)user;
    (void)data;
    (void)len;
    return UPF_IO_ERROR;
}

const char *tls_error(const tls_stream *stream)
{
    (void)stream;
    return "built without TLS";
}

#endif
