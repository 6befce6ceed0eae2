/* SPDX-License-Identifier: MIT */
/*
 * deflate_search.h - the parse, written once for heads of any width.
 *
 * A file that includes it has defined head, the type of a head; HISTORY, 1 if
 * something may come before the data; HASHED, of how many bytes a hash is, that
 * is the least length of a match: 4 or 5; and SHIFT(parse), 32 less the bits of
 * a hash. It has parse_block() then, to be called once.
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
    READ        = HASHED == 4 ? 4 : 8, /* bytes for a hash */
    GOOD        = 32, /* a match of this length is not compared with another */
    SKIP_SHIFT  = 5,  /* after 64 places without a match, every other, ... */

    /* BEST: so many places are looked at, in less than SHORT bytes, where codes
     * take most of the time, and in more; a quarter of them if there is a match
     * of CHAIN_GOOD bytes already, and none if it has CHAIN_NICE. */
    SHORT       = 1024,
    CHAIN_SHORT = 64,
    CHAIN_LONG  = 20,
    CHAIN_GOOD  = 32,
    CHAIN_NICE  = 128,

    MOST_LITERALS = 65535, /* of a sequence */
    RESERVED      = 4      /* sequences, where there are more */
};

struct match {
    uint32_t back; /* how far before it the same is */
    unsigned len;  /* 0: there is none */
};

/* A parse on its way. */
struct parse {
    const uint8_t *data, *end;
    const uint8_t *last; /* the last place that can be hashed */
    const uint8_t *history_end;
    size_t         history_len;
    head          *heads;
    uint16_t      *links;
    uint32_t       base, window;
    unsigned       shift;
    unsigned       tries; /* for BEST */

    struct upf_sequence *next;
};

/* ---- What was before ----------------------------------------------------- */

/* The byte that comes `back` bytes before one of the data. */
static inline const uint8_t *before(const struct parse *p, const uint8_t *at,
                                    size_t back)
{
    const size_t place = (size_t)(at - p->data);

    return HISTORY && back > place ? p->history_end - (back - place)
                                   : at - back;
}

/* How far back matches can be: to the end of the window, or all there is. */
static inline uint32_t reach_of(const struct parse *p, const uint8_t *at)
{
    const size_t all = (size_t)(at - p->data) + p->history_len;

    return all < p->window ? (uint32_t)all : p->window;
}

/* Whether HASHED bytes there lie in one piece of memory. What begins with less
 * at the end of the history is no match: that is rare. */
static inline bool is_whole(const struct parse *p, const uint8_t *at,
                            uint32_t back)
{
    return !HISTORY || back - (size_t)(at - p->data) - 1 >= HASHED - 1;
}

/* How many bytes are equal in a[0...] and b[0, end - b). */
static inline unsigned equal_bytes(const uint8_t *a, const uint8_t *b,
                                   const uint8_t *end)
{
    const uint8_t *const start = b;

    for (; end - b >= 8; a += 8, b += 8) {
        const uint64_t differ = upf_load_le64(a) ^ upf_load_le64(b);
        if (differ != 0)
            return (unsigned)(b - start) + upf_low_byte(differ);
    }
    while (b < end && *a == *b)
        a++, b++;
    return (unsigned)(b - start);
}

/* How many bytes are the same, up to UPF_LONGEST_MATCH; the first are. */
static inline unsigned match_length(const struct parse *p, const uint8_t *at,
                                    uint32_t back)
{
    const uint8_t *a   = before(p, at, back) + HASHED;
    const uint8_t *b   = at + HASHED;
    const uint8_t *end = p->end;

    if ((size_t)(end - at) > UPF_LONGEST_MATCH)
        end = at + UPF_LONGEST_MATCH;
    if (HISTORY && back > (size_t)(at - p->data)) {
        /* The history goes on with the data. */
        const size_t left = (size_t)(p->history_end - a);

        if (left < (size_t)(end - b)) {
            const unsigned len = equal_bytes(a, b, b + left);
            if (len < left)
                return HASHED + len;
            a = p->data;
            b += left;
        }
    }
    return (unsigned)(b - at) + equal_bytes(a, b, end);
}

/* ---- Hashes -------------------------------------------------------------- */

static inline uint32_t hash_of(const struct parse *p, const uint8_t *at)
{
    if (HASHED == 4)
        return (upf_load_le32(at) * 0x9E3779B1u) >> SHIFT(p);
    return (uint32_t)((upf_load_le64(at) << 24) * 0x9E3779B185EBCA87u >> 32) >>
           SHIFT(p);
}

static inline uint32_t place_of(const struct parse *p, const uint8_t *at)
{
    return p->base + (uint32_t)(at - p->data);
}

