/* SPDX-License-Identifier: MIT */
/* conn_refusal.c - a response other than 101. As much of it as can be read is
 * kept, however badly it is written: it tells why there is no WebSocket. */

#include <string.h>

#include "buf.h"
#include "conn_assembly.h"
#include "conn_open.h"
#include "http.h"
#include "http_fields.h"

/* The part of the response that the next byte belongs to. */
enum {
    IN_REASON, /* the first line, after its status */
    IN_HEAD,
    TO_LENGTH,   /* a body of known length */
    TO_END,      /* a body that ends with the stream */
    CHUNK_START, /* the first digit of a chunk's size (RFC 9112, 7.1) */
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_DATA,
    CHUNK_END, /* the line end after a chunk's data */
    TRAILER_START,
    IN_TRAILER
};

enum {
    MAJOR       = sizeof "HTTP/" - 1,
    STATUS_LEN  = sizeof "HTTP/1.1 503" - 1
};

/* ---- Is it a response? -------------------------------------------------- */

/* Whether `c` may be byte `at` of a status line (RFC 9112, section 4). A line
 * end right after the status is let pass. */
static bool may_stand(size_t at, char c)
{
    static const char form[STATUS_LEN + 1] = "HTTP/0.0 100";

    if (at == STATUS_LEN)
        return c == ' ' || c == '\r' || c == '\n';
    if (form[at] == '0' || form[at] == '1') /* or any higher digit */
        return c >= form[at] && c <= '9';
    return c == form[at];
}

upf_status upf_conn_judge_start(upf_conn *conn, const upf_input *input)
{
    const upf_config *config  = conn->config;
    const size_t      already = conn->assembly.len;
    const uint64_t    before  = conn->in.handshake.at.scan.bytes;

    for (size_t i = 0; i < input->len; i++) {
        const size_t at = already + i;
        if (at > STATUS_LEN || at > config->max_head_line ||
            before + i > config->max_head)
            break; /* other code enforces the limits */
        const char c      = (char)input->data[i];
        const bool stands = may_stand(at, c);
        if (!stands || (at == MAJOR && c != '1')) {
            upf_conn_blame(conn, conn->offset + i);
            return stands ? UPF_ERR_HTTP_VERSION : UPF_ERR_HTTP;
        }
    }
    return UPF_OK;
}

/* The status in a status line; 0 if it is below 200. */
static uint16_t status_in(const char start[STATUS_LEN])
{
    const char *digits = start + STATUS_LEN - 3;
    const int   status = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 +
                       (digits[2] - '0');

    return (uint16_t)(status >= 200 ? status : 0);
}

bool upf_conn_is_refusal(upf_conn *conn, upf_input *input)
{
    const upf_config *config  = conn->config;
    const size_t      already = conn->assembly.len;
    const uint32_t    before  = conn->in.handshake.at.scan.bytes;
    char start[STATUS_LEN];

    /* Wait for the byte after the status: upf_conn_judge_start() checks it. */
    if (already > STATUS_LEN || input->len <= STATUS_LEN - already)
        return false;
    if (already > 0)
        memcpy(start, conn->assembly.data, already);
    if (already < STATUS_LEN)
        memcpy(start + already, input->data, STATUS_LEN - already);

    const uint16_t status = status_in(start);
    const uint64_t taken  = (uint64_t)before + (STATUS_LEN - already);
    if (status == 0 || taken > config->max_head ||
        STATUS_LEN > config->max_head_line)
        return false;
    upf_conn_take(conn, input, STATUS_LEN - already);
    upf_assembly_cut(conn, 0);
    memset(&conn->in.refusal, 0, sizeof conn->in.refusal);
    conn->in.refusal.status = status;
    conn->in.refusal.taken  = taken;
    upf_conn_enter(conn, UPF_STATE_REFUSAL);
    return true;
}

/* ---- Keeping ------------------------------------------------------------ */

/* How many bytes may be read: of all heads while a head arrives, of heads and
 * body together once the body arrives. */
static uint64_t limit(const upf_conn *conn)
{
    const bool in_body = conn->in.refusal.phase > IN_HEAD;

    return (uint64_t)conn->config->max_head +
           (in_body ? conn->config->max_body : 0);
}

