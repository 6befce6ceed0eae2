/* SPDX-License-Identifier: MIT */
/* oracle.c - an independent judge of what a peer's frames must come to. */

#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "oracle.h"

/* ---- UTF-8, by arithmetic --------------------------------------------- */

/*
 * Whether some code point lies in [low, high] that needs `total` bytes: not a
 * surrogate, not over U+10FFFF, not shorter in another form.
 */
static bool some_code_point(uint32_t low, uint32_t high, unsigned total)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};

    if (low < least[total])
        low = least[total];
    if (high > 0x10FFFF)
        high = 0x10FFFF;
    if (low >= 0xD800 && high <= 0xDFFF)
        return false;
    return low <= high;
}

size_t oracle_utf8(const uint8_t *text, size_t len, bool end)
{
    size_t at = 0;

    while (at < len) {
        const size_t start = at;
        const unsigned lead = text[at++];
        unsigned total;
        uint32_t value;

        if (lead < 0x80)
            continue;
        if (lead >= 0xC0 && lead < 0xE0)
            total = 2, value = lead - 0xC0;
        else if (lead >= 0xE0 && lead < 0xF0)
            total = 3, value = lead - 0xE0;
        else if (lead >= 0xF0 && lead < 0xF8)
            total = 4, value = lead - 0xF0;
        else
            return start;

        for (unsigned missing = total - 1;; missing--) {
            const uint32_t rest = ((uint32_t)1 << (6 * missing)) - 1;
            const uint32_t low  = value << (6 * missing);

            if (!some_code_point(low, low + rest, total))
                return at - 1;
            if (missing == 0)
                break;
            if (at == len)
                return end ? start : len;
            if (text[at] / 64 != 2)
                return at;
            value = value * 64 + text[at++] % 64;
        }
    }
    return len;
}

bool oracle_close_code(int code, bool from_client)
{
    switch (code) {
    case 1000: case 1001: case 1002: case 1003:
    case 1007: case 1008: case 1009:
    case 1011: case 1012: case 1013: case 1014:
        return true;
    case 1010:
        return from_client;
    default:
        return code >= 3000 && code <= 4999;
    }
}

bool oracle_close_code_is_taken(int code)
{
    return oracle_close_code(code, true);
}

bool oracle_code_tells(int code, upf_status status)
{
    switch (status) {
    case UPF_ERR_OPCODE: case UPF_ERR_CONTROL: case UPF_ERR_LENGTH:
    case UPF_ERR_RSV: case UPF_ERR_MASK: case UPF_ERR_CONTINUATION:
    case UPF_ERR_INTERLEAVED: case UPF_ERR_CLOSE_LENGTH:
    case UPF_ERR_CLOSE_CODE:
        return code == 1002;
    case UPF_ERR_UTF8: case UPF_ERR_CLOSE_REASON:
        return code == 1007;
    case UPF_ERR_FRAME_TOO_BIG: case UPF_ERR_MESSAGE_TOO_BIG:
        return code == 1009;
    case UPF_ERR_FRAGMENTS:
        return code == 1008 || code == 1009;
    default:
        return code == 0;
    }
}

/* ---- Judging ---------------------------------------------------------- */

/* The judge at work. */
struct judge {
    struct oracle             *oracle;
    const struct oracle_rules *rules;
    unsigned    opcode; /* of the open message, or 0 */
    struct blob message;
    uint64_t   *origin; /* of each byte of the message, in the stream */
    size_t      origins;
    uint32_t    fragments;
    bool        over;
};

static struct oracle_event *expect(struct oracle *oracle, upf_event_type type)
{
    const size_t n = oracle->event_count++;

    oracle->events = realloc(oracle->events,
                             oracle->event_count * sizeof *oracle->events);
    if (oracle->events == NULL)
        abort();
    oracle->events[n] = (struct oracle_event){.type = type};
    return &oracle->events[n];
}

static void expect_payload(struct oracle *oracle, upf_event_type type,
                           unsigned opcode, const uint8_t *data, size_t len)
{
    struct oracle_event *event = expect(oracle, type);

    event->opcode = (upf_opcode)opcode;
    event->at     = oracle->payload.len;
    event->len    = len;
    blob_add(&oracle->payload, data, len);
}

