/* SPDX-License-Identifier: MIT */
/* peer.c - what a scripted peer says. */

#include <string.h>

#include "base64.h"
#include "check.h"
#include "memory.h"
#include "peer.h"
#include "support/blob.h"
#include "support/testext.h"
#include <upframe/handshake.h>

/* The low half of the first byte; the high half makes the masking key. */
enum saying {
    ANY_BYTES, TEXT, BINARY, TEXT_BEGINS, BINARY_BEGINS, GOES_ON, ENDS, PING,
    PONG, CLOSE, HEADER_ALONE, ANY_FRAME, ENCODED, ENCODED_BEGINS, HEAD,
    LONG_TEXT
};

static const uint8_t first_bytes[16] = {
    [TEXT] = 0x81, [BINARY] = 0x82, [TEXT_BEGINS] = 0x01,
    [BINARY_BEGINS] = 0x02, [GOES_ON] = 0x00, [ENDS] = 0x80, [PING] = 0x89,
    [PONG] = 0x8A, [CLOSE] = 0x88, [HEADER_ALONE] = 0x82, [ENCODED] = 0xC1,
    [ENCODED_BEGINS] = 0x42, [LONG_TEXT] = 0x81};

/* ---- Frames ------------------------------------------------------------- */

static void put_header(struct bytes *to, uint8_t first, uint64_t len,
                       const uint8_t *key)
{
    const unsigned extended = len < 126 ? 0 : len < 65536 ? 2 : 8;
    uint8_t        head[2]  = {first, (uint8_t)(key ? 0x80 : 0)};

    head[1] |= (uint8_t)(extended == 0 ? len : extended == 2 ? 126 : 127);
    bytes_add(to, head, 2);
    for (unsigned i = extended; i > 0; i--) {
        const uint8_t byte = (uint8_t)(len >> 8 * (i - 1));
        bytes_add(to, &byte, 1);
    }
    if (key != NULL)
        bytes_add(to, key, 4);
}

static void put_frame(struct bytes *to, uint8_t first, const uint8_t *payload,
                      size_t len, const uint8_t *key)
{
    put_header(to, first, len, key);
    bytes_add(to, payload, len);
    for (size_t i = 0; key != NULL && i < len; i++)
        to->data[to->len - len + i] ^= key[i % 4];
}

static void put_encoded(struct bytes *to, uint8_t first, const uint8_t *payload,
                        size_t len, const uint8_t *key)
{
    struct blob encoded = {0};

    if (len > 0)
        test_ext_encode(&encoded, payload, len);
    put_frame(to, first, encoded.data, encoded.len, key);
    blob_free(&encoded);
}

/* As long as none of the sizes is, with a byte that is wrong far behind. */
static void put_long_text(struct script *script, struct bytes *to,
                          const uint8_t *key)
{
    const size_t  len = 1000 * (size_t)script_byte(script);
    const uint8_t bad = script_byte(script);
    uint8_t *text = exact_copy("", 0);

    text = realloc(text, len + 1);
    CHECK(text != NULL, "no memory for %zu", len);
    memset(text, 'x', len + 1);
    if (bad > 0)
        text[len * bad / 256] = 0xFF;
    put_frame(to, 0x81, text, len, key);
    free(text);
}

/* ---- Heads -------------------------------------------------------------- */

static void put_text(struct bytes *to, const char *text)
{
    bytes_add(to, text, strlen(text));
}

