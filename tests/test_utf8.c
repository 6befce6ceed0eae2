/* SPDX-License-Identifier: MIT */
/* test_utf8.c - UTF-8 against a decoder that reasons with code points. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/frame.h>
#include "mask.h"
#include "utf8.h"
#include "support/guard.h"

typedef struct {
    size_t at;       /* index of the first impossible byte, or the length */
    bool   complete; /* no byte is impossible, and no code point unfinished */
} verdict;

/* Whether a code point in [low, high] is one that `size` bytes may encode. */
static bool any_allowed(unsigned size, uint32_t low, uint32_t high)
{
    switch (size) {
    case 2:  return high >= 0x80 && low <= 0x7FF;
    case 3:  return (high >= 0x800 && low <= 0xD7FF) ||
                    (high >= 0xE000 && low <= 0xFFFF);
    default: return high >= 0x10000 && low <= 0x10FFFF;
    }
}

/*
 * The oracle knows no list of byte ranges. Bits read so far leave a range of
 * code points that can still follow; a byte is impossible if it leaves none.
 */
static verdict oracle(const uint8_t *data, size_t len)
{
    size_t i = 0;

    while (i < len) {
        const uint8_t lead = data[i];
        if (lead < 0x80) {
            i++;
            continue;
        }
        const unsigned size = (lead & 0xE0) == 0xC0 ? 2
                            : (lead & 0xF0) == 0xE0 ? 3
                            : (lead & 0xF8) == 0xF0 ? 4 : 0;
        if (size == 0)
            return (verdict){i, false};

        uint32_t low = lead & (0x7Fu >> size);
        for (unsigned n = 1; ; n++) {
            const unsigned open_bits = 6 * (size - n);
            const uint32_t first = low << open_bits;
            const uint32_t last  = first + (UINT32_C(1) << open_bits) - 1;
            if (!any_allowed(size, first, last))
                return (verdict){i + n - 1, false};
            if (n == size)
                break;
            if (i + n == len)
                return (verdict){len, false};
            if ((data[i + n] & 0xC0) != 0x80)
                return (verdict){i + n, false};
            low = low << 6 | (data[i + n] & 0x3Fu);
        }
        i += size;
    }
    return (verdict){len, true};
}

static verdict check(const uint8_t *data, size_t len)
{
    uint8_t state = UPF_UTF8_START;
    const size_t at = upf_utf8_check(&state, data, len);

    return (verdict){at, at == len && state == UPF_UTF8_START};
}

static void assert_same(verdict got, verdict expected,
                        const uint8_t *data, size_t len)
{
    char hex[3 * 48 + 1] = "";

    if (got.at == expected.at && got.complete == expected.complete)
        return;
    for (size_t i = 0; i < len && i < 48; i++)
        snprintf(hex + 3 * i, 4, "%02X ", (unsigned)data[i]);
    fail_msg("%s: index %zu (complete: %d), expected %zu (complete: %d)",
             hex, got.at, got.complete, expected.at, expected.complete);
}

/* The whole text at once; returns whether it is valid. */
static bool assert_right(const uint8_t *data, size_t len)
{
    const verdict expected = oracle(data, len);

    assert_same(check(data, len), expected, data, len);
    return expected.complete;
}

/*
 * The text in three parts, cut in every two places, each part ending where
 * memory ends: the verdict and the index are those of the whole.
 */
static void assert_right_however_cut(const uint8_t *data, size_t len)
{
    const verdict expected = oracle(data, len);
    uint8_t *memory = guard_end(len);

    for (size_t a = 0; a <= len; a++) {
        for (size_t b = a; b <= len; b++) {
            const size_t ends[] = {a, b, len};
            uint8_t state = UPF_UTF8_START;
            size_t  from = 0, at = 0;

            for (size_t p = 0; p < 3 && at == from; p++) {
                const size_t part = ends[p] - from;
                uint8_t *copy = memory + (len - part);
                memcpy(copy, data + from, part);
                at   = from + upf_utf8_check(&state, copy, part);
                from = ends[p];
            }
            assert_same((verdict){at, at == len && state == UPF_UTF8_START},
                        expected, data, len);
        }
    }
    guard_free(memory, len);
}

