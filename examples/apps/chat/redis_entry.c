/* SPDX-License-Identifier: MIT */
/* redis_entry.c - what was said, as an entry of a Redis stream, and its id. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "redis_entry.h"

/* Digits up to `end`; false if there are none, or too many. */
static bool read_number(const char **at, const char *end, uint64_t *number)
{
    const char *start = *at;

    *number = 0;
    while (*at < end && **at >= '0' && **at <= '9') {
        const uint64_t digit = (uint64_t)(*(*at)++ - '0');
        if (*number > (UINT64_MAX - digit) / 10)
            return false;
        *number = *number * 10 + digit;
    }
    return *at > start;
}

bool stream_id_read(stream_id *id, const char *text, size_t len)
{
    const char *end = text + len;

    return read_number(&text, end, &id->ms) && text < end && *text++ == '-' &&
           read_number(&text, end, &id->seq) && text == end;
}

void stream_id_write(const stream_id *id, char text[STREAM_ID_MAX])
{
    snprintf(text, STREAM_ID_MAX, "%" PRIu64 "-%" PRIu64, id->ms, id->seq);
}

int stream_id_compare(const stream_id *a, const stream_id *b)
{
    if (a->ms != b->ms)
        return a->ms < b->ms ? -1 : 1;
    return a->seq < b->seq ? -1 : a->seq > b->seq;
}

void stream_id_go_back(stream_id *id, const stream_id *end)
{
    if (stream_id_compare(id, end) > 0)
        *id = *end;
}

size_t sender_key_span(const char *text, size_t len)
{
    static const char chars[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    size_t n = 0;

    while (n < len && text[n] != '\0' && strchr(chars, text[n]) != NULL)
        n++;
    return n;
}

static bool is_key(const redisReply *value)
{
    return value->len > 0 && value->len <= SENDER_KEY_MAX &&
           sender_key_span(value->str, value->len) == value->len;
}

static bool is_string(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING;
}

static bool is(const redisReply *reply, const char *word)
{
    return reply->len == strlen(word) &&
           memcmp(reply->str, word, reply->len) == 0;
}

bool redis_entry_read(redis_entry *entry, const redisReply *reply)
{
    *entry = (redis_entry){.key = {".", 1}, .name = {"", 0}};
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        !is_string(reply->element[0]) ||
        !stream_id_read(&entry->id, reply->element[0]->str,
                        reply->element[0]->len))
        return false;

    const redisReply *fields = reply->element[1];
    if (fields->type != REDIS_REPLY_ARRAY)
        return true;
    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
        const redisReply *field = fields->element[i];
        const redisReply *value = fields->element[i + 1];
        if (!is_string(field) || !is_string(value))
            continue;
        if (is(field, "key") && is_key(value))
            entry->key = (upf_str){value->str, value->len};
        else if (is(field, "name"))
            entry->name = (upf_str){value->str, value->len};
        else if (is(field, "text"))
            entry->text = (upf_str){value->str, value->len};
    }
    return true;
}
