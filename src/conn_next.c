/* SPDX-License-Identifier: MIT */
/* conn_next.c - the next event; a message of up to 16 bytes at once. */

#include <assert.h>

#include "conn_next.h"

static inline upf_status longer(upf_conn *conn, upf_input *input,
                                upf_event *event)
{
    return upf_kernels()->next(conn, input, event, upf_conn_next_slowly);
}

upf_status upf_conn_next(upf_conn *conn, upf_input *input, upf_event *event)
{
    enum { HEADER = 2 + KEY_LEN, WORD = 8 };
    assert(input != NULL && event != NULL);
    assert(input->data != NULL || input->len == 0);
    uint8_t *data = input->data;

    if (input->len < HEADER || data[0] != FIN_BINARY)
        return longer(conn, input, event);
    const uint32_t len = (uint32_t)data[1] - MASKED; /* immense if none */
    if (len > 2 * WORD || len >= conn->quick || len > input->len - HEADER ||
        (len > 0 && len < WORD))
        return longer(conn, input, event);

    if (len > 0) {
        /* Two words that overlap. The second ends where the payload ends, so
         * that no store overlaps the next frame's header. */
        const uint64_t key  = upf_load_be32(data + 2) * UINT64_C(0x100000001);
        const unsigned turn = len % 4 * 8;
        const uint64_t tail = upf_load_be64(data + HEADER + len - WORD) ^
                              (key << turn | key >> (-turn & 63));
        upf_store_be64(data + HEADER, upf_load_be64(data + HEADER) ^ key);
        upf_store_be64(data + HEADER + len - WORD, tail);
    }
    return deliver_whole(conn, input, event, FIN_BINARY, HEADER, len);
}
