/* SPDX-License-Identifier: MIT */
/* mask.c - payload masking, RFC 6455 section 5.3. */

#include <assert.h>
#include <string.h>

#include <upframe/frame.h>
#include "kernels/kernels.h"
#include "mask.h"

void upf_mask_turned(uint8_t *dst, const uint8_t *src, size_t len,
                     uint32_t key)
{
    if (key != 0)
        upf_kernels()->mask(dst, src, len, key);
    else if (dst != src && len > 0) /* key 0 changes nothing */
        memcpy(dst, src, len);
}

void upf_mask(void *dst, const void *src, size_t len,
              const uint8_t mask_key[4], uint64_t offset)
{
    assert((dst != NULL && src != NULL) || len == 0);

    upf_mask_turned(dst, src, len, upf_mask_key_at(mask_key, offset));
}
