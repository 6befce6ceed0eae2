/* SPDX-License-Identifier: MIT */
/* frames.c - write frames, forbidden ones too, and read what was sent. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "frames.h"
#include "oracle.h"

const uint8_t frame_key[4] = {0x37, 0xFA, 0x21, 0x3D};

void put_header(struct blob *to, unsigned first, unsigned form, uint64_t len,
                const uint8_t *key)
{
    const int bytes = form == 126 ? 2 : form == 127 ? 8 : 0;

    blob_byte(to, first);
    blob_byte(to, form | (key != NULL ? 0x80u : 0));
    for (int i = bytes - 1; i >= 0; i--)
        blob_byte(to, (unsigned)(len >> (8 * i)) & 0xFF);
    if (key != NULL)
        blob_add(to, key, 4);
}

void put_keyed(struct blob *to, unsigned first, const uint8_t *key,
               const void *payload, size_t len)
{
    const unsigned form = len < 126   ? (unsigned)len
                        : len < 65536 ? 126
                                      : 127;

    put_header(to, first, form, len, key);

    const size_t at = to->len;
    blob_add(to, payload, len);
    for (size_t i = 0; key != NULL && i < len; i++)
        to->data[at + i] ^= key[i % 4];
}

void put_frame(struct blob *to, enum sender sender, unsigned first,
               const void *payload, size_t len)
{
    put_keyed(to, first, sender == FROM_CLIENT ? frame_key : NULL, payload,
              len);
}

void put_text(struct blob *to, enum sender sender, unsigned first,
              const char *payload)
{
    put_frame(to, sender, first, payload, strlen(payload));
}

void put_run(struct blob *to, enum sender sender, unsigned first,
             unsigned byte, size_t len)
{
    struct blob payload = {0};

    blob_fill(&payload, byte, len);
    put_frame(to, sender, first, payload.data, len);
    blob_free(&payload);
}

void put_close(struct blob *to, enum sender sender, int code,
               const char *reason)
{
    struct blob payload = {0};

    if (code != 0) {
        blob_byte(&payload, (unsigned)code >> 8);
        blob_byte(&payload, (unsigned)code & 0xFF);
    }
    if (reason != NULL)
        blob_text(&payload, reason);
    put_frame(to, sender, FIN | CLOSE, payload.data, payload.len);
    blob_free(&payload);
}

bool get_frame(const uint8_t *bytes, size_t len, struct frame *frame)
{
    if (len < 2)
        return false;
    frame->first  = bytes[0];
    frame->masked = bytes[1] > 0x7F;
    frame->form   = bytes[1] % 0x80;

    const size_t extended = frame->form == 126 ? 2 : frame->form == 127 ? 8 : 0;
    frame->header_len = 2 + extended + (frame->masked ? 4 : 0);
    if (len < frame->header_len)
        return false;
    frame->len = extended == 0 ? frame->form : 0;
    for (size_t i = 0; i < extended; i++)
        frame->len = frame->len * 256 + bytes[2 + i];
    for (size_t i = 0; i < 4; i++)
        frame->key[i] = frame->masked ? bytes[2 + extended + i] : 0;
    return true;
}

static const char *opcode_name(unsigned opcode)
{
    switch (opcode) {
    case CONT:   return "CONT";
    case TEXT:   return "TEXT";
    case BINARY: return "BINARY";
    case CLOSE:  return "CLOSE";
    case PING:   return "PING";
    case PONG:   return "PONG";
    default:     return NULL;
    }
}

/* What is in the message that is under way. */
struct sending {
    unsigned    opcode; /* of the message that is open, or 0 */
    bool        encoded;
    struct blob message;
};

