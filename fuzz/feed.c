/* SPDX-License-Identifier: MIT */
/* feed.c - input in blocks that come and go as the contract allows. */

#include <string.h>

#include "calls.h"
#include "check.h"
#include "conn_impl.h"

/* Replies borrow of a block; so does a request that is not answered yet. */
static bool is_in_use(const struct calls *c)
{
    return c->lent || c->run.conn->state == UPF_STATE_ANSWER;
}

/* The block has no more input. */
static void retire(struct calls *c)
{
    if (c->block != NULL && is_in_use(c))
        bytes_add(&c->retired, &c->block, sizeof c->block);
    else
        free(c->block);
    c->block    = NULL;
    c->has_data = false;
    c->at_hand  = false;
}

void feed_returned(struct calls *c)
{
    uint8_t *block;

    c->lent = false;
    if (is_in_use(c))
        return;
    while (c->retired.len > 0) {
        c->retired.len -= sizeof block;
        memcpy(&block, c->retired.data + c->retired.len, sizeof block);
        free(block);
    }
}

void feed_free(struct calls *c)
{
    feed_returned(c);
    free(c->block);
    bytes_free(&c->retired);
    bytes_free(&c->said);
}

/* How many bytes are there to hand in, up to `most`; 0: all. */
static size_t take_said(const struct calls *c, size_t most)
{
    const size_t left = c->said.len - c->heard;

    return most > 0 && most < left ? most : left;
}

static void note_heard(struct calls *c, size_t len)
{
    c->heard        += len;
    c->run.received += len;
    run_allow(&c->run);
}

void feed_exchange(struct calls *c, size_t more)
{
    const size_t len   = c->input.len + more;
    uint8_t     *block = malloc(len > 0 ? len : 1);

    CHECK(block != NULL, "no memory for %zu", len);
    if (c->input.len > 0)
        memcpy(block, c->input.data, c->input.len);
    if (more > 0)
        memcpy(block + c->input.len, c->said.data + c->heard, more);
    note_heard(c, more);
    retire(c);
    c->block = block;
    c->input = (upf_input){block, len};
}

static upf_status next(struct calls *c)
{
    memset(&c->event, 0xEE, sizeof c->event);
    const upf_status status = run_next(&c->run, &c->input, &c->event);

    c->has_data = status == UPF_OK && (c->event.type == UPF_EVENT_MESSAGE ||
                                       c->event.type == UPF_EVENT_CHUNK);
    c->at_hand  = status == UPF_OK;
    if (c->run.conn->state != UPF_STATE_ANSWER && !c->lent)
        feed_returned(c);
    return status;
}

upf_status feed_next(struct calls *c, size_t most)
{
    if (c->input.len == 0 && c->heard < c->said.len)
        feed_exchange(c, take_said(c, most));
    return next(c);
}

upf_status feed_room(struct calls *c, size_t most)
{
    size_t   space = 0, len = take_said(c, most);
    uint8_t *room  = c->input.len > 0 || len == 0
                         ? NULL : upf_conn_room(c->run.conn, &space);

    if (room == NULL)
        return feed_next(c, most);
    CHECK(space > 0, "no room");
    retire(c);
    len = len < space ? len : space;
    memset(room, 0x11, space); /* all of it is there */
    memcpy(room, c->said.data + c->heard, len);
    note_heard(c, len);
    c->input = (upf_input){room, len};

    /* A read into it may be under way while messages are sent. */
    bytes_add_number(&c->run.log,
                     (uint64_t)app_send(&c->run, UPF_OP_BINARY,
                                        (const uint8_t *)"meanwhile", 9));
    const upf_status status = next(c);

    /* What is not taken is in memory that the next call may give back. */
    const bool data = c->has_data, at_hand = c->at_hand;
    feed_exchange(c, 0);
    c->has_data = data;
    c->at_hand  = at_hand;
    return status;
}
