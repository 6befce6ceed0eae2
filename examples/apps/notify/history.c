/* SPDX-License-Identifier: MIT */
/* history.c - topics, and the last so many events: see history.h. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "history.h"

enum { BUCKETS = sizeof((history *)0)->buckets / sizeof(topic *) };

/* ---- Topics ------------------------------------------------------------ */

bool topic_name_is_good(upf_str name)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    if (name.len == 0 || name.len > TOPIC_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (memchr(good, name.data[i], sizeof good - 1) == NULL)
            return false;
    return true;
}

/* FNV-1a */
static topic **bucket_of(history *h, upf_str name)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.data[i]) * 16777619u;
    return &h->buckets[hash % BUCKETS];
}

topic *topic_find(history *h, upf_str name)
{
    if (upf_str_equals(name, h->all.name))
        return &h->all;
    topic **bucket = bucket_of(h, name);
    for (topic *t = *bucket; t != NULL; t = t->next)
        if (upf_str_equals(name, t->name))
            return t;
    topic *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    memcpy(t->name, name.data, name.len);
    t->next = *bucket;
    *bucket = t;
    return t;
}

void topic_let_go(history *h, topic *t)
{
    if (t == &h->all || t->last != NULL || t->followers.count > 0)
        return;
    topic **at = bucket_of(h, (upf_str){t->name, strlen(t->name)});
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    set_free(&t->followers);
    free(t);
}

/* ---- Events ------------------------------------------------------------ */

static int64_t unix_ms(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void free_event(event *e)
{
    upf_shared_free(e->frame); /* who has it in a queue holds it still */
    free(e);
}

static upf_shared *encode(const history *h, const topic *t, upf_str text)
{
    char  id[ID_SIZE];
    char *message = malloc(EVENT_HEAD + text.len);

    if (message == NULL)
        return NULL;
    history_id(h, h->last + 1, id);
    const size_t head = (size_t)sprintf(message, "event %s %s %" PRId64 "\n",
                                        id, t->name, unix_ms());
    memcpy(message + head, text.data, text.len);
    upf_shared *frame =
        upf_shared_new(h->config, UPF_OP_TEXT, message, head + text.len);
    free(message);
    return frame;
}

static void forget(event *e)
{
    e->topic->forgotten = e->number;
    e->in_ring          = false;
    if (e->topic->last != e)
        free_event(e);
}

/* It takes the place of the oldest in the ring, and of its topic's last. */
static void keep(history *h, event *e)
{
    event **slot = &h->ring[e->number % h->size];

    if (*slot != NULL)
        forget(*slot);
    *slot = e;
    event *before  = e->topic->last;
    e->topic->last = e;
    if (before == NULL)
        h->published[h->published_count++] = e->topic;
    else if (!before->in_ring)
        free_event(before);
}

event *history_add(history *h, upf_str name, upf_str text, const char **why)
{
    if (!topic_name_is_good(name)) {
        *why = "a topic is up to 64 letters, digits, any of . _ -";
        return NULL;
    }
    if (text.len > TEXT_MAX) {
        *why = "an event is up to 64 KiB";
        return NULL;
    }
    topic      *t     = topic_find(h, name);
    upf_shared *frame = NULL;
    event      *e     = NULL;
    if (t != NULL && t->last == NULL && h->published_count == TOPICS_MAX)
        *why = "there are too many topics";
    else if (t == NULL || (frame = encode(h, t, text)) == NULL)
        *why = "it is not UTF-8, or there is no memory";
    else if ((e = calloc(1, sizeof *e)) == NULL)
        *why = "there is no memory";
    if (e != NULL) {
        *e = (event){.frame = frame, .number = ++h->last, .topic = t,
                     .in_ring = true};
        keep(h, e);
        return e;
    }
    upf_shared_free(frame);
    if (t != NULL)
        topic_let_go(h, t);
    return NULL;
}

uint64_t history_first(const history *h)
{
    return h->last > h->size ? h->last - h->size + 1 : 1;
}

event *history_get(const history *h, uint64_t number)
{
    return h->ring[number % h->size];
}

/* ---- Ids --------------------------------------------------------------- */

void history_id(const history *h, uint64_t number, char id[ID_SIZE])
{
    snprintf(id, ID_SIZE, "%s-%" PRIu64, h->run, number);
}

id_kind history_read_id(const history *h, upf_str id, uint64_t *number)
{
    const size_t run = sizeof h->run - 1;

    if (id.len <= run + 1 || id.len >= ID_SIZE || id.data[run] != '-')
        return ID_BAD;
    for (size_t i = 0; i < run; i++)
        if (memchr("0123456789abcdef", id.data[i], 16) == NULL)
            return ID_BAD;
    *number = 0;
    for (size_t i = run + 1; i < id.len; i++) {
        const unsigned digit = (unsigned)id.data[i] - '0';
        if (digit > 9 || *number > (UINT64_MAX - digit) / 10)
            return ID_BAD;
        *number = *number * 10 + digit;
    }
    if (memcmp(id.data, h->run, run) != 0)
        return ID_OTHER_RUN;
    return *number <= h->last ? ID_OURS : ID_BAD;
}

/* ---- Beginning and end -------------------------------------------------- */

bool history_begin(history *h, size_t size, const upf_config *config)
{
    uint64_t run;

    *h = (history){.config = config, .size = size, .all.name = "*"};
    if (!config->random(config->random_user, &run, sizeof run))
        return false;
    snprintf(h->run, sizeof h->run, "%016" PRIx64, run);
    h->ring = calloc(size, sizeof(event *));
    return h->ring != NULL;
}

void history_end(history *h)
{
    for (size_t i = 0; h->ring != NULL && i < h->size; i++)
        if (h->ring[i] != NULL)
            forget(h->ring[i]);
    for (size_t i = 0; i < h->published_count; i++) {
        free_event(h->published[i]->last);
        h->published[i]->last = NULL;
    }
    for (size_t i = 0; i < BUCKETS; i++)
        while (h->buckets[i] != NULL)
            topic_let_go(h, h->buckets[i]);
    set_free(&h->all.followers);
    free(h->ring);
}
