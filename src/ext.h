/* SPDX-License-Identifier: MIT */
/* ext.h - what an extension offers to a connection (RFC 6455, section 9). */
#ifndef UPF_EXT_H
#define UPF_EXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <upframe/conn.h>

struct upf_ext_state; /* one connection's; each extension defines its own */

/*
 * A value, named in upf_config.ext and linked only by who names it. It works
 * on payloads: `rsv` of a message's first frame says that the payload is
 * encoded, and is the only RSV bit that the extension may claim.
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
     * Server: judge one offer's parameters. Client: judge the response's.
     * UPF_OK makes *state, not NULL. UPF_ERR_EXTENSION declines the offer, or
     * fails the client's connection, with UPF_ERR_EXTENSION_PARAMETERS.
     * UPF_ERR_NO_MEMORY fails either.
     */
    upf_status (*agree)(const struct upf_ext *ext, const upf_config *config,
                        bool is_client, upf_str params,
                        struct upf_ext_state **state);

    /* Server: the parameters agreed on, for the response; as `offer`. */
    size_t (*answer)(const struct upf_ext_state *state, char *out, size_t cap);

    /*
     * Decode a piece of an encoded message, appending to `out` at most so
     * much that out->len stays within `max`; `end` marks its last piece.
     * UPF_OK, UPF_ERR_MESSAGE_TOO_BIG, UPF_ERR_EXTENSION_DATA,
     * UPF_ERR_NO_MEMORY.
     */
    upf_status (*decode)(struct upf_ext_state *state, const upf_config *config,
                         const uint8_t *data, size_t len, bool end,
                         struct upf_buf *out, uint64_t max);

    /*
     * Encode a piece of a message, appending to `out`. *encoded, asked of the
     * first piece, says whether the message goes out with `rsv` set: if not,
     * `out` is not looked at and the message's payload is sent as it is.
     */
    upf_status (*encode)(struct upf_ext_state *state, const upf_config *config,
                         const uint8_t *data, size_t len, bool first, bool end,
                         struct upf_buf *out, bool *encoded);

    /*
     * What `encode` was called for since the last `settle`, a frame, was queued;
     * or, if not `sent`, was refused: the state is to be again as it was before,
     * since the peer will not see that frame. NULL: no state goes from one frame
     * to the next.
     */
    void (*settle)(struct upf_ext_state *state, const upf_config *config,
                   bool sent);

    void (*free)(struct upf_ext_state *state, const upf_config *config);
};

#endif
