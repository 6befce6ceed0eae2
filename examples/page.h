/* SPDX-License-Identifier: MIT */
/* page.h - the one page that a server shows to who comes without WebSocket. */
#ifndef EXAMPLES_PAGE_H
#define EXAMPLES_PAGE_H

#include <stddef.h>
#include <upframe/conn.h>

/*
 * Answer a REQUEST event whose status is UPF_ERR_NOT_UPGRADE: GET / gets the
 * page, /favicon.ico nothing (204), any other path 404, any other method 405.
 */
void page_answer(upf_conn *conn, const upf_request *request, const char *html,
                 size_t len);

#endif
