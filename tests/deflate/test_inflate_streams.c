/* SPDX-License-Identifier: MIT */
/* test_inflate_streams.c - what zlib wrote, and what chance makes of it. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "deflate/inflate.h"
#include "support/bit_writer.h"
#include "support/inflating.h"
#include "support/plain_inflate.h"

/* ---- The golden file, of which golden/make_golden.py says what it is ---- */

static const char path[] = "tests/deflate/golden/streams.bin";

struct bytes {
    const uint8_t *data;
    size_t         len;
};

static struct bytes file; /* and what was not read of it yet */
static uint8_t     *whole_file;
static struct bytes texts[64];

static uint8_t one(void)
{
    assert_true(file.len > 0);
    file.len--;
    return *file.data++;
}

static struct bytes counted(void)
{
    size_t len = one();

    len |= (size_t)one() << 8;
    len |= (size_t)one() << 16;
    len |= (size_t)one() << 24;
    assert_true(len <= file.len);
    const struct bytes bytes = {file.data, len};
    file.data += len;
    file.len -= len;
    return bytes;
}

/* To the first connection. */
static void rewind_file(size_t size)
{
    file = (struct bytes){whole_file, size};
    for (unsigned i = 0, count = one(); i < count; i++)
        texts[i] = counted();
}

static size_t file_size;

static int open_file(void **state)
{
    FILE *stream = fopen(path, "rb");

    (void)state;
    if (stream == NULL)
        return -1;
    whole_file = malloc(1 << 20);
    if (whole_file != NULL)
        file_size = fread(whole_file, 1, 1 << 20, stream);
    fclose(stream);
    return file_size > 0 ? 0 : -1;
}

static int close_file(void **state)
{
    (void)state;
    free(whole_file);
    return 0;
}

/* A connection: what was decoded of it. */
struct reader {
    unsigned window, messages; /* that are to come */
    uint8_t *history;
    size_t   len;
};

static struct reader next_connection(void)
{
    struct reader reader = {.window = one()};

    reader.messages = one();
    return reader;
}

/* The next message of a connection, whose text is *text. */
static struct message next_message(struct reader *reader, struct bytes *text)
{
    *text = texts[one()];
    const struct bytes payload = counted();
    const size_t window = (size_t)1 << reader->window;
    const size_t kept = reader->len < window ? reader->len : window;

    reader->messages--;
    return (struct message){
        .in = payload.data, .len = payload.len,
        .history = reader->history + (reader->len - kept),
        .history_len = kept, .room = text->len, .window = reader->window,
    };
}

static void remember(struct reader *reader, struct bytes text)
{
    reader->history = realloc(reader->history, reader->len + text.len + 1);
    assert_non_null(reader->history);
    memcpy(reader->history + reader->len, text.data, text.len);
    reader->len += text.len;
}

static void assert_text(const struct message *message,
                        const struct inflated *got, struct bytes text)
{
    assert_int_equal(got->result, UPF_INFLATE_END);
    assert_int_equal(got->len, message->history_len + text.len);
    assert_memory_equal(got->out + message->history_len, text.data, text.len);
}

static void what_zlib_wrote_is_decoded_however_cut(void **state)
{
    unsigned messages = 0;

    (void)state;
    rewind_file(file_size);
    while (file.len > 0) {
        struct reader reader = next_connection();
        while (reader.messages > 0) {
            struct bytes text;
            const struct message message = next_message(&reader, &text);
            const struct inflated got = inflate_every_way(&message);
            assert_text(&message, &got, text);
            free(got.out);
            remember(&reader, text);
            messages++;
        }
        free(reader.history);
    }
    assert_true(messages > 100);
}

/* Both cuts at once, at every pair of places; those of the output differ with
 * the message. */
