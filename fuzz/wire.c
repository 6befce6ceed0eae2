/* SPDX-License-Identifier: MIT */
/* wire.c - all that a connection wrote, decoded without its help. */

#include <string.h>

#include "check.h"
#include "run.h"

/* A place in what was written, and in what must have been. */
struct reader {
    const struct run *run;
    size_t            at;
    size_t            frame, pong; /* places in run->frames, run->pongs */
    struct bytes      last_pong;   /* payload */
    unsigned          opcode;      /* of the open message, or 0 */
    bool              encoded;     /* by the extension */
    struct bytes      text;        /* its payload, if it is text */
    size_t            count;
    bool              closed;
};

struct frame {
    unsigned       first, opcode;
    const uint8_t *payload; /* unmasked, in `copy` */
    size_t         len;
    uint8_t       *copy;
};

/* ---- One frame ---------------------------------------------------------- */

static void judge_header(const struct plan *plan, const uint8_t *in,
                         size_t extended, uint64_t len)
{
    const unsigned opcode    = in[0] & 0x0F;
    const bool     is_client = plan->is_client;

    CHECK((in[0] & 0x70) == 0 || ((in[0] & 0x70) == 0x40 && plan->ext &&
                                  (opcode == 1 || opcode == 2)),
          "RSV in %02x", in[0]);
    CHECK(opcode <= 2 || (opcode >= 8 && opcode <= 10), "opcode %u", opcode);
    CHECK((in[1] >= 0x80) == is_client, "mask bit of a %s",
          is_client ? "client" : "server");
    CHECK(opcode < 8 || (in[0] >= 0x80 && extended == 0), "control frame %02x",
          in[0]);
    CHECK((extended != 2 || len > 125) && (extended != 8 || len > 65535),
          "%llu in %zu bytes", (unsigned long long)len, extended);
}

/* The next frame; false if it is not all there. */
static bool take_frame(struct reader *r, struct frame *frame)
{
    const size_t left = r->run->output.len - r->at;
    uint64_t     len  = 0;

    if (left < 2)
        return false;
    const uint8_t *in       = r->run->output.data + r->at;
    const unsigned form     = in[1] & 0x7F;
    const size_t   extended = form == 126 ? 2 : form == 127 ? 8 : 0;
    const size_t   head     = 2 + extended + (in[1] >= 0x80 ? 4 : 0);
    if (left < head)
        return false;
    for (size_t i = 0; i < extended; i++)
        len = len << 8 | in[2 + i];
    if (extended == 0)
        len = form;
    judge_header(r->run->plan, in, extended, len);
    if (len > left - head)
        return false;
    frame->first   = in[0];
    frame->opcode  = in[0] & 0x0F;
    frame->len     = (size_t)len;
    frame->copy    = exact_copy(in + head, frame->len);
    frame->payload = frame->copy;
    for (size_t i = 0; in[1] >= 0x80 && i < frame->len; i++)
        frame->copy[i] ^= in[head - 4 + i % 4];
    r->at += head + frame->len;
    return true;
}

/* ---- Against what was sent ---------------------------------------------- */

/* Whether the next frame that must leave is this one; then take it. */
static bool is_expected(struct reader *r, const struct frame *frame)
{
    const struct bytes *all = &r->run->frames;
    uint64_t len;

    if (r->frame == all->len)
        return false;
    memcpy(&len, all->data + r->frame + 1, sizeof len);
    if (all->data[r->frame] != frame->first || len != frame->len ||
        (len > 0 && memcmp(all->data + r->frame + 1 + sizeof len,
                           frame->payload, frame->len) != 0))
        return false;
    r->frame += 1 + sizeof len + frame->len;
    return true;
}

/* Whether an entry, a ping, is answered by the last pong: one may be like
 * another. */
