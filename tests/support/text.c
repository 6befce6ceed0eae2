/* SPDX-License-Identifier: MIT */
/* text.c - text for the handshake's tests. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "guard.h"
#include "text.h"

upf_str exact(const char *text, size_t len)
{
    char *copy = (char *)guard_end(len);

    memcpy(copy, text, len);
    return (upf_str){copy, len};
}

void exact_free(upf_str text)
{
    guard_free((uint8_t *)(uintptr_t)text.data, text.len);
}

void text_add(struct text *text, const char *data, size_t len)
{
    assert_true(len <= TEXT_CAP - text->len);
    memcpy(text->data + text->len, data, len);
    text->len += len;
}

const struct text *text_edit(const char *base, const char *find,
                             const char *replace)
{
    static struct text text;
    const char *at = strstr(base, find);

    assert_non_null(at);
    text.len = 0;
    text_add(&text, base, (size_t)(at - base));
    text_add(&text, replace, strlen(replace));
    text_add(&text, at + strlen(find), strlen(at + strlen(find)));
    return &text;
}

const char *text_at_edge(const char *data, size_t len)
{
    enum { BEFORE = 16 }; /* bytes that a step too far back would find */
    static uint8_t *memory;

    if (memory == NULL)
        memory = guard_end(BEFORE + TEXT_CAP);

    uint8_t *copy = memory + BEFORE + TEXT_CAP - len;
    memset(copy - BEFORE, 0xEE, BEFORE);
    memcpy(copy, data, len);
    return (const char *)copy;
}

static bool lies_within(upf_str part, const char *head, size_t len)
{
    return part.len == 0 || (part.data >= head && part.len <= len &&
                             (size_t)(part.data - head) <= len - part.len);
}

upf_status text_parse_request(const char *data, size_t len,
                              upf_request *request)
{
    const char *head = text_at_edge(data, len);

    memset(request, 0xEE, sizeof *request);
    const upf_status status = upf_request_parse(head, len, request);

    const upf_str parts[] = {
        request->method, request->target_as_sent, request->headers,
        request->host, request->origin, request->key,
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_true(lies_within(parts[i], head, len));

    /* "/" or "*" may stand for nothing that was sent. */
    const upf_str sent = request->target_as_sent, target = request->target;
    if (target.len != 1)
        assert_true(target.len == 0 || lies_within(target, sent.data, sent.len));
    return status;
}
