/* SPDX-License-Identifier: MIT */
/* page.c - the one page that a server shows to who comes without WebSocket. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page.h"

enum { NONCE = 32 }; /* characters */

static bool is(upf_str text, const char *literal)
{
    return text.len == strlen(literal) &&
           memcmp(text.data, literal, text.len) == 0;
}

/* The target without its query. A URL without a path leaves nothing of it. */
static upf_str path_of(upf_str target)
{
    const char *query = memchr(target.data, '?', target.len);

    if (query != NULL)
        target.len = (size_t)(query - target.data);
    return target.len > 0 ? target : (upf_str){"/", 1};
}

/* Nobody can know it beforehand: so no text of a visitor that got into the page
 * as HTML, against all care, would run. */
static bool draw_nonce(const upf_config *config, char nonce[NONCE + 1])
{
    uint8_t bytes[NONCE / 2];

    if (!config->random(config->random_user, bytes, sizeof bytes))
        return false;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(nonce + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

/* The length of "<script" or "<style" if that is a whole tag here; else 0. */
static size_t tag_at(const char *html, size_t left)
{
    static const char *const tags[] = {"<script>", "<style>"};

    for (int i = 0; i < 2; i++) {
        const size_t len = strlen(tags[i]);
        if (left >= len && memcmp(html, tags[i], len) == 0)
            return len - 1;
    }
    return 0;
}

/* A copy of the page in which these tags wear the nonce. */
static char *with_nonce(const char *html, size_t *len, const char *nonce)
{
    enum { WORN = sizeof " nonce=\"\"" - 1 + NONCE };
    size_t tags = 0, n = 0;

    for (size_t i = 0; i < *len; i++)
        tags += tag_at(html + i, *len - i) > 0;
    char *page = malloc(*len + tags * WORN + 1);
    if (page == NULL)
        return NULL;
    for (size_t i = 0; i < *len; i++) {
        const size_t tag = tag_at(html + i, *len - i);
        if (tag > 0) {
            memcpy(page + n, html + i, tag);
            n += tag;
            n += (size_t)sprintf(page + n, " nonce=\"%s\"", nonce);
            i += tag;
        }
        page[n++] = html[i];
    }
    *len = n;
    return page;
}

/*
 * The page may run its own script, wear its own style, have an icon inside it
 * and connect to this server, nothing else. Not every browser takes 'self' to
 * mean ws:// too, so a Host that is plainly a name or an address is named.
 */
static const char *policy(upf_str host, const char *nonce, char *text,
                          size_t size)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]";
    bool named = host.len > 0 && host.len <= 255;

    for (size_t i = 0; named && i < host.len; i++)
        named = host.data[i] != '\0' && strchr(plain, host.data[i]) != NULL;
    const int   len  = named ? (int)host.len : 0;
    const char *name = named ? host.data : "";
    snprintf(text, size,
             "default-src 'none'; script-src 'nonce-%s'; "
             "style-src 'nonce-%s'; img-src data:; base-uri 'none'; "
             "form-action 'none'; frame-ancestors 'none'; "
             "connect-src 'self'%s%.*s%s%.*s",
             nonce, nonce, named ? " ws://" : "", len, name,
             named ? " wss://" : "", len, name);
    return text;
}

static void send_page(upf_conn *conn, const upf_config *config,
                      const upf_request *request, const char *html, size_t len)
{
    char  nonce[NONCE + 1], text[1024];
    char *page = draw_nonce(config, nonce) ? with_nonce(html, &len, nonce)
                                           : NULL;
    if (page == NULL) {
        upf_refuse(conn, 503, NULL, 0, NULL, 0);
        return;
    }
    const upf_header headers[] = {
        {"Content-Type", "text/html; charset=utf-8"},
        {"Content-Security-Policy",
         policy(request->host, nonce, text, sizeof text)},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cache-Control", "no-store"},
    };
    upf_refuse(conn, 200, headers, sizeof headers / sizeof *headers, page, len);
    free(page);
}

void page_answer(upf_conn *conn, const upf_config *config,
                 const upf_request *request, const char *html, size_t len)
{
    static const upf_header plain_text = {"Content-Type", "text/plain"};
    static const char not_found[] = "Nothing here; the page is at /.\n";
    static const char not_get[]   = "Only GET and HEAD are served here.\n";
    static const upf_header allow = {"Allow", "GET, HEAD, OPTIONS"};
    const upf_str path = path_of(request->target);

    if (is(request->method, "OPTIONS")) {
        upf_refuse(conn, 204, &allow, 1, NULL, 0);
    } else if (!is(request->method, "GET") && !is(request->method, "HEAD")) {
        const upf_header headers[] = {plain_text, allow};
        upf_refuse(conn, 405, headers, 2, not_get, sizeof not_get - 1);
    } else if (is(path, "/")) {
        send_page(conn, config, request, html, len);
    } else if (is(path, "/favicon.ico")) {
        upf_refuse(conn, 204, NULL, 0, NULL, 0);
    } else {
        upf_refuse(conn, 404, &plain_text, 1, not_found, sizeof not_found - 1);
    }
}
