/* SPDX-License-Identifier: MIT */
/* shared.c - a message that is encoded once, for many connections. */

#include <assert.h>
#include <string.h>

#include "buf.h"
#include "conn_impl.h"
#include "frame.h"
#include "shared.h"
#include "utf8.h"

upf_shared *upf_shared_new(const upf_config *config, upf_opcode opcode,
                           const void *data, size_t len)
{
    const size_t header_len = upf_frame_header_size(len, false);

    assert(data != NULL || len == 0);
    if (opcode != UPF_OP_TEXT && opcode != UPF_OP_BINARY)
        return NULL;
    if (config == NULL)
        config = upf_config_fallback();
    if (opcode == UPF_OP_TEXT && !config->trust_sent_text &&
        !upf_utf8_is_valid(data, len))
        return NULL;
    if (len > SIZE_MAX - sizeof(upf_shared) - header_len)
        return NULL;

    upf_shared *shared =
        upf_mem_alloc(config, sizeof *shared + header_len + len);
    if (shared == NULL)
        return NULL;
    shared->config      = config;
    shared->len         = header_len + len;
    shared->payload_len = len;
    upf_atomic_store(&shared->references, 1);
    upf_frame_header_put(shared->frame, UPF_FIN | opcode, 0, len);
    if (len > 0)
        memcpy(shared->frame + header_len, data, len);
    return shared;
}

void upf_shared_free(upf_shared *shared)
{
    if (shared == NULL)
        return;
    /* The thread that frees it sees all that the others did with it. */
    if (upf_atomic_decrement(&shared->references) == 1)
        upf_mem_free(shared->config, shared, sizeof *shared + shared->len);
}