/* The same of masked text, unmasked as it is checked, in two parts. */
static void assert_right_unmasked(const uint8_t *data, size_t len, size_t cut)
{
    static const uint8_t key[4] = {0x37, 0xFA, 0x21, 0x3D};
    const verdict expected = oracle(data, len);
    uint8_t *src = guard_end(len), *dst = guard_end(len);
    uint8_t  state = UPF_UTF8_START;

    upf_mask(src, data, len, key, 0);
    size_t at = upf_utf8_check_masked(&state, dst, src, cut,
                                      upf_mask_key_at(key, 0));
    assert_memory_equal(dst, data, cut);
    if (at == cut) {
        /* in place */
        at += upf_utf8_check_masked(&state, src + cut, src + cut, len - cut,
                                    upf_mask_key_at(key, cut));
        assert_memory_equal(src + cut, data + cut, len - cut);
    }
    assert_same((verdict){at, at == len && state == UPF_UTF8_START}, expected,
                data, len);
    guard_free(src, len);
    guard_free(dst, len);
}

static void every_one_and_two_bytes_are_judged_right(void **state)
{
    (void)state;
    unsigned long valid = 0;

    for (unsigned a = 0; a < 256; a++) {
        const uint8_t one[] = {(uint8_t)a};
        valid += assert_right(one, 1);
        for (unsigned b = 0; b < 256; b++) {
            const uint8_t two[] = {(uint8_t)a, (uint8_t)b};
            valid += assert_right(two, 2);
        }
    }
    /* 128 of one byte; pairs of those; U+0080 to U+07FF */
    assert_int_equal(valid, 128 + 128 * 128 + 1920);
}

static void every_three_bytes_are_judged_right(void **state)
{
    (void)state;
    unsigned long valid = 0;

    for (uint32_t v = 0; v < UINT32_C(1) << 24; v++) {
        const uint8_t three[] = {
            (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v
        };
        valid += assert_right(three, 3);
    }
    /* 1 + 1 + 1, 1 + 2, 2 + 1, and 3: U+0800 to U+FFFF but 2048 surrogates */
    assert_int_equal(valid, 128 * 128 * 128 + 2 * 128 * 1920 + 61440);
}

/* Bytes on either side of each limit in the grammar. */
static const uint8_t telling[] = {
    0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xE0, 0xFF
};

static void four_bytes_are_judged_right(void **state)
{
    (void)state;
    for (unsigned a = 0xE0; a < 256; a++)
        for (unsigned b = 0; b < 256; b++)
            for (size_t c = 0; c < sizeof telling; c++)
                for (size_t d = 0; d < sizeof telling; d++) {
                    const uint8_t four[] = {
                        (uint8_t)a, (uint8_t)b, telling[c], telling[d]
                    };
                    assert_right(four, 4);
                }
}

static size_t encode(uint32_t point, uint8_t out[4])
{
    const size_t size = point < 0x80 ? 1 : point < 0x800 ? 2
                      : point < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0x00, 0xC0, 0xE0, 0xF0};

    for (size_t i = size; i-- > 1; point >>= 6)
        out[i] = (uint8_t)(0x80 | (point & 0x3F));
    out[0] = (uint8_t)(lead[size] | point);
    return size;
}

static void every_code_point_but_a_surrogate_is_text(void **state)
{
    (void)state;
    for (uint32_t point = 0; point < 0x110000; point++) {
        uint8_t bytes[4];
        const size_t size = encode(point, bytes);
        const verdict got = check(bytes, size);
        const verdict text = {size, true}, surrogate = {1, false};

        assert_same(got, point >= 0xD800 && point <= 0xDFFF ? surrogate : text,
                    bytes, size);
    }
}

#define BYTES(literal) (const uint8_t *)(literal), sizeof(literal) - 1

