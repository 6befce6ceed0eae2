/* SPDX-License-Identifier: MIT */
/* http_scan.c - the end of an HTTP/1 head that comes in pieces (RFC 9112). */

#include <assert.h>

#include "bytes.h"
#include "http_scan.h"
#include "kernels/kernels_text.h"

/* A state: the place that the next byte has in the head. */
enum {
    FIRST_BYTE,    /* of the head, or of an empty line before it */
    EMPTY_LINE_LF, /* the LF of that line */
    START_LINE,    /* first byte of the first line */
    IN_LINE,       /* any other byte of a line */
    LINE_LF,       /* the LF that ends a line */
    NEXT_LINE,     /* first byte of a header line, or of the blank line */
    BLANK_LINE_LF, /* the last byte of the head */
    HEAD_END,
    STATES
};

/* The state that a CR or an LF leads to; 0 where it must not come. */
static const uint8_t after_cr[STATES] = {[FIRST_BYTE] = EMPTY_LINE_LF,
                                         [IN_LINE]    = LINE_LF,
                                         [NEXT_LINE]  = BLANK_LINE_LF};
static const uint8_t after_lf[STATES] = {[EMPTY_LINE_LF] = START_LINE,
                                         [LINE_LF]       = NEXT_LINE,
                                         [BLANK_LINE_LF] = HEAD_END};

/* Returns UPF_OK if `c` was the last byte of the head. */
static upf_status scan_byte(struct upf_head_scan         *scan,
                            const struct upf_head_limits *limits, char c)
{
    if (scan->bytes >= limits->bytes)
        return UPF_ERR_HEAD_TOO_BIG;

    if (c == '\r' || c == '\n') {
        const uint8_t next = (c == '\r' ? after_cr : after_lf)[scan->state];
        if (next == 0)
            return UPF_ERR_HTTP;
        scan->state = next;
        scan->bytes++;
        return next == HEAD_END ? UPF_OK : UPF_NEED_MORE;
    }
    if (after_lf[scan->state] != 0 || (upf_is_control_char(c) && c != '\t'))
        return UPF_ERR_HTTP;

    if (scan->state != IN_LINE) {
        /* No line begins with white space: neither the first header line (RFC
         * 9112, section 2.2) nor a folded one (section 5.2). */
        if (c == ' ' || c == '\t')
            return UPF_ERR_HTTP;
        if (scan->state == NEXT_LINE) {
            if (scan->lines >= limits->lines)
                return UPF_ERR_HEAD_TOO_BIG;
            scan->lines++;
        }
        scan->line_bytes = 0;
        scan->state      = IN_LINE;
    }
    if (scan->line_bytes >= limits->line)
        return UPF_ERR_HEAD_TOO_BIG;
    scan->line_bytes++;
    scan->bytes++;
    return UPF_NEED_MORE;
}

void upf_head_scan_next(struct upf_head_scan *scan)
{
    *scan = (struct upf_head_scan){.bytes = scan->bytes};
}

bool upf_head_is_in_first_line(const struct upf_head_scan *scan)
{
    return scan->lines == 0 && scan->state < NEXT_LINE;
}

upf_status upf_head_scan(struct upf_head_scan         *scan,
                         const struct upf_head_limits *limits,
                         const uint8_t *data, size_t len, size_t *taken)
{
    assert(data != NULL || len == 0);
    assert(scan->state < HEAD_END);
    assert(limits->lines <= UINT16_MAX);

    upf_status status = UPF_NEED_MORE;
    size_t i = 0;

    while (i < len && status == UPF_NEED_MORE) {
        if (scan->state == IN_LINE) {
            const size_t room = upf_lesser(limits->bytes - scan->bytes,
                                           limits->line - scan->line_bytes);
            const size_t run = upf_span_without_controls(
                (const char *)data + i, upf_lesser(len - i, room));
            scan->bytes      += (uint32_t)run;
            scan->line_bytes += (uint32_t)run;
            i += run;
            if (i == len)
                break;
        }
        status = scan_byte(scan, limits, (char)data[i]);
        if (status >= 0)
            i++;
    }
    *taken = i;
    return status;
}