static void every_pair_of_cuts_is_the_same(void **state)
{
    size_t first = 0;

    struct upf_inflate_scratch scratch = {0};

    (void)state;
    rewind_file(file_size);
    while (file.len > 0) {
        struct reader reader = next_connection();
        while (reader.messages > 0) {
            struct bytes text;
            const struct message message = next_message(&reader, &text);
            const bool short_one = text.len < 200 && reader.len == 0;
            for (size_t in = 0; in <= message.len && short_one; in++) {
                for (size_t out = first++ % 5; out < text.len; out += 5) {
                    const struct cuts cuts = {.first_in = in,
                                              .first_out = out};
                    const struct inflated got =
                        inflate_cut(&message, &cuts, &scratch);
                    assert_text(&message, &got, text);
                    free(got.out);
                }
            }
            remember(&reader, text);
        }
        free(reader.history);
    }
}

/* ---- Chance ------------------------------------------------------------- */

static uint64_t chance_state = 20;

static uint32_t below(uint32_t limit)
{
    chance_state = chance_state * UINT64_C(6364136223846793005) + 1;
    return (uint32_t)((chance_state >> 33) % limit);
}

/* Any way to cut it: the oracle's answer. */
static void assert_any_way(const struct message *message, unsigned times)
{
    static struct upf_inflate_scratch scratch;
    const size_t size = message->history_len + message->room;
    uint8_t *out = malloc(size + 1);

    assert_non_null(out);
    if (message->history_len > 0)
        memcpy(out, message->history, message->history_len);
    const struct plain_result plain =
        plain_inflate(message->in, message->len, out, message->history_len,
                      size, message->window);
    for (unsigned i = 0; i < times; i++) {
        const struct cuts cuts = {
            .first_in  = i > 0 ? below(2) * below(60) : 0,
            .in        = i > 0 ? below(2) * below(30) : 0,
            .first_out = i > 0 ? below(2) * below(300) : 0,
            .out       = i > 0 ? 1 + below(300) : 0,
            .late_end = below(2), .foreign = i > 0 && below(4) == 0,
            .moved = below(4) == 0,
        };
        const struct inflated got = inflate_cut(message, &cuts, &scratch);
        assert_int_equal(got.result, plain.verdict == PLAIN_END
                                         ? UPF_INFLATE_END
                                     : plain.verdict == PLAIN_FULL
                                         ? UPF_INFLATE_FULL
                                         : UPF_INFLATE_BAD);
        assert_int_equal(got.len, plain.pos);
        assert_memory_equal(got.out, out, plain.pos);
        if (plain.verdict == PLAIN_BAD)
            assert_int_equal(got.offset, plain.offset);
        free(got.out);
    }
    free(out);
}

/* A copy in which a few bits are changed, or bytes are missing, or too many. */
static struct message mutant_of(const struct message *message, uint8_t *copy)
{
    struct message mutant = *message;

    memcpy(copy, message->in, message->len);
    mutant.in = copy;
    mutant.room += below(3) * below(400);
    mutant.window = below(8) == 0 ? 8 + below(8) : message->window;
    if (mutant.len > 0 && below(6) == 0)
        mutant.len = below((uint32_t)mutant.len + 1);
    for (unsigned n = below(4); n > 0 && mutant.len > 0; n--) {
        /* Headers are more sensitive than symbols. */
        const uint32_t most = (uint32_t)mutant.len;
        const uint32_t at = below(below(2) && most > 80 ? 80 : most);
        copy[at] ^= (uint8_t)(1u << below(8));
    }
    return mutant;
}

static void mutants_are_judged_the_same_whole_and_in_pieces(void **state)
{
    static uint8_t copy[1 << 16];

    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        rewind_file(file_size);
        while (file.len > 0) {
            struct reader reader = next_connection();
            while (reader.messages > 0) {
                struct bytes text;
                const struct message message = next_message(&reader, &text);
                for (unsigned i = 0; i < 5; i++) {
                    const struct message mutant = mutant_of(&message, copy);
                    assert_any_way(&mutant, 4);
                }
                remember(&reader, text);
            }
            free(reader.history);
        }
    }
}