static bool is_last_pong(const struct reader *r, const uint8_t *entry)
{
    const struct bytes *last = &r->last_pong;

    return entry[1] == last->len &&
           (last->len == 0 || memcmp(entry + 2, last->data, last->len) == 0);
}

/* Pongs come in order; one that found much output before it may be missing. */
static void take_pong(struct reader *r, const struct frame *frame)
{
    const struct bytes *all = &r->run->pongs;

    while (r->pong < all->len) {
        const uint8_t *entry = all->data + r->pong;
        const size_t   len   = entry[1];

        r->pong += 2 + len;
        if (len == frame->len && memcmp(entry + 2, frame->payload, len) == 0) {
            r->last_pong.len = 0;
            bytes_add(&r->last_pong, frame->payload, len);
            return;
        }
        CHECK(entry[0] == 0 || is_last_pong(r, entry),
              "a pong of %zu bytes is missing", len);
    }
    CHECK(false, "a pong of %zu bytes to no ping", frame->len);
}

/* Its text: pairs of a count and a byte if the extension encoded it. */
static void take_text(struct reader *r, const struct frame *frame)
{
    if (!r->encoded)
        bytes_add(&r->text, frame->payload, frame->len);
    CHECK(!r->encoded || frame->len % 2 == 0, "half a pair");
    for (size_t i = 0; r->encoded && i < frame->len; i += 2) {
        const uint8_t byte = frame->payload[i + 1] ^ 0x55;

        CHECK(frame->payload[i] > 0, "a byte 0 times");
        for (unsigned n = frame->payload[i]; n > 0; n--)
            bytes_add(&r->text, &byte, 1);
    }
}

static void take_data(struct reader *r, const struct frame *frame)
{
    bool whole = true;

    CHECK((frame->opcode == 0) == (r->opcode != 0), "opcode %u %s a message",
          frame->opcode, r->opcode ? "inside" : "outside");
    if (frame->opcode != 0) {
        r->opcode   = frame->opcode;
        r->encoded  = (frame->first & 0x40) != 0;
        r->text.len = 0;
    }
    if (r->opcode == UPF_OP_TEXT)
        take_text(r, frame);
    if (frame->first < 0x80)
        return;
    if (r->opcode == UPF_OP_TEXT && !r->run->config.trust_sent_text)
        CHECK(utf8_prefix(r->text.data, r->text.len, &whole) == r->text.len &&
                  whole,
              "a text that is not UTF-8");
    r->opcode = 0;
}

static void take_close(struct reader *r, const struct frame *frame)
{
    const int code =
        frame->len < 2 ? UPF_CLOSE_NO_STATUS
                       : frame->payload[0] << 8 | frame->payload[1];
    bool whole = true;

    CHECK(frame->len != 1, "half a close code");
    CHECK(frame->len < 2 ||
              (utf8_prefix(frame->payload + 2, frame->len - 2, &whole) ==
                   frame->len - 2 && whole),
          "a reason that is not UTF-8");
    if (r->run->place == CLOSED)
        CHECK(code == r->run->end.sent_code, "Close %d, but %d was reported",
              code, r->run->end.sent_code);
    r->closed = true;
}

static void take_frames(struct reader *r)
{
    struct frame frame;

    while (take_frame(r, &frame)) {
        CHECK(!r->closed, "opcode %u behind a Close", frame.opcode);
        r->count++;
        if (frame.opcode < 8)
            take_data(r, &frame);
        if (frame.opcode == UPF_OP_CLOSE)
            take_close(r, &frame);
        else if (frame.opcode == UPF_OP_PONG)
            take_pong(r, &frame);
        else
            CHECK(is_expected(r, &frame) ||
                      (frame.opcode == UPF_OP_PING && frame.len == 0 &&
                       r->run->ticked),
                  "opcode %u of %zu bytes was not sent, or not now",
                  frame.opcode, frame.len);
        free(frame.copy);
    }
}