/* What is wrong (`at` below len), or cut short, or right. */
static const struct {
    const uint8_t *data;
    size_t         len;
    size_t         at;
    bool           complete;
} cases[] = {
    /* valid: the ends of each length, NUL, noncharacters, a byte order mark */
    {BYTES(""), 0, true},
    {BYTES("\0\x7F"), 2, true},
    {BYTES("\xC2\x80\xDF\xBF"), 4, true},
    {BYTES("\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF"), 12, true},
    {BYTES("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"), 8, true},
    {BYTES("\xEF\xBB\xBF" "abc"), 6, true},
    {BYTES("\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5"), 11, true},
    /* a continuation without a lead */
    {BYTES("\x80"), 0, false},
    {BYTES("a\xBF"), 1, false},
    {BYTES("\xC3\xA9\xA9"), 2, false},
    {BYTES("\xF0\x9F\x98\x80\x80"), 4, false},
    /* a lead without its continuation, before ASCII and before another lead */
    {BYTES("\xC3("), 1, false},
    {BYTES("\xE2\x82("), 2, false},
    {BYTES("\xF0\x9F\x98("), 3, false},
    {BYTES("\xC3\xC3\xA9"), 1, false},
    {BYTES("\xE2\x82\xE2\x82\xAC"), 2, false},
    {BYTES("\xF0\x9F\x98\xF0\x9F\x98\x80"), 3, false},
    /* overlong: '/' and NUL in two, three and four bytes, and the last ones */
    {BYTES("\xC0\xAF"), 0, false},
    {BYTES("\xC1\xBF"), 0, false},
    {BYTES("\xE0\x80\xAF"), 1, false},
    {BYTES("\xE0\x9F\xBF"), 1, false},
    {BYTES("\xF0\x80\x80\x80"), 1, false},
    {BYTES("\xF0\x8F\xBF\xBF"), 1, false},
    /* surrogates, alone and as a pair */
    {BYTES("\xED\xA0\x80"), 1, false},
    {BYTES("\xED\xBF\xBF"), 1, false},
    {BYTES("ok \xED\xA0\xBD\xED\xB8\x80"), 4, false},
    /* beyond U+10FFFF, the old five and six byte forms, and never-bytes */
    {BYTES("\xF4\x90\x80\x80"), 1, false},
    {BYTES("\xF5\x80\x80\x80"), 0, false},
    {BYTES("\xF8\x88\x80\x80\x80"), 0, false},
    {BYTES("\xFC\x84\x80\x80\x80\x80"), 0, false},
    {BYTES("\xFE"), 0, false},
    {BYTES("text\xFF"), 4, false},
    /* cut short: nothing is wrong yet */
    {BYTES("\xC3"), 1, false},
    {BYTES("\xE0\xA0"), 2, false},
    {BYTES("\xED\x9F"), 2, false},
    {BYTES("\xF0\x90\x80"), 3, false},
    {BYTES("\xF4\x8F\xBF"), 3, false},
    {BYTES("eight by\xF4"), 9, false},
    /* behind and across words of ASCII */
    {BYTES("sixteen letters!\x80"), 16, false},
    {BYTES("seven..\xE2\x82\xAC and more letters \xC0\x80"), 28, false},
    {BYTES("caf\xC3\xA9 \xE2\x82\xAC 12,50 \xF0\x9F\x98\x80 merci"), 26, true},
};

enum { CASES = sizeof cases / sizeof *cases };

static void the_first_impossible_byte_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        const uint8_t *data = cases[i].data;
        const size_t len = cases[i].len;
        const verdict expected = {cases[i].at, cases[i].complete};

        assert_same(check(data, len), expected, data, len);
        assert_same(oracle(data, len), expected, data, len);
    }
}

static void the_verdict_is_the_same_however_the_text_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++)
        assert_right_however_cut(cases[i].data, cases[i].len);
}

static void masked_text_is_unmasked_whole_and_judged_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++)
        for (size_t cut = 0; cut <= cases[i].len; cut++)
            assert_right_unmasked(cases[i].data, cases[i].len, cut);
}

/* Each byte that is not ASCII, at each place among ASCII, at each alignment. */
static void one_bad_byte_is_found_wherever_it_is(void **state)
{
    (void)state;
    enum { LEN = 40 };
    uint8_t text[LEN + 8];

    memset(text, 'a', sizeof text);
    for (size_t align = 0; align < 8; align++) {
        uint8_t *p = text + align;
        for (size_t at = 0; at < LEN; at++) {
            for (unsigned byte = 0x80; byte < 256; byte++) {
                p[at] = (uint8_t)byte;
                assert_right(p, LEN);
                assert_right(p, at + 1);
            }
            p[at] = 'a';
        }
    }
}