static struct oracle_reply *expect_reply(struct oracle *oracle,
                                         upf_opcode opcode)
{
    const size_t n = oracle->reply_count++;

    oracle->replies = realloc(oracle->replies,
                              oracle->reply_count * sizeof *oracle->replies);
    if (oracle->replies == NULL)
        abort();
    oracle->replies[n] = (struct oracle_reply){.opcode = opcode};
    return &oracle->replies[n];
}

static uint64_t bit(upf_status status)
{
    return UINT64_C(1) << -(int)status;
}

static void expect_failure(struct judge *judge, uint64_t statuses,
                           uint64_t offset_min, uint64_t offset_max)
{
    struct oracle_event *event = expect(judge->oracle, UPF_EVENT_CLOSE);

    event->statuses   = statuses;
    event->code       = 1006;
    event->offset_min = offset_min;
    event->offset_max = offset_max;
    if (statuses != bit(UPF_ERR_EOF))
        expect_reply(judge->oracle, UPF_OP_CLOSE)->code = -1;
    judge->over = true;
}

/* Every rule that the header breaks, on its own and in its place. */
static uint64_t broken_rules(const struct judge *judge,
                             const struct frame *frame)
{
    const struct oracle_rules *rules = judge->rules;
    const unsigned opcode = frame->first & 0x0F;
    const bool     data   = opcode == CONT || opcode == TEXT ||
                            opcode == BINARY;
    uint64_t broken = 0;

    if (!data && opcode != CLOSE && opcode != PING && opcode != PONG)
        broken |= bit(UPF_ERR_OPCODE);
    if (opcode >= CLOSE && (!(frame->first & FIN) || frame->form > 125))
        broken |= bit(UPF_ERR_CONTROL);
    if (frame->first & (RSV1 | RSV2 | RSV3))
        broken |= bit(UPF_ERR_RSV);
    if ((frame->form == 126 && frame->len < 126) ||
        (frame->form == 127 && frame->len < 65536) || frame->len >> 63 != 0)
        broken |= bit(UPF_ERR_LENGTH);
    if (rules->is_client ? frame->masked
                         : !frame->masked && !rules->allow_unmasked)
        broken |= bit(UPF_ERR_MASK);
    if (!data)
        return broken;
    if (opcode == CONT && judge->opcode == 0)
        broken |= bit(UPF_ERR_CONTINUATION);
    if (opcode != CONT && judge->opcode != 0)
        broken |= bit(UPF_ERR_INTERLEAVED);
    if (frame->len > rules->max_frame)
        broken |= bit(UPF_ERR_FRAME_TOO_BIG);
    if (frame->len > rules->max_message - judge->message.len)
        broken |= bit(UPF_ERR_MESSAGE_TOO_BIG);
    if (judge->fragments >= rules->max_fragments)
        broken |= bit(UPF_ERR_FRAGMENTS);
    return broken;
}

static void judge_close(struct judge *judge, const uint8_t *data, size_t len,
                        uint64_t from, uint64_t to)
{
    struct oracle *oracle = judge->oracle;
    const int      code = len >= 2 ? data[0] * 256 + data[1] : 1005;

    if (len == 1) {
        expect_failure(judge, bit(UPF_ERR_CLOSE_LENGTH), from, to);
    } else if (len >= 2 && !oracle_close_code_is_taken(code)) {
        expect_failure(judge, bit(UPF_ERR_CLOSE_CODE), from, to);
    } else if (len > 2 && oracle_utf8(data + 2, len - 2, true) != len - 2) {
        expect_failure(judge, bit(UPF_ERR_CLOSE_REASON), from, to);
    } else {
        expect_payload(oracle, UPF_EVENT_CLOSE, 0, data + (len < 2 ? 0 : 2),
                       len < 2 ? 0 : len - 2);
        oracle->events[oracle->event_count - 1].code     = code;
        oracle->events[oracle->event_count - 1].clean    = true;
        oracle->events[oracle->event_count - 1].statuses = bit(UPF_OK);
        expect_reply(oracle, UPF_OP_CLOSE)->code = len < 2 ? 0 : code;
        judge->over = true;
    }
}

