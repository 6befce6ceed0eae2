/* SPDX-License-Identifier: MIT */
/* fuzz_frame.c - the frame header, against a decoder of its own. */

#include <string.h>

#include <upframe/frame.h>

#include "bytes.h"
#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What the header says, read off section 5.2's picture; false: not yet all. */
static bool decode(const uint8_t *in, size_t len, upf_frame_header *header,
                   size_t *header_len)
{
    memset(header, 0, sizeof *header);
    if (len < 2)
        return false;
    const size_t extended = in[1] % 128 == 126 ? 2 : in[1] % 128 == 127 ? 8 : 0;
    *header_len = 2 + extended + (in[1] >= 128 ? 4 : 0);
    if (len < *header_len)
        return false;
    header->fin         = in[0] >= 128;
    header->rsv         = in[0] / 16 % 8;
    header->opcode      = (upf_opcode)(in[0] % 16);
    header->masked      = in[1] >= 128;
    header->payload_len = extended ? 0 : in[1] % 128;
    for (size_t i = 0; i < extended; i++)
        header->payload_len = header->payload_len * 256 + in[2 + i];
    if (header->masked)
        memcpy(header->mask_key, in + 2 + extended, 4);
    return true;
}

/* What is wrong with a header that is here so far, or UPF_NEED_MORE. */
static upf_status judge(const uint8_t *in, size_t len)
{
    upf_frame_header header;
    size_t           header_len = 0;

    if (len < 1)
        return UPF_NEED_MORE;
    const unsigned opcode = in[0] % 16;
    if (strchr("\1\2\10\11\12", (int)opcode) == NULL && opcode != 0)
        return UPF_ERR_OPCODE;
    if (opcode >= 8 && (in[0] < 128 || (len > 1 && in[1] % 128 > 125)))
        return UPF_ERR_CONTROL;
    /* The length is known four bytes before the key. */
    const bool whole = decode(in, len, &header, &header_len);
    if (!whole && (len < 2 || in[1] < 128 || len < header_len - 4))
        return UPF_NEED_MORE;
    const unsigned form = in[1] % 128;
    uint64_t value = 0;
    for (size_t i = 2; form > 125 && i < (form == 126 ? 4u : 10u); i++)
        value = value * 256 + in[i];
    if ((form == 126 && value < 126) ||
        (form == 127 && (value < 65536 || value >> 63 != 0)))
        return UPF_ERR_LENGTH;
    return whole ? UPF_OK : UPF_NEED_MORE;
}

static upf_status parse(const uint8_t *data, size_t len,
                        upf_frame_header *header, size_t *header_len)
{
    uint8_t         *copy   = exact_copy(data, len);
    const upf_status status =
        upf_frame_header_parse(copy, len, header, header_len);

    free(copy);
    return status;
}

static void check_prefix(const uint8_t *data, size_t len)
{
    upf_frame_header got, expected, untouched;
    size_t           got_len = 99, expected_len = 0;
    uint8_t          out[UPF_FRAME_HEADER_MAX];

    memset(&got, 0xEE, sizeof got);
    memcpy(&untouched, &got, sizeof got);
    const upf_status status = parse(data, len, &got, &got_len);

    CHECK(status == judge(data, len), "%s of %zu bytes",
          upf_status_name(status), len);
    if (status != UPF_OK) {
        CHECK(memcmp(&got, &untouched, sizeof got) == 0 && got_len == 99,
              "written although %s", upf_status_name(status));
        CHECK(status != UPF_NEED_MORE || len < UPF_FRAME_HEADER_MAX,
              "more than the longest header is wanted");
        return;
    }
    decode(data, len, &expected, &expected_len);
    CHECK(got_len == expected_len, "%zu instead of %zu", got_len, expected_len);
    CHECK(got.fin == expected.fin && got.opcode == expected.opcode &&
              got.masked == expected.masked && got.rsv == expected.rsv &&
              got.payload_len == expected.payload_len &&
              memcmp(got.mask_key, expected.mask_key, 4) == 0,
          "another header");
    CHECK(upf_frame_header_write(&got, out) == got_len &&
              memcmp(out, data, got_len) == 0,
          "written, it is other bytes");
}

/* Mask what follows the header in two pieces, and back at once. */
static void check_mask(const uint8_t *data, size_t len, const uint8_t *key)
{
    uint8_t     *payload = exact_copy(data, len);
    const size_t cut     = len > 0 ? data[0] % (len + 1) : 0;

    upf_mask(payload, payload, cut, key, 0);
    upf_mask(payload + cut, payload + cut, len - cut, key, cut);
    for (size_t i = 0; i < len; i++)
        CHECK(payload[i] == (data[i] ^ key[i % 4]), "byte %zu of %zu", i, len);
    upf_mask(payload, payload, len, key, UINT64_C(1) << 62);
    CHECK(len == 0 || memcmp(payload, data, len) == 0, "not its own inverse");
    free(payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const size_t most = len < 16 ? len : 16;

    for (size_t n = 0; n <= most; n++)
        check_prefix(data, n);
    if (len >= 4)
        check_mask(data + 4, len - 4, data);
    return 0;
}
