/* SPDX-License-Identifier: MIT */
/* pump.h - a connection that the pump drives, over a scripted transport. */
#ifndef PUMP_H
#define PUMP_H

#include <upframe/io.h>

#include "run.h"
#include "script.h"

struct pump {
    struct run    run;
    struct script script;
    upf_io       *io;
    uint8_t      *buffer;   /* the caller's, or NULL */
    bool          blocking; /* the transport never puts off */

    /* The transport. */
    struct bytes said;  /* by the peer */
    size_t       heard; /* of it */
    bool         ended; /* it has nothing more, for ever */
    bool         broken;
    bool         wrote; /* a write was tried in the present call */
    size_t       calls; /* of callbacks, in the present call */
};

/* The callbacks; `user` is the pump. */
ptrdiff_t transport_read(void *user, void *data, size_t len);
ptrdiff_t transport_write(void *user, const void *data, size_t len);

#endif
