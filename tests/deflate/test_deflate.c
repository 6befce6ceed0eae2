/* SPDX-License-Identifier: MIT */
/* test_deflate.c - messages of every kind and size, read bit by bit. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "deflate/deflate.h"
#include "support/guard.h"
#include "support/strict_inflate.h"
#include "support/samples.h"

enum { LONGEST = 200 * 1024, LEVELS = UPF_DEFLATE_BEST + 1 };

static struct upf_deflate_scratch scratch;
static uint16_t                   links[UPF_DEFLATE_LINKS];

/* What is encoded, in memory that ends where it does. */
static uint8_t *data;
static size_t   data_len;

/* The encoding, in as much memory as the bound says. */
static uint8_t *out;
static size_t   out_len;

static void begin(enum sample kind, uint32_t seed, size_t len)
{
    data     = guard_end(len);
    data_len = len;
    out      = guard_end(upf_deflate_bound(len));
    sample_fill(kind, seed, data, len);
}

static void end(void)
{
    guard_free(out, upf_deflate_bound(data_len));
    guard_free(data, data_len);
}

static struct upf_deflate_source source(unsigned level)
{
    return (struct upf_deflate_source){data, data_len, SIZE_MAX, true,
                                       (enum upf_deflate_level)level};
}

/* ---- Without context ----------------------------------------------------- */

static void encode_alone(unsigned level, unsigned bits)
{
    const struct upf_deflate_source whole = source(level);

    out_len = upf_deflate_alone(&scratch, &whole, bits, out);
    assert_true(out_len > 0 && out_len <= upf_deflate_bound(data_len));
}

static void assert_read(struct strict_inflate *reader, size_t at)
{
    const char *fault = strict_inflate_message(reader, out, out_len);

    if (fault != NULL)
        fail_msg("%s, of %zu bytes", fault, data_len);
    assert_int_equal(reader->len - at, data_len);
    if (data_len > 0 && memcmp(reader->out + at, data, data_len) != 0)
        assert_memory_equal(reader->out + at, data, data_len);
}

static struct strict_inflate assert_read_alone(unsigned bits)
{
    struct strict_inflate reader = {.cap = data_len, .window = 1u << bits};

    reader.out = malloc(data_len + 1);
    assert_non_null(reader.out);
    assert_read(&reader, 0);
    free(reader.out);
    return reader;
}

static void every_short_message_can_be_read(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 300; len++)
        for (unsigned kind = 0; kind < SAMPLES; kind++) {
            begin(kind, (uint32_t)len, len);
            encode_alone((unsigned)len % LEVELS, 15);
            assert_read_alone(15);
            end();
        }
}

static void every_long_message_can_be_read(void **state)
{
    (void)state;
    static const size_t sizes[] = {1000,  4096,  16384,   32768,  65534, 65535,
                                   65536, 65537, LONGEST, 131070, 131071};
    uint32_t random = 3;

    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (unsigned kind = 0; kind < SAMPLES; kind++) {
            const unsigned level = sample_number(&random, LEVELS);
            const unsigned bits  = 8 + sample_number(&random, 8);

            begin(kind, i, sizes[i]);
            encode_alone(level, bits);
            assert_read_alone(bits);
            end();
        }
}

static void every_window_is_kept_to_at_every_level(void **state)
{
    (void)state;
    for (unsigned bits = 8; bits <= 15; bits++)
        for (unsigned level = 0; level < LEVELS; level++) {
            /* What is repeated lies a window back, or one byte farther. */
            for (unsigned over = 0; over < 2; over++) {
                const size_t half = (1u << bits) + over;

                begin(SAMPLE_RANDOM, bits, 2 * half);
                memcpy(data + half, data, half);
                encode_alone(level, bits);
                const struct strict_inflate reader = assert_read_alone(bits);
                assert_int_equal(reader.farthest, over ? 0 : half);
                end();
            }
            begin(SAMPLE_PATCHES, bits, 90000 >> (15 - bits) % 3);
            encode_alone(level, bits);
            assert_read_alone(bits);
            end();
        }
}