static void judge_data(struct sending *sending, const struct frame *frame,
                       const uint8_t *payload, size_t len)
{
    const unsigned opcode = frame->first & 0x0F;
    const bool     fin    = (frame->first & FIN) != 0;

    if ((opcode == CONT) != (sending->opcode != 0))
        fail_msg("sent opcode %u %s a message", opcode,
                 sending->opcode != 0 ? "inside" : "outside");
    if (opcode != CONT) {
        sending->opcode  = opcode;
        sending->encoded = (frame->first & RSV1) != 0;
        blob_clear(&sending->message);
    } else if ((frame->first & (RSV1 | RSV2 | RSV3)) != 0) {
        fail_msg("sent RSV bits on a continuation");
    }
    blob_add(&sending->message, payload, len);
    if (!fin)
        return;
    if (sending->opcode == TEXT && !sending->encoded &&
        oracle_utf8(sending->message.data, sending->message.len, true) !=
            sending->message.len)
        fail_msg("sent a text that is not UTF-8");
    sending->opcode = 0;
}

static void judge_header(const struct frame *frame, enum sender sender,
                         unsigned rsv)
{
    const unsigned opcode = frame->first & 0x0F;

    if (opcode_name(opcode) == NULL)
        fail_msg("sent opcode %u", opcode);
    if (frame->first & (RSV1 | RSV2 | RSV3) & ~rsv)
        fail_msg("sent RSV bits %02x", frame->first);
    if (frame->masked != (sender == FROM_CLIENT))
        fail_msg("sent %smasked", frame->masked ? "" : "un");
    if ((frame->form == 126 && frame->len < 126) ||
        (frame->form == 127 && frame->len < 65536))
        fail_msg("sent a length that is not in its shortest form");
    if (opcode >= CLOSE && (!(frame->first & FIN) || frame->form > 125))
        fail_msg("sent a control frame fragmented or over 125 bytes");
    if (opcode >= CLOSE && frame->first & (RSV1 | RSV2 | RSV3))
        fail_msg("sent RSV bits on a control frame");
}

static void show_frame(struct blob *text, const struct frame *frame,
                       const uint8_t *payload, size_t len)
{
    const unsigned opcode = frame->first & 0x0F;

    blob_printf(text, "%s%s%s ", frame->first & FIN ? "fin " : "",
                frame->first & RSV1 ? "rsv1 " : "", opcode_name(opcode));
    if (opcode == CLOSE) {
        if (len == 1)
            fail_msg("sent a Close of one byte");
        blob_printf(text, "%d ", len == 0 ? 0 : payload[0] * 256 + payload[1]);
        blob_show(text, payload + (len == 0 ? 0 : 2), len == 0 ? 0 : len - 2);
    } else {
        blob_printf(text, "%zu ", len);
        blob_show(text, payload, len);
    }
    blob_byte(text, '\n');
}

void show_frames(struct blob *text, const uint8_t *bytes, size_t len,
                 enum sender sender, unsigned rsv)
{
    struct sending sending = {0};
    bool   closed = false;
    size_t at = 0;

    while (at < len) {
        struct frame frame;

        if (closed)
            fail_msg("sent %zu bytes behind a Close", len - at);
        if (!get_frame(bytes + at, len - at, &frame) ||
            len - at - frame.header_len < frame.len)
            fail_msg("sent a frame that is cut, behind\n%s", blob_str(text));
        judge_header(&frame, sender, rsv);
        at += frame.header_len;

        struct blob payload = {0};
        blob_add(&payload, bytes + at, (size_t)frame.len);
        for (size_t i = 0; i < payload.len; i++)
            payload.data[i] ^= frame.key[i % 4];
        at += payload.len;
        if ((frame.first & 0x0F) < CLOSE)
            judge_data(&sending, &frame, payload.data, payload.len);
        show_frame(text, &frame, payload.data, payload.len);
        closed = (frame.first & 0x0F) == CLOSE;
        blob_free(&payload);
    }
    blob_free(&sending.message);
}

void assert_same_text(const char *got, const char *expected, const char *file,
                      int line)
{
    if (strcmp(got, expected) == 0)
        return;
    print_error("expected:\n%s\ngot:\n%s\n", expected, got);
    _fail(file, line);
}

void assert_same_frames(const struct blob *bytes, enum sender sender,
                        const char *expected, const char *file, int line)
{
    struct blob text = {0};

    show_frames(&text, bytes->data, bytes->len, sender, 0);
    assert_same_text(blob_str(&text), expected, file, line);
    blob_free(&text);
}