/* Append `c` to the assembly. False if there is no memory. */
static bool keep(upf_conn *conn, char c)
{
    const struct upf_buf *block = &conn->assembly;
    const size_t          len   = block->len;

    if (len == upf_buf_capacity(block)) {
        const uint64_t most =
            (uint64_t)conn->config->max_head + conn->config->max_body;
        if (!upf_assembly_grow(conn, len, len + 1,
                               most > len ? most : len + 1))
            return false;
    }
    block->data[len] = (uint8_t)c;
    upf_assembly_add(conn, 1);
    return true;
}

/* ---- The head ----------------------------------------------------------- */

static bool is_field(upf_str line)
{
    upf_str name, value;

    return upf_is_field_value(line) && upf_http_field(line, &name, &value);
}

/* The head is complete: find out how the body ends (RFC 9112, section 6.3).
 * False if there is none, or it is not to be read (max_body 0). */
static bool begin_body(upf_conn *conn)
{
    struct upf_refusal *r = &conn->in.refusal;
    upf_str text, headers, list, coding = {NULL, 0};
    struct upf_fields f;

    r->body = r->line;
    r->phase = TO_END;
    if (r->status == 204 || r->status == 304 || conn->config->max_body == 0)
        return false;
    if (r->line == r->reason)
        return true; /* no header lines were kept */
    text = (upf_str){(const char *)conn->assembly.data + r->reason,
                     r->line - r->reason};
    upf_fields_take(&text, &f); /* false: no blank line ends the text */
    if (upf_field(&f, UPF_FIELD_TRANSFER_ENCODING).data != NULL) {
        upf_fields_list(&f, UPF_FIELD_TRANSFER_ENCODING, &headers, &list);
        while (upf_header_list_next(&headers, &list, "Transfer-Encoding",
                                    &coding))
            continue;
        if (upf_str_equals_nocase(coding, "chunked"))
            r->phase = CHUNK_START;
        return true;
    }
    const upf_str length = upf_field(&f, UPF_FIELD_CONTENT_LENGTH);
    if (upf_field_is_repeated(&f, UPF_FIELD_CONTENT_LENGTH) ||
        length.len == 0 || length.len > 18)
        return true;
    for (size_t i = 0; i < length.len; i++) {
        if (length.data[i] < '0' || length.data[i] > '9')
            return true;
        r->left = r->left * 10 + (uint64_t)(length.data[i] - '0');
    }
    r->phase = TO_LENGTH;
    return r->left > 0;
}

/* Keep the current line, a sound field of `len` bytes, and add CR LF. */
static bool keep_field(upf_conn *conn, size_t len)
{
    struct upf_refusal *r = &conn->in.refusal;

    upf_assembly_cut(conn, r->line + len);
    const bool kept = keep(conn, '\r') && keep(conn, '\n');
    if (!kept)
        upf_assembly_cut(conn, r->line);
    r->line = (uint32_t)conn->assembly.len;
    return kept;
}

/* An LF has ended a line: keep the line if it is sound, otherwise drop it.
 * False if the response is complete, or there is no memory. */
static bool end_line(upf_conn *conn)
{
    struct upf_refusal   *r     = &conn->in.refusal;
    const struct upf_buf *block = &conn->assembly;
    const size_t          size  = block->len - r->line;
    upf_str line = {size > 0 ? (const char *)block->data + r->line : "", size};

    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    else
        r->taken++; /* keep_field() adds the missing CR: count it as read */
    const bool fits = !r->is_long && line.len <= conn->config->max_head_line;
    r->is_long = false;

    if (r->phase == IN_REASON) {
        const bool sound = fits && upf_is_field_value(line);
        r->line = r->field = r->reason = sound ? (uint32_t)line.len : 0;
        upf_assembly_cut(conn, r->line);
        r->phase = IN_HEAD;
        return true;
    }
    if (line.len > 0 && (line.data[0] == ' ' || line.data[0] == '\t')) {
        /* A folded field (RFC 9112, section 5.2): nothing is joined here, so
         * the lines of it that were kept are dropped, too. */
        r->line = r->field;
        upf_assembly_cut(conn, r->line);
        return true;
    }
    r->field = r->line;
    upf_assembly_cut(conn, r->line);
    if (line.len == 0 && fits)
        return begin_body(conn);
    if (fits && r->lines < conn->config->max_head_lines && is_field(line)) {
        r->lines++;
        return keep_field(conn, line.len);
    }
    return true;
}