static void more_work_makes_it_shorter(void **state)
{
    (void)state;
    size_t became[LEVELS];

    begin(SAMPLE_JSON, 1, 40000);
    for (unsigned level = 0; level < LEVELS; level++) {
        encode_alone(level, 15);
        became[level] = out_len;
    }
    assert_true(became[UPF_DEFLATE_LAZY] < became[UPF_DEFLATE_QUICK]);
    assert_true(became[UPF_DEFLATE_BEST] < became[UPF_DEFLATE_LAZY]);
    end();
}

/* The worst inputs for each form; the array is as long as the bound. */
static void nothing_is_written_beyond_the_bound(void **state)
{
    (void)state;
    static const unsigned kinds[] = {SAMPLE_RANDOM, SAMPLE_HIGH, SAMPLE_TURNS};
    uint32_t random = 4;

    for (unsigned round = 0; round < 300; round++) {
        const unsigned most = round < 250 ? 900 : LONGEST;

        begin(kinds[round % 3], round, sample_number(&random, most));
        encode_alone(round / 3 % LEVELS, 8 + round % 8);
        assert_true(out_len <= data_len + data_len / 4096 + 6);
        end();
    }
}

static void a_message_that_does_not_shrink_is_refused(void **state)
{
    (void)state;
    for (size_t len = 0; len < 2000; len += 1 + len / 16) {
        begin(SAMPLE_RANDOM, (uint32_t)len, len);
        struct upf_deflate_source whole = source(UPF_DEFLATE_LAZY);
        whole.most = len > 0 ? len - 1 : 0;
        assert_int_equal(upf_deflate_alone(&scratch, &whole, 15, out), 0);
        encode_alone(UPF_DEFLATE_LAZY, 15);
        for (unsigned off = 0; off < 2; off++) {
            whole.most = out_len - off;
            const size_t got = upf_deflate_alone(&scratch, &whole, 15, out);
            assert_int_equal(got, off ? 0 : out_len);
        }
        end();
    }
}

/* Each part ends with 00 00 FF FF but the last; no part needs another. */
static void parts_are_read_as_one_message(void **state)
{
    (void)state;
    uint32_t random = 8;

    for (unsigned round = 0; round < 60; round++) {
        uint8_t              stream[20000], decoded[8000];
        size_t               in = 0, at = 0;
        struct strict_inflate reader = {decoded, 0, sizeof decoded, 32768,
                                       {0}, 0, 0};

        begin(round % SAMPLES, round, 1 + sample_number(&random, 8000));
        while (at < data_len) {
            const size_t part =
                1 + sample_number(&random, (uint32_t)(data_len - at));
            struct upf_deflate_source piece = source(round % LEVELS);
            piece.data = data + at;
            piece.len  = part;
            piece.ends = at + part == data_len;
            const size_t n = upf_deflate_alone(&scratch, &piece, 15, out);
            assert_true(n > 0 && n <= sizeof stream - in);
            memcpy(stream + in, out, n);
            in += n;
            at += part;
            if (!piece.ends)
                assert_memory_equal(stream + in - 4, "\x00\x00\xFF\xFF", 4);
        }
        assert_null(strict_inflate_message(&reader, stream, in));
        assert_int_equal(reader.len, data_len);
        assert_memory_equal(decoded, data, data_len);
        end();
    }
}

/* With places that another message could have noted. */
static void fill_heads(void)
{
    for (uint32_t i = 0; i < 1u << UPF_WIDE_HASH_BITS; i++)
        scratch.heads[i] = 1 + i * 7 % 500;
}

