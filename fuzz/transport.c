/* SPDX-License-Identifier: MIT */
/* transport.c - callbacks for the pump that do what a script says. */

#include <string.h>

#include "check.h"
#include "conn_impl.h"
#include "pump.h"

/* A call of the pump that calls back more often than this is busy waiting. */
enum { CALLS_MAX = 20000 };

/* What one byte of the script makes of a call: WHOLE when it is all read. */
enum act { WHOLE, SOME, MORE, WAIT_READ, WAIT_WRITE, AGAIN, BREAK, NOTHING };

static enum act act(struct pump *pump, size_t *most)
{
    const uint8_t byte = script_byte(&pump->script);
    enum act      what = (enum act)(byte & 7);

    CHECK(++pump->calls < CALLS_MAX, "the pump is busy");
    *most = SIZE_MAX;
    if (what == SOME)
        *most = 1 + (byte >> 3);
    else if (what == MORE)
        *most = 100 + 300 * (size_t)(byte >> 3);
    else if (pump->blocking && (what == WAIT_READ || what == WAIT_WRITE))
        what = WHOLE;
    else if (what >= BREAK && byte >> 3 != 1)
        what = WHOLE; /* it ends seldom */
    return what;
}

ptrdiff_t transport_read(void *user, void *data, size_t len)
{
    struct pump    *pump = user;
    const upf_conn *conn = pump->run.conn;
    size_t          most;

    CHECK(len > 0, "a read of nothing");
    CHECK(upf_conn_wants(conn) & UPF_WANTS_READ, "read, though not wanted");
    CHECK(conn->state != UPF_STATE_CLOSING && conn->state != UPF_STATE_OVER,
          "read, though CLOSE waits or was delivered");
    memset(data, 0x11, len); /* all of it is there */
    const enum act what = act(pump, &most);
    if (pump->broken || what == BREAK) {
        pump->broken = true;
        return UPF_IO_ERROR;
    }
    if (what == WAIT_READ || what == WAIT_WRITE || what == AGAIN)
        return what == WAIT_READ    ? UPF_IO_WANT_READ
               : what == WAIT_WRITE ? UPF_IO_WANT_WRITE
                                    : UPF_IO_INTERRUPTED;
    const size_t left = pump->said.len - pump->heard;
    size_t       n    = len < most ? len : most;
    n = n < left ? n : left;
    if (what == NOTHING || n == 0) {
        pump->ended = true;
        pump->heard = pump->said.len;
        return pump->run.plan->ending == END_SILENCE && !pump->blocking
                   ? UPF_IO_WANT_READ : 0;
    }
    memcpy(data, pump->said.data + pump->heard, n);
    pump->heard += n;
    pump->run.received += n;
    run_allow(&pump->run);
    return (ptrdiff_t)n;
}

ptrdiff_t transport_write(void *user, const void *data, size_t len)
{
    struct pump *pump = user;
    size_t       most;

    CHECK(len > 0, "a write of nothing");
    CHECK(!pump->broken, "written, though the transport is broken");
    CHECK(!pump->run.lost, "written, though output is lost");
    pump->wrote = true;
    const enum act what = act(pump, &most);
    switch (what) {
    case WAIT_READ:  return UPF_IO_WANT_READ;
    case WAIT_WRITE: return UPF_IO_WANT_WRITE;
    case AGAIN:      return UPF_IO_INTERRUPTED;
    case NOTHING:    return pump->blocking ? UPF_IO_INTERRUPTED : 0;
    case BREAK:      pump->broken = true; return UPF_IO_ERROR;
    case WHOLE:
    case SOME:
    case MORE:       break;
    }
    const size_t n = len < most ? len : most;
    bytes_add(&pump->run.output, data, n);
    return (ptrdiff_t)n;
}