/* A complete code for `count` symbols, 2 at least, as lopsided as `lean`. */
static void any_code(uint8_t *lengths, unsigned symbols, unsigned count,
                     unsigned lean)
{
    uint8_t  leaf[288] = {0};
    unsigned leaves = 1;

    while (leaves < count) {
        unsigned at = below(lean) > 0 ? leaves - 1 : below(leaves);
        while (leaf[at] == 15)
            at = below(leaves);
        leaf[leaves++] = ++leaf[at];
    }
    memset(lengths, 0, symbols);
    for (unsigned i = 0; i < count; i++) {
        unsigned symbol = below(symbols);
        while (lengths[symbol] > 0)
            symbol = below(symbols);
        lengths[symbol] = leaf[i];
    }
}

/* Any symbols of any codes: matches too, which may go nowhere. */
static void put_any_block(struct bit_writer *w)
{
    uint8_t literals[288] = {0}, distances[288] = {0};
    unsigned count;

    do {
        any_code(literals, 286, 2 + below(below(3) ? 40 : 284), 1 + below(6));
    } while (literals[256] == 0);
    count = 2 + below(28);
    any_code(distances, 30, count, 1 + below(6));
    put_dynamic(w, literals, 286, distances, 30);
    for (unsigned i = below(300); i > 0;) {
        const unsigned symbol = below(286);
        if (literals[symbol] == 0 || symbol == 256)
            continue;
        i--;
        put_symbol(w, literals, symbol);
        if (symbol < 256)
            continue;
        put_bits(w, below(32), symbol < 265 || symbol == 285
                                   ? 0 : (symbol - 261) / 4);
        unsigned back;
        do {
            back = below(30);
        } while (distances[back] == 0);
        put_symbol(w, distances, back);
        const unsigned extra = back < 2 ? 0 : back / 2 - 1;
        put_bits(w, below(1u << extra), extra);
    }
    put_symbol(w, literals, 256);
}

static void any_codes_are_decoded(void **state)
{
    static uint8_t history[1 << 15];
    static struct bit_writer w;

    (void)state;
    for (size_t i = 0; i < sizeof history; i++)
        history[i] = (uint8_t)below(256);
    for (unsigned i = 0; i < 400; i++) {
        memset(&w, 0, sizeof w);
        for (unsigned blocks = 1 + below(3); blocks > 0; blocks--)
            put_any_block(&w);
        put_end(&w);
        const struct message message = {
            .in = w.data, .len = bytes_put(&w), .history = history,
            .history_len = below(3) ? sizeof history : below(3000),
            .room = 1 + below(60000),
            .window = below(3) ? 15 : 8 + below(7),
        };
        assert_any_way(&message, 3);
    }
}

static void noise_is_judged_the_same(void **state)
{
    uint8_t noise[300];

    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        const size_t len = below(sizeof noise);
        for (size_t k = 0; k < len; k++)
            noise[k] = (uint8_t)below(256);
        /* Mostly dynamic blocks whose counts are sound. */
        if (len > 2 && below(4) > 0) {
            noise[0] = (uint8_t)((noise[0] & 0x78) | 4);
            noise[1] &= 0xEF;
        }
        const struct message message = {.in = noise, .len = len, .room = 2000,
                                        .window = 8 + below(8)};
        assert_any_way(&message, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_zlib_wrote_is_decoded_however_cut),
        cmocka_unit_test(every_pair_of_cuts_is_the_same),
        cmocka_unit_test(mutants_are_judged_the_same_whole_and_in_pieces),
        cmocka_unit_test(any_codes_are_decoded),
        cmocka_unit_test(noise_is_judged_the_same),
    };
    return cmocka_run_group_tests_name("inflate_streams", tests, open_file,
                                       close_file);
}
