/* SPDX-License-Identifier: MIT */
/* host.h - whether a request means this server: against DNS rebinding. */
#ifndef EXAMPLES_HOST_H
#define EXAMPLES_HOST_H

#include <stdbool.h>
#include <upframe/handshake.h>
#include "options.h"

/*
 * A page of evil.example whose name was made to lead to this machine is of the
 * origin evil.example, and so is its request's Host: to compare these two is no
 * protection. So a server answers only to the names that it was told.
 *
 * Whether the host (its port does not matter) that the request names is
 * "localhost", the address at which the connection `fd` has reached us, or one
 * of `names`. An OPTIONS request, with which load balancers ask whether the
 * server is well, may name none (HTTP/1.0): browsers always name one.
 */
bool host_is_ours(const upf_request *request, int fd,
                  const option_list *names);

#endif
