/* SPDX-License-Identifier: MIT */
/* subscriber.c - what a client follows, and how far it has got: see
 * subscriber.h. Read subscribers_deliver(), then subscriber_catch_up(). */

#include <stdio.h>
#include <string.h>

#include "subscriber.h"

/* ---- Events as they happen ---------------------------------------------- */

static void deliver(const client_set *followers, const event *e)
{
    for (size_t i = followers->count; i-- > 0;) {
        subscriber *r = (subscriber *)followers->members[i].client;
        if (r->behind || r->sent >= e->number)
            continue; /* it follows the topic and "*": once is enough */
        if (upf_conn_congested(&r->client.ws))
            r->behind = true;
        else if (client_send_shared(&r->client, e->frame))
            r->sent = e->number;
    }
}

void subscribers_deliver(const history *h, const event *e)
{
    deliver(&e->topic->followers, e);
    deliver(&h->all.followers, e);
}

/* ---- What it lacks ------------------------------------------------------ */

static void tell(subscriber *r, const history *h, const char *word,
                 const char *why)
{
    char id[ID_SIZE], line[ID_SIZE + 64];

    history_id(h, r->sent, id);
    const int len = snprintf(line, sizeof line, "%s %s%s", word, id, why);
    client_send(&r->client, UPF_OP_TEXT, line, (size_t)len);
}

/* Not if a newer one comes anyway. */
static void send_state(subscriber *r, const topic *t, uint64_t had)
{
    const event *e = t->last;

    if (e != NULL && e->number > had && e->number <= r->sent)
        client_send_shared(&r->client, e->frame);
}

static bool names(const subscriber *r, const topic *t)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->topics[i].topic == t)
            return true;
    return false;
}

/* The last events that are due; false if it does not read so much. */
static bool send_states(subscriber *r, const history *h)
{
    while (r->stated < r->count) {
        const struct following *f = &r->topics[r->stated];
        const bool is_all = f->topic == &h->all;
        if (upf_conn_congested(&r->client.ws))
            return false;
        if (!is_all)
            send_state(r, f->topic, f->had);
        else if (r->star_at < r->star_end) {
            const topic *t = h->published[r->star_at++];
            if (!names(r, t)) /* or it has it, or gets it by that name */
                send_state(r, t, f->had);
        }
        if (!is_all || r->star_at == r->star_end)
            r->stated++;
    }
    return true;
}

static void all_states_are_due(subscriber *r, const history *h, uint64_t had)
{
    for (size_t i = 0; i < r->stated; i++)
        r->topics[i].had = had;
    r->stated   = 0;
    r->star_at  = 0;
    r->star_end = h->published_count;
}

/* The history begins after what it was sent last. That is no loss if none of
 * its topics was among it. */
static void skip_what_is_lost(subscriber *r, const history *h)
{
    const uint64_t had    = r->sent;
    bool           is_gap = false;

    r->sent = history_first(h) - 1;
    for (size_t i = 0; i < r->count; i++) {
        const topic *t = r->topics[i].topic;
        if (t == &h->all || t->forgotten > had)
            is_gap = true;
    }
    if (is_gap) {
        tell(r, h, "gap", " the history does not reach back so far");
        all_states_are_due(r, h, had);
    }
}

void subscriber_catch_up(subscriber *r, const history *h)
{
    r->behind = true;
    for (;;) {
        if (r->sent + 1 < history_first(h))
            skip_what_is_lost(r, h);
        if (r->asks && !upf_conn_congested(&r->client.ws)) {
            tell(r, h, "now", "");
            r->asks = false;
        }
        if (!send_states(r, h) || upf_conn_congested(&r->client.ws))
            return; /* until it is relieved */
        if (r->sent == h->last)
            break;
        const event *e = history_get(h, r->sent + 1);
        if ((names(r, e->topic) || names(r, &h->all)) &&
            !client_send_shared(&r->client, e->frame))
            return; /* it is closing */
        r->sent = e->number;
    }
    r->behind = false;
}

/* ---- What it follows ---------------------------------------------------- */

static const char *add(subscriber *r, history *h, upf_str name)
{
    if (!topic_name_is_good(name) && !upf_str_equals(name, h->all.name))
        return "a topic is * or up to 64 letters, digits, any of . _ -";
    topic *t = topic_find(h, name);
    if (t == NULL)
        return "out of memory";
    if (names(r, t))
        return NULL;
    if (r->count == FOLLOW_MAX || !set_join(&t->followers, &r->client)) {
        topic_let_go(h, t);
        return r->count == FOLLOW_MAX ? "too many topics; * is all of them"
                                      : "out of memory";
    }
    if (!r->behind)
        r->sent = h->last; /* it may be less: of what it does not follow */
    if (t == &h->all) {
        r->star_at  = 0;
        r->star_end = h->published_count;
    }
    r->topics[r->count++] = (struct following){.topic = t};
    return NULL;
}

static const char *drop(subscriber *r, history *h, upf_str name)
{
    for (size_t i = 0; i < r->count; i++) {
        topic *t = r->topics[i].topic;
        if (!upf_str_equals(name, t->name))
            continue;
        set_leave(&t->followers, &r->client);
        topic_let_go(h, t);
        r->count--;
        memmove(&r->topics[i], &r->topics[i + 1],
                (r->count - i) * sizeof r->topics[0]);
        if (i < r->stated)
            r->stated--;
        break;
    }
    return NULL;
}

static upf_str take_word(upf_str *rest)
{
    const char   *space = memchr(rest->data, ' ', rest->len);
    const size_t  len = space != NULL ? (size_t)(space - rest->data)
                                      : rest->len;
    const upf_str word = {rest->data, len};

    rest->data += len + (space != NULL);
    rest->len -= len + (space != NULL);
    return word;
}

static const char *each(subscriber *r, history *h, upf_str names,
                        const char *(*one)(subscriber *, history *, upf_str))
{
    const char *wrong = NULL;

    while (wrong == NULL && names.len > 0)
        wrong = one(r, h, take_word(&names));
    return wrong;
}

static const char *follow(subscriber *r, history *h, upf_str names)
{
    const upf_str id     = take_word(&names);
    const bool    is_new = upf_str_equals(id, "-");
    uint64_t      seen   = h->last;
    const id_kind kind   = is_new ? ID_OURS : history_read_id(h, id, &seen);

    if (r->follows)
        return "follow comes once; then add and drop";
    if (kind == ID_BAD)
        return "that is no id of this server's";
    r->follows = true;
    r->behind  = true;
    r->sent    = kind == ID_OURS ? seen : history_first(h) - 1;
    r->asks    = is_new;
    if (kind == ID_OTHER_RUN)
        tell(r, h, "gap", " the server has started anew");
    const char *wrong = each(r, h, names, add);
    if (kind == ID_OURS && !is_new)
        r->stated = r->count; /* it has their last events, or gets them */
    return wrong;
}

const char *subscriber_obey(subscriber *r, history *h, upf_str line)
{
    const upf_str word  = take_word(&line);
    const char   *wrong = "what is that? follow, add and drop are known";

    if (upf_str_equals(word, "follow"))
        wrong = follow(r, h, line);
    else if (!r->follows)
        wrong = "follow comes first";
    else if (upf_str_equals(word, "add")) {
        wrong   = each(r, h, line, add);
        r->asks = true;
    } else if (upf_str_equals(word, "drop"))
        wrong = each(r, h, line, drop);
    if (wrong == NULL)
        subscriber_catch_up(r, h);
    return wrong;
}

void subscriber_end(subscriber *r, history *h)
{
    while (r->count > 0)
        topic_let_go(h, r->topics[--r->count].topic);
}
