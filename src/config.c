/* SPDX-License-Identifier: MIT */
/* config.c - the default config, and whether a config can be used. */

#include <string.h>

#include "buf.h"
#include "conn_impl.h"
#include "random.h"
#include "str.h"

#define MIB ((size_t)1024 * 1024)

/* upframe/conn.h documents them. */
static const upf_config defaults = {
    .max_message       = 16 * MIB,
    .max_frame         = 16 * MIB,
    .max_fragments     = 100000,
    .max_head          = 16 * 1024,
    .max_head_line     = 8 * 1024,
    .max_head_lines    = 100,
    .max_body          = 4 * 1024,
    .max_queued        = 32 * MIB,
    .high_water        = 1 * MIB,
    .handshake_timeout = 10000,
    .ping_interval     = 30000,
    .pong_timeout      = 20000,
    .close_timeout     = 5000,
    .alloc             = upf_default_alloc,
    .random            = upf_random,
};

upf_config upf_config_default(void)
{
    upf_config config;

    /* At -Os, gcc would turn `return defaults` into code as long as the struct.
     * A call of memcpy() is shorter. */
    memcpy(&config, &defaults, sizeof config);
    return config;
}

const upf_config *upf_config_fallback(void)
{
    return &defaults;
}

bool upf_config_is_sound(const upf_config *config)
{
#define MUST(field, holds, why) (holds) &&
    return
#include "config_rules.h"
        true;
}