static void judge_control(struct judge *judge, unsigned opcode,
                          const uint8_t *data, size_t len, uint64_t from,
                          uint64_t to)
{
    struct oracle *oracle = judge->oracle;

    if (opcode == CLOSE) {
        judge_close(judge, data, len, from, to);
    } else if (opcode == PONG) {
        expect_payload(oracle, UPF_EVENT_PONG, 0, data, len);
    } else {
        struct oracle_reply *reply = expect_reply(oracle, UPF_OP_PONG);

        reply->at  = oracle->payload.len;
        reply->len = len;
        expect_payload(oracle, UPF_EVENT_PING, 0, data, len);
    }
}

/* Payload of a data frame, as far as it is there. */
static void judge_data(struct judge *judge, const uint8_t *data, size_t len,
                       uint64_t offset, bool ends)
{
    struct blob *message = &judge->message;

    judge->origin = realloc(judge->origin,
                            (judge->origins + len + 1) * sizeof(uint64_t));
    if (judge->origin == NULL)
        abort();
    for (size_t i = 0; i < len; i++)
        judge->origin[judge->origins++] = offset + i;
    judge->origin[judge->origins] = offset + len;
    blob_add(message, data, len);

    if (judge->opcode == TEXT) {
        const size_t possible = oracle_utf8(message->data, message->len, false);

        if (possible < message->len) {
            const uint64_t bad = judge->origin[possible];

            expect_failure(judge, bit(UPF_ERR_UTF8), bad, bad);
            return;
        }
        const size_t good = oracle_utf8(message->data, message->len, ends);
        if (good < message->len) {
            expect_failure(judge, bit(UPF_ERR_UTF8), judge->origin[good],
                           offset + len);
            return;
        }
    }
    if (!ends)
        return;
    expect_payload(judge->oracle, UPF_EVENT_MESSAGE, judge->opcode,
                   message->data, message->len);
    judge->opcode    = 0;
    judge->fragments = 0;
    judge->origins   = 0;
    blob_clear(message);
}

/* One frame at `at`; returns where the next one starts. */
static size_t judge_frame(struct judge *judge, const struct frame *frame,
                          const uint8_t *bytes, size_t len, size_t at)
{
    const unsigned opcode = frame->first & 0x0F;
    const size_t   start  = at + frame->header_len;
    const size_t   there  = frame->len < len - start ? (size_t)frame->len
                                                     : len - start;
    const bool     whole  = there == frame->len;
    const uint64_t broken = broken_rules(judge, frame);
    struct blob    data   = {0};

    if (broken != 0) {
        expect_failure(judge, broken, at, start - 1);
        return len;
    }
    blob_add(&data, bytes + start, there);
    for (size_t i = 0; i < there; i++)
        data.data[i] ^= frame->key[i % 4];
    if (opcode < CLOSE) {
        if (opcode != CONT)
            judge->opcode = opcode;
        judge->fragments++;
        judge_data(judge, data.data, there, start,
                   whole && (frame->first & FIN) != 0);
    } else if (whole) {
        judge_control(judge, opcode, data.data, there, at, start + there);
    }
    blob_free(&data);
    return start + there;
}

void oracle_judge(struct oracle *oracle, const struct oracle_rules *rules,
                  const uint8_t *bytes, size_t len, bool eof)
{
    struct judge judge = {.oracle = oracle, .rules = rules};
    struct frame frame;
    size_t at = 0;

    while (!judge.over && get_frame(bytes + at, len - at, &frame))
        at = judge_frame(&judge, &frame, bytes, len, at);
    oracle->judged = at;
    if (!judge.over && eof)
        expect_failure(&judge, bit(UPF_ERR_EOF), 0, UINT64_MAX);
    blob_free(&judge.message);
    free(judge.origin);
}

void oracle_free(struct oracle *oracle)
{
    free(oracle->events);
    free(oracle->replies);
    blob_free(&oracle->payload);
    *oracle = (struct oracle){0};
}

/* ---- Comparing -------------------------------------------------------- */