static void the_encoding_is_the_same_whatever_the_scratch_held(void **state)
{
    (void)state;
    uint32_t random = 6;

    for (unsigned round = 0; round < 80; round++) {
        const unsigned level = round % LEVELS;
        uint8_t       *first;
        size_t         first_len;

        begin(round % SAMPLES, round / 2, 1 + sample_number(&random, 9000));
        memset(&scratch, 0, sizeof scratch);
        memset(links, 0, sizeof links);
        scratch.links = links;
        encode_alone(level, 15);
        first = malloc(out_len);
        assert_non_null(first);
        memcpy(first, out, out_len);
        first_len = out_len;
        for (unsigned before = 0; before < 5; before++) {
            if (before == 1) { /* its memory was used for anything */
                memset(&scratch, 0xA5, sizeof scratch);
                memset(links, 0x5A, sizeof links);
                fill_heads();
                scratch.links = links;
                scratch.base  = 0;
            } else if (before == 2) { /* another message, another level */
                uint8_t *const mine = data;
                data = malloc(data_len);
                assert_non_null(data);
                sample_fill(round % SAMPLES, round, data, data_len);
                encode_alone((level + 1) % LEVELS, 9);
                free(data);
                data = mine;
            } else if (before == 3) { /* and places are nearly used up */
                scratch.base = UINT32_MAX - (1u << 30);
                fill_heads(); /* some were noted long ago */
            } else if (before == 4) {
                assert_true(scratch.base > UINT32_MAX - (1u << 30));
            }
            memset(out, 0xEE, upf_deflate_bound(data_len));
            encode_alone(level, 15);
            assert_int_equal(out_len, first_len);
            assert_memory_equal(out, first, first_len);
        }
        assert_true(scratch.base < 20000); /* begun anew */
        free(first);
        end();
    }
}

static void without_links_the_best_is_the_lazy_level(void **state)
{
    (void)state;
    begin(SAMPLE_JSON, 2, 9000);
    encode_alone(UPF_DEFLATE_LAZY, 15);
    const size_t lazy = out_len;
    scratch.links = NULL;
    encode_alone(UPF_DEFLATE_BEST, 15);
    scratch.links = links;
    assert_int_equal(out_len, lazy);
    assert_read_alone(15);
    end();
}

static void the_memory_is_as_documented(void **state)
{
    (void)state;
    assert_true(sizeof scratch <= 50 * 1024);
    assert_true(sizeof(struct upf_deflate_history) +
                upf_deflate_history_size(12, UPF_DEFLATE_LAZY) <=
                12 * 1024 + 512);
    assert_int_equal(upf_deflate_history_size(15, UPF_DEFLATE_QUICK),
                     56 * 1024);
    assert_int_equal(upf_deflate_history_size(12, UPF_DEFLATE_QUICK),
                     12 * 1024 + 448);
    for (unsigned bits = 8; bits <= 15; bits++)
        assert_int_equal(upf_deflate_history_size(bits, UPF_DEFLATE_BEST) -
                             upf_deflate_history_size(bits, UPF_DEFLATE_LAZY),
                         2u << bits);
}

/* ---- With context -------------------------------------------------------- */

/* A sender's history and what its peer has decoded so far. */
struct pair {
    struct upf_deflate_history history;
    struct strict_inflate       peer;
    void                      *memory;
    size_t                     memory_size;
};

static void open_pair(struct pair *pair, unsigned bits, unsigned level,
                      size_t cap)
{
    memset(pair, 0, sizeof *pair);
    pair->memory_size = upf_deflate_history_size(bits, level);
    pair->memory      = guard_end(pair->memory_size);
    memset(pair->memory, 0xA5, pair->memory_size);
    upf_deflate_history_init(&pair->history, bits, level, pair->memory);
    pair->peer.out    = malloc(cap);
    pair->peer.cap    = cap;
    pair->peer.window = 1u << bits;
    assert_non_null(pair->peer.out);
}

static void close_pair(struct pair *pair)
{
    guard_free(pair->memory, pair->memory_size);
    free(pair->peer.out);
}

