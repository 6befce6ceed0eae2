/* SPDX-License-Identifier: MIT */
/* mask.c - payload masking, RFC 6455 section 5.3. */

#include <assert.h>
#include <string.h>

#include <upframe/frame.h>
#include "mask.h"

uint32_t upf_mask_key_at(const uint8_t mask_key[4], uint64_t offset)
{
    uint8_t turned[4];
    uint32_t key;

    for (unsigned i = 0; i < 4; i++)
        turned[i] = mask_key[(offset % 4 + i) % 4];
    memcpy(&key, turned, sizeof key);
    return key;
}

void upf_mask_turned(uint8_t *dst, const uint8_t *src, size_t len,
                     uint32_t key)
{
    uint8_t  pad[8];
    uint64_t pad_word, word;

    memcpy(pad, &key, 4);
    memcpy(pad + 4, &key, 4);
    memcpy(&pad_word, pad, sizeof pad_word);

    /* A word is a multiple of the key, so the key never turns again. */
    size_t i = 0;
    for (; len - i >= sizeof word; i += sizeof word) {
        memcpy(&word, src + i, sizeof word);
        word ^= pad_word;
        memcpy(dst + i, &word, sizeof word);
    }
    for (; i < len; i++)
        dst[i] = src[i] ^ pad[i % 4];
}

void upf_mask(void *dst, const void *src, size_t len,
              const uint8_t mask_key[4], uint64_t offset)
{
    assert((dst != NULL && src != NULL) || len == 0);

    upf_mask_turned(dst, src, len, upf_mask_key_at(mask_key, offset));
}
