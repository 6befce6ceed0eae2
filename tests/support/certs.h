/* SPDX-License-Identifier: MIT */
/* certs.h - certificates that the openssl command makes, for one program. */
#ifndef CERTS_H
#define CERTS_H

#include <stdbool.h>

/*
 * All in a directory of their own: each signs itself, so that who trusts one
 * trusts no other. NAME.pem is a certificate, NAME.key its key.
 *
 *   here       for 127.0.0.1 and localhost
 *   impostor   likewise, but whoever trusts `here` does not trust it
 *   elsewhere  for elsewhere.example
 *   expired    `here`, as of some days ago
 */
bool certs_begin(void); /* false: there is no openssl command that can */
void certs_end(void);

/* The path of a file there: "here.pem". */
typedef struct cert_path {
    char text[64];
} cert_path;

cert_path certs_path(const char *file);

#endif