static void encode_after(struct pair *pair, unsigned level)
{
    struct upf_deflate_source whole = source(level);

    whole.most = upf_deflate_most(data_len);
    out_len    = upf_deflate_after(&pair->history, &scratch, &whole, out);
    assert_true(out_len > 0 && out_len <= whole.most);
}

/* Encoded, taken and read. */
static void send_after(struct pair *pair, unsigned level)
{
    encode_after(pair, level);
    upf_deflate_commit(&pair->history, data, data_len);
    assert_read(&pair->peer, pair->peer.len);
}

/* Encoded for many, and read. */
static void feed(struct pair *pair, unsigned level)
{
    encode_alone(level, pair->history.bits);
    upf_deflate_history_feed(&pair->history, data, data_len);
    assert_read(&pair->peer, pair->peer.len);
}

/* What the peer gets by other ways: encoded for many, or a refused message. */
static void random_step(struct pair *pair, uint32_t *random, unsigned level)
{
    switch (sample_number(random, 8)) {
    case 0: /* refused after it was encoded: neither has it */
        encode_after(pair, level);
        return;
    case 1: /* encoded for many */
        encode_alone(level, pair->history.bits);
        upf_deflate_history_feed(&pair->history, data, data_len);
        break;
    case 2: /* the same, and all is forgotten */
        encode_alone(level, pair->history.bits);
        upf_deflate_history_drop(&pair->history);
        break;
    default:
        encode_after(pair, level);
        upf_deflate_commit(&pair->history, data, data_len);
        break;
    }
    assert_read(&pair->peer, pair->peer.len);
}

static void any_messages_keep_the_peer_in_step(void **state)
{
    (void)state;
    uint32_t random = 1;

    for (unsigned bits = 8; bits <= 15; bits++)
        for (unsigned level = 0; level < LEVELS; level++) {
            struct pair  pair;
            const size_t cap = 24000 + (12u << bits);

            open_pair(&pair, bits, level, cap);
            for (unsigned n = 0;; n++) {
                const unsigned most = sample_number(&random, 5) > 0
                                          ? 300 : 3u << bits;
                const size_t len = sample_number(&random, most);

                if (cap - pair.peer.len < len)
                    break;
                begin(sample_number(&random, SAMPLES),
                      sample_number(&random, 4), len);
                /* A history does not mind other levels than its own. */
                random_step(&pair, &random, n % 9 ? level : n % LEVELS);
                end();
            }
            assert_true(pair.peer.farthest > pair.peer.window / 4);
            close_pair(&pair);
        }
}

/* After a refusal the same message is encoded as if there had been none. */
static void a_refused_message_leaves_no_trace(void **state)
{
    (void)state;
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t len = 10; len < 3000; len = len * 5 / 4) {
            struct pair pair, other;
            uint8_t     window[2048];

            open_pair(&pair, 10, level, 20000);
            begin(SAMPLE_JSON, 1, 1000);
            send_after(&pair, level);
            end();
            other = pair;
            memcpy(window, pair.history.window, pair.history.used);
            begin(SAMPLE_JSON, 2, len);
            encode_after(&pair, level);
            if (len < 1000) { /* else it slid */
                assert_int_equal(pair.history.used, other.history.used);
                assert_memory_equal(pair.history.window, window,
                                    other.history.used);
            }
            end();
            for (unsigned next = 0; next < 3; next++) {
                begin(SAMPLE_JSON, next, 500);
                send_after(&pair, level);
                assert_true(out_len < 350);
                end();
            }
            close_pair(&pair);
        }
}

