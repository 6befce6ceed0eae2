/* SPDX-License-Identifier: MIT */
/* shared.h - a message that is encoded once, for many connections. */
#ifndef UPF_SHARED_H
#define UPF_SHARED_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <upframe/conn.h>

struct upf_shared {
    const upf_config *config;
    atomic_size_t     references;
    size_t            payload_len;
    size_t            len;     /* of `frame` */
    uint8_t           frame[]; /* of a server: header, payload */
};

static inline void upf_shared_keep(upf_shared *shared)
{
    atomic_fetch_add_explicit(&shared->references, 1, memory_order_relaxed);
}

#endif
