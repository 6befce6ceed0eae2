/* SPDX-License-Identifier: MIT */
/* stream.c - text of several scripts, framed and masked as a client does. */

#include <stdlib.h>
#include <string.h>

#include <upframe/frame.h>
#include "bench.h"
#include "stream.h"

const char *stream_kind_name(enum stream_kind kind)
{
    static const char *const names[STREAM_KINDS] = {
        "binary", "ASCII", "Cyrillic", "Chinese", "emoji"};

    return names[kind];
}

/* ---- Text --------------------------------------------------------------- */

/* Numerical Recipes' generator; its high bits are the good ones. */
static uint32_t draw(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)*seed * below) >> 32);
}

static size_t encode(uint32_t c, uint8_t out[4])
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (uint8_t)(0xC0 | c >> 6);
        out[1] = (uint8_t)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (uint8_t)(0xE0 | c >> 12);
        out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | c >> 18);
    out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (c & 0x3F));
    return 4;
}

static uint32_t letter(enum stream_kind kind, uint32_t *seed)
{
    switch (kind) {
    case STREAM_CYRILLIC:
        return 0x430 + draw(seed, 32);
    case STREAM_CHINESE:
        return 0x4E00 + draw(seed, 0x5000);
    case STREAM_EMOJI:
        return 0x1F600 + draw(seed, 80);
    case STREAM_BINARY:
    case STREAM_ASCII:
    case STREAM_KINDS:
        break;
    }
    return 'a' + draw(seed, 26);
}

/* Words of 2 to 9 letters; Chinese has no spaces, but an ideographic comma. */
void stream_fill(uint8_t *out, size_t len, enum stream_kind kind,
                 uint32_t *seed)
{
    size_t   at = 0;
    uint32_t word = 2 + draw(seed, 8);

    if (kind == STREAM_BINARY)
        for (; at < len; at++)
            out[at] = (uint8_t)draw(seed, 256);
    while (at < len) {
        uint8_t  character[4];
        uint32_t c = letter(kind, seed);

        if (word-- == 0) {
            word = 2 + draw(seed, 8);
            c    = kind == STREAM_CHINESE ? 0xFF0C : ' ';
        }
        const size_t n = encode(c, character);
        if (n > len - at)
            break;
        memcpy(out + at, character, n);
        at += n;
    }
    if (at < len)
        memset(out + at, '.', len - at);
}

/* ---- Frames ------------------------------------------------------------- */

/*
 * Where in their pages the stream and the buffer lie is fixed, and far apart.
 * Else the cost of a copy, and with it of the whole row, is a matter of luck:
 * with `rep movsb`, which memcpy() is for long copies, it is 28 times as much
 * on Zen 4 if the destination is 1 to 15 bytes behind the source, modulo 4096.
 */
static void place(struct stream *s, size_t len)
{
    enum { PAGE = 4096, BYTES_AT = 1024, BUFFER_AT = 3072 };
    const size_t pages = (BYTES_AT + len + PAGE - 1) / PAGE * PAGE;

    s->memory = bench_alloc(pages + BUFFER_AT + s->chunk);
    s->bytes  = s->memory + BYTES_AT;
    s->buffer = s->memory + pages + BUFFER_AT;
}

struct stream stream_new(size_t payload, enum stream_kind kind, size_t chunk,
                         size_t least, struct stream_form form)
{
    const upf_opcode opcode =
        kind == STREAM_BINARY ? UPF_OP_BINARY : UPF_OP_TEXT;
    upf_frame_header header = {
        .opcode = opcode, .fin = true, .masked = !form.to_client,
        .payload_len = payload};
    uint8_t  head[UPF_FRAME_HEADER_MAX];
    uint32_t seed = 6455;

    const size_t frame_len = upf_frame_header_write(&header, head) + payload;
    struct stream s = {.payload = payload, .kind = kind, .chunk = chunk,
                       .form = form};
    if (s.form.fragments == 0)
        s.form.fragments = 1;
    s.frames = (least + frame_len - 1) / frame_len;
    s.frames += s.form.fragments - 1 - (s.frames - 1) % s.form.fragments;
    s.plain  = bench_alloc(s.frames * payload);
    place(&s, s.frames * frame_len);
    for (size_t i = 0; i < s.frames; i++) {
        uint8_t *plain = s.plain + i * payload;

        stream_fill(plain, payload, kind, &seed);
        for (int k = 0; k < 4 && header.masked; k++)
            header.mask_key[k] = (uint8_t)(1 + draw(&seed, 255));
        header.opcode = i % s.form.fragments == 0 ? opcode
                                                  : UPF_OP_CONTINUATION;
        header.fin    = (i + 1) % s.form.fragments == 0;
        const size_t n = upf_frame_header_write(&header, s.bytes + s.len);
        upf_mask(s.bytes + s.len + n, plain, payload, header.mask_key, 0);
        s.len += n + payload;
    }
    return s;
}

void stream_free(struct stream *stream)
{
    free(stream->memory);
    free(stream->plain);
}

/* ---- What came of it ---------------------------------------------------- */

void stream_check(const struct stream *stream, const char *reader,
                  struct tally tally, uint64_t passes)
{
    const uint64_t messages =
        passes * (stream->frames / stream->form.fragments);
    const uint64_t text = stream->kind == STREAM_BINARY ? 0 : messages;

    if (tally.messages != messages || tally.text != text ||
        tally.bytes != passes * stream->frames * stream->payload)
        bench_die("%s read %llu messages of %llu bytes from a stream of "
                  "%llu in frames of %zu", reader,
                  (unsigned long long)tally.messages,
                  (unsigned long long)tally.bytes,
                  (unsigned long long)messages, stream->payload);
}

void stream_check_payload(const struct stream *stream, const char *reader,
                          uint64_t index, const uint8_t *data, size_t len)
{
    const size_t size = stream->form.fragments * stream->payload;
    const size_t at =
        (size_t)(index % (stream->frames / stream->form.fragments)) * size;

    if (len != size ||
        (len > 0 && memcmp(data, stream->plain + at, len) != 0))
        bench_die("%s read another payload than message %llu holds", reader,
                  (unsigned long long)index);
}