/* 256 bytes back is the farthest (zlib's fault 171 was 262 of them). */
static void a_window_of_8_bits_is_256_bytes(void **state)
{
    (void)state;
    for (unsigned level = 0; level < LEVELS; level++)
        for (unsigned gap = 0; gap < 2; gap++) {
            struct pair pair;

            open_pair(&pair, 8, level, 5000);
            begin(SAMPLE_RANDOM, 1, 40);
            send_after(&pair, level);
            end();
            begin(SAMPLE_RANDOM, 2, 216 + gap);
            send_after(&pair, level);
            end();
            begin(SAMPLE_RANDOM, 1, 40);
            send_after(&pair, level);
            assert_int_equal(pair.peer.farthest, gap ? 0 : 256);
            end();
            close_pair(&pair);
        }
}

/* A message of several windows refers to the history and to itself. */
static void a_message_longer_than_the_window_has_context_too(void **state)
{
    (void)state;
    for (unsigned level = 0; level < LEVELS; level++)
        for (unsigned bits = 8; bits <= 13; bits++) {
            struct pair  pair;
            const size_t window = (size_t)1 << bits;

            open_pair(&pair, bits, level, 8 * window);
            begin(SAMPLE_RANDOM, bits, window);
            feed(&pair, level); /* which notes all of it */
            end();
            /* A window back is always the same. */
            begin(SAMPLE_RANDOM, bits, 3 * window + 17);
            memcpy(data + window, data, window);
            memcpy(data + 2 * window, data, window + 17);
            send_after(&pair, level);
            assert_true(out_len < window * 3 / 4); /* without: more than it */
            end();
            /* And the history is its end. */
            begin(SAMPLE_RANDOM, bits, window);
            const size_t from = pair.peer.len - window;
            memcpy(data, pair.peer.out + from, window);
            send_after(&pair, level);
            if (level != UPF_DEFLATE_QUICK) /* which notes little */
                assert_true(out_len < window / 2);
            end();
            close_pair(&pair);
        }
}

static void what_was_fed_is_referred_to(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 3, 4, 100, 1023, 1024, 1025, 5000};

    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (unsigned level = 0; level < LEVELS; level++) {
            struct pair pair;

            open_pair(&pair, 10, level, 20000);
            for (unsigned round = 0; round < 3; round++) {
                begin(SAMPLE_RANDOM, round, sizes[i]);
                feed(&pair, level);
                end();
                begin(SAMPLE_RANDOM, round, sizes[i]);
                encode_after(&pair, level);
                if (sizes[i] >= 4 && sizes[i] <= 1024)
                    assert_true(out_len <= 10 + sizes[i] / 16);
                end();
            }
            close_pair(&pair);
        }
}

static void what_was_dropped_is_not_referred_to(void **state)
{
    (void)state;
    struct pair pair;

    open_pair(&pair, 12, UPF_DEFLATE_LAZY, 5000);
    for (unsigned round = 0; round < 2; round++) {
        begin(SAMPLE_RANDOM, 1, 1000);
        send_after(&pair, UPF_DEFLATE_LAZY);
        assert_true(out_len > 1000);
        end();
        upf_deflate_history_drop(&pair.history);
    }
    close_pair(&pair);
}

/* With context, data that does not shrink is encoded, or nothing would ever
 * be there to refer to. */
static void what_does_not_shrink_is_encoded_all_the_same(void **state)
{
    (void)state;
    struct pair pair;

    open_pair(&pair, 15, UPF_DEFLATE_QUICK, 200000);
    for (size_t len = 0; len < 60000; len = len * 3 / 2 + 1) {
        begin(SAMPLE_HIGH, (uint32_t)len, len);
        send_after(&pair, UPF_DEFLATE_QUICK);
        end();
    }
    close_pair(&pair);
}

/* As for a scratch; what was noted at another level is found. */
static void a_history_without_links_is_lazy_at_best(void **state)
{
    (void)state;
    size_t became[2];

    for (unsigned best = 0; best < 2; best++) {
        struct pair pair;

        open_pair(&pair, 12, UPF_DEFLATE_QUICK, 10000);
        for (unsigned n = 0; n < 2; n++) {
            begin(SAMPLE_JSON, n, 3000);
            send_after(&pair, best ? UPF_DEFLATE_BEST : UPF_DEFLATE_LAZY);
            became[best] = out_len;
            end();
        }
        close_pair(&pair);
    }
    assert_int_equal(became[0], became[1]);
}

