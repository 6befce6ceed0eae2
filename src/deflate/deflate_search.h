/* SPDX-License-Identifier: MIT */
/*
 * deflate_search.h - the parse, written once for heads of any width.
 *
 * A file that includes it has defined head, the type of a head, and the names
 * PARSE and NOTE (deflate_parse.h).
 */
#ifndef UPF_DEFLATE_SEARCH_H
#define UPF_DEFLATE_SEARCH_H

#include <stdbool.h>
#include <string.h>

#include "../bytes.h"
#include "../compiler.h"
#include "deflate_parse.h"
#include "deflate_tables.h"

enum {
    HASHED      = 4,  /* bytes; a match has so many at least */
    GOOD        = 32, /* a match of this length is not compared with another */
    SKIP_SHIFT  = 6,  /* after 64 places without a match, every other, ... */
    CHAIN       = 32, /* places that BEST looks at, at most; */
    CHAIN_GOOD  = 8,  /* a quarter of them for what is to beat such a match */
    CHAIN_NICE  = 128, /* and none behind such a match */

    MOST_LITERALS = 65535, /* of a sequence */
    RESERVED      = 4      /* sequences, where there are more */
};

struct match {
    const uint8_t *at;  /* where it repeats what comes */
    unsigned       len; /* 0: there is none */
};

/* A parse on its way. */
struct parse {
    const uint8_t *data, *end;
    const uint8_t *last; /* the last place that can be hashed */
    head          *heads;
    uint16_t      *links;
    uint32_t       base, link_base, window;
    unsigned       shift;

    struct upf_sequence *next;
};

static inline uint32_t hash_of(const struct parse *p, const uint8_t *at)
{
    return (upf_load_le32(at) * 2654435761u) >> p->shift;
}

/* How many bytes, up to UPF_LONGEST_MATCH, are equal; the first four are. */
static inline unsigned match_length(const uint8_t *a, const uint8_t *b,
                                    const uint8_t *end)
{
    const uint8_t *const start = b;

    if ((size_t)(end - b) > UPF_LONGEST_MATCH)
        end = b + UPF_LONGEST_MATCH;
    a += HASHED;
    b += HASHED;
    for (; end - b >= 8; a += 8, b += 8) {
        const uint64_t differ = upf_load_le64(a) ^ upf_load_le64(b);
        if (differ != 0)
            return (unsigned)(b - start) + upf_low_byte(differ);
    }
    while (b < end && *a == *b)
        a++, b++;
    return (unsigned)(b - start);
}

/* Note a place, and look at the one place that had its hash before. */
static inline struct match find(const struct parse *p, const uint8_t *at)
{
    head *const    entry = &p->heads[hash_of(p, at)];
    const uint32_t here  = p->base + (uint32_t)(at - p->data);
    const uint32_t back  = here - *entry;
    const uint32_t reach = here - p->base < p->window ? here - p->base
                                                      : p->window;

    *entry = (head)here;
    /* 0 (none, or to come) is made to be out of reach. */
    if (back - 1 >= reach ||
        upf_load_le32(at - back) != upf_load_le32(at))
        return (struct match){NULL, 0};
    return (struct match){at - back, match_length(at - back, at, p->end)};
}

static inline void note(const struct parse *p, const uint8_t *at)
{
    p->heads[hash_of(p, at)] =
        (head)(p->base + (uint32_t)(at - p->data));
}

/* The same, with a link. */
static inline uint32_t note_linked(const struct parse *p, const uint8_t *at)
{
    const uint32_t place = (uint32_t)(at - p->data);
    head *const    entry = &p->heads[hash_of(p, at)];
    const uint32_t here  = p->base + place;
    const uint32_t back  = here - *entry;
    const uint32_t reach = place < p->window ? place : p->window;
    const uint32_t link  = back - 1 < reach ? back : 0;

    *entry = (head)here;
    p->links[(p->link_base + place) & (p->window - 1)] = (uint16_t)link;
    return link;
}

/* A number of literals is of 16 bits; a block can have as many twice. */
static const uint8_t *put_literals(struct parse *p, const uint8_t *from,
                                   const uint8_t *to)
{
    for (; to - from > MOST_LITERALS; from += MOST_LITERALS)
        *p->next++ = (struct upf_sequence){MOST_LITERALS, 0, 0};
    return from;
}

static inline void put_sequence(struct parse *p, const uint8_t *literals,
                                const uint8_t *at, struct match m)
{
    literals = put_literals(p, literals, at);
    *p->next++ = (struct upf_sequence){(uint16_t)(at - literals),
                                       (uint16_t)m.len,
                                       (uint16_t)(at - m.at)};
}

/* The first match there is, and then what comes behind it. */
static const uint8_t *parse_quick(struct parse *p, const uint8_t *at,
                                  const struct upf_sequence *limit)
{
    const uint8_t *literals = at;
    unsigned       missed   = 0;

    while (at <= p->last && p->next < limit) {
        struct match m = find(p, at);

        if (m.len == 0) {
            at += 1 + (missed++ >> SKIP_SHIFT);
            continue;
        }
        while (at > literals && m.at > p->data && at[-1] == m.at[-1] &&
               m.len < UPF_LONGEST_MATCH)
            at--, m.at--, m.len++;
        put_sequence(p, literals, at, m);
        if (m.len > HASHED + 1 && at + 2 <= p->last)
            note(p, at + 2);
        at += m.len;
        literals = at;
        missed   = 0;
    }
    return literals;
}

