/* SPDX-License-Identifier: MIT */
/* frame.c - the RFC 6455 frame header, section 5.2. */

#include <assert.h>
#include <string.h>

#include "bytes.h"
#include "frame.h"

#define PAYLOAD_LEN_MAX ((UINT64_C(1) << 63) - 1)

_Static_assert(UPF_FRAME_HEADER_MAX == 2 + 8 + 4, "sum of the wire fields");
_Static_assert(UPF_CONTROL_PAYLOAD_MAX < UPF_LEN7_THEN_16_BITS,
               "a control frame never carries an extended length");

/* The external definitions, used where a call is not inlined (C11, 6.7.4). */
extern inline size_t upf_frame_header_size(uint64_t payload_len, bool masked);
extern inline size_t upf_frame_header_put(uint8_t *out, unsigned bits,
                                          unsigned masked,
                                          uint64_t payload_len);

/* Three opcodes are defined for data frames, and three for control frames
 * (section 5.2). */
static bool is_reserved(upf_opcode opcode)
{
    return (opcode & 0x7) > 2;
}

upf_status upf_frame_header_parse(const uint8_t *in, size_t in_len,
                                  upf_frame_header *header,
                                  size_t           *header_len)
{
    assert(in != NULL || in_len == 0);

    upf_frame_header h = {0};

    /* FIN, RSV1-3, opcode */
    if (in_len < 1)
        return UPF_NEED_MORE;
    h.fin    = (in[0] & 0x80) != 0;
    h.rsv    = (in[0] >> 4) & 0x07;
    h.opcode = (upf_opcode)(in[0] & 0x0F);
    if (is_reserved(h.opcode))
        return UPF_ERR_OPCODE;
    if (upf_frame_is_control(h.opcode) && !h.fin)
        return UPF_ERR_CONTROL;

    /* MASK, 7-bit length */
    if (in_len < 2)
        return UPF_NEED_MORE;
    h.masked = (in[1] & 0x80) != 0;
    const unsigned len7 = in[1] & 0x7F;
    if (upf_frame_is_control(h.opcode) && len7 > UPF_CONTROL_PAYLOAD_MAX)
        return UPF_ERR_CONTROL;

    /* Extended length: only if no shorter form can hold it (section 5.2) */
    size_t pos = 2; /* bytes of the header read so far */
    h.payload_len = len7;
    if (len7 == UPF_LEN7_THEN_16_BITS) {
        if (in_len < pos + 2)
            return UPF_NEED_MORE;
        h.payload_len = upf_load_be16(in + pos);
        pos += 2;
        if (h.payload_len < UPF_LEN7_THEN_16_BITS)
            return UPF_ERR_LENGTH;
    } else if (len7 == UPF_LEN7_THEN_64_BITS) {
        if (in_len < pos + 8)
            return UPF_NEED_MORE;
        h.payload_len = upf_load_be64(in + pos);
        pos += 8;
        if (h.payload_len <= UINT16_MAX || h.payload_len > PAYLOAD_LEN_MAX)
            return UPF_ERR_LENGTH;
    }

    /* Masking key */
    if (h.masked) {
        if (in_len < pos + sizeof h.mask_key)
            return UPF_NEED_MORE;
        memcpy(h.mask_key, in + pos, sizeof h.mask_key);
        pos += sizeof h.mask_key;
    }

    assert(pos <= UPF_FRAME_HEADER_MAX);
    *header     = h;
    *header_len = pos;
    return UPF_OK;
}

size_t upf_frame_header_write(const upf_frame_header *header, uint8_t *out)
{
    assert(header->payload_len <= PAYLOAD_LEN_MAX);

    const unsigned bits = (header->fin ? 0x80u : 0u) |
                          (header->rsv & 0x07u) << 4 |
                          ((unsigned)header->opcode & 0x0Fu);
    if (!header->masked)
        return upf_frame_header_put(out, bits, 0, header->payload_len);
    const size_t len =
        upf_frame_header_put(out, bits, 0x80, header->payload_len);
    memcpy(out + len, header->mask_key, sizeof header->mask_key);
    return len + sizeof header->mask_key;
}