static void the_whole_window_is_there_after_it_slid(void **state)
{
    (void)state;
    for (unsigned level = 0; level < LEVELS; level++)
        for (unsigned bits = 8; bits <= 14; bits++) {
            struct pair    pair;
            const unsigned window = 1u << bits;
            const unsigned size   = 17 + window / 9;
            unsigned       sent   = 0;

            open_pair(&pair, bits, level, 5 * window);
            for (unsigned n = 0; sent < 3 * window; n++) {
                begin(SAMPLE_RANDOM, n, size);
                feed(&pair, level);
                sent += size;
                end();
            }
            begin(SAMPLE_ZEROS, 0, 16);
            memcpy(data, pair.peer.out + pair.peer.len - window, 16);
            pair.peer.farthest = pair.peer.longest = 0;
            send_after(&pair, level);
            assert_int_equal(pair.peer.farthest, window);
            /* The last three bytes of a message are not noted. */
            if ((sent - window) % size <= size - 4)
                assert_int_equal(pair.peer.longest, 16);
            end();
            close_pair(&pair);
        }
}

/* What a history's memory held never shows. */
static void a_history_begins_the_same_in_any_memory(void **state)
{
    (void)state;
    for (unsigned level = 0; level < LEVELS; level++)
        for (unsigned kind = 0; kind < SAMPLES; kind++) {
            uint8_t first[20000];
            size_t  first_len = 0;

            for (unsigned held = 0; held < 4; held++) {
                struct pair pair;
                uint16_t   *memory;

                open_pair(&pair, 9, level, 10000);
                memory = pair.memory;
                for (size_t i = 0; i < pair.memory_size / 2; i++)
                    memory[i] = (uint16_t)(i * held % 300);
                upf_deflate_history_init(&pair.history, 9,
                                         (enum upf_deflate_level)level,
                                         pair.memory);
                size_t len = 0;
                for (unsigned n = 0; n < 4; n++) {
                    begin(kind, n, 500);
                    send_after(&pair, level);
                    if (held == 0)
                        memcpy(first + len, out, out_len);
                    assert_memory_equal(first + len, out, out_len);
                    len += out_len;
                    end();
                }
                first_len = held == 0 ? len : first_len;
                assert_int_equal(len, first_len);
                close_pair(&pair);
            }
        }
}

/*
 * Hints may be anything. The history begins and ends with a page, and the data
 * ends with one: one byte too far is a crash, and what is found must be true.
 */
static void hints_that_are_wrong_are_not_followed(void **state)
{
    (void)state;
    static const unsigned kinds[] = {SAMPLE_ZEROS, SAMPLE_PERIOD, SAMPLE_TEXT,
                                     SAMPLE_PATCHES};
    enum { HELD = 4096 };
    uint8_t *const       held = guard_end(HELD);
    struct upf_sequences found;
    uint16_t             heads[1 << 9];
    uint32_t             random = 11;

    for (unsigned round = 0; round < 400; round++) {
        const size_t len  = 1 + sample_number(&random, 300);
        uint8_t     *next = guard_end(len);
        uint8_t      all[HELD + 300];
        size_t       at = HELD;
        const struct upf_finder finder = {
            next, held + HELD, HELD, heads, links,
            sample_number(&random, 65536), 1u << (8 + round % 6), 9,
            (uint8_t)(round / 4 % LEVELS)};

        sample_fill(kinds[round % 4], round, all, HELD + len);
        memcpy(held, all, HELD);
        memcpy(next, all + HELD, len);
        for (unsigned i = 0; i < 1u << 9; i++) /* around here */
            heads[i] = (uint16_t)(finder.base + 300 -
                                  sample_number(&random, 4600));
        for (unsigned i = 0; i < 1u << 9; i++) /* and at the seam */
            if (sample_number(&random, 2) == 0)
                heads[i] = (uint16_t)(finder.base -
                                      sample_number(&random, 9));
        for (unsigned i = 0; i < UPF_DEFLATE_LINKS; i++)
            links[i] = (uint16_t)sample_number(&random, 2000);
        assert_int_equal(upf_parse_narrow(&finder, &found, 0, len), len);
        for (size_t i = 0; i < found.count; i++) {
            const struct upf_sequence s = found.at[i];

            at += s.literals;
            assert_true(s.length == 0 || s.distance <= finder.window);
            for (unsigned n = 0; n < s.length; n++, at++)
                assert_int_equal(all[at], all[at - s.distance]);
        }
        assert_int_equal(at, HELD + len);
        guard_free(next, len);
    }
    guard_free(held, HELD);
}

