/* SPDX-License-Identifier: MIT */
/*
 * conn_assembly.h - the block in which a connection puts together what arrives
 * in pieces: a head, a refusal's body, a message, a control frame.
 *
 * Nothing else writes conn->assembly. Who puts bytes into the block asks for
 * room after those that are there, and counts what is written to it.
 */
#ifndef UPF_CONN_ASSEMBLY_H
#define UPF_CONN_ASSEMBLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <upframe/conn.h>
#include "conn_state.h"

/* ---- Room --------------------------------------------------------------- */

/*
 * Make room for `len` bytes in all. The first `kept` of them are there already,
 * and stay. `most` is how many bytes may be there in the end, at least `len`. A
 * block that has to grow gets 4 KiB and twice `len`, or `most` if this is less;
 * one with nothing to keep is given back if it is larger than that. False if
 * there is no memory.
 */
bool upf_assembly_grow(upf_conn *conn, size_t kept, size_t len, uint64_t most);

/* The same, but for `needed` bytes, of which only `len` were received: they
 * decide how large the block gets. `needed` is at most `most`, and at most 4,000
 * more than `len`. */
bool upf_assembly_reserve(upf_conn *conn, size_t kept, size_t needed,
                          size_t len, uint64_t most);

/* ---- Content ------------------------------------------------------------ */

/* `len` bytes were written after those that were there. */
static inline void upf_assembly_add(upf_conn *conn, size_t len)
{
    conn->assembly.len += len;
}

/* Keep the first `len` bytes, and forget the others. */
static inline void upf_assembly_cut(upf_conn *conn, size_t len)
{
    conn->assembly.len = len;
}

/* Put data[0, len) into the block, in place of what was there; the block gets
 * no larger than that needs. False if there is no memory. */
bool upf_assembly_hold(upf_conn *conn, const void *data, size_t len);

/*
 * Let the extension that was agreed on append what it decodes of data[0, len).
 * `end` marks the message's last bytes. No more than `max` bytes may be in the
 * block then. Returns what its decode() returns (ext.h).
 */
upf_status upf_assembly_decode(upf_conn *conn, const uint8_t *data, size_t len,
                               bool end, uint64_t max);

/* ---- The end ------------------------------------------------------------ */

/*
 * The event at hand is over. If it lay in the block, the block is kept for the
 * next message that comes in pieces. next_any() frees the block when the input
 * is used up, so that an idle connection holds no memory.
 */
static inline void upf_assembly_end_event(upf_conn *conn)
{
    if (upf_has(conn, UPF_EVENT_IN_BLOCK))
        conn->assembly.len = 0;
    if (upf_has(conn, UPF_BLOCK_LENT)) /* it is the output's alone */
        conn->assembly.data = NULL;
    upf_clear(conn, UPF_EVENT_IS_OURS | UPF_BLOCK_LENT);
}

/* Give back the block. If it was lent to the output, the output keeps it and
 * frees it later. */
void upf_assembly_free(upf_conn *conn);

#endif
