/* SPDX-License-Identifier: MIT */
/* ext.h - what an extension offers to a connection (RFC 6455, section 9). */
#ifndef UPF_EXT_H
#define UPF_EXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <upframe/conn.h>

struct upf_ext_state; /* one connection's state; each extension defines it */

/*
 * An extension, which upf_config.ext names: a program that names none links
 * none. It works on payloads: the bit `rsv` in a message's first frame says
 * that the payload is encoded, and is the only RSV bit that the extension may
 * use.
 */
struct upf_ext {
    const char *name; /* as negotiated: a token */
    uint8_t     rsv;  /* UPF_RSV1, _RSV2 or _RSV3 */

    /*
     * Client: write the parameters to offer ("; a=1", or nothing) to `out`.
     * Returns their length, at most `cap`.
     */
    size_t (*offer)(const struct upf_ext *ext, char *out, size_t cap);

    /*
     * Judge parameters: those of one offer (server) or of the response
     * (client). Returns UPF_OK with *state set, not to NULL. UPF_ERR_EXTENSION
     * makes a server decline the offer, and fails a client's connection with
     * UPF_ERR_EXTENSION_PARAMETERS. UPF_ERR_NO_MEMORY fails either.
     */
    upf_status (*agree)(const struct upf_ext *ext, const upf_config *config,
                        bool is_client, upf_str params,
                        struct upf_ext_state **state);

    /* Server: write the parameters agreed on, for the response, as `offer`
     * does. */
    size_t (*answer)(const struct upf_ext_state *state, char *out, size_t cap);

    /*
     * Decode a piece of an encoded message and append the result to `out`;
     * out->len must not come to more than `max`. `end` marks the last piece.
     * Returns UPF_OK, UPF_ERR_MESSAGE_TOO_BIG, UPF_ERR_EXTENSION_DATA or
     * UPF_ERR_NO_MEMORY.
     */
    upf_status (*decode)(struct upf_ext_state *state, const upf_config *config,
                         const uint8_t *data, size_t len, bool end,
                         struct upf_buf *out, uint64_t max);

    /*
     * Encode a piece of a message and append the result to `out`. For the first
     * piece, set *encoded: whether the message is sent encoded, with `rsv` set.
     * If not, `out` is ignored and the message's payload is sent as it is.
     */
    upf_status (*encode)(struct upf_ext_state *state, const upf_config *config,
                         const uint8_t *data, size_t len, bool first, bool end,
                         struct upf_buf *out, bool *encoded);

    /*
     * What was encoded since the last `settle` makes up one frame. That frame
     * was queued, if `sent`; otherwise it was refused, and the state must be
     * restored as it was before, since the peer will not see the frame. NULL if
     * no state is kept from one frame to the next.
     */
    void (*settle)(struct upf_ext_state *state, const upf_config *config,
                   bool sent);

    void (*free)(struct upf_ext_state *state, const upf_config *config);
};

#endif