static const char *check_close(const struct oracle_event *expected,
                               const upf_event *event)
{
    if ((expected->statuses & bit(event->status)) == 0)
        return "CLOSE for another reason";
    if (event->close.code != expected->code)
        return "another close code";
    if (event->close.clean != expected->clean)
        return "CLOSE is clean, or is not";
    if (expected->clean)
        return NULL;
    if (!oracle_code_tells(event->close.sent_code, event->status))
        return "another close code was sent";
    if (event->close.offset < expected->offset_min ||
        event->close.offset > expected->offset_max)
        return "another offset";
    return NULL;
}

const char *oracle_check(const struct oracle *oracle, size_t n,
                         const upf_event *event)
{
    if (n >= oracle->event_count)
        return "an event too many";

    const struct oracle_event *expected = &oracle->events[n];

    if (event->type != expected->type)
        return "an event of another type";
    if (event->type == UPF_EVENT_MESSAGE && event->opcode != expected->opcode)
        return "a message of another opcode";
    if (event->type == UPF_EVENT_CLOSE) {
        const char *wrong = check_close(expected, event);

        if (wrong != NULL)
            return wrong;
    }
    if (event->len != expected->len)
        return "a payload of another length";
    if (event->len > 0 && memcmp(event->data, oracle->payload.data +
                                 expected->at, event->len) != 0)
        return "another payload";
    return NULL;
}

static const char *check_reply(const struct oracle *oracle,
                               const struct oracle_reply *expected,
                               const struct frame *frame,
                               const uint8_t *payload, upf_status status)
{
    uint8_t plain[125] = {0};
    const size_t len = (size_t)frame->len;

    for (size_t i = 0; i < len; i++)
        plain[i] = payload[i] ^ frame->key[i % 4];
    if (frame->first != (unsigned)(FIN | (int)expected->opcode))
        return "another frame was sent";
    if (expected->opcode == UPF_OP_CLOSE) {
        const int code = len < 2 ? 0 : plain[0] * 256 + plain[1];

        if (len == 1)
            return "a Close of one byte was sent";
        if (expected->code >= 0 ? code != expected->code
                                : !oracle_code_tells(code, status))
            return "a Close with another code was sent";
        return NULL;
    }
    if (len != expected->len)
        return "a pong of another length was sent";
    if (len > 0 &&
        memcmp(plain, oracle->payload.data + expected->at, len) != 0)
        return "a pong with another payload was sent";
    return NULL;
}

const char *oracle_check_sent(const struct oracle *oracle,
                              const struct oracle_rules *rules,
                              const uint8_t *bytes, size_t len,
                              upf_status status)
{
    size_t at = 0;

    for (size_t i = 0; i < oracle->reply_count; i++) {
        struct frame frame;
        const char  *wrong;

        if (!get_frame(bytes + at, len - at, &frame) || frame.form > 125 ||
            frame.len > len - at - frame.header_len)
            return "a frame that must be sent is missing";
        if (frame.masked != rules->is_client)
            return "a frame was sent with, or without, a mask";
        wrong = check_reply(oracle, &oracle->replies[i], &frame,
                            bytes + at + frame.header_len, status);
        if (wrong != NULL)
            return wrong;
        at += frame.header_len + (size_t)frame.len;
    }
    return at == len ? NULL : "more was sent than must be";
}

void oracle_show(const struct oracle *oracle, struct blob *text)
{
    static const char *const names[] = {
        "?", "REQUEST", "OPEN", "MESSAGE", "CHUNK", "PING", "PONG", "CLOSE",
    };

    for (size_t i = 0; i < oracle->event_count; i++) {
        const struct oracle_event *event = &oracle->events[i];

        blob_printf(text, "%s %d %zu", names[event->type], (int)event->opcode,
                    event->len);
        if (event->type == UPF_EVENT_CLOSE)
            blob_printf(text, " %d clean=%d offset=%llu..%llu", event->code,
                        event->clean, (unsigned long long)event->offset_min,
                        (unsigned long long)event->offset_max);
        for (int s = 0; s < 64; s++)
            if (event->statuses >> s & 1)
                blob_printf(text, " %s", upf_status_name((upf_status)-s));
        blob_byte(text, '\n');
    }
}
