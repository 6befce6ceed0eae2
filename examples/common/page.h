/* SPDX-License-Identifier: MIT */
/* page.h - the one page that a server shows to who comes without WebSocket. */
#ifndef EXAMPLES_PAGE_H
#define EXAMPLES_PAGE_H

#include <stddef.h>
#include <upframe/conn.h>

/*
 * Answer a REQUEST event whose status is UPF_ERR_NOT_UPGRADE: GET / gets the
 * page (HEAD: the engine leaves the body out), /favicon.ico nothing (204), any
 * other path 404; OPTIONS, with which load balancers ask whether the server is
 * well, 204; any other method 405.
 *
 * The page's policy lets run only what stands in its own <script> and <style>
 * tags, written so: they get a nonce that is drawn anew for each answer.
 * Attributes (style=, onclick=) and what another server has are refused; the
 * browser's console says so. The page's icon is a data: URL, if only an empty
 * one: otherwise some browsers ask the policy for /favicon.ico, and complain.
 *
 * Leave UPF_ERR_UPGRADE_STRIPPED to the library: its answer, 426, says that a
 * proxy dropped the Upgrade field, where a 404 would send people to look for
 * another path.
 */
void page_answer(upf_conn *conn, const upf_config *config,
                 const upf_request *request, const char *html, size_t len);

#endif
