/* SPDX-License-Identifier: MIT */
/* workloads.c - messages that are worth compressing, made by a program. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../inprocess/bench.h"
#include "workloads.h"

/* ---- Chance, the same in each run --------------------------------------- */

static uint64_t chance = 7692;

static unsigned below(unsigned limit)
{
    chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (unsigned)((chance >> 33) % limit);
}

/* The few are chosen often, as words are. */
static unsigned seldom(unsigned limit)
{
    unsigned most = limit;

    for (unsigned i = below(4); i > 0; i--)
        most = most / 4 + 1;
    return below(most);
}

/* ---- Words -------------------------------------------------------------- */

enum { WORDS = 1200 };

static char words[WORDS][12];

static void make_words(void)
{
    static const char letters[] =
        "eeeeetttaaaooiinnsshhrrddlluccmmffyywwggppbvk";

    if (words[0][0] != '\0')
        return;
    for (unsigned i = 0; i < WORDS; i++) {
        const unsigned len = 2 + below(i < 60 ? 3 : 8);
        for (unsigned k = 0; k < len; k++)
            words[i][k] = letters[below(sizeof letters - 1)];
    }
}

struct writer {
    char  *data;
    size_t len, size;
};

static void put(struct writer *w, const char *format, ...)
{
    va_list args;

    if (w->len >= w->size)
        return;
    va_start(args, format);
    const int n = vsnprintf(w->data + w->len, w->size - w->len, format, args);
    va_end(args);
    w->len += (size_t)n;
}

/* Words and punctuation up to a length. */
static void put_words(struct writer *w, size_t len)
{
    const size_t end = w->len + len;

    while (w->len < end && w->len < w->size)
        put(w, below(12) ? "%s " : below(3) ? "%s, " : "%s. ",
            words[seldom(WORDS)]);
    if (w->len > end)
        w->len = end;
}

/* ---- One message of each kind; its number is the time ------------------- */

static void chat(struct writer *w, unsigned i)
{
    put(w, "{\"type\":\"message\",\"id\":%u,\"room\":\"%s\",\"user\":\"%s\","
           "\"ts\":17324%08u,\"text\":\"",
        482910 + i, words[70 + below(6)], words[100 + seldom(40)],
        61000000 + i * 1733 + below(900));
    put_words(w, 44 + below(48));
    put(w, "\"}");
}

static void ticks(struct writer *w, unsigned i)
{
    static unsigned price[8];
    const unsigned  s = below(8);

    price[s] = (price[s] ? price[s] : 10000 + 2500 * s) + below(21) - 10;
    put(w, "{\"s\":\"%c%c%cUSD\",\"p\":%u.%02u,\"q\":%u.%u,\"t\":17324%08u,"
           "\"m\":%s,\"n\":%u}",
        'A' + s, 'B' + s * 2 % 7, 'T' - s, price[s] / 100, price[s] % 100,
        below(20), below(1000), 61000000 + i * 37 + below(30),
        below(2) ? "true" : "false", 9150000 + i);
}

/* 18 players: a number, two small steps, and what has changed. */
static void game(struct writer *w, unsigned i)
{
    static uint16_t x[64], y[64];

    for (unsigned p = 0; p < 18; p++) {
        const unsigned id = (p * 3 + i) % 64, flags = below(8) ? 0 : below(4);
        uint8_t *to = (uint8_t *)w->data + w->len;
        x[id] = (uint16_t)(x[id] + below(9) - 4);
        y[id] = (uint16_t)(y[id] + below(9) - 4);
        to[0] = (uint8_t)id;
        to[1] = (uint8_t)flags;
        to[2] = (uint8_t)x[id];
        to[3] = (uint8_t)(x[id] >> 8);
        to[4] = (uint8_t)y[id];
        to[5] = (uint8_t)(y[id] >> 8);
        to[6] = (uint8_t)(i + p);
        to[7] = (uint8_t)below(256);
        to[8] = to[9] = to[10] = 0;
        w->len += 11;
    }
}

static void json(struct writer *w, unsigned i)
{
    put(w, "[");
    for (unsigned row = 0; w->len < w->size; row++)
        put(w, "{\"id\":%u,\"name\":\"%s %s\",\"email\":\"%s@%s.example\","
               "\"active\":%s,\"score\":%u.%u,\"tags\":[\"%s\",\"%s\"]},\n",
            10000 * i + row, words[seldom(WORDS)], words[below(WORDS)],
            words[below(WORDS)], words[below(60)], below(3) ? "true" : "false",
            below(1000), below(100), words[seldom(90)], words[seldom(90)]);
}

static void english(struct writer *w, unsigned i)
{
    (void)i;
    put_words(w, w->size);
}

/* Words of one to three characters of three bytes. */
static void chinese(struct writer *w, unsigned i)
{
    (void)i;
    while (w->len + 3 <= w->size) {
        const unsigned word = seldom(WORDS);
        for (unsigned k = 0; k <= word % 3 && w->len + 3 <= w->size; k++) {
            const unsigned c = 0x4E00 + (word * 37 + k * 611) % 2600;
            w->data[w->len++] = (char)(0xE0 | c >> 12);
            w->data[w->len++] = (char)(0x80 | (c >> 6 & 63));
            w->data[w->len++] = (char)(0x80 | (c & 63));
        }
        if (below(9) == 0 && w->len + 3 <= w->size)
            put(w, "\xEF\xBC\x8C");
    }
}

static void noise(struct writer *w, unsigned i)
{
    (void)i;
    while (w->len < w->size)
        w->data[w->len++] = (char)below(256);
}

/* ---- Workloads ---------------------------------------------------------- */

static struct {
    struct workload workload;
    void          (*make)(struct writer *w, unsigned i);
} kinds[] = {
    {{.name = "chat", .size = 156, .count = 1000}, chat},
    {{.name = "ticks", .size = 80, .count = 1000}, ticks},
    {{.name = "game", .size = 198, .count = 1000}, game},
    {{.name = "json", .size = 4096, .count = 16}, json},
    {{.name = "english", .size = 4096, .count = 16}, english},
    {{.name = "chinese", .size = 4096, .count = 16}, chinese},
    {{.name = "noise", .size = 4096, .count = 16}, noise},
    {{.name = "json 64", .size = 65536, .count = 2}, json},
    {{.name = "english 64", .size = 65536, .count = 2}, english},
};

static void make(struct workload *to, void (*one)(struct writer *, unsigned))
{
    make_words();
    to->text = bench_alloc(to->count * sizeof *to->text);
    to->len  = bench_alloc(to->count * sizeof *to->len);
    for (unsigned i = 0; i < to->count; i++) {
        /* Short ones are as long as they are, the others cut. */
        const size_t most = to->size < 1024 ? 2 * to->size : to->size;
        struct writer w = {bench_alloc(most + 512), 0, most};
        one(&w, i);
        to->text[i] = (uint8_t *)w.data;
        to->len[i]  = w.len < most ? w.len : most;
    }
}

const struct workload *workload(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].workload.name, name) != 0)
            continue;
        if (kinds[i].workload.text == NULL)
            make(&kinds[i].workload, kinds[i].make);
        return &kinds[i].workload;
    }
    bench_die("no workload '%s'", name);
    return NULL;
}
