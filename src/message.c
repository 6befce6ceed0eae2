/* SPDX-License-Identifier: MIT */
/* message.c - frames make messages: their order, their caps, their UTF-8. */

#include <assert.h>
#include <string.h>

#include "mask.h"
#include "message.h"
#include "utf8.h"

enum { ENCODED = 1, CHUNK_DELIVERED = 2 };

_Static_assert(UPF_UTF8_START == 0, "a zeroed message is between code points");

upf_status upf_message_judge_order(const struct upf_message *message,
                                   upf_opcode                opcode)
{
    const bool open = message->opcode != 0;

    if ((opcode == UPF_OP_CONTINUATION) == open)
        return UPF_OK;
    return open ? UPF_ERR_INTERLEAVED : UPF_ERR_CONTINUATION;
}

upf_status upf_message_take_frame(struct upf_message     *message,
                                  const upf_config       *config,
                                  const upf_frame_header *header, bool encoded)
{
    if (header->payload_len > config->max_frame)
        return UPF_ERR_FRAME_TOO_BIG;
    if (message->opcode == 0) {
        message->opcode = (uint8_t)header->opcode;
        message->flags  = encoded ? ENCODED : 0;
    }
    if (message->fragments == config->max_fragments)
        return UPF_ERR_FRAGMENTS;
    /* The length of an encoded frame says nothing of the length after decoding,
     * which upf_message_take_decoded() counts. */
    if (!(message->flags & ENCODED)) {
        if (header->payload_len > config->max_message - message->len)
            return UPF_ERR_MESSAGE_TOO_BIG;
        message->len += header->payload_len;
    }
    message->fragments++;
    message->taken = 0;
    return UPF_OK;
}

bool upf_message_is_encoded(const struct upf_message *message)
{
    return (message->flags & ENCODED) != 0;
}

upf_status upf_message_unmask(struct upf_message *message, uint8_t *dst,
                              const uint8_t *src, size_t len, uint32_t key,
                              bool end, size_t *bad)
{
    const bool is_text = message->opcode == UPF_OP_TEXT;

    if (is_text && (key != 0 || dst != src)) {
        *bad = upf_utf8_check_masked(&message->utf8, dst, src, len, key);
    } else {
        upf_mask_turned(dst, src, len, key);
        if (!is_text)
            return UPF_OK;
        *bad = upf_utf8_check(&message->utf8, dst, len);
    }
    return *bad < len || (end && message->utf8 != UPF_UTF8_START)
               ? UPF_ERR_UTF8 : UPF_OK;
}

bool upf_message_take_fragment(struct upf_message *message, uint8_t *dst,
                               const uint8_t *src, size_t len, uint32_t key)
{
    const uint8_t utf8 = message->utf8;
    size_t        bad;

    if (upf_message_unmask(message, dst, src, len, key, false, &bad) !=
        UPF_OK) {
        message->utf8 = utf8;
        return false;
    }
    message->len += len;
    message->fragments++;
    return true;
}

upf_status upf_message_take_decoded(struct upf_message *message, uint8_t *data,
                                    size_t len, bool end, size_t *bad)
{
    message->len += len;
    return upf_message_unmask(message, data, data, len, 0, end, bad);
}

void upf_message_note_taken(struct upf_message *message, size_t len)
{
    message->taken += (uint32_t)len;
}

size_t upf_message_carry_wants(const struct upf_message *message)
{
    if (message->carry_len == 0)
        return 0;
    return upf_utf8_size(message->carry[0]) - message->carry_len;
}

void upf_message_carry(struct upf_message *message, const uint8_t *data,
                       size_t len)
{
    assert(len <= sizeof message->carry - message->carry_len);
    memcpy(message->carry + message->carry_len, data, len);
    message->carry_len = (uint8_t)(message->carry_len + len);
}

uint8_t *upf_message_end_carry(struct upf_message *message, size_t *len)
{
    *len = message->carry_len;
    message->carry_len = 0;
    return message->carry;
}

size_t upf_message_cut(struct upf_message *message, const uint8_t *data,
                       size_t len)
{
    if (message->opcode != UPF_OP_TEXT || len == 0)
        return len;
    const size_t tail = upf_utf8_incomplete(data, len);
    upf_message_carry(message, data + len - tail, tail);
    return len - tail;
}

bool upf_message_is_first_chunk(struct upf_message *message)
{
    const bool first = !(message->flags & CHUNK_DELIVERED);

    message->flags |= CHUNK_DELIVERED;
    return first;
}

void upf_message_end(struct upf_message *message)
{
    message->len       = 0;
    message->fragments = 0;
    message->opcode    = 0;
    message->flags     = 0;
    message->utf8      = UPF_UTF8_START;
    message->carry_len = 0; /* the bytes in `carry` stay as they are: the last
                               chunk's event may point to them */
}
