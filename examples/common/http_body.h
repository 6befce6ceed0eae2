/* SPDX-License-Identifier: MIT */
/* http_body.h - the body of a POST that comes where WebSockets come, too. */
#ifndef EXAMPLES_HTTP_BODY_H
#define EXAMPLES_HTTP_BODY_H

#include <stddef.h>
#include "server.h"

/*
 * At a REQUEST event with UPF_ERR_NOT_UPGRADE: put the answer off and read the
 * body. When it is here, done() is called, which answers with upf_refuse(); the
 * request can be read again with upf_conn_request(). Answered here, and done()
 * is not called: a body without Content-Length (411), one over `max` bytes
 * (413), one that is not here after another handshake_timeout (408), an Expect
 * other than "100-continue" (417). Who expects "100 Continue" gets it.
 */
void http_read_body(client *c, const upf_request *request, size_t max,
                    void (*done)(client *c, const char *body, size_t len));

/* Answer with a line of text. */
void http_answer(client *c, int status, const char *text);

#endif
