/* SPDX-License-Identifier: MIT */
/* conn_ext.c - an extension in the opening handshake (section 9.1). */

#include <assert.h>
#include <string.h>

#include "conn_open.h"
#include "ext.h"
#include "handshake.h"
#include "str.h"

upf_status upf_conn_agree_on_extension(upf_conn *conn, upf_str headers)
{
    const struct upf_ext *ext  = conn->config->ext;
    upf_str               list = {NULL, 0}, name, params;

    while (conn->ext == NULL &&
           upf_extension_next_offer(&headers, &list, &name, &params) ==
               UPF_OK) {
        if (!upf_str_same_nocase(name, upf_str_of(ext->name)))
            continue;
        const upf_status status =
            ext->agree(ext, conn->config, false, params, &conn->ext);
        if (status == UPF_ERR_NO_MEMORY)
            return status;
    }
    return UPF_OK;
}

upf_status upf_conn_check_extension(upf_conn *conn, upf_str headers)
{
    const struct upf_ext *ext  = conn->config->ext;
    upf_str               list = {NULL, 0}, name, params;
    upf_status            status;

    for (;;) {
        status = upf_extension_next(&headers, &list, &name, &params);
        if (status != UPF_OK)
            return status == UPF_DONE ? UPF_OK : status;
        if (ext == NULL || !upf_str_same_nocase(name, upf_str_of(ext->name)))
            return UPF_ERR_EXTENSION_NOT_OFFERED;
        if (conn->ext != NULL)
            return UPF_ERR_EXTENSION_REPEATED;
        status = ext->agree(ext, conn->config, true, params, &conn->ext);
        if (status != UPF_OK)
            return status == UPF_ERR_EXTENSION ? UPF_ERR_EXTENSION_PARAMETERS
                                               : status;
    }
}

upf_str upf_conn_extension_text(const upf_conn *conn, bool offer, char *text)
{
    const struct upf_ext *ext = conn->config->ext;

    if (ext == NULL || (!offer && conn->ext == NULL))
        return (upf_str){NULL, 0};
    size_t len = strlen(ext->name);
    assert(len < UPF_EXTENSION_TEXT_MAX);
    memcpy(text, ext->name, len);
    const size_t room = UPF_EXTENSION_TEXT_MAX - len;
    len += offer ? ext->offer(ext, text + len, room)
                 : ext->answer(conn->ext, text + len, room);
    return (upf_str){text, len};
}
