/* SPDX-License-Identifier: MIT */
/* conn_next.c - the next event; a message of up to 16 bytes at once. */

#include <assert.h>

#include "conn_next.h"

static inline upf_status longer(upf_conn *conn, upf_input *input,
                                upf_event *event)
{
    return upf_kernels()->next(conn, input, event, upf_conn_next_slowly);
}

/* A masking key, twice, for a place `by` bytes further on; as in memory. */
static inline uint64_t turned(uint64_t key, uint32_t by)
{
    const uint16_t one  = 1;
    const unsigned bits = by % 4 * 8;
    uint8_t        first;

    memcpy(&first, &one, sizeof first);
    return first ? key >> bits | key << (-bits & 63)  /* little-endian */
                 : key << bits | key >> (-bits & 63);
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
    if ((len - WORD > WORD && len != 0) || len >= conn->quick ||
        len > input->len - HEADER)
        return longer(conn, input, event);

    /* The event first, as far as the compiler knows payload may be in it. */
    deliver_whole(conn, input, event, FIN_BINARY, HEADER, len);
    if (len > 0) {
        /* Two words that overlap. The second ends where the payload ends, so
         * that no store overlaps the next frame's header. */
        uint32_t key;
        uint64_t head, tail;

        memcpy(&key, data + 2, sizeof key);
        data += HEADER;
        memcpy(&head, data, WORD);
        memcpy(&tail, data + len - WORD, WORD);
        const uint64_t keys = key * UINT64_C(0x100000001);
        head ^= keys;
        tail ^= turned(keys, len);
        memcpy(data, &head, WORD);
        memcpy(data + len - WORD, &tail, WORD);
    }
    return UPF_OK;
}
