/* SPDX-License-Identifier: MIT */
/* close.h - the payload of a Close frame (RFC 6455, sections 5.5.1 and 7.4). */
#ifndef UPF_CLOSE_H
#define UPF_CLOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <upframe/status.h>

/* Whether a Close frame may carry `code` (section 7.4, and IANA's registry). */
bool upf_close_code_is_valid(int code);

/*
 * Check a whole Close payload. *code is UPF_CLOSE_NO_STATUS if the payload is
 * empty; otherwise the reason is payload[2, len).
 *
 * Returns UPF_OK with *code written, or UPF_ERR_CLOSE_LENGTH, _CODE, _REASON.
 */
upf_status upf_close_parse(const uint8_t *payload, size_t len, int *code);

/* Whether `reason` is UTF-8 of at most UPF_CLOSE_REASON_MAX bytes. */
bool upf_close_reason_is_valid(const char *reason, size_t len);

#endif