static bool take_head(upf_conn *conn, char c)
{
    struct upf_refusal *r = &conn->in.refusal;

    if (c == '\n')
        return end_line(conn);
    /* One byte more than the limit is kept, because it may be the CR. */
    if (conn->assembly.len - r->line <= conn->config->max_head_line)
        return keep(conn, c);
    r->is_long = true;
    return true;
}

/* ---- The body ----------------------------------------------------------- */

static bool keep_of_body(upf_conn *conn, char c)
{
    const size_t len = conn->assembly.len - conn->in.refusal.body;

    return keep(conn, c) && len + 1 < conn->config->max_body;
}

/* The value of a hexadecimal digit; -1 if `c` is not one. */
static int hex_value(char c)
{
    const char lower = (char)(c | 0x20);

    if (c >= '0' && c <= '9')
        return c - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Take a byte of the line with a chunk's size. False if it is malformed. */
static bool take_chunk_size(struct upf_refusal *r, char c)
{
    const int digit = r->phase == CHUNK_EXTENSION ? -1 : hex_value(c);

    if (digit >= 0) {
        if (r->left <= UINT32_MAX) /* a larger size is over any limit anyway */
            r->left = r->left * 16 + (uint64_t)digit;
        r->phase = CHUNK_SIZE;
        return true;
    }
    if (r->phase == CHUNK_START)
        return false;
    if (c != '\n')
        r->phase = CHUNK_EXTENSION;
    else
        r->phase = r->left > 0 ? CHUNK_DATA : TRAILER_START;
    return true;
}

/* Take a byte of the body. False if the response is complete, is malformed or
 * cannot be kept further. */
static bool take_body(upf_conn *conn, char c)
{
    struct upf_refusal *r = &conn->in.refusal;

    switch (r->phase) {
    case TO_END:
        return keep_of_body(conn, c);
    case TO_LENGTH:
        r->left--;
        return keep_of_body(conn, c) && r->left > 0;
    case CHUNK_DATA:
        r->left--;
        if (r->left == 0)
            r->phase = CHUNK_END;
        return keep_of_body(conn, c);
    case CHUNK_END:
        if (c == '\n')
            r->phase = CHUNK_START;
        return c == '\n' || c == '\r';
    case TRAILER_START:
        if (c != '\r')
            r->phase = IN_TRAILER;
        return c != '\n';
    case IN_TRAILER:
        if (c == '\n')
            r->phase = TRAILER_START;
        return true;
    default:
        return take_chunk_size(r, c);
    }
}

/* ---- All of it ---------------------------------------------------------- */

upf_status upf_conn_read_refusal(upf_conn *conn, upf_input *input)
{
    struct upf_refusal *r = &conn->in.refusal;
    size_t n = 0;
    bool   goes_on = true;

    while (goes_on && n < input->len) {
        const char c = (char)input->data[n++];
        r->taken++;
        goes_on = (r->phase <= IN_HEAD ? take_head : take_body)(conn, c) &&
                  r->taken < limit(conn);
    }
    upf_conn_take(conn, input, n);
    return goes_on ? UPF_NEED_MORE : UPF_ERR_RESPONSE;
}

/* An empty slice always has NULL as its data, so that it does not depend on how
 * TCP cut the response. */
static upf_str slice(const uint8_t *text, size_t len)
{
    return len > 0 ? (upf_str){(const char *)text, len} : (upf_str){NULL, 0};
}

void upf_conn_refusal(const upf_conn *conn, upf_response *response)
{
    const struct upf_refusal *r    = &conn->in.refusal;
    const uint8_t            *text = conn->assembly.data;

    *response = (upf_response){.status = r->status};
    if (text == NULL)
        return;
    if (r->reason > 0) /* a space, then the phrase */
        response->reason = slice(text + 1, r->reason - 1);
    /* A line whose end has not arrived is left out. */
    const uint32_t end = r->phase > IN_HEAD ? r->body : r->line;
    response->headers  = slice(text + r->reason, end - r->reason);
    if (r->phase > IN_HEAD)
        response->body = slice(text + end, conn->assembly.len - end);
}
