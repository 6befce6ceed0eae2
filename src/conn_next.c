/* SPDX-License-Identifier: MIT */
/* conn_next.c - the next event; a message of up to 16 bytes at once. */

#include <assert.h>

#include "conn_next.h"
#include "kernels.h"

/* The key, twice, for a place `by` bytes further on. */
static uint64_t keys_at(uint32_t key, size_t by)
{
    uint8_t  bytes[12];
    uint64_t keys;

    memcpy(bytes, &key, 4);
    memcpy(bytes + 4, &key, 4);
    memcpy(bytes + 8, &key, 4);
    memcpy(&keys, bytes + by % 4, sizeof keys);
    return keys;
}

upf_status upf_conn_next(upf_conn *conn, upf_input *input, upf_event *event)
{
    enum { HEADER = 2 + KEY_LEN, WORD = 8 };
    assert(input != NULL && event != NULL);
    assert(input->data != NULL || input->len == 0);
    uint8_t *data = input->data;

    if (input->len < HEADER)
        return upf_kernels()->next(conn, input, event);
    const uint8_t first = data[0];
    const size_t  len   = data[1] ^ MASKED; /* over 127 without a mask */
    if ((first != FIN_TEXT && first != FIN_BINARY) || len > 2 * WORD ||
        len >= conn->quick || len > input->len - HEADER)
        return upf_kernels()->next(conn, input, event);

    if (len >= WORD) {
        /* Two words that overlap. The second ends where the payload ends, so
         * that no store overlaps the next frame's header. */
        uint32_t key;
        uint64_t head, tail;

        memcpy(&key, data + 2, KEY_LEN);
        memcpy(&head, data + HEADER, WORD);
        memcpy(&tail, data + HEADER + len - WORD, WORD);
        head ^= keys_at(key, 0);
        tail ^= keys_at(key, len);
        if (first == FIN_TEXT &&
            ((head | tail) & UINT64_C(0x8080808080808080)) != 0)
            return upf_kernels()->next(conn, input, event);
        memcpy(data + HEADER, &head, WORD);
        memcpy(data + HEADER + len - WORD, &tail, WORD);
    } else if (len > 0) {
        return upf_kernels()->next(conn, input, event);
    }
    return deliver_whole(conn, input, event, first, HEADER, len);
}