static void put_request(struct script *script, struct bytes *to)
{
    const uint8_t what = script_byte(script);

    put_text(to, what & 0x01 ? "HEAD / HTTP/1.1\r\nHost: h.example\r\n"
                             : "GET /p?q HTTP/1.1\r\nHost: h.example\r\n");
    if (!(what & 0x02))
        put_text(to, "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                     "Sec-WebSocket-Version: 13\r\n");
    if (what & 0x04)
        put_text(to, "Sec-WebSocket-Protocol: superchat, chat\r\n");
    if (what & 0x08)
        put_text(to, "Origin: http://h.example\r\n");
    if (what & 0x10)
        put_text(to, "Origin: http://evil.example\r\n");
    if (what & 0x20)
        put_text(to, "Sec-WebSocket-Extensions: x-runs; level=7\r\n");
    if (what & 0x40)
        put_text(to, "Cookie: a|~b\r\nX-Y: 1\r\n");
    put_text(to, "\r\n");
}

/* The answer to the key that a client under test draws: see memory.c. */
static void put_accept(struct bytes *to)
{
    struct randomness randomness = {0};
    uint8_t nonce[16];
    char    key[UPF_KEY_LEN], accept[UPF_ACCEPT_LEN + 1];

    randomness_fill(&randomness, nonce, sizeof nonce);
    upf_base64_encode(nonce, sizeof nonce, key);
    CHECK(upf_accept_key(key, sizeof key, accept) == UPF_OK, "our own key");
    put_text(to, "Sec-WebSocket-Accept: ");
    put_text(to, accept);
    put_text(to, "\r\n");
}

static void put_response(struct script *script, struct bytes *to)
{
    const uint8_t what = script_byte(script);

    if (what & 0x01)
        put_text(to, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    put_text(to, what & 0x02 ? "HTTP/1.1 404 Not Found\r\n"
                             : "HTTP/1.1 101 Switching Protocols\r\n");
    put_text(to, "Upgrade: websocket\r\nConnection: Upgrade\r\n");
    if (!(what & 0x10))
        put_accept(to);
    if (what & 0x04)
        put_text(to, "Sec-WebSocket-Protocol: chat\r\n");
    if (what & 0x20)
        put_text(to, "Sec-WebSocket-Extensions: x-runs; level=3\r\n");
    put_text(to, "\r\n");
}

/* ---- One thing ---------------------------------------------------------- */

static void put_close(struct script *script, struct bytes *to,
                      const uint8_t *key)
{
    static const uint16_t codes[16] = {1000, 1001, 1002, 1005, 1006, 1007, 1009,
                                       1010, 1011, 1012, 1015, 999,  2999, 3000,
                                       4999, 0};
    struct bytes  reason = script_payload(script);
    const uint8_t which  = script_byte(script);
    uint8_t       payload[UPF_CONTROL_PAYLOAD_MAX];
    const size_t  len = reason.len < UPF_CLOSE_REASON_MAX
                            ? reason.len : UPF_CLOSE_REASON_MAX;

    payload[0] = (uint8_t)(codes[which % 16] >> 8);
    payload[1] = (uint8_t)codes[which % 16];
    if (len > 0)
        memcpy(payload + 2, reason.data, len);
    put_frame(to, 0x88, payload, which & 0x80 ? which >> 4 & 1 : 2 + len, key);
    bytes_free(&reason);
}

static void put_payload(struct script *script, enum saying what, uint8_t first,
                        struct bytes *to, const uint8_t *key)
{
    struct bytes payload = script_payload(script);

    if (first >= 0x88 && first < 0x90 && payload.len > UPF_CONTROL_PAYLOAD_MAX)
        payload.len = UPF_CONTROL_PAYLOAD_MAX;
    if (what == ANY_BYTES)
        bytes_add(to, payload.data, payload.len);
    else if (what == HEADER_ALONE)
        put_header(to, first, payload.len, key);
    else if (what == ENCODED || what == ENCODED_BEGINS)
        put_encoded(to, first, payload.data, payload.len, key);
    else
        put_frame(to, first, payload.data, payload.len, key);
    bytes_free(&payload);
}

void peer_say(struct script *script, bool is_client, struct bytes *to)
{
    const uint8_t     byte = script_byte(script);
    const enum saying what = (enum saying)(byte & 0x0F);
    const uint8_t     k    = byte >> 4;
    const uint8_t     key[4] = {k, (uint8_t)(k * 3), (uint8_t)(k * 7),
                                (uint8_t)(k * 31)};
    const uint8_t    *mask = is_client ? key : NULL;
    uint8_t           first = first_bytes[what];

    if (what == ANY_FRAME) { /* the mask may be the wrong way, too */
        first = script_byte(script);
        mask  = k == 15 ? (is_client ? NULL : key) : mask;
    }
    if (what == CLOSE)
        put_close(script, to, mask);
    else if (what == LONG_TEXT)
        put_long_text(script, to, mask);
    else if (what == HEAD && is_client)
        put_request(script, to);
    else if (what == HEAD)
        put_response(script, to);
    else
        put_payload(script, what, first, to, mask);
}
