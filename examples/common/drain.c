/* SPDX-License-Identifier: MIT */
/* drain.c - what a server tells the proxy in front of it: see drain.h. */

#include "drain.h"
#include "http_body.h"
#include "server.h"

static bool asks_for_health(const upf_event *ev)
{
    return ev->status == UPF_ERR_NOT_UPGRADE &&
           upf_str_equals(ev->request.method, "GET") &&
           upf_str_equals(ev->request.target, "/healthz");
}

bool drain_answers(const server *s, client *c, const upf_event *ev)
{
    (void)s;
    if (!asks_for_health(ev))
        return false;
    http_answer(c, 200, "Serving.\n");
    return true;
}