static void parts_of_a_message_refer_to_each_other(void **state)
{
    (void)state;
    struct pair pair;
    size_t      at = 0;

    open_pair(&pair, 12, UPF_DEFLATE_LAZY, 10000);
    for (unsigned part = 0; part < 4; part++) {
        begin(SAMPLE_RANDOM, 1, 1000);
        struct upf_deflate_source piece = source(UPF_DEFLATE_LAZY);
        piece.ends = part == 3;
        out_len = upf_deflate_after(&pair.history, &scratch, &piece, out);
        upf_deflate_commit(&pair.history, data, data_len);
        assert_true(part == 0 || out_len < 30);
        const char *fault =
            piece.ends ? strict_inflate_message(&pair.peer, out, out_len)
                       : strict_inflate(&pair.peer, out, out_len);
        assert_null(fault);
        assert_int_equal(pair.peer.len, at + 1000);
        assert_memory_equal(pair.peer.out + at, data, 1000);
        at += 1000;
        end();
    }
    close_pair(&pair);
}

static int give_links(void **state)
{
    (void)state;
    memset(&scratch, 0xA5, sizeof scratch);
    scratch.base  = 0;
    scratch.links = links;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_short_message_can_be_read),
        cmocka_unit_test(every_long_message_can_be_read),
        cmocka_unit_test(every_window_is_kept_to_at_every_level),
        cmocka_unit_test(more_work_makes_it_shorter),
        cmocka_unit_test(nothing_is_written_beyond_the_bound),
        cmocka_unit_test(a_message_that_does_not_shrink_is_refused),
        cmocka_unit_test(parts_are_read_as_one_message),
        cmocka_unit_test(
            the_encoding_is_the_same_whatever_the_scratch_held),
        cmocka_unit_test(without_links_the_best_is_the_lazy_level),
        cmocka_unit_test(the_memory_is_as_documented),
        cmocka_unit_test(any_messages_keep_the_peer_in_step),
        cmocka_unit_test(a_refused_message_leaves_no_trace),
        cmocka_unit_test(a_window_of_8_bits_is_256_bytes),
        cmocka_unit_test(a_message_longer_than_the_window_has_context_too),
        cmocka_unit_test(what_was_fed_is_referred_to),
        cmocka_unit_test(what_was_dropped_is_not_referred_to),
        cmocka_unit_test(what_does_not_shrink_is_encoded_all_the_same),
        cmocka_unit_test(a_history_without_links_is_lazy_at_best),
        cmocka_unit_test(the_whole_window_is_there_after_it_slid),
        cmocka_unit_test(a_history_begins_the_same_in_any_memory),
        cmocka_unit_test(hints_that_are_wrong_are_not_followed),
        cmocka_unit_test(parts_of_a_message_refer_to_each_other),
    };

    return cmocka_run_group_tests(tests, give_links, NULL);
}
