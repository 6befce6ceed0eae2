/* SPDX-License-Identifier: MIT */
/* shared.h - a message that is encoded once, for many connections. */
#ifndef UPF_SHARED_H
#define UPF_SHARED_H

#include <stddef.h>
#include <stdint.h>

#include <upframe/conn.h>

#include "atomics.h"

struct upf_shared {
    const upf_config  *config;
    UPF_ATOMIC(size_t) references;
    size_t             payload_len;
    size_t             len;     /* of `frame` */
    uint8_t            frame[]; /* header and payload, not masked */
};

static inline void upf_shared_keep(upf_shared *shared)
{
    upf_atomic_increment(&shared->references);
}

#endif
