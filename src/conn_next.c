/* SPDX-License-Identifier: MIT */
/* conn_next.c - the next event; a message of up to 16 bytes at once. */

#include "conn_next.h"
#include "mask.h"

#ifdef UPF_SMALL

upf_status upf_conn_next(upf_conn *conn, upf_input *input, upf_event *event)
{
    return upf_conn_next_slowly(conn, input, event);
}

#else

static inline upf_status longer(upf_conn *conn, upf_input *input,
                                upf_event *event)
{
    return upf_kernels()->next(conn, input, event, upf_conn_next_slowly);
}

/* No binary message. Without input no set of kernels has anything to look at. */
static inline upf_status other(upf_conn *conn, upf_input *input,
                               upf_event *event)
{
    return input->len == 0 ? upf_conn_next_slowly(conn, input, event)
                           : longer(conn, input, event);
}

upf_status upf_conn_next(upf_conn *conn, upf_input *input, upf_event *event)
{
    enum { HEADER = 2 + KEY_LEN, WORD = 8 };
    uint8_t *data = input->data;

    /* First, as the input of a connection that is over may be gone: it may have
     * lain in the block of a message that failed. */
    if (conn->quick == 0)
        return upf_conn_next_slowly(conn, input, event);
    if (input->len < HEADER || data[0] != FIN_BINARY)
        return other(conn, input, event);
    const uint32_t len = (uint32_t)data[1] - MASKED; /* immense if none */
    if ((len - WORD > WORD && len != 0) || len >= conn->quick ||
        len > input->len - HEADER)
        return longer(conn, input, event);

    /* The event first, as far as the compiler knows payload may be in it. */
    deliver_whole(conn, input, event, FIN_BINARY, HEADER, len);
    if (len > 0) {
        uint32_t key;

        memcpy(&key, data + 2, sizeof key);
        upf_mask_8_to_16(data + HEADER, data + HEADER, len, key);
    }
    return UPF_OK;
}

#endif
