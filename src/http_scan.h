/* SPDX-License-Identifier: MIT */
/* http_scan.h - the end of an HTTP/1 head that comes in pieces. */
#ifndef UPF_HTTP_SCAN_H
#define UPF_HTTP_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <upframe/conn.h>

struct upf_head_limits {
    uint32_t bytes; /* the whole head, blank line included */
    uint32_t line;  /* one line, its CR LF not counted */
    uint32_t lines; /* header lines, at most 65,535 */
};

/*
 * Look for the end of a head that arrives in pieces, each byte seen once.
 *
 *   scan    zeroed before the first piece
 *   taken   always written: how many bytes of `data` belong to the head, or the
 *           index of the byte at fault
 *
 * Returns UPF_OK after the blank line, UPF_NEED_MORE, UPF_ERR_HTTP at the first
 * byte that no head can have there (bare CR or LF, NUL and other control
 * characters; RFC 9112, sections 2.2 and 5), or UPF_ERR_HEAD_TOO_BIG. One empty
 * line before the first line is allowed (section 2.2).
 */
upf_status upf_head_scan(struct upf_head_scan         *scan,
                         const struct upf_head_limits *limits,
                         const uint8_t *data, size_t len, size_t *taken);

/* A whole head was seen, and another follows, which counts against the same
 * limit of bytes. */
void upf_head_scan_next(struct upf_head_scan *scan);

/* Whether the next byte, or the one at fault, belongs to the first line. */
bool upf_head_is_in_first_line(const struct upf_head_scan *scan);

#endif
