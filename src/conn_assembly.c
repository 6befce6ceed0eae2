/* SPDX-License-Identifier: MIT */
/* conn_assembly.c - the block in which what arrives in pieces is put
 * together. */

#include <string.h>

#include "buf.h"
#include "bytes.h"
#include "conn_assembly.h"
#include "ext.h"

/* ---- Room --------------------------------------------------------------- */

/*
 * The capacity of a block in which `len` bytes have arrived, and `most` may
 * arrive in all. It depends on what was received, so that a peer gets no memory
 * for a length that it only declares. It doubles, so that the cost of moving
 * the bytes stays linear.
 */
static size_t capacity_for(size_t len, uint64_t most)
{
    enum { AHEAD = 4096 - UPF_BUF_OVERHEAD };

    return upf_lesser(most,
                      len > (SIZE_MAX - AHEAD) / 2 ? len : 2 * len + AHEAD);
}

/* Whether a longer message left a block that is larger than one may be that
 * begins with `len` bytes. */
static bool is_too_large(const upf_conn *conn, size_t len)
{
    return upf_buf_capacity(&conn->assembly) > capacity_for(len, UINT64_MAX);
}

bool upf_assembly_reserve(upf_conn *conn, size_t kept, size_t needed,
                          size_t len, uint64_t most)
{
    if (kept == 0 && is_too_large(conn, len))
        upf_assembly_free(conn);
    else if (needed <= upf_buf_capacity(&conn->assembly))
        return true;
    return upf_buf_reserve(&conn->assembly, conn->config,
                           capacity_for(len, most));
}

bool upf_assembly_grow(upf_conn *conn, size_t kept, size_t len, uint64_t most)
{
    return upf_assembly_reserve(conn, kept, len, len, most);
}

/* ---- Content ------------------------------------------------------------ */

bool upf_assembly_hold(upf_conn *conn, const void *data, size_t len)
{
    if (!upf_buf_reserve(&conn->assembly, conn->config, len))
        return false;
    memcpy(conn->assembly.data, data, len);
    conn->assembly.len = len;
    return true;
}

upf_status upf_assembly_decode(upf_conn *conn, const uint8_t *data, size_t len,
                               bool end, uint64_t max)
{
    const upf_config *config = conn->config;

    if (conn->assembly.len == 0 && is_too_large(conn, len))
        upf_assembly_free(conn);
    return config->ext->decode(conn->ext, config, data, len, end,
                               &conn->assembly, max);
}

/* ---- The end ------------------------------------------------------------ */

void upf_assembly_free(upf_conn *conn)
{
    if (upf_has(conn, UPF_BLOCK_LENT))
        conn->assembly = (struct upf_buf){NULL, 0};
    else
        upf_buf_free(&conn->assembly, conn->config);
    upf_clear(conn, UPF_EVENT_IS_OURS | UPF_BLOCK_LENT);
}