/* A match gives way to a longer one at the next place. */
static const uint8_t *parse_lazy(struct parse *p, const uint8_t *at,
                                 const struct upf_sequence *limit)
{
    const uint8_t *literals = at;
    unsigned       missed   = 0;

    while (at <= p->last && p->next < limit) {
        struct match m = find(p, at);

        if (m.len == 0) {
            at += 1 + (missed++ >> SKIP_SHIFT);
            continue;
        }
        const uint8_t *noted = at;
        while (m.len < GOOD && at < p->last) {
            const struct match later = find(p, ++noted);
            if (later.len <= m.len)
                break;
            m = later;
            at++;
        }
        while (at > literals && m.at > p->data && at[-1] == m.at[-1] &&
               m.len < UPF_LONGEST_MATCH)
            at--, m.at--, m.len++;
        put_sequence(p, literals, at, m);
        at += m.len;
        literals = at;
        missed   = 0;
        while (++noted < at && noted <= p->last)
            note(p, noted);
    }
    return literals;
}

/* The longest of many before it, if that is longer than `least`. */
static struct match search(const struct parse *p, const uint8_t *at,
                           unsigned least, unsigned tries)
{
    const size_t   left  = (size_t)(p->end - at);
    const uint32_t place = (uint32_t)(at - p->data);
    const uint32_t reach = place < p->window ? place : p->window;
    struct match   best  = {NULL, least};
    uint32_t       link  = note_linked(p, at);
    uint32_t       back  = 0;

    for (; link != 0 && tries > 0 && best.len < left; tries--) {
        back += link;
        if (back > reach)
            break;
        const uint8_t *there = at - back;
        if (there[best.len] == at[best.len] &&
            upf_load_le32(there) == upf_load_le32(at)) {
            const unsigned len = match_length(there, at, p->end);
            if (len > best.len) {
                best = (struct match){there, len};
                if (len >= CHAIN_NICE)
                    break;
            }
        }
        link = p->links[(p->link_base + place - back) & (p->window - 1)];
    }
    return best.at != NULL ? best : (struct match){NULL, 0};
}

static const uint8_t *parse_best(struct parse *p, const uint8_t *at,
                                 const struct upf_sequence *limit)
{
    const uint8_t *literals = at;

    while (at <= p->last && p->next < limit) {
        struct match m = search(p, at, HASHED - 1, CHAIN);

        if (m.len == 0) {
            at++;
            continue;
        }
        const uint8_t *noted = at;
        while (m.len < GOOD && at < p->last) {
            const struct match later =
                search(p, ++noted, m.len,
                       m.len >= CHAIN_GOOD ? CHAIN / 4 : CHAIN);
            if (later.len == 0)
                break;
            m = later;
            at++;
        }
        put_sequence(p, literals, at, m);
        at += m.len;
        literals = at;
        while (++noted < at && noted <= p->last)
            (void)note_linked(p, noted);
    }
    return literals;
}

static struct parse begin(const struct upf_finder *finder, size_t end)
{
    return (struct parse){
        .data      = finder->data,
        .end       = finder->data + end,
        .last      = finder->data + end - HASHED,
        .heads     = finder->heads,
        .links     = finder->links,
        .base      = finder->base,
        .link_base = finder->link_base,
        .window    = finder->window,
        .shift     = 32u - finder->hash_bits,
    };
}

size_t PARSE(const struct upf_finder *finder, struct upf_sequences *found,
             size_t from, size_t end)
{
    const struct upf_sequence *limit = found->at + UPF_SEQUENCES - RESERVED;
    const uint8_t             *at    = finder->data + from;

    if (end - from > UPF_BLOCK_BYTES)
        end = from + UPF_BLOCK_BYTES;
    struct parse p = begin(finder, end);
    p.next = found->at;
    if (end - from >= HASHED)
        at = finder->level == UPF_DEFLATE_QUICK ? parse_quick(&p, at, limit)
           : finder->level == UPF_DEFLATE_LAZY  ? parse_lazy(&p, at, limit)
                                                : parse_best(&p, at, limit);
    if (p.next < limit) {
        at = put_literals(&p, at, p.end);
        *p.next++ = (struct upf_sequence){(uint16_t)(p.end - at), 0, 0};
        at = p.end;
    }
    found->count = (size_t)(p.next - found->at);
    return (size_t)(at - finder->data);
}

void NOTE(const struct upf_finder *finder, size_t from, size_t end)
{
    const uint8_t *at = finder->data + from;

    if (end - from < HASHED)
        return;
    const struct parse p = begin(finder, end);
    if (p.links != NULL)
        for (; at <= p.last; at++)
            (void)note_linked(&p, at);
    else
        for (; at <= p.last; at++)
            note(&p, at);
}

#endif