/* Right and wrong pieces in a row, by a fixed recipe. */
static void random_texts_are_judged_right(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "a", "sixteen letters!", "seven..", "\xC3\xA9", "\xE2\x82\xAC",
        "\xF0\x9F\x98\x80", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF",
        "\xE2\x82", "\xF0\x9F", "\x80", "\xED\xA0\x80", "\xFF"
    };
    enum { PIECES = sizeof pieces / sizeof *pieces, RIGHT_PIECES = 9 };
    uint32_t random = 1;

    for (unsigned round = 0; round < 3000; round++) {
        uint8_t text[128] = {0};
        size_t len = 0;
        while (len < 40) {
            random = random * 1664525 + 1013904223;
            const unsigned dice = random >> 16;
            const char *piece = pieces[dice % 16 ? dice / 16 % RIGHT_PIECES
                                                 : dice / 16 % PIECES];
            memcpy(text + len, piece, strlen(piece));
            len += strlen(piece);
        }
        for (size_t end = 0; end <= len; end++)
            assert_right(text, end);
        if (round < 30)
            assert_right_however_cut(text, len);
    }
}

static void a_failed_check_can_be_called_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        uint8_t s = UPF_UTF8_START;
        for (int again = 0; again < 3; again++)
            assert_true(upf_utf8_check(&s, cases[i].data, cases[i].len) <=
                        cases[i].len);
    }
}

static void no_bytes_change_nothing(void **state)
{
    (void)state;
    uint8_t s = UPF_UTF8_START;

    assert_int_equal(upf_utf8_check(&s, NULL, 0), 0);
    assert_int_equal(s, UPF_UTF8_START);
    assert_int_equal(upf_utf8_check(&s, (const uint8_t *)"\xE2\x82", 2), 2);
    assert_int_not_equal(s, UPF_UTF8_START);
    assert_int_equal(upf_utf8_check(&s, NULL, 0), 0);
    assert_int_equal(upf_utf8_check(&s, (const uint8_t *)"\xAC", 1), 1);
    assert_int_equal(s, UPF_UTF8_START);
}

static void an_unfinished_code_point_is_counted(void **state)
{
    (void)state;
    static const struct {
        const uint8_t *data;
        size_t         len, unfinished;
    } ends[] = {
        {BYTES(""), 0},
        {BYTES("a"), 0},
        {BYTES("\xC3"), 1},
        {BYTES("\xC3\xA9"), 0},
        {BYTES("\xE2"), 1},
        {BYTES("\xE2\x82"), 2},
        {BYTES("\xE2\x82\xAC"), 0},
        {BYTES("\xF0"), 1},
        {BYTES("\xF0\x9F"), 2},
        {BYTES("\xF0\x9F\x98"), 3},
        {BYTES("\xF0\x9F\x98\x80"), 0},
        {BYTES("\xF0\x9F\x98\x80" "a"), 0},
        {BYTES("\xC3\xA9\xC3"), 1},
        {BYTES("abc\xE2\x82"), 2},
        {BYTES("\xE2\x82\xAC\xF4\x8F\xBF"), 3},
    };
    assert_int_equal(upf_utf8_incomplete(NULL, 0), 0);

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        uint8_t *exact = guard_begin(ends[i].len);
        memcpy(exact, ends[i].data, ends[i].len);
        assert_int_equal(upf_utf8_incomplete(exact, ends[i].len),
                         ends[i].unfinished);
        guard_free(exact, ends[i].len);
    }
}

/* A chunk cut there is valid, and cutting any later would not be. */
static void what_is_left_without_the_unfinished_part_is_valid(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        for (size_t len = 0; len <= cases[i].at; len++) {
            const uint8_t *data = cases[i].data;
            const size_t unfinished = upf_utf8_incomplete(data, len);

            assert_in_range(unfinished, 0, len < 3 ? len : 3);
            assert_true(check(data, len - unfinished).complete);
            for (size_t less = 0; less < unfinished; less++)
                assert_false(check(data, len - less).complete);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_one_and_two_bytes_are_judged_right),
        cmocka_unit_test(every_three_bytes_are_judged_right),
        cmocka_unit_test(four_bytes_are_judged_right),
        cmocka_unit_test(every_code_point_but_a_surrogate_is_text),
        cmocka_unit_test(the_first_impossible_byte_is_named),
        cmocka_unit_test(the_verdict_is_the_same_however_the_text_is_cut),
        cmocka_unit_test(masked_text_is_unmasked_whole_and_judged_the_same),
        cmocka_unit_test(one_bad_byte_is_found_wherever_it_is),
        cmocka_unit_test(random_texts_are_judged_right),
        cmocka_unit_test(a_failed_check_can_be_called_again),
        cmocka_unit_test(no_bytes_change_nothing),
        cmocka_unit_test(an_unfinished_code_point_is_counted),
        cmocka_unit_test(what_is_left_without_the_unfinished_part_is_valid),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