/* Pings may be unanswered at the end, but for the newest. */
static void check_last_pong(const struct reader *r)
{
    const struct bytes *pongs = &r->run->pongs;
    size_t at = r->pong;

    while (at < pongs->len) {
        const uint8_t *entry = pongs->data + at;
        const size_t   len   = entry[1];

        CHECK(entry[0] == 0 || is_last_pong(r, entry),
              "a pong is missing at the end");
        at += 2 + len;
        CHECK(at < pongs->len || r->closed || run_failed(r->run) ||
                  is_last_pong(r, entry),
              "the newest ping has no answer");
    }
}

/* All is written: what must have left has. */
static void check_complete(const struct reader *r)
{
    CHECK(r->at == r->run->output.len, "a frame is cut, at %zu of %zu", r->at,
          r->run->output.len);
    CHECK(r->frame == r->run->frames.len, "a frame that was sent is missing");
    CHECK(r->count == r->run->trace_sent || r->run->config.trace == NULL,
          "%zu frames, but %zu were traced", r->count, r->run->trace_sent);
    check_last_pong(r);
    if (r->run->place == CLOSED)
        CHECK(r->closed == (r->run->end.sent_code != 0),
              "Close on the wire: %d, sent_code %d", r->closed,
              r->run->end.sent_code);
}

/* ---- The heads ---------------------------------------------------------- */

/* The bytes up to and with the blank line; 0 if it is not there. */
static size_t head_len(const struct bytes *output)
{
    for (size_t i = 4; i <= output->len; i++)
        if (memcmp(output->data + i - 4, "\r\n\r\n", 4) == 0)
            return i;
    return 0;
}

static void check_request(const struct bytes *output, size_t len)
{
    char       *head = exact_copy(output->data, len);
    upf_request request;

    CHECK(upf_request_parse(head, len, &request) == UPF_OK,
          "our own request is refused");
    free(head);
}

/* The body that an answer announces; -1 for a 101. */
static long body_of(const struct bytes *output, size_t len)
{
    char  *head = exact_copy(output->data, len);
    long   body = 0;

    CHECK(len > 15 && memcmp(head, "HTTP/1.1 ", 9) == 0 && head[12] == ' ',
          "no status line");
    for (size_t i = 0; i < len; i++)
        CHECK(head[i] != '\n' || head[i - 1] == '\r', "a bare LF");
    for (size_t i = 0; i + 1 < len; i++)
        CHECK(head[i] != '\r' || head[i + 1] == '\n', "a bare CR");
    head[len - 1] = '\0';
    const char *field = strstr(head, "\r\nContent-Length: ");
    if (memcmp(head + 9, "101", 3) == 0)
        body = -1;
    else if (field != NULL)
        body = strtol(field + 18, NULL, 10);
    free(head);
    return body;
}

/* False: no frames follow, or the head is not whole. */
static bool take_head(struct reader *r, bool complete)
{
    const struct bytes *output = &r->run->output;

    if (!r->run->plan->handshake)
        return true;
    const size_t len = head_len(output);
    if (len == 0) {
        CHECK(!complete || output->len == 0, "a head that does not end");
        return false;
    }
    r->at = len;
    if (r->run->plan->is_client) {
        check_request(output, len);
        return true;
    }
    const long body = body_of(output, len);
    if (body < 0)
        return true;
    CHECK(r->run->place != OPEN, "OPEN without a 101");
    /* An answer to HEAD announces what it leaves out. */
    CHECK(!complete || output->len - len == (size_t)body || output->len == len,
          "%zu bytes of a body of %ld", output->len - len, body);
    return false;
}

void wire_check(const struct run *run, bool complete)
{
    struct reader r = {.run = run};

    if (take_head(&r, complete)) {
        take_frames(&r);
        if (complete)
            check_complete(&r);
    } else if (complete) {
        CHECK(run->frames.len == 0, "frames were taken before OPEN");
    }
    bytes_free(&r.text);
    bytes_free(&r.last_pong);
}
