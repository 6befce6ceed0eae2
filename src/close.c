/* SPDX-License-Identifier: MIT */
/* close.c - the payload of a Close frame (RFC 6455, sections 5.5.1 and 7.4). */

#include <upframe/frame.h>

#include "bytes.h"
#include "close.h"
#include "utf8.h"

bool upf_close_code_is_valid(int code)
{
    /* 1004 is reserved; 1005, 1006 and 1015 are reported, never sent (section
     * 7.4.1). 1012 to 1014 come from the IANA registry; 3000 to 4999 are for
     * libraries and applications (section 7.4.2). */
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

upf_status upf_close_parse(const uint8_t *payload, size_t len, int *code)
{
    if (len == 0) {
        *code = UPF_CLOSE_NO_STATUS;
        return UPF_OK;
    }
    if (len < 2)
        return UPF_ERR_CLOSE_LENGTH;
    if (!upf_close_code_is_valid(upf_load_be16(payload)))
        return UPF_ERR_CLOSE_CODE;
    if (!upf_utf8_is_valid(payload + 2, len - 2))
        return UPF_ERR_CLOSE_REASON;
    *code = upf_load_be16(payload);
    return UPF_OK;
}

bool upf_close_reason_is_valid(const char *reason, size_t len)
{
    return len <= UPF_CLOSE_REASON_MAX && upf_utf8_is_valid(reason, len);
}