/* Note a place; returns how far back the last one with its hash was, or 0. */
static inline uint32_t note(const struct parse *p, const uint8_t *at)
{
    head *const    entry = &p->heads[hash_of(p, at)];
    const uint32_t here  = place_of(p, at);
    const uint32_t back  = (head)(here - *entry);

    *entry = (head)here;
    return back - 1 < reach_of(p, at) ? back : 0;
}

/* The same, with a link. */
static inline uint32_t note_linked(const struct parse *p, const uint8_t *at)
{
    const uint32_t back = note(p, at);

    p->links[place_of(p, at) & (p->window - 1)] = (uint16_t)back;
    return back;
}

static inline bool is_match(const struct parse *p, const uint8_t *at,
                            uint32_t back)
{
    const uint8_t *there = before(p, at, back);

    return is_whole(p, at, back) &&
           upf_load_le32(there) == upf_load_le32(at) &&
           (HASHED == 4 || there[4] == at[4]);
}

/* ---- The parse ----------------------------------------------------------- */

/* Note a place, and look at the one that had its hash before. */
static inline struct match find(const struct parse *p, const uint8_t *at)
{
    const uint32_t back = note(p, at);

    if (back == 0 || !is_match(p, at, back))
        return (struct match){0, 0};
    return (struct match){back, match_length(p, at, back)};
}

/* A match of what was skipped, too. Returns where it begins. */
static inline const uint8_t *extend(const struct parse *p, const uint8_t *at,
                                    const uint8_t *literals, struct match *m)
{
    while (at > literals && m->len < UPF_LONGEST_MATCH &&
           m->back < (size_t)(at - p->data) + p->history_len &&
           at[-1] == *before(p, at - 1, m->back)) {
        at--;
        m->len++;
    }
    return at;
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
                                       (uint16_t)m.back};
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
        if (HISTORY || missed >= 1 << SKIP_SHIFT)
            at = extend(p, at, literals, &m);
        put_sequence(p, literals, at, m);
        if (at + 2 <= p->last)
            (void)note(p, at + 2);
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
        at = extend(p, at, literals, &m);
        put_sequence(p, literals, at, m);
        at += m.len;
        literals = at;
        missed   = 0;
        for (noted++; noted < at && noted <= p->last; noted += 2)
            (void)note(p, noted);
    }
    return literals;
}

/* The longest of many before it, if that is longer than `least`. */
static struct match search(const struct parse *p, const uint8_t *at,
                           unsigned least, unsigned tries)
{
    const size_t   left  = (size_t)(p->end - at);
    const uint32_t reach = reach_of(p, at);
    struct match   best  = {0, least};
    uint32_t       back  = note_linked(p, at);
    uint32_t       link  = back;

    for (; link != 0 && back <= reach && tries > 0 && best.len < left;
         tries--) {
        if (at[best.len] == *before(p, at + best.len, back) &&
            is_match(p, at, back)) {
            const unsigned len = match_length(p, at, back);
            if (len > best.len)
                best = (struct match){back, len};
            if (len >= CHAIN_NICE)
                break;
        }
        link = p->links[(place_of(p, at) - back) & (p->window - 1)];
        back += link;
    }
    return best.back != 0 ? best : (struct match){0, 0};
}

static const uint8_t *parse_best(struct parse *p, const uint8_t *at,
                                 const struct upf_sequence *limit)
{
    const uint8_t *literals = at;

    while (at <= p->last && p->next < limit) {
        struct match m = search(p, at, HASHED - 1, p->tries);

        if (m.len == 0) {
            at++;
            continue;
        }
        const uint8_t *noted = at;
        while (m.len < CHAIN_NICE && at < p->last) {
            const struct match later =
                search(p, ++noted, m.len,
                       m.len < CHAIN_GOOD ? p->tries : p->tries / 4);
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
        .data        = finder->data,
        .end         = finder->data + end,
        .last        = finder->data + end - READ,
        .history_end = finder->history_end,
        .history_len = HISTORY ? finder->history_len : 0,
        .heads       = finder->heads,
        .links       = finder->links,
        .base        = finder->base,
        .window      = finder->window,
        .shift       = 32u - finder->hash_bits,
    };
}

static size_t parse_block(const struct upf_finder *finder,
                          struct upf_sequences *found, size_t from, size_t end)
{
    const struct upf_sequence *limit = found->at + UPF_SEQUENCES - RESERVED;
    const uint8_t             *at    = finder->data + from;

    if (end - from > UPF_BLOCK_BYTES)
        end = from + UPF_BLOCK_BYTES;
    struct parse p = begin(finder, end);
    p.next  = found->at;
    p.tries = end - from < SHORT ? CHAIN_SHORT : CHAIN_LONG;
    if (end - from >= READ)
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

#endif
